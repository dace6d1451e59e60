"""The list of a site's PCs in the shared folder, which anybody there may write."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from iea_agent import commands
from iea_agent.assembly import update_requests
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.site_posts import MOST_NAMES, SitePosts
from iea_agent.domain import exit_codes, refusals, timing
from iea_agent.domain.post_report import LARGEST_FILE, MOST_POSTS, PostReport
from iea_agent.domain.refusals import RefusedError

NOW = 1_800_000_000


class Site:
    """A shared folder, and a clock that the test drives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posts = folder / "posts"
        self.now = float(NOW)

    def open(self, post: str = "BUREAU-1") -> SitePosts:
        return SitePosts(self.folder, post, lambda: self.now)

    def put(self, name: str, data: bytes = b"", **changes: object) -> Path:
        """Write a file by hand, as anybody may."""
        self.posts.mkdir(exist_ok=True)
        document = {"schema": 1, "product": "3.00.72", "agent": "0.1.0", "seen": NOW, **changes}
        file = self.posts / name
        file.write_bytes(data or json.dumps(document).encode())
        return file


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_each_pc_sees_what_the_others_have_written(site: Site) -> None:
    assert site.open().read_posts().reports == ()
    site.open("BUREAU-1").write("3.00.73", "0.1.0")
    site.open("accueil").write("", "0.2.0")
    site.now += 60
    site.open("BUREAU-1").write("3.00.74", "0.1.0")
    view = site.open("BUREAU-1").read_posts()
    assert view.reports == (
        PostReport("accueil", "", "0.2.0", NOW),
        PostReport("BUREAU-1", "3.00.74", "0.1.0", NOW + 60),
    )
    assert ([each.post for each in view.others], view.ignored) == (["accueil"], 0)
    # nothing but the files, whole
    assert sorted(each.name for each in site.posts.iterdir()) == ["BUREAU-1.json", "accueil.json"]


def test_the_file_says_nothing_but_versions_and_when(site: Site) -> None:
    site.open().write("3.00.73", "0.1.0")
    document = json.loads((site.posts / "BUREAU-1.json").read_bytes())
    assert document == {"schema": 1, "product": "3.00.73", "agent": "0.1.0", "seen": NOW}
    docs = Path(__file__).parents[2] / "docs"
    for page in ("envois.md", "administration.md"):
        text = (docs / page).read_text(encoding="utf-8")
        assert "posts" in text
        assert [name for name in document if f"`{name}`" not in text] == []


def test_what_strangers_put_there_is_counted_and_harms_nothing(site: Site) -> None:
    site.put("BUREAU-2.json")
    site.put("demain.json", seen=int(NOW + timing.SITE_POST_AHEAD) + 1)
    site.put("long.json", b" " * (LARGEST_FILE + 1))
    site.put("faux.json", product="<script>")
    site.put("a b.json")
    site.put("lisez-moi.txt")
    (site.posts / "dossier.json").mkdir()
    view = site.open().read_posts()
    assert [each.post for each in view.reports] == ["BUREAU-2"]
    assert view.ignored == 5


@pytest.mark.linux  # Windows has no such names, links and pipes
def test_names_that_command_a_terminal_and_files_that_never_end(site: Site) -> None:
    for name in ("\x1b[2J.json", "<b>.json", "\u202ecp.json", os.fsdecode(b"\xff.json"), ".json"):
        site.put(name)
    if sys.platform != "win32":
        os.mkfifo(site.posts / "pipe.json")
    (site.posts / "zero.json").symlink_to("/dev/zero")
    (site.posts / "away.json").symlink_to("/nowhere")
    assert (site.open().read_posts().reports, site.open().read_posts().ignored) == ((), 8)


@pytest.mark.linux  # Windows needs a right for a link
def test_no_link_leads_what_is_written_elsewhere(site: Site) -> None:
    precious = site.folder / "precious"
    precious.write_text("mine")
    site.posts.mkdir()
    for name in (".BUREAU-1.new", "BUREAU-1.json"):
        (site.posts / name).symlink_to(precious)
    site.open().write("3.00.73", "0.1.0")
    assert precious.read_text() == "mine"
    assert [each.post for each in site.open().read_posts().reports] == ["BUREAU-1"]
    assert not (site.posts / "BUREAU-1.json").is_symlink()


@pytest.mark.linux  # a thousand files
def test_a_flood_of_files_is_looked_at_in_part(site: Site) -> None:
    for number in range(MOST_POSTS + 20):
        site.put(f"PC-{number}.json")
    assert len(site.open().read_posts().reports) == MOST_POSTS
    for number in range(MOST_NAMES):
        (site.posts / f"{number}.txt").touch()
    assert len(site.open().read_posts().reports) <= MOST_POSTS


def test_a_pc_that_is_gone_is_left_out_and_its_file_deleted_in_time(site: Site) -> None:
    old = site.put("PARTI.json", seen=int(NOW - timing.SITE_POST_LASTS) - 1)
    strange = site.put("faux.json", seen="")
    assert site.open().read_posts().reports == ()
    assert old.exists()
    site.open().write("3.00.73", "0.1.0")
    assert not old.exists()
    assert strange.exists()


def test_a_folder_that_is_away_or_refuses_prevents_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path / "away")
    site.open().write("3.00.73", "0.1.0")
    assert not site.folder.exists()
    with pytest.raises(FileNotFoundError):
        site.open().read_posts()
    site.folder.mkdir()
    (site.folder / "posts").touch()
    site.open().write("3.00.73", "0.1.0")
    with pytest.raises(OSError):  # noqa: PT011 another one on each system
        site.open().read_posts()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    (tmp_path / "home" / "policy").mkdir(parents=True)
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "home")})


def share(installation: Installation, folder: Path) -> None:
    text = f"schema = 1\n[updates]\nfolder = '{folder}'\n"
    installation.storage.policy_file.write_text(text, encoding="utf-8")


def test_the_command_lists_the_pcs_of_the_policys_folder(
    installation: Installation, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert update_requests.list_posts(installation) == {
        "schema": 1, "folder": "", "posts": [], "ignored": 0,
    }  # fmt: skip
    share(installation, site.folder)
    # by the clock of this machine
    SitePosts(site.folder, "BUREAU-2").write("3.00.72", "0.1.0")
    document = update_requests.list_posts(installation)
    assert [each["post"] for each in document["posts"]] == ["BUREAU-2"]
    assert commands.run(installation, ["update", "posts", "--json"]) == exit_codes.FINE
    assert json.loads(capsys.readouterr().out) == document
    commands.run(installation, ["update", "posts"])
    assert "BUREAU-2" in capsys.readouterr().out
    share(installation, site.folder / "away")
    with pytest.raises(RefusedError) as caught:
        update_requests.list_posts(installation)
    assert isinstance(caught.value.refusal, refusals.SharedFolderAway)
