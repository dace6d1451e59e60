"""A crash is restarted once; one that comes shortly after is not."""

from __future__ import annotations

import pytest

from iea_agent.domain import timing
from iea_agent.domain.crash_record import CrashRecord, parse_crash, record_crash, settle

NOW = 1_796_000_000.0
ONCE = record_crash(None, NOW)


def test_the_first_crash_is_not_repeated() -> None:
    assert CrashRecord(NOW, is_repeated=False) == ONCE


@pytest.mark.parametrize(
    ("after", "is_repeated"),
    [(0.0, True), (timing.RESTART_APART - 1, True), (timing.RESTART_APART, False), (-86_400.0, True)],
)
def test_a_crash_soon_after_another_is_repeated(after: float, *, is_repeated: bool) -> None:
    assert record_crash(settle(ONCE, NOW), NOW + after).is_repeated is is_repeated


def test_crashes_one_after_the_other_are_all_repeated() -> None:
    record = ONCE
    for minute in range(1, 100):
        record = record_crash(record, NOW + 60 * minute)
        assert record.is_repeated


def test_it_is_announced_once_and_a_clock_that_was_ahead_forbids_nothing_for_long() -> None:
    assert settle(ONCE, NOW + 1) == CrashRecord(NOW, is_repeated=False, is_announced=True)
    assert settle(ONCE, NOW - 86_400).at == NOW - 86_400


def test_the_record_is_read_as_it_is_written() -> None:
    assert parse_crash(settle(ONCE, NOW).to_document()) == settle(ONCE, NOW)


@pytest.mark.parametrize("change", [{"at": "now"}, {"is_repeated": 1}, {"is_announced": None}])
def test_an_impossible_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_crash({**ONCE.to_document(), **change})
