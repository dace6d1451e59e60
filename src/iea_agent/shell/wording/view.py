"""The notification area as values: picture, tooltip, menu lines, lengths of texts.

Windows counts these lengths in UTF-16 units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iea_agent.domain.machine import Event

TOOLTIP_UNITS = 127
"""Longest tooltip, in UTF-16 units: NOTIFYICONDATAW.szTip holds 128 with its terminator."""
TITLE_UNITS = 63
"""Longest balloon title, in UTF-16 units (szInfoTitle holds 64)."""
BODY_UNITS = 255
"""Longest balloon text, in UTF-16 units (szInfo holds 256)."""
LABEL_UNITS = 100
"""Longest menu line, in UTF-16 units: a menu does not wrap, 175 letters span most of a screen."""


def count_utf16_units(text: str) -> int:
    """Return the length of *text* in UTF-16 units.

    A letter beyond U+FFFF counts twice.
    """
    return len(text) + sum(character > "\uffff" for character in text)


def clip(text: str, limit: int) -> str:
    """Return *text* within *limit* (≥ 1) UTF-16 units, its end replaced by « … ».

    No letter is cut in two.
    """
    if count_utf16_units(text) <= limit:
        return text
    length, units = 0, 0
    for character in text:
        units += 2 if character > "\uffff" else 1
        if units > limit - 1:
            break
        length += 1
    return text[:length] + "…"


class Picture(Enum):
    """The picture of the icon; the value is the stem of its file."""

    PALE_BALL = "ball-pale"
    BALL = "ball"
    HEART = "ball-heart"
    BEETLE = "beetle"


@dataclass(frozen=True, slots=True)
class MenuLine:
    """One line of the menu. Without an event a click on it does nothing.

    *label* is plain text: « & » is an ordinary character. *mnemonic* is the letter to underline.
    """

    label: str
    event: Event | None = None
    enabled: bool = True
    mnemonic: str = ""


SEPARATOR = MenuLine("")


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the notification area shows. A left click posts *click*."""

    picture: Picture
    tooltip: str
    menu: tuple[MenuLine, ...] = ()
    click: Event | None = None
