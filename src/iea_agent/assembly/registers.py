"""The registers of passwords of the day on this PC, and which of them are refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain.password_register import Register, RegisterError, parse_register
from iea_agent.host.storage import decode_file, read_bounded

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger("iea_agent.assistance")

LARGEST_FILE = 1_000_000
"""Bytes of a register's file, in whatever encoding."""


def load_registers(installation: Installation) -> tuple[list[Register], dict[Path, str]]:
    """Return the registers of *installation*, and why each refused file is refused."""
    registers, refused = [], {}
    for file in installation.register_files():
        try:
            data = read_bounded(file, LARGEST_FILE)
            if data is not None:
                registers.append(parse_register(decode_file(data)))
        except (OSError, UnicodeDecodeError, RegisterError) as error:
            log.warning("register refused", extra={"fields": {"file": file, "reason": error}})
            refused[file] = str(error)
    return registers, refused
