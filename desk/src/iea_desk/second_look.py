"""The agent's own diagnosis and repairs, made anew over the evidence in a report.

The agent of that PC may be older or newer than this program. What it saw is in the report, so this version judges it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from iea_agent.domain.diagnosis import (
    Failure,
    Server,
    ServerReport,
    Stage,
    StageResult,
    judge_clock,
    share_findings,
)
from iea_agent.domain.evidence import InterceptedBy
from iea_agent.domain.problems import INTERCEPTED, find_case
from iea_agent.domain.redaction import has_placeholder
from iea_agent.domain.repairs import Repair, add_proxy_findings, propose_repairs
from iea_agent.domain.settings import DECLARATIONS, DEFAULTS, Settings
from iea_agent.domain.support_report import NotedProblem, SupportReport, TestedServer, TestedServers
from iea_agent.domain.tls_verdicts import name_interceptor


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What this version concludes: *causes* by server, without those that passed.

    *product* is what intercepts, "" if nothing known does. *repairs* are candidates, likeliest first: nobody has tried them.
    """

    causes: Mapping[Server, Failure]
    product: str = ""
    repairs: tuple[Repair, ...] = ()


def look_again(report: SupportReport) -> SecondLook | None:
    """Return the conclusions from the last test in *report*.

    None if it has none, or if it names a problem that this version does not know.
    """
    test = report.test
    rebuilt = None if test is None else _rebuild(test)
    if test is None or rebuilt is None:
        return None
    worked = tuple(Repair(repair.kind, {}, repair.servers) for repair in test.repairs or ())
    reports = add_proxy_findings(share_findings(rebuilt, test.at), worked)
    causes = {
        each.server: each.cause for each in reports if each.failure is not None and each.cause is not None
    }
    products = (
        cause.evidence.product for cause in causes.values() if isinstance(cause.evidence, InterceptedBy)
    )
    return SecondLook(causes, next(products, ""), _propose(report, reports))


def list_differences(look: SecondLook, test: TestedServers) -> Iterator[tuple[Server, str, str]]:
    """Yield each server with the agent's code and another one of this version."""
    for tested in test.servers:
        theirs = "" if tested.cause is None else tested.cause.code
        cause = look.causes.get(tested.server)
        ours = "" if cause is None else cause.problem.code
        if theirs != ours:
            yield tested.server, theirs, ours


def _rebuild(test: TestedServers) -> tuple[ServerReport, ...] | None:
    """Return the reports of the test, None if they name an unknown problem."""
    reports = tuple(map(_rebuild_server, test.servers))
    whole = tuple(report for report in reports if report is not None)
    return whole if len(whole) == len(reports) else None


def _rebuild_server(tested: TestedServer) -> ServerReport | None:
    failure, findings = None, []
    if tested.failed_as is not None:
        failure = _rebuild_failure(tested, tested.failed_as)
        if failure is None:
            return None
    for noted in tested.findings:
        finding = _rebuild_failure(tested, noted)
        if finding is None:
            return None
        findings.append(finding)
    clock = None if tested.clock_ahead is None else judge_clock(tested.clock_ahead)
    if clock is not None:
        findings = [clock, *(each for each in findings if each.problem is not clock.problem)]
    return ServerReport(
        tested.server,
        tested.address,
        tuple(
            StageResult(each.stage, each.outcome, each.milliseconds, each.detail) for each in tested.stages
        ),
        failure,
        tested.milliseconds,
        route=tested.route,
        findings=tuple(findings),
        certificate=tested.certificate,
        clock_ahead=tested.clock_ahead,
    )


def _rebuild_failure(tested: TestedServer, noted: NotedProblem) -> Failure | None:
    """Return the failure that was noted, named as this version would name it."""
    problem = find_case(noted.code, noted.actor)
    if problem is None:
        return None
    certificate = tested.certificate
    failure = Failure(tested.failed_stage or Stage.ANSWER, problem, noted.detail, certificate=certificate)
    product = "" if certificate is None else name_interceptor(problem, (certificate.issuer,))
    return replace(failure, problem=INTERCEPTED, evidence=InterceptedBy(product)) if product else failure


def _propose(report: SupportReport, reports: tuple[ServerReport, ...]) -> tuple[Repair, ...]:
    """Return what may repair the test, by the settings of the report."""
    settings, unknown = _rebuild_settings(report)
    locked = {
        DECLARATIONS[name].attribute
        for name, setting in report.settings.items()
        if setting.origin == "policy" and name in DECLARATIONS
    }
    return propose_repairs(settings, reports, frozenset(locked | unknown))


def _rebuild_settings(report: SupportReport) -> tuple[Settings, set[str]]:
    """Return the settings of the report, and the attributes that it hides."""
    values: dict[str, object] = {}
    unknown: set[str] = set()
    for name, declaration in DECLARATIONS.items():
        setting = report.settings.get(name)
        if setting is None or has_placeholder(str(setting.value)):
            unknown.add(declaration.attribute)
            continue
        try:
            values[declaration.attribute] = declaration.kind.check(setting.value)
        except ValueError:
            unknown.add(declaration.attribute)
    return DEFAULTS.with_values(values), unknown
