"""What this PC adds to the agent's status where it is shown.

The registry and Impact emploi's file are read for whoever looks, not at each change of the agent's state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iea_agent.domain.documents import AgentStatusDocument, StatusDocument

    from .installation import Installation


def complete_status(installation: Installation, status: AgentStatusDocument) -> StatusDocument:
    """Return *status* with the start with Windows and the version of Impact emploi."""
    autostart = installation.read_autostart()
    return {
        **status,
        "autostart": None if autostart is None else autostart.value,
        "impact_emploi_version": installation.program_version(installation.storage.load().effective.settings),
    }
