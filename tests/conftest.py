"""What holds for every room of tests."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["tests.installations", "tests.vaults", "tests.worlds"]

# the rig needs Linux: there it is what runs Windows; the bad network is made of namespaces
collect_ignore = [] if sys.platform == "linux" else ["desktop", "far", "rig"]

_ELSEWHERE = "linux" if sys.platform == "win32" else "windows"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this system cannot run."""
    if item.get_closest_marker(_ELSEWHERE):
        pytest.skip(f"needs {_ELSEWHERE.capitalize()}")
