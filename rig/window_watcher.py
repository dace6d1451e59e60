"""Report when a window can be used, and a process's private memory, as JSON lines.

Runs on the Windows desktop itself, for ``measure.py``.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from ctypes import wintypes

assert sys.platform == "win32"

user32 = ctypes.WinDLL("user32")
kernel32 = ctypes.WinDLL("kernel32")
Visitor = ctypes.WINFUNCTYPE(wintypes.BOOL, wintypes.HWND, wintypes.LPARAM)
user32.EnumWindows.argtypes = [Visitor, wintypes.LPARAM]
user32.GetWindowTextW.argtypes = [wintypes.HWND, wintypes.LPWSTR, ctypes.c_int]
user32.IsWindowVisible.argtypes = [wintypes.HWND]
user32.SendMessageTimeoutW.argtypes = [
    wintypes.HWND,
    wintypes.UINT,
    ctypes.c_size_t,
    ctypes.c_ssize_t,
    wintypes.UINT,
    wintypes.UINT,
    ctypes.c_void_p,
]


class Counters(ctypes.Structure):
    """The structure PROCESS_MEMORY_COUNTERS (psapi.h)."""

    _fields_ = (
        ("cb", wintypes.DWORD),
        ("PageFaultCount", wintypes.DWORD),
        *(
            (name, ctypes.c_size_t)
            for name in (
                "PeakWorkingSetSize",
                "WorkingSetSize",
                "QuotaPeakPagedPoolUsage",
                "QuotaPagedPoolUsage",
                "QuotaPeakNonPagedPoolUsage",
                "QuotaNonPagedPoolUsage",
                "PagefileUsage",
                "PeakPagefileUsage",
            )
        ),
    )


def wait_until_usable(title: str, seconds: float) -> float | None:
    """Wait until a visible window with *title* in its title answers messages.

    Returns that time in seconds since 1970; None after *seconds*.
    """
    deadline = time.monotonic() + seconds
    handles: list[int] = []

    def visit(handle: int, _: int) -> bool:
        if user32.IsWindowVisible(handle):
            text = ctypes.create_unicode_buffer(200)
            user32.GetWindowTextW(handle, text, len(text))
            if title in text.value:
                handles.append(handle)
        return True

    while time.monotonic() < deadline:
        user32.EnumWindows(Visitor(visit), 0)
        if handles:
            user32.SendMessageTimeoutW(handles[0], 0, 0, 0, 0, 10_000, None)
            return time.time()
        time.sleep(0.002)
    return None


def private_bytes(process: int) -> int:
    """Return a process's private memory in bytes (PagefileUsage)."""
    handle = kernel32.OpenProcess(0x0410, False, process)
    counters = Counters(cb=ctypes.sizeof(Counters))
    kernel32.K32GetProcessMemoryInfo(handle, ctypes.byref(counters), counters.cb)
    kernel32.CloseHandle(handle)
    return int(counters.PagefileUsage)


def main() -> None:
    """Answer the requests on the standard input."""
    for line in sys.stdin:
        request = json.loads(line)
        if "title" in request:
            print(json.dumps(wait_until_usable(request["title"], request["seconds"])), flush=True)
        else:
            print(json.dumps(private_bytes(request["process"])), flush=True)


if __name__ == "__main__":
    main()
