"""The journal of assistance mode: one JSON line an event, each with the hash of the line before it; twelve months are kept, no password ever.

Whoever has the rights to write the file can write all of it anew: the chain shows accidents and clumsy edits, not a determined administrator
(``docs/security.md``).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .storage import StorageError, write_atomically

KEPT = timedelta(days=365)
LARGEST_LINE = 4096
LARGEST = 10_000_000
FIRST = "0" * 64
"""What the first line ever written names as the line before it."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event. *whole* is false where it cannot be read or does not follow from the line before it."""

    document: dict[str, Any]
    whole: bool


class Journal:
    """The journal in one file. One process writes: the agent."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, event: str, at: datetime, fields: Mapping[str, object]) -> None:
        """Write *event* down, on the disk before this returns. A line that a crash has cut is ended first and stays as evidence.

        Raises ``StorageError``; ``ValueError`` for more than a line may hold.
        """
        try:
            data = self._forget_old(self._read(), at)
            if data and not data.endswith(b"\n"):
                data += b"\n"
                self._add(b"\n")
            last = data.rstrip(b"\n").rsplit(b"\n", 1)[-1] if data else b""
            line = _line({"at": _stamp(at), "event": event, **fields, "before": _digest(last)})
            self._add(line)
        except OSError as error:
            raise StorageError(self._path) from error

    def entries(self) -> Iterator[JournalEntry]:
        """All events, oldest first. The first line kept is taken on trust: what stood before it has been forgotten. Raises ``StorageError``."""
        try:
            lines = self._read().split(b"\n")
        except OSError as error:
            raise StorageError(self._path) from error
        before = b""
        for number, line in enumerate(lines):
            if not line:
                continue
            document = _document(line)
            whole = document is not None and (number == 0 or document.get("before") == _digest(before))
            before = line
            yield JournalEntry(document or {"event": "unreadable"}, whole)

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return b""

    def _add(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(
            self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600
        )
        try:
            os.write(descriptor, data)  # one write: two lines never mix
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _forget_old(self, data: bytes, now: datetime) -> bytes:
        """Take out the lines from before the last twelve months; what is left is written in one piece."""
        oldest = _stamp(now - KEPT)
        kept = data
        while kept:
            line, _, rest = kept.partition(b"\n")
            document = _document(line)
            if document is None or str(document.get("at", "")) >= oldest:
                break
            kept = rest
        if kept != data:
            write_atomically(self._path, kept)
        return kept


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest() if line else FIRST


def _line(document: Mapping[str, object]) -> bytes:
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(line) > LARGEST_LINE:
        raise ValueError(f"a line of {len(line)} bytes")
    return line + b"\n"


def _document(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
