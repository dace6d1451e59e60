"""The Lisez-moi in the window: what is written, how it looks, how it is searched."""

from __future__ import annotations

import time

import pytest

from iea_agent.domain.release_notes import parse_notes
from iea_agent.shell.wording.notes_text import (
    SCALES,
    HistoryEntry,
    StyledText,
    TextStyle,
    compose_history,
    compose_notes,
    find_words,
)

NOTES = (
    "# Lisez-moi V73\n\nMise à jour **impérative**.\n\n## DSN\n- Anomalie **corrigée**\n  - suite\n1. un\n"
)


def look(styled: StyledText) -> list[tuple[str, TextStyle]]:
    """Return each part that does not look like the rest, with its style."""
    return [(styled.text[part.start : part.end], part.style) for part in styled.parts]


def test_notes_are_a_text_with_headings_bold_and_lists() -> None:
    styled = compose_notes(parse_notes(NOTES))
    assert styled.text.replace("\u00a0", " ") == (
        "Lisez-moi V73\n\nMise à jour impérative.\n\nDSN\n\n• Anomalie corrigée\n– suite\n1. un"
    )
    assert [(text.replace("\u00a0", " "), style) for text, style in look(styled)] == [
        ("Lisez-moi V73", TextStyle(SCALES[0], is_bold=True)),
        ("impérative", TextStyle(is_bold=True)),
        ("DSN", TextStyle(SCALES[1], is_bold=True)),
        ("• ", TextStyle(indent=1)),
        ("Anomalie ", TextStyle(indent=1)),
        ("corrigée", TextStyle(is_bold=True, indent=1)),
        ("– ", TextStyle(indent=2)),
        ("suite", TextStyle(indent=2)),
        ("1. ", TextStyle(indent=1)),
        ("un", TextStyle(indent=1)),
    ]
    assert compose_notes(()) == StyledText()


def test_the_history_has_three_lines_a_version() -> None:
    now = time.mktime((2026, 11, 30, 18, 2, 0, 0, 0, -1))
    lines = ("Installeur : terminé", "Version trouvée : 3.00.73", "Première connexion : réussie")
    entries = [
        HistoryEntry(now - 60, "Impact emploi", "3.00.73", "3.00.72", lines),
        HistoryEntry(now - 86_400, "Programme de connexion", "0.2.0", "", lines[:1]),
    ]
    styled = compose_history(entries, now)
    assert styled.text.replace("\u00a0", " ").splitlines() == [
        *("Impact emploi : 3.00.72 → 3.00.73", "Aujourd’hui à 18 h 01"),
        *(f"• {line}" for line in lines),
        *("", "Programme de connexion : 0.2.0", "Le 29/11/2026 à 18 h 02", "• Installeur : terminé"),
    ]
    bold = [text.strip().replace("\u00a0", " ") for text, style in look(styled) if style.is_bold]
    assert bold == ["Impact emploi : 3.00.72 → 3.00.73", "Programme de connexion : 0.2.0"]


@pytest.mark.parametrize(
    ("words", "start", "place"),
    [
        ("securite", 0, (0, 8)),
        ("SÉCURITÉ", 1, (13, 21)),
        ("securite", 14, (0, 8)),
        ("la  securite ", 0, (10, 21)),
        ("dsn", 0, None),
        ("  ", 0, None),
    ],
)
def test_words_are_found_without_accents_and_from_the_top_again(
    words: str, start: int, place: tuple[int, int] | None
) -> None:
    assert find_words("Sécurité.\nLa\u00a0sécurité İ", words, start) == place
