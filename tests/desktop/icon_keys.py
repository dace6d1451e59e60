"""Press a key on the agent's icon, as Windows + B and the key would.

Runs on the Windows desktop: ``icon_keys.py menu|enter X Y``. Wine's notification area takes no keys, so what Windows
would post is posted from here: the message of the icon, the key, and where the icon is.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"

WM_NOTIFY_ICON, ICON_ID = 0x040B, 1
KEYS = {"menu": 0x007B, "enter": 0x0401}
"""What Windows sends for the keys: WM_CONTEXTMENU, NIN_KEYSELECT (winuser.h, shellapi.h)."""
user32 = ctypes.WinDLL("user32")
Visitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)


def find_icon_window() -> int:
    """Return the window to which the icon's messages go."""
    handles: list[int] = []

    def visit(handle: int, _: int) -> bool:
        name = ctypes.create_unicode_buffer(256)
        user32.GetClassNameW(wintypes.HWND(handle), name, len(name))
        if name.value.endswith("-tray"):
            handles.append(handle)
        return True

    user32.EnumWindows(Visitor(visit), 0)
    # the menu has a window of the same kind, made after it and so before it in this order
    return handles[-1]


key, x, y = KEYS[sys.argv[1]], int(sys.argv[2]), int(sys.argv[3])
user32.PostMessageW(wintypes.HWND(find_icon_window()), WM_NOTIFY_ICON, y << 16 | x, ICON_ID << 16 | key)
