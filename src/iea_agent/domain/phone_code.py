"""The phone code: what support asks first, in twelve characters to read out.

Ten symbols of Crockford's alphabet hold 50 bits, two check symbols follow (``reed_solomon``): one wrong
character is corrected, most other errors are noticed. Nothing in it tells who the person is.

The 50 bits, from the left (a new format may lay them out anew; this is format 1):

====  ===========================================================================
bits  meaning
====  ===========================================================================
3     format
3+5+5 version of the agent
3     state, or that the agent is stopped
1     whether the problem is the case that has another actor (``problems.find_case``)
3+7   problem: its letter by its place in ``GROUP_LETTERS``, and its two digits
4     the clock, in steps (``CLOCK_STEPS``)
3     who chose the proxy
4     age of assistance mode, in steps (``AGE_STEPS``)
4     age of the present state
5     day of the month on which the code was made
====  ===========================================================================

A problem's number is in its code, so a new problem changes no other's.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from .day_password import ALPHABET, CODE_LENGTH, GROUP_LENGTH, SYMBOL_BITS, SYMBOL_COUNT, SYMBOL_NAMES
from .diagnosis import CLOCK_TOLERANCE
from .machine import State
from .proxy_choice import Source
from .reed_solomon import compute_check_symbols, compute_syndromes, locate_error

FORMAT = 1
GROUP_LETTERS = "CNPTSUAL"
"""The letters of the problems' groups: the place is the number. A ninth needs a new format."""
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86_400.0
AGE_STEPS = (
    *(5 * _MINUTE, 15 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR),
    *(_DAY, 2 * _DAY, 4 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY),
)
"""The most seconds of each step of an age; the last step has no end."""
CLOCK_STEPS = (15 * _MINUTE, 65 * _MINUTE, 125 * _MINUTE, _DAY, 40 * _DAY, 400 * _DAY)
"""The most seconds of each step of a wrong clock, ahead or behind; the last step has no end."""
_STATES = (None, *State)
_SOURCES = (None, *Source)
_FIELDS = (
    *(("format", 3), ("major", 3), ("minor", 5), ("patch", 5), ("state", 3)),
    *(("other", 1), ("letter", 3), ("number", 7)),
    *(("clock", 4), ("proxy", 3), ("assistance", 4), ("age", 4), ("day", 5)),
)
_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})", re.ASCII)
_UNKNOWN_VERSION = (7, 31, 31)
_CODE = re.compile(r"IEA-([A-Z])(\d\d)", re.ASCII)
_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class PhoneFacts:
    """What the code carries.

    *state* is None if the agent is stopped, *code* "" without a problem. *other_actor* says that it is the case of the problem
    that somebody else solves. *clock_ahead* is the server's clock
    minus this PC's, in seconds; it, *proxy* and the ages are None if they are unknown, or if assistance mode is off.
    """

    version: str
    state: State | None
    code: str = ""
    clock_ahead: float | None = None
    proxy: Source | None = None
    assistance_age: float | None = None
    state_age: float | None = None
    day: int = 1
    other_actor: bool = False


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """From *least* to *most* seconds; *most* is None without an end."""

    least: float
    most: float | None


@dataclass(frozen=True, slots=True)
class PhoneReading:
    """What a code says; *version* is "" if the code had no room for it.

    *clock* is the size of the error, and *clock_behind* whether this PC's clock is behind the server's. *right* is the code
    as it should be, and *corrected* the place (from 1) of the one character that was wrong, 0 if none was.
    """

    version: str
    state: State | None
    code: str
    clock: TimeSpan | None
    clock_behind: bool
    proxy: Source | None
    assistance: TimeSpan | None
    age: TimeSpan | None
    day: int
    right: str
    corrected: int = 0
    other_actor: bool = False


class CodeFault(Enum):
    """What is wrong with a typed code."""

    LENGTH = "length"
    FOREIGN = "foreign"
    CHARACTERS = "characters"
    FORMAT = "format"


class PhoneCodeError(ValueError):
    """A text that is no phone code; *place* (from 1) is of a character that none has.

    *missing* counts characters, negative for too many.
    """

    def __init__(self, fault: CodeFault, place: int = 0, missing: int = 0) -> None:
        super().__init__(fault.value)
        self.fault, self.place, self.missing = fault, place, missing


# the agent's side


def format_phone_code(facts: PhoneFacts) -> str:
    """Return the code of *facts*, ``AAAA-BBBB-CCCC``."""
    version = _VERSION.match(facts.version)
    parts = tuple(map(int, version.groups())) if version else _UNKNOWN_VERSION
    if any(part > most for part, most in zip(parts, _UNKNOWN_VERSION, strict=True)):
        parts = _UNKNOWN_VERSION
    problem = _CODE.fullmatch(facts.code)
    letter = GROUP_LETTERS.find(problem[1]) if problem else -1
    values = {
        "format": FORMAT,
        **dict(zip(("major", "minor", "patch"), parts, strict=True)),
        "state": _STATES.index(facts.state),
        "other": int(facts.other_actor and letter >= 0),
        "letter": max(letter, 0),
        "number": int(problem[2]) if problem and letter >= 0 else 0,
        "clock": _number_clock(facts.clock_ahead),
        "proxy": _SOURCES.index(facts.proxy),
        "assistance": _number_age(facts.assistance_age),
        "age": _number_age(facts.state_age),
        "day": facts.day,
    }
    bits = 0
    for name, width in _FIELDS:
        bits = bits << width | values[name]
    shifts = range((SYMBOL_COUNT - 1) * SYMBOL_BITS, -1, -SYMBOL_BITS)
    symbols = [bits >> shift & 31 for shift in shifts]
    return _join((*symbols, *compute_check_symbols(symbols)))


