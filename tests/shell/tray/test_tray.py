"""The tray without a desktop: what it refuses and loads, and an early stop."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from iea_agent.domain.machine import Event
from iea_agent.shell.tray import Tray
from iea_agent.shell.wording.view import MenuLine, Picture, View

ICONS = Path(__file__).parents[3] / "src" / "iea_agent" / "shell" / "icons"
FIRST = View(Picture.BALL, "IEA", (MenuLine("Pour information"),), None)


def never(*_: Event) -> None:
    """What must not be called."""
    raise AssertionError("called")


if sys.platform == "win32":
    from iea_agent.shell.tray import windows_tray

    def test_pystray_has_the_names_that_are_overridden() -> None:
        assert windows_tray.missing_names(windows_tray.backend) == []

    def test_names_that_pystray_lacks_are_named() -> None:
        changed = SimpleNamespace(Icon=object, win32=windows_tray.win32)
        assert windows_tray.missing_names(changed) == [f"Icon.{name}" for name in windows_tray.ICON_NAMES]
        changed = SimpleNamespace(Icon=windows_tray.backend.Icon, win32=None)
        assert windows_tray.missing_names(changed) == [f"win32.{name}" for name in windows_tray.WIN32_NAMES]

    def test_a_tray_that_is_stopped_before_it_runs_shows_nothing_and_returns() -> None:
        tray = Tray(ICONS, FIRST, never)
        tray.stop()
        tray.run(never)

    def test_neither_pillow_nor_tempfile_is_loaded() -> None:
        loaded = "import sys, iea_agent.shell.tray; print([m for m in ('PIL', 'tempfile', 'wx') if m in sys.modules])"
        assert subprocess.check_output([sys.executable, "-c", loaded], text=True, timeout=60).strip() == "[]"

else:
    STAGE = f"""
import threading
from dataclasses import replace
from pathlib import Path
from iea_agent.shell.tray import Tray, TrayUnavailable
from iea_agent.shell.wording.view import MenuLine, Picture, View
ICONS = Path({str(ICONS)!r})
FIRST = View(Picture.BALL, "IEA", (MenuLine("Pour information"),), None)
"""

    def play(script: str, **environment: str) -> str:
        """Return what *script* prints in a process of its own.

        pystray chooses a display once, when it is imported.
        """
        variables = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        command = [sys.executable, "-c", STAGE + script]
        done = subprocess.run(
            command, env=variables | environment, capture_output=True, text=True, timeout=20
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_without_a_display_the_tray_says_so() -> None:
        output = play("""
try:
    Tray(ICONS, FIRST, print)
except TrayUnavailable as error:
    print(error, bool(error.__cause__))
""")
        assert output == "no usable notification area here True\n"

    @pytest.fixture
    def display() -> Iterator[str]:
        reading, writing = os.pipe()
        command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "320x200x24", "-nolisten", "tcp"]
        with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as screen:
            os.close(writing)
            with os.fdopen(reading) as pipe:
                yield f":{pipe.readline().strip()}"
            screen.terminate()

    def test_on_linux_pystray_shows_changes_and_stops(display: str) -> None:
        output = play(
            """
shown = threading.Event()
tray = Tray(ICONS, FIRST, print)
def change():
    assert shown.wait(20)
    tray.draw(replace(FIRST, picture=Picture.HEART, tooltip="x" * 300, menu=()))
    tray.notify("title", "body")
    tray.stop()
threading.Thread(target=change).start()
tray.run(shown.set)
print("over")
early = Tray(ICONS, FIRST, print)
early.stop()
early.run(lambda: print("shown"))
print("not shown")
""",
            DISPLAY=display,
            PYSTRAY_BACKEND="xorg",
        )
        assert output == "over\nnot shown\n"
