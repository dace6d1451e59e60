"""Measure the agent beside bare programs on one Windows desktop under Wine.

Runs in the Linux Python, for ``bench.py``. Each function measures one part and returns all its readings.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import datetime
from pathlib import Path
from typing import Any

from Xlib import X
from Xlib.display import Display

import iea_agent
from iea_agent.domain.person_requests import SETTINGS as SETTINGS_REQUEST
from installer.build import build_program
from installer.setup_program import compile_setup
from rig.bare_programs import compile_native, write_scripts
from rig.desktop import Area, Desktop, end_process
from rig.prefix import windows_path
from rig.server_tests import Readings
from rig.stage import AgentStage
from rig.window_texts import SETTINGS

HERE = Path(__file__).parent
READING_SECONDS = 0.7
"""The least time in which a person reads a menu of eight lines and reaches one of them."""
SETTLED_SECONDS = 3.0
"""After this an idle program's memory does not change."""
CHANGES, DAYS = 10_000, 365
NEXT_VERSION = "99.0.0"


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
    """Runs of the agent and of bare programs on one desktop, and their readings."""

    def __init__(self, stage: AgentStage, folder: Path, parts: Collection[str]) -> None:
        """Write the bare programs to *folder*; measure only *parts*."""
        self._stage, self._desktop, self._folder, self._parts = stage, stage.desktop, folder, parts
        write_scripts(folder)
        self._native = compile_native(folder)
        self._watcher = Watcher(self._desktop)
        self.readings: defaultdict[str, list[float]] = defaultdict(list)

    def run_native(self) -> None:
        """Measure the start of an icon in C."""
        seconds, program = self.time_to_icon(lambda: self._desktop.start_program(windows_path(self._native)))
        self.readings["native icon"].append(seconds)
        self._end(program)

    def run_script(self, name: str) -> None:
        """Measure start and memory of a script; "same_job" authenticates."""
        seconds, script = self.time_to_icon(lambda: self.start_script(name))
        self.readings[f"{name} icon"].append(seconds)
        assert script.stdout is not None
        pid = int(script.stdout.readline())
        if name == "same_job":
            assert script.stdout.readline().strip() == "authenticated"
        self._read_memory(name, script, pid)
        self._end(script)

    def start_script(self, name: str) -> subprocess.Popen[str]:
        """Start a script; "same_job" gets the world's address and a licence."""
        world = self._stage.world
        licence = world.licence("good")
        given = (world.authentication.address, windows_path(world.ca_file), licence.number, licence.key)
        return self._desktop.start(self._folder / f"{name}.py", *(given if name == "same_job" else ()))

    def run_agent(self) -> None:
        """Measure start and memory of the agent, and the opening of its settings dialog."""
        seconds, agent = self.time_to_icon(self._stage.start_agent)
        self.readings["agent icon"].append(seconds)
        self._stage.until("ball")
        self._read_memory("agent", agent, windows_pid(self._stage, "agent"))
        if "dialog" in self._parts:
            for name, pause in (("agent dialog", 0.0), ("agent dialog after reading", READING_SECONDS)):
                self.readings[name].append(self._time_to_dialog(pause))
        self._stage.command("quit")
        agent.wait(20)
        self.wait_for_no_icon()

    def run_bare_dialog(self) -> None:
        """Measure the opening of a bare wxPython dialog."""
        launcher = self._desktop.start(self._folder / "launcher.py")
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        time.sleep(2)
        self._watcher.send({"title": "bare dialog", "seconds": 30})
        launcher.stdin.write(windows_path(self._folder / "dialog.py") + "\n")
        launcher.stdin.flush()
        began = float(launcher.stdout.readline())
        self.readings["bare dialog"].append(self._watcher.receive() - began)
        self._kill(self._desktop.window("bare dialog").process)
        launcher.stdin.write("\n")
        launcher.stdin.flush()
        launcher.wait(20)
        self._desktop.gone("bare dialog")

    def run_changes(self, times: int) -> None:
        """Measure the time from a change to its first pixel: the agent's, and a script's."""
        agent = self._stage.start_agent()
        self._stage.until("ball")
        for number in range(times):
            broken = number % 2 == 0
            self._stage.world.mend()
            if broken:
                self._stage.world.break_("auth", "refuse")
            watch = PixelWatch(self._desktop)
            self._stage.command("reconnect")
            painted = watch.wait()
            self._stage.until("ball-heart" if broken else "ball")
            self.readings["agent change"].append(painted - last_change(self._stage.log(), painted))
        self._stage.world.mend()
        self._stage.command("quit")
        agent.wait(20)
        self.wait_for_no_icon()
        _, script = self.time_to_icon(lambda: self.start_script("change"))
        assert script.stdin is not None
        assert script.stdout is not None
        script.stdout.readline()
        time.sleep(SETTLED_SECONDS)
        for _ in range(times):
            watch = PixelWatch(self._desktop)
            script.stdin.write("\n")
            script.stdin.flush()
            changed = float(script.stdout.readline())
            self.readings["script change"].append(watch.wait() - changed)
            time.sleep(1)
        self._end(script)

    def idle_together(self, minutes: float) -> None:
        """Measure the effort of the agent and of the same job, idle side by side."""
        agent = self._stage.start_agent()
        self._stage.until("ball")
        script = self.start_script("same_job")
        time.sleep(4 * SETTLED_SECONDS)
        before = {name: read_effort(each.pid) for name, each in (("agent", agent), ("same_job", script))}
        time.sleep(minutes * 60)
        for name, each in (("agent", agent), ("same_job", script)):
            seconds, wakes = read_effort(each.pid)
            self.readings[f"{name} processor"].append((seconds - before[name][0]) * 10 / minutes)
            # those of threads that began and ended meanwhile are lost
            woken = sum(count - before[name][1].get(thread, 0) for thread, count in wakes.items())
            self.readings[f"{name} wake-ups"].append(woken / minutes)
        self.readings["idle minutes"].append(minutes)
        self._stage.command("quit")
        agent.wait(20)
        end_process(script)

    def _read_memory(self, name: str, process: subprocess.Popen[str], pid: int) -> None:
        """Note the private memory of an idle process in MB, and that without code."""
        if "memory" in self._parts or "dialog" in self._parts:
            time.sleep(SETTLED_SECONDS)
        if "memory" in self._parts:
            self.readings[f"{name} memory"].append(self._watcher.private_bytes(pid) / 1e6)
            self.readings[f"{name} memory without code"].append(read_written_memory(process.pid) / 1e6)

    def time_to_icon(self, start: Callable[[], subprocess.Popen[str]]) -> tuple[float, subprocess.Popen[str]]:
        """Return the seconds from *start* to the first pixel of the icon on the X screen."""
        watch = PixelWatch(self._desktop)
        began = time.time()
        process = start()
        return watch.wait() - began, process

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

    def _end(self, process: subprocess.Popen[str]) -> None:
        end_process(process)
        self.wait_for_no_icon()

    def wait_for_no_icon(self) -> None:
        """Wait until the notification area is empty."""
        deadline = time.monotonic() + 15
        self._desktop.move(20, 20)
        while len(self._desktop.look(icon_square(self._desktop)).getcolors(1 << 16) or ()) > 1:
            if time.monotonic() > deadline:
                raise AssertionError("the icon stays")
            time.sleep(0.1)


