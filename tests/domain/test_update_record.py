"""What this PC remembers of updates: announcements, files to delete, times."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iea_agent.domain import timing
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Listed, Reason, UpdateChoice, Wishes
from iea_agent.domain.update_machine import (
    DownloadCancelled,
    DownloadFailed,
    DownloadRequested,
    FileVerified,
    InstallConfirmed,
    InstallerBusy,
    InstallRequested,
    NothingProposed,
    UpdateEffect,
    UpdateEvent,
    UpdateState,
    VersionProposed,
    VersionReturned,
    VersionWithdrawn,
)
from iea_agent.domain.update_record import (
    CheckRecord,
    HistoryLine,
    HistoryStep,
    LaunchWish,
    UpdateRecord,
    begin_by_itself,
    end_check,
    find_check_due,
    installs_itself,
    is_timer_due,
    is_work_due,
    note_choice,
    parse_check_record,
    parse_history,
    parse_update_record,
    pop_announcements,
    postpone,
    take_events,
)
from tests.releases import make_offer

OFFER = make_offer("3.00.73")
NOW = datetime(2026, 12, 9, 10, 30, tzinfo=UTC)


def follow(*events: UpdateEvent, begin: UpdateRecord | None = None) -> UpdateRecord:
    return take_events(begin or UpdateRecord(), events, 1000.0)[0]


class TestAnnouncements:
    """One balloon a version, and never the same again."""

    def test_a_version_that_comes_back_is_announced_once(self) -> None:
        record, effects = pop_announcements(follow(VersionProposed(OFFER)))
        assert effects == (UpdateEffect.ANNOUNCE_VERSION,)
        again = follow(NothingProposed(), VersionProposed(OFFER), begin=record)
        assert pop_announcements(again)[1] == ()

    def test_what_comes_by_itself_is_announced_when_it_is_ready(self) -> None:
        record = begin_by_itself(follow(VersionProposed(OFFER), DownloadRequested()))
        assert record.pending == ()
        record, effects = pop_announcements(follow(FileVerified(), begin=record))
        assert effects == (UpdateEffect.ANNOUNCE_READY,)

    def test_what_failed_by_itself_is_not_announced(self) -> None:
        begun = follow(VersionProposed(OFFER), DownloadRequested())
        failed = DownloadFailed("IEA-U05")
        assert pop_announcements(follow(failed, begin=begun))[1] == (UpdateEffect.ANNOUNCE_RESULT,)
        assert pop_announcements(follow(failed, begin=begin_by_itself(begun)))[1] == ()

    def test_a_person_who_asks_makes_it_their_own(self) -> None:
        by_itself = begin_by_itself(follow(VersionProposed(OFFER), DownloadRequested()))
        record = follow(DownloadFailed("IEA-U05"), DownloadRequested(), begin=by_itself)
        assert not record.by_itself

    def test_a_version_that_is_put_off_is_announced_anew_but_not_before(self) -> None:
        record = pop_announcements(follow(VersionProposed(OFFER), FileVerified()))[0]
        record = postpone(record, "3.00.73", 2000.0)
        early = follow(VersionReturned(), begin=record)
        assert pop_announcements(early)[1] == ()
        late, _ = take_events(early, (VersionReturned(),), 2000.0)
        assert pop_announcements(late)[1] == (UpdateEffect.ANNOUNCE_READY,)

    def test_what_waits_to_be_announced_waits_on(self) -> None:
        record = postpone(follow(VersionProposed(OFFER), FileVerified()), "3.00.73", 2000.0)
        assert pop_announcements(record)[1] == ()

    def test_a_withdrawal_takes_the_place_of_the_version(self) -> None:
        record = follow(VersionProposed(OFFER), VersionWithdrawn())
        assert pop_announcements(record)[1] == (UpdateEffect.ANNOUNCE_WITHDRAWAL,)


def test_the_files_of_a_version_that_is_given_up_are_to_be_deleted() -> None:
    record = follow(VersionProposed(OFFER), DownloadRequested(), DownloadCancelled())
    assert record.doomed == (f"ImpactEmploi-3.00.73.exe {OFFER.file.sha256}",)
    assert is_work_due(record, 0.0, program_runs=True)


def test_the_agent_does_not_install_what_a_person_has_put_off() -> None:
    record = postpone(follow(VersionProposed(OFFER), FileVerified()), "3.00.73", 2000.0)
    assert [installs_itself(record, now) for now in (1999.0, 2000.0)] == [False, True]


def test_an_installer_starts_at_once_and_after_another_one_later() -> None:
    record = follow(VersionProposed(OFFER), DownloadRequested(), FileVerified(), InstallRequested())
    assert record.installer_due == 1000.0
    assert is_work_due(record, 1000.0, program_runs=False)
    record = follow(InstallerBusy(), begin=record)
    later = 1000.0 + timing.INSTALLER_BUSY
    assert [is_timer_due(record, now, program_runs=False) for now in (1001.0, later)] == [False, True]
    # one that was started is nobody's business until it ends
    started = replace(record, installer_due=0.0)
    assert not is_timer_due(started, later, program_runs=False)
    assert is_work_due(started, later, program_runs=False)


class TestChecks:
    """When the next check is due, and what is remembered of the last."""

    @pytest.mark.parametrize(
        ("record", "chance", "due"),
        [
            (CheckRecord(), 0.5, 10_000.0),
            (CheckRecord(ended=1000.0), 0.5, 1000.0 + 86_400.0),
            (CheckRecord(ended=1000.0), 0.0, 1000.0 + 0.9 * 86_400.0),
            (CheckRecord(ended=1000.0, failures=1), 0.5, 1600.0),
            (CheckRecord(ended=1000.0, failures=2), 0.5, 2800.0),
            (CheckRecord(ended=1000.0, failures=3), 0.5, 8200.0),
            (CheckRecord(ended=1000.0, failures=9), 0.5, 8200.0),
            # a clock that was ahead
            (CheckRecord(ended=20_000.0), 0.5, 10_000.0),
        ],
    )
    def test_it_is_due_once_a_day_and_sooner_after_a_failure(
        self, record: CheckRecord, chance: float, due: float
    ) -> None:
        assert find_check_due(record, 10_000.0, chance) == pytest.approx(due)

    def test_a_success_forgets_the_failures(self) -> None:
        failed = end_check(CheckRecord(requested=5.0), 10.0, "IEA-N01")
        assert (failed.failures, failed.checked, failed.is_pending) == (1, 0.0, False)
        assert end_check(failed, 20.0, "") == CheckRecord(5.0, 20.0, 20.0)


class TestChoice:
    """When a choice has to be made anew before the next check."""

    def note(self, *reasons: Reason, wishes: Wishes | None = None, **changes: object) -> UpdateRecord:
        offer = make_offer("3.00.73", **changes)
        record = UpdateRecord(wishes=wishes or Wishes())
        return note_choice(record, UpdateChoice(None, (Listed(offer, reasons),)), NOW)

    def test_the_day_after_a_quiet_one(self) -> None:
        assert self.note(Reason.QUIET_DAY).judge_at == datetime(2026, 12, 10, 0, 1, tzinfo=UTC).timestamp()

    def test_when_a_person_wants_to_hear_of_it(self) -> None:
        until = NOW.timestamp() + 3600
        assert self.note(Reason.PUT_OFF, wishes=Wishes((), {"3.00.73": until})).judge_at == until

    def test_when_it_may_be_installed(self) -> None:
        record = self.note(Reason.NOT_YET, not_before="2026-12-09T12:00:00Z")
        assert record.judge_at == datetime(2026, 12, 9, 12, tzinfo=UTC).timestamp()
        assert self.note(Reason.NOT_YET, not_before="2026-12-09T10:00:00Z").judge_at == 0

    def test_once_the_program_is_closed(self) -> None:
        record = self.note(Reason.PROGRAM_RUNS)
        assert [is_timer_due(record, 0.0, program_runs=runs) for runs in (True, False)] == [False, True]

    def test_a_version_that_is_proposed_waits(self) -> None:
        proposed = note_choice(follow(VersionProposed(OFFER)), UpdateChoice(OFFER, (Listed(OFFER, ()),)), NOW)
        assert proposed.has_update
        assert not proposed.judge_at
        older = make_offer("3.00.72")
        waits = note_choice(proposed, UpdateChoice(older, (Listed(older, ()),)), NOW)
        assert not waits.has_update, "what is proposed is not what is under way"
        assert not replace(proposed, is_proposed=False).has_update


def test_what_is_saved_is_read_again() -> None:
    record = follow(
        VersionProposed(OFFER), DownloadRequested(), FileVerified(), InstallRequested(), InstallConfirmed(0)
    )
    record = replace(record, wishes=Wishes(("3.00.71",), {"3.00.72": 5.0}), report={"result": "done"})
    record = replace(record, launch=LaunchWish.ASKED)
    assert parse_update_record(json.loads(json.dumps(record.to_document()))) == record
    assert record.snapshot.state is UpdateState.INSTALLED
    check = CheckRecord(5.0, 6.0, 4.0, "IEA-N01", 2)
    assert parse_check_record(json.loads(json.dumps(check.to_document()))) == check
    line = HistoryLine(
        1.0, ReleaseKind.AGENT, "0.2.0", "0.1.0", HistoryStep.VERSION, True, {"found": "0.2.0"}
    )
    assert parse_history(json.loads(json.dumps({"lines": [line.to_document()]}))) == (line,)


@pytest.mark.parametrize(
    "change",
    [
        {"pending": ["no effect"]},
        {"announced": [1]},
        {"doomed": ["x\n"]},
        {"judge_at": -1},
        {"report": {str(number): 1 for number in range(50)}},
        {"wishes": {"skipped": [], "put_off": {"3.00.73": "later"}}},
        {"wishes": {"skipped": [], "put_off": []}},
        {"snapshot": None},
        {"is_proposed": 1},
        {"launch": "soon"},
    ],
)
def test_what_cannot_have_been_saved_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|too large|is not a valid"):
        parse_update_record({**UpdateRecord().to_document(), **change})


@pytest.mark.parametrize("change", [{"code": "IEA-X99"}, {"requested": "now"}, {"failures": -1}])
def test_impossible_checks_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|too large|is not a valid"):
        parse_check_record({**CheckRecord().to_document(), **change})


@pytest.mark.parametrize("line", [None, {}, {"version": "1", "before": "", "report": {}, "at": 1.0}])
def test_impossible_lines_are_refused(line: object) -> None:
    with pytest.raises(ValueError, match=r"expected|too large|is not a valid"):
        parse_history({"lines": [line]})
