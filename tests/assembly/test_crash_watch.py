"""After a crash the agent starts again once; a second one is announced."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from iea_agent.assembly.crash_watch import CrashWatch
from iea_agent.assembly.installation import Installation
from iea_agent.domain import timing

SCRIPT = Path(__file__).with_name("crash_run.py")


class Post:
    """An installation whose agent ends as a test asks, and a clock set by hand."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(home)}, own_session="7")
        self.seconds = 0.0

    def clock(self) -> float:
        return time.time() + self.seconds

    def take_crash(self) -> bool:
        """Have an exception end the agent; return whether it starts again."""
        return CrashWatch(self.installation, self.clock).take_crash()

    def begin(self) -> bool:
        """Start the agent, and end it well; return whether it tells of crashes."""
        with closing(CrashWatch(self.installation, self.clock)) as watch:
            return watch.begin()

    def run(self, how: str) -> str:
        """Run the agent until it ends as *how* says; return what it prints."""
        done = subprocess.run(
            [sys.executable, SCRIPT, how],
            env={**os.environ, "IEA_AGENT_HOME": str(self.home), "IEA_AGENT_LANG": "fr", "PYTHONUTF8": "1"},
            capture_output=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def leave_trace(self, text: str) -> None:
        """Leave what a crash of a library leaves."""
        file = self.home / "state" / "crash-7.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def log(self) -> str:
        return (self.home / "logs" / "agent.log").read_text(encoding="utf-8")


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path / "é")


def test_an_agent_that_ends_well_leaves_no_word(post: Post) -> None:
    assert "failed False again False" in post.run("well")
    assert "crash" not in post.log()
    assert not list((post.home / "state").glob("crash*"))


def test_an_exception_is_logged_with_its_trace_and_starts_the_agent_again_once(post: Post) -> None:
    assert "failed True again True" in post.run("exception")
    assert "the agent crashed" in post.log()
    assert "damaged" in post.log()
    assert "failed True again False" in post.run("exception"), "the second one at once is not restarted"
    assert "failed True again False" in post.run("exception")


def test_the_next_start_tells_of_two_crashes_once(post: Post) -> None:
    for _ in range(2):
        post.run("exception")
    assert "balloon Le programme de connexion s’était arrêté" in post.run("well")
    assert "repeated=True" in post.log()
    assert "balloon" not in post.run("well")


def test_a_single_crash_is_told_in_the_log_only(post: Post) -> None:
    post.run("exception")
    assert "balloon" not in post.run("well")
    assert "repeated=False" in post.log()


def test_crashes_far_apart_are_each_restarted(post: Post) -> None:
    for _ in range(3):
        assert post.take_crash()
        assert not post.begin()
        post.seconds += timing.RESTART_APART


def test_the_trace_of_a_library_counts_as_a_crash(post: Post) -> None:
    post.leave_trace("Windows fatal exception: access violation")
    assert not post.begin()
    post.leave_trace("Windows fatal exception: access violation")
    assert post.begin()


def test_a_kill_is_no_crash(post: Post) -> None:
    for _ in range(3):
        post.leave_trace("")
        assert not post.begin()
    assert post.take_crash()


@pytest.fixture
def blocked(post: Post) -> Callable[[], None]:
    """Return what makes the state folder a file, so that nothing can be written there."""

    def block() -> None:
        post.home.mkdir()
        (post.home / "state").write_text("")

    return block


def test_without_a_disk_that_remembers_it_never_starts_again(post: Post, blocked: Callable[[], None]) -> None:
    blocked()
    assert not post.take_crash()
    assert not post.begin()
