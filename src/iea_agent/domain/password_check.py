"""Check a typed password of the day against the register.

In two steps, because only the second is slow and only the second counts as a try:
``find_candidate`` finds the day that the password is for, ``check_candidate`` hashes it
(0.2 to 1 s and 64 MiB: never on a thread that draws).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import date, timedelta

from .day_password import DAYS_AHEAD, DAYS_BACK
from .password_register import Register, hash_number
from .refusals import DayNotCovered, PasswordForOtherDay, Refusal
from .typed_password import TypedPassword


@dataclass(frozen=True, slots=True)
class Candidate:
    """A password for *day* that is still to be hashed; *expected* is the right hash."""

    day: date
    register: Register = field(repr=False)
    number: int = field(repr=False)
    expected: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Right:
    """The password of *day*, made with the key *kid*."""

    day: date
    kid: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Not the password of *day*: the only result that is a failed try."""

    day: date


def find_candidate(password: TypedPassword, register: Register, today: date) -> Candidate | Refusal:
    """Find the day that *password* is for, from three days ago to tomorrow."""
    # five days in a row never have the same day of the month
    for distance in range(-DAYS_BACK, DAYS_AHEAD + 1):
        day = today + timedelta(days=distance)
        if day.day == password.day:
            expected = register.digest_of(day)
            if expected is None:
                return DayNotCovered(day=day.isoformat())
            return Candidate(day, register, password.number, expected)
    return PasswordForOtherDay(day=password.day, today=today.isoformat())


def check_candidate(candidate: Candidate) -> Right | Wrong:
    """Hash the password once and compare in constant time. Slow."""
    register, day = candidate.register, candidate.day
    digest = hash_number(candidate.number, register.kid, register.scope, day, register.salt, register.kdf)
    return Right(day, register.kid) if hmac.compare_digest(digest, candidate.expected) else Wrong(day)
