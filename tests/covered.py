"""Counts the cases that a random test met: without a case it proves nothing of it.

    @covers("accepted", "refused")
    @given(st.text())
    def test_any_text_is_judged(text: str) -> None:
        ...
        cover("accepted" if accepted else "refused")

fails if an example of one kind was never met. Give rare kinds an ``@example``, so that chance does not decide.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_Test = TypeVar("_Test", bound=Callable[..., Any])
_counts: list[Counter[Hashable]] = []


def covers(*kinds: Hashable) -> Callable[[_Test], _Test]:
    """Return a decorator that fails a test during which one of *kinds* was not met."""

    def decorate(test: _Test) -> _Test:
        @functools.wraps(test)
        def run(*arguments: Any, **named: Any) -> None:
            counts: Counter[Hashable] = Counter()
            _counts.append(counts)
            try:
                test(*arguments, **named)
            finally:
                _counts.pop()
            missing = [kind for kind in kinds if not counts[kind]]
            assert not missing, f"never met: {missing}; met: {dict(counts)}"

        return run  # type: ignore[return-value]

    return decorate


def cover(*kinds: Hashable) -> None:
    """Count *kinds* as met by the running test."""
    for counts in _counts:
        counts.update(kinds)
