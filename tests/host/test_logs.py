"""The log files: one line for each event, bounded, without secrets."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.host import logs

MARKER = 'PLANTED+"mark/er" é=1'
LINE = re.compile(
    r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) [\w.]+ ("(\\.|[^"\\])*"|[^\s"]+)'
    r'( \w+=("(\\.|[^"\\])*"|[^\s"=\\]*))*'
)
room = logging.getLogger("iea_agent.services.authentication")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[logs.Log]:
    """Return a running log that hides the marker."""
    log = logs.start_logging(tmp_path)
    log.hide(MARKER)
    yield log
    log.close()


def written(folder: Path) -> str:
    """Return the text of all files of the log."""
    return "".join(file.read_text("utf-8") for file in sorted(folder.glob("*.log*")))


def test_a_line_says_when_how_bad_where_what_and_with_what(log: logs.Log, tmp_path: Path) -> None:
    room.info("authenticated", extra={"fields": {"server": "https://a.fr/é", "ms": 41, "note": "two words"}})
    log.close()
    line = written(tmp_path)
    moment, rest = line.split(" ", 1)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", moment)
    assert rest == 'INFO services.authentication authenticated server=https://a.fr/é ms=41 note="two words"\n'


@given(
    event=st.text(min_size=1),
    fields=st.dictionaries(st.text(min_size=1), st.one_of(st.text(), st.integers(), st.none()), max_size=4),
)
def test_whatever_is_logged_stays_on_its_line(event: str, fields: dict[str, object]) -> None:
    record = logging.LogRecord("iea_agent.loop", logging.INFO, __file__, 1, "%s", (event,), None)
    record.fields = fields
    line = logs.LineFormatter().format(record)
    assert len(line.splitlines()) == 1
    assert LINE.fullmatch(line)


def test_no_secret_is_written(log: logs.Log, tmp_path: Path) -> None:
    pair = base64.b64encode(f"number:{quote_plus(MARKER)}".encode()).decode()
    room.warning(
        "key %s",
        MARKER,
        extra={"fields": {"key": MARKER, MARKER: 1, "deep": {"list": [MARKER, MARKER.encode(), "'"]}}},
    )
    room.warning(
        "form", extra={"fields": {"body": f"a=1&client_secret={quote_plus(MARKER)}", "path": quote(MARKER)}}
    )
    room.warning(
        "header", extra={"fields": {"sent": f"Authorization: Basic {pair}", "got": "bearer eyJhbGciOi.J9"}}
    )
    room.warning("json %s", json.dumps({"key": MARKER}))
    logging.getLogger("library").warning("coded %s", base64.b64encode(MARKER.encode()).decode())
    try:
        raise ValueError(f"no good: {MARKER}")
    except ValueError:
        room.exception("failed")
    log.close()
    text = written(tmp_path)
    assert text.count("\n") == 6
    assert logs.HIDDEN in text
    for form in (MARKER, "PLANTED", base64.b64encode(MARKER.encode()).decode(), pair, "eyJhbGciOi"):
        assert form not in text
    assert "Traceback" in text


def test_a_long_value_is_cut_without_cutting_a_secret_in_two(log: logs.Log, tmp_path: Path) -> None:
    for shift in range(len(MARKER)):
        room.info("x", extra={"fields": {"v": "a" * (logs.LONGEST_VALUE // 2 - shift) + MARKER + "b" * 5000}})
    log.close()
    text = written(tmp_path)
    assert "PLA" not in text
    assert "mark" not in text
    assert max(map(len, text.splitlines())) < 2 * logs.LONGEST_VALUE


def test_only_warnings_of_libraries(log: logs.Log, tmp_path: Path) -> None:
    logging.getLogger("httpx").info("HTTP Request: GET https://somewhere")
    logging.getLogger("httpx").warning("odd")
    room.debug("too detailed")
    log.close()
    assert [line.split(" ", 1)[1] for line in written(tmp_path).splitlines()] == ["WARNING httpx odd"]


def test_nothing_is_opened_before_the_first_line(log: logs.Log, tmp_path: Path) -> None:
    assert not list(tmp_path.iterdir())
    room.info("first")
    log.close()
    assert [file.name for file in tmp_path.iterdir()] == ["agent.log"]


def test_five_files_of_a_megabyte(log: logs.Log, tmp_path: Path) -> None:
    for number in range(4000):
        room.info("event", extra={"fields": {"number": number, "v": "x" * 1900}})
    log.close()
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["agent.log", *(f"agent.log.{n}" for n in range(1, 5))]
    assert max(file.stat().st_size for file in files) <= logs.FILE_SIZE
    assert "number=3999" in files[0].read_text("utf-8").splitlines()[-1]
    numbers = sorted(int(n) for n in re.findall(r"number=(\d+)", written(tmp_path)))
    assert numbers == list(range(numbers[0], 4000))


def test_a_file_that_cannot_be_rotated_goes_on_growing(log: logs.Log, tmp_path: Path) -> None:
    """On Windows a viewer may have it open; a folder in the way has the same effect."""
    blocker = tmp_path / "agent.log.full"
    blocker.mkdir()
    (blocker / "x").touch()
    for number in range(1200):
        room.info("event", extra={"fields": {"number": number, "v": "x" * 1900}})
    (blocker / "x").unlink()
    blocker.rmdir()
    room.info("rotated again")
    log.close()
    assert (tmp_path / "agent.log.1").stat().st_size > 2 * logs.FILE_SIZE
    assert "rotated again" in (tmp_path / "agent.log").read_text("utf-8")


def test_old_files_are_removed_at_the_start(tmp_path: Path) -> None:
    day = 86_400
    ages = {"agent.log": 1, "agent.log.1": 13, "agent.log.2": 15, "settings.log": 40, "notes.txt": 40}
    for name, days in ages.items():
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - days * day,) * 2)
    logs.start_logging(tmp_path).close()
    assert {file.name for file in tmp_path.iterdir()} == {
        "agent.log",
        "agent.log.1",
        "settings.log",
        "notes.txt",
    }


@pytest.mark.linux
def test_a_pipe_in_its_place_is_not_waited_for(log: logs.Log, tmp_path: Path) -> None:
    file = tmp_path / "agent.log"
    if sys.platform != "win32":
        os.mkfifo(file)
    room.info("lost")
    assert log.is_refused
    file.unlink()
    room.info("written")
    assert not log.is_refused
    assert "written" in written(tmp_path)
