"""Services of the operating system behind one contract, ``Host``.

``windows.py`` and ``posix.py`` fulfil it. Importing this module opens no file and loads
no library.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.program_search import InstalledProgram
    from iea_agent.domain.wires import Wire, WireListener


class NotTrustedError(OSError):
    """Somebody who is no administrator may have written a file, or its folder."""


class LaunchError(Exception):
    """*program* could not be started; the system's ``OSError`` is the cause."""

    def __init__(self, program: str) -> None:
        super().__init__(program)
        self.program = program


class InstanceLock(Protocol):
    """A lock that one process holds, until it closes the lock or ends in any way."""

    def close(self) -> None:
        """Release the lock; a second call does nothing."""


class Child(Protocol):
    """A process that this one has started."""

    @property
    def pid(self) -> int:
        """The number of the process."""

    def is_running(self) -> bool:
        """Return whether it still runs; never waits."""

    def wait(self, timeout: float) -> int | None:
        """Return its exit code, None if it still runs after *timeout* seconds."""

    def send_line(self, line: str) -> bool:
        """Write *line* to its standard input; False if it has ended."""

    def kill(self) -> None:
        """End it at once, if it has not ended, without asking it."""


class Host(Protocol):
    """The services of the operating system."""

    def acquire_lock(self, name: str, folder: str | os.PathLike[str]) -> InstanceLock | None:
        """Lock *name* for the installation with *folder*, None if it is locked.

        On Windows it is this session's lock. It holds without a disk that can be written.
        """

    def lock_file(self, path: Path) -> InstanceLock | None:
        """Lock *path* for all sessions on this PC, None if it is locked.

        The file lies beside it, with ``.lock`` added. Raises ``OSError``.
        """

    def watch_network(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call *on_change* at each change of the machine's network addresses.

        It is called on a thread of its own, and several times for one change of Wi-Fi. The
        returned function ends the watching and waits for its end.
        """

    def list_addresses(self) -> frozenset[str]:
        """Return the IPv4 addresses and the IPv6 networks of this machine, but loopback.

        Of IPv6 only the network: a computer changes its address in it each day.
        """

    def start_child(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, with_input: bool = False
    ) -> Child:
        """Start a child without a console, which may bring its window to the front.

        It has no standard streams but, *with_input*, an input for ``Child.send_line``. The
        processes that it starts do not end with it. Raises ``LaunchError``.
        """

    def start_apart(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Child:
        """Start a process without a console or streams that outlives this one.

        Raises ``LaunchError``.
        """

    def allow_foreground(self, pid: int) -> None:
        """Allow process *pid* to bring its window to the front, after a click of the user."""

    def raise_window(self, pid: int) -> bool:
        """Bring the window of process *pid* to the front; False if that is impossible."""

    def list_programs(self) -> tuple[InstalledProgram, ...]:
        """Return what the system lists as installed, ``MOST_ENTRIES`` at most."""

    def launch(self, program: Path) -> None:
        """Start *program* so that it outlives this process. Raises ``LaunchError``."""

    def open_page(self, page: Path) -> None:
        """Show an HTML file in the person's browser. Raises ``LaunchError``."""

    def write_mail(self, address: str) -> None:
        """Open a ``mailto:`` *address* in the person's mail program.

        Raises ``LaunchError``, and ``ValueError`` for an address of another kind.
        """

    def write_draft(self, recipient: str, subject: str, body: str, attachment: Path) -> bool:
        """Open a message with *attachment* in the person's mail program.

        Returns whether it was sent, as far as that is known; on Windows it waits for that. Raises ``LaunchError``.
        """

    def show_file(self, file: Path) -> None:
        """Show *file*, selected, in the program for folders. Raises ``LaunchError``."""

    def policy_folder(self, application: str) -> Path:
        """Return the machine's folder of *application*, whatever the environment says."""

    def is_local(self, path: str) -> bool:
        """Return whether the complete *path* is on a disk of this machine."""

    def has_rights(self) -> bool:
        """Return whether this process has the rights of an administrator already."""

    def session_id(self) -> str:
        """Return the identifier of the user's session, for the name of the channel."""

    def describe_system(self) -> str:
        """Return the system and its version in one line."""


class LocalWires(Protocol):
    """Connections between processes of the same user on this PC."""

    def name_channel(self, folder: Path, name: str) -> str:
        """Return the address of the channel *name*; *folder* is private.

        *name* is the session, a hyphen, and what tells this channel from earlier ones.
        """

    def listen(self, address: str) -> WireListener:
        """Listen for processes of the same user on this PC.

        Raises ``OSError``, for an address that is taken, too.
        """

    def connect(self, address: str, seconds: float) -> Wire:
        """Connect within *seconds* to a process of the same user.

        Raises ``OSError``: ``FileNotFoundError`` or ``ConnectionRefusedError`` where nobody listens.
        """


def current_wires() -> LocalWires:
    """Return how processes on this PC speak to each other."""
    if sys.platform == "win32":
        from . import windows_pipe

        return windows_pipe
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        from . import posix_socket

        return posix_socket


def current_host() -> Host:
    """Return the host that this program runs on."""
    if sys.platform == "win32":
        from .windows import WindowsHost

        return WindowsHost()
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        from .posix import PosixHost

        return PosixHost()


def folder_mark(folder: str | os.PathLike[str]) -> str:
    """Return eight letters and digits that identify *folder*.

    They tell installations apart where the system has one name space for all. A checksum
    is enough, and hashlib would load OpenSSL before the icon appears.
    """
    # a name on Linux may be no text
    path = os.path.normcase(os.path.abspath(folder)).encode("utf-8", "surrogatepass")
    return f"{zlib.crc32(path):08x}"


def check_mailto(address: str) -> str:
    """Return *address* if it is one of a message. Raises ``ValueError``.

    The system would start a program by it, too.
    """
    if not address.startswith("mailto:"):
        raise ValueError(address[:40])
    return address


def is_offline() -> bool:
    """Return whether this machine has no default route, by IPv4 or IPv6.

    Takes no time and sends nothing: connecting a datagram socket only looks for a route.
    """
    # here, as the icon appears without it
    import socket

    for family, address in ((socket.AF_INET, "198.41.0.4"), (socket.AF_INET6, "2001:503:ba3e::2:30")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))
                return False
        except OSError:
            # no route by this family, or the family is switched off
            continue
    return True
