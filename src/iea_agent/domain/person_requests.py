"""What a person may ask of the agent: menu lines, channel names and windows.

To add one, add an entry to ``REQUESTS`` and its event to ``machine.TABLE``. From the entry derive:

- the request on the channel, ``{"do": "ask", "event": name}`` (``assembly/agent.py``, ``docs/channel.md``);
- the menu: a line for each *label*, in this order (``shell/wording/menu.py``); the table says if it is enabled;
- the window: *effect* opens it (``assembly/window_opener.py``); ``run()`` in ``shell/dialogs/<window>_dialog.py``
  shows it, with the adapter of that name (``assembly/dialog_adapters.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import machine
from .machine import Effect, Event, State
from .problems import N_


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this installation can do beyond its connection."""

    program: bool = False


@dataclass(frozen=True, slots=True)
class PersonRequest:
    """One request. *label* is French, with « & » before the letter to underline.

    *window* is the name of the dialog, *title* its title in French, *options* say how it opens. *ability* is the field of ``Abilities`` that the
    request needs. A line that does nothing is grey and says why, in French: *missing* if the ability is missing,
    *refusals* for each state whose table has no row for *event*.
    """

    name: str
    event: type[Event]
    label: str = ""
    effect: Effect | None = None
    window: str = ""
    title: str = ""
    options: tuple[str, ...] = ()
    ability: str = ""
    missing: str = ""
    refusals: Mapping[State, str] = field(default_factory=dict, hash=False)

    def explain_refusal(self, state: State, abilities: Abilities) -> str:
        """Return in French why the request can do nothing now, or "" if it can."""
        if not machine.allows(state, self.event):
            return self.refusals.get(state, _NOT_NOW)
        return self.missing if self.ability and not getattr(abilities, self.ability) else ""


_NOT_NOW = N_("indisponible pour l'instant")
_LEAVE_FIRST = {State.ASSISTANCE: N_("désactivez d'abord le mode assistance")}

STATUS = PersonRequest(
    "status",
    machine.StatusRequested,
    effect=Effect.OPEN_STATUS,
    window="status",
    title=N_("Impact emploi – État de la connexion"),
)
SETTINGS = PersonRequest(
    "settings",
    machine.SettingsRequested,
    label=N_("&Paramètres de connexion…"),
    effect=Effect.OPEN_SETTINGS,
    window="settings",
    title=N_("Impact emploi – Paramètres de connexion"),
    refusals=_LEAVE_FIRST,
)
DIAGNOSIS = PersonRequest(
    "diagnosis",
    machine.DiagnosisRequested,
    effect=Effect.OPEN_DIAGNOSIS,
    window="settings",
    options=("test",),
    refusals=_LEAVE_FIRST,
)
RECONNECT = PersonRequest(
    "reconnect",
    machine.ReauthenticationRequested,
    label=N_("&Relancer l'authentification auprès du serveur"),
    refusals=_LEAVE_FIRST,
)
SUPPORT = PersonRequest(
    "support",
    machine.SupportRequested,
    label=N_("&Demande de support technique…"),
    effect=Effect.OPEN_SUPPORT,
    window="support",
    title=N_("Impact emploi – Demande de support technique"),
)
UPDATES = PersonRequest(
    "updates",
    machine.UpdatesRequested,
    label=N_("&Gérer les mises à jour…"),
    effect=Effect.OPEN_UPDATES,
    window="updates",
    title=N_("Impact emploi – Gérer les mises à jour"),
)
LAUNCH = PersonRequest(
    "launch",
    machine.LaunchRequested,
    label=N_("&Lancer Impact emploi"),
    ability="program",
    missing=N_("logiciel introuvable, à indiquer dans « Paramètres de connexion »"),
    refusals={
        State.DISCONNECTED: N_("connexion ou mode assistance nécessaire"),
        State.CONNECTING: N_("connexion en cours"),
    },
)
QUIT = PersonRequest("quit", machine.QuitRequested, label=N_("&Quitter"))

REQUESTS = (STATUS, SETTINGS, DIAGNOSIS, RECONNECT, SUPPORT, UPDATES, LAUNCH, QUIT)
BY_NAME = {request.name: request for request in REQUESTS}
BY_EVENT = {request.event: request for request in REQUESTS}
WINDOWS = {request.effect: request for request in REQUESTS if request.effect is not None}
"""The request whose window each effect opens."""
