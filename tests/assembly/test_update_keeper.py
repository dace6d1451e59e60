"""The machine of updates on disk, as windows, commands and the agent use it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.domain import refusals
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.domain.update_catalogue import Catalogue, ReleaseKind
from iea_agent.domain.update_choice import Postponement, Reason
from iea_agent.domain.update_machine import (
    DownloadFailed,
    FileVerified,
    InstallerBusy,
    UpdateEffect,
    UpdateState,
    VersionProposed,
)
from iea_agent.domain.update_record import HistoryLine, HistoryStep, pop_announcements
from tests.programs import make_program, make_version
from tests.releases import make_offer

PRODUCT = ReleaseKind.PRODUCT
OFFER = make_offer("3.00.73", **{"minimum.windows": ""})
LATER = make_offer("3.00.74", **{"minimum.windows": "", "rollout.percent": 1})
CRITICAL = make_offer("3.00.73", **{"minimum.windows": "", "critical": True})
# no due date is near
NOON = time.mktime((2026, 12, 9, 12, 0, 0, 0, 0, -1))


class Pc:
    """A PC with Impact emploi, and how often a worker was started on it."""

    def __init__(self, home: Path) -> None:
        program = home / "ImpactEmploi.exe"
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(make_program(make_version((3, 0, 72, 0), {})))
        self.home = home
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(home)})
        self.installation.save({"program.path": str(program)}, None)
        # it is not drawn for the version that has only begun
        self.installation.storage.write_state("rollout", {"number": "0" * 32})
        self.workers = 0
        self.now = NOON
        self.keeper = self.open()
        self.keeper.save_catalogue(Catalogue((LATER, OFFER)))

    def open(self) -> UpdateKeeper:
        """Return the keeper of another process."""
        return UpdateKeeper(self.installation, self.count, lambda: self.now)

    def count(self) -> None:
        self.workers += 1

    def is_in(self, state: UpdateState) -> bool:
        """Return whether another process sees Impact emploi's update in *state*."""
        return self.open().look(PRODUCT).snapshot.state is state


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path)


def refusal_of(action: Callable[[], object]) -> Refusal:
    with pytest.raises(RefusedError) as caught:
        action()
    return caught.value.refusal


def test_a_person_takes_an_update_all_the_way(pc: Pc) -> None:
    keeper = pc.keeper
    assert keeper.judge(PRODUCT, keeper.choose(PRODUCT)).snapshot.state is UpdateState.AVAILABLE
    assert pc.workers == 0
    keeper.start_download(PRODUCT)
    assert pc.is_in(UpdateState.DOWNLOADING)
    assert pc.workers == 1
    keeper.pause(PRODUCT)
    assert pc.is_in(UpdateState.PAUSED)
    keeper.start_download(PRODUCT)
    keeper.take(PRODUCT, FileVerified())
    # nothing to do: it is here
    keeper.start_download(PRODUCT, "V73")
    assert pc.is_in(UpdateState.READY)
    workers = pc.workers
    keeper.install(PRODUCT)
    assert pc.is_in(UpdateState.INSTALLING)
    assert pc.workers == workers + 1


def test_a_version_that_is_not_proposed_may_be_asked_for(pc: Pc) -> None:
    assert Reason.ROLLING_OUT in pc.keeper.look(PRODUCT).choice.listed[0].reasons
    pc.keeper.start_download(PRODUCT, "3.00.74")
    assert pc.open().look(PRODUCT).snapshot.version == "3.00.74"
    # the one that is proposed does not take its place
    assert pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT)).snapshot.version == "3.00.74"


@pytest.mark.parametrize(
    ("action", "refusal"),
    [
        (lambda pc: pc.keeper.install(PRODUCT), refusals.UpdateNotNow("none")),
        (lambda pc: pc.keeper.start_download(PRODUCT, "3.00.99"), refusals.VersionNotOffered("3.00.99")),
        (lambda pc: pc.keeper.skip(PRODUCT, "3.00.99"), refusals.VersionNotOffered("3.00.99")),
        (lambda pc: pc.keeper.start_download(ReleaseKind.AGENT), refusals.VersionNotOffered("")),
    ],
)
def test_what_makes_no_sense_is_refused(pc: Pc, action: Callable[[Pc], object], refusal: Refusal) -> None:
    assert refusal_of(lambda: action(pc)) == refusal
    assert pc.workers == 0


