"""What may be fetched without a click on a network that costs."""

from __future__ import annotations

import pytest

from iea_agent.domain.network_cost import (
    APPROACHING_LIMIT,
    CONGESTED,
    FIXED,
    FREE_BYTES,
    OVER_LIMIT,
    ROAMING,
    UNKNOWN,
    UNRESTRICTED,
    VARIABLE,
    allows_automatic,
    is_metered,
)


@pytest.mark.parametrize(
    ("cost", "metered"),
    [
        (UNKNOWN, False),
        (UNRESTRICTED, False),
        (UNRESTRICTED | CONGESTED, False),
        (UNRESTRICTED | APPROACHING_LIMIT, False),
        (FIXED, True),
        (VARIABLE, True),
        (UNRESTRICTED | ROAMING, True),
        (UNRESTRICTED | OVER_LIMIT, True),
    ],
)
def test_a_network_that_costs_brings_nothing_large_by_itself(cost: int, metered: bool) -> None:
    assert is_metered(cost) is metered
    assert allows_automatic(cost, 200_000_000) is not metered
    assert allows_automatic(cost, FREE_BYTES)
