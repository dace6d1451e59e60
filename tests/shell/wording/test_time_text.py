"""The words for times and durations."""

from __future__ import annotations

import time

import pytest

from iea_agent.shell.wording.time_text import (
    format_age,
    format_coming_time,
    format_date,
    format_duration,
    format_milliseconds,
    format_moment,
    format_since,
    format_time_of_day,
    format_wait,
)

NOON = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
MORNING = time.mktime((2026, 3, 5, 9, 5, 0, 0, 0, -1))
YESTERDAY = time.mktime((2026, 3, 4, 23, 59, 0, 0, 0, -1))


def test_the_day_is_named_only_where_it_is_not_today() -> None:
    assert format_since(MORNING, NOON) == "depuis 9\u00a0h\u00a005"
    assert format_since(YESTERDAY, NOON) == "depuis le 04/03/2026 à 23\u00a0h\u00a059"
    assert format_moment(MORNING, NOON) == "aujourd’hui à 9\u00a0h\u00a005"
    assert format_moment(YESTERDAY, NOON) == "le 04/03/2026 à 23\u00a0h\u00a059"


@pytest.mark.parametrize("beyond", [-1e18, 1e18, float("inf")])
def test_a_time_beyond_all_calendars_has_words_too(beyond: float) -> None:
    assert format_date(beyond).count("/") == 2
    assert format_time_of_day(beyond).endswith(("00", "59"))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, ""),
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
    assert format_milliseconds(1000)[::2] == "10s"
    assert format_milliseconds(60_000).startswith("60")
    second = format_milliseconds(2140)
    assert second == ("2,1\u00a0s" if language == "fr" else "2.1\u00a0s")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0~min"),
        (59, "0~min"),
        (60, "1~min"),
        (3599, "59~min"),
        (3600, "1~h"),
        (3660, "1~h~01"),
        (86_399, "23~h~59"),
        (86_400, "1~j 0~h"),
        (51.6 * 3600, "2~j 3~h"),
    ],
)
def test_an_age_is_rounded_down(seconds: float, words: str) -> None:
    assert format_age(seconds).replace("\u00a0", "~") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1~s"),
        (89, "89~s"),
        (89.1, "2~min"),
        (121, "3~min"),
        (119 * 60, "119~min"),
        (119 * 60 + 1, "2~h"),
        (2 * 3600 + 1, "3~h"),
    ],
)
def test_a_wait_is_rounded_up_so_that_it_is_over_when_it_says(seconds: float, words: str) -> None:
    assert format_wait(seconds).replace("\u00a0", "~") == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-3, "dans moins d’une minute"),
        (59.9, "dans moins d’une minute"),
        (60, "vers 12~h~01"),
        (61, "vers 12~h~02"),
        (7500, "vers 14~h~05"),
        (86_400, "le 06/03/2026 vers 12~h~00"),
    ],
)
def test_what_comes_is_told_by_the_clock_and_not_counted_down(seconds: float, words: str) -> None:
    """The text is the same whenever it is made, until the last minute begins."""
    comes = NOON + seconds
    assert format_coming_time(comes, NOON).replace("\u00a0", "~") == words
    later = NOON + max(0.0, min(seconds - 60, 3600))
    assert format_coming_time(comes, later).replace("\u00a0", "~") == words
