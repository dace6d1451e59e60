"""What the status window says of a status document, and which buttons help now. Pure: no window, no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from iea_agent.domain import machine, problems
from iea_agent.domain.machine import Event, State
from iea_agent.domain.person_requests import Abilities
from iea_agent.domain.problems import N_
from iea_agent.locale import _
from iea_agent.shell.wording import menu
from iea_agent.shell.wording import status_text as words
from iea_agent.shell.wording.state_text import format_state_since
from iea_agent.shell.wording.time_text import format_countdown
from iea_agent.shell.wording.view import Picture

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Story:
    """The upper part of the window. *advice* and *actor* are "" where there is nothing to do."""

    picture: Picture | None  # None: the agent does not run
    headline: str
    since: str
    title: str
    text: str
    advice: str
    actor: str
    code: str = ""  # of the problem that is told


@dataclass(frozen=True, slots=True)
class Action:
    """A button: what it asks of the agent, and whether the agent can do it."""

    command: str
    enabled: bool


LABELS = {
    "launch": N_("&Lancer Impact emploi"),
    "diagnosis": N_("&Trouver la panne"),
    "reconnect": N_("&Relancer l'authentification"),
    "settings": N_("&Paramètres de connexion…"),
    "support": N_("&Demande de support…"),
}
"""The buttons, in their order from top to bottom, by what they ask of the agent."""

_EVENTS: Mapping[str, type[Event]] = {
    "launch": machine.LaunchRequested,
    "diagnosis": machine.DiagnosisRequested,
    "reconnect": machine.ReauthenticationRequested,
    "settings": machine.SettingsRequested,
    "support": machine.SupportRequested,
}


def story(status: Document | None, now: float) -> Story:
    """What to tell of *status* at wall-clock time *now*; None means that the agent has stopped."""
    if status is None:
        return Story(
            None,
            _("L'agent est arrêté"),
            "",
            "",
            _("Plus personne ne surveille la connexion de ce poste."),
            _("Relancez l'agent depuis le menu Démarrer de Windows, ou rouvrez votre session."),
            "",
        )
    state = State(status["state"])
    since = format_state_since(state, datetime.fromisoformat(status["since"]).timestamp(), now)
    picture, headline = menu.PICTURES[state], str(status["state_text"])
    problem = status["problem"]
    if state is State.ASSISTANCE:
        advice = _(
            "Pour revenir en mode connexion, demandez le mot de passe du jour à l'assistance (impact-emploi-association@urssaf.fr), puis "
            "désactivez le mode assistance."
        )
        if status["servers_answer"]:
            advice = f"{_('Les serveurs répondent de nouveau.')} {advice}"
        return Story(picture, headline, since, "", str(status["explanation"]), advice, "")
    if problem is None:
        return Story(picture, headline, since, "", str(status["explanation"]), "", "")
    title = f"{problem['title']} ({problem['code']})"
    if state is State.DISCONNECTED:
        return Story(
            *(picture, headline, since, title),
            f"{problem['text']} {problem['particulars']}".rstrip(),
            *(problem["advice"], problem["actor_text"], problem["code"]),
        )
    # no verdict: the state holds, and what the last attempt met is only mentioned
    last = _("Dernier essai : {problem}.").format(problem=title)
    return Story(picture, headline, since, "", f"{status['explanation']}\n{last}", "", "")


def actions(status: Document | None, abilities: Abilities) -> tuple[Action, ...]:
    """The buttons that make sense in this state; the first enabled one is what helps most."""
    if status is None:
        return ()
    state, problem = State(status["state"]), status["problem"]
    # a test helps where something is wrong that a test can find
    wrong = problem is not None and problem["code"] != problems.NOT_CONFIGURED.code
    able = {"launch": abilities.program, "support": abilities.support}
    return tuple(
        Action(command, able.get(command, True))
        for command in LABELS
        if machine.allows(state, _EVENTS[command]) and (wrong or command != "diagnosis")
    )


def facts(status: Document, now: float) -> list[tuple[str, str]]:
    """The lower part of the window, as pairs of a name and what it is."""
    pairs = [
        (
            _("Dernier contact réussi"),
            words.format_document_time(status["last_contact"], now) or _("aucun depuis le démarrage"),
        ),
        (_("Prochain essai"), next_try(status, now)),
        (_("Serveur d'authentification"), str(status["authentication"])),
        (_("Serveur de mise à jour"), str(status["updates"])),
        (_("Numéro de licence"), str(status["licence_number"]) or _("non indiqué")),
        (_("Version de l'agent"), str(status["version"])),
    ]
    if status["problem"] is not None and status["problem"]["detail"]:
        pairs.append((_("Détail technique"), str(status["problem"]["detail"])))
    return pairs


def next_try(status: Document, now: float) -> str:
    """When the agent tries again, counting down."""
    if status["working"]:
        return _("en cours")
    if status["next_try"] is None:
        return _("aucun prévu")
    seconds = round(datetime.fromisoformat(status["next_try"]).timestamp() - now)
    if seconds <= 0:
        return _("maintenant")
    return _("dans {time}").format(time=format_countdown(seconds))


def text(status: Document | None, last: Document | None, now: float) -> str:
    """Everything as text, for the clipboard; *last* is the last document of an agent that has stopped."""
    if status is not None:
        return words.render_status(status, now)
    told = story(None, now)
    lines = [told.headline, told.text, told.advice]
    if last is not None:
        lines += ["", _("Dernier état connu :"), words.render_status(last, now)]
    return "\n".join(lines)
