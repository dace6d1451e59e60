"""The trace that the interpreter leaves when the system ends the process.

An error in a library in C (an access violation, say) ends it without a Python exception. ``faulthandler`` then writes
the functions and lines of all threads, never a value, so there is no secret in it.
"""

from __future__ import annotations

import faulthandler
import time
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from .regular_files import open_regular, read_bounded

LARGEST = 16_384
"""Bytes of a trace that are read."""


ABANDONED = 30 * 86_400.0
"""Seconds after which the file of another session is removed."""


class CrashTrace:
    """The trace of this process in the file *path*, which is there as long as it runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIOWrapper | None = None

    def take_last(self) -> tuple[str, float] | None:
        """Return what the last run has left, and when; None if it ended by itself.

        A text of "" means that it was ended from outside: killed, or with the power.
        """
        try:
            data, at = read_bounded(self._path, LARGEST), self._path.stat().st_mtime
            self._path.unlink()
        except OSError:
            # it is no file, or another agent has it open
            return None
        return None if data is None else (data[:LARGEST].decode("utf-8", "replace").strip(), at)

    def begin(self) -> None:
        """Have the trace of a crash written to the file, if the disk takes it."""
        for other in self._path.parent.glob(f"{self._path.stem.partition('-')[0]}-*{self._path.suffix}"):
            # of a session that has ended; Windows refuses if its agent still runs
            with suppress(OSError):
                if time.time() - other.stat().st_mtime > ABANDONED:
                    other.unlink()
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = open(self._path, "w", encoding="utf-8", opener=open_regular)  # noqa: SIM115
            faulthandler.enable(self._file)

    def end(self) -> None:
        """Remove the file: this run ends by itself."""
        file, self._file = self._file, None
        if file is not None:
            faulthandler.disable()
            file.close()
            with suppress(OSError):
                self._path.unlink()
