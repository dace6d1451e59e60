"""What every tray shares: what it shows, the notices it gives, and the pure rules of a notification area (lengths, escapes, pace)."""

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
    """There is no notification area that an icon could be put in; the cause says why."""


def _nothing() -> None:
    """The notice that nobody asked for."""


@dataclass(frozen=True, slots=True)
class Notices:
    """What a window is told and the agent wants to know, beyond the lines that are chosen; called on the tray's thread, so each must be quick.

    `session_ending` is the exception: it has a thread of its own and `SESSION_ENDING_SECONDS` to save what must
    be saved, for the process is killed soon after. It may use neither network nor tray.
    """

    session_ending: Callable[[], None] = _nothing
    suspended: Callable[[], None] = _nothing
    resumed: Callable[[], None] = _nothing
    unlocked: Callable[[], None] = _nothing
    menu_opened: Callable[[], None] = _nothing


SESSION_ENDING_SECONDS = 3.0
"""How long the end of the session may be held up; Windows loses patience after 5 s (HungAppTimeout)."""


def _printable(text: str, keep: str = "") -> str:
    """`text` with a space for every control character but those of `keep`; a NUL would end it, a TAB would align it."""
    return "".join(c if c in keep or (c >= " " and not "\x7f" <= c <= "\x9f") else " " for c in text)


def tooltip_text(text: str) -> str:
    """What the shell can show of `text` beside the icon; "&" becomes "+", for tooltips take it as a menu's prefix."""
    return clip(_printable(text, keep="\n").replace("&", "+"), TOOLTIP_UNITS)


def balloon_texts(title: str, body: str) -> tuple[str, str]:
    """Title and text that the shell accepts for a balloon; an empty text would take away the one that is shown."""
    title = clip(_printable(title), TITLE_UNITS)
    body = clip(_printable(body, keep="\n"), BODY_UNITS)
    return (title, body) if body.strip() else ("", title or " ")


def menu_text(label: str, mnemonic: str = "") -> str:
    """`label` as a Win32 menu wants it: "&" doubled, the first letter equal to `mnemonic` underlined, on one line."""
    label = clip(_printable(label), LABEL_UNITS)
    # letter by letter: "ß" folds to two, which are no place in the label
    folded = [letter.casefold() for letter in label]
    at = folded.index(mnemonic.casefold()) if mnemonic != "&" and mnemonic.casefold() in folded else -1
    if at < 0:
        return label.replace("&", "&&")
    return label[:at].replace("&", "&&") + "&" + label[at:].replace("&", "&&")


def click_event(view: View) -> Event | None:
    """The event of a left click, or None where there is none or the menu line that says the same is greyed."""
    if any(line.event == view.click and not line.enabled for line in view.menu):
        return None
    return view.click


def seconds_before_repaint(last: float | None, now: float) -> float:
    """How long to wait, at `now`, after a repaint at `last` (None: never yet); 0 = repaint at once."""
    return 0.0 if last is None else min(REPAINT_SECONDS, max(0.0, last + REPAINT_SECONDS - now))
