"""The state machine: every transition of the agent stands in ``TABLE``, and only ``advance()`` makes a new ``Snapshot``.

Two laws. There are no guards: where an outcome matters, it is another event (``verdict()`` decides which, before the table is asked).
What is not in the table does nothing; so a menu line is enabled exactly when its event is in the table for the present state.

Time enters as a ``Moment``, chance as a number. One thread owns the snapshot (``loop.py``); it performs the effects.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from . import problems, timing
from .diagnosis import Failure
from .problems import Problem


class State(Enum):
    """What the icon says."""

    CONNECTING = "connecting"  # pale ball: first answer awaited
    CONNECTED = "connected"  # ball: authenticated with the production server
    DISCONNECTED = "disconnected"  # heart: failed or lost, the problem is named
    ASSISTANCE = "assistance"  # beetle: cut off on purpose, Impact emploi may be used


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on two clocks: *wall* in seconds since 1970 UTC, for people; *steady* in seconds that never run back, for durations."""

    wall: float
    steady: float


# Events, in the past tense: what a person asked, what a piece of work gave, what the machine noticed.


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


class Started(Event):
    """The agent runs and its settings have been read."""


class StatusRequested(Event):
    """A left click, a second start."""


class MenuOpened(Event):
    """The icon's menu: a window may be asked for in a moment."""


class SettingsRequested(Event):
    """« Paramètres de connexion »."""


class DiagnosisRequested(Event):
    """« Trouver la panne »: the settings, with their test under way."""


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
    """The person saved settings or a licence, and waits to see whether they work."""


class SettingsChanged(Event):
    """The administrator's policy is no longer what it was."""


class AddressesChanged(Event):
    """The machine's network addresses moved; more such notices usually follow at once."""


class NetworkChanged(Event):
    """The network has settled after a change."""


class Woke(Event):
    """The computer slept, and no longer does."""


class HeartbeatDue(Event):
    """Time to see whether the connection still holds."""


class RetryDue(Event):
    """Time for another attempt."""


class ProbeDue(Event):
    """Time to see, in assistance mode, whether the servers answer again."""


class AnnouncementDue(Event):
    """The failure has lasted long enough to be told unasked."""


class ReminderDue(Event):
    """Assistance mode has held for another day."""


class AssistanceExpired(Event):
    """Assistance mode has held for as long as the policy allows."""


class AssistanceEntered(Event):
    """The person confirmed assistance mode."""


class AssistanceLeft(Event):
    """The password of the day was right."""


@dataclass(frozen=True, slots=True)
class AttemptOutcome(Event):
    """What attempt number *run* gave; an outcome of any other run than the present one is late and is ignored."""

    run: int


class Authenticated(AttemptOutcome):
    """The server let us in."""


@dataclass(frozen=True, slots=True)
class Failed(AttemptOutcome):
    """An attempt that failed. *failure* is what was observed, *retry_in* is in seconds (None: only when something changes)."""

    failure: Failure
    retry_in: float | None = None


class AttemptFailed(Failed):
    """No verdict yet: it may pass."""


class ConnectionLost(Failed):
    """The verdict: the connection does not work."""


class ConfigurationMissing(Failed):
    """There is nothing to try with: settings or licence are missing."""


class ServersAnswered(AttemptOutcome):
    """A probe in assistance mode succeeded."""


class ServersSilent(Failed):
    """A probe in assistance mode failed."""


