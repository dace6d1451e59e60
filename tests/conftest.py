"""What holds for every room of tests."""

from __future__ import annotations

import sys

import pytest

pytest_plugins = ["tests.worlds"]


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marks."""
    config.addinivalue_line("markers", "linux: needs programs of Linux; skipped elsewhere")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this system cannot run."""
    if sys.platform != "linux" and item.get_closest_marker("linux"):
        pytest.skip("needs Linux")
