"""The host on Windows, by Win32 calls through ctypes."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ctypes import wintypes
from typing import TYPE_CHECKING

from . import Child, InstanceLock, LaunchError, check_mailto, folder_mark

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.program_search import InstalledProgram

    from .child import ChildProcess

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

_ERROR_ACCESS_DENIED = 5
_ERROR_IO_PENDING = 997
_ERROR_ALREADY_EXISTS = 183
_AF_UNSPEC, _AF_INET, _AF_INET6 = 0, 2, 23
_ADDRESS_ROW = 80  # MIB_UNICASTIPADDRESS_ROW
_INFINITE = 0xFFFFFFFF
_SW_RESTORE = 9
_GW_OWNER = 4
_PROCESS_SET_QUOTA = 0x0100
_PROCESS_TERMINATE = 0x0001
_EXTENDED_LIMIT_INFORMATION = 9  # JOBOBJECTINFOCLASS
_LIMIT_SILENT_BREAKAWAY_OK = 0x1000
_LIMIT_KILL_ON_JOB_CLOSE = 0x2000

_DRIVE_REMOTE = 4
_KF_FLAG_DONT_VERIFY = 0x4000
_PROGRAM_DATA = bytes.fromhex("825dab62c1fdc34da9dd070d1d495d97")
"""FOLDERID_ProgramData, 62AB5D82-FDC1-4DC3-A9DD-070D1D495D97 (knownfolders.h), as a GUID lies in memory."""

_UNINSTALL = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_user32 = ctypes.WinDLL("user32", use_last_error=True)


def declare(library: ctypes.WinDLL, name: str, result: object, *arguments: object) -> Callable[..., int]:
    """Return the function *name* of *library* with the types of its C declaration."""
    function = getattr(library, name)
    function.restype = result
    function.argtypes = arguments
    return function  # type: ignore[no-any-return]  # ctypes' own type says nothing of the call


class _Overlapped(ctypes.Structure):
    _fields_ = (
        ("Internal", ctypes.c_size_t),
        ("InternalHigh", ctypes.c_size_t),
        ("Offset", wintypes.DWORD),
        ("OffsetHigh", wintypes.DWORD),
        ("hEvent", wintypes.HANDLE),
    )


class _BasicLimits(ctypes.Structure):
    _fields_ = (
        ("PerProcessUserTimeLimit", ctypes.c_int64),
        ("PerJobUserTimeLimit", ctypes.c_int64),
        ("LimitFlags", wintypes.DWORD),
        ("MinimumWorkingSetSize", ctypes.c_size_t),
        ("MaximumWorkingSetSize", ctypes.c_size_t),
        ("ActiveProcessLimit", wintypes.DWORD),
        ("Affinity", ctypes.c_size_t),
        ("PriorityClass", wintypes.DWORD),
        ("SchedulingClass", wintypes.DWORD),
    )


class _ExtendedLimits(ctypes.Structure):
    _fields_ = (
        ("BasicLimitInformation", _BasicLimits),
        ("IoInfo", ctypes.c_uint64 * 6),
        ("ProcessMemoryLimit", ctypes.c_size_t),
        ("JobMemoryLimit", ctypes.c_size_t),
        ("PeakProcessMemoryUsed", ctypes.c_size_t),
        ("PeakJobMemoryUsed", ctypes.c_size_t),
    )


_uncancelled: list[_Overlapped] = []
"""Requests that could not be cancelled (Wine): the system may still write to them."""

_WindowVisitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)

_HANDLE, _WINDOW, _BOOL, _DWORD = wintypes.HANDLE, wintypes.HWND, wintypes.BOOL, wintypes.DWORD
_STRING, _POINTER = wintypes.LPCWSTR, wintypes.LPVOID
_HANDLE_POINTER, _DWORD_POINTER = ctypes.POINTER(_HANDLE), ctypes.POINTER(_DWORD)
_CloseHandle = declare(_kernel32, "CloseHandle", _BOOL, _HANDLE)
_CreateMutex = declare(_kernel32, "CreateMutexW", _HANDLE, _POINTER, _BOOL, _STRING)
_CreateEvent = declare(_kernel32, "CreateEventW", _HANDLE, _POINTER, _BOOL, _BOOL, _STRING)
_SetEvent = declare(_kernel32, "SetEvent", _BOOL, _HANDLE)
_WaitForSingleObject = declare(_kernel32, "WaitForSingleObject", _DWORD, _HANDLE, _DWORD)
_WaitForMultipleObjects = declare(
    _kernel32, "WaitForMultipleObjects", _DWORD, _DWORD, _HANDLE_POINTER, _BOOL, _DWORD
)
_CreateJobObject = declare(_kernel32, "CreateJobObjectW", _HANDLE, _POINTER, _STRING)
_SetInformationJobObject = declare(
    _kernel32, "SetInformationJobObject", _BOOL, _HANDLE, ctypes.c_int, _POINTER, _DWORD
)
_AssignProcessToJobObject = declare(_kernel32, "AssignProcessToJobObject", _BOOL, _HANDLE, _HANDLE)
_OpenProcess = declare(_kernel32, "OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
_ProcessIdToSessionId = declare(_kernel32, "ProcessIdToSessionId", _BOOL, _DWORD, _DWORD_POINTER)
_GetDllDirectory = declare(_kernel32, "GetDllDirectoryW", _DWORD, _DWORD, wintypes.LPWSTR)
_SetDllDirectory = declare(_kernel32, "SetDllDirectoryW", _BOOL, _STRING)
_GetDriveType = declare(_kernel32, "GetDriveTypeW", wintypes.UINT, _STRING)
_AllowSetForegroundWindow = declare(_user32, "AllowSetForegroundWindow", _BOOL, _DWORD)
_EnumWindows = declare(_user32, "EnumWindows", _BOOL, _WindowVisitor, wintypes.LPARAM)
_GetWindow = declare(_user32, "GetWindow", _WINDOW, _WINDOW, wintypes.UINT)
_GetWindowThreadProcessId = declare(_user32, "GetWindowThreadProcessId", _DWORD, _WINDOW, _DWORD_POINTER)
_IsIconic = declare(_user32, "IsIconic", _BOOL, _WINDOW)
_IsWindowVisible = declare(_user32, "IsWindowVisible", _BOOL, _WINDOW)
_SetForegroundWindow = declare(_user32, "SetForegroundWindow", _BOOL, _WINDOW)
_ShowWindow = declare(_user32, "ShowWindow", _BOOL, _WINDOW, ctypes.c_int)


def checked(result: int) -> int:
    """Return *result*. Raises ``OSError`` for 0 or NULL, the sign of a failed call."""
    if not result:
        raise ctypes.WinError(ctypes.get_last_error())
    return result


class WindowsHost:
    """The services of Windows."""

    def __init__(self) -> None:
        self._job: int | None = None

    def acquire_lock(self, name: str, folder: str | os.PathLike[str]) -> InstanceLock | None:
        """Create a named mutex of this session (``Local\\``); its existence is the lock.

        One that an administrator's process has made may not be opened, but it exists.
        """
        try:
            mark = folder_mark(os.path.realpath(folder))
        except OSError:
            # a device, or a disk that fails: then the name itself
            mark = folder_mark(folder)
        handle = _CreateMutex(None, False, f"Local\\{name}-{mark}")
        error = ctypes.get_last_error()
        if not handle and error != _ERROR_ACCESS_DENIED:
            raise ctypes.WinError(error)
        if not handle or error == _ERROR_ALREADY_EXISTS:
            _CloseHandle(handle)
            return None
        lock = ExitStack()
        lock.callback(_CloseHandle, handle)
        return lock

    def lock_file(self, path: Path) -> InstanceLock | None:
        """Lock the first byte of a file; the system releases it when the process ends."""
        # here, as the icon appears without it
        import msvcrt

        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(descriptor)
            return None
        lock = ExitStack()
        lock.callback(os.close, descriptor)
        return lock

    def watch_network(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Watch with overlapped ``NotifyAddrChange``: no COM, no callback from the system."""
        stopped = checked(_CreateEvent(None, True, False, None))
        thread = threading.Thread(
            target=_watch_addresses, args=(on_change, stopped), name="network notices", daemon=True
        )
        thread.start()

        def stop() -> None:
            if thread.is_alive():
                _SetEvent(stopped)
                thread.join(5)

        return stop

    def list_addresses(self) -> frozenset[str]:
        """Read the table of GetUnicastIpAddressTable (netioapi.h, Windows Vista)."""
        library = ctypes.WinDLL("iphlpapi")
        read_table = declare(library, "GetUnicastIpAddressTable", _DWORD, wintypes.USHORT, _POINTER)
        free_table = declare(library, "FreeMibTable", None, _POINTER)
        table = ctypes.c_void_p()
        if read_table(_AF_UNSPEC, ctypes.byref(table)) or not table.value:
            return frozenset()
        try:
            count = wintypes.ULONG.from_address(table.value).value
            first = table.value + 8
            rows = [ctypes.string_at(first + number * _ADDRESS_ROW, 24) for number in range(count)]
        finally:
            free_table(table)
        # SOCKADDR_INET: the family, the port, then IPv4, or a number and IPv6
        ipv4 = {row[4:8].hex() for row in rows if row[0] == _AF_INET}
        ipv6 = {row[8:16].hex() for row in rows if row[0] == _AF_INET6 and row[8:10] != b"\xfe\x80"}
        return frozenset(each for each in ipv4 | ipv6 if not each.startswith("7f") and int(each, 16))

    def start_child(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, with_input: bool = False
    ) -> Child:
        """Start the child in a job that ends with us.

        What it starts itself breaks away from the job.
        """
        child = _start(arguments, environment, with_input=with_input)
        try:
            self._bind(child.pid)
        except OSError as error:
            # a child that has already ended needs no job
            if child.is_running():
                child.kill()
                raise LaunchError(arguments[0]) from error
        self.allow_foreground(child.pid)
        return child

    def start_apart(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start it outside of our job, and of the group that Ctrl+C in our console ends."""
        # here, as the icon appears without it
        import subprocess

        return _start(arguments, environment, apart=True, flags=subprocess.CREATE_NEW_PROCESS_GROUP)

    def allow_foreground(self, pid: int) -> None:
        """Allow it; Windows refuses, without harm, if we are not in front ourselves."""
        _AllowSetForegroundWindow(pid)

    def _bind(self, pid: int) -> None:
        """Put process *pid* into the job, so that it ends with us."""
        if self._job is None:
            job = checked(_CreateJobObject(None, None))
            limits = _ExtendedLimits()
            limits.BasicLimitInformation.LimitFlags = _LIMIT_KILL_ON_JOB_CLOSE | _LIMIT_SILENT_BREAKAWAY_OK
            checked(
                _SetInformationJobObject(
                    job, _EXTENDED_LIMIT_INFORMATION, ctypes.byref(limits), ctypes.sizeof(limits)
                )
            )
            # never closed: the system closes it when we end, which ends the children
            self._job = job
        process = checked(_OpenProcess(_PROCESS_SET_QUOTA | _PROCESS_TERMINATE, False, pid))
        try:
            checked(_AssignProcessToJobObject(self._job, process))
        finally:
            _CloseHandle(process)

    def raise_window(self, pid: int) -> bool:
        """Raise the first visible window of *pid* without an owner, restored if minimised."""
        windows: list[int] = []

        def visit(window: int, _: int) -> bool:
            owner = wintypes.DWORD()
            _GetWindowThreadProcessId(window, ctypes.byref(owner))
            if owner.value == pid and _IsWindowVisible(window) and not _GetWindow(window, _GW_OWNER):
                windows.append(window)
            return not windows

        # the result is 0, too, if the visitor stops it
        _EnumWindows(_WindowVisitor(visit), 0)
        if not windows:
            return False
        if _IsIconic(windows[0]):
            _ShowWindow(windows[0], _SW_RESTORE)
        _SetForegroundWindow(windows[0])
        return True

    def list_programs(self) -> tuple[InstalledProgram, ...]:
        """Read the uninstall entries of the machine, 64 and 32 bits, and of the person."""
        # here, as the icon appears without them
        import winreg

        from iea_agent.domain.program_search import MOST_ENTRIES

        programs: list[InstalledProgram] = []
        for root, view in (
            (winreg.HKEY_LOCAL_MACHINE, winreg.KEY_WOW64_64KEY),
            (winreg.HKEY_LOCAL_MACHINE, winreg.KEY_WOW64_32KEY),
            (winreg.HKEY_CURRENT_USER, 0),
        ):
            try:
                with winreg.OpenKey(root, _UNINSTALL, access=winreg.KEY_READ | view) as key:
                    count = min(winreg.QueryInfoKey(key)[0], MOST_ENTRIES - len(programs))
                    programs += [_read_program(key, winreg.EnumKey(key, number)) for number in range(count)]
            except OSError:
                # no such list, or an entry has just gone
                continue
        return tuple(programs)

    def launch(self, program: Path) -> None:
        """Start *program* as Explorer does, in its own folder."""
        _open_as_explorer(str(program), str(program.parent))

    def open_page(self, page: Path) -> None:
        """Open the file as Explorer does: a ``file:`` address fails where it has accents."""
        self.launch(page)

    def write_mail(self, address: str) -> None:
        """Open the address as Explorer does, in the folder of this program."""
        _open_as_explorer(check_mailto(address), os.path.dirname(sys.executable))

    def write_draft(self, recipient: str, subject: str, body: str, attachment: Path) -> bool:
        """Open it by Simple MAPI, and wait until the person sends or closes it."""
        from .windows_mail import write_draft

        return write_draft(recipient, subject, body, attachment)

    def show_file(self, file: Path) -> None:
        """Have Explorer open the folder and select the file."""
        # no list of arguments: Explorer wants its own quotation marks
        command = f'explorer.exe /select,"{file}"'
        # here, as the icon appears without it
        import subprocess

        try:
            subprocess.Popen(command, close_fds=True)
        except OSError as error:
            raise LaunchError(str(file)) from error

    def policy_folder(self, application: str) -> Path:
        """Ask Windows for the folder of all users' data (SHGetKnownFolderPath)."""
        # here, as the icon appears without them
        from pathlib import Path

        shell32, ole32 = ctypes.WinDLL("shell32"), ctypes.WinDLL("ole32")
        find = declare(shell32, "SHGetKnownFolderPath", ctypes.c_long, _POINTER, _DWORD, _HANDLE, _POINTER)
        release = declare(ole32, "CoTaskMemFree", None, _POINTER)
        place = ctypes.c_void_p()
        error = find(_PROGRAM_DATA, _KF_FLAG_DONT_VERIFY, None, ctypes.byref(place))
        try:
            if error or not place.value:
                raise ctypes.WinError(error)
            return Path(ctypes.wstring_at(place.value), application)
        finally:
            release(place)

    def is_local(self, path: str) -> bool:
        """Ask for the kind of its drive; one that is not there counts as local."""
        return _GetDriveType(f"{path[:2]}\\") != _DRIVE_REMOTE

    def has_rights(self) -> bool:
        """Ask whether the administrators are in this process's own token."""
        return bool(declare(ctypes.WinDLL("shell32"), "IsUserAnAdmin", _BOOL)())

    def session_id(self) -> str:
        """Return the number of the Windows session, one for each person logged on."""
        number = wintypes.DWORD()
        checked(_ProcessIdToSessionId(os.getpid(), ctypes.byref(number)))
        return str(number.value)

    def describe_system(self) -> str:
        """Return the version and build of Windows, and the version of Wine if it is Wine.

        Without ``platform``, which asks WMI: that takes a second and fails under Wine.
        """
        major, minor, build = sys.getwindowsversion().platform_version
        name = "11" if (major, build) >= (10, 22000) else str(major)
        text = f"Windows {name} ({major}.{minor}.{build})"
        try:
            wine_version = ctypes.CDLL("ntdll").wine_get_version
        except AttributeError:
            return text
        wine_version.restype = ctypes.c_char_p
        return f"{text}, Wine {wine_version().decode()}"


@contextmanager
def without_own_libraries() -> Iterator[None]:
    """Reset our folder of DLLs meanwhile: a child inherits it and must not load ours."""
    ours = ctypes.create_unicode_buffer(32768)
    _GetDllDirectory(len(ours), ours)
    _SetDllDirectory(None)
    try:
        yield
    finally:
        if ours.value:
            _SetDllDirectory(ours.value)


def _open_as_explorer(target: str, folder: str) -> None:
    """Start *target*, or what opens it, in *folder*. Raises ``LaunchError``."""
    with without_own_libraries():
        try:
            os.startfile(target, cwd=folder)  # noqa: S606 no shell is wanted
        except OSError as error:
            raise LaunchError(target) from error


def _start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    with_input: bool = False,
    apart: bool = False,
    flags: int = 0,
) -> ChildProcess:
    """Start a process without a console. Raises ``LaunchError``.

    In a virtual environment python.exe only starts the real one, whose number and window we need: the real
    one is started directly, as the standard library's multiprocessing does.
    """
    # here, as the icon appears without it
    import subprocess

    from .child import ChildProcess

    executable = None
    real = getattr(sys, "_base_executable", sys.executable)
    if arguments[0] == sys.executable != real:
        executable = real
        environment = {**environment, "__PYVENV_LAUNCHER__": sys.executable}
    try:
        return ChildProcess(
            arguments,
            environment,
            with_input=with_input,
            executable=executable,
            creation_flags=subprocess.CREATE_NO_WINDOW | flags,
            apart=apart,
        )
    except OSError as error:
        raise LaunchError(arguments[0]) from error


