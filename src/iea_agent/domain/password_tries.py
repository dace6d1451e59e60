"""How often the password of the day may be tried: five tries are free, then waits grow, and a long series of failures stops it for a month.

Only a well-formed password is a try. The caller writes ``count_try``'s result to disk *before* the password is judged and ``reset_after_success``'s after: a
process killed in between has spent a try, not won one.

Time here is one clock that never runs back, kept with the rest: it follows the wall clock upwards, and goes on with the steady clock while the wall
clock is behind. So a clock set back earns nothing and costs nothing, a restart neither. A clock set *forward* cannot be told from a computer
that was off: who may set it (on Windows an administrator) can shorten a wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeGuard

from .machine import Moment

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
    """Why there is a wait."""

    NONE = "none"
    WAIT = "wait"  # after a failure too many
    DAILY = "daily"  # ``MOST_A_DAY`` in 24 hours
    STOPPED = "stopped"  # ``MOST_IN_A_ROW`` failures in a row


@dataclass(frozen=True, slots=True)
class Tries:
    """What has been tried so far. Times are those of *clock*, in seconds since 1970.

    *steady* ties *clock* to the steady clock of this process and is not kept; *distrusted* says that what was kept could not be read.
    """

    clock: float = 0.0
    failures: int = 0  # in a row
    recent: tuple[float, ...] = ()  # the last tries, oldest first, MOST_A_DAY at most
    not_before: float = 0.0
    generation: int = 0  # of the register that the last try was checked with
    distrusted: bool = False
    steady: float | None = None

    @property
    def stopped(self) -> bool:
        """Whether only a month, the server or a new register helps."""
        return self.failures >= FAILURE_LIMIT

    def to_document(self) -> dict[str, object]:
        """What is kept on disk."""
        return {
            "clock": self.clock,
            "failures": self.failures,
            "recent": list(self.recent),
            "not_before": self.not_before,
            "generation": self.generation,
            "distrusted": self.distrusted,
        }


def parse_tries(document: Mapping[str, object]) -> Tries | None:
    """What ``to_document`` gave; None where anything in it is not as it should be: go on with ``distrusted``. Other names are passed over."""
    clock, failures, recent, not_before, generation, distrusted = (
        document.get(name)
        for name in ("clock", "failures", "recent", "not_before", "generation", "distrusted")
    )
    if not (_time(clock) and _time(not_before) and not_before <= clock + STOP_SECONDS):
        return None
    if not (_count(failures, FAILURE_LIMIT) and _count(generation, 10**6) and isinstance(distrusted, bool)):
        return None
    if not (isinstance(recent, list) and len(recent) <= DAILY_LIMIT and all(_time(each) for each in recent)):
        return None
    times = tuple(float(each) for each in recent)
    if list(times) != sorted(times) or (times and times[-1] > clock):
        return None
    return Tries(float(clock), failures, times, float(not_before), generation, distrusted)


def create_distrusted(now: Moment) -> Tries:
    """Where there was something on disk that cannot be read: no free try, and the longest wait before the next."""
    return Tries(
        clock=max(now.wall, 0.0),
        failures=_failures_before_longest_wait(),
        not_before=max(now.wall, 0.0) + LONGEST_WAIT,
        distrusted=True,
        steady=now.steady,
    )


def advance_clock(tries: Tries, now: Moment) -> Tries:
    """*tries* with its clock brought to *now*. A stop that has lasted its month ends here."""
    waited = max(now.steady - tries.steady, 0.0) if tries.steady is not None else 0.0
    after = replace(tries, clock=max(now.wall, tries.clock + waited), steady=now.steady)
    return _freed(after) if after.stopped and after.clock >= after.not_before else after


def compute_wait(tries: Tries) -> tuple[WaitReason, float]:
    """Whether the next try has to wait, why, and for how many seconds (``advance_clock`` first)."""
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
    """*tries* after one more failed try, checked with the register of *generation*. Raises ``ValueError`` while there is a wait."""
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
    """After the right password: everything is forgotten but the time."""
    return Tries(clock=tries.clock, generation=tries.generation, steady=tries.steady)


def lift_stop_after_authentication(tries: Tries) -> Tries:
    """After a successful authentication with the server: a stop ends. Shorter waits stay, the network is not the person who types."""
    return _freed(tries) if tries.stopped else tries


def lift_stop_after_new_register(tries: Tries, generation: int) -> Tries:
    """With a register of *generation* in use: a newer one than the stop was made with ends the stop."""
    return _freed(tries) if tries.stopped and generation > tries.generation else tries


def _wait_after(failures: int) -> float:
    if failures < FREE_TRIES:
        return 0.0
    return (
        min(FIRST_WAIT * 2 ** (failures - FREE_TRIES), LONGEST_WAIT)
        if failures < FAILURE_LIMIT
        else STOP_SECONDS
    )


def _freed(tries: Tries) -> Tries:
    """After a stop there is no free try: the first failure costs a minute again."""
    return replace(tries, failures=FREE_TRIES - 1, not_before=tries.clock)


def _failures_before_longest_wait() -> int:
    return FREE_TRIES + math.ceil(math.log2(LONGEST_WAIT / FIRST_WAIT))


def _time(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 2**40


def _count(value: object, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
