"""The command ``iea-desk web``: the desk's pages in the browser of this PC."""

from __future__ import annotations

import argparse
import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any

from iea_desk.keys import DeskError


def add_web(commands: Any, kid: argparse.ArgumentParser, scope: argparse.ArgumentParser) -> None:
    """Add ``web`` to the parser of ``iea-desk``.

    *kid* and *scope* have the options that choose a key.
    """
    web = commands.add_parser(
        "web", parents=[kid, scope], help="lire, répondre et prévenir dans le navigateur de ce poste"
    )
    web.add_argument(
        "--key-file",
        type=Path,
        metavar="FICHIER",
        help="clés, pour le mot de passe du jour (sinon le coffre-fort du système)",
    )
    web.add_argument("--inbox", type=Path, metavar="DOSSIER", help="dossier de .eml, Maildir ou fichier mbox")
    web.add_argument(
        "--repository", type=Path, metavar="DOSSIER", help="dépôt des mises à jour, pour y préparer un avis"
    )
    web.add_argument("--no-browser", action="store_true", help="ne pas ouvrir le navigateur")
    web.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    for place in (options.inbox, options.repository):
        if place is not None and not place.exists():
            raise DeskError(f"Il n’y a ni dossier ni fichier {place}.")
    # the servers' library takes its time, and the other commands do without
    from iea_desk.web.desk_pages import DeskSources
    from iea_desk.web.desk_server import DeskServer

    server = DeskServer(
        DeskSources(options.key_file, options.kid, options.scope, options.inbox, options.repository)
    )
    print(
        f"{server.address}\n"
        "Cette adresse sert une fois, dans un navigateur de ce poste. Laissez cette fenêtre ouverte ; Ctrl + C pour arrêter.",
        flush=True,
    )
    if not options.no_browser:
        webbrowser.open(server.address)
    with suppress(KeyboardInterrupt):
        server.run()
    print("Arrêté. Rien n’a été gardé.")
