"""The installed agent on a desktop: proof, going back, and a crash."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from installer.build import Built
from rig.installed_program import lay_out
from rig.prefix import windows_path
from rig.stage import AgentStage


@pytest.fixture
def stage(built: Built, tmp_path: Path) -> Iterator[AgentStage]:
    """A stage on which a copy of the built program is installed."""
    program = lay_out(built.folder, built.launchers, tmp_path / "laid out")
    with AgentStage(tmp_path / "stage", program=str(program)) as stage:
        stage.save_licence()
        yield stage


def read_trial(stage: AgentStage) -> str:
    """Return the person's trial file, "" without one."""
    files = stage.desktop.prefix.path.glob("drive_c/users/*/AppData/Local/IEA Agent/trial")
    return "".join(file.read_text() for file in files)


def until(is_so: Callable[[], bool], what: str, patience: float = 60) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def start_until_over(stage: AgentStage) -> None:
    """Start the agent; return once it has ended, or the version before is back."""
    agent = stage.start_agent()
    until(lambda: agent.poll() is not None or "failed" in read_trial(stage), "neither ended nor back")


def test_a_version_proves_itself_and_a_crash_is_restarted_once(stage: AgentStage) -> None:
    agent = stage.start_agent()
    stage.until("ball", timeout=60)
    until(lambda: " proved" in read_trial(stage), "no proof")

    crash = windows_path(Path(__file__).with_name("raise_violation.py"))
    assert stage.desktop.start(crash).wait(60) == 0
    assert agent.wait(60) != 0
    until(lambda: stage.log().count("agent started") == 2, "it did not start again")
    stage.until("ball", timeout=60)
    assert "Windows fatal exception" in stage.log()

    assert stage.desktop.start(crash).wait(60) == 0
    until(lambda: stage.command("status")[0] == 3, "the second one is not restarted")
    stage.start_agent()
    stage.balloon("deux fois de suite", timeout=60)
    assert stage.world.licence("good").key not in stage.log()


def test_a_bad_version_goes_back_at_its_third_start(stage: AgentStage) -> None:
    assert stage.program is not None
    version = (stage.program / "current").read_text().strip()
    bad = stage.program / "9.0.0"
    shutil.copytree(
        stage.program / version, bad, copy_function=lambda source, target: Path(target).hardlink_to(source)
    )
    (bad / "lib" / "iea_agent" / "assembly" / "servers.pyc").unlink()
    (stage.program / "previous").write_text(version)
    (stage.program / "current").write_text("9.0.0")

    # one that begins before Wine has given back the ended one's mutex is a second click, and does not count
    for _ in range(6):
        if "failed" not in read_trial(stage):
            start_until_over(stage)
    assert read_trial(stage).startswith("9.0.0 2 failed"), "two starts without proof, and the third goes back"
    stage.until("ball", timeout=60)
    assert "9.0.0" in stage.command("status")[1], "« À noter » names the version that did not work"
    assert "version went back" in stage.log()
