"""The agent's named pipe on Windows: for its own user, on this PC alone.

The calls are those of ``_winapi``, with which the standard library's multiprocessing does the same.
"""

from __future__ import annotations

import ctypes
import errno
import os
import sys
import threading
import time
from contextlib import suppress
from ctypes import wintypes
from pathlib import Path
from types import TracebackType
from typing import Self

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

import _winapi  # noqa: E402

from .windows import checked, declare  # noqa: E402
from .windows_private import describe_private  # noqa: E402
from .windows_security import parse_rights, process_user_sid, user_sid  # noqa: E402

# CreateNamedPipeW, dwOpenMode
FIRST_INSTANCE = 0x00080000
"""FILE_FLAG_FIRST_PIPE_INSTANCE: refuses a name that exists (not under Wine)."""
PIPE_ACCESS = _winapi.PIPE_ACCESS_DUPLEX | _winapi.FILE_FLAG_OVERLAPPED
# CreateNamedPipeW, dwPipeMode
REJECT_REMOTE_CLIENTS = 0x00000008
PIPE_MODE = _winapi.PIPE_TYPE_MESSAGE | _winapi.PIPE_READMODE_MESSAGE | REJECT_REMOTE_CLIENTS
# CreateFileW, dwFlagsAndAttributes
IDENTIFICATION = 0x00100000 | 0x00010000
"""SECURITY_SQOS_PRESENT, SECURITY_IDENTIFICATION: who listens may not act as the client."""
CLIENT_FLAGS = _winapi.FILE_FLAG_OVERLAPPED | IDENTIFICATION
LARGEST_BUFFER = 65_536
_WAIT_TIMEOUT = 258
_ERROR_BROKEN_PIPE = 109
_ERROR_SEM_TIMEOUT = 121
_ERROR_PIPE_BUSY = 231
_ERROR_NO_DATA = 232
_ERROR_PIPE_NOT_CONNECTED = 233
_ERROR_MORE_DATA = 234
_ERROR_OPERATION_ABORTED = 995
_ENDS = (_ERROR_BROKEN_PIPE, _ERROR_NO_DATA, _ERROR_PIPE_NOT_CONNECTED)

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_DisconnectNamedPipe = declare(_kernel32, "DisconnectNamedPipe", wintypes.BOOL, wintypes.HANDLE)
_GetNamedPipeServerProcessId = declare(
    _kernel32, "GetNamedPipeServerProcessId", wintypes.BOOL, wintypes.HANDLE, ctypes.POINTER(wintypes.ULONG)
)


class PipeWire:
    """One end of a connection; the pipe keeps messages apart."""

    def __init__(self, handle: int, *, serves: bool) -> None:
        self._handle: int | None = handle
        self._serves = serves
        self._closing = threading.Lock()

    def send(self, message: bytes, seconds: float) -> None:
        overlapped, _ = _winapi.WriteFile(self._open_handle(), message, overlapped=True)
        sent, error = _finish(overlapped, seconds)
        if error or sent != len(message):
            raise OSError(errno.EIO, "not sent whole")

    def receive(self, limit: int, seconds: float | None) -> bytes:
        try:
            overlapped, _ = _winapi.ReadFile(self._open_handle(), limit, overlapped=True)
            _, error = _finish(overlapped, seconds)
        except OSError as failure:
            if failure.winerror in _ENDS:
                raise EOFError from failure
            raise
        if error == _ERROR_MORE_DATA:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        message = bytes(overlapped.getbuffer() or b"")
        if not message:
            raise EOFError
        return message

    def has_left(self) -> bool:
        with self._closing:
            try:
                _winapi.PeekNamedPipe(self._open_handle())
            except OSError:
                return True
        return False

    def abort(self) -> None:
        # under the lock: a number that was closed may be another's by now
        with self._closing:
            if self._handle is not None and self._serves:
                _DisconnectNamedPipe(self._handle)

    def close(self) -> None:
        with self._closing:
            handle, self._handle = self._handle, None
            if handle is not None:
                _winapi.CloseHandle(handle)

    def check_server(self) -> None:
        """Raise ``OSError`` unless the pipe was made by a process of our own user."""
        process_id = wintypes.ULONG()
        checked(_GetNamedPipeServerProcessId(self._open_handle(), ctypes.byref(process_id)))
        if process_user_sid(process_id.value) != user_sid():
            raise PermissionError(errno.EPERM, "another user's pipe")

    def _open_handle(self) -> int:
        if self._handle is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return self._handle

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _finish(overlapped: _winapi.Overlapped, seconds: float | None) -> tuple[int, int]:
    """Wait for *overlapped*; return its bytes and its error, 0 or that there is more.

    Raises ``OSError``: ``TimeoutError`` after *seconds*. No request is left under way.
    """
    wait = _winapi.INFINITE if seconds is None else max(int(seconds * 1000), 1)
    try:
        if _winapi.WaitForMultipleObjects([overlapped.event], False, wait) == _WAIT_TIMEOUT:
            overlapped.cancel()
    except BaseException:
        overlapped.cancel()
        raise
    finally:
        size, error = overlapped.GetOverlappedResult(True)
    if error == _ERROR_OPERATION_ABORTED:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    return size, error


