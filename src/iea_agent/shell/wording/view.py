"""The notification area as values; lengths are in UTF-16 units, as in Windows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from iea_agent.domain.machine import Event

TOOLTIP_UNITS = 127
"""Longest tooltip: NOTIFYICONDATAW.szTip holds 128 with its terminator."""
TITLE_UNITS = 63
"""Longest balloon title (szInfoTitle holds 64)."""
BODY_UNITS = 255
"""Longest balloon text (szInfo holds 256)."""
LABEL_UNITS = 100
"""Longest menu line: a menu does not wrap, 175 letters span most of a screen."""


def count_utf16_units(text: str) -> int:
    """Return the length of *text*; a letter beyond U+FFFF counts twice."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, limit: int) -> str:
    """Return *text* within *limit* (≥ 1), its end replaced by « … »."""
    if count_utf16_units(text) <= limit:
        return text
    # a letter that is cut in two is left out
    start = text.encode("utf-16-le", "surrogatepass")[: 2 * (limit - 1)]
    return start.decode("utf-16-le", "ignore") + "…"


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
