"""Status documents as they are shown, for the tests of texts and windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iea_agent.shell.wording.status_text import build_status_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from iea_agent.domain.autostart import Autostart
    from iea_agent.domain.documents import StatusDocument
    from iea_agent.domain.machine import Snapshot
    from iea_agent.domain.settings import SettingFault, Settings


def make_status(
    snapshot: Snapshot,
    settings: Settings,
    faults: Sequence[SettingFault] = (),
    autostart: Autostart | None = None,
    version: str = "3.00.72",
    update: str = "",
) -> StatusDocument:
    """Return the status of *snapshot* on a PC with *version* of Impact emploi.

    *update* is the version that waits, in words.
    """
    return {
        **build_status_document(snapshot, settings, faults, update=update),
        "autostart": None if autostart is None else autostart.value,
        "impact_emploi_version": version,
    }
