"""The verdict on a failed attempt: at once, after ten seconds, not in the grace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iea_agent.domain import machine, problems
from iea_agent.domain.machine import Failed, Moment, Snapshot, State, advance, begin, verdict
from iea_agent.domain.problems import Group, Problem
from tests.failures import OBSERVED, failed

NOON = Moment(1_790_000_000.0, 1000.0)
LOST = problems.CONNECTION_UNANSWERED
REFUSED = problems.LICENCE_NOT_RECOGNISED


def after(seconds: float) -> Moment:
    """The moment *seconds* after noon."""
    return Moment(NOON.wall + seconds, NOON.steady + seconds)


CONNECTED = Snapshot(State.CONNECTED, NOON.wall, run=7, working=True, silent_steady=NOON.steady)
FAILING = replace(CONNECTED, failures=1, failing_steady=NOON.steady, failure=failed(LOST))


def judge(snapshot: Snapshot, problem: Problem, seconds: float) -> Failed:
    """The verdict *seconds* after noon, the spread in its middle."""
    return verdict(snapshot, failed(problem, "evidence"), after(seconds), 0.5)


def test_the_first_failure_is_no_verdict_however_long_it_took() -> None:
    assert type(judge(CONNECTED, LOST, 100)) is machine.AttemptFailed


@pytest.mark.parametrize(
    ("seconds", "kind"),
    [(9.9, machine.AttemptFailed), (10.0, machine.ConnectionLost), (60.0, machine.ConnectionLost)],
)
def test_a_lost_connection_is_one_after_ten_seconds_and_two_attempts(
    seconds: float, kind: type[Failed]
) -> None:
    assert type(judge(FAILING, LOST, seconds)) is kind


@pytest.mark.parametrize("state", [State.CONNECTING, State.CONNECTED])
def test_a_person_who_asked_is_answered_at_once(state: State) -> None:
    asked = replace(CONNECTED, state=state, asked=True)
    assert type(judge(asked, LOST, 0)) is machine.ConnectionLostOnRequest


@pytest.mark.parametrize(
    "problem",
    [problem for problem in OBSERVED if problem.patience == 0 and problem is not problems.NOT_CONFIGURED],
    ids=str,
)
@pytest.mark.parametrize("state", [State.CONNECTING, State.CONNECTED, State.DISCONNECTED])
def test_a_clear_answer_is_a_verdict_at_once_even_in_the_grace(problem: Problem, state: State) -> None:
    snapshot = replace(CONNECTED, state=state, grace_steady=NOON.steady + 15)
    assert type(judge(snapshot, problem, 0)) is machine.ConnectionLost


@pytest.mark.parametrize(
    "problem",
    [problem for problem in OBSERVED if problem.group is Group.CERTIFICATE],
    ids=str,
)
def test_a_certificate_is_judged_after_the_grace(problem: Problem) -> None:
    snapshot = replace(FAILING, grace_steady=NOON.steady + 15)
    assert type(judge(snapshot, problem, 14.9)) is machine.AttemptFailed
    assert type(judge(snapshot, problem, 15.0)) is machine.ConnectionLost


@pytest.mark.parametrize("retry_after", [600.0, 3600.0, 86_400.0])
def test_a_wait_longer_than_the_patience_is_not_waited_for(retry_after: float) -> None:
    failure = replace(failed(problems.SERVER_UNAVAILABLE), retry_after=retry_after)
    event = verdict(CONNECTED, failure, NOON, 0.0)
    assert type(event) is machine.AttemptFailed
    snapshot, _ = advance(CONNECTED, event, NOON)
    assert snapshot.verdict_due == NOON.steady + 10
    assert snapshot.retry_at == NOON.wall + min(retry_after, 3600)
    lost, effects = advance(snapshot, machine.VerdictDue(), after(10))
    assert (lost.state, lost.failure, lost.retry_at) == (State.DISCONNECTED, failure, snapshot.retry_at)
    assert effects == (machine.Effect.SCHEDULE_ANNOUNCEMENT,)


def test_one_failure_waits_for_the_second_attempt_and_no_longer_than_two_heartbeats() -> None:
    snapshot, _ = advance(CONNECTED, machine.AttemptFailed(7, failed(LOST), 1.0), NOON)
    assert snapshot.verdict_steady is None
    assert snapshot.verdict_due == CONNECTED.silent_steady + 120
    second, _ = advance(
        replace(snapshot, working=True), machine.AttemptFailed(7, failed(LOST), 2.0), after(1)
    )
    assert second.verdict_steady == NOON.steady + 10


@pytest.mark.parametrize("state", [State.DISCONNECTED, State.ASSISTANCE])
def test_no_verdict_is_due_where_the_ball_is_not_shown(state: State) -> None:
    assert replace(FAILING, state=state, verdict_steady=NOON.steady).verdict_due is None


def test_a_look_that_meets_the_same_failure_changes_neither_it_nor_the_next_try() -> None:
    failure = replace(failed(problems.SERVER_UNAVAILABLE), retry_after=600.0)
    waiting = replace(
        CONNECTED, failure=failure, failures=1, looking=True, retry_at=NOON.wall + 600, failed_at=NOON.wall
    )
    event = verdict(waiting, replace(failure, detail="another"), after(60), 0.5)
    assert type(event) is machine.StillWaiting
    snapshot, effects = advance(waiting, event, after(60))
    assert effects == (machine.Effect.SCHEDULE_LOOK,)
    assert (snapshot.failure, snapshot.failed_at, snapshot.retry_at) == (failure, NOON.wall, NOON.wall + 600)
    assert (snapshot.working, snapshot.looking, snapshot.failures) == (False, False, 2)
    assert type(judge(waiting, LOST, 60)) is machine.AttemptFailed


def test_no_verdict_in_the_grace_after_start() -> None:
    snapshot, _ = advance(begin(NOON), machine.Started(), NOON)
    assert snapshot.verdict_due == NOON.steady + 120
    snapshot, _ = advance(snapshot, machine.AttemptFailed(1, failed(LOST), retry_in=1.0), after(0.1))
    assert type(judge(snapshot, LOST, 14.9)) is machine.AttemptFailed
    assert type(judge(snapshot, LOST, 15.0)) is machine.ConnectionLost


def test_no_verdict_in_the_grace_after_waking() -> None:
    snapshot, _ = advance(FAILING, machine.Woke(), after(100))
    snapshot, _ = advance(
        snapshot, machine.AttemptFailed(snapshot.run, failed(LOST), retry_in=1.0), after(100)
    )
    assert type(judge(snapshot, LOST, 114.9)) is machine.AttemptFailed
    assert type(judge(snapshot, LOST, 115.0)) is machine.ConnectionLost


def test_what_is_already_disconnected_stays_so() -> None:
    disconnected = replace(CONNECTED, state=State.DISCONNECTED, grace_steady=NOON.steady + 15)
    assert type(judge(disconnected, LOST, 0)) is machine.ConnectionLost


@pytest.mark.parametrize("problem", OBSERVED, ids=str)
def test_in_assistance_every_failure_is_a_silent_probe(problem: Problem) -> None:
    assert type(judge(replace(CONNECTED, state=State.ASSISTANCE), problem, 0)) is machine.ServersSilent


@pytest.mark.parametrize("problem", [problems.NOT_CONFIGURED], ids=str)
def test_nothing_to_try_with_opens_the_settings_after_a_start_by_a_person_only(problem: Problem) -> None:
    started, _ = advance(begin(NOON), machine.Started(), NOON)
    assert type(judge(started, problem, 0)) is machine.ConfigurationMissing
    quietly, _ = advance(begin(NOON), machine.StartedQuietly(), NOON)
    assert type(judge(quietly, problem, 0)) is machine.ConnectionLost
    for change in (machine.SettingsChanged(), machine.NetworkChanged(), machine.Woke(), machine.RetryDue()):
        later, _ = advance(started, change, NOON)
        assert type(judge(later, problem, 0)) is machine.ConnectionLost, change
    for request in (machine.ReauthenticationRequested(), machine.SettingsSaved()):
        asked, _ = advance(started, request, NOON)
        assert type(judge(asked, problem, 0)) is machine.ConnectionLostOnRequest, request
    heart = replace(started, state=State.DISCONNECTED)
    assert type(judge(heart, problem, 0)) is machine.ConnectionLost


def test_the_verdict_carries_run_code_evidence_and_next_try() -> None:
    assert judge(replace(FAILING, tries=1), LOST, 60) == machine.ConnectionLost(
        7, failed(LOST, "evidence"), 2.0
    )
    assert verdict(FAILING, replace(failed(LOST), retry_after=30.0), NOON, 0.0).retry_in == 30.0
    assert verdict(FAILING, failed(REFUSED), NOON, 0.0).retry_in == 900.0


@pytest.mark.parametrize("problem", OBSERVED, ids=str)
@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("asked", [False, True])
def test_the_table_knows_every_verdict(problem: Problem, state: State, asked: bool) -> None:
    snapshot = replace(CONNECTED, state=state, asked=asked and state is not State.ASSISTANCE)
    for snapshot_now in (snapshot, replace(snapshot, failures=5, failing_steady=0.0)):
        assert machine.allows(state, type(judge(snapshot_now, problem, 0)))


def test_a_busy_server_is_counted_apart_from_one_that_was_away() -> None:
    away = replace(FAILING, tries=12)
    busy = failed(problems.SERVER_UNAVAILABLE)
    assert verdict(away, busy, NOON, 0.999999).retry_in == pytest.approx(90, abs=0.01)
    after, _ = advance(away, verdict(away, busy, NOON, 0.5), NOON)
    assert (after.tries, after.unavailable) == (13, 1)
    assert verdict(after, busy, NOON, 0.999999).retry_in == pytest.approx(120, abs=0.01)
    lost, _ = advance(after, verdict(after, failed(LOST), NOON, 0.5), NOON)
    assert (lost.tries, lost.unavailable) == (14, 1)
    for change in (machine.Woke(), machine.NetworkChanged()):
        again, _ = advance(lost, change, NOON)
        assert (again.tries, again.unavailable) == (0, 0)
