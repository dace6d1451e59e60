"""The host where there is no Windows: Linux, for the developer, the tests and the headless agent."""

from __future__ import annotations

import fcntl
import os
import platform
import select
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from . import Child, Claim, LaunchError
from .child import ChildProcess

assert sys.platform != "win32"  # noqa: S101 mypy reads on only where this holds

_RTMGRP_LINK = 0x1  # linux/rtnetlink.h
_RTMGRP_IPV4_IFADDR = 0x10


class Posix:
    """What ``Host`` promises, with Linux's means."""

    def __init__(self) -> None:
        self._starter: SimpleQueue[Callable[[], None]] | None = None

    def claim(self, name: str, folder: str | os.PathLike[str]) -> Claim | None:
        """A lock of the whole file ``name.lock``: the kernel lets go of it when the process ends."""
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor = os.open(
            os.path.join(folder, f"{name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return _LockedFile(descriptor)

    def watch_network(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """The kernel's own notices (rtnetlink) of links and IPv4 addresses.

        IPv6 is left out: each router advertisement renews the addresses, which is a notice and no change.
        """
        notices = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        notices.bind((0, _RTMGRP_LINK | _RTMGRP_IPV4_IFADDR))
        ours, theirs = socket.socketpair()

        def watch() -> None:
            with notices, theirs:
                while True:
                    ready, _, _ = select.select([notices, theirs], [], [])
                    if theirs in ready:
                        return
                    with suppress(OSError):  # ENOBUFS: notices were lost, which is a change all the same
                        notices.recv(65536)
                    on_change()

        thread = threading.Thread(target=watch, name="network notices", daemon=True)
        thread.start()

        def stop() -> None:
            ours.close()
            thread.join(5)

        return stop

    def start_child(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_exit: Callable[[int], None] | None = None,
        *,
        listening: bool = False,
    ) -> Child:
        """The kernel kills the child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG): one thread of ours starts them all.

        ``setpriv`` (util-linux) asks for the signal and becomes the child: no Python code runs between fork and exec.
        """
        program = shutil.which(arguments[0], path=environment.get("PATH", os.defpath))
        if program is None:
            raise LaunchError(arguments[0]) from FileNotFoundError(arguments[0])
        answer: SimpleQueue[subprocess.Popen[bytes] | OSError] = SimpleQueue()

        def start() -> None:
            try:
                answer.put(
                    subprocess.Popen(
                        ["setpriv", "--pdeathsig", "KILL", "--", program, *arguments[1:]],
                        env=dict(environment),
                        stdin=subprocess.PIPE if listening else subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
            except OSError as error:
                answer.put(error)

        if self._starter is None:
            self._starter = SimpleQueue()
            threading.Thread(
                target=_run_for_ever, args=(self._starter,), name="child starter", daemon=True
            ).start()
        self._starter.put(start)
        started = answer.get()
        if isinstance(started, OSError):
            raise LaunchError(arguments[0]) from started
        return ChildProcess(started, on_exit)

    def let_to_the_front(self, pid: int) -> None:
        """Nobody has to be asked here."""

    def raise_window(self, pid: int) -> bool:  # noqa: ARG002 the interface's
        """No dialog of ours runs here, and Wayland lets nobody do it."""
        return False

    def launch(self, program: Path) -> None:
        """A session of its own: neither our end nor our terminal's reaches it."""
        null = os.devnull
        try:
            pid = os.posix_spawn(
                program,
                [str(program)],
                os.environ,
                setsid=True,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, null, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, null, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, null, os.O_WRONLY, 0),
                ],
            )
        except OSError as error:
            raise LaunchError(str(program)) from error
        threading.Thread(target=os.waitpid, args=(pid, 0), name=f"reaper of {pid}", daemon=True).start()

    def session(self) -> str:
        """The user's number: a socket is the person's, not the terminal's."""
        return str(os.getuid())

    def description(self) -> str:
        """Distribution, kernel, processor."""
        try:
            distribution = platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            distribution = "POSIX"
        system = os.uname()
        return f"{distribution}, {system.sysname} {system.release}, {system.machine}"


class _LockedFile:
    """A claim: an open file that is locked."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        """Close the file, and with it the lock. The file stays: removing it would let two processes lock two files of one name."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _run_for_ever(tasks: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        tasks.get()()
