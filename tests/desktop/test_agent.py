"""The agent under Wine, with real clicks, from the icon to the servers and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from iea_agent.domain import person_requests
from rig.stage import AgentStage
from rig.window_texts import SETTINGS, STATUS, SUPPORT, TEST_BUTTON, TEST_FAILED, TEST_PASSED

NewStage = Callable[..., AgentStage]


@pytest.fixture
def new_stage(tmp_path: Path) -> Iterator[NewStage]:
    """Return a function that makes stages, which are closed after the test."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(AgentStage(tmp_path, **options))


def window_commands(stage: AgentStage) -> list[str]:
    """Return the command lines of the window processes that run on *stage*."""
    prefix = f"WINEPREFIX={stage.desktop.prefix.path}\0".encode()
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if b"window" in command and prefix in (process / "environ").read_bytes():
                commands.append(b" ".join(command[command.index(b"-m") :]).decode())
        except OSError:
            continue  # it has ended meanwhile
    return commands


def test_a_first_day(new_stage: NewStage) -> None:
    """Without a licence heart and settings dialog appear; with one, the ball."""
    stage = new_stage()
    licence = stage.world.licence("good")
    stage.start_agent()

    stage.until("ball-heart")
    stage.desktop.window(SETTINGS)
    stage.desktop.type(licence.number)
    stage.desktop.key("Tab")
    stage.desktop.type(licence.key)
    stage.press(SETTINGS, TEST_BUTTON)
    stage.until_text(SETTINGS, TEST_PASSED)

    code, text = stage.command("settings", "get", "licence.number")
    assert code == 0
    assert licence.number not in text, "testing must not save"

    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")


def test_servers_lost_and_found(new_stage: NewStage) -> None:
    """Heart, balloon, tooltip and status window name the problem; the ball comes back.

    Nothing is clicked for that.
    """
    stage = new_stage()
    stage.save_licence()
    stage.start_agent()
    stage.until("ball")

    stage.world.break_("auth", "refuse")
    stage.choose(person_requests.RECONNECT)
    stage.until("ball-heart")
    stage.balloon("IEA-N04")
    assert "IEA-N04" in stage.desktop.tooltip()

    stage.desktop.click(stage.desktop.icon())
    stage.until_text(STATUS, "IEA-N04")

    stage.world.mend()
    stage.until("ball")
    stage.until_text(STATUS, "Connexion établie avec le serveur de production")


def test_after_a_failed_test_the_heart_comes_and_assistance_mode_is_possible(new_stage: NewStage) -> None:
    """Case 2 of the sheet: the barred circle, « Quitter », the heart."""
    stage = new_stage()
    stage.save_licence()
    stage.start_agent()
    stage.until("ball")

    stage.world.break_("auth", "refuse")
    stage.choose(person_requests.SETTINGS)
    stage.desktop.window(SETTINGS)
    stage.press(SETTINGS, TEST_BUTTON)
    stage.until_text(SETTINGS, TEST_FAILED)
    stage.press(SETTINGS, "Quitter")
    stage.until("ball-heart", timeout=15)

    stage.choose(person_requests.SUPPORT)
    assert stage.desktop.window(SUPPORT).control("Activer le mode assistance", "Button").enabled


def test_a_wrong_address_is_found_and_mended_in_the_dialog(new_stage: NewStage) -> None:
    """The test names the problem; with the address corrected the icon changes."""
    stage = new_stage()
    stage.save_licence()
    right = stage.world.authentication.address
    wrong = right.replace("localhost", "serveur.invalid")
    assert stage.command("settings", "set", "connection.authentication", wrong)[0] == 0
    stage.start_agent()
    stage.until("ball-heart", timeout=45)  # a name that is not found is a verdict after the grace of 15 s

    stage.choose(person_requests.SETTINGS)
    stage.desktop.window(SETTINGS)
    stage.press(SETTINGS, TEST_BUTTON)
    stage.until_text(SETTINGS, TEST_FAILED)
    stage.until_text(SETTINGS, "IEA-N02")

    stage.replace(SETTINGS, wrong, right)
    stage.press(SETTINGS, TEST_BUTTON)
    stage.until_text(SETTINGS, TEST_PASSED)
    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")
    stage.press(SETTINGS, "Quitter")
    stage.desktop.gone(SETTINGS)


def test_a_fault_is_found_and_mended_with_two_clicks(new_stage: NewStage) -> None:
    """« Trouver la panne » tests and finds that https works; « Corriger » saves it."""
    stage = new_stage()
    stage.save_licence()
    right = stage.world.authentication.address
    assert stage.command("settings", "set", "connection.secure", "false")[0] == 0
    in_clear = right.replace("https://", "http://")
    assert stage.command("settings", "set", "connection.authentication", in_clear)[0] == 0
    stage.start_agent()
    stage.until("ball-heart", timeout=45)

    stage.desktop.click(stage.desktop.icon())
    stage.until_text(STATUS, "Trouver la panne")
    stage.press(STATUS, "Trouver la panne")
    stage.until_text(SETTINGS, "Cocher «\u00a0Sécurisé\u00a0»")
    stage.press(SETTINGS, "Corriger\u00a0: mode sécurisé")
    stage.until("ball")
    stage.until_text(SETTINGS, TEST_PASSED)
    assert right in stage.command("settings", "get", "connection.authentication")[1]


def test_one_window_and_one_agent(new_stage: NewStage) -> None:
    """A window opens in the process that the menu has prepared, and opens once.

    A second click raises it, a second start shows the status window, quitting closes all.
    """
    stage = new_stage()
    stage.save_licence()
    agent = stage.start_agent()
    stage.until("ball")

    stage.choose(person_requests.SETTINGS)
    first = stage.desktop.window(SETTINGS)
    assert window_commands(stage) == ["-m iea_agent window"], (
        "started before it was known which window it would be"
    )
    stage.choose(person_requests.SETTINGS)
    assert stage.command("run")[0] == 0
    stage.desktop.window(STATUS)
    open_now = [window.handle for window in stage.desktop.windows() if SETTINGS in window.text]
    assert open_now == [first.handle]

    stage.choose(person_requests.QUIT)
    assert agent.wait(20) == 0
    stage.desktop.gone("Impact emploi")


def test_the_command_line_drives_the_windows_agent(new_stage: NewStage) -> None:
    """The commands use the named pipe; the program is found where it is installed."""
    stage = new_stage()
    stage.install_program("Impact emploi association", r"C:\windows\notepad.exe,0")
    stage.save_licence()
    agent = stage.start_agent()
    stage.until("ball")

    code, text = stage.command("status", "--json")
    assert code == 0
    assert json.loads(text)["state"] == "connected"
    assert stage.command("test")[0] == 0
    assert stage.command("launch")[0] == 0
    stage.desktop.window("Notepad$")
    stage.world.break_("auth", "unknown")
    assert stage.command("reconnect")[0] == 4
    assert stage.command("launch")[0] == 4
    stage.until_text(STATUS, "IEA-A02")
    key = stage.world.licence("good").key
    code, text = stage.command("diagnose", "--json")
    assert code == 0
    assert key not in text
    assert stage.command("quit")[0] == 0
    assert agent.wait(20) == 0
    assert key not in stage.log()
