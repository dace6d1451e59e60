"""What holds for every room of tests."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import settings

pytest_plugins = [
    "tests.forked_commands",
    "tests.installations",
    "tests.vaults",
    "tests.windows_proxies",
    "tests.worlds",
]

# the rig needs Linux: there it is what runs Windows; the bad network is made of namespaces
collect_ignore = [] if sys.platform == "linux" else ["browser", "desktop", "far", "installer", "rig"]

_USUAL = settings.get_profile("ci" if "CI" in os.environ else "default")
# No example is timed: a busy machine takes longer, and what must be fast is measured by tests of its own.
# In Windows a third of the examples, as in tests/budget.py: Linux tries the usual hundred. Nothing is lost here: what the systems do otherwise (paths,
# text in files, times) shows in any example, and the rare inputs are those of code that knows no system.
_EXAMPLES = 33 if sys.platform == "win32" else _USUAL.max_examples
settings.register_profile("this system", _USUAL, deadline=None, max_examples=_EXAMPLES)
settings.load_profile("this system")

_ELSEWHERE = "linux" if sys.platform == "win32" else "windows"


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what this system cannot run."""
    if item.get_closest_marker(_ELSEWHERE):
        pytest.skip(f"needs {_ELSEWHERE.capitalize()}")


@pytest.fixture(autouse=True)
def _close_log_files() -> Iterator[None]:
    """Close the log files of agents that a test made but did not run.

    Later tests would fill them.
    """
    root, ours = logging.getLogger(), logging.getLogger("iea_agent")
    before, level = list(root.handlers), ours.level
    yield
    for handler in list(root.handlers):
        if isinstance(handler, logging.FileHandler) and handler not in before:
            root.removeHandler(handler)
            handler.close()
    ours.setLevel(level)
