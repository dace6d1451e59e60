"""Server addresses: clean pasted text, parse it, and say why it cannot be used.

The sheets that clerks copy from print the addresses between French quotation marks, without a space (``https://impact-emploi.urssaf.fr«``).
So pasted text has « », no-break spaces and final punctuation. An old sheet adds ``:80``, a newer one puts ``https://`` before: together they
make ``https://…:80``, which real installations have.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from urllib.parse import SplitResult, urlsplit

OFFICIAL_AUTHENTICATION = "https://impact-emploi.urssaf.fr"
OFFICIAL_UPDATES = "https://impact-emploi.urssaf.fr/updates"

USUAL_PORTS = {"https": 443, "http": 80}
"""The port if an address has none (RFC 9110, sections 4.2.1 and 4.2.2)."""

MAXIMUM_LENGTH = 2000
_MOST_LAYERS = 20
"""How often quotes, blanks and slashes around an address are removed: a pasted one has a few in turn."""
_LONGEST_NAME = 253
"""Characters of a host's name (RFC 1035, section 2.3.4, without the lengths of its labels)."""
_QUOTES_AND_BLANKS = "«»‹›“”„‘’\"'`<>()[]{}"
_FINAL_PUNCTUATION = ".,;:!?…/"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):/{1,3}")
_LOOKALIKES = str.maketrans("\\\u2044\u2215\u2571\u3002\u2010\u2011\u2012\u2013\u2014\u2212", "////.------")
"""Characters that a word processor or a foreign keyboard gives for a slash, a dot or a hyphen, none of which an address can have."""
_TYPED_SCHEME = re.compile(r"([A-Za-z]{3,6})([\s:;.,/]+)", re.IGNORECASE)
_SOUND_SCHEME = re.compile(r"https?://[^\s:;.,/]", re.IGNORECASE)
_INNER_WWW = re.compile(r"www\.(?=https?[:;/])", re.IGNORECASE)
_LABEL = re.compile(r"^[^/?#@]{1,60}[\s:=(<]+(?=https?://)", re.IGNORECASE)
"""What stands before a pasted address: « Adresse : »."""
_FINAL_BLANK = re.compile(r"(?:%(?:20|0[9AD]|C2%A0)|&(?:nbsp|#160);?)$", re.IGNORECASE)
_LONGEST_BLANK = len("%C2%A0")
"""A blank at the end as a browser or a web page writes it."""
_LEADING_SLASHES = re.compile(r"^[:;]?/+")
_LIKE_IPV6 = re.compile(r"[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
_PORT_AFTER_COMMA = re.compile(r"(?<=[A-Za-z])[;,]([0-9]{2,5})$")
_COMMA = re.compile(r"(?<=[A-Za-z0-9]),(?=[A-Za-z])")
_DOTS = re.compile(r"\.{2,}")
_IPV6 = re.compile(r"\[[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(%\w+)?\]")


class Malformed(Enum):
    """Why an address cannot be used."""

    EMPTY = "empty"
    TOO_LONG = "too-long"
    SCHEME = "scheme"  # neither http nor https
    BLANK = "blank"  # a space or a control character inside
    HOST = "host"  # no server name, or one that cannot exist
    PORT = "port"  # not a number from 1 to 65535
    CREDENTIALS = "credentials"  # user:password@ in an address
    QUERY = "query"  # ?… or #… have no place here


class AddressError(ValueError):
    """An address that cannot be used; *kind* says why."""

    def __init__(self, kind: Malformed) -> None:
        super().__init__(kind.value)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed server address; ``str()`` gives it without a final slash."""

    scheme: str
    host: str  # ASCII, lower case; an IPv6 literal without its brackets
    port: int
    path: str

    @property
    def secure(self) -> bool:
        """Whether it is https."""
        return self.scheme == "https"

    @property
    def loopback(self) -> bool:
        """Whether it leads to this machine: only there a key may be sent in clear."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def is_on_the_internet(self) -> bool:
        """Whether the host is a name, or a number, of the whole internet."""
        try:
            return ipaddress.ip_address(self.host).is_global
        except ValueError:
            return is_public_name(self.host)

    @property
    def origin(self) -> str:
        """Scheme, host and port; without the port if it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == USUAL_PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path


_LOCAL_SUFFIXES = frozenset(
    (
        *("arpa", "corp", "home", "internal", "intranet", "invalid", "lan"),
        *("local", "localdomain", "localhost", "onion", "private", "test"),
    )
)
"""Last labels of names that the internet's name service does not have (RFC 6761, RFC 6762, RFC 8375, RFC 9476), or that routers and offices give."""


def is_public_name(host: str) -> bool:
    """Return whether *host* is a name of the internet, not one of a home or an office."""
    labels = host.rstrip(".").split(".")
    return (
        len(labels) > 1 and labels[-1] not in _LOCAL_SUFFIXES and not labels[-1].isdigit() and ":" not in host
    )


_NOWHERE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4"),
        *("::/128", "::1/128", "100::/64", "2001:db8::/32"),
    )
)
"""Networks in which no server of the internet can be (RFC 6890)."""
_BLOCK_PAGES = frozenset(f"146.112.61.{last}" for last in range(104, 111)) | {"208.91.112.55", "90.85.16.52"}
"""Addresses that stand for "blocked": Cisco Umbrella, FortiGuard, the French Ministry of the Interior."""