class PipeListener:
    """Listens at the pipe *address*, of which one more instance than clients exists."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._rights = describe_private(user_sid())
        self._closed = False
        self._next: int | None = self._make(FIRST_INSTANCE)

    def _make(self, more: int = 0) -> int:
        with parse_rights(self._rights) as attributes:
            return _winapi.CreateNamedPipe(
                *(self.address, PIPE_ACCESS | more, PIPE_MODE, _winapi.PIPE_UNLIMITED_INSTANCES),
                *(LARGEST_BUFFER, LARGEST_BUFFER, 0, ctypes.addressof(attributes)),
            )

    def accept(self) -> PipeWire:
        handle = self._make() if self._next is None else self._next
        self._next = None
        wire = PipeWire(handle, serves=True)
        try:
            _wait_for_client(handle)
            if self._closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            # before this client is served: the next one finds an instance
            with suppress(OSError):
                self._next = self._make()
        except BaseException:
            wire.close()
            raise
        return wire

    def is_reachable(self) -> bool:
        return not self._closed

    def close(self) -> None:
        self._closed = True
        # a client wakes the thread that waits in accept
        with suppress(OSError):
            connect(self.address, 0.5).close()
        handle, self._next = self._next, None
        if handle is not None:
            _winapi.CloseHandle(handle)


def _wait_for_client(handle: int) -> None:
    """Wait for a client of this instance. Raises ``OSError``."""
    try:
        _finish(_winapi.ConnectNamedPipe(handle, overlapped=True), None)
    except OSError as error:
        # it came and has left already: whoever reads is told
        if error.winerror != _ERROR_NO_DATA:
            raise


def name_channel(_folder: Path, name: str) -> str:
    """Return the name of a pipe; pipes lie in no folder."""
    return rf"\\.\pipe\iea-agent-{name}"


def listen(address: str) -> PipeListener:
    """Listen at the pipe *address*. Raises ``OSError``."""
    return PipeListener(address)


def connect(address: str, seconds: float) -> PipeWire:
    """Connect to the agent at *address*, a process of the same user.

    Raises ``OSError``: ``FileNotFoundError`` where nobody listens.
    """
    deadline = time.monotonic() + seconds
    while (handle := _open_pipe(address, max(deadline - time.monotonic(), 0.001))) is None:
        if time.monotonic() >= deadline:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), address)
    wire = PipeWire(handle, serves=False)
    try:
        wire.check_server()
        _winapi.SetNamedPipeHandleState(handle, _winapi.PIPE_READMODE_MESSAGE, None, None)
    except BaseException:
        wire.close()
        raise
    return wire


def _open_pipe(address: str, seconds: float) -> int | None:
    """Return an open instance of the pipe, None if all are taken for *seconds*."""
    access = _winapi.GENERIC_READ | _winapi.GENERIC_WRITE
    try:
        _winapi.WaitNamedPipe(address, max(int(seconds * 1000), 1))
        return _winapi.CreateFile(address, access, 0, 0, _winapi.OPEN_EXISTING, CLIENT_FLAGS, 0)
    except OSError as error:
        if error.winerror in (_ERROR_SEM_TIMEOUT, _ERROR_PIPE_BUSY):
            return None
        raise
