"""The user's proxy setting in Windows for tests."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from collections.abc import Iterator

    import pytest

    from rig.windows_proxy import WindowsProxy

    @pytest.fixture
    def windows_proxy() -> Iterator[WindowsProxy]:
        """The user's proxy setting, restored whatever the test does."""
        setting = WindowsProxy()
        try:
            yield setting
        finally:
            setting.restore()
