"""What the text of a request says: codes, and the lines that the agent wrote.

The text comes from a mail or was pasted, so nothing in it is believed, and no more than its beginning is looked at.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from itertools import islice

from iea_agent.domain.phone_code import PhoneCodeError, PhoneReading, decode_phone_code
from iea_agent.domain.printable_text import clean_foreign_text

LONGEST_TEXT = 20_000
"""Characters that are looked at."""
LONGEST_PAGE = 100_000
"""Characters of a message in HTML that are looked at."""
_MOST_LINES = 400
_MOST_CODES = 20
_PROBLEM_CODE = re.compile(r"(?<![\w-])IEA[- ]([A-Z][0-9]{2})(?![\w-])", re.ASCII | re.IGNORECASE)
"""A code as it is shown, or as a person types it in haste."""
_PHONE_CODE = re.compile(r"(?<![\w-])[0-9A-Za-z]{4}(?:-[0-9A-Za-z]{4}){2}(?![\w-])", re.ASCII)
_LINE_END = re.compile(r"<(?:br|/p|/div|/tr|/li)[ /]?>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
_LABELS = {
    "problème": "problem",
    "état": "state",
    "version d'impact emploi": "program_version",
    "version du programme de connexion": "version",
    "test de l'accès aux serveurs": "test",
    "ce qui se passe": "complaint",
    "mes coordonnées": "contact",
}
_SAME = str.maketrans({"’": "'", "\u00a0": " ", "\u202f": " ", "\u2011": "-", "\u2010": "-", "\u2013": "-"})
_ASKS = "mot de passe du jour"


@dataclass(frozen=True, slots=True)
class PastedRequest:
    """What a text says.

    *code* is that of the problem, "" for none. *lines* has what the agent has written, by the values of ``_LABELS``.
    """

    code: str = ""
    reading: PhoneReading | None = None
    asks_password: bool = False
    lines: dict[str, str] = field(default_factory=dict)


def parse_request(text: str) -> PastedRequest:
    """Return what the beginning of *text* says; it never fails."""
    text = text[:LONGEST_TEXT].translate(_SAME)
    lines: dict[str, str] = {}
    for line in text.splitlines()[:_MOST_LINES]:
        name, separator, what = line[:1000].lstrip(" >\t*").partition(":")
        label = _LABELS.get(name.strip().lower()) if separator else None
        if label and what.strip() and label not in lines:
            lines[label] = clean_foreign_text(what)
    codes = _PROBLEM_CODE.findall(lines.get("problem", "")) or _PROBLEM_CODE.findall(text)
    return PastedRequest(
        f"IEA-{codes[0].upper()}" if codes else "", _find_phone_code(text), _ASKS in text.lower(), lines
    )


def _find_phone_code(text: str) -> PhoneReading | None:
    """Return the first code that the check symbols confirm, or else correct."""
    corrected: PhoneReading | None = None
    for match in islice(_PHONE_CODE.finditer(text), _MOST_CODES):
        try:
            reading = decode_phone_code(match[0])
        except PhoneCodeError:
            continue
        if not reading.corrected:
            return reading
        # one number of twelve digits in ten is near a code
        if corrected is None and has_letters(match[0]):
            corrected = reading
    return corrected


def has_letters(text: str) -> bool:
    """Return whether *text* has a letter that nobody types for a digit."""
    return any(character.isalpha() and character.upper() not in "OIL" for character in text)


def strip_tags(page: str) -> str:
    """Return the text of a message in HTML, a line for each of its lines."""
    lines = _LINE_END.sub("\n", page[:LONGEST_PAGE])
    return html.unescape(_TAG.sub(" ", lines))
