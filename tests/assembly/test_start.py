"""The start of the agent: one in a session, from whatever folder it is started."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from iea_agent.domain import exit_codes
from iea_agent.host import InstanceLock, current_host

SECONDS = 60


class Person:
    """A person without ``IEA_AGENT_HOME``, whose folders are the system's."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.folder = folder
        self._running = running
        moved = {"HOME": folder, "USERPROFILE": folder, "WIN_PD_OVERRIDE_LOCAL_APPDATA": folder / "local"}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "IEA_"))},
            **{name: str(path) for name, path in moved.items()},
            "PYTHONUTF8": "1",
            "IEA_AGENT_LANG": "en",
        }

    def start(self, folder: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a command with *folder* as its current folder."""
        current = self.folder / folder
        current.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "iea_agent", *arguments],
            env=self.environment, cwd=current, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        self._running.callback(end, process)
        return process

    def run(self, folder: str, *arguments: str) -> int:
        """Run a command to its end and return its exit code."""
        process = self.start(folder, *arguments)
        process.communicate(timeout=SECONDS)
        return process.returncode

    def take_lock(self) -> InstanceLock:
        """Take the lock of this person's agent, and keep it without a word."""
        host = current_host()
        folder = self.folder
        if sys.platform != "win32":
            folder = folder / ".local" / "state" / "IEA Agent"
        lock = host.acquire_lock(f"agent-{host.session_id()}", folder)
        assert lock is not None
        return lock

    def wait_until_it_answers(self, process: subprocess.Popen[str]) -> None:
        """Wait until an agent answers; *process* is to be the one."""
        while self.run("status", "status") == 3:
            assert process.poll() is None, process.communicate()[0]


def end(process: subprocess.Popen[str]) -> None:
    """End *process* if it still runs."""
    if process.poll() is None:
        process.kill()
    process.communicate(timeout=SECONDS)


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    with ExitStack() as running:
        yield Person(tmp_path, running)


def test_a_start_from_another_folder_shows_the_agent_that_runs(person: Person) -> None:
    first = person.start("Bureau", "run", "--no-tray")
    person.wait_until_it_answers(first)

    assert person.run("Téléchargements", "run", "--no-tray") == 0

    assert first.poll() is None
    assert person.run("ailleurs", "status") != 3
    assert person.run("ailleurs", "quit") == 0
    assert first.wait(SECONDS) == 0


def test_of_starts_at_the_same_moment_one_remains(person: Person) -> None:
    starts = [person.start(f"dossier {number}", "run", "--no-tray") for number in range(3)]

    deadline = time.monotonic() + SECONDS
    while len([start for start in starts if start.poll() is None]) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)

    assert sorted(start.poll() is None for start in starts) == [False, False, True]
    assert {start.poll() for start in starts} == {0, None}


def test_a_start_while_the_agent_ends_waits_for_its_end(person: Person) -> None:
    first = person.start("a", "run", "--no-tray")
    person.wait_until_it_answers(first)

    assert person.run("b", "quit") == 0
    second = person.start("c", "run", "--no-tray")

    assert first.wait(SECONDS) == 0
    person.wait_until_it_answers(second)


def test_an_agent_starts_although_its_lock_is_held_by_somebody_who_does_not_answer(
    person: Person,
) -> None:
    lock = person.take_lock()
    agent = person.start("a", "run", "--no-tray")
    while person.run("a", "status") == 5:
        assert agent.poll() is None, agent.communicate()[0]
    assert person.run("a", "quit") == 0
    assert agent.wait(SECONDS) == 0
    lock.close()


def test_agents_with_homes_of_their_own_are_apart(person: Person) -> None:
    first = person.start("a", "run", "--no-tray")
    person.wait_until_it_answers(first)
    person.environment["IEA_AGENT_HOME"] = str(person.folder / "home")
    second = person.start("a", "run", "--no-tray")
    person.wait_until_it_answers(second)

    # another name for the same folder
    person.environment["IEA_AGENT_HOME"] = str(person.folder / "a" / ".." / "home")
    assert person.run("b", "quit") == 0

    assert second.wait(SECONDS) == 0
    assert first.poll() is None


def test_what_is_saved_while_the_agent_is_silent_is_said_to_be_saved(person: Person) -> None:
    with closing(person.take_lock()):
        process = person.start("set", "settings", "set", "connection.scope", "paie")
        output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == exit_codes.TIMED_OUT
    assert "It is saved" in output
    process = person.start("get", "settings", "get", "connection.scope")
    assert "paie" in process.communicate(timeout=SECONDS)[0]


def test_an_agent_whose_folders_are_all_refused_is_named_with_them(person: Person) -> None:
    """A file in the place of a folder refuses everybody, root too."""
    home, state, settings = (person.folder / name for name in ("home", "moved/state", "moved/settings"))
    state.parent.mkdir()
    for file in (home, state, settings):
        file.touch()
    for name in ("HOME", "USERPROFILE"):
        person.environment[name] = str(home)
    person.environment["IEA_AGENT_HOME"] = str(state.parent)
    agent = person.start("run", "run", "--no-tray")
    person.wait_until_it_answers(agent)

    process = person.start("status", "status")
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == exit_codes.FAILED
    assert all(str(folder) in output for folder in (home, state, settings))
    assert "Traceback" not in output
    assert agent.poll() is None


@pytest.mark.linux  # the icon on Linux is for developers; without a display there is none
def test_without_a_notification_area_the_way_without_one_is_named(person: Person) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        person.environment.pop(name, None)
    process = person.start("run", "run")
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == exit_codes.FAILED
    assert "--no-tray" in output
    assert "Traceback" not in output


@pytest.mark.linux
def test_a_home_whose_name_is_no_text_is_one_like_others(person: Person) -> None:
    person.environment["IEA_AGENT_HOME"] = os.fsdecode(os.fsencode(person.folder) + b"/\xff\xfe")
    agent = person.start("run", "run", "--no-tray")
    person.wait_until_it_answers(agent)
    process = person.start("status", "status")
    output, _ = process.communicate(timeout=SECONDS)
    assert process.returncode in (exit_codes.FINE, exit_codes.FAILED)
    assert "State" in output
