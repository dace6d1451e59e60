"""The journal: what is written is there, a change shows, a crash cuts one line."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iea_agent.host.journal import FIRST_HASH, LARGEST_FILE, LARGEST_LINE, SHORTENED_FILE, Journal

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.jsonl"


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for number, event in enumerate(("entered", "refused", "left")):
        journal.append(event, NOON + timedelta(minutes=number), {"number": number})
    return journal


def a_year_later(journal: Journal) -> None:
    """Write three lines, by which the first two of the journal grow too old."""
    for seconds in (30, 31, 32):
        journal.append("entered", NOON + timedelta(days=365, minutes=1, seconds=seconds), {})


def test_what_is_written_can_be_read_in_order(path: Path) -> None:
    entries = list(filled(path).entries())

    assert [entry.document["event"] for entry in entries] == ["entered", "refused", "left"]
    assert entries[1].document["at"] == "2026-11-23T12:01:00Z"
    assert all(entry.whole for entry in entries)


def test_an_empty_journal_has_no_entries(path: Path) -> None:
    assert list(Journal(path).entries()) == []


@pytest.mark.parametrize(
    ("old", "new"), [(b'"number":1', b'"number":7'), (b"12:01", b"12:03"), (b'"refused"', b'"allowed"')]
)
def test_a_changed_line_shows_in_the_one_after_it(path: Path, old: bytes, new: bytes) -> None:
    journal = filled(path)
    path.write_bytes(path.read_bytes().replace(old, new))

    assert [entry.whole for entry in journal.entries()] == [True, True, False]


def test_a_deleted_line_shows(path: Path) -> None:
    journal = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + lines[2])

    assert [entry.whole for entry in journal.entries()] == [True, False]


def test_a_line_cut_by_a_crash_stays_as_evidence_and_the_next_follows_it(path: Path) -> None:
    journal = filled(path)
    path.write_bytes(path.read_bytes()[:-20])
    journal.append("entered", NOON + timedelta(hours=1), {})

    entries = list(journal.entries())
    assert [entry.document["event"] for entry in entries] == ["entered", "refused", "unreadable", "entered"]
    assert [entry.whole for entry in entries] == [True, True, False, True]


def test_after_a_year_a_line_is_deleted_and_the_others_are_whole(path: Path) -> None:
    journal = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    a_year_later(journal)

    forgotten, *entries = journal.entries()
    assert [entry.document["event"] for entry in entries] == ["left", "entered", "entered", "entered"]
    assert all(entry.whole for entry in (forgotten, *entries))
    assert forgotten.document["event"] == "forgotten"
    assert forgotten.document["until"] == "2026-11-23T12:01:00Z"
    assert forgotten.document["bytes"] == len(lines[0] + lines[1])


def test_a_line_goes_only_when_another_comes(path: Path) -> None:
    journal = filled(path)
    number = 3
    for days in (365, 366, 400, 800, 801, 802, 4000):
        journal.append("entered", NOON + timedelta(days=days), {})
        assert len(list(journal.entries())) > number
        assert all(entry.whole for entry in journal.entries())
        number += 1 if days == 365 else 0


@pytest.mark.parametrize(
    ("undated", "remaining"),
    [
        # the number of the line that is damaged
        (0, ["left", "entered"]),
        (1, ["unreadable", "left", "entered"]),
        (2, ["unreadable", "entered"]),
        (3, ["left", "unreadable", "entered"]),
    ],
)
@pytest.mark.parametrize(
    "line",
    [b"", b"not JSON", b"[]", b"\xff\x00", b'{"at":7}', b'{"at":"9999"}', b'{"at":"0"}', b'{"event":"x"}'],
)
def test_a_line_without_a_date_holds_up_no_deletion(
    path: Path, line: bytes, undated: int, remaining: list[str]
) -> None:
    journal = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[undated:undated] = [line + b"\n"]
    if undated < 3:
        del lines[undated + 1]
    path.write_bytes(b"".join(lines))

    a_year_later(journal)

    # an empty line is nothing, and what is read without an event has its own name
    events = [str(entry.document.get("event", "unreadable")) for entry in journal.entries()]
    expected = ["forgotten", *(name for name in remaining if line or name != "unreadable")]
    expected += ["entered"] * 2
    assert [name if name != "x" else "unreadable" for name in events] == expected


FILL_THE_DISK = """
import resource, sys
from datetime import datetime
from pathlib import Path
from iea_agent.host.journal import Journal
from iea_agent.host.state_files import StorageError

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + int(sys.argv[2]),) * 2)
try:
    Journal(path).append("entered", datetime.fromisoformat(sys.argv[3]), {})
except StorageError as error:
    print(type(error.__cause__).__name__)
