"""The loop: one thread that owns the snapshot. Events come in, effects go out.

Every other thread posts to the inbox. Work is started through ``Work`` and comes back as an ``Attempt`` or a call; the loop never waits for it.
``turn()`` handles everything that is due at one moment, so that a test can drive the clock by hand.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, TypeAlias

from .domain import announcements, machine, timing
from .domain.diagnosis import Failure
from .domain.machine import Effect, Event, Moment, Snapshot
from .domain.problems import Retry

log = logging.getLogger("iea_agent.loop")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The result of attempt *run*; without a failure the server accepted."""

    run: int
    failure: Failure | None


Call: TypeAlias = Callable[[], None]
"""Something to run on the loop's thread: a client's request, the end of some work."""

Inbox: TypeAlias = "queue.SimpleQueue[Event | Attempt | Call]"
"""Where all threads meet, in the order in which they posted."""


class Work(Protocol):
    """The work that the loop orders; each method returns at once."""

    def authenticate(self, run: int) -> None:
        """Begin attempt *run*, which is posted as an ``Attempt`` when it ends."""

    def look(self, run: int) -> None:
        """The same, but ask for no token before the server wants to be asked."""

    def renew_connection(self) -> None:
        """Forget connections, proxy and certificates; use the present settings."""

    def renew_session(self) -> None:
        """The same, and forget the token: the next attempt signs in."""

    def assistance_limit(self) -> float | None:
        """Return the seconds that assistance mode may last, if there is a limit."""

    def keep_assistance(self, since: float | None) -> None:
        """Write to disk that assistance mode is on since *since* (wall clock), or off."""

    def record_expiry(self) -> None:
        """Write to the journal that the policy ended assistance mode."""

    def prepare_window(self) -> None:
        """Start a process that can show the next window."""

    def open(self, effect: Effect) -> None:
        """Open or raise the window of an ``OPEN_…`` effect."""

    def launch_program(self) -> None:
        """Start Impact emploi."""

    def announce(self, kind: Effect, snapshot: Snapshot) -> None:
        """Show the balloon that the effect *kind* asks for."""

    def look_around(self) -> None:
        """Take note of what no notice tells: other sessions, the channel, addresses."""

    def reread_policy(self) -> None:
        """Post ``SettingsChanged`` if the policy or another session changed a file."""

    def publish(self, snapshot: Snapshot) -> None:
        """Draw a new snapshot and pass it on."""


