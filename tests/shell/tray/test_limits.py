"""The rules of the notification area: what is cut, escaped, greyed and put off."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain.machine import QuitRequested, StatusRequested
from iea_agent.shell.tray.limits import (
    REPAINT_SECONDS,
    find_click_event,
    fit_balloon,
    fit_menu_label,
    fit_tooltip,
    seconds_before_repaint,
)
from iea_agent.shell.wording.view import (
    BODY_UNITS,
    LABEL_UNITS,
    SEPARATOR,
    TITLE_UNITS,
    TOOLTIP_UNITS,
    MenuLine,
    Picture,
    View,
    clip,
    count_utf16_units,
)
from tests.covered import cover, covers

any_text = st.text(st.characters(codec="utf-8"), max_size=400)  # all but half letters


def units(text: str) -> int:
    """Return the length in UTF-16 units, counted by encoding *text*."""
    return len(text.encode("utf-16-le")) // 2


def render_label(menu_label: str) -> tuple[str, str]:
    """Return the text that a Win32 menu shows, and the letter it underlines last."""
    text, underlined, rest = "", "", iter(menu_label)
    for character in rest:
        if character == "&":
            character = next(rest, "")
            if character != "&":
                underlined = character
        text += character
    return text, underlined


@given(any_text)
def test_units_are_those_of_utf_16(text: str) -> None:
    assert count_utf16_units(text) == units(text)


@covers("whole", "cut", "letter left out")
@example("🪲🪲🪲", 4)
@given(any_text, st.integers(1, 300))
def test_a_clipped_text_fits_and_says_so(text: str, limit: int) -> None:
    clipped = clip(text, limit)
    assert units(clipped) <= limit
    cover("whole" if units(text) <= limit else "cut" if units(clipped) == limit else "letter left out")
    if units(text) <= limit:
        assert clipped == text
    else:
        assert clipped.endswith("…")
        assert text.startswith(clipped[:-1])
        assert units(clipped) >= limit - 1, "no more is lost than the half of a letter that would not fit"


@pytest.mark.parametrize(("limit", "expected"), [(6, "🪲🪲🪲"), (5, "🪲🪲…"), (4, "🪲…"), (1, "…")])
def test_a_letter_of_two_units_is_not_cut_in_half(limit: int, expected: str) -> None:
    assert clip("🪲🪲🪲", limit) == expected


@given(any_text)
def test_a_tooltip_fits_and_holds_nothing_that_the_shell_takes_for_a_sign(text: str) -> None:
    tooltip = fit_tooltip(text)
    assert units(tooltip) <= TOOLTIP_UNITS
    assert not set(tooltip) & {"\0", "&", "\t", "\r"}


def test_a_tooltip_keeps_its_lines() -> None:
    assert fit_tooltip("Mode assistance\nR&D\t\0") == "Mode assistance\nR+D  "


@given(any_text, any_text)
def test_a_balloon_fits_and_is_never_empty(title: str, body: str) -> None:
    fitting_title, fitting_body = fit_balloon(title, body)
    assert units(fitting_title) <= TITLE_UNITS
    assert 1 <= units(fitting_body) <= BODY_UNITS
    assert "\0" not in fitting_title + fitting_body


def test_a_balloon_with_a_title_only_says_it_as_its_text() -> None:
    assert fit_balloon("Connexion rétablie", " ") == ("", "Connexion rétablie")


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=LABEL_UNITS // 2))
def test_a_menu_shows_a_label_as_it_was_written(label: str) -> None:
    assert render_label(fit_menu_label(label)) == (label, "")


@covers("underlined", "plain")
@example("Quitter", "Q")
@given(any_text, st.sampled_from(["", "a", "Q", "é", "&", "ß"]))
def test_a_label_is_one_line_and_underlines_its_letter_or_none(label: str, mnemonic: str) -> None:
    text, underlined = render_label(fit_menu_label(label, mnemonic))
    cover("underlined" if underlined else "plain")
    assert units(text) <= LABEL_UNITS
    assert not set(text) & {"\0", "\t", "\n"}
    assert underlined.casefold() in ("", mnemonic.casefold())


@pytest.mark.parametrize(
    ("label", "mnemonic", "expected"),
    [
        ("Quitter", "Q", "&Quitter"),
        ("Gérer les mises à jour…", "m", "Gérer les &mises à jour…"),
        ("R&D", "D", "R&&&D"),
        ("Quitter", "z", "Quitter"),
        ("Quitter", "", "Quitter"),
        ("SS", "ß", "SS"),
        ("Maß", "ß", "Ma&ß"),
        ("Straße", "e", "Straß&e"),
        ("A\tB\nC\0", "", "A B C "),
    ],
)
def test_labels(label: str, mnemonic: str, expected: str) -> None:
    assert fit_menu_label(label, mnemonic) == expected


def view(*lines: MenuLine, click: StatusRequested | None = None) -> View:
    return View(Picture.BALL, "", lines, click)


def test_a_click_posts_what_the_view_says() -> None:
    status = StatusRequested()
    assert find_click_event(view(click=status)) == status
    assert find_click_event(view(SEPARATOR, MenuLine("État", status), click=status)) == status
    assert (
        find_click_event(view(SEPARATOR, MenuLine("Quitter", QuitRequested(), False), click=status)) == status
    )
    assert find_click_event(view(SEPARATOR, MenuLine("grisée", None, False))) is None


def test_a_click_on_a_greyed_action_does_nothing() -> None:
    assert find_click_event(view(MenuLine("État", StatusRequested(), False), click=StatusRequested())) is None


@covers("at once", "put off")
@given(st.lists(st.floats(0, 10), min_size=1))
def test_repaints_keep_their_distance_and_no_change_waits_longer_than_it(changes: list[float]) -> None:
    last: float | None = None
    painted: list[float] = []
    for change in sorted(changes):
        if painted and change <= painted[-1]:
            continue  # shown by the repaint that was put off
        wait = seconds_before_repaint(last, change)
        cover("put off" if wait else "at once")
        assert 0 <= wait <= REPAINT_SECONDS
        last = change + wait
        painted.append(last)
    assert all(later - earlier >= REPAINT_SECONDS - 1e-9 for earlier, later in pairwise(painted))


def test_the_first_repaint_does_not_wait() -> None:
    assert seconds_before_repaint(None, 0.0) == 0.0
