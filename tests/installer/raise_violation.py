"""Has the installed agent end by an access violation, as a faulty library does."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes

assert sys.platform == "win32"  # for mypy, which then leaves the rest out on Linux

kernel32, user32 = ctypes.WinDLL("kernel32"), ctypes.WinDLL("user32")
user32.FindWindowW.restype = wintypes.HWND
kernel32.OpenProcess.restype = wintypes.HANDLE
kernel32.CreateRemoteThread.restype = wintypes.HANDLE
kernel32.CreateRemoteThread.argtypes = (
    *(wintypes.HANDLE, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p),
    *(ctypes.c_void_p, wintypes.DWORD, ctypes.c_void_p),
)
pid = wintypes.DWORD()
user32.GetWindowThreadProcessId(wintypes.HWND(user32.FindWindowW("iea-agent-tray", None)), ctypes.byref(pid))
# PROCESS_ALL_ACCESS; a thread that begins where there is no code
process = kernel32.OpenProcess(0x1FFFFF, False, pid)
sys.exit(0 if kernel32.CreateRemoteThread(process, None, 0, 0x10, None, 0, None) else 1)
