"""The check: which day a password is for, and whether it is the right one."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain.day_password import format_letters
from iea_agent.domain.password_check import (
    Candidate,
    Right,
    Wrong,
    check_candidate,
    find_candidate,
)
from iea_agent.domain.password_register import Register
from iea_agent.domain.refusals import DayNotCovered, PasswordForOtherDay
from iea_agent.domain.typed_password import TypedPassword, parse_typed_password
from tests.covered import cover, covers
from tests.passwords import LETTERS, QUICK, SALT, VECTORS, WORDS, make_register

REGISTER = make_register()


class TestDays:
    """The day that a password is for."""

    def test_the_window(self) -> None:
        friday = date(2026, 11, 27)
        password = TypedPassword(27, 1)
        for distance in range(-10, 11):
            result = find_candidate(password, REGISTER, friday + timedelta(days=distance))
            if -1 <= distance <= 3:
                assert isinstance(result, Candidate)
                assert result.day == friday
            else:
                assert result == PasswordForOtherDay(
                    day=27, today=(friday + timedelta(days=distance)).isoformat()
                )

    @pytest.mark.parametrize("now", [date(2026, 11, 30), date(2026, 12, 1), date(2026, 12, 3)])
    def test_the_window_over_the_end_of_a_month(self, now: date) -> None:
        result = find_candidate(TypedPassword(30, 1), REGISTER, now)
        assert isinstance(result, Candidate)
        assert result.day == date(2026, 11, 30)

    def test_a_day_that_no_month_near_has(self) -> None:
        assert find_candidate(TypedPassword(31, 1), REGISTER, date(2026, 11, 30)) == PasswordForOtherDay(
            day=31, today="2026-11-30"
        )

    def test_a_day_outside_the_register(self) -> None:
        assert find_candidate(TypedPassword(31, 1), REGISTER, date(2026, 11, 1)) == DayNotCovered(
            day="2026-10-31"
        )
        assert find_candidate(TypedPassword(1, 1), REGISTER, date(2027, 1, 1)) == DayNotCovered(
            day="2027-01-01"
        )
        assert isinstance(find_candidate(TypedPassword(31, 1), REGISTER, date(2027, 1, 1)), Candidate)

    @covers("this month", "month before", "month after")
    @example(date(2026, 12, 1), -1)
    @example(date(2027, 1, 31), 1)
    @given(st.dates(date(2020, 1, 1), date(2090, 1, 1)), st.integers(-3, 1))
    def test_no_day_is_ever_mistaken_for_another(self, now: date, distance: int) -> None:
        day = now + timedelta(days=distance)
        months = (day.year - now.year) * 12 + day.month - now.month
        cover(("month before", "this month", "month after")[months + 1])
        register = Register("k", "*", 1, now - timedelta(days=10), SALT, QUICK, bytes(16 * 20))
        result = find_candidate(TypedPassword(day.day, 1), register, now)
        assert isinstance(result, Candidate)
        assert result.day == day


def check(typed: str, today: date) -> Right | Wrong:
    """Check *typed* on *today*, a day that ``REGISTER`` covers."""
    password = parse_typed_password(typed)
    assert isinstance(password, TypedPassword)
    candidate = find_candidate(password, REGISTER, today)
    assert isinstance(candidate, Candidate)
    return check_candidate(candidate)


class TestChecking:
    """The comparison with the register."""

    def test_right_in_both_forms_and_again(self) -> None:
        for typed in (LETTERS, WORDS, LETTERS):
            assert check(typed, date(2026, 11, 24)) == Right(date(2026, 11, 24), "2026a")

    def test_wrong(self) -> None:
        wrong = format_letters(date(2026, 11, 24), VECTORS[0][1] ^ 1)
        assert check(wrong, date(2026, 11, 24)) == Wrong(date(2026, 11, 24))

    def test_the_number_of_another_day(self) -> None:
        assert check(format_letters(date(2026, 12, 24), VECTORS[0][1]), date(2026, 12, 24)) == Wrong(
            date(2026, 12, 24)
        )

    def test_no_representation_shows_the_password(self) -> None:
        password = parse_typed_password(LETTERS)
        assert isinstance(password, TypedPassword)
        candidate = find_candidate(password, REGISTER, date(2026, 11, 24))
        for secret in (
            str(password.number),
            hex(password.number)[2:],
            "29Y7",
            "article",
            repr(REGISTER.digests)[2:-1],
        ):
            assert secret not in repr((candidate, REGISTER))
        assert repr(candidate) == "Candidate(day=datetime.date(2026, 11, 24))"
