"""Due dates: public holidays, working days, quiet days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.due_dates import (
    compute_easter,
    find_due_date,
    find_quiet_end,
    find_working_day,
    is_quiet_day,
    is_working_day,
    list_public_holidays,
)

DAYS = some.dates(date(2020, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    "easter",
    # the earliest and the latest possible ones among them
    [date(1818, 3, 22), date(2024, 3, 31), date(2026, 4, 5), date(2027, 3, 28), date(2038, 4, 25)],
)
def test_easter_is_on_its_day(easter: date) -> None:
    assert compute_easter(easter.year) == easter


def test_a_year_has_eleven_public_holidays() -> None:
    assert [f"{day:%d/%m}" for day in sorted(list_public_holidays(2026))] == [
        "01/01", "06/04", "01/05", "08/05", "14/05", "25/05", "14/07", "15/08", "01/11", "11/11", "25/12",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        # the 5th is a Saturday: due on Monday, as the code du travail counts
        (date(2026, 12, 3), date(2026, 12, 7)),
        # a Tuesday: the weekend lies between
        (date(2026, 12, 11), date(2026, 12, 15)),
        # the 5th is Easter Monday
        (date(2021, 4, 1), date(2021, 4, 6)),
        # the 1st of January is none, and the weekend after it
        (date(2026, 12, 31), date(2027, 1, 5)),
        # a Sunday, the 14th of July is before
        (date(2029, 7, 12), date(2029, 7, 16)),
    ],
)
def test_the_days_around_a_due_date_are_quiet(begin: date, end: date) -> None:
    days = [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
    assert all(map(is_quiet_day, days))
    assert not is_quiet_day(begin - timedelta(days=1))
    assert not is_quiet_day(end + timedelta(days=1))
    assert {find_quiet_end(day) for day in days} == {end + timedelta(days=1)}
    assert {find_due_date(day) for day in days} == {end}


@given(DAYS)
def test_a_due_date_is_a_working_day_and_near(day: date) -> None:
    due = find_due_date(day)
    assert is_working_day(due)
    assert is_quiet_day(due)
    assert timedelta() <= due - day <= timedelta(days=26)


@given(DAYS)
def test_a_quiet_time_ends(day: date) -> None:
    end = find_quiet_end(day)
    assert not is_quiet_day(end)
    assert (end == day) == (not is_quiet_day(day))
    assert end - day <= timedelta(days=9)


@given(DAYS)
def test_the_next_working_day_is_near(day: date) -> None:
    following = find_working_day(day)
    assert is_working_day(following)
    assert following - day <= timedelta(days=4)
