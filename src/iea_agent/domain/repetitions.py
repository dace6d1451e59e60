"""What may be said once in a while, however often it happens: a line of a log."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Repetitions:
    """Says what happens under each name once in *seconds*, and counts the others."""

    seconds: float
    _last: dict[str, tuple[float, int]] = field(default_factory=dict)

    def take(self, name: str, now: float) -> int | None:
        """Return how many were passed over since *name* was said, None for one more.

        *now* is the steady clock.
        """
        last, passed = self._last.get(name, (None, 0))
        if last is not None and now - last < self.seconds:
            self._last[name] = last, passed + 1
            return None
        self._last[name] = now, 0
        return passed
