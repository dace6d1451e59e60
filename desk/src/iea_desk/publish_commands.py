"""The commands ``iea-desk publish …``: the update repository, from keys to files.

Orders change the draft; ``sign`` publishes it once all have signed.
"""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iea_agent.domain.exit_codes import REFUSED
from iea_agent.shell.wording.usage_text import SpokenPage
from iea_desk.keys import DeskError

if TYPE_CHECKING:
    from iea_desk.publication import Publication

_EXAMPLES = """\
exemples :
  iea-desk publish key marie --keys clefs --passphrase                 créer une clé, chiffrée
  iea-desk publish init --root marie,paul,luc --root-threshold 2 --targets marie,paul --online serveur
  iea-desk publish notes 3.00.73 lisez-moi.md                          ce que la version apporte
  iea-desk publish add ImpactEmploi-3.00.73.exe --sheet 3.00.73.toml   proposer la version
  iea-desk publish sign                                                signer, et publier si tous ont signé
  iea-desk publish roll-out 3.00.73 25                                 la proposer à un poste sur quatre
  iea-desk publish notice "Le serveur est en panne." --since 9:12 --next 10:30
  iea-desk publish refresh                                             chaque jour, par un minuteur
  iea-desk publish check                                               fautes et échéances

Le guide : docs/publishing.md
"""
ROLES = {"root": ("root",), "targets": ("targets",), "online": ("snapshot", "timestamp")}
"""What a key may be for, as a person says it."""


def add_publish(commands: Any) -> None:
    """Add ``publish`` and its commands to the parser of ``iea-desk``."""
    publish = commands.add_parser(
        "publish",
        help="le dépôt signé des mises à jour",
        description="Le dépôt signé des mises à jour, dans un dossier pour n’importe quel hébergement de fichiers.",
        epilog=_EXAMPLES,
        formatter_class=SpokenPage,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--folder", type=Path, default=Path("depot"), metavar="DOSSIER", help="dépôt (sinon depot)"
    )
    common.add_argument(
        "--keys", type=Path, default=Path("clefs"), metavar="DOSSIER", help="clés (sinon clefs)"
    )
    common.add_argument(
        "--secret-file",
        type=Path,
        metavar="FICHIER",
        help="phrase secrète ou code, sur sa première ligne ; lisible par vous seul (sinon demandée)",
    )
    orders = publish.add_subparsers(required=True, metavar="commande")
    for name, (summary, arguments, run) in ORDERS.items():
        order = orders.add_parser(name, parents=[common], help=summary)
        for flags, settings in arguments:
            order.add_argument(*flags, **settings)
        order.set_defaults(run=run)


Argument = tuple[tuple[str, ...], dict[str, Any]]


def _argument(*flags: str, **settings: Any) -> Argument:
    return flags, settings


# keys


def _key(options: argparse.Namespace) -> None:
    from iea_desk.publisher_keys import create_key, register_token

    if options.token is None:
        passphrase = _ask_new(options) if options.passphrase else None
        key = create_key(options.keys, options.name, options.type, passphrase)
        print(
            f"Clé « {key.name} » créée : {options.keys / key.name}.pem est privé, gardez-le hors ligne et en double."
        )
    else:
        number = None if options.token == "" else _number(options.token)
        key = register_token(options.keys, options.name, number, options.label, _ask_for(options))
        print(f"Clé « {key.name} » reconnue dans le jeton ; elle n’en sort pas.")
    print(f"Donnez {options.keys / key.name}.json, qui est public, à la personne qui tient le dépôt.")


def _number(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text):
        raise DeskError("--token demande le numéro d’une clé du jeton, 2 par exemple.", REFUSED)
    return int(text)


# the repository


def _init(options: argparse.Namespace) -> None:
    from iea_desk.publisher_keys import load_key

    keys = {
        role: [load_key(options.keys, name) for name in getattr(options, word)]
        for word, roles in ROLES.items()
        for role in roles
    }
    thresholds = {"root": options.root_threshold, "targets": options.targets_threshold}
    with _open(options, create=True) as publication:
        publication.start(keys, thresholds)
        publication.save()
    print("Dépôt préparé. Chaque titulaire signe maintenant : iea-desk publish sign.")


