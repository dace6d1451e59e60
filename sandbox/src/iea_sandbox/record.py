"""The record of connections and requests; a test can wait for an entry."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Generic, TypeVar

from iea_sandbox.faults import ServerName

_LIMIT = 10_000  # entries; a demonstration may run for days


@dataclass(frozen=True)
class RecordedConnection:
    """One accepted TCP connection, and the fault that was on ("" for none)."""

    server: ServerName
    fault: str
    at: float = field(default_factory=monotonic)


@dataclass(frozen=True)
class RecordedRequest:
    """One whole HTTP request, with lower-case header names; the body may hold a key."""

    server: ServerName
    fault: str
    method: str
    target: str
    """Path and query as in the request line."""
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    secure: bool
    """Whether it came over TLS."""
    at: float = field(default_factory=monotonic)


Entry = TypeVar("Entry", RecordedConnection, RecordedRequest, str)


class Record(Generic[Entry]):
    """A growing list that other threads may read and wait on."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._changed = threading.Condition()

    def add(self, entry: Entry) -> None:
        """Append *entry*, and drop the oldest if there are too many."""
        with self._changed:
            self._entries.append(entry)
            del self._entries[:-_LIMIT]
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget everything so far."""
        with self._changed:
            self._entries.clear()

    def select(
        self,
        server: ServerName | None = None,
        matching: Callable[[Entry], bool] = lambda _: True,
    ) -> list[Entry]:
        """Return the entries of *server* (None: of both) for which *matching* holds."""
        with self._changed:
            return [
                entry
                for entry in self._entries
                if (server is None or server == getattr(entry, "server", None)) and matching(entry)
            ]

    def wait(
        self,
        count: int = 1,
        server: ServerName | None = None,
        matching: Callable[[Entry], bool] = lambda _: True,
        deadline: float = 10.0,
    ) -> list[Entry]:
        """Wait until ``select`` has *count* entries; return them. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.select(server, matching)) >= count, deadline):
                raise TimeoutError(f"{len(self.select(server, matching))} of {count} seen: {self._entries!r}")
            return self.select(server, matching)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.select())
