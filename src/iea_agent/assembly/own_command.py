"""The command lines of this program: how its processes start each other."""

from __future__ import annotations

import sys


def program_command() -> list[str]:
    """Return what starts this program; a command or nothing more follows it.

    Python is isolated ("-I"): no module comes from the current folder, a variable or the person's own.
    """
    from iea_agent.host.program_folder import ProgramFolder

    program = ProgramFolder.locate()
    if program is not None:
        # the launcher isolates Python itself
        return [str(program.windowed_launcher)]
    return [sys.executable, "-I", "-m", "iea_agent"]


def own_command(*words: str) -> list[str]:
    """Return the command that runs this program with the arguments *words*."""
    return [*program_command(), *words]


def agent_command() -> list[str]:
    """Return the command that starts the agent without a click on its icon.

    It is the same at the beginning of the session, from a window and from a shortcut.
    """
    return own_command("run", "--quiet", *(() if sys.platform == "win32" else ("--no-tray",)))
