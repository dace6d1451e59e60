"""What follows a crash: the agent starts again once, and the log tells of it.

Nothing watches from outside: a process that waits would cost memory on each PC for a case that hardly comes. An exception that ends
the loop is met here. What ends the process itself leaves a trace, and the launcher starts it again (installer/launcher.c).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from iea_agent.domain.crash_record import CrashRecord, parse_crash, record_crash, settle
from iea_agent.host.crash_trace import CrashTrace
from iea_agent.host.state_files import StorageError
from iea_agent.host.storage import Storage

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger(__name__)

STATE = "crash"


class CrashWatch:
    """The crashes of one installation's agent; *clock* is the wall clock."""

    def __init__(self, installation: Installation, clock: Callable[[], float]) -> None:
        self._storage = installation.storage
        self._clock = clock
        self._trace = CrashTrace(installation.folders.state / f"crash-{installation.session}.txt")

    def begin(self) -> bool:
        """Log how the last run ended, and watch this one.

        Returns whether the person must be told: the agent crashed twice in a short time and did not start again.
        """
        last = self._trace.take_last()
        self._trace.begin()
        record = self._read_record()
        if last is not None:
            trace, at = last
            if trace:
                log.error("crashed", extra={"fields": {"at": round(at), "trace": trace}})
                record = record_crash(record, at)
            else:
                log.warning("ended from outside", extra={"fields": {"began": round(at)}})
        if record is None or record.is_announced:
            return False
        log.warning("started after a crash", extra={"fields": {"repeated": record.is_repeated}})
        # what cannot be remembered would be told at each start
        return self._write_record(settle(record, self._clock())) and record.is_repeated

    def close(self) -> None:
        """Watch no longer: the agent ends by itself, or by an exception."""
        self._trace.end()

    def take_crash(self) -> bool:
        """Record an exception that has ended the agent; return whether to start it again.

        Only if the record is on the disk: without one it might crash and start for ever.
        """
        record = record_crash(self._read_record(), self._clock())
        return self._write_record(record) and not record.is_repeated

    def _read_record(self) -> CrashRecord | None:
        return load_crash(self._storage)

    def _write_record(self, record: CrashRecord) -> bool:
        with suppress(StorageError):
            self._storage.write_state(STATE, record.to_document())
            return True
        return False


def load_crash(storage: Storage) -> CrashRecord | None:
    """Return the last crash, None if there was none or it is not known."""
    with suppress(StorageError):
        return storage.read_state(STATE, parse_crash)
    return None


def start_again() -> None:
    """Start the agent in a process that outlives this one. Raises ``OSError``.

    It waits for the end of this one, which holds the lock (``start.run``).
    """
    from iea_agent.host.child import ChildProcess

    from .own_command import agent_command

    # CREATE_NO_WINDOW
    flags = 0x08000000 if sys.platform == "win32" else 0
    ChildProcess(agent_command(), os.environ, with_input=False, creation_flags=flags)
