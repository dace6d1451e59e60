"""The command `iea-desk`: requests, passwords of the day, the register, updates."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import secrets
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from datetime import date
from functools import partial
from pathlib import Path
from typing import TextIO

from iea_agent.domain.day_password import EVERYONE
from iea_agent.domain.exit_codes import FAILED, FINE, REFUSED
from iea_agent.domain.password_register import (
    MOST_DAYS,
    STRONGEST,
    WEAKEST,
    Kdf,
    RegisterError,
    parse_register,
)
from iea_agent.domain.printable_text import escape_controls
from iea_agent.domain.state_values import LARGEST_GENERATION
from iea_agent.shell.wording.detail_text import word_error
from iea_agent.shell.wording.usage_text import SpokenPage, SpokenParser
from iea_desk.case_commands import add_requests
from iea_desk.key_store import load_keys, load_ring, save_file, save_ring
from iea_desk.keys import DeskError, KeyRing, MasterKey, check_kid, choose_kid
from iea_desk.order_files import word_fault
from iea_desk.password_message import PasswordMessage
from iea_desk.private_files import open_file
from iea_desk.publish_commands import add_publish
from iea_desk.register import (
    OtherRegister,
    ProgressBar,
    RegisterPlan,
    WrongHash,
    make_register,
    unfinished_file,
    verify_register,
)
from iea_desk.todays_password import find_today
from iea_desk.web_commands import add_web

_TEN_YEARS = 3653
_LARGEST_REGISTER = 1_000_000
"""Bytes that are read of a register: five times what one may have."""

_EXAMPLES = """\
exemples :
  iea-desk init --key-file /media/cle-usb/trousseau.json      créer la clé maîtresse (une fois, hors ligne)
  iea-desk register --key-file … --output registre.json       calculer le registre à publier (dix ans)
  iea-desk register --key-file … --verify registre.json       le vérifier, juste avant de le publier
  iea-desk month-key --key-file … --output novembre.txt       la clé du mois, pour le poste d’accueil
  iea-desk password --key-file novembre.txt                   le mot de passe d’aujourd’hui et son message
  iea-desk read demande.eml --answer                          ce que dit une demande, et quoi répondre
  iea-desk inbox messages                                     les demandes d’un dossier, par problème
  iea-desk web --key-file novembre.txt --inbox messages       tout cela dans le navigateur

codes de sortie : 0 fait, 1 échec, 2 commande mal écrite, 4 refusé
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # Windows' code pages lack some of the characters that we print
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    # the progress bar draws its line anew, by a control character
    drawn = sys.stderr
    with redirect_stdout(_PlainText(sys.stdout)), redirect_stderr(_PlainText(sys.stderr)):
        return _run(arguments, drawn)


