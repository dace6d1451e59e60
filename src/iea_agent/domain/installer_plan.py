"""How an installer is started: program, arguments, rights. And when by itself.

Impact emploi's own installer is in charge of its rights: the agent only asks Windows to start it as its scope needs. The agent's own setup installs for
whom the agent is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .installer_result import NO_CODE
from .state_values import parse_count, parse_time
from .update_catalogue import (
    LARGEST_EXIT_CODE,
    CatalogueError,
    InstallerType,
    Release,
    ReleaseKind,
    Scope,
    parse_release,
)

WINDOWS_INSTALLER = "msiexec.exe"
"""What opens an MSI; it lies in the folder of the system."""
_FOR_ALL_USERS = "/ALLUSERS"
LARGEST_PROCESS = 2**64


@dataclass(frozen=True, slots=True)
class InstallerPlan:
    """A command for Windows to start.

    *is_elevated* asks for an administrator in any case; without it the program's own manifest decides.
    """

    program: str
    arguments: tuple[str, ...]
    is_elevated: bool


def plan_installer(release: Release, file: str, log_file: str, scope: Scope | None) -> InstallerPlan:
    """Return how the *file* of *release* is started.

    *scope* is for whom the agent itself is installed, None if by no setup of ours; it counts for a version of the agent only. An
    MSI writes *log_file*, and never restarts the PC.
    """
    arguments = release.installer.arguments
    wanted = release.installer.scope
    if release.kind is ReleaseKind.AGENT and scope is not None:
        wanted = scope
        if scope is Scope.MACHINE and _FOR_ALL_USERS not in arguments:
            arguments = (*arguments, _FOR_ALL_USERS)
    is_elevated = wanted is Scope.MACHINE
    if release.installer.type is InstallerType.MSI:
        whole = ("/i", file, "/L*v", log_file, *arguments, "/norestart")
        return InstallerPlan(WINDOWS_INSTALLER, whole, is_elevated)
    return InstallerPlan(file, arguments, is_elevated)


def is_share(path: str) -> bool:
    r"""Return whether *path* is that of a share, as ``\\SERVER\share``."""
    return path.startswith("\\\\?\\UNC\\") or (path.startswith("\\\\") and path[2:4] not in ("?\\", ".\\"))


@dataclass(frozen=True, slots=True)
class QuietMoment:
    """What goes on at the agent now: how many windows, and whether it is in use."""

    open_windows: int
    is_assisting: bool
    is_connecting: bool

    @property
    def is_quiet(self) -> bool:
        """Whether nobody would notice a second without an icon."""
        return not (self.open_windows or self.is_assisting or self.is_connecting)


def may_install_by_itself(scope: Scope | None, moment: QuietMoment) -> bool:
    """Return whether the agent may install its own update now, without a click.

    *scope* is for whom our setup has installed it. For all users it needs an administrator, so a click. None: the MSI, which only an
    administrator replaces, or no installation.
    """
    return scope is Scope.USER and moment.is_quiet


@dataclass(frozen=True, slots=True)
class InstallerRecord:
    """An installer that was started, as it is saved before and after.

    *pid* and *born* (the system's own count) name its process, 0 until it runs. *exit_code* is noted at its end. *took* is how long
    the last whole one took, in seconds, 0 if unknown.
    """

    release: Release
    file: str
    log_file: str = ""
    started: float = 0.0
    pid: int = 0
    born: int = 0
    exit_code: int = NO_CODE
    ended: float = 0.0
    took: float = 0.0
    before: str = ""

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        names = ("file", "log_file", "started", "pid", "born", "exit_code", "ended", "took", "before")
        return {"release": self.release.to_document(), **{name: getattr(self, name) for name in names}}


def parse_installer_record(document: Mapping[str, object]) -> InstallerRecord:
    """Parse a saved record. Raises ``ValueError`` if it is impossible."""
    texts = [document.get(name) for name in ("file", "log_file", "before")]
    if not all(isinstance(text, str) and len(text) < 1000 and text.isprintable() for text in texts):
        raise ValueError("file: a text expected")
    file, log_file, before = map(str, texts)
    try:
        release = parse_release(document.get("release"))
    except CatalogueError as error:
        raise ValueError(str(error)) from None
    return InstallerRecord(
        release,
        file,
        log_file,
        parse_time(document, "started"),
        parse_count(document, "pid", 0, LARGEST_PROCESS),
        parse_count(document, "born", 0, LARGEST_PROCESS),
        parse_count(document, "exit_code", NO_CODE, LARGEST_EXIT_CODE),
        parse_time(document, "ended"),
        parse_time(document, "took"),
        before,
    )
