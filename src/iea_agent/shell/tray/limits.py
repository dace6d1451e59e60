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


def _nothing() -> None:
    """Ignore a notice."""


@dataclass(frozen=True, slots=True)
class Notices:
    """What the agent wants to know from the tray, beside the chosen menu lines.

    Each function is called on the tray's thread and must return quickly. *session_ending* is the exception: it has a
    thread of its own and ``SESSION_ENDING_SECONDS`` to save what must be saved, because the process is killed soon
    after. It may use neither network nor tray.
    """

    session_ending: Callable[[], None] = _nothing
    suspended: Callable[[], None] = _nothing
    resumed: Callable[[], None] = _nothing
    unlocked: Callable[[], None] = _nothing
    menu_opened: Callable[[], None] = _nothing


SESSION_ENDING_SECONDS = 3.0
"""How long the end of the session may be held up; Windows loses patience after 5 s (HungAppTimeout)."""


def _replace_control_characters(text: str, keep: str = "") -> str:
    """Return *text* with a space for every control character except those of *keep*.

    A NUL would end the text and a TAB would align it.
    """
    return "".join(c if c in keep or (c >= " " and not "\x7f" <= c <= "\x9f") else " " for c in text)


def fit_tooltip(text: str) -> str:
    """Return *text* as the shell shows it beside the icon.

    "&" becomes "+", because tooltips take it for the prefix of a menu.
    """
    return clip(_replace_control_characters(text, keep="\n").replace("&", "+"), TOOLTIP_UNITS)


def fit_balloon(title: str, body: str) -> tuple[str, str]:
    """Return title and text that the shell accepts for a balloon.

    The text is never empty: an empty one would take away the balloon.
    """
    title = clip(_replace_control_characters(title), TITLE_UNITS)
    body = clip(_replace_control_characters(body, keep="\n"), BODY_UNITS)
    return (title, body) if body.strip() else ("", title or " ")


def fit_menu_label(label: str, mnemonic: str = "") -> str:
    """Return *label* as a Win32 menu wants it, on one line.

    "&" is doubled, and the first letter equal to *mnemonic* is underlined.
    """
    label = clip(_replace_control_characters(label), LABEL_UNITS)
    # letter by letter: "ß" folds to two, which are no place in the label
    folded = [letter.casefold() for letter in label]
    at = folded.index(mnemonic.casefold()) if mnemonic != "&" and mnemonic.casefold() in folded else -1
    if at < 0:
        return label.replace("&", "&&")
    return label[:at].replace("&", "&&") + "&" + label[at:].replace("&", "&&")


def find_click_event(view: View) -> Event | None:
    """Return the event of a left click, or None if a click does nothing.

    It does nothing if the menu line with the same event is grey.
    """
    if any(line.event == view.click and not line.enabled for line in view.menu):
        return None
    return view.click


def seconds_before_repaint(last: float | None, now: float, distance: float = REPAINT_SECONDS) -> float:
    """Return how long to wait at *now* before a repaint; 0 means at once.

    *last* is the time of the last repaint, or None; *distance* the shortest time between two.
    """
    return 0.0 if last is None else min(distance, max(0.0, last + distance - now))
