"""What the trays share: notices, and the rules of a notification area."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from iea_agent.shell.wording.view import BODY_UNITS, LABEL_UNITS, TITLE_UNITS, TOOLTIP_UNITS, clip

if TYPE_CHECKING:
    from iea_agent.domain.machine import Event
    from iea_agent.shell.wording.view import View

REPAINT_SECONDS = 0.5
"""Shortest time between two repaints: at most two a second, and no change waits longer than that."""


class TrayUnavailable(RuntimeError):
    """No notification area accepts an icon here; the cause says why."""


@dataclass(frozen=True, slots=True)
class Notices:
    """What the agent wants to know from the tray, beside the chosen menu lines.

    Each function is called on the tray's thread and must return quickly. Only *session_ending* has a thread of its own
    and ``SESSION_ENDING_SECONDS`` before the process is killed; it may use neither network nor tray.
    """

    session_ending: Callable[[], None] = lambda: None
    suspended: Callable[[], None] = lambda: None
    resumed: Callable[[], None] = lambda: None
    unlocked: Callable[[], None] = lambda: None
    menu_opened: Callable[[], None] = lambda: None


SESSION_ENDING_SECONDS = 3.0
"""How long the end of the session may be held up; Windows loses patience after 5 s (HungAppTimeout)."""


def _replace_control_characters(text: str, keep: str = "") -> str:
    """Return *text* with a space for every control character except those of *keep*."""
    return "".join(c if c in keep or (c >= " " and not "\x7f" <= c <= "\x9f") else " " for c in text)


def fit_tooltip(text: str) -> str:
    """Return *text* as a tooltip: "+" for "&", which would be a menu's prefix."""
    return clip(_replace_control_characters(text, keep="\n").replace("&", "+"), TOOLTIP_UNITS)


def fit_balloon(title: str, body: str) -> tuple[str, str]:
    """Return title and text for a balloon; an empty text would take it away."""
    title = clip(_replace_control_characters(title), TITLE_UNITS)
    body = clip(_replace_control_characters(body, keep="\n"), BODY_UNITS)
    return (title, body) if body.strip() else ("", title or " ")


def fit_menu_label(label: str, mnemonic: str = "") -> str:
    """Return *label* for a Win32 menu, its first letter *mnemonic* underlined."""
    label = clip(_replace_control_characters(label), LABEL_UNITS)
    # letter by letter: "ß" folds to two, which are no place in the label
    folded = [letter.casefold() for letter in label]
    at = folded.index(mnemonic.casefold()) if mnemonic != "&" and mnemonic.casefold() in folded else -1
    if at < 0:
        return label.replace("&", "&&")
    return label[:at].replace("&", "&&") + "&" + label[at:].replace("&", "&&")


def find_click_event(view: View) -> Event | None:
    """Return the event of a left click; None if its menu line is grey."""
    if any(line.event == view.click and not line.enabled for line in view.menu):
        return None
    return view.click


def seconds_before_repaint(last: float | None, now: float, distance: float = REPAINT_SECONDS) -> float:
    """Return the wait at *now*: *distance* since the *last* repaint, 0 if it is over."""
    return 0.0 if last is None else min(distance, max(0.0, last + distance - now))
