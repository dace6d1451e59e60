"""Change the current user's proxy setting in Windows for a while, and restore it.

Runs on the Windows desktop itself.
"""

from __future__ import annotations

import struct
import sys
import winreg

assert sys.platform == "win32"

_KEY = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
_VALUE = "DefaultConnectionSettings"
DIRECT, SERVER, SCRIPT, DETECT = 1, 2, 4, 8  # PER_CONN_FLAGS, wininet.h
_VERSION = 0x46


class WindowsProxy:
    """The registry value behind Windows' « Paramètres proxy »."""

    def __init__(self) -> None:
        self._key = winreg.CreateKey(winreg.HKEY_CURRENT_USER, _KEY)
        try:
            self._before = winreg.QueryValueEx(self._key, _VALUE)[0]
        except FileNotFoundError:
            self._before = None

    def use_server(self, address: str) -> None:
        """Send everything through the proxy at *address* ("host:port")."""
        self.write(SERVER, servers=address)

    def use_script(self, address: str) -> None:
        """Follow the proxy script (PAC) at *address*."""
        self.write(SCRIPT, script=address)

    def use_detection(self) -> None:
        """Follow the proxy script that the network offers (WPAD)."""
        self.write(DETECT)

    def restore(self) -> None:
        """Restore the setting that was there when this object was made."""
        if self._before is None:
            try:
                winreg.DeleteValue(self._key, _VALUE)
            except FileNotFoundError:
                return
        else:
            winreg.SetValueEx(self._key, _VALUE, 0, winreg.REG_BINARY, self._before)

    def write(self, flags: int, servers: str = "", bypass: str = "", script: str = "") -> None:
        """Write the three texts; *flags* are the ways that are switched on."""
        data = struct.pack("<III", _VERSION, 0, flags | DIRECT)
        for text in (servers, bypass, script):
            data += struct.pack("<I", len(text)) + text.encode("ascii")
        winreg.SetValueEx(self._key, _VALUE, 0, winreg.REG_BINARY, data + bytes(32))
