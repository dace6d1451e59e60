"""Whether Windows starts this program at logon: what the registry says, judged.

A value of the key ``Run`` names the command, the person's or that of all users of the PC. The Task Manager does not
remove it: it notes below ``StartupApproved`` that the person has disabled it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

LONGEST_COMMAND = 1024
"""Characters of a command that are read; Windows starts no longer one at logon."""


class Autostart(Enum):
    """What happens at logon."""

    ON = "on"
    OFF = "off"
    DISABLED = "disabled"  # in the Task Manager or the settings of Windows
    OTHER = "other"  # the entry starts another program
    FORBIDDEN = "forbidden"  # a policy of Windows has it ignore the person's entries


@dataclass(frozen=True, slots=True)
class AutostartEntry:
    """An entry of the registry: the person's own, or that of all users of this PC."""

    command: str
    is_approved: bool
    for_all: bool

    def starts(self, command: str) -> bool:
        """Return whether it names the program with *command*."""
        return self.command.strip().casefold() == command.casefold()


def parse_approval(data: bytes) -> bool:
    """Return whether the value below ``StartupApproved`` lets the entry start.

    Its first byte is 2 or 6 for enabled, 3 or 7 for disabled. Without a value it starts.
    """
    return not data or data[0] % 2 == 0


def quote_command(launcher: str) -> str:
    """Return the command that starts the agent by *launcher*, whose path has blanks.

    It is quiet: at logon nobody has asked for a window.
    """
    return f'"{launcher}" run --quiet'


def judge_autostart(
    entries: Iterable[AutostartEntry], command: str, *, is_forbidden: bool = False
) -> Autostart:
    """Return what the *entries* bring about for the program with *command*.

    Where it *is_forbidden*, Windows ignores what the person enters, now and later.
    """
    own: list[AutostartEntry] = []
    others: list[AutostartEntry] = []
    for entry in entries:
        (own if entry.starts(command) else others).append(entry)
    if any(entry.is_approved for entry in own):
        return Autostart.ON
    if is_forbidden:
        return Autostart.FORBIDDEN
    if own:
        return Autostart.DISABLED
    return Autostart.OTHER if others else Autostart.OFF
