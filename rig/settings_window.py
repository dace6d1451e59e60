"""The agent's settings window, opened, filled and tested as a clerk would.

Runs on the Windows desktop itself.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from rig import screen, window_texts

assert sys.platform == "win32"

_START = 60.0  # seconds for a window to appear
_OPENING = threading.Lock()
"""Held while a window opens: two that open at once could not be told apart."""


class SettingsWindow:
    """The settings window of an installation; closed until its first test."""

    def __init__(self, agent: Sequence[str], environment: Mapping[str, str]) -> None:
        """Remember the command line of the *agent* and its *environment*."""
        self._agent = agent
        self._environment = environment
        self._window: screen.ForeignWindow | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def test(self, addresses: Sequence[str], seconds: float) -> list[str]:
        """Test the servers and return the window's texts when the test is over.

        *addresses* are typed first; without any, the saved ones are tested. A window that is open is used again.
        Raises NotOnScreen if it or the result does not come, the result after *seconds*.
        """
        starts_by_itself = self._window is None and not addresses
        window = self._window or self._open(*(["test"] if starts_by_itself else []))
        before: list[str] = []
        if not starts_by_itself:
            window.wait(lambda texts: window_texts.TEST_BUTTON in texts, _START)
            for field, address in zip(window.fields(), addresses, strict=False):
                window.type(field, address)
            before = window.texts()
            window.press(window_texts.TEST_BUTTON)

        def is_over(texts: Sequence[str]) -> bool:
            has_result = any(
                text in (window_texts.TEST_PASSED, window_texts.TEST_FAILED)
                or text.startswith(window_texts.BOTH_PASSED)
                for text in texts
            )
            # a malformed address is reported beside its field, and no test begins
            has_complaint = bool(addresses) and window_texts.TEST_BUTTON in texts and len(texts) > len(before)
            searches = any(window_texts.REPAIR_SEARCH in text for text in texts)
            return (has_result or has_complaint) and not searches

        return window.wait(is_over, seconds)

    def picture(self, file: Path) -> tuple[int, int] | None:
        """Write a PNG of the window.

        Returns width and height in pixels; None if the window did not open.
        """
        return None if self._window is None else self._window.picture(file)

    def close(self) -> None:
        """Close the window if it is open."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
        if self._window is not None:
            self._window.release()
        self._window = self._process = None

    def _open(self, *options: str) -> screen.ForeignWindow:
        command = [*self._agent, "window", "settings", *options]
        with _OPENING:
            self._process = subprocess.Popen(command, env=self._environment, stdin=subprocess.DEVNULL)
            self._window = screen.ForeignWindow(window_texts.SETTINGS, _START)
        return self._window
