"""The commands about the program on this PC: start, end, autostart, version."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .running_agent import reach_agent
from .terminal import print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import AutostartDocument, VersionDocument


@command(
    "run",
    N_("démarre le programme de connexion"),
    Argument("--no-tray", N_("sans icône dans la zone de notification"), action="store_true"),
    Argument("--quiet", N_("sans ouvrir de fenêtre, comme à l'ouverture de session"), action="store_true"),
)
def _run_agent(_installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import start

    return start.run(os.environ, tray=not options.no_tray, quiet=options.quiet)


@command("autostart on", N_("démarre le programme de connexion avec Windows"))
def _enable_autostart(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import autostart_choice

    autostart_choice.enable(installation)


@command("autostart off", N_("ne démarre plus le programme de connexion avec Windows"))
def _disable_autostart(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import autostart_choice

    autostart_choice.disable(installation)


@command("autostart status", N_("dit si le programme de connexion démarre avec Windows"), JSON)
def _print_autostart(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain.autostart import Autostart
    from iea_agent.host.startup_entries import read_entries
    from iea_agent.shell.wording.autostart_text import describe_autostart

    autostart = installation.read_autostart()
    if options.json:
        document: AutostartDocument = {
            "schema": 1,
            "autostart": None if autostart is None else autostart.value,
            "commands": [entry.command for entry in read_entries()],
        }
        print_json(document)
    else:
        name, value = describe_autostart(autostart)
        print(_("{name} : {what}").format(name=name, what=value))
    return exit_codes.FINE if autostart is Autostart.ON else exit_codes.FAILED


@command("quit", N_("arrête le programme de connexion"))
def _quit_agent(installation: Installation, _options: argparse.Namespace) -> None:
    reach_agent(installation).quit()


@command("forget", N_("efface de ce poste la licence, les paramètres et les journaux de cette personne"))
def _forget_person(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import removal

    removal.forget(installation)
    print(_("La licence, les paramètres et les journaux de cette personne sont effacés."), file=sys.stderr)


@command("version", N_("affiche la version"), JSON)
def _print_version(_installation: Installation, options: argparse.Namespace) -> None:
    if options.json:
        document: VersionDocument = {"schema": 1, "version": __version__}
        print_json(document)
    else:
        print(f"IEA Agent {__version__}")
