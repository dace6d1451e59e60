"""What the status window shows of a status document, and which buttons help now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain import machine, problems
from iea_agent.domain.connection_history import NOTICEABLE, ConnectionCourse, sum_seconds
from iea_agent.domain.machine import State
from iea_agent.domain.person_requests import (
    DIAGNOSIS,
    LAUNCH,
    RECONNECT,
    SETTINGS,
    SUPPORT,
    UPDATES,
    Abilities,
)
from iea_agent.domain.problems import N_
from iea_agent.locale import _
from iea_agent.shell.wording import menu, status_text
from iea_agent.shell.wording.problem_details import name_actor
from iea_agent.shell.wording.state_text import format_state_since
from iea_agent.shell.wording.time_text import format_age, format_coming_time, format_time_of_day
from iea_agent.shell.wording.view import Picture

if TYPE_CHECKING:
    from iea_agent.domain.connection_history import Period
    from iea_agent.domain.documents import StatusDocument


@dataclass(frozen=True, slots=True)
class StatusSummary:
    """The upper part of the window; *picture* is None if the agent does not run."""

    picture: Picture | None
    headline: str
    since: str = ""
    # what can still be done although something has failed
    remaining: str = ""
    title: str = ""
    text: str = ""
    advice: str = ""
    actor: str = ""
    code: str = ""


LABELS = {
    LAUNCH: LAUNCH.label,
    DIAGNOSIS: N_("&Trouver la panne"),
    RECONNECT: RECONNECT.label,
    SETTINGS: SETTINGS.label,
    SUPPORT: SUPPORT.label,
    UPDATES: UPDATES.label,
}
"""The buttons, from top to bottom, by what they ask of the agent."""
_COURSES = {
    ConnectionCourse.CONNECTED: N_("connecté {time}"),
    ConnectionCourse.FAILED: N_("en échec {time}"),
    ConnectionCourse.ASSISTANCE: N_("en mode assistance {time}"),
    ConnectionCourse.OFF: N_("arrêté {time}"),
}
MOST_FACTS, MOST_DETAILS = 6, 6
"""As many as ``list_facts`` and ``status_text.list_technical_facts`` ever return."""


def summarize_status(status: StatusDocument | None, now: float) -> StatusSummary:
    """Return what to show at *now*; *status* is None if the agent has stopped."""
    if status is None:
        return StatusSummary(
            None,
            _("Le programme de connexion est arrêté"),
            text=_("La connexion de ce poste n'est plus surveillée."),
            advice=_("Cliquez sur « Démarrer le programme de connexion »."),
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
    title, entry = f"{problem['title']} ({problem['code']})", problems.CATALOGUE.get(problem["code"])
    if state is State.DISCONNECTED:
        return replace(
            summary,
            # first of all: who knows of the incident need not look for a fault
            remaining="\n".join(
                filter(None, (status.get("incident", ""), _describe_remaining(problem["code"])))
            ),
            title=title,
            text=f"{problem['text']} {problem['particulars']}".rstrip(),
            # *remaining* has said it first
            advice=problem["advice"].removesuffix(_(problems.MEANWHILE)).rstrip(),
            # the agent may be of another version
            actor=name_actor(entry) if entry is not None else problem["actor_text"],
            code=problem["code"],
        )
    # the failure of the last attempt has not changed the state: it is only mentioned
    last = _("Dernier essai : {problem}.").format(problem=title)
    return replace(summary, text=f"{summary.text}\n{last}")


def _describe_remaining(code: str) -> str:
    """Return what can still be done while problem *code* lasts, in the sheets' words."""
    if code == problems.NOT_CONFIGURED.code:
        # nothing has been made on this PC yet
        return ""
    return _(
        "Vos bulletins ne sont pas touchés. En attendant, l'utilisation d'Impact emploi reste possible : activez pour cela le mode "
        "assistance (« Demande de support technique »)."
    )


def list_buttons(status: StatusDocument | None, abilities: Abilities) -> dict[str, bool]:
    """Return the names of the buttons to show, from the top, and if each is enabled."""
    if status is None:
        return {SUPPORT.name: True}
    state, problem = State(status["state"]), status["problem"]
    # the test finds nothing if nothing is wrong, or if there are no settings to test
    testable = problem is not None and problem["code"] != problems.NOT_CONFIGURED.code
    hidden = {
        *([] if testable else [DIAGNOSIS]),
        # a window that the menu has too: a button only while there is something to do in it
        *([] if status.get("update") else [UPDATES]),
    }
    return {
        request.name: not request.explain_refusal(state, abilities)
        for request in LABELS
        if machine.allows(state, request.event) and request not in hidden
    }


def find_best_button(status: StatusDocument | None, abilities: Abilities) -> str:
    """Return the name of the button that helps now; "" if none does."""
    buttons = list_buttons(status, abilities)
    # a launch that is shown and not possible: the program's path is missing, and stands in the settings
    wanted = [LAUNCH.name, *([SETTINGS.name] if buttons.get(LAUNCH.name) is False else [])]
    if status is not None and status["problem"] is not None and State(status["state"]) is State.DISCONNECTED:
        wanted = [problems.find_first_step(status["problem"]["code"]).value, RECONNECT.name]
    return next((name for name in wanted if buttons.get(name)), "")


def explain_grey_launch(status: StatusDocument | None, abilities: Abilities) -> str:
    """Return why Impact emploi cannot be launched where its button is grey, else ""."""
    if status is None or list_buttons(status, abilities).get(LAUNCH.name, True):
        return ""
    reason = menu.explain_disabled(LAUNCH.event, State(status["state"]), abilities)
    return f"{reason[:1].upper()}{reason[1:]}."


def describe_outcome(status: StatusDocument, now: float) -> str:
    """Return how an attempt that a person asked for, ended by *now*, went."""
    time_of_day = format_time_of_day(now)
    if State(status["state"]) is State.CONNECTED and status["problem"] is None:
        return _("Authentification réussie à {time}.").format(time=time_of_day)
    return _("Dernier essai : {time}, échec.").format(time=time_of_day)


def describe_history(periods: Sequence[Period]) -> str:
    """Return for how long the connection was what in 24 hours; "" if unknown."""
    parts = [
        _(name).format(time=format_age(seconds))
        for course, name in _COURSES.items()
        if (seconds := sum_seconds(periods, course)) >= NOTICEABLE
    ]
    return _("Ces dernières 24 heures : {parts}.").format(parts=", ".join(parts)) if parts else ""


def list_facts(status: StatusDocument, now: float) -> list[tuple[str, str]]:
    """Return the lower part of the window, as pairs of a name and its value."""
    return status_text.list_facts(status, describe_next_try(status, now), now)


def describe_next_try(status: StatusDocument, now: float) -> str:
    """Return when the agent tries again; "" while it is connected."""
    if status["working"]:
        return _("en cours")
    if status["next_try"] is None:
        return "" if State(status["state"]) is State.CONNECTED else _("après un changement des paramètres")
    next_try = datetime.fromisoformat(status["next_try"]).timestamp()
    return _("maintenant") if round(next_try - now) <= 0 else format_coming_time(next_try, now)


def render_overview(status: StatusDocument | None, last: StatusDocument | None, now: float) -> str:
    """Return everything as text; *last* is the last status of an agent that stopped."""
    if status is not None:
        return status_text.render_status(status, now)
    stopped = summarize_status(None, now)
    lines = [stopped.headline, stopped.text, stopped.advice]
    if last is not None:
        lines += ["", _("Dernier état connu :"), status_text.render_status(last, now)]
    return "\n".join(lines)
