"""The Lisez-moi of a version: what is read of Markdown, and what stays text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.domain.release_notes import (
    BULLET,
    LARGEST_NOTES,
    NoteBlock,
    NoteKind,
    NoteRun,
    parse_notes,
)

HEADING, PARAGRAPH, ITEM = NoteKind


def shorten(text: str) -> list[tuple[NoteKind, int, str, str]]:
    """Return kind, level, mark and text of each block of *text*."""
    return [(block.kind, block.level, block.mark, block.whole_text) for block in parse_notes(text)]


def test_the_published_notes_are_read_as_they_are_written() -> None:
    text = (
        "# Lisez-moi V72\n\n– Mise à jour technique –\n\n"
        "► Sécurité informatique\nAfin de renforcer la sécurité,\ndes modifications\n\n"
        "## DSN ##\n\n- Anomalie corrigée\n  dans la DSN\n- Bulletins\n"
    )
    assert shorten(text) == [
        (HEADING, 1, "", "Lisez-moi V72"),
        (PARAGRAPH, 0, "", "– Mise à jour technique –"),
        (HEADING, 2, "", "Sécurité informatique"),
        (PARAGRAPH, 0, "", "Afin de renforcer la sécurité, des modifications"),
        (HEADING, 2, "", "DSN"),
        (ITEM, 1, BULLET, "Anomalie corrigée dans la DSN"),
        (ITEM, 1, BULLET, "Bulletins"),
    ]
    assert parse_notes(text.replace("\n", "\r\n")) == parse_notes(text)


def test_lists_have_levels_and_numbers() -> None:
    text = "1. un\n2) deux\n   - a\n   * b\n     + c\n       - d\n3. trois\n\nsuite\n"
    assert shorten(text) == [
        (ITEM, 1, "1.", "un"),
        (ITEM, 1, "2.", "deux"),
        (ITEM, 2, BULLET, "a"),
        (ITEM, 2, BULLET, "b"),
        (ITEM, 3, BULLET, "c"),
        (ITEM, 3, BULLET, "d"),
        (ITEM, 1, "3.", "trois"),
        (PARAGRAPH, 0, "", "suite"),
    ]


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("a **b c** d", (("a ", False), ("b c", True), (" d", False))),
        ("**tout**", (("tout", True),)),
        ("a **b", (("a **b", False),)),
        ("**a** et **b", (("a", True), (" et **b", False))),
        (r"\*\*a\*\* 5 * 3 * 2 _x_", (("**a** 5 * 3 * 2 _x_", False),)),
        ("**[ici](https://a.fr)**", (("ici (https://a.fr)", True),)),
    ],
)
def test_bold_goes_from_a_mark_to_the_next(text: str, runs: tuple[tuple[str, bool], ...]) -> None:
    assert parse_notes(text) == (NoteBlock(PARAGRAPH, tuple(NoteRun(*run) for run in runs)),)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("[ICI](https://a.fr/x)", "ICI (https://a.fr/x)"),
        ("[https://a.fr](https://a.fr)", "https://a.fr"),
        ("[a@urssaf.fr](mailto:a@urssaf.fr)", "a@urssaf.fr"),
        ("<https://a.fr> <mailto:a@b.fr>", "https://a.fr a@b.fr"),
        ("![photo](file:///c:/x)", "photo (file:///c:/x)"),
        ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
        ("<script>alert(1)</script><img src=x>", "<script>alert(1)</script><img src=x>"),
        ("a &amp; b\u202ec\x1b[2Jd\x00", "a &amp; b\\u202ec\\u001b[2Jd\\u0000"),
        ("une ligne  \nune autre\\\nla troisième\nla suite", "une ligne\nune autre\nla troisième la suite"),
        ("#sans blanc", "#sans blanc"),
        ("| a | b |", "| a | b |"),
    ],
)
def test_all_else_is_text(text: str, plain: str) -> None:
    assert shorten(text) == [(PARAGRAPH, 0, "", plain)]


def test_rules_and_blank_lines_only_part() -> None:
    assert shorten("a\n\n---\n* * *\n___\n\nb") == [(PARAGRAPH, 0, "", "a"), (PARAGRAPH, 0, "", "b")]
    assert shorten(" \n\n#\n") == [(PARAGRAPH, 0, "", "#")]
    assert parse_notes("") == ()


def test_no_more_is_read_than_notes_may_have() -> None:
    (block,) = parse_notes("a" * (LARGEST_NOTES + 10))
    assert len(block.whole_text) == LARGEST_NOTES


@given(st.text(alphabet="a*[]()<>\\#-1. \n►`_!:/", max_size=60))
def test_no_word_is_lost(text: str) -> None:
    blocks = parse_notes(text)
    assert "".join(block.whole_text for block in blocks).count("a") == text.count("a")
    assert all(block.runs and block.whole_text.strip() for block in blocks)
