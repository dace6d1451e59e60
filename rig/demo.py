"""The demonstration: this machine's agent and the sandbox, for a person to try.

Runs on the desktop itself. The world is broken from another console meanwhile. For the same under Wine see
``wine_demo.py``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from iea_sandbox.cli import add_home_option
from iea_sandbox.control import attach
from iea_sandbox.world import World
from rig.agent_files import write_agent_files


def instructions(world: World) -> str:
    """Return what the person at the desktop needs to know."""
    licence = world.licence("good")
    return (
        "\nLe programme de connexion démarre : son icône est en bas à droite de l’écran, dans les notifications (clic droit : menu).\n"
        f"Licence d’essai : numéro {licence.number}, clé {licence.key}\n\n"
        "Dans une autre console :\n"
        "  uv run iea-sandbox break auth --how 503      casser (toutes les pannes : iea-sandbox break --help)\n"
        "  uv run iea-sandbox mend                      réparer\n\n"
        "« Quitter » dans le menu de l’icône, ou Ctrl+C ici, arrête tout."
    )


def run(home: Path) -> int:
    """Run a world in *home* and this machine's agent until that is quit.

    Returns the agent's exit code.
    """
    with World(home) as world:
        sandbox = attach(world, home)
        try:
            write_agent_files(home / "agent", world)
            print(instructions(world), flush=True)
            environment = {**os.environ, "IEA_AGENT_HOME": str(home / "agent")}
            agent = (sys.executable, "-m", "iea_agent", "run")
            return subprocess.run(agent, env=environment, check=False).returncode
        finally:
            sandbox.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Parse *arguments* and run the demonstration."""
    parser = argparse.ArgumentParser(
        prog="python -m rig demo",
        description="essayer le programme de connexion de cette machine face au bac à sable",
    )
    add_home_option(parser)
    return run(parser.parse_args(arguments).home)