class _PlainText(io.TextIOBase):
    """A stream on which a file's name, for example, cannot command the terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.flush = stream.flush  # type: ignore[method-assign]
        self.fileno = stream.fileno  # type: ignore[method-assign]

    def write(self, text: str) -> int:
        """Write *text* with its control characters escaped."""
        return self._stream.write(escape_controls(text))


def _run(arguments: Sequence[str] | None, drawn: TextIO) -> int:
    """Run one command, with its progress on *drawn*; return its exit code."""
    options = _build_parser().parse_args(arguments)
    options.progress = ProgressBar(drawn)
    run: Callable[[argparse.Namespace], None] = options.run
    try:
        run(options)
        sys.stdout.flush()
    except DeskError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        # its reader has left and wants no more, as after "| head"
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        place = f"{error.filename} : " if error.filename else ""
        print(f"Impossible : {place}{word_error(error)}", file=sys.stderr)
        return FAILED
    return FINE


def _build_parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = SpokenParser(
        prog="iea-desk",
        description="Le côté de l’assistance et de l’éditeur : mots de passe du jour, registre, mises à jour signées.",
        epilog=_EXAMPLES,
        formatter_class=SpokenPage,
    )
    commands = parser.add_subparsers(required=True, metavar="commande")
    keys, kid, scope = (argparse.ArgumentParser(add_help=False) for _ in range(3))
    keys.add_argument(
        "--key-file",
        type=Path,
        metavar="FICHIER",
        help="fichier des clés, lisible par vous seul (sinon le coffre-fort du système)",
    )
    kid.add_argument("--kid", default="", metavar="NOM", help="clé à utiliser (sinon la plus récente)")
    scope.add_argument("--for", dest="scope", type=_parse_scope, default=EVERYONE, metavar="INSTALLATION")

    init = commands.add_parser("init", parents=[keys], help="créer la clé maîtresse (n’écrase jamais)")
    init.add_argument(
        "--kid", default="", metavar="NOM", help="son nom (sinon l’année et une lettre : 2026a)"
    )
    init.set_defaults(run=_init)

    month = commands.add_parser(
        "month-key", parents=[keys, kid, scope], help="clé d’un mois, pour le poste d’accueil"
    )
    month.add_argument("--month", type=_parse_month, metavar="AAAA-MM", help="mois (sinon celui-ci)")
    month.add_argument(
        "--output", type=Path, metavar="FICHIER", help="fichier à créer, lisible par vous seul"
    )
    month.set_defaults(run=_month_key)

    password = commands.add_parser(
        "password", parents=[keys, kid, scope], help="mot de passe du jour et son message"
    )
    password.add_argument("--day", type=_parse_day, metavar="AAAA-MM-JJ", help="jour (sinon aujourd’hui)")
    password.add_argument("--json", action="store_true", help="pour un programme")
    password.set_defaults(run=_password)

    register = commands.add_parser(
        "register", parents=[keys, kid], help="calculer le registre (long ; reprend où il en était)"
    )
    _add_register_options(register)
    register.set_defaults(run=_register)

    rotate = commands.add_parser("rotate", parents=[keys], help="nouvelle clé maîtresse, génération suivante")
    rotate.add_argument(
        "--kid", default="", metavar="NOM", help="son nom (sinon l’année et une lettre : 2026b)"
    )
    rotate.set_defaults(run=_rotate)
    add_requests(commands, kid, scope)
    add_web(commands, kid, scope)
    add_publish(commands)
    return parser


def _add_register_options(register: argparse.ArgumentParser) -> None:
    file = register.add_mutually_exclusive_group(required=True)
    file.add_argument("--output", type=Path, metavar="FICHIER", help="registre à créer")
    file.add_argument(
        "--verify", type=Path, metavar="FICHIER", help="registre à vérifier avec la clé maîtresse"
    )
    register.add_argument(
        "--sample",
        type=partial(_parse_integer, MOST_DAYS),
        metavar="N",
        help="avec --verify : N jours au hasard (sinon tous)",
    )
    register.add_argument(
        "--days",
        type=partial(_parse_integer, MOST_DAYS),
        default=_TEN_YEARS,
        metavar="N",
        help="jours couverts (dix ans)",
    )
    register.add_argument(
        "--first-day", type=_parse_day, metavar="AAAA-MM-JJ", help="sinon le 1er janvier de l’année"
    )
    register.add_argument("--scope", type=_parse_scope, default=EVERYONE, metavar="INSTALLATION")
    register.add_argument(
        "--generation",
        type=partial(_parse_integer, LARGEST_GENERATION),
        metavar="N",
        help="sinon celle du trousseau",
    )
    # tests cannot wait for the usual cost
    register.add_argument("--kdf-n", type=_parse_kdf_n, default=Kdf().n, help=argparse.SUPPRESS)


# types of arguments: argparse says which argument is wrong


def _parse_day(text: str) -> date:
    if not re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", text):
        raise argparse.ArgumentTypeError("un jour comme 2026-11-24 est attendu")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("ce jour n’existe pas") from None


def _parse_month(text: str) -> date:
    try:
        return _parse_day(f"{text}-01")
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError("un mois comme 2026-12 est attendu") from None


def _parse_scope(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", text):
        raise argparse.ArgumentTypeError("un numéro d’installation sans espace est attendu")
    return text


def _parse_integer(most: int, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"un nombre de 1 à {most} est attendu")
    return int(text)


def _parse_kdf_n(text: str) -> int:
    n = _parse_integer(STRONGEST.n, text)
    if n < 2 or n & (n - 1):
        raise argparse.ArgumentTypeError("une puissance de deux est attendue")
    return n


# commands


def _new_key(kid: str) -> MasterKey:
    return MasterKey(check_kid(kid), secrets.token_bytes(32))


def _init(options: argparse.Namespace) -> None:
    key = _new_key(options.kid or f"{find_today().year}a")
    save_ring(KeyRing((key,)), options.key_file, replace=False)
    where = options.key_file or "le coffre-fort du système"
    print(
        f"Clé maîtresse « {key.kid} » créée dans {where}.\n"
        "Faites-en une copie sous scellé et gardez-la hors ligne : qui l’obtient connaît tous les mots de passe, "
        "et sans elle il n’y en a plus.\n"
        "Ensuite : iea-desk register, puis publiez le registre."
    )


def _month_key(options: argparse.Namespace) -> None:
    key = (
        load_ring(options.key_file)
        .find_key(options.kid)
        .derive_month_key(options.month or find_today(), options.scope)
    )
    if options.output is None:
        print(key.to_line())
        return
    save_file(options.output, key.to_line() + "\n")
    print(f"Clé du mois {key.month} (clé {key.kid}) écrite dans {options.output}.")


def _password(options: argparse.Namespace) -> None:
    keys = load_keys(options.key_file)
    message = PasswordMessage(keys.derive_password(options.day or find_today(), options.scope, options.kid))
    print(json.dumps(message.to_document(), ensure_ascii=False) if options.json else message.to_text())


def _register(options: argparse.Namespace) -> None:
    ring = load_ring(options.key_file)
    if options.verify is not None:
        _verify(options, ring)
        return
    generation = options.generation or ring.generation
    if generation < ring.generation:
        raise DeskError(
            f"La génération {generation} est plus ancienne que la dernière ({ring.generation}) : les postes la refuseraient.",
            REFUSED,
        )
    first = options.first_day or find_today().replace(month=1, day=1)
    plan = RegisterPlan(
        ring.find_key(options.kid), options.scope, generation, first, options.days, Kdf(n=options.kdf_n)
    )
    if plan.kdf.n < WEAKEST.n:
        print("Registre d’essai : trop faible, les postes le refuseront.", file=sys.stderr)
    if generation > ring.generation:
        save_ring(KeyRing(ring.keys, generation), options.key_file, replace=True)
    try:
        register = make_register(plan, options.output, options.progress)
    except FileExistsError:
        raise DeskError(f"{options.output} existe déjà et n’est pas écrasé.", REFUSED) from None
    except OtherRegister:
        raise DeskError(
            f"{unfinished_file(options.output)} est le début d’un autre registre, ou quelqu’un l’a modifié. "
            "Effacez-le, ou choisissez un autre --output.",
            REFUSED,
        ) from None
    except KeyboardInterrupt:
        raise DeskError("\nInterrompu. La même commande reprendra où elle en est.") from None
    print(
        f"Registre de génération {register.generation} (clé {register.kid}), du {register.first} au {register.last}, "
        f"écrit dans {options.output}."
    )


def _verify(options: argparse.Namespace, ring: KeyRing) -> None:
    with open_file(options.verify) as file:
        text = file.read(_LARGEST_REGISTER).decode("ascii", "replace")
    try:
        # tests cannot wait for the usual cost
        register = parse_register(text, WEAKEST if options.kdf_n >= WEAKEST.n else Kdf(options.kdf_n))
    except RegisterError as error:
        raise DeskError(f"{options.verify} n’est pas un registre : {word_fault(error)}.", REFUSED) from None
    if register.generation > ring.generation:
        raise DeskError(
            f"{options.verify} est de génération {register.generation}, et le trousseau en est à la {ring.generation} : "
            "ce registre ne vient pas d’ici. Ne le publiez pas.",
            REFUSED,
        )
    distances: Sequence[int] = range(register.days)
    if options.sample is not None:
        distances = secrets.SystemRandom().sample(distances, min(options.sample, register.days))
    try:
        verify_register(ring.find_key(register.kid), register, distances, options.progress)
    except WrongHash as error:
        raise DeskError(
            f"\nL’empreinte du {error} n’est pas celle que donne la clé {register.kid} : quelqu’un a modifié {options.verify}, "
            "ou il est abîmé. Ne le publiez pas.",
            REFUSED,
        ) from None
    which = "toutes justes" if len(distances) == register.days else f"{len(distances)} vérifiées, justes"
    print(
        f"Registre de génération {register.generation} (clé {register.kid}, pour {_name_scope(register.scope)}), "
        f"du {register.first} au {register.last} : {register.days} empreintes, {which}."
    )


def _name_scope(scope: str) -> str:
    return "tous les postes" if scope == EVERYONE else f"l’installation {scope}"


def _rotate(options: argparse.Namespace) -> None:
    ring = load_ring(options.key_file)
    old = ring.find_key()
    ring = ring.rotate(_new_key(options.kid or choose_kid(ring, find_today().year)))
    save_ring(ring, options.key_file, replace=True)
    print(
        f"Nouvelle clé maîtresse « {ring.find_key().kid} », génération {ring.generation}.\n"
        f"Ensuite : iea-desk register, publiez le registre, puis donnez de nouvelles clés du mois (iea-desk month-key).\n"
        f"Un poste qui n’a pas encore le nouveau registre demande l’ancienne clé : iea-desk password --kid {old.kid}"
    )
