"""The log book beside an agent: written while it runs, whatever the disk says."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.log_book_keeper import LogBookKeeper
from iea_agent.domain import machine
from iea_agent.domain.log_book import LogBookState, list_stays
from iea_agent.domain.machine import Moment, State
from iea_agent.host.log_book_file import LogBookFile

START = machine.begin(Moment(1_796_000_000.0, 0.0))
UP = replace(START, state=State.CONNECTED)


class _Clock:
    def __init__(self) -> None:
        self.now = Moment(1_796_000_000.0, 0.0)

    def __call__(self) -> Moment:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now = Moment(self.now.wall + seconds, self.now.steady + seconds)


def test_one_run_after_another_is_in_the_book(tmp_path: Path) -> None:
    file, clock = LogBookFile(tmp_path / "book"), _Clock()
    for ends_by_itself in (True, False, True):
        keeper = LogBookKeeper(file, clock)
        keeper.follow(START)
        for _look in range(10):
            clock.advance(15)
            keeper.follow(UP)
        if ends_by_itself:
            keeper.close()
        clock.advance(3600)

    entries, alive = file.read_entries()
    courses = [stay.course for stay in list_stays(entries, alive, clock.now.wall)]
    run = [LogBookState.CONNECTING, LogBookState.CONNECTED]
    assert courses == [*run, LogBookState.STOPPED, *run, LogBookState.KILLED, *run, LogBookState.STOPPED]
    killed = list_stays(entries, alive, clock.now.wall)[5]
    # known to the minute
    assert 3600 <= killed.seconds <= 3660


def test_a_disk_that_refuses_is_named_once_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "book").mkdir()
    clock = _Clock()
    keeper = LogBookKeeper(LogBookFile(tmp_path / "book"), clock)
    with caplog.at_level(logging.WARNING):
        for snapshot in (START, UP, START):
            keeper.follow(snapshot)
            clock.advance(10)
        keeper.close()
    assert [record.message for record in caplog.records] == ["log book not written"]
