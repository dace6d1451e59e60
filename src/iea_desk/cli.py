"""The command `iea-desk`: keys, passwords of the day, and the register that the PCs check them with."""

from __future__ import annotations

import argparse
import json
import re
import secrets
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from iea_agent.domain import day_password
from iea_agent.domain.day_password import EVERYONE
from iea_agent.domain.password_register import LARGEST_GENERATION, MOST_DAYS, STRONGEST, WEAKEST, Kdf
from iea_desk.keys import (
    KeyFormatError,
    KeyNotHere,
    MasterKey,
    MonthKeys,
    Ring,
    check_kid,
    next_kid,
    read_keys,
)

_TEN_YEARS = 3653

_EXAMPLES = """\
exemples :
  iea-desk init --key-file /media/cle-usb/trousseau.json      créer la clé maîtresse (une fois, hors ligne)
  iea-desk register --key-file … --output registre.json       calculer le registre à publier (dix ans)
  iea-desk month-key --key-file … --output novembre.txt       la clé du mois, pour le poste d'accueil
  iea-desk password --key-file novembre.txt                   le mot de passe d'aujourd'hui et son message

codes de sortie : 0 fait, 1 échec, 2 commande mal écrite, 4 refusé
"""


class _Ended(Exception):
    """The command cannot go on: what to say, and the exit code (1 failed, 4 refused)."""

    def __init__(self, sentence: str, code: int = 1) -> None:
        super().__init__(sentence)
        self.code = code


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 fine, 1 failed, 2 usage, 4 refused."""
    for stream in (sys.stdout, sys.stderr):  # Windows' code pages lack half of what we say
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = given.run
    try:
        run(given)
    except _Ended as error:
        print(error, file=sys.stderr)
        return error.code
    except (KeyFormatError, KeyNotHere) as error:
        print(error.args[0], file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Impossible : {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrompu.", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    keys = argparse.ArgumentParser(add_help=False)
    keys.add_argument(
        "--key-file",
        type=Path,
        metavar="FICHIER",
        help="fichier des clés, lisible par vous seul (sinon le coffre-fort du système)",
    )
    chosen = argparse.ArgumentParser(add_help=False)
    chosen.add_argument("--kid", default="", metavar="NOM", help="clé à utiliser (sinon la plus récente)")
    parser = argparse.ArgumentParser(
        prog="iea-desk",
        description="Le côté de l'assistance : clés, mots de passe du jour, registre publié.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="commande")

    init = commands.add_parser("init", parents=[keys], help="créer la clé maîtresse (n'écrase jamais)")
    init.add_argument(
        "--kid", default="", metavar="NOM", help="son nom (sinon l'année et une lettre : 2026a)"
    )
    init.set_defaults(run=_init)

    month = commands.add_parser(
        "month-key", parents=[keys, chosen], help="clé d'un mois, pour le poste d'accueil"
    )
    month.add_argument("--month", type=_month, metavar="AAAA-MM", help="mois (sinon celui-ci)")
    month.add_argument("--for", dest="scope", type=_scope, default=EVERYONE, metavar="INSTALLATION")
    month.add_argument(
        "--output", type=Path, metavar="FICHIER", help="fichier à créer, lisible par vous seul"
    )
    month.set_defaults(run=_month_key)

    password = commands.add_parser(
        "password", parents=[keys, chosen], help="mot de passe du jour et son message"
    )
    password.add_argument("--day", type=_day, metavar="AAAA-MM-JJ", help="jour (sinon aujourd'hui)")
    password.add_argument("--for", dest="scope", type=_scope, default=EVERYONE, metavar="INSTALLATION")
    password.add_argument("--json", action="store_true", help="pour un programme")
    password.set_defaults(run=_password)

    register = commands.add_parser(
        "register", parents=[keys, chosen], help="calculer le registre (long ; reprend où il en était)"
    )
    register.add_argument("--output", type=Path, required=True, metavar="FICHIER", help="registre à créer")
    register.add_argument(
        "--days", type=_days, default=_TEN_YEARS, metavar="N", help="jours couverts (dix ans)"
    )
    register.add_argument(
        "--first-day", type=_day, metavar="AAAA-MM-JJ", help="sinon le 1er janvier de l'année"
    )
    register.add_argument("--scope", type=_scope, default=EVERYONE, metavar="INSTALLATION")
    register.add_argument("--generation", type=_generation, metavar="N", help="sinon celle du trousseau")
    register.add_argument(
        "--kdf-n", type=_kdf_n, default=Kdf().n, help=argparse.SUPPRESS
    )  # tests cannot wait
    register.set_defaults(run=_register)

    rotate = commands.add_parser("rotate", parents=[keys], help="nouvelle clé maîtresse, génération suivante")
    rotate.add_argument(
        "--kid", default="", metavar="NOM", help="son nom (sinon l'année et une lettre : 2026b)"
    )
    rotate.set_defaults(run=_rotate)
    return parser


# --- arguments: argparse says which one is wrong ----------------------------------------------------------------------


def _day(text: str) -> date:
    if not re.fullmatch(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}", text):
        raise argparse.ArgumentTypeError("un jour comme 2026-11-24 est attendu")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("ce jour n'existe pas") from None


def _month(text: str) -> date:
    return _day(f"{text}-01")


def _scope(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,100}", text):
        raise argparse.ArgumentTypeError("un numéro d'installation sans espace est attendu")
    return text


def _whole(text: str, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"un nombre de 1 à {most} est attendu")
    return int(text)


def _days(text: str) -> int:
    return _whole(text, MOST_DAYS)


def _generation(text: str) -> int:
    return _whole(text, LARGEST_GENERATION)


def _kdf_n(text: str) -> int:
    n = _whole(text, STRONGEST.n)
    if n < 2 or n & (n - 1):
        raise argparse.ArgumentTypeError("une puissance de deux est attendue")
    return n


# --- where the keys are -----------------------------------------------------------------------------------------------


def _load(key_file: Path | None) -> Ring | MonthKeys:
    """The keys in *key_file*, or those in the vault."""
    if key_file is not None:
        from iea_desk.private_files import NotPrivate, read_private

        try:
            return read_keys(read_private(key_file))
        except NotPrivate as error:
            raise _Ended(
                f"D'autres personnes peuvent lire {key_file} : il n'est pas utilisé. Pour le réserver à vous seul :\n"
                f"  {error}\n"
                f"Si quelqu'un a pu le lire, remplacez la clé (iea-desk rotate).",
                4,
            ) from None
        except FileNotFoundError:
            raise _Ended(f"Il n'y a pas de fichier {key_file}.") from None
        except ValueError as error:
            if isinstance(error, KeyFormatError):
                raise
            raise _Ended(f"{key_file} n'est pas un fichier de clés.") from None
    text = _from_vault()
    if text is None:
        raise _Ended(
            "Il n'y a pas de clé dans le coffre-fort du système. Indiquez un fichier avec --key-file, ou créez une clé avec iea-desk init."
        )
    return read_keys(text)


def _ring(key_file: Path | None) -> Ring:
    """The master keys: what a month key cannot stand in for."""
    keys = _load(key_file)
    if isinstance(keys, MonthKeys):
        raise _Ended("Cette commande demande la clé maîtresse, et non une clé du mois.", 4)
    return keys


def _from_vault() -> str | None:
    from iea_desk.vault import VaultUnavailable, read_vault

    try:
        return read_vault()
    except VaultUnavailable:
        raise _Ended(
            "Le coffre-fort du système ne répond pas ou n'existe pas. Utilisez un fichier avec --key-file."
        ) from None


def _keep(ring: Ring, key_file: Path | None, replace: bool) -> None:
    """Write *ring* where it belongs; refuse to overwrite anything unless *replace*."""
    if key_file is not None:
        from iea_desk.private_files import write_private

        try:
            write_private(key_file, ring.to_text() + "\n", replace)
        except FileExistsError:
            raise _Ended(f"{key_file} existe déjà et n'est pas écrasé.", 4) from None
        return
    from iea_desk.vault import VaultUnavailable, write_vault

    if not replace and _from_vault() is not None:
        raise _Ended("Le coffre-fort contient déjà une clé maîtresse, qui n'est pas écrasée.", 4)
    try:
        write_vault(ring.to_text())
    except VaultUnavailable:
        raise _Ended("Le coffre-fort du système n'a pas gardé la clé.") from None
    except ValueError:
        raise _Ended(
            "Le trousseau est trop long pour le coffre-fort. Utilisez un fichier avec --key-file."
        ) from None


# --- commands ---------------------------------------------------------------------------------------------------------


def _today() -> date:
    return day_password.compute_today(time.time(), date(2026, 1, 1))


def _new_key(kid: str) -> MasterKey:
    return MasterKey(check_kid(kid), secrets.token_bytes(32))


def _init(given: argparse.Namespace) -> None:
    key = _new_key(given.kid or f"{_today().year}a")
    _keep(Ring((key,)), given.key_file, replace=False)
    where = given.key_file or "le coffre-fort du système"
    print(
        f"Clé maîtresse « {key.kid} » créée dans {where}.\n"
        "Faites-en une copie sous scellé et gardez-la hors ligne : qui l'obtient connaît tous les mots de passe, "
        "et sans elle il n'y en a plus.\n"
        "Ensuite : iea-desk register, puis publiez le registre."
    )


def _month_key(given: argparse.Namespace) -> None:
    key = _ring(given.key_file).key(given.kid).month_key(given.month or _today(), given.scope)
    if given.output is None:
        print(key.to_line())
        return
    from iea_desk.private_files import write_private

    try:
        write_private(given.output, key.to_line() + "\n")
    except FileExistsError:
        raise _Ended(f"{given.output} existe déjà et n'est pas écrasé.", 4) from None
    print(f"Clé du mois {key.month} (clé {key.kid}) écrite dans {given.output}.")


def _password(given: argparse.Namespace) -> None:
    from iea_desk.letter import Letter

    keys = _load(given.key_file)
    letter = Letter(keys.password(given.day or _today(), given.scope, given.kid))
    print(json.dumps(letter.to_document(), ensure_ascii=False) if given.json else letter.to_text())


def _register(given: argparse.Namespace) -> None:
    from iea_desk.register import Order, OtherRegister, ProgressBar, make, unfinished

    ring = _ring(given.key_file)
    generation = given.generation or ring.generation
    if generation < ring.generation:
        raise _Ended(
            f"La génération {generation} est plus ancienne que la dernière ({ring.generation}) : les postes la refuseraient.",
            4,
        )
    first = given.first_day or _today().replace(month=1, day=1)
    order = Order(ring.key(given.kid), given.scope, generation, first, given.days, Kdf(n=given.kdf_n))
    if order.kdf.n < WEAKEST.n:
        print("Registre d'essai : trop faible, les postes le refuseront.", file=sys.stderr)
    if generation > ring.generation:
        _keep(Ring(ring.keys, generation), given.key_file, replace=True)
    try:
        register = make(order, given.output, ProgressBar(sys.stderr))
    except FileExistsError:
        raise _Ended(f"{given.output} existe déjà et n'est pas écrasé.", 4) from None
    except OtherRegister:
        raise _Ended(
            f"{unfinished(given.output)} est le début d'un autre registre. Effacez-le, ou choisissez un autre --output.",
            4,
        ) from None
    except KeyboardInterrupt:
        raise _Ended("\nInterrompu. La même commande reprendra où elle en est.") from None
    print(
        f"Registre de génération {register.generation} (clé {register.kid}), du {register.first} au {register.last}, "
        f"écrit dans {given.output}."
    )


def _rotate(given: argparse.Namespace) -> None:
    ring = _ring(given.key_file)
    old = ring.key()
    ring = ring.rotated(_new_key(given.kid or next_kid(ring, _today().year)))
    _keep(ring, given.key_file, replace=True)
    print(
        f"Nouvelle clé maîtresse « {ring.key().kid} », génération {ring.generation}.\n"
        f"Ensuite : iea-desk register, publiez le registre, puis donnez de nouvelles clés du mois (iea-desk month-key).\n"
        f"Un poste qui n'a pas encore le nouveau registre demande l'ancienne clé : iea-desk password --kid {old.kid}"
    )
