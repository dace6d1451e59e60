"""When the agent signs in: at four fifths of a token's life, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import timing
from iea_agent.domain.lease import Lease, grant
from iea_agent.domain.machine import Moment

NOON = Moment(1_790_000_000.0, 1000.0)


def after(seconds: float, *, slept: float = 0.0) -> Moment:
    """The moment *seconds* after noon; the steady clock stood still while *slept*."""
    return Moment(NOON.wall + seconds, NOON.steady + seconds - slept)


@pytest.mark.parametrize(
    ("expires_in", "renews_after", "holds_for"),
    [
        (None, 300, 300),
        (0.0, 300, 300),
        (60.0, 300, 300),
        (300.0, 300, 300),
        (375.0, 300, 375),
        (600.0, 480, 600),
        (2250.0, 1800, 2250),
        (3600.0, 1800, 3600),
        (1e12, 1800, 1e12),
    ],
)
def test_a_token_is_renewed_at_four_fifths_of_its_life_within_five_and_thirty_minutes(
    expires_in: float | None, renews_after: float, holds_for: float
) -> None:
    lease = grant(NOON, expires_in)
    assert not lease.wants_sign_in(after(renews_after - 0.1), returning=False)
    assert lease.wants_sign_in(after(renews_after), returning=False)
    assert lease.holds(after(holds_for - 0.1))
    assert not lease.holds(after(holds_for))


def test_a_token_that_holds_is_used_when_the_server_returns_and_one_that_ended_is_not() -> None:
    lease = grant(NOON, 3600)
    assert not lease.wants_sign_in(after(3000), returning=True)
    assert lease.wants_sign_in(after(3600), returning=True)


def test_a_sleep_ends_a_token_though_the_steady_clock_stood_still() -> None:
    lease = grant(NOON, 3600)
    assert lease.holds(after(3599, slept=3000))
    assert not lease.holds(after(3600, slept=3000))
    assert not lease.holds(Moment(NOON.wall - 86_400, NOON.steady + 3600)), "a clock that was set back"


@pytest.mark.parametrize(("chance", "due_in"), [(0.0, 0), (0.5, 300), (0.999, 599.4)])
def test_sign_ins_that_became_due_are_spread_over_ten_minutes(chance: float, due_in: float) -> None:
    lease = grant(NOON, 3600)
    assert lease.spread(after(1799.9), chance) == lease
    assert lease.spread(after(1800), 1.0).renew == NOON.steady + 2400
    spread = lease.spread(after(2000), chance)
    assert spread.renew == pytest.approx(NOON.steady + 2000 + due_in)
    assert spread.ends == lease.ends


def test_a_sign_in_is_put_off_but_not_beyond_the_end_of_the_token() -> None:
    lease = grant(NOON, 3600).put_off(after(3000), 900)
    assert not lease.wants_sign_in(after(3599), returning=False)
    assert lease.wants_sign_in(after(3600), returning=False)


@given(st.none() | st.floats(0, 1e9), st.floats(0, 1e6))
def test_no_more_than_one_sign_in_in_five_minutes_and_no_less_than_one_in_thirty(
    expires_in: float | None, seconds: float
) -> None:
    lease = grant(NOON, expires_in)
    wants = lease.wants_sign_in(after(seconds), returning=False)
    assert wants or seconds < timing.SIGN_IN_LONGEST + 1e-6
    assert not wants or seconds > timing.SIGN_IN_LEAST - 1e-6


def test_a_lease_is_a_value() -> None:
    assert grant(NOON, 600) == Lease(1480.0, Moment(NOON.wall + 600, 1600.0))
