"""The lengths of the notification area, counted and cut as Windows does."""

from __future__ import annotations

import pytest

from iea_agent.shell.wording import view
from iea_agent.shell.wording.view import SEPARATOR, MenuLine, Picture, View, clip, count_utf16_units


@pytest.mark.parametrize(("text", "units"), [("", 0), ("é", 1), ("…", 1), ("🪲", 2), ("\ud83e", 1)])
def test_a_letter_beyond_the_first_plane_counts_twice(text: str, units: int) -> None:
    assert count_utf16_units(text) == units


@pytest.mark.parametrize(
    ("text", "limit", "result"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("abcd", 1, "…"),
        ("a🪲", 3, "a🪲"),
        # the beetle has no room before the dots: half of it is not drawn
        ("a🪲b", 3, "a…"),
        ("🪲🪲🪲", 5, "🪲🪲…"),
    ],
)
def test_a_long_text_is_cut_between_two_letters(text: str, limit: int, result: str) -> None:
    assert clip(text, limit) == result
    assert count_utf16_units(clip(text, limit)) <= limit


def test_a_line_without_an_event_does_nothing_but_is_not_grey() -> None:
    assert MenuLine("État") == MenuLine("État", None, enabled=True, mnemonic="")
    assert SEPARATOR.label == ""
    assert View(Picture.BALL, "état").menu == ()


def test_the_lengths_are_those_of_windows() -> None:
    assert (view.TOOLTIP_UNITS, view.TITLE_UNITS, view.BODY_UNITS, view.LABEL_UNITS) == (127, 63, 255, 100)
