"""Kills the packed setup every 100 ms; a version must run each time.

``python -m tests.installer.kill_setup`` takes some minutes: first an installation, then an update. Each attempt goes on from what
the one before has left, as it would for a person who tries again.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import iea_agent
from installer.build import build_program, build_setup
from installer.commands import OUTPUT
from installer.setup_program import compile_setup
from rig.prefix import Prefix
from tests.installer.target_windows import DONE, Windows

STEP = 0.1
"""Seconds from one kill to the next."""
ALONE = ("/S", "/NOTEST", "/NOSTART")
NEXT = "99.0.0"


def walk(windows: Windows, setup: Path, before: str) -> list[str]:
    """Kill *setup* later and later; return what ran after each attempt.

    The last attempt ends by itself. *before* is what ran before, "" for nothing. Raises ``AssertionError`` if no version runs where one must.
    """
    moment, seen = STEP, list[str]()
    while True:
        code = windows.run_for(moment, setup, *ALONE)
        runs = "none"
        if (windows.program / "iea-agent.exe").exists():
            result, output = windows.command("version")
            assert result == 0, (moment, output)
            runs = windows.pointer("current").partition("+")[0]
        assert runs != "none" or not before, moment
        seen.append(runs)
        if code is not None:
            assert code == DONE, (moment, code)
            return seen
        moment += STEP


def main() -> int:
    """Walk through both, and print what was seen; return 0."""
    program = build_program()
    first = build_setup(program)
    update = OUTPUT / f"iea-agent-setup-{NEXT}.exe"
    compile_setup(program.folder, program.launchers, update, version=NEXT)
    with Prefix() as prefix:
        windows = Windows(prefix)
        for setup, before in ((first, ""), (update, iea_agent.__version__)):
            began = time.monotonic()
            seen = walk(windows, setup, before)
            runs = {version: seen.count(version) for version in dict.fromkeys(seen)}
            print(
                f"{setup.name}: {len(seen)} moments in {time.monotonic() - began:.0f} s, afterwards ran {runs}",
                flush=True,
            )
    update.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