class Loop:
    """Owns the snapshot. Only ``post`` may be called from other threads."""

    def __init__(
        self,
        work: Work,
        clock: Callable[[], Moment],
        chance: Callable[[], float],
        snapshot: Snapshot,
        inbox: Inbox | None = None,
    ) -> None:
        """*inbox* may hold what was posted before the loop existed."""
        self._work = work
        self._clock = clock
        self._chance = chance
        self._inbox: Inbox = inbox or queue.SimpleQueue()
        self.post = self._inbox.put
        self._due: dict[type[Event], float] = {}
        self._announced = announcements.Announced()
        # the failure that was announced, by the time at which it began
        self._announced_failing: float | None = None
        # the first notice of a change of the network since the last one that brought an attempt
        self._first_notice: float | None = None
        now = clock()
        self._clock_checked = now
        self._policy_checked = now.steady
        self.snapshot = snapshot
        self.ended = False

    def run(self) -> None:
        """Turn until ``QuitRequested``."""
        while not self.ended:
            self.turn(self.idle_seconds())

    def idle_seconds(self) -> float:
        """Return the seconds until the next timer."""
        checked = self._clock_checked.steady
        due = min(self._due.values(), default=None)
        wait = timing.next_check(None if due is None else due - checked)
        return max(0.0, checked + wait - self._clock().steady)

    def turn(self, wait: float = 0.0) -> None:
        """Wait up to *wait* seconds for an item, then handle all that is there or due."""
        item: Event | Attempt | Call | None
        try:
            item = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
        except queue.Empty:
            item = None
        # first of all: what happened before a sleep is judged as such
        self._check_clock()
        if item is not None:
            self._handle(item)
        for event in self._pop_due():
            self.take(event())
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
        # every turn is a check: the loop need not wake for one of its own soon after
        self._clock_checked = now
        if timing.slept(now.wall - before.wall):
            self.take(machine.Woke())
        self._work.look_around()
        if now.steady - self._policy_checked >= timing.POLICY_CHECK:
            self._policy_checked = now.steady
            self._work.reread_policy()

    def _handle(self, item: Event | Attempt | Call) -> None:
        if isinstance(item, Event):
            self.take(item)
        elif isinstance(item, Attempt):
            now, chance = self._clock(), self._chance()
            self.take(machine.judge_attempt(self.snapshot, item.run, item.failure, now, chance))
        else:
            try:
                item()
            except Exception:
                log.exception("call failed")

    def take(self, event: Event) -> None:
        """Make the step for *event* and perform its effects. Only on the loop's thread."""
        now = self._clock()
        before = self.snapshot
        after, effects = machine.advance(before, event, now)
        if after is before and not effects:
            return
        self.snapshot = after
        fields = {
            "state": after.state.value,
            "problem": after.problem and after.problem.code,
            "detail": after.failure.detail if after.failure else "",
            "run": after.run,
        }
        log.info(type(event).__name__, extra={"fields": fields})
        for effect in effects:
            try:
                self.PERFORM[effect](self, effect, now)
            except Exception:
                # an effect that fails must not stop the connection and the icon with it
                log.exception("effect failed", extra={"fields": {"effect": effect.value}})
        self._schedule_verdict()
        # last: when a client sees a state, it is already on disk
        self._work.publish(after)

    # the effects

    def _schedule(self, event: type[Event], seconds: float, now: Moment) -> None:
        self._due[event] = now.steady + seconds

    def _schedule_verdict(self) -> None:
        due = self.snapshot.verdict_due
        if due is None:
            self._due.pop(machine.VerdictDue, None)
        else:
            self._due[machine.VerdictDue] = due

    def _begin(self, effect: Effect, _now: Moment) -> None:
        for event in (machine.HeartbeatDue, machine.ProbeDue, machine.LookDue):
            self._due.pop(event, None)
        if effect is not Effect.LOOK:
            self._due.pop(machine.RetryDue, None)
        begin = self._work.authenticate if effect is Effect.AUTHENTICATE else self._work.look
        begin(self.snapshot.run)

    def _schedule_retry(self, effect: Effect, now: Moment) -> None:
        if self.snapshot.retry_at is not None:
            self._schedule(machine.RetryDue, self.snapshot.retry_at - now.wall, now)
            self._schedule_look(effect, now)

    def _schedule_look(self, _effect: Effect, now: Moment) -> None:
        failure, began = self.snapshot.failure, self.snapshot.failing_steady
        retry = self._due.get(machine.RetryDue)
        if failure is None or began is None or retry is None:
            return
        chance = self._chance()
        seconds = timing.next_look(failure, now.steady - began, retry - now.steady, chance)
        if seconds is not None:
            self._schedule(machine.LookDue, seconds, now)

    def _settle_network(self, _effect: Effect, now: Moment) -> None:
        if machine.NetworkChanged not in self._due or self._first_notice is None:
            self._first_notice = now.steady
        self._due[machine.NetworkChanged] = timing.settle(
            now.steady, self._first_notice, self.snapshot.changed_steady
        )

    def _schedule_announcement(self, _effect: Effect, now: Moment) -> None:
        snapshot = self.snapshot
        stands = snapshot.problem is not None and snapshot.problem.retry in (Retry.REFUSED, Retry.ON_CHANGE)
        began = snapshot.failing_steady
        if began is None or began == self._announced_failing:
            self._due.pop(machine.AnnouncementDue, None)
            return
        # a failure that stands counts from its beginning
        observed = now.steady - began if stands else snapshot.observed
        quiet_for = snapshot.quiet_steady - now.steady
        due_in = announcements.failure_due_in(observed, quiet_for, stands=stands)
        if due_in is None:
            self._due.pop(machine.AnnouncementDue, None)
        else:
            self._schedule(machine.AnnouncementDue, due_in, now)

    def _schedule_reminders(self, _effect: Effect, now: Moment) -> None:
        lasted = now.wall - self.snapshot.since
        self._schedule(machine.ReminderDue, announcements.reminder_due_in(lasted), now)
        self._due.pop(machine.AssistanceExpired, None)
        if (limit := self._work.assistance_limit()) is not None:
            self._schedule(machine.AssistanceExpired, max(0.0, limit - lasted), now)

    def _announce(self, effect: Effect, _now: Moment) -> None:
        self._work.announce(effect, self.snapshot)

    def _announce_unasked(self, effect: Effect, now: Moment) -> None:
        if not self._announced.is_exhausted(now.wall):
            self._announced = self._announced.record(effect.value, now.wall)
            self._announce(effect, now)

    def _announce_failure(self, effect: Effect, now: Moment) -> None:
        self._announced_failing = self.snapshot.failing_steady
        problem = self.snapshot.problem
        self._announce_once_a_day(effect, problem.code if problem else "", now, failure=True)

    def _announce_servers_answer(self, effect: Effect, now: Moment) -> None:
        self._announce_once_a_day(effect, f"servers-answer {self.snapshot.since}", now, failure=False)

    def _announce_once_a_day(self, effect: Effect, key: str, now: Moment, *, failure: bool) -> None:
        if self._announced.may_announce(key, now.wall):
            self._announced = self._announced.record(key, now.wall, failure=failure)
            self._announce(effect, now)

    def _announce_recovery(self, effect: Effect, now: Moment) -> None:
        if self._announced.failure:
            self._announce_unasked(effect, now)
        self._forget_announced_failure(effect, now)

    def _forget_announced_failure(self, _effect: Effect, _now: Moment) -> None:
        self._due.pop(machine.AnnouncementDue, None)
        self._announced = self._announced.recover()

    def _keep_assistance(self, _effect: Effect, _now: Moment) -> None:
        is_on = self.snapshot.state is machine.State.ASSISTANCE
        self._work.keep_assistance(self.snapshot.since if is_on else None)

    def _open(self, effect: Effect, _now: Moment) -> None:
        self._work.open(effect)

    def _quit(self, _effect: Effect, _now: Moment) -> None:
        self.ended = True

    PERFORM: ClassVar[Mapping[Effect, Callable[[Loop, Effect, Moment], None]]] = {
        Effect.AUTHENTICATE: _begin,
        Effect.PROBE: _begin,
        Effect.LOOK: _begin,
        Effect.RENEW_CONNECTION: lambda self, _effect, _now: self._work.renew_connection(),
        Effect.RENEW_SESSION: lambda self, _effect, _now: self._work.renew_session(),
        Effect.SCHEDULE_RETRY: _schedule_retry,
        Effect.SCHEDULE_LOOK: _schedule_look,
        Effect.SCHEDULE_HEARTBEAT: lambda self, _effect, now: self._schedule(
            machine.HeartbeatDue, timing.heartbeat(self._chance()), now
        ),
        Effect.SCHEDULE_PROBE: lambda self, _effect, now: self._schedule(machine.ProbeDue, timing.PROBE, now),
        Effect.SCHEDULE_ANNOUNCEMENT: _schedule_announcement,
        Effect.SETTLE_NETWORK: _settle_network,
        Effect.ANNOUNCE_FAILURE: _announce_failure,
        Effect.ANNOUNCE_RECOVERY: _announce_recovery,
        Effect.CLOSE_ANNOUNCEMENT: _forget_announced_failure,
        Effect.ANNOUNCE_SERVERS_ANSWER: _announce_servers_answer,
        Effect.ANSWER_PERSON: _announce,
        Effect.SCHEDULE_REMINDERS: _schedule_reminders,
        Effect.ANNOUNCE_ASSISTANCE: _announce_unasked,
        Effect.ANNOUNCE_EXPIRY: _announce,
        Effect.KEEP_ASSISTANCE: _keep_assistance,
        Effect.RECORD_EXPIRY: lambda self, _effect, _now: self._work.record_expiry(),
        Effect.PREPARE_WINDOW: lambda self, _effect, _now: self._work.prepare_window(),
        **dict.fromkeys(machine.OPEN_EFFECTS, _open),
        Effect.LAUNCH_PROGRAM: lambda self, _effect, _now: self._work.launch_program(),
        Effect.QUIT: _quit,
    }
    """How each effect is performed."""
