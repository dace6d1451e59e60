"""Reports, clocks, and the three cases of the sheet."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.addresses import Malformed
from iea_agent.domain.diagnosis import (
    CLOCK_TOLERANCE,
    STAGES,
    Certificate,
    Conclusion,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
    conclude,
    judge_clock,
    malformed_address,
    share_findings,
    trust_clock,
)
from iea_agent.domain.evidence import ClockConfirmed, ClockOffset, MalformedAddress
from iea_agent.domain.printable_text import LONGEST_WHOLE_DETAIL
from iea_agent.domain.problems import Problem

NOW = 1.8e9
PROBLEMS = st.sampled_from(list(problems.CATALOGUE.values()))


def report(server: Server, problem: Problem | None = None, *, done: bool = True) -> ServerReport:
    """A report that failed for *problem*, or passed."""
    failure = None if problem is None else Failure(Stage.ANSWER, problem)
    return ServerReport(server, "https://a.fr", (), failure, done=done)


def test_no_detail_is_longer_than_a_person_can_read() -> None:
    """A server chooses some: a token endpoint of 60 KB, a thousand addresses."""
    for bounded in (
        Failure(Stage.KIND, problems.ANSWER_NONSENSE, "9" * 60_000),
        StageResult(Stage.NAME, StageOutcome.PASSED, 1.0, "9" * 60_000),
    ):
        assert len(bounded.detail) == LONGEST_WHOLE_DETAIL


def test_each_server_is_tested_through_its_own_last_stage() -> None:
    assert STAGES[Server.AUTHENTICATION][-1] is Stage.LICENCE
    assert STAGES[Server.UPDATES][-1] is Stage.METADATA
    assert STAGES[Server.AUTHENTICATION][:-1] == STAGES[Server.UPDATES][:-1]
    assert set(STAGES[Server.AUTHENTICATION]) | set(STAGES[Server.UPDATES]) == set(Stage)


def test_a_tick_needs_a_finished_test_without_failure() -> None:
    assert report(Server.UPDATES).passed
    assert not report(Server.UPDATES, done=False).passed
    assert not report(Server.UPDATES, problems.CONNECTION_REFUSED).passed


@pytest.mark.parametrize(
    ("authentication", "updates", "case"),
    [
        (None, None, Conclusion.CONNECTED),
        (problems.CONNECTION_REFUSED, None, Conclusion.FAILED),
        (None, problems.NOT_AN_UPDATE_SERVER, Conclusion.FAILED),
        (problems.AUTHORISATION_REFUSED, None, Conclusion.REFUSED),
        (problems.LICENCE_NOT_RECOGNISED, None, Conclusion.REFUSED),
        (problems.AUTHORISATION_REFUSED, problems.CONNECTION_UNANSWERED, Conclusion.FAILED),
    ],
)
def test_the_three_cases_of_the_practical_sheet(
    authentication: Problem | None, updates: Problem | None, case: Conclusion
) -> None:
    assert conclude([report(Server.AUTHENTICATION, authentication), report(Server.UPDATES, updates)]) is case


# --- findings


@pytest.mark.parametrize("off", [CLOCK_TOLERANCE, -CLOCK_TOLERANCE, 0.0])
def test_a_clock_within_tolerance_is_right(off: float) -> None:
    assert CLOCK_TOLERANCE == 300
    assert judge_clock(off) is None


@pytest.mark.parametrize("off", [301.0, -86_400.0])
def test_a_clock_that_is_off_says_by_how_much(off: float) -> None:
    finding = judge_clock(off)
    assert finding is not None
    assert (finding.stage, finding.problem) == (Stage.ANSWER, problems.CLOCK_WRONG)
    assert finding.evidence == ClockOffset(off)


CLOCK = Failure(Stage.ANSWER, problems.CLOCK_WRONG, evidence=ClockOffset(86400))
DATES = (problems.CERTIFICATE_EXPIRED, problems.CERTIFICATE_NOT_YET_VALID, problems.METADATA_EXPIRED)


@pytest.mark.parametrize("problem", problems.CATALOGUE.values(), ids=str)
def test_a_wrong_clock_seen_at_one_server_explains_dates_at_the_other(problem: Problem) -> None:
    seen = replace(report(Server.AUTHENTICATION), findings=(CLOCK,), clock_ahead=86_400.0)
    before = report(Server.UPDATES, problem)
    first, second = share_findings([seen, before], NOW)
    assert first is seen
    assert second.findings == ((CLOCK,) if problem in DATES else ())
    assert second.cause == (CLOCK if problem in DATES else before.failure)
    assert conclude([first, second]) is conclude([seen, before])


@pytest.mark.parametrize("ahead", [0.0, 90_000.0])
def test_a_server_that_told_the_time_speaks_for_itself(ahead: float) -> None:
    mine = (replace(CLOCK, evidence=ClockOffset(90000)),) if ahead else ()
    one = replace(report(Server.AUTHENTICATION), findings=(CLOCK,), clock_ahead=86_400.0)
    other = replace(report(Server.UPDATES, problems.METADATA_EXPIRED), findings=mine, clock_ahead=ahead)
    assert share_findings([one, other], NOW) == (one, other)


def test_what_a_report_says_already_stays_beside_what_another_one_says() -> None:
    portal = Failure(Stage.ANSWER, problems.CAPTIVE_PORTAL)
    one = replace(report(Server.AUTHENTICATION), findings=(CLOCK,), clock_ahead=86_400.0)
    other = replace(report(Server.UPDATES, problems.METADATA_EXPIRED), findings=(portal,))
    assert share_findings([one, other], NOW)[1].findings == (portal, CLOCK)


def test_a_report_has_taken_no_time_until_it_says_so() -> None:
    assert report(Server.UPDATES).milliseconds == 0


@pytest.mark.parametrize("kind", Malformed)
def test_an_address_that_cannot_be_used_fails_at_its_stage_with_what_is_wrong(kind: Malformed) -> None:
    failure = malformed_address(kind)
    assert (failure.stage, failure.problem) == (Stage.ADDRESS, problems.ADDRESS_MALFORMED)
    assert (failure.detail, failure.evidence) == (kind.value, MalformedAddress(kind))


def dated(problem: Problem, begin: float, end: float) -> Failure:
    """A failure with a certificate valid from *begin* to *end*, counted from now."""
    certificate = Certificate("Urssaf", "Autorité", NOW + begin, NOW + end, "00" * 32)
    return Failure(Stage.CERTIFICATE, problem, certificate=certificate)


EXPIRED, NOT_YET, IRREGULAR = (
    problems.CERTIFICATE_EXPIRED,
    problems.CERTIFICATE_NOT_YET_VALID,
    problems.CERTIFICATE_IRREGULAR,
)


@pytest.mark.parametrize("ahead", [0.0, 300.0, -300.0])
@pytest.mark.parametrize(
    ("failure", "problem"),
    [(dated(NOT_YET, 86_400, 2e6), IRREGULAR), (dated(EXPIRED, -2e6, -86_400), EXPIRED)],
)
def test_a_clock_that_a_server_proves_right_is_not_blamed(
    failure: Failure, problem: Problem, ahead: float
) -> None:
    assert trust_clock(failure, ahead, NOW) == replace(failure, problem=problem, evidence=ClockConfirmed())


@pytest.mark.parametrize(
    ("failure", "ahead"),
    [
        # nobody told the time, or another one
        (dated(NOT_YET, 86_400, 2e6), None),
        (dated(NOT_YET, 86_400, 2e6), 301.0),
        (dated(NOT_YET, 86_400, 2e6), -300.5),
        # it holds by the server's clock
        (dated(NOT_YET, 60, 2e6), 100.0),
        (dated(EXPIRED, -2e6, -60), -100.0),
        (dated(NOT_YET, 100, 2e6), 100.0),
        (dated(EXPIRED, -2e6, -100), -100.0),
        # not about dates
        (dated(problems.CERTIFICATE_REVOKED, 86_400, 2e6), 0.0),
        (Failure(Stage.CERTIFICATE, NOT_YET), 0.0),
    ],
)
def test_a_clock_without_proof_stays_in_doubt(failure: Failure, ahead: float | None) -> None:
    assert trust_clock(failure, ahead, NOW) is failure


def test_the_other_server_proves_the_clock_right() -> None:
    failed = replace(report(Server.AUTHENTICATION, NOT_YET), failure=dated(NOT_YET, 86_400, 2e6))
    sound = replace(report(Server.UPDATES), clock_ahead=-2.0)
    first, second = share_findings([failed, sound], NOW)
    assert first.failure is not None
    assert first.failure.problem is IRREGULAR
    assert second is sound


def test_a_captive_portal_at_one_server_is_not_taken_for_the_others() -> None:
    portal = Failure(Stage.ANSWER, problems.CAPTIVE_PORTAL)
    one = replace(report(Server.AUTHENTICATION, problems.TLS_INTERRUPTED), findings=(portal,))
    assert share_findings([one, report(Server.UPDATES, problems.TLS_INTERRUPTED)], NOW)[1].findings == ()


def test_a_finding_does_not_make_a_test_fail() -> None:
    seen = replace(report(Server.AUTHENTICATION), findings=(CLOCK,))
    assert seen.passed
    assert seen.cause == CLOCK
    assert conclude([seen, report(Server.UPDATES)]) is Conclusion.CONNECTED
