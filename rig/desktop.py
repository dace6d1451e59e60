"""A Windows desktop under Wine: start programs, look, click, type, take pictures.

Runs in the Linux Python. ``python -m rig desktop --help`` runs a script on it from the command line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from PIL import Image, ImageChops, ImageGrab, ImageStat

from rig.build import PYTHON, wine_version
from rig.prefix import Prefix, windows_path

HERE = Path(__file__).resolve().parent
MENU = "#32768"  # the window class of popup menus
TASKBAR = "Shell_TrayWnd"
TOOLTIP = "tooltips_class32"
SEPARATOR = 4  # pixels: a line of a menu that is not higher is a separator
DARK = 90  # 0 is black: an enabled item has darker pixels than this, a disabled one has not
PAUSE = 0.05  # seconds between two looks at the screen
LAST_OUTPUT_SECONDS = 1  # without output after the end of a program: there is no more


class NotSeenError(AssertionError):
    """A window or picture did not come in time; the message lists what was on screen."""


class Area(NamedTuple):
    """A rectangle in pixels of the screen."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def centre(self) -> tuple[int, int]:
        """The point that a click aims at."""
        return (self.left + self.right) // 2, (self.top + self.bottom) // 2

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.right - self.left, self.bottom - self.top


@dataclass(frozen=True)
class Window:
    """One window or control as Windows describes it."""

    handle: int
    kind: str
    text: str
    area: Area
    visible: bool
    enabled: bool
    process: int
    ticked: bool = False
    children: tuple[Window, ...] = ()

    def control(self, text: str, kind: str = "") -> Window:
        """Return the visible control with *text*, compared without & and blanks around.

        Raises NotSeenError if there is none.
        """
        for child in self.children:
            if child.visible and child.text.replace("&", "").strip() == text and kind in child.kind:
                return child
        raise NotSeenError(f"no {kind or 'control'} {text!r} in {self.text!r}, only {_listed(self.children)}")


NO_WINDOW = Window(0, "", "", Area(0, 0, 0, 0), False, False, 0)


class MenuItem(NamedTuple):
    """A line of an open menu: its area, and whether it is enabled (black, not grey)."""

    area: Area
    enabled: bool


