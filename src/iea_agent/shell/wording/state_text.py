"""Each state in words."""

from __future__ import annotations

from iea_agent.domain.machine import State
from iea_agent.domain.problems import N_
from iea_agent.shell.wording.time_text import format_age, format_since

STATES = {
    State.CONNECTING: N_("Connexion en cours"),
    State.CONNECTED: N_("Connexion établie avec le serveur de production"),
    State.DISCONNECTED: N_("Échec de connexion au serveur"),
    State.ASSISTANCE: N_("Mode assistance"),
}
"""Each state in a few words: first line of the menu, of the tooltip and of the status window."""

EXPLANATIONS = {
    State.CONNECTING: N_("La première réponse du serveur est attendue."),
    State.CONNECTED: N_("Votre installation IEA est connectée à notre serveur de production."),
    State.DISCONNECTED: N_("Votre installation IEA n'est pas connectée à notre serveur de production."),
    State.ASSISTANCE: N_(
        "Votre installation IEA est déconnectée de notre serveur de production car vous êtes en mode assistance."
    ),
}
"""Each state in the words of the practical sheets."""


def format_state_since(state: State, wall: float, now: float) -> str:
    """Return since when *state* holds; if assistance mode lasts, also for how long."""
    text = format_since(wall, now)
    if state is State.ASSISTANCE and now - wall >= 3600:
        text += f" ({format_age(now - wall)})"
    return text
