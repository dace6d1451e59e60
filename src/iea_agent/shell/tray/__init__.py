"""The notification area: the only door to pystray. ``Tray`` is this system's."""

from __future__ import annotations

import sys

from .limits import Notices, TrayUnavailable

if sys.platform == "win32":
    from .windows_tray import Tray
else:
    from .plain_tray import PlainTray as Tray

__all__ = ["Notices", "Tray", "TrayUnavailable"]
