"""When to try again: delays in seconds.

Retries back off exponentially with jitter, so that ten thousand agents do not return in the same second.
"""

from __future__ import annotations

from .problems import Problem, Retry

FIRST = 1.0
LONGEST = 60.0
HEARTBEAT = 60.0
PROBE = 300.0
REFUSED = 900.0
UNAVAILABLE_LEAST = 60.0
UNAVAILABLE_SPREAD = 240.0
RETRY_AFTER_LONGEST = 3600.0
NETWORK_SETTLES = 2.0
CLOCK_CHECK = 15.0
SLEPT_GAP = 22.5
POLICY_CHECK = 60.0


def next_try(problem: Problem, failures: int, retry_after: float | None, chance: float) -> float | None:
    """Return the seconds until the next attempt, None if only a change can help.

    *failures* counts the failures in a row, from 1. *retry_after* is the server's wish in seconds (RFC 9110, section 10.2.3), respected up to an
    hour. *chance* is in [0, 1).
    """
    if problem.retry is Retry.ON_CHANGE:
        return None
    if retry_after is not None and retry_after > 0:
        # never earlier than asked, and not all at the same second
        return min(retry_after, RETRY_AFTER_LONGEST) * (1 + 0.1 * chance)
    if problem.retry is Retry.REFUSED:
        return REFUSED
    if problem.retry is Retry.UNAVAILABLE:
        return UNAVAILABLE_LEAST + UNAVAILABLE_SPREAD * chance
    doubled: float = FIRST * 2 ** min(max(failures, 1) - 1, 16)
    return min(doubled, LONGEST) * (0.5 + chance)


def heartbeat(chance: float) -> float:
    """Return the seconds until the next heartbeat: 60 s ± 10 %."""
    return HEARTBEAT * (0.9 + 0.2 * chance)


def slept(wall_elapsed: float) -> bool:
    """Return whether the computer slept in the *wall_elapsed* seconds since a check."""
    return wall_elapsed > SLEPT_GAP
