"""The one thread that owns the snapshot: events and results come in, effects go out, timers live here.

Everybody else posts. Work is started through ``Work`` and comes back as ``Attempt``; nothing here waits for it. ``turn()`` handles all that is due
at one moment, so that a test drives the clock by hand.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .domain import announcements, machine, timing
from .domain.diagnosis import Failure
from .domain.machine import Effect, Event, Moment, Snapshot

log = logging.getLogger("iea_agent.loop")


@dataclass(frozen=True, slots=True)
class Attempt:
    """What attempt *run* gave: None where the server let us in."""

    run: int
    failure: Failure | None


Inbox: TypeAlias = "queue.SimpleQueue[Event | Attempt]"
"""Where all threads meet: what happened, in the order in which it was handed in."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something to tell unasked. *kind* is an effect's; the words are the shell's."""

    kind: Effect
    snapshot: Snapshot


class Work(Protocol):
    """What the loop has done for it. Every method returns at once; results come back through ``Loop.report``."""

    def authenticate(self, run: int) -> None:
        """Begin attempt *run*."""

    def renew_connection(self) -> None:
        """Forget connections, proxy and certificates: the next attempt starts from the settings as they are now."""

    def assistance_limit(self) -> float | None:
        """How many seconds assistance mode may hold, where the policy sets a limit."""

    def keep_assistance(self, since: float | None) -> None:
        """Write down that assistance mode holds since *since* (wall clock), or no longer does (None)."""

    def prepare_window(self) -> None:
        """Have a process ready that shows the window asked for next."""

    def open(self, effect: Effect) -> None:
        """Open or raise the window of an ``OPEN_…`` effect."""

    def launch_program(self) -> None:
        """Start Impact emploi."""

    def tell(self, announcement: Announcement) -> None:
        """Show a balloon."""

    def reread_policy(self) -> None:
        """Look whether the administrator's policy changed; if so, post ``SettingsChanged``."""

    def publish(self, snapshot: Snapshot) -> None:
        """A new snapshot holds: draw it, pass it on."""


