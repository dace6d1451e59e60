"""The record of assistance mode: since when it is on, in a state file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .state_values import parse_time


@dataclass(frozen=True, slots=True)
class AssistanceRecord:
    """Assistance mode on disk: on *since* a time of the wall clock, None for off."""

    since: float | None

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {"since": self.since}


def parse_assistance(document: Mapping[str, object]) -> AssistanceRecord:
    """Parse a saved *document*. Raises ``ValueError`` if it is impossible."""
    if "since" in document and document["since"] is None:
        return AssistanceRecord(None)
    return AssistanceRecord(parse_time(document, "since"))


def combine_records(copy: AssistanceRecord, file: AssistanceRecord) -> AssistanceRecord:
    """Return what counts if *file* was changed without the agent after *copy*.

    On if one of them says so, since the time that the agent knows: an earlier one would end the mode
    before its days are over.
    """
    return file if copy.since is None else copy


def bound_since(since: float, now: float, built: float) -> float:
    """Return *since*, or *now* if that is earlier: a time ahead would never pass.

    A clock that is behind the day on which this program was *built* proves nothing.
    """
    return now if built <= now < since else since
