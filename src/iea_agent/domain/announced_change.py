"""The rehearsal of an announced change of addresses, and the change on its day.

Long before its day each agent tries quietly whether this PC reaches the new servers. Where it does, nobody hears of it. Where it does not, the person
is told once, at least a week ahead, with the repair or the sheet for the IT person. On the day the agent uses the new address by itself, and goes back
to the old one if only that answers. All times are seconds since 1970.

A rehearsal is a test of both servers: it signs nobody in. ``may_sign_in`` says to which addresses the licence may be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from . import timing
from .signed_policy import AnnouncedChange, ReplacedAddress
from .state_values import parse_count, parse_time


class Rehearsal(Enum):
    """How a rehearsal ended."""

    PASSED = "passed"
    FAILED = "failed"
    UNCLEAR = "unclear"  # today's server was not reached either: it says nothing of the new one


class ChangeStep(Enum):
    """What an agent does about a change now."""

    WAIT = "wait"
    REHEARSE = "rehearse"
    TELL = "tell"
    SWITCH = "switch"
    TRY_AGAIN = "try-again"  # the new address, after a return to the old one
    SETTLE = "settle"  # it is done: the new addresses stay, whatever is announced later


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """What this PC has done about one change; 0.0 for "not yet".

    *failures* are the rehearsals that failed one after the other, *problem* is the code of the last one's problem. *returned* is when the
    agent went back to the old address, where it is since then.
    """

    rehearsed: float = 0.0
    failures: int = 0
    passed: bool = False
    problem: str = ""
    told_at: float = 0.0
    switched: float = 0.0
    returned: float = 0.0
    settled: float = 0.0

    @property
    def is_in_force(self) -> bool:
        """Whether the new addresses are used."""
        return bool(self.switched) and not self.returned

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def parse_change_record(document: Mapping[str, object]) -> ChangeRecord:
    """Parse a saved *document*. Raises ``ValueError`` if it is impossible."""
    problem, passed = document.get("problem"), document.get("passed")
    if not isinstance(problem, str) or len(problem) > 10 or not isinstance(passed, bool):
        raise ValueError("problem, passed: a code, and true or false expected")
    times = {
        name: parse_time(document, name)
        for name in ("rehearsed", "told_at", "switched", "returned", "settled")
    }
    return ChangeRecord(
        failures=parse_count(document, "failures", 0, 10**6), passed=passed, problem=problem, **times
    )


def select_changes(
    changes: Iterable[AnnouncedChange], authentication: str, updates: str
) -> tuple[AnnouncedChange, ...]:
    """Return the parts of *changes* that concern a PC with these two addresses.

    A PC whose person or administrator has set another address has nothing to change there.
    """
    mine = (
        replace(
            change,
            authentication=_if_used(change.authentication, authentication),
            updates=_if_used(change.updates, updates),
        )
        for change in changes
    )
    return tuple(change for change in mine if change.authentication or change.updates)


def _if_used(replaced: ReplacedAddress | None, address: str) -> ReplacedAddress | None:
    return replaced if replaced and replaced.old == address else None


def decide_step(change: AnnouncedChange, record: ChangeRecord, now: float, chance: float) -> ChangeStep:
    """Return what to do now; *chance*, from 0 to 1, is this PC's own and stays."""
    if record.settled:
        return ChangeStep.WAIT
    if now >= change.begins:
        return _decide_on_the_day(record, now)
    if _is_time_to_tell(change, record, now):
        return ChangeStep.TELL
    return ChangeStep.REHEARSE if now >= next_rehearsal(change, record, chance) else ChangeStep.WAIT


def next_rehearsal(change: AnnouncedChange, record: ChangeRecord, chance: float) -> float:
    """Return when the next rehearsal is due."""
    if not record.rehearsed:
        return change.rehearses + chance * timing.REHEARSAL_SPREAD
    apart = timing.REHEARSAL_PASSED if record.passed else timing.REHEARSAL_FAILED
    return record.rehearsed + apart


def _decide_on_the_day(record: ChangeRecord, now: float) -> ChangeStep:
    if not record.switched:
        return ChangeStep.SWITCH
    if record.returned:
        return ChangeStep.TRY_AGAIN if now >= record.returned + timing.CHANGE_RETURN else ChangeStep.WAIT
    return ChangeStep.SETTLE if now >= record.switched + timing.CHANGE_SETTLED else ChangeStep.WAIT


def _is_time_to_tell(change: AnnouncedChange, record: ChangeRecord, now: float) -> bool:
    is_late = now >= change.begins - timing.TELLING_LATE
    needed = timing.REHEARSALS_BEFORE_LATE_TELLING if is_late else timing.REHEARSALS_BEFORE_TELLING
    return not record.told_at and record.failures >= needed


def needs_help(change: AnnouncedChange, record: ChangeRecord, now: float) -> bool:
    """Return whether the status goes on to say that this PC is not ready."""
    return bool(record.told_at) and not record.passed and now < change.begins


# What happened


def note_rehearsal(record: ChangeRecord, outcome: Rehearsal, problem: str, now: float) -> ChangeRecord:
    """Return *record* after a rehearsal; *problem* is the code of what failed."""
    match outcome:
        case Rehearsal.PASSED:
            return replace(record, rehearsed=now, passed=True, failures=0, problem="")
        case Rehearsal.FAILED:
            return replace(record, rehearsed=now, passed=False, failures=record.failures + 1, problem=problem)
    return replace(record, rehearsed=now)


def note_told(record: ChangeRecord, now: float) -> ChangeRecord:
    """Return *record* once the person has been told."""
    return replace(record, told_at=now)


def note_switch(record: ChangeRecord, now: float) -> ChangeRecord:
    """Return *record* once the new addresses are in use, for the first time or again."""
    return replace(record, switched=now, returned=0.0)


def note_failure(
    change: AnnouncedChange, record: ChangeRecord, *, old_answers: bool, now: float
) -> ChangeRecord:
    """Return *record* after a failure at a new address: back if the old one answers."""
    may_return = record.is_in_force and not record.settled and now >= change.begins
    return replace(record, returned=now) if may_return and old_answers else record


def note_settled(record: ChangeRecord, now: float) -> ChangeRecord:
    """Return *record* once the change is done for good."""
    return replace(record, settled=now)


# Which address


def choose_address(address: str, replaced: ReplacedAddress | None, record: ChangeRecord) -> str:
    """Return the address to use where *address* is set."""
    return replaced.new if replaced and replaced.old == address and record.is_in_force else address


def may_sign_in(address: str, changes: Iterable[AnnouncedChange], now: float) -> bool:
    """Return whether *address* may see the licence: no future one before its day."""
    return not any(
        now < change.begins and change.authentication and change.authentication.new == address
        for change in changes
    )
