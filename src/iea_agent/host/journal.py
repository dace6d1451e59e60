"""The journal of assistance mode: one JSON line for each event of twelve months.

Each line holds the hash of the line before it, which shows accidents and simple edits:
a user who may write the file can also write all of it anew (``docs/security.md``). No
line holds a password.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from .storage import StorageError, exclusive, read_bounded, write_atomically

RETENTION = timedelta(days=365)
LARGEST_LINE = 4096  # bytes
LARGEST_FILE = 10_000_000  # bytes
FIRST_HASH = "0" * 64
"""The hash in the first line, which has no line before it."""


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One event; *whole* is false if its line is damaged or does not follow the last."""

    document: dict[str, object]
    whole: bool


class Journal:
    """The journal in one file, which the agents of all sessions write."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, event: str, at: datetime, fields: Mapping[str, object]) -> None:
        """Write *event* to the disk before this returns.

        A line that a crash has cut is ended first and stays as evidence. Raises
        ``StorageError``, and ``ValueError`` for too long a line.
        """
        document = {"at": _format_time(at), "event": event, **fields}
        # too long a line is refused before anything is touched
        _format_line({**document, "before": FIRST_HASH})
        try:
            with exclusive(self._path):
                data = self._delete_old(self._read_file(), at)
                end = b"\n" if data and not data.endswith(b"\n") else b""
                last = data.rstrip(b"\n").rsplit(b"\n", 1)[-1] if data else b""
                self._add(end + _format_line({**document, "before": _hash(last)}))
        except OSError as error:
            raise StorageError(self._path) from error

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all events, oldest first. Raises ``StorageError``.

        The first line counts as whole, since the line before it has been deleted.
        """
        try:
            lines = self._read_file().split(b"\n")
        except OSError as error:
            raise StorageError(self._path) from error
        before = b""
        for number, line in enumerate(lines):
            if not line:
                continue
            document = _parse_line(line)
            whole = document is not None and (number == 0 or document.get("before") == _hash(before))
            before = line
            yield JournalEntry(document or {"event": "unreadable"}, whole)

    def _read_file(self) -> bytes:
        return read_bounded(self._path, LARGEST_FILE) or b""

    def _add(self, data: bytes) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # without a buffer it is one write: two lines never mix
        with open(self._path, "ab", buffering=0, opener=partial(os.open, mode=0o600)) as file:
            size = file.seek(0, os.SEEK_END)
            try:
                # a disk that becomes full takes the beginning and reports no error
                if file.write(data) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise

    def _delete_old(self, data: bytes, now: datetime) -> bytes:
        """Delete what is older than twelve months; return the rest.

        A line without a date is as old as the next one that has one.
        """
        oldest = _format_time(now - RETENTION)
        end = recent_from = 0
        for line in data.splitlines(keepends=True):
            end += len(line)
            at = _read_time(line)
            if at is not None and at >= oldest:
                break
            if at is not None:
                recent_from = end
        if recent_from:
            write_atomically(self._path, data[recent_from:])
        return data[recent_from:]


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest() if line else FIRST_HASH


def _format_line(document: Mapping[str, object]) -> bytes:
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(line) > LARGEST_LINE:
        raise ValueError(f"a line of {len(line)} bytes")
    return line + b"\n"


def _read_time(line: bytes) -> str | None:
    """Return the time of the event in *line*, None if it has none."""
    at = (_parse_line(line) or {}).get("at")
    return at if isinstance(at, str) and _TIME.fullmatch(at) else None


def _parse_line(line: bytes) -> dict[str, object] | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
