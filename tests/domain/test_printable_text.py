"""Foreign text made printable: one line, nothing invisible, a limited length."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain.printable_text import (
    LONGEST_DETAIL,
    LONGEST_SHOWN,
    LONGEST_WHOLE_DETAIL,
    bound_detail,
    clean_detail,
    clean_foreign_text,
    escape_controls,
    is_encodable,
)
from tests.covered import cover, covers


def test_foreign_text_is_one_visible_line() -> None:
    assert clean_foreign_text("https://a\u202egro.fr\r\nvilain\x00") == "https://a gro.fr vilain"
    assert clean_foreign_text("x" * 120) == "x" * 120
    assert clean_foreign_text("x" * 121) == "x" * 119 + "…"
    assert clean_foreign_text(" " * 479 + "xy") == "x", "no more than four lines' worth is looked at"
    assert (LONGEST_SHOWN, LONGEST_DETAIL) == (120, 200)


@pytest.mark.parametrize("mark", "«»≪≫《》")
def test_foreign_text_does_not_end_its_quotation(mark: str) -> None:
    lure = f"x {mark}. Appelez le 08 99 00 00 00. {mark}"
    assert set(clean_foreign_text(lure)) & set("“”")
    assert mark not in clean_foreign_text(lure)


def test_a_whole_detail_is_bounded_too() -> None:
    assert bound_detail("x" * LONGEST_WHOLE_DETAIL) == "x" * LONGEST_WHOLE_DETAIL
    assert bound_detail("x" * (LONGEST_WHOLE_DETAIL + 1)) == "x" * (LONGEST_WHOLE_DETAIL - 1) + "…"
    assert bound_detail("a\u202eb\n") == "a b "


@covers("whole", "cut", "cleaned")
@example("x" * (LONGEST_DETAIL + 1))
@example("\0")
@given(st.text(max_size=1000))
def test_a_detail_is_one_printable_line_of_limited_length(text: str) -> None:
    detail = clean_detail(text)
    cover("cut" if len(text) > LONGEST_DETAIL else "whole", *(() if text.isprintable() else ("cleaned",)))
    assert detail.isprintable()
    assert len(detail) == min(len(text), LONGEST_DETAIL)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("panne\x1b[1A\x1b[2K", r"panne\u001b[1A\u001b[2K"),
        ("\x1b]0;titre\x07", r"\u001b]0;titre\u0007"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
        ("\x9b1A\r", r"\u009b1A\u000d"),
        ("a\u200bb\ud800", r"a\u200bb\ud800"),
        ("« Où ça\u00a0? »\n\tœuvre 日本 €", "« Où ça\u00a0? »\n\tœuvre 日本 €"),
    ],
)
def test_what_would_command_a_terminal_is_escaped(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped


def test_half_a_character_cannot_be_written() -> None:
    assert is_encodable("élan 😀\x1b")
    assert not is_encodable("\udcff")
    assert not is_encodable("a\ud83d")
