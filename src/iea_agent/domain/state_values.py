"""Values of state files: what is possible, and what only a fault can have written."""

from __future__ import annotations

from collections.abc import Mapping

LATEST_TIME = 4_102_444_800.0
"""The year 2100, in seconds since 1970: no clock of an agent has shown a later time."""
LARGEST_GENERATION = 10**6
"""The highest generation of a register of passwords."""


def parse_time(document: Mapping[str, object], name: str) -> float:
    """Return the time *name*, in seconds since 1970. Raises ``ValueError``."""
    value = document.get(name)
    # not a number is neither above nor below any
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= LATEST_TIME:
        raise ValueError(f"{name}: a time expected")
    return float(value)


def parse_count(document: Mapping[str, object], name: str, least: int, most: int) -> int:
    """Return the whole number *name* from *least* to *most*. Raises ``ValueError``."""
    value = document.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name}: a whole number from {least} to {most} expected")
    return value


def parse_flag(document: Mapping[str, object], name: str) -> bool:
    """Return whether *name* is true. Raises ``ValueError`` if it is neither."""
    value = document.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"{name}: true or false expected")
    return value


def parse_list(document: Mapping[str, object], name: str, most: int) -> list[object]:
    """Return the list *name* of *most* values at most. Raises ``ValueError``."""
    value = document.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{name}: a list of at most {most} values expected")
    return value
