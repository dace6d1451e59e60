"""The status of the agent: a document, and its text for people.

The document serves ``status --json``, the channel and the status window. ``docs/status.schema.json`` describes it;
``"schema"`` rises when a name changes its meaning or goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, overload

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.autostart import Autostart
from iea_agent.domain.diagnosis import Failure
from iea_agent.domain.evidence import ClockOffset
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.settings import SettingFault, Settings
from iea_agent.locale import _
from iea_agent.shell.wording import state_text, time_text
from iea_agent.shell.wording.autostart_text import describe_autostart
from iea_agent.shell.wording.detail_text import word_detail
from iea_agent.shell.wording.problem_details import (
    advise,
    describe_failure_details,
    describe_notice,
    describe_setting_fault,
)

if TYPE_CHECKING:
    from iea_agent.domain.diagnosis import AnyNotice
    from iea_agent.domain.documents import AgentStatusDocument, ProblemDocument, StatusDocument

SCHEMA: Final = 1


@overload
def format_rfc3339(wall: float) -> str: ...
@overload
def format_rfc3339(wall: float | None) -> str | None: ...
def format_rfc3339(wall: float | None) -> str | None:
    """Return *wall* as RFC 3339 in UTC, whole seconds; None for None."""
    return None if wall is None else datetime.fromtimestamp(int(wall), UTC).isoformat().replace("+00:00", "Z")


def build_problem_document(failure: Failure, seen: float) -> ProblemDocument:
    """Return the problem of *failure*, observed at wall-clock time *seen*, in words."""
    problem = failure.problem
    return {
        "code": problem.code,
        "severity": problem.severity.value,
        "title": _(problem.title),
        "text": _(problem.text),
        "advice": advise(failure),
        "actor": problem.actor.value,
        "actor_text": _(problems.ACTORS[problem.actor]),
        "particulars": describe_failure_details(failure, seen),
        "detail": failure.detail,
    }


def build_status_document(
    snapshot: Snapshot,
    settings: Settings,
    faults: Sequence[SettingFault] = (),
    notices: Sequence[AnyNotice] = (),
    incident: str = "",
    update: str = "",
) -> AgentStatusDocument:
    """Return the status of *snapshot*, without any secret; *faults* are of *settings*.

    *incident* is what the publisher says of a failure that it knows of, *update* the version that waits for a click.
    """
    return {
        "schema": SCHEMA,
        "version": __version__,
        "state": snapshot.state.value,
        "state_text": _(state_text.STATES[snapshot.state]),
        "explanation": _(state_text.EXPLANATIONS[snapshot.state]),
        "since": format_rfc3339(snapshot.since),
        "problem": None
        if snapshot.failure is None
        else build_problem_document(snapshot.failure, snapshot.failed_at),
        "last_contact": format_rfc3339(snapshot.contact_at),
        "next_try": format_rfc3339(snapshot.retry_at),
        "incident": incident,
        "working": snapshot.working,
        "servers_answer": snapshot.servers_answer,
        "clock_ahead": _find_clock(snapshot.failure),
        "authentication": settings.authentication,
        "updates": settings.updates,
        "licence_number": settings.licence_number,
        "setting_faults": [describe_setting_fault(fault) for fault in faults],
        "notices": [describe_notice(notice) for notice in notices],
        "update": update,
    }


def _find_clock(failure: Failure | None) -> float | None:
    """Return the server's clock minus this PC's if *failure* is about it."""
    evidence = failure.evidence if failure is not None else None
    return evidence.seconds if isinstance(evidence, ClockOffset) else None


def format_document_time(text: str | None, now: float) -> str:
    """Return a time of the document for people; "" for None."""
    return "" if text is None else time_text.format_moment(datetime.fromisoformat(text).timestamp(), now)


def list_status_lines(status: StatusDocument, now: float) -> list[tuple[str, str]]:
    """Return the status as pairs of name and value, for the window and the console."""
    since = datetime.fromisoformat(status["since"]).timestamp()
    state = State(status["state"])
    pairs = [(_("État"), f"{status['state_text']} {state_text.format_state_since(state, since, now)}")]
    problem = status["problem"]
    if incident := status.get("incident", ""):
        pairs.append((_("Incident"), incident))
    if state is State.ASSISTANCE:
        pairs.append((_("Explication"), status["explanation"]))
    elif problem is not None:
        pairs += [
            (_("Problème"), f"{problem['title']} ({problem['code']})"),
            (_("Explication"), f"{problem['text']} {problem['particulars']}".rstrip()),
            (_("Que faire"), problem["advice"]),
            (_("Qui peut agir"), problem["actor_text"]),
        ]
    else:
        pairs.append((_("Explication"), status["explanation"]))
    next_try = format_document_time(status["next_try"], now) or (_("en cours") if status["working"] else "")
    return [*pairs, *list_facts(status, next_try, now), *list_technical_facts(status)]


def list_facts(status: AgentStatusDocument, next_try: str, now: float) -> list[tuple[str, str]]:
    """Return the lines about the agent's work; none about the next try if that is ""."""
    if State(status["state"]) is State.ASSISTANCE:
        answer = _("surveillés ; ils répondent de nouveau")
        if not status["servers_answer"]:
            answer = _("surveillés ; ils ne répondent pas")
        expected = [(_("Serveurs"), answer)]
    else:
        expected = [(_("Prochain essai"), next_try)] if next_try else []
    return [
        (
            _("Dernier contact réussi"),
            format_document_time(status["last_contact"], now) or _("aucun depuis le démarrage"),
        ),
        *expected,
        (_("Numéro de licence"), status["licence_number"] or _("non indiqué")),
        *([(_("Mise à jour"), update)] if (update := status.get("update", "")) else []),
        *([(_("Paramètres refusés"), "\n".join(faults))] if (faults := status["setting_faults"]) else []),
        *([(_("À noter"), "\n".join(notices))] if (notices := status["notices"]) else []),
    ]


def list_technical_facts(status: StatusDocument) -> list[tuple[str, str]]:
    """Return the lines for whoever helps: they stand behind « Détails techniques »."""
    detail = status["problem"]["detail"] if status["problem"] is not None else ""
    autostart = status["autostart"]
    return [
        (_("Serveur d'authentification"), status["authentication"]),
        (_("Serveur de mise à jour"), status["updates"]),
        (_("Version d'Impact emploi"), status["impact_emploi_version"] or _("inconnue")),
        (_("Version du programme de connexion"), status["version"]),
        *([describe_autostart(Autostart(autostart))] if autostart else []),
        *([(_("Détail technique"), word_detail(detail))] if detail else []),
    ]


def render_status(status: StatusDocument, now: float) -> str:
    """Return the status as lines of text, for the clipboard and the console."""
    pair = _("{name} : {what}")
    return "\n".join(pair.format(name=name, what=what) for name, what in list_status_lines(status, now))