class Loop:
    """Owns the snapshot. ``post`` and ``report`` may be called from any thread; everything else belongs to the loop's own."""

    def __init__(
        self,
        work: Work,
        clock: Callable[[], Moment],
        chance: Callable[[], float],
        snapshot: Snapshot,
        inbox: Inbox | None = None,
    ) -> None:
        """*inbox* may hold what happened before there was a loop."""
        self._work = work
        self._clock = clock
        self._chance = chance
        self._inbox: Inbox = inbox or queue.SimpleQueue()
        self._due: dict[type[Event], float] = {}
        self._announced = announcements.Announced()
        now = clock()
        self._clock_checked = now
        self._policy_checked = now.steady
        self.snapshot = snapshot
        self.ended = False

    def post(self, event: Event | Attempt) -> None:
        """Hand in something that happened."""
        self._inbox.put(event)

    def run(self) -> None:
        """Turn until ``QuitRequested``."""
        while not self.ended:
            self.turn(self.idle_seconds())

    def idle_seconds(self) -> float:
        """Seconds until the next timer."""
        now = self._clock().steady
        check = self._clock_checked.steady + timing.CLOCK_CHECK
        return max(0.0, min([check, *self._due.values()]) - now)

    def turn(self, wait: float = 0.0) -> None:
        """Wait up to *wait* seconds for something to happen, then handle everything that is there or due."""
        try:
            item = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
        except queue.Empty:
            pass
        else:
            self._handle(item)
        self._check_clock()
        for event in self._pop_due():
            self._handle(event())
        while not self.ended:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return
            self._handle(item)

    def _pop_due(self) -> list[type[Event]]:
        now = self._clock().steady
        due = sorted((at, event.__name__, event) for event, at in self._due.items() if at <= now)
        for _, _, event in due:
            del self._due[event]
        return [event for _, _, event in due]

    def _check_clock(self) -> None:
        now = self._clock()
        before = self._clock_checked
        # a steady clock may stand still while the computer sleeps; the wall clock does not
        if now.steady - before.steady < timing.CLOCK_CHECK and not timing.slept(now.wall - before.wall):
            return
        self._clock_checked = now
        if timing.slept(now.wall - before.wall):
            self._handle(machine.Woke())
        if now.steady - self._policy_checked >= timing.POLICY_CHECK:
            self._policy_checked = now.steady
            self._work.reread_policy()

    def _handle(self, item: Event | Attempt) -> None:
        now = self._clock()
        before = self.snapshot
        event = self._event_of(item, now) if isinstance(item, Attempt) else item
        self.snapshot, effects = machine.advance(before, event, now)
        if self.snapshot is not before:
            after = self.snapshot
            fields = {
                "state": after.state.value,
                "problem": after.problem and after.problem.code,
                "detail": after.failure.detail if after.failure else "",
                "run": after.run,
            }
            log.info(type(event).__name__, extra={"fields": fields})
        for effect in effects:
            # whoever clicked is answered; the same news need not come twice
            try:
                self._perform(effect, now, answered=Effect.ANSWER_PERSON in effects)
            except Exception:
                # one thing that cannot be done must not take the connection, the icon and all else with it
                log.exception("effect failed", extra={"fields": {"effect": effect.value}})
        if self.snapshot is not before:
            # last: whoever hears of a state may rely on its being written down
            self._work.publish(self.snapshot)

    def _event_of(self, attempt: Attempt, now: Moment) -> Event:
        if attempt.failure is not None:
            event = machine.verdict(self.snapshot, attempt.failure, now, self._chance())
            late = attempt.run != self.snapshot.run
            return machine.AttemptFailed(attempt.run, attempt.failure) if late else event
        if self.snapshot.state is machine.State.ASSISTANCE:
            return machine.ServersAnswered(attempt.run)
        return machine.Authenticated(attempt.run)

    def _schedule(self, event: type[Event], seconds: float, now: Moment) -> None:
        self._due[event] = now.steady + seconds

    def _perform(self, effect: Effect, now: Moment, *, answered: bool) -> None:
        snapshot = self.snapshot
        match effect:
            case Effect.AUTHENTICATE | Effect.PROBE:
                for event in (machine.RetryDue, machine.HeartbeatDue, machine.ProbeDue):
                    self._due.pop(event, None)
                self._work.authenticate(snapshot.run)
            case Effect.RENEW_CONNECTION:
                self._work.renew_connection()
            case Effect.SCHEDULE_RETRY:
                if snapshot.retry_at is not None:
                    self._schedule(machine.RetryDue, snapshot.retry_at - now.wall, now)
            case Effect.SCHEDULE_HEARTBEAT:
                self._schedule(machine.HeartbeatDue, timing.heartbeat(self._chance()), now)
            case Effect.SCHEDULE_PROBE:
                self._schedule(machine.ProbeDue, timing.PROBE, now)
            case Effect.SCHEDULE_ANNOUNCEMENT:
                began = now.steady if snapshot.failing_steady is None else snapshot.failing_steady
                quiet = snapshot.quiet_steady - now.steady
                self._schedule(
                    machine.AnnouncementDue, announcements.failure_due_in(now.steady - began, quiet), now
                )
            case Effect.SCHEDULE_REMINDERS:
                held = now.wall - snapshot.since
                self._schedule(machine.ReminderDue, announcements.reminder_due_in(held), now)
                limit = self._work.assistance_limit()
                if limit is None:
                    self._due.pop(machine.AssistanceExpired, None)
                else:
                    self._schedule(machine.AssistanceExpired, max(0.0, limit - held), now)
            case Effect.SETTLE_NETWORK:
                self._schedule(machine.NetworkChanged, timing.NETWORK_SETTLES, now)
            case Effect.ANNOUNCE_FAILURE:
                self._tell_once(effect, snapshot.problem.code if snapshot.problem else "", now, failure=True)
            case Effect.ANNOUNCE_RECOVERY:
                self._due.pop(machine.AnnouncementDue, None)
                announced, self._announced = self._announced.failure, self._announced.recovered()
                if announced and not answered:
                    self._work.tell(Announcement(effect, snapshot))
            case Effect.ANNOUNCE_SERVERS_ANSWER:
                self._tell_once(effect, f"servers-answer {snapshot.since}", now, failure=False)
            case Effect.ANNOUNCE_ASSISTANCE | Effect.ANNOUNCE_EXPIRY:
                self._work.tell(Announcement(effect, snapshot))
            case Effect.ANSWER_PERSON:
                self._work.tell(Announcement(effect, snapshot))
            case Effect.KEEP_ASSISTANCE:
                held = snapshot.state is machine.State.ASSISTANCE
                self._work.keep_assistance(snapshot.since if held else None)
            case Effect.LAUNCH_PROGRAM:
                self._work.launch_program()
            case Effect.PREPARE_WINDOW:
                self._work.prepare_window()
            case Effect.QUIT:
                self.ended = True
            case (
                Effect.OPEN_STATUS
                | Effect.OPEN_SETTINGS
                | Effect.OPEN_DIAGNOSIS
                | Effect.OPEN_SUPPORT
                | Effect.OPEN_UPDATES
            ):
                self._work.open(effect)

    def _tell_once(self, effect: Effect, key: str, now: Moment, *, failure: bool) -> None:
        if self._announced.may_tell(key, now.wall):
            self._announced = self._announced.told(key, now.wall, failure=failure)
            self._work.tell(Announcement(effect, self.snapshot))
