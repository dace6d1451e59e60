"""An installer: a file that nobody changes meanwhile, started as Explorer does.

On Windows a held file can be neither written, replaced, renamed nor deleted, and yet be started. Linux has no such lock; there the file is opened as
any other, for the tests.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from iea_agent.domain.installer_plan import WINDOWS_INSTALLER, InstallerPlan
from iea_agent.domain.installer_result import NO_CODE

from .regular_files import open_regular


class StartRefusedError(Exception):
    """The system has not started an installer; *code* is its error, 0 for none."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


if sys.platform == "win32":
    import ctypes
    import errno
    import msvcrt
    from ctypes import wintypes

    from .regular_files import NotAFileError
    from .windows import declare, without_own_libraries

    _GENERIC_READ, _FILE_SHARE_READ, _OPEN_EXISTING = 0x80000000, 1, 3
    _SEQUENTIAL_SCAN = 0x08000000
    _FILE_TYPE_DISK = 1
    _INVALID_HANDLE = ctypes.c_void_p(-1).value
    _NOCLOSEPROCESS, _NOASYNC, _FLAG_NO_UI = 0x40, 0x100, 0x400
    _SW_SHOWNORMAL = 1
    _SYNCHRONIZE, _QUERY_LIMITED_INFORMATION = 0x100000, 0x1000
    _COINIT = 0x2 | 0x4  # APARTMENTTHREADED, DISABLE_OLE1DDE
    _LONGEST_PATH = 32768

    _HANDLE, _BOOL, _DWORD = wintypes.HANDLE, wintypes.BOOL, wintypes.DWORD
    _STRING, _POINTER = wintypes.LPCWSTR, wintypes.LPVOID
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _CreateFile = declare(
        _kernel32, "CreateFileW", _HANDLE, _STRING, _DWORD, _DWORD, _POINTER, _DWORD, _DWORD, _HANDLE
    )
    _CloseHandle = declare(_kernel32, "CloseHandle", _BOOL, _HANDLE)
    _GetFileType = declare(_kernel32, "GetFileType", _DWORD, _HANDLE)
    _GetFinalPath = declare(
        _kernel32, "GetFinalPathNameByHandleW", _DWORD, _HANDLE, wintypes.LPWSTR, _DWORD, _DWORD
    )
    _GetSystemDirectory = declare(_kernel32, "GetSystemDirectoryW", wintypes.UINT, wintypes.LPWSTR, _DWORD)
    _OpenProcess = declare(_kernel32, "OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
    _GetProcessId = declare(_kernel32, "GetProcessId", _DWORD, _HANDLE)
    _GetExitCodeProcess = declare(_kernel32, "GetExitCodeProcess", _BOOL, _HANDLE, _POINTER)
    _GetProcessTimes = declare(_kernel32, "GetProcessTimes", _BOOL, _HANDLE, *(_POINTER,) * 4)
    _WaitForSingleObject = declare(_kernel32, "WaitForSingleObject", _DWORD, _HANDLE, _DWORD)

    class _ExecuteInfo(ctypes.Structure):
        _fields_ = (
            ("cbSize", _DWORD),
            ("fMask", wintypes.ULONG),
            ("hwnd", wintypes.HWND),
            ("lpVerb", _STRING),
            ("lpFile", _STRING),
            ("lpParameters", _STRING),
            ("lpDirectory", _STRING),
            ("nShow", ctypes.c_int),
            ("hInstApp", wintypes.HINSTANCE),
            ("lpIDList", _POINTER),
            ("lpClass", _STRING),
            ("hkeyClass", wintypes.HKEY),
            ("dwHotKey", _DWORD),
            ("hIcon", _HANDLE),
            ("hProcess", _HANDLE),
        )

    def open_held(path: str, _flags: int) -> int:
        """Open the file *path* so that others may read it only, as an opener for ``open``.

        Raises ``OSError``: one that somebody writes to cannot be held.
        """
        handle = _CreateFile(
            path, _GENERIC_READ, _FILE_SHARE_READ, None, _OPEN_EXISTING, _SEQUENTIAL_SCAN, None
        )
        if handle in (None, _INVALID_HANDLE):
            raise ctypes.WinError(ctypes.get_last_error())
        if _GetFileType(handle) != _FILE_TYPE_DISK:
            _CloseHandle(handle)
            raise NotAFileError(errno.EINVAL, "not a file", path)
        return msvcrt.open_osfhandle(handle, os.O_RDONLY | os.O_NOINHERIT)

    def find_final_path(descriptor: int) -> str:
        """Return where the opened file is, without any link. Raises ``OSError``.

        What is started is so what was read, whatever a folder on the way has become meanwhile.
        """
        path = ctypes.create_unicode_buffer(_LONGEST_PATH)
        if not 0 < _GetFinalPath(msvcrt.get_osfhandle(descriptor), path, len(path), 0) < len(path):
            raise ctypes.WinError(ctypes.get_last_error())
        if path.value.startswith("\\\\?\\UNC\\"):
            return "\\\\" + path.value.removeprefix("\\\\?\\UNC\\")
        return path.value.removeprefix("\\\\?\\")

    class InstallerProcess:
        """An installer that runs, by a handle to its process."""

        def __init__(self, handle: int) -> None:
            self._handle = handle
            self.pid = _GetProcessId(handle)
            self.born = _find_birth(handle)

        def wait(self, seconds: float) -> int | None:
            """Return its exit code, None if it still runs after *seconds*."""
            if _WaitForSingleObject(self._handle, int(seconds * 1000)):
                return None
            code = wintypes.DWORD()
            return code.value if _GetExitCodeProcess(self._handle, ctypes.byref(code)) else NO_CODE

        def close(self) -> None:
            """Watch it no longer; it goes on."""
            _CloseHandle(self._handle)

    def _find_birth(handle: int) -> int:
        """Return when the process was made, in units of Windows; 0 if it is not given."""
        times = [wintypes.FILETIME() for _ in range(4)]
        if not _GetProcessTimes(handle, *map(ctypes.byref, times)):
            return 0
        return int(times[0].dwHighDateTime) << 32 | int(times[0].dwLowDateTime)

    def start_installer(plan: InstallerPlan) -> InstallerProcess:
        """Start *plan*; Windows may ask a person first. Raises ``StartRefusedError``."""
        program = plan.program
        if program == WINDOWS_INSTALLER:
            system = ctypes.create_unicode_buffer(_LONGEST_PATH)
            _GetSystemDirectory(system, len(system))
            program = os.path.join(system.value, WINDOWS_INSTALLER)
        info = _ExecuteInfo(
            cbSize=ctypes.sizeof(_ExecuteInfo),
            fMask=_NOCLOSEPROCESS | _NOASYNC | _FLAG_NO_UI,
            lpVerb="runas" if plan.is_elevated else "open",
            lpFile=program,
            lpParameters=subprocess.list2cmdline(plan.arguments),
            lpDirectory=os.path.dirname(program),
            nShow=_SW_SHOWNORMAL,
        )
        with without_own_libraries():
            error = _execute(info)
        if error or not info.hProcess:
            raise StartRefusedError(error)
        return InstallerProcess(info.hProcess)

    def _execute(info: _ExecuteInfo) -> int:
        """Have the shell start *info*; return its error, 0 for none."""
        execute = declare(
            ctypes.WinDLL("shell32", use_last_error=True), "ShellExecuteExW", wintypes.BOOL, _POINTER
        )
        ole32 = ctypes.WinDLL("ole32")
        begin = declare(ole32, "CoInitializeEx", ctypes.c_long, _POINTER, _DWORD)
        # below 0: this thread has another kind of COM already
        is_begun = begin(None, _COINIT) >= 0
        try:
            return 0 if execute(ctypes.byref(info)) else ctypes.get_last_error()
        finally:
            if is_begun:
                declare(ole32, "CoUninitialize", None)()

    def find_installer(pid: int, born: int) -> InstallerProcess | None:
        """Return the process *pid* that was *born* then, 0 for any; None if it has ended.

        One that has ended while another program still holds it is returned, too: it tells its exit code.
        """
        handle = _OpenProcess(_SYNCHRONIZE | _QUERY_LIMITED_INFORMATION, False, pid)
        if not handle:
            return None
        process = InstallerProcess(handle)
        if born in (0, process.born):
            return process
        process.close()
        return None

else:
    open_held = open_regular

    def find_final_path(descriptor: int) -> str:
        """Return where the opened file is, without any link. Raises ``OSError``."""
        return os.readlink(f"/proc/self/fd/{descriptor}")

    class InstallerProcess:
        """An installer that runs: a child of this process, or of one before."""

        def __init__(self, pid: int, born: int, child: subprocess.Popen[bytes] | None = None) -> None:
            self.pid = pid
            # 0 for one that has ended by now
            self.born = born
            self._child = child

        def wait(self, seconds: float) -> int | None:
            """Return its exit code, None if it still runs after *seconds*."""
            if self._child is not None:
                try:
                    return self._child.wait(seconds) % 2**32
                except subprocess.TimeoutExpired:
                    return None
            deadline = time.monotonic() + seconds
            while self.born and _find_birth(self.pid) == self.born:
                if time.monotonic() >= deadline:
                    return None
                time.sleep(0.02)
            return NO_CODE

        def close(self) -> None:
            """Watch it no longer; it goes on."""
            if self._child is not None and self._child.poll() is None:
                # somebody has to wait for its end, or it stays in the list of processes then
                threading.Thread(target=self._child.wait, name=f"reaper of {self.pid}", daemon=True).start()

    def _find_birth(pid: int) -> int:
        """Return when the process was made, in ticks since the start; 0 if it has ended."""
        try:
            # behind the name, which may hold anything: the state, then numbers (proc(5))
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0
        return 0 if fields[0] == "Z" else int(fields[19])

    def start_installer(plan: InstallerPlan) -> InstallerProcess:
        """Start *plan* as a plain process. Raises ``StartRefusedError``."""
        null = subprocess.DEVNULL
        try:
            os.chmod(plan.program, os.stat(plan.program).st_mode | 0o100)
            child = subprocess.Popen(
                [plan.program, *plan.arguments],
                cwd=os.path.dirname(plan.program),
                start_new_session=True,
                stdin=null,
                stdout=null,
                stderr=null,
            )
        except OSError as error:
            raise StartRefusedError(error.errno or 0) from error
        return InstallerProcess(child.pid, _find_birth(child.pid), child)

    def find_installer(pid: int, born: int) -> InstallerProcess | None:
        """Return the process *pid* that was *born* then, 0 for any; None if it has ended."""
        birth = _find_birth(pid)
        return InstallerProcess(pid, birth) if birth and born in (0, birth) else None


def list_processes_of(paths: Sequence[str]) -> tuple[int, ...]:
    """Return the numbers of the processes that run one of the files *paths*."""
    from .running_programs import list_running

    wanted = {os.path.normcase(path) for path in paths}
    running = list_running(tuple(map(os.path.basename, paths)))
    return tuple(each.pid for each in running if os.path.normcase(each.path) in wanted)
