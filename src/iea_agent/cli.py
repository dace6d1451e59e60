"""The start of each process: the agent's icon, one of its windows, or a command.

Results go to the standard output, everything else to the standard error. The exit
codes are in ``domain/exit_codes.py``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from iea_agent import locale


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command in *arguments*, or the process's, and return its exit code."""
    locale.choose(locale.language_of())
    for stream in (sys.stdout, sys.stderr):
        # a console that lacks a character shows "?" instead of ending the program
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["run"]:
        # the icon waits for nothing that it does not need, not even the argument parser
        from iea_agent.assembly import start

        return start.run(os.environ, tray=True)
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain import exit_codes

    installation = Installation.locate(os.environ)
    try:
        if words[:1] == ["window"]:
            # not for people, hence not in the help
            from iea_agent.assembly import window_process

            return window_process.run(installation, words[1:])
        from iea_agent import commands

        return commands.run(installation, words)
    except KeyboardInterrupt:
        return exit_codes.FAILED
    except Exception as error:
        # imported here: most commands are not refused
        from iea_agent.domain.refusals import RefusedError
        from iea_agent.shell.wording.refusal_text import word_refusal

        if not isinstance(error, RefusedError):
            raise
        print(word_refusal(error.refusal), file=sys.stderr)
        return error.refusal.exit_code
