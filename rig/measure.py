"""Compare the agent with bare scripts that do the same, in one run under Wine.

Runs in the Linux Python: ``python -m rig measure [--idle MINUTES] [--runs N] [--only PARTS]``. Measures the time to
the icon, private memory, the time to the settings dialog, the test of the servers, and the CPU time of the idle
agent. Prints the medians and writes them to ``build/measure.json``.
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
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from Xlib import X
from Xlib.display import Display

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.person_requests import SETTINGS as SETTINGS_REQUEST
from iea_agent.domain.settings import ProxyMode, Settings
from iea_sandbox.world import World
from rig.build import BUILD
from rig.desktop import Area, Desktop
from rig.prefix import windows_path
from rig.stage import AgentStage
from rig.window_texts import SETTINGS

HERE = Path(__file__).parent
PARTS = ("server", "icon", "memory", "dialog")
READING_SECONDS = 0.7
"""The least time in which a person reads a menu of eight lines and reaches one of them."""
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
"""Starts scripts as the agent starts its windows: from a running Windows Python."""


class Watcher:
    """The program ``window_watcher.py`` on the desktop."""

    def __init__(self, desktop: Desktop) -> None:
        self._process = desktop.start(HERE / "window_watcher.py")
        self.private_bytes(0)

    def send(self, request: dict[str, object]) -> None:
        """Send a request without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        """Wait for the answer to the last request."""
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def private_bytes(self, process: int) -> float:
        """Return the private memory of a process with this Windows number."""
        self.send({"process": process})
        return float(self.receive())


class Measurement:
    """Runs of the agent and of bare scripts on one desktop, and their readings."""

    def __init__(self, stage: AgentStage, scripts: Path, parts: Collection[str]) -> None:
        """Write the bare scripts to the folder *scripts*; measure only *parts*."""
        self._stage, self._desktop, self._scripts, self._parts = stage, stage.desktop, scripts, parts
        (scripts / "pillow.py").write_text(PILLOW_SCRIPT)
        (scripts / "dialog.py").write_text(WX_SCRIPT)
        (scripts / "launcher.py").write_text(LAUNCHER)
        self._watcher = Watcher(self._desktop)
        self.readings: defaultdict[str, list[float]] = defaultdict(list)

    def run_bare_icon(self) -> None:
        """Measure start and memory of the usual pystray script."""
        seconds, script = self._time_to_icon(lambda: self._desktop.start(self._scripts / "pillow.py"))
        self.readings["bare icon"].append(seconds)
        assert script.stdout is not None
        pid = int(script.stdout.readline())
        if "memory" in self._parts:
            self.readings["bare memory"].append(self._idle_memory(pid))
        self._kill(pid)
        script.wait(20)
        self._wait_for_no_icon()

    def run_agent(self) -> None:
        """Measure start and memory of the agent, and the opening of its settings dialog."""
        seconds, agent = self._time_to_icon(self._stage.start_agent)
        self.readings["agent icon"].append(seconds)
        self._stage.until("ball")
        if "memory" in self._parts:
            self.readings["agent memory"].append(self._idle_memory(windows_pid(self._stage, "agent")))
        elif "dialog" in self._parts:
            time.sleep(3)
        if "dialog" in self._parts:
            for name, pause in (("agent dialog", 0.0), ("agent dialog after reading", READING_SECONDS)):
                self.readings[name].append(self._time_to_dialog(pause))
        self._stage.command("quit")
        agent.wait(20)
        self._wait_for_no_icon()

    def run_bare_dialog(self) -> None:
        """Measure the opening of a bare wxPython dialog."""
        launcher = self._desktop.start(self._scripts / "launcher.py")
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        time.sleep(2)
        self._watcher.send({"title": "bare dialog", "seconds": 30})
        launcher.stdin.write(windows_path(self._scripts / "dialog.py") + "\n")
        launcher.stdin.flush()
        began = float(launcher.stdout.readline())
        self.readings["bare dialog"].append(self._watcher.receive() - began)
        self._kill(self._desktop.window("bare dialog").process)
        launcher.stdin.write("\n")
        launcher.stdin.flush()
        launcher.wait(20)
        self._desktop.gone("bare dialog")

    def _idle_memory(self, pid: int) -> float:
        """Return the private memory of a process in MB after 3 idle seconds."""
        time.sleep(3)
        return self._watcher.private_bytes(pid) / 1e6

    def _time_to_icon(
        self, start: Callable[[], subprocess.Popen[str]]
    ) -> tuple[float, subprocess.Popen[str]]:
        """Return the seconds from *start* to the first pixel of the icon on the X screen."""
        square = icon_square(self._desktop)
        screen = Display(self._desktop.display)
        try:
            root = screen.screen().root

            def pixels() -> bytes:
                return bytes(
                    root.get_image(square.left, square.top, *square.size, X.ZPixmap, 0xFFFFFFFF).data
                )

            self._desktop.move(20, 20)
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

    def _time_to_dialog(self, pause: float) -> float:
        """Return the seconds from a click in the menu to a usable settings dialog.

        The click comes *pause* seconds after the menu.
        """
        line = self._stage.open_menu_at(SETTINGS_REQUEST)
        time.sleep(pause)
        self._watcher.send({"title": SETTINGS, "seconds": 30})
        clicked = time.time()
        self._desktop.click(line)
        seconds: float = self._watcher.receive() - clicked
        self._kill(self._desktop.window(SETTINGS).process)
        self._desktop.gone(SETTINGS)
        return seconds

    def _kill(self, pid: int) -> None:
        self._desktop.prefix.run("taskkill", "/F", "/PID", str(pid), timeout=20)

    def _wait_for_no_icon(self) -> None:
        deadline = time.monotonic() + 15
        self._desktop.move(20, 20)
        while len(self._desktop.look(icon_square(self._desktop)).getcolors(1 << 16) or ()) > 1:
            if time.monotonic() > deadline:
                raise AssertionError("the icon stays")
            time.sleep(0.1)


