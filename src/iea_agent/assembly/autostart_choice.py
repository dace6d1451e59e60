"""The person's choice whether Windows starts the agent at logon."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from iea_agent.domain import refusals
from iea_agent.domain.autostart import Autostart, quote_command
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.host.startup_entries import delete_entry, read_entries, write_entry
from iea_agent.shell.dialogs.ports import AutostartChoice

if TYPE_CHECKING:
    from .installation import Installation

_FIXED: dict[Autostart, Refusal] = {
    Autostart.DISABLED: refusals.AutostartDisabled(),
    Autostart.FORBIDDEN: refusals.AutostartForbidden(),
}
"""What the person cannot change here, and why."""


def find_choice(installation: Installation) -> AutostartChoice | None:
    """Return what the settings window shows, None if the program is not installed."""
    autostart = installation.read_autostart()
    if autostart is None or installation.program is None:
        return None
    command = quote_command(str(installation.program.windowed_launcher))
    for_all = [entry for entry in read_entries() if entry.for_all and entry.starts(command)]
    if autostart is Autostart.ON and any(entry.is_approved for entry in for_all):
        return AutostartChoice(autostart, refusals.AutostartForAll())
    return AutostartChoice(autostart, _FIXED.get(autostart))


def enable(installation: Installation) -> None:
    """Have Windows start the agent at the person's logon. Raises ``RefusedError``.

    What the person has disabled in the Task Manager stays so: only there it can be enabled again.
    """
    program = installation.program
    if program is None:
        raise RefusedError(refusals.NotInstalled())
    if installation.read_autostart() in (Autostart.OFF, Autostart.OTHER):
        with _refusing():
            write_entry(quote_command(str(program.windowed_launcher)))
    # an entry that was removed and comes back may still be disabled there
    present = installation.read_autostart()
    if present in _FIXED:
        raise RefusedError(_FIXED[present])


def disable(installation: Installation) -> None:
    """Have Windows no longer start the agent for the person. Raises ``RefusedError``."""
    if installation.program is None:
        raise RefusedError(refusals.NotInstalled())
    with _refusing():
        delete_entry()
    if installation.read_autostart() is Autostart.ON:
        raise RefusedError(refusals.AutostartForAll())


@contextmanager
def _refusing() -> Iterator[None]:
    """Raise ``RefusedError`` if the registry refuses."""
    try:
        yield
    except OSError as error:
        raise RefusedError(refusals.AutostartNotWritten(type(error).__name__)) from error
