"""The file of the log book: what is added is read, with the last sign of life."""

from __future__ import annotations

from pathlib import Path

import pytest

from iea_agent.domain import log_book
from iea_agent.domain.log_book import Entry, LogBookState
from iea_agent.host.log_book_file import LogBookFile
from iea_agent.host.state_files import StorageError

NOON = 1_796_040_000.0
ENTRIES = (Entry(NOON, LogBookState.CONNECTED), Entry(NOON + 60, LogBookState.DISCONNECTED, "IEA-N01", 60.0))


def test_what_is_added_is_read_with_the_last_sign_of_life(tmp_path: Path) -> None:
    file = LogBookFile(tmp_path / "state" / "book.jsonl")
    assert file.read_entries() == ((), 0.0)
    for entry in ENTRIES:
        file.append((entry,), NOON)
    file.show_alive(NOON + 300)

    assert file.read_entries() == (ENTRIES, NOON + 300)


def test_a_line_cut_by_the_power_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    file = LogBookFile(path)
    file.append(ENTRIES, NOON)
    path.write_bytes(path.read_bytes()[:-9])
    file.append((Entry(NOON + 90, LogBookState.CONNECTED),), NOON)

    assert file.read_entries()[0] == (ENTRIES[0], Entry(NOON + 90, LogBookState.CONNECTED))


def test_the_file_never_grows_beyond_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "book.jsonl"
    path.write_bytes(log_book.format_entry(ENTRIES[1]) * 14_000)
    LogBookFile(path).append(ENTRIES[:1], NOON)
    assert path.stat().st_size <= log_book.SHORTENED_FILE + log_book.LARGEST_LINE


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "book.jsonl"
    folder.mkdir()
    file = LogBookFile(folder)
    with pytest.raises(StorageError):
        file.read_entries()
    with pytest.raises(StorageError):
        file.append(ENTRIES, NOON)