class PixelWatch:
    """Waits, on a thread of its own, for the first change of the icon's place."""

    def __init__(self, desktop: Desktop) -> None:
        desktop.move(20, 20)
        self._display = desktop.display
        self._square = icon_square(desktop)
        self._changed_at = 0.0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        self._ready.wait(10)

    def _watch(self) -> None:
        screen = Display(self._display)
        try:
            root = screen.screen().root

            def read_pixels() -> bytes:
                left, top = self._square.left, self._square.top
                return bytes(root.get_image(left, top, *self._square.size, X.ZPixmap, 0xFFFFFFFF).data)

            before = read_pixels()
            self._ready.set()
            deadline = time.monotonic() + 60
            while read_pixels() == before and time.monotonic() < deadline:
                time.sleep(0.002)
            self._changed_at = time.time() if time.monotonic() < deadline else 0.0
        finally:
            screen.close()

    def wait(self) -> float:
        """Return when it changed, in seconds since 1970."""
        self._thread.join()
        if not self._changed_at:
            raise AssertionError("the icon's place does not change")
        return self._changed_at


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


def last_change(log: str, before: float) -> float:
    """Return when the loop took the last result *before* a time, since 1970."""
    times = re.findall(r"^(\S+)Z INFO loop (?:Authenticated|ConnectionLost)\w* ", log, re.M)
    moments = [datetime.fromisoformat(f"{text}+00:00").timestamp() for text in times]
    # the log has milliseconds
    return max(moment for moment in moments if moment <= before + 0.001)


