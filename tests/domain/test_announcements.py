"""The balloon policy: when something may be told, and when not again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain.announcements import Announced, failure_due_in, reminder_due_in

DAY = 86_400.0
NOON = 1_790_000_000.0


def test_a_text_is_told_once_a_day() -> None:
    memory = Announced()
    assert memory.may_announce("IEA-N05", NOON)
    memory = memory.record("IEA-N05", NOON, failure=True)
    assert not memory.may_announce("IEA-N05", NOON)
    assert not memory.may_announce("IEA-N05", NOON + DAY - 1)
    assert memory.may_announce("IEA-N05", NOON + DAY)


def test_another_text_is_not_held_back() -> None:
    memory = Announced().record("IEA-N05", NOON, failure=True)
    assert memory.may_announce("IEA-N01", NOON)
    memory = memory.record("IEA-N01", NOON + 60, failure=True)
    assert not memory.may_announce("IEA-N05", NOON + 60)


def test_a_clock_set_back_does_not_silence_for_ever() -> None:
    memory = Announced().record("IEA-N05", NOON, failure=True)
    assert memory.may_announce("IEA-N05", NOON - 1)


def test_a_failure_stands_announced_until_recovery() -> None:
    memory = Announced()
    assert not memory.failure
    memory = memory.record("servers-answer", NOON)
    assert not memory.failure
    memory = memory.record("IEA-N05", NOON, failure=True).record("servers-answer", NOON, failure=False)
    assert memory.failure
    memory = memory.recover()
    assert not memory.failure
    assert not memory.may_announce("IEA-N05", NOON + 1)


def test_three_balloons_in_a_day_are_enough() -> None:
    memory = Announced()
    for hour, key in enumerate(("IEA-N01", "IEA-N05", "back")):
        assert not memory.is_exhausted(NOON + 3600 * hour)
        memory = memory.record(key, NOON + 3600 * hour)
    assert memory.is_exhausted(NOON + 7200)
    assert not memory.may_announce("IEA-N03", NOON + 7200)
    assert not memory.is_exhausted(NOON + DAY)
    assert memory.may_announce("IEA-N03", NOON + DAY)
    memory = memory.record("IEA-N03", NOON + DAY)
    assert memory.is_exhausted(NOON + DAY)


@pytest.mark.parametrize(
    ("lasted", "due_in"),
    [(0.0, DAY), (3600.0, DAY - 3600), (DAY + 3600, DAY - 3600), (10 * DAY, DAY), (-3600.0, DAY)],
)
def test_a_reminder_comes_each_day_of_the_mode_and_not_of_the_process(lasted: float, due_in: float) -> None:
    assert reminder_due_in(lasted) == due_in


@pytest.mark.parametrize(
    ("observed", "quiet_for", "stands", "due_in"),
    [
        (0.0, 0.0, True, 60.0),
        (45.0, 0.0, True, 15.0),
        (45.0, 0.0, False, None),
        (59.5, 0.0, False, None),
        (60.0, 0.0, False, 0.0),
        (600.0, 0.0, False, 0.0),
        (0.0, 30.0, True, 60.0),
        (600.0, 30.0, False, 30.0),
        (50.0, -100.0, True, 10.0),
    ],
)
def test_a_failure_is_told_after_an_observed_minute_and_after_the_silence(
    observed: float, quiet_for: float, stands: bool, due_in: float | None
) -> None:
    assert failure_due_in(observed, quiet_for, stands=stands) == due_in


@given(st.floats(0, 1e6), st.floats(-1e6, 30), st.booleans())
def test_never_too_early_never_in_the_past(observed: float, quiet_for: float, stands: bool) -> None:
    due_in = failure_due_in(observed, quiet_for, stands=stands)
    if due_in is None:
        assert observed < 60
        assert not stands
        return
    assert due_in >= 0
    assert due_in >= quiet_for
    assert due_in + observed >= 60 - 1e-6
