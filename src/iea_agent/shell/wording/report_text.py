"""The words for a test of both servers, and its document for ``test --json``.

``docs/test.schema.json`` describes the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    Conclusion,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    conclude,
)
from iea_agent.domain.printable_text import clean_foreign_text
from iea_agent.domain.problems import N_
from iea_agent.domain.proxy_choice import Source
from iea_agent.domain.settings import SettingFault
from iea_agent.locale import _
from iea_agent.shell.wording.detail_text import word_detail
from iea_agent.shell.wording.problem_details import (
    advise,
    describe_failure_details,
    describe_notice,
    describe_setting_fault,
)
from iea_agent.shell.wording.status_text import build_problem_document
from iea_agent.shell.wording.time_text import format_milliseconds

if TYPE_CHECKING:
    from iea_agent.domain.documents import ReportDocument

SCHEMA: Final = 1

SERVERS = {
    Server.AUTHENTICATION: N_("Serveur d'authentification"),
    Server.UPDATES: N_("Serveur de mise à jour"),
}

STAGES = {
    Stage.ADDRESS: N_("Adresse"),
    Stage.NAME: N_("Nom"),
    Stage.CONNECTION: N_("Connexion"),
    Stage.PROXY: N_("Proxy"),
    Stage.CERTIFICATE: N_("Certificat"),
    Stage.ANSWER: N_("Réponse"),
    Stage.KIND: N_("Identité"),
    Stage.LICENCE: N_("Licence"),
    Stage.METADATA: N_("Mises à jour"),
}

OUTCOMES = {
    StageOutcome.WAITING: N_("en attente"),
    StageOutcome.RUNNING: N_("en cours"),
    StageOutcome.PASSED: N_("réussi"),
    StageOutcome.FAILED: N_("échec"),
    StageOutcome.SKIPPED: N_("sans objet"),
}

SUCCEEDED = N_("Connexion au serveur réussie")
FAILED = N_("Échec de connexion au serveur")
SERVERS_REACHED = N_("Connexion aux serveurs réussie")


def render_headline(reports: Sequence[ServerReport]) -> str:
    """Return the outcome in the exact words of the sheet."""
    return " – ".join(list_headlines(reports))


def list_headlines(reports: Sequence[ServerReport]) -> list[str]:
    """Return the outcome; if a licence is refused, that as a line of its own."""
    conclusion = conclude(reports)
    if conclusion is Conclusion.CONNECTED:
        return [_(SUCCEEDED)]
    if conclusion is Conclusion.FAILED:
        return [_(FAILED)]
    refusals = [_(report.failure.problem.title) for report in reports if report.failure is not None]
    return [_(SERVERS_REACHED), refusals[0]]


def _pair(name: str, what: str) -> str:
    return _("{name} : {what}").format(name=name, what=what)


NOT_REACHED = N_("non atteint")
"""What a stage that was skipped is called behind the one that failed."""


def render_stage(server: ServerReport, stage: Stage) -> str:
    """Return one stage as a line: « Connexion : réussi, 12 ms (127.0.0.1) »."""
    result = next(result for result in server.stages if result.stage is stage)
    time = "" if result.milliseconds is None else f", {format_milliseconds(result.milliseconds)}"
    detail = f" ({word_detail(result.detail)})" if result.detail else ""
    return f"{name_stage_outcome(server, stage)}{time}{detail}"


def name_stage_outcome(server: ServerReport, stage: Stage) -> str:
    """Return how one stage went, without its details: « Connexion : réussi »."""
    result = next(result for result in server.stages if result.stage is stage)
    places = [each.stage for each in server.stages]
    failed = server.failure
    outcome = OUTCOMES[result.outcome]
    if result.outcome is StageOutcome.SKIPPED and failed and places.index(stage) > places.index(failed.stage):
        outcome = NOT_REACHED
    return _pair(_(STAGES[stage]), _(outcome))


SOURCES = {
    Source.SETTINGS: N_("vos paramètres"),
    Source.SYSTEM: N_("réglage de Windows"),
    Source.SCRIPT: N_("script de proxy"),
    Source.OPEN_SCRIPT: N_("script de proxy reçu sans https"),
    Source.NETWORK: N_("détection automatique"),
}
"""Who decides that there is a proxy, or none."""


def describe_route(report: ServerReport) -> str:
    """Return « par le proxy http://proxy:3128 (script de proxy) », "" if not reached."""
    return word_route(report.route, report.route_source) if report.route else ""


