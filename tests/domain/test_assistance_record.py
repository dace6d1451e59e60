"""The record of assistance mode, and times that cannot be."""

from __future__ import annotations

import pytest

from iea_agent.domain.assistance_record import (
    AssistanceRecord,
    bound_since,
    combine_records,
    parse_assistance,
)

IMPOSSIBLE: list[object] = [1e300, float("nan"), float("inf"), -1, 1e13, True, "2026", [], 10**400]


@pytest.mark.parametrize("since", [None, 0.0, 1_800_000_000, 1_800_000_000.5])
def test_what_is_saved_is_parsed(since: float | None) -> None:
    record = AssistanceRecord(since)
    assert parse_assistance(record.to_document()) == record


@pytest.mark.parametrize(
    "document",
    [{}, *({"since": value} for value in IMPOSSIBLE)],
    ids=str,
)
def test_an_impossible_record_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="since"):
        parse_assistance(document)


def test_a_time_ahead_counts_from_now_unless_the_clock_is_known_to_be_wrong() -> None:
    assert bound_since(since=900.0, now=500.0, built=100.0) == 500.0
    assert bound_since(since=400.0, now=500.0, built=100.0) == 400.0
    assert bound_since(since=900.0, now=50.0, built=100.0) == 900.0


@pytest.mark.parametrize(
    ("copy", "file", "since"),
    [
        (None, None, None),
        (None, 500.0, 500.0),
        (500.0, None, 500.0),
        (500.0, 400.0, 500.0),
        (500.0, 600.0, 500.0),
    ],
)
def test_on_counts_if_one_says_so_since_the_time_that_the_agent_knows(
    copy: float | None, file: float | None, since: float | None
) -> None:
    assert combine_records(AssistanceRecord(copy), AssistanceRecord(file)).since == since


@pytest.mark.parametrize(
    ("since", "now", "built", "bounded"),
    [(50.0, 40.0, 40.0, 40.0), (50.0, 39.0, 40.0, 50.0), (50.0, 50.0, 40.0, 50.0), (50.0, 60.0, 40.0, 50.0)],
)
def test_a_beginning_ahead_of_a_clock_that_can_be_right_is_now(
    since: float, now: float, built: float, bounded: float
) -> None:
    assert bound_since(since, now, built) == bounded
