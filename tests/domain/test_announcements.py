"""The balloon policy: when something may be told, and when not again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain.announcements import Announced, failure_due_in

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


def test_a_clock_set_back_does_not_silence_for_ever() -> None:
    memory = Announced().record("IEA-N05", NOON, failure=True)
    assert memory.may_announce("IEA-N05", NOON - 1)


def test_a_failure_stands_announced_until_recovery() -> None:
    memory = Announced()
    assert not memory.failure
    memory = memory.record("servers-answer", NOON, failure=False)
    assert not memory.failure
    memory = memory.record("IEA-N05", NOON, failure=True).record("servers-answer", NOON, failure=False)
    assert memory.failure
    memory = memory.recover()
    assert not memory.failure
    assert not memory.may_announce("IEA-N05", NOON + 1)


@pytest.mark.parametrize(
    ("failing_for", "quiet_for", "due_in"),
    [
        (0.0, 0.0, 60.0),
        (45.0, 0.0, 15.0),
        (60.0, 0.0, 0.0),
        (600.0, 0.0, 0.0),
        (0.0, 30.0, 60.0),
        (600.0, 30.0, 30.0),
        (50.0, -100.0, 10.0),
    ],
)
def test_a_failure_is_told_after_a_minute_and_after_the_silence(
    failing_for: float, quiet_for: float, due_in: float
) -> None:
    assert failure_due_in(failing_for, quiet_for) == due_in


@given(st.floats(0, 1e6), st.floats(-1e6, 30))
def test_never_too_early_never_in_the_past(failing_for: float, quiet_for: float) -> None:
    due_in = failure_due_in(failing_for, quiet_for)
    assert due_in >= 0
    assert due_in >= quiet_for
    assert due_in + failing_for >= 60 - 1e-6
