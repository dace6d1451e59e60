"""The keys as values, and how they are written: the keeper's ring of master keys (JSON), the front desk's month keys (one a line)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import date

from iea_agent.domain import day_password
from iea_agent.domain.day_password import EVERYONE

_FORMAT = "iea-desk/1"
_KID = "[!-~]{1,32}"


class KeyFormatError(ValueError):
    """What was read is no key of ours; the message is for a person."""


class KeyNotHere(LookupError):
    """There is no key for what is asked; the message is for a person."""


@dataclass(frozen=True, slots=True)
class Password:
    """The password of one day, and which key made it."""

    day: date
    scope: str
    kid: str
    number: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class MonthKey:
    """What the front desk gets: it gives the passwords of one month and nothing else."""

    month: str  # YYYY-MM
    key: bytes = field(repr=False)
    kid: str = ""
    scope: str = EVERYONE

    def number(self, day: date) -> int:
        """The password of *day*, a day of this month."""
        return day_password.derive_number(self.key, self.scope, day)

    def to_line(self) -> str:
        """``YYYY-MM:key``, then the name of the master key and the scope."""
        return f"{self.month}:{self.key.hex()} {self.kid} {self.scope}".rstrip()


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The secret that everything comes from, and its name."""

    kid: str
    key: bytes = field(repr=False)

    def month_key(self, day: date, scope: str) -> MonthKey:
        """The key of the month that *day* is in."""
        key = day_password.derive_month_key(self.key, scope, day)
        return MonthKey(day.isoformat()[:7], key, self.kid, scope)


@dataclass(frozen=True, slots=True)
class Ring:
    """The master keys, newest first, and the generation of the last register made with them.

    Older keys stay: a PC that is offline keeps its register, and is helped with the password of that one.
    """

    keys: tuple[MasterKey, ...]
    generation: int = 1

    def key(self, kid: str = "") -> MasterKey:
        """The key named *kid*, without a name the newest. Raises ``KeyNotHere``."""
        for key in self.keys:
            if kid in ("", key.kid):
                return key
        raise KeyNotHere(
            f"Aucune clé ne s'appelle « {kid} » ici ; il y a : {', '.join(key.kid for key in self.keys)}."
        )

    def rotated(self, key: MasterKey) -> Ring:
        """With *key* as the newest, and the next generation. Raises ``KeyFormatError`` where its name is taken."""
        if any(key.kid == other.kid for other in self.keys):
            raise KeyFormatError(f"Une clé s'appelle déjà « {key.kid} ».")
        return replace(self, keys=(key, *self.keys), generation=self.generation + 1)

    def password(self, day: date, scope: str, kid: str = "") -> Password:
        """The password of *day*. Raises ``KeyNotHere``."""
        return MonthKeys((self.key(kid).month_key(day, scope),)).password(day, scope, kid)

    def to_text(self) -> str:
        """What is kept."""
        keys = [{"kid": key.kid, "cle": key.key.hex()} for key in self.keys]
        return json.dumps({"format": _FORMAT, "generation": self.generation, "cles": keys})


@dataclass(frozen=True, slots=True)
class MonthKeys:
    """The front desk's keys, in the order of their file."""

    keys: tuple[MonthKey, ...]

    def password(self, day: date, scope: str, kid: str = "") -> Password:
        """The password of *day*; where two keys would do, that of the last line. Raises ``KeyNotHere``."""
        month = day.isoformat()[:7]
        for key in reversed(self.keys):
            if key.month == month and key.scope == scope and kid in ("", key.kid):
                return Password(day, scope, key.kid, key.number(day))
        asked = f"du mois {month}" + ("" if scope == EVERYONE else f" pour l'installation {scope}")
        named = f" nommée « {kid} »" if kid else ""
        raise KeyNotHere(
            f"La clé {asked}{named} n'est pas ici : demandez-la à la personne qui garde la clé maîtresse."
        )


def check_kid(kid: str) -> str:
    """*kid* if a key may be called so. Raises ``KeyFormatError``."""
    if not re.fullmatch(_KID, kid):
        raise KeyFormatError("Le nom d'une clé a 1 à 32 lettres ou chiffres, sans espace ni accent.")
    return kid


def next_kid(ring: Ring, year: int) -> str:
    """A name for the next key: ``2026a``, then ``2026b``… Raises ``KeyFormatError`` after the 26th of a year."""
    taken = {key.kid for key in ring.keys}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if (kid := f"{year}{letter}") not in taken:
            return kid
    raise KeyFormatError("Donnez un nom à la clé avec --kid.")


def read_keys(text: str) -> Ring | MonthKeys:
    """The keys that *text* holds, of either kind. Raises ``KeyFormatError``, which quotes nothing of it."""
    return _read_ring(text) if text.lstrip().startswith("{") else _read_month_keys(text)


def _read_ring(text: str) -> Ring:
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT or type(document["generation"]) is not int:
            raise ValueError
        keys = tuple(MasterKey(check_kid(key["kid"]), bytes.fromhex(key["cle"])) for key in document["cles"])
        if not keys or any(len(key.key) != 32 for key in keys) or not 1 <= document["generation"] <= 10**6:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyFormatError("Ce n'est pas un trousseau de clés maîtresses, ou il est abîmé.") from None
    return Ring(keys, document["generation"])


def _read_month_keys(text: str) -> MonthKeys:
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = re.fullmatch(
            rf"(2[0-9]{{3}}-(?:0[1-9]|1[0-2])):([0-9a-fA-F]{{64}})(?: ({_KID})(?: ([!-~]{{1,100}}))?)?",
            line.strip(),
        )
        if not found:
            raise KeyFormatError(f"La ligne {number} n'est pas une clé du mois (« AAAA-MM:clé »).")
        keys.append(MonthKey(found[1], bytes.fromhex(found[2]), found[3] or "", found[4] or EVERYONE))
    if not keys:
        raise KeyFormatError("Ce fichier ne contient aucune clé.")
    return MonthKeys(tuple(keys))