class Effect(Enum):
    """What is to be done after a step; performed by the loop, in order."""

    AUTHENTICATE = "authenticate"
    PROBE = "probe"
    RENEW_CONNECTION = "renew-connection"  # forget pooled connections, proxy, certificates
    SCHEDULE_RETRY = "schedule-retry"
    SCHEDULE_HEARTBEAT = "schedule-heartbeat"
    SCHEDULE_PROBE = "schedule-probe"
    SCHEDULE_ANNOUNCEMENT = "schedule-announcement"
    SETTLE_NETWORK = "settle-network"
    ANNOUNCE_FAILURE = "announce-failure"
    ANNOUNCE_RECOVERY = "announce-recovery"
    ANNOUNCE_SERVERS_ANSWER = "announce-servers-answer"
    ANSWER_PERSON = "answer-person"  # whoever clicked is told how it went
    SCHEDULE_REMINDERS = (
        "schedule-reminders"  # of assistance mode: each day, and its end where the policy sets one
    )
    ANNOUNCE_ASSISTANCE = "announce-assistance"
    ANNOUNCE_EXPIRY = "announce-expiry"
    KEEP_ASSISTANCE = "keep-assistance"  # write to disk that assistance mode holds, or no longer does
    PREPARE_WINDOW = "prepare-window"  # have a window's process load what every window needs
    OPEN_STATUS = "open-status"
    OPEN_SETTINGS = "open-settings"
    OPEN_DIAGNOSIS = "open-diagnosis"
    OPEN_SUPPORT = "open-support"
    OPEN_UPDATES = "open-updates"
    LAUNCH_PROGRAM = "launch-program"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an event leads, and what is to be done then."""

    state: State
    effects: tuple[Effect, ...] = ()


_REDO = (Effect.RENEW_CONNECTION, Effect.AUTHENTICATE)
_VERDICT = (Effect.SCHEDULE_RETRY, Effect.SCHEDULE_ANNOUNCEMENT)


def _everywhere(state: State) -> dict[tuple[State, type[Event]], Step]:
    """What holds in every state."""
    return {
        (state, MenuOpened): Step(state, (Effect.PREPARE_WINDOW,)),
        (state, StatusRequested): Step(state, (Effect.OPEN_STATUS,)),
        (state, SupportRequested): Step(state, (Effect.OPEN_SUPPORT,)),
        (state, UpdatesRequested): Step(state, (Effect.OPEN_UPDATES,)),
        (state, QuitRequested): Step(state, (Effect.QUIT,)),
        (state, AddressesChanged): Step(state, (Effect.SETTLE_NETWORK,)),
    }


TABLE: Mapping[tuple[State, type[Event]], Step] = {
    **_everywhere(State.CONNECTING),
    **_everywhere(State.CONNECTED),
    **_everywhere(State.DISCONNECTED),
    **_everywhere(State.ASSISTANCE),
    #
    (State.CONNECTING, Started): Step(State.CONNECTING, (Effect.AUTHENTICATE,)),
    (State.CONNECTING, Authenticated): Step(
        State.CONNECTED, (Effect.SCHEDULE_HEARTBEAT, Effect.ANNOUNCE_RECOVERY)
    ),
    (State.CONNECTING, AttemptFailed): Step(State.CONNECTING, (Effect.SCHEDULE_RETRY,)),
    (State.CONNECTING, ConnectionLost): Step(State.DISCONNECTED, _VERDICT),
    (State.CONNECTING, ConfigurationMissing): Step(State.DISCONNECTED, (Effect.OPEN_SETTINGS,)),
    (State.CONNECTING, RetryDue): Step(State.CONNECTING, (Effect.AUTHENTICATE,)),
    (State.CONNECTING, ReauthenticationRequested): Step(State.CONNECTING, _REDO),
    (State.CONNECTING, SettingsRequested): Step(State.CONNECTING, (Effect.OPEN_SETTINGS,)),
    (State.CONNECTING, DiagnosisRequested): Step(State.CONNECTING, (Effect.OPEN_DIAGNOSIS,)),
    (State.CONNECTING, SettingsSaved): Step(State.CONNECTING, _REDO),
    (State.CONNECTING, SettingsChanged): Step(State.CONNECTING, _REDO),
    (State.CONNECTING, NetworkChanged): Step(State.CONNECTING, _REDO),
    (State.CONNECTING, Woke): Step(State.CONNECTING, _REDO),
    #
    (State.CONNECTED, Authenticated): Step(State.CONNECTED, (Effect.SCHEDULE_HEARTBEAT,)),
    (State.CONNECTED, AttemptFailed): Step(State.CONNECTED, (Effect.SCHEDULE_RETRY,)),
    (State.CONNECTED, ConnectionLost): Step(State.DISCONNECTED, _VERDICT),
    (State.CONNECTED, ConfigurationMissing): Step(State.DISCONNECTED, (Effect.OPEN_SETTINGS,)),
    (State.CONNECTED, HeartbeatDue): Step(State.CONNECTED, (Effect.AUTHENTICATE,)),
    (State.CONNECTED, RetryDue): Step(State.CONNECTED, (Effect.AUTHENTICATE,)),
    (State.CONNECTED, ReauthenticationRequested): Step(State.CONNECTED, _REDO),
    (State.CONNECTED, SettingsRequested): Step(State.CONNECTED, (Effect.OPEN_SETTINGS,)),
    (State.CONNECTED, DiagnosisRequested): Step(State.CONNECTED, (Effect.OPEN_DIAGNOSIS,)),
    (State.CONNECTED, SettingsSaved): Step(State.CONNECTING, _REDO),
    (State.CONNECTED, SettingsChanged): Step(State.CONNECTING, _REDO),
    (State.CONNECTED, NetworkChanged): Step(State.CONNECTED, _REDO),
    # after sleep nobody knows: the ball would claim what has not been seen
    (State.CONNECTED, Woke): Step(State.CONNECTING, _REDO),
    (State.CONNECTED, LaunchRequested): Step(State.CONNECTED, (Effect.LAUNCH_PROGRAM,)),
    #
    (State.DISCONNECTED, Authenticated): Step(
        State.CONNECTED, (Effect.SCHEDULE_HEARTBEAT, Effect.ANNOUNCE_RECOVERY)
    ),
    (State.DISCONNECTED, ConnectionLost): Step(State.DISCONNECTED, (Effect.SCHEDULE_RETRY,)),
    (State.DISCONNECTED, ConfigurationMissing): Step(State.DISCONNECTED, (Effect.OPEN_SETTINGS,)),
    (State.DISCONNECTED, RetryDue): Step(State.DISCONNECTED, (Effect.AUTHENTICATE,)),
    (State.DISCONNECTED, AnnouncementDue): Step(State.DISCONNECTED, (Effect.ANNOUNCE_FAILURE,)),
    (State.DISCONNECTED, ReauthenticationRequested): Step(State.DISCONNECTED, _REDO),
    (State.DISCONNECTED, SettingsRequested): Step(State.DISCONNECTED, (Effect.OPEN_SETTINGS,)),
    (State.DISCONNECTED, DiagnosisRequested): Step(State.DISCONNECTED, (Effect.OPEN_DIAGNOSIS,)),
    (State.DISCONNECTED, SettingsSaved): Step(State.CONNECTING, _REDO),
    (State.DISCONNECTED, SettingsChanged): Step(State.CONNECTING, _REDO),
    (State.DISCONNECTED, NetworkChanged): Step(State.DISCONNECTED, _REDO),
    # what was to be told before the sleep waits its minute again: not in the first seconds after waking
    (State.DISCONNECTED, Woke): Step(State.DISCONNECTED, (*_REDO, Effect.SCHEDULE_ANNOUNCEMENT)),
    (State.DISCONNECTED, AssistanceEntered): Step(
        State.ASSISTANCE, (Effect.KEEP_ASSISTANCE, Effect.SCHEDULE_PROBE, Effect.SCHEDULE_REMINDERS)
    ),
    #
    (State.ASSISTANCE, Started): Step(State.ASSISTANCE, (Effect.SCHEDULE_REMINDERS, Effect.PROBE)),
    (State.ASSISTANCE, ReminderDue): Step(
        State.ASSISTANCE, (Effect.ANNOUNCE_ASSISTANCE, Effect.SCHEDULE_REMINDERS)
    ),
    (State.ASSISTANCE, AssistanceExpired): Step(
        State.DISCONNECTED, (Effect.KEEP_ASSISTANCE, Effect.ANNOUNCE_EXPIRY, *_REDO)
    ),
    (State.ASSISTANCE, ProbeDue): Step(State.ASSISTANCE, (Effect.PROBE,)),
    (State.ASSISTANCE, ServersAnswered): Step(
        State.ASSISTANCE, (Effect.ANNOUNCE_SERVERS_ANSWER, Effect.SCHEDULE_PROBE)
    ),
    (State.ASSISTANCE, ServersSilent): Step(State.ASSISTANCE, (Effect.SCHEDULE_PROBE,)),
    (State.ASSISTANCE, NetworkChanged): Step(State.ASSISTANCE, (Effect.RENEW_CONNECTION, Effect.PROBE)),
    (State.ASSISTANCE, Woke): Step(State.ASSISTANCE, (Effect.RENEW_CONNECTION, Effect.PROBE)),
    (State.ASSISTANCE, SettingsSaved): Step(State.ASSISTANCE, (Effect.RENEW_CONNECTION, Effect.PROBE)),
    (State.ASSISTANCE, SettingsChanged): Step(
        State.ASSISTANCE, (Effect.RENEW_CONNECTION, Effect.PROBE, Effect.SCHEDULE_REMINDERS)
    ),
    (State.ASSISTANCE, LaunchRequested): Step(State.ASSISTANCE, (Effect.LAUNCH_PROGRAM,)),
    # leaving assistance does not mean connected: the heart comes first (the sheets), authentication at once
    (State.ASSISTANCE, AssistanceLeft): Step(State.DISCONNECTED, (Effect.KEEP_ASSISTANCE, *_REDO)),
}


START_GRACE = 15.0
"""Seconds after start or wake without a verdict on a lost connection."""
START_QUIET = 30.0
"""Seconds after start or wake without a balloon."""
VERDICT_FAILURES = 2
"""Failed attempts before a lost connection is a verdict."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the agent knows about its connection. Times called *…_at* and *since* are wall clock; those called *…_steady* are not."""

    state: State
    since: float
    failure: Failure | None = (
        None  # in CONNECTED and CONNECTING: of an attempt that failed without a verdict yet
    )
    failed_at: float = 0.0  # when *failure* was observed
    contact_at: float | None = None  # last successful authenticated exchange
    retry_at: float | None = None
    run: int = 0  # number of the present attempt
    working: bool = False  # an attempt is under way
    asked: bool = False  # a person asked for it
    failures: int = 0  # failed attempts in a row
    failing_steady: float | None = None  # since when they fail
    grace_steady: float = 0.0  # no verdict on a lost connection before
    quiet_steady: float = 0.0  # no balloon before
    servers_answer: bool = False  # in ASSISTANCE: the last probe succeeded

    @property
    def problem(self) -> Problem | None:
        """What is wrong."""
        return None if self.failure is None else self.failure.problem


