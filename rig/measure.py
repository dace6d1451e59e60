"""Measures the agent against the bare scripts that do the same, in one run under Wine: start, memory, dialog, idle CPU, server test.

``.venv/bin/python -m rig measure [--idle MINUTES] [--runs N]``; medians go to the console and to ``build/measure.json``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from Xlib import X
from Xlib.display import Display

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.settings import ProxyMode, Settings
from iea_sandbox.world import World
from rig.build import BUILD
from rig.desktop import Area, Desktop
from rig.stage import MENU_SETTINGS, SETTINGS, Stage

HERE = Path(__file__).parent
READING_SECONDS = 0.7
"""What a person needs at least to read a menu of eight lines and to reach one of them."""
PILLOW_SCRIPT = """
import os, sys
import pystray
from PIL import Image, ImageDraw
print(os.getpid(), flush=True)
image = Image.new("RGBA", (64, 64))
ImageDraw.Draw(image).ellipse((4, 4, 60, 60), fill=(40, 120, 230, 255))
pystray.Icon("bare", image, "bare", pystray.Menu(pystray.MenuItem("Quit", lambda icon, item: icon.stop()))).run()
"""
"""The usual pystray + Pillow script."""
WX_SCRIPT = """
import wx
app = wx.App()
dialog = wx.Dialog(None, title="bare dialog", style=wx.DEFAULT_DIALOG_STYLE | wx.RESIZE_BORDER)
sizer = wx.BoxSizer(wx.VERTICAL)
for number in range(7):
    sizer.Add(wx.StaticText(dialog, label=f"Field {number}"), 0, wx.ALL, 4)
    sizer.Add(wx.TextCtrl(dialog), 0, wx.EXPAND | wx.ALL, 4)
