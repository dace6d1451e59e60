"""Settings and policy files of an installation for the sandbox's servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from iea_sandbox.world import World


def write_agent_files(
    agent_home: Path,
    world: World,
    spell_path: Callable[[Path], str] = str,
    *,
    connection: str = "",
    more: str = "",
) -> None:
    """Write settings, policy and trust anchor of an installation below *agent_home*.

    They hold the world's addresses and certificate authority, but no licence. The official addresses are the world's
    too: no repair leads to a real server. *connection* replaces the lines of that table of the settings, *more*
    follows it. *spell_path* returns a path as the agent's system spells it: under Wine it is not this one.
    """
    authentication, updates = world.authentication.address, world.updates.address
    for name, text in {
        "policy/policy.toml": (
            f"ca_file = '{spell_path(world.ca_file)}'\n"
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