def begin(now: Moment, assistance_since: float | None = None) -> Snapshot:
    """The first snapshot of a process: CONNECTING, or ASSISTANCE where it was entered before (*assistance_since*, wall clock)."""
    grace, quiet = now.steady + START_GRACE, now.steady + START_QUIET
    if assistance_since is not None:
        return Snapshot(State.ASSISTANCE, assistance_since, grace_steady=grace, quiet_steady=quiet)
    return Snapshot(State.CONNECTING, now.wall, grace_steady=grace, quiet_steady=quiet)


def verdict(snapshot: Snapshot, failure: Failure, now: Moment, chance: float) -> Failed:
    """Which event an attempt of the present run is that ended in *failure*.

    A clear answer is a verdict at once, and so is every failure that a person asked for; a lost connection is one after
    ``problem.patience`` seconds *and* ``VERDICT_FAILURES`` attempts, outside the grace. *chance* in [0, 1) spreads the next try.
    """
    retry_in = timing.next_try(failure.problem, snapshot.failures + 1, failure.retry_after, chance)
    if snapshot.state is State.ASSISTANCE:
        return ServersSilent(snapshot.run, failure)
    if failure.problem is problems.NOT_CONFIGURED and (snapshot.asked or snapshot.state is State.CONNECTING):
        return ConfigurationMissing(snapshot.run, failure)
    patience = failure.problem.patience
    failing_for = now.steady - snapshot.failing_steady if snapshot.failing_steady is not None else 0.0
    waited = (
        snapshot.failures + 1 >= VERDICT_FAILURES
        and failing_for >= patience
        and now.steady >= snapshot.grace_steady
    )
    if snapshot.state is State.DISCONNECTED or snapshot.asked or patience == 0 or waited:
        return ConnectionLost(snapshot.run, failure, retry_in)
    return AttemptFailed(snapshot.run, failure, retry_in)


