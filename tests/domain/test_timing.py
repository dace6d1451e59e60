"""When to try again: the numbers, their limits, and that the agent never gives up."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import problems, timing
from iea_agent.domain.diagnosis import Failure
from iea_agent.domain.problems import Problem, Retry
from tests.failures import failed

LOST = problems.CONNECTION_UNANSWERED
WAITS_FOR_A_CHANGE = {problem for problem in problems.CATALOGUE.values() if problem.retry is Retry.ON_CHANGE}
UNAVAILABLE = tuple(problem for problem in problems.CATALOGUE.values() if problem.retry is Retry.UNAVAILABLE)
CHANCES = st.floats(0, 1, exclude_max=True)
REFUSALS = {problem for problem in problems.CATALOGUE.values() if problem.retry is Retry.REFUSED}
SPECIAL = {*WAITS_FOR_A_CHANGE, *REFUSALS, *UNAVAILABLE}
ORDINARY = [problem for problem in problems.CATALOGUE.values() if problem not in SPECIAL]


def test_who_waits_how() -> None:
    assert {problems.NOT_CONFIGURED, problems.ADDRESS_MALFORMED} <= WAITS_FOR_A_CHANGE
    assert {problems.SERVER_UNAVAILABLE, problems.SERVER_IN_MAINTENANCE, problems.TOO_MANY_REQUESTS} <= set(
        UNAVAILABLE
    )
    assert {problems.LICENCE_NOT_RECOGNISED, problems.AUTHORISATION_REFUSED} <= REFUSALS


def asking(problem: Problem) -> Failure:
    """A failure whose server asks for an hour."""
    return replace(failed(problem), retry_after=3600.0)


def test_one_second_doubling_to_a_minute() -> None:
    middle = [timing.next_try(LOST, failures, None, 0.5) for failures in range(1, 10)]
    assert middle == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize(("chance", "factor"), [(0.0, 0.5), (0.5, 1.0), (0.999999, 1.5)])
def test_spread_by_half(chance: float, factor: float) -> None:
    assert timing.next_try(LOST, 4, None, chance) == pytest.approx(8 * factor, rel=1e-5)


@given(st.sampled_from(ORDINARY), st.integers(1, 10**9), CHANCES)
def test_never_gives_up_and_never_waits_longer_than_a_minute_and_a_half(
    problem: Problem, failures: int, chance: float
) -> None:
    seconds = timing.next_try(problem, failures, None, chance)
    assert seconds is not None
    assert 0.5 <= seconds <= 90


@given(st.sampled_from(ORDINARY), st.integers(1, 40), CHANCES)
def test_waits_no_shorter_after_one_failure_more(problem: Problem, failures: int, chance: float) -> None:
    sooner = timing.next_try(problem, failures, None, chance)
    later = timing.next_try(problem, failures + 1, None, chance)
    assert sooner is not None
    assert later is not None
    assert sooner <= later


@pytest.mark.parametrize("problem", sorted(REFUSALS, key=str), ids=str)
def test_a_refused_licence_waits_a_quarter_of_an_hour(problem: Problem) -> None:
    assert timing.next_try(problem, 1, None, 0.3) == 900
    assert timing.next_try(problem, 50, None, 0.9) == 900


@pytest.mark.parametrize("problem", UNAVAILABLE, ids=str)
def test_an_unavailable_server_gets_seconds_then_one_to_five_minutes(problem: Problem) -> None:
    assert [timing.next_try(problem, tries, None, 0.0) for tries in range(1, 7)] == [5, 15, 45, 60, 60, 60]
    assert [timing.next_try(problem, tries, None, 0.5) for tries in (1, 3, 4)] == [6.25, 56.25, 180]
    assert timing.next_try(problem, 9, None, 0.999999) == pytest.approx(300, abs=0.01)


@pytest.mark.parametrize(
    ("tries", "unavailable", "most"),
    [(1, 1, 7.5), (4, 1, 90), (12, 1, 90), (12, 2, 120), (12, 3, 180), (12, 4, 300), (12, 99, 300)],
)
def test_a_server_that_has_just_come_back_is_asked_sooner_than_one_that_stays_busy(
    tries: int, unavailable: int, most: float
) -> None:
    seconds = timing.next_try(problems.SERVER_UNAVAILABLE, tries, None, 0.999999, unavailable)
    assert seconds == pytest.approx(most, abs=0.01)


@given(st.sampled_from([*ORDINARY, *UNAVAILABLE]), st.floats(0, 1e13), st.integers(1, 20), CHANCES)
def test_the_servers_wish_is_respected_up_to_an_hour_and_never_shortens_our_wait(
    problem: Problem, wish: float, tries: int, chance: float
) -> None:
    seconds = timing.next_try(problem, tries, wish, chance)
    own = timing.next_try(problem, tries, None, chance)
    assert seconds is not None
    assert own is not None
    assert seconds == max(own, min(wish, 3600) * (1 + chance / 2))


@pytest.mark.parametrize("wish", [0.0, -5.0, 1.0])
def test_a_wish_for_no_time_at_all_is_not_one(wish: float) -> None:
    assert timing.next_try(problems.SERVER_UNAVAILABLE, 1, wish, 0.0) == 5
    assert timing.next_try(problems.TOO_MANY_REQUESTS, 4, wish, 0.0) == 60


@pytest.mark.parametrize(
    ("wish", "chance", "seconds"),
    [
        (None, 0.0, 60),
        (None, 0.5, 180),
        (-5.0, 0.0, 60),
        (100.0, 0.0, 100),
        (1000.0, 0.5, 1250),
        (1e9, 0.5, 4500),
    ],
)
def test_a_sign_in_that_is_put_off_waits_as_for_a_server_that_is_not_available(
    wish: float | None, chance: float, seconds: float
) -> None:
    assert timing.put_off_sign_in(wish, chance) == seconds


@pytest.mark.parametrize(
    ("failing_for", "chance", "seconds"),
    [(0, 0.0, 30), (0, 0.5, 33.75), (100, 0.0, 100), (240, 0.5, 270), (239, 0.0, 239), (9000, 0.999999, 300)],
)
def test_looks_grow_apart_and_come_within_five_minutes(
    failing_for: float, chance: float, seconds: float
) -> None:
    look = timing.next_look(asking(problems.SERVER_IN_MAINTENANCE), failing_for, 4000.0, chance)
    assert look == pytest.approx(seconds, abs=0.01)


def test_no_look_that_the_next_try_makes_needless_or_that_cannot_help() -> None:
    assert timing.next_look(asking(problems.SERVER_UNAVAILABLE), 0, 30.0, 0.0) is None
    assert timing.next_look(asking(problems.SERVER_UNAVAILABLE), 0, 30.1, 0.0) == 30
    assert timing.next_look(failed(problems.SERVER_UNAVAILABLE), 0, 200.0, 0.0) is None
    for problem in (problems.LICENCE_NOT_RECOGNISED, LOST, problems.NOT_CONFIGURED):
        assert timing.next_look(asking(problem), 0, 900.0, 0.0) is None


@pytest.mark.parametrize(
    ("now", "first_notice", "last_change", "acts_at"),
    [
        (100, 100, -math.inf, 102),
        (105, 100, -math.inf, 107),
        (114, 100, -math.inf, 115),
        (100, 100, 95, 110),
        (100, 100, 84, 102),
    ],
)
def test_a_change_settles_for_two_seconds_and_comes_fifteen_after_the_last(
    now: float, first_notice: float, last_change: float, acts_at: float
) -> None:
    assert timing.settle(now, first_notice, last_change) == acts_at


@pytest.mark.parametrize(
    ("gap", "seconds"), [(0, 0), (0.5, 0.5), (90, 90), (120, 120), (120.1, 0), (298, 0), (-1, 0)]
)
def test_failure_is_observed_between_attempts_that_are_not_far_apart(gap: float, seconds: float) -> None:
    assert timing.observed(gap) == seconds


@pytest.mark.parametrize("problem", sorted(WAITS_FOR_A_CHANGE, key=str), ids=str)
def test_what_only_a_change_can_mend_is_not_tried_again(problem: Problem) -> None:
    assert timing.next_try(problem, 1, None, 0.5) is None
    assert timing.next_try(problem, 1, 10.0, 0.5) is None


@given(CHANCES)
def test_a_heartbeat_comes_after_a_minute_give_or_take_a_tenth(chance: float) -> None:
    assert 54 <= timing.heartbeat(chance) < 66 + 1e-9


def test_a_heartbeat_uses_its_whole_spread() -> None:
    assert timing.heartbeat(0.0) == 54
    assert timing.heartbeat(0.5) == 60
    assert timing.heartbeat(0.999999) == pytest.approx(66, abs=0.001)


@pytest.mark.parametrize(("gap", "slept"), [(15.0, False), (22.5, False), (22.6, True), (-3600.0, False)])
def test_a_gap_over_one_and_a_half_checks_is_sleep(gap: float, slept: bool) -> None:
    assert timing.slept(gap) is slept


@pytest.mark.parametrize(
    ("due_in", "check"), [(None, 15), (10, 10), (16.5, 16.5), (17, 8.5), (54, 13.5), (66, 16.5), (-1, -1)]
)
def test_the_clock_is_checked_at_equal_distances_until_another_timer(
    due_in: float | None, check: float
) -> None:
    assert timing.next_check(due_in) == pytest.approx(check)


@given(CHANCES)
def test_a_heartbeat_costs_three_checks(chance: float) -> None:
    left, checks = timing.heartbeat(chance), 0
    while (check := timing.next_check(left)) < left:
        assert check <= timing.CLOCK_CHECK_LONGEST
        left -= check
        checks += 1
    assert checks == 3


@pytest.mark.parametrize(
    ("failing_for", "seconds"), [(0.0, 15), (14.9, 15), (60.0, 60), (300.0, 300), (86_400.0, 300)]
)
def test_an_explanation_is_looked_for_ever_later_and_at_least_every_five_minutes(
    failing_for: float, seconds: float
) -> None:
    assert timing.next_explanation(failing_for) == seconds


def test_the_other_figures() -> None:
    assert timing.CLOCK_CHECK_LONGEST == 16.5
    assert timing.NETWORK_SETTLES == 2
    assert timing.CLOCK_CHECK == 15
    assert timing.POLICY_CHECK == 60
    assert timing.PROBE == 300
    assert timing.CHANGES_APART == 60
    assert timing.MAINTENANCE_LEAST == 60