def _join(symbols: Sequence[int]) -> str:
    text = "".join(ALPHABET[symbol] for symbol in symbols)
    return "-".join(text[at : at + GROUP_LENGTH] for at in range(0, CODE_LENGTH, GROUP_LENGTH))


def _number_age(seconds: float | None) -> int:
    """Return 0 for None, else the number of the step, from 1."""
    return 0 if seconds is None else 1 + bisect_left(AGE_STEPS, max(0.0, seconds))


def _number_clock(ahead: float | None) -> int:
    """Return 0 for None, 1 for a right clock, even numbers for a server that is ahead."""
    if ahead is None:
        return 0
    if abs(ahead) <= CLOCK_TOLERANCE:
        return 1
    return 2 + 2 * bisect_left(CLOCK_STEPS, abs(ahead)) + (ahead < 0)


def spell_phone_code(code: str) -> Iterator[tuple[str, str]]:
    """Yield each symbol of *code* with its name: ("A", "Anatole"), ("7", "sept")."""
    for symbol in code.replace("-", ""):
        yield symbol, SYMBOL_NAMES[symbol]


# the desk's side


def decode_phone_code(text: str) -> PhoneReading:
    """Return what the code in *text* says. Raises ``PhoneCodeError``.

    Case, blanks, dashes and punctuation do not matter, nor O for 0, I and L for 1.
    """
    typed = unicodedata.normalize("NFKC", text[: _LONGEST_TEXT + 1]).upper()
    letters = [character for character in typed if character.isalnum()]
    if len(letters) != CODE_LENGTH or len(text) > _LONGEST_TEXT:
        raise PhoneCodeError(CodeFault.LENGTH, missing=CODE_LENGTH - len(letters))
    symbols = []
    for place, letter in enumerate(letters, start=1):
        if letter not in _VALUES:
            raise PhoneCodeError(CodeFault.FOREIGN, place)
        symbols.append(_VALUES[letter])
    return _read_symbols(symbols, _correct(symbols))


def _correct(symbols: list[int]) -> int:
    """Correct the wrong symbol, if one is; return its place from 1, else 0."""
    plain, weighted = compute_syndromes(symbols)
    if not plain and not weighted:
        return 0
    place = locate_error(plain, weighted)
    if place is None or place >= CODE_LENGTH:
        raise PhoneCodeError(CodeFault.CHARACTERS)
    symbols[place] ^= plain
    return place + 1


def _read_symbols(symbols: Sequence[int], corrected: int) -> PhoneReading:
    bits = 0
    for symbol in symbols[:SYMBOL_COUNT]:
        bits = bits << SYMBOL_BITS | symbol
    values: dict[str, int] = {}
    for name, width in reversed(_FIELDS):
        values[name] = bits & ((1 << width) - 1)
        bits >>= width
    if values["format"] != FORMAT or not _is_possible(values):
        # what a correction made impossible was more than one error
        raise PhoneCodeError(CodeFault.CHARACTERS if corrected else CodeFault.FORMAT)
    parts = (values["major"], values["minor"], values["patch"])
    clock = values["clock"]
    return PhoneReading(
        "" if parts == _UNKNOWN_VERSION else ".".join(map(str, parts)),
        _STATES[values["state"]],
        f"IEA-{GROUP_LETTERS[values['letter']]}{values['number']:02}" if values["number"] else "",
        None
        if clock == 0
        else TimeSpan(0.0, CLOCK_TOLERANCE)
        if clock == 1
        else _name_clock((clock - 2) // 2),
        clock > 1 and clock % 2 == 0,
        _SOURCES[values["proxy"]],
        _name_age(values["assistance"]),
        _name_age(values["age"]),
        values["day"],
        _join(symbols),
        corrected,
        bool(values["other"]),
    )


def _is_possible(values: Mapping[str, int]) -> bool:
    return (
        values["state"] < len(_STATES)
        and values["other"] <= values["number"] <= 99
        and values["proxy"] < len(_SOURCES)
        and values["day"] > 0
    )


def _name_clock(step: int) -> TimeSpan:
    limits = (CLOCK_TOLERANCE, *CLOCK_STEPS)
    return TimeSpan(limits[step], None if step == len(CLOCK_STEPS) else CLOCK_STEPS[step])


def _name_age(number: int) -> TimeSpan | None:
    if number == 0:
        return None
    limits = (0.0, *AGE_STEPS)
    return TimeSpan(limits[number - 1], None if number > len(AGE_STEPS) else AGE_STEPS[number - 1])
