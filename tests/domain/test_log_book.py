"""The log book: changes are written once, durations hold whatever the clock did."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain import log_book, machine, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.log_book import Entry, LogBookState, Stay
from iea_agent.domain.machine import Moment, Snapshot, State

NOW = 1_796_000_000.0
START = machine.begin(Moment(NOW, 100.0))
UP = replace(START, state=State.CONNECTED)
DOWN = replace(START, state=State.DISCONNECTED, failure=Failure(Stage.NAME, problems.NAME_UNKNOWN))


def write_book(steps: list[tuple[float, float, Snapshot]]) -> list[Entry]:
    """Return the entries of an agent that sees each snapshot at (wall, steady)."""
    page, entries = log_book.open_page(None, 0.0, START, Moment(NOW, 0.0))
    written = list(entries)
    for wall, steady, snapshot in steps:
        page, entries = log_book.follow(page, snapshot, Moment(NOW + wall, steady))
        written += entries
    return written


def live(*changes: tuple[int, Snapshot], until: int) -> list[tuple[float, float, Snapshot]]:
    """Return a look each 15 s, with the snapshot of the latest of *changes*."""
    steps, snapshot = [], START
    for second in range(0, until + 1, 15):
        snapshot = next((new for at, new in reversed(changes) if at <= second), snapshot)
        steps.append((float(second), float(second), snapshot))
    return steps


def test_a_change_is_written_once_with_its_code_and_how_long_the_one_before_held() -> None:
    entries = write_book(live((15, UP), (600, DOWN), (900, UP), until=1200))

    assert entries == [
        Entry(NOW, LogBookState.CONNECTING),
        Entry(NOW + 15, LogBookState.CONNECTED, "", 15.0),
        Entry(NOW + 600, LogBookState.DISCONNECTED, "IEA-N02", 585.0),
        Entry(NOW + 900, LogBookState.CONNECTED, "", 300.0),
    ]
    stays = log_book.list_stays(entries, NOW + 1200, NOW + 1210)
    assert [(stay.code, stay.seconds) for stay in stays][2:] == [("IEA-N02", 300.0), ("", 310.0)]


def test_a_killed_agent_ended_at_its_last_sign_of_life() -> None:
    entries = write_book(live((15, UP), until=600))
    killed = Stay(LogBookState.KILLED, "", NOW + 590, 7200.0 - 590)

    # read by a command while nothing runs …
    assert log_book.list_stays(entries, NOW + 590, NOW + 7200)[1:] == (
        Stay(LogBookState.CONNECTED, "", NOW + 15, 575.0),
        killed,
    )
    # … and after the next start, which writes it down
    _page, more = log_book.open_page(entries[-1], NOW + 590, START, Moment(NOW + 7200, 3.0))
    assert log_book.list_stays([*entries, *more], NOW + 7200, NOW + 7200)[2] == killed


def test_an_agent_that_ended_by_itself_was_not_killed() -> None:
    page, entries = log_book.open_page(None, 0.0, UP, Moment(NOW, 5.0))
    entries = (*entries, log_book.close_page(page, Moment(NOW + 60, 65.0)))
    _page, more = log_book.open_page(entries[-1], NOW + 60, UP, Moment(NOW + 600, 2.0))

    assert [stay.course for stay in log_book.list_stays([*entries, *more], NOW + 600, NOW + 601)] == [
        LogBookState.CONNECTED,
        LogBookState.STOPPED,
        LogBookState.CONNECTED,
    ]


def test_a_sleep_shows_and_belongs_to_no_state() -> None:
    steps = [*live((0, UP), until=600), (4200.0, 615.0, START), (4210.0, 625.0, UP)]
    stays = log_book.list_stays(write_book(steps), NOW + 4210, NOW + 4300)

    assert [(stay.course, stay.seconds) for stay in stays[1:]] == [
        (LogBookState.CONNECTED, 600.0),
        (LogBookState.ASLEEP, 3600.0),
        (LogBookState.CONNECTING, 10.0),
        (LogBookState.CONNECTED, 90.0),
    ]


def test_a_clock_set_back_changes_no_duration() -> None:
    # an hour back after ten minutes
    back = [(at - 3600.0, float(at), UP) for at in range(615, 1215, 15)]
    stays = log_book.list_stays(
        write_book([*live((0, UP), until=600), *back]), NOW + 1200 - 3600, NOW + 1215 - 3600
    )

    assert [round(stay.seconds) for stay in stays[1:]] == [615, 600]
    assert {stay.course for stay in stays[1:]} == {LogBookState.CONNECTED}


some_entries = some.lists(
    some.builds(
        Entry,
        some.integers(0, 4_000_000_000).map(float),
        some.sampled_from(LogBookState),
        some.sampled_from(["", "IEA-N02"]),
        some.none() | some.integers(0, 10**8).map(float),
    ),
    max_size=8,
)


@given(some_entries, some.floats(0, 4e9), some.floats(0, 4e9))
def test_what_is_written_is_read_and_no_duration_is_negative(
    entries: list[Entry], alive: float, now: float
) -> None:
    assert list(log_book.parse_entries(b"".join(map(log_book.format_entry, entries)))) == entries
    assert all(stay.seconds >= 0 for stay in log_book.list_stays(entries, alive, now))


def test_a_line_that_is_none_is_left_out() -> None:
    good = log_book.format_entry(Entry(NOW, LogBookState.CONNECTED))
    for bad in (
        *(b"{", b"[]", b"\xff", good[:20], good[:-2] + b',"before":-1}', good[:-2] + b',"before":NaN}'),
        *(good.replace(b"connected", b"other"), good.replace(b"1796", b"-1796"), b" " * 300, b"[" * 190),
        good[:-2] + b',"code":"\\u001b[31m"}',
    ):
        assert log_book.parse_entries(bad + b"\n" + good) == (Entry(NOW, LogBookState.CONNECTED),), bad


def test_after_ninety_days_a_line_goes_and_what_held_then_stays() -> None:
    day = 86_400.0
    entries = [Entry(NOW + number * day, LogBookState.CONNECTED, "", day) for number in range(120)]
    data = b"".join(map(log_book.format_entry, entries))

    shorter = log_book.shorten(data, NOW + 120 * day)
    assert shorter is not None
    rest = log_book.parse_entries(shorter)
    assert rest == tuple(entries[28:])
    # not at each line, and not by a clock that is ahead
    assert log_book.shorten(shorter, NOW + 120.5 * day) is None
    assert log_book.shorten(shorter, NOW + 5000 * day) is None


def test_the_book_is_bounded() -> None:
    line = log_book.format_entry(Entry(NOW, LogBookState.DISCONNECTED, "IEA-N02", 12.5))
    data = line * (log_book.LARGEST_FILE // len(line) + 1)
    shorter = log_book.shorten(data, NOW)
    assert shorter is not None
    assert len(shorter) <= log_book.SHORTENED_FILE
    assert set(shorter.splitlines(keepends=True)) == {line}
    longest = max(
        len(log_book.format_entry(Entry(NOW, course, code, 9_999_999_999.9)))
        for course, code in itertools.product(LogBookState, ("", "IEA-N02"))
    )
    assert longest <= log_book.LARGEST_LINE
