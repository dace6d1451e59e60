"""A download in numbers: what is there, how fast, for how long, how much room."""

from __future__ import annotations

import re
from dataclasses import dataclass

ROOM_LEFT = 500_000_000
"""Bytes that stay free on each disk: Windows itself needs room."""
COPIES_UNPACKED = 2
"""How often an installer may need the room of what it installs: while it unpacks, and for the version before."""
RATE_BESIDE_PROGRAM = 2_000_000.0
"""Bytes a second that a download takes at most while Impact emploi runs."""
SMOOTHING_SECONDS = 5.0
"""The rate is that of about so many last seconds."""
LEAST_SECONDS = 1.0
"""No time left is told before so much of the download was seen."""
_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/(?:([0-9]{1,15})|\*)")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is: *received* of *total* bytes, *rate* bytes a second.

    The rate is 0 until it is known.
    """

    received: int
    total: int
    rate: float = 0.0

    @property
    def seconds_left(self) -> float | None:
        """The time that the rest takes, None if it is not known."""
        return (self.total - self.received) / self.rate if self.rate else None


class RateMeter:
    """The rate of a download, smoothed over some seconds."""

    def __init__(self, received: int, now: float) -> None:
        """Begin with what was *received* before; *now* is a steady clock."""
        self._begun = self._at = now
        self._received = received
        self._rate = 0.0

    def measure(self, received: int, now: float) -> float:
        """Return the rate in bytes a second, 0 as long as it is not known."""
        elapsed = now - self._at
        if elapsed > 0:
            fresh = (received - self._received) / elapsed
            weight = min(elapsed / min(SMOOTHING_SECONDS, now - self._begun), 1.0)
            self._rate += (fresh - self._rate) * weight
            self._at, self._received = now, received
        return self._rate if now - self._begun >= LEAST_SECONDS else 0.0


class RateLimit:
    """A bucket of bytes that fills at the agreed rate, up to those of one second."""

    def __init__(self, now: float) -> None:
        """Begin with an empty bucket; *now* is a steady clock."""
        self._at = now
        self._bytes = 0.0

    def take(self, size: int, rate: float, now: float) -> float:
        """Return how many seconds to wait after *size* bytes at *rate*, 0 for no limit."""
        if not rate:
            self._at, self._bytes = now, 0.0
            return 0.0
        self._bytes = min(self._bytes + (now - self._at) * rate, rate) - size
        self._at = now
        return max(-self._bytes / rate, 0.0)


def compute_room(missing: int, installed: int) -> int:
    """Return the free bytes that an update needs, *missing* of its download.

    *installed* are the bytes that it installs, 0 if it is not installed here.
    """
    return missing + COPIES_UNPACKED * installed + ROOM_LEFT


def parse_content_range(text: str) -> tuple[int, int | None] | None:
    """Return where a part begins and how long the whole is, None if it says neither.

    The length is None if the server does not say it (RFC 9110, section 14.4).
    """
    form = _RANGE.fullmatch(text.strip()[:100])
    return None if form is None else (int(form[1]), int(form[3]) if form[3] else None)
