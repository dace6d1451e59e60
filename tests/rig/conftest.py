"""The rig's own tests use the desktops that the rig gives to the others."""

from tests.desktop.conftest import windows_desktop, windows_python

__all__ = ["windows_desktop", "windows_python"]
