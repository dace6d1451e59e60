"""Tries at the password of the day, on clocks that the test sets.

Restarts, clocks set back and forth, saved tries that cannot be read.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import password_tries
from iea_agent.domain.machine import Moment
from iea_agent.domain.password_tries import DAY, Tries, WaitReason, parse_tries
from tests.covered import cover, covers

START = 1_790_000_000.0


class Computer:
    """A PC with two clocks, whose tries are saved and parsed at every restart."""

    def __init__(self) -> None:
        self.wall, self.steady, self.true = START, 1000.0, 0.0
        self.tries = Tries()

    def pass_time(self, seconds: float) -> None:
        """Let time pass while the agent runs."""
        self.wall += seconds
        self.steady += seconds
        self.true += seconds

    def set_clock(self, seconds: float) -> None:
        """Move the wall clock."""
        self.wall += seconds

    def restart(self, off: float = 0.0) -> None:
        """End the agent and start it *off* seconds later, with a new steady clock."""
        self.wall += off
        self.true += off
        self.steady = 5.0
        self.tries = parse_tries(json.loads(json.dumps(self.tries.to_document())))

    def wait(self) -> tuple[WaitReason, float]:
        """Return why and how long the next try has to wait."""
        self.tries = password_tries.advance_clock(self.tries, Moment(self.wall, self.steady))
        return password_tries.compute_wait(self.tries)

    def fail(self) -> None:
        """Try a wrong password."""
        assert self.wait() == (WaitReason.NONE, 0.0)
        self.tries = password_tries.count_try(self.tries, generation=1)

    def fail_until_stopped(self) -> None:
        """Try a hundred wrong passwords, each as soon as it is allowed."""
        while not self.tries.stopped:
            self.pass_time(self.wait()[1])
            self.fail()


@pytest.fixture
def pc() -> Computer:
    """Return a PC without a try."""
    return Computer()


def test_five_are_free_then_waits_double_up_to_an_hour(pc: Computer) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    waits = []
    for _ in range(9):
        reason, wait = pc.wait()
        assert reason is WaitReason.WAIT
        waits.append(wait / 60)
        pc.pass_time(wait)
        pc.fail()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_try_before_its_time_is_refused(pc: Computer) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    pc.pass_time(59.9)
    assert pc.wait()[0] is WaitReason.WAIT
    with pytest.raises(ValueError, match="before its time"):
        password_tries.count_try(pc.tries, 1)
    pc.pass_time(0.2)
    pc.fail()


def test_one_try_a_minute_for_three_days_lets_73_through(pc: Computer) -> None:
    through = 0
    for _ in range(3 * 24 * 60):
        if pc.wait()[0] is WaitReason.NONE:
            pc.fail()
            through += 1
        pc.pass_time(60)
    assert through == 73


def test_at_most_25_in_any_24_hours(pc: Computer) -> None:
    times: list[float] = []
    reasons = set()
    while len(times) < 90:
        reason, wait = pc.wait()
        reasons.add(reason)
        pc.pass_time(wait)
        pc.fail()
        times.append(pc.true)
    assert all(late - early >= DAY for early, late in zip(times, times[25:], strict=False))
    assert WaitReason.DAILY in reasons


def test_a_hundred_in_a_row_stop_for_a_month_and_no_longer(pc: Computer) -> None:
    pc.fail_until_stopped()
    assert pc.tries.failures == 100
    assert pc.wait() == (WaitReason.STOPPED, 30 * DAY)
    pc.restart(off=30 * DAY - 1)
    assert pc.wait() == (WaitReason.STOPPED, 1.0)
    pc.pass_time(1)
    pc.fail()
    assert pc.wait() == (WaitReason.WAIT, 60.0)  # no free try after a stop


def test_the_server_ends_a_stop_but_no_ordinary_wait(pc: Computer) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    assert password_tries.lift_stop_after_authentication(pc.tries) == pc.tries
    pc.fail_until_stopped()
    pc.tries = password_tries.lift_stop_after_authentication(pc.tries)
    assert pc.wait()[0] in (WaitReason.NONE, WaitReason.DAILY)
    assert not pc.tries.stopped


def test_a_newer_register_ends_a_stop(pc: Computer) -> None:
    pc.fail_until_stopped()
    assert password_tries.lift_stop_after_new_register(pc.tries, 1).stopped
    assert password_tries.lift_stop_after_new_register(pc.tries, 0).stopped
    assert not password_tries.lift_stop_after_new_register(pc.tries, 2).stopped


def test_success_forgets(pc: Computer) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    pc.tries = password_tries.reset_after_success(pc.tries)
    assert pc.wait() == (WaitReason.NONE, 0.0)
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    assert pc.wait() == (WaitReason.WAIT, 60.0)


class TestClocks:
    """What is gained by moving the clock."""

    @pytest.fixture(autouse=True)
    def waiting(self, pc: Computer) -> None:
        """Make the next try wait an hour."""
        for _ in range(11):
            pc.pass_time(pc.wait()[1])
            pc.fail()
        assert pc.wait() == (WaitReason.WAIT, 3600.0)

    def test_set_back_earns_nothing_and_costs_nothing(self, pc: Computer) -> None:
        pc.set_clock(-365 * DAY)
        assert pc.wait() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(1800)
        assert pc.wait() == (WaitReason.WAIT, 1800.0)
        pc.pass_time(1800)
        assert pc.wait() == (WaitReason.NONE, 0.0)

    def test_set_back_and_put_right_earns_nothing(self, pc: Computer) -> None:
        for _ in range(5):
            pc.set_clock(-7200)
            pc.wait()
            pc.pass_time(60)
            pc.wait()
            pc.set_clock(7200)
            pc.wait()
        assert pc.wait() == (WaitReason.WAIT, 3300.0)

    def test_set_back_over_a_restart_earns_nothing(self, pc: Computer) -> None:
        pc.set_clock(-DAY)
        pc.restart(off=60)
        assert pc.wait() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(600)
        assert pc.wait() == (WaitReason.WAIT, 3000.0)
        pc.restart()
        assert pc.wait() == (WaitReason.WAIT, 3000.0)

    def test_a_restart_earns_the_time_the_pc_was_off(self, pc: Computer) -> None:
        pc.restart(off=600)
        assert pc.wait() == (WaitReason.WAIT, 3000.0)
        pc.restart()
        assert pc.wait() == (WaitReason.WAIT, 3000.0)

    def test_restarts_earn_nothing(self, pc: Computer) -> None:
        for _ in range(50):
            pc.restart()
            assert pc.wait() == (WaitReason.WAIT, 3600.0)

    def test_the_same_hour_forward_cannot_be_sold_twice(self, pc: Computer) -> None:
        """A clock set forward counts once; back and forward again does not."""
        pc.set_clock(1800)
        assert pc.wait() == (WaitReason.WAIT, 1800.0)
        for _ in range(10):
            pc.set_clock(-1800)
            pc.restart()
            pc.wait()
            pc.set_clock(1800)
            pc.restart()
        assert pc.wait() == (WaitReason.WAIT, 1800.0)

    def test_a_clock_that_was_far_ahead_locks_nobody_out(self, pc: Computer) -> None:
        pc.set_clock(70 * 365 * DAY)
        pc.fail()
        pc.set_clock(-70 * 365 * DAY)
        pc.restart()
        assert pc.wait() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(3600)
        assert pc.wait() == (WaitReason.NONE, 0.0)


@covers("free try", "later try", "refused try", "more than a day of tries", "back", "restart")
@example([("try", 0.0), ("pass", 2 * DAY)] * 60)
@example([("try", 0.0), ("restart", 0.0), ("back", 60.0)] * 8)
@given(
    st.lists(
        st.tuples(st.sampled_from(["pass", "back", "restart", "try"]), st.floats(0, 2 * DAY)), max_size=200
    )
)
def test_without_a_clock_set_forward_nothing_gains_a_try(moves: list[tuple[str, float]]) -> None:
    """Tries never come faster than real time allows if the clock is not set forward."""
    pc = Computer()
    tried: list[float] = []
    for move, seconds in moves:
        cover(move)
        if move == "pass":
            pc.pass_time(seconds)
        elif move == "back":
            pc.wait()
            pc.set_clock(-seconds)
        elif move == "restart":
            pc.restart()
        elif pc.wait()[0] is WaitReason.NONE:
            pc.fail()
            tried.append(pc.true)
            cover("free try" if len(tried) <= password_tries.FREE_TRIES else "later try")
        else:
            cover("refused try")
    for place in range(password_tries.FREE_TRIES, len(tried)):
        assert (
            tried[place] - tried[place - 1] >= min(60 * 2 ** (place - password_tries.FREE_TRIES), 3600) - 0.01
        )
    if len(tried) > 25:
        cover("more than a day of tries")
    assert all(late - early >= DAY - 0.01 for early, late in zip(tried, tried[25:], strict=False))


class TestSaving:
    """The tries on disk."""

    def test_what_is_saved_is_parsed(self, pc: Computer) -> None:
        for _ in range(40):
            pc.pass_time(pc.wait()[1])
            pc.fail()
        tries = parse_tries({"schema": 1, **json.loads(json.dumps(pc.tries.to_document()))})
        assert tries == replace(pc.tries, steady=None)

    @pytest.mark.parametrize(
        "changes",
        [
            {"clock": None},
            {"clock": "1"},
            {"clock": -1.0},
            {"clock": float("nan")},
            {"clock": float("inf")},
            {"clock": True},
            {"failures": -1},
            {"failures": 1.0},
            {"failures": True},
            {"failures": 101},
            {"not_before": 1e300},
            {"clock": 1e13, "not_before": 1e13},
            {"not_before": START + 31 * DAY},
            {"not_before": None},
            {"recent": None},
            {"recent": [START + 1]},
            {"recent": [2.0, 1.0]},
            {"recent": ["x"]},
            {"recent": [1.0] * 26},
            {"generation": "1"},
            {"distrusted": 0},
        ],
    )
    def test_what_cannot_be_trusted_is_not_read(self, changes: dict[str, object]) -> None:
        good = Tries(clock=START, failures=3, recent=(START - 2, START - 1), generation=1).to_document()
        assert parse_tries(good).failures == 3
        with pytest.raises(ValueError, match=r"expected|contradict"):
            parse_tries({**good, **changes})
        for name in changes:
            with pytest.raises(ValueError, match=name):
                parse_tries({key: value for key, value in good.items() if key != name})

    def test_an_unreadable_state_is_no_fresh_start(self, pc: Computer) -> None:
        pc.tries = password_tries.create_distrusted(Moment(pc.wall, pc.steady))
        assert pc.wait() == (WaitReason.WAIT, 3600.0)
        pc.restart()
        assert pc.tries.distrusted
        pc.pass_time(3600)
        pc.fail()
        assert pc.wait() == (WaitReason.WAIT, 3600.0)
        assert pc.tries.distrusted
        assert not password_tries.reset_after_success(pc.tries).distrusted


class TestCombined:
    """What counts of two sets of tries is what allows less."""

    NOW = Tries(clock=START, failures=6, recent=(START - 900.0,), not_before=START + 120.0, generation=2)

    def test_what_allows_less_counts(self) -> None:
        other = Tries(START - 50.0, 3, (START - 800.0, START - 60.0), START - 10.0, 3, distrusted=True)
        expected = replace(
            self.NOW, recent=(START - 900.0, START - 800.0, START - 60.0), generation=3, distrusted=True
        )
        assert password_tries.combine_tries(self.NOW, other) == expected
        assert password_tries.combine_tries(self.NOW, replace(other, failures=9)).failures == 9
        later = replace(other, not_before=START + 500.0)
        assert password_tries.combine_tries(self.NOW, later).not_before == START + 500.0

    def test_with_itself_or_with_none_nothing_changes(self) -> None:
        assert password_tries.combine_tries(self.NOW, self.NOW) == self.NOW
        assert password_tries.combine_tries(self.NOW, Tries()) == self.NOW

    def test_a_time_far_ahead_ends_no_wait_and_makes_none_longer_than_the_stop(self) -> None:
        ahead = START + 1e9
        other = Tries(ahead, 1, (ahead,), ahead + 50.0)
        combined = password_tries.combine_tries(self.NOW, other)
        assert combined.clock == START
        assert combined.recent == (START - 900.0, START)
        assert combined.not_before == START + password_tries.STOP_SECONDS
        assert parse_tries(combined.to_document()) == combined

    def test_the_latest_of_a_day_are_remembered(self) -> None:
        times = tuple(START - 5000.0 + number for number in range(password_tries.DAILY_LIMIT))
        combined = password_tries.combine_tries(self.NOW, replace(self.NOW, recent=times))
        assert combined.recent == (*times[1:], START - 900.0)


def test_unreadable_tries_count_as_those_after_which_the_longest_wait_began(pc: Computer) -> None:
    """Not as more: the stop after a hundred is no nearer than it would have been."""
    while pc.wait()[1] < password_tries.LONGEST_WAIT:
        pc.pass_time(pc.wait()[1])
        pc.fail()
    distrusted = password_tries.create_distrusted(Moment(START, 7.0))
    assert (distrusted.failures, distrusted.clock) == (pc.tries.failures, START)
    assert distrusted.not_before == START + password_tries.LONGEST_WAIT
    # it is saved and read back before anything else happens
    assert replace(parse_tries(distrusted.to_document()), steady=7.0) == distrusted


def test_a_new_installation_has_tried_nothing() -> None:
    assert Tries() == Tries(clock=0.0, failures=0, recent=(), not_before=0.0, generation=0)
    before_1970 = password_tries.create_distrusted(Moment(-5.0, 0.0))
    assert (before_1970.clock, before_1970.not_before) == (0.0, password_tries.LONGEST_WAIT)