def word_route(route: str, source: str) -> str:
    """Return « accès direct », or by which proxy *route* leads, and who decided it."""
    by_proxy = _("par le proxy {proxy}").format(proxy=route)
    way = _("accès direct") if route == "direct" else by_proxy
    words = SOURCES.get(Source(source))
    return way if words is None else f"{way} ({_(words)})"


def list_report_lines(report: ServerReport) -> list[str]:
    """Return the stages and, after the end of the test, route and certificate."""
    lines = [render_stage(report, result.stage) for result in report.stages]
    if not report.done:
        return lines
    route = [_pair(_("Chemin"), describe_route(report))] if report.route else []
    notices = [_pair(_("À noter"), describe_notice(notice)) for notice in report.notices]
    return [*lines, *route, *_certificate_lines(report), *notices]


def _certificate_lines(report: ServerReport) -> list[str]:
    """Return the names in the certificate, and the fingerprint for the support desk."""
    certificate = report.certificate
    if certificate is None:
        return []
    return [
        _pair(_("Nom donné par le certificat"), clean_foreign_text(certificate.subject)),
        _pair(_("Émetteur donné par le certificat"), clean_foreign_text(certificate.issuer)),
        _pair(_("Empreinte du certificat (SHA-256)"), certificate.sha256),
    ]


def render_report(reports: Sequence[ServerReport], now: float) -> str:
    """Return the whole test, made at wall-clock time *now*, as text."""
    lines = [render_headline(reports)]
    for report in reports:
        mark = "✓" if report.passed else "⊘"
        lines += ["", f"{mark} {_pair(_(SERVERS[report.server]), report.address)}"]
        if report.failure is not None and report.cause is not None:
            lines += [f"  {each}" for each in list_failure_lines(report.cause, now)]
        lines += [f"  {_pair(_('À noter'), each)}" for each in list_notes(report, now)]
        lines.append(f"  {format_milliseconds(report.milliseconds)}, {describe_route(report)}")
        lines += [f"    {render_stage(report, result.stage)}" for result in report.stages]
        lines += [f"    {each}" for each in _certificate_lines(report)]
    return "\n".join(lines)


def list_failure_lines(failure: Failure, now: float) -> list[str]:
    """Return what a person reads about *failure*, a line each."""
    problem = failure.problem
    lines = [
        f"{_(problem.title)} ({problem.code})",
        _(problem.text),
        describe_failure_details(failure, now),
        advise(failure),
        _(problems.ACTORS[problem.actor]),
    ]
    if failure.detail:
        lines.append(_pair(_("Détail technique"), word_detail(failure.detail)))
    return [line for line in lines if line]


def list_notes(report: ServerReport, now: float) -> list[str]:
    """Return what does not explain a failure, a line each (a wrong clock)."""
    cause = None if report.failure is None else report.cause
    notes = []
    for finding in report.findings:
        if finding is not cause:
            problem = finding.problem
            parts = (
                f"{_(problem.title)} ({problem.code}).",
                describe_failure_details(finding, now),
                advise(finding),
            )
            notes.append(" ".join(part for part in parts if part))
    return [*notes, *map(describe_notice, report.notices)]


def build_report_document(
    reports: Sequence[ServerReport], now: float, faults: Sequence[SettingFault] = ()
) -> ReportDocument:
    """Return the test, made at wall-clock time *now*, as one document.

    *faults* are those of the settings that were tested.
    """
    return {
        "schema": SCHEMA,
        "conclusion": conclude(reports).value,
        "headline": render_headline(reports),
        "setting_faults": [describe_setting_fault(fault) for fault in faults],
        "servers": [
            {
                "server": report.server.value,
                "address": report.address,
                "passed": report.passed,
                "milliseconds": round(report.milliseconds, 1),
                "route": report.route,
                "route_source": report.route_source,
                # the cause of a failure; what is worth knowing of a server that passed is a finding
                "problem": None
                if report.failure is None or report.cause is None
                else build_problem_document(report.cause, now),
                "findings": [build_problem_document(finding, now) for finding in report.findings],
                "failed_stage": None if report.failure is None else report.failure.stage.value,
                "failed_as": None if report.failure is None else report.failure.problem.code,
                "stages": [
                    {
                        "stage": result.stage.value,
                        "outcome": result.outcome.value,
                        "milliseconds": None
                        if result.milliseconds is None
                        else round(result.milliseconds, 1),
                        "detail": result.detail,
                    }
                    for result in report.stages
                ],
            }
            for report in reports
        ],
    }
