"""An agent's days: the real loop on a clock driven by hand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Effect, Moment, Snapshot, State
from iea_agent.loop import Attempt, Loop

LOST = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)
NO_NETWORK = Failure(Stage.NAME, problems.NO_NETWORK)
UNAVAILABLE = Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE)
REFUSED = Failure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED)
NOT_CONFIGURED = Failure(Stage.LICENCE, problems.NOT_CONFIGURED)
DAY = 86_400.0
SILENCE = "silence"


@dataclass
class Days:
    """An agent's days: a driven clock, servers, and a record of the loop's work.

    *servers* is what every attempt ends with, after *delay* seconds.
    """

    servers: Failure | str | None = None
    delay: float = 0.0
    chance: float = 0.5
    assistance_since: float | None = None
    wall: float = 1_790_000_000.0
    steady: float = 0.0
    attempts: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    renewed: list[float] = field(default_factory=list)
    signed_out: list[float] = field(default_factory=list)
    announced: list[tuple[float, Effect]] = field(default_factory=list)
    policy_read: list[float] = field(default_factory=list)
    looked_around: list[float] = field(default_factory=list)
    recorded: list[float | None] = field(default_factory=list)
    opened: list[Effect] = field(default_factory=list)
    expired: int = 0
    prepared: int = 0
    launched: int = 0
    limit: float | None = None
    published: list[Snapshot] = field(default_factory=list)
    under_way: list[tuple[float, Attempt]] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = machine.begin(self.moment(), self.assistance_since)
        self.loop = Loop(self, self.moment, lambda: self.chance, first)

    # what the loop sees

    def moment(self) -> Moment:
        return Moment(self.wall, self.steady)

    def authenticate(self, run: int) -> None:
        self.attempts.append(self.steady)
        self.begin(run)

    def look(self, run: int) -> None:
        self.looks.append(self.steady)
        self.begin(run)

    def begin(self, run: int) -> None:
        """Begin an attempt that ends as the servers answer now, unless with silence."""
        if not isinstance(self.servers, str):
            self.under_way.append((self.steady + self.delay, Attempt(run, self.servers)))
            self.end_attempts()

    def end_attempts(self) -> None:
        """Post what has ended by now."""
        ended = [entry for entry in self.under_way if entry[0] <= self.steady]
        for entry in ended:
            self.under_way.remove(entry)
            self.end_attempt(entry[1])

    def end_attempt(self, attempt: Attempt) -> None:
        self.loop.post(attempt)

    def renew_connection(self) -> None:
        self.renewed.append(self.steady)

    def renew_session(self) -> None:
        self.renewed.append(self.steady)
        self.signed_out.append(self.steady)

    def assistance_limit(self) -> float | None:
        return self.limit

    def keep_assistance(self, since: float | None) -> None:
        self.recorded.append(since)

    def record_expiry(self) -> None:
        self.expired += 1

    def prepare_window(self) -> None:
        self.prepared += 1

    def open(self, effect: Effect) -> None:
        self.opened.append(effect)

    def launch_program(self) -> None:
        self.launched += 1

    def announce(self, kind: Effect, _snapshot: Snapshot) -> None:
        self.announced.append((self.steady, kind))

    def look_around(self) -> None:
        self.looked_around.append(self.steady)

    def reread_policy(self) -> None:
        self.policy_read.append(self.steady)

    def publish(self, snapshot: Snapshot) -> None:
        self.published.append(snapshot)

    # what the test does

    def shows(self, state: State) -> bool:
        return self.loop.snapshot.state is state

    def happen(self, *events: machine.Event) -> None:
        """Events arrive, all at this moment."""
        for event in events:
            self.loop.post(event)
        self.loop.turn()

    def start(self) -> Days:
        self.happen(machine.Started())
        return self

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass; the loop turns whenever it would wake by itself."""
        end = self.steady + seconds
        while self.steady < end:
            wait = max(self.loop.idle_seconds(), 1e-6)  # below that, adding to a clock may not move it
            until = min([end, self.steady + wait, *(at for at, _ in self.under_way)])
            self.wall += until - self.steady
            self.steady = until
            self.end_attempts()
            self.loop.turn()

    def pass_until(self, condition: Callable[[], bool], at_most: float) -> None:
        """Let time pass by tenths of a second until *condition*, for *at_most* seconds."""
        end = self.steady + at_most
        while not condition():
            assert self.steady < end, "it did not happen"
            self.pass_seconds(0.1)

    def sleep(self, seconds: float) -> None:
        """Let the computer sleep: only the wall clock goes on; then the loop turns."""
        self.wall += seconds
        self.loop.turn()

    def times_announced(self, kind: Effect) -> list[float]:
        return [at for at, effect in self.announced if effect is kind]


def connected() -> Days:
    """An agent that is connected since 100 s, its grace and silence over."""
    days = Days().start()
    days.pass_seconds(100)
    assert days.shows(State.CONNECTED)
    days.attempts.clear()
    days.published.clear()
    return days


def gaps(times: list[float]) -> list[float]:
    """Seconds between one and the next."""
    return [round(after - before, 3) for before, after in itertools.pairwise(times)]