def is_nowhere(number: str) -> bool:
    """Return whether the IP address *number* means that a name is blocked."""
    try:
        address = ipaddress.ip_address(number.partition("%")[0])
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return str(address) in _BLOCK_PAGES or any(address in network for network in _NOWHERE)


def is_same_owner(host: str, other: str) -> bool:
    """Return whether two hosts seem to belong to one owner.

    They do if their domains are equal (``www.a.fr``, ``b.a.fr``) or differ in the ending only (``a.fr``, ``a.org``).
    """
    return _owner(host) == _owner(other)


def _owner(host: str) -> str:
    """Return the last label but one of a host name, or an IP address as it is."""
    labels = host.lower().rstrip(".").split(".")
    return host if ":" in host or labels[-1].isdigit() else labels[-2:][0]


def clean(pasted: str) -> str:
    """Return *pasted* without surrounding quotes, blanks and final punctuation.

    Invisible characters are removed too. Other characters inside the address stay, so that ``parse`` still finds a real mistake.
    """
    text = pasted.strip()
    # ``parse`` says that it is too long; plain letters may be more of them
    while len(text) <= 4 * MAXIMUM_LENGTH and text != (text := _remove_invisible(text)):
        pass
    if len(text) > 4 * MAXIMUM_LENGTH:
        return text
    for _ in range(_MOST_LAYERS):
        before = text
        text = text.strip()
        # the brackets of an IPv6 literal are part of it
        around = _QUOTES_AND_BLANKS.replace("[]", "") if _IPV6.search(text) else _QUOTES_AND_BLANKS
        text = text.strip(around + string.whitespace).strip()
        # so is the punctuation of the scheme: « https:// » alone is an address without a host, not a host called https
        scheme = _SCHEME.match(text)
        start = scheme.end() if scheme else 0
        text = text[:start] + text[start:].rstrip(_FINAL_PUNCTUATION + around + string.whitespace).rstrip()
        text = _mend(text)
        if text == before:
            break
    return text


