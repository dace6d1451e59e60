"""When a verified version is installed at night, without a click.

The administrator's policy asks for it (``updates.install``). Nobody sits before the screen then: what would ask something, or is in use, is left for the
day. Times are local. When the clocks go forward, a PC whose time of beginning is left out begins right after; when they go back, the hour comes twice, and
the version is still tried once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from . import timing
from .due_dates import is_quiet_day
from .installer_result import InstallResult
from .update_catalogue import Release, Scope
from .update_choice import compute_draw
from .update_machine import UpdateEffect, UpdateState
from .update_record import UpdateRecord


class Hurdle(Enum):
    """Why nothing is installed now, though the policy wants it at night."""

    NOT_READY = "not-ready"
    DAY = "day"
    QUIET_DAY = "quiet-day"
    NOT_PROPOSED = "not-proposed"
    TRIED = "tried"
    NEEDS_RIGHTS = "needs-rights"
    IN_USE = "in-use"
    PROGRAM_RUNS = "program-runs"


@dataclass(frozen=True, slots=True)
class NightMoment:
    """What is asked about this PC at *now*, in local time.

    *draw* in [0, 1) is its place in the night. *is_in_use*: a window is open, the agent is in assistance mode or connecting. *has_rights*: the
    agent has those of an administrator.
    """

    now: datetime
    draw: float
    is_in_use: bool
    program_runs: bool
    has_rights: bool


@dataclass(frozen=True, slots=True)
class NightPlan:
    """A verified version, and what is known of its installation.

    *proposed* is what the agent proposes now, None for nothing. *scope* is for whom it installs, None if no setup of ours can.
    """

    record: UpdateRecord
    proposed: Release | None
    scope: Scope | None


def draw_begin(name: str, now: datetime) -> float:
    """Return the place in the night of *now* of the PC *name*, another one each night."""
    return compute_draw(name, now.date().isoformat()) / 100


def is_night(now: datetime, draw: float) -> bool:
    """Return whether a PC with *draw* may begin at *now*, in local time."""
    return timing.NIGHT_BEGIN + timing.NIGHT_SPREAD * draw <= _count_seconds(now) < timing.NIGHT_END


def needs_nobody(scope: Scope | None, *, has_rights: bool) -> bool:
    """Return whether an installer for *scope* asks for no administrator."""
    return scope is Scope.USER or (scope is Scope.MACHINE and has_rights)


def find_hurdle(plan: NightPlan, moment: NightMoment) -> Hurdle | None:
    """Return why the version of *plan* is not installed at *moment*, None if it is."""
    return next((hurdle for hurdle, applies in HURDLES.items() if applies(plan, moment)), None)


def waits_for_night(record: UpdateRecord, now: datetime) -> bool:
    """Return whether the announcement of *record* waits at *now*, in local time.

    What came at night is told in the morning; that a version is ready is told only if no night has installed it.
    """
    if timing.NIGHT_BEGIN <= _count_seconds(now) < timing.NIGHT_TOLD:
        return True
    is_ready = any(key.startswith(f"{UpdateEffect.ANNOUNCE_READY.value} ") for key in record.pending)
    was_refused = record.report.get("version") == record.snapshot.version
    waited = now.timestamp() - record.snapshot.since
    return is_ready and not was_refused and 0 <= waited < timing.NIGHT_PATIENCE


def _count_seconds(now: datetime) -> float:
    """Return the time of day that the clock on the wall shows, in seconds."""
    return (now.hour * 60.0 + now.minute) * 60 + now.second


_TRIED_AGAIN = frozenset({InstallResult.PROGRAM_OPEN.value, InstallResult.FILE_LOST.value})
"""What has nothing to do with the version: another night may do."""


def _was_tried(plan: NightPlan, moment: NightMoment) -> bool:
    snapshot, report = plan.record.snapshot, plan.record.report
    if report.get("version") != snapshot.version:
        return False
    is_recent = moment.now.timestamp() - snapshot.since < timing.NIGHT_AGAIN
    return is_recent or report.get("result") not in _TRIED_AGAIN


def _is_proposed(plan: NightPlan) -> bool:
    return plan.proposed is not None and plan.proposed.version == plan.record.snapshot.version


HURDLES: Mapping[Hurdle, Callable[[NightPlan, NightMoment], bool]] = {
    Hurdle.NOT_READY: lambda plan, _moment: plan.record.snapshot.state is not UpdateState.READY,
    Hurdle.DAY: lambda _plan, moment: not is_night(moment.now, moment.draw),
    # a critical version, too: somebody should see what becomes of it
    Hurdle.QUIET_DAY: lambda _plan, moment: is_quiet_day(moment.now.date()),
    Hurdle.NOT_PROPOSED: lambda plan, _moment: not _is_proposed(plan),
    Hurdle.TRIED: _was_tried,
    Hurdle.NEEDS_RIGHTS: lambda plan, moment: not needs_nobody(plan.scope, has_rights=moment.has_rights),
    Hurdle.IN_USE: lambda _plan, moment: moment.is_in_use,
    Hurdle.PROGRAM_RUNS: lambda _plan, moment: moment.program_runs,
}
"""Each hurdle, and when it is there."""
