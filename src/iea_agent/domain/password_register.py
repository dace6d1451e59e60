"""The register of passwords of the day: one salted slow hash for each day.

It is public: no password can be computed from it. Its file is one line of JSON.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta

from .day_password import EVERYONE, SCHEME, encode_number
from .state_values import LARGEST_GENERATION, parse_count


@dataclass(frozen=True, slots=True)
class Kdf:
    """The cost of scrypt (RFC 7914): it takes 128·n·r bytes of memory."""

    n: int = 2**16
    r: int = 8
    p: int = 1


STRONGEST = Kdf(2**17, 8, 2)
"""A higher cost could keep an old PC busy for seconds: it is refused."""
WEAKEST = Kdf(2**14, 8, 1)
"""A lower cost would give the passwords of the next years away to a stolen PC."""

MOST_DAYS = 7400
"""Days that one register may cover: twenty years."""
_DIGEST_LENGTH = 16
_SALT_LENGTH = 16
# characters of the file
_LARGEST_TEXT = 200_000
_FIELDS = {"format", "kid", "portee", "generation", "premier_jour", "nb_jours", "sel", "kdf", "empreintes"}


class RegisterError(ValueError):
    """A register that cannot be used; the message is for a log."""


@dataclass(frozen=True, slots=True)
class Register:
    """One hash for each day; *kid* names the master key, *digests* are 16 bytes a day."""

    kid: str
    scope: str
    generation: int
    first: date
    salt: bytes
    kdf: Kdf
    digests: bytes = field(repr=False)

    @property
    def days(self) -> int:
        """How many days it covers."""
        return len(self.digests) // _DIGEST_LENGTH

    @property
    def last(self) -> date:
        """The last day it covers."""
        return self.first + timedelta(days=self.days - 1)

    def remaining(self, today: date) -> int:
        """Return how many days it covers after *today*; 0 or less if it has ended."""
        return (self.last - today).days

    def digest_of(self, day: date) -> bytes | None:
        """Return the hash of *day*, None if the register does not cover it."""
        at = (day - self.first).days * _DIGEST_LENGTH
        return self.digests[at : at + _DIGEST_LENGTH] if 0 <= at < len(self.digests) else None

    def to_text(self) -> str:
        """Return the text of its file."""
        document = {
            "format": SCHEME,
            "kid": self.kid,
            "portee": self.scope,
            "generation": self.generation,
            "premier_jour": self.first.isoformat(),
            "nb_jours": self.days,
            "sel": base64.b64encode(self.salt).decode(),
            "kdf": {"nom": "scrypt", **asdict(self.kdf), "dklen": _DIGEST_LENGTH},
            "empreintes": base64.b64encode(self.digests).decode(),
        }
        return json.dumps(document, separators=(",", ":"))


def hash_number(number: int, kid: str, scope: str, day: date, salt: bytes, kdf: Kdf) -> bytes:
    """Return the hash of *number* for *day*. Slow: 0.2 to 1 s and 64 MiB."""
    return hashlib.scrypt(
        encode_number(number),
        salt="\0".join((SCHEME, kid, scope, day.isoformat(), "")).encode() + salt,
        n=kdf.n,
        r=kdf.r,
        p=kdf.p,
        # OpenSSL's own limit of 32 MiB is too low
        maxmem=128 * kdf.r * (kdf.n + kdf.p + 2) + 2**20,
        dklen=_DIGEST_LENGTH,
    )


def select_register(
    registers: Iterable[Register], installation: str = "", least_generation: int = 1
) -> Register | None:
    """Return the register of the highest generation, None if none is usable.

    Usable are registers for everyone or for *installation*, of *least_generation* at
    least (the highest that this PC has held). Of two of one generation, the first.
    """
    usable = (
        register
        for register in registers
        if register.scope in (EVERYONE, installation) and register.generation >= least_generation
    )
    return max(usable, key=lambda register: register.generation, default=None)


def parse_generation(document: Mapping[str, object]) -> int:
    """Parse the state file of the highest generation so far. Raises ``ValueError``."""
    return parse_count(document, "generation", 1, LARGEST_GENERATION)


def parse_register(text: str, weakest: Kdf = WEAKEST) -> Register:
    """Parse a register's file, of *weakest* cost at least. Raises ``RegisterError``."""
    if len(text) > _LARGEST_TEXT:
        raise RegisterError(f"more than {_LARGEST_TEXT} characters")
    try:
        document = json.loads(text, object_pairs_hook=_refuse_duplicates)
    except RecursionError:
        raise RegisterError("nested too deeply") from None
    except ValueError as error:
        raise RegisterError(f"not JSON: {error}") from None
    if not isinstance(document, dict) or set(document) != _FIELDS or document["format"] != SCHEME:
        raise RegisterError(f"not a document of {SCHEME}")
    days = _parse_integer(document, "nb_jours", 1, MOST_DAYS)
    digests = _parse_bytes(document, "empreintes", days * _DIGEST_LENGTH)
    return Register(
        kid=_parse_name(document, "kid", 32),
        scope=_parse_name(document, "portee", 100),
        generation=_parse_integer(document, "generation", 1, LARGEST_GENERATION),
        first=_parse_first_day(document["premier_jour"], days),
        salt=_parse_bytes(document, "sel", _SALT_LENGTH),
        kdf=_parse_kdf(document["kdf"], weakest),
        digests=digests,
    )


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a name stands twice")
    return document


def _parse_integer(document: dict[str, object], name: str, least: int, most: int) -> int:
    value = document[name]
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RegisterError(f"{name}: a whole number from {least} to {most} expected")
    return value


def _parse_name(document: dict[str, object], name: str, longest: int) -> str:
    value = document[name]
    if not isinstance(value, str) or not re.fullmatch(f"[!-~]{{1,{longest}}}", value):
        raise RegisterError(f"{name}: 1 to {longest} printable ASCII characters expected")
    return value


def _parse_bytes(document: dict[str, object], name: str, length: int) -> bytes:
    value = document[name]
    try:
        data = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        data = b""
    if len(data) != length or base64.b64encode(data).decode() != value:
        raise RegisterError(f"{name}: {length} bytes in base64 expected")
    return data


def _parse_first_day(value: object, days: int) -> date:
    if isinstance(value, str) and re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", value, re.ASCII):
        try:
            first = date.fromisoformat(value)
        except ValueError:
            first = date.max
        if first <= date(2999, 12, 31) - timedelta(days=days):
            return first
    raise RegisterError("premier_jour: a day such as 2026-01-01 expected")


def _parse_kdf(value: object, weakest: Kdf) -> Kdf:
    if (
        not isinstance(value, dict)
        or set(value) != {"nom", "n", "r", "p", "dklen"}
        or value["nom"] != "scrypt"
    ):
        raise RegisterError("kdf: scrypt with n, r, p and dklen expected")
    n = _parse_integer(value, "n", weakest.n, STRONGEST.n)
    if n & (n - 1):
        raise RegisterError("n: a power of two expected")
    _parse_integer(value, "dklen", _DIGEST_LENGTH, _DIGEST_LENGTH)
    r = _parse_integer(value, "r", weakest.r, STRONGEST.r)
    return Kdf(n, r, _parse_integer(value, "p", weakest.p, STRONGEST.p))
