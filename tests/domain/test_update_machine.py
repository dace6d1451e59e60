"""The machine of an update: the whole table, what is saved, what a choice means."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain import update_machine
from iea_agent.domain.update_choice import Listed, Reason, UpdateChoice
from iea_agent.domain.update_machine import (
    UPDATE_TABLE,
    DownloadCancelled,
    DownloadFailed,
    DownloadPaused,
    DownloadRequested,
    FileVerified,
    InstallConfirmed,
    InstallerBusy,
    InstallFailed,
    InstallRequested,
    MachineResumed,
    NothingProposed,
    ResultRead,
    UpdateEffect,
    UpdateEvent,
    UpdateSnapshot,
    UpdateState,
    VersionProposed,
    VersionReturned,
    VersionSkipped,
    VersionWithdrawn,
    advance_update,
    allows_update,
    judge_choice,
    parse_update_snapshot,
)
from tests.releases import make_offer

OFFER = make_offer("3.00.73")
NEXT = make_offer("3.00.74")
EVENT_TYPES = [
    kind
    for kind in vars(update_machine).values()
    if isinstance(kind, type) and issubclass(kind, UpdateEvent) and kind is not UpdateEvent
]
UNDER_WAY = set(UpdateState) - {UpdateState.NONE}


def happen(kind: type[UpdateEvent]) -> UpdateEvent:
    if issubclass(kind, VersionProposed):
        return kind(NEXT)
    if issubclass(kind, DownloadFailed):
        return kind("IEA-U05")
    if issubclass(kind, InstallConfirmed | InstallFailed):
        return kind(3010)
    return kind()


def snapshot_in(state: UpdateState) -> UpdateSnapshot:
    if state is UpdateState.NONE:
        return UpdateSnapshot(since=1.0)
    file = OFFER.file
    return UpdateSnapshot(state, 1.0, "3.00.73", file.name, file.length, file.sha256)


def follow(
    *events: UpdateEvent, begin: UpdateSnapshot | None = None
) -> tuple[UpdateSnapshot, list[UpdateEffect]]:
    snapshot = begin or UpdateSnapshot()
    effects: list[UpdateEffect] = []
    for number, event in enumerate(events):
        snapshot, done = advance_update(snapshot, event, 10.0 + number)
        effects += done
    return snapshot, effects


@pytest.mark.parametrize("state", UpdateState)
def test_the_table_decides_and_what_is_absent_changes_nothing(state: UpdateState) -> None:
    for kind in EVENT_TYPES:
        before = snapshot_in(state)
        after, effects = advance_update(before, happen(kind), 2.0)
        step = UPDATE_TABLE.get((state, kind))
        assert allows_update(state, kind) is (step is not None)
        if step is None:
            assert (after, effects) == (before, ())
        else:
            assert (after.state, effects) == (step.state, step.effects)
            assert after.since == (1.0 if step.state is state else 2.0)
            assert bool(after.version) is (step.state is not UpdateState.NONE)
        assert parse_update_snapshot(json.loads(json.dumps(after.to_document()))) == after


def test_every_event_and_every_effect_is_in_the_table() -> None:
    assert {event for _, event in UPDATE_TABLE} == set(EVENT_TYPES)
    assert {effect for step in UPDATE_TABLE.values() for effect in step.effects} == set(UpdateEffect)


def test_an_update_goes_its_way() -> None:
    snapshot, effects = follow(
        VersionProposed(OFFER),
        DownloadRequested(),
        DownloadPaused(),
        DownloadRequested(),
        FileVerified(),
        InstallRequested(),
        InstallerBusy(),
        InstallConfirmed(3010),
    )
    assert (snapshot.state, snapshot.version, snapshot.exit_code) == (UpdateState.INSTALLED, "3.00.73", 3010)
    assert snapshot.file.name == OFFER.file.name
    assert [effect.value for effect in effects] == [
        "announce-version", "start-download", "stop-download", "start-download", "announce-ready",
        "start-installer", "schedule-installer", "announce-result",
    ]  # fmt: skip
    assert follow(ResultRead(), begin=snapshot)[0] == UpdateSnapshot(since=10.0)


def test_a_failed_update_can_be_tried_again() -> None:
    failed, _ = follow(VersionProposed(OFFER), DownloadRequested(), DownloadFailed("IEA-U05"))
    assert (failed.state, failed.code) == (UpdateState.FAILED, "IEA-U05")
    again, effects = follow(DownloadRequested(), begin=failed)
    assert (again.state, again.code, effects) == (
        UpdateState.DOWNLOADING,
        "",
        [UpdateEffect.START_DOWNLOAD],
    )


@pytest.mark.parametrize("state", UNDER_WAY)
def test_nothing_is_deleted_or_started_anew_while_an_installer_runs(state: UpdateState) -> None:
    for event in (VersionProposed(NEXT), VersionWithdrawn(), DownloadCancelled(), DownloadRequested()):
        _after, effects = advance_update(snapshot_in(UpdateState.INSTALLING), event, 2.0)
        assert effects == ()
    if state in (UpdateState.DOWNLOADING, UpdateState.PAUSED, UpdateState.READY, UpdateState.FAILED):
        after, effects = advance_update(snapshot_in(state), VersionWithdrawn(), 2.0)
        assert after.state is UpdateState.WITHDRAWN
        assert UpdateEffect.DELETE_FILES in effects


@pytest.mark.parametrize(
    ("state", "effects"),
    [
        (UpdateState.DOWNLOADING, (UpdateEffect.START_DOWNLOAD,)),
        (UpdateState.INSTALLING, (UpdateEffect.READ_RESULT,)),
    ],
)
def test_an_agent_that_was_killed_goes_on(state: UpdateState, effects: tuple[UpdateEffect, ...]) -> None:
    saved = snapshot_in(state).to_document()
    assert advance_update(parse_update_snapshot(saved), MachineResumed(), 2.0) == (
        snapshot_in(state),
        effects,
    )


@given(some.lists(some.sampled_from(EVENT_TYPES), max_size=40))
def test_a_download_that_was_started_is_stopped_before_another_or_ends(
    kinds: list[type[UpdateEvent]],
) -> None:
    snapshot, running = UpdateSnapshot(), False
    for kind in kinds:
        before = snapshot.state
        snapshot, effects = advance_update(snapshot, happen(kind), 2.0)
        if before is UpdateState.DOWNLOADING and kind in (FileVerified, DownloadFailed, MachineResumed):
            running = False
        for effect in effects:
            if effect is UpdateEffect.STOP_DOWNLOAD:
                assert running
                running = False
            if effect is UpdateEffect.START_DOWNLOAD:
                assert not running
                running = True
        assert running is (snapshot.state is UpdateState.DOWNLOADING)


GOOD = snapshot_in(UpdateState.READY).to_document()


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "asleep"},
        {"state": None},
        {"state": "none"},
        {"since": -1},
        {"version": ""},
        {"version": 7},
        {"name": "x" * 301},
        {"name": "a\nb"},
        {"length": -1},
        {"sha256": None},
        {"code": "IEA-X99"},
        {"exit_code": 2**32},
        {"tries": -1},
    ],
)
def test_an_impossible_snapshot_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|valid"):
        parse_update_snapshot({**GOOD, **changes})


@pytest.mark.parametrize("name", GOOD)
def test_a_snapshot_that_lacks_a_value_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"expected|valid"):
        parse_update_snapshot({key: value for key, value in GOOD.items() if key != name})


@pytest.mark.parametrize("state", UpdateState)
def test_a_skipped_version_is_forgotten_and_its_file_deleted(state: UpdateState) -> None:
    before = snapshot_in(state)
    after, effects = advance_update(before, VersionSkipped(), 2.0)
    settled = {UpdateState.NONE, UpdateState.INSTALLING, UpdateState.INSTALLED, UpdateState.WITHDRAWN}
    assert after == (before if state in settled else UpdateSnapshot(since=2.0))
    with_file = (UpdateState.DOWNLOADING, UpdateState.PAUSED, UpdateState.READY, UpdateState.FAILED)
    assert (UpdateEffect.DELETE_FILES in effects) is (state in with_file)


class TestChoice:
    """What a new choice means for the version under way."""

    def test_another_version_is_told(self) -> None:
        choice = UpdateChoice(NEXT, (Listed(NEXT, ()),))
        assert judge_choice(snapshot_in(UpdateState.READY), choice) == VersionProposed(NEXT)
        assert judge_choice(UpdateSnapshot(), choice) == VersionProposed(NEXT)

    def test_the_same_version_is_not_told_again(self) -> None:
        choice = UpdateChoice(OFFER, (Listed(OFFER, ()),))
        assert [judge_choice(snapshot_in(state), choice) for state in sorted(UNDER_WAY, key=str)] == [
            None
        ] * 8

    def test_a_version_that_was_put_off_is_told_once_its_time_is_over(self) -> None:
        choice = UpdateChoice(OFFER, (Listed(OFFER, ()),))
        ready = snapshot_in(UpdateState.READY)
        assert judge_choice(ready, choice, {"3.00.73"}) == VersionReturned()
        assert judge_choice(ready, choice, {"3.00.74"}) is None

    def test_a_version_that_has_gone_was_withdrawn(self) -> None:
        assert judge_choice(snapshot_in(UpdateState.READY), UpdateChoice(None, ())) == VersionWithdrawn()
        assert judge_choice(UpdateSnapshot(), UpdateChoice(None, ())) is None

    def test_a_version_that_waits_for_a_better_day_is_not_withdrawn(self) -> None:
        listed = Listed(OFFER, (Reason.QUIET_DAY,))
        choice = UpdateChoice(None, (listed,))
        event = judge_choice(snapshot_in(UpdateState.READY), choice)
        assert event == NothingProposed()
        # what is under way goes on; what was only on offer is not shown today
        assert not allows_update(UpdateState.READY, NothingProposed)
        assert allows_update(UpdateState.AVAILABLE, NothingProposed)
