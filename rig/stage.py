"""The agent on a Wine desktop with the sandbox as its world: what the demonstration and the tests with real clicks share."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from rig.build import PYTHON, ROOT
from rig.desktop import PAUSE, TOOLTIP, Desktop, MenuItem, NotSeenError, Window
from rig.prefix import windows_path

ICONS = ROOT / "src" / "iea_agent" / "shell" / "icons"
SETTINGS = "Paramètres de connexion"
STATUS = "État de la connexion"
SUPPORT = "Demande de support technique"

MENU_SETTINGS, MENU_RECONNECT, MENU_SUPPORT, MENU_QUIT = 2, 3, 4, 7
MENU_LINES = 7
"""Places in the tray's menu, from 1; separators do not count."""


class Stage:
    """A world, a desktop and an installation in *folder* that knows the world's addresses and authority, but no licence yet."""

    def __init__(
        self, folder: Path, scaling: int = 100, display: str | None = None, language: str = "fr"
    ) -> None:
        self.home = folder / "home"
        self.world = World(folder / "world")
        self.desk_keys = folder / "desk" / "keys.json"
        self.environment = {"IEA_AGENT_HOME": windows_path(self.home), "IEA_AGENT_LANG": language}
        self.desktop: Desktop
        self.agent: subprocess.Popen[str] | None = None
        self._scaling, self._display = scaling, display

    def __enter__(self) -> Self:
        self.world.__enter__()
        write_agent_files(self.home, self.world, windows_path)
        self.desktop = Desktop(self._scaling, display=self._display).__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.desktop.__exit__(kind, error, trace)
        self.world.__exit__(kind, error, trace)

    def install_register(self) -> None:
        """Have the desk make a master key and the register of the days around today, and install it like an administrator would."""
        self.desk_keys.parent.mkdir(mode=0o700, exist_ok=True)
        self._desk("init", "--key-file", str(self.desk_keys))
        first = (date.today() - timedelta(days=4)).isoformat()
        register = self.home / "policy" / "register.json"
        self._desk(
            "register",
            "--key-file",
            str(self.desk_keys),
            "--first-day",
            first,
            "--days",
            "7",
            "--output",
            str(register),
        )

    def password(self) -> str:
        """What ``iea-desk password`` prints for today."""
        return str(json.loads(self._desk("password", "--key-file", str(self.desk_keys), "--json"))["letters"])

    def _desk(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "iea_desk", *arguments],
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        return done.stdout

    def start_agent(self) -> subprocess.Popen[str]:
        """Start the tray process, as Windows does when a person logs on."""
        self.agent = self.desktop.start("-m", "iea_agent", "run", env=self.environment)
        return self.agent

    def command(self, *arguments: str, given: str | None = None, timeout: float = 60) -> tuple[int, str]:
        """Run ``iea-agent`` with *arguments* on the Windows side; its exit code and what it wrote."""
        process = self.desktop.prefix.start(
            PYTHON / "python.exe", "-m", "iea_agent", *arguments, env=self.environment
        )
        output, _ = process.communicate(given, timeout=timeout)
        return process.returncode, output

    def licensed(self, name: str = "good") -> None:
        """Give the installation a licence of the world's."""
        licence = self.world.licence(name)
        code, output = self.command("licence", "set", licence.number, given=f"{licence.key}\n")
        if code != 0:
            raise AssertionError(output)

    def until(self, picture: str, timeout: float = 30) -> None:
        """Wait until the notification area shows *picture* (stem of an icon)."""
        deadline = time.monotonic() + timeout
        while (shown := self.desktop.icon_shown(ICONS)) != picture:
            if time.monotonic() > deadline:
                raise NotSeenError(f"{picture} not shown in {timeout:g} s, but {shown}\n{self.log()}")
            time.sleep(PAUSE)

    def until_text(self, title: str, text: str, timeout: float = 30) -> Window:
        """Wait until the window *title* holds a visible control with *text* in its text; the window."""

        def found(windows: Sequence[Window]) -> Window | None:
            for window in windows:
                if title in window.text and any(
                    text in c.text.replace("&", "") and c.visible for c in window.children
                ):
                    return window
            return None

        return self.desktop.wait(found, f"{text!r} in {title!r}", timeout)

    def choose(self, place: int) -> None:
        """Open the tray's menu with a right click and click the line at *place*."""
        lines: list[MenuItem] = []
        for _ in range(4):
            # a window that is just opening takes the focus, and with it the menu: a person clicks again, too
            with contextlib.suppress(NotSeenError):
                lines = self.desktop.open_menu(timeout=5)
                if len(lines) == MENU_LINES:
                    self.desktop.click(lines[place - 1])
                    return
            self.desktop.key("Escape")
        raise NotSeenError(f"a menu of {MENU_LINES} lines, but {lines}")

    def balloon(self, text: str, timeout: float = 30) -> Window:
        """Wait for the balloon with *text* in its body (Wine tells nobody its title)."""
        return self.desktop.wait(
            lambda windows: next((w for w in windows if w.kind == TOOLTIP and text in w.text), None),
            f"the balloon {text!r}",
            timeout,
        )

    def press(self, window: str, button: str) -> None:
        """Click *button* of the window with *window* in its title."""
        self.desktop.click(self.desktop.window(window).control(button, "Button"))

    def replace(self, window: str, old: str, new: str) -> None:
        """Click into the field that holds *old*, type *new* over it and leave it."""
        self.desktop.click(self.desktop.window(window).control(old, "Edit"))
        self.desktop.key("ctrl+a")
        self.desktop.type(new)
        self.desktop.key("Tab")

    def enter_assistance(self) -> Window:
        """Through the menu and the dialog, with its one confirmation; the dialog, which then says that it is done."""
        self.choose(MENU_SUPPORT)
        self.press(SUPPORT, "OK")
        question = self.until_text(SUPPORT, "Activer")
        self.desktop.click(
            self.desktop.wait(
                lambda windows: next(
                    (
                        c
                        for w in windows
                        for c in w.children
                        if c.text.replace("&", "") == "Activer" and c.visible
                    ),
                    None,
                ),
                f"the question of {question.text!r}",
            )
        )
        return self.until_text(SUPPORT, "Le mode assistance est activé")

    def log(self) -> str:
        """The agent's log."""
        file = self.home / "logs" / "agent.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""
