"""The commands for those who help: request, log book, papers, diagnosis."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .running_agent import open_window, reach_agent
from .terminal import print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.shell.wording.printed_page import PrintedPage


@command(
    "support",
    N_("ouvre la demande de support technique, ou prépare ce que l'assistance demande"),
    Argument("--file", N_("écrit dans ce fichier .zip ce qu'il faut joindre au message"), metavar="FICHIER"),
    Argument(
        "--level",
        N_("ce que le fichier masque : seulement les secrets, aussi les noms, ou toutes les adresses"),
        choices=["none", "normal", "strict"],
        default="normal",
    ),
    Argument(
        "--draft", N_("ouvre le message préparé, avec ce fichier, dans la messagerie"), action="store_true"
    ),
    Argument("--code", N_("affiche le code à dicter au téléphone, et l'épelle"), action="store_true"),
)
def _open_support(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain import person_requests

    if options.file is not None:
        _write_support_file(installation, options.file, options.level)
    if options.code:
        _print_phone_code(installation)
    if options.draft:
        _open_draft(installation)
    if options.file is not None or options.code or options.draft:
        return exit_codes.FINE
    return open_window(installation, person_requests.SUPPORT)


def _write_support_file(installation: Installation, name: str, level: str) -> None:
    from iea_agent.assembly.support_file import SupportFile
    from iea_agent.domain.refusals import FileNotWritten, RefusedError
    from iea_agent.domain.support_report import Level
    from iea_agent.host.atomic_files import write_atomically

    file = Path(name)
    try:
        write_atomically(file, SupportFile(installation, Level(level)).pack())
    except OSError as error:
        raise RefusedError(FileNotWritten(str(file), type(error).__name__)) from error
    print(_("Fichier écrit, à relire avant de l'envoyer : {path}").format(path=file.absolute()))


def _open_draft(installation: Installation) -> None:
    from iea_agent.assembly.support_requests import SupportRequests
    from iea_agent.shell.wording.letter_text import compose_letter, describe_earlier, word_outcome

    requests = SupportRequests(installation)
    facts = requests.load_facts()
    if facts.earlier is not None:
        print(describe_earlier(facts.earlier), file=sys.stderr)
    print(word_outcome(requests.write_letter(compose_letter(facts), facts)))


def _print_phone_code(installation: Installation) -> None:
    from iea_agent.assembly.support_facts import make_phone_code
    from iea_agent.shell.wording.phone_code_text import spell_code

    code = make_phone_code(installation, reach_agent(installation).status())
    print(code)
    print(spell_code(code))


@command("history", N_("affiche le carnet de connexion des 90 derniers jours"), JSON)
def _print_history(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly.disk_refusals import refuse_unreadable
    from iea_agent.shell.wording import history_text

    with refuse_unreadable():
        stays = installation.read_log_book(time.time())
    if options.json:
        print_json(history_text.build_history_document(stays))
    else:
        print(history_text.render_history(stays))


@command(
    "statement",
    N_("ouvre le justificatif du dernier incident de connexion, à imprimer"),
    Argument("--number", N_("2 pour l'incident d'avant, et ainsi de suite"), type=int, default=1),
    Argument("--text", N_("affiche le texte au lieu d'ouvrir la page"), action="store_true"),
)
def _print_statement(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly.printed_pages import make_statement

    _show_page(installation, make_statement(installation, options.number), "justificatif", options)


@command(
    "sheet",
    N_("ouvre la fiche à imprimer pour la personne qui s'occupe de votre informatique"),
    Argument("--text", N_("affiche le texte au lieu d'ouvrir la page"), action="store_true"),
)
def _print_sheet(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly.printed_pages import make_sheet

    _show_page(installation, make_sheet(installation), "fiche-informatique", options)


def _show_page(installation: Installation, page: PrintedPage, name: str, options: argparse.Namespace) -> None:
    """Print *page*, or write it to a file and open that."""
    from iea_agent.assembly.page_files import open_file, save_page
    from iea_agent.shell.wording.printed_page import render_text

    if options.text:
        print(render_text(page))
        return
    file = save_page(installation, page, name)
    print(file)
    if sentence := open_file(installation, file):
        print(sentence, file=sys.stderr)


@command("diagnose", N_("rassemble ce qu'il faut savoir pour dépanner, sans aucun secret"), JSON)
def _diagnose(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import inspection

    document = inspection.diagnose(installation)
    if options.json:
        print_json(document)
    else:
        print(inspection.render_diagnosis(document))
