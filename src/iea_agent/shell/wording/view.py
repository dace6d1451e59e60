"""What the notification area shows, as values: picture, tooltip, menu lines, balloon, and the longest text of each."""

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


class Picture(Enum):
    """The icon; the value is the stem of its file."""

    PALE_BALL = "ball-pale"
    BALL = "ball"
    HEART = "ball-heart"
    BEETLE = "beetle"


@dataclass(frozen=True, slots=True)
class MenuLine:
    """One line of the menu. Without an event it cannot be chosen; *label* is plain text in which « & » is an ordinary character."""

    label: str
    event: Event | None = None
    enabled: bool = True
    mnemonic: str = ""


SEPARATOR = MenuLine("")


@dataclass(frozen=True, slots=True)
class View:
    """All that the notification area shows. *click* is what a left click posts."""

    picture: Picture
    tooltip: str
    menu: tuple[MenuLine, ...] = ()
    click: Event | None = None
