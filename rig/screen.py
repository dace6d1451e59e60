"""Find, read, fill, click and photograph a window of another process.

Runs on the Windows desktop itself.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import wintypes
from pathlib import Path
from typing import Any

from PIL import ImageGrab

assert sys.platform == "win32"

_WM_SETTEXT, _WM_GETTEXT, _WM_COMMAND = 0x000C, 0x000D, 0x0111  # winuser.h
_ABORT_IF_HUNG = 0x0002
_HWND_TOPMOST, _NO_SIZE_NO_MOVE = -1, 0x0003
_TEXT = 16 * 1024  # characters of one control
_ANSWER = 10_000  # milliseconds that a window may take to handle a message
_REDRAW = 0x0001 | 0x0080 | 0x0100  # RDW_INVALIDATE, RDW_ALLCHILDREN, RDW_UPDATENOW
_PAINTING = 5.0  # seconds that a window may take to be painted
_GLANCE = 0.05  # seconds between two looks

_SCREEN = threading.Lock()
"""Held while a picture is taken: windows overlap."""
_CLAIMED: set[int] = set()
"""Handles of the windows that an object of this process stands for."""

_user32 = ctypes.WinDLL("user32", use_last_error=True)
_Visitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
for _name, _parameters in {
    "EnumWindows": [_Visitor, wintypes.LPARAM],
    "EnumChildWindows": [wintypes.HWND, _Visitor, wintypes.LPARAM],
    "GetClassNameW": [wintypes.HWND, wintypes.LPWSTR, ctypes.c_int],
    "GetWindowTextW": [wintypes.HWND, wintypes.LPWSTR, ctypes.c_int],
    "GetWindowRect": [wintypes.HWND, ctypes.POINTER(wintypes.RECT)],
    "GetWindowThreadProcessId": [wintypes.HWND, ctypes.POINTER(wintypes.DWORD)],
    "GetDlgCtrlID": [wintypes.HWND],
    "GetParent": [wintypes.HWND],
    "IsWindowVisible": [wintypes.HWND],
    "RedrawWindow": [wintypes.HWND, ctypes.c_void_p, ctypes.c_void_p, wintypes.UINT],
    "SetWindowPos": [wintypes.HWND, wintypes.HWND, *4 * [ctypes.c_int], wintypes.UINT],
    "SendMessageTimeoutW": [
        wintypes.HWND,
        wintypes.UINT,
        wintypes.WPARAM,
        ctypes.c_void_p,
        wintypes.UINT,
        wintypes.UINT,
        ctypes.POINTER(ctypes.c_size_t),
    ],
}.items():
    getattr(_user32, _name).argtypes = _parameters
_user32.GetParent.restype = wintypes.HWND


class NotOnScreen(TimeoutError):
    """A window, button or text did not come in time; the message says what was there."""


class ForeignWindow:
    """A window of another process, found by its title."""

    def __init__(self, title: str, seconds: float) -> None:
        """Wait for a window with *title* in its title that no other object has claimed.

        Raises NotOnScreen after *seconds*.
        """
        self._handle = 0

        def has_appeared() -> bool:
            new = (each for each in _top_windows() if title in _title(each) and each not in _CLAIMED)
            self._handle = next(new, 0)
            return bool(self._handle)

        if not _wait_until(has_appeared, seconds):
            raise NotOnScreen(f"{title} ; à l’écran : {[_title(each) for each in _top_windows()]}")
        _CLAIMED.add(self._handle)

    def release(self) -> None:
        """Give up the closed window's handle: Windows may use it again."""
        _CLAIMED.discard(self._handle)

    def texts(self) -> list[str]:
        """Return the visible texts of its controls, labels without their &."""
        return [_control_text(each).replace("&", "") for each in self._controls() if _control_text(each)]

    def fields(self) -> list[int]:
        """Return the handles of its edit fields, in tab order."""
        return [each for each in self._controls() if _class(each) == "Edit"]

    def type(self, field: int, text: str) -> None:
        """Replace the text of a field."""
        if _control_text(field) != text:
            buffer = ctypes.create_unicode_buffer(text)
            _send(field, _WM_SETTEXT, 0, ctypes.addressof(buffer))

    def press(self, label: str) -> None:
        """Click the button called *label* and wait until the window has handled it.

        Raises NotOnScreen if there is no such button.
        """
        for each in self._controls():
            if _class(each) == "Button" and _control_text(each).replace("&", "") == label:
                _send(_user32.GetParent(each), _WM_COMMAND, _user32.GetDlgCtrlID(each) & 0xFFFF, each)
                return
        raise NotOnScreen(f"bouton « {label} » ; il y a : {self.texts()}")

    def wait(self, holds: Callable[[list[str]], bool], seconds: float) -> list[str]:
        """Wait until *holds* accepts the texts and they have stopped changing.

        Returns the texts. Raises NotOnScreen after *seconds*.
        """
        texts: list[str] = []

        def is_settled() -> bool:
            before = texts[:]
            texts[:] = self.texts()
            return texts == before and holds(texts)

        if not _wait_until(is_settled, seconds):
            raise NotOnScreen(f"fin du test ; la fenêtre dit : {texts}")
        return texts

    def picture(self, file: Path) -> tuple[int, int]:
        """Write a PNG of the window once it has stopped changing.

        Returns width and height in pixels.
        """
        area = wintypes.RECT()
        images = [ImageGrab.grab((0, 0, 1, 1))]

        def is_painted() -> bool:
            _user32.GetWindowRect(self._handle, ctypes.byref(area))
            _user32.RedrawWindow(self._handle, None, None, _REDRAW)
            images.append(ImageGrab.grab((area.left, area.top, area.right, area.bottom), all_screens=True))
            return images[-2].tobytes() == images[-1].tobytes()

        with _SCREEN:
            # nothing else of the desktop may lie on it
            _user32.SetWindowPos(self._handle, _HWND_TOPMOST, 0, 0, 0, 0, _NO_SIZE_NO_MOVE)
            _wait_until(is_painted, _PAINTING)
        images[-1].save(file)
        return images[-1].size

    def _controls(self) -> Iterator[int]:
        return iter(_visible(lambda visitor: _user32.EnumChildWindows(self._handle, visitor, 0)))


def _top_windows() -> list[int]:
    return _visible(lambda visitor: _user32.EnumWindows(visitor, 0))


def _visible(enumerate_windows: Callable[[Any], object]) -> list[int]:
    """Return the visible windows that *enumerate_windows* passes to its visitor."""
    handles: list[int] = []

    def visit(handle: int, _: int) -> bool:
        if _user32.IsWindowVisible(handle):
            handles.append(handle)
        return True

    enumerate_windows(_Visitor(visit))
    return handles


def _title(handle: int) -> str:
    buffer = ctypes.create_unicode_buffer(256)
    _user32.GetWindowTextW(handle, buffer, len(buffer))
    return buffer.value


def _class(handle: int) -> str:
    buffer = ctypes.create_unicode_buffer(256)
    _user32.GetClassNameW(handle, buffer, len(buffer))
    return buffer.value


def _control_text(handle: int) -> str:
    # unlike GetWindowText this asks the other process, so it reads edit fields too
    buffer = ctypes.create_unicode_buffer(_TEXT)
    _send(handle, _WM_GETTEXT, _TEXT, ctypes.addressof(buffer))
    return buffer.value


def _send(handle: int, message: int, first: int, second: int) -> None:
    taken = ctypes.c_size_t()
    _user32.SendMessageTimeoutW(handle, message, first, second, _ABORT_IF_HUNG, _ANSWER, ctypes.byref(taken))


def _wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_GLANCE)
    return True
