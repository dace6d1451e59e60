"""Passwords of the day and registers, as the desk makes them, for tests."""

from __future__ import annotations

import time
from datetime import date, timedelta
from functools import cache

from iea_agent import BUILT
from iea_agent.domain.day_password import (
    compute_today,
    derive_month_key,
    derive_number,
    format_letters,
)
from iea_agent.domain.password_register import WEAKEST, Kdf, Register, hash_number

MASTER = bytes(range(32))
SALT = bytes.fromhex("00112233445566778899aabbccddeeff")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
QUICK = Kdf(16, 1, 1)
"""A cost that no PC accepts, for registers that only tests read."""

VECTORS = [
    (date(2026, 11, 24), 0x49F1C30D8F20, "24-29Y7-1GV3-S0Y4", "24 article subtil chrome ravager insolite"),
    (date(2026, 1, 1), 0x3007D77093E08, "01-R0FN-VGJF-G87A", "01 prairie vilain gélule mortier bonheur"),
    (
        date(2026, 12, 31),
        0x176E0B427BA31,
        "31-BPW2-T2FE-HH9C",
        "31 euphorie prince dénouer silicium quotient",
    ),
]
"""Day, number and both forms of passwords made with ``MASTER``: published with the scheme."""
LETTERS = VECTORS[0][2]
WORDS = VECTORS[0][3]


def today() -> date:
    """Return the day that the agent goes by."""
    return compute_today(time.time(), date.fromisoformat(BUILT))


def day_number(day: date, master: bytes = MASTER, scope: str = "*") -> int:
    """Return the password of *day* as a number."""
    return derive_number(derive_month_key(master, scope, day), scope, day)


def password(day: date) -> str:
    """Return the password of *day* in its form for e-mail."""
    return format_letters(day, day_number(day))


def other_password(day: date) -> str:
    """Return a well-formed password for *day* that is not the right one."""
    return format_letters(day, day_number(day, bytes(32)))


def make_register(
    first: date = date(2026, 11, 1),
    length: int = 61,
    generation: int = 1,
    scope: str = "*",
    kdf: Kdf = QUICK,
) -> Register:
    """Make a register of *length* days from *first* on, with key "2026a"."""
    days = [first + timedelta(days=distance) for distance in range(length)]
    digests = b"".join(
        hash_number(day_number(day, scope=scope), "2026a", scope, day, SALT, kdf) for day in days
    )
    return Register("2026a", scope, generation, first, SALT, kdf, digests)


def make_current_register(generation: int = 1) -> Register:
    """Make a register that a PC accepts, from four days ago to three days ahead."""
    return _make_once(today(), generation)


@cache
def _make_once(day: date, generation: int) -> Register:
    return make_register(day - timedelta(days=4), 8, generation, kdf=WEAKEST)
