"""The recording of one installation: its state file, and the logs that follow it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from iea_agent.domain.recording import begin_recording, find_end, parse_recording
from iea_agent.domain.refusals import FileNotWritten, RefusedError
from iea_agent.host.state_files import StorageError

from .agent_client import AgentClient

if TYPE_CHECKING:
    from iea_agent.host.logs import Log
    from iea_agent.host.storage import Storage

    from .installation import Installation

STATE = "recording"


def load_recording(storage: Storage) -> float | None:
    """Return until when a recording runs (wall clock), None if none does."""
    try:
        return find_end(storage.read_state(STATE, parse_recording), time.time())
    except StorageError:
        return None


def follow_recording(storage: Storage, log: Log) -> None:
    """Have *log* take more or less, as the state file says now."""
    log.record(load_recording(storage))


def start_log(installation: Installation, name: str) -> Log:
    """Start the log *name*, with what a recording that runs adds to it."""
    from iea_agent.host import logs

    log = logs.start_logging(installation.folders.logs, name)
    follow_recording(installation.storage, log)
    return log


def start_recording(installation: Installation) -> float | None:
    """Begin a recording; return until when it lasts. Raises ``RefusedError``."""
    try:
        installation.storage.write_state(STATE, begin_recording(time.time()))
    except StorageError as error:
        reason = type(error.__cause__).__name__
        raise RefusedError(FileNotWritten(str(error.path), reason)) from error
    _tell(installation)
    return load_recording(installation.storage)


def stop_recording(installation: Installation) -> None:
    """End the recording, if one runs. Raises ``RefusedError``."""
    try:
        installation.storage.delete_state(STATE)
    except StorageError as error:
        reason = type(error.__cause__).__name__
        raise RefusedError(FileNotWritten(str(error.path), reason)) from error
    _tell(installation)


def _tell(installation: Installation) -> None:
    """Have the agent look; one that does not answer looks at its next start."""
    try:
        AgentClient(installation).follow_recording()
    except RefusedError:
        return
