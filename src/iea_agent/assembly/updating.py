"""Updates of this PC: what is on offer, and its files by whatever way they come.

The ways are the update server, the shared folder of a site, and a file that a person names. TUF judges each time, so no way needs any trust. Nothing here
installs.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.update_catalogue import Catalogue, Offer, list_offers
from iea_agent.services.https import HttpsError
from iea_agent.services.messages import Reply, Request

from .site_folder import SiteFolder

if TYPE_CHECKING:
    from iea_agent.domain.download_plan import Progress
    from iea_agent.domain.settings import Settings
    from iea_agent.domain.update_catalogue import Release
    from iea_agent.services.https import Client
    from iea_agent.services.update_download import Terms
    from iea_agent.services.updates import MetadataSource, TrustedRepository

    from .servers import Servers

log = logging.getLogger(__name__)

METADATA = "metadata"
TIMESTAMP = "timestamp.json"
NO_NETWORK_NEEDED = "file:/"
"""The base of what is read beside a file: no request leaves this PC."""

_Used = TypeVar("_Used")


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A verified file on this PC, and what it installs."""

    offer: Offer
    path: Path


class Updating:
    """Finds and receives updates for the installation of *servers*.

    *place* is the folder of the received files. Each method may wait for the network, and raises ``HttpsError``.
    """

    def __init__(self, servers: Servers, open_site: Callable[[Path], SiteFolder] = SiteFolder) -> None:
        """Prepare; nothing is read or asked yet. *open_site* gives the shared folder."""
        self._servers = servers
        self._open_site = open_site
        self._installation = servers.installation
        self.place = self._installation.updates_folder / "files"

    @property
    def _settings(self) -> Settings:
        return self._installation.storage.load().effective.settings

    def refresh(self) -> Catalogue:
        """Return what the update server offers now, and bring the publisher's texts."""
        with self._open_client() as client:
            source = self._ask_server(client)
            catalogue = self._visit(source, lambda repository: list_offers(repository.files))
            self._servers.bring_texts(source.send, self._address())
            self._bring_notes(source, catalogue)
        return _log_refusals(catalogue)

    def _bring_notes(self, source: MetadataSource, catalogue: Catalogue) -> None:
        """Bring what is new in each version; what prevents it is for the log."""
        from iea_agent.services.updates import TargetError

        from .notes_files import bring_notes

        def fetch(path: str, largest: int) -> bytes:
            return source.send(Request("GET", f"{self._address()}/targets/{quote(path)}"), largest).body

        try:
            bring_notes(self._installation, catalogue.offers, fetch)
        except (HttpsError, TargetError, OSError) as error:
            log.info("notes not brought", extra={"fields": {"reason": str(error)}})

    def list_known(self) -> Catalogue:
        """Return what the metadata on this PC offer, without the network.

        Empty if there are none; expired ones offer nothing.
        """
        from iea_agent.host.regular_files import read_bounded
        from iea_agent.services.updates import TargetError, list_known_files

        root = self._installation.root_file

        def read_file(path: Path, limit: int) -> bytes | None:
            # the root is an administrator's; what its signatures cover may lie where the person may write
            read = self._installation.storage.read_administrators_file if path == root else read_bounded
            return read(path, limit)

        try:
            files = list_known_files(read_file, root, self._installation.updates_folder, datetime.now(UTC))
        except (TargetError, OSError) as error:
            log.info("no list of updates on this PC", extra={"fields": {"reason": error}})
            return Catalogue()
        return _log_refusals(list_offers(files))

    def fetch(self, offer: Offer, terms: Terms, on_wait: Callable[[str], None] = lambda _other: None) -> Path:
        """Return the verified file of *offer*: here, in the shared folder, or fetched.

        *on_wait* is told the name of the PC of the site that fetches it and is waited for. Raises ``HttpsError`` and ``RequestCancelled``.
        """
        shared = self._settings.updates_folder
        if not shared:
            return self._fetch_from_server(offer, terms)
        site = self._open_site(Path(shared))
        site.wait_for_other(offer.file, terms.is_cancelled, on_wait)
        if path := site.take(offer.file, self.place, terms):
            return path
        with site.fetching(offer.file) as touch:

            def report(progress: Progress) -> None:
                touch()
                terms.report(progress)

            path = self._fetch_from_server(offer, replace(terms, report=report))
            site.leave(offer.file, path)
        return path

    def _fetch_from_server(self, offer: Offer, terms: Terms) -> Path:
        from iea_agent.services.update_download import fetch_file

        with self._open_client() as client:
            file, name = self._visit(
                self._ask_server(client),
                lambda repository: (
                    repository.find_file(offer.file.name),
                    repository.name_on_server(offer.file),
                ),
            )
            if file is None or file.sha256 != offer.file.sha256:
                raise _refuse(problems.UPDATE_FILE_UNKNOWN, f"{offer.file.name}: not signed any more")
            address = f"{self._address()}/targets/{quote(name)}"
            return fetch_file(client.receive, address, file, self.place, terms)

    def take_file(self, path: Path, terms: Terms) -> ReceivedFile:
        """Return the update in the file *path*, whatever its name, if it is a signed one.

        The metadata beside it count, if they are good, else those on this PC; no network is needed. Its *Lisez-moi* comes with it, if it lies
        beside it and is the signed one. Raises ``HttpsError`` with UPDATE_FILE_UNKNOWN, with UPDATE_FILE_ALTERED for a file that is as long as one
        that is signed, with what is wrong with the metadata beside it, or with UPDATES_WITHOUT_ROOT; and ``OSError`` if the file cannot be read.
        """
        from iea_agent.host.regular_files import open_regular
        from iea_agent.services.update_download import copy_file

        repository = _find_repository(path)
        beside, failure = self._list_beside(repository)
        offers = {offer.file.sha256: offer for offer in (*beside.offers, *self.list_known().offers)}
        with open(path, "rb", opener=open_regular) as source:
            self._read_root()
            size = os.fstat(source.fileno()).st_size
            for offer in offers.values():
                if offer.file.length != size:
                    continue
                source.seek(0)
                try:
                    received = ReceivedFile(offer, copy_file(source, offer.file, self.place, terms))
                except HttpsError as error:
                    if error.failure.problem is not problems.UPDATE_FILE_ALTERED:
                        raise
                    failure = error
                else:
                    self._take_notes(offer.release, path, repository)
                    return received
        raise failure or _refuse(
            problems.UPDATE_FILE_UNKNOWN, f"{path}: {size} bytes, no signed file has them"
        )

    def _list_beside(self, repository: Path | None) -> tuple[Catalogue, HttpsError | None]:
        """Return what the metadata in *repository* offer, and what is wrong with them."""
        if repository is None:
            return Catalogue(), None
        try:
            source = _read_folder(repository / METADATA)
            return _log_refusals(self._visit(source, lambda each: list_offers(each.files))), None
        except HttpsError as error:
            log.warning("metadata beside a file", extra={"fields": {"folder": repository, "failure": error}})
            return Catalogue(), error

    def _take_notes(self, release: Release, path: Path, repository: Path | None) -> None:
        """Take the notes that lie beside *path*; what prevents it is for the log."""
        from iea_agent.services.updates import TargetError

        from .notes_files import take_notes

        folders = [
            path.absolute().parent,
            *([] if repository is None else [repository / "targets", repository]),
        ]
        try:
            take_notes(self._installation, release, folders)
        except (TargetError, OSError) as error:
            log.info("notes not taken", extra={"fields": {"reason": str(error)}})

    def _visit(self, source: MetadataSource, use: Callable[[TrustedRepository], _Used]) -> _Used:
        from iea_agent.services import updates

        return updates.visit(source, self._read_root(), self._installation.updates_folder, use)

    def _read_root(self) -> bytes:
        """Return the trust root; without one nothing can be verified, nor is asked for."""
        from iea_agent.services import updates

        root = self._servers.read_root(updates.LARGEST)
        if not root:
            raise _refuse(problems.UPDATES_WITHOUT_ROOT, "no root.json here")
        return root

    def _address(self) -> str:
        return str(addresses.parse(self._settings.updates))

    def _open_client(self) -> Client:
        return self._servers.connect(self._settings)(addresses.parse(self._settings.updates))

    def _ask_server(self, client: Client) -> MetadataSource:
        from iea_agent.services.updates import MetadataSource

        def send(request: Request, limit: int) -> Reply:
            return client.request(request, limit=limit)

        return MetadataSource(send, f"{self._address()}/{METADATA}/")