def icon_square(desktop: Desktop) -> Area:
    """Return the place of the one icon in the notification area."""
    across, down = desktop.size
    return Area(across - 20, down - 20, across, down)


def windows_pid(stage: AgentStage, name: str) -> int:
    """Return the Windows number of the agent's process *name*, from the agent's log."""
    for line in reversed(stage.log().splitlines()):
        if " started " in line and f"{name} " in line:
            return int(line.rsplit("pid=", 1)[1])
    raise AssertionError("the agent's log names no process")


def unix_pid(process: subprocess.Popen[str], mark: str) -> int:
    """Return the Linux number of the Wine process whose command line holds *mark*."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            is_marked = "python.exe" in line and mark in line and "window" not in line
            if is_marked and int(entry.name) != process.pid:
                return int(entry.name)
    return process.pid


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    # in clock ticks, of which Linux has 100 a second
    return (int(fields[11]) + int(fields[12])) / 100


def measure_desktop(runs: int, idle_minutes: float, parts: Collection[str]) -> dict[str, object]:
    """Return the figures of *parts* on the desktop, in seconds and MB."""
    results: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder, AgentStage(Path(folder)) as stage:
        stage.save_licence()
        measurement = Measurement(stage, Path(folder), parts)
        for run in range(runs + 1 if {"icon", "memory", "dialog"} & set(parts) else 0):
            if {"icon", "memory"} & set(parts):
                measurement.run_bare_icon()
            measurement.run_agent()
            if "dialog" in parts:
                measurement.run_bare_dialog()
            # the first run fills the caches and is not counted
            if run == 0:
                measurement.readings.clear()
        readings = measurement.readings
        for part, name, agent, bare in (
            ("icon", "icon_s", "agent icon", "bare icon"),
            ("memory", "private_memory_mb", "agent memory", "bare memory"),
            ("dialog", "dialog_s", "agent dialog", "bare dialog"),
            ("dialog", "dialog_after_reading_the_menu_s", "agent dialog after reading", "bare dialog"),
        ):
            if part in parts:
                results[name] = compare(readings[agent], readings[bare])
        if idle_minutes:
            results["idle_cpu_s"] = measure_idle(stage, idle_minutes)
    return results


def measure_idle(stage: AgentStage, minutes: float) -> dict[str, float]:
    """Return the CPU time of the connected agent in *minutes*."""
    agent = stage.start_agent()
    stage.until("ball")
    time.sleep(5)
    pid = unix_pid(agent, "iea_agent run")
    before = cpu_seconds(pid)
    time.sleep(minutes * 60)
    used = cpu_seconds(pid) - before
    stage.until("ball")
    stage.command("quit")
    return {"minutes": minutes, "cpu": round(used, 3)}


class Relay:
    """A relay to a local port that delays data in each direction, but not connecting."""

    def __init__(self, port: int, delay: float) -> None:
        """Relay to *port*, with *delay* seconds in each direction."""
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
                threading.Thread(target=self._receive, args=(one, queue), daemon=True).start()
                threading.Thread(target=self._forward, args=(other, queue), daemon=True).start()

    def _receive(self, source: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            queue.put((time.monotonic() + self._delay, data))

    def _forward(self, target: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        while True:
            due, data = queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.close()
                return
            with contextlib.suppress(OSError):
                target.sendall(data)


def measure_server_tests(runs: int) -> dict[str, object]:
    """Compare the test of both servers with ``curl --parallel``, in milliseconds.

    The test runs in this process, curl in a new one.
    """
    return {
        name: measure_server_test(runs, delay)
        for name, delay in (("loopback", 0.0), ("50 ms round trip", 0.025))
    }


def measure_server_test(runs: int, delay: float) -> dict[str, object]:
    """Compare them over relays with *delay* seconds in each direction."""
    with tempfile.TemporaryDirectory() as folder, World(Path(folder)) as world:
        if delay:
            ports = [urlsplit(server.address).port or 443 for server in (world.authentication, world.updates)]
            relays = [Relay(port, delay) for port in ports]
            # and so its issuer
            world.authentication.address = f"https://localhost:{relays[0].port}"
            updates = f"https://localhost:{relays[1].port}/updates"
        else:
            updates = world.updates.address
        authentication = world.authentication.address
        settings = Settings(
            authentication=authentication,
            updates=updates,
            ca_file=str(world.ca_file),
            proxy_mode=ProxyMode.NONE,
        )
        servers = Servers(Installation.locate({"IEA_AGENT_HOME": folder}))
        curl = (
            *("curl", "--silent", "--fail", "--parallel", "--parallel-immediate"),
            *("--cacert", str(world.ca_file)),
            *("--output", "/dev/null", f"{authentication}/.well-known/openid-configuration"),
            *("--output", "/dev/null", f"{updates}/metadata/timestamp.json"),
        )
        ours, theirs = [], []
        for run in range(runs + 1):
            began = time.perf_counter()
            reports = servers.examine(settings)
            seconds = time.perf_counter() - began
            assert all(report.passed for report in reports), reports
            began = time.perf_counter()
            subprocess.run(curl, check=True, timeout=30)
            if run:
                ours.append(seconds * 1000)
                theirs.append((time.perf_counter() - began) * 1000)
        return compare(ours, theirs)


def compare(ours: list[float], bare: list[float]) -> dict[str, object]:
    """Return the medians of both, their ratio, and all readings."""
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
    parser.add_argument("--only", default=",".join(PARTS), metavar="PARTS", help="some of %(default)s")
    options = parser.parse_args(arguments)
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"unknown: {', '.join(unknown)}")
    results: dict[str, object] = (
        {"server_test_ms": measure_server_tests(options.runs)} if "server" in parts else {}
    )
    if options.idle or set(parts) != {"server"}:
        results |= measure_desktop(options.runs, options.idle, parts)
    text = json.dumps(results, indent=2)
    print(text)
    (BUILD / "measure.json").write_text(text)
    return 0
