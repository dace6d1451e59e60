"""Simulate a fleet of agents whose server goes away and comes back.

Discrete events with the product's own decisions: ``domain/machine.py``, ``timing.py`` and ``lease.py`` say what each agent does and when. The server answers
*capacity* sign-ins a second, queues some and refuses the rest with 503; a heartbeat costs it nothing. Beside it run clients that do as others do
(``rig/fleet_peers.py``). ``python -m rig fleet`` prints a table; with ``--write`` it makes the tables and the chart of ``docs/benchmarks.md``.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

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
    free_at: float = 0.0

    def is_away(self, now: float) -> bool:
        return self.away_from <= now < self.away_until

    def sign_in(self, now: float) -> bool:
        """Take a sign-in, and return whether a token is given."""
        self.sign_ins[int(now)] += 1
        if self.free_at - now > QUEUE_SECONDS:
            return False
        self.free_at = max(self.free_at, now) + 1 / self.capacity
        return True


class FleetMember(Protocol):
    """One PC of a fleet, whatever client it runs."""

    @property
    def is_connected(self) -> bool:
        """Whether a person may work."""

    def due(self) -> float:
        """Return when it acts next."""

    def wake(self, server: FleetServer, now: float, random: Random) -> None:
        """Let it act at *now*."""


@dataclass
class FleetAgent:
    """One PC: the product's state machine, its timers, and the lease of its token."""

    snapshot: Snapshot
    lease: Lease
    timers: dict[type[Event], float]
    life: float
    returning: bool = False

    @property
    def is_connected(self) -> bool:
        """Whether the icon is the ball."""
        return self.snapshot.state is State.CONNECTED

    def due(self) -> float:
        """Return the time of the next timer."""
        return min(self.timers.values())

    def wake(self, server: FleetServer, now: float, random: Random) -> None:
        """Let the timer happen that is due, and with it the attempt that it brings."""
        event = min(self.timers, key=self.timers.__getitem__)
        moment = Moment(NOON + now, now)
        del self.timers[event]
        self.snapshot, effects = machine.advance(self.snapshot, event(), moment)
        if not {Effect.AUTHENTICATE, Effect.LOOK} & set(effects):
            return
        failure = self.attempt(moment, server, random)
        self.returning = failure is not None
        outcome = machine.judge_attempt(self.snapshot, self.snapshot.run, failure, moment, random.random())
        self.snapshot, effects = machine.advance(self.snapshot, outcome, moment)
        self.timers = {}
        if Effect.SCHEDULE_HEARTBEAT in effects:
            self.timers[machine.HeartbeatDue] = self.next_beat(server, now, random)
        if Effect.SCHEDULE_RETRY in effects and self.snapshot.retry_at is not None:
            self.timers[machine.RetryDue] = now + self.snapshot.retry_at - moment.wall
        if self.snapshot.verdict_due is not None:
            self.timers[machine.VerdictDue] = self.snapshot.verdict_due

    def next_beat(self, server: FleetServer, now: float, random: Random) -> float:
        """Return the next heartbeat at which something can happen.

        Those before it find a server that is there and a token that holds: each does nothing but be a success.
        """
        eventful = min(self.lease.renew, self.lease.ends.steady)
        if now < server.away_from:
            eventful = min(eventful, server.away_from)
        last, beat = now, now + timing.heartbeat(random.random())
        while beat < eventful:
            last, beat = beat, beat + timing.heartbeat(random.random())
        if last > now:
            success = machine.Authenticated(self.snapshot.run)
            self.snapshot = machine.record_success(self.snapshot, success, Moment(NOON + last, last))
        return beat

    def attempt(self, now: Moment, server: FleetServer, random: Random) -> Failure | None:
        """Do what ``assembly/authenticator.py`` does, and return how it failed."""
        if server.is_away(now.steady):
            return AWAY
        if self.lease.wants_sign_in(now, returning=self.returning):
            if server.sign_in(now.steady):
                self.lease = lease.grant(now, self.life)
                return None
            if not self.lease.holds(now):
                return BUSY
            self.lease = self.lease.put_off(now, timing.put_off_sign_in(None, random.random()))
        elif self.returning:
            self.lease = self.lease.spread(now, random.random())
        return None


@dataclass(frozen=True)
class Course:
    """How a fleet came through an outage; times in seconds after the server's return.

    *loads* are the sign-ins of each second after it, *returns* the seconds at which PCs were connected again.
    """

    agents: int
    capacity: float
    steady_load: float
    connected_before: float
    all_back: float
    loads: tuple[int, ...]
    returns: tuple[float, ...]

    @property
    def peak(self) -> float:
        """The sign-ins of the busiest second, as a part of the capacity."""
        return max(self.loads, default=0) / self.capacity

    @property
    def most_back(self) -> float:
        """When 99 % of those that had lost the server were connected again."""
        place = math.ceil(0.99 * self.agents) - 1 - (self.agents - len(self.returns))
        return self.returns[place] if self.returns and self.all_back < math.inf else math.inf

    @property
    def optimum(self) -> float:
        """How long the server takes for one sign-in of each PC."""
        return self.agents / self.capacity

    @property
    def sign_ins(self) -> float:
        """The sign-ins of a PC in the time that is followed."""
        return sum(self.loads) / self.agents


