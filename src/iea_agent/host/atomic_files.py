"""Files written whole or not at all, and locked against other processes meanwhile."""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from . import current_host
from .regular_files import retry_while_held

_log = logging.getLogger(__name__)


def write_atomically(path: Path, data: bytes, *, private: bool = False, through: bool = False) -> None:
    """Write *data* to *path*: a reader sees the old content or the new one, whole.

    That holds even if the process is killed or the power fails. Of a link the target is replaced. Group
    and mode stay; a new file, and one that is *private*, only the person may read (0600), and so a new
    folder (0700). With *through* the new name, too, is on the disk of Windows when this returns. Raises
    ``OSError``, and then leaves no file behind.
    """
    if not private and path.is_symlink() and not _leads_elsewhere(path):
        path = Path(os.path.realpath(path))
    folder = path.parent
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _delete_abandoned(path)
    before = None if private else _read_status(path)
    new = folder / f".{path.name}.{os.getpid()}-{threading.get_ident()}.new"
    try:
        with open(new, "wb", opener=_choose_opener(private=private)) as file:
            file.write(data)
            file.flush()
            if before is not None:
                _keep_rights(file.fileno(), before)
            os.fsync(file.fileno())
        replace = _replace_through if through else os.replace
        retry_while_held(lambda: replace(new, path))
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    if sys.platform != "win32":
        # the new name, too, has to be on the disk; if the disk refuses that, the file is replaced all the same
        with refusal_logged():
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _leads_elsewhere(link: Path) -> bool:
    """Return whether *link* leads to a device or the like, which is not replaced."""
    try:
        return not stat.S_ISREG(link.stat().st_mode)
    except OSError:
        # to nothing, or not to be followed
        return False


def _choose_opener(*, private: bool) -> Callable[[str, int], int]:
    """Return what creates a file that only the person may read, *private* or not.

    On Windows one that is not has the rights of its folder.
    """
    if sys.platform == "win32" and private:
        from .windows_private import open_private

        return open_private
    return partial(os.open, mode=0o600)


def _read_status(path: Path) -> os.stat_result | None:
    """Return the rights of *path*, None without one.

    Raises ``OSError`` if it is read-only.
    """
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    return status


def _keep_rights(descriptor: int, before: os.stat_result) -> None:
    """Give an open file the group and the mode that it had *before*."""
    if sys.platform != "win32":
        mode = stat.S_IMODE(before.st_mode)
        try:
            os.fchown(descriptor, before.st_uid, before.st_gid)
        except OSError:
            # another group must not read what that group could
            mode &= 0o707
        os.fchmod(descriptor, mode)


def _replace_through(new: Path, path: Path) -> None:
    """Replace *path* by *new*, on the disk when this returns. Raises ``OSError``."""
    if sys.platform == "win32":
        import ctypes

        from .windows import checked, declare

        kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        text = ctypes.c_wchar_p
        move = declare(kernel32, "MoveFileExW", ctypes.c_int, text, text, ctypes.c_uint32)
        try:
            # MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH
            checked(move(str(new), str(path), 1 | 8))
        except OSError as error:
            error.filename = str(path)
            raise
    else:
        os.replace(new, path)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Lock *path* against other processes of all sessions, within 5 s.

    Raises ``OSError``.
    """
    machine = current_host()
    deadline = time.monotonic() + 5
    while (claim := machine.lock_file(path)) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, "another process is writing", str(path))
        time.sleep(0.02)
    try:
        yield
    finally:
        claim.close()


def takes_files(folder: Path) -> bool:
    """Return whether *folder*, which is made if need be, takes a file."""
    # imported here: hardly a process needs it
    from tempfile import TemporaryFile

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=folder) as file:
            # a full disk has room for a file without content
            file.write(bytes(4096))
            file.flush()
    except OSError:
        return False
    return True


def _delete_abandoned(path: Path) -> None:
    """Delete what killed processes left of *path*: new versions over a minute old."""
    for new in path.parent.glob(f".{path.name}.*.new"):
        try:
            if time.time() - new.stat().st_mtime > 60:
                new.unlink()
        except OSError:
            # its process was quicker, or still holds it
            continue


@contextmanager
def refusal_logged() -> Iterator[None]:
    """Only log it if the disk refuses a mere precaution."""
    try:
        yield
    except OSError as error:
        _log.warning("disk refused", extra={"fields": {"file": error.filename, "reason": error.strerror}})
