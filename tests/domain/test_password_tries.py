"""How often the password of the day may be tried, on clocks driven by hand: restarts, clocks set back and forth, states that cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import password_tries
from iea_agent.domain.machine import Moment
from iea_agent.domain.password_tries import DAY, Tries, WaitReason, parse_tries

START = 1_790_000_000.0


class Desk:
    """A PC: two clocks, and a state that goes to disk and back at every restart."""

    def __init__(self) -> None:
        self.wall, self.steady, self.true = START, 1000.0, 0.0
        self.state = Tries()

    def pass_time(self, seconds: float) -> None:
        """Time that passes while the agent runs."""
        self.wall += seconds
        self.steady += seconds
        self.true += seconds

    def set_clock(self, seconds: float) -> None:
        """Someone moves the wall clock."""
        self.wall += seconds

    def restart(self, off: float = 0.0) -> None:
        """The agent ends and starts again, *off* seconds later; the steady clock begins anew."""
        self.wall += off
        self.true += off
        self.steady = 5.0
        kept = parse_tries(json.loads(json.dumps(self.state.to_document())))
        assert kept is not None
        self.state = kept

    def held(self) -> tuple[WaitReason, float]:
        """Why and how long the next try waits."""
        self.state = password_tries.advance_clock(self.state, Moment(self.wall, self.steady))
        return password_tries.compute_wait(self.state)

    def fail(self) -> None:
        """One wrong password."""
        assert self.held() == (WaitReason.NONE, 0.0)
        self.state = password_tries.count_try(self.state, generation=1)

    def fail_until_stopped(self) -> None:
        """A hundred wrong passwords, each as soon as it is allowed."""
        while not self.state.stopped:
            self.pass_time(self.held()[1])
            self.fail()


@pytest.fixture
def pc() -> Desk:
    """A PC where nobody has tried anything."""
    return Desk()


def test_five_are_free_then_waits_double_up_to_an_hour(pc: Desk) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    waits = []
    for _ in range(9):
        reason, wait = pc.held()
        assert reason is WaitReason.WAIT
        waits.append(wait / 60)
        pc.pass_time(wait)
        pc.fail()
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_nobody_tries_before_the_time(pc: Desk) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    pc.pass_time(59.9)
    assert pc.held()[0] is WaitReason.WAIT
    with pytest.raises(ValueError, match="before its time"):
        password_tries.count_try(pc.state, 1)
    pc.pass_time(0.2)
    pc.fail()


def test_one_try_a_minute_for_three_days_lets_73_through(pc: Desk) -> None:
    through = 0
    for _ in range(3 * 24 * 60):
        if pc.held()[0] is WaitReason.NONE:
            pc.fail()
            through += 1
        pc.pass_time(60)
    assert through == 73


def test_at_most_25_in_any_24_hours(pc: Desk) -> None:
    times: list[float] = []
    reasons = set()
    while len(times) < 90:
        reason, wait = pc.held()
        reasons.add(reason)
        pc.pass_time(wait)
        pc.fail()
        times.append(pc.true)
    assert all(late - early >= DAY for early, late in zip(times, times[25:], strict=False))
    assert WaitReason.DAILY in reasons


def test_a_hundred_in_a_row_stop_for_a_month_and_no_longer(pc: Desk) -> None:
    pc.fail_until_stopped()
    assert pc.state.failures == 100
    assert pc.held() == (WaitReason.STOPPED, 30 * DAY)
    pc.restart(off=30 * DAY - 1)
    assert pc.held() == (WaitReason.STOPPED, 1.0)
    pc.pass_time(1)
    pc.fail()
    assert pc.held() == (WaitReason.WAIT, 60.0)  # no free try after a stop


def test_the_server_ends_a_stop_but_no_ordinary_wait(pc: Desk) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    assert password_tries.lift_stop_after_authentication(pc.state) == pc.state
    pc.fail_until_stopped()
    pc.state = password_tries.lift_stop_after_authentication(pc.state)
    assert pc.held()[0] in (WaitReason.NONE, WaitReason.DAILY)
    assert not pc.state.stopped


def test_a_newer_register_ends_a_stop(pc: Desk) -> None:
    pc.fail_until_stopped()
    assert password_tries.lift_stop_after_new_register(pc.state, 1).stopped
    assert password_tries.lift_stop_after_new_register(pc.state, 0).stopped
    assert not password_tries.lift_stop_after_new_register(pc.state, 2).stopped


def test_success_forgets(pc: Desk) -> None:
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    pc.state = password_tries.reset_after_success(pc.state)
    assert pc.held() == (WaitReason.NONE, 0.0)
    for _ in range(password_tries.FREE_TRIES):
        pc.fail()
    assert pc.held() == (WaitReason.WAIT, 60.0)


class TestClocks:
    """What a clock that someone moves earns."""

    @pytest.fixture(autouse=True)
    def waiting(self, pc: Desk) -> None:
        """An hour to wait."""
        for _ in range(11):
            pc.pass_time(pc.held()[1])
            pc.fail()
        assert pc.held() == (WaitReason.WAIT, 3600.0)

    def test_set_back_earns_nothing_and_costs_nothing(self, pc: Desk) -> None:
        pc.set_clock(-365 * DAY)
        assert pc.held() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(1800)
        assert pc.held() == (WaitReason.WAIT, 1800.0)
        pc.pass_time(1800)
        assert pc.held() == (WaitReason.NONE, 0.0)

    def test_set_back_and_put_right_earns_nothing(self, pc: Desk) -> None:
        for _ in range(5):
            pc.set_clock(-7200)
            pc.held()
            pc.pass_time(60)
            pc.held()
            pc.set_clock(7200)
            pc.held()
        assert pc.held() == (WaitReason.WAIT, 3300.0)

    def test_set_back_over_a_restart_earns_nothing(self, pc: Desk) -> None:
        pc.set_clock(-DAY)
        pc.restart(off=60)
        assert pc.held() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(600)
        assert pc.held() == (WaitReason.WAIT, 3000.0)
        pc.restart()
        assert pc.held() == (WaitReason.WAIT, 3000.0)

    def test_a_restart_earns_the_time_the_pc_was_off(self, pc: Desk) -> None:
        pc.restart(off=600)
        assert pc.held() == (WaitReason.WAIT, 3000.0)
        pc.restart()
        assert pc.held() == (WaitReason.WAIT, 3000.0)

    def test_restarts_earn_nothing(self, pc: Desk) -> None:
        for _ in range(50):
            pc.restart()
            assert pc.held() == (WaitReason.WAIT, 3600.0)

    def test_the_same_hour_forward_cannot_be_sold_twice(self, pc: Desk) -> None:
        """Forward earns (it cannot be told from a PC that was off); back and forward again does not."""
        pc.set_clock(1800)
        assert pc.held() == (WaitReason.WAIT, 1800.0)
        for _ in range(10):
            pc.set_clock(-1800)
            pc.restart()
            pc.held()
            pc.set_clock(1800)
            pc.restart()
        assert pc.held() == (WaitReason.WAIT, 1800.0)

    def test_a_clock_that_was_far_ahead_locks_nobody_out(self, pc: Desk) -> None:
        pc.set_clock(70 * 365 * DAY)
        pc.fail()
        pc.set_clock(-70 * 365 * DAY)
        pc.restart()
        assert pc.held() == (WaitReason.WAIT, 3600.0)
        pc.pass_time(3600)
        assert pc.held() == (WaitReason.NONE, 0.0)


@given(
    st.lists(
        st.tuples(st.sampled_from(["pass", "back", "restart", "try"]), st.floats(0, 2 * DAY)), max_size=200
    )
)
def test_without_a_clock_set_forward_no_game_wins_a_try(moves: list[tuple[str, float]]) -> None:
    """Whatever is done but setting the clock forward, tries never come faster than real time allows."""
    pc = Desk()
    tried: list[float] = []
    for move, seconds in moves:
        if move == "pass":
            pc.pass_time(seconds)
        elif move == "back":
            pc.held()
            pc.set_clock(-seconds)
        elif move == "restart":
            pc.restart()
        elif pc.held()[0] is WaitReason.NONE:
            pc.fail()
            tried.append(pc.true)
    for place in range(password_tries.FREE_TRIES, len(tried)):
        assert (
            tried[place] - tried[place - 1] >= min(60 * 2 ** (place - password_tries.FREE_TRIES), 3600) - 0.01
        )
    assert all(late - early >= DAY - 0.01 for early, late in zip(tried, tried[25:], strict=False))


class TestKept:
    """What goes to disk and comes back."""

    def test_there_and_back(self, pc: Desk) -> None:
        for _ in range(40):
            pc.pass_time(pc.held()[1])
            pc.fail()
        kept = parse_tries({"schema": 1, **json.loads(json.dumps(pc.state.to_document()))})
        assert kept == replace(pc.state, steady=None)

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
        assert parse_tries(good) is not None
        assert parse_tries({**good, **changes}) is None
        for name in changes:
            assert parse_tries({key: value for key, value in good.items() if key != name}) is None

    def test_an_unreadable_state_is_no_fresh_start(self, pc: Desk) -> None:
        pc.state = password_tries.create_distrusted(Moment(pc.wall, pc.steady))
        assert pc.held() == (WaitReason.WAIT, 3600.0)
        pc.restart()
        assert pc.state.distrusted
        pc.pass_time(3600)
        pc.fail()
        assert pc.held() == (WaitReason.WAIT, 3600.0)
        assert pc.state.distrusted
        assert not password_tries.reset_after_success(pc.state).distrusted
