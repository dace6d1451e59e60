"""The state machine: ``TABLE`` holds every transition, ``advance()`` follows it.

When the heart comes, and when the agent tries again:

1. The ball and the pale ball last two heartbeats (``CONTACT_LASTS``) after the last contact, or after start, wake or new settings; then the heart comes.
2. It comes earlier if a failure has lasted for the patience of its problem, outside the grace, and a second attempt has failed or none is due in that time.
3. It comes at once after a failure that needs no patience, and for a person who asked.
4. The next try comes by the backoff and by what the server asks for, and never delays 1 to 3. A change of network brings a try, and changes no judgement.
5. While a server asks for a long wait, a look that costs it nothing comes every 5 minutes at the latest, and authentication follows as soon as it answers.

Two laws of the table. There are no guards: if an outcome matters, it is another event (``judge_attempt()`` decides which, before the table is asked). An event
that is not in the table does nothing; so a menu line is enabled exactly when its event is in the table for the present state.

Time enters as a ``Moment``, chance as a number. One thread owns the snapshot and performs the effects (``loop.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias

from . import problems, timing
from .diagnosis import Failure, Stage
from .problems import Problem, Retry


class State(Enum):
    """What the icon shows."""

    # the pale ball: the first answer is awaited
    CONNECTING = "connecting"
    # the ball: authenticated with the production server
    CONNECTED = "connected"
    # the heart: authentication failed or was lost, and the problem is named
    DISCONNECTED = "disconnected"
    # the beetle: cut off on purpose, Impact emploi may be used
    ASSISTANCE = "assistance"


@dataclass(frozen=True, slots=True)
class Moment:
    """Seconds on two clocks: *wall* since 1970 UTC, *steady* never runs back."""

    wall: float
    steady: float


# Events, in the past tense: a person's request, the outcome of work, a notice of the system.


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


class Started(Event):
    """A person started the agent; it runs and its settings have been read."""


class StartedQuietly(Event):
    """The same, but nobody looks: the session began, or a window started the agent."""


class StatusRequested(Event):
    """A left click on the icon, or a second start of the agent."""


class MenuOpened(Event):
    """The icon's menu opened: a window may be requested soon."""


class SettingsRequested(Event):
    """« Paramètres de connexion »."""


class DiagnosisRequested(Event):
    """« Trouver la panne »: the settings window with its test under way."""


class ReauthenticationRequested(Event):
    """« Relancer l'authentification auprès du serveur »."""


class SupportRequested(Event):
    """« Demande de support technique »."""


class UpdatesRequested(Event):
    """« Gérer les mises à jour »."""


class LaunchRequested(Event):
    """« Lancer Impact emploi »."""


class QuitRequested(Event):
    """« Quitter », or the Windows session ends."""


class SettingsSaved(Event):
    """A person saved settings or a licence and waits for the result."""


class SettingsChanged(Event):
    """Settings, licence or policy are others now, and nobody waits for the result."""


class AddressesChanged(Event):
    """The network addresses of this PC changed; more such notices usually follow."""


class NetworkChanged(Event):
    """The network settled after a change."""


class Woke(Event):
    """The computer woke from sleep."""


class HeartbeatDue(Event):
    """It is time to check the connection."""


class RetryDue(Event):
    """It is time for another attempt."""


class LookDue(Event):
    """It is time to see if a server that asked for a long wait is back earlier."""


class VerdictDue(Event):
    """No contact for so long that the heart is due (``Snapshot.verdict_due``)."""


class ProbeDue(Event):
    """It is time to check, in assistance mode, if the servers answer again."""


class AnnouncementDue(Event):
    """The failure has lasted long enough for a balloon."""


class ReminderDue(Event):
    """Assistance mode has been on for another day."""


class AssistanceExpired(Event):
    """Assistance mode has been on for as long as the policy allows."""


class AssistanceEntered(Event):
    """A person entered assistance mode."""


class AssistanceLeft(Event):
    """The password of the day was right."""


@dataclass(frozen=True, slots=True)
class AssistanceEnteredElsewhere(Event):
    """Another session of this person entered assistance mode at *since* (wall clock)."""

    since: float