def _read_program(key: object, name: str) -> InstalledProgram:
    """Return the entry *name* below the open *key*; what it does not say is ""."""
    import winreg

    from iea_agent.domain.program_search import InstalledProgram

    texts = []
    with suppress(OSError), winreg.OpenKey(key, name) as entry:  # type: ignore[arg-type]
        for value in ("DisplayName", "DisplayIcon", "InstallLocation"):
            text: object = ""
            with suppress(OSError):
                text, _kind = winreg.QueryValueEx(entry, value)
            texts.append(text if isinstance(text, str) else "")
    return InstalledProgram(*(texts or [""]))


def _watch_addresses(on_change: Callable[[], None], stopped: int) -> None:
    """Report changes of IPv4 addresses until *stopped* is set; closes *stopped*."""
    library = ctypes.WinDLL("iphlpapi")
    request_pointer = ctypes.POINTER(_Overlapped)
    notify = declare(library, "NotifyAddrChange", _DWORD, _HANDLE_POINTER, request_pointer)
    cancel = declare(library, "CancelIPChangeNotify", _BOOL, request_pointer)
    changed = checked(_CreateEvent(None, False, False, None))
    events = (wintypes.HANDLE * 2)(stopped, changed)
    request = _Overlapped(hEvent=changed)

    def ask() -> None:
        error = notify(ctypes.byref(wintypes.HANDLE()), ctypes.byref(request))
        if error != _ERROR_IO_PENDING:
            raise ctypes.WinError(error)

    try:
        ask()
        while _WaitForMultipleObjects(2, events, False, _INFINITE) == 1:
            # first, so that no change is missed between two requests
            ask()
            on_change()
        if cancel(ctypes.byref(request)) and _WaitForSingleObject(changed, 1000) == 0:
            _CloseHandle(changed)
        else:
            _uncancelled.append(request)
    finally:
        _CloseHandle(stopped)
