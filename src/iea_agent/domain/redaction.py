"""What a support file hides, and by what: the same thing by the same placeholder.

Secrets are hidden at each level, and what looks like the number of a person or of a bank account. The *normal* level also hides what names the
person, the PC and its place in the network; the *strict* level hides all addresses and names of machines but those of the two servers.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from .secret_spellings import blot_tokens, make_blotter
from .support_report import Level

HIDDEN = "[masqué]"
_PLACEHOLDER = re.compile(r"\[[a-zé]{2,20}(?:-[a-zé]{2,20})?(?:-[0-9]{1,4})?\]")
_SHORTEST_NAME = 3
"""Characters of the shortest name that is hidden: a shorter one is part of too many words."""
_COMMON_NAMES = frozenset(
    {
        *(
            "admin",
            "administrateur",
            "administrator",
            "agent",
            "default",
            "iea",
            "impact",
            "emploi",
            "invité",
            "localhost",
        ),
        *("pc", "poste", "public", "root", "serveur", "user", "users", "utilisateur", "windows"),
    }
)
"""Names that tell nothing of a person, and words of every log."""
# sex, year, month, department, commune, order, and perhaps the check digits: 13 or 15, blanks or not
_PERSON_NUMBER = r"(?<![\w.])[12][ .]?\d\d[ .]?(?:0[1-9]|1[0-2]|[2-9]\d)[ .]?(?:\d\d|2[AB])[ .]?\d{3}[ .]?\d{3}(?:[ .]?\d\d)?(?![\w.])"
_BANK_ACCOUNT = r"(?<!\w)[A-Z]{2}\d\d(?:[ ]?[0-9A-Z]{4}){2,7}(?:[ ]?[0-9A-Z]{1,3})?(?!\w)"
_PERSONAL = re.compile(f"{_PERSON_NUMBER}|{_BANK_ACCOUNT}")
_MAIL = r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
_PHONE = r"(?<![\w.:-])(?:0[1-9]|\+33[ .]?[1-9])(?:[ .]?\d\d){4}(?![\w.:-])"
_MAC = r"(?<![\w:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:-])"
_UUID = r"(?<!\w)[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?!\w)"
_IPV4 = r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\w)"
_IPV6 = r"(?<![\w:.])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:]|\.\d)"
_HOST = r"(?<![\w.@-])[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}(?![\w-])"
_NORMAL = f"(?P<uuid>{_UUID})|(?P<mac>{_MAC})|(?P<courriel>{_MAIL})|(?P<telephone>{_PHONE})|(?P<adresse>{_IPV4}|{_IPV6})"
_NAMED = {
    Level.NORMAL: re.compile(_NORMAL),
    Level.STRICT: re.compile(f"{_NORMAL}|(?P<machine>{_HOST})"),
}
_UUID_ALONE = re.compile(f"({_UUID})")
_FILE_ENDINGS = frozenset(
    {"py", "exe", "dll", "log", "json", "toml", "txt", "pac", "dat", "jsonl", "zip", "pem", "crt", "msi"}
)


@dataclass(frozen=True, slots=True)
class PrivateNames:
    """What names this person and this PC.

    *secrets* are hidden at each level. *homes* are the forms of the home folder. *words* are what the person or the
    administrator wants hidden. *addresses* are those of this PC. *public_hosts* stay readable at each level.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)
    homes: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    machines: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    public_hosts: tuple[str, ...] = ()


def has_placeholder(text: str) -> bool:
    """Return whether something was hidden in *text*."""
    return _PLACEHOLDER.search(text) is not None


class Redaction:
    """The redaction of one file: a thing gets its placeholder when it is met first."""

    def __init__(self, names: PrivateNames, level: Level) -> None:
        self._level = level
        self._blot = make_blotter(names.secrets, HIDDEN)
        self._own_addresses = frozenset(names.addresses)
        self._public = frozenset(host.lower() for host in names.public_hosts)
        self._numbers: dict[tuple[str, str], int] = {}
        self._replace_names = _compile_names(names)

    def hide(self, text: str) -> str:
        """Return *text* as it may go into the file; hashes in it stay."""
        text = _PERSONAL.sub(HIDDEN, self._blot(text))
        if self._level is Level.NONE:
            return text
        return _NAMED[self._level].sub(self._hide_match, self._replace_names(text))

    def hide_foreign(self, text: str) -> str:
        """Return the same, also without what looks like a token: for logs and details."""
        parts = _UUID_ALONE.split(text)
        # a UUID looks like a token, and has its own placeholder
        parts[::2] = [blot_tokens(part, HIDDEN) for part in parts[::2]]
        return self.hide("".join(parts))

    def hide_values(self, value: object) -> object:
        """Return a JSON *value* with each text in it hidden, names of fields excepted."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, dict):
            return {name: self.hide_values(inner) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.hide_values(inner) for inner in value]
        return value

    def _hide_match(self, match: re.Match[str]) -> str:
        kind, text = match.lastgroup or "", match[0]
        if kind == "adresse" and not self._is_private_address(text):
            return text
        if kind == "machine" and not self._is_private_host(text):
            return text
        if kind == "courriel" and text.rpartition("@")[2].lower() in self._public:
            return text
        number = self._numbers.setdefault(
            (kind, text.lower()), 1 + sum(each == kind for each, _ in self._numbers)
        )
        return f"[{kind}-{number}]"

    def _is_private_address(self, text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            # a version, or a time of day
            return False
        if address.is_loopback or address.is_unspecified:
            return False
        return (
            self._level is Level.STRICT
            or address.is_private
            or address.is_link_local
            or str(address) in self._own_addresses
        )

    def _is_private_host(self, text: str) -> bool:
        """Return whether a name is one of a machine, and none of the servers'."""
        name = text.lower()
        ending = name.rpartition(".")[2]
        if ending in _FILE_ENDINGS or not ending.isalpha():
            return False
        return not any(name == host or name.endswith(f".{host}") for host in self._public)


def _compile_names(names: PrivateNames) -> Callable[[str], str]:
    """Return what replaces the names of the person and of the PC."""
    places: dict[str, str] = {}
    patterns = []
    for placeholder, texts in (
        ("[dossier-personnel]", sorted(_spell_folders(names.homes), key=len, reverse=True)),
        ("[texte-masqué]", _choose_names(names.words)),
        ("[ordinateur]", _choose_names(names.machines)),
        ("[utilisateur]", _choose_names(names.users)),
    ):
        for text in texts:
            places.setdefault(text.lower(), placeholder)
            # a folder ends at a separator, a name is a whole word
            patterns.append(rf"(?<![^\W_]){re.escape(text)}(?![^\W_])")
    if not patterns:
        return lambda text: text
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda text: pattern.sub(lambda match: places[match[0].lower()], text)


def _choose_names(names: Iterable[str]) -> list[str]:
    useful = {name.strip() for name in names if len(name.strip()) >= _SHORTEST_NAME}
    return sorted((name for name in useful if name.lower() not in _COMMON_NAMES), key=len, reverse=True)


def _spell_folders(homes: Iterable[str]) -> Iterator[str]:
    """Yield each folder as texts write it: with single, doubled or turned separators."""
    for home in homes:
        bare = home.rstrip("\\/")
        if len(bare) < _SHORTEST_NAME or bare.lower() in ("/root",):
            continue
        yield bare
        yield bare.replace("\\", "\\\\")
        yield bare.replace("\\", "\\\\\\\\")
        yield bare.replace("\\", "/")
