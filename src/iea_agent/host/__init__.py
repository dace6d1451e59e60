"""Where we run: what the agent asks of the machine, and the choice between the two answers (``windows.py`` and ``posix.py``).

Importing this is cheap: no file, no library is loaded before something is asked.
"""

from __future__ import annotations

import os
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class LaunchError(Exception):
    """A program could not be started. *program* is what was to be started; the system's ``OSError`` is the cause."""

    def __init__(self, program: str) -> None:
        super().__init__(program)
        self.program = program


class Claim(Protocol):
    """The right to be the only one, until it is closed or the process ends, however it ends."""

    def close(self) -> None:
        """Give it up. A second call does nothing."""
        ...


class Child(Protocol):
    """A process of ours that ends at the latest with us."""

    @property
    def pid(self) -> int:
        """The process's number."""
        ...

    def alive(self) -> bool:
        """Whether it still runs. Never waits."""
        ...

    def wait(self, timeout: float) -> int | None:
        """Its exit code, after at most *timeout* seconds; None while it runs."""
        ...

    def tell(self, line: str) -> bool:
        """Write *line* to the standard input of a child that was started listening; False where it has ended. Once only: the input is closed then."""
        ...

    def stop(self) -> None:
        """End it at once, without asking it. A process that has ended already is left in peace."""
        ...


class Host(Protocol):
    """The machine's services that differ from one system to another."""

    def claim(self, name: str, folder: str | os.PathLike[str]) -> Claim | None:
        """The claim of *name* for the installation that keeps its state in *folder*; None where somebody of this session has it.

        Windows has one for each session, so that two people logged on have an agent each; elsewhere the folder is the person's own.
        """
        ...

    def watch_network(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call *on_change*, on a thread of its own, at each change of this machine's network addresses; the answer stops it and waits for it.

        The notices are raw: one change of Wi-Fi may give several.
        """
        ...

    def start_child(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        on_exit: Callable[[int], None] | None = None,
        *,
        listening: bool = False,
    ) -> Child:
        """Start a process that dies with this one, may come to the foreground, and has no console and no standard streams.

        One that is to be *listening* has a standard input, for ``Child.tell``.
        *on_exit* is called with the exit code, on a thread of its own. What the child itself starts is on its own. Raises ``LaunchError``.
        """
        ...

    def let_to_the_front(self, pid: int) -> None:
        """Allow process *pid* to bring its window to the front, where a person's click has come between its start and its window."""
        ...

    def raise_window(self, pid: int) -> bool:
        """Bring the window of process *pid* to the front; False where it shows none (or where the system lets nobody do so)."""
        ...

    def launch(self, program: Path) -> None:
        """Start *program* as a double click would: it outlives this process. Raises ``LaunchError``."""
        ...

    def session(self) -> str:
        """What tells this person's session from the others of the machine: the name of a pipe or socket carries it."""
        ...

    def description(self) -> str:
        """The system and its version, in one line, for the diagnosis."""
        ...


def here() -> Host:
    """The host this program runs on."""
    if sys.platform == "win32":
        from .windows import Windows

        return Windows()
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        from .posix import Posix

        return Posix()


def mark(folder: str | os.PathLike[str]) -> str:
    """Eight letters and digits for *folder*, to tell things of one installation from another's where the system has one name space for all.

    A checksum will do, and hashlib would load OpenSSL before the icon is shown.
    """
    return f"{zlib.crc32(os.path.normcase(os.path.abspath(folder)).encode()):08x}"


def no_network() -> bool:
    """Whether this machine has no way out at all, neither by IPv4 nor by IPv6; it takes no time and sends nothing.

    Connecting a datagram socket only looks for a route. The addresses are public, so that it is the default route that is looked for.
    """
    import socket  # here: the icon is shown without it

    for family, address in ((socket.AF_INET, "198.41.0.4"), (socket.AF_INET6, "2001:503:ba3e::2:30")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))
                return False
        except OSError:
            continue  # no route by this family, or the family is switched off
    return True
