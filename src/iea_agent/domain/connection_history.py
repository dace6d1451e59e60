"""The connection during the last 24 hours, from the stays of the log book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from .log_book import LogBookState, Stay

SPAN = 86_400.0
"""The time that is shown, in seconds."""
CELLS = 48
"""The parts of equal length in which it is drawn."""
NOTICEABLE = 60.0
"""A failure of this many seconds is drawn, whatever else the part of the day was."""


class ConnectionCourse(Enum):
    """What the connection was at a time."""

    CONNECTED = "connected"
    FAILED = "disconnected"
    ASSISTANCE = "assistance"
    # the agent did not run, or had no answer yet
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Period:
    """A time of one *course*; *begin* and *end* are wall clock."""

    course: ConnectionCourse
    begin: float
    end: float


_COURSES = {
    LogBookState.CONNECTED: ConnectionCourse.CONNECTED,
    LogBookState.DISCONNECTED: ConnectionCourse.FAILED,
    LogBookState.ASSISTANCE: ConnectionCourse.ASSISTANCE,
}


def list_periods(stays: Iterable[Stay], now: float) -> tuple[Period, ...]:
    """Return the periods of the ``SPAN`` before *now*, oldest first, without gaps."""
    own = (Period(_COURSES.get(stay.course, ConnectionCourse.OFF), stay.begin, stay.end) for stay in stays)
    periods: list[Period] = []
    for period in _fill(own, now):
        if periods and periods[-1].course is period.course:
            periods[-1] = Period(period.course, periods[-1].begin, period.end)
        else:
            periods.append(period)
    return tuple(periods)


def _fill(periods: Iterable[Period], now: float) -> Iterator[Period]:
    """Yield *periods* within the span, and between them that the agent was off."""
    end = now - SPAN
    for period in periods:
        begin = max(period.begin, end)
        if min(period.end, now) <= begin:
            continue
        if begin > end:
            yield Period(ConnectionCourse.OFF, end, begin)
        end = min(period.end, now)
        yield Period(period.course, begin, end)
    if end < now:
        yield Period(ConnectionCourse.OFF, end, now)


def sum_seconds(periods: Sequence[Period], course: ConnectionCourse) -> float:
    """Return for how many seconds the connection was *course*."""
    return sum(period.end - period.begin for period in periods if period.course is course)


def list_cells(periods: Sequence[Period]) -> tuple[ConnectionCourse, ...]:
    """Return the course of each of ``CELLS`` equal parts, oldest first."""
    if not periods:
        return ()
    first, length = periods[0].begin, SPAN / CELLS
    return tuple(_judge_cell(periods, first + number * length, length) for number in range(CELLS))


def _judge_cell(periods: Sequence[Period], begin: float, length: float) -> ConnectionCourse:
    seconds = dict.fromkeys(ConnectionCourse, 0.0)
    for period in periods:
        seconds[period.course] += max(0.0, min(period.end, begin + length) - max(period.begin, begin))
    if seconds[ConnectionCourse.FAILED] >= NOTICEABLE:
        return ConnectionCourse.FAILED
    return max(seconds, key=lambda course: seconds[course])
