"""The recording: more goes into the logs while a person reproduces a fault."""

from __future__ import annotations

from collections.abc import Mapping

from . import state_values
from .timing import RECORDING


def begin_recording(now: float) -> dict[str, object]:
    """Return the state file of a recording that begins *now* (wall clock)."""
    return {"until": now + RECORDING}


def parse_recording(document: Mapping[str, object]) -> float:
    """Return until when the recording in a state file lasts. Raises ``ValueError``."""
    return state_values.parse_time(document, "until")


def find_end(until: float | None, now: float) -> float | None:
    """Return *until* if the recording runs *now*, else None.

    A clock that was set back must not make it longer: then it is over.
    """
    return until if until is not None and now < until <= now + RECORDING else None
