"""What the network costs, and what may be fetched on it without asking.

The values are those of ``NLM_CONNECTION_COST`` (netlistmgr.h).
"""

from __future__ import annotations

UNKNOWN = 0
UNRESTRICTED = 0x1
FIXED = 0x2
"""A volume is paid for, and what is over it costs or is slow."""
VARIABLE = 0x4
"""Each byte costs."""
OVER_LIMIT = 0x1_0000
CONGESTED = 0x2_0000
ROAMING = 0x4_0000
APPROACHING_LIMIT = 0x8_0000
_COSTLY = FIXED | VARIABLE | OVER_LIMIT | ROAMING
FREE_BYTES = 1_000_000
"""So much is fetched without a click on any network: metadata and notes."""


def is_metered(cost: int) -> bool:
    """Return whether somebody pays for what comes over the network."""
    return bool(cost & _COSTLY)


def allows_automatic(cost: int, size: int) -> bool:
    """Return whether *size* bytes may be fetched without a click at *cost*."""
    return size <= FREE_BYTES or not is_metered(cost)
