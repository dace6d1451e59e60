"""Server addresses: clean what was pasted, read it, and say in which way it is malformed.

The sheets that clerks copy from show the addresses between French quotation marks and glued to them (``https://impact-emploi.urssaf.fr«``),
so what is pasted carries « », no-break spaces and final punctuation. One old sheet has ``:80`` added, a newer one ``https://`` put before: both
together make ``https://…:80``, which is a likely real configuration and is named as such.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

OFFICIAL_AUTHENTICATION = "https://impact-emploi.urssaf.fr"
OFFICIAL_UPDATES = "https://impact-emploi.urssaf.fr/updates"

USUAL_PORTS = {"https": 443, "http": 80}
"""The port of a scheme where none is written (RFC 9110, sections 4.2.1 and 4.2.2)."""

MAXIMUM_LENGTH = 2000
_QUOTES_AND_BLANKS = "«»‹›“”„‘’\"'`<>()[]{}"
_FINAL_PUNCTUATION = ".,;:!?…/"
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):/{1,3}")
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
    """An address that cannot be used; *reason* says why."""

    def __init__(self, reason: Malformed) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """A server address that has been read: ``str()`` gives its canonical form, without a final slash."""

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
        """Whether it leads to this very machine: the only place where a key may travel in clear."""
        if self.host == "localhost" or self.host.endswith(".localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == USUAL_PORTS[self.scheme] else f":{self.port}")

    def __str__(self) -> str:
        return self.origin + self.path


def clean(pasted: str) -> str:
    """What was meant by *pasted*: without surrounding quotes, blanks, invisible characters and final punctuation.

    Characters inside the address are left as they are, so that a real mistake is still found and named by ``parse``.
    """
    text, before = pasted.strip(), None
    if len(text) > 4 * MAXIMUM_LENGTH:  # whatever was meant: ``parse`` says that it is too long
        return text
    while text != (text := _visible(text)):
        pass
    while text != before:
        before = text
        text = text.strip()
        # the brackets of an IPv6 literal are part of it
        around = _QUOTES_AND_BLANKS.replace("[]", "") if _IPV6.search(text) else _QUOTES_AND_BLANKS
        text = text.strip(around).strip()
        # and so is the punctuation of the scheme: « https:// » alone is an address without a host, not a host called https
        found = _SCHEME.match(text)
        start = found.end() if found else 0
        text = text[:start] + text[start:].rstrip(_FINAL_PUNCTUATION).rstrip()
    return text


def _visible(text: str) -> str:
    """*text* without invisible characters, in the compatibility form that turns look-alikes into plain letters (Unicode, NFKC)."""
    if text.isascii():  # nearly always: and then the tables of Unicode need not be loaded (1 MB)
        return "".join(c for c in text if c.isprintable() or c in "\t\n")
    import unicodedata

    text = "".join(c for c in text if unicodedata.category(c) not in ("Cf", "Cc") or c in "\t\n")
    return unicodedata.normalize("NFKC", text)


def secure_address(text: str) -> tuple[str, bool]:
    """*text* with https instead of http, or with https put before where no scheme was given; and whether an ``http://`` was changed."""
    found = _SCHEME.match(text)
    if found is None:
        return (f"https://{text}", False) if text else (text, False)
    if found.group(1).lower() == "http":
        return f"https://{text[found.end() :]}", True
    return text, False


def parse(text: str) -> Address:
    """Read a cleaned address. A missing scheme means https.

    Raises ``AddressError`` with the reason: the sentence is the caller's business.
    """
    if not text:
        raise AddressError(Malformed.EMPTY)
    if len(text) > MAXIMUM_LENGTH:
        raise AddressError(Malformed.TOO_LONG)
    if any(c.isspace() or not c.isprintable() for c in text):
        raise AddressError(Malformed.BLANK)
    found = _SCHEME.match(text)
    if found is None:
        text = f"https://{text}"
    elif found.group(1).lower() not in ("http", "https"):
        raise AddressError(Malformed.SCHEME)
    else:
        text = f"{found.group(1).lower()}://{text[found.end() :]}"
    try:
        parts = urlsplit(text)
    except ValueError:
        raise AddressError(Malformed.HOST) from None
    try:
        port = parts.port
    except ValueError:
        raise AddressError(Malformed.PORT) from None
    if port == 0 or parts.netloc.endswith(":"):
        raise AddressError(Malformed.PORT)
    if "@" in parts.netloc:
        raise AddressError(Malformed.CREDENTIALS)
    if parts.query or parts.fragment:
        raise AddressError(Malformed.QUERY)
    host = _host(parts.hostname or "")
    return Address(parts.scheme, host, port or USUAL_PORTS[parts.scheme], parts.path.rstrip("/"))


def _host(name: str) -> str:
    """The ASCII form of a host name (RFC 1123, RFC 5890), or the literal of an IP address."""
    # a zone (RFC 4007, section 11) means something on one machine only, and may hold anything
    if "%" in name:
        raise AddressError(Malformed.HOST)
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    ascii_name = name.lower() if name.isascii() else _ascii_name(name)
    labels = ascii_name.removesuffix(".").split(".")
    well_formed = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
    # a last label of digits only is a mistyped IPv4 address, never a name (RFC 3696, section 2)
    if (
        len(ascii_name) > 253
        or not all(well_formed.fullmatch(label) for label in labels)
        or labels[-1].isdigit()
    ):
        raise AddressError(Malformed.HOST)
    return ascii_name


def _ascii_name(name: str) -> str:
    """An international name as the name service knows it (RFC 5890)."""
    import unicodedata

    # Python's codec is IDNA 2003 and would encode a forgotten « too; RFC 5892 knows letters, marks and digits only
    if not all(c.isascii() or unicodedata.category(c)[0] in "LMN" for c in name):
        raise AddressError(Malformed.HOST)
    try:
        return name.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise AddressError(Malformed.HOST) from None
