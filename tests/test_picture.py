"""The picture is never older than the design says, whatever happens.

The real loop runs on a clock driven by hand, through random sequences of answers, changes of the network, sleeps and clicks. ``Witness`` keeps its own
account of what the servers answered, and compares the picture with it at every turn.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Event, State
from iea_agent.domain.problems import Problem, Retry
from iea_agent.loop import Attempt
from tests.days import SILENCE, Days
from tests.failures import OBSERVED

BALLS = (State.CONNECTING, State.CONNECTED)
BEGINS_ANEW = (machine.Woke, machine.SettingsSaved, machine.SettingsChanged)
CLICKS = (machine.ReauthenticationRequested, machine.SettingsSaved, machine.SettingsChanged)


@dataclass
class Witness(Days):
    """An agent's days, and what a person beside it knows about the servers."""

    # the last answer that authenticated, or since when the first is awaited
    contact: float = 0.0
    # the first failure since then, how many there were, and how long the last one may have
    failing: float | None = None
    failures: int = 0
    due: float = 0.0
    grace: float = 15.0
    seen: Counter[tuple[State, str]] = field(default_factory=Counter)

    def end_attempt(self, attempt: Attempt) -> None:
        """Write down what the present attempt ends with, at this moment."""
        super().end_attempt(attempt)
        answer = attempt.failure
        if attempt.run != self.loop.snapshot.run:
            return
        if answer is None:
            self.begin_anew()
        else:
            self.failing = self.steady if self.failing is None else self.failing
            self.failures += 1
            self.due = self.failing + answer.problem.patience
            if answer.problem.patience:
                self.due = max(self.due, self.grace)

    def begin_anew(self) -> None:
        self.contact, self.failing, self.failures = self.steady, None, 0

    def renew_connection(self) -> None:
        super().renew_connection()
        # the loop has just noticed a sleep, and begins the grace anew
        if self.loop.snapshot.grace_steady == self.steady + 15:
            self.grace = self.steady + 15
            self.begin_anew()

    def happen(self, *events: Event) -> None:
        if any(isinstance(event, BEGINS_ANEW) for event in events):
            self.begin_anew()
        super().happen(*events)
        self.check()

    def pass_seconds(self, seconds: float) -> None:
        end = self.steady + seconds
        while self.steady < end:
            super().pass_seconds(min(max(self.loop.idle_seconds(), 1e-6), 1.0, end - self.steady))
            self.check()

    def check(self) -> None:
        """Compare the picture with what the servers answered."""
        snapshot, late = self.loop.snapshot, 1e-3
        self.seen[snapshot.state, snapshot.problem.code if snapshot.problem else ""] += 1
        if snapshot.state in BALLS:
            assert self.steady <= self.contact + 120 + late, "a ball without contact"
            if self.failures >= 2:
                assert self.steady <= self.due + late, "a failure that the picture hides"
        if snapshot.state is State.DISCONNECTED and not snapshot.working:
            assert snapshot.problem is not None, "a heart without a problem"
            self.check_next_try(snapshot.problem)

    def check_next_try(self, problem: Problem) -> None:
        """It comes, and within five minutes where a server may be back any time."""
        tries = (self.loop.snapshot.retry_at or 0.0) - self.wall
        if problem.retry is not Retry.ON_CHANGE:
            # a sleep that nobody noticed moves the wall clock alone
            assert -30 <= tries <= 5400
        if problem.retry is Retry.BACKOFF and self.servers_wish() is None:
            assert tries <= 90

    def servers_wish(self) -> float | None:
        failure = self.loop.snapshot.failure
        return None if failure is None else failure.retry_after


def draw_servers(random: Random) -> Failure | str | None:
    """An answer of the servers: as often right as wrong, sometimes none at all."""
    kind = random.randrange(9)
    if kind < 4:
        return None
    if kind < 5:
        return SILENCE
    problem = random.choice((*OBSERVED, problems.SERVER_UNAVAILABLE, problems.CONNECTION_UNANSWERED))
    if problem is problems.NOT_CONFIGURED:
        problem = problems.SERVER_IN_MAINTENANCE
    return Failure(Stage.ANSWER, problem, retry_after=random.choice((None, None, 0.0, 1.0, 600.0, 86_400.0)))


def live(random: Random, seen: Counter[tuple[State, str]]) -> None:
    """Let an agent live through forty happenings, one of them at a time."""
    days = Witness(chance=random.random(), seen=seen)
    days.servers = draw_servers(random)
    days.start()
    for _ in range(40):
        match random.randrange(8):
            case 0 | 1:
                days.servers = draw_servers(random)
                days.delay = random.choice((0.0, 0.1, 5.0, 10.0))
            case 2:
                days.happen(machine.AddressesChanged())
            case 3:
                for _ in range(random.randrange(40)):
                    days.happen(machine.AddressesChanged())
                    days.pass_seconds(random.choice((0.5, 3, 8, 20)))
            case 4:
                days.sleep(random.choice((10.0, 30.0, 3600.0)))
            case 5:
                days.happen(random.choice(CLICKS)())
            case _:
                days.pass_seconds(random.choice((1.0, 9.0, 20.0, 130.0, 700.0)))
        days.check()


@pytest.mark.linux  # the loop and the domain on a clock driven by hand: nothing of the system takes part
def test_the_picture_is_never_older_than_the_design_says() -> None:
    seen: Counter[tuple[State, str]] = Counter()

    # no shrinking: an example is a seed
    @settings(max_examples=150, phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def lives(seed: int) -> None:
        live(Random(seed), seen)  # noqa: S311 no secret

    lives()
    pictures = Counter(state for state, _ in seen.elements())
    assert min(pictures[state] for state in (*BALLS, State.DISCONNECTED)) > 300, pictures
    hidden = {code for state, code in seen if state in BALLS}
    named = {code for state, code in seen if state is State.DISCONNECTED}
    assert len(hidden) > 20, "few failures waited for their verdict"
    assert len(named) > 40, "few failures became a verdict"
