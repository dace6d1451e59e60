"""Files that only an administrator can have written, judged by what is open.

The name of a file may mean another one a moment later, so its folder and the file are opened first, and
their owners and rights read from what is open.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from . import NotTrustedError
from .regular_files import read_up_to


def read_trusted(path: Path, limit: int, *, own: bool = False) -> bytes:
    """Return *limit* + 1 bytes of *path* at most, if only administrators change it.

    If *own* is set, the person counts as one. Raises ``OSError``: ``FileNotFoundError``, or
    ``NotTrustedError`` if the owner or the rights of the file or its folder are not an administrator's.
    """
    with ExitStack() as opened:
        folder = _open_folder(path.parent, opened)
        try:
            file = _open_file(path, folder, opened)
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                # a stranger's file that may not be read is no mistake of an administrator
                _require_trusted(path.parent, _list_strangers(folder, own))
            raise
        _require_trusted(path.parent, _list_strangers(folder, own))
        _require_trusted(path, _list_strangers(file, own))
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with os.fdopen(file, "rb", closefd=False) as stream:
            return read_up_to(stream, limit)


def _require_trusted(path: Path, strangers: Iterable[str]) -> None:
    if names := ", ".join(sorted(strangers)):
        raise NotTrustedError(errno.EPERM, f"may be changed by {names}", str(path))


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    from .windows import declare
    from .windows_security import EVERYONE, list_strangers

    _GENERIC_READ, _READ_CONTROL, _READ_ATTRIBUTES = 0x80000000, 0x20000, 0x80
    _SHARE_READ_WRITE, _SHARE_DELETE = 1 | 2, 4
    _OPEN_EXISTING = 3
    # FILE_FLAG_BACKUP_SEMANTICS opens folders, FILE_FLAG_OPEN_REPARSE_POINT a link itself
    _FLAGS = 0x02000000 | 0x00200000
    _REPARSE_POINT = 0x400  # FILE_ATTRIBUTE_REPARSE_POINT
    _INVALID_HANDLE = ctypes.c_void_p(-1).value

    class _FileInformation(ctypes.Structure):  # BY_HANDLE_FILE_INFORMATION
        _fields_ = (("dwFileAttributes", wintypes.DWORD), ("rest", wintypes.DWORD * 12))

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _CloseHandle = declare(_kernel32, "CloseHandle", wintypes.BOOL, wintypes.HANDLE)
    _CreateFile = declare(
        _kernel32,
        "CreateFileW",
        *(wintypes.HANDLE, wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p),
        *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
    )
    _GetFileInformation = declare(
        _kernel32, "GetFileInformationByHandle", wintypes.BOOL, wintypes.HANDLE, ctypes.c_void_p
    )

    def _open(path: Path, access: int, share: int, opened: ExitStack) -> int:
        handle = _CreateFile(str(path), access, share, None, _OPEN_EXISTING, _FLAGS, None)
        if handle == _INVALID_HANDLE:
            raise ctypes.WinError(ctypes.get_last_error())
        descriptor = msvcrt.open_osfhandle(handle, os.O_RDONLY)
        opened.callback(os.close, descriptor)
        return descriptor

    def _open_folder(folder: Path, opened: ExitStack) -> int | None:
        """Open *folder*, which nobody can rename or exchange meanwhile."""
        try:
            return _open(folder, _READ_CONTROL | _READ_ATTRIBUTES, _SHARE_READ_WRITE, opened)
        except PermissionError:
            return None

    def _open_file(path: Path, _folder: int | None, opened: ExitStack) -> int:
        return _open(path, _GENERIC_READ, _SHARE_READ_WRITE | _SHARE_DELETE, opened)

    def _list_strangers(descriptor: int | None, own: bool) -> set[str]:
        # of a folder that may not be opened nothing is known; a link leads to whatever its maker wants
        if descriptor is None or _is_link(msvcrt.get_osfhandle(descriptor)):
            return {EVERYONE}
        return set(list_strangers(msvcrt.get_osfhandle(descriptor), own=own))

    def _is_link(handle: int) -> bool:
        information = _FileInformation()
        if not _GetFileInformation(handle, ctypes.byref(information)):
            raise ctypes.WinError(ctypes.get_last_error())
        return bool(information.dwFileAttributes & _REPARSE_POINT)

else:

    def _open_folder(folder: Path, opened: ExitStack) -> int:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, descriptor)
        return descriptor

    def _open_file(path: Path, folder: int, opened: ExitStack) -> int:
        # a pipe is not waited for
        descriptor = os.open(path.name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
        opened.callback(os.close, descriptor)
        return descriptor

    def _list_strangers(descriptor: int, own: bool) -> set[str]:
        status = os.fstat(descriptor)
        users, groups = ({0, os.geteuid()}, {0, os.getegid()}) if own else ({0}, {0})
        strangers = set() if status.st_uid in users else {f"user {status.st_uid}"}
        if status.st_mode & stat.S_IWGRP and status.st_gid not in groups:
            strangers.add(f"group {status.st_gid}")
        if status.st_mode & stat.S_IWOTH:
            strangers.add("everybody")
        return strangers
