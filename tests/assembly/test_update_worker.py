"""The worker of updates: it checks, fetches and tidies as the records ask for."""

from __future__ import annotations

import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent import __version__
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.installing import Installing, Watch
from iea_agent.assembly.site_folder import SiteFolder
from iea_agent.assembly.site_posts import SitePosts
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.assembly.update_worker import Surroundings, UpdateWorker
from iea_agent.domain import network_cost, timing
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.update_catalogue import Offer, Release, ReleaseKind
from iea_agent.domain.update_machine import InstallRequested, UpdateEffect, UpdateSnapshot, UpdateState
from iea_agent.domain.update_record import UpdateRecord, pop_announcements
from iea_agent.services.update_download import Terms
from tests.programs import make_program, make_version
from tests.update_site import CONTENT, Quiet, Site, open_site

PRODUCT = ReleaseKind.PRODUCT
NOON = time.mktime((2026, 12, 9, 12, 0, 0, 0, 0, -1))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("worker")) as site:
        yield site


class Pc:
    """A PC with Impact emploi 3.00.72, its worker, and what is so around it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.cost = network_cost.UNRESTRICTED
        self.program_runs: Callable[[], bool] = lambda: False
        self.now = NOON
        self.during: Callable[[], None] = lambda: None
        self.installer: Installing | None = None
        self.open_site: Callable[[Path], SiteFolder] = SiteFolder
        self.keeper = UpdateKeeper(installation, lambda: None, lambda: self.now)
        self.place = installation.updates_folder / "files"

    def work(self, seconds_later: float = 0.0) -> UpdateRecord:
        """Run a worker to its end; return the record of Impact emploi."""
        self.now += seconds_later

        def report(_snapshot: UpdateSnapshot, _progress: Progress) -> None:
            self.during()

        around = Surroundings(lambda: self.cost, self.program_runs)
        # each look at the steady clock finds it much later
        steady = map(float, itertools.count(0, 1000))
        worker = UpdateWorker(
            self.installation,
            around,
            report,
            lambda: self.now,
            lambda: next(steady),
            self.installer,
            self.open_site,
        )
        assert worker.run()
        return self.keeper.load(PRODUCT)

    def check(self) -> UpdateRecord:
        self.keeper.check()
        return self.work()


@pytest.fixture
def pc(site: Site, request: pytest.FixtureRequest) -> Iterator[Pc]:
    yield Pc(site.install(f"pc-{abs(hash(request.node.nodeid))}", version=(3, 0, 72)))
    site.serve({})


def test_a_version_comes_by_itself_with_one_balloon(pc: Pc) -> None:
    record = pc.check()
    assert record.snapshot.state is UpdateState.READY
    assert (pc.place / "ImpactEmploi-3.00.73.exe").read_bytes() == CONTENT
    assert pop_announcements(record)[1] == (UpdateEffect.ANNOUNCE_READY,)
    check = pc.keeper.load_check()
    assert (check.code, check.checked, check.is_pending) == ("", NOON, False)
    Quiet.given.clear()
    assert pc.check() == record
    assert Quiet.given == []


def test_a_person_pays_no_network_without_a_click(pc: Pc) -> None:
    pc.cost = network_cost.FIXED
    # what is small comes anyhow
    assert pc.check().snapshot.state is UpdateState.READY


def test_nothing_is_proposed_while_impact_emploi_runs(pc: Pc) -> None:
    pc.program_runs = lambda: True
    record = pc.check()
    assert (record.snapshot.state, record.waits_for_program, record.pending) == (UpdateState.NONE, True, ())
    pc.program_runs = lambda: False
    assert pc.work().snapshot.state is UpdateState.READY


def test_a_version_is_only_announced_where_the_policy_fetches_nothing(pc: Pc) -> None:
    file = pc.installation.storage.policy_file
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[updates]\ndownload = false\n", encoding="utf-8")
    record = pc.check()
    assert record.snapshot.state is UpdateState.AVAILABLE
    assert pop_announcements(record)[1] == (UpdateEffect.ANNOUNCE_VERSION,)


def test_assistance_mode_fetches_nothing_by_itself(pc: Pc) -> None:
    pc.installation.storage.write_state("assistance", {"since": NOON - 60})
    record = pc.check()
    assert record.snapshot.state is UpdateState.AVAILABLE
    assert record.judge_at == NOON + timing.UPDATE_LOOK_AGAIN
    pc.installation.storage.delete_state("assistance")
    assert pc.work(timing.UPDATE_LOOK_AGAIN).snapshot.state is UpdateState.READY


def test_a_download_by_itself_that_fails_is_tried_again(pc: Pc, site: Site) -> None:
    file = site.file
    away = file.with_suffix(".away")
    file.rename(away)
    try:
        record = pc.check()
    finally:
        away.rename(file)
    assert (record.snapshot.state, record.snapshot.code) == (UpdateState.FAILED, "IEA-U06")
    assert pop_announcements(record)[1] == ()
    assert record.judge_at == NOON + timing.UPDATE_CHECK_FAILED[0]
    record = pc.work(timing.UPDATE_CHECK_FAILED[0])
    assert (record.snapshot.state, record.failures) == (UpdateState.READY, 0)


def test_a_check_that_fails_names_the_problem(pc: Pc, site: Site) -> None:
    site.serve(site.repository.spoil("metadata-expired"))
    pc.check()
    site.repository.heal()
    check = pc.keeper.load_check()
    assert (check.code, check.checked, check.failures) == ("IEA-U01", 0.0, 1)


@pytest.mark.parametrize(
    ("stop", "state", "files"),
    [
        (UpdateKeeper.pause, UpdateState.PAUSED, [".part"]),
        (UpdateKeeper.cancel, UpdateState.AVAILABLE, []),
    ],
)
def test_a_download_is_stopped_from_another_process(
    pc: Pc, stop: Callable[[UpdateKeeper, ReleaseKind], None], state: UpdateState, files: list[str]
) -> None:
    pc.during = lambda: stop(pc.keeper, PRODUCT)
    record = pc.check()
    assert record.snapshot.state is state
    assert [file.suffix for file in pc.place.iterdir()] == files
    assert not (pc.installation.folders.state / "update-progress.json").exists()
    pc.during = lambda: None
    pc.keeper.start_download(PRODUCT)
    assert pc.work().snapshot.state is UpdateState.READY


def test_a_file_from_a_stick_ends_the_download(pc: Pc, site: Site) -> None:
    pc.installation.storage.write_state("assistance", {"since": NOON - 60})
    pc.check()
    received = pc.keeper.take_file(site.file, Terms())
    assert received.path.read_bytes() == CONTENT
    assert pc.work().snapshot.state is UpdateState.READY


def test_who_waits_for_another_pc_of_the_site_says_so(pc: Pc, site: Site) -> None:
    shared = site.folder / "shared"
    shared.mkdir()
    file = pc.installation.storage.policy_file
    file.write_text(f"{file.read_text(encoding='utf-8')}\n[updates]\nfolder = '{shared}'\n", encoding="utf-8")
    waits = []
    begun = itertools.count()

    def open_site(folder: Path) -> SiteFolder:
        return SiteFolder(folder, "B", lambda: NOON + next(begun), lambda _seconds: look(), lambda: 0.0)

    def look() -> None:
        view = pc.keeper.look(PRODUCT)
        waits.append((view.progress, view.waits_for))
        # it has been ended meanwhile
        part.unlink(missing_ok=True)

    part = shared / f"{hashlib.sha256(CONTENT).hexdigest()}.ImpactEmploi-3.00.73.exe.part-PC-ACCUEIL"
    part.touch()
    os.utime(part, (NOON, NOON))
    pc.open_site = open_site
    assert pc.check().snapshot.state is UpdateState.READY
    assert waits[0] == (Progress(0, len(CONTENT)), "PC-ACCUEIL")


def test_the_others_of_the_site_learn_which_version_a_pc_has(site: Site, tmp_path: Path) -> None:
    pc = Pc(site.install(f"pc-{tmp_path.name}", shared=tmp_path, version=(3, 0, 72)))
    pc.installer = Installer(pc)
    assert pc.check().snapshot.state is UpdateState.READY
    (report,) = SitePosts(tmp_path, clock=lambda: pc.now).read_posts().reports
    assert (report.product, report.agent, report.seen) == ("3.00.72", __version__, int(NOON))
    # its file says so after an installation, too
    pc.now += 3600
    pc.installer.results = [(InstallResult.DONE, 0)]
    pc.keeper.install(PRODUCT)
    program = pc.installation.storage.load().effective.settings.program
    Path(program).write_bytes(make_program(make_version((3, 0, 73, 0), {})))
    assert pc.work().snapshot.state is UpdateState.INSTALLED
    (report,) = SitePosts(tmp_path, clock=lambda: pc.now).read_posts().reports
    assert (report.product, report.seen) == ("3.00.73", int(NOON) + 3600)


def test_a_download_looks_whether_impact_emploi_runs(pc: Pc) -> None:
    happened: list[str] = []

    def runs() -> bool:
        happened.append("look")
        return False

    pc.program_runs, pc.during = runs, lambda: happened.append("piece")
    assert pc.check().snapshot.state is UpdateState.READY
    pieces = [number for number, each in enumerate(happened) if each == "piece"]
    # between two pieces what the next one may take
    assert happened[pieces[0] + 1] == "look"


def test_a_withdrawn_version_goes_with_its_file(pc: Pc, site: Site) -> None:
    assert pc.check().snapshot.state is UpdateState.READY
    site.describe(**{"rollout.percent": 0})
    try:
        record = pc.check()
    finally:
        site.describe()
    assert record.snapshot.state is UpdateState.WITHDRAWN
    assert UpdateEffect.ANNOUNCE_WITHDRAWAL in pop_announcements(record)[1]
    assert list(pc.place.iterdir()) == []


def test_what_nobody_goes_on_with_is_deleted_in_time(pc: Pc) -> None:
    pc.check()
    ages = {
        "old.exe.00.part": timing.PART_LASTS + 60,
        "new.exe.00.part": timing.PART_LASTS - 60,
        "old.exe": timing.FILE_LASTS + 60,
        "new.exe": timing.FILE_LASTS - 60,
    }
    for name, age in ages.items():
        (pc.place / name).write_bytes(b"x")
        os.utime(pc.place / name, (NOON - age,) * 2)
    pc.check()
    assert {file.name for file in pc.place.iterdir()} == {
        "new.exe.00.part",
        "new.exe",
        "ImpactEmploi-3.00.73.exe",
    }


def test_one_works_at_a_time(pc: Pc) -> None:
    pc.keeper.check()
    lock = pc.keeper.lock_work()
    assert lock is not None
    worker = UpdateWorker(pc.installation, Surroundings(lambda: 1, lambda: False), clock=lambda: NOON)
    assert not worker.run()
    lock.close()
    assert worker.run()
    assert not worker.has_work()


class Installer(Installing):
    """An installer that ends as the test says, and a note of each start."""

    def __init__(self, pc: Pc) -> None:
        super().__init__(pc.installation)
        self.results: list[tuple[InstallResult, int]] = []
        self.resumed: InstallReport | None = None
        self.starts: list[int] = []

    def find_installed(self, release: Release) -> str:
        del release
        return "3.00.72"

    def run(self, offer: Offer, path: Path, tries: int = 0, watch: Watch | None = None) -> InstallReport:
        del watch
        assert path.read_bytes() == CONTENT
        self.starts.append(tries)
        result, code = self.results.pop(0)
        return InstallReport(result, offer.release.version, code, "3.00.73")

    def resume(
        self, kind: ReleaseKind, version: str, tries: int = 0, watch: Watch | None = None
    ) -> InstallReport | None:
        del kind, version, tries, watch
        return self.resumed


class TestInstalling:
    """The installer's end, and what is remembered of it."""

    @pytest.fixture
    def ready(self, pc: Pc) -> Pc:
        pc.installer = Installer(pc)
        assert pc.check().snapshot.state is UpdateState.READY
        return pc

    def install(self, pc: Pc, *results: tuple[InstallResult, int]) -> UpdateRecord:
        assert isinstance(pc.installer, Installer)
        pc.installer.results = list(results)
        pc.keeper.install(PRODUCT)
        return pc.work()

    def test_an_end_is_two_lines_and_waits_for_the_first_authentication(self, ready: Pc) -> None:
        record = self.install(ready, (InstallResult.DONE, 0))
        assert record.snapshot.state is UpdateState.INSTALLED
        assert record.awaits_sign_in
        assert record.report["result"] == "done"
        lines = ready.keeper.load_history()
        assert [(line.step.value, line.before, line.is_good) for line in lines] == [
            ("installer", "3.00.72", True),
            ("version", "3.00.72", True),
        ]
        # the last installers stay
        ready.now += 2 * timing.FILE_LASTS
        ready.check()
        assert [file.name for file in ready.place.iterdir()] == ["ImpactEmploi-3.00.73.exe"]

    def test_a_version_that_is_not_there_is_not_confirmed(self, ready: Pc) -> None:
        record = self.install(ready, (InstallResult.UNCONFIRMED, 0))
        assert (record.snapshot.state, record.awaits_sign_in) == (UpdateState.FAILED, False)
        assert [line.is_good for line in ready.keeper.load_history()] == [True, False]

    def test_another_installation_is_waited_for(self, ready: Pc) -> None:
        record = self.install(ready, (InstallResult.BUSY, 1618), (InstallResult.RIGHTS_REFUSED, 1223))
        assert (record.snapshot.state, record.is_installing) == (UpdateState.INSTALLING, False)
        assert ready.keeper.load_history() == ()
        record = ready.work(timing.INSTALLER_BUSY)
        assert isinstance(ready.installer, Installer)
        assert ready.installer.starts == [0, 1]
        # nothing is lost, and the words are there
        assert (record.snapshot.state, record.report["result"]) == (UpdateState.READY, "rights-refused")

    def test_an_installer_that_nobody_expects_any_more_does_not_start(self, ready: Pc) -> None:
        ready.keeper.install(PRODUCT)
        record = ready.work(timing.INSTALLER_LATE + 1)
        assert isinstance(ready.installer, Installer)
        assert (record.snapshot.state, ready.installer.starts) == (UpdateState.READY, [])

    @pytest.mark.parametrize("is_begun", [False, True])
    def test_one_whose_worker_was_killed_is_asked_for_its_end(self, ready: Pc, is_begun: bool) -> None:
        assert isinstance(ready.installer, Installer)
        if is_begun:
            ready.installer.resumed = InstallReport(InstallResult.DONE, "3.00.73", 0, "3.00.73")
        ready.keeper.take(
            PRODUCT, InstallRequested(), change=lambda record: replace(record, installer_due=0.0)
        )
        record = ready.work()
        assert ready.installer.starts == []
        assert record.snapshot.state is (UpdateState.INSTALLED if is_begun else UpdateState.READY)

    def test_what_is_not_signed_now_is_not_started(self, ready: Pc) -> None:
        document = ready.keeper.load(PRODUCT).to_document()
        snapshot = document["snapshot"]
        assert isinstance(snapshot, dict)
        ready.installation.storage.write_state(
            "update-product", {**document, "snapshot": {**snapshot, "sha256": "0" * 64}}
        )
        record = self.install(ready)
        assert record.snapshot.state is UpdateState.AVAILABLE


@pytest.mark.parametrize("name", ["..", "../x", "a/b"])
def test_a_record_leads_to_no_file_elsewhere(pc: Pc, name: str) -> None:
    pc.place.mkdir(parents=True)
    victim = pc.place.parent / "x"
    victim.write_bytes(b"x")
    document = {**UpdateRecord().to_document(), "doomed": [f"{name} {'0' * 64}"]}
    pc.installation.storage.write_state("update-product", document)
    assert pc.work().doomed == ()
    assert victim.exists()


def test_it_is_a_process_of_its_own(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = site.install("apart", version=(3, 0, 72))
    monkeypatch.setenv("IEA_AGENT_HOME", str(installation.folders.state.parent))
    keeper = UpdateKeeper(installation)
    keeper.check()
    assert keeper.load_check().is_pending
    deadline = time.monotonic() + 60
    while keeper.load_check().is_pending:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    keeper.stop_work()
    # the day decides whether a version is proposed
    assert keeper.load_check().code == ""
    assert [offer.release.version for offer in keeper.load_catalogue().offers] == ["3.00.73"]
