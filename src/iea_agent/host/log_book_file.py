"""The file of the log book: lines, and a time that says that the agent lives."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from iea_agent.domain import log_book
from iea_agent.domain.log_book import Entry

from .atomic_files import write_atomically
from .regular_files import read_tail
from .state_files import StorageError


class LogBookFile:
    """The log book in one file, which one agent writes and any process reads."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read_entries(self) -> tuple[tuple[Entry, ...], float]:
        """Return the entries, and when an agent was alive last. Raises ``StorageError``."""
        try:
            data = read_tail(self._path, log_book.LARGEST_FILE)[1]
            alive = self._path.stat().st_mtime if data else 0.0
        except OSError as error:
            raise StorageError(self._path) from error
        return log_book.parse_entries(data), alive

    def append(self, entries: tuple[Entry, ...], now: float) -> None:
        """Write *entries* at the end; leave out what has become too old.

        Raises ``StorageError``.
        """
        new = b"".join(map(log_book.format_entry, entries))
        try:
            data = read_tail(self._path, 2 * log_book.LARGEST_FILE)[1]
            shorter = log_book.shorten(data, now)
            if shorter is not None:
                write_atomically(self._path, shorter)
                data = shorter
            # a line that a power cut has broken is ended first
            self._add((b"\n" if data and not data.endswith(b"\n") else b"") + new)
        except OSError as error:
            raise StorageError(self._path) from error

    def show_alive(self, now: float) -> None:
        """Set the time of the file. Raises ``StorageError``."""
        try:
            os.utime(self._path, (now, now))
        except OSError as error:
            raise StorageError(self._path) from error

    def _add(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # without a buffer it is one write
        with open(self._path, "ab", buffering=0, opener=partial(os.open, mode=0o600)) as file:
            file.write(data)
