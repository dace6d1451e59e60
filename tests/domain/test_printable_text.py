"""Foreign text made printable: one line, nothing invisible, a limited length."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain.printable_text import (
    LONGEST_DETAIL,
    LONGEST_SHOWN,
    clean_detail,
    clean_foreign_text,
)
from tests.covered import cover, covers


def test_foreign_text_is_one_visible_line() -> None:
    assert clean_foreign_text("https://a\u202egro.fr\r\nvilain\x00") == "https://a gro.fr vilain"
    assert clean_foreign_text("x" * 500) == "x" * (LONGEST_SHOWN - 1) + "…"


@covers("whole", "cut", "cleaned")
@example("x" * (LONGEST_DETAIL + 1))
@example("\0")
@given(st.text(max_size=1000))
def test_a_detail_is_one_printable_line_of_limited_length(text: str) -> None:
    detail = clean_detail(text)
    cover("cut" if len(text) > LONGEST_DETAIL else "whole", *(() if text.isprintable() else ("cleaned",)))
    assert detail.isprintable()
    assert len(detail) == min(len(text), LONGEST_DETAIL)
