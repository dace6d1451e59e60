"""The registers of passwords of the day on this PC, and which of them are refused."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain.password_register import Register, RegisterError, parse_register
from iea_agent.domain.pasted_text import decode_file

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger("iea_agent.assistance")

LARGEST_FILE = 1_000_000
"""Bytes of a register's file, in whatever encoding."""


@dataclass(slots=True)
class Registers:
    """The registers of a PC: the administrator's and the *signed* one of the updates.

    *refused* says why, for each file that is refused.
    """

    installed: Register | None = None
    signed: Register | None = None
    refused: dict[Path, str] = field(default_factory=dict)

    @property
    def usable(self) -> list[Register]:
        """Those that can be read; of two of one generation the first counts."""
        return [register for register in (self.installed, self.signed) if register is not None]


def load_registers(installation: Installation) -> Registers:
    """Return the registers of *installation*; no other file can be one."""
    registers = Registers()
    registers.installed = _load(registers, installation.installed_register, _read_installed, installation)
    registers.signed = _load(registers, installation.signed_register, _read_signed, installation)
    return registers


def _load(
    registers: Registers,
    file: Path,
    read: Callable[[Installation], bytes | None],
    installation: Installation,
) -> Register | None:
    try:
        data = read(installation)
        return None if data is None else parse_register(decode_file(data))
    except (OSError, UnicodeDecodeError, RegisterError) as error:
        log.warning("register refused", extra={"fields": {"file": file, "reason": error}})
        registers.refused[file] = str(error)
        return None


def _read_installed(installation: Installation) -> bytes | None:
    return installation.storage.read_administrators_file(installation.installed_register, LARGEST_FILE)


def _read_signed(installation: Installation) -> bytes | None:
    """Return the file of the updates, if it is signed. Raises ``RegisterError``."""
    file = installation.signed_register
    # TUF is loaded only where there is something to verify
    if not os.path.lexists(file):
        return None
    from iea_agent.services.updates import TargetError, read_target

    folder = installation.updates_folder
    try:
        return read_target(
            installation.read_signed_file, installation.root_file, folder, file.name, LARGEST_FILE
        )
    except TargetError as error:
        raise RegisterError(f"not signed by the update server: {error}") from error
