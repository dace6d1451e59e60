"""How often the password of the day may be tried, and how long each wait is.

Five tries are free, then the waits grow; a long series of failures stops all tries for
a month. Only a well-formed password is a try. The caller writes the result of
``count_try`` to disk *before* the password is checked, and that of
``reset_after_success`` after: a process that is killed between has spent a try.

Times are those of a clock that never runs back and is saved with the tries: it follows
the wall clock upwards, and the steady clock while the wall clock is behind it. So a
clock that is set back changes nothing, and a restart neither. A clock that is set
*forward* looks like a computer that was off: a person who may set it (on Windows an
administrator) can shorten a wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from .machine import Moment
from .state_values import LARGEST_GENERATION, parse_count, parse_flag, parse_list, parse_time

FREE_TRIES = 5
"""Tries without a wait."""
FIRST_WAIT = 60.0
LONGEST_WAIT = 3600.0
DAY = 86400.0
DAILY_LIMIT = 25
"""Tries in any 24 hours (CNIL, recommendation of 2017 on passwords)."""
FAILURE_LIMIT = 100
"""Failures in a row before the stop (NIST SP 800-63B, section 5.2.2)."""
STOP_SECONDS = 30 * DAY


class WaitReason(Enum):
    """Why the next try has to wait."""

    NONE = "none"
    WAIT = "wait"  # after ``FREE_TRIES`` failures
    DAILY = "daily"  # ``DAILY_LIMIT`` tries in 24 hours
    STOPPED = "stopped"  # ``FAILURE_LIMIT`` failures in a row


@dataclass(frozen=True, slots=True)
class Tries:
    """The tries so far; times are those of *clock*, in seconds since 1970.

    *failures* counts those in a row, *recent* holds the times of the last tries (oldest
    first, ``DAILY_LIMIT`` at most), *generation* is that of the register that the last try
    was checked with. *steady* is the steady clock of this process at *clock*; it is not
    saved. *distrusted* is true if what was saved could not be read.
    """

    clock: float = 0.0
    failures: int = 0
    recent: tuple[float, ...] = ()
    not_before: float = 0.0
    generation: int = 0
    distrusted: bool = False
    steady: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether tries are stopped: for a month, or until the server or a new register."""
        return self.failures >= FAILURE_LIMIT

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {
            "clock": self.clock,
            "failures": self.failures,
            "recent": list(self.recent),
            "not_before": self.not_before,
            "generation": self.generation,
            "distrusted": self.distrusted,
        }


def parse_tries(document: Mapping[str, object]) -> Tries:
    """Parse a saved *document*. Raises ``ValueError``: then ``create_distrusted``."""
    clock, not_before = parse_time(document, "clock"), parse_time(document, "not_before")
    recent = parse_list(document, "recent", DAILY_LIMIT)
    times = tuple(parse_time({"recent": each}, "recent") for each in recent)
    if not_before > clock + STOP_SECONDS or list(times) != sorted(times) or (times and times[-1] > clock):
        raise ValueError("times that contradict each other")
    return Tries(
        clock,
        parse_count(document, "failures", 0, FAILURE_LIMIT),
        times,
        not_before,
        parse_count(document, "generation", 0, LARGEST_GENERATION),
        parse_flag(document, "distrusted"),
    )


def create_distrusted(now: Moment) -> Tries:
    """Return the tries after unreadable ones: the next has the longest wait."""
    return Tries(
        clock=max(now.wall, 0.0),
        # the last failure before the longest wait
        failures=FREE_TRIES + math.ceil(math.log2(LONGEST_WAIT / FIRST_WAIT)),
        not_before=max(now.wall, 0.0) + LONGEST_WAIT,
        distrusted=True,
        steady=now.steady,
    )


def combine_tries(tries: Tries, other: Tries) -> Tries:
    """Return the tries that neither *tries* nor *other* would allow more than.

    The clock is that of *tries*; no time of *other* may be far ahead of it.
    """
    recent = sorted((*tries.recent, *(min(time, tries.clock) for time in other.recent)))
    return replace(
        tries,
        failures=max(tries.failures, other.failures),
        recent=tuple(dict.fromkeys(recent))[-DAILY_LIMIT:],
        not_before=max(tries.not_before, min(other.not_before, tries.clock + STOP_SECONDS)),
        generation=max(tries.generation, other.generation),
        distrusted=tries.distrusted or other.distrusted,
    )


def advance_clock(tries: Tries, now: Moment) -> Tries:
    """Bring the clock of *tries* to *now*, and end a stop that has lasted its month."""
    waited = max(now.steady - tries.steady, 0.0) if tries.steady is not None else 0.0
    after = replace(tries, clock=max(now.wall, tries.clock + waited), steady=now.steady)
    return _end_stop(after) if after.stopped and after.clock >= after.not_before else after


def compute_wait(tries: Tries) -> tuple[WaitReason, float]:
    """Return why the next try waits, and how many seconds, after ``advance_clock``."""
    wait = tries.not_before - tries.clock
    daily = 0.0
    if len(tries.recent) == DAILY_LIMIT:
        daily = tries.recent[0] + DAY - tries.clock
    if max(wait, daily) <= 0:
        return WaitReason.NONE, 0.0
    if tries.stopped:
        return WaitReason.STOPPED, wait
    return (WaitReason.WAIT, wait) if wait >= daily else (WaitReason.DAILY, daily)


def count_try(tries: Tries, generation: int) -> Tries:
    """Add a failed try with register *generation*. Raises ``ValueError`` if too early."""
    if compute_wait(tries)[0] is not WaitReason.NONE:
        raise ValueError("a try before its time")
    failures = tries.failures + 1
    return replace(
        tries,
        failures=failures,
        recent=(*tries.recent, tries.clock)[-DAILY_LIMIT:],
        not_before=tries.clock + _wait_after(failures),
        generation=generation,
    )


def reset_after_success(tries: Tries) -> Tries:
    """Forget everything but the time, after the right password."""
    return Tries(clock=tries.clock, generation=tries.generation, steady=tries.steady)


def lift_stop_after_authentication(tries: Tries) -> Tries:
    """End a stop after an authentication; shorter waits stay: they are a person's."""
    return _end_stop(tries) if tries.stopped else tries


def lift_stop_after_new_register(tries: Tries, generation: int) -> Tries:
    """End a stop that was made with a register older than *generation*."""
    return _end_stop(tries) if tries.stopped and generation > tries.generation else tries


def _wait_after(failures: int) -> float:
    if failures < FREE_TRIES:
        return 0.0
    return (
        min(FIRST_WAIT * 2 ** (failures - FREE_TRIES), LONGEST_WAIT)
        if failures < FAILURE_LIMIT
        else STOP_SECONDS
    )


def _end_stop(tries: Tries) -> Tries:
    """End a stop without giving a free try: the next failure costs a minute."""
    return replace(tries, failures=FREE_TRIES - 1, not_before=tries.clock)
