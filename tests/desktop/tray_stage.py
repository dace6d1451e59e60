"""A real Tray inside the Windows Python that obeys a test over a loopback socket.

Each line that comes in is {"do": name, …arguments}; each is answered by {"done": result}, on the thread of the socket.
{"event": …} goes out whenever the tray posts something. The numbers of messages are those of winuser.h.
"""

from __future__ import annotations

import ctypes
import json
import socket
import sys
import threading
from ctypes import wintypes
from pathlib import Path
from typing import Any

from iea_agent.domain.machine import QuitRequested, SettingsRequested, StatusRequested
from iea_agent.shell.tray import Notices, Tray, windows_tray
from iea_agent.shell.tray.limits import REPAINT_SECONDS
from iea_agent.shell.wording.view import SEPARATOR, MenuLine, Picture, View

assert sys.platform == "win32"  # for mypy, which then leaves the rest out on Linux

EVENTS = (StatusRequested(), SettingsRequested(), QuitRequested())
user32 = ctypes.WinDLL("user32")
user32.SendMessageTimeoutW.argtypes = (
    *(wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM),
    *(wintypes.UINT, wintypes.UINT, ctypes.POINTER(ctypes.c_size_t)),
)
user32.GetMenuItemRect.argtypes = (wintypes.HWND, ctypes.c_void_p, wintypes.UINT, ctypes.c_void_p)
user32.FindWindowW.restype = wintypes.HWND


def view(picture: str = "ball", tooltip: str = "IEA", first: str = "État", click: bool = True) -> View:
    """Return a view with each kind of line: status, choice, grey, information only."""
    status, settings, leave = EVENTS
    lines = (
        MenuLine(first, status),
        SEPARATOR,
        MenuLine("Paramètres & R&D…", settings, mnemonic="P"),
        MenuLine("Grisée", settings, enabled=False),
        MenuLine("Pour information"),
        MenuLine("Quitter", leave, mnemonic="Q"),
    )
    return View(Picture(picture), tooltip, lines, status if click else None)


def rectangle(function: Any, *arguments: Any) -> list[int]:
    """Return what a Win32 function writes into its last argument, a RECT."""
    rect = wintypes.RECT()
    function(*arguments, ctypes.byref(rect))
    return [rect.left, rect.top, rect.right, rect.bottom]


def gdi_objects() -> int:
    """Return the number of GDI objects of this process.

    It is read from the process's own table: Wine's GetGuiResources always says 0.
    """
    ntdll = ctypes.WinDLL("ntdll")
    ntdll.RtlGetCurrentPeb.restype = ctypes.c_size_t
    table = ctypes.c_size_t.from_address(ntdll.RtlGetCurrentPeb() + 0xF8).value
    handles = (ctypes.c_uint64 * (3 * 16384)).from_address(table)
    return sum(1 for number in range(0, len(handles), 3) if handles[number])


class IconNumber(ctypes.Structure):
    """The start of a NOTIFYICONDATAW, which names an icon; the rest stays 0."""

    _fields_ = (
        ("cbSize", wintypes.DWORD),
        ("hWnd", wintypes.HWND),
        ("uID", wintypes.UINT),
        ("rest", ctypes.c_byte * 956),
    )


