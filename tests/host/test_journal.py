"""The journal: what is written is there, a change shows, a crash cuts one line."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from iea_agent.host.journal import LARGEST_LINE, Journal

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.jsonl"


def filled(path: Path) -> Journal:
    journal = Journal(path)
    for number, event in enumerate(("entered", "refused", "left")):
        journal.append(event, NOON + timedelta(minutes=number), {"number": number})
    return journal


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
    journal.append("entered", NOON + timedelta(days=365, minutes=1, seconds=30), {})

    entries = list(journal.entries())
    assert [entry.document["event"] for entry in entries] == ["left", "entered"]
    assert all(entry.whole for entry in entries)


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

    journal.append("entered", NOON + timedelta(days=365, minutes=1, seconds=30), {})

    # an empty line is nothing, and what is read without an event has its own name
    events = [str(entry.document.get("event", "unreadable")) for entry in journal.entries()]
    expected = [name for name in remaining if line or name != "unreadable"]
    assert [name if name != "x" else "unreadable" for name in events] == expected


FILL_THE_DISK = """
import resource, sys
from datetime import datetime
from pathlib import Path
from iea_agent.host.journal import Journal
from iea_agent.host.storage import StorageError

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
