"""Installations of the agent for tests, driven through their commands.

Real processes, no icon.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

import pytest

from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from tests.forked_commands import Template

SECONDS = 60


class Installation:
    """An installation in a folder of its own, driven through its commands."""

    def __init__(self, folder: Path, world: World, template: Template | None) -> None:
        self.folder = folder
        self._template = template
        self.world = world
        self.environment = {
            **os.environ,
            "IEA_AGENT_HOME": str(folder),
            "IEA_AGENT_LANG": "fr",
            "PYTHONUTF8": "1",
        }
        write_agent_files(folder, world)

    def write(self, name: str, text: str) -> Path:
        """Write a settings or policy file."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *arguments: str, given: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """Run one command to its end; *given* is its standard input."""
        data = given if isinstance(given, bytes) else given.encode()
        outputs: list[bytes]
        if self._template is not None:
            code, *outputs = self._template.run(arguments, self.environment, data, SECONDS)
        else:
            done = subprocess.run(
                [sys.executable, "-m", "iea_agent", *arguments],
                env=self.environment, input=data, capture_output=True, timeout=SECONDS, check=False,
            )  # fmt: skip
            code, outputs = done.returncode, [done.stdout, done.stderr]
        texts = (output.decode().replace("\r\n", "\n") for output in outputs)
        return subprocess.CompletedProcess(arguments, code, *texts)

    def json(self, *arguments: str) -> Any:
        """The document that a command prints."""
        done = self.run(*arguments, "--json")
        return json.loads(done.stdout)

    def license(self, name: str = "good") -> None:
        """Save a licence of the world's."""
        licence = self.world.licence(name)
        done = self.run("licence", "set", licence.number, given=f"{licence.key}\n")
        assert done.returncode == 0, done.stderr

    def start(self, running: ExitStack) -> Agent:
        """Start the agent without an icon."""
        return running.enter_context(Agent(self))


class Agent:
    """A running agent, watched through ``status --watch``."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.process = self._start("run", "--no-tray")
        self._watcher: subprocess.Popen[str] | None = None
        self._news: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "iea_agent", *arguments],
            env=self._installation.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, encoding="utf-8",
        )  # fmt: skip

    def __enter__(self) -> Agent:
        self._installation.world.requests.wait(0)
        while self._installation.run("status").returncode == 3:
            assert self.process.poll() is None, "the agent ended"
        self._watcher = self._start("status", "--watch", "--json")
        Thread(target=self._listen, args=(self._watcher,), daemon=True).start()
        return self

    def _listen(self, watcher: subprocess.Popen[str]) -> None:
        assert watcher.stdout is not None
        for line in watcher.stdout:
            self._news.put(json.loads(line))

    def until(self, state: str, code: str | None = None) -> dict[str, Any]:
        """Wait for a status in *state*, and with problem *code* where one is given."""
        while True:
            status = self._news.get(timeout=SECONDS)
            present = None if status["problem"] is None else status["problem"]["code"]
            if status["state"] == state and code in (None, present) and not status["working"]:
                return status

    def typing(self, password: str) -> subprocess.Popen[str]:
        """Begin to leave assistance mode with *password*, and do not wait for the answer."""
        process = subprocess.Popen(
            [sys.executable, "-m", "iea_agent", "assistance", "off"],
            env=self._installation.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8",
        )  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(f"{password}\n")
        process.stdin.flush()
        return process

    def wait_for_file(self, name: str, at_least: int) -> None:
        """Wait until the state file *name* counts *at_least* failures."""
        file = self._installation.folder / "state" / name
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if file.exists() and json.loads(file.read_text(encoding="utf-8"))["failures"] >= at_least:
                return
            time.sleep(0.01)
        raise AssertionError(f"{name} never counted {at_least}")

    def __exit__(self, *_: object) -> None:
        for process in (self.process, self._watcher):
            if process is not None:
                if process.poll() is None:
                    process.terminate()
                process.communicate(timeout=20)


@pytest.fixture
def installation(tmp_path: Path, world: World, template: Template | None) -> Installation:
    return Installation(tmp_path / "home", world, template)


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack
