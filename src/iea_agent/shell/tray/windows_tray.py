"""The Windows tray: pystray's icon, hardened to run for weeks."""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
import sys
import threading
import time
from ctypes.wintypes import BOOL, HICON, HINSTANCE, HMENU, HWND, LPARAM, LPCWSTR, POINT, UINT, WPARAM
from types import ModuleType
from typing import TYPE_CHECKING, Any

from iea_agent.shell.tray.limits import (
    REPAINT_SECONDS,
    SESSION_ENDING_SECONDS,
    Notices,
    find_click_event,
    fit_balloon,
    fit_menu_label,
    fit_tooltip,
    seconds_before_repaint,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from iea_agent.domain.machine import Event
    from iea_agent.shell.wording.view import View

assert sys.platform == "win32"  # noqa: S101 - for mypy, which then leaves the rest out on Linux

log = logging.getLogger(__name__)

# pystray 0.19.5's private names that ``Tray`` overrides or leans on, and of its ``win32`` what it uses. The
# version is pinned; should the pin be moved, the first start says what has gone instead of half working.
ICON_NAMES, WIN32_NAMES = map(
    str.split,
    (
        """_register_class _message _mark_ready _update_menu _release_icon _hide _run _mainloop
        _create_window _unregister_class _HWND_TO_ICON""",
        """WM_NOTIFY WM_STOP WM_TASKBARCREATED WM_DISPLAYCHANGE WM_LBUTTONUP WM_RBUTTONUP WNDPROC WNDCLASSEX
        NOTIFYICONDATAW Shell_NotifyIcon RegisterClassEx GetModuleHandle PostMessage PostQuitMessage
        CreatePopupMenu DestroyMenu TrackPopupMenuEx SetForegroundWindow LoadImage DestroyIcon GetCursorPos
        NIM_ADD NIM_MODIFY NIM_DELETE NIM_SETVERSION""",
    ),
)


def missing_names(candidate: Any) -> list[str]:
    """Return the names that *candidate*, pystray's module ``_win32``, lacks."""
    return [f"Icon.{name}" for name in ICON_NAMES if not hasattr(candidate.Icon, name)] + [
        f"win32.{name}" for name in WIN32_NAMES if not hasattr(candidate.win32, name)
    ]


def _load_backend() -> Any:
    """Return pystray's Windows backend; raise ``RuntimeError`` for another version.

    A stand-in replaces ``pystray._util``. The original imports tempfile, shutil, bz2, lzma and random, a tenth of the
    time until the icon shows, for one function that is not needed here.
    """
    spec = importlib.util.find_spec("pystray")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pystray is not installed")
    stand_in = ModuleType("pystray._util")
    stand_in.__path__ = [os.path.join(spec.submodule_search_locations[0], "_util")]
    stand_in.serialized_image = None  # type: ignore[attr-defined]
    sys.modules.setdefault("pystray._util", stand_in)
    import pystray._win32 as loaded

    if missing := missing_names(loaded):
        raise RuntimeError(f"pystray 0.19.5 is needed, this one lacks {', '.join(missing)}")
    return loaded


backend = _load_backend()
win32 = backend.win32
_Icon: Any = backend.Icon

WM_CLOSE = 0x0010
WM_QUERYENDSESSION = 0x0011
WM_ENDSESSION = 0x0016
WM_CONTEXTMENU = 0x007B
WM_TIMER = 0x0113
WM_POWERBROADCAST, PBT_SUSPEND, PBT_RESUME = 0x0218, 4, 18
WM_WTSSESSION_CHANGE, WTS_SESSION_UNLOCK = 0x02B1, 8
WM_DPICHANGED = 0x02E0
# WM_APP: another thread has something for the tray's thread
WM_WAKE = 0x8000
NIN_SELECT, NIN_KEYSELECT, NIN_BALLOONUSERCLICK = 0x0400, 0x0401, 0x0405
NOTIFYICON_VERSION_4 = 4
# message, icon, tooltip; version 4 shows no tooltip without NIF_SHOWTIP (0x80)
NIF_PLACE = 0x01 | 0x02 | 0x04 | 0x80
NIF_PAINT = 0x02 | 0x04 | 0x80
NIF_INFO, NIIF_RESPECT_QUIET_TIME = 0x10, 0x80
MF_GRAYED, MF_DISABLED, MF_SEPARATOR = 0x1, 0x2, 0x800
# right button too, above the point, and the answer instead of WM_COMMAND
TPM = 0x0002 | 0x0020 | 0x0100
TPM_RIGHTALIGN = 0x0008
SM_MENUDROPALIGNMENT, SM_CXSMICON = 40, 49
IMAGE_ICON, LR_LOADFROMFILE, IDI_APPLICATION = 1, 0x10, 32512
PER_MONITOR_AWARE_V2 = -4
ICON_ID = 1
# our timers
REPAINT, RETRY = 1, 2
# an Explorer that is busy at logon refuses icons; Microsoft: sleep and try again
RETRY_MILLISECONDS = 2000

# our own: pystray's copy has other prototypes
_user32 = ctypes.WinDLL("user32", use_last_error=True)


def _user32_function(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_user32, name)
    function.restype, function.argtypes = result, arguments
    return function


# The answer of a window procedure is as wide as a pointer. pystray says HRESULT, 32 bits: the rest is garbage.
_PROCEDURE = ctypes.WINFUNCTYPE(ctypes.c_ssize_t, HWND, UINT, WPARAM, LPARAM)
_default_procedure = _user32_function("DefWindowProcW", ctypes.c_ssize_t, HWND, UINT, WPARAM, LPARAM)
_append_menu = _user32_function("AppendMenuW", BOOL, HMENU, UINT, ctypes.c_size_t, LPCWSTR)
_set_default_line = _user32_function("SetMenuDefaultItem", BOOL, HMENU, UINT, UINT)
_end_menu = _user32_function("EndMenu", BOOL)
_set_timer = _user32_function("SetTimer", ctypes.c_size_t, HWND, ctypes.c_size_t, UINT, ctypes.c_void_p)
_kill_timer = _user32_function("KillTimer", BOOL, HWND, ctypes.c_size_t)
_double_click_milliseconds = _user32_function("GetDoubleClickTime", UINT)
_system_metrics = _user32_function("GetSystemMetrics", ctypes.c_int, ctypes.c_int)
_metrics_for_dpi = _user32_function("GetSystemMetricsForDpi", ctypes.c_int, ctypes.c_int, UINT)
_window_dpi = _user32_function("GetDpiForWindow", UINT, HWND)
_find_window = _user32_function("FindWindowW", HWND, LPCWSTR, LPCWSTR)
_stock_icon = _user32_function("LoadIconW", HICON, HINSTANCE, ctypes.c_void_p)


def _see_real_pixels() -> None:
    """Make the process per-monitor aware; a manifest that did it wins."""
    if hasattr(_user32, "SetProcessDpiAwarenessContext"):  # Windows 10 1703
        _user32_function("SetProcessDpiAwarenessContext", BOOL, ctypes.c_void_p)(PER_MONITOR_AWARE_V2)
    else:
        _user32_function("SetProcessDPIAware", BOOL)()


class Tray(_Icon):  # type: ignore[misc]
    """The agent's icon; one in a process, once.

    The thread of ``run`` owns the windows, the icon and the menu. ``draw``, ``notify`` and ``stop`` may be called from
    any thread, also before ``run``. No work of the agent is done on that thread: a choice only posts its event,
    because a window that answers slowly holds up the whole desktop.
    """

    def __init__(
        self,
        icons: str | os.PathLike[str],
        first: View,
        post: Callable[[Event], None],
        notices: Notices | None = None,
    ) -> None:
        """Prepare the icon; nothing is shown before ``run``.

        *icons* is the folder of ``<picture's value>.ico``, each with the sizes 16 to 64. *post* takes the events of the
        menu and of a click; it must only put them in a queue. Raises ``OSError`` for a second tray in this process.
        """
        _see_real_pixels()
        # must live as long as the window class
        self._procedure_thunk = _PROCEDURE(self._procedure)
        super().__init__("iea-agent")
        # pystray's own menu, which is never made
        self._menu_handle = None
        self._icons = os.fspath(icons)
        self._post = post
        self._notices = notices or Notices()
        self._wanted = first
        self._balloon: tuple[str, str] | None = None
        self._woken = False
        self._stopping = False
        self._leaving: BaseException | None = None
        self._on_shown: Callable[[], None] | None = None
        self._placed = False
        self._painted: tuple[str, str] | None = None
        self._painted_at: float | None = None
        self._clicked_at = float("-inf")
        self._menu_open = False
        self._modern = False
        self._hicons: dict[str, int] = {}
        # the size of the last picture, in pixels
        self.icon_size = 0
        self.repaint_seconds = REPAINT_SECONDS
        self._message_handlers = {
            WM_WAKE: self._on_wake,
            WM_TIMER: self._on_timer,
            WM_CLOSE: self._on_stop,
            # never stand in the way of a log-off
            WM_QUERYENDSESSION: lambda _w, _l: 1,
            WM_ENDSESSION: self._on_session_end,
            WM_POWERBROADCAST: self._on_power,
            WM_WTSSESSION_CHANGE: self._on_session_change,
            WM_DPICHANGED: self._on_other_pixels,
            win32.WM_DISPLAYCHANGE: self._on_other_pixels,
            win32.WM_STOP: self._on_stop,
            win32.WM_NOTIFY: self._on_notify,
            win32.WM_TASKBARCREATED: self._on_taskbarcreated,
        }

    # What the agent calls

    def run(self, on_shown: Callable[[], None]) -> None:
        """Show the icon and serve it; blocks.

        It ends with ``stop``, WM_CLOSE or the end of the session. *on_shown* is called once, on this thread, when the icon
        is there. What it raises ends the tray and is raised here, as is a SystemExit or a KeyboardInterrupt of this thread.
        """
        if self._stopping:
            return
        self._on_shown = on_shown
        try:
            self._run()
        finally:
            # pystray's finaliser would otherwise stop a loop that is gone
            self._running = False
            self._hwnd = None
            self._forget_pictures()
        if self._leaving is not None:
            raise self._leaving

    def draw(self, view: View) -> None:
        """Show *view* within half a second, unless a later one replaces it. Any thread."""
        self._wanted = view
        self._wake()

    def notify(self, title: str, body: str) -> None:
        """Show a balloon, in place of an earlier one, if Windows allows it. Any thread."""
        self._balloon = fit_balloon(title, body)
        self._wake()

    @property
    def windows(self) -> tuple[int | None, int]:
        """The handles of the icon's window and of the menu's."""
        return self._hwnd, self._menu_hwnd

    def stop(self) -> None:
        """End ``run``, or prevent it, and return at once. Any thread."""
        self._stopping = True
        if self._hwnd:
            win32.PostMessage(self._hwnd, win32.WM_STOP, 0, 0)

    # What pystray calls

    def _register_class(self) -> Any:
        # Our own window procedure, for both of pystray's windows.
        return win32.RegisterClassEx(
            win32.WNDCLASSEX(
                cbSize=ctypes.sizeof(win32.WNDCLASSEX),
                lpfnWndProc=ctypes.cast(self._procedure_thunk, win32.WNDPROC),
                hInstance=win32.GetModuleHandle(None),
                lpszClassName=f"{self.name}-tray",
            )
        )

    def _mark_ready(self) -> None:
        # The windows are there. pystray would start a thread here to show the icon; a message does.
        self._running = True
        self._woken = False
        self._wake()

    def _update_menu(self) -> None:
        """Do nothing: the menu is made when it opens, from the view of that moment."""

    def _release_icon(self) -> None:
        """Do nothing: pictures are cached, not released at each change."""

    def _hide(self) -> None:
        ctypes.WinDLL("wtsapi32").WTSUnRegisterSessionNotification(HWND(self._hwnd))
        self._message(win32.NIM_DELETE, 0)

    def _message(self, code: int, flags: int, **fields: Any) -> bool:
        # The answer counts, and the icon has a number.
        data = win32.NOTIFYICONDATAW(
            cbSize=ctypes.sizeof(win32.NOTIFYICONDATAW), hWnd=self._hwnd, uID=ICON_ID, uFlags=flags, **fields
        )
        return bool(win32.Shell_NotifyIcon(code, data))

    # Messages, on the tray's thread

    def _procedure(self, hwnd: int | None, message: int, wparam: int, lparam: int) -> int:
        handler = self._message_handlers.get(message)
        # pystray has a second window, for its menu. What ends the program may come to either, the rest is told
        # to each top-level window and must be heard once. Before ``_hwnd`` is known, windows are being made.
        if handler and (hwnd == self._hwnd or (self._hwnd and message in (WM_CLOSE, WM_QUERYENDSESSION))):
            try:
                return int(handler(wparam, lparam) or 0)
            except (SystemExit, KeyboardInterrupt) as leaving:  # Swallowed by pystray; ``run`` raises it
                self._leaving = leaving
                self._on_stop()
            except Exception:
                log.exception("the tray could not deal with message %#06x", message)
            return 0
        return int(_default_procedure(hwnd, message, wparam, lparam))

    def _wake(self) -> None:
        # One message stands for any number of changes: an unread queue holds 10,000 messages at most.
        if self._hwnd and not self._woken:
            # before the message is out: the tray's thread may be quicker
            self._woken = True
            if not win32.PostMessage(self._hwnd, WM_WAKE, 0, 0):
                self._woken = False

    def _on_wake(self, _wparam: int, _lparam: int) -> None:
        # before anything is read, so that a later change wakes the tray again
        self._woken = False
        if self._stopping:
            self._on_stop()
        elif not self._placed:
            self._place()
        else:
            self._repaint_in_time()
            self._show_balloon()

    def _on_timer(self, timer: int, _lparam: int) -> None:
        _kill_timer(self._hwnd, timer)
        if self._stopping:
            return
        if timer == RETRY and not self._placed:
            self._place()
        elif timer == REPAINT and self._placed:
            self._repaint_in_time()

    def _on_taskbarcreated(self, _wparam: int = 0, _lparam: int = 0) -> None:
        # Explorer has started again, perhaps with another scale, and knows nothing of us.
        self._forget_pictures()
        self._placed = False
        self._place()

    def _on_other_pixels(self, _wparam: int, _lparam: int) -> None:
        # Another scale or screen, so another size of picture.
        self._forget_pictures()
        self._painted = None
        if self._placed:
            self._repaint_in_time()

    def _on_power(self, change: int, _lparam: int) -> int:
        if change == PBT_SUSPEND:
            self._notices.suspended()
        elif change == PBT_RESUME:
            self._notices.resumed()
        return 1

    def _on_session_change(self, change: int, _session: int) -> None:
        if change == WTS_SESSION_UNLOCK:
            self._notices.unlocked()

    def _on_session_end(self, ending: int, _lparam: int) -> None:
        # Once this returns, the process may be killed at any moment: nothing after it is sure to run.
        if ending:
            saving = threading.Thread(target=self._save, name="session-ending", daemon=True)
            saving.start()
            saving.join(SESSION_ENDING_SECONDS)
            self._on_stop()

    def _save(self) -> None:
        try:
            self._notices.session_ending()
        except Exception:
            log.exception("the end of the session could not be prepared for")

    def _on_stop(self, _wparam: int = 0, _lparam: int = 0) -> None:
        # An open menu eats the message that ends the loop; it is closed, and ``_open_menu`` posts another.
        self._stopping = True
        _end_menu()
        win32.PostQuitMessage(0)

    def _on_notify(self, wparam: int, lparam: int) -> None:
        # Version 4 names what was meant, by mouse or by keyboard, and the point: the mouse's, or for the keyboard
        # the icon's upper left corner. Seen under Wine 8 with the mouse; for the keyboard, documented and
        # as Qt and Microsoft's NotificationIcon sample do it (Wine's icons take no keys). Where version 4 was
        # refused, the mouse button is all there is, with the keyboard passed off as the right one.
        event = lparam & 0xFFFF
        if self._modern:
            x, y = ctypes.c_short(wparam & 0xFFFF).value, ctypes.c_short(wparam >> 16 & 0xFFFF).value
            opens, clicks = event == WM_CONTEXTMENU, event in (NIN_SELECT, NIN_KEYSELECT)
        else:
            point = POINT()
            win32.GetCursorPos(ctypes.byref(point))
            x, y = point.x, point.y
            opens, clicks = event == win32.WM_RBUTTONUP, event == win32.WM_LBUTTONUP
        if opens:
            self._open_menu(x, y)
        elif clicks or event == NIN_BALLOONUSERCLICK:
            self._click()

    # The icon, on the tray's thread

    def _place(self) -> None:
        """Put the icon into the notification area, or try again in two seconds."""
        view = self._wanted
        tooltip = fit_tooltip(view.tooltip)
        fields = {
            "uCallbackMessage": win32.WM_NOTIFY,
            "hIcon": self._hicon(view.picture.value),
            "szTip": tooltip,
        }
        # An Explorer that answered too late may have taken the icon all the same: then changing it works.
        if not (
            self._message(win32.NIM_ADD, NIF_PLACE, **fields)
            or self._message(win32.NIM_MODIFY, NIF_PLACE, **fields)
        ):
            _set_timer(self._hwnd, RETRY, RETRY_MILLISECONDS, None)
            return
        self._modern = self._message(win32.NIM_SETVERSION, 0, uVersion=NOTIFYICON_VERSION_4)
        self._placed = True
        self._painted, self._painted_at = (view.picture.value, tooltip), time.monotonic()
        if self._on_shown is not None:
            on_shown, self._on_shown = self._on_shown, None
            try:
                on_shown()
            except BaseException as error:  # noqa: BLE001 - ``run`` raises it
                self._leaving = error
                self._on_stop()
            # Asked for when the icon is there, for it loads a library; refused on a Windows without sessions.
            ctypes.WinDLL("wtsapi32").WTSRegisterSessionNotification(HWND(self._hwnd), 0)
        self._wake()  # what has been asked for since

    def _repaint_in_time(self) -> None:
        """Repaint a changed view, at once or when the last repaint is half a second old."""
        view = self._wanted
        new = (view.picture.value, fit_tooltip(view.tooltip))
        if new == self._painted:
            return
        now = time.monotonic()
        if wait := seconds_before_repaint(self._painted_at, now, self.repaint_seconds):
            _set_timer(self._hwnd, REPAINT, int(wait * 1000) + 1, None)
            return
        self._painted_at = now
        if self._message(win32.NIM_MODIFY, NIF_PAINT, hIcon=self._hicon(new[0]), szTip=new[1]):
            self._painted = new
        else:  # Explorer has gone, or lost us
            self._placed = False
            _set_timer(self._hwnd, RETRY, RETRY_MILLISECONDS, None)

    def _show_balloon(self) -> None:
        balloon, self._balloon = self._balloon, None
        if balloon is not None and not self._message(
            win32.NIM_MODIFY,
            NIF_INFO,
            szInfoTitle=balloon[0],
            szInfo=balloon[1],
            dwInfoFlags=NIIF_RESPECT_QUIET_TIME,
        ):
            log.info("Windows would not show a notification")

    def _hicon(self, picture: str) -> Any:
        """Return the handle of a picture, at the size of a small icon on the taskbar."""
        taskbar = _find_window("Shell_TrayWnd", None)
        size = _metrics_for_dpi(SM_CXSMICON, _window_dpi(taskbar or self._hwnd))
        if size != self.icon_size:
            self._forget_pictures()
            self.icon_size = size
        if picture not in self._hicons:
            path = os.path.join(self._icons, f"{picture}.ico")
            try:
                self._hicons[picture] = win32.LoadImage(None, path, IMAGE_ICON, size, size, LR_LOADFROMFILE)
            except OSError:
                log.exception("the picture %s cannot be read", path)
                return _stock_icon(None, IDI_APPLICATION)  # a program's icon rather than a hole
        return self._hicons[picture]

    def _forget_pictures(self) -> None:
        while self._hicons:  # the shell keeps copies of its own
            win32.DestroyIcon(self._hicons.popitem()[1])

    # The person, on the tray's thread

    def _click(self) -> None:
        # A double click is two clicks; a greyed action is none.
        now = time.monotonic()
        if now - self._clicked_at < _double_click_milliseconds() / 1000:
            return
        self._clicked_at = now
        event = find_click_event(self._wanted)
        if event is not None:
            self._emit(event)

    def _open_menu(self, x: int, y: int) -> None:
        """Show the menu of this moment above the point, and post the chosen event."""
        if self._menu_open or self._stopping:
            return
        view = self._wanted
        hmenu = win32.CreatePopupMenu()
        self._menu_open = True
        self._notices.menu_opened()
        try:
            for number, line in enumerate(view.menu, start=1):
                if not line.label:
                    _append_menu(hmenu, MF_SEPARATOR, 0, None)
                    continue
                state = (0 if line.event is not None else MF_DISABLED) if line.enabled else MF_GRAYED
                _append_menu(hmenu, state, number, fit_menu_label(line.label, line.mnemonic))
                if line.event is not None and line.event == view.click:
                    _set_default_line(hmenu, number, 0)
            align = TPM_RIGHTALIGN if _system_metrics(SM_MENUDROPALIGNMENT) else 0
            # The menu closes at a click elsewhere only if its window is the foreground one, and opens a second
            # time only if that window gets a message afterwards (Microsoft, TrackPopupMenu, remarks).
            win32.SetForegroundWindow(self._hwnd)
            number = win32.TrackPopupMenuEx(hmenu, TPM | align, x, y, self._hwnd, None)
            win32.PostMessage(self._hwnd, 0, 0, 0)
        finally:
            self._menu_open = False
            win32.DestroyMenu(hmenu)
        if self._stopping:
            win32.PostQuitMessage(0)
        elif 0 < number <= len(view.menu) and (event := view.menu[number - 1].event) is not None:
            self._emit(event)

    def _emit(self, event: Event) -> None:
        try:
            self._post(event)
        except Exception:
            log.exception("the event %r was not taken", event)