def test_nothing_is_fetched_while_an_installer_runs(pc: Pc) -> None:
    pc.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
    pc.keeper.install(PRODUCT)
    pc.keeper.cancel(PRODUCT)
    refusal = refusal_of(lambda: pc.keeper.start_download(PRODUCT, "3.00.74"))
    assert refusal == refusals.UpdateNotNow("installing")
    assert pc.is_in(UpdateState.INSTALLING)


def test_a_process_that_is_killed_leaves_what_it_has_written(pc: Pc) -> None:
    pc.keeper.take(PRODUCT, VersionProposed(OFFER))
    pc.keeper.start_download(PRODUCT)
    pc.workers = 0
    # another process, which has not seen any of it
    pc.open().resume()
    assert pc.is_in(UpdateState.DOWNLOADING)
    assert pc.workers == 1
    assert not pc.installation.storage.has_state("update-agent")


def test_an_event_about_another_version_is_too_late(pc: Pc) -> None:
    pc.keeper.start_download(PRODUCT)
    record = pc.keeper.take(PRODUCT, DownloadFailed("IEA-U05"), about="0" * 64)
    assert record.snapshot.state is UpdateState.DOWNLOADING


class TestWishes:
    """A version is skipped, or put off."""

    def test_a_version_that_is_put_off_comes_back(self, pc: Pc) -> None:
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        pc.keeper.put_off(PRODUCT, "3.00.73", Postponement.TOMORROW)
        assert pc.is_in(UpdateState.NONE)
        due = pc.keeper.load(PRODUCT).judge_at
        assert datetime.fromtimestamp(due) == datetime(2026, 12, 10, 8)
        pc.now = due
        assert pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT)).snapshot.version == "3.00.73"

    def test_a_version_that_is_skipped_is_not_proposed_again(self, pc: Pc) -> None:
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        pc.keeper.skip(PRODUCT, "3.00.73")
        assert pc.is_in(UpdateState.NONE)
        assert Reason.SKIPPED in pc.open().look(PRODUCT).choice.listed[1].reasons

    def test_a_file_that_is_ready_waits_and_returns(self, pc: Pc) -> None:
        pc.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        assert pop_announcements(pc.keeper.load(PRODUCT))[1]
        pc.keeper.put_off(PRODUCT, "3.00.73", Postponement.HOUR)
        record = pc.open().load(PRODUCT)
        assert record.snapshot.state is UpdateState.READY, "the file stays"
        assert (record.has_update, record.pending) == (False, ())
        assert pc.open().look(PRODUCT).wishes.put_off == {"3.00.73": NOON + 3600}
        pc.now = record.judge_at
        record = pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        assert record.has_update
        assert pop_announcements(record)[1] == (UpdateEffect.ANNOUNCE_READY,)
        assert record.wishes.put_off == {}

    @pytest.mark.parametrize("failure", [DownloadFailed("IEA-U05"), None], ids=["failed", "ready"])
    def test_a_skipped_version_leaves_nothing_and_can_be_taken_up(
        self, pc: Pc, failure: DownloadFailed | None
    ) -> None:
        pc.keeper.start_download(PRODUCT)
        pc.keeper.take(PRODUCT, failure or FileVerified())
        pc.keeper.skip(PRODUCT, "3.00.73")
        record = pc.open().load(PRODUCT)
        assert record.snapshot.state is UpdateState.NONE
        assert record.doomed == (f"ImpactEmploi-3.00.73.exe {OFFER.file.sha256}",)
        assert not record.has_update
        pc.keeper.recall(PRODUCT, "3.00.73")
        assert pc.is_in(UpdateState.AVAILABLE)
        assert pc.open().load(PRODUCT).has_update

    def test_whoever_asks_for_a_version_has_not_skipped_it(self, pc: Pc) -> None:
        pc.keeper.skip(PRODUCT, "3.00.73")
        pc.keeper.start_download(PRODUCT, "3.00.73")
        record = pc.open().load(PRODUCT)
        assert (record.wishes.skipped, record.has_update) == ((), True)

    def test_a_version_that_only_came_in_a_file_waits_and_goes(self, pc: Pc) -> None:
        pc.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
        pc.keeper.save_catalogue(Catalogue())
        pc.keeper.put_off(PRODUCT, "3.00.73", Postponement.HOUR)
        assert pc.is_in(UpdateState.READY)
        pc.keeper.skip(PRODUCT, "3.00.73")
        assert pc.is_in(UpdateState.NONE)

    def test_a_deadline_comes_first(self, pc: Pc) -> None:
        due = make_offer("3.00.73", **{"minimum.windows": "", "deadline": "2026-12-09T12:30:00Z"})
        pc.keeper.save_catalogue(Catalogue((due,)))
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        pc.keeper.put_off(PRODUCT, "3.00.73", Postponement.TOMORROW)
        until = datetime(2026, 12, 9, 12, 30, tzinfo=UTC).timestamp()
        assert pc.open().look(PRODUCT).wishes.put_off == {"3.00.73": until}
        pc.now = until
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        pc.keeper.skip(PRODUCT, "3.00.73")
        assert pc.is_in(UpdateState.AVAILABLE)
        pc.keeper.put_off(PRODUCT, "3.00.73", Postponement.HOUR)
        assert pc.is_in(UpdateState.AVAILABLE)

    def test_a_critical_one_stays(self, pc: Pc) -> None:
        pc.keeper.save_catalogue(Catalogue((CRITICAL,)))
        pc.keeper.judge(PRODUCT, pc.keeper.choose(PRODUCT))
        pc.keeper.skip(PRODUCT, "3.00.73")
        assert pc.is_in(UpdateState.AVAILABLE)


