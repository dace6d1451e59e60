"""The built program, and a Windows without a desktop that stays up between tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from installer.build import Built, build_program
from rig.build import PYTHON
from rig.prefix import Prefix, read_to_end


@pytest.fixture(scope="session")
def built() -> Built:
    """Return the program folder and the launchers, made anew if out of date."""
    return build_program()


@pytest.fixture(scope="module")
def windows() -> Iterator[Prefix]:
    """Return a new Windows; one idle program keeps it up between tests."""
    with Prefix() as prefix:
        idle = prefix.start(PYTHON / "python.exe", "-c", "input()")
        yield prefix
        read_to_end(idle, 30, "\n")
