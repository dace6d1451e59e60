"""The programs that run on this PC: number, name and file of their processes.

Nothing of another person is opened: of their processes Windows gives the name only.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import suppress
from typing import NamedTuple


class RunningProgram(NamedTuple):
    """A process, the *name* of its file, and the whole *path*, "" if it is not given."""

    pid: int
    name: str
    path: str


def list_running(names: Collection[str]) -> tuple[RunningProgram, ...]:
    """Return the processes whose file has one of *names*, in either case."""
    wanted = {name.casefold() for name in names}
    return tuple(
        RunningProgram(pid, name, _find_path(pid))
        for pid, name in _list_processes()
        if name.casefold() in wanted
    )


def is_running(program: str) -> bool:
    """Return whether the file *program* runs, in any session that can be seen.

    A process of that name whose file is not given counts: it may be another person's.
    """
    if not program:
        return False
    path = os.path.normcase(os.path.realpath(program))
    return any(
        not each.path or os.path.normcase(each.path) == path
        for each in list_running((os.path.basename(path), os.path.basename(program)))
    )


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    from .windows import declare

    _TH32CS_SNAPPROCESS = 2
    _INVALID_HANDLE = ctypes.c_void_p(-1).value
    _QUERY_LIMITED_INFORMATION = 0x1000
    _LONGEST_PATH = 32768

    class _ProcessEntry(ctypes.Structure):
        _fields_ = (
            ("dwSize", wintypes.DWORD),
            ("cntUsage", wintypes.DWORD),
            ("th32ProcessID", wintypes.DWORD),
            ("th32DefaultHeapID", ctypes.c_size_t),
            ("th32ModuleID", wintypes.DWORD),
            ("cntThreads", wintypes.DWORD),
            ("th32ParentProcessID", wintypes.DWORD),
            ("pcPriClassBase", wintypes.LONG),
            ("dwFlags", wintypes.DWORD),
            ("szExeFile", wintypes.WCHAR * 260),
        )

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _POINTER, _HANDLE, _DWORD = wintypes.LPVOID, wintypes.HANDLE, wintypes.DWORD
    _CreateSnapshot = declare(_kernel32, "CreateToolhelp32Snapshot", _HANDLE, _DWORD, _DWORD)
    _FirstProcess = declare(_kernel32, "Process32FirstW", wintypes.BOOL, _HANDLE, _POINTER)
    _NextProcess = declare(_kernel32, "Process32NextW", wintypes.BOOL, _HANDLE, _POINTER)
    _OpenProcess = declare(_kernel32, "OpenProcess", _HANDLE, _DWORD, wintypes.BOOL, _DWORD)
    _QueryImageName = declare(
        _kernel32, "QueryFullProcessImageNameW", wintypes.BOOL, _HANDLE, _DWORD, wintypes.LPWSTR, _POINTER
    )
    _CloseHandle = declare(_kernel32, "CloseHandle", wintypes.BOOL, _HANDLE)

    def _list_processes() -> Iterator[tuple[int, str]]:
        snapshot = _CreateSnapshot(_TH32CS_SNAPPROCESS, 0)
        if snapshot in (None, _INVALID_HANDLE):
            return
        try:
            entry = _ProcessEntry(dwSize=ctypes.sizeof(_ProcessEntry))
            goes_on = _FirstProcess(snapshot, ctypes.byref(entry))
            while goes_on:
                yield entry.th32ProcessID, entry.szExeFile
                goes_on = _NextProcess(snapshot, ctypes.byref(entry))
        finally:
            _CloseHandle(snapshot)

    def _find_path(pid: int) -> str:
        process = _OpenProcess(_QUERY_LIMITED_INFORMATION, False, pid)
        if not process:
            return ""
        try:
            path = ctypes.create_unicode_buffer(_LONGEST_PATH)
            size = _DWORD(len(path))
            return path.value if _QueryImageName(process, 0, path, ctypes.byref(size)) else ""
        finally:
            _CloseHandle(process)

else:

    def _list_processes() -> Iterator[tuple[int, str]]:
        for name in os.listdir("/proc"):
            if name.isdigit() and (path := _find_path(int(name))):
                yield int(name), os.path.basename(path)

    def _find_path(pid: int) -> str:
        # another person's, or one that has ended
        with suppress(OSError):
            return os.readlink(f"/proc/{pid}/exe")
        return ""
