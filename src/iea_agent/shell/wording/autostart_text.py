"""What a person reads about the start with Windows."""

from __future__ import annotations

from collections.abc import Mapping

from iea_agent.domain.autostart import Autostart
from iea_agent.domain.problems import N_
from iea_agent.locale import _

STATES: Mapping[Autostart | None, str] = {
    Autostart.ON: N_("activé"),
    Autostart.OFF: N_("désactivé"),
    Autostart.DISABLED: N_("désactivé dans le Gestionnaire des tâches"),
    Autostart.OTHER: N_("désactivé (l'entrée de Windows désigne un autre programme)"),
    Autostart.FORBIDDEN: N_("désactivé par une règle de votre administrateur"),
    None: N_("sans objet (ce programme n'est pas installé)"),
}


def describe_autostart(autostart: Autostart | None) -> tuple[str, str]:
    """Return name and value of the line about the start with Windows."""
    return _("Démarrage avec Windows"), _(STATES[autostart])
