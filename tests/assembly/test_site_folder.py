"""The shared folder of a site: one PC fetches a file, the others wait for it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from iea_agent.assembly.site_folder import SiteFolder
from iea_agent.domain import timing
from iea_agent.domain.update_catalogue import SignedFile
from iea_agent.services.network import RequestCancelled
from iea_agent.services.update_download import Terms

CONTENT = b"MZ" * 1000
FILE = SignedFile("impact-emploi/ImpactEmploi-3.00.73.exe", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
SHARED = f"{FILE.sha256}.ImpactEmploi-3.00.73.exe"


class Site:
    """A shared folder, and a clock that stands still but while a PC waits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_000_000.0
        self.waits: list[tuple[float, str]] = []
        self.during: Callable[[], None] = lambda: None

    def open(self, post: str) -> SiteFolder:
        """Return the folder as the PC *post* uses it."""
        return SiteFolder(self.folder, post, lambda: self.now, self.pause, lambda: 0.5)

    def pause(self, seconds: float) -> None:
        self.now += seconds
        self.during()

    def begin(self, post: str, age: float = 0.0) -> Path:
        """Have *post* fetch the file, with a sign of life *age* seconds ago."""
        part = self.folder / f"{SHARED}.part-{post}"
        part.touch()
        os.utime(part, (self.now - age,) * 2)
        return part

    def wait(self, post: str, *, is_cancelled: Callable[[], bool] = lambda: False) -> float:
        """Return how long *post* waits for another one."""
        begun = self.now
        self.open(post).wait_for_other(
            FILE, is_cancelled, lambda other: self.waits.append((self.now - begun, other))
        )
        return self.now - begun


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_nobody_waits_for_nobody(site: Site) -> None:
    assert site.wait("B") == 0
    # what this very PC has left, when it was ended
    site.begin("B")
    assert site.wait("B") == 0
    site.begin("A", age=timing.SITE_PART_LASTS)
    assert site.wait("B") == 0


def test_the_others_wait_until_the_file_is_there(site: Site, tmp_path: Path) -> None:
    begun = site.now
    part = site.begin("A")

    def go_on() -> None:
        if site.now - begun > 100 and part.exists():
            part.write_bytes(CONTENT)
            part.rename(site.folder / SHARED)

    site.during = go_on
    assert site.wait("B") == pytest.approx(120)
    # every 30 to 90 seconds, here every 60
    assert [(round(at), other) for at, other in site.waits] == [(0, "A"), (60, "A")]
    place = tmp_path / "place"
    taken = site.open("B").take(FILE, place, Terms())
    assert taken is not None
    assert taken.read_bytes() == CONTENT


@pytest.mark.linux  # nine thousand looks
def test_nobody_waits_longer_than_a_quarter_of_an_hour(site: Site) -> None:
    part = site.begin("A")
    site.during = lambda: os.utime(part, (site.now,) * 2)
    assert site.wait("B") == pytest.approx(timing.SITE_PART_LASTS, abs=90)


def test_one_who_is_ended_is_waited_for_until_its_part_is_old(site: Site) -> None:
    site.begin("A", age=timing.SITE_PART_LASTS - 100)
    assert site.wait("B") == pytest.approx(120)


def test_who_waits_can_be_stopped_at_once(site: Site) -> None:
    site.begin("A")
    begun = site.now
    with pytest.raises(RequestCancelled):
        site.wait("B", is_cancelled=lambda: site.now - begun > 1)
    assert site.now - begun < 1.2


def test_a_pc_that_fetches_shows_that_it_lives(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(CONTENT)
    part = site.folder / f"{SHARED}.part-A"
    pc = site.open("A")
    with pc.fetching(FILE) as touch:
        assert part.exists()
        part.unlink()
        touch()
        assert not part.exists()
        site.now += timing.SITE_TOUCH
        touch()
        assert part.exists()
        pc.leave(FILE, file)
    assert [each.name for each in site.folder.iterdir() if each != file] == [SHARED]


def test_a_download_that_fails_leaves_no_part(site: Site) -> None:
    with pytest.raises(RequestCancelled), site.open("A").fetching(FILE):
        raise RequestCancelled
    assert list(site.folder.iterdir()) == []


def test_a_folder_that_is_away_prevents_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path / "away")
    assert site.wait("B") == 0
    with site.open("A").fetching(FILE):
        assert site.open("A").take(FILE, tmp_path, Terms()) is None
        site.open("A").leave(FILE, tmp_path / "file")
    assert not site.folder.exists()


def test_this_pc_has_a_name_for_the_others(tmp_path: Path) -> None:
    with SiteFolder(tmp_path).fetching(FILE):
        (part,) = tmp_path.iterdir()
    assert part.name.startswith(f"{SHARED}.part-")
    assert len(part.name) > len(f"{SHARED}.part-")
