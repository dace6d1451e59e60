"""Text from servers, certificates and files, made safe to show and to log.

The result has no control characters, no invisible characters and no changes of direction.
"""

from __future__ import annotations

import re

_CONTROLS = re.compile(
    r"[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Control characters, invisible ones, changes of direction, halves of characters."""
_QUOTATION_MARKS = {
    **dict.fromkeys(map(ord, "«≪《⟪⋘"), "“"),
    **dict.fromkeys(map(ord, "»≫》⟫⋙"), "”"),
}
"""French quotation marks and what looks like them, and the others that stand inside of them."""
_SURROGATES = re.compile(r"[\ud800-\udfff]")

LONGEST_DETAIL = 200
"""Characters of foreign text kept in technical details and logs."""
LONGEST_WHOLE_DETAIL = 600
"""Characters of a whole detail, which may have several foreign texts in it."""
LONGEST_SHOWN = 120
"""Characters of foreign text shown in a sentence: a server's address, a name in a certificate."""


def clean_detail(text: str) -> str:
    """Return *text* as one line for technical details, at most 200 characters."""
    return _replace_unprintable(text[:LONGEST_DETAIL])


def bound_detail(text: str) -> str:
    """Return a whole detail as one line, at most 600 characters."""
    cut = text if len(text) <= LONGEST_WHOLE_DETAIL else f"{text[: LONGEST_WHOLE_DETAIL - 1]}…"
    return cut if cut.isprintable() else _replace_unprintable(cut)


def clean_foreign_text(text: str, longest: int = LONGEST_SHOWN) -> str:
    """Return *text* as one line with single spaces, at most *longest* characters.

    It has no French quotation marks: sentences put them around it, and it must not end its quotation.
    """
    text = text[: 4 * longest].translate(_QUOTATION_MARKS)
    line = " ".join(_replace_unprintable(text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def escape_controls(text: str) -> str:
    """Return *text* with control characters but line ends as ``\\u001b`` and the like.

    A terminal obeys them: they could clear what stands above, or turn a text round.
    """
    return _CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def is_encodable(text: str) -> bool:
    """Return whether *text* can be written: half a character (a surrogate) cannot."""
    return not _SURROGATES.search(text)


def _replace_unprintable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
