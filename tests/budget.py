"""What one input of a fuzzer may cost: processor time, time and memory.

    @examples(150)
    @given(st.text())
    def test_any_text_is_judged(text: str) -> None: ...

`IEA_FUZZ` is the number of examples of each such test, for a person who has an hour.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings

from iea_agent.services.reachability import EXAMINATION_SECONDS
from tests.parsers import LONGEST_SECONDS

Test = TypeVar("Test", bound=Callable[..., None])

GIVEN = int(os.environ.get("IEA_FUZZ", "0"))
MOST_MEMORY = 64 * 1024 * 1024


class TooSlowError(AssertionError):
    """An input that costs more processor time than it may."""


def examples(quick: int, long: int = GIVEN) -> Callable[[Test], Test]:
    """Run *quick* examples in the suite, a third on Windows, or ``IEA_FUZZ`` of them.

    Each one is ``within_budget``.
    """
    here = quick if sys.platform == "linux" else quick // 3
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]

    def decorate(test: Test) -> Test:
        given_test: Any = test
        given_test.hypothesis.inner_test = within_budget(given_test.hypothesis.inner_test)
        return settings(max_examples=long or here, suppress_health_check=checks)(test)

    return decorate


def within_budget(test: Test) -> Test:
    """Return *test* with the limits of ``bounded`` for each call.

    One that took too long is tried once more: modules may have been loaded, or memory been cleared, meanwhile.
    """

    @functools.wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        try:
            with bounded():
                test(*arguments, **named)
        except TooSlowError:
            with bounded():
                test(*arguments, **named)

    return run  # type: ignore[return-value]


@contextmanager
def bounded(seconds: float = LONGEST_SECONDS) -> Iterator[None]:
    """Check that the block takes no more work, time and memory than allowed.

    *seconds* are processor time, the servers of the test included. The other limits are the time of a whole test of the servers, and ``MOST_MEMORY``.
    """
    before = _reset_peak()
    begun, worked = time.monotonic(), time.process_time()
    yield
    worked = time.process_time() - worked
    if worked > seconds:
        raise TooSlowError(f"{worked:.3f} s of processor time")
    assert time.monotonic() - begun < EXAMINATION_SECONDS
    assert _peak() - before < MOST_MEMORY


def _reset_peak() -> int:
    """Reset the peak of memory (proc(5): clear_refs) and return what is used now.

    Windows has such a peak too, but cannot reset it.
    """
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _peak()


def _peak() -> int:
    """Bytes: the most memory that this process has held since."""
    if sys.platform != "linux":
        return 0
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert match is not None
    return int(match[1]) * 1024
