"""Workers that are killed at every touch of the disk: everything goes on."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.installing import Installing, Watch
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.assembly.update_watch import UpdateWatch
from iea_agent.assembly.update_worker import Surroundings, UpdateWorker
from iea_agent.domain import network_cost, timing
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.machine import Moment
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.update_catalogue import Offer, Release, ReleaseKind
from iea_agent.domain.update_machine import UpdateSnapshot, UpdateState
from tests.assembly.apart import KILLED, play_apart
from tests.releases import make_offer
from tests.update_site import CONTENT, Site, open_site

# processes are copied
pytestmark = pytest.mark.linux

PRODUCT = ReleaseKind.PRODUCT
SURROUNDINGS = Surroundings(lambda: network_cost.UNRESTRICTED, lambda: False)
# no due date is near
NOON = time.mktime((2026, 12, 9, 12, 0, 0, 0, 0, -1))


class Notes(Installing):
    """An installer that notes each start, and is done at once."""

    def __init__(self, installation: Installation) -> None:
        super().__init__(installation)
        self.file = installation.folders.state / "started"

    def find_installed(self, release: Release) -> str:
        return release.version if self.file.exists() else "3.00.72"

    def run(self, offer: Offer, path: Path, tries: int = 0, watch: Watch | None = None) -> InstallReport:
        del tries, watch
        assert path.read_bytes() == CONTENT
        with open(self.file, "ab") as file:
            file.write(b"x")
        return self.report(offer.release.version)

    def resume(
        self, kind: ReleaseKind, version: str, tries: int = 0, watch: Watch | None = None
    ) -> InstallReport | None:
        del kind, tries, watch
        return self.report(version) if self.file.exists() else None

    def report(self, version: str) -> InstallReport:
        return InstallReport(InstallResult.DONE, version, 0, version)


class Home:
    """The folders of a PC, and the steps of an update on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(folder)})
        self.keeper = UpdateKeeper(self.installation, lambda: None, lambda: NOON)
        self.installer = Notes(self.installation)

    def work(self) -> None:
        assert UpdateWorker(
            self.installation, SURROUNDINGS, clock=lambda: NOON, installing=self.installer
        ).run()

    def fetch(self) -> None:
        self.keeper.check()
        self.work()

    def install(self) -> None:
        self.keeper.install(PRODUCT)
        self.work()

    def go_on(self) -> None:
        """Do what the agent does at its start, and a person whom nothing was lost for."""
        self.keeper.resume()
        self.work()
        state = self.keeper.load(PRODUCT).snapshot.state
        if state in (UpdateState.NONE, UpdateState.AVAILABLE):
            self.fetch()
        if self.keeper.load(PRODUCT).snapshot.state is UpdateState.READY:
            self.install()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("kill")) as site:
        yield site


def kill_at(number: int, folder: Path, part: Callable[[], None]) -> int:
    """Play *part*, killed before touch *number*; return how many touches there were."""

    def play() -> None:
        touches = 0

        def count(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal touches
            place = str(arguments[0]) if event in ("os.rename", "os.remove") else ""
            # what is renamed gets its name at once; the metadata are another library's, which verifies them again
            if place.startswith(str(folder)) and f"{os.sep}metadata{os.sep}" not in place:
                touches += 1
                if touches == number:
                    os._exit(KILLED)

        sys.addaudithook(count)
        part()
        print(touches)

    code, output = play_apart(play)
    return 0 if code == KILLED else int(output)


@pytest.mark.parametrize("begun", [False, True], ids=["fetch", "install"])
def test_a_worker_may_be_killed_anywhere(site: Site, tmp_path: Path, *, begun: bool) -> None:
    first = Home(site.install(f"pc-{begun}", version=(3, 0, 72)).folders.state.parent)
    if begun:
        first.fetch()
        assert first.keeper.load(PRODUCT).snapshot.state is UpdateState.READY
    number = touches = 0
    while not touches:
        number += 1
        home = Home(tmp_path / str(number))
        shutil.copytree(first.folder, home.folder)
        touches = kill_at(number, home.folder, home.install if begun else home.fetch)
        home.go_on()
        record = home.keeper.load(PRODUCT)
        assert record.snapshot.state is UpdateState.INSTALLED, number
        assert home.installer.file.read_bytes() == b"x", number
        assert [line.step.value for line in home.keeper.load_history()] == ["installer", "version"]
        files = home.installation.updates_folder / "files"
        assert [file.name for file in files.iterdir()] == ["ImpactEmploi-3.00.73.exe"]
        assert record == replace(record, doomed=(), installer_due=0.0, awaits_sign_in=True)
    assert number == touches + 1
    assert touches >= 3


def test_an_agent_may_be_killed_anywhere(tmp_path: Path) -> None:
    """An agent that resumes a download, announces a version and begins a check."""
    number = touches = 0
    while not touches:
        number += 1
        home = Home(tmp_path / str(number))
        failed = replace(make_snapshot(UpdateState.DOWNLOADING), tries=1)
        home.keeper.take(
            PRODUCT,
            change=lambda record, failed=failed: replace(  # type: ignore[misc]
                record, snapshot=failed, pending=("announce-version 3.00.73 -1",)
            ),
        )
        balloons = home.folder / "balloons"
        workers = home.folder / "workers"
        touches = kill_at(number, home.folder, lambda home=home: begin(home))  # type: ignore[misc]
        before = workers.exists()
        begin(home)
        # at most once, also if it was killed between the note and the balloon
        assert balloons.read_bytes() == b"x" if balloons.exists() else number == 2, number
        assert home.keeper.load(PRODUCT).pending == ()
        assert home.keeper.load(PRODUCT).snapshot.tries == 0
        assert home.keeper.load_check().is_pending
        assert workers.exists() or before
    assert touches == 3


def begin(home: Home) -> None:
    """Run an agent until it has looked after the updates once."""

    def note(name: str) -> None:
        with open(home.folder / name, "ab") as file:
            file.write(b"x")

    now = Moment(NOON, 0.0)
    watch = UpdateWatch(
        home.installation,
        lambda: now,
        lambda: 0.0,
        lambda _balloon: note("balloons"),
        lambda: note("workers"),
    )
    watch.open()
    now = Moment(NOON + timing.UPDATE_FIRST, timing.UPDATE_FIRST)
    watch.look(DEFAULTS)


def make_snapshot(state: UpdateState) -> UpdateSnapshot:
    file = make_offer("3.00.73").file
    return UpdateSnapshot(state, NOON, "3.00.73", file.name, file.length, file.sha256)
