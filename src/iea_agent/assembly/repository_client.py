"""A client for any TUF repository, with folders of its own: ``update client``.

It is the agent's own client: outside suites of tests judge it by this command. Nothing of the installation's own updates is touched; its way to the
network is used.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from iea_agent.services.https import Client
    from iea_agent.services.messages import Reply, Request
    from iea_agent.services.updates import TrustedRepository

    from .servers import Servers

ROOT_NAME = "root.json"
FIRST_ROOT = "first-root"
"""A copy of the first root: TUF's own becomes a link, which some disks have not."""


@dataclass(frozen=True, slots=True)
class RepositoryPlaces:
    """Where a repository is, and where what comes from it is kept."""

    metadata_folder: Path
    metadata_address: str = ""
    target_address: str = ""
    target_folder: Path = Path()


def trust_root(root: Path, places: RepositoryPlaces) -> None:
    """Make *root* the first that is trusted. Raises ``OSError``."""
    places.metadata_folder.mkdir(parents=True, exist_ok=True)
    for name in (ROOT_NAME, FIRST_ROOT):
        shutil.copyfile(root, places.metadata_folder / name)


def refresh(servers: Servers, places: RepositoryPlaces) -> str:
    """Verify the metadata and return what they are.

    Raises ``HttpsError`` and ``OSError``.
    """
    with _open_client(servers, places.metadata_address) as client:
        return str(_verify(client, places).metadata)


def download(servers: Servers, places: RepositoryPlaces, names: Sequence[str]) -> None:
    """Verify the metadata and fetch *names*, one after the other.

    Raises ``HttpsError``, for a name that nobody has signed too, and ``OSError``.
    """
    from iea_agent.domain import problems
    from iea_agent.domain.diagnosis import Failure, Stage
    from iea_agent.services.https import HttpsError
    from iea_agent.services.update_download import Terms, fetch_file

    base = places.target_address.rstrip("/")
    with (
        _open_client(servers, places.metadata_address) as client,
        _open_client(servers, places.target_address) as host,
    ):
        repository = _verify(client, places)
        for name in names:
            file = repository.find_file(name)
            if file is None:
                raise HttpsError(Failure(Stage.METADATA, problems.UPDATE_FILE_UNKNOWN, f"{name}: not signed"))
            address = f"{base}/{quote(repository.name_on_server(file))}"
            # one folder holds them all: the path becomes the name
            fetch_file(
                host.receive, address, replace(file, name=quote(name, "")), places.target_folder, Terms()
            )


def _open_client(servers: Servers, address: str) -> Client:
    from iea_agent.domain import addresses, problems
    from iea_agent.domain.diagnosis import Failure, Stage
    from iea_agent.services.https import HttpsError

    settings = servers.installation.storage.load().effective.settings
    try:
        parsed = addresses.parse(addresses.clean(address))
    except addresses.AddressError as error:
        detail = f"{address}: {error}"
        raise HttpsError(Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, detail)) from error
    return servers.connect(settings)(parsed)


def _verify(client: Client, places: RepositoryPlaces) -> TrustedRepository:
    from iea_agent.host.regular_files import read_bounded
    from iea_agent.services.updates import LARGEST, MetadataSource, TrustedRepository

    def send(request: Request, limit: int) -> Reply:
        return client.request(request, limit=limit)

    source = MetadataSource(send, places.metadata_address.rstrip("/") + "/")
    root = read_bounded(places.metadata_folder / FIRST_ROOT, LARGEST)
    return TrustedRepository(source, root or b"", places.metadata_folder)
