"""The trace of a crash: written by the interpreter as the process ends, read once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iea_agent.host import crash_trace
from iea_agent.host.crash_trace import CrashTrace

RUN = """
import ctypes, os, sys
from pathlib import Path
from iea_agent.host.crash_trace import CrashTrace

def say_the_secret(secret):
    if sys.argv[2] == "crash":
        ctypes.string_at(0)
    if sys.argv[2] == "kill":
        os._exit(1)

trace = CrashTrace(Path(sys.argv[1]))
trace.begin()
assert Path(sys.argv[1]).exists()
say_the_secret("K3Y-9F2M")
trace.end()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "é" / "crash-1.txt"


def run(file: Path, end: str) -> int:
    done = subprocess.run([sys.executable, "-c", RUN, str(file), end], timeout=60, check=False)
    return done.returncode


def test_a_run_that_ends_by_itself_leaves_nothing(file: Path) -> None:
    assert run(file, "well") == 0
    assert CrashTrace(file).take_last() is None
    assert list(file.parent.iterdir()) == []


def test_a_crash_of_a_library_leaves_functions_and_lines_but_no_value(file: Path) -> None:
    assert run(file, "crash") != 0
    last = CrashTrace(file).take_last()
    assert last is not None
    trace, at = last
    assert "say_the_secret" in trace
    assert "K3Y" not in trace
    assert time.time() - at < 60
    assert CrashTrace(file).take_last() is None, "once"


def test_a_run_that_was_ended_from_outside_leaves_an_empty_trace(file: Path) -> None:
    assert run(file, "kill") == 1
    last = CrashTrace(file).take_last()
    assert last is not None
    assert last[0] == ""


@pytest.mark.parametrize("content", [b"\xff\0\xfe" * 20_000, b"a" * 1_000_000])
def test_whatever_lies_there_is_bounded(file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    last = CrashTrace(file).take_last()
    assert last is not None
    assert len(last[0]) <= crash_trace.LARGEST


def test_a_folder_in_its_place_stands_in_no_way(file: Path) -> None:
    file.mkdir(parents=True)
    trace = CrashTrace(file)
    assert trace.take_last() is None
    trace.begin()
    trace.end()


def test_the_file_of_a_session_that_ended_long_ago_goes(file: Path) -> None:
    file.parent.mkdir()
    old, young = file.with_name("crash-7.txt"), file.with_name("crash-8.txt")
    for each in (old, young):
        each.write_text("")
    before = time.time() - crash_trace.ABANDONED - 60
    os.utime(old, (before, before))
    assert run(file, "well") == 0
    assert [each.name for each in file.parent.iterdir()] == ["crash-8.txt"]
