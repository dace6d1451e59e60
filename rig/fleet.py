"""Simulate a fleet of agents whose server goes away and comes back.

Discrete events with the product's own decisions: ``domain/machine.py``, ``timing.py`` and ``lease.py`` say what each agent does and when. The server answers
*capacity* sign-ins a second, queues some and refuses the rest with 503; a heartbeat costs it nothing. Prints a table for several token lives;
``python -m rig fleet --help`` lists the options.
"""

from __future__ import annotations

import argparse
import heapq
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from iea_agent.domain import lease, machine, problems, timing
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.lease import Lease
from iea_agent.domain.machine import Effect, Event, Moment, Snapshot, State

AWAY = Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED)
BUSY = Failure(Stage.LICENCE, problems.SERVER_UNAVAILABLE)
QUEUE_SECONDS = 5.0
"""How long a sign-in may wait in the server's queue before it is refused."""
AFTER = 900.0
"""How long a fleet is followed after the server's return."""
NOON = 1_790_000_000.0


@dataclass
class FleetServer:
    """Counts what it is asked, by the second."""

    capacity: float
    away_from: float
    away_until: float
    sign_ins: Counter[int] = field(default_factory=Counter)
    accepted: Counter[int] = field(default_factory=Counter)
    heartbeats: Counter[int] = field(default_factory=Counter)
    free_at: float = 0.0

    def is_away(self, now: float) -> bool:
        return self.away_from <= now < self.away_until

    def sign_in(self, now: float) -> bool:
        """Take a sign-in, and return whether a token is given."""
        self.sign_ins[int(now)] += 1
        if self.free_at - now > QUEUE_SECONDS:
            return False
        self.free_at = max(self.free_at, now) + 1 / self.capacity
        self.accepted[int(now)] += 1
        return True


@dataclass
class FleetAgent:
    """One PC: the product's state machine, its timers, and the lease of its token."""

    snapshot: Snapshot
    lease: Lease
    timers: dict[type[Event], float]
    returning: bool = False

    def due(self) -> tuple[float, type[Event]]:
        """Return the next timer."""
        event = min(self.timers, key=self.timers.__getitem__)
        return self.timers[event], event

    def wake(self, event: type[Event], now: Moment, server: FleetServer, life: float, random: Random) -> None:
        """Let *event* happen, and with it the attempt that it brings."""
        del self.timers[event]
        self.snapshot, effects = machine.advance(self.snapshot, event(), now)
        if not {Effect.AUTHENTICATE, Effect.LOOK} & set(effects):
            return
        failure = self.attempt(now, server, life, random)
        self.returning = failure is not None
        outcome = machine.judge_attempt(self.snapshot, self.snapshot.run, failure, now, random.random())
        self.snapshot, effects = machine.advance(self.snapshot, outcome, now)
        self.timers = {}
        if Effect.SCHEDULE_HEARTBEAT in effects:
            self.timers[machine.HeartbeatDue] = now.steady + timing.heartbeat(random.random())
        if Effect.SCHEDULE_RETRY in effects and self.snapshot.retry_at is not None:
            self.timers[machine.RetryDue] = now.steady + self.snapshot.retry_at - now.wall
        if self.snapshot.verdict_due is not None:
            self.timers[machine.VerdictDue] = self.snapshot.verdict_due

    def attempt(self, now: Moment, server: FleetServer, life: float, random: Random) -> Failure | None:
        """Do what ``assembly/authenticator.py`` does, and return how it failed."""
        if server.is_away(now.steady):
            return AWAY
        if self.lease.wants_sign_in(now, returning=self.returning):
            if server.sign_in(now.steady):
                self.lease = lease.grant(now, life)
                return None
            if not self.lease.holds(now):
                return BUSY
            self.lease = self.lease.put_off(now, timing.put_off_sign_in(None, random.random()))
        elif self.returning:
            self.lease = self.lease.spread(now, random.random())
        server.heartbeats[int(now.steady)] += 1
        return None


@dataclass(frozen=True)
class Course:
    """How a fleet came through an outage; times in seconds after the server's return."""

    steady_load: float
    connected_before: float
    peak: float
    most_back: float
    all_back: float
    optimum: float
    sign_ins: float

    @property
    def row(self) -> str:
        return (
            f"{self.steady_load:.2f} | {self.peak:.2f} | {self.most_back:.0f} s | {self.all_back:.0f} s | "
            f"{self.all_back / self.optimum:.2f} | {self.sign_ins:.2f}"
        )


def prepare(agents: int, life: float, random: Random) -> list[FleetAgent]:
    """Return a fleet in its usual state: the ages of tokens and heartbeats are spread."""
    fleet = []
    for _ in range(agents):
        granted = lease.grant(Moment(NOON, 0.0), life)
        age = random.random() * granted.renew
        ends = Moment(granted.ends.wall - age, granted.ends.steady - age)
        first = Snapshot(State.CONNECTED, NOON, contact_at=NOON)
        beat = random.random() * timing.HEARTBEAT
        fleet.append(FleetAgent(first, Lease(granted.renew - age, ends), {machine.HeartbeatDue: beat}))
    return fleet


def simulate(
    agents: int, capacity: float, life: float, *, before: float = 120.0, outage: float = 600.0, seed: int = 1
) -> Course:
    """Run *agents*, take the server away for *outage* seconds, bring it back."""
    random = Random(seed)  # noqa: S311 no secret
    back, end = before + outage, before + outage + AFTER
    server = FleetServer(capacity, before, back)
    fleet = prepare(agents, life, random)
    agenda = [(agent.due()[0], index) for index, agent in enumerate(fleet)]
    heapq.heapify(agenda)
    connected = connected_before = agents
    returned: list[float] = []
    away_before = True
    while agenda and agenda[0][0] < end:
        at, index = heapq.heappop(agenda)
        agent = fleet[index]
        if away_before and at >= before:
            connected_before, away_before = connected, False
        was = agent.snapshot.state is State.CONNECTED
        agent.wake(agent.due()[1], Moment(NOON + at, at), server, life, random)
        now_connected = agent.snapshot.state is State.CONNECTED
        connected += now_connected - was
        if at >= back and now_connected and not was:
            returned.append(at - back)
        heapq.heappush(agenda, (agent.due()[0], index))
    times = sorted(returned)
    all_back = times[-1] if times and connected == agents else math.inf
    return Course(
        steady_load=sum(n for at, n in server.sign_ins.items() if at < before) / before / capacity,
        connected_before=connected_before / agents,
        peak=max((n for at, n in server.sign_ins.items() if at >= back), default=0) / capacity,
        most_back=times[int(0.99 * (len(times) - 1))] if times else 0.0,
        all_back=all_back,
        optimum=agents / capacity,
        sign_ins=sum(n for at, n in server.sign_ins.items() if at >= back) / agents,
    )


def main(arguments: Sequence[str]) -> int:
    """Print the courses for several lives of the token; return 0."""
    parser = argparse.ArgumentParser(prog="rig fleet", description="simulate a fleet after an outage")
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--capacity", type=float, default=50.0, help="sign-ins a second")
    parser.add_argument("--outage", type=float, default=600.0, help="seconds")
    parser.add_argument("--life", type=float, action="append", help="of a token, seconds; several times")
    options = parser.parse_args(arguments)
    print("token life | load | peak | 99 % back | all back | of the optimum | sign-ins a PC")
    for life in options.life or (300.0, 600.0, 1800.0, 3600.0):
        course = simulate(options.agents, options.capacity, life, outage=options.outage)
        print(f"{life:.0f} s | {course.row}", flush=True)
    return 0
