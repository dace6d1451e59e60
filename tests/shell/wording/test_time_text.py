"""The words for times and durations."""

from __future__ import annotations

import time

import pytest

from iea_agent.shell.wording.time_text import (
    format_date,
    format_duration,
    format_milliseconds,
    format_moment,
    format_since,
    format_time_of_day,
)

NOON = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
MORNING = time.mktime((2026, 3, 5, 9, 5, 0, 0, 0, -1))
YESTERDAY = time.mktime((2026, 3, 4, 23, 59, 0, 0, 0, -1))


def test_the_day_is_named_only_where_it_is_not_today() -> None:
    assert format_since(MORNING, NOON) == "depuis 9\u00a0h\u00a005"
    assert format_since(YESTERDAY, NOON) == "depuis le 04/03/2026 à 23\u00a0h\u00a059"
    assert format_moment(MORNING, NOON) == "aujourd'hui à 9\u00a0h\u00a005"
    assert format_moment(YESTERDAY, NOON) == "le 04/03/2026 à 23\u00a0h\u00a059"


@pytest.mark.parametrize("beyond", [-1e18, 1e18, float("inf")])
def test_a_time_beyond_all_calendars_has_words_too(beyond: float) -> None:
    assert format_date(beyond).count("/") == 2
    assert format_time_of_day(beyond).endswith(("00", "59"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 seconde"),
        (29, "29 secondes"),
        (59, "1 minute"),
        (3600, "1 heure"),
        (90_000, "1 jour et 1 heure"),
        (86_460, "1 jour"),
    ],
)
def test_a_duration_is_its_two_largest_units(seconds: float, words: str) -> None:
    assert format_duration(seconds) == words


def test_a_time_is_short(language: str) -> None:
    assert format_milliseconds(48.4) == "48\u00a0ms"
    assert format_milliseconds(999.4) == "999\u00a0ms"
    second = format_milliseconds(2140)
    assert second == ("2,1\u00a0s" if language == "fr" else "2.1\u00a0s")
