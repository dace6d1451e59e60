"""The state machine: the whole table, the practical sheets, random walks."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, given, seed, settings
from hypothesis import strategies as st

from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure
from iea_agent.domain.machine import (
    TABLE,
    AttemptOutcome,
    Effect,
    Event,
    Failed,
    Moment,
    Snapshot,
    State,
    advance,
    allows,
    begin,
    judge_attempt,
)
from iea_agent.domain.person_requests import REQUESTS
from tests.failures import OBSERVED, failed

NOON = Moment(1_790_000_000.0, 1000.0)
LATER = Moment(NOON.wall + 100, NOON.steady + 100)
LOST = problems.CONNECTION_UNANSWERED


EVENT_TYPES = [
    kind
    for kind in vars(machine).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind not in (Event, AttemptOutcome, Failed)
]
"""Every type of event that can happen; the three others only say what some have in common."""


def happen(kind: type[Event], run: int = 7) -> Event:
    """An event of *kind*; an outcome is one of attempt *run*."""
    if issubclass(kind, Failed):
        return kind(run, failed(LOST, "evidence"), 4.0)
    if issubclass(kind, AttemptOutcome):
        return kind(run)
    if issubclass(kind, machine.AssistanceEnteredElsewhere):
        return kind(LATER.wall)
    return kind()


def busy(state: State, **changes: object) -> Snapshot:
    """A snapshot of *state* whose attempt 7 is under way."""
    return replace(Snapshot(state, NOON.wall, run=7, working=True), **changes)  # type: ignore[arg-type]


STATE_AND_EVENT = list(itertools.product(State, EVENT_TYPES))
NAMES = [f"{state.value}-{kind.__name__}" for state, kind in STATE_AND_EVENT]


def test_the_table_speaks_of_nothing_else() -> None:
    assert set(TABLE) <= set(STATE_AND_EVENT)


@pytest.mark.parametrize(("state", "kind"), STATE_AND_EVENT, ids=NAMES)
def test_the_table_decides_the_state_and_what_is_absent_changes_nothing(
    state: State, kind: type[Event]
) -> None:
    before = busy(state, failure=failed(LOST))
    after, effects = advance(before, happen(kind), LATER)
    step = TABLE.get((state, kind))
    assert allows(state, kind) is (step is not None)
    if step is None:
        assert after is before
        assert effects == ()
    else:
        assert after.state is step.state
        assert effects == step.effects
        assert after.since == (NOON.wall if step.state is state else LATER.wall)


@pytest.mark.parametrize(
    "state", [state for state, kind in TABLE if kind is machine.AssistanceEnteredElsewhere]
)
def test_assistance_mode_began_when_the_other_session_entered_it(state: State) -> None:
    after, effects = advance(busy(state), machine.AssistanceEnteredElsewhere(NOON.wall - 900), LATER)

    assert (after.state, after.since) == (State.ASSISTANCE, NOON.wall - 900)
    assert Effect.KEEP_ASSISTANCE not in effects, "the other session has written it"
    assert advance(after, machine.Authenticated(7), LATER)[0] is after, "the attempt is abandoned"


@pytest.mark.parametrize(
    ("state", "kind"),
    [(state, kind) for state, kind in TABLE if issubclass(kind, AttemptOutcome)],
    ids=lambda value: value.value if isinstance(value, State) else value.__name__,
)
@pytest.mark.parametrize("run", [6, 8, 0])
def test_a_late_outcome_changes_nothing(state: State, kind: type[Event], run: int) -> None:
    before = busy(state, asked=True, failure=failed(LOST))
    assert advance(before, happen(kind, run), LATER) == (before, ())


def describe_step(state: State, kind: type[Event]) -> str:
    """A row of the table in one line of words, as ``transitions.txt`` has it."""
    step = TABLE[state, kind]
    effects = " ".join(effect.value for effect in step.effects) or "-"
    updates = " ".join(update.__name__ for update in step.updates) or "-"
    return f"{state.value} | {kind.__name__} | {step.state.value} | {effects} | {updates}"


def test_the_table_is_the_one_that_was_written_down() -> None:
    """A row that is changed on purpose is changed in ``transitions.txt`` by hand, too."""
    golden = Path(__file__).with_name("transitions.txt").read_text(encoding="utf-8").splitlines()
    assert sorted(describe_step(state, kind) for state, kind in TABLE) == golden


def test_every_event_means_something_somewhere() -> None:
    assert {kind for _, kind in TABLE} == set(EVENT_TYPES)


def test_every_effect_is_wanted_by_a_step() -> None:
    assert {effect for step in TABLE.values() for effect in step.effects} == set(Effect)


@pytest.mark.parametrize(("state", "kind"), TABLE)
def test_an_attempt_begins_with_its_effect_and_its_failure_is_recorded(
    state: State, kind: type[Event]
) -> None:
    step = TABLE[state, kind]
    begins = {Effect.AUTHENTICATE, Effect.PROBE} & set(step.effects)
    assert bool(begins) is (machine.start_attempt in step.updates)
    assert (Effect.LOOK in step.effects) is (machine.start_look in step.updates)
    recorded = {machine.record_failure, machine.record_look} & set(step.updates)
    assert issubclass(kind, Failed) is bool(recorded)
    assert (kind is machine.StillWaiting) is (machine.record_look in recorded)


def test_every_state_is_reached_from_every_other() -> None:
    for start in State:
        reached = {start}
        while more := {step.state for (state, _), step in TABLE.items() if state in reached} - reached:
            reached |= more
        assert reached == set(State)


def test_the_menu_of_every_state_leads_to_status_support_updates_and_the_way_out() -> None:
    always = {kind for kind in EVENT_TYPES if all(allows(state, kind) for state in State)}
    assert always >= {
        machine.StatusRequested,
        machine.SupportRequested,
        machine.UpdatesRequested,
        machine.QuitRequested,
    }
    requests = {request.event for request in REQUESTS} & always
    assert all(TABLE[state, kind].state is state for state in State for kind in requests)


# The transitions that the practical sheets fix.


def test_assistance_is_entered_only_from_disconnected() -> None:
    assert {state for state, kind in TABLE if kind is machine.AssistanceEntered} == {State.DISCONNECTED}
    here = {key: step for key, step in TABLE.items() if key[1] is not machine.AssistanceEnteredElsewhere}
    assert {state for (state, _), step in here.items() if step.state is State.ASSISTANCE} == {
        State.DISCONNECTED,
        State.ASSISTANCE,
    }
    after, effects = advance(busy(State.DISCONNECTED), machine.AssistanceEntered(), LATER)
    assert after.state is State.ASSISTANCE
    assert effects == (Effect.KEEP_ASSISTANCE, Effect.SCHEDULE_PROBE, Effect.SCHEDULE_REMINDERS)


def test_assistance_is_left_only_with_the_password_of_the_day_or_by_the_policy() -> None:
    leaving = {
        kind
        for (state, kind), step in TABLE.items()
        if state is State.ASSISTANCE and step.state is not State.ASSISTANCE
    }
    elsewhere = machine.AssistanceLeftElsewhere
    assert leaving == {machine.AssistanceLeft, machine.AssistanceExpired, elsewhere}


def test_leaving_assistance_shows_the_heart_and_authenticates_at_once() -> None:
    before = Snapshot(State.ASSISTANCE, NOON.wall, run=7, servers_answer=True)
    after, effects = advance(before, machine.AssistanceLeft(), LATER)
    assert after.state is State.DISCONNECTED
    assert effects == (Effect.KEEP_ASSISTANCE, Effect.RENEW_SESSION, Effect.AUTHENTICATE)
    assert (after.run, after.working, after.asked, after.servers_answer) == (8, True, True, False)


def test_entering_assistance_forgets_the_attempt_under_way() -> None:
    before = busy(State.DISCONNECTED, asked=True)
    held, _ = advance(before, machine.AssistanceEntered(), LATER)
    assert not held.working
    assert not held.asked
    assert advance(held, machine.Authenticated(7), LATER) == (held, ())


def test_in_assistance_settings_and_reauthentication_are_out_of_reach_and_the_program_is_not() -> None:
    assert not allows(State.ASSISTANCE, machine.SettingsRequested)
    assert not allows(State.ASSISTANCE, machine.DiagnosisRequested)
    assert not allows(State.ASSISTANCE, machine.ReauthenticationRequested)
    assert allows(State.ASSISTANCE, machine.LaunchRequested)


def test_the_program_needs_the_connection_or_assistance() -> None:
    assert {state for state, kind in TABLE if kind is machine.LaunchRequested} == {
        State.CONNECTED,
        State.ASSISTANCE,
    }


def test_assistance_survives_a_restart_since_when_it_was_entered() -> None:
    recorded = begin(NOON, assistance_since=NOON.wall - 5000)
    assert recorded.state is State.ASSISTANCE
    assert recorded.since == NOON.wall - 5000
    probing, effects = advance(recorded, machine.Started(), NOON)
    assert probing.state is State.ASSISTANCE
    assert effects == (Effect.SCHEDULE_REMINDERS, Effect.PROBE)


def test_assistance_only_probes_and_says_that_the_servers_answer() -> None:
    assert not [
        kind
        for (state, kind), step in TABLE.items()
        if state is State.ASSISTANCE and step.state is state and Effect.AUTHENTICATE in step.effects
    ]
    before = busy(State.ASSISTANCE, failure=failed(LOST), failures=3, failing_steady=1.0)
    after, effects = advance(before, machine.ServersAnswered(7), LATER)
    assert Effect.ANNOUNCE_SERVERS_ANSWER in effects
    assert after.servers_answer
    assert after.problem is None
    silent, effects = advance(
        replace(after, run=8, working=True), machine.ServersSilent(8, failed(LOST)), LATER
    )
    assert effects == (Effect.SCHEDULE_PROBE,)
    assert not silent.servers_answer


# The rest by name.


def test_a_process_begins_with_the_pale_ball_and_a_grace() -> None:
    first = begin(NOON)
    assert first.state is State.CONNECTING
    assert first.since == NOON.wall
    assert first.grace_steady == NOON.steady + 15
    assert first.quiet_steady == NOON.steady + 30
    started, effects = advance(first, machine.Started(), NOON)
    assert effects == (Effect.AUTHENTICATE,)
    assert (started.run, started.working, started.asked) == (1, True, False)


def test_success_is_the_ball_and_forgets_every_failure() -> None:
    before = busy(
        State.DISCONNECTED, failure=failed(LOST, "x"), failures=9, failing_steady=3.0, retry_at=NOON.wall
    )
    after, effects = advance(before, machine.Authenticated(7), LATER)
    assert effects == (Effect.SCHEDULE_HEARTBEAT, Effect.ANNOUNCE_RECOVERY)
    assert after == Snapshot(
        State.CONNECTED, LATER.wall, contact_at=LATER.wall, run=7, silent_steady=LATER.steady
    )


def test_a_failed_attempt_is_remembered_with_its_evidence_and_its_next_try() -> None:
    after, effects = advance(
        busy(State.CONNECTED), machine.AttemptFailed(7, failed(LOST, "timed out"), 4.0), LATER
    )
    assert effects == (Effect.SCHEDULE_RETRY,)
    assert (after.failure, after.failed_at, after.failures) == (failed(LOST, "timed out"), LATER.wall, 1)
    assert after.failing_steady == LATER.steady
    assert after.retry_at == LATER.wall + 4
    again, _ = advance(
        replace(after, working=True),
        machine.AttemptFailed(7, failed(LOST)),
        Moment(LATER.wall + 9, LATER.steady + 9),
    )
    assert again.failing_steady == LATER.steady
    assert again.failures == 2


def test_without_a_configuration_the_settings_open_for_who_started_the_agent() -> None:
    missing = machine.ConfigurationMissing(7, failed(problems.NOT_CONFIGURED))
    after, effects = advance(busy(State.CONNECTING), missing, LATER)
    assert after.state is State.DISCONNECTED
    assert effects == (Effect.OPEN_SETTINGS,)
    assert after.retry_at is None


def test_no_window_opens_without_a_click_but_after_a_start_by_a_person() -> None:
    requests = {request.event for request in REQUESTS}
    opening = {
        event
        for (_state, event), step in machine.TABLE.items()
        if set(step.effects) & set(machine.OPEN_EFFECTS) and event not in requests
    }
    assert opening == {machine.ConfigurationMissing}
    assert [state for state, event in machine.TABLE if event in opening] == [State.CONNECTING]


def test_who_asked_is_answered_once() -> None:
    asking, effects = advance(
        Snapshot(State.DISCONNECTED, NOON.wall), machine.ReauthenticationRequested(), NOON
    )
    assert effects == (Effect.RENEW_SESSION, Effect.AUTHENTICATE)
    assert asking.asked
    answered, effects = advance(asking, judge_attempt(asking, asking.run, failed(LOST), LATER, 0.5), LATER)
    assert effects[-1] is Effect.ANSWER_PERSON
    retrying, _ = advance(answered, machine.RetryDue(), LATER)
    _, effects = advance(retrying, judge_attempt(retrying, retrying.run, failed(LOST), LATER, 0.5), LATER)
    assert Effect.ANSWER_PERSON not in effects


def test_who_asked_is_still_answered_when_the_attempt_is_begun_anew() -> None:
    asking, _ = advance(Snapshot(State.CONNECTED, NOON.wall), machine.ReauthenticationRequested(), NOON)
    anew, _ = advance(asking, machine.NetworkChanged(), NOON)
    assert anew.run == asking.run + 1
    _, effects = advance(anew, judge_attempt(anew, anew.run, None, LATER, 0.5), LATER)
    assert effects.count(Effect.ANSWER_PERSON) == 1


@pytest.mark.parametrize("kind", [machine.SettingsChanged, machine.Woke])
def test_the_pale_ball_claims_no_old_problem(kind: type[Event]) -> None:
    before = busy(State.CONNECTED, failure=failed(LOST, "x"), failures=1, failing_steady=NOON.steady)
    after, effects = advance(before, kind(), LATER)
    assert after.state is State.CONNECTING
    assert after.failure is None
    assert effects == (Effect.RENEW_CONNECTION, Effect.AUTHENTICATE)


def test_changed_settings_are_tried_from_the_heart_as_if_new() -> None:
    before = busy(State.DISCONNECTED, failure=failed(problems.LICENCE_NOT_RECOGNISED), failures=3)
    after, _ = advance(before, machine.SettingsChanged(), LATER)
    assert (after.state, after.problem, after.failures) == (State.CONNECTING, None, 0)


def test_waking_begins_the_grace_anew_and_puts_off_what_was_to_be_told() -> None:
    before = busy(State.DISCONNECTED, failure=failed(LOST), failures=5, tries=5, failing_steady=1.0)
    after, effects = advance(before, machine.Woke(), LATER)
    assert (after.tries, after.silent_steady) == (0, LATER.steady)
    assert after.grace_steady == LATER.steady + 15
    assert after.quiet_steady == LATER.steady + 30
    assert (after.failures, after.failing_steady, after.problem) == (0, None, LOST)
    assert Effect.SCHEDULE_ANNOUNCEMENT in effects


@pytest.mark.parametrize(
    "kind",
    [machine.SettingsChanged, machine.NetworkChanged, machine.Woke, machine.ReauthenticationRequested],
)
@pytest.mark.parametrize("state", [State.CONNECTING, State.CONNECTED, State.DISCONNECTED])
def test_a_change_or_a_click_resets_the_backoff_and_tries_over_a_new_connection(
    state: State, kind: type[Event]
) -> None:
    after, effects = advance(busy(state, tries=6, retry_at=NOON.wall + 60), kind(), LATER)
    signs_in = kind is machine.ReauthenticationRequested
    renews = Effect.RENEW_SESSION if signs_in else Effect.RENEW_CONNECTION
    assert effects[:2] == (renews, Effect.AUTHENTICATE)
    assert (after.tries, after.run, after.working, after.retry_at) == (0, 8, True, None)


def test_a_change_of_the_network_brings_an_attempt_and_changes_no_judgement() -> None:
    before = busy(State.CONNECTED, failure=failed(LOST), failures=1, failing_steady=1.0, verdict_steady=9.0)
    after, _ = advance(before, machine.NetworkChanged(), LATER)
    changed = replace(before, run=8, changed_steady=LATER.steady)
    assert after == changed
    again = replace(after, tries=3)
    sooner, _ = advance(again, machine.NetworkChanged(), Moment(LATER.wall + 59, LATER.steady + 59))
    later, _ = advance(again, machine.NetworkChanged(), Moment(LATER.wall + 60, LATER.steady + 60))
    assert (sooner.tries, later.tries) == (3, 0)


def test_silence_alone_names_the_server_that_does_not_answer() -> None:
    silent = busy(State.CONNECTED, silent_steady=NOON.steady)
    assert silent.verdict_due == NOON.steady + 120
    after, effects = advance(silent, machine.VerdictDue(), LATER)
    assert (after.state, after.problem, after.failed_at) == (State.DISCONNECTED, LOST, LATER.wall)
    assert (after.working, after.run) == (True, 7), "the attempt goes on"
    assert effects == (Effect.SCHEDULE_ANNOUNCEMENT,)


def test_failure_is_observed_between_attempts_and_looks_that_are_not_far_apart() -> None:
    snapshot = busy(State.DISCONNECTED)
    observed = []
    for seconds in (0, 50, 100, 300, 310):
        now = Moment(NOON.wall + seconds, NOON.steady + seconds)
        kind = machine.StillWaiting if seconds == 100 else machine.ConnectionLost
        snapshot, _ = advance(snapshot, kind(7, failed(LOST), 4.0), now)
        observed.append(snapshot.observed)
    assert observed == [0, 50, 100, 100, 110]


# Random walks: whatever happens in whatever order, these hold.

USELESS_TO_TRY = {problems.NOT_CONFIGURED, problems.ADDRESS_MALFORMED}
AT_THEIR_TIME = {machine.VerdictDue, *(kind for kind in EVENT_TYPES if issubclass(kind, AttemptOutcome))}
KINDS = (
    LOST,
    problems.NOT_CONFIGURED,
    problems.SERVER_UNAVAILABLE,
    problems.LICENCE_NOT_RECOGNISED,
    problems.CERTIFICATE_EXPIRED,
)
"""One problem of each kind that the machine treats in its own way."""
ENDS = ("success", "failure", "the same failure again", "a late outcome")


@dataclass
class Walk:
    """A machine that happenings drive; *draw* returns a number below its argument."""

    draw: Callable[[int], int]
    walked: Counter[tuple[State, type[Event]]]
    snapshot: Snapshot
    now: Moment = NOON

    def go(self, steps: int) -> None:
        """Start, then take *steps* of all that can happen in the present state."""
        self.take(machine.Started())
        for _ in range(steps):
            state = self.snapshot.state
            can_happen = [kind for at, kind in TABLE if at is state and kind not in AT_THEIR_TIME]
            drawn = self.draw(2 * len(can_happen))
            if drawn < len(can_happen):
                kind = can_happen[drawn]
                elsewhere = machine.AssistanceEnteredElsewhere
                self.take(elsewhere(self.now.wall) if kind is elsewhere else kind())
            elif self.snapshot.working and self.draw(3):
                self.answer()
            else:
                self.wait((0.0, 1.0, 11.0, 70.0)[self.draw(4)])

    def wait(self, seconds: float) -> None:
        """Let time pass, but only to the next heartbeat or heart, as the loop sees to."""
        due: dict[float, type[Event]] = {self.now.steady + seconds: Event}
        if self.snapshot.verdict_due is not None:
            due[max(self.snapshot.verdict_due, self.now.steady)] = machine.VerdictDue
        if self.snapshot.state is State.CONNECTED and not (self.snapshot.working or self.snapshot.problem):
            due[max(self.snapshot.silent_steady + 60, self.now.steady)] = machine.HeartbeatDue
        steady = min(due)
        self.now = Moment(self.now.wall + steady - self.now.steady, steady)
        if due[steady] is not Event:
            self.take(due[steady]())

    def answer(self) -> None:
        """Let the attempt under way end; success is as likely as failure."""
        end = ENDS[self.draw(len(ENDS))]
        if self.snapshot.looking and self.draw(2):
            end = "the same failure again"
        kinds = (*KINDS, OBSERVED[self.draw(len(OBSERVED))])
        problem = kinds[self.draw(len(kinds))]
        failure: Failure | None = replace(failed(problem), retry_after=(None, 3600.0)[self.draw(2)])
        if end == "success" or (end == "a late outcome" and self.draw(2)):
            failure = None
        elif end == "the same failure again" and self.snapshot.failure is not None:
            failure = self.snapshot.failure
        run = self.snapshot.run - (end == "a late outcome")
        self.take(judge_attempt(self.snapshot, run, failure, self.now, 0.5))

    def take(self, event: Event) -> None:
        """Make the step for *event* and check what holds of every step."""
        before = self.snapshot
        after, effects = advance(before, event, self.now)
        late = isinstance(event, AttemptOutcome) and event.run != before.run
        if (before.state, type(event)) in TABLE and not late:
            self.walked[before.state, type(event)] += 1
        self.snapshot = after
        check_step(before, event, after, effects, self.now)
        check_state(after, self.now)


def check_step(
    before: Snapshot, event: Event, after: Snapshot, effects: tuple[Effect, ...], now: Moment
) -> None:
    """What holds of every step."""
    assert after.since == (before.since if after.state is before.state else now.wall)
    assert after.since >= before.since
    began = bool({Effect.AUTHENTICATE, Effect.PROBE, Effect.LOOK} & set(effects))
    entered = after.state is State.ASSISTANCE and before.state is not State.ASSISTANCE
    assert after.run == before.run + (began or entered)
    if began:
        assert after.working
        assert (Effect.PROBE in effects) is (after.state is State.ASSISTANCE)
        assert (Effect.LOOK in effects) is after.looking
    answered = effects.count(Effect.ANSWER_PERSON)
    if isinstance(event, AttemptOutcome) and event.run == before.run and effects:
        assert answered == (before.asked and Effect.OPEN_SETTINGS not in effects)
        assert not after.asked
    else:
        assert answered == 0


def check_state(snapshot: Snapshot, now: Moment) -> None:
    """What holds at every moment."""
    if snapshot.state in (State.CONNECTED, State.CONNECTING):
        assert snapshot.verdict_due is not None
        assert snapshot.verdict_due <= snapshot.silent_steady + 120
        if snapshot.problem is not None:
            assert snapshot.failing_steady is not None
            assert snapshot.problem.patience, "a clear answer is a verdict at once"
            if snapshot.failures >= 2:
                pending = max(snapshot.failing_steady + 10, snapshot.grace_steady, now.steady)
                assert snapshot.verdict_due <= pending
    if snapshot.looking:
        assert snapshot.working
    elif snapshot.working:
        assert snapshot.retry_at is None
    if snapshot.asked:
        assert snapshot.working
        assert snapshot.state is not State.ASSISTANCE, "a probe is nobody's question"
    if snapshot.servers_answer:
        assert snapshot.state is State.ASSISTANCE
    if snapshot.state is State.DISCONNECTED and not snapshot.working:
        assert snapshot.problem is not None, "the heart names its problem"
    if not snapshot.working and snapshot.state is not State.ASSISTANCE:
        beating = snapshot.state is State.CONNECTED and snapshot.problem is None
        assert snapshot.retry_at is not None or beating or snapshot.problem in USELESS_TO_TRY


def test_random_walks_go_everywhere_and_break_no_rule() -> None:
    walked: Counter[tuple[State, type[Event]]] = Counter()

    # no shrinking: an example is a seed
    @settings(max_examples=300, phases=[Phase.generate])
    @given(st.booleans(), st.randoms(use_true_random=False))
    def walk(in_assistance: bool, random: Random) -> None:
        first = begin(NOON, NOON.wall - 60 if in_assistance else None)
        Walk(random.randrange, walked, first).go(60)

    walk()
    # a rare row is missed by 300 walks now and then, but not by ten times as many
    for number in range(9):
        if not set(TABLE) <= set(walked):
            seed(number)(walk)()
    assert set(TABLE) - set(walked) == set(), "rows of the table that no walk has gone"
    in_state = {state: sum(n for (at, _), n in walked.items() if at is state) for state in State}
    assert min(in_state.values()) * 20 > sum(in_state.values()), in_state


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_wherever_it_wandered_a_success_asked_for_is_the_ball(random: Random) -> None:
    walk = Walk(random.randrange, Counter(), begin(NOON))
    walk.go(30)
    way_out = (
        machine.AssistanceLeft()
        if walk.snapshot.state is State.ASSISTANCE
        else machine.ReauthenticationRequested()
    )
    asking, _ = advance(walk.snapshot, way_out, walk.now)
    connected, effects = advance(asking, judge_attempt(asking, asking.run, None, walk.now, 0.5), walk.now)
    assert connected.state is State.CONNECTED
    assert Effect.ANSWER_PERSON in effects