class TestView:
    """What a window sees, and when it has to look again."""

    def test_it_tells_how_far_the_download_is(self, pc: Pc) -> None:
        pc.keeper.start_download(PRODUCT)
        snapshot = pc.keeper.load(PRODUCT).snapshot
        pc.keeper.write_progress(snapshot, Progress(300, 1000, 50.5), "PC-ACCUEIL")
        view = pc.open().look(PRODUCT)
        assert (view.progress, view.waits_for) == (Progress(300, 1000, 50.0), "PC-ACCUEIL")
        assert view.installed == "3.00.72"
        pc.keeper.forget_progress()
        assert pc.open().look(PRODUCT).progress is None

    @pytest.mark.parametrize("data", [b"", b"[", b"[]", b"{}", b'{"received": -1}', b"[" * 2000, bytes(5000)])
    def test_a_progress_that_cannot_be_is_none(self, pc: Pc, data: bytes) -> None:
        pc.keeper.start_download(PRODUCT)
        (pc.home / "state" / "update-progress.json").write_bytes(data)
        assert pc.open().look(PRODUCT).progress is None

    def test_its_sign_changes_with_all_of_it(self, pc: Pc) -> None:
        signs = [pc.keeper.sign()]
        line = HistoryLine(1.0, PRODUCT, "3.00.73", "3.00.72", HistoryStep.INSTALLER, True)
        for change in (
            pc.keeper.check,
            lambda: pc.keeper.start_download(PRODUCT),
            lambda: pc.keeper.write_progress(pc.keeper.load(PRODUCT).snapshot, Progress(1, 2)),
            lambda: pc.keeper.add_history(line),
            lambda: pc.keeper.save_catalogue(Catalogue((OFFER,))),
        ):
            change()
            signs.append(pc.keeper.sign())
        assert len(set(signs)) == len(signs)
        view = pc.open().look(PRODUCT)
        assert view.check.is_pending
        assert view.history == (line,)
        assert pc.open().look(ReleaseKind.AGENT).history == ()

    def test_the_history_keeps_its_last_lines(self, pc: Pc) -> None:
        lines = [
            HistoryLine(float(at), PRODUCT, "3.00.73", "", HistoryStep.VERSION, False) for at in range(61)
        ]
        pc.keeper.add_history(*lines)
        assert pc.open().load_history() == tuple(lines[1:])

    @pytest.mark.parametrize("name", ["update-product", "update-check", "update-catalogue", "update-history"])
    def test_a_broken_file_is_set_aside(self, pc: Pc, name: str) -> None:
        (pc.home / "state" / f"{name}.json").write_text(json.dumps({"schema": 1, "files": [1], "lines": [2]}))
        assert pc.open().look(PRODUCT).snapshot.state is UpdateState.NONE


def test_work_can_be_stopped_unless_an_installer_is_waited_for(pc: Pc) -> None:
    pc.keeper.start_download(PRODUCT)
    pc.keeper.stop_work()
    assert pc.is_in(UpdateState.PAUSED)
    # nobody has begun anything for the agent
    assert not pc.installation.storage.has_state("update-agent")
    lock = pc.keeper.lock_work()
    assert lock is not None
    assert pc.open().lock_work() is None
    lock.close()


def test_a_disk_that_refuses_is_a_refusal_and_nothing_starts(pc: Pc) -> None:
    file = pc.home / "state" / "update-product.json.lock"
    file.unlink(missing_ok=True)
    file.mkdir()
    refusal = refusal_of(lambda: pc.keeper.take(PRODUCT, VersionProposed(OFFER), InstallerBusy()))
    assert refusal == refusals.NothingWritten()
    assert pc.workers == 0