def read_written_memory(pid: int) -> int:
    """Return the bytes that a Wine process has written and shares with no other.

    Linux counts what it has mapped. Wine copies the code and the constants of libraries, which Windows shares: what cannot be written is left out.
    """
    kilobytes, is_writable = 0, False
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            is_writable = line.split()[1][1] == "w"
        elif line.startswith("Private_Dirty:") and is_writable:
            kilobytes += int(line.split()[1])
    return kilobytes * 1024


def read_effort(pid: int) -> tuple[float, dict[str, int]]:
    """Return the processor time of a process so far, and how often each thread woke."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    wakes = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        text = (thread / "status").read_text()
        wakes[thread.name] = int(text.partition("\nvoluntary_ctxt_switches:")[2].split()[0])
    # in clock ticks, of which Linux has 100 a second
    return (int(fields[11]) + int(fields[12])) / 100, wakes


def measure_desktop(runs: int, parts: Collection[str], minutes: float) -> Readings:
    """Return the readings of *parts* on one desktop, in seconds and MB."""
    with tempfile.TemporaryDirectory() as folder, AgentStage(Path(folder)) as stage:
        stage.save_licence()
        measurement = Measurement(stage, Path(folder), parts)
        for run in range(runs + 1 if {"icon", "memory", "dialog"} & set(parts) else 0):
            if "icon" in parts:
                measurement.run_native()
            if {"icon", "memory"} & set(parts):
                measurement.run_script("pillow")
                measurement.run_script("same_job")
            measurement.run_agent()
            if "dialog" in parts:
                measurement.run_bare_dialog()
            # the first run fills the caches and is not counted
            if run == 0:
                measurement.readings.clear()
        if "change" in parts:
            measurement.run_changes(2 * runs)
        if "idle" in parts:
            measurement.idle_together(minutes)
        return dict(measurement.readings)


def measure_update(runs: int) -> Readings:
    """Return for how long there is no icon while a setup updates a running agent."""
    readings: Readings = {"update without icon": []}
    program = build_program()
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder, AgentStage(Path(folder), program="") as stage:
            for version in (iea_agent.__version__, NEXT_VERSION):
                setup = Path(folder) / f"{version}.exe"
                # packed or not: it unpacks before it stops the agent
                compile_setup(program.folder, program.launchers, setup, version=version, is_packed=False)
                watch = PixelWatch(stage.desktop)
                silent = stage.desktop.start_program(
                    windows_path(setup), "/S", "/NOTEST", env=stage.environment
                )
                changed_at = watch.wait()
                if version == NEXT_VERSION:
                    # the icon went; now it comes
                    readings["update without icon"].append(PixelWatch(stage.desktop).wait() - changed_at)
                assert silent.wait(60) == 0
                # without a licence
                stage.until("ball-heart")
    return readings


def measure_endurance(changes: int = CHANGES, days: int = DAYS) -> Readings:
    """Return what a process holds before and after *changes* and *days*."""
    readings: Readings = {"changes": [changes], "days": [days]}
    with Desktop() as desktop:
        process = desktop.start("-m", "rig.endurance", str(changes), str(days))
        output, _ = process.communicate(timeout=900)
    for line in output.splitlines():
        if not line.startswith("{"):
            raise AssertionError(output)
        for name, value in (stock := json.loads(line)).items():
            if name != "part":
                readings[f"{stock['part']}, {name}"] = [value]
    return readings
