"""What a choice of updates asks about this PC: versions, draw, wishes, the day."""

from __future__ import annotations

import logging
import secrets
import sys
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import NUMBER, Post, Wishes, name_drawing, parse_number
from iea_agent.domain.version_trial import VersionRecord, may_offer, parse_version_record
from iea_agent.host.state_files import StorageError

from . import version_proof

if TYPE_CHECKING:
    from iea_agent.host.storage import Storage

    from .installation import Installation

log = logging.getLogger("iea_agent.updates")

STATE = "rollout"
"""The state file with the number that draws for this installation."""


def describe_post(
    installation: Installation,
    kind: ReleaseKind,
    now: float,
    *,
    wishes: Wishes = Wishes(),  # noqa: B008 a value that nothing changes
    program_runs: bool = False,
) -> Post:
    """Return what a choice of *kind* asks about this PC at *now* (wall clock)."""
    settings = installation.storage.load().effective.settings
    product = installation.program_version(settings)
    number = find_number(installation.storage)
    return Post(
        installed=product if kind is ReleaseKind.PRODUCT else __version__,
        agent=__version__,
        windows=find_windows_version(),
        product=product,
        drawing_name=name_drawing(settings.updates_folder, settings.licence_number, number),
        now=now,
        today=datetime.fromtimestamp(now).date(),
        program_runs=program_runs,
        wishes=wishes,
        failed=_list_failed(installation.storage, now) if kind is ReleaseKind.AGENT else frozenset(),
        has_own_setup=kind is not ReleaseKind.AGENT or _has_own_setup(installation),
    )


def _has_own_setup(installation: Installation) -> bool:
    """Return whether our setup has installed the agent, and so can update it.

    An MSI is an administrator's. What is not installed at all, a checkout, counts as if it were.
    """
    from .installing import Installing

    return installation.program is None or Installing(installation).find_own_scope() is not None


def find_windows_version() -> str:
    """Return the version of Windows as « 10.0.19045 », "" elsewhere."""
    if sys.platform == "win32":
        return ".".join(map(str, sys.getwindowsversion().platform_version))
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        return ""


def find_number(storage: Storage) -> str:
    """Return the number of this installation, drawn once."""
    try:
        number = storage.read_state(STATE, parse_number)
        if number is None:
            number = secrets.token_hex(16)
            storage.write_state(STATE, {NUMBER: number})
    except StorageError as error:
        log.warning("number of the installation", extra={"fields": {"reason": error}})
        number = ""
    return number


def _list_failed(storage: Storage, now: float) -> frozenset[str]:
    """Return the versions of the agent that did not prove themselves and rest."""
    try:
        record = storage.read_state(version_proof.STATE, parse_version_record) or VersionRecord()
    except StorageError:
        return frozenset()
    return frozenset(version for version in record.relapses if not may_offer(record, version, now))
