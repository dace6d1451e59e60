"""Parse what a person typed as the password of the day, and locate typing errors."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum

from .day_password import (
    ALPHABET,
    CODE_LENGTH,
    GROUP_LENGTH,
    SYMBOL_BITS,
    SYMBOL_COUNT,
    WORD_BITS,
    WORD_CHECK_BITS,
    WORD_COUNT,
    compute_word_check,
)
from .day_words import find_word
from .reed_solomon import compute_syndromes, locate_error

_SYMBOL_VALUES = {symbol: value for value, symbol in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
# characters; a longer text was pasted by mistake
_LONGEST_TEXT = 200


class TypoKind(Enum):
    """What is wrong with a typed text; none of these counts as a try."""

    EMPTY = "empty"
    LENGTH = "length"  # characters are missing, or too many: ``Typo.missing``
    WORD_COUNT = "word-count"  # words are missing, or too many: ``Typo.missing``
    DAY = "day"  # the two digits in front
    FOREIGN = "foreign"  # a character that no password has, such as U
    CHARACTER = "character"  # exactly this character is wrong
    CHARACTERS = "characters"  # two or more are wrong or have changed places; which, is unknown
    WORD = "word"  # exactly this word is not on the list
    WORDS = "words"  # one or more are wrong; which, is unknown


@dataclass(frozen=True, slots=True)
class Typo:
    """A typing error and its place.

    *part* is the group of characters or the word that is wrong, in capitals. *position* counts
    characters (1 to 4) in that group or words (1 to 5) after the day, and is 0 if it is unknown.
    *span* is the place in the typed text, so that a field can select it. *missing* is how many
    characters or words are missing, negative for too many.
    """

    kind: TypoKind
    position: int = 0
    part: str = ""
    span: tuple[int, int] | None = None
    missing: int = 0


@dataclass(frozen=True, slots=True)
class TypedPassword:
    """A well-formed password: the day of the month in front of it, and its number."""

    day: int
    number: int = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Run:
    """Adjacent letters and digits in upper case, each with its place in the text."""

    symbols: tuple[str, ...]
    places: tuple[int, ...]

    @property
    def joined(self) -> str:
        return "".join(self.symbols)

    @property
    def span(self) -> tuple[int, int]:
        return self.places[0], self.places[-1] + 1


def parse_typed_password(text: str) -> TypedPassword | Typo:
    """Parse *text* as a password of the day in either form.

    Case, blanks, dashes and punctuation do not matter, nor O for 0, I and L for 1; in
    words neither accents nor the letters after the fourth.
    """
    if len(text) > _LONGEST_TEXT:
        return Typo(TypoKind.LENGTH, missing=_LONGEST_TEXT - len(text))
    runs = _split_runs(text)
    if not runs:
        return Typo(TypoKind.EMPTY)
    return _parse_words(runs) if _has_words(runs) else _parse_letters(runs)


def _has_words(runs: list[_Run]) -> bool:
    """Return whether *runs* are the form in words, even one that is not finished."""
    length = sum(len(run.symbols) for run in runs)
    # a word has at least five letters: the shortest form in words is longer than the longest in letters
    if length > 16:
        return sum(run.joined.isalpha() for run in runs) >= 2
    # a group that is typed without its dashes may happen to begin like a word
    is_complete = length in (CODE_LENGTH + 1, CODE_LENGTH + 2)
    return not is_complete and any(
        len(run.symbols) > GROUP_LENGTH and run.joined.isalpha() and find_word(run.joined) is not None
        for run in runs
    )


def _split_runs(text: str) -> list[_Run]:
    """Split *text* at blanks, dashes, quotation marks and other punctuation."""
    runs: list[list[tuple[str, int]]] = [[]]
    for place, character in enumerate(text):
        for symbol in unicodedata.normalize("NFKC", character).upper():
            if symbol.isalnum():
                runs[-1].append((symbol, place))
            elif not unicodedata.combining(symbol) and runs[-1]:
                runs.append([])
    return [_Run(tuple(symbol for symbol, _ in run), tuple(place for _, place in run)) for run in runs if run]


def _parse_letters(runs: list[_Run]) -> TypedPassword | Typo:
    symbols = [symbol for run in runs for symbol in run.symbols]
    places = [place for run in runs for place in run.places]
    # « 1-R0FN… » for « 01-R0FN… »
    day_length = 1 if len(symbols) == CODE_LENGTH + 1 and len(runs[0].symbols) == 1 else 2
    if len(symbols) != day_length + CODE_LENGTH:
        return Typo(TypoKind.LENGTH, missing=day_length + CODE_LENGTH - len(symbols))
    wrong_day = Typo(TypoKind.DAY, span=(places[0], places[day_length - 1] + 1))

    def wrong_character(kind: TypoKind, position: int) -> Typo:
        place = places[day_length + position - 1]
        first = day_length + (position - 1) // GROUP_LENGTH * GROUP_LENGTH
        group = "".join(symbols[first : first + GROUP_LENGTH])
        return Typo(kind, (position - 1) % GROUP_LENGTH + 1, group, (place, place + 1))

    day = _parse_day("".join(symbols[:day_length]).translate(str.maketrans("OIL", "011")))
    if day is None:
        return wrong_day
    values = []
    for position, symbol in enumerate(symbols[day_length:], start=1):
        if symbol not in _SYMBOL_VALUES:
            return wrong_character(TypoKind.FOREIGN, position)
        values.append(_SYMBOL_VALUES[symbol])
    plain, weighted = compute_syndromes([day, *values])
    if plain or weighted:
        place = locate_error(plain, weighted)
        # the right day would be day ^ plain, which is not 0
        if place == 0 and day != plain:
            return wrong_day
        if place is not None and 1 <= place <= CODE_LENGTH:
            return wrong_character(TypoKind.CHARACTER, place)
        return Typo(TypoKind.CHARACTERS)
    return TypedPassword(day, _join_bits(values[:SYMBOL_COUNT], SYMBOL_BITS))


def _parse_words(runs: list[_Run]) -> TypedPassword | Typo:
    day = _parse_day(runs[0].joined)
    if day is None:
        return Typo(TypoKind.DAY, span=runs[0].span)
    if len(runs) != 1 + WORD_COUNT:
        return Typo(TypoKind.WORD_COUNT, missing=1 + WORD_COUNT - len(runs))
    values = []
    for position, run in enumerate(runs[1:], start=1):
        value = find_word(run.joined)
        if value is None:
            return Typo(TypoKind.WORD, position, run.joined, run.span)
        values.append(value)
    number, check = divmod(_join_bits(values, WORD_BITS), 1 << WORD_CHECK_BITS)
    return TypedPassword(day, number) if check == compute_word_check(day, number) else Typo(TypoKind.WORDS)


def _parse_day(digits: str) -> int | None:
    day = int(digits) if re.fullmatch("[0-9]{1,2}", digits) else 0
    return day if 1 <= day <= 31 else None


def _join_bits(values: Iterable[int], bits: int) -> int:
    joined = 0
    for value in values:
        joined = joined << bits | value
    return joined
