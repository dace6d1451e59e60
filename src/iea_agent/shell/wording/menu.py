"""What the icon shows of a snapshot: picture, tooltip and menu. Pure: the same snapshot gives the same view."""

from __future__ import annotations

from dataclasses import dataclass

from iea_agent.domain import machine
from iea_agent.domain.machine import Effect, Event, Snapshot, State
from iea_agent.domain.person_requests import REQUESTS, PersonRequest
from iea_agent.domain.problems import N_, Problem
from iea_agent.locale import _
from iea_agent.shell.wording.time_text import format_age, format_since
from iea_agent.shell.wording.view import SEPARATOR, TOOLTIP_UNITS, MenuLine, Picture, View

PICTURES = {
    State.CONNECTING: Picture.PALE_BALL,
    State.CONNECTED: Picture.BALL,
    State.DISCONNECTED: Picture.HEART,
    State.ASSISTANCE: Picture.BEETLE,
}

STATES = {
    State.CONNECTING: N_("Connexion en cours"),
    State.CONNECTED: N_("Connectée au serveur de production"),
    State.DISCONNECTED: N_("Échec de connexion au serveur"),
    State.ASSISTANCE: N_("Mode assistance"),
}
"""Each state in a few words: first line of the menu, of the tooltip and of the status window."""

EXPLANATIONS = {
    State.CONNECTING: N_("L'agent attend la première réponse du serveur."),
    State.CONNECTED: N_("Votre installation IEA est connectée à notre serveur de production."),
    State.DISCONNECTED: N_("Votre installation IEA n'est pas connectée à notre serveur de production."),
    State.ASSISTANCE: N_(
        "Votre installation IEA est déconnectée de notre serveur de production car vous êtes en mode assistance."
    ),
}
"""Each state in the words of the practical sheets."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this installation can do beyond its connection: a menu line whose ability is missing is grey and says so."""

    support: bool = False
    updates: bool = False
    program: bool = False


NO_ABILITIES = Abilities()


def format_state_since(state: State, wall: float, now: float) -> str:
    """Since when *state* holds; of assistance mode, which should not last, also for how long."""
    text = format_since(wall, now)
    if state is State.ASSISTANCE and now - wall >= 3600:
        text += f" ({format_age(now - wall)})"
    return text


def render_view(snapshot: Snapshot, now: float, abilities: Abilities = NO_ABILITIES) -> View:
    """The view of *snapshot* at wall-clock time *now*."""
    headline = f"{_(STATES[snapshot.state])} {format_state_since(snapshot.state, snapshot.since, now)}"
    labelled = [request for request in REQUESTS if request.label]
    *lines, last = (_line(request, snapshot.state, abilities) for request in labelled)
    return View(
        PICTURES[snapshot.state],
        _tooltip(snapshot, headline),
        (MenuLine(headline, machine.StatusRequested()), SEPARATOR, *lines, SEPARATOR, last),
        machine.StatusRequested(),
    )


_REASONS = {
    (State.ASSISTANCE, machine.SettingsRequested): N_("désactivez d'abord le mode assistance"),
    (State.ASSISTANCE, machine.DiagnosisRequested): N_("désactivez d'abord le mode assistance"),
    (State.ASSISTANCE, machine.ReauthenticationRequested): N_("désactivez d'abord le mode assistance"),
    (State.DISCONNECTED, machine.LaunchRequested): N_("connexion ou mode assistance nécessaire"),
    (State.CONNECTING, machine.LaunchRequested): N_("connexion en cours"),
}
"""Why a line is grey whose event is not in the table; a test holds these against the table."""

_MISSING = {
    machine.SupportRequested: N_("disponible dans une prochaine version"),
    machine.UpdatesRequested: N_("disponible dans une prochaine version"),
    machine.LaunchRequested: N_("emplacement du logiciel non indiqué"),
}


