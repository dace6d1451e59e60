"""The agent under Wine, with real clicks, from the icon to the servers and back."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from iea_agent.domain import person_requests
from rig.build import PYTHON
from rig.desktop import Window
from rig.prefix import windows_path
from rig.stage import AgentStage
from rig.window_texts import SETTINGS, STATUS, SUPPORT, TEST_BUTTON, TEST_FAILED, TEST_PASSED

WRITE, START = "Écrire à l’assistance", "Démarrer le programme de connexion"
ENTER = "Activer le mode assistance"
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
                commands.append(b" ".join(command[command.index(b"window") :]).decode())
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


def test_settings_that_are_open_are_tested_when_a_fault_is_looked_for(new_stage: NewStage) -> None:
    """« Trouver la panne » raises them and tests: raising alone would help nobody."""
    stage = new_stage()
    stage.save_licence()
    stage.world.break_("auth", "refuse")
    stage.start_agent()
    stage.until("ball-heart")

    stage.choose(person_requests.SETTINGS)
    stage.desktop.window(SETTINGS)
    stage.desktop.click(stage.desktop.icon())
    stage.until_text(STATUS, "Trouver la panne")
    stage.press(STATUS, "Trouver la panne")
    stage.until_text(SETTINGS, TEST_FAILED)
    assert len([window for window in stage.desktop.windows() if SETTINGS in window.text]) == 1


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
    assert window_commands(stage) == ["window"], "started before it was known which window it would be"
    stage.choose(person_requests.SETTINGS)
    assert stage.command("run")[0] == 0
    stage.desktop.window(STATUS)
    open_now = [window.handle for window in stage.desktop.windows() if SETTINGS in window.text]
    assert open_now == [first.handle]

    stage.choose(person_requests.QUIT)
    assert agent.wait(20) == 0
    stage.desktop.gone("Impact emploi")


def test_a_shortcut_starts_the_agent_and_says_why_it_launches_nothing(new_stage: NewStage) -> None:
    stage = new_stage()
    stage.install_program("Impact emploi association", r"C:\windows\notepad.exe,0")
    assert launch(stage) == (4, "Pas maintenant : connexion ou mode assistance nécessaire.\n")
    stage.until("ball-heart")
    stage.until_text(STATUS, "IEA-C01")
    assert not any(SETTINGS in window.text for window in stage.desktop.windows()), "nobody asked for it"
    assert stage.command("quit")[0] == 0
    stage.desktop.gone("Impact emploi")

    stage.save_licence()
    assert launch(stage) == (0, "")
    stage.desktop.window("Notepad$")
    stage.until("ball")
    assert stage.command("quit")[0] == 0


def launch(stage: AgentStage) -> tuple[int, str]:
    """Run ``iea-agent launch``; return its exit code and what it has printed."""
    process = stage.start_in_prompt("launch")
    code = process.wait(60)
    assert process.stdout is not None
    # not to its end: under Wine the agent that was started keeps the pipe open
    printed = (
        os.read(process.stdout.fileno(), 10_000) if select.select([process.stdout], [], [], 0)[0] else b""
    )
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    return code, printed.decode().replace("\r\n", "\n").replace("\u00a0", " ")


def test_without_an_agent_support_can_be_written_to_and_the_agent_be_started(
    new_stage: NewStage, tmp_path: Path
) -> None:
    stage = new_stage()
    script, received = tmp_path / "mail.py", tmp_path / "received.txt"
    received_name = windows_path(received)
    script.write_text(
        f"import sys\nopen(r'{received_name}', 'w', encoding='utf-8').write(sys.argv[1])\n", "utf-8"
    )
    # a mail program that does not know MAPI, as the new Outlook
    clients = (r"HKCU\Software\Clients\Mail", "/ve")
    stage.desktop.prefix.run("reg", "add", *clients, "/d", "Web mail", "/f")
    open_messages_with(stage, r"C:\missing.exe")
    stage.start_command("support")
    stage.until_text(SUPPORT, "Le programme de connexion est arrêté")
    stage.desktop.wait(
        lambda windows: next((w for w in windows if SUPPORT in w.text and can_click(w, WRITE)), None), WRITE
    )
    stage.press(SUPPORT, WRITE)
    stage.until_text(SUPPORT, "Aucun logiciel de messagerie ne s’est ouvert")
    open_messages_with(stage, windows_path(PYTHON / "python.exe"), windows_path(script))
    stage.press(SUPPORT, WRITE)
    stage.until_text(SUPPORT, "joignez-y le fichier qui vient de s’afficher")
    address = wait_for_message(received)
    assert address.startswith(
        "mailto:impact-emploi-association@urssaf.fr?subject=Serveur%20de%20connexion%20"
    )
    assert "body=Bonjour" in address
    assert "arr%C3%AAt%C3%A9" in address
    # Wine has a program that knows MAPI; it says that the message was sent
    stage.desktop.prefix.run("reg", "delete", *clients, "/f")
    stage.press(SUPPORT, WRITE)
    stage.until_text(SUPPORT, "Votre message est parti")

    stage.press(SUPPORT, START)
    stage.until("ball-heart")
    stage.desktop.wait(
        lambda windows: next((w for w in windows if SUPPORT in w.text and can_click(w, ENTER)), None), ENTER
    )
    assert not any(SETTINGS in window.text for window in stage.desktop.windows())
    assert stage.command("quit")[0] == 0
    # the window was started by nobody's icon: it stays
    stage.until_text(SUPPORT, "Le programme de connexion est arrêté")


def wait_for_message(received: Path) -> str:
    """Return what the mail program has been given."""
    deadline = time.monotonic() + 30
    while not (address := received.read_text("utf-8") if received.exists() else ""):
        assert time.monotonic() < deadline, "no message"
        time.sleep(0.1)
    return address


def can_click(window: Window, name: str) -> bool:
    """Return whether *window* has the button *name*, and it is not grey."""
    return any(child.enabled and child.text.replace("&", "") == name for child in window.children)


def open_messages_with(stage: AgentStage, *program: str) -> None:
    """Have Windows open the address of a message with *program*."""
    command = " ".join(f'"{part}"' for part in (*program, "%1"))
    for key in ("HKCU", "HKLM"):
        entry = rf"{key}\Software\Classes\mailto\shell\open\command"
        stage.desktop.prefix.run("reg", "add", entry, "/ve", "/d", command, "/f")


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
