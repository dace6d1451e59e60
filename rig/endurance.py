"""Ten thousand changes, a simulated year, and what the process holds then.

Runs in the Windows Python on a desktop, for ``measure.py``: the product's own loop, state machine, wording and tray, on a clock driven by hand. Prints one
JSON line for each part.
"""

from __future__ import annotations

import ctypes
import gc
import json
import sys
import threading
import time
from pathlib import Path

from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Effect, Moment, Snapshot
from iea_agent.loop import Attempt, Loop
from iea_agent.shell.tray import Notices, Tray, windows_tray
from iea_agent.shell.wording.menu import render_view

assert sys.platform == "win32"

NOON = 1_790_000_000.0
DAY = 86_400.0
OUTAGE_EACH = 10
"""Days between two outages of an hour in the simulated year."""
LOST = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)
kernel32 = ctypes.WinDLL("kernel32")
user32 = ctypes.WinDLL("user32")


class DrivenWork:
    """The loop's work: each attempt ends at once, and each snapshot is drawn."""

    def __init__(self, tray: Tray) -> None:
        self._tray = tray
        self.now = 0.0
        self.failure: Failure | None = None
        self.attempts = 0
        self.loop = Loop(self, self.moment, lambda: 0.5, machine.begin(self.moment()))

    def moment(self) -> Moment:
        """Return the driven clock's time."""
        return Moment(NOON + self.now, self.now)

    def authenticate(self, run: int) -> None:
        """End the attempt."""
        self.attempts += 1
        self.loop.post(Attempt(run, self.failure))

    look = authenticate

    def publish(self, snapshot: Snapshot) -> None:
        """Draw the snapshot."""
        self._tray.draw(render_view(snapshot, NOON + self.now))

    def assistance_limit(self) -> float | None:
        """Return that there is no limit."""
        return None

    def keep_assistance(self, since: float | None) -> None:
        """Do nothing; so do the rest."""

    def open(self, effect: Effect) -> None: ...
    def announce(self, kind: Effect, snapshot: Snapshot) -> None: ...
    def renew_connection(self) -> None: ...
    def renew_session(self) -> None: ...
    def record_expiry(self) -> None: ...
    def prepare_window(self) -> None: ...
    def launch_program(self) -> None: ...
    def look_around(self) -> None: ...
    def reread_policy(self) -> None: ...

    def change(self) -> None:
        """Change the state, and have the icon painted at once."""
        self.now += 1
        self.failure = None if self.failure else LOST
        self.loop.post(machine.ReauthenticationRequested())
        self.loop.turn()
        user32.SendMessageTimeoutW(self._tray.windows[0], windows_tray.WM_WAKE, 0, 0, 0, 5000, None)

    def pass_days(self, days: float) -> None:
        """Let time pass; the loop turns when it would wake by itself."""
        end = self.now + days * DAY
        while self.now < end:
            self.failure = LOST if self.now % (OUTAGE_EACH * DAY) < 3600 else None
            self.now += max(self.loop.idle_seconds(), 1e-3)
            self.loop.turn()


def count_graphic_objects() -> int:
    """Return the number of GDI objects of this process.

    It is read from the process's own table: Wine counts neither them nor handles for a program.
    """
    ntdll = ctypes.WinDLL("ntdll")
    ntdll.RtlGetCurrentPeb.restype = ctypes.c_size_t
    table = ctypes.c_size_t.from_address(ntdll.RtlGetCurrentPeb() + 0xF8).value
    entries = (ctypes.c_uint64 * (3 * 16384)).from_address(table)
    return sum(1 for number in range(0, len(entries), 3) if entries[number])


def take_stock(name: str, begun: float) -> None:
    """Print what the process holds."""
    from rig.window_watcher import private_bytes

    gc.collect()
    held = {
        "part": name,
        "memory_mb": private_bytes(kernel32.GetCurrentProcessId()) / 1e6,
        "graphic_objects": count_graphic_objects(),
    }
    print(json.dumps({**held, "seconds": round(time.monotonic() - begun, 1)}), flush=True)


def live(tray: Tray, changes: int, days: float) -> None:
    """Make *changes* changes of state and let *days* pass."""
    work = DrivenWork(tray)
    tray.repaint_seconds = 0
    work.loop.post(machine.StartedQuietly())
    begun = time.monotonic()
    for number in range(changes + 200):
        # the first ones fill every cache
        if number == 200:
            take_stock("before the changes", begun)
        work.change()
    take_stock("after the changes", begun)
    tray.repaint_seconds = 0.5
    work.failure = None
    work.pass_days(10)
    take_stock("before the year", begun)
    work.attempts = 0
    work.pass_days(days)
    take_stock("after the year", begun)
    print(json.dumps({"part": "attempts", "attempts": work.attempts}), flush=True)
    tray.stop()


def main() -> None:
    """Run the tray on this thread, and the loop on another."""
    changes, days = int(sys.argv[1]), float(sys.argv[2])
    icons = Path(__file__).resolve().parents[1] / "src" / "iea_agent" / "shell" / "icons"
    first = render_view(machine.begin(Moment(NOON, 0.0)), NOON)
    tray = Tray(icons, first, lambda _event: None, Notices())
    tray.run(lambda: threading.Thread(target=live, args=(tray, changes, days), daemon=True).start())


if __name__ == "__main__":
    main()
