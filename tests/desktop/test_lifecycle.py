"""The agent through log-off, sleep, lock, kill and crash, on a Windows desktop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from iea_agent.domain import person_requests
from rig.prefix import read_to_end, windows_path
from rig.stage import AgentStage
from rig.window_texts import SETTINGS

HERE = Path(__file__).parent
# winuser.h, wtsapi32.h
WM_SETTINGCHANGE, WM_DISPLAYCHANGE, WM_POWERBROADCAST, WM_WTSSESSION_CHANGE = 0x1A, 0x7E, 0x218, 0x2B1
RESUMED, UNLOCKED = 18, 8
PATIENCE = 20.0


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[AgentStage]:
    """An agent that is connected."""
    with ExitStack() as running:
        stage = running.enter_context(AgentStage(tmp_path))
        stage.save_licence()
        stage.start_agent()
        stage.until("ball")
        yield stage


def send(stage: AgentStage, message: int, wparam: int = 0, lparam: int = 0) -> list[str]:
    """Send a message to the agent's windows, as Windows does; return their answers."""
    script = windows_path(HERE / "send_message.py")
    return stage.desktop.prefix.python(script, str(message), str(wparam), str(lparam)).stdout.split()


def until(is_so: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def list_temporary(stage: AgentStage) -> set[Path]:
    """Return the files in the temporary folders of the prefix."""
    users = stage.desktop.prefix.path / "drive_c" / "users"
    folders = [*users.glob("*/Temp"), *users.glob("*/AppData/Local/Temp"), users.parent / "windows" / "temp"]
    return {path for folder in folders for path in folder.rglob("*")}


def list_left(stage: AgentStage) -> list[str]:
    """Return what an agent that has ended must not leave in its state folder."""
    state = stage.home / "state"
    return sorted(file.name for file in state.iterdir() if file.name.startswith(("channel", "crash", ".")))


def test_a_log_off_ends_the_agent_and_its_windows_at_once(stage: AgentStage) -> None:
    stage.choose(person_requests.SETTINGS)
    stage.desktop.window(SETTINGS)
    begun = time.monotonic()
    with stage.desktop.prefix.start("wineboot", "--end-session") as log_off:
        assert stage.agent is not None
        assert stage.agent.wait(PATIENCE) == 0
        assert time.monotonic() - begun < 5, "before Windows asks whether to end it by force"
        assert read_to_end(log_off, 60)[0] == 0
    assert "INFO agent ended" in stage.log()
    assert list_left(stage) == []


def test_after_a_sleep_it_asks_the_server_at_once(stage: AgentStage) -> None:
    before = len(stage.world.requests)
    assert "1" in send(stage, WM_POWERBROADCAST, RESUMED)
    until(lambda: len(stage.world.requests) > before, "no request within the patience", 10)
    assert "loop Woke" in stage.log()
    stage.until("ball")


def test_after_an_unlock_a_failed_connection_is_tried_at_once(stage: AgentStage) -> None:
    stage.world.break_("auth", "refuse")
    stage.choose(person_requests.RECONNECT)
    stage.until("ball-heart")
    stage.world.mend()
    send(stage, WM_WTSSESSION_CHANGE, UNLOCKED)
    until(lambda: "loop LookDue" in stage.log(), "no look")
    stage.until("ball", timeout=5)


def test_another_theme_or_resolution_leaves_the_icon_as_it_is(stage: AgentStage) -> None:
    send(stage, WM_SETTINGCHANGE)
    send(stage, WM_DISPLAYCHANGE, 32, 768 << 16 | 1024)
    stage.until("ball")
    assert "could not deal" not in stage.log()


def test_a_kill_leaves_no_window_and_no_file_and_the_next_start_is_well(stage: AgentStage) -> None:
    before = list_temporary(stage)
    stage.choose(person_requests.SETTINGS)
    stage.desktop.window(SETTINGS)
    assert stage.agent is not None
    stage.agent.kill()
    stage.agent.wait(PATIENCE)
    stage.desktop.gone(SETTINGS)
    assert list_temporary(stage) <= before
    stage.start_agent()
    stage.until("ball")
    assert "ended from outside" in stage.log()
    assert "crashed" not in stage.log()
    assert stage.command("quit")[0] == 0
    assert stage.agent.wait(PATIENCE) == 0
    assert list_left(stage) == []


def test_a_crash_is_restarted_once(tmp_path: Path) -> None:
    with AgentStage(tmp_path) as stage:
        stage.save_licence()
        for attempt in (1, 2):
            crashing = stage.start_script(HERE / "crashing_agent.py")
            assert crashing.wait(60) == 1
            assert stage.log().count("the agent crashed") == attempt
            if attempt == 1:
                stage.until("ball")
                assert "started after a crash" in stage.log()
                assert stage.command("quit")[0] == 0
        # nothing starts for the second one: what it had started would hold the lock by now
        assert stage.command("status")[0] == 3
        stage.start_agent()
        stage.balloon("deux fois de suite")
