"""The password of the day (scheme ``iea-mdp-jour/1``): derivation, written forms.

A master key gives a key for each month, which gives a number of 50 bits for each day.
People see the number in one of two forms::

    24-29Y7-1GV3-S0Y4                          for e-mail: the day, ten symbols, two check symbols
    24 article subtil chrome ravager insolite  for the telephone: the day, five words

``typed_password`` parses what a person typed, ``password_register`` is what a PC
compares it with, ``password_check`` compares them. No value of these modules shows a
password in its representation.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import date, timedelta

from .day_words import list_words
from .reed_solomon import compute_check_symbols

SCHEME = "iea-mdp-jour/1"
EVERYONE = "*"
"""The scope of a password for every PC; any other scope is an installation's number."""

DAYS_BACK = 3
"""A password is valid until so many days after its own: Friday's mail is read on Monday."""
DAYS_AHEAD = 1
"""A password is valid so many days before its own: for a slow clock, and for Martinique."""

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's 32 symbols: no I, L, O and U."""
SYMBOL_COUNT = 10
SYMBOL_BITS = 5
GROUP_LENGTH = 4
CODE_LENGTH = SYMBOL_COUNT + 2
WORD_COUNT = 5
WORD_BITS = 11
WORD_CHECK_BITS = 5

_NUMBER_BITS = SYMBOL_COUNT * SYMBOL_BITS
# UTC+01:00 all year, so that no time-zone database is needed
_UTC_OFFSET_SECONDS = 3600


def compute_today(wall: float, floor: date) -> date:
    """Return the civil date at UTC+01:00 (no summer time), not before *floor*.

    *wall* is the wall clock in seconds since 1970. *floor* is the newest date that the
    PC has reason to trust (its build): it helps a PC whose clock fell to 2015.
    """
    days = min(max(wall + _UTC_OFFSET_SECONDS, 0.0), 2.0**37) // 86400
    return max(date(1970, 1, 1) + timedelta(days=days), floor)


def last_day(day: date) -> date:
    """Return the last day on which the password of *day* is valid."""
    return day + timedelta(days=DAYS_BACK)


def derive_month_key(master: bytes, scope: str, day: date) -> bytes:
    """Return the key of a month: all that the front desk needs. It hides *master*."""
    return _derive(master, "mois", scope, day.isoformat()[:7])


def derive_number(month_key: bytes, scope: str, day: date) -> int:
    """Return the password of *day* as a number of 50 bits."""
    digest = _derive(month_key, "jour", scope, day.isoformat())
    return int.from_bytes(digest, "big") >> (256 - _NUMBER_BITS)


def _derive(key: bytes, *parts: str) -> bytes:
    return hmac.new(key, "\0".join((SCHEME, *parts)).encode(), hashlib.sha256).digest()


def encode_number(number: int) -> bytes:
    """Return *number* as the 7 bytes that are hashed."""
    return number.to_bytes(7, "big")


def format_letters(day: date, number: int) -> str:
    """Return the form for e-mail, ``JJ-AAAA-BBBB-CCCC``."""
    symbols = [number >> shift & 31 for shift in range(_NUMBER_BITS - SYMBOL_BITS, -1, -SYMBOL_BITS)]
    symbols += compute_check_symbols([day.day, *symbols])
    code = "".join(ALPHABET[symbol] for symbol in symbols)
    return "-".join(
        (f"{day.day:02}", *(code[at : at + GROUP_LENGTH] for at in range(0, CODE_LENGTH, GROUP_LENGTH)))
    )


def format_words(day: date, number: int) -> str:
    """Return the form for the telephone: the day and five French words."""
    bits = number << WORD_CHECK_BITS | compute_word_check(day.day, number)
    shifts = range((WORD_COUNT - 1) * WORD_BITS, -1, -WORD_BITS)
    return " ".join((f"{day.day:02}", *(list_words()[bits >> shift & 2047] for shift in shifts)))


def compute_word_check(day: int, number: int) -> int:
    """Return the check bits of the words for *number* and the *day* of the month."""
    seed = SCHEME.encode() + b"mots" + bytes([day]) + encode_number(number)
    return hashlib.sha256(seed).digest()[0] >> (8 - WORD_CHECK_BITS)


_DIGIT_NAMES = ("zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf")
_FIRST_NAMES = (
    *("Anatole", "Berthe", "Célestin", "Désiré", "Eugène", "François", "Gaston", "Henri"),
    *("Joseph", "Kléber", "Marcel", "Nicolas", "Pierre", "Quintal", "Raoul", "Suzanne"),
    *("Thérèse", "Victor", "William", "Xavier", "Yvonne", "Zoé"),
)
SYMBOL_NAMES = dict(zip(ALPHABET, (*_DIGIT_NAMES, *_FIRST_NAMES), strict=True))
"""The name of each symbol, to be read out: a digit, or a first name that begins with the letter."""


def spell_letters(letters: str) -> str:
    """Spell *letters* (of ``format_letters``) with the French spelling alphabet.

    « 24 – deux, neuf, Yvonne, sept – un, Gaston, Victor, trois – … »
    """
    day, *groups = letters.split("-")
    return " – ".join((day, *(", ".join(SYMBOL_NAMES[symbol] for symbol in group) for group in groups)))
