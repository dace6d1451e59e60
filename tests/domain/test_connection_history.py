"""The last 24 hours of the connection, from stays as the log book has them."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.connection_history import (
    CELLS,
    SPAN,
    ConnectionCourse,
    Period,
    list_cells,
    list_periods,
)
from iea_agent.domain.log_book import LogBookState, Stay

NOW = 1_800_000_000.0
HOUR = 3600.0


def stay(hours: float, course: LogBookState, until: float = 0.0) -> Stay:
    """Return a stay from so many *hours* ago *until* so many."""
    return Stay(course, "", NOW - hours * HOUR, (hours - until) * HOUR)


DAY = (
    stay(30, LogBookState.CONNECTED, 20),
    stay(20, LogBookState.STOPPED, 9),
    stay(9, LogBookState.CONNECTED, 4),
    stay(4, LogBookState.DISCONNECTED, 3),
    stay(3, LogBookState.ASSISTANCE, 1),
    stay(1, LogBookState.CONNECTED),
)


def test_a_day_is_told_without_gaps() -> None:
    assert list_periods(DAY, NOW) == (
        Period(ConnectionCourse.CONNECTED, NOW - SPAN, NOW - 20 * HOUR),
        Period(ConnectionCourse.OFF, NOW - 20 * HOUR, NOW - 9 * HOUR),
        Period(ConnectionCourse.CONNECTED, NOW - 9 * HOUR, NOW - 4 * HOUR),
        Period(ConnectionCourse.FAILED, NOW - 4 * HOUR, NOW - 3 * HOUR),
        Period(ConnectionCourse.ASSISTANCE, NOW - 3 * HOUR, NOW - HOUR),
        Period(ConnectionCourse.CONNECTED, NOW - HOUR, NOW),
    )


def test_a_short_failure_is_drawn_and_a_hiccup_is_not() -> None:
    for seconds, expected in ((120, ConnectionCourse.FAILED), (20, ConnectionCourse.CONNECTED)):
        back = 2.2 - seconds / HOUR
        day = [
            stay(24, LogBookState.CONNECTED, 2.2),
            stay(2.2, LogBookState.DISCONNECTED, back),
            stay(back, LogBookState.CONNECTED),
        ]
        cells = list_cells(list_periods(day, NOW))
        assert len(cells) == CELLS
        assert cells[-5] is expected
        assert set(cells[:-5]) == set(cells[-4:]) == {ConnectionCourse.CONNECTED}


def test_without_a_book_the_agent_was_off() -> None:
    assert list_periods((), NOW) == (Period(ConnectionCourse.OFF, NOW - SPAN, NOW),)
    assert list_cells(()) == ()


@given(
    some.lists(
        some.builds(stay, some.floats(-3, 30), some.sampled_from(LogBookState), some.floats(-5, 5)),
        max_size=20,
    )
)
def test_whatever_the_book_says_the_periods_fill_the_day(stays: list[Stay]) -> None:
    """Also with a clock that has been set back."""
    periods = list_periods(stays, NOW)
    assert periods[0].begin == NOW - SPAN
    assert periods[-1].end == NOW
    for one, other in itertools.pairwise(periods):
        assert one.end == other.begin
        assert one.course is not other.course
    assert len(list_cells(periods)) == CELLS
