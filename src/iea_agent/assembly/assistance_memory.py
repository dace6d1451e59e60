"""The memory of assistance mode: its record, or the journal if that is destroyed.

A destroyed record must not be a way out without a password, nor lock in a person who was not in
assistance mode. The journal has a line for each entering and leaving, so its last one decides.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from iea_agent import BUILT
from iea_agent.domain.assistance_record import AssistanceRecord, bound_since, parse_assistance
from iea_agent.domain.state_values import parse_time
from iea_agent.host.journal import Journal
from iea_agent.host.state_files import StorageError

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.host.storage import Storage

log = logging.getLogger("iea_agent.assistance")

STATE = "assistance"
"""Name of the state file with the record."""


def read_since(storage: Storage, journal_file: Path) -> float | None:
    """Return when assistance mode began, None if it is off. Raises ``StorageError``."""
    existed = storage.had_state(STATE)
    record = storage.read_state(STATE, parse_assistance)
    return _read_journal(journal_file, existed) if record is None else record.since


def restore_since(storage: Storage, journal_file: Path, now: float) -> float | None:
    """Return when assistance mode began, None if it is off, and mend the record.

    A record that is destroyed, not readable or ahead of *now* is written anew, and the journal says so.
    """
    existed = storage.had_state(STATE)
    try:
        record = storage.read_state(STATE, parse_assistance)
    except StorageError:
        log.exception("assistance mode not read")
        record = None
    since = _read_journal(journal_file, existed) if record is None else record.since
    if since is not None:
        built = datetime.fromisoformat(BUILT).replace(tzinfo=UTC).timestamp()
        since = bound_since(since, now, built)
    mended = AssistanceRecord(since)
    if record != mended and (existed or since is not None):
        log.warning("assistance mode restored", extra={"fields": {"since": since}})
        reason = "destroyed" if record is None else "ahead"
        try:
            storage.write_state(STATE, mended.to_document())
            Journal(journal_file).append(
                "restored", datetime.fromtimestamp(now, UTC), {"reason": reason, "on": since is not None}
            )
        except StorageError:
            log.exception("assistance mode not written")
    return since


def _read_journal(journal_file: Path, existed: bool) -> float | None:
    """Return since when the mode is on by the last line that says so.

    If a record *existed* and the journal does not say that the mode was left, it is on from now.
    """
    try:
        entries = list(Journal(journal_file).entries())
    except StorageError:
        entries = []
    for entry in reversed(entries):
        match entry.document:
            case {"event": "leaving" | "expired"}:
                return None
            case {"event": "entering", "at": str(at)}:
                return _parse_moment(at)
            case {"event": "unreadable"} if existed:
                break
    return time.time() if existed else None


def _parse_moment(at: str) -> float:
    try:
        return parse_time({"at": datetime.fromisoformat(at).timestamp()}, "at")
    except (ValueError, OverflowError, OSError):
        # OSError: Windows, of a time that it cannot count
        return time.time()