def explain_disabled(event: type[Event], state: State, abilities: Abilities) -> str:
    """Why *event* can do nothing now, in words for a person; "" where it can."""
    if not machine.allows(state, event):
        return _(_REASONS[state, event])
    able = {
        machine.SupportRequested: abilities.support,
        machine.UpdatesRequested: abilities.updates,
        machine.LaunchRequested: abilities.program,
    }
    return "" if able.get(event, True) else _(_MISSING[event])


def _line(request: PersonRequest, state: State, abilities: Abilities) -> MenuLine:
    """Return the menu line of *request*; « & » in its label marks the letter to underline."""
    before, _mark, after = _(request.label).partition("&")
    label, mnemonic = before + after, after[:1].upper()
    if reason := explain_disabled(request.event, state, abilities):
        return MenuLine(f"{label.rstrip('…')} ({reason})", None, enabled=False, mnemonic=mnemonic)
    return MenuLine(label, request.event(), mnemonic=mnemonic)


def _tooltip(snapshot: Snapshot, headline: str) -> str:
    second = ""
    if snapshot.problem is not None and snapshot.state is not State.ASSISTANCE:
        second = f"\n{_(snapshot.problem.title)} ({snapshot.problem.code})"
    if snapshot.state is State.ASSISTANCE and snapshot.servers_answer:
        second = "\n" + _("Les serveurs répondent de nouveau")
    whole = f"Impact emploi – {headline}{second}"
    if len(whole.encode("utf-16-le")) // 2 <= TOOLTIP_UNITS:
        return whole
    # the menu and the status window say since when; what is wrong is needed here
    return f"Impact emploi – {_(STATES[snapshot.state])}{second}"


@dataclass(frozen=True, slots=True)
class Balloon:
    """A notice above the icon."""

    title: str
    body: str


def build_announcement_balloon(kind: Effect, snapshot: Snapshot) -> Balloon:
    """The words for an announcement: *kind* is one of the ``ANNOUNCE_…`` effects or ``ANSWER_PERSON``."""
    if kind is Effect.ANNOUNCE_RECOVERY:
        return Balloon(_("Connexion au serveur rétablie"), _(EXPLANATIONS[State.CONNECTED]))
    if kind is Effect.ANNOUNCE_ASSISTANCE:
        return Balloon(
            _("Le mode assistance est toujours actif"),
            _("Il l'est {since}. « Demande de support technique » permet de le désactiver.").format(
                since=format_since(snapshot.since, 0.0)
            ),
        )
    if kind is Effect.ANNOUNCE_EXPIRY:
        return Balloon(
            _("Le mode assistance est terminé"),
            _("Sa durée maximale est atteinte ; l'agent relance l'authentification."),
        )
    if kind is Effect.ANNOUNCE_SERVERS_ANSWER:
        return Balloon(
            _("Les serveurs répondent de nouveau"),
            _("Demandez le mot de passe du jour à l'assistance pour désactiver le mode assistance."),
        )
    if snapshot.problem is not None:
        # short: a notification shows two lines or three, the status window behind the icon has room for all
        advice = _("Cliquez sur l'icône pour savoir que faire.")
        return Balloon(_(snapshot.problem.title), f"{advice} ({snapshot.problem.code})")
    return Balloon(_("Connexion au serveur réussie"), _(EXPLANATIONS[snapshot.state]))


def build_launch_failure_balloon(program: str) -> Balloon:
    """The words when Impact emploi did not start."""
    return Balloon(
        _("Impact emploi n'a pas pu être lancé"),
        _("Le logiciel n'a pas été trouvé ou ne démarre pas : {program}").format(program=program),
    )


def build_window_failure_balloon(reason: str) -> Balloon:
    """The words when a window did not open."""
    return Balloon(
        _("La fenêtre n'a pas pu s'ouvrir"),
        _("Réessayez ; si cela continue, redémarrez l'ordinateur. ({reason})").format(reason=reason),
    )


def build_problem_balloon(problem: Problem) -> Balloon:
    """The words for a problem that no state shows, and so no status window."""
    return Balloon(_(problem.title), f"{_(problem.advice)} ({problem.code})")
