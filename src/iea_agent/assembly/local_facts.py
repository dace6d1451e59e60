"""What this PC adds to the agent's status where it is shown.

The registry, Impact emploi's file and the records of updates are read for whoever looks, not at each change of the agent's state.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .update_watch import ANY_RECORD

if TYPE_CHECKING:
    from iea_agent.domain.documents import AgentStatusDocument, StatusDocument

    from .installation import Installation


def complete_status(installation: Installation, status: AgentStatusDocument) -> StatusDocument:
    """Return *status* with the start with Windows, and what is installed or waits."""
    autostart = installation.read_autostart()
    return {
        **status,
        "autostart": None if autostart is None else autostart.value,
        "impact_emploi_version": installation.program_version(installation.storage.load().effective.settings),
        "update": find_waiting_update(installation, time.time()),
    }


def find_waiting_update(installation: Installation, now: float) -> str:
    """Return in words which version waits for a click at *now*, "" if none does.

    That of Impact emploi comes first.
    """
    storage = installation.storage
    names = list(filter(storage.has_state, ANY_RECORD))
    if not names:
        return ""
    # imported here: a PC that has never been offered anything needs none of it
    from iea_agent.domain.update_catalogue import ReleaseKind
    from iea_agent.domain.update_record import is_waiting, parse_update_record
    from iea_agent.host.storage import StorageError
    from iea_agent.shell.wording.update_text import word_waiting

    for name in names:
        try:
            record = storage.read_state(name, parse_update_record)
        except StorageError:
            # a line less is no reason to show no status
            continue
        if record is not None and is_waiting(record, now):
            return word_waiting(ReleaseKind(name.removeprefix("update-")), record.snapshot)
    return ""
