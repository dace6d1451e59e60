"""When the agent shows a balloon unasked, and when not.

One balloon after a minute of failure that was observed; the same text not again for a day; one « rétablie », only if a failure was announced; three a day
at most, then the icon alone. After start and wake none for 30 s (``machine.START_QUIET``). A person who asked is answered regardless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

FAILURE_AFTER = 60.0
"""Seconds of failure before it is announced."""
SAME_AGAIN_AFTER = 86_400.0
"""Seconds before the same text may be announced again."""
DAILY_LIMIT = 3
"""Balloons in 24 hours that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Announced:
    """The announcements made so far.

    *announced_at* has the time of each text's key (wall clock), *recent* those of the last balloons; *failure* is true from the announcement of a failure until
    recovery.
    """

    announced_at: Mapping[str, float] = field(default_factory=dict)
    recent: tuple[float, ...] = ()
    failure: bool = False

    def may_announce(self, key: str, wall: float) -> bool:
        """Return whether *key* was not announced within a day, nor three others."""
        at = self.announced_at.get(key)
        return (at is None or not _within_a_day(at, wall)) and not self.is_exhausted(wall)

    def is_exhausted(self, wall: float) -> bool:
        """Return whether all balloons of a day have been shown."""
        return len([at for at in self.recent if _within_a_day(at, wall)]) >= DAILY_LIMIT

    def record(self, key: str, wall: float, *, failure: bool = False) -> Announced:
        """Return this record with *key* announced at *wall*."""
        announced_at = {**self.announced_at, key: wall}
        recent = (*self.recent, wall)[-DAILY_LIMIT:]
        return replace(self, announced_at=announced_at, recent=recent, failure=self.failure or failure)

    def recover(self) -> Announced:
        """Return this record for a connection that works again."""
        return replace(self, failure=False)


def _within_a_day(at: float, wall: float) -> bool:
    # a clock that was set back must not silence anything for ever
    return 0 <= wall - at < SAME_AGAIN_AFTER


def reminder_due_in(lasted: float) -> float:
    """Return the seconds until the next daily reminder, after *lasted* seconds."""
    # a clock that was set back costs no reminder
    return SAME_AGAIN_AFTER - max(lasted, 0.0) % SAME_AGAIN_AFTER


def failure_due_in(observed: float, quiet_for: float, *, stands: bool) -> float | None:
    """Return the seconds until a failure may be announced, None if not yet known.

    *observed* is for how long the failure was observed. One that *stands* (a refusal, missing settings) lasts until the next attempt; of another, the next
    failed attempt shows that it lasts.
    """
    missing = FAILURE_AFTER - observed
    return None if missing > 0 and not stands else max(missing, quiet_for, 0.0)
