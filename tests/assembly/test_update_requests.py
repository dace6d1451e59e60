"""What the commands ask of updates: the version that is meant, and the refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from iea_agent import commands
from iea_agent.assembly import update_requests
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.domain import exit_codes, refusals
from iea_agent.domain.documents import InstallationDocument
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Post, choose_update, find_version
from iea_agent.domain.update_machine import InstallerBusy, InstallFailed, InstallRequested, UpdateState
from iea_agent.shell.wording.update_history_text import render_history
from tests.releases import make_offer
from tests.update_site import CONTENT, Quiet, Site, open_site

PRODUCT = ReleaseKind.PRODUCT
CHOICE = choose_update(
    [make_offer("3.00.73"), make_offer("3.00.74", **{"rollout.percent": 1}), make_offer("3.00.72")],
    ReleaseKind.PRODUCT,
    Post("3.00.72", "0.1.0", "", "3.00.72", "pc-1", 0.0, date(2026, 12, 9)),
)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "policy").mkdir()
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("typed", "version"), [("", "3.00.73"), ("3.00.73", "3.00.73"), ("V73", "3.00.73"), ("3.0.74", "3.00.74")]
)
def test_a_version_is_meant_in_every_form(typed: str, version: str) -> None:
    assert find_version(CHOICE, typed).offer.release.version == version


@pytest.mark.parametrize(
    ("typed", "refusal"),
    [
        ("3.00.99", refusals.VersionNotOffered("3.00.99")),
        ("trois", refusals.VersionNotOffered("trois")),
        ("3.00.72", refusals.VersionNotAllowed("3.00.72", "installed")),
    ],
)
def test_what_cannot_be_taken_is_refused(typed: str, refusal: Refusal) -> None:
    with pytest.raises(RefusedError) as caught:
        find_version(CHOICE, typed)
    assert caught.value.refusal == refusal


def test_without_any_list_this_pc_knows_no_version(installation: Installation) -> None:
    document = update_requests.check(installation, by_network=False)
    assert document["versions"] == []
    assert document["installed"]["product"] == ""


def test_a_file_that_is_not_there_or_not_signed_is_refused(
    installation: Installation, tmp_path: Path
) -> None:
    with pytest.raises(RefusedError) as caught:
        update_requests.take_file(installation, tmp_path / "x.exe", lambda _progress: None)
    assert isinstance(caught.value.refusal, refusals.FileNotReadable)
    (tmp_path / "x.exe").write_bytes(b"MZ")
    with pytest.raises(RefusedError) as caught:
        update_requests.take_file(installation, tmp_path / "x.exe", lambda _progress: None)
    assert caught.value.refusal == refusals.ProblemMet("IEA-U09")
    with pytest.raises(RefusedError) as caught:
        update_requests.check(installation, by_network=True)
    assert caught.value.refusal == refusals.ProblemMet("IEA-U09"), (
        "nothing was forged: there is no root to verify with"
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("requests")) as site:
        yield site


def test_a_person_brings_an_update_in_by_commands(site: Site) -> None:
    installation = site.install("pc", version=(3, 0, 72))
    policy = installation.storage.policy_file
    # else a process of its own goes on
    policy.write_text(
        f"{policy.read_text(encoding='utf-8')}\n[updates]\ndownload = false\n", encoding="utf-8"
    )
    document = update_requests.check(installation, by_network=True)
    assert [each["version"] for each in document["versions"] if each["allowed"]] == ["3.00.73"]
    assert update_requests.check(installation, by_network=False) == document
    seen: list[int] = []
    received = update_requests.download(
        installation, "V73", False, lambda progress: seen.append(progress.received)
    )
    assert Path(received["path"]).read_bytes() == CONTENT
    assert seen[-1] == received["bytes"] == len(CONTENT)
    # nothing is fetched again
    Quiet.given.clear()
    assert update_requests.download(installation, "", False, lambda _progress: None) == received
    assert Quiet.given == []
    # the file is signed, but no program
    ended = update_requests.install(installation, "3.00.73", False, lambda _progress: None)
    assert ended["state"] in ("failed", "ready")
    assert ended["words"]


@pytest.mark.linux  # the same code on both systems
class TestUnattended:
    """« update install --unattended », for a task with nobody before the screen."""

    def make_pc(self, site: Site, name: str, version: tuple[int, int, int]) -> Installation:
        installation = site.install(name, version=version)
        policy = installation.storage.policy_file
        # else a process of its own goes on
        policy.write_text(
            f"{policy.read_text(encoding='utf-8')}\n[updates]\ndownload = false\n", encoding="utf-8"
        )
        return installation

    def install(self, installation: Installation, version: str = "") -> InstallationDocument:
        return update_requests.install_unattended(installation, version, False, lambda _progress: None)

    def test_nothing_on_offer_is_no_failure(self, site: Site) -> None:
        pc = self.make_pc(site, "up-to-date", (3, 0, 73))
        assert commands.run(pc, ["update", "install", "--unattended"]) == exit_codes.FINE
        assert (self.install(pc)["state"], self.install(pc, "3.00.99")["state"]) == ("none", "none")

    def test_what_is_proposed_is_received_and_started_and_a_failure_not_again(self, site: Site) -> None:
        pc = self.make_pc(site, "at-night", (3, 0, 72))
        # the file is signed, but no program
        assert self.install(pc)["state"] in ("failed", "ready")
        keeper = UpdateKeeper(pc, lambda: None)
        if keeper.load(PRODUCT).snapshot.state is UpdateState.READY:
            keeper.take(PRODUCT, InstallRequested(), InstallFailed(1603))
        failed = keeper.load(PRODUCT)
        assert commands.run(pc, ["update", "install", "--unattended"]) == exit_codes.FAILED
        assert keeper.load(PRODUCT) == failed

    @pytest.mark.parametrize(("ago", "code"), [(0.0, exit_codes.REFUSED), (86_400.0, exit_codes.FAILED)])
    def test_another_installation_is_waited_for_and_not_for_ever(
        self, site: Site, ago: float, code: int
    ) -> None:
        pc = self.make_pc(site, f"busy-{ago}", (3, 0, 72))
        update_requests.download(pc, "", False, lambda _progress: None)
        at = time.time() - ago
        keeper = UpdateKeeper(pc, lambda: None, lambda: at)
        keeper.take(PRODUCT, InstallRequested(), InstallerBusy())
        # a day later it is started; it is no program
        assert commands.run(pc, ["update", "install", "--unattended"]) == code


def test_what_the_server_says_is_a_refusal(site: Site) -> None:
    installation = site.install("other", version=(3, 0, 72))
    site.serve(site.repository.spoil("metadata-expired"))
    try:
        with pytest.raises(RefusedError) as caught:
            update_requests.check(installation, by_network=True)
    finally:
        site.repository.heal()
        site.serve({})
    assert caught.value.refusal == refusals.ProblemMet("IEA-U01")


def test_there_is_no_history_at_first(installation: Installation) -> None:
    document = update_requests.list_history(installation)
    assert document["lines"] == []
    assert render_history(document)
