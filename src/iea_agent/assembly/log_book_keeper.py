"""Keeps the log book of the connection while the agent runs; the disk may refuse."""

from __future__ import annotations

import logging
from collections.abc import Callable

from iea_agent.domain import log_book
from iea_agent.domain.log_book import Entry, Page
from iea_agent.domain.machine import Moment, Snapshot
from iea_agent.host.log_book_file import LogBookFile
from iea_agent.host.state_files import StorageError

log = logging.getLogger(__name__)


class LogBookKeeper:
    """Writes what changes; called on the loop's thread."""

    def __init__(self, file: LogBookFile, clock: Callable[[], Moment]) -> None:
        self._file = file
        self._clock = clock
        self._page: Page | None = None
        self._alive_shown = 0.0
        self._is_refused = False

    def follow(self, snapshot: Snapshot) -> None:
        """Write what has changed since the last call, if something has."""
        now = self._clock()
        if self._page is None:
            self._page, entries = self._open(snapshot, now)
        else:
            self._page, entries = log_book.follow(self._page, snapshot, now)
        if entries:
            self._write(entries, now)
        elif now.steady - self._alive_shown >= log_book.ALIVE_EVERY:
            self._alive_shown = now.steady
            self._try(lambda: self._file.show_alive(now.wall))

    def close(self) -> None:
        """Write that the agent ends by itself."""
        if self._page is not None:
            now = self._clock()
            self._write((log_book.close_page(self._page, now),), now)
            self._page = None

    def _open(self, snapshot: Snapshot, now: Moment) -> tuple[Page, tuple[Entry, ...]]:
        try:
            entries, alive = self._file.read_entries()
        except StorageError:
            entries, alive = (), 0.0
        return log_book.open_page(entries[-1] if entries else None, alive, snapshot, now)

    def _write(self, entries: tuple[Entry, ...], now: Moment) -> None:
        self._alive_shown = now.steady
        self._try(lambda: self._file.append(entries, now.wall))

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
            self._is_refused = False
        except StorageError:
            if not self._is_refused:
                log.warning("log book not written")
            self._is_refused = True
