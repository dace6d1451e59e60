"""The desk's keys as values, and their two formats.

The keeper has the ring of master keys (JSON), the front desk has month keys (one a line).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field, replace
from datetime import date

from iea_agent.domain import day_password
from iea_agent.domain.day_password import EVERYONE
from iea_agent.domain.exit_codes import FAILED, ExitCode

_FORMAT = "iea-desk/1"
_KID = "[!-~]{1,32}"


class DeskError(Exception):
    """A command cannot go on; the message is for a person."""

    def __init__(self, message: str, exit_code: ExitCode = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class KeyFormatError(DeskError):
    """A text that is no key of the desk, or a bad name for one."""


class KeyNotFound(DeskError):
    """No key for the day, the scope and the name that were asked for."""


@dataclass(frozen=True, slots=True)
class Password:
    """The password of one day, and the name of the key that made it."""

    day: date
    scope: str
    kid: str
    number: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class MonthKey:
    """The front desk's key: it gives the passwords of one month and nothing else."""

    month: str  # YYYY-MM
    key: bytes = field(repr=False)
    kid: str = ""
    scope: str = EVERYONE

    def derive_number(self, day: date) -> int:
        """Return the password of *day*, a day of this month."""
        return day_password.derive_number(self.key, self.scope, day)

    def to_line(self) -> str:
        """Return ``YYYY-MM:key``, the name of the master key and the scope."""
        return f"{self.month}:{self.key.hex()} {self.kid} {self.scope}".rstrip()


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The secret that all keys and passwords are derived from, and its name."""

    kid: str
    key: bytes = field(repr=False)

    def derive_month_key(self, day: date, scope: str) -> MonthKey:
        """Derive the key of the month of *day*."""
        key = day_password.derive_month_key(self.key, scope, day)
        return MonthKey(day.isoformat()[:7], key, self.kid, scope)

    def authenticator(self) -> hmac.HMAC:
        """Return a new HMAC for the desk's own unfinished files."""
        return hmac.new(self.key, f"{_FORMAT} partiel\0".encode(), hashlib.sha256)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The master keys, newest first, and the generation of their last register.

    Older keys stay: a PC that is offline has an old register and needs its passwords.
    """

    keys: tuple[MasterKey, ...]
    generation: int = 1

    def find_key(self, kid: str = "") -> MasterKey:
        """Return the key named *kid*, or the newest. Raises ``KeyNotFound``."""
        for key in self.keys:
            if kid in ("", key.kid):
                return key
        raise KeyNotFound(
            f"Aucune clé ne s’appelle « {kid} » ici ; il y a : {', '.join(key.kid for key in self.keys)}."
        )

    def rotate(self, key: MasterKey) -> KeyRing:
        """Return the ring with a newest *key*. Raises ``KeyFormatError`` (name taken)."""
        if any(key.kid == other.kid for other in self.keys):
            raise KeyFormatError(f"Une clé s’appelle déjà « {key.kid} ».")
        return replace(self, keys=(key, *self.keys), generation=self.generation + 1)

    def derive_password(self, day: date, scope: str, kid: str = "") -> Password:
        """Derive the password of *day*. Raises ``KeyNotFound``."""
        return MonthKeys((self.find_key(kid).derive_month_key(day, scope),)).derive_password(day, scope, kid)

    def to_text(self) -> str:
        """Return the text to save."""
        keys = [{"kid": key.kid, "cle": key.key.hex()} for key in self.keys]
        return json.dumps({"format": _FORMAT, "generation": self.generation, "cles": keys})


@dataclass(frozen=True, slots=True)
class MonthKeys:
    """The front desk's keys, in the order of their file."""

    keys: tuple[MonthKey, ...]

    def derive_password(self, day: date, scope: str, kid: str = "") -> Password:
        """Derive a password with the last suitable key. Raises ``KeyNotFound``."""
        month = day.isoformat()[:7]
        for key in reversed(self.keys):
            if key.month == month and key.scope == scope and kid in ("", key.kid):
                return Password(day, scope, key.kid, key.derive_number(day))
        asked = f"du mois {month}" + ("" if scope == EVERYONE else f" pour l’installation {scope}")
        named = f" nommée « {kid} »" if kid else ""
        raise KeyNotFound(
            f"La clé {asked}{named} n’est pas ici : demandez-la à la personne qui garde la clé maîtresse."
        )


def check_kid(kid: str) -> str:
    """Return *kid* if it is a valid name. Raises ``KeyFormatError``."""
    if not re.fullmatch(_KID, kid):
        raise KeyFormatError("Le nom d’une clé a 1 à 32 lettres ou chiffres, sans espace ni accent.")
    return kid


def choose_kid(ring: KeyRing, year: int) -> str:
    """Return the next free name, ``2026a`` to ``2026z``. Raises ``KeyFormatError``."""
    taken = {key.kid for key in ring.keys}
    for letter in "abcdefghijklmnopqrstuvwxyz":
        if (kid := f"{year}{letter}") not in taken:
            return kid
    raise KeyFormatError("Donnez un nom à la clé avec --kid.")


def parse_keys(text: str) -> KeyRing | MonthKeys:
    """Parse a ring or month keys. Raises ``KeyFormatError``, which quotes no *text*."""
    return _parse_ring(text) if text.lstrip().startswith("{") else _parse_month_keys(text)


def _parse_ring(text: str) -> KeyRing:
    try:
        document = json.loads(text)
        if document["format"] != _FORMAT or type(document["generation"]) is not int:
            raise ValueError
        keys = tuple(MasterKey(check_kid(key["kid"]), bytes.fromhex(key["cle"])) for key in document["cles"])
        if not keys or any(len(key.key) != 32 for key in keys) or not 1 <= document["generation"] <= 10**6:
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeyFormatError("Ce n’est pas un trousseau de clés maîtresses, ou il est abîmé.") from None
    return KeyRing(keys, document["generation"])


def _parse_month_keys(text: str) -> MonthKeys:
    keys = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(
            rf"(2[0-9]{{3}}-(?:0[1-9]|1[0-2])):([0-9a-fA-F]{{64}})(?: ({_KID})(?: ([!-~]{{1,100}}))?)?",
            line.strip(),
        )
        if not match:
            raise KeyFormatError(f"La ligne {number} n’est pas une clé du mois (« AAAA-MM:clé »).")
        keys.append(MonthKey(match[1], bytes.fromhex(match[2]), match[3] or "", match[4] or EVERYONE))
    if not keys:
        raise KeyFormatError("Ce fichier ne contient aucune clé.")
    return MonthKeys(tuple(keys))
