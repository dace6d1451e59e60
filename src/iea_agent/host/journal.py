"""The journal of assistance mode: one JSON line for each event of twelve months.

Each line holds the hash of the line before it, which shows accidents and simple edits:
a user who may write the file can also write all of it anew (``docs/security.md``). No
line holds a password.

A line older than that goes when another comes, one for one, so a clock that is wrong for
a while empties nothing. A line "forgotten" stands at the beginning for what is gone: the
number of bytes, the time of the last line among them, and its hash, which the next line holds.
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

from .atomic_files import exclusive, write_atomically
from .regular_files import read_tail
from .state_files import StorageError

RETENTION = timedelta(days=365)
LARGEST_LINE = 4096  # bytes
LARGEST_FILE = 10_000_000  # bytes
SHORTENED_FILE = 9_000_000
"""Bytes that stay when the file has become too large."""
FORGOTTEN = "forgotten"
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
                skipped, data = read_tail(self._path, LARGEST_FILE)
                shorter = _forget(skipped, data, at)
                if shorter is not None:
                    write_atomically(self._path, shorter)
                    data = shorter
                end = b"\n" if data and not data.endswith(b"\n") else b""
                self._add(end + _format_line({**document, "before": _hash_last(data)}))
        except OSError as error:
            raise StorageError(self._path) from error

    def entries(self) -> Iterator[JournalEntry]:
        """Yield all events, oldest first. Raises ``StorageError``.

        The first line counts as whole, whatever stood before it. Of a file that is larger than any
        journal the end is read, after an event "unread" that is not whole.
        """
        try:
            skipped, data = read_tail(self._path, LARGEST_FILE)
        except OSError as error:
            raise StorageError(self._path) from error
        if skipped:
            cut = data.find(b"\n") + 1
            yield JournalEntry({"event": "unread", "bytes": skipped + cut}, False)
            data = data[cut:]
        before = FIRST_HASH
        for number, line in enumerate(data.split(b"\n")):
            if not line:
                continue
            document = _parse_line(line)
            whole = document is not None and (number == 0 or document.get("before") == before)
            before = _hash(line) if number else _hash_after_first(line)
            yield JournalEntry(document or {"event": "unreadable"}, whole)

    def read_last_hash(self) -> str:
        """Return the hash that the next line will hold. Raises ``StorageError``."""
        try:
            _skipped, data = read_tail(self._path, LARGEST_FILE)
        except OSError as error:
            raise StorageError(self._path) from error
        return _hash_last(data)

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


def _forget(skipped: int, data: bytes, now: datetime) -> bytes | None:
    """Return the journal without what is too old or too much, None to leave it.

    *data* is its end, after *skipped* bytes.
    """
    marker = _parse_line(data.split(b"\n", 1)[0]) or {}
    # the mark itself is not forgotten: it counts on
    start = data.find(b"\n") + 1 if marker.get("event") == FORGOTTEN and not skipped else 0
    end = _find_excess(skipped, data)
    if end <= start:
        end = start + _measure_old(data[start:], now)
    if end == start and not skipped:
        return None
    gone = data[start:end].rstrip(b"\n").split(b"\n")
    until = next(filter(None, map(_read_time, reversed(gone))), _check_time(marker.get("until")))
    earlier = marker.get("bytes")
    count = end - start + skipped + (earlier if isinstance(earlier, int) and earlier < 2**63 else 0)
    document = {"at": _format_time(now), "event": FORGOTTEN, "bytes": count, "until": until}
    return _format_line({**document, "last": _hash(gone[-1])}) + data[end:]


def _find_excess(skipped: int, data: bytes) -> int:
    """Return where the lines begin that stay if the file is too large, else 0."""
    if not skipped and len(data) < LARGEST_FILE:
        return 0
    return data.find(b"\n", len(data) - SHORTENED_FILE) + 1 or len(data)


def _measure_old(data: bytes, now: datetime) -> int:
    """Return the length of the oldest line with a date if its twelve months are over.

    That is judged by the newest line, too: a clock that is ahead has made no line old yet.
    What stands without a date before that line goes with it.
    """
    lines = data.splitlines(keepends=True)
    newest = next(filter(None, map(_read_time, reversed(lines))), None)
    if newest is None:
        return 0
    present = min(now, datetime.fromisoformat(newest))
    oldest = _format_time(present - RETENTION)
    end = 0
    for line in lines:
        end += len(line)
        at = _read_time(line)
        if at is not None:
            return end if at < oldest else 0
    return 0


def _format_time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest() if line else FIRST_HASH


def _hash_last(data: bytes) -> str:
    """Return the hash that the line after *data*, all lines so far, holds."""
    *others, last = data.rstrip(b"\n").rsplit(b"\n", 1)
    return _hash(last) if others else _hash_after_first(last)


def _hash_after_first(line: bytes) -> str:
    """Return the hash that the line after *line*, the first of the file, holds."""
    document = _parse_line(line) or {}
    last = document.get("last")
    return last if document.get("event") == FORGOTTEN and isinstance(last, str) else _hash(line)


def _format_line(document: Mapping[str, object]) -> bytes:
    line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(line) > LARGEST_LINE:
        raise ValueError(f"a line of {len(line)} bytes")
    return line + b"\n"


def _read_time(line: bytes) -> str | None:
    """Return the time of the event in *line*, None if it has none."""
    return _check_time((_parse_line(line) or {}).get("at"))


def _check_time(value: object) -> str | None:
    """Return *value* if it is a time as the journal writes it, else None."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return None
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return None
    return value


def _parse_line(line: bytes) -> dict[str, object] | None:
    # what has no brace is no object: a damaged file of a million such lines is read without asking json about each
    if len(line) > LARGEST_LINE + 1 or b"{" not in line:
        return None
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None