def allows(state: State, event: type[Event]) -> bool:
    """Whether *event* does anything in *state*."""
    return (state, event) in TABLE


def advance(snapshot: Snapshot, event: Event, now: Moment) -> tuple[Snapshot, tuple[Effect, ...]]:
    """The snapshot after *event*, and what is to be done. Late outcomes and events that the table does not know change nothing."""
    if isinstance(event, AttemptOutcome) and event.run != snapshot.run:
        return snapshot, ()
    step = TABLE.get((snapshot.state, type(event)))
    if step is None:
        return snapshot, ()
    effects = step.effects
    after = replace(snapshot, state=step.state)
    if step.state is not snapshot.state:
        after = replace(after, since=now.wall, servers_answer=False)
    if isinstance(event, AttemptOutcome):
        if snapshot.asked and Effect.OPEN_SETTINGS not in effects:
            effects = (*effects, Effect.ANSWER_PERSON)
        after = replace(after, working=False, asked=False)
    if isinstance(event, Authenticated):
        after = _mended(replace(after, contact_at=now.wall))
    elif isinstance(event, Failed):
        after = replace(
            after,
            failure=event.failure,
            failed_at=now.wall,
            failures=snapshot.failures + 1,
            failing_steady=now.steady if snapshot.failing_steady is None else snapshot.failing_steady,
            retry_at=None if event.retry_in is None else now.wall + event.retry_in,
            servers_answer=False,
        )
    elif isinstance(event, ServersAnswered):
        after = _mended(replace(after, contact_at=now.wall, servers_answer=True))
    elif isinstance(event, AssistanceEntered):
        # the present attempt is forgotten with its run number
        after = replace(after, run=snapshot.run + 1, working=False, asked=False, retry_at=None)
    elif isinstance(event, Woke):
        after = replace(
            after,
            grace_steady=now.steady + START_GRACE,
            quiet_steady=now.steady + START_QUIET,
            failing_steady=None,
        )
    if isinstance(event, (SettingsSaved, SettingsChanged, NetworkChanged, Woke, ReauthenticationRequested)):
        after = replace(after, failures=0)
    if isinstance(event, (SettingsSaved, SettingsChanged, Woke)) and step.state is State.CONNECTING:
        # the pale ball claims nothing: what was wrong before is not known to be wrong now
        after = replace(after, failure=None)
    if Effect.AUTHENTICATE in effects or Effect.PROBE in effects:
        # a probe is nobody's question: in assistance mode the icon stays what it is
        asked = Effect.AUTHENTICATE in effects and isinstance(
            event, (ReauthenticationRequested, SettingsSaved, AssistanceLeft)
        )
        after = replace(
            after,
            run=snapshot.run + 1,
            working=True,
            asked=asked or (snapshot.working and snapshot.asked),
            retry_at=None,
        )
    return after, effects


def _mended(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, failure=None, failures=0, failing_steady=None, retry_at=None)
