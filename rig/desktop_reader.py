"""Report the windows of the desktop, for ``desktop.py``.

Runs on the Windows desktop itself. Each input line is a JSON string: a text for the clipboard, or "". Each is answered
by a line of JSON with the windows.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from ctypes import wintypes

assert sys.platform == "win32"

PER_MONITOR_AWARE = -4
WM_GETTEXT = 0x000D
BM_GETCHECK, BST_CHECKED = 0x00F0, 1
SMTO_ABORTIFHUNG = 0x0002
CF_UNICODETEXT = 13
GMEM_MOVEABLE = 0x0002
LIMIT = 2048  # characters of one window's text
GWL_STYLE, WS_CAPTION, WS_SYSMENU = -16, 0x00C00000, 0x00080000
SM_CXSCREEN, SM_CYSCREEN, SM_CXSMICON = 0, 1, 49
RIM = 2  # pixels round an icon of the notification area
SWP_QUIETLY = 0x0004 | 0x0010 | 0x0020  # order and activation as they are, the frame anew


class ThreadInfo(ctypes.Structure):
    """A GUITHREADINFO (winuser.h)."""

    _fields_ = (
        ("size", wintypes.DWORD),
        ("flags", wintypes.DWORD),
        ("windows", wintypes.HWND * 6),  # active, focus, capture, menu owner, move or size, caret
        ("caret", wintypes.RECT),
    )


user32 = ctypes.WinDLL("user32", use_last_error=True)
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.GlobalAlloc.argtypes = [wintypes.UINT, ctypes.c_size_t]
kernel32.GlobalAlloc.restype = wintypes.HGLOBAL
kernel32.GlobalLock.argtypes = [wintypes.HGLOBAL]
kernel32.GlobalLock.restype = wintypes.LPVOID
kernel32.GlobalUnlock.argtypes = [wintypes.HGLOBAL]
Visitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
for name, parameters in {
    "SetProcessDpiAwarenessContext": [wintypes.HANDLE],
    "SendMessageTimeoutW": [
        wintypes.HWND, wintypes.UINT, ctypes.c_size_t, wintypes.LPWSTR, wintypes.UINT, wintypes.UINT,
        ctypes.POINTER(ctypes.c_size_t),
    ],
    "GetClassNameW": [wintypes.HWND, wintypes.LPWSTR, ctypes.c_int],
    "GetWindowRect": [wintypes.HWND, ctypes.POINTER(wintypes.RECT)],
    "GetWindowThreadProcessId": [wintypes.HWND, ctypes.POINTER(wintypes.DWORD)],
    "IsWindowVisible": [wintypes.HWND],
    "IsWindowEnabled": [wintypes.HWND],
    "EnumWindows": [Visitor, wintypes.LPARAM],
    "EnumChildWindows": [wintypes.HWND, Visitor, wintypes.LPARAM],
    "GetForegroundWindow": [],
    "GetGUIThreadInfo": [wintypes.DWORD, ctypes.POINTER(ThreadInfo)],
    "FindWindowW": [wintypes.LPCWSTR, wintypes.LPCWSTR],
    "GetWindowLongW": [wintypes.HWND, ctypes.c_int],
    "SetWindowLongW": [wintypes.HWND, ctypes.c_int, wintypes.LONG],
    "SetWindowPos": [wintypes.HWND, wintypes.HWND, *4 * [ctypes.c_int], wintypes.UINT],
    "OpenClipboard": [wintypes.HWND],
    "SetClipboardData": [wintypes.UINT, wintypes.HANDLE],
}.items():  # fmt: skip
    getattr(user32, name).argtypes = parameters


def describe(handle: int) -> dict[str, object]:
    """Return the fields of ``desktop.Window`` but for its children."""
    name = ctypes.create_unicode_buffer(256)
    user32.GetClassNameW(handle, name, len(name))
    text = ctypes.create_unicode_buffer(LIMIT)
    taken = ctypes.c_size_t()
    # unlike GetWindowText this asks the other process, so it reads edit fields and tooltips too
    user32.SendMessageTimeoutW(handle, WM_GETTEXT, LIMIT, text, SMTO_ABORTIFHUNG, 500, ctypes.byref(taken))
    state = ctypes.c_size_t()
    if name.value == "Button":
        user32.SendMessageTimeoutW(handle, BM_GETCHECK, 0, None, SMTO_ABORTIFHUNG, 500, ctypes.byref(state))
    area = wintypes.RECT()
    user32.GetWindowRect(handle, ctypes.byref(area))
    process = wintypes.DWORD()
    user32.GetWindowThreadProcessId(handle, ctypes.byref(process))
    return {
        "handle": handle,
        "kind": name.value,
        "text": text.value,
        "area": [area.left, area.top, area.right, area.bottom],
        "visible": bool(user32.IsWindowVisible(handle)),
        "enabled": bool(user32.IsWindowEnabled(handle)),
        "process": process.value,
        "ticked": state.value == BST_CHECKED,
    }


def windows() -> list[dict[str, object]]:
    """Return every visible top-level window, uppermost first, with its controls."""
    descriptions: list[dict[str, object]] = []

    def top(handle: int, _: int) -> bool:
        if user32.IsWindowVisible(handle):
            inside: list[dict[str, object]] = []

            def child(handle: int, _: int) -> bool:
                inside.append(describe(handle))
                return True

            user32.EnumChildWindows(handle, Visitor(child), 0)
            descriptions.append({**describe(handle), "children": inside})
        return True

    user32.EnumWindows(Visitor(top), 0)
    return descriptions


def find_focus() -> int:
    """Return the handle of the control that has the keyboard, 0 if none has."""
    thread = user32.GetWindowThreadProcessId(user32.GetForegroundWindow(), None)
    info = ThreadInfo(ctypes.sizeof(ThreadInfo))
    user32.GetGUIThreadInfo(thread, ctypes.byref(info))
    return info.windows[1] or 0


def set_clipboard(text: str) -> None:
    """Put *text* on the clipboard, without an owner window."""
    data = text.encode("utf-16-le") + b"\0\0"
    block = kernel32.GlobalAlloc(GMEM_MOVEABLE, len(data))
    ctypes.memmove(kernel32.GlobalLock(block), data, len(data))
    kernel32.GlobalUnlock(block)
    if not user32.OpenClipboard(None):
        raise ctypes.WinError(ctypes.get_last_error())
    user32.EmptyClipboard()
    user32.SetClipboardData(CF_UNICODETEXT, block)
    user32.CloseClipboard()


def prepare_notification_area() -> None:
    """Wait for the notification area, and give it the right place.

    On a desktop without a taskbar it is a small window with a title in the upper left corner. It is put where a
    taskbar has it, without the title: its first icon fills the lower right corner, the rest is beyond the screen.
    """
    while not (area := user32.FindWindowW("Shell_TrayWnd", None)):
        time.sleep(0.02)
    style = user32.GetWindowLongW(area, GWL_STYLE)
    if style & WS_CAPTION == WS_CAPTION:
        side = user32.GetSystemMetrics(SM_CXSMICON) + 2 * RIM
        left, top = user32.GetSystemMetrics(SM_CXSCREEN) - side, user32.GetSystemMetrics(SM_CYSCREEN) - side
        user32.SetWindowLongW(area, GWL_STYLE, style & ~(WS_CAPTION | WS_SYSMENU))
        user32.SetWindowPos(area, None, left, top, side, side, SWP_QUIETLY)


user32.SetProcessDpiAwarenessContext(PER_MONITOR_AWARE)
prepare_notification_area()
for line in sys.stdin:
    if text := json.loads(line):
        set_clipboard(text)
    seen = {"windows": windows(), "front": user32.GetForegroundWindow(), "focus": find_focus()}
    print(json.dumps(seen), flush=True)
