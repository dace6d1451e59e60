"""The Lisez-moi of a version reaches a PC as signed, and what is not stays away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_agent import locale
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.notes_files import bring_notes, name_notes, read_notes
from iea_agent.domain.addresses import parse
from iea_agent.domain.release_notes import LARGEST_NOTES
from iea_agent.domain.update_catalogue import Offer
from iea_agent.services.messages import Reply, Request
from iea_agent.services.updates import check
from iea_sandbox.repository import Repository
from tests.releases import make_description, make_offer

ADDRESS = parse("https://maj.example/updates")
FRENCH, ENGLISH, OTHER = "notes/3.00.73.fr.md", "notes/3.00.73.en.md", "notes/3.00.74.fr.md"
SETUP = "impact-emploi/ImpactEmploi-3.00.73.exe"


class Site:
    """A repository with the notes of a version, and a PC that reads it."""

    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder / "site")
        self.home = folder / "home"
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(self.home)})
        self.installation.root_file.parent.mkdir(parents=True)
        self.installation.root_file.write_bytes(self.repository.first_root.read_bytes())
        self.fetched: list[str] = []
        self.swap: dict[bytes, bytes] = {}

    def publish(self, targets: dict[str, bytes]) -> None:
        """Publish *targets*, and verify the metadata."""
        self.repository.publish({SETUP: b"MZ", **targets}, {SETUP: {"iea": make_description()}})

        def ask(request: Request, _limit: int) -> Reply:
            file = self.repository.folder / "metadata" / request.url.rpartition("/")[2]
            return Reply(200, {}, file.read_bytes()) if file.exists() else Reply(404, {}, b"")

        root = self.repository.first_root.read_bytes()
        check(ask, ADDRESS, root, self.installation.updates_folder)

    def bring(self, *offers: Offer) -> list[str]:
        """Bring the notes of *offers*."""

        def fetch(path: str, largest: int) -> bytes:
            self.fetched.append(path)
            data = (self.repository.folder / "targets" / path).read_bytes()
            assert len(data) <= largest
            return self.swap.get(data, data)

        return bring_notes(self.installation, offers, fetch)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def english() -> Iterator[None]:
    locale.choose("en")
    yield
    locale.choose("fr")


def test_new_notes_are_brought_once_and_read(site: Site) -> None:
    site.publish({FRENCH: b"# Lisez-moi V73", OTHER: b"# V74"})
    offer = make_offer()
    assert read_notes(site.installation, offer.release) == ""
    assert site.bring(offer) == [FRENCH]
    assert read_notes(site.installation, offer.release) == "# Lisez-moi V73"
    assert site.bring(offer) == []
    assert len(site.fetched) == 1
    # a version that is not offered any more needs no notes
    assert site.bring(make_offer("3.00.74")) == [OTHER]
    assert read_notes(site.installation, offer.release) == ""


def test_nothing_but_the_signed_notes_is_brought_or_read(site: Site) -> None:
    site.publish({FRENCH: b"# Lisez-moi V73"})
    offer = make_offer()
    site.swap = {b"# Lisez-moi V73": b"# Autre V73"}
    assert site.bring(offer) == []
    assert read_notes(site.installation, offer.release) == ""
    site.swap = {}
    site.bring(offer)
    file = site.installation.updates_folder / "targets" / FRENCH
    file.write_bytes(b"# Lisez-moi V7*")
    assert read_notes(site.installation, offer.release) == ""
    # what lies there without being signed is not read either
    file.with_name("3.00.74.fr.md").write_bytes(b"# V74")
    assert read_notes(site.installation, make_offer("3.00.74").release) == ""
    assert site.bring(offer) == [FRENCH]


def test_what_is_too_large_withdrawn_or_no_file_name_is_left(site: Site) -> None:
    site.publish({FRENCH: b"a" * (LARGEST_NOTES + 1), OTHER: b"# V74"})
    withdrawn = make_offer("3.00.74", **{"rollout.percent": 0})
    device = make_offer("3.00.75", **{"notes.fr": "notes/con.md"})
    assert site.bring(make_offer(), withdrawn, device) == []
    assert site.fetched == []
    assert name_notes(device.release) == ""


@pytest.mark.usefixtures("english")
def test_french_stands_in_for_another_language(site: Site) -> None:
    site.publish({FRENCH: b"Bonjour", ENGLISH: b"Good morning"})
    both, french = make_offer(**{"notes.en": ENGLISH}), make_offer()
    site.bring(both)
    assert read_notes(site.installation, both.release) == "Good morning"
    site.bring(french)
    assert read_notes(site.installation, french.release) == "Bonjour"
