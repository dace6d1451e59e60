"""Gives the desktop tests a real Windows desktop under Wine, one per test, ended whatever happens."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from rig.desktop import Desktop
from rig.prefix import Prefix


@pytest.fixture
def windows_desktop() -> Iterator[Callable[..., Desktop]]:
    """A maker of desktops: `windows_desktop(scaling=150)`; see rig.desktop.Desktop for the parameters."""
    with contextlib.ExitStack() as running:
        yield lambda *args, **options: running.enter_context(Desktop(*args, **options))


@pytest.fixture
def windows_python() -> Iterator[Prefix]:
    """A fresh Windows without a desktop: `windows_python.python("-c", "…", env={…})`."""
    with Prefix() as prefix:
        yield prefix