def _mend(text: str) -> str:
    """Return *text* with the mistakes of typing mended that have one right form only.

    They are those of the scheme and what stands before it, of slashes, dots, commas and a port typed twice.
    """
    text = text.translate(_LOOKALIKES)
    while blank := _FINAL_BLANK.search(text, max(len(text) - _LONGEST_BLANK, 0)):
        text = text[: blank.start()]
    if _INNER_WWW.match(text):
        text = text[len("www.") :]
    if text[:4].lower() == "http":
        start = re.sub("%3A", ":", text[:20], flags=re.IGNORECASE)
        text = re.sub("%2F", "/", start, flags=re.IGNORECASE) + text[20:]
    if "](" in text:  # a link of Markdown
        text = text.rpartition("](")[2]
    words = text.split()
    half, odd = divmod(len(text), 2)
    if len(set(words)) == 1 and len(words) > 1:
        text = words[0]
    elif not odd and text[:half] == text[half:] and _TYPED_SCHEME.match(text):
        text = text[:half]
    text = _LABEL.sub("", text, count=1)
    head, rest = _split_scheme(text)
    if not rest:
        return text
    authority, slash, path = rest.partition("/")
    return head + _mend_authority(authority, before_path=bool(slash)) + slash + path.lstrip("/")


def _split_scheme(text: str) -> tuple[str, str]:
    """Return the scheme with « :// », "" if there is none, and what follows it."""
    rest = text
    schemes: list[str] = []
    while typed := _TYPED_SCHEME.match(rest):
        scheme = _recognise_scheme(
            typed[1].lower().replace("xx", "tt"), typed[2], after_another=bool(schemes)
        )
        if scheme is None or (
            not typed[2].strip("/:;") and "/" not in typed[2] and rest[typed.end() :][:1].isdigit()
        ):
            break
        schemes.append(scheme)
        rest = (
            rest[typed.end() :].removeprefix("www.")
            if _INNER_WWW.match(rest, typed.end())
            else rest[typed.end() :]
        )
    if not schemes:
        foreign = _SCHEME.match(text)
        is_foreign = foreign is not None and "." not in foreign[1]
        return (text, "") if is_foreign else ("", _LEADING_SLASHES.sub("", text))
    if not rest or (len(schemes) == 1 and _SOUND_SCHEME.match(text)):
        return text[: len(text) - len(rest)], rest
    # one of them is enough to want a secure connection
    return ("https://" if "https" in schemes else "http://"), rest


def _recognise_scheme(word: str, separators: str, *, after_another: bool) -> str | None:
    """Return the scheme that *word* before *separators* means, None if unsure."""
    if not set(separators) & set(":;/"):
        return None
    if word in USUAL_PORTS:
        return word
    if "//" not in separators and (after_another or not {":", "/"} <= set(separators)):
        return None
    near = [scheme for scheme in USUAL_PORTS if _is_near(word, scheme)]
    swapped = [scheme for scheme in near if sorted(word) == sorted(scheme)]
    return (swapped or near)[0] if 1 in (len(swapped), len(near)) else None


def _is_near(word: str, right: str) -> bool:
    """Return whether one letter is missing, doubled, wrong or swapped with the next."""
    short, long = sorted((word, right), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(long) - len(short) == 1:
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2][::-1] == long[at : at + 2] and short[at + 2 :] == long[at + 2 :]
    return len(long) == len(short) and (swapped or short[at + 1 :] == long[at + 1 :])


def _mend_authority(text: str, *, before_path: bool) -> str:
    """Return host and port with dots for commas, and the port once."""
    if _LIKE_IPV6.fullmatch(text) or set(text) & set("@[]?# "):
        return text
    text = _PORT_AFTER_COMMA.sub(r":\1", text)
    host, *ports = text.split(":")
    if not host.replace(".", "").isdigit():
        host = _DOTS.sub(".", _COMMA.sub(".", host)).removeprefix(".")
    typed = [port for port in ports if port]
    if len(set(typed)) == 1:
        return f"{host}:{typed[0]}"
    if not typed and (before_path or not ports):
        return host
    return ":".join((host, *ports))


def _remove_invisible(text: str) -> str:
    """Return *text* without invisible characters, with plain letters (NFKC)."""
    if text.isascii():  # nearly always; the tables of Unicode (1 MB) need not be loaded
        return "".join(c for c in text if c.isprintable() or c in "\t\n")
    import unicodedata

    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c in "\t\n")
    return unicodedata.normalize("NFKC", text)


