"""Values of state files: every kind with what cannot be."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain import state_values

PARSERS: dict[str, Callable[[dict[str, object]], object]] = {
    "time": lambda document: state_values.parse_time(document, "x"),
    "count": lambda document: state_values.parse_count(document, "x", 1, 9),
    "flag": lambda document: state_values.parse_flag(document, "x"),
    "list": lambda document: state_values.parse_list(document, "x", 2),
}
GOOD = {"time": 1.8e9, "count": 9, "flag": False, "list": [1, None]}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.lists(st.none(), max_size=4),
    st.just({}),
)


@pytest.mark.parametrize("kind", PARSERS)
def test_a_possible_value_is_itself(kind: str) -> None:
    assert PARSERS[kind]({"x": GOOD[kind]}) == GOOD[kind]


@pytest.mark.parametrize("kind", PARSERS)
@given(value=VALUES)
def test_any_value_is_parsed_or_refused(kind: str, value: object) -> None:
    try:
        parsed = PARSERS[kind]({"x": value})
    except ValueError:
        return
    assert parsed == value
    assert isinstance(value, bool) is (kind == "flag")


@pytest.mark.parametrize("kind", PARSERS)
def test_a_missing_value_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="x: "):
        PARSERS[kind]({})


def test_a_time_may_be_a_whole_number_and_is_none_after_2100() -> None:
    assert state_values.parse_time({"at": 5}, "at") == 5.0
    assert state_values.parse_time({"at": 4_102_444_800}, "at") == 4_102_444_800.0
    with pytest.raises(ValueError, match="at"):
        state_values.parse_time({"at": 4_102_444_800.5}, "at")