sizer.Add(wx.Button(dialog, wx.ID_OK), 0, wx.ALL, 4)
dialog.SetSizerAndFit(sizer)
dialog.Show()
app.MainLoop()
"""
"""A bare wxPython dialog with fourteen fields and labels."""
LAUNCHER = """
import subprocess, sys, time
for line in sys.stdin:
    if not line.strip():
        break
    print(time.time(), flush=True)
    child = subprocess.Popen([sys.executable, line.strip()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
"""
"""Starts scripts the way the agent starts its windows: from a Windows Python that runs already."""


class Watcher:
    """The Windows-side observer (``window_watcher.py``)."""

    def __init__(self, desktop: Desktop) -> None:
        self._process = desktop.start(HERE / "window_watcher.py")
        self.ask({"process": 0})

    def begin(self, request: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def end(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def ask(self, request: dict[str, Any]) -> Any:
        self.begin(request)
        return self.end()


def icon_time(
    desktop: Desktop, start: Callable[[], subprocess.Popen[str]]
) -> tuple[float, subprocess.Popen[str]]:
    """Seconds from *start* to the first pixel of the icon, seen on the X screen."""
    across, down = desktop.size
    square = Area(across - 20, down - 20, across, down)
    screen = Display(desktop.display)
    try:
        root = screen.screen().root

        def pixels() -> bytes:
            return bytes(root.get_image(square.left, square.top, *square.size, X.ZPixmap, 0xFFFFFFFF).data)

        desktop.move(20, 20)
        before = pixels()
        began = time.monotonic()
        process = start()
        while pixels() == before:
            if time.monotonic() - began > 60:
                raise AssertionError("no icon")
            time.sleep(0.002)
        return time.monotonic() - began, process
    finally:
        screen.close()


def dialog_time(desktop: Desktop, watcher: Watcher, pause: float) -> float:
    """Seconds from the click on the menu's line to a settings dialog that can be used; the click comes *pause* seconds after the menu."""
    line = desktop.open_menu()[MENU_SETTINGS - 1]
    time.sleep(pause)
    watcher.begin({"title": SETTINGS, "seconds": 30})
    clicked = time.time()
    desktop.click(line)
    seconds: float = watcher.end() - clicked
    process = desktop.window(SETTINGS).process
    desktop.prefix.start("taskkill", "/F", "/PID", str(process)).communicate(timeout=20)
    desktop.gone(SETTINGS)
    return seconds


def windows_pid(stage: Stage, title_or_name: str) -> int:
    """The Windows number of the agent's process, from its own log."""
    for line in reversed(stage.log().splitlines()):
        if " started " in line and f"{title_or_name} " in line:
            return int(line.rsplit("pid=", 1)[1])
    raise AssertionError("the agent's log names no process")


def unix_pid(process: subprocess.Popen[str], mark: str) -> int:
    """The Linux number of the Wine process whose command line holds *mark*."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if (
                "python.exe" in line
                and mark in line
                and int(entry.name) != process.pid
                and "window" not in line
            ):
                return int(entry.name)
    return process.pid


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100  # clock ticks: 100 a second on every Linux of ours


def ended(process: subprocess.Popen[str]) -> None:
    """Wait for a program that was told to end."""
    process.wait(20)


def measure(runs: int, idle_minutes: float) -> dict[str, Any]:
    """All figures; seconds and MB."""
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder, Stage(Path(folder)) as stage:
        desktop = stage.desktop
        stage.licensed()
        scripts = Path(folder)
        (scripts / "pillow.py").write_text(PILLOW_SCRIPT)
        (scripts / "dialog.py").write_text(WX_SCRIPT)
        (scripts / "launcher.py").write_text(LAUNCHER)
        watcher = Watcher(desktop)
        agent_icon, bare_icon, agent_memory, bare_memory = [], [], [], []
        agent_dialog, agent_dialog_read, bare_dialog = [], [], []
        for run in range(runs + 1):  # the first one warms the caches and is not counted
            seconds, bare = icon_time(desktop, lambda: desktop.start(scripts / "pillow.py"))
            assert bare.stdout is not None
            pid = int(bare.stdout.readline())
            time.sleep(3)  # idle
            memory = watcher.ask({"process": pid}) / 1e6
            desktop.prefix.start("taskkill", "/F", "/PID", str(pid)).communicate(timeout=20)
            ended(bare)
            until_no_icon(desktop)
            if run:
                bare_icon.append(seconds)
                bare_memory.append(memory)

            seconds, agent = icon_time(desktop, stage.start_agent)
            stage.until("ball")
            time.sleep(3)
            memory = watcher.ask({"process": windows_pid(stage, "agent")}) / 1e6
            dialogs = [dialog_time(desktop, watcher, pause) for pause in (0.0, READING_SECONDS)]
            stage.command("quit")
            ended(agent)
            until_no_icon(desktop)
            if run:
                agent_icon.append(seconds)
                agent_memory.append(memory)
                agent_dialog.append(dialogs[0])
                agent_dialog_read.append(dialogs[1])

            launcher = desktop.start(scripts / "launcher.py")
            assert launcher.stdin is not None
            assert launcher.stdout is not None
            time.sleep(2)
            watcher.begin({"title": "bare dialog", "seconds": 30})
            launcher.stdin.write("Z:" + str(scripts / "dialog.py").replace("/", "\\") + "\n")
            launcher.stdin.flush()
            began = float(launcher.stdout.readline())
            shown = watcher.end() - began
            window = desktop.window("bare dialog")
            desktop.prefix.start("taskkill", "/F", "/PID", str(window.process)).communicate(timeout=20)
            launcher.stdin.write("\n")
            launcher.stdin.flush()
            ended(launcher)
            desktop.gone("bare dialog")
            if run:
                bare_dialog.append(shown)
        results["icon_s"] = pair(agent_icon, bare_icon)
        results["private_memory_mb"] = pair(agent_memory, bare_memory)
        results["dialog_s"] = pair(agent_dialog, bare_dialog)
        results["dialog_after_reading_the_menu_s"] = pair(agent_dialog_read, bare_dialog)
        if idle_minutes:
            agent = stage.start_agent()
            stage.until("ball")
            time.sleep(5)
            pid = unix_pid(agent, "iea_agent run")
            before = cpu_seconds(pid)
            time.sleep(idle_minutes * 60)
            results["idle_cpu_s"] = {"minutes": idle_minutes, "cpu": round(cpu_seconds(pid) - before, 3)}
            stage.until("ball")
            stage.command("quit")
    return results


class Relay:
    """A way to a local port that takes *delay* seconds in each direction; connecting is not delayed, everything after it is."""

    def __init__(self, port: int, delay: float) -> None:
        self._target, self._delay = port, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                queue: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                threading.Thread(target=self._read, args=(one, queue), daemon=True).start()
                threading.Thread(target=self._write, args=(other, queue), daemon=True).start()

    def _read(self, source: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            queue.put((time.monotonic() + self._delay, data))

    def _write(self, target: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        while True:
            due, data = queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.close()
                return
            with contextlib.suppress(OSError):
                target.sendall(data)


def server_tests(runs: int) -> dict[str, Any]:
    """The test of both servers, in a process that runs already, against ``curl --parallel`` on the same two addresses; milliseconds."""
    return {
        name: server_test(runs, delay) for name, delay in (("loopback", 0.0), ("50 ms round trip", 0.025))
    }


def server_test(runs: int, delay: float) -> dict[str, Any]:
    """One of them, over relays where *delay* seconds are to pass in each direction."""
    with tempfile.TemporaryDirectory() as folder, World(Path(folder)) as world:
        if delay:
            ports = [urlsplit(server.address).port or 443 for server in (world.authentication, world.updates)]
            relays = [Relay(port, delay) for port in ports]
            world.authentication.address = f"https://localhost:{relays[0].port}"  # and so its issuer
            updates = f"https://localhost:{relays[1].port}/updates"
        else:
            updates = world.updates.address
        authentication = world.authentication.address
        chosen = Settings(
            authentication=authentication,
            updates=updates,
            ca_file=str(world.ca_file),
            proxy_mode=ProxyMode.NONE,
        )
        servers = Servers(Installation.locate({"IEA_AGENT_HOME": folder}))
        curl = (
            *(
                "curl",
                "--silent",
                "--fail",
                "--parallel",
                "--parallel-immediate",
                "--cacert",
                str(world.ca_file),
            ),
            *("--output", "/dev/null", f"{authentication}/.well-known/openid-configuration"),
            *("--output", "/dev/null", f"{updates}/metadata/timestamp.json"),
        )
        ours, theirs = [], []
        for run in range(runs + 1):
            began = time.perf_counter()
            reports = servers.examine(chosen)
            seconds = time.perf_counter() - began
            assert all(report.passed for report in reports), reports
            began = time.perf_counter()
            subprocess.run(curl, check=True, timeout=30)
            if run:
                ours.append(seconds * 1000)
                theirs.append((time.perf_counter() - began) * 1000)
        return pair(ours, theirs)


def until_no_icon(desktop: Desktop) -> None:
    """Wait until the notification area is empty again."""
    across, down = desktop.size
    square = Area(across - 20, down - 20, across, down)
    deadline = time.monotonic() + 15
    desktop.move(20, 20)
    while len(desktop.look(square).getcolors(1 << 16) or ()) > 1:
        if time.monotonic() > deadline:
            raise AssertionError("the icon stays")
        time.sleep(0.1)


def pair(ours: list[float], bare: list[float]) -> dict[str, Any]:
    """Medians of both, their ratio, and all readings."""
    mine, other = statistics.median(ours), statistics.median(bare)
    return {
        "agent": round(mine, 3),
        "bare": round(other, 3),
        "ratio": round(mine / other, 3),
        "agent_all": [round(value, 3) for value in ours],
        "bare_all": [round(value, 3) for value in bare],
    }


def main(arguments: Sequence[str]) -> int:
    """Parse *arguments*, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m rig measure", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--idle", type=float, default=0, metavar="MINUTES")
    options = parser.parse_args(arguments)
    results = {"server_test_ms": server_tests(options.runs), **measure(options.runs, options.idle)}
    text = json.dumps(results, indent=2)
    print(text)
    (BUILD / "measure.json").write_text(text)
    return 0
