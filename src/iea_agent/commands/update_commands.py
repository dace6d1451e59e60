"""The commands of the updates: look, receive, install, verify."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .terminal import print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import ReceivedFileDocument, UpdatesDocument
    from iea_agent.domain.download_plan import Progress


@command("update check", N_("demande au serveur quelles versions sont proposées à ce poste"), JSON)
def _check_updates(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.check(installation, by_network=True)
    _print_updates(document, options)


@command("update list", N_("dit les versions que ce poste connaît déjà, sans le réseau"), JSON)
def _list_updates(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.check(installation, by_network=False)
    _print_updates(document, options)


def _print_updates(document: UpdatesDocument, options: argparse.Namespace) -> None:
    if options.json:
        print_json(document)
    else:
        from iea_agent.shell.wording.update_text import render_updates

        print(render_updates(document))


@command(
    "update download",
    N_("reçoit et vérifie une version, sans l'installer"),
    Argument("version", N_("par exemple 3.00.73 ; sinon la version proposée"), nargs="?", default=""),
    Argument("--agent", N_("le programme de connexion, et non Impact emploi"), action="store_true"),
    JSON,
)
def _download_update(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    received = update_requests.download(installation, options.version, options.agent, _show_progress())
    _print_received(received, options)


@command(
    "update install",
    N_("installe une version, après l'avoir reçue et vérifiée"),
    Argument("--version", N_("par exemple 3.00.73 ; sinon la version proposée"), default=""),
    Argument("--agent", N_("le programme de connexion, et non Impact emploi"), action="store_true"),
    Argument(
        "--unattended",
        N_("pour une tâche planifiée : sort avec 0 si rien n'est proposé, et ne recommence pas un échec"),
        action="store_true",
    ),
    JSON,
)
def _install_update(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import update_requests

    install = update_requests.install_unattended if options.unattended else update_requests.install
    document = install(installation, options.version, options.agent, _show_progress())
    if options.json:
        print_json(document)
    else:
        print(document["words"])
    return _INSTALL_CODES.get(document["state"], exit_codes.FAILED)


_INSTALL_CODES = {
    "none": exit_codes.FINE,
    "installed": exit_codes.FINE,
    # nothing has changed, and another try may succeed
    "ready": exit_codes.REFUSED,
    "installing": exit_codes.REFUSED,
}
"""The exit code for the state after ``update install``."""


@command("update history", N_("dit ce qui a été installé, et comment cela s'est terminé"), JSON)
def _print_update_history(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.list_history(installation)
    if options.json:
        print_json(document)
    else:
        from iea_agent.shell.wording.update_history_text import render_history

        print(render_history(document))


@command("update posts", N_("dit quelles versions ont les postes du dossier partagé"), JSON)
def _print_posts(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.list_posts(installation)
    if options.json:
        print_json(document)
    else:
        from iea_agent.shell.wording.site_text import render_posts

        print(render_posts(document, time.time()))


@command(
    "update from",
    N_("vérifie une mise à jour téléchargée autrement, ou sur une clé USB"),
    Argument("file", N_("le fichier"), metavar="FICHIER", type=Path),
    JSON,
)
def _take_update(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    _print_received(update_requests.take_file(installation, options.file, _show_progress()), options)


def _print_received(document: ReceivedFileDocument, options: argparse.Namespace) -> None:
    if options.json:
        print_json(document)
    else:
        print(
            _("Version {version} vérifiée : {path}").format(
                version=document["version"], path=document["path"]
            )
        )
        notes = document["notes"]
        print(
            _("Lisez-moi : {path}").format(path=notes)
            if notes
            else _("Aucun Lisez-moi vérifié sur ce poste.")
        )


def _show_progress() -> Callable[[Progress], None]:
    """Return what writes the progress on one line of a terminal, and nowhere else."""
    from iea_agent.shell.wording.update_text import word_progress

    def write(progress: Progress) -> None:
        end = "\n" if progress.received == progress.total else "\r"
        print(f"{word_progress(progress):<78}", end=end, file=sys.stderr, flush=True)

    return write if sys.stderr is not None and sys.stderr.isatty() else lambda _progress: None


@command(
    "update client",
    N_("vérifie ou reçoit les fichiers de n'importe quel dépôt TUF, avec ses propres dossiers"),
    Argument(
        "action",
        N_("première racine, vérification ou téléchargement"),
        choices=("init", "refresh", "download"),
    ),
    Argument("--root", N_("la racine de confiance, pour « init »"), metavar="FICHIER", type=Path),
    Argument("root_file", N_("la même racine, sans « --root »"), nargs="?", metavar="FICHIER", type=Path),
    Argument("--metadata-dir", N_("dossier des métadonnées"), metavar="DOSSIER", type=Path, required=True),
    Argument("--metadata-url", N_("adresse des métadonnées"), metavar="URL", default=""),
    Argument("--target-url", N_("adresse des fichiers"), metavar="URL", default=""),
    Argument("--target-base-url", N_("comme « --target-url »"), metavar="URL", dest="target_url"),
    Argument("--target-dir", N_("dossier des fichiers reçus"), metavar="DOSSIER", type=Path, default=Path()),
    Argument("--target-name", N_("un fichier à recevoir"), metavar="NOM", action="append", default=[]),
)
def _drive_client(installation: Installation, options: argparse.Namespace) -> int | None:
    from iea_agent.assembly import repository_client
    from iea_agent.assembly.servers import Servers
    from iea_agent.services.https import HttpsError

    places = repository_client.RepositoryPlaces(
        options.metadata_dir, options.metadata_url, options.target_url, options.target_dir
    )
    root = options.root or options.root_file
    if (options.action == "init") != (root is not None):
        print(_("La racine est pour « init », et pour lui seul."), file=sys.stderr)
        return exit_codes.USAGE
    servers = Servers(installation)
    try:
        if options.action == "init":
            repository_client.trust_root(root, places)
        elif options.action == "refresh":
            print(repository_client.refresh(servers, places))
        else:
            repository_client.download(servers, places, options.target_name)
    except (HttpsError, OSError) as error:
        # a command for machines and those who test them: the technical line
        print(error, file=sys.stderr)
        return exit_codes.FAILED
    return exit_codes.FINE
