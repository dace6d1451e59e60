"""The agent's socket on Linux: a file that only its user can connect to."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

assert sys.platform != "win32"  # noqa: S101 mypy reads on only where this holds

BACKLOG = 128
LONGEST_PATH = 107
"""Bytes of an address (unix(7), ``sun_path``)."""


class SocketWire:
    """One end of a connection; each message is one packet."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection

    def send(self, message: bytes, seconds: float) -> None:
        self._socket.settimeout(max(seconds, 0.001))
        self._socket.send(message)

    def receive(self, limit: int, seconds: float | None) -> bytes:
        self._socket.settimeout(None if seconds is None else max(seconds, 0.001))
        message, _, flags, _ = self._socket.recvmsg(limit)
        if flags & socket.MSG_TRUNC:
            raise OSError(errno.EMSGSIZE, os.strerror(errno.EMSGSIZE))
        if not message:
            raise EOFError
        return message

    def has_left(self) -> bool:
        waiting = select.poll()
        try:
            waiting.register(self._socket, select.POLLIN)
            return bool(waiting.poll(0)) and not self._socket.recv(1, socket.MSG_PEEK)
        except (OSError, ValueError):
            # closed
            return True

    def abort(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._socket.close()

    def is_own(self) -> bool:
        """Return whether the other end is a process of the same user (SO_PEERCRED)."""
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        _pid, user, _group = struct.unpack("3i", credentials)
        return bool(user == os.geteuid())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class SocketListener:
    """Listens at the file *address*, which only its user may use from the start."""

    def __init__(self, address: str) -> None:
        self.address = address
        Path(address).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _delete_dead(Path(address))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            # before the file is born, which has the mode of its socket
            os.fchmod(self._socket.fileno(), 0o600)
            with _shorten(address) as short:
                self._socket.bind(short)
            self._socket.listen(BACKLOG)
            self._identity = _identify(address)
        except OSError:
            self._socket.close()
            raise

    def accept(self) -> SocketWire:
        while True:
            connection, _ = self._socket.accept()
            wire = SocketWire(connection)
            if wire.is_own():
                return wire
            wire.close()

    def is_reachable(self) -> bool:
        return _identify(self.address) == self._identity

    def close(self) -> None:
        if self.is_reachable():
            with suppress(OSError):
                os.unlink(self.address)
        # wakes the thread that waits in accept
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def name_channel(folder: Path, name: str) -> str:
    """Return a file in *folder*: an abstract name would be open to every user."""
    return str(folder / f"channel-{name}.socket")


def listen(address: str) -> SocketListener:
    """Listen at the file *address*. Raises ``OSError``."""
    return SocketListener(address)


def connect(address: str, seconds: float) -> SocketWire:
    """Connect to the agent at *address*, a process of the same user.

    Raises ``OSError``: ``FileNotFoundError`` or ``ConnectionRefusedError`` where nobody listens.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    wire = SocketWire(connection)
    try:
        with _shorten(address) as short:
            _connect(connection, short, time.monotonic() + seconds)
        if not wire.is_own():
            raise PermissionError(errno.EPERM, "another user listens there", address)
    except BaseException:
        wire.close()
        raise
    return wire


def _connect(connection: socket.socket, address: str, deadline: float) -> None:
    """Connect by *deadline*, though others may wait there. Raises ``OSError``."""
    while True:
        try:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))
            connection.connect(address)
            return
        except BlockingIOError:
            # as many wait as may
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT), address) from None
            time.sleep(0.02)


@contextmanager
def _shorten(address: str) -> Iterator[str]:
    """Yield *address*, by way of an open folder if it is too long for a socket."""
    path = Path(address)
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield address
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def _identify(address: str) -> tuple[int, int] | None:
    """Return what tells the file from a later one of its name, None without one."""
    try:
        status = os.lstat(address)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _delete_dead(path: Path) -> None:
    """Delete the sockets of killed agents of the same session: nobody listens there."""
    session, _, _ = path.stem.rpartition("-")
    for old in path.parent.glob(f"{session}-*{path.suffix}"):
        if not old.is_socket():
            continue
        try:
            connect(str(old), 1.0).close()
        except ConnectionRefusedError:
            with suppress(OSError):
                old.unlink()
        except OSError:
            # it lives
            continue
