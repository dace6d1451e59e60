"""The last crash of the agent: whether it starts again, and what to tell of it.

A crash is restarted once. A second one some minutes later is not: the person is told at the next start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from . import timing
from .state_values import parse_flag, parse_time


@dataclass(frozen=True, slots=True)
class CrashRecord:
    """The last crash, *at* a time of the wall clock.

    It *is_repeated* if another one came shortly before. It *is_announced* once the log has told of it, and the person of one that is repeated.
    """

    at: float
    is_repeated: bool
    is_announced: bool = False

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {"at": self.at, "is_repeated": self.is_repeated, "is_announced": self.is_announced}


def parse_crash(document: Mapping[str, object]) -> CrashRecord:
    """Parse a saved *document*. Raises ``ValueError`` if it is impossible."""
    return CrashRecord(
        parse_time(document, "at"), parse_flag(document, "is_repeated"), parse_flag(document, "is_announced")
    )


def record_crash(before: CrashRecord | None, at: float) -> CrashRecord:
    """Return the record of a crash *at* this time; *before* is the last one.

    A clock that was put back between the two leaves open how far apart they are: then it counts as repeated.
    """
    return CrashRecord(at, is_repeated=before is not None and at - before.at < timing.RESTART_APART)


def settle(record: CrashRecord, now: float) -> CrashRecord:
    """Return *record* as announced; one ahead of *now* would forbid restarts for long."""
    return replace(record, at=min(record.at, now), is_announced=True)
