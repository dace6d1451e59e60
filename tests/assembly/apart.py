"""Plays a part in a copy of this process, so that it can be killed: on Linux only.

To start Python anew for each part would take a hundred times as long.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable

KILLED = 137
"""The exit code of a part that has killed itself, as by kill -9."""


def play_apart(part: Callable[[], None]) -> tuple[int, str]:
    """Play *part* in a copy of this process; return its exit code and output."""
    if sys.platform == "win32":
        raise RuntimeError("no process can be copied here")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.dup2(writing, sys.stdout.fileno())
            part()
            sys.stdout.flush()
            code = 0
        finally:
            if code:
                traceback.print_exc()
            os._exit(code)
    os.close(writing)
    with open(reading, encoding="utf-8") as pipe:
        output = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, KILLED):
        raise RuntimeError(f"it ended with {code}")
    return code, output
