"""The state on disk: small documents, one JSON file each.

Each is written whole or not at all; a broken one is moved aside.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from iea_agent.domain.pasted_text import decode_file

from .atomic_files import exclusive, write_atomically
from .broken_files import list_aside, move_aside
from .regular_files import NotAFileError, read_bounded

# bytes
LARGEST_STATE = 1024 * 1024
STATE_SCHEMA = 1

_T = TypeVar("_T")

Signature = tuple[int | str, ...]
"""The time of the last change, in nanoseconds, the size of a file, and whatever else of it counts."""


class StorageError(Exception):
    """The disk refused; the file *path* is as it was, the cause is an ``OSError``."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path


class StateFiles:
    """The documents in the state folder of one installation."""

    def __init__(self, folder: Path) -> None:
        self._state_folder = folder

    def state_signature(self, name: str) -> Signature | None:
        """Return what changes with the document *name*."""
        return sign_file(self._state_file(name))

    @contextmanager
    def exclusive_state(self, name: str) -> Iterator[None]:
        """Lock the document *name* against other processes. Raises ``StorageError``."""
        path = self._state_file(name)
        with ExitStack() as lock:
            try:
                lock.enter_context(exclusive(path))
            except OSError as error:
                raise StorageError(path) from error
            yield

    def read_state(self, name: str, parse: Callable[[Mapping[str, object]], _T]) -> _T | None:
        """Return the document *name* as *parse* reads it; None if there is none.

        One that is broken or no file, or for which *parse* raises ``ValueError``, is moved aside, and None is
        returned. Raises ``StorageError`` if it is not readable.
        """
        path = self._state_file(name)
        try:
            try:
                data = read_bounded(path, LARGEST_STATE)
                return None if data is None else parse(_parse_state(data))
            except (ValueError, RecursionError, NotAFileError) as error:
                move_aside(path, error)
                return None
        except OSError as error:
            raise StorageError(path) from error

    def has_state(self, name: str) -> bool:
        """Return whether there is a document *name*, readable or not."""
        # not Path.exists, which raises if the folder may not be listed
        return os.path.lexists(self._state_file(name))

    def had_state(self, name: str) -> bool:
        """Return whether there is a document *name*, or a broken one was set aside."""
        path = self._state_file(name)
        return self.has_state(name) or bool(list_aside(path))

    def write_state(self, name: str, document: Mapping[str, object]) -> None:
        """Write the document *name*, 1 MiB at most. Raises ``StorageError``."""
        path = self._state_file(name)
        data = json.dumps({"schema": STATE_SCHEMA, **document}, ensure_ascii=False, indent=1).encode()
        if len(data) > LARGEST_STATE:
            raise ValueError(f"state {name} of {len(data)} bytes")
        try:
            write_atomically(path, data)
        except OSError as error:
            raise StorageError(path) from error

    def _state_file(self, name: str) -> Path:
        if not re.fullmatch(r"[a-z][a-z-]{0,40}", name):
            raise ValueError(f"not a name for a state: {name!r}")
        return self._state_folder / f"{name}.json"

    def delete_state(self, name: str) -> None:
        """Delete the document *name* if there is one. Raises ``StorageError``."""
        path = self._state_file(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(path) from error


def sign_file(path: Path) -> Signature | None:
    """Return what changes with a file, by one ``stat``; None without a file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _parse_state(data: bytes) -> dict[str, object]:
    """Return the document in *data* without its schema. Raises ``ValueError``."""
    if len(data) > LARGEST_STATE:
        raise ValueError("too large")
    document = json.loads(decode_file(data), parse_constant=_refuse_constant)
    if not isinstance(document, dict) or document.pop("schema", None) != STATE_SCHEMA:
        raise ValueError("another schema")
    return document


def _refuse_constant(name: str) -> object:
    """Refuse NaN and the infinities, which are no JSON (RFC 8259, section 6)."""
    raise ValueError(name)
