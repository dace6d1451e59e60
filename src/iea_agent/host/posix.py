"""The host on Linux, for the developer, the tests and the agent without an icon."""

from __future__ import annotations

import fcntl
import os
import platform
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from . import Child, InstanceLock, LaunchError, check_mailto, folder_mark
from .child import ChildProcess

if TYPE_CHECKING:
    from iea_agent.domain.program_search import InstalledProgram

assert sys.platform != "win32"  # noqa: S101 mypy reads on only where this holds

_RTMGRP_LINK = 0x1  # linux/rtnetlink.h
_RTMGRP_IPV4_IFADDR = 0x10

_SIOCGIFCONF = 0x8912
_INTERFACE_SIZE = 40  # struct ifreq, 64 bits
_INTERFACES = 256

_STARTER = ThreadPoolExecutor(1, "child starter")
"""The one thread that starts all children, and lasts as long as the process."""


class PosixHost:
    """The services of Linux."""

    def acquire_lock(self, name: str, folder: str | os.PathLike[str]) -> InstanceLock | None:
        """Lock the file ``name.lock``; an abstract socket where no file can be written."""
        try:
            return self.lock_file(Path(folder, name))
        except OSError:
            return _lock_name(f"{name}-{folder_mark(os.path.realpath(folder))}-{os.getuid()}")

    def lock_file(self, path: Path) -> InstanceLock | None:
        """Lock a file with ``flock``; the kernel releases it when the process ends."""
        path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
        descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        # the file stays: deleting it would allow a second lock
        lock = ExitStack()
        lock.callback(os.close, descriptor)
        return lock

    def watch_network(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Watch the kernel's notices (rtnetlink) of links and IPv4 addresses.

        Not of IPv6: each router advertisement renews the addresses, a notice without a change.
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
                    # ENOBUFS: notices were lost, so there was a change
                    with suppress(OSError):
                        notices.recv(65536)
                    on_change()

        thread = threading.Thread(target=watch, name="network notices", daemon=True)
        thread.start()

        def stop() -> None:
            ours.close()
            thread.join(5)

        return stop

    def list_addresses(self) -> frozenset[str]:
        """Ask for the interfaces (netdevice(7), SIOCGIFCONF), and read the list of IPv6."""
        room = array("B", bytes(_INTERFACES * _INTERFACE_SIZE))
        question = struct.pack("iL", len(room), room.buffer_info()[0])
        addresses = set()
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            size, _ = struct.unpack("iL", fcntl.ioctl(control, _SIOCGIFCONF, question))
            starts = range(0, size, _INTERFACE_SIZE)
            addresses = {socket.inet_ntoa(room[start + 20 : start + 24].tobytes()) for start in starts}
        with suppress(OSError):
            lines = Path("/proc/net/if_inet6").read_text().splitlines()
            # address, interface, length of the prefix, scope
            columns = [line.split() for line in lines]
            addresses |= {column[0][:16] for column in columns if column[3] == "00"}
        return frozenset(address for address in addresses if not address.startswith("127."))

    def start_child(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, with_input: bool = False
    ) -> Child:
        """Start the child on the thread that starts all children.

        The kernel kills a child when the *thread* that started it ends (prctl(2),
        PR_SET_PDEATHSIG). ``setpriv`` (util-linux) asks for that signal and becomes the
        child, so no Python code runs between fork and exec.
        """
        program = shutil.which(arguments[0], path=environment.get("PATH", os.defpath))
        if program is None:
            raise LaunchError(arguments[0]) from FileNotFoundError(arguments[0])
        command = ["setpriv", "--pdeathsig", "KILL", "--", program, *arguments[1:]]
        try:
            return _STARTER.submit(ChildProcess, command, environment, with_input=with_input).result()
        except OSError as error:
            raise LaunchError(arguments[0]) from error

    def start_apart(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start it in a session of its own, apart from this terminal."""
        try:
            return ChildProcess(arguments, environment, with_input=False, apart=True)
        except OSError as error:
            raise LaunchError(arguments[0]) from error

    def allow_foreground(self, pid: int) -> None:
        """Do nothing: the system asks for no permission."""

    def raise_window(self, pid: int) -> bool:  # noqa: ARG002 the interface's
        """Return False: no dialog of ours runs here, and Wayland does not allow it."""
        return False

    def list_programs(self) -> tuple[InstalledProgram, ...]:
        """Return nothing: Impact emploi is a program for Windows."""
        return ()

    def launch(self, program: Path) -> None:
        """Start *program* in a session of its own, apart from this terminal."""
        null = subprocess.DEVNULL
        try:
            process = subprocess.Popen(
                [program], start_new_session=True, stdin=null, stdout=null, stderr=null
            )
        except OSError as error:
            raise LaunchError(str(program)) from error
        threading.Thread(target=process.wait, name=f"reaper of {process.pid}", daemon=True).start()

    def open_page(self, page: Path) -> None:
        """Have the standard library find a browser."""
        import webbrowser

        if not webbrowser.open(page.as_uri()):
            raise LaunchError(str(page))

    def write_mail(self, address: str) -> None:
        """Have the desktop choose the program: a browser would show a page."""
        opener = shutil.which("xdg-email") or shutil.which("xdg-open")
        if opener is None:
            raise LaunchError("xdg-email") from FileNotFoundError("xdg-email")
        self.start_apart([opener, check_mailto(address)], os.environ)

    def write_draft(self, recipient: str, subject: str, body: str, attachment: Path) -> bool:
        """Write the message to a file beside *attachment* and have the desktop open it."""
        from .mail_file import write_mail_file

        file = attachment.with_suffix(".eml")
        try:
            write_mail_file(file, recipient, subject, body, attachment)
        except OSError as error:
            raise LaunchError(str(file)) from error
        self._open_with_desktop(file)
        return False

    def show_file(self, file: Path) -> None:
        """Show the folder: desktops have no common way to select a file in it."""
        self._open_with_desktop(file.parent)

    def _open_with_desktop(self, path: Path) -> None:
        opener = shutil.which("xdg-open")
        if opener is None:
            raise LaunchError("xdg-open") from FileNotFoundError("xdg-open")
        self.start_apart([opener, str(path)], os.environ)

    def policy_folder(self, application: str) -> Path:
        """Return the folder below /etc/xdg, where only root may write."""
        return Path("/etc/xdg", application)

    def is_local(self, path: str) -> bool:  # noqa: ARG002 the interface's
        """Return True: here a share is a folder like others."""
        return True

    def has_rights(self) -> bool:
        """Return whether this is root."""
        return os.geteuid() == 0

    def session_id(self) -> str:
        """Return the user's number: a socket belongs to a user, not to a terminal."""
        return str(os.getuid())

    def describe_system(self) -> str:
        """Return distribution, kernel and processor."""
        try:
            distribution = platform.freedesktop_os_release()["PRETTY_NAME"]
        except (OSError, KeyError):
            distribution = "POSIX"
        system = os.uname()
        return f"{distribution}, {system.sysname} {system.release}, {system.machine}"


def _lock_name(name: str) -> InstanceLock | None:
    """Hold the abstract socket *name*, which needs no disk; None if another holds it."""
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        holder.bind(f"\0iea-agent-lock-{name}")
    except OSError:
        holder.close()
        return None
    return holder