def secure_address(text: str) -> tuple[str, bool]:
    """Return *text* with https for http or no scheme, and whether http was replaced."""
    scheme = _SCHEME.match(text)
    if scheme is None:
        return (f"https://{text}", False) if text else (text, False)
    if scheme.group(1).lower() == "http":
        return f"https://{text[scheme.end() :]}", True
    return text, False


_RULES: tuple[tuple[Callable[[str], object], Malformed], ...] = (
    (lambda text: not text, Malformed.EMPTY),
    (lambda text: len(text) > MAXIMUM_LENGTH, Malformed.TOO_LONG),
    (lambda text: any(c.isspace() or not c.isprintable() for c in text), Malformed.BLANK),
    (lambda text: _scheme(text) not in USUAL_PORTS, Malformed.SCHEME),
)
"""What is checked before the address is split: the first rule that matches decides."""

_SPLIT_RULES: tuple[tuple[Callable[[SplitResult], object], Malformed], ...] = (
    (lambda parts: _port(parts) == 0 or parts.netloc.endswith(":"), Malformed.PORT),
    (lambda parts: "@" in parts.netloc, Malformed.CREDENTIALS),
    (lambda parts: parts.query or parts.fragment, Malformed.QUERY),
)
"""What is checked afterwards."""


def parse(text: str) -> Address:
    """Parse a cleaned address; https without a scheme. Raises ``AddressError``."""
    for is_broken, kind in _RULES:
        if is_broken(text):
            raise AddressError(kind)
    scheme = _SCHEME.match(text)
    try:
        parts = urlsplit(f"{_scheme(text)}://{text[scheme.end() if scheme else 0 :]}")
    except ValueError:
        raise AddressError(Malformed.HOST) from None
    for is_wrong, kind in _SPLIT_RULES:
        if is_wrong(parts):
            raise AddressError(kind)
    host = _normalize_host(parts.hostname or "")
    return Address(parts.scheme, host, _port(parts), parts.path.rstrip("/"))


def _scheme(text: str) -> str:
    """Return the scheme in lower case, https if there is none."""
    scheme = _SCHEME.match(text)
    return scheme.group(1).lower() if scheme else "https"


def _port(parts: SplitResult) -> int:
    """Return the port, the usual one if there is none, 0 if it is no valid number."""
    try:
        return USUAL_PORTS[parts.scheme] if parts.port is None else parts.port
    except ValueError:
        return 0


def _normalize_host(name: str) -> str:
    """Return a host name in ASCII (RFC 1123, RFC 5890), or an IP address."""
    # a zone (RFC 4007, section 11) means something on one machine only, and may contain anything;
    # Python's codec for international names takes the square of their length in time
    if "%" in name or len(name) > _LONGEST_NAME:
        raise AddressError(Malformed.HOST)
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    ascii_name = name.lower() if name.isascii() else _ascii_name(name)
    labels = ascii_name.removesuffix(".").split(".")
    label_form = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
    well_formed = len(ascii_name) <= _LONGEST_NAME and all(label_form.fullmatch(label) for label in labels)
    # a last label of digits only is a mistyped IPv4 address, never a name (RFC 3696, section 2)
    if not well_formed or labels[-1].isdigit():
        raise AddressError(Malformed.HOST)
    return ascii_name


def _ascii_name(name: str) -> str:
    """Return an international name in the ASCII form of the name service (RFC 5890)."""
    import unicodedata

    # Python's codec (IDNA 2003) would encode a remaining « too; RFC 5892 allows letters, marks and digits only
    if not all(c.isascii() or unicodedata.category(c)[0] in "LMN" for c in name):
        raise AddressError(Malformed.HOST)
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise AddressError(Malformed.HOST) from None
