"""The agent's client on a foreign repository, with folders of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from iea_agent.assembly import repository_client
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.repository_client import RepositoryPlaces
from iea_agent.assembly.servers import Servers
from iea_agent.domain import problems
from iea_agent.services.https import HttpsError
from iea_sandbox.repository import Repository


class Quiet(SimpleHTTPRequestHandler):
    """A static host that says nothing on the terminal."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "site")
    made.publish({"a/même.txt": b"un", "b/même.txt": b"deux"})
    return made


@pytest.fixture
def places(repository: Repository, tmp_path: Path) -> Iterator[RepositoryPlaces]:
    handler = partial(Quiet, directory=str(repository.folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        made = RepositoryPlaces(
            tmp_path / "metadata", f"{address}/metadata/", f"{address}/targets", tmp_path / "got"
        )
        repository_client.trust_root(repository.first_root, made)
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    home = tmp_path / "home"
    (home / "policy").mkdir(parents=True)
    (home / "policy" / "policy.toml").write_text('schema = 1\n[proxy]\nmode = "none"\n', encoding="utf-8")
    return Servers(Installation.locate({"IEA_AGENT_HOME": str(home)}))


def test_it_refreshes_and_downloads(servers: Servers, places: RepositoryPlaces) -> None:
    assert "version 1" in repository_client.refresh(servers, places)
    repository_client.download(servers, places, ["a/même.txt", "b/même.txt"])
    assert sorted(file.read_bytes() for file in places.target_folder.iterdir()) == [b"deux", b"un"]
    assert not servers.installation.updates_folder.exists()


def test_a_file_that_nobody_signed_ends_it(servers: Servers, places: RepositoryPlaces) -> None:
    with pytest.raises(HttpsError) as caught:
        repository_client.download(servers, places, ["c.txt", "a/même.txt"])
    assert caught.value.failure.problem is problems.UPDATE_FILE_UNKNOWN
    assert not places.target_folder.exists()


@pytest.mark.parametrize("address", ["", "ftp://localhost/metadata"])
def test_an_address_that_is_none_is_named(servers: Servers, places: RepositoryPlaces, address: str) -> None:
    with pytest.raises(HttpsError) as caught:
        repository_client.refresh(servers, replace(places, metadata_address=address))
    assert caught.value.failure.problem is problems.ADDRESS_MALFORMED
