"""Files opened only if they are files: a pipe waits, a device may never end."""

from __future__ import annotations

import errno
import os
import stat

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