def _add(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import add_release

    with _edit(options) as publication:
        offer = add_release(publication, options.file, options.sheet)
        percent, name = offer.release.rollout.percent, offer.file.name
    print(
        f"Version {offer.release.version} ({name}, {offer.file.length:,} octets), proposée à {percent} % des postes.".replace(
            ",", " "
        )
    )
    _remind()


def _notes(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import add_notes

    with _edit(options) as publication:
        name = add_notes(publication, options.version, options.language, options.file)
    print(f"Notes : {name}.")
    _remind()


def _policy(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import set_policy

    with _edit(options) as publication:
        policy = set_policy(publication, options.file)
    print(
        f"Politique : {len(policy.changes)} changement(s) annoncé(s), {len(policy.pages)} page(s), assistance : {policy.support_address or 'inchangée'}."
    )
    _remind()


def _notice(options: argparse.Namespace) -> None:
    from iea_desk.notice_order import NoticeOrder
    from iea_desk.release_orders import set_notice

    if options.end == bool(options.text):
        raise DeskError("Donnez le texte de l’avis, ou --end pour qu’il n’y en ait plus.", REFUSED)
    document = None
    if options.text:
        order = NoticeOrder(
            options.text, options.english, options.since, options.next, options.until, options.write
        )
        document = order.build_document(datetime.now().astimezone())
    with _edit(options) as publication:
        set_notice(publication, document)
    print("Avis préparé." if document else "Il n’y aura plus d’avis.")
    _remind()


def _register(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import set_register

    with _edit(options) as publication:
        generation = set_register(publication, options.file)
    print(f"Registre de génération {generation}.")
    _remind()


def _roll_out(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import find_offer, roll_out

    with _edit(options) as publication:
        offer = find_offer(publication, options.version, options.kind)
        roll_out(publication, offer, options.percent)
    print(
        f"Version {offer.release.version} : de {offer.release.rollout.percent} % à {options.percent} % des postes."
    )
    _remind()


def _withdraw(options: argparse.Namespace) -> None:
    from iea_desk.release_orders import find_offer, withdraw

    with _edit(options) as publication:
        offer = find_offer(publication, options.version, options.kind)
        withdraw(publication, offer, remove=options.remove)
    print(f"Version {offer.release.version} : plus proposée à personne. Les postes qui l’ont la gardent.")
    _remind()


def _rotate(options: argparse.Namespace) -> None:
    from iea_desk.publisher_keys import load_key

    if not (options.old or options.new or options.threshold):
        raise DeskError("Donnez --old, --new ou --threshold.", REFUSED)
    with _edit(options) as publication:
        new = load_key(options.keys, options.new) if options.new else None
        publication.replace_keys(ROLES[options.role], options.old, new, options.threshold)
    print("Nouvelle racine préparée : les anciens et les nouveaux titulaires de la racine la signent.")
    _remind()


def _renew(options: argparse.Namespace) -> None:
    with _edit(options) as publication:
        publication.renew(options.role)
    _remind()


def _discard(options: argparse.Namespace) -> None:
    from iea_desk.publication import discard_draft, hold_folder

    # a draft that cannot be read is thrown away, too
    with hold_folder(options.folder):
        was_there = discard_draft(options.folder)
    print("Brouillon abandonné." if was_there else "Il n’y a pas de brouillon.")


def _sign(options: argparse.Namespace) -> None:
    from iea_desk.publication import ROLE_WORDS, explain_missing
    from iea_desk.publisher_keys import name_key
    from iea_desk.signed_folder import NotSigned

    with _open(options, sign=True) as publication:
        if not publication.signed.changed:
            raise DeskError("Il n’y a rien à signer : le brouillon est vide.", REFUSED)
        for role, key in publication.sign():
            print(f"« {name_key(key)} » signe {ROLE_WORDS[role]}.")
        publication.save()
        try:
            written = publication.publish()
        except NotSigned as error:
            raise DeskError(f"Pas encore publié. {explain_missing(error.role, error.result)}") from None
    _print_written(written)


def _refresh(options: argparse.Namespace) -> None:
    from iea_desk.publication import explain_missing
    from iea_desk.signed_folder import NotSigned

    with _open(options, sign=True) as publication:
        try:
            written = publication.refresh(force=options.force)
        except NotSigned as error:
            raise DeskError(f"Rien n’est changé. {explain_missing(error.role, error.result)}") from None
    if written:
        _print_written(written)
    else:
        print("Rien à renouveler.")


def _check(options: argparse.Namespace) -> None:
    from iea_desk.folder_check import check_publication
    from iea_desk.publication import ROLE_WORDS

    with _open(options) as publication:
        report = check_publication(publication)
    for role, end in report.ends.items():
        print(f"{ROLE_WORDS[role].capitalize()} : jusqu’au {end:%Y-%m-%d %H:%M} UTC.")
    for sentence in report.advice:
        print(sentence)
    if report.faults:
        raise DeskError("\n".join(report.faults))
    print("Aucune faute.")


# what the orders share


@contextmanager
def _open(options: argparse.Namespace, *, sign: bool = False, create: bool = False) -> Iterator[Publication]:
    """Give the repository of *options*, held. Raises ``DeskError``."""
    from iea_desk.publication import open_publication
    from iea_desk.publisher_keys import load_signers

    with open_publication(options.folder, create=create) as publication:
        if sign:
            signers = load_signers(options.keys, publication.keyids, _ask_for(options))
            publication.signed.signers = tuple(signers)
        yield publication


@contextmanager
def _edit(options: argparse.Namespace) -> Iterator[Publication]:
    """Give the repository of *options*, and write its draft at the end."""
    with _open(options) as publication:
        yield publication
        publication.save()


def _ask_for(options: argparse.Namespace) -> Callable[[str], str]:
    def ask(what: str) -> str:
        if options.secret_file is not None:
            from iea_desk.key_store import load_private_text

            return load_private_text(options.secret_file).partition("\n")[0].rstrip("\r")
        if not sys.stdin.isatty():
            raise DeskError(f"{what} : donnez --secret-file, il n’y a personne à qui la demander.")
        try:
            return getpass.getpass(f"{what} : ")
        except EOFError:
            raise DeskError("\nInterrompu. Rien n’est changé.") from None

    return ask


def _ask_new(options: argparse.Namespace) -> str:
    ask = _ask_for(options)
    passphrase = ask("Phrase secrète de la nouvelle clé")
    if options.secret_file is None and ask("Une deuxième fois") != passphrase:
        raise DeskError("Les deux phrases diffèrent. Rien n’est écrit.", REFUSED)
    return passphrase


def _print_written(written: Iterable[str]) -> None:
    print("Publié. À envoyer à l’hébergement dans cet ordre, le dernier à la fin :")
    for name in written:
        print(f"  site/{name}")


def _remind() -> None:
    print("Dans le brouillon. Pour publier : iea-desk publish sign.")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _percent(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= 100:
        raise argparse.ArgumentTypeError("un nombre de 1 à 100 est attendu")
    return int(text)


def _threshold(text: str) -> int:
    if not re.fullmatch("[1-9]", text):
        raise argparse.ArgumentTypeError("un nombre de 1 à 9 est attendu")
    return int(text)


_VERSION = _argument("version", metavar="VERSION", help="3.00.73 par exemple")
_FILE = _argument("file", type=Path, metavar="FICHIER")
_KIND = _argument("--kind", choices=("product", "agent"), default="", help="si les deux ont cette version")
_WHEN = "HEURE"
ORDERS: Mapping[str, tuple[str, tuple[Argument, ...], Callable[[argparse.Namespace], None]]] = {
    "key": (
        "créer une clé, ou reconnaître celle d’un jeton",
        (
            _argument("name", metavar="NOM", help="de la personne ou de la machine qui l’a"),
            _argument("--type", choices=("ed25519", "ecdsa"), default="ed25519"),
            _argument("--passphrase", action="store_true", help="chiffrer la clé"),
            _argument("--token", metavar="NUMÉRO", help="clé d’un jeton PKCS #11, qui existe déjà"),
            _argument("--label", metavar="NOM", help="nom du jeton, s’il y en a plusieurs"),
        ),
        _key,
    ),
    "init": (
        "préparer un dépôt (n’écrase jamais)",
        (
            _argument(
                "--root",
                type=_names,
                required=True,
                metavar="NOMS",
                help="clés de la racine : marie,paul,luc",
            ),
            _argument(
                "--root-threshold", type=_threshold, default=1, metavar="N", help="signatures qu’elle demande"
            ),
            _argument("--targets", type=_names, required=True, metavar="NOMS", help="clés de qui publie"),
            _argument("--targets-threshold", type=_threshold, default=1, metavar="N"),
            _argument(
                "--online", type=_names, required=True, metavar="NOM", help="clé de la machine qui renouvelle"
            ),
        ),
        _init,
    ),
    "add": (
        "ajouter une version",
        (
            _FILE,
            _argument("--sheet", type=Path, required=True, metavar="FICHE", help="sa description (TOML)"),
        ),
        _add,
    ),
    "notes": (
        "ajouter ce qu’une version apporte (Markdown, 64 Ko)",
        (_VERSION, _FILE, _argument("--language", choices=("fr", "en"), default="fr")),
        _notes,
    ),
    "policy": ("poser la politique (TOML)", (_FILE,), _policy),
    "notice": (
        "dire un incident aux postes qui échouent",
        (
            _argument("text", nargs="?", default="", metavar="TEXTE"),
            _argument("--english", default="", metavar="TEXTE"),
            _argument(
                "--since", default="", metavar=_WHEN, help="9:12, ou 2026-12-01 9:12 (sinon maintenant)"
            ),
            _argument("--next", default="", metavar=_WHEN, help="prochaine information"),
            _argument(
                "--until",
                default="",
                metavar=_WHEN,
                help="fin de l’avis (sinon un jour, une semaine au plus)",
            ),
            _argument("--write", action="store_true", help="l’assistance souhaite qu’on lui écrive"),
            _argument("--end", action="store_true", help="plus d’avis"),
        ),
        _notice,
    ),
    "register": ("poser le registre des mots de passe du jour", (_FILE,), _register),
    "roll-out": (
        "proposer une version à plus de postes",
        (_VERSION, _argument("percent", type=_percent, metavar="POURCENT"), _KIND),
        _roll_out,
    ),
    "withdraw": (
        "ne plus proposer une version",
        (_VERSION, _KIND, _argument("--remove", action="store_true", help="retirer aussi son fichier")),
        _withdraw,
    ),
    "rotate": (
        "remplacer, ajouter ou retirer une clé",
        (
            _argument("role", choices=tuple(ROLES)),
            _argument("--old", default="", metavar="NOM", help="clé qui ne compte plus"),
            _argument("--new", default="", metavar="NOM", help="clé qui compte désormais"),
            _argument("--threshold", type=_threshold, metavar="N", help="signatures demandées"),
        ),
        _rotate,
    ),
    "renew": (
        "prolonger la racine ou la liste des fichiers",
        (_argument("role", choices=("root", "targets")),),
        _renew,
    ),
    "sign": ("signer le brouillon, et le publier si tous ont signé", (), _sign),
    "discard": ("abandonner le brouillon", (), _discard),
    "refresh": (
        "prolonger l’horodatage (chaque jour, par un minuteur)",
        (_argument("--force", action="store_true", help="même s’il reste du temps"),),
        _refresh,
    ),
    "check": ("dire les fautes et les échéances", (), _check),
}
"""Each order: its summary, its arguments, and what it does."""
