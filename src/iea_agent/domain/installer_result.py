"""What the end of an installer means: its exit code, and the version afterwards.

The code alone proves nothing. An installer that says « done » and leaves the old version behind is reported as not confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum

from . import timing
from .program_version import order_version
from .state_values import parse_count, parse_list
from .update_catalogue import LARGEST_EXIT_CODE, Installer, InstallerType, Release, ReleaseKind
from .update_machine import (
    FileLost,
    InstallConfirmed,
    InstallerBusy,
    InstallerRefused,
    InstallFailed,
    UpdateEvent,
)

NO_CODE = -1
"""The exit code of an installer whose end nobody saw."""
LONGEST_TEXT = 500
MOST_PROGRAMS = 20


class InstallResult(Enum):
    """How an installation ended, or why it did not begin."""

    DONE = "done"
    RESTART = "restart"
    """Done, and the PC has to be restarted some time."""
    RESTART_FIRST = "restart-first"
    """The version will be there once the PC has been restarted, says the installer."""
    UNCONFIRMED = "unconfirmed"
    """The installer says that it is done, and the version is not there."""
    BUSY = "busy"
    BUSY_TOO_LONG = "busy-too-long"
    RIGHTS_REFUSED = "rights-refused"
    CANCELLED = "cancelled"
    PROGRAM_OPEN = "program-open"
    NEWER_THERE = "newer-there"
    FILE_LOST = "file-lost"
    NOT_STARTED = "not-started"
    FAILED = "failed"
    STILL_RUNNING = "still-running"
    """Nobody watches it any more; it goes on."""


class ExitMeaning(Enum):
    """What an exit code means, before anybody has looked for the version."""

    SUCCESS = "success"
    REBOOT = "reboot"
    BUSY = "busy"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    FAILURE = "failure"


# winerror.h
_CANCELLED_BY_PERSON, _ELEVATION_REQUIRED = 1223, 740
_ANY_INSTALLER: Mapping[int, ExitMeaning] = {
    _CANCELLED_BY_PERSON: ExitMeaning.REFUSED,
    _ELEVATION_REQUIRED: ExitMeaning.REFUSED,
}
_WINDOWS_INSTALLER: Mapping[int, ExitMeaning] = {
    # ERROR_INSTALL_USEREXIT, ERROR_INSTALL_PACKAGE_REJECTED
    1602: ExitMeaning.CANCELLED,
    1625: ExitMeaning.REFUSED,
}
_OWN_SETUP: Mapping[int, ExitMeaning] = {
    # docs/administration.md: cancelled by the person, an agent or a setup that runs, an administrator needed
    1: ExitMeaning.CANCELLED,
    5: ExitMeaning.BUSY,
    8: ExitMeaning.REFUSED,
}
# what Windows says if it does not start a program: ERROR_FILE_NOT_FOUND, ERROR_PATH_NOT_FOUND, and as above
_NOT_STARTED: Mapping[int, InstallResult] = {
    2: InstallResult.FILE_LOST,
    3: InstallResult.FILE_LOST,
    _CANCELLED_BY_PERSON: InstallResult.RIGHTS_REFUSED,
    _ELEVATION_REQUIRED: InstallResult.RIGHTS_REFUSED,
}


@dataclass(frozen=True, slots=True)
class InstallReport:
    """How the installation of *version* ended.

    *exit_code* is ``NO_CODE`` if none is there, *installed* the version found afterwards, "" for none. *open_programs* have to be closed
    first. *log_file* is what Windows Installer wrote.
    """

    result: InstallResult
    version: str
    exit_code: int = NO_CODE
    installed: str = ""
    seconds: float = 0.0
    open_programs: tuple[str, ...] = ()
    log_file: str = ""

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {**values, "result": self.result.value, "open_programs": list(self.open_programs)}


def parse_install_report(document: Mapping[str, object]) -> InstallReport:
    """Parse a saved report. Raises ``ValueError`` if it is impossible."""
    seconds = document.get("seconds")
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not 0 <= seconds < 1e9:
        raise ValueError("seconds: a number expected")
    programs = parse_list(document, "open_programs", MOST_PROGRAMS)
    return InstallReport(
        InstallResult(document.get("result")),
        _check_text(document.get("version")),
        parse_count(document, "exit_code", NO_CODE, LARGEST_EXIT_CODE),
        _check_text(document.get("installed")),
        float(seconds),
        tuple(map(_check_text, programs)),
        _check_text(document.get("log_file")),
    )


def _check_text(value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError("a text expected")
    return value


def classify_exit(code: int, installer: Installer, kind: ReleaseKind) -> ExitMeaning:
    """Return what *code* means: what the publisher signed of it comes first."""
    signed = {
        **dict.fromkeys(installer.success, ExitMeaning.SUCCESS),
        **dict.fromkeys(installer.reboot, ExitMeaning.REBOOT),
        **dict.fromkeys(installer.busy, ExitMeaning.BUSY),
    }
    of_type = _WINDOWS_INSTALLER if installer.type is InstallerType.MSI else {}
    of_kind = _OWN_SETUP if kind is ReleaseKind.AGENT else {}
    for table in (signed, of_kind, of_type, _ANY_INSTALLER):
        if code in table:
            return table[code]
    return ExitMeaning.FAILURE


def classify_start_error(code: int) -> InstallResult:
    """Return what the error *code* of a start means: no installer has run."""
    return _NOT_STARTED.get(code, InstallResult.NOT_STARTED)


def confirms(installed: str, version: str) -> bool:
    """Return whether *installed*, "" for none, is *version* or a later one."""
    return bool(installed) and order_version(installed) >= order_version(version)


def is_downgrade(installed: str, version: str) -> bool:
    """Return whether *version* is older than what is *installed*, "" if unknown."""
    return bool(installed) and order_version(version) < order_version(installed)


def classify_end(release: Release, code: int, installed: str, tries: int) -> InstallResult:
    """Return how an installer ended, with *code* or ``NO_CODE``.

    *installed* is the version found afterwards, "" for none. *tries* counts how often it has met another installation before.
    """
    is_there = confirms(installed, release.version)
    if code == NO_CODE:
        return InstallResult.DONE if is_there else InstallResult.FAILED
    match classify_exit(code, release.installer, release.kind):
        case ExitMeaning.SUCCESS:
            return InstallResult.DONE if is_there else InstallResult.UNCONFIRMED
        case ExitMeaning.REBOOT:
            return InstallResult.RESTART if is_there else InstallResult.RESTART_FIRST
        case ExitMeaning.BUSY:
            return InstallResult.BUSY if tries < timing.INSTALLER_TRIES else InstallResult.BUSY_TOO_LONG
        case ExitMeaning.REFUSED:
            return InstallResult.RIGHTS_REFUSED
        case ExitMeaning.CANCELLED:
            return InstallResult.CANCELLED
    return InstallResult.FAILED


def _refuse(_code: int) -> UpdateEvent:
    return InstallerRefused()


_EVENTS: Mapping[InstallResult, Callable[[int], UpdateEvent]] = {
    InstallResult.DONE: InstallConfirmed,
    InstallResult.RESTART: InstallConfirmed,
    InstallResult.RESTART_FIRST: InstallFailed,
    InstallResult.UNCONFIRMED: InstallFailed,
    InstallResult.NOT_STARTED: InstallFailed,
    InstallResult.FAILED: InstallFailed,
    InstallResult.BUSY: lambda _code: InstallerBusy(),
    InstallResult.BUSY_TOO_LONG: _refuse,
    InstallResult.RIGHTS_REFUSED: _refuse,
    InstallResult.CANCELLED: _refuse,
    InstallResult.PROGRAM_OPEN: _refuse,
    InstallResult.NEWER_THERE: _refuse,
    InstallResult.FILE_LOST: lambda _code: FileLost(),
}


def to_event(report: InstallReport) -> UpdateEvent | None:
    """Return what *report* means for the machine of the update; None: nothing yet."""
    make = _EVENTS.get(report.result)
    return None if make is None else make(report.exit_code)
