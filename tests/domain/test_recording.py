"""A recording lasts as long as it says, and no longer."""

from __future__ import annotations

import pytest

from iea_agent.domain.recording import begin_recording, find_end, parse_recording
from iea_agent.domain.timing import RECORDING

NOW = 1_796_040_000.0


def test_what_is_written_is_read() -> None:
    assert parse_recording(begin_recording(NOW)) == NOW + RECORDING


@pytest.mark.parametrize(
    ("until", "runs"),
    [
        (None, False),
        (NOW + RECORDING, True),
        (NOW + 1, True),
        (NOW, False),
        # the clock was set back
        (NOW + RECORDING + 1, False),
    ],
)
def test_it_ends_by_itself(until: float | None, runs: bool) -> None:
    assert find_end(until, NOW) == (until if runs else None)
