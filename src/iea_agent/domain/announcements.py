"""What the agent tells unasked, and when it keeps quiet: one balloon policy for the whole program.

One balloon after a minute of failure; the same text not again for a day; one « rétablie », only if a failure was announced. After start and
wake nothing for 30 s (``machine.START_QUIET``). Whoever clicked gets an answer whatever was said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FAILURE_AFTER = 60.0
"""Seconds of failure before it is told."""
SAME_AGAIN_AFTER = 86_400.0
"""Seconds before the same text may be told again."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What has been told: the wall-clock time of each text's key, and whether a failure stands announced."""

    told_at: Mapping[str, float] = field(default_factory=dict)
    failure: bool = False

    def may_tell(self, key: str, wall: float) -> bool:
        """Whether *key* has not been told within a day. A clock set back does not silence it for ever."""
        at = self.told_at.get(key)
        return at is None or not 0 <= wall - at < SAME_AGAIN_AFTER

    def told(self, key: str, wall: float, *, failure: bool) -> Announced:
        """This memory after telling *key* at *wall*."""
        return replace(self, told_at={**self.told_at, key: wall}, failure=self.failure or failure)

    def recovered(self) -> Announced:
        """This memory once the connection works again."""
        return replace(self, failure=False)


def reminder_due_in(held_for: float) -> float:
    """Seconds until the next daily reminder of assistance mode, which has held for *held_for* seconds. A clock set back costs no reminder."""
    return SAME_AGAIN_AFTER - max(held_for, 0.0) % SAME_AGAIN_AFTER


def failure_due_in(failing_for: float, quiet_for: float) -> float:
    """Seconds until a failure may be told that has lasted *failing_for*, with *quiet_for* seconds of start or wake silence left."""
    return max(FAILURE_AFTER - failing_for, quiet_for, 0.0)
