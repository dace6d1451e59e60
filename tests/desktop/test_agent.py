"""The whole agent under Wine, with real clicks: from the icon to the servers and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rig.stage import MENU_QUIT, MENU_RECONNECT, MENU_SETTINGS, SETTINGS, STATUS, Stage

NewStage = Callable[..., Stage]


@pytest.fixture
def new_stage(tmp_path: Path) -> Iterator[NewStage]:
    """A maker of stages, each closed at the end whatever happens."""
    with ExitStack() as running:
        yield lambda **options: running.enter_context(Stage(tmp_path, **options))


def window_commands(stage: Stage) -> list[str]:
    """What the processes of windows that run on *stage* were started with."""
    prefix = f"WINEPREFIX={stage.desktop.prefix.path}\0".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().rstrip(b"\0").split(b"\0")
            if b"window" in command and prefix in (process / "environ").read_bytes():
                found.append(b" ".join(command[command.index(b"-m") :]).decode())
        except OSError:
            continue  # it has ended meanwhile
    return found


def test_a_first_day(new_stage: NewStage) -> None:
    """Nothing configured: heart, settings dialog by itself; licence typed, tested, saved: ball."""
    stage = new_stage()
    licence = stage.world.licence("good")
    stage.start_agent()

    stage.until("ball-heart")
    stage.desktop.window(SETTINGS)
    stage.desktop.type(licence.number)
    stage.desktop.key("Tab")
    stage.desktop.type(licence.key)
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    stage.until_text(SETTINGS, "Connexion au serveur réussie")

    code, text = stage.command("settings", "get", "licence.number")
    assert code == 0
    assert licence.number not in text, "testing must not save"

    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")


def test_servers_lost_and_found(new_stage: NewStage) -> None:
    """Ball; the servers go: heart, balloon, tooltip and status window name the problem; they come back: ball by itself."""
    stage = new_stage()
    stage.licensed()
    stage.start_agent()
    stage.until("ball")

    stage.world.break_("auth", "refuse")
    stage.choose(MENU_RECONNECT)
    stage.until("ball-heart")
    stage.balloon("IEA-N04")
    assert "IEA-N04" in stage.desktop.tooltip()

    stage.desktop.click(stage.desktop.icon())
    stage.until_text(STATUS, "IEA-N04")

    stage.world.mend()
    stage.until("ball")
    stage.until_text(STATUS, "Connectée au serveur de production")


def test_a_wrong_address_is_found_and_mended_in_the_dialog(new_stage: NewStage) -> None:
    """Menu, settings, test: barred circle with its reason; corrected, tested, saved: the icon changes."""
    stage = new_stage()
    stage.licensed()
    right = stage.world.authentication.address
    wrong = right.replace("localhost", "serveur.invalid")
    assert stage.command("settings", "set", "connection.authentication", wrong)[0] == 0
    stage.start_agent()
    stage.until("ball-heart", timeout=45)  # a name that is not found is a verdict after the grace of 15 s

    stage.choose(MENU_SETTINGS)
    stage.desktop.window(SETTINGS)
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    stage.until_text(SETTINGS, "Échec de connexion au serveur")
    stage.until_text(SETTINGS, "IEA-N02")

    stage.replace(SETTINGS, wrong, right)
    stage.press(SETTINGS, "Tester l'accès aux serveurs")
    stage.until_text(SETTINGS, "Connexion au serveur réussie")
    stage.press(SETTINGS, "Enregistrer")
    stage.until("ball")
    stage.press(SETTINGS, "Quitter")
    stage.desktop.gone(SETTINGS)


def test_a_fault_is_found_and_mended_with_two_clicks(new_stage: NewStage) -> None:
    """Heart, status window: « Trouver la panne » tests and finds that https works; « Corriger » saves it: ball."""
    stage = new_stage()
    stage.licensed()
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
    stage.until_text(SETTINGS, "Connexion au serveur réussie")
    assert right in stage.command("settings", "get", "connection.authentication")[1]


def test_one_window_and_one_agent(new_stage: NewStage) -> None:
    """The dialog opens in the process that the menu has prepared, a second click raises it, a second start shows the status window, quitting closes all."""
    stage = new_stage()
    stage.licensed()
    agent = stage.start_agent()
    stage.until("ball")

    stage.choose(MENU_SETTINGS)
    first = stage.desktop.window(SETTINGS)
    assert window_commands(stage) == ["-m iea_agent window"], (
        "started before it was known which window it would be"
    )
    stage.choose(MENU_SETTINGS)
    assert stage.command("run")[0] == 0
    stage.desktop.window(STATUS)
    open_now = [window.handle for window in stage.desktop.windows() if SETTINGS in window.text]
    assert open_now == [first.handle]

    stage.choose(MENU_QUIT)
    assert agent.wait(20) == 0
    stage.desktop.gone("Impact emploi")


def test_the_command_line_drives_the_windows_agent(new_stage: NewStage) -> None:
    """status, test, reconnect, diagnose and quit, over the named pipe."""
    stage = new_stage()
    stage.licensed()
    agent = stage.start_agent()
    stage.until("ball")

    code, text = stage.command("status", "--json")
    assert code == 0
    assert json.loads(text)["state"] == "connected"
    assert stage.command("test")[0] == 0
    stage.world.break_("auth", "unknown")
    assert stage.command("reconnect")[0] == 4
    key = stage.world.licence("good").key
    code, text = stage.command("diagnose", "--json")
    assert code == 0
    assert key not in text
    assert stage.command("quit")[0] == 0
    assert agent.wait(20) == 0
    assert key not in stage.log()
