"""The publisher's texts reach a PC as signed, and what is not stays away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from iea_agent import __version__
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.publisher_texts import bring_texts
from iea_agent.assembly.servers import Servers
from iea_agent.domain import interceptors
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import OutdatedVersion
from iea_agent.domain.signed_policy import NOTICES_FILE, POLICY_FILE, REGISTER_FILE, format_time
from iea_agent.host.text_reader import LARGEST_FILE
from iea_agent.services.messages import Reply, Request
from iea_agent.services.updates import TargetError, check
from iea_sandbox.repository import Repository
from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from tests.passwords import make_current_register

ADDRESS = parse("https://maj.example/updates")
NOW = 1_800_000_000.0


def write_notices(*texts: str) -> bytes:
    notices = [
        {
            "since": format_time(NOW + 60 * number),
            "until": format_time(NOW + 3600),
            "text": {"fr": text},
        }
        for number, text in enumerate(texts)
    ]
    return json.dumps({"schema": 1, "notices": notices}).encode()


class Site:
    """A repository, and a PC that reads it without a network."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "site")
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(folder / "home")})
        self.folder = self.installation.updates_folder
        self.installation.root_file.parent.mkdir(parents=True)
        self.installation.root_file.write_bytes(self.repository.first_root.read_bytes())
        self.fetched: list[str] = []
        self.spoil: Callable[[bytes], bytes] = lambda data: data

    def serve(self, path: str, largest: int) -> bytes:
        """Return a target, as the server sends it."""
        self.fetched.append(path)
        data = (self.repository.folder / "targets" / path).read_bytes()
        assert len(data) <= largest
        return self.spoil(data)

    def verify(self) -> None:
        """Verify the metadata."""

        def ask(request: Request, _limit: int) -> Reply:
            file = self.repository.folder / "metadata" / request.url.rpartition("/")[2]
            return Reply(200, {}, file.read_bytes()) if file.exists() else Reply(404, {}, b"")

        check(ask, ADDRESS, self.repository.first_root.read_bytes(), self.folder)

    def bring(self, **targets: bytes) -> list[str]:
        """Publish *targets*, verify, and bring what has changed."""
        self.repository.publish({f"{name}.json": content for name, content in targets.items()})
        self.verify()
        return bring_texts(self.installation, self.serve)

    def read_brought(self, name: str) -> bytes:
        """Return a text of the PC."""
        return (self.folder / "targets" / name).read_bytes()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_has_changed_is_fetched_and_nothing_else(site: Site) -> None:
    register = make_current_register().to_text().encode()
    assert site.bring(policy=b'{"schema": 1}', notices=write_notices("Panne."), register=register) == [
        POLICY_FILE, NOTICES_FILE, REGISTER_FILE,
    ]  # fmt: skip
    assert site.read_brought(REGISTER_FILE) == register
    site.fetched.clear()
    assert site.bring() == []
    assert site.fetched == []
    assert site.bring(notices=write_notices("Panne.", "Elle dure.")) == [NOTICES_FILE]
    assert len(site.fetched) == 1


def test_what_is_no_longer_signed_goes(site: Site) -> None:
    left = site.folder / "targets" / NOTICES_FILE
    left.parent.mkdir(parents=True)
    left.write_bytes(write_notices("Panne."))
    assert site.bring() == [NOTICES_FILE]
    assert not left.exists()
    assert site.bring() == []


def test_metadata_that_are_not_signed_bring_nothing(site: Site) -> None:
    site.bring(notices=write_notices("Panne."))
    targets = site.folder / "metadata" / "targets.json"
    targets.write_bytes(targets.read_bytes().replace(b"notices.json", b"notizen.json"))
    with pytest.raises(TargetError):
        bring_texts(site.installation, site.serve)
    assert site.read_brought(NOTICES_FILE) == write_notices("Panne.")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b" ",
        lambda _data: b"<html>",
        # as long as the signed one
        lambda data: data.replace(b"899", b"898"),
    ],
)
def test_what_is_not_the_signed_file_changes_nothing(site: Site, spoil: Callable[[bytes], bytes]) -> None:
    site.bring(notices=write_notices("Panne."))
    site.spoil = spoil
    assert site.bring(notices=write_notices("Appelez le 0 899.")) == []
    assert site.read_brought(NOTICES_FILE) == write_notices("Panne.")


