"""The check symbols: what they locate, what they detect."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain.reed_solomon import compute_check_symbols, compute_syndromes, locate_error

symbols = st.integers(0, 31)


@given(st.lists(symbols, min_size=1, max_size=29))
def test_a_word_with_its_check_symbols_is_correct(message: list[int]) -> None:
    assert compute_syndromes([*message, *compute_check_symbols(message)]) == (0, 0)


@pytest.mark.parametrize("place", range(13))
@pytest.mark.parametrize("error", range(1, 32))
def test_one_wrong_symbol_is_located(place: int, error: int) -> None:
    word = [0] * 13
    word[place] = error
    assert locate_error(*compute_syndromes(word)) == place


def test_every_double_error_is_detected() -> None:
    """The code is linear: whether an error is detected depends on the error alone."""
    for one, other in itertools.combinations(range(13), 2):
        for left in range(1, 32):
            for right in range(1, 32):
                error = [0] * 13
                error[one], error[other] = left, right
                assert compute_syndromes(error) != (0, 0)


@pytest.mark.parametrize(("plain", "weighted"), [(0, 1), (5, 0)])
def test_two_errors_that_cancel_each_other_in_one_sum_have_no_place(plain: int, weighted: int) -> None:
    assert locate_error(plain, weighted) is None
