"""What a test of the two servers says: the sheet's three outcomes in its words, and one document for ``test --json``.

The document is described by ``docs/test.schema.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Conclusion, Outcome, Server, ServerReport, Stage, conclude
from iea_agent.domain.problems import N_, problem
from iea_agent.locale import _

from .particulars import particulars as particulars
from .status import problem_document

SCHEMA = 1

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
    Stage.KIND: N_("Bon serveur"),
    Stage.LICENCE: N_("Licence"),
    Stage.METADATA: N_("Mises à jour"),
}

OUTCOMES = {
    Outcome.WAITING: N_("en attente"),
    Outcome.RUNNING: N_("en cours"),
    Outcome.PASSED: N_("réussi"),
    Outcome.FAILED: N_("échec"),
    Outcome.SKIPPED: N_("sans objet"),
}

SUCCEEDED = N_("Connexion au serveur réussie")
FAILED = N_("Échec de connexion au serveur")
SERVERS_REACHED = N_("Connexion aux serveurs réussie")


def headline(reports: Sequence[ServerReport]) -> str:
    """The outcome in the exact words of the sheet."""
    conclusion = conclude(reports)
    if conclusion is Conclusion.CONNECTED:
        return _(SUCCEEDED)
    if conclusion is Conclusion.FAILED:
        return _(FAILED)
    refusals = [_(problem(report.failure.code).title) for report in reports if report.failure is not None]
    return f"{_(SERVERS_REACHED)} – {refusals[0]}"


def duration(milliseconds: float) -> str:
    """A time for people: « 48 ms », « 2,1 s »."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    return _("{seconds} s").format(seconds=f"{milliseconds / 1000:.1f}".replace(".", _(",")))


def _pair(name: str, what: str) -> str:
    return _("{name} : {what}").format(name=name, what=what)


NOT_REACHED = N_("non atteint")
"""What a stage that was skipped is called behind the one that failed."""


def stage_line(server: ServerReport, stage: Stage) -> str:
    """One stage as a line of the details: « Connexion : réussi, 12 ms (127.0.0.1) »."""
    result = next(result for result in server.stages if result.stage is stage)
    time = "" if result.milliseconds is None else f", {duration(result.milliseconds)}"
    detail = f" ({result.detail})" if result.detail else ""
    places = [each.stage for each in server.stages]
    failed = server.failure
    outcome = OUTCOMES[result.outcome]
    if result.outcome is Outcome.SKIPPED and failed and places.index(stage) > places.index(failed.stage):
        outcome = NOT_REACHED
    return _pair(_(STAGES[stage]), f"{_(outcome)}{time}{detail}")


def text(reports: Sequence[ServerReport]) -> str:
    """The whole test as lines of text, for the console and the clipboard."""
    lines = [headline(reports)]
    for report in reports:
        mark = "✓" if report.passed else "⊘"
        way = (
            _("accès direct")
            if report.route == "direct"
            else _("par le proxy {proxy}").format(proxy=report.route)
        )
        lines += ["", f"{mark} {_pair(_(SERVERS[report.server]), report.address)}"]
        if report.failure is not None:
            found = problem(report.failure.code)
            lines += [
                f"  {_(found.title)} ({found.code})",
                f"  {_(found.text)}",
                f"  {_(found.advice)}",
                f"  {_(problems.ACTORS[found.actor])}",
            ]
            if report.failure.detail:
                lines.append(f"  {_pair(_('Détail technique'), report.failure.detail)}")
        lines.append(f"  {duration(report.milliseconds)}, {way}")
        lines += [f"    {stage_line(report, result.stage)}" for result in report.stages]
    return "\n".join(lines)


def document(reports: Sequence[ServerReport]) -> dict[str, Any]:
    """The test as one document."""
    return {
        "schema": SCHEMA,
        "conclusion": conclude(reports).value,
        "headline": headline(reports),
        "servers": [
            {
                "server": report.server.value,
                "address": report.address,
                "passed": report.passed,
                "milliseconds": round(report.milliseconds, 1),
                "route": report.route,
                "problem": None
                if report.failure is None
                else problem_document(report.failure.code, report.failure.detail),
                "failed_stage": None if report.failure is None else report.failure.stage.value,
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
