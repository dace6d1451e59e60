"""The real launchers against docs/two-slots.md, with a stand-in for Python."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from installer.build import Built
from installer.commands import run
from installer.dll_closure import list_imports
from installer.launchers import COMPILER
from rig.prefix import Prefix, read_to_end, windows_path

OPTIONS = ["-I", "-X", "utf8", "-B", "-m", "iea_agent"]
"""What Python is given before the agent's own arguments."""
AGENT, COMMAND = ("iea-agentw.exe", "run"), ("iea-agent.exe", "status")
WINDOW = ("iea-agentw.exe", "-I", "-m", "iea_agent", "window", "settings")


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a library that stands in for Python's."""
    target = tmp_path_factory.mktemp("stand-in") / "python313.dll"
    run(COMPILER, "-shared", "-O1", str(Path(__file__).with_name("stand_in.c")), "-o", str(target))
    return target


class Installed:
    """A program folder with stand-ins, in the person's own place on Windows."""

    def __init__(self, windows: Prefix, built: Built, stand_in: Path) -> None:
        self._windows, self._stand_in = windows, stand_in
        (home,) = (windows.path / "drive_c" / "users").glob("[!P]*/AppData/Local")
        self.folder = home / "Programs" / "IEA Agent"
        self.trial_file = home / "IEA Agent" / "trial"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.rmtree(self.trial_file.parent, ignore_errors=True)
        shutil.copytree(built.launchers, self.folder)

    def add(self, version: str, library: bytes | None = None) -> None:
        """Add a version; *library* takes the place of its library."""
        slot = self.folder / version
        slot.mkdir()
        (slot / "python313.dll").write_bytes(library or self._stand_in.read_bytes())
        (slot / "python3.dll").write_bytes(b"another library")
        (slot / "python313.zip").touch()

    def point(self, **names: str) -> None:
        """Write the files ``current`` and ``previous``."""
        for pointer, text in names.items():
            (self.folder / pointer).write_text(text, newline="")

    def try_out(self, text: str) -> None:
        """Write the trial file."""
        self.trial_file.parent.mkdir(parents=True, exist_ok=True)
        self.trial_file.write_text(text, newline="")

    @property
    def trial(self) -> str:
        """The trial file's text; "" if there is none."""
        return self.trial_file.read_text() if self.trial_file.exists() else ""

    def start(self, command: Sequence[str] = AGENT) -> tuple[int, list[str]]:
        """Run a launcher to its end; return the exit code and what the stand-in says."""
        done = self._windows.run(self.folder / command[0], *command[1:], env={"IEA_AGENT_LANG": "fr"})
        return done.returncode, done.stdout.splitlines()


@pytest.fixture
def installed(windows: Prefix, built: Built, stand_in: Path) -> Installed:
    """Return a program folder with the versions 0.1.0 and 0.2.0."""
    program = Installed(windows, built, stand_in)
    for version in ("0.1.0", "0.2.0"):
        program.add(version)
    program.point(current="0.2.0\n", previous="0.1.0\n")
    return program


@pytest.mark.parametrize(
    ("before", "after", "runs"),
    [
        ("", "0.2.0 1 trying\n", "0.2.0"),
        ("0.2.0 0 trying\n", "0.2.0 1 trying\n", "0.2.0"),
        ("0.2.0 1 trying\r\n", "0.2.0 2 trying\n", "0.2.0"),
        ("0.2.0 2 trying\n", "0.2.0 2 failed\n", "0.1.0"),
        ("0.2.0 250 trying\n", "0.2.0 250 failed\n", "0.1.0"),
        ("0.2.0 1 proved\n", "0.2.0 1 proved\n", "0.2.0"),
        ("0.2.0 2 failed\n", "0.2.0 2 failed\n", "0.1.0"),
        # the last of two lines counts, what is no line is ignored and goes
        ("0.2.0 1 proved\n0.2.0 2 trying", "0.2.0 2 failed\n", "0.1.0"),
        ("0.1.0 1 proved\nnonsense\n0.2.0 x trying\n", "0.1.0 1 proved\n0.2.0 1 trying\n", "0.2.0"),
        ("0.2.0 1 trying \n0.2.0  1 trying\n 0.2.0 1 trying\n", "0.2.0 1 trying\n", "0.2.0"),
        ("0.2.0 1234 proved\n../0.2.0 1 proved\n", "0.2.0 1 trying\n", "0.2.0"),
        ("".join(f"0.0.{n} 1 proved\n" for n in range(9)), "".join(f"0.0.{n} 1 proved\n" for n in range(2, 9)) + "0.2.0 1 trying\n", "0.2.0"),
        ("0.2.0 2 failed\n" + "x" * 4096, "0.2.0 1 trying\n", "0.2.0"),
    ],
)  # fmt: skip
def test_a_start_of_the_agent_is_judged_by_its_trial(
    installed: Installed, before: str, after: str, runs: str
) -> None:
    installed.try_out(before)
    # in one: without a word of the launcher the file tells how far it came
    assert (*installed.start(), installed.trial) == (7, [runs, *OPTIONS, "run"], after)


def test_a_start_at_logon_counts_like_any_other(installed: Installed) -> None:
    assert installed.start((*AGENT, "--quiet")) == (7, ["0.2.0", *OPTIONS, "run", "--quiet"])
    assert installed.trial == "0.2.0 1 trying\n"