class AssistanceLeftElsewhere(Event):
    """Another session of this person left assistance mode."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome(Event):
    """The outcome of attempt number *run*; ignored if that is not the present one."""

    run: int


class Authenticated(AttemptOutcome):
    """The server accepted this installation."""


class AuthenticatedOnRequest(Authenticated):
    """The same, for an attempt that a person waits for."""


@dataclass(frozen=True, slots=True)
class Failed(AttemptOutcome):
    """An attempt that failed; *retry_in* in seconds, None to wait for a change."""

    failure: Failure
    retry_in: float | None = None


class AttemptFailed(Failed):
    """A failure without a verdict yet: it may pass."""


class StillWaiting(Failed):
    """A look found what the last attempt met: the time of the next try stays."""


class ConnectionLost(Failed):
    """The verdict that the connection does not work."""


class ConnectionLostOnRequest(ConnectionLost):
    """The same, for an attempt that a person waits for."""


class ConfigurationMissing(Failed):
    """A person started the agent, and settings or licence are missing."""


class ServersAnswered(AttemptOutcome):
    """A probe in assistance mode succeeded."""


class ServersSilent(Failed):
    """A probe in assistance mode failed."""


class Effect(Enum):
    """Something that the loop does after a step; effects are performed in order."""

    AUTHENTICATE = "authenticate"
    PROBE = "probe"
    # see if the server answers, and authenticate if it does
    LOOK = "look"
    # forget pooled connections, proxy and certificates
    RENEW_CONNECTION = "renew-connection"
    # the same, and the token: the next attempt signs in
    RENEW_SESSION = "renew-session"
    # and a look before it, if the wait is long
    SCHEDULE_RETRY = "schedule-retry"
    SCHEDULE_LOOK = "schedule-look"
    SCHEDULE_HEARTBEAT = "schedule-heartbeat"
    SCHEDULE_PROBE = "schedule-probe"
    SCHEDULE_ANNOUNCEMENT = "schedule-announcement"
    SETTLE_NETWORK = "settle-network"
    ANNOUNCE_FAILURE = "announce-failure"
    # only if the failure was announced
    ANNOUNCE_RECOVERY = "announce-recovery"
    # forget the announced failure without a balloon: ANSWER_PERSON follows
    CLOSE_ANNOUNCEMENT = "close-announcement"
    ANNOUNCE_SERVERS_ANSWER = "announce-servers-answer"
    # tell the person who asked for the attempt how it ended
    ANSWER_PERSON = "answer-person"
    # remind each day that assistance mode is on, and end it if the policy says so
    SCHEDULE_REMINDERS = "schedule-reminders"
    ANNOUNCE_ASSISTANCE = "announce-assistance"
    ANNOUNCE_EXPIRY = "announce-expiry"
    # write to the journal that the policy ended assistance mode
    RECORD_EXPIRY = "record-expiry"
    # write to disk whether assistance mode is on
    KEEP_ASSISTANCE = "keep-assistance"
    # start a window's process before a window is requested
    PREPARE_WINDOW = "prepare-window"
    OPEN_STATUS = "open-status"
    OPEN_SETTINGS = "open-settings"
    OPEN_DIAGNOSIS = "open-diagnosis"
    OPEN_SUPPORT = "open-support"
    OPEN_UPDATES = "open-updates"
    LAUNCH_PROGRAM = "launch-program"
    QUIT = "quit"


OPEN_EFFECTS = tuple(effect for effect in Effect if effect.value.startswith("open-"))
"""The effects that open a window."""


CONTACT_LASTS = 2 * timing.HEARTBEAT
"""Seconds after the last contact for which the ball may be shown."""
START_GRACE = 15.0
"""Seconds after start or wake without a verdict on a lost connection."""
START_QUIET = 30.0
"""Seconds after start or wake without a balloon."""
VERDICT_FAILURES = 2
"""Failed attempts before a lost connection is a verdict."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The connection; *…_at* and *since* are wall clock, *…_steady* the steady one."""

    state: State
    since: float
    # of the last failed attempt; in CONNECTED and CONNECTING it is not shown yet
    failure: Failure | None = None
    failed_at: float = 0.0
    # the last successful authenticated exchange
    contact_at: float | None = None
    retry_at: float | None = None
    # the present attempt: its number, if it is under way, if a person waits for it, if it is only a look,
    # if it is the first after a person has started the agent
    run: int = 0
    working: bool = False
    asked: bool = False
    looking: bool = False
    greeting: bool = False
    # the last contact, or since when the first answer is awaited
    silent_steady: float = 0.0
    # failed attempts since then, the times of the first and the last, and for how long the failure was observed
    failures: int = 0
    failing_steady: float | None = None
    failed_steady: float = 0.0
    observed: float = 0.0
    # when the failure is a verdict; None if the next attempt decides
    verdict_steady: float | None = None
    # failed attempts since the backoff began anew, and those among them whose server answered that it is not available
    tries: int = 0
    unavailable: int = 0
    # the last change of the network that brought an attempt
    changed_steady: float = -math.inf
    # no verdict on a lost connection before this time
    grace_steady: float = 0.0
    # no balloon before this time
    quiet_steady: float = 0.0
    # in ASSISTANCE: the last probe succeeded
    servers_answer: bool = False

    @property
    def problem(self) -> Problem | None:
        """The problem behind the last failed attempt."""
        return None if self.failure is None else self.failure.problem

    @property
    def verdict_due(self) -> float | None:
        """When the heart is due without another contact (steady clock), if it is."""
        if self.state not in (State.CONNECTING, State.CONNECTED):
            return None
        silence = self.silent_steady + CONTACT_LASTS
        return silence if self.verdict_steady is None else min(silence, self.verdict_steady)


# Updates: what a step changes in the snapshot beside the state.

Update: TypeAlias = Callable[[Snapshot, Event, Moment], Snapshot]


def start_attempt(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Begin an attempt; a person who waited for the earlier one waits for this one."""
    return replace(snapshot, run=snapshot.run + 1, working=True, looking=False, greeting=False, retry_at=None)


def greet_person(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Remember that a person has started the agent and looks at what it shows."""
    return replace(snapshot, greeting=True)


def start_look(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Begin a look; the time of the next try stays."""
    return replace(snapshot, run=snapshot.run + 1, working=True, looking=True)


def promise_answer(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Remember that a person waits for the attempt."""
    return replace(snapshot, asked=True)


def abandon_attempt(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Forget the present attempt: its outcome will be late."""
    return replace(snapshot, run=snapshot.run + 1, working=False, looking=False, asked=False, retry_at=None)


def reset_backoff(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Begin the backoff anew: the next retry comes soon."""
    return replace(snapshot, tries=0, unavailable=0)


def record_change(snapshot: Snapshot, _event: Event, now: Moment) -> Snapshot:
    """Begin the backoff anew, unless the network keeps changing."""
    after = replace(snapshot, changed_steady=now.steady)
    steady = now.steady - snapshot.changed_steady >= timing.CHANGES_APART
    return reset_backoff(after, _event, now) if steady else after


def clear_failure(snapshot: Snapshot, _event: Event, _now: Moment) -> Snapshot:
    """Forget the last failure: after a change it may be wrong."""
    return replace(snapshot, failure=None)


def judge_anew(snapshot: Snapshot, _event: Event, now: Moment) -> Snapshot:
    """Forget the failed attempts: the first answer is awaited from now on."""
    return replace(
        snapshot,
        silent_steady=now.steady,
        failures=0,
        failing_steady=None,
        observed=0.0,
        verdict_steady=None,
    )


def restart_grace(snapshot: Snapshot, _event: Event, now: Moment) -> Snapshot:
    """Grant the time after start again in which there is no verdict and no balloon."""
    return replace(snapshot, grace_steady=now.steady + START_GRACE, quiet_steady=now.steady + START_QUIET)


def record_success(snapshot: Snapshot, event: Event, now: Moment) -> Snapshot:
    """End the attempt: it reached the servers."""
    return replace(
        judge_anew(snapshot, event, now),
        contact_at=now.wall,
        working=False,
        looking=False,
        asked=False,
        failure=None,
        tries=0,
        unavailable=0,
        retry_at=None,
    )


def record_servers_answer(snapshot: Snapshot, event: Event, now: Moment) -> Snapshot:
    """End a successful probe."""
    return replace(record_success(snapshot, event, now), servers_answer=True)


def record_look(snapshot: Snapshot, _event: Event, now: Moment) -> Snapshot:
    """End a look that has found no change."""
    if snapshot.failure is None:
        raise ValueError("a look without a failure before it")
    gap = now.steady - snapshot.failed_steady
    return replace(
        snapshot,
        verdict_steady=find_verdict_time(snapshot, snapshot.failure, now, None),
        working=False,
        looking=False,
        failures=snapshot.failures + 1,
        failed_steady=now.steady,
        observed=snapshot.observed + timing.observed(gap),
    )


def _counts_as_unavailable(failure: Failure) -> bool:
    return failure.problem.retry is Retry.UNAVAILABLE


def record_failure(snapshot: Snapshot, event: Event, now: Moment) -> Snapshot:
    """End the attempt with its failure."""
    if not isinstance(event, Failed):
        raise TypeError(event)
    began = now.steady if snapshot.failing_steady is None else snapshot.failing_steady
    gap = 0.0 if snapshot.failing_steady is None else now.steady - snapshot.failed_steady
    return replace(
        snapshot,
        working=False,
        looking=False,
        asked=False,
        failure=event.failure,
        failed_at=now.wall,
        failures=snapshot.failures + 1,
        failing_steady=began,
        failed_steady=now.steady,
        observed=snapshot.observed + timing.observed(gap),
        verdict_steady=find_verdict_time(snapshot, event.failure, now, event.retry_in),
        tries=snapshot.tries + 1,
        unavailable=snapshot.unavailable + _counts_as_unavailable(event.failure),
        retry_at=None if event.retry_in is None else now.wall + event.retry_in,
        servers_answer=False,
    )


def blame_silence(snapshot: Snapshot, _event: Event, now: Moment) -> Snapshot:
    """Name a problem if none of the attempts has ended with one."""
    if snapshot.failure is not None:
        return snapshot
    detail = f"no contact for {now.steady - snapshot.silent_steady:.0f} s"
    failure = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED, detail)
    return replace(snapshot, failure=failure, failed_at=now.wall)


def take_over_since(snapshot: Snapshot, event: Event, _now: Moment) -> Snapshot:
    """Give assistance mode the beginning that it has in the other session."""
    if not isinstance(event, AssistanceEnteredElsewhere):
        raise TypeError(event)
    return replace(snapshot, since=event.since)


@dataclass(frozen=True, slots=True)
class Step:
    """Where an event leads, what the loop does then, and how the snapshot changes."""

    state: State
    effects: tuple[Effect, ...] = ()
    updates: tuple[Update, ...] = ()


_AUTHENTICATE = (Effect.AUTHENTICATE,)
_PROBE = (Effect.PROBE,)
_RECONNECT = (Effect.RENEW_CONNECTION, Effect.AUTHENTICATE)
_SIGN_IN = (Effect.RENEW_SESSION, Effect.AUTHENTICATE)
_PROBE_FIRST = (Effect.SCHEDULE_REMINDERS, Effect.PROBE)
_PROBE_ANEW = (Effect.RENEW_CONNECTION, Effect.PROBE)
_LOST = (Effect.SCHEDULE_RETRY, Effect.SCHEDULE_ANNOUNCEMENT)
_RECOVERED = (Effect.SCHEDULE_HEARTBEAT, Effect.ANNOUNCE_RECOVERY)
_RECOVERED_ON_REQUEST = (Effect.SCHEDULE_HEARTBEAT, Effect.CLOSE_ANNOUNCEMENT, Effect.ANSWER_PERSON)

_SUCCESS = (record_success,)
_FAILURE = (record_failure,)
_ATTEMPT = (start_attempt,)
_ATTEMPT_ANEW = (reset_backoff, start_attempt)
_ATTEMPT_AFTER_CHANGE = (record_change, start_attempt)
_ATTEMPT_ON_REQUEST = (reset_backoff, start_attempt, promise_answer)
_ATTEMPT_WITH_SETTINGS = (reset_backoff, judge_anew, clear_failure, start_attempt)
_ATTEMPT_WITH_SAVED_SETTINGS = (*_ATTEMPT_WITH_SETTINGS, promise_answer)
_AWAKE = (reset_backoff, judge_anew, restart_grace)


def _stay(state: State, *effects: Effect) -> Step:
    return Step(state, effects)


def _steps_everywhere(state: State) -> dict[type[Event], Step]:
    return {
        MenuOpened: _stay(state, Effect.PREPARE_WINDOW),
        StatusRequested: _stay(state, Effect.OPEN_STATUS),
        SupportRequested: _stay(state, Effect.OPEN_SUPPORT),
        UpdatesRequested: _stay(state, Effect.OPEN_UPDATES),
        QuitRequested: _stay(state, Effect.QUIT),
        AddressesChanged: _stay(state, Effect.SETTLE_NETWORK),
    }


def _steps_outside_assistance(state: State) -> dict[type[Event], Step]:
    return _steps_everywhere(state) | {
        RetryDue: Step(state, _AUTHENTICATE, _ATTEMPT),
        LookDue: Step(state, (Effect.LOOK,), (start_look,)),
        ReauthenticationRequested: Step(state, _SIGN_IN, _ATTEMPT_ON_REQUEST),
        SettingsRequested: _stay(state, Effect.OPEN_SETTINGS),
        DiagnosisRequested: _stay(state, Effect.OPEN_DIAGNOSIS),
        SettingsSaved: Step(State.CONNECTING, _SIGN_IN, _ATTEMPT_WITH_SAVED_SETTINGS),
        SettingsChanged: Step(State.CONNECTING, _RECONNECT, _ATTEMPT_WITH_SETTINGS),
        NetworkChanged: Step(state, _RECONNECT, _ATTEMPT_AFTER_CHANGE),
        Authenticated: Step(State.CONNECTED, _RECOVERED, _SUCCESS),
        AuthenticatedOnRequest: Step(State.CONNECTED, _RECOVERED_ON_REQUEST, _SUCCESS),
        # the person's choice holds in all sessions, whatever this one sees of the servers
        AssistanceEnteredElsewhere: Step(
            State.ASSISTANCE,
            (Effect.SCHEDULE_PROBE, Effect.SCHEDULE_REMINDERS),
            (abandon_attempt, take_over_since),
        ),
    }


def _steps_without_verdict(state: State) -> dict[type[Event], Step]:
    return _steps_outside_assistance(state) | {
        AttemptFailed: Step(state, (Effect.SCHEDULE_RETRY,), _FAILURE),
        StillWaiting: Step(state, (Effect.SCHEDULE_LOOK,), (record_look,)),
        VerdictDue: Step(State.DISCONNECTED, (Effect.SCHEDULE_ANNOUNCEMENT,), (blame_silence,)),
        ConnectionLost: Step(State.DISCONNECTED, _LOST, _FAILURE),
        ConnectionLostOnRequest: Step(State.DISCONNECTED, (*_LOST, Effect.ANSWER_PERSON), _FAILURE),
        # the connection may have been lost during the sleep: the ball must not claim more than was seen
        Woke: Step(State.CONNECTING, _RECONNECT, (*_AWAKE, clear_failure, start_attempt)),
    }


_STEPS: Mapping[State, Mapping[type[Event], Step]] = {
    State.CONNECTING: _steps_without_verdict(State.CONNECTING)
    | {
        Started: Step(State.CONNECTING, _AUTHENTICATE, (start_attempt, greet_person)),
        StartedQuietly: Step(State.CONNECTING, _AUTHENTICATE, _ATTEMPT),
        # the only window that opens without a click: who has just started the agent has to enter the licence
        ConfigurationMissing: Step(State.DISCONNECTED, (Effect.OPEN_SETTINGS,), _FAILURE),
    },
    State.CONNECTED: _steps_without_verdict(State.CONNECTED)
    | {
        Authenticated: Step(State.CONNECTED, (Effect.SCHEDULE_HEARTBEAT,), _SUCCESS),
        AuthenticatedOnRequest: Step(
            State.CONNECTED, (Effect.SCHEDULE_HEARTBEAT, Effect.ANSWER_PERSON), _SUCCESS
        ),
        HeartbeatDue: Step(State.CONNECTED, _AUTHENTICATE, _ATTEMPT),
        LaunchRequested: _stay(State.CONNECTED, Effect.LAUNCH_PROGRAM),
    },
    State.DISCONNECTED: _steps_outside_assistance(State.DISCONNECTED)
    | {
        ConnectionLost: Step(State.DISCONNECTED, _LOST, _FAILURE),
        ConnectionLostOnRequest: Step(State.DISCONNECTED, (*_LOST, Effect.ANSWER_PERSON), _FAILURE),
        StillWaiting: Step(
            State.DISCONNECTED, (Effect.SCHEDULE_LOOK, Effect.SCHEDULE_ANNOUNCEMENT), (record_look,)
        ),
        AnnouncementDue: _stay(State.DISCONNECTED, Effect.ANNOUNCE_FAILURE),
        # a balloon that was due before the sleep waits its minute again
        Woke: Step(
            State.DISCONNECTED,
            (*_RECONNECT, Effect.SCHEDULE_ANNOUNCEMENT),
            (*_AWAKE, start_attempt),
        ),
        AssistanceEntered: Step(
            State.ASSISTANCE,
            (Effect.KEEP_ASSISTANCE, Effect.SCHEDULE_PROBE, Effect.SCHEDULE_REMINDERS),
            (abandon_attempt,),
        ),
    },
    # nobody waits for a probe: its failure never changes the state
    State.ASSISTANCE: _steps_everywhere(State.ASSISTANCE)
    | {
        Started: Step(State.ASSISTANCE, _PROBE_FIRST, _ATTEMPT),
        StartedQuietly: Step(State.ASSISTANCE, _PROBE_FIRST, _ATTEMPT),
        ReminderDue: _stay(State.ASSISTANCE, Effect.ANNOUNCE_ASSISTANCE, Effect.SCHEDULE_REMINDERS),
        ProbeDue: Step(State.ASSISTANCE, _PROBE, _ATTEMPT),
        ServersAnswered: Step(
            State.ASSISTANCE,
            (Effect.ANNOUNCE_SERVERS_ANSWER, Effect.SCHEDULE_PROBE),
            (record_servers_answer,),
        ),
        ServersSilent: Step(State.ASSISTANCE, (Effect.SCHEDULE_PROBE,), _FAILURE),
        NetworkChanged: Step(State.ASSISTANCE, _PROBE_ANEW, _ATTEMPT_AFTER_CHANGE),
        Woke: Step(State.ASSISTANCE, _PROBE_ANEW, (*_AWAKE, start_attempt)),
        SettingsSaved: Step(State.ASSISTANCE, (Effect.RENEW_SESSION, Effect.PROBE), _ATTEMPT_ANEW),
        SettingsChanged: Step(State.ASSISTANCE, (*_PROBE_ANEW, Effect.SCHEDULE_REMINDERS), _ATTEMPT_ANEW),
        LaunchRequested: _stay(State.ASSISTANCE, Effect.LAUNCH_PROGRAM),
        AssistanceExpired: Step(
            State.DISCONNECTED,
            (Effect.KEEP_ASSISTANCE, Effect.RECORD_EXPIRY, Effect.ANNOUNCE_EXPIRY, *_SIGN_IN),
            _ATTEMPT_ANEW,
        ),
        # leaving does not mean connected: the heart comes first (the sheets), authentication at once
        AssistanceLeft: Step(State.DISCONNECTED, (Effect.KEEP_ASSISTANCE, *_SIGN_IN), _ATTEMPT_ON_REQUEST),
        # the other session has written it to disk, and nobody waits here
        AssistanceLeftElsewhere: Step(State.DISCONNECTED, _SIGN_IN, _ATTEMPT_ANEW),
    },
}

TABLE: Mapping[tuple[State, type[Event]], Step] = {
    (state, event): step for state, steps in _STEPS.items() for event, step in steps.items()
}
"""Every transition, by state and type of event."""


def begin(now: Moment, assistance_since: float | None = None) -> Snapshot:
    """Return the first snapshot; *assistance_since* if that mode was on (wall clock)."""
    first = (
        Snapshot(State.CONNECTING, now.wall)
        if assistance_since is None
        else Snapshot(State.ASSISTANCE, assistance_since)
    )
    return restart_grace(replace(first, silent_steady=now.steady), Started(), now)


def find_verdict_time(
    snapshot: Snapshot, failure: Failure, now: Moment, retry_in: float | None
) -> float | None:
    """Return when *failure* is a verdict, None if the next attempt decides.

    The time is the steady clock's; it may be in the past. *retry_in* is in seconds, None without another attempt.
    """
    began = now.steady if snapshot.failing_steady is None else snapshot.failing_steady
    due = began + failure.problem.patience
    if failure.problem.patience:
        due = max(due, snapshot.grace_steady)
    in_time = retry_in is not None and now.steady + retry_in < due
    return None if in_time and snapshot.failures + 1 < VERDICT_FAILURES else due


def verdict(snapshot: Snapshot, failure: Failure, now: Moment, chance: float) -> Failed:
    """Return the event for the current attempt's *failure*.

    *chance* in [0, 1) spreads the next try.
    """
    if snapshot.state is State.ASSISTANCE:
        return ServersSilent(snapshot.run, failure)
    greets = snapshot.greeting and snapshot.state is State.CONNECTING and not snapshot.asked
    if failure.problem is problems.NOT_CONFIGURED and greets:
        return ConfigurationMissing(snapshot.run, failure)
    if snapshot.looking and snapshot.retry_at is not None and failure.problem is snapshot.problem:
        return StillWaiting(snapshot.run, failure)
    retry_in = timing.next_try(
        failure.problem,
        snapshot.tries + 1,
        failure.retry_after,
        chance,
        snapshot.unavailable + _counts_as_unavailable(failure),
    )
    if snapshot.asked:
        return ConnectionLostOnRequest(snapshot.run, failure, retry_in)
    due = find_verdict_time(snapshot, failure, now, retry_in)
    if snapshot.state is State.DISCONNECTED or (due is not None and due <= now.steady):
        return ConnectionLost(snapshot.run, failure, retry_in)
    return AttemptFailed(snapshot.run, failure, retry_in)


def judge_attempt(
    snapshot: Snapshot, run: int, failure: Failure | None, now: Moment, chance: float
) -> AttemptOutcome:
    """Return the event for attempt *run*, which ended with *failure* or well (None)."""
    if failure is not None:
        event = verdict(snapshot, failure, now, chance)
        return event if run == snapshot.run else replace(event, run=run)
    if snapshot.state is State.ASSISTANCE:
        return ServersAnswered(run)
    return AuthenticatedOnRequest(run) if snapshot.asked else Authenticated(run)


def allows(state: State, event: type[Event]) -> bool:
    """Return whether *event* does anything in *state*."""
    return (state, event) in TABLE


def advance(snapshot: Snapshot, event: Event, now: Moment) -> tuple[Snapshot, tuple[Effect, ...]]:
    """Return the snapshot and the effects after *event*; a late one has neither."""
    step = TABLE.get((snapshot.state, type(event)))
    late = isinstance(event, AttemptOutcome) and event.run != snapshot.run
    if step is None or late:
        return snapshot, ()
    after = snapshot
    if step.state is not snapshot.state:
        after = replace(after, state=step.state, since=now.wall, servers_answer=False)
    for update in step.updates:
        after = update(after, event, now)
    return after, step.effects
