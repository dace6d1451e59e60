"""What repeats itself is said once in a while, with the number of the others."""

from __future__ import annotations

from iea_agent.domain.repetitions import Repetitions


def test_one_in_a_minute_is_said_and_the_others_are_counted() -> None:
    lines = Repetitions(60.0)
    assert lines.take("typo", 0.0) == 0
    assert [lines.take("typo", now) for now in (0.0, 30.0, 59.9)] == [None] * 3
    assert lines.take("typo", 60.0) == 3
    assert lines.take("typo", 61.0) is None
    assert lines.take("typo", 1000.0) == 1


def test_each_name_has_its_own_minute() -> None:
    lines = Repetitions(60.0)
    assert lines.take("typo", 5.0) == 0
    assert lines.take("other-day", 5.0) == 0
    assert lines.take("typo", 6.0) is None
