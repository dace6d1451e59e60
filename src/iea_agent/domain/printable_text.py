"""Text from servers, certificates and files, made safe to show and to log.

The result has no control characters, no invisible characters and no changes of direction.
"""

from __future__ import annotations

LONGEST_DETAIL = 200
"""Characters of foreign text kept in technical details and logs."""
LONGEST_SHOWN = 120
"""Characters of foreign text shown in a sentence: a server's address, a name in a certificate."""


def clean_detail(text: str) -> str:
    """Return *text* as one line for technical details, at most 200 characters."""
    return _replace_unprintable(text)[:LONGEST_DETAIL]


def clean_foreign_text(text: str) -> str:
    """Return *text* as one line with single spaces, at most 120 characters."""
    line = " ".join(_replace_unprintable(text[: 4 * LONGEST_SHOWN]).split())
    return line if len(line) <= LONGEST_SHOWN else line[: LONGEST_SHOWN - 1] + "…"


def _replace_unprintable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
