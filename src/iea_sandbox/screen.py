"""What a person sees and does on a Windows desktop: find a window of a process, read it, type, press, take its picture."""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import wintypes
from pathlib import Path

from PIL import ImageGrab

assert sys.platform == "win32"  # noqa: S101  mypy reads on only where this holds

_WM_SETTEXT, _WM_GETTEXT, _WM_COMMAND = 0x000C, 0x000D, 0x0111  # winuser.h
_ABORT_IF_HUNG = 0x0002
_HWND_TOPMOST, _NO_SIZE_NO_MOVE = -1, 0x0003
_TEXT = 16 * 1024  # characters of one control
_ANSWER = 10_000  # milliseconds that a window may take to do what it is told
_REDRAW = 0x0001 | 0x0080 | 0x0100  # RDW_INVALIDATE, RDW_ALLCHILDREN, RDW_UPDATENOW
_PAINTING = 5.0  # seconds that a window may take to be painted
_GLANCE = 0.05  # seconds between two looks

_SCREEN = threading.Lock()
"""Held while a picture is taken: windows lie on each other."""
_KNOWN: set[int] = set()

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


class NotSeen(Exception):
    """What was waited for did not come in time; the text says what there was instead."""


class Window:
    """The window with *title* in its title, and known by no other object, that shows itself within *seconds*. Raises NotSeen."""

    def __init__(self, title: str, seconds: float) -> None:
        self._handle = 0

        def found() -> bool:
            new = (each for each in _top_windows() if title in _title(each) and each not in _KNOWN)
            self._handle = next(new, 0)
            return bool(self._handle)

        if not _until(found, seconds):
            raise NotSeen(f"{title} ; à l'écran : {[_title(each) for each in _top_windows()]}")
        _KNOWN.add(self._handle)

    def forget(self) -> None:
        """It is closed: its number may be given to another."""
        _KNOWN.discard(self._handle)

    def texts(self) -> list[str]:
        """The visible texts of its controls, labels without their &."""
        return [_text(each).replace("&", "") for each in self._controls() if _text(each)]

    def fields(self) -> list[int]:
        """Its fields to type in, in the order of the tabulator."""
        return [each for each in self._controls() if _class(each) == "Edit"]

    def type(self, field: int, text: str) -> None:
        """Put *text* into a field in place of what is there."""
        if _text(field) != text:
            buffer = ctypes.create_unicode_buffer(text)
            _send(field, _WM_SETTEXT, 0, ctypes.addressof(buffer))

    def press(self, label: str) -> None:
        """Do what a click on the button does, and come back once the window has done it. Raises NotSeen without such a button."""
        for each in self._controls():
            if _class(each) == "Button" and _text(each).replace("&", "") == label:
                _send(_user32.GetParent(each), _WM_COMMAND, _user32.GetDlgCtrlID(each) & 0xFFFF, each)
                return
        raise NotSeen(f"bouton « {label} » ; il y a : {self.texts()}")

    def wait(self, wanted: Callable[[list[str]], bool], seconds: float) -> list[str]:
        """Look until the texts are as *wanted* and two looks say the same: they come one after another. Raises NotSeen after *seconds*."""
        texts: list[str] = []

        def seen() -> bool:
            before = texts[:]
            texts[:] = self.texts()
            return texts == before and wanted(texts)

        if not _until(seen, seconds):
            raise NotSeen(f"fin du test ; la fenêtre dit : {texts}")
        return texts

    def picture(self, file: Path) -> tuple[int, int]:
        """Write a PNG of it, once it is painted: when two looks show the same; width and height."""
        area = wintypes.RECT()
        images = [ImageGrab.grab((0, 0, 1, 1))]

        def painted() -> bool:
            _user32.GetWindowRect(self._handle, ctypes.byref(area))
            _user32.RedrawWindow(self._handle, None, None, _REDRAW)
            images.append(ImageGrab.grab((area.left, area.top, area.right, area.bottom), all_screens=True))
            return images[-2].tobytes() == images[-1].tobytes()

        with _SCREEN:
            # nothing else of the desktop may lie on it
            _user32.SetWindowPos(self._handle, _HWND_TOPMOST, 0, 0, 0, 0, _NO_SIZE_NO_MOVE)
            _until(painted, _PAINTING)
        images[-1].save(file)
        return images[-1].size

    def _controls(self) -> Iterator[int]:
        found: list[int] = []

        def visit(handle: int, _: int) -> bool:
            if _user32.IsWindowVisible(handle):
                found.append(handle)
            return True

        _user32.EnumChildWindows(self._handle, _Visitor(visit), 0)
        return iter(found)


def _top_windows() -> list[int]:
    found: list[int] = []

    def visit(handle: int, _: int) -> bool:
        if _user32.IsWindowVisible(handle):
            found.append(handle)
        return True

    _user32.EnumWindows(_Visitor(visit), 0)
    return found


def _title(handle: int) -> str:
    buffer = ctypes.create_unicode_buffer(256)
    _user32.GetWindowTextW(handle, buffer, len(buffer))
    return buffer.value


def _class(handle: int) -> str:
    buffer = ctypes.create_unicode_buffer(256)
    _user32.GetClassNameW(handle, buffer, len(buffer))
    return buffer.value


def _text(handle: int) -> str:
    """Unlike GetWindowText this asks the other process, so it reads what is in fields too."""
    buffer = ctypes.create_unicode_buffer(_TEXT)
    _send(handle, _WM_GETTEXT, _TEXT, ctypes.addressof(buffer))
    return buffer.value


def _send(handle: int, message: int, first: int, second: int) -> None:
    taken = ctypes.c_size_t()
    _user32.SendMessageTimeoutW(handle, message, first, second, _ABORT_IF_HUNG, _ANSWER, ctypes.byref(taken))


def _until(holds: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(_GLANCE)
    return True
