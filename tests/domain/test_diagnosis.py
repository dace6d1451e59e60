"""From evidence to problems: every reason has a name, the sheet's three cases, consequences silenced."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    PROBLEM_OF,
    STAGES,
    Conclusion,
    Failure,
    Reason,
    Server,
    ServerReport,
    Stage,
    conclude,
    root_causes,
)

REASONS = st.sampled_from(Reason)
CODES = st.sampled_from(sorted(problems.CATALOGUE))


def report(server: Server, reason: Reason | None = None, *, done: bool = True) -> ServerReport:
    """A report that failed for *reason*, or passed."""
    failure = None if reason is None else Failure(Stage.ANSWER, reason)
    return ServerReport(server, "https://a.fr", (), failure, done=done)


def test_every_reason_is_named() -> None:
    assert set(PROBLEM_OF) == set(Reason)
    assert set(PROBLEM_OF.values()) <= set(problems.CATALOGUE)


def test_every_problem_but_the_unreadable_file_comes_from_a_reason() -> None:
    assert set(problems.CATALOGUE) - set(PROBLEM_OF.values()) == {problems.SETTINGS_UNREADABLE}


def test_two_reasons_never_share_a_name() -> None:
    assert len(set(PROBLEM_OF.values())) == len(PROBLEM_OF)


@given(REASONS)
def test_a_failure_says_its_code(reason: Reason) -> None:
    assert Failure(Stage.NAME, reason).code == PROBLEM_OF[reason]


def test_each_server_is_tested_through_its_own_last_stage() -> None:
    assert STAGES[Server.AUTHENTICATION][-1] is Stage.LICENCE
    assert STAGES[Server.UPDATES][-1] is Stage.METADATA
    assert STAGES[Server.AUTHENTICATION][:-1] == STAGES[Server.UPDATES][:-1]
    assert set(STAGES[Server.AUTHENTICATION]) | set(STAGES[Server.UPDATES]) == set(Stage)


def test_a_tick_needs_a_finished_test_without_failure() -> None:
    assert report(Server.UPDATES).passed
    assert not report(Server.UPDATES, done=False).passed
    assert not report(Server.UPDATES, Reason.REFUSED).passed


@pytest.mark.parametrize(
    ("authentication", "updates", "case"),
    [
        (None, None, Conclusion.CONNECTED),
        (Reason.REFUSED, None, Conclusion.FAILED),
        (None, Reason.NOT_AN_UPDATE_SERVER, Conclusion.FAILED),
        (Reason.AUTHORISATION_REFUSED, None, Conclusion.REFUSED),
        (Reason.LICENCE_NOT_RECOGNISED, None, Conclusion.REFUSED),
        (Reason.AUTHORISATION_REFUSED, Reason.UNANSWERED, Conclusion.FAILED),
    ],
)
def test_the_three_cases_of_the_practical_sheet(
    authentication: Reason | None, updates: Reason | None, case: Conclusion
) -> None:
    assert conclude([report(Server.AUTHENTICATION, authentication), report(Server.UPDATES, updates)]) is case


def test_without_a_network_nothing_else_is_shown() -> None:
    codes = (problems.NAME_UNKNOWN, problems.NO_NETWORK, problems.CONNECTION_UNANSWERED)
    assert root_causes(codes) == (problems.NO_NETWORK,)


@given(st.lists(CODES, max_size=6))
def test_root_causes_keep_the_order_repeat_nothing_and_never_silence_everything(codes: list[str]) -> None:
    roots = root_causes(codes)
    first_seen = list(dict.fromkeys(codes))
    assert list(roots) == [code for code in first_seen if code in roots]
    assert bool(roots) == bool(codes)
    for silenced in set(codes) - set(roots):
        assert set(problems.problem(silenced).depends_on) & set(codes)
