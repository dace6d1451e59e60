"""How often the password of the day may be tried: five tries are free, then waits grow, and a long series of failures stops it for a month.

Only a well-formed password is a try. The caller writes ``charge``'s result to disk *before* the password is judged and ``succeeded``'s after: a
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

FREE = 5
"""Tries without a wait."""
FIRST_WAIT = 60.0
LONGEST_WAIT = 3600.0
DAY = 86400.0
MOST_A_DAY = 25
"""Tries in any 24 hours (CNIL, recommendation of 2017 on passwords)."""
MOST_IN_A_ROW = 100
"""Failures in a row before the stop (NIST SP 800-63B, section 5.2.2)."""
STOP = 30 * DAY


class Hold(Enum):
    """Why there is a wait."""

    NONE = "none"
    WAIT = "wait"  # after a failure too many
    DAILY = "daily"  # ``MOST_A_DAY`` in 24 hours
    STOPPED = "stopped"  # ``MOST_IN_A_ROW`` failures in a row


@dataclass(frozen=True, slots=True)
class Attempts:
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
        return self.failures >= MOST_IN_A_ROW

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


def from_document(document: Mapping[str, object]) -> Attempts | None:
    """What ``to_document`` gave; None where anything in it is not as it should be: go on with ``distrusted``. Other names are passed over."""
    clock, failures, recent, not_before, generation, distrusted = (
        document.get(name)
        for name in ("clock", "failures", "recent", "not_before", "generation", "distrusted")
    )
    if not (_time(clock) and _time(not_before) and not_before <= clock + STOP):
        return None
    if not (_count(failures, MOST_IN_A_ROW) and _count(generation, 10**6) and isinstance(distrusted, bool)):
        return None
    if not (isinstance(recent, list) and len(recent) <= MOST_A_DAY and all(_time(each) for each in recent)):
        return None
    times = tuple(float(each) for each in recent)
    if list(times) != sorted(times) or (times and times[-1] > clock):
        return None
    return Attempts(float(clock), failures, times, float(not_before), generation, distrusted)


def distrusted(now: Moment) -> Attempts:
    """Where there was something on disk that cannot be read: no free try, and the longest wait before the next."""
    return Attempts(
        clock=max(now.wall, 0.0),
        failures=_failures_before_longest_wait(),
        not_before=max(now.wall, 0.0) + LONGEST_WAIT,
        distrusted=True,
        steady=now.steady,
    )


def advance(attempts: Attempts, now: Moment) -> Attempts:
    """*attempts* with its clock brought to *now*. A stop that has lasted its month ends here."""
    waited = max(now.steady - attempts.steady, 0.0) if attempts.steady is not None else 0.0
    after = replace(attempts, clock=max(now.wall, attempts.clock + waited), steady=now.steady)
    return _freed(after) if after.stopped and after.clock >= after.not_before else after


def hold(attempts: Attempts) -> tuple[Hold, float]:
    """Whether the next try has to wait, why, and for how many seconds (``advance`` first)."""
    wait = attempts.not_before - attempts.clock
    daily = 0.0
    if len(attempts.recent) == MOST_A_DAY:
        daily = attempts.recent[0] + DAY - attempts.clock
    if max(wait, daily) <= 0:
        return Hold.NONE, 0.0
    if attempts.stopped:
        return Hold.STOPPED, wait
    return (Hold.WAIT, wait) if wait >= daily else (Hold.DAILY, daily)


def charge(attempts: Attempts, generation: int) -> Attempts:
    """*attempts* after one more failed try, checked with the register of *generation*. Raises ``ValueError`` while there is a wait."""
    if hold(attempts)[0] is not Hold.NONE:
        raise ValueError("a try before its time")
    failures = attempts.failures + 1
    return replace(
        attempts,
        failures=failures,
        recent=(*attempts.recent, attempts.clock)[-MOST_A_DAY:],
        not_before=attempts.clock + _wait_after(failures),
        generation=generation,
    )


def succeeded(attempts: Attempts) -> Attempts:
    """After the right password: everything is forgotten but the time."""
    return Attempts(clock=attempts.clock, generation=attempts.generation, steady=attempts.steady)


def authenticated(attempts: Attempts) -> Attempts:
    """After a successful authentication with the server: a stop ends. Shorter waits stay, the network is not the person who types."""
    return _freed(attempts) if attempts.stopped else attempts


def register_changed(attempts: Attempts, generation: int) -> Attempts:
    """With a register of *generation* in use: a newer one than the stop was made with ends the stop."""
    return _freed(attempts) if attempts.stopped and generation > attempts.generation else attempts


def _wait_after(failures: int) -> float:
    if failures < FREE:
        return 0.0
    return min(FIRST_WAIT * 2 ** (failures - FREE), LONGEST_WAIT) if failures < MOST_IN_A_ROW else STOP


def _freed(attempts: Attempts) -> Attempts:
    """After a stop there is no free try: the first failure costs a minute again."""
    return replace(attempts, failures=FREE - 1, not_before=attempts.clock)


def _failures_before_longest_wait() -> int:
    return FREE + math.ceil(math.log2(LONGEST_WAIT / FIRST_WAIT))


def _time(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 2**40


def _count(value: object, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
