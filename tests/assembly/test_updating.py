"""Updates by every way: what is not signed gets through on none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.notes_files import read_notes
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.assembly.updating import ReceivedFile, Updating
from iea_agent.domain import problems
from iea_agent.domain.problems import Problem
from iea_agent.domain.update_catalogue import Offer, ReleaseKind
from iea_agent.services.https import HttpsError
from iea_agent.services.update_download import Terms
from iea_sandbox.repository import Repository
from tests.releases import make_description
from tests.update_site import CONTENT, OTHER, Site, open_site

NOTES = b"# Lisez-moi V73\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("updating")) as site:
        yield site


@pytest.fixture
def pc_name(request: pytest.FixtureRequest) -> str:
    return f"pc-{abs(hash(request.node.nodeid))}"


@pytest.fixture
def pc(site: Site, pc_name: str) -> Iterator[Updating]:
    yield site.make_pc(pc_name)
    site.serve({})


def offer_of(pc: Updating) -> Offer:
    (offer,) = pc.refresh().offers
    return offer


def problem_of(error: pytest.ExceptionInfo[HttpsError]) -> Problem:
    return error.value.failure.problem


def test_a_version_is_found_chosen_and_received(site: Site, pc_name: str) -> None:
    installation = site.install(pc_name)
    keeper, pc = UpdateKeeper(installation, lambda: None), Updating(Servers(installation))
    assert pc.list_known().offers == ()
    catalogue = pc.refresh()
    choice = keeper.choose(ReleaseKind.PRODUCT, catalogue)
    # Impact emploi is not on this PC
    assert choice.proposed is None
    (listed,) = choice.listed
    # Wine 8 says that it is Windows 7
    assert listed.is_allowed or os.name == "nt"
    assert pc.fetch(listed.offer, Terms()).read_bytes() == CONTENT
    assert pc.list_known() == catalogue
    assert keeper.choose(ReleaseKind.AGENT, catalogue).listed == ()


def test_the_second_pc_of_a_site_takes_the_file_from_the_first(site: Site, pc_name: str) -> None:
    shared = site.folder / f"{pc_name}-shared"
    shared.mkdir()
    first, second = (site.make_pc(f"{pc_name}-{number}", shared) for number in (1, 2))
    for pc, given in ((first, 1), (second, 0)):
        before = len(site.list_given())
        assert pc.fetch(offer_of(pc), Terms()).read_bytes() == CONTENT
        assert len(site.list_given()) - before == given
    (file,) = shared.iterdir()
    assert file.name == f"{offer_of(first).file.sha256}.ImpactEmploi-3.00.73.exe"


@pytest.mark.parametrize("content", [None, b"", b"!" + CONTENT[1:], CONTENT + b"!", CONTENT[:-1]])
def test_a_shared_folder_with_something_else_is_passed_over(
    site: Site, pc_name: str, content: bytes | None
) -> None:
    shared = site.folder / f"{pc_name}-shared"
    if content is not None:
        shared.mkdir()
    pc = site.make_pc(pc_name, shared)
    offer = offer_of(pc)
    name = f"{offer.file.sha256}.{offer.file.base_name}"
    if content is not None:
        (shared / name).write_bytes(content)
    assert pc.fetch(offer, Terms()).read_bytes() == CONTENT
    # the false one was replaced for the others
    assert content is None or (shared / name).read_bytes() == CONTENT


class TestFromAFile:
    """A file from a browser or a stick, under any name."""

    def take(self, pc: Updating, path: Path) -> ReceivedFile:
        return pc.take_file(path, Terms())

    def test_it_counts_by_the_list_of_this_pc(self, pc: Updating, site: Site, tmp_path: Path) -> None:
        pc.refresh()
        file = tmp_path / "ImpactEmploi (1).exe"
        shutil.copyfile(site.file, file)
        received = self.take(pc, file)
        assert received.offer.release.version == "3.00.73"
        assert received.path.read_bytes() == CONTENT

    def test_it_counts_by_the_metadata_beside_it(self, pc: Updating, site: Site, pc_name: str) -> None:
        assert self.take(pc, site.copy_to_stick(f"{pc_name}-stick")).path.read_bytes() == CONTENT

    @pytest.mark.parametrize(
        ("name", "content", "read"),
        [
            ("3.00.73.fr.md", NOTES, NOTES),
            ("notes/3.00.73.fr.md", NOTES, NOTES),
            ("3.00.73.fr.md", NOTES[:-1] + b"*", b""),
            ("LISEZ-MOI.md", NOTES, b""),
        ],
        ids=["beside", "below", "another text", "another name"],
    )
    def test_its_notes_are_taken_from_beside_it_if_they_are_signed(
        self, site: Site, pc_name: str, tmp_path: Path, name: str, content: bytes, read: bytes
    ) -> None:
        site.publish_notes(NOTES)
        stick = tmp_path / "stick"
        shutil.copytree(
            site.repository.folder / "metadata", stick / "metadata", copy_function=shutil.copyfile
        )
        shutil.copyfile(site.file, stick / "setup.exe")
        (stick / name).parent.mkdir(exist_ok=True)
        (stick / name).write_bytes(content)
        installation = site.install(pc_name)
        keeper = UpdateKeeper(installation, lambda: None)
        received = keeper.take_file(stick / "setup.exe", Terms())
        assert read_notes(installation, received.offer.release).encode() == read
        assert (installation.updates_folder / "targets" / "notes").exists() is bool(read)
        # the window lists the version, though no server has answered
        assert [each.offer for each in keeper.look(ReleaseKind.PRODUCT).choice.listed] == [received.offer]

    def test_its_notes_come_with_a_copy_of_the_whole_repository(self, site: Site, pc_name: str) -> None:
        site.publish_notes(NOTES)
        installation = site.install(pc_name)
        stick = site.copy_to_stick(f"{pc_name}-stick")
        received = Updating(Servers(installation)).take_file(stick, Terms())
        assert read_notes(installation, received.offer.release).encode() == NOTES

    def test_without_any_list_it_is_unknown(self, pc: Updating, tmp_path: Path) -> None:
        (tmp_path / "x.exe").write_bytes(CONTENT)
        with pytest.raises(HttpsError) as caught:
            self.take(pc, tmp_path / "x.exe")
        assert problem_of(caught) is problems.UPDATE_FILE_UNKNOWN

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"!" + CONTENT[1:], problems.UPDATE_FILE_ALTERED),
            (CONTENT + b"!", problems.UPDATE_FILE_UNKNOWN),
            (CONTENT[:-1], problems.UPDATE_FILE_UNKNOWN),
            (b"", problems.UPDATE_FILE_UNKNOWN),
        ],
    )
    def test_another_content_is_refused(
        self, pc: Updating, tmp_path: Path, content: bytes, problem: Problem
    ) -> None:
        pc.refresh()
        (tmp_path / "x.exe").write_bytes(content)
        with pytest.raises(HttpsError) as caught:
            self.take(pc, tmp_path / "x.exe")
        assert problem_of(caught) is problem
        assert not pc.place.exists() or list(pc.place.iterdir()) == []

    def test_what_is_no_file_is_no_update(self, pc: Updating, tmp_path: Path) -> None:
        pc.refresh()
        with pytest.raises(OSError, match=r"not a file|denied|directory"):
            self.take(pc, tmp_path)


METADATA_FAULTS: dict[str, Problem] = {
    "metadata-expired": problems.METADATA_EXPIRED,
    "snapshot-expired": problems.METADATA_EXPIRED,
    "targets-expired": problems.METADATA_EXPIRED,
    "rolled-back": problems.METADATA_ROLLED_BACK,
    "rolled-back-snapshot": problems.METADATA_ROLLED_BACK,
    "rolled-back-targets": problems.METADATA_ROLLED_BACK,
    "badly-signed": problems.METADATA_NOT_AUTHENTIC,
    "altered-timestamp": problems.METADATA_NOT_AUTHENTIC,
    "altered-targets": problems.METADATA_NOT_AUTHENTIC,
    "mixed-snapshot": problems.METADATA_NOT_AUTHENTIC,
    "half-published": problems.METADATA_INCOMPLETE,
    # these two stay in the folder of the host: they come last
    "root-badly-signed": problems.METADATA_NOT_AUTHENTIC,
    "root-expired": problems.METADATA_EXPIRED,
}
"""The attacks on the metadata, and what each is called."""


class TestAttacks:
    """What an attacker, or an accident, can do to the files of the host."""

    @pytest.mark.parametrize(
        ("content", "problem"),
        [
            (b"!" + CONTENT[1:], problems.UPDATE_FILE_ALTERED),
            (CONTENT + b"!", problems.UPDATE_FILE_ALTERED),
            (CONTENT[:-1], problems.UPDATE_FILE_ALTERED),
            (None, problems.UPDATE_FILE_MISSING),
        ],
    )
    def test_a_false_file_of_the_server_is_refused(
        self, site: Site, pc: Updating, content: bytes | None, problem: Problem
    ) -> None:
        offer, file = offer_of(pc), site.file
        try:
            if content is None:
                file.rename(file.with_suffix(".away"))
            else:
                file.write_bytes(content)
            with pytest.raises(HttpsError) as caught:
                pc.fetch(offer, Terms())
        finally:
            file.with_suffix(".away").unlink(missing_ok=True)
            file.write_bytes(CONTENT)
        assert problem_of(caught) is problem
        assert not (pc.place / offer.file.base_name).exists()

    @pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"name": OTHER}])
    def test_a_version_that_is_not_signed_now_is_not_fetched(
        self, site: Site, pc: Updating, change: dict[str, str]
    ) -> None:
        offer = offer_of(pc)
        before = site.list_given()
        with pytest.raises(HttpsError) as caught:
            pc.fetch(replace(offer, file=replace(offer.file, **change)), Terms())  # type: ignore[arg-type]
        assert problem_of(caught) is problems.UPDATE_FILE_UNKNOWN
        assert site.list_given() == before

    def test_a_stranger_of_the_same_form_is_refused(self, site: Site, pc: Updating) -> None:
        offer = offer_of(pc)
        other = Repository(site.folder / "other")
        other.publish({OTHER: CONTENT}, {OTHER: {"iea": make_description("3.00.74")}})
        metadata = (file for file in (other.folder / "metadata").iterdir() if file.is_file())
        site.serve({file.name: file.read_bytes() for file in metadata})
        with pytest.raises(HttpsError) as caught:
            pc.fetch(offer, Terms())
        assert problem_of(caught) in (problems.METADATA_NOT_AUTHENTIC, problems.METADATA_ROLLED_BACK)

    @pytest.mark.parametrize("fault", METADATA_FAULTS)
    def test_false_metadata_are_refused_on_every_way(
        self, site: Site, pc: Updating, pc_name: str, fault: str
    ) -> None:
        offer = offer_of(pc)
        site.serve(site.repository.spoil(fault))
        for ask in (pc.refresh, lambda: pc.fetch(offer, Terms())):
            with pytest.raises(HttpsError) as caught:
                ask()
            assert problem_of(caught) is METADATA_FAULTS[fault]
        assert not pc.place.exists()
        # on a stick, for a PC that knows nothing; it cannot see what is older than what it never saw
        if not fault.startswith("rolled-back"):
            stranger = site.make_pc(f"{pc_name}-stranger")
            with pytest.raises(HttpsError) as caught:
                stranger.take_file(site.copy_to_stick(f"{pc_name}-stick"), Terms())
            assert problem_of(caught) is METADATA_FAULTS[fault]
        # the PC that has seen the good ones goes on by them, and by the healed ones
        if not fault.startswith("root"):
            assert pc.take_file(site.file, Terms()).offer == offer
        site.repository.heal()
        site.serve({})
        assert pc.refresh().offers == (offer,)


def test_a_check_brings_what_is_new_in_each_version(site: Site, pc: Updating) -> None:
    site.publish_notes(b"# Lisez-moi V73")
    (offer,) = pc.refresh().offers
    before = site.list_given()
    assert pc.refresh().offers == (offer,)
    assert site.list_given() == before
    assert (pc.place.parent / "targets" / "notes" / "3.00.73.fr.md").read_bytes() == b"# Lisez-moi V73"
