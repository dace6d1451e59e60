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
    from iea_agent.services.updates import MetadataSource

    from .servers import Servers

ROOT_NAME = "root.json"


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
    shutil.copyfile(root, places.metadata_folder / ROOT_NAME)


def refresh(servers: Servers, places: RepositoryPlaces) -> str:
    """Verify the metadata and return what they are.

    Raises ``HttpsError`` and ``OSError``.
    """
    from iea_agent.services.updates import TrustedRepository

    with _open_client(servers, places.metadata_address) as client:
        return str(TrustedRepository(_make_source(client, places), None, places.metadata_folder).metadata)


def download(servers: Servers, places: RepositoryPlaces, names: Sequence[str]) -> None:
    """Verify the metadata and fetch *names*, one after the other.

    Raises ``HttpsError``, for a name that nobody has signed too, and ``OSError``.
    """
    from iea_agent.domain import problems
    from iea_agent.domain.diagnosis import Failure, Stage
    from iea_agent.services.https import HttpsError
    from iea_agent.services.update_download import Terms, fetch_file
    from iea_agent.services.updates import TrustedRepository

    base = places.target_address.rstrip("/")
    with (
        _open_client(servers, places.metadata_address) as client,
        _open_client(servers, places.target_address) as host,
    ):
        repository = TrustedRepository(_make_source(client, places), None, places.metadata_folder)
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
    from iea_agent.domain import addresses

    settings = servers.installation.storage.load().effective.settings
    return servers.connect(settings)(addresses.parse(addresses.clean(address)))


def _make_source(client: Client, places: RepositoryPlaces) -> MetadataSource:
    from iea_agent.services.updates import MetadataSource

    def send(request: Request, limit: int) -> Reply:
        return client.request(request, limit=limit)

    return MetadataSource(send, places.metadata_address.rstrip("/") + "/")
