"""Windows desktops under Wine for the desktop tests, ended after each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from rig.desktop import Desktop
from rig.prefix import Prefix


@pytest.fixture
def windows_desktop() -> Iterator[Callable[..., Desktop]]:
    """Return a function that makes desktops; for its parameters see ``Desktop``."""
    with contextlib.ExitStack() as running:
        yield lambda *args, **options: running.enter_context(Desktop(*args, **options))


@pytest.fixture
def windows_python() -> Iterator[Prefix]:
    """Return a new Windows without a desktop: ``windows_python.python("-c", "…")``."""
    with Prefix() as prefix:
        yield prefix
