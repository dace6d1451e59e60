"""The agent on a Wine desktop with the sandbox as its world.

Runs in the Linux Python; the demonstration, the measurements and the tests with real clicks share it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.person_requests import SUPPORT as SUPPORT_REQUEST
from iea_agent.domain.person_requests import Abilities, PersonRequest
from iea_agent.shell.wording.menu import render_view
from iea_agent.shell.wording.view import SEPARATOR
from iea_sandbox.world import World
from rig.agent_files import write_agent_files
from rig.build import ROOT
from rig.desktop import PAUSE, TOOLTIP, Desktop, MenuItem, NotSeenError, Window
from rig.installed_program import CONSOLE, SOURCES, VARIABLE, WINDOWED, copy_program, take_scripts
from rig.prefix import windows_path
from rig.window_texts import ENTER_ASSISTANCE, SUPPORT

ICONS = ROOT / "src" / "iea_agent" / "shell" / "icons"
MENU = tuple(
    line
    for line in render_view(
        Snapshot(State.CONNECTED, since=0.0),
        now=0.0,
        abilities=Abilities(program=True),
    ).menu
    if line is not SEPARATOR
)
"""The lines of the tray's menu, each with its event; in every state they are in this order."""
_MODULE = (*SOURCES, "-m", "iea_agent")


class AgentStage:
    """A world, a Windows desktop, and an installation of the agent without a licence."""

    def __init__(
        self,
        folder: Path,
        scaling: int = 100,
        display: str | None = None,
        language: str = "fr",
        program: str = os.environ.get(VARIABLE, ""),
    ) -> None:
        """Keep world and installation in *folder*; *scaling* and *display* as for Desktop.

        *program* is the folder of an installed program, of which a copy runs instead of the sources.
        """
        self.home = folder / "home"
        # without a console, and with one
        self._launchers: tuple[tuple[str, ...], tuple[str, ...]] = (_MODULE, _MODULE)
        self.program = copy_program(folder, program)
        if self.program is not None:
            self.use_program(self.program)
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

    def use_program(self, folder: Path) -> None:
        """Start the program that is installed in *folder* from now on."""
        windowed, console = (windows_path(folder / name) for name in (WINDOWED, CONSOLE))
        self.program, self._launchers = folder, ((windowed,), (console,))

    def install_program(self, name: str, icon: str) -> None:
        """Write to the registry that *name* is installed, as an installer does."""
        entry = rf"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\{name}"
        for value, text in (("DisplayName", name), ("DisplayIcon", icon)):
            self.desktop.prefix.run("reg", "add", entry, "/v", value, "/d", text, "/f")

    def install_register(self) -> None:
        """Make a master key and install a register of the days around today."""
        self.desk_keys.parent.mkdir(mode=0o700, exist_ok=True)
        self._desk("init", "--key-file", str(self.desk_keys))
        first = (date.today() - timedelta(days=4)).isoformat()
        register = self.home / "policy" / "register.json"
        days = ("--first-day", first, "--days", "7")
        self._desk("register", "--key-file", str(self.desk_keys), *days, "--output", str(register))

    def password(self) -> str:
        """Return today's password, from ``iea-desk password``."""
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
        self.agent = self.desktop.start_program(*self._launchers[0], "run", env=self.environment)
        return self.agent

    def start_command(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command on the desktop; it may open a window."""
        return self.desktop.start_program(*self._launchers[0], *arguments, env=self.environment)

    def start_script(self, script: Path) -> subprocess.Popen[str]:
        """Start a test's *script* on the desktop in the place of the agent."""
        if self.program is not None:
            take_scripts(self.program)
        python = self._launchers[0] if self.program else SOURCES
        return self.desktop.start_program(*python, windows_path(script), env=self.environment)

    def start_in_prompt(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command as in a prompt, with pipes that what it starts may keep open."""
        return self.desktop.prefix.start(*self._launchers[1], *arguments, env=self.environment)

    def command(self, *arguments: str, given: str = "", timeout: float = 60) -> tuple[int, str]:
        """Run ``iea-agent`` on the Windows side with *given* as its input.

        Returns exit code and output.
        """
        done = self.desktop.prefix.run(
            *self._launchers[1], *arguments, given=given, env=self.environment, timeout=timeout
        )
        return done.returncode, done.stdout

    def save_licence(self, name: str = "good") -> None:
        """Save a licence of the world in the installation."""
        licence = self.world.licence(name)
        code, output = self.command("licence", "set", licence.number, given=f"{licence.key}\n")
        if code != 0:
            raise AssertionError(output)

    def until(self, picture: str, timeout: float = 30) -> None:
        """Wait until the notification area shows *picture* (the stem of an icon's file)."""
        deadline = time.monotonic() + timeout
        while (icon := self._look_at_icon()) != picture:
            if time.monotonic() > deadline:
                raise NotSeenError(f"{picture} not shown in {timeout:g} s, but {icon}\n{self.log()}")
            time.sleep(PAUSE)

    def _look_at_icon(self) -> str:
        """Return the stem of the icon that is shown, or why none is."""
        try:
            return self.desktop.recognise_icon(ICONS)
        except NotSeenError as error:
            return str(error)

    def until_text(self, title: str, text: str, timeout: float = 30) -> Window:
        """Wait until a visible control of the window *title* has *text*.

        Returns the window.
        """

        def window_with_text(windows: Sequence[Window]) -> Window | None:
            for window in windows:
                # a paragraph is broken into lines
                texts = (c.text.replace("&", "").replace("\n", " ") for c in window.children if c.visible)
                if title in window.text and any(text in each for each in texts):
                    return window
            return None

        return self.desktop.wait(window_with_text, f"{text!r} in {title!r}", timeout)

    def choose(self, request: PersonRequest) -> None:
        """Open the tray's menu with a right click and click the line of *request*."""
        for _ in range(4):
            # a window that is just opening takes the focus, and with it the menu: a person clicks again, too
            with contextlib.suppress(NotSeenError):
                self.desktop.click(self.open_menu_at(request, timeout=5))
                return
            self.desktop.key("Escape")
        raise NotSeenError(f"no menu of {len(MENU)} lines")

    def open_menu_at(self, request: PersonRequest, timeout: float = 15) -> MenuItem:
        """Open the tray's menu and return the line of *request*. Raises NotSeenError."""
        items = self.desktop.open_menu(timeout)
        if len(items) != len(MENU):
            raise NotSeenError(f"a menu of {len(MENU)} lines, but {items}")
        return items[[type(line.event) for line in MENU].index(request.event)]

    def balloon(self, text: str, timeout: float = 30) -> Window:
        """Wait for the balloon with *text* in its body (Wine reveals no title)."""
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
        """Enter assistance mode through menu and dialog; return the dialog."""
        self.choose(SUPPORT_REQUEST)
        self.press(SUPPORT, ENTER_ASSISTANCE)
        self.press(SUPPORT, "OK")
        return self.until_text(SUPPORT, "Le mode assistance est activé")

    def log(self) -> str:
        """Return the text of the agent's log."""
        file = self.home / "logs" / "agent.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""
