"""The scheme ``iea-mdp-jour/1``: published vectors, written forms, civil date."""

from __future__ import annotations

import re
import string
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from iea_agent.domain import day_password
from iea_agent.domain.day_password import (
    ALPHABET,
    compute_today,
    derive_month_key,
    derive_number,
    format_letters,
    format_words,
    last_day,
    spell_letters,
)
from iea_agent.domain.typed_password import TypedPassword, parse_typed_password
from tests.passwords import LETTERS, MASTER, VECTORS


class TestVectors:
    """The values that are published with the scheme."""

    def test_the_key_of_a_month(self) -> None:
        expected = "1d2612dfdd75d86e11b928195362ae6f8bc464b5f1944014353146409555c1fc"
        assert derive_month_key(MASTER, "*", date(2026, 11, 24)).hex() == expected
        assert derive_month_key(MASTER, "*", date(2026, 11, 1)).hex() == expected

    @pytest.mark.parametrize(("day", "expected", "letters", "words"), VECTORS)
    def test_a_day(self, day: date, expected: int, letters: str, words: str) -> None:
        number = derive_number(derive_month_key(MASTER, "*", day), "*", day)
        assert number == expected
        assert format_letters(day, number) == letters
        assert format_words(day, number) == words
        for form in (letters, words):
            assert parse_typed_password(form) == TypedPassword(day.day, expected)

    def test_an_installation_of_its_own_has_other_passwords(self) -> None:
        day, expected, *_ = VECTORS[0]
        assert derive_number(derive_month_key(MASTER, "IEA-1", day), "IEA-1", day) != expected


class TestSpelling:
    """Letters for the telephone."""

    def test_a_password(self) -> None:
        assert spell_letters(LETTERS) == (
            "24 – deux, neuf, Yvonne, sept – un, Gaston, Victor, trois – Suzanne, zéro, Yvonne, quatre"
        )

    def test_each_name_begins_with_its_letter(self) -> None:
        names = spell_letters(f"01-{ALPHABET}").removeprefix("01 – ").split(", ")
        for symbol, name in zip(ALPHABET, names, strict=True):
            assert symbol.isdigit() or unicodedata.normalize("NFD", name)[0] == symbol

    def test_the_alphabet(self) -> None:
        assert set(ALPHABET) < set(string.digits + string.ascii_uppercase)


class TestDays:
    """The civil date."""

    @pytest.mark.parametrize(
        ("utc", "expected"),
        [
            ((2026, 11, 24, 22, 59, 59), date(2026, 11, 24)),
            ((2026, 11, 24, 23, 0, 0), date(2026, 11, 25)),
            ((2026, 7, 14, 22, 30, 0), date(2026, 7, 14)),  # 00:30 in Paris in summer
            ((2015, 1, 1, 0, 0, 0), date(2026, 6, 1)),
        ],
    )
    def test_today(self, utc: tuple[int, int, int, int, int, int], expected: date) -> None:
        wall = datetime(*utc, tzinfo=UTC).timestamp()
        assert compute_today(wall, floor=date(2026, 6, 1)) == expected

    @pytest.mark.parametrize("wall", [-1e18, -1.0, 0.0, 1e18])
    def test_an_absurd_clock_gives_a_day(self, wall: float) -> None:
        assert compute_today(wall, floor=date(2026, 6, 1)) >= date(2026, 6, 1)

    def test_the_last_day(self) -> None:
        assert last_day(date(2026, 11, 24)) == date(2026, 11, 27)


def test_no_module_of_the_domain_asks_for_the_date() -> None:
    """A given time may be converted by UTC; the zone would have to be asked for."""
    for module in Path(day_password.__file__).parent.glob("*.py"):
        source = module.read_text(encoding="utf-8")
        assert not re.search(r"\.today\(|now\(|fromtimestamp\((?![\w.]+, UTC\))|\blocaltime", source), module
