"""What the status window shows of a status document, and which buttons help now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain import machine, problems
from iea_agent.domain.machine import State
from iea_agent.domain.person_requests import DIAGNOSIS, LAUNCH, RECONNECT, SETTINGS, SUPPORT, Abilities
from iea_agent.domain.problems import N_
from iea_agent.locale import _
from iea_agent.shell.wording import menu, status_text
from iea_agent.shell.wording.state_text import format_state_since
from iea_agent.shell.wording.time_text import format_countdown
from iea_agent.shell.wording.view import Picture

if TYPE_CHECKING:
    from iea_agent.domain.documents import StatusDocument


@dataclass(frozen=True, slots=True)
class StatusSummary:
    """The upper part of the window; *picture* is None if the agent does not run."""

    picture: Picture | None
    headline: str
    since: str = ""
    title: str = ""
    text: str = ""
    advice: str = ""
    actor: str = ""
    code: str = ""


LABELS = {
    LAUNCH: LAUNCH.label,
    DIAGNOSIS: N_("&Trouver la panne"),
    RECONNECT: N_("&Relancer l'authentification"),
    SETTINGS: SETTINGS.label,
    SUPPORT: N_("&Demande de support…"),
}
"""The buttons, from top to bottom, by what they ask of the agent."""
MOST_FACTS = 9
"""As many as ``list_facts`` ever returns."""


def summarize_status(status: StatusDocument | None, now: float) -> StatusSummary:
    """Return what to show at *now*; *status* is None if the agent has stopped."""
    if status is None:
        return StatusSummary(
            None,
            _("L'agent est arrêté"),
            text=_("Plus personne ne surveille la connexion de ce poste."),
            advice=_("Relancez l'agent depuis le menu Démarrer de Windows, ou rouvrez votre session."),
        )
    state, problem = State(status["state"]), status["problem"]
    since = datetime.fromisoformat(status["since"]).timestamp()
    summary = StatusSummary(
        menu.PICTURES[state],
        status["state_text"],
        format_state_since(state, since, now),
        text=status["explanation"],
    )
    if state is State.ASSISTANCE:
        advice = _(
            "Pour revenir en mode connexion, demandez le mot de passe du jour à l'assistance (impact-emploi-association@urssaf.fr), puis "
            "désactivez le mode assistance."
        )
        if status["servers_answer"]:
            advice = f"{_('Les serveurs répondent de nouveau.')} {advice}"
        return replace(summary, advice=advice)
    if problem is None:
        return summary
    title = f"{problem['title']} ({problem['code']})"
    if state is State.DISCONNECTED:
        return replace(
            summary,
            title=title,
            text=f"{problem['text']} {problem['particulars']}".rstrip(),
            advice=problem["advice"],
            actor=problem["actor_text"],
            code=problem["code"],
        )
    # the failure of the last attempt has not changed the state: it is only mentioned
    last = _("Dernier essai : {problem}.").format(problem=title)
    return replace(summary, text=f"{summary.text}\n{last}")


def list_buttons(status: StatusDocument | None, abilities: Abilities) -> dict[str, bool]:
    """Return the names of the buttons to show, the best first, and if each is enabled."""
    if status is None:
        return {}
    state, problem = State(status["state"]), status["problem"]
    # the test finds nothing if nothing is wrong, or if there are no settings to test
    testable = problem is not None and problem["code"] != problems.NOT_CONFIGURED.code
    return {
        request.name: not request.explain_refusal(state, abilities)
        for request in LABELS
        if machine.allows(state, request.event) and (testable or request is not DIAGNOSIS)
    }


def list_facts(status: StatusDocument, now: float) -> list[tuple[str, str]]:
    """Return the lower part of the window, as pairs of a name and its value."""
    pairs = status_text.list_facts(status, describe_next_try(status, now), now)
    if status["problem"] is not None and status["problem"]["detail"]:
        pairs.append((_("Détail technique"), status["problem"]["detail"]))
    return pairs


def describe_next_try(status: StatusDocument, now: float) -> str:
    """Return when the agent tries again, counting down."""
    if status["working"]:
        return _("en cours")
    if status["next_try"] is None:
        return _("aucun prévu")
    seconds = round(datetime.fromisoformat(status["next_try"]).timestamp() - now)
    if seconds <= 0:
        return _("maintenant")
    return _("dans {time}").format(time=format_countdown(seconds))


def render_overview(status: StatusDocument | None, last: StatusDocument | None, now: float) -> str:
    """Return everything as text; *last* is the last status of an agent that stopped."""
    if status is not None:
        return status_text.render_status(status, now)
    stopped = summarize_status(None, now)
    lines = [stopped.headline, stopped.text, stopped.advice]
    if last is not None:
        lines += ["", _("Dernier état connu :"), status_text.render_status(last, now)]
    return "\n".join(lines)
