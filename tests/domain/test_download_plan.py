"""A download in numbers: rate, limit, room, and the field of a part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.download_plan import (
    COPIES_UNPACKED,
    ROOM_LEFT,
    Progress,
    RateLimit,
    RateMeter,
    compute_room,
    parse_content_range,
)


def test_the_time_left_follows_the_rate() -> None:
    assert Progress(0, 100).seconds_left is None
    assert Progress(20, 100, 8.0).seconds_left == 10.0


def test_a_rate_is_told_after_a_second_and_follows_a_change() -> None:
    meter = RateMeter(1000, 50.0)
    assert meter.measure(1500, 50.5) == 0.0
    assert meter.measure(2000, 51.0) == pytest.approx(1000)
    received, now = 2000, 51.0
    for _ in range(40):
        received, now = received + 1000, now + 0.5
        rate = meter.measure(received, now)
    assert rate == pytest.approx(2000, rel=0.05)
    # two reports at the same moment
    assert meter.measure(received, now) == rate


@given(some.lists(some.integers(1, 300_000), min_size=1, max_size=60), some.integers(10_000, 10_000_000))
def test_a_limit_holds_over_any_pieces(sizes: list[int], rate: int) -> None:
    limit, now = RateLimit(0.0), 0.0
    for size in sizes:
        now += limit.take(size, rate, now)
    assert now == pytest.approx(sum(sizes) / rate, rel=1e-6)


def test_a_pause_is_made_up_for_by_one_second_at_most() -> None:
    limit = RateLimit(0.0)
    assert limit.take(100, 100, 3600.0) == 0.0
    assert limit.take(100, 100, 3600.0) == 1.0
    assert limit.take(10**9, 0, 3600.0) == 0.0


def test_an_update_needs_room_for_all_its_copies() -> None:
    assert compute_room(200, 400) == 200 + COPIES_UNPACKED * 400 + ROOM_LEFT


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("bytes 100-199/200", (100, 200)),
        (" bytes 0-0/1 ", (0, 1)),
        ("bytes 5-9/*", (5, None)),
        ("", None),
        ("bytes */200", None),
        ("bytes -1-9/20", None),
        ("items 0-1/2", None),
        ("bytes 0-1/" + "9" * 200, None),
        ("bytes ٣-٤/٩", None),
    ],
)
def test_the_place_of_a_part_is_read_or_refused(text: str, place: tuple[int, int | None] | None) -> None:
    assert parse_content_range(text) == place
