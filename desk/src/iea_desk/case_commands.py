"""The commands ``iea-desk read`` and ``iea-desk inbox``: what the desk was sent."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from iea_desk.case_text import build_case_document, compose_answer, render_case, typeset
from iea_desk.inbox import build_inbox_document, render_inbox, sort_inbox
from iea_desk.inbox_folder import MOST_MESSAGES, iterate_messages, read_up_to
from iea_desk.keys import DeskError
from iea_desk.password_message import PasswordMessage
from iea_desk.request_files import LARGEST_MESSAGE, RequestRefused, is_phone_code, open_request, open_text
from iea_desk.support_case import SupportCase
from iea_desk.todays_password import make_todays_message

_ENDINGS = (".eml", ".json", ".mbox", ".msg", ".txt", ".zip")
"""What names a file, and no phone code."""


def add_requests(commands: Any, kid: argparse.ArgumentParser, scope: argparse.ArgumentParser) -> None:
    """Add ``read`` and ``inbox`` to the parser of ``iea-desk``.

    *kid* and *scope* have the options that choose a key.
    """
    case = commands.add_parser(
        "read",
        parents=[kid, scope],
        help="lire une demande : fichier d’assistance, message .eml, code dicté ou texte",
    )
    case.add_argument(
        "request", metavar="FICHIER", help="fichier, code à douze caractères, ou - (entrée standard)"
    )
    case.add_argument("--json", action="store_true", help="pour un programme")
    case.add_argument("--answer", action="store_true", help="ajouter un projet de réponse")
    case.add_argument(
        "--key-file",
        type=Path,
        metavar="FICHIER",
        help="clés, pour mettre le mot de passe du jour dans la réponse s’il est demandé",
    )
    case.set_defaults(run=_print_case)
    inbox = commands.add_parser("inbox", help="lire une boîte : dossier de .eml, Maildir ou mbox")
    inbox.add_argument("folder", type=Path, metavar="DOSSIER", help="dossier de messages, ou fichier mbox")
    inbox.add_argument("--json", action="store_true", help="pour un programme")
    inbox.set_defaults(run=_print_inbox)


def _print_case(options: argparse.Namespace) -> None:
    try:
        case = _open(options.request)
    except RequestRefused as error:
        raise RequestRefused(typeset(str(error))) from None
    document = build_case_document(case)
    answer = compose_answer(case, _make_password(options, case)) if options.answer else None
    if options.json:
        if answer is not None:
            document["answer"] = dict(zip(("subject", "body"), answer, strict=True))
        print(json.dumps(document, ensure_ascii=False))
        return
    print(render_case(case))
    if answer is not None:
        print(f"\n──── réponse à relire ────\nObjet\u00a0: {answer[0]}\n\n{answer[1]}", end="")


def _open(request: str) -> SupportCase:
    if request == "-":
        stream = getattr(sys.stdin, "buffer", None)
        data = (
            sys.stdin.read(LARGEST_MESSAGE).encode() if stream is None else stream.read(LARGEST_MESSAGE + 1)
        )
        return open_request(data)
    path = Path(request)
    if is_phone_code(request) and path.suffix.lower() not in _ENDINGS and not path.exists():
        return open_text(request)
    if path.is_dir():
        raise DeskError(f"{path} est un dossier\u00a0: lisez-le avec iea-desk inbox.")
    try:
        content = read_up_to(path)
    except FileNotFoundError:
        raise DeskError(f"Il n’y a pas de fichier {path}.") from None
    if content is None:
        raise RequestRefused(
            f"Refusé : plus de {LARGEST_MESSAGE // 1_000_000} Mo, ce n'est pas une demande d'assistance."
        )
    return open_request(content)


def _make_password(options: argparse.Namespace, case: SupportCase) -> PasswordMessage | None:
    if options.key_file is None or not case.wants_password:
        return None
    return make_todays_message(options.key_file, options.scope, options.kid)


def _print_inbox(options: argparse.Namespace) -> None:
    if not options.folder.exists():
        raise DeskError(f"Il n’y a ni dossier ni fichier {options.folder}.")
    messages: Iterator[tuple[str, bytes | None]] = iterate_messages(options.folder)
    inbox = sort_inbox(islice(messages, MOST_MESSAGES))
    # the rest is counted, not taken apart
    left_out = sum(1 for _each in messages)
    document = build_inbox_document(inbox, left_out)
    print(
        json.dumps(document, ensure_ascii=False)
        if options.json
        else render_inbox(inbox, time.time(), left_out)
    )
