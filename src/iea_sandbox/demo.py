"""The demonstration: an installation of the agent that knows this world, to be clicked by hand while the world is broken from another console."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from iea_sandbox.control import attach
from iea_sandbox.world import World


def furnish(
    agent_home: Path,
    world: World,
    spelled: Callable[[Path], str] = str,
    *,
    connection: str = "",
    more: str = "",
) -> None:
    """Write the settings and the policy of an installation below *agent_home*: the world's addresses, authority and trust anchor, no licence yet.

    The official addresses are the world's too: no repair leads to a real server. *connection* replaces the lines of that table of the
    settings, *more* follows it. *spelled* says how the agent's system spells a path: under Wine it is not this one.
    """
    authentication, updates = world.authentication.address, world.updates.address
    for name, text in {
        "policy/policy.toml": (
            f"ca_file = '{spelled(world.ca_file)}'\n"
            f'official_authentication = "{authentication}"\nofficial_updates = "{updates}"\n'
        ),
        "settings/settings.toml": (
            (connection or f'authentication = "{authentication}"\nupdates = "{updates}"\n') + more
        ),
    }.items():
        file = agent_home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"schema = 1\n\n[connection]\n{text}", encoding="utf-8")
    shutil.copyfile(world.root_file, agent_home / "policy" / "root.json")


def explained(world: World) -> str:
    """What whoever sits there needs to know."""
    licence = world.licence("good")
    return (
        "\nL'agent démarre : son icône est en bas à droite de l'écran, dans les notifications (clic droit : menu).\n"
        f"Licence d'essai : numéro {licence.number}, clé {licence.key}\n\n"
        "Dans une autre console :\n"
        "  uv run iea-sandbox break auth --how 503      casser (toutes les pannes : iea-sandbox break --help)\n"
        "  uv run iea-sandbox mend                      réparer\n\n"
        "« Quitter » dans le menu de l'icône, ou Ctrl+C ici, arrête tout."
    )


def run(home: Path) -> int:
    """Play the world in *home* with this machine's own agent until that is quit; the agent's exit code."""
    with World(home) as world:
        sandbox = attach(world, home)
        try:
            furnish(home / "agent", world)
            print(explained(world), flush=True)
            environment = {**os.environ, "IEA_AGENT_HOME": str(home / "agent")}
            return subprocess.run(
                [sys.executable, "-m", "iea_agent", "run"], env=environment, check=False
            ).returncode
        finally:
            sandbox.unlink(missing_ok=True)
