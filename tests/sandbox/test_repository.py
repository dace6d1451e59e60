"""The update repository for python-tuf's own client: sound, and with each fault."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tuf.api import exceptions as tuf_errors
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]

from iea_sandbox.faults import FAULTS, Layer
from iea_sandbox.update_server import POLICY, README
from iea_sandbox.world import World


class Fetcher(FetcherInterface):
    """The least transport that python-tuf's client needs."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def _fetch(self, url: str) -> Iterator[bytes]:
        response = self._client.get(url)
        if response.status_code != 200:
            raise tuf_errors.DownloadHTTPError(url, response.status_code)
        return iter((response.content,))


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=world.ca_file)
    with httpx.Client(verify=context, trust_env=False, timeout=5) as client:
        yield client


class Installation:
    """A PC that stores the metadata which its update client has verified."""

    def __init__(self, world: World, client: httpx.Client, folder: Path) -> None:
        self._world = world
        self._client = client
        self._folder = folder
        (folder / "targets").mkdir(parents=True)

    def update(self, target: str = POLICY) -> bytes:
        """Refresh and fetch one target. Raises what python-tuf raises."""
        address = self._world.updates.address
        updater = Updater(
            str(self._folder / "metadata"),
            f"{address}/metadata/",
            str(self._folder / "targets"),
            f"{address}/targets/",
            fetcher=Fetcher(self._client),
            bootstrap=self._world.root_file.read_bytes(),
        )
        updater.refresh()
        information = updater.get_targetinfo(target)
        assert information is not None
        return Path(updater.download_target(information)).read_bytes()


@pytest.fixture
def installation(world: World, client: httpx.Client, tmp_path: Path) -> Installation:
    return Installation(world, client, tmp_path / "pc")


REFUSALS: dict[str, type[Exception]] = {
    "metadata-expired": tuf_errors.ExpiredMetadataError,
    "snapshot-expired": tuf_errors.ExpiredMetadataError,
    "targets-expired": tuf_errors.ExpiredMetadataError,
    "root-expired": tuf_errors.ExpiredMetadataError,
    "rolled-back": tuf_errors.BadVersionNumberError,
    "rolled-back-snapshot": tuf_errors.BadVersionNumberError,
    "rolled-back-targets": tuf_errors.BadVersionNumberError,
    "badly-signed": tuf_errors.UnsignedMetadataError,
    "root-badly-signed": tuf_errors.UnsignedMetadataError,
    "altered-timestamp": tuf_errors.UnsignedMetadataError,
    "altered-targets": tuf_errors.LengthOrHashMismatchError,
    "mixed-snapshot": tuf_errors.LengthOrHashMismatchError,
    "half-published": tuf_errors.DownloadHTTPError,
    # to python-tuf alone; the agent takes a page for what it is
    "root-as-page": DeserializationError,
    "tampered-target": tuf_errors.LengthOrHashMismatchError,
    "longer-target": tuf_errors.DownloadLengthMismatchError,
    "shorter-target": tuf_errors.LengthOrHashMismatchError,
    "cut-target": tuf_errors.DownloadError,
    "missing-target": tuf_errors.DownloadHTTPError,
}


def test_the_policy_and_the_readme_are_published(installation: Installation) -> None:
    assert installation.update(POLICY).startswith(b"schema = 1")
    assert "bulletins" in installation.update(README).decode("utf-8")


def test_nothing_new_costs_two_requests_and_the_target(world: World, installation: Installation) -> None:
    installation.update()
    world.requests.clear()
    installation.update()
    names = [request.target.rpartition("/")[2] for request in world.requests]
    assert names[0].endswith(".root.json")
    assert names[1] == "timestamp.json"
    assert names[2].endswith(".policy.toml")


def test_a_new_target_is_found(world: World, installation: Installation) -> None:
    installation.update()
    world.publish({"lisez-moi/V3.06.txt": b"nouveau"})
    assert installation.update("lisez-moi/V3.06.txt") == b"nouveau"


def test_every_fault_of_the_updates_is_listed_here() -> None:
    layers = (Layer.METADATA, Layer.TARGET)
    assert set(REFUSALS) == {name for name, fault in FAULTS.items() if fault.layer in layers}


@pytest.mark.linux  # the faults are the sandbox's; the agent's client meets false metadata in Windows, too
@pytest.mark.parametrize("how", REFUSALS)
def test_a_fault_is_refused_and_mended(
    world: World, installation: Installation, client: httpx.Client, tmp_path: Path, how: str
) -> None:
    if FAULTS[how].layer is Layer.METADATA:
        installation.update()
    world.break_("updates", how)
    with pytest.raises(REFUSALS[how]) as caught:
        installation.update(README)
    assert type(caught.value) is REFUSALS[how]
    world.mend("updates")
    assert installation.update(README)
    assert Installation(world, client, tmp_path / "new").update(README)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("web-page", tuf_errors.RepositoryError),
        ("another-service", tuf_errors.RepositoryError),
        ("404", tuf_errors.DownloadHTTPError),
        ("503", tuf_errors.DownloadHTTPError),
        ("truncated", tuf_errors.DownloadError),
    ],
)
def test_the_general_faults_strike_updates_too(
    world: World, installation: Installation, how: str, error: type[Exception]
) -> None:
    world.break_("updates", how)
    with pytest.raises(error):
        installation.update()


def test_a_download_can_be_resumed(world: World, client: httpx.Client) -> None:
    content = bytes(range(256)) * 4096
    world.publish({"installation.exe": content})
    path = world.updates.repository.folder / "targets"
    name = next(path.glob("*.installation.exe")).name
    url = f"{world.updates.address}/targets/{name}"
    rest = client.get(url, headers={"Range": "bytes=1000000-"})
    assert rest.status_code == 206
    assert rest.content == content[1_000_000:]


@pytest.mark.parametrize(
    "path", ["/metadata/..%2F..%2Fca.pem", "/targets/../../ca.pem", "/targets/%2e%2e/%2e%2e/ca.pem"]
)
def test_nothing_outside_the_repository_is_served(world: World, client: httpx.Client, path: str) -> None:
    assert client.get(world.updates.address + path).status_code == 404


def test_the_layout_is_that_of_any_static_host(world: World, client: httpx.Client) -> None:
    address = f"{world.updates.address}/metadata"
    assert client.get(f"{address}/1.root.json").content == world.root_file.read_bytes()
    signed = json.loads(client.get(f"{address}/timestamp.json").content)["signed"]
    version = signed["meta"]["snapshot.json"]["version"]
    assert client.get(f"{address}/{version}.snapshot.json").status_code == 200
    assert client.get(f"{address}/{version}.targets.json").status_code == 200
