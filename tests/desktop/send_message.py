"""Sends a message to the agent's windows, as Windows does.

Arguments: its number, wParam and lParam. Prints the answers, one a line.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # for mypy, which then leaves the rest out on Linux

user32 = ctypes.WinDLL("user32")
user32.FindWindowExW.restype = wintypes.HWND
user32.FindWindowExW.argtypes = (wintypes.HWND, wintypes.HWND, wintypes.LPCWSTR, wintypes.LPCWSTR)
user32.SendMessageTimeoutW.argtypes = (
    *(wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM),
    *(wintypes.UINT, wintypes.UINT, ctypes.POINTER(ctypes.c_size_t)),
)
message, wparam, lparam = (int(text, 0) for text in sys.argv[1:])
window = None
while window := user32.FindWindowExW(None, window, "iea-agent-tray", None):
    answer = ctypes.c_size_t()
    sent = user32.SendMessageTimeoutW(window, message, wparam, lparam, 0, 5000, ctypes.byref(answer))
    print(answer.value if sent else "no answer", flush=True)
