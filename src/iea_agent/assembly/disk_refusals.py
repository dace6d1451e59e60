"""What the disk refuses, as a refusal that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from iea_agent.domain.refusals import FileNotReadable, RefusedError
from iea_agent.host.state_files import StorageError


@contextmanager
def refuse_unreadable() -> Iterator[None]:
    """Raise ``RefusedError`` for a file that the block cannot read."""
    try:
        yield
    except StorageError as error:
        raise RefusedError(FileNotReadable(str(error.path), type(error.__cause__).__name__)) from error