class Desktop:
    """A running desktop with taskbar and notification area; use it in a ``with``.

    *scaling* is Windows' display scaling in percent; the screen grows with it unless *size* is given. *name* keeps the
    prefix for a later run (see Prefix). With *display* the desktop is a window on that X display instead of a virtual
    screen.
    """

    def __init__(
        self,
        scaling: int = 100,
        size: tuple[int, int] | None = None,
        name: str | None = None,
        display: str | None = None,
    ) -> None:
        self.scaling = scaling
        self.size = size or (1280 * scaling // 100, 760 * scaling // 100)
        self._ours: list[subprocess.Popen[Any]] = []
        self._reader: subprocess.Popen[str] | None = None
        self.prefix = Prefix(name)
        try:
            self.display = display or self._virtual_screen()
            self._show()
        except BaseException:
            self.close()
            raise

    def start(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the Windows Python on this desktop; its ``stdout`` has output and errors."""
        return self.start_program(PYTHON / "python.exe", *arguments, env=env)

    def start_program(
        self, program: str | Path, *arguments: str | Path, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a Windows program on this desktop, as ``start`` does Python."""
        process = self.prefix.start(program, *arguments, env=env)
        self._ours.append(process)
        return process

    def windows(self) -> list[Window]:
        """Return the visible top-level windows, uppermost first, with taskbar and menus."""
        return [_window(entry) for entry in self._look()["windows"]]

    def wait(self, pick: Callable[[list[Window]], Window | None], what: str, timeout: float = 15) -> Window:
        """Wait until *pick* returns one of the windows, and return it.

        Raises NotSeenError, which names *what*, after *timeout* seconds.
        """
        deadline = time.monotonic() + timeout
        while True:
            windows = self.windows()
            if (window := pick(windows)) is not None:
                return window
            if time.monotonic() > deadline:
                raise NotSeenError(f"{what} not seen in {timeout:g} s; on screen: {_listed(windows)}")
            time.sleep(PAUSE)

    def window(self, title: str, timeout: float = 15) -> Window:
        """Wait for a window whose title matches the regular expression *title*."""
        return self.wait(
            lambda windows: next(
                (w for w in windows if re.search(title, w.text) and w.kind != TOOLTIP), None
            ),
            title,
            timeout,
        )

    def gone(self, title: str, timeout: float = 15) -> None:
        """Wait until no window has a title that matches *title*."""
        self._wait_for_end(lambda window: bool(re.search(title, window.text)), title, timeout)

    def _wait_for_end(self, is_one: Callable[[Window], bool], what: str, timeout: float) -> None:
        """Wait until none of the windows *is_one*."""
        self.wait(
            lambda windows: None if any(map(is_one, windows)) else NO_WINDOW, f"the end of {what}", timeout
        )

    def front(self) -> int:
        """Return the handle of the window that has the keyboard."""
        return int(self._look()["front"])

    def focus(self) -> int:
        """Return the handle of the control that has the keyboard, 0 if none has."""
        return int(self._look()["focus"])

    def move(self, x: int, y: int) -> None:
        """Move the pointer to a point of the screen."""
        self._xdotool("mousemove", str(x), str(y))

    def click(self, where: Window | MenuItem | Area, button: int = 1) -> None:
        """Click in the middle of a window, item or area; button 3 is the right one."""
        x, y = (where if isinstance(where, Area) else where.area).centre
        self._xdotool("mousemove", str(x), str(y), "click", str(button))

    def type(self, text: str) -> None:
        """Type *text* into the focused control; paste it if the keyboard lacks a letter."""
        if text.isascii():
            self._xdotool("type", "--delay", "20", text)
        else:
            self._look(clipboard=text)
            self.key("ctrl+v")

    def key(self, *names: str) -> None:
        """Press keys by their X names, "Return" or "alt+F4" for example."""
        self._xdotool("key", "--delay", "30", *names)

    def look(self, area: Area | None = None) -> Image.Image:
        """Return a picture of the screen, or of *area*."""
        return ImageGrab.grab(area, xdisplay=self.display).convert("RGB")

    def picture(self, file: Path, of: Window | Area | None = None) -> Path:
        """Write a PNG of the screen or of a part of it, and return *file*."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.look(of.area if isinstance(of, Window) else of).save(file)
        return file

    def icon(self, timeout: float = 15) -> Area:
        """Wait for an icon at the right end of the notification area; return its square."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            top = next((w.area.top for w in self.windows() if w.kind == TASKBAR), self.size[1])
            # not the area's own right and lower edge: without a taskbar they are beyond the screen
            square = Area(self.size[0] - (self.size[1] - top), top, *self.size)
            if top < self.size[1] and len(self.look(square).getcolors(maxcolors=1 << 16) or ()) > 1:
                return square
            time.sleep(PAUSE)
        raise NotSeenError(
            f"no icon in the notification area in {timeout:g} s; on screen: {_listed(self.windows())}"
        )

    def recognise_icon(self, folder: Path) -> str:
        """Return the stem of the ``.ico`` file in *folder* that resembles the icon most."""
        seen = self.look(self.icon())
        ground = seen.getpixel((0, 0))
        margin = 2  # pixels that Wine leaves round an icon
        width = seen.width - 2 * margin
        seen = seen.crop((margin, margin, margin + width, margin + width))

        def distance(file: Path) -> float:
            with Image.open(file) as icon:
                size = min(icon.info["sizes"], key=lambda size: (abs(size[0] - width), size))
                icon.size = size  # type: ignore[misc]  # Pillow chooses a frame so
                frame = icon.convert("RGBA").resize((width, width))
            drawn = Image.new("RGBA", frame.size, ground)
            drawn.alpha_composite(frame)
            return sum(ImageStat.Stat(ImageChops.difference(drawn.convert("RGB"), seen)).mean)

        return min(sorted(folder.glob("*.ico")), key=distance).stem

    def tooltip(self, timeout: float = 15) -> str:
        """Point at the icon and return the text of its tooltip."""
        x, y = self.icon(timeout).centre
        self.move(x - 200, y - 200)
        self.move(x, y)
        return self.wait(
            lambda windows: next((w for w in windows if w.kind == TOOLTIP and w.text), None),
            "the tooltip",
            timeout,
        ).text

    def open_menu(self, timeout: float = 15) -> list[MenuItem]:
        """Right-click the icon and return the items of its menu, without separators."""
        self.click(self.icon(timeout), button=3)
        return self.menu(timeout)

    def menu(self, timeout: float = 15) -> list[MenuItem]:
        """Wait for an open popup menu and return its items."""
        menu = self.wait(
            lambda windows: next((w for w in windows if w.kind == MENU), None), "a menu", timeout
        )
        # away from the icon, whose tooltip would cover the menu
        self.move(menu.area.left + 2, menu.area.top + 2)
        self.wait(
            lambda windows: None if _is_covered(windows) else NO_WINDOW, "the end of the tooltip", timeout
        )
        # a busy machine paints a menu line by line: it is complete when two pictures are equal
        deadline = time.monotonic() + timeout
        before: list[MenuItem] = []
        while True:
            items = _items(self.look(menu.area), menu.area)
            if (items and items == before) or time.monotonic() > deadline:
                return items
            before = items
            time.sleep(PAUSE)

    def choose(self, position: int, timeout: float = 15) -> None:
        """Click the item at *position* of the open menu, and wait until it is closed.

        1 is the first item; separators do not count.
        """
        self.click(self.menu(timeout)[position - 1])
        self._wait_for_end(lambda window: window.kind == MENU, "the menu", timeout)

    def close(self) -> None:
        """End every program, the desktop and the virtual screen."""
        self.prefix.close()
        for process in reversed(self._ours):
            end_process(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def x(self) -> dict[str, str]:
        """The environment of an X program on this screen."""
        return {
            "DISPLAY": self.display,
            "PATH": os.environ["PATH"],
            "HOME": self.prefix.environment["HOME"],
            "LANG": "C.UTF-8",
        }

    def _virtual_screen(self) -> str:
        width, height = self.size
        reading, writing = os.pipe()
        command = [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            f"{width}x{height}x24",
            "-nolisten",
            "tcp",
        ]
        screen = subprocess.Popen(
            command, pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._ours.append(screen)
        os.close(writing)
        # Xvfb picks a free number and writes it when it is ready
        with os.fdopen(reading) as pipe:
            if not select.select([pipe], [], [], 20)[0] or not (number := pipe.readline().strip()):
                raise NotSeenError("Xvfb did not start")
        self.display = f":{number}"
        self._ours.append(
            subprocess.Popen(
                ["openbox", "--config-file", str(HERE / "openbox.xml")],
                env=self.x,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        return self.display

    def _show(self) -> None:
        width, height = self.size
        self.prefix.environment["DISPLAY"] = self.display
        # Only the desktop called "shell" has a taskbar. Wine 10 shows no balloons there, Wine 8 does.
        name = "shell" if wine_version() < 9 else "plain"
        self.prefix.registry(
            f'[Control Panel\\\\Desktop]\n"LogPixels"=dword:{96 * self.scaling // 100:08x}\n\n'
            f'[Software\\\\Wine\\\\Explorer]\n"Desktop"="{name}"\n\n'
            f'[Software\\\\Wine\\\\Explorer\\\\Desktops]\n"{name}"="{width}x{height}"\n'
        )
        self._ours.append(
            self.prefix.start("explorer", "/desktop", output=subprocess.DEVNULL, errors=subprocess.DEVNULL)
        )
        self._reader = self.prefix.start(
            PYTHON / "python.exe", "-I", windows_path(HERE / "desktop_reader.py"), errors=subprocess.PIPE
        )
        self._ours.append(self._reader)
        # it answers when the notification area is there
        self._look()

    def _look(self, clipboard: str = "") -> Any:
        reader = self._reader
        if reader is None or reader.stdin is None or reader.stdout is None:
            raise NotSeenError("the desktop is not running")
        reader.stdin.write(json.dumps(clipboard) + "\n")
        reader.stdin.flush()
        if not select.select([reader.stdout], [], [], 60)[0] or not (line := reader.stdout.readline()):
            reader.kill()
            raise NotSeenError(f"the desktop does not answer: {reader.communicate()[1]}")
        return json.loads(line)

    def _xdotool(self, *arguments: str) -> None:
        subprocess.run(["xdotool", *arguments], env=self.x, check=True, timeout=30)


def end_process(process: subprocess.Popen[Any]) -> None:
    """End a process and close its pipes, on a busy machine, too."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
        # another Windows program may hold the other ends, so that they have no end
        for pipe in filter(None, (process.stdin, process.stdout, process.stderr)):
            pipe.close()


def _is_covered(windows: Sequence[Window]) -> bool:
    """Return whether a tooltip lies above the open menu; a balloon lies below it."""
    kinds = [window.kind for window in windows]
    return MENU in kinds and TOOLTIP in kinds[: kinds.index(MENU)]


def _items(menu: Image.Image, at: Area) -> list[MenuItem]:
    """Find the rows of text in a picture: Wine reveals a menu to no other process."""
    grey = menu.convert("L")
    ground = grey.getpixel((3, 3))
    rows: list[list[int]] = []
    for y in range(2, grey.height - 2):
        if all(grey.getpixel((x, y)) == ground for x in range(4, grey.width - 4)):
            continue
        # an accent is a pixel or two above its letter
        if rows and y - rows[-1][-1] <= 2:
            rows[-1].append(y)
        else:
            rows.append([y])
    items = []
    for row in rows:
        if len(row) > SEPARATOR:
            counts = grey.crop((4, row[0], grey.width - 4, row[-1] + 1)).histogram()
            items.append(
                MenuItem(Area(at.left, at.top + row[0], at.right, at.top + row[-1] + 1), any(counts[:DARK]))
            )
    return items


def _listed(windows: Sequence[Window]) -> str:
    return ", ".join(f"{w.kind} {w.text!r}" for w in windows)


def _window(entry: dict[str, Any]) -> Window:
    children = tuple(_window(child) for child in entry.pop("children", ()))
    return Window(**{**entry, "area": Area(*entry["area"])}, children=children)


def main(arguments: Sequence[str]) -> int:
    """Run the Windows Python on a desktop and print its output, or take a picture."""
    parser = argparse.ArgumentParser(prog="python -m rig desktop", description=main.__doc__)
    parser.add_argument("--scaling", type=int, default=100, choices=(100, 125, 150, 200))
    parser.add_argument("--name", help="keep the prefix under this name")
    parser.add_argument(
        "--wait", help="wait for a window with this title (regular expression), take the picture, and end"
    )
    parser.add_argument("--picture", type=Path, default=Path("build/desktop.png"))
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="arguments of the Windows Python")
    options = parser.parse_args(arguments)
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    with Desktop(options.scaling, name=options.name) as desktop:
        process = desktop.start(*program, env=dict(pair.split("=", 1) for pair in options.env))
        if options.wait:
            print(
                json.dumps(
                    [(c.kind, c.text, c.area) for c in desktop.window(options.wait).children],
                    ensure_ascii=False,
                )
            )
            print(desktop.picture(options.picture))
            return 0
        return _print_output(process)


def _print_output(process: subprocess.Popen[str]) -> int:
    """Print what *process* writes, and return its exit code.

    The end of the output is not awaited: a console that Wine leaves behind holds it open.
    """
    if process.stdout is None:
        raise ValueError("a process without output")
    output = process.stdout.fileno()
    while True:
        if select.select([output], [], [], LAST_OUTPUT_SECONDS)[0]:
            written = os.read(output, 65536)
            if not written:
                return process.wait()
            sys.stdout.buffer.write(written.replace(b"\r\n", b"\n"))
            sys.stdout.buffer.flush()
        elif (code := process.poll()) is not None:
            return code
