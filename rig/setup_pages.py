"""The setup, as a clerk follows it page by page before the sheets.

Runs in the Linux Python.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import iea_agent
from rig.build import BUILD, WINDOWS, BuildError
from rig.clerk import Clerk, Deed
from rig.installed_program import believe_policy
from rig.prefix import windows_path
from rig.stage import AgentStage

SETUP = BUILD / "installer" / f"iea-agent-setup-{iea_agent.__version__}.exe"
SETUP_WINDOW = "Installation d’IEA Agent"
FRENCH = "fr_FR.UTF-8"


def make_french_locale(folder: Path = WINDOWS / "locales") -> Path:
    """Return a folder with the locale that makes Wine French. Raises ``BuildError``."""
    if not (folder / FRENCH).is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        command = ("localedef", "-i", "fr_FR", "-f", "UTF-8", str(folder / FRENCH))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if not (folder / FRENCH).is_dir():
            raise BuildError(f"no French for Wine:\n{done.stdout}{done.stderr}")
    return folder


def prepare_pc() -> Deed:
    """Have the PC trust the sandbox's authority, also before a policy is believed."""

    def perform(clerk: Clerk) -> None:
        settings = clerk.stage.home / "settings" / "settings.toml"
        with settings.open("a", encoding="utf-8") as file:
            file.write(f"ca_file = '{windows_path(clerk.stage.world.ca_file)}'\n")

    return Deed("Le poste connaît les adresses du bac à sable et son autorité de certification.", perform)


def open_setup() -> Deed:
    """Open the setup, in French."""

    def perform(clerk: Clerk) -> None:
        stage = clerk.stage
        french = {"LOCPATH": str(make_french_locale()), "LC_ALL": FRENCH}
        stage.desktop.start_program(windows_path(SETUP), env={**stage.environment, **french})

    return Deed(f"Double-clic sur « {SETUP.name} ».", perform)


def use_installed_program() -> Deed:
    """Have the installed program believe the sandbox, and start no other."""

    def perform(clerk: Clerk) -> None:
        folder = find_installed(clerk.stage)
        believe_policy(folder)
        clerk.stage.use_program(folder)

    return Deed(
        "Le programme installé reçoit la marque avec laquelle il croit la politique du bac à sable.", perform
    )


def find_installed(stage: AgentStage) -> Path:
    """Return the folder into which the setup has installed the program for one person."""
    (folder,) = stage.desktop.prefix.path.glob("drive_c/users/*/AppData/Local/Programs/IEA Agent")
    return folder