def test_a_signed_text_that_this_agent_cannot_use_changes_nothing(site: Site) -> None:
    site.bring(policy=b'{"schema": 1}')
    assert site.bring(policy=b'{"schema": 1, "proxy": {"mode": "none"}}') == []
    assert site.read_brought(POLICY_FILE) == b'{"schema": 1}'
    site.fetched.clear()
    assert site.bring(policy=b" " * (LARGEST_FILE + 1)) == []
    assert site.fetched == [], "what is too large is not asked for"


@pytest.mark.linux
def test_the_test_of_both_servers_brings_them(world: World, tmp_path: Path) -> None:
    write_agent_files(tmp_path, world)
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    place = installation.updates_folder / "targets" / NOTICES_FILE
    settings = installation.storage.load().effective.settings
    for text in ("Panne.", "Elle dure."):
        world.publish({NOTICES_FILE: write_notices(text)})
        reports = Servers(installation).examine(settings)
        assert reports[1].failure is None
        assert place.read_bytes() == write_notices(text)
    world.break_("updates", "tampered-target")
    world.publish({NOTICES_FILE: write_notices("Autre.")})
    assert Servers(installation).examine(settings)[1].failure is None
    assert place.read_bytes() == write_notices("Elle dure.")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "home")})


def write_policy(folder: Path, **values: object) -> None:
    """Write a policy of the publisher below the updates' *folder*."""
    file = folder / "targets" / POLICY_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, **values}), "utf-8")


def test_a_version_below_the_least_one_is_named(installation: Installation) -> None:
    settings = installation.storage.load().effective.settings
    assert installation.list_outdated(settings) == ()
    for least, outdated in ((__version__, False), ("99.1", True), ("0.0.1", False)):
        write_policy(installation.updates_folder, minimum={"agent": least, "product": "V73"})
        # no Impact emploi is on this PC
        expected = (OutdatedVersion(True, __version__, least),) if outdated else ()
        assert installation.list_outdated(settings) == expected


def test_a_product_of_the_policy_is_known_to_a_test_of_the_servers(installation: Installation) -> None:
    product = {
        "name": "Nouvel antivirus",
        "kind": "antivirus",
        "setting": "Dans Nouvel antivirus : « Réseau ».",
        "marks": ["nouvel antivirus"],
    }
    avast = {**product, "name": "Avast", "setting": "Ailleurs qu'avant.", "marks": ["avast"]}
    write_policy(installation.updates_folder, interceptors=[product, avast])
    settings = installation.storage.load().effective.settings
    nowhere = settings.with_values(
        {"authentication": "https://127.0.0.1:1", "updates": "https://127.0.0.1:1"}
    )
    try:
        Servers(installation).examine(nowhere)
        recognised = interceptors.recognise(["Nouvel Antivirus CA 3"])
        replaced = interceptors.recognise(["Avast Web/Mail Shield Root"])
        # the publisher takes it back while the agent runs
        (installation.updates_folder / "targets" / POLICY_FILE).unlink()
        Servers(installation).examine(nowhere)
        assert interceptors.recognise(["Nouvel Antivirus CA 3"]) is None
    finally:
        interceptors.use_newer(())
    assert recognised is not None
    assert recognised.setting == product["setting"]
    assert replaced is not None
    assert replaced.setting == avast["setting"]
    assert interceptors.recognise(["Nouvel Antivirus CA 3"]) is None
    assert interceptors.recognise(["Avast Web/Mail Shield Root"]) is interceptors.find_interceptor("Avast")