def make_agents(agents: int, life: float, random: Random) -> list[FleetMember]:
    """Return a fleet in its usual state: the ages of tokens and heartbeats are spread."""
    fleet: list[FleetMember] = []
    for _ in range(agents):
        granted = lease.grant(Moment(NOON, 0.0), life)
        age = random.random() * granted.renew
        ends = Moment(granted.ends.wall - age, granted.ends.steady - age)
        first = Snapshot(State.CONNECTED, NOON, contact_at=NOON)
        beat = random.random() * timing.HEARTBEAT
        fleet.append(FleetAgent(first, Lease(granted.renew - age, ends), {machine.HeartbeatDue: beat}, life))
    return fleet


def follow(
    fleet: Sequence[FleetMember],
    capacity: float,
    random: Random,
    *,
    before: float = 120.0,
    outage: float = 600.0,
) -> Course:
    """Run *fleet*, take the server away for *outage* seconds, bring it back."""
    back, end = before + outage, before + outage + AFTER
    server = FleetServer(capacity, before, back)
    agenda = [(member.due(), index) for index, member in enumerate(fleet)]
    heapq.heapify(agenda)
    connected = connected_before = len(fleet)
    returns: list[float] = []
    while agenda[0][0] < end:
        at, index = agenda[0]
        member = fleet[index]
        was = member.is_connected
        member.wake(server, at, random)
        connected += member.is_connected - was
        if at < before:
            connected_before = connected
        elif at >= back and member.is_connected and not was:
            returns.append(at - back)
        heapq.heapreplace(agenda, (member.due(), index))
    return Course(
        agents=len(fleet),
        capacity=capacity,
        steady_load=sum(n for at, n in server.sign_ins.items() if at < before) / before / capacity,
        connected_before=connected_before / len(fleet),
        all_back=returns[-1] if returns and connected == len(fleet) else math.inf,
        loads=tuple(server.sign_ins[int(back) + second] for second in range(int(AFTER))),
        returns=tuple(returns),
    )


def simulate(
    agents: int, capacity: float, life: float, *, before: float = 120.0, outage: float = 600.0, seed: int = 1
) -> Course:
    """Return the course of *agents* whose tokens live *life* seconds."""
    random = Random(seed)  # noqa: S311 no secret
    return follow(make_agents(agents, life, random), capacity, random, before=before, outage=outage)


@dataclass(frozen=True)
class Policy:
    """What clients do: *make* gives a fleet of a size, *source* says where it is from."""

    name: str
    make: Callable[[int, Random], Sequence[FleetMember]]
    source: str = ""

    def run(self, agents: int, capacity: float, outage: float = 600.0, seed: int = 1) -> Course:
        """Return the course of *agents* with this policy."""
        random = Random(seed)  # noqa: S311 no secret
        gc.disable()
        try:
            return follow(self.make(agents, random), capacity, random, outage=outage)
        finally:
            gc.enable()


def list_policies() -> tuple[Policy, ...]:
    """Return this product's policy for two lives of the token, and those of others."""
    from rig import fleet_peers

    ours = (
        Policy("IEA Agent, tokens of an hour", lambda agents, random: make_agents(agents, 3600.0, random)),
        Policy("IEA Agent, tokens of 5 minutes", lambda agents, random: make_agents(agents, 300.0, random)),
    )
    return (*ours, *fleet_peers.POLICIES)


def format_seconds(seconds: float) -> str:
    """Return *seconds* for a table."""
    return "not within 15 min" if seconds == math.inf else f"{seconds:.0f} s"


HEAD = (
    "| PCs | sign-ins a second | policy | peak / capacity | 99 % back | all back | of the optimum | sign-ins a PC |",
    "|---|---|---|---|---|---|---|---|",
)


def format_row(policy: str, course: Course) -> str:
    """Return *course* as a row of the table."""
    return (
        f"| {course.agents:,} | {course.capacity:.0f} | {policy} | {course.peak:.2f} | {format_seconds(course.most_back)} | "
        f"{format_seconds(course.all_back)} | {course.all_back / course.optimum:.2f} | {course.sign_ins:.2f} |"
    )


def main(arguments: Sequence[str]) -> int:
    """Print the courses of fleets of several sizes; return 0."""
    parser = argparse.ArgumentParser(prog="rig fleet", description="simulate a fleet after an outage")
    parser.add_argument("--agents", type=int, action="append", help="PCs; several times")
    parser.add_argument("--capacity", type=float, help="sign-ins a second (an agent in 200 s, if not given)")
    parser.add_argument("--outage", type=float, default=600.0, help="seconds")
    parser.add_argument(
        "--write", action="store_true", help="write the tables and the chart of docs/benchmarks.md"
    )
    options = parser.parse_args(arguments)
    if options.write:
        from rig import fleet_report

        return fleet_report.write()
    print(*HEAD, sep="\n", flush=True)
    for agents in options.agents or (1_000, 10_000, 100_000):
        began = time.monotonic()
        for policy in list_policies():
            course = policy.run(agents, options.capacity or agents / OPTIMUM, options.outage)
            print(format_row(policy.name, course), flush=True)
        print(f"{agents:,} PCs: {time.monotonic() - began:.0f} s", flush=True)
    return 0


OPTIMUM = 200.0
"""Seconds that a server takes for one sign-in of each PC, if no capacity is given: 50 a second for 10,000."""
