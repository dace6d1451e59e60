"""When to try again: the numbers, their limits, and that the agent never gives up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import problems, timing
from iea_agent.domain.problems import Problem

LOST = problems.CONNECTION_UNANSWERED
WAITS_FOR_A_CHANGE = {problems.NOT_CONFIGURED, problems.ADDRESS_MALFORMED}
UNAVAILABLE = (problems.SERVER_UNAVAILABLE, problems.SERVER_IN_MAINTENANCE, problems.TOO_MANY_REQUESTS)
CHANCES = st.floats(0, 1, exclude_max=True)
REFUSALS = {problem for problem in problems.CATALOGUE.values() if problem.is_refusal}
SPECIAL = {*WAITS_FOR_A_CHANGE, *REFUSALS, *UNAVAILABLE}
ORDINARY = [problem for problem in problems.CATALOGUE.values() if problem not in SPECIAL]


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
def test_an_unavailable_server_gets_one_to_five_minutes(problem: Problem) -> None:
    assert timing.next_try(problem, 1, None, 0.0) == 60
    assert timing.next_try(problem, 9, None, 0.5) == 180
    assert timing.next_try(problem, 1, None, 0.999999) == pytest.approx(300, abs=0.01)


@given(st.sampled_from([*ORDINARY, problems.SERVER_UNAVAILABLE]), st.floats(0.01, 1e9), CHANCES)
def test_the_servers_wish_is_respected_up_to_an_hour(problem: Problem, wish: float, chance: float) -> None:
    seconds = timing.next_try(problem, 3, wish, chance)
    assert seconds is not None
    assert min(wish, 3600) <= seconds <= min(wish, 3600) * 1.1


@pytest.mark.parametrize("wish", [0.0, -5.0])
def test_a_wish_for_no_time_at_all_is_not_one(wish: float) -> None:
    assert timing.next_try(problems.SERVER_UNAVAILABLE, 1, wish, 0.0) == 60


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


def test_the_other_figures() -> None:
    assert timing.NETWORK_SETTLES == 2
    assert timing.CLOCK_CHECK == 15
    assert timing.POLICY_CHECK == 60
    assert timing.PROBE == 300
