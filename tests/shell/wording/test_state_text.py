"""The states in words; assistance mode also says how long it has lasted."""

from __future__ import annotations

import time

import pytest

from iea_agent.domain.machine import State
from iea_agent.shell.wording.state_text import EXPLANATIONS, STATES, format_state_since
from iea_agent.shell.wording.time_text import format_since

NOW = time.mktime((2026, 11, 12, 14, 25, 0, 0, 0, -1))


def test_every_state_has_words_of_its_own() -> None:
    for texts in (STATES, EXPLANATIONS):
        assert set(texts) == set(State)
        assert len(set(texts.values())) == len(State)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize(("lasted", "age"), [(3599, ""), (3600, " (1~h)"), (90_000, " (1~j 1~h)")])
def test_only_assistance_mode_says_how_long_it_has_lasted(state: State, lasted: float, age: str) -> None:
    text = format_state_since(state, NOW - lasted, NOW).replace("\u00a0", "~")
    since = format_since(NOW - lasted, NOW).replace("\u00a0", "~")
    assert text == since + (age if state is State.ASSISTANCE else "")
