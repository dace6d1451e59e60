"""What is wrong in a repository, each in a sentence, and what expires when.

TUF's own client reads the folder from its first root on, as an agent does that has just been installed. Then each file is held against what is signed
of it, and each description is read as an agent reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from tuf.api.exceptions import DownloadHTTPError, RepositoryError
from tuf.api.metadata import TargetFile, Targets  # type: ignore[attr-defined]
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]

from iea_agent.domain.password_register import RegisterError, parse_register
from iea_agent.domain.signed_policy import (
    NOTICES_FILE,
    POLICY_FILE,
    REGISTER_FILE,
    PolicyError,
    parse_notices,
    parse_policy,
)
from iea_desk.publication import OFFLINE, ROLE_WORDS, Publication, explain_missing
from iea_desk.release_orders import MOST_VERSIONS, list_catalogue
from iea_desk.signed_folder import LIFETIMES

WARN_DAYS = {"root": 60, "targets": 21, "snapshot": 7, "timestamp": 5}
"""So many days before its end a role is worth a sentence."""
_BASE = "folder://site/"


@dataclass(frozen=True, slots=True)
class FolderReport:
    """The *faults*, what is worth doing soon (*advice*), and the *ends* of each role."""

    faults: tuple[str, ...]
    advice: tuple[str, ...]
    ends: dict[str, datetime]


class _FolderFetcher(FetcherInterface):
    """TUF's transport from a folder."""

    def __init__(self, site: Path) -> None:
        self._site = site

    def _fetch(self, url: str) -> Iterator[bytes]:
        file = self._site / url.removeprefix(_BASE)
        if not file.is_file():
            raise DownloadHTTPError(url, 404)
        return iter((file.read_bytes(),))


def check_publication(publication: Publication) -> FolderReport:
    """Look at all that is published and drafted. Raises ``FolderError``, ``OSError``."""
    if not publication.signed.versions_of_root:
        faults, ends = ["Rien n’est encore publié : il n’y a que le brouillon."], {}
    else:
        faults = list(_check_metadata(publication))
        ends = publication.list_ends()
        faults += _check_files(publication)
    faults += _check_contents(publication)
    advice = [*_warn_of_ends(publication, ends), *_advise(publication)]
    return FolderReport(tuple(faults), tuple(advice), ends)


def _check_metadata(publication: Publication) -> Iterator[str]:
    site = publication.signed.folder
    versions = publication.signed.versions_of_root
    if versions != list(range(1, versions[-1] + 1)):
        missing = sorted(set(range(1, versions[-1] + 1)) - set(versions))
        yield (
            f"Il manque {missing[0]}.root.json : un poste qui connaît la version {missing[0] - 1} reste avec d’anciennes clés. "
            "Reprenez ce fichier d’une sauvegarde."
        )
        return
    anchor = (site / "metadata" / "1.root.json").read_bytes()
    with TemporaryDirectory(prefix="iea-desk-", ignore_cleanup_errors=True) as place:
        try:
            updater = Updater(place, f"{_BASE}metadata/", fetcher=_FolderFetcher(site), bootstrap=anchor)
            updater.refresh()
        except (RepositoryError, DownloadHTTPError) as error:
            yield f"Un poste refuserait ce dépôt : {error}."


def _check_files(publication: Publication) -> Iterator[str]:
    site = publication.signed.folder
    published = publication.signed.find_published(Targets.type)
    targets: dict[str, TargetFile] = published.signed.targets if published else {}
    wanted = set()
    for name, target in targets.items():
        for prefixed in target.get_prefixed_paths():
            wanted.add(site / "targets" / prefixed)
            try:
                with open(site / "targets" / prefixed, "rb") as file:
                    target.verify_length_and_hashes(file)
            except FileNotFoundError:
                yield f"Le fichier targets/{prefixed} manque : « {name} » ne peut pas être téléchargé."
            except RepositoryError:
                yield f"Le fichier targets/{prefixed} n’est pas celui qui est signé : « {name} » est refusé par les postes."
    strangers = [file for file in (site / "targets").rglob("*") if file.is_file() and file not in wanted]
    for left in strangers[:5]:
        if left.suffix == ".part":
            yield f"{left} est le reste d’une écriture interrompue : supprimez-le."


def _check_contents(publication: Publication) -> Iterator[str]:
    catalogue = list_catalogue(publication)
    yield from (f"Les postes ne voient pas {refusal}." for refusal in catalogue.refusals)
    for offer in catalogue.offers:
        for notes in filter(None, (offer.release.notes.fr, offer.release.notes.en)):
            if notes not in publication.targets:
                yield f"La version {offer.release.version} annonce « {notes} », qui n’est pas dans le dépôt."
    for name, parse in (
        (POLICY_FILE, parse_policy),
        (NOTICES_FILE, parse_notices),
        (REGISTER_FILE, parse_register),
    ):
        content = publication.read_target(name)
        try:
            if content is not None:
                parse(content.decode())
        except (PolicyError, RegisterError, UnicodeDecodeError) as error:
            yield f"Les postes refusent {name} : {error}."


def _warn_of_ends(publication: Publication, ends: dict[str, datetime]) -> Iterator[str]:
    for role in LIFETIMES:
        if role in ends:
            left = (ends[role] - publication.now) / timedelta(days=1)
            if left < WARN_DAYS[role]:
                command = "refresh" if role not in OFFLINE else f"renew {role}, puis sign"
                what = ROLE_WORDS[role].capitalize()
                when = (
                    f"a expiré le {ends[role]:%Y-%m-%d}" if left < 0 else f"expire le {ends[role]:%Y-%m-%d}"
                )
                yield f"{what} {when} : iea-desk publish {command}."


def _advise(publication: Publication) -> Iterator[str]:
    for role in OFFLINE:
        if role in publication.signed.changed:
            result = publication.signed.find_missing(role)
            ready = (
                f"{ROLE_WORDS[role]} a toutes ses signatures, iea-desk publish sign la publie."
                if result
                else explain_missing(role, result)
            )
            yield f"Brouillon : {ready}"
    by_channel: dict[tuple[object, str], int] = {}
    for offer in list_catalogue(publication).offers:
        place = (offer.release.kind, offer.release.channel)
        by_channel[place] = by_channel.get(place, 0) + 1
        if by_channel[place] == MOST_VERSIONS + 1:
            yield (
                f"Plus de {MOST_VERSIONS} versions dans un canal : la plus ancienne utile est la {offer.release.version}. "
                "Retirez les plus vieilles : iea-desk publish withdraw VERSION --remove."
            )
    for role in OFFLINE:
        if len(publication.signed.root().roles[role].keyids) == 1:
            loss = (
                "plus aucune mise à jour n’est possible"
                if role == "root"
                else "il faut les clés de la racine"
            )
            yield (
                f"Une seule clé signe {ROLE_WORDS[role]} : si elle est perdue, {loss}. "
                f"Ajoutez-en une : iea-desk publish rotate {role} --new NOM."
            )
