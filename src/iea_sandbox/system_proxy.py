"""Windows' own proxy setting of the present user, changed for a while and put back."""

from __future__ import annotations

import struct
import sys
import winreg
from types import TracebackType
from typing import Self

assert sys.platform == "win32"  # noqa: S101  mypy reads on only where this holds

_KEY = r"Software\Microsoft\Windows\CurrentVersion\Internet Settings\Connections"
_VALUE = "DefaultConnectionSettings"
_DIRECT, _SERVER, _SCRIPT, _DETECT = 1, 2, 4, 8  # PER_CONN_FLAGS, wininet.h
_VERSION = 0x46


class SystemProxy:
    """What « Paramètres proxy » of Windows writes into the registry. Leaving the block restores what was there."""

    def __enter__(self) -> Self:
        self._key = winreg.CreateKey(winreg.HKEY_CURRENT_USER, _KEY)
        try:
            self._before = winreg.QueryValueEx(self._key, _VALUE)[0]
        except FileNotFoundError:
            self._before = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.restore()
        self._key.Close()

    def server(self, address: str) -> None:
        """One proxy for everything: "host:port"."""
        self._write(_SERVER, server=address)

    def script(self, address: str) -> None:
        """Whatever the script at this address says."""
        self._write(_SCRIPT, script=address)

    def detect(self) -> None:
        """Whatever the script says that the network offers (WPAD)."""
        self._write(_DETECT)

    def restore(self) -> None:
        """As it was found."""
        if self._before is None:
            try:
                winreg.DeleteValue(self._key, _VALUE)
            except FileNotFoundError:
                return
        else:
            winreg.SetValueEx(self._key, _VALUE, 0, winreg.REG_BINARY, self._before)

    def _write(self, flag: int, server: str = "", script: str = "") -> None:
        data = struct.pack("<III", _VERSION, 0, flag | _DIRECT)
        for text in (server, "", script):
            data += struct.pack("<I", len(text)) + text.encode("ascii")
        winreg.SetValueEx(self._key, _VALUE, 0, winreg.REG_BINARY, data + bytes(32))
