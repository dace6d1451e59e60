"""The tray in a real notification area: Python for Windows under Wine, a mouse."""

from __future__ import annotations

import json
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

if sys.platform != "linux":
    pytest.skip("a desktop under Wine", allow_module_level=True)

from Xlib import X
from Xlib.display import Display
from Xlib.ext import xtest

from rig.desktop import Area, Desktop
from rig.installed_program import start_script
from rig.prefix import read_to_end, windows_path

HERE = Path(__file__).parent
ICONS = HERE.parents[1] / "src" / "iea_agent" / "shell" / "icons"
T = TypeVar("T")
PATIENCE = 15.0
# numbers of the stage's menu lines
STATUS, SETTINGS, GREY, INFORMATION, QUIT = 0, 2, 3, 4, 5


def until(look: Callable[[], T], patience: float = PATIENCE) -> T:
    """Return what *look* returns once that is true; fail after *patience* seconds."""
    deadline = time.monotonic() + patience
    pause = threading.Event()
    while not (seen := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        pause.wait(0.005)
    return seen


class Screen:
    """The desktop's display from within: pixels and clicks in a millisecond.

    A program of its own takes a hundred milliseconds.
    """

    def __init__(self, desktop: Desktop) -> None:
        self.desktop = desktop
        self.display = Display(desktop.display)
        self.root = self.display.screen().root

    def pixels(self, area: Area) -> bytes:
        """Return the pixels of a rectangle."""
        return bytes(self.root.get_image(*area[:2], *area.size, X.ZPixmap, 0xFFFFFFFF).data)

    def click(self, point: tuple[int, int], button: int = 1, times: int = 1) -> None:
        """Press and release a mouse button at *point*."""
        xtest.fake_input(self.display, X.MotionNotify, x=point[0], y=point[1])
        for _ in range(times):
            xtest.fake_input(self.display, X.ButtonPress, button)
            xtest.fake_input(self.display, X.ButtonRelease, button)
        self.display.sync()


class Stage:
    """A tray in the notification area, and the wire to it."""

    def __init__(self, screen: Screen, wire: socket.socket) -> None:
        self.screen = screen
        self.wire = wire
        self.events: queue.Queue[str] = queue.Queue()
        self.answers: queue.Queue[Any] = queue.Queue()
        self.last_words: dict[str, Any] = {}
        threading.Thread(target=self._listen, daemon=True).start()
        self.expect("shown")
        self.taskbar: list[int] = self.do("taskbar")

    def _listen(self) -> None:
        with self.wire.makefile("rb") as lines:
            for line in lines:
                words = json.loads(line)
                if "done" in words:
                    self.answers.put(words["done"])
                else:
                    self.last_words = words
                    self.events.put(words["event"])
        self.events.put("gone")

    def do(self, name: str, **arguments: Any) -> Any:
        """Have the stage do something and return its answer."""
        self.wire.sendall(json.dumps({"do": name, **arguments}).encode() + b"\n")
        return self.answers.get(timeout=PATIENCE)

    def expect(self, *events: str) -> None:
        """Expect these events next, with no others in between."""
        assert [self.events.get(timeout=PATIENCE) for _ in events] == list(events)

    def expect_end(self) -> None:
        """Expect that the tray's ``run`` returns and the process ends by itself."""
        self.expect("over", "gone")

    @property
    def square(self) -> Area:
        """Where the only icon is: at the right end of the taskbar, without its rim."""
        _, top, right, bottom = self.taskbar
        return Area(right - (bottom - top) + 1, top + 1, right - 1, bottom - 1)

    def icon(self) -> bytes:
        """Return the pixels of the icon."""
        return self.screen.pixels(self.square)

    def icon_shown(self) -> bool:
        """Return whether there is more than bare taskbar, which has one colour."""
        pixels = self.icon()
        return pixels != pixels[:4] * (len(pixels) // 4)

    def icon_changes(self, before: bytes) -> None:
        """Wait until the icon looks different from *before*."""
        until(lambda: self.icon() != before)

    def menu(self) -> list[Area]:
        """Return where the lines of the open menu are; none if no menu is open."""
        return [Area(*line) for line in self.do("menu")]

    def open_menu(self) -> list[tuple[int, int]]:
        """Click right on the icon and return the middle of each menu line."""
        self.screen.click(self.square.centre, button=3)
        return [line.centre for line in until(self.menu)]

    def no_menu(self) -> bool:
        return not self.menu()


@contextmanager
def a_screen(scaling: int) -> Iterator[Screen]:
    with Desktop(scaling) as desktop:
        screen = Screen(desktop)
        try:
            yield screen
        finally:
            screen.display.close()


@contextmanager
def a_stage(screen: Screen) -> Iterator[Stage]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        process = start_script(
            screen.desktop,
            HERE / "tray_stage.py",
            str(server.getsockname()[1]),
            windows_path(ICONS),
        )
        wire, _ = server.accept()
        with wire:
            yield Stage(screen, wire)
            wire.shutdown(socket.SHUT_WR)  # the stage stops when it hears no more
            process.wait(PATIENCE)


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    with a_screen(100) as screen:
        yield screen


@pytest.fixture
def stage(screen: Screen) -> Iterator[Stage]:
    with a_stage(screen) as stage:
        yield stage


def test_the_icon_appears_at_the_size_of_a_small_icon(stage: Stage) -> None:
    until(stage.icon_shown)
    assert stage.do("icon_size") == 16


def test_the_icon_and_the_menu_grow_with_the_scaling() -> None:
    with a_screen(150) as screen, a_stage(screen) as stage:
        assert stage.do("icon_size") == 24
        assert screen.desktop.recognise_icon(ICONS) == "ball"
        stage.screen.click(stage.open_menu()[SETTINGS])
        stage.expect("SettingsRequested")


def test_a_right_click_opens_the_menu_and_a_choice_posts_its_event(stage: Stage) -> None:
    lines = stage.open_menu()
    stage.screen.click(lines[SETTINGS])
    stage.expect("SettingsRequested")
    until(stage.no_menu)
    lines = stage.open_menu()
    stage.screen.click(lines[QUIT])
    stage.expect("QuitRequested")


def test_lines_without_an_event_and_grey_ones_post_nothing(stage: Stage) -> None:
    for line in (GREY, INFORMATION, SETTINGS):
        middle = stage.open_menu()[line]
        stage.screen.click(middle)
        stage.screen.click((200, 200))
        until(stage.no_menu)
    stage.expect("SettingsRequested")


def test_a_double_click_is_one_click(stage: Stage) -> None:
    stage.screen.click(stage.square.centre, times=2)
    stage.screen.click(stage.open_menu()[SETTINGS])
    stage.expect("StatusRequested", "SettingsRequested")


def test_a_click_where_there_is_nothing_to_say_is_nothing(stage: Stage) -> None:
    stage.do("draw", click=False)
    stage.screen.click(stage.square.centre)
    stage.screen.click(stage.open_menu()[SETTINGS])
    stage.expect("SettingsRequested")


def test_the_menu_opens_from_the_keyboard_at_the_icon(stage: Stage) -> None:
    stage.do("keyboard_menu", x=stage.square.left, y=stage.square.top)
    lines = until(stage.menu)
    assert lines[QUIT].bottom <= stage.square.top, "above the icon"
    stage.screen.click(lines[QUIT].centre)
    stage.expect("QuitRequested")


def test_a_change_is_on_the_screen_within_half_a_second(stage: Stage) -> None:
    until(stage.icon_shown)
    for picture in ("beetle", "ball-heart", "ball-pale"):
        before = stage.icon()
        asked = time.monotonic()
        stage.do("draw", picture=picture)
        stage.icon_changes(before)
        took = time.monotonic() - asked
        assert took < 0.6, "500 ms, and what a shared machine and Wine's desktop need to paint"


def test_there_are_two_repaints_a_second_at_most_and_the_last_one_counts(stage: Stage) -> None:
    until(stage.icon_shown)
    seen, changes, end = stage.icon(), 0, time.monotonic() + 2
    while time.monotonic() < end:
        stage.do("draw", picture="beetle")
        stage.do("draw", picture="ball-heart")
        if (now := stage.icon()) != seen:
            seen, changes = now, changes + 1
    assert changes <= 5
    stage.do("draw", picture="ball-pale")
    until(lambda: stage.screen.desktop.recognise_icon(ICONS) == "ball-pale")


def test_redraws_while_the_menu_is_open_leave_it_alone(stage: Stage) -> None:
    until(stage.icon_shown)
    before = stage.icon()
    lines = stage.open_menu()
    stage.do("draw", times=300, picture="beetle")
    stage.icon_changes(before)
    stage.screen.click(lines[SETTINGS])
    stage.expect("SettingsRequested")


def test_it_stops_with_the_menu_open(stage: Stage) -> None:
    stage.open_menu()
    stage.do("stop")
    stage.expect_end()
    assert stage.last_words["modules"] == [], "nothing heavy was loaded"


def test_it_stops_without_a_menu(stage: Stage) -> None:
    stage.do("stop")
    stage.expect_end()


def test_a_log_off_is_never_refused_and_gives_time_to_save(stage: Stage) -> None:
    for window in (0, 1):
        assert stage.do("send", message=0x0011, window=window) == 1
    assert stage.do("send", message=0x0016, wparam=0) == 0  # another program refused: we stay
    assert stage.do("send", message=0x0016, wparam=1) == 0
    stage.expect("session_ending")
    stage.expect_end()


def test_saving_that_hangs_does_not_hang_the_log_off(stage: Stage) -> None:
    stage.do("dawdle")
    assert stage.do("send", message=0x0016, wparam=1) == 0, "answered before Windows loses patience at 5 s"
    stage.expect("session_ending")
    stage.expect_end()


def test_a_real_log_off_takes_place_and_the_work_is_saved() -> None:
    with a_screen(100) as screen, a_stage(screen) as stage:
        prefix = screen.desktop.prefix
        with prefix.start("wineboot", "--end-session") as log_off:
            stage.expect("session_ending")
            assert read_to_end(log_off, 30)[0] == 0


@pytest.mark.parametrize("window", [0, 1], ids=["icon", "menu"])
def test_a_window_that_is_closed_ends_the_tray(stage: Stage, window: int) -> None:
    stage.do("send", message=0x0010, window=window)
    stage.expect_end()


def test_an_event_that_nobody_takes_does_not_harm_the_tray(stage: Stage) -> None:
    stage.do("refuse", error="ValueError")
    stage.screen.click(stage.open_menu()[SETTINGS])
    stage.expect("SettingsRequested")
    stage.do("refuse", error=None)
    stage.screen.click(stage.open_menu()[QUIT])
    stage.expect("QuitRequested")


def test_system_exit_is_not_swallowed(stage: Stage) -> None:
    stage.do("refuse", error="SystemExit")
    stage.screen.click(stage.open_menu()[SETTINGS])
    stage.expect("SettingsRequested")
    stage.expect_end()
    assert stage.last_words["raised"] == "SystemExit"


def test_power_and_session_are_told(stage: Stage) -> None:
    assert stage.do("send", message=0x0218, wparam=4) == 1
    assert stage.do("send", message=0x0218, wparam=18) == 1
    stage.do("send", message=0x02B1, wparam=7)
    stage.do("send", message=0x02B1, wparam=8)
    stage.expect("suspended", "resumed", "unlocked")


def test_a_tooltip_that_is_too_long_is_cut_and_survives_explorer(stage: Stage) -> None:
    stage.do("draw", tooltip="R&D " + "x" * 300)
    stage.do("explorer_restarts")
    until(lambda: stage.screen.desktop.tooltip() == "R+D " + "x" * 122 + "…")


def test_the_icon_comes_back_when_explorer_does(stage: Stage) -> None:
    until(stage.icon_shown)
    stage.do("lose_icon")
    until(lambda: not stage.icon_shown())
    stage.do("explorer_restarts")
    until(stage.icon_shown)
    stage.screen.click(stage.open_menu()[SETTINGS])
    stage.expect("SettingsRequested")


def test_an_icon_that_was_lost_unannounced_comes_back_at_the_next_change(stage: Stage) -> None:
    until(stage.icon_shown)
    stage.do("lose_icon")
    until(lambda: not stage.icon_shown())
    stage.do("draw", picture="beetle")
    until(stage.icon_shown)


def test_thousands_of_changes_leak_nothing(stage: Stage) -> None:
    for change, times in (("paint", 2000), ("reload", 200)):
        settled = stage.do(change, times=20)
        for _ in range(times // 100):
            assert stage.do(change, times=100) <= settled
