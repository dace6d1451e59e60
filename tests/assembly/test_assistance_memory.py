"""Assistance mode survives the loss of its record, and nobody else is locked in."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from iea_agent.assembly.assistance_memory import STATE, read_since, restore_since
from iea_agent.host.journal import Journal
from iea_agent.host.storage import Folders, Storage

NOW = 1_900_000_000.0
ENTERED = NOW - 5000.0


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(Folders.locate({"IEA_AGENT_HOME": str(tmp_path)}))


@pytest.fixture
def journal_file(storage: Storage) -> Path:
    return storage.folders.state / "journal.jsonl"


@pytest.fixture
def record_file(storage: Storage) -> Path:
    file = storage.folders.state / f"{STATE}.json"
    file.parent.mkdir(parents=True)
    return file


def write_journal(file: Path, *events: str) -> None:
    """Write *events*, one second apart, the first at ``ENTERED``."""
    for number, event in enumerate(events):
        Journal(file).append(event, datetime.fromtimestamp(ENTERED + number, UTC), {})


def last_event(file: Path) -> dict[str, object]:
    """Return the last line of the journal."""
    return list(Journal(file).entries())[-1].document


DESTROYED = [b"\0" * 60, b"", b"{", b"[]", *(
    f'{{"schema": 1, "since": {value}}}'.encode()
    for value in ("1e300", "NaN", "Infinity", "-Infinity", "1e13", "true", '"2026"', "-5", "9" * 400)
)]  # fmt: skip


@pytest.mark.parametrize("data", DESTROYED, ids=lambda data: ascii(data)[:40])
@pytest.mark.parametrize(
    ("events", "since"),
    [
        (["entering"], ENTERED),
        (["entering", "leaving", "entering", "typo", "refused"], ENTERED + 2),
        (["entering", "leaving"], None),
        (["entering", "expired", "no-register"], None),
        ([], NOW),
    ],
    ids=str,
)
def test_the_journal_decides_if_the_record_is_destroyed(
    storage: Storage,
    journal_file: Path,
    record_file: Path,
    data: bytes,
    events: list[str],
    since: float | None,
) -> None:
    write_journal(journal_file, *events)
    record_file.write_bytes(data)
    restored = restore_since(storage, journal_file, NOW)
    if events:
        assert restored == since
    else:
        assert restored is not None
    assert last_event(journal_file) | {"before": "", "at": ""} == {
        "event": "restored", "reason": "destroyed", "on": restored is not None, "before": "", "at": "",
    }  # fmt: skip
    assert json.loads(record_file.read_text())["since"] == restored
    assert [file.read_bytes() for file in record_file.parent.glob("*.broken-*")] == [data]
    assert restore_since(storage, journal_file, NOW) == restored, "once is enough"
    assert len(list(Journal(journal_file).entries())) == len(events) + 1


def test_with_the_journal_destroyed_too_nobody_gets_out(
    storage: Storage, journal_file: Path, record_file: Path
) -> None:
    write_journal(journal_file, "entering", "leaving", "entering")
    with journal_file.open("ab") as file:
        file.write(b"\0" * 200)
    record_file.write_bytes(b"\0" * 60)
    assert restore_since(storage, journal_file, NOW) is not None


def test_a_deleted_record_is_no_way_out(storage: Storage, journal_file: Path, record_file: Path) -> None:
    assert restore_since(storage, journal_file, NOW) is None
    assert not journal_file.exists()
    write_journal(journal_file, "entering")
    assert not record_file.exists()
    assert read_since(storage, journal_file) == ENTERED
    assert restore_since(storage, journal_file, NOW) == ENTERED


def test_a_record_counts_whatever_the_journal_says(
    storage: Storage, journal_file: Path, record_file: Path
) -> None:
    write_journal(journal_file, "entering")
    record_file.write_text('{"schema": 1, "since": null}')
    assert restore_since(storage, journal_file, NOW) is None
    assert len(list(Journal(journal_file).entries())) == 1


def test_a_time_ahead_counts_from_now_also_after_the_next_start(
    storage: Storage, journal_file: Path, record_file: Path
) -> None:
    record_file.write_text(json.dumps({"schema": 1, "since": NOW + 1e8}))
    assert restore_since(storage, journal_file, NOW) == NOW
    assert last_event(journal_file)["reason"] == "ahead"
    assert restore_since(storage, journal_file, NOW + 60) == NOW


@pytest.mark.parametrize(
    "at",
    [
        "9999-12-31T23:59:59", "9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00",
        "1960-01-01T00:00:00Z", "2150-01-01T00:00:00Z", "", "x",
    ],
)  # fmt: skip
def test_an_impossible_time_in_the_journal_is_now(storage: Storage, journal_file: Path, at: str) -> None:
    journal_file.parent.mkdir(parents=True)
    journal_file.write_text(json.dumps({"event": "entering", "at": at}) + "\n")
    before = time.time()
    since = restore_since(storage, journal_file, before + 60)
    assert since is not None
    assert before <= since <= before + 60
    assert restore_since(storage, journal_file, before + 120) == since


@pytest.mark.linux  # elsewhere a link needs a right
@pytest.mark.parametrize(("events", "since"), [(["entering"], ENTERED), (["entering", "leaving"], None)])
def test_a_record_that_cannot_be_read_is_no_way_out(
    storage: Storage, record_file: Path, journal_file: Path, events: list[str], since: float | None
) -> None:
    write_journal(journal_file, *events)
    record_file.symlink_to(record_file)
    assert restore_since(storage, journal_file, NOW) == since
