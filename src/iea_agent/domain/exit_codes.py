"""Exit codes of the commands (docs/administration.md lists them)."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    FINE = 0
    FAILED = 1
    USAGE = 2
    NOT_RUNNING = 3
    REFUSED = 4
    TIMED_OUT = 5


FINE, FAILED, USAGE, NOT_RUNNING, REFUSED, TIMED_OUT = ExitCode
