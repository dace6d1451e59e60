"""Run a command of the rig, ``python -m rig demo`` for example.

Start it in the project's folder.
"""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Sequence

from iea_sandbox.faults import UnknownFault

ON_THIS_DESKTOP = {
    "fleet": "simulate ten thousand agents whose server goes away and comes back",
    "demo": "try this machine's agent against the sandbox's servers",
    "tour": "play every fault to this machine's agent and write a page of what the clerk sees",
}
UNDER_WINE = {
    "bench": "measure the installed program beside a floor and a peer (make bench)",
    "build": "make the Windows Python, its wheels and the Wine prefix (part of make setup)",
    "desktop": "run a program of the Windows Python on a virtual desktop",
    "installed_program": "lay out the program that make installer has built, for IEA_RIG_PROGRAM",
    "wine_demo": "follow the practical sheets on a virtual desktop (make demo)",
    "wine_tour": "play the tour on a virtual desktop in a network of its own (make tour)",
}
USAGE = "\n".join(
    (
        "usage: python -m rig COMMAND ...",
        "\non this desktop:",
        *(f"  {name:<17} {purpose}" for name, purpose in ON_THIS_DESKTOP.items()),
        "\non Linux, under Wine:",
        *(f"  {name:<17} {purpose}" for name, purpose in UNDER_WINE.items()),
        "\nCOMMAND --help lists the options of a command.",
    )
)


def main(arguments: Sequence[str]) -> int:
    """Run the command that *arguments* begin with.

    Returns its exit code: 0 fine, 1 failed, 2 wrong usage.
    """
    for stream in (sys.stdout, sys.stderr):
        # Windows' code pages lack half of the letters that we print
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    if arguments[:1] in ([], ["-h"], ["--help"]):
        print(USAGE)
        return 0
    name, *options = arguments
    if name not in {*ON_THIS_DESKTOP, *UNDER_WINE}:
        print(USAGE, file=sys.stderr)
        return 2
    reported = OSError if name in ON_THIS_DESKTOP else ()
    try:
        code: int = importlib.import_module(f"rig.{name}").main(options)
    except UnknownFault as error:
        print(error, file=sys.stderr)
        return 2
    except reported as error:
        print(f"Impossible : {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