@pytest.mark.parametrize("command", [COMMAND, WINDOW, ("iea-agentw.exe", "quit")])
def test_what_is_no_start_counts_nothing_and_takes_the_agents_version(
    installed: Installed, command: Sequence[str]
) -> None:
    for trial, runs in (("0.2.0 2 trying\n", "0.2.0"), ("0.2.0 2 failed\n", "0.1.0")):
        installed.try_out(trial)
        assert installed.start(command)[1][0] == runs
        assert installed.trial == trial


@pytest.mark.parametrize(
    ("current", "previous"),
    [
        ("", "0.1.0"),
        ("0.3.0", "0.1.0"),
        ("../0.2.0", "0.1.0"),
        ("0.2.0 0.2.0", "0.1.0"),
        (f"{'0' * 65}", "0.1.0"),
        (r"0.2.0\.", " \r\n0.1.0\r\n"),
        ("0.2.0.", "0.1.0"),
    ],
)
def test_without_a_usable_version_the_one_before_runs(
    installed: Installed, current: str, previous: str
) -> None:
    installed.point(current=current, previous=previous)
    assert installed.start(COMMAND)[1][0] == "0.1.0"


def test_a_version_without_its_library_or_its_modules_is_not_usable(installed: Installed) -> None:
    (installed.folder / "0.2.0" / "python313.zip").unlink()
    assert installed.start(COMMAND)[1][0] == "0.1.0"
    (installed.folder / "0.2.0" / "python313.dll").unlink()
    (installed.folder / "0.2.0" / "python313.zip").touch()
    assert installed.start(COMMAND)[1][0] == "0.1.0"
    # one that Windows refuses
    installed.add("0.3.0", b"no library at all")
    installed.point(current="0.3.0")
    assert installed.start(COMMAND)[1][0] == "0.1.0"


def test_without_an_earlier_version_nothing_is_tried(installed: Installed) -> None:
    for previous in ("", "0.3.0", "0.2.0"):
        installed.point(previous=previous)
        installed.try_out("0.2.0 2 failed\n")
        assert installed.start()[1][0] == "0.2.0"
        assert installed.trial == "0.2.0 2 failed\n"


def test_a_crash_of_a_library_is_restarted_once(
    installed: Installed, windows: Prefix, tmp_path: Path
) -> None:
    record = tmp_path / "crashes"
    crashing = {"STAND_IN_CRASHES": windows_path(record)}
    for crashes in (2, 4):
        first = windows.run(installed.folder / AGENT[0], "run", "--quiet", env=crashing)
        assert first.returncode not in (0, 7), "it has ended by its error"
        deadline = time.monotonic() + 30
        while record.read_text().count("crash") < crashes:
            assert time.monotonic() < deadline, "it was not started again"
        # two more programs take longer than a third start would
        assert [installed.start(COMMAND)[0] for _ in range(2)] == [7, 7]
        assert record.read_text().count("crash") == crashes, "the second crash is not restarted"


def test_a_command_that_crashes_is_not_restarted(
    installed: Installed, windows: Prefix, tmp_path: Path
) -> None:
    record = tmp_path / "crashes"
    crashing = {"STAND_IN_CRASHES": windows_path(record)}
    windows.run(installed.folder / COMMAND[0], "status", env=crashing)
    assert installed.start(COMMAND)[0] == 7
    assert record.read_text() == "crash\n"


def test_a_second_click_is_no_second_trial(installed: Installed, windows: Prefix) -> None:
    first = windows.start(installed.folder / AGENT[0], env={"STAND_IN_WAITS": "1"})
    assert first.stdout is not None
    assert first.stdout.readline() == "0.2.0\n"
    assert installed.start()[1][0] == "0.2.0"
    assert installed.trial == "0.2.0 1 trying\n"
    read_to_end(first, 30)
    installed.start()
    assert installed.trial == "0.2.0 2 trying\n"


def test_without_any_version_it_says_what_to_do(installed: Installed) -> None:
    installed.point(current="", previous="")
    code, lines = installed.start(COMMAND)
    assert code == 1
    assert "What to do: run its setup again" in "\n".join(lines)
    assert "IEA Agent" in lines[-1]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (("iea-agentw.exe",), ["run"]),
        (("iea-agent.exe",), []),
        (("iea-agent.exe", "settings", "set", "a b", 'c"d', "é*"), ["settings", "set", "a b", 'c"d', "é*"]),
        (WINDOW, ["window", "settings"]),
        # no other code than the agent's
        (("iea-agent.exe", "-m", "http.server"), ["-m", "http.server"]),
        (("iea-agent.exe", "-I", "-c", "pass"), ["-I", "-c", "pass"]),
    ],
)  # fmt: skip
def test_the_arguments_arrive_as_they_were_given(
    installed: Installed, command: Sequence[str], arguments: list[str]
) -> None:
    assert installed.start(command)[1][1:] == [*OPTIONS, *arguments]


def test_a_launcher_needs_nothing_that_could_be_put_beside_it(built: Built) -> None:
    for file in built.launchers.glob("*.exe"):
        assert set(list_imports(file.read_bytes())) <= {"kernel32.dll", "msvcrt.dll", "user32.dll"}