"""


@pytest.mark.linux  # elsewhere no limit can be set for a process
@pytest.mark.parametrize("room", [0, 1, 40])
def test_a_disk_that_becomes_full_takes_a_whole_line_or_nothing(path: Path, room: int) -> None:
    filled(path)
    before = path.read_bytes()

    arguments = [sys.executable, "-c", FILL_THE_DISK, str(path), str(room), NOON.isoformat()]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == ("OSError\n", "")
    assert path.read_bytes() == before


def test_two_processes_write_one_chain(path: Path) -> None:
    script = (
        "import sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from iea_agent.host.journal import Journal\n"
        "for number in range(20):\n"
        "    Journal(Path(sys.argv[1])).append('event', datetime.now(UTC), {'number': number})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path)]) for _ in range(2)]
    assert [writer.wait(60) for writer in writers] == [0, 0]

    entries = list(Journal(path).entries())
    assert len(entries) == 40
    assert all(entry.whole for entry in entries)


def test_too_long_a_line_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="bytes"):
        Journal(path).append("entered", NOON, {"reason": "x" * LARGEST_LINE})
    assert not path.exists()


def test_a_kill_at_any_moment_costs_at_most_one_line(path: Path) -> None:
    script = (
        "import itertools, sys; from datetime import datetime, UTC; from pathlib import Path\n"
        "from iea_agent.host.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for number in itertools.count():\n"
        "    journal.append('event', datetime.now(UTC), {'number': number})\n"
        "    print(number, flush=True)"
    )
    written = 0
    for lines in (1, 2, 5) if sys.platform != "linux" else (1, 2, 3, 5, 8, 13):
        with subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            for _ in range(lines):
                writer.stdout.readline()
            writer.kill()
        written += lines

    entries = list(Journal(path).entries())
    assert sum(entry.document["event"] == "event" for entry in entries) >= written


@pytest.mark.parametrize("lines", [1, 2, 30])
@pytest.mark.parametrize("days", [366, 100_000, -366])
def test_a_clock_that_jumps_empties_nothing(path: Path, days: int, lines: int) -> None:
    journal = filled(path)
    for number in range(lines):
        before = list(journal.entries())
        journal.append("jumped", NOON + timedelta(days=days, minutes=number), {})
        assert len(list(journal.entries())) >= len(before) + (number == 0)
    journal.append("back", NOON + timedelta(minutes=5), {})

    entries = list(journal.entries())
    assert all(entry.whole for entry in entries)
    events = [entry.document["event"] for entry in entries]
    if lines == 1 or days < 0:
        assert events == ["entered", "refused", "left", *["jumped"] * lines, "back"]
    else:
        assert events[0] == "forgotten"
        assert len(events) > lines, "one at most for each line that came"


def test_what_stands_behind_ten_megabytes_is_read_and_the_beginning_goes(path: Path) -> None:
    path.parent.mkdir()
    before = FIRST_HASH
    with path.open("wb") as file:
        while file.tell() <= LARGEST_FILE:
            line = (
                f'{{"at":"2026-11-23T12:00:00Z","event":"typo","fault":"{"x" * 3000}","before":"{before}"}}'
            )
            before = hashlib.sha256(line.encode()).hexdigest()
            file.write(line.encode() + b"\n")
        file.write(f'{{"at":"2026-11-23T13:00:00Z","event":"leaving","before":"{before}"}}\n'.encode())
    journal = Journal(path)
    first, *entries = journal.entries()
    assert (first.document["event"], first.whole) == ("unread", False)
    assert all(entry.whole for entry in entries)
    assert entries[-1].document["event"] == "leaving"

    size = path.stat().st_size
    journal.append("entering", NOON + timedelta(hours=2), {})
    first, *entries = journal.entries()
    assert all(entry.whole for entry in (first, *entries))
    assert [entry.document["event"] for entry in entries[-2:]] == ["leaving", "entering"]
    assert first.document["event"] == "forgotten"
    assert path.stat().st_size < SHORTENED_FILE + 5000
    shorter = size - SHORTENED_FILE
    assert isinstance(first.document["bytes"], int)
    assert shorter <= first.document["bytes"] < shorter + 4000


@pytest.mark.linux  # elsewhere a file has no holes by default, and three gigabytes are written
def test_of_a_file_of_gigabytes_the_end_is_read(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    os.truncate(path, 3_000_000_000)
    journal = Journal(path)
    tracemalloc.start()
    try:
        list(journal.entries())
        journal.append("leaving", NOON, {})
        entries = list(journal.entries())
        _now, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert entries[-1].document["event"] == "leaving"
    assert most < 10 * LARGEST_FILE
    assert path.stat().st_size <= LARGEST_FILE


@pytest.mark.parametrize("line", [b"[" * 4000, b'{"at":' * 500, b"9" * 4000, b"[" * 100_000], ids=len)
def test_a_line_that_is_no_document_stops_nothing(path: Path, line: bytes) -> None:
    journal = filled(path)
    path.write_bytes(line + b"\n" + path.read_bytes() + line)
    journal.append("entered", NOON + timedelta(hours=1), {})
    events = [entry.document["event"] for entry in journal.entries()]
    assert events == ["unreadable", "entered", "refused", "left", "unreadable", "entered"]


def test_a_line_forgotten_hides_no_deletion_in_the_middle(path: Path) -> None:
    journal = filled(path)
    lines = path.read_bytes().splitlines(keepends=True)
    last = hashlib.sha256(lines[1].rstrip()).hexdigest()
    first = hashlib.sha256(lines[0].rstrip()).hexdigest()
    forged = f'{{"event":"forgotten","last":"{last}","before":"{first}"}}\n'.encode()
    path.write_bytes(lines[0] + forged + lines[2])
    assert [entry.whole for entry in journal.entries()] == [True, True, False]
    path.write_bytes(lines[0] + forged)
    journal.append("left", NOON + timedelta(hours=1), {})
    assert [entry.whole for entry in journal.entries()] == [True, True, True]


@pytest.mark.parametrize("mark", [b'"bytes":1e999', b'"bytes":' + b"9" * 3000, b'"until":[[]],"last":7'])
def test_a_foreign_mark_stops_nothing(path: Path, mark: bytes) -> None:
    journal = filled(path)
    path.write_bytes(b'{"event":"forgotten",' + mark + b"}\n" + path.read_bytes())
    a_year_later(journal)
    assert len(list(journal.entries())) == 5
