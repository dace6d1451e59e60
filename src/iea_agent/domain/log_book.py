"""The log book of the connection: its state, line by line, for 90 days.

A line holds when a state began, by the wall clock, and for how long the one before it had lasted, by the
steady clock: a clock that is set changes no duration. Between two lines the agent shows that it is alive
by the time of the file, so what a kill or a power cut leaves can be told from what lasted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import zip_longest

from . import state_values
from .machine import Moment, Snapshot, State

RETENTION = 90 * 86_400.0
"""Seconds for which a line stays."""
LARGEST_FILE = 1_000_000
"""Bytes; some 12,000 changes."""
SHORTENED_FILE = 750_000
"""Bytes that stay when the file has become too large."""
LARGEST_LINE = 200
"""Bytes."""
ALIVE_EVERY = 60.0
"""Seconds between two signs of life of the agent."""
SILENCE = 180.0
"""An agent without a sign of life for so many seconds does not run."""
ASLEEP_GAP = 120.0
"""Seconds between two looks at the clock after which the computer slept, or its clock was set forward."""
CLOCK_JUMP = 60.0
"""Seconds by which the clock must be set back to be noticed."""
_CODE = re.compile(r"(?:IEA-[A-Z][0-9]{2})?")


class LogBookState(Enum):
    """What the connection was during a time."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    ASSISTANCE = "assistance"
    # the agent had ended by itself
    STOPPED = "stopped"
    # the computer slept
    ASLEEP = "asleep"
    # the agent was killed, or the power failed
    KILLED = "killed"

    @property
    def runs(self) -> bool:
        """Whether the agent ran."""
        return self not in (LogBookState.STOPPED, LogBookState.ASLEEP, LogBookState.KILLED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: from *at* on the connection was *course*.

    *at* is wall clock, *code* the problem. *before* is for how many seconds the line before
    had held, None if no clock can tell.
    """

    at: float
    course: LogBookState
    code: str = ""
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A time of one *course* since *begin* (wall clock), which lasted *seconds*."""

    course: LogBookState
    code: str
    begin: float
    seconds: float

    @property
    def end(self) -> float:
        """When it ended, by the clock with which it began."""
        return self.begin + self.seconds


@dataclass(frozen=True, slots=True)
class Page:
    """What the agent has written last: *since* when, and when it was *alive* last."""

    course: LogBookState
    code: str
    since: Moment
    alive: Moment


def open_page(
    last: Entry | None, alive: float, snapshot: Snapshot, now: Moment
) -> tuple[Page, tuple[Entry, ...]]:
    """Return the page of an agent that starts, and what to write.

    *last* is the last line of the book, *alive* the time of its file.
    """
    course, code = _name_course(snapshot)
    entries = [Entry(now.wall, course, code)]
    if last is not None and last.course.runs:
        entries.insert(0, Entry(min(max(alive, last.at), max(now.wall, last.at)), LogBookState.KILLED))
    return Page(course, code, now, now), tuple(entries)


def follow(page: Page, snapshot: Snapshot, now: Moment) -> tuple[Page, tuple[Entry, ...]]:
    """Return the page at *now*, and what to write about what has happened since."""
    course, code = _name_course(snapshot)
    lasted = page.alive.steady - page.since.steady
    elapsed = now.wall - page.alive.wall
    fresh = Page(course, code, now, now)
    if elapsed > ASLEEP_GAP:
        slept = Entry(page.alive.wall, LogBookState.ASLEEP, before=lasted)
        return fresh, (slept, Entry(now.wall, course, code, elapsed))
    set_back = now.steady - page.alive.steady - elapsed > CLOCK_JUMP
    if set_back or (course, code) != (page.course, page.code):
        return fresh, (Entry(now.wall, course, code, now.steady - page.since.steady),)
    return replace(page, alive=now), ()


def close_page(page: Page, now: Moment) -> Entry:
    """Return what to write when the agent ends by itself."""
    return Entry(now.wall, LogBookState.STOPPED, before=now.steady - page.since.steady)


def _name_course(snapshot: Snapshot) -> tuple[LogBookState, str]:
    """Return the course of *snapshot*, and its problem's code if that is a verdict."""
    problem = snapshot.problem if snapshot.state is State.DISCONNECTED else None
    return LogBookState(snapshot.state.value), "" if problem is None else problem.code


def list_stays(entries: Sequence[Entry], alive: float, now: float) -> tuple[Stay, ...]:
    """Return what *entries* say, oldest first.

    *alive* is the time of the file: an agent that has given no sign of life for long ended then.
    """
    stays = []
    for entry, following in zip_longest(entries, entries[1:]):
        if following is not None:
            seconds = following.at - entry.at if following.before is None else following.before
        elif entry.course.runs and now - alive > SILENCE:
            seconds = alive - entry.at
        else:
            seconds = now - entry.at
        stays.append(Stay(entry.course, entry.code, entry.at, max(0.0, seconds)))
    last = entries[-1] if entries else None
    if last is not None and last.course.runs and now - alive > SILENCE:
        ended = max(alive, last.at)
        stays.append(Stay(LogBookState.KILLED, "", ended, max(0.0, now - ended)))
    return tuple(stays)


# the lines of the file


def format_entry(entry: Entry) -> bytes:
    """Return the line of *entry*."""
    document: dict[str, object] = {"at": round(entry.at, 1), "state": entry.course.value}
    if entry.code:
        document["code"] = entry.code
    if entry.before is not None:
        document["before"] = round(entry.before, 1)
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def parse_entries(data: bytes) -> tuple[Entry, ...]:
    """Return the entries in *data*; a line that is none is left out."""
    return tuple(_iterate_entries(data))


def _iterate_entries(data: bytes) -> Iterator[Entry]:
    for line in data.split(b"\n"):
        # what has no brace is no entry: a damaged file of a million such lines is read without asking json about each
        if b"{" in line and len(line) <= LARGEST_LINE:
            try:
                entry = _parse_entry(line)
            except (ValueError, RecursionError, OverflowError):
                continue
            yield entry


def _parse_entry(line: bytes) -> Entry:
    document = json.loads(line)
    if not isinstance(document, dict):
        raise ValueError("an object expected")
    code, before = document.get("code", ""), document.get("before")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ValueError("a code expected")
    if before is not None and (
        not isinstance(before, (int, float)) or isinstance(before, bool) or not 0 <= before < 1e10
    ):
        raise ValueError("a duration expected")
    at = state_values.parse_time(document, "at")
    return Entry(at, LogBookState(document.get("state")), code, None if before is None else float(before))


def shorten(data: bytes, now: float) -> bytes | None:
    """Return the book without what is too old or too much, None to leave it.

    A clock that is ahead makes no line old: the newest line counts, too.
    """
    end = data.find(b"\n", len(data) - SHORTENED_FILE) + 1 if len(data) > LARGEST_FILE else 0
    entries = parse_entries(data[end:])
    if not entries:
        return data[end:] if end else None
    oldest = min(now, max(entries[-1].at, entries[0].at)) - RETENTION
    # a day's grace, so that the file is not made anew at each line
    if entries[0].at >= oldest - 86_400:
        return data[end:] if end else None
    first = next((place for place, entry in enumerate(entries) if entry.at >= oldest), len(entries) - 1)
    # the line that held when the 90 days began stays
    return b"".join(map(format_entry, entries[max(0, first - 1) :]))
