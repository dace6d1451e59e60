"""Everything that a person may ask of the agent: menu lines, channel names and windows.

To add one, add an entry to ``REQUESTS`` and its event to ``machine.TABLE``. From the entry derive:

- the request on the channel, ``{"do": "ask", "event": name}`` (``assembly/agent.py``, ``docs/channel.md``);
- the menu: a line for each *label*, in this order (``shell/wording/menu.py``); the table says if it is enabled;
- the window: *effect* opens it (``assembly/window_opener.py``); ``run()`` in ``shell/dialogs/<window>_dialog.py``
  shows it, with the adapter of that name (``assembly/dialog_adapters.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

from . import machine
from .machine import Effect, Event
from .problems import N_


@dataclass(frozen=True, slots=True)
class PersonRequest:
    """One request. *label* is French, with « & » before the letter to underline.

    *window* is the name of the dialog, *options* say how it opens.
    """

    name: str
    event: type[Event]
    label: str = ""
    effect: Effect | None = None
    window: str = ""
    options: tuple[str, ...] = ()


STATUS = PersonRequest("status", machine.StatusRequested, effect=Effect.OPEN_STATUS, window="status")
SETTINGS = PersonRequest(
    "settings",
    machine.SettingsRequested,
    label=N_("&Paramètres de connexion…"),
    effect=Effect.OPEN_SETTINGS,
    window="settings",
)
DIAGNOSIS = PersonRequest(
    "diagnosis",
    machine.DiagnosisRequested,
    effect=Effect.OPEN_DIAGNOSIS,
    window="settings",
    options=("test",),
)
RECONNECT = PersonRequest(
    "reconnect",
    machine.ReauthenticationRequested,
    label=N_("&Relancer l'authentification auprès du serveur"),
)
SUPPORT = PersonRequest(
    "support",
    machine.SupportRequested,
    label=N_("&Demande de support technique…"),
    effect=Effect.OPEN_SUPPORT,
    window="support",
)
# its window is not there yet
UPDATES = PersonRequest("updates", machine.UpdatesRequested, label=N_("&Gérer les mises à jour…"))
LAUNCH = PersonRequest("launch", machine.LaunchRequested, label=N_("&Lancer Impact emploi"))
QUIT = PersonRequest("quit", machine.QuitRequested, label=N_("&Quitter"))

REQUESTS = (STATUS, SETTINGS, DIAGNOSIS, RECONNECT, SUPPORT, UPDATES, LAUNCH, QUIT)
BY_NAME = {request.name: request for request in REQUESTS}
WINDOWS = {request.effect: request for request in REQUESTS if request.effect is not None}
"""The request whose window each effect opens."""
