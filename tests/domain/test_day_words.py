"""The list of words, and words as people type them."""

from __future__ import annotations

import unicodedata

import pytest

from iea_agent.domain.day_words import WORDS, find_word, list_words


def test_the_list() -> None:
    words = WORDS.split()
    assert len(words) == 2048
    assert unicodedata.is_normalized("NFC", WORDS)
    bare = {unicodedata.normalize("NFD", word).encode("ascii", "ignore")[:4] for word in words}
    assert len(bare) == 2048
    assert min(map(len, words)) == 5


@pytest.mark.parametrize("typed", ["élégante", "ELEG", "e\u0301le\u0301gance", "eleg"])
def test_case_accents_and_the_end_of_a_word_do_not_matter(typed: str) -> None:
    number = find_word(typed)
    assert number is not None
    assert list_words()[number] == "élégant"


@pytest.mark.parametrize("typed", ["", "ele", "zzzz", "1234"])
def test_other_words_have_no_number(typed: str) -> None:
    assert find_word(typed) is None
