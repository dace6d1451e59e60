"""When the agent shows a balloon unasked, and when not.

One balloon after a minute of failure; the same text not again for a day; one « rétablie », only if a failure was announced. After start and
wake none for 30 s (``machine.START_QUIET``). A person who asked is answered regardless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FAILURE_AFTER = 60.0
"""Seconds of failure before it is announced."""
SAME_AGAIN_AFTER = 86_400.0
"""Seconds before the same text may be announced again."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The announcements made so far.

    *announced_at* has the time of each text's key (wall clock), *failure* is true from the announcement of a failure until recovery.
    """

    announced_at: Mapping[str, float] = field(default_factory=dict)
    failure: bool = False

    def may_announce(self, key: str, wall: float) -> bool:
        """Return whether *key* was not announced within a day."""
        at = self.announced_at.get(key)
        # a clock that was set back must not silence it for ever
        return at is None or not 0 <= wall - at < SAME_AGAIN_AFTER

    def record(self, key: str, wall: float, *, failure: bool) -> Announced:
        """Return this record with *key* announced at *wall*."""
        announced_at = {**self.announced_at, key: wall}
        return replace(self, announced_at=announced_at, failure=self.failure or failure)

    def recover(self) -> Announced:
        """Return this record for a connection that works again."""
        return replace(self, failure=False)


def reminder_due_in(lasted: float) -> float:
    """Return the seconds until the next daily reminder, after *lasted* seconds."""
    # a clock that was set back costs no reminder
    return SAME_AGAIN_AFTER - max(lasted, 0.0) % SAME_AGAIN_AFTER


def failure_due_in(failing_for: float, quiet_for: float) -> float:
    """Return the seconds until a failure may be announced, after the quiet time."""
    return max(FAILURE_AFTER - failing_for, quiet_for, 0.0)
