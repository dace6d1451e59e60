"""The trial of a new version: the launcher's file, the record, and what may go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain import timing, version_trial
from iea_agent.domain.version_trial import Relapse, Slots, Trial, TrialState, VersionRecord

NOW = 1_796_000_000.0
DAY = 86_400.0
PLENTY = 10 * version_trial.LEAST_ROOM
TRYING = Trial(1, TrialState.TRYING)
PROVED = Trial(1, TrialState.PROVED)
FAILED = Trial(3, TrialState.FAILED)


@pytest.mark.parametrize("name", ["0.1.0", "0.2.0-rc.1", "1", "10.0.0+a", "0" * 40])
def test_a_version_names_a_slot(name: str) -> None:
    assert version_trial.is_slot_name(name)
    assert version_trial.parse_pointer(f"{name}\r\n".encode()) == name


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"..", b"current", b"0.1.0\\..\\..", b"0/1", b"0.", b"0\0", "0é".encode(), b"0" * 41),
        *(b"0.1.0\n0.2.0", b"\xff\xfe0\0.\0", b"C:\\x", b" " * 100 + b"0.1.0"),
    ],
)
def test_anything_else_names_none(data: bytes) -> None:
    assert version_trial.parse_pointer(data) == ""


def test_a_trial_file_is_read_as_it_is_written() -> None:
    trials = {"0.1.0": PROVED, "0.2.0": TRYING, "0.3.0": FAILED}
    data = version_trial.render_trials(trials)
    assert data == b"0.1.0 1 proved\n0.2.0 1 trying\n0.3.0 3 failed\n"
    assert version_trial.parse_trials(data) == trials
    assert version_trial.parse_trials(data.replace(b"\n", b"\r\n")) == trials


@pytest.mark.parametrize(
    "line",
    [
        *("0.2.0", "0.2.0 x trying", "0.2.0 1 good", "0.2.0 1111 failed", "../x 1 failed", " 0.2.0 1 failed"),
        *("0.2.0 1 failed more", "0.2.0  1 failed", "x" * 3000),
    ],
)
def test_a_line_that_is_not_understood_harms_no_other(line: str) -> None:
    data = f"0.1.0 1 proved\n{line}\n0.3.0 2 trying\n".encode()
    trials = version_trial.parse_trials(data)
    assert trials == {"0.1.0": PROVED, "0.3.0": Trial(2, TrialState.TRYING)}


def test_a_trial_file_that_is_too_large_is_none() -> None:
    line = b"0.1.0 1 proved\n"
    assert version_trial.parse_trials(line * (version_trial.LARGEST_TRIALS // len(line)))
    assert version_trial.parse_trials(line * 10_000) == {}


def test_only_the_latest_versions_stay() -> None:
    data = b"".join(b"0.%d.0 1 proved\n" % number for number in range(50))
    trials = version_trial.parse_trials(data)
    assert list(trials) == [f"0.{number}.0" for number in range(42, 50)]
    assert (
        len(version_trial.render_trials({f"0.{number}.0": PROVED for number in range(50)}).splitlines()) == 8
    )


@given(some.binary(max_size=200))
def test_any_bytes_are_trials_that_can_be_written_again(data: bytes) -> None:
    trials = version_trial.parse_trials(data)
    assert version_trial.parse_trials(version_trial.render_trials(trials)) == trials


def test_a_proof_replaces_the_line_and_leaves_the_others() -> None:
    trials = {"0.1.0": PROVED, "0.2.0": Trial(2, TrialState.TRYING)}
    proved = version_trial.prove(trials, "0.2.0")
    assert proved == {"0.1.0": PROVED, "0.2.0": Trial(2, TrialState.PROVED)}
    assert version_trial.prove({}, "0.2.0") == {"0.2.0": PROVED}


def test_a_version_stands_in_only_for_a_failed_one() -> None:
    trials = {"0.1.0": PROVED, "0.2.0": FAILED, "0.3.0": TRYING}
    assert version_trial.find_failed(trials, "0.2.0", "0.1.0") == "0.2.0"
    assert version_trial.find_failed(trials, "0.3.0", "0.1.0") == "", "switched, and not started again yet"
    assert version_trial.find_failed(trials, "0.2.0", "0.2.0") == ""
    assert version_trial.find_failed({}, "0.2.0", "0.1.0") == ""


def test_a_failure_is_announced_once_and_counted_when_it_comes_again() -> None:
    once = version_trial.record_failed(VersionRecord(), "0.2.0", NOW)
    assert once.relapses == {"0.2.0": Relapse(1, NOW, is_announced=True)}
    assert version_trial.record_failed(once, "0.2.0", NOW + 60) == once

    # offered again: the trial file speaks otherwise of it for a while
    retried = version_trial.record_failed(once, "", NOW + DAY)
    twice = version_trial.record_failed(retried, "0.2.0", NOW + 2 * DAY)
    assert twice.relapses == {"0.2.0": Relapse(2, NOW + 2 * DAY, is_announced=True)}


def test_a_failed_version_rests_a_day_then_comes_once_more_then_only_by_hand() -> None:
    record = version_trial.record_failed(VersionRecord(), "0.2.0", NOW)
    assert version_trial.may_offer(record, "0.3.0", NOW)
    assert not version_trial.may_offer(record, "0.2.0", NOW + timing.FAILED_VERSION_REST - 1)
    assert version_trial.may_offer(record, "0.2.0", NOW + timing.FAILED_VERSION_REST)
    assert version_trial.may_offer(record, "0.2.0", NOW, by_hand=True)
    assert version_trial.may_offer(record, "0.2.0", NOW - DAY), "a clock that was ahead holds up nothing"

    record = version_trial.record_failed(version_trial.record_failed(record, "", NOW), "0.2.0", NOW)
    assert not version_trial.may_offer(record, "0.2.0", NOW + 1000 * DAY)
    assert version_trial.may_offer(record, "0.2.0", NOW, by_hand=True)


def test_the_proof_counts_from_the_first_one() -> None:
    record = version_trial.record_proved(VersionRecord(), "0.2.0", NOW)
    assert version_trial.record_proved(record, "0.2.0", NOW + DAY) == record
    assert version_trial.record_proved(record, "0.2.0", NOW - DAY).proved_at == NOW - DAY
    assert version_trial.record_proved(record, "0.3.0", NOW + DAY).proved_at == NOW + DAY


def test_the_record_is_read_as_it_is_written() -> None:
    record = version_trial.record_failed(VersionRecord("0.1.0", NOW), "0.2.0", NOW)
    assert version_trial.parse_version_record(record.to_document()) == record


@pytest.mark.parametrize(
    "change",
    [
        {"proved": 1},
        {"proved": "../x"},
        {"proved_at": "now"},
        {"relapses": []},
        {"relapses": {"0.2.0": 1}},
        {"relapses": {"..": {"times": 1, "at": 0, "is_announced": True}}},
        {"relapses": {"0.2.0": {"times": 0, "at": 0, "is_announced": True}}},
        {"relapses": {f"0.{n}.0": {"times": 1, "at": 0, "is_announced": True} for n in range(9)}},
    ],
)
def test_an_impossible_record_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        version_trial.parse_version_record({**VersionRecord().to_document(), **change})


AGES = {"0.1.0": 30 * DAY, "0.2.0": 8 * DAY, "0.0.9": 60 * DAY, "0.3.0": 60.0, "0.3.0.part": 60.0}
SLOTS = Slots(AGES, own="0.2.0", current="0.2.0", previous="0.1.0")
RECORD = VersionRecord("0.2.0", NOW)


def test_the_version_before_stays_a_week_after_the_proof() -> None:
    before = version_trial.list_removable(SLOTS, RECORD, NOW + timing.OLD_SLOT - 1, PLENTY)
    after = version_trial.list_removable(SLOTS, RECORD, NOW + timing.OLD_SLOT, PLENTY)
    assert list(before) == ["0.0.9"]
    assert list(after) == ["0.1.0", "0.0.9"]


def test_short_of_room_the_version_before_goes_at_once() -> None:
    free = version_trial.LEAST_ROOM - 1
    assert "0.1.0" in version_trial.list_removable(SLOTS, RECORD, NOW, free)


def test_what_a_setup_has_just_written_is_left_alone() -> None:
    removable = version_trial.list_removable(SLOTS, RECORD, NOW + 1000 * DAY, 0)
    assert not {"0.3.0", "0.3.0.part", "0.2.0"} & set(removable)


@pytest.mark.parametrize(
    ("slots", "record"),
    [
        (SLOTS, VersionRecord()),
        (SLOTS, VersionRecord("0.1.0", 0.0)),
        (Slots(AGES, own="0.1.0", current="0.2.0", previous="0.1.0"), VersionRecord("0.1.0", 0.0)),
    ],
    ids=["not proved", "another proved", "it stands in for a failed one"],
)
def test_only_a_proved_version_that_is_current_removes_any(slots: Slots, record: VersionRecord) -> None:
    assert list(version_trial.list_removable(slots, record, NOW, 0)) == []
