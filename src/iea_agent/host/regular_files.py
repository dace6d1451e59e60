"""Files opened only if they are files, and read within a limit.

A pipe waits, a device may never end.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

_T = TypeVar("_T")

_NO_WAITING = getattr(os, "O_NONBLOCK", 0)
"""Opens at once a pipe that took the file's place a moment ago; Windows has none among its files."""


class NotAFileError(OSError):
    """A folder, a pipe or a device in the place of a file: some never end."""


def open_regular(path: str, flags: int) -> int:
    """Open the file *path*, as an opener for ``open``; return its descriptor.

    Raises ``OSError``: ``NotAFileError`` if something else has its name.
    """
    try:
        # the name first: to open a device may do something
        _require_regular(os.stat(path), path)
    except FileNotFoundError:
        if not flags & os.O_CREAT:
            raise
    descriptor = os.open(path, flags | _NO_WAITING, 0o666)
    try:
        _require_regular(os.fstat(descriptor), path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(status: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotAFileError(errno.EINVAL, "not a file", path)


def read_up_to(file: BinaryIO, limit: int) -> bytes:
    """Return at most *limit* + 1 bytes of *file*: one more says it is too large."""
    # a buffer of the whole limit would be made at once
    return file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)


def read_bounded(path: Path, limit: int) -> bytes | None:
    """Return at most *limit* + 1 bytes of *path*; None if there is no such file.

    Raises ``OSError``: ``NotAFileError`` if something else has its name.
    """

    def read_file() -> bytes:
        with open(path, "rb", opener=open_regular) as file:
            return read_up_to(file, limit)

    try:
        return retry_while_held(read_file)
    except FileNotFoundError:
        return None


def read_tail(path: Path, limit: int) -> tuple[int, bytes]:
    """Return the last *limit* bytes of *path*, and how many stand before them.

    Without a file both are nothing. Raises ``OSError``: ``NotAFileError`` if it is no file.
    """

    def read_file() -> tuple[int, bytes]:
        with open(path, "rb", opener=open_regular) as file:
            size = file.seek(0, os.SEEK_END)
            before = file.seek(max(size - limit, 0))
            return before, file.read(size - before)

    try:
        return retry_while_held(read_file)
    except FileNotFoundError:
        return 0, b""


def retry_while_held(action: Callable[[], _T]) -> _T:
    """Do *action*, on Windows for up to a second while another program holds the file."""
    deadline = time.monotonic() + (1.0 if sys.platform == "win32" else 0.0)
    while True:
        try:
            return action()
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.02)