class Stage:
    """The commands, one method each."""

    def __init__(self, port: int, icons: Path) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.socket.settimeout(None)
        self.refusal: type[BaseException] | None = None
        self.saving = threading.Event()
        self.saving.set()
        notices = Notices(
            session_ending=self.save,
            suspended=lambda: self.say(event="suspended"),
            resumed=lambda: self.say(event="resumed"),
            unlocked=lambda: self.say(event="unlocked"),
        )
        self.tray: Any = Tray(icons, view(), self.post, notices)

    def run(self) -> None:
        """Run the tray; the last message is "over"."""
        threading.Thread(target=self.obey, daemon=True).start()
        raised = ""
        try:
            self.tray.run(lambda: self.say(event="shown"))
        except BaseException as error:  # noqa: BLE001 - the test judges it
            raised = type(error).__name__
        modules = [name for name in ("PIL", "cryptography", "tempfile", "tuf", "wx") if name in sys.modules]
        self.say(event="over", raised=raised, modules=modules)

    def post(self, event: object) -> None:
        self.say(event=type(event).__name__)
        if self.refusal is not None:
            raise self.refusal("as the test wished")

    def save(self) -> None:
        self.say(event="session_ending")
        self.saving.wait(60)

    def say(self, **words: object) -> None:
        self.socket.sendall(json.dumps(words).encode() + b"\n")

    def obey(self) -> None:
        with self.socket.makefile("rb") as lines:
            for line in lines:
                order = json.loads(line)
                self.say(done=getattr(self, "do_" + order.pop("do"))(**order))
        self.tray.stop()

    def do_draw(self, times: int = 1, **looks: Any) -> None:
        """Draw *times* views that differ, the last one as asked."""
        for number in range(times - 1):
            self.tray.draw(view(tuple(Picture)[number % 4].value, f"{number}", f"{number}"))
        self.tray.draw(view(**looks))

    def do_paint(self, times: int) -> int:
        """Paint *times* pictures, each at once, and return the number of GDI objects then."""
        return self._repaint(times, windows_tray.WM_WAKE)

    def do_reload(self, times: int) -> int:
        """Drop and load all pictures *times* times; return the number of GDI objects then."""
        return self._repaint(times, windows_tray.WM_DPICHANGED)

    def _repaint(self, times: int, message: int) -> int:
        self.tray.repaint_seconds = 0
        for number in range(times):
            self.tray.draw(view(tuple(Picture)[number % 4].value))
            self.do_send(message)
        self.tray.repaint_seconds = REPAINT_SECONDS
        return gdi_objects()

    def do_notify(self, title: str, body: str) -> None:
        self.tray.notify(title, body)

    def do_refuse(self, error: str | None) -> None:
        """Make ``post`` raise *error* from now on."""
        self.refusal = {"SystemExit": SystemExit, "ValueError": ValueError, None: None}[error]

    def do_dawdle(self) -> None:
        """Make the agent slow when the session ends."""
        self.saving.clear()

    def do_stop(self) -> None:
        self.tray.stop()

    def do_windows(self) -> list[int]:
        return list(self.tray.windows)

    def do_send(self, message: int, wparam: int = 0, lparam: int = 0, window: int = 0) -> int | None:
        """Send a message as another program would.

        Returns all 64 bits of the answer, or None after 5 s. *window* is 0 for the icon's window, 1 for the menu's.
        """
        answer = ctypes.c_size_t(0xDEAD)
        hwnd = self.tray.windows[window]
        sent = user32.SendMessageTimeoutW(hwnd, message, wparam, lparam, 0, 5000, ctypes.byref(answer))
        return answer.value if sent else None

    def do_explorer_restarts(self) -> int | None:
        """Take the icon away and announce a new taskbar, as a new Explorer does."""
        self.do_lose_icon()
        return self.do_send(user32.RegisterWindowMessageW("TaskbarCreated"))

    def do_lose_icon(self) -> None:
        data = IconNumber(ctypes.sizeof(IconNumber), self.tray.windows[0], windows_tray.ICON_ID)
        ctypes.WinDLL("shell32").Shell_NotifyIconW(2, ctypes.byref(data))

    def do_taskbar(self) -> list[int]:
        """Return the rectangle of the taskbar, as far as it is on the screen."""
        window = user32.FindWindowW("Shell_TrayWnd", None)
        left, top, right, bottom = rectangle(user32.GetWindowRect, wintypes.HWND(window))
        return [left, top, min(right, user32.GetSystemMetrics(0)), min(bottom, user32.GetSystemMetrics(1))]

    def do_menu(self) -> list[list[int]]:
        """Return the rectangles of the open menu's lines; none if no menu is open."""
        window = user32.FindWindowW("#32768", None)
        if not window or not user32.IsWindowVisible(wintypes.HWND(window)):
            return []
        menu = ctypes.c_size_t()
        if (
            not user32.SendMessageTimeoutW(window, 0x01E1, 0, 0, 0, 2000, ctypes.byref(menu))
            or not menu.value
        ):
            return []
        return [rectangle(user32.GetMenuItemRect, None, menu.value, n) for n in range(6)]

    def do_keyboard_menu(self, x: int, y: int) -> None:
        """Post what Windows posts for the menu key on the icon.

        Wine's icons take no keys.
        """
        user32.PostMessageW(wintypes.HWND(self.tray.windows[0]), 0x040B, y << 16 | x, 1 << 16 | 0x007B)

    def do_icon_size(self) -> int:
        return int(self.tray.icon_size)


if __name__ == "__main__":
    Stage(int(sys.argv[1]), Path(sys.argv[2])).run()