def _find_repository(path: Path) -> Path | None:
    """Return the folder around *path* that has signed metadata, None if none has."""
    folders = list(path.absolute().parents)[:4]
    return next((folder for folder in folders if (folder / METADATA / TIMESTAMP).is_file()), None)


def _read_folder(folder: Path) -> MetadataSource:
    """Return the source that reads the metadata in *folder*."""
    from iea_agent.host.regular_files import read_bounded
    from iea_agent.services.updates import MetadataSource

    def send(request: Request, limit: int) -> Reply:
        name = request.url.removeprefix(NO_NETWORK_NEEDED)
        try:
            data = None if "/" in name or "\\" in name else read_bounded(folder / name, limit)
        except OSError as error:
            raise _refuse(problems.METADATA_INCOMPLETE, f"{folder / name}: {error}") from error
        return Reply(404, {}, b"") if data is None else Reply(200, {}, data)

    return MetadataSource(send, NO_NETWORK_NEEDED)


def _log_refusals(catalogue: Catalogue) -> Catalogue:
    for refusal in catalogue.refusals:
        log.warning("a version is not understood", extra={"fields": {"reason": refusal}})
    return replace(catalogue, refusals=())


def _refuse(problem: problems.Problem, detail: str) -> HttpsError:
    return HttpsError(Failure(Stage.METADATA, problem, detail))
