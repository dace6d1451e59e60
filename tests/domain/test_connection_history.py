"""The last 24 hours of the connection, from lines as the agent's log has them."""

from __future__ import annotations

import itertools
import time

from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.connection_history import (
    CELLS,
    SILENCE,
    SPAN,
    ConnectionCourse,
    Period,
    list_cells,
    list_periods,
    sum_seconds,
)

NOW = 1_800_000_000.0
HOUR = 3600.0


def line(hours: float, text: str) -> str:
    """Return a line of the log of so many *hours* ago."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(NOW - hours * HOUR))
    return f"{moment}.123Z INFO {text}\n"


DAY = (
    line(30, "agent started version=0.1.0 pid=1")
    + line(30, "loop Authenticated state=connected problem=None run=1")
    + line(20, "agent ended")
    + line(9, "agent started version=0.1.0 pid=2")
    + line(9, "loop Authenticated state=connected problem=None run=1")
    + line(8, "services.authentication authenticated server=https://impact-emploi.urssaf.fr")
    + line(4, 'loop ConnectionLost state=disconnected problem=IEA-N04 detail="x state=connected" run=2')
    + line(3, "loop AssistanceEntered state=assistance problem=IEA-N04 run=2")
    + line(1, "loop Authenticated state=connected problem=None run=3")
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


def test_who_stopped_without_a_word_was_off_soon_after() -> None:
    for event in ("agent started version=0.1.0 pid=3", "loop Woke state=connecting problem=None run=9"):
        log = line(10, "loop Authenticated state=connected run=1") + line(2, event)
        log += line(2, "loop Authenticated state=connected run=2")
        assert sum_seconds(list_periods(log, NOW), ConnectionCourse.CONNECTED) == SILENCE + 2 * HOUR


def test_a_short_failure_is_drawn_and_a_hiccup_is_not() -> None:
    for seconds, expected in ((120, ConnectionCourse.FAILED), (20, ConnectionCourse.CONNECTED)):
        log = line(24, "loop Authenticated state=connected run=1")
        log += line(2.2, "loop ConnectionLost state=disconnected run=2")
        log += line(2.2 - seconds / HOUR, "loop Authenticated state=connected run=3")
        cells = list_cells(list_periods(log, NOW))
        assert len(cells) == CELLS
        assert cells[-5] is expected
        assert set(cells[:-5]) == set(cells[-4:]) == {ConnectionCourse.CONNECTED}


def test_without_a_log_the_agent_was_off() -> None:
    assert list_periods("", NOW) == (Period(ConnectionCourse.OFF, NOW - SPAN, NOW),)
    assert list_cells(()) == ()


@given(
    some.lists(
        some.tuples(
            some.floats(-3, 30),
            some.sampled_from(
                [
                    "agent started",
                    "agent ended",
                    "loop Woke state=connecting",
                    "loop X state=connected",
                    "loop X state=disconnected",
                    "loop X state=assistance",
                    "loop X state=other",
                    "nonsense",
                ]
            ),
        ),
        max_size=20,
    )
)
def test_whatever_the_log_says_the_periods_fill_the_day(entries: list[tuple[float, str]]) -> None:
    """Also with a clock that has been set back."""
    periods = list_periods("".join(line(*entry) for entry in entries), NOW)
    assert periods[0].begin == NOW - SPAN
    assert periods[-1].end == NOW
    for one, other in itertools.pairwise(periods):
        assert one.end == other.begin
        assert one.course is not other.course
    assert len(list_cells(periods)) == CELLS
