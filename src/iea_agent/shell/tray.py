"""The only door to pystray: draws a View in the notification area and posts the events of whoever clicks it."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from iea_agent.shell.tray_rules import Notices, TrayUnavailable, balloon_texts, clip, tooltip_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from iea_agent.domain.machine import Event
    from iea_agent.shell.view import View

__all__ = ["Notices", "PlainTray", "Tray", "TrayUnavailable"]

log = logging.getLogger(__name__)


class PlainTray:
    """pystray as it comes, for a Linux desktop with a tray: to see the agent while working on it.

    The same interface as the Windows tray. Session and power are not told to windows there: `notices` stay silent.
    """

    def __init__(
        self,
        icons: Path,
        first: View,
        post: Callable[[Event], None],
        notices: Notices | None = None,  # noqa: ARG002 - the interface of the Windows tray
    ) -> None:
        """Prepares the icon; see the Windows tray for the arguments.

        Raises:
            TrayUnavailable: no display, no backend, or a backend that cannot work here.
        """
        try:
            import pystray
        except Exception as error:  # each backend fails in its own way: ImportError, Xlib's errors…
            raise TrayUnavailable("no usable notification area here") from error
        from PIL import Image

        self._pystray: Any = pystray
        self._open: Any = Image.open
        self._icons = icons
        self._view = first
        self._post = post
        self._stopping = False
        self._icon: Any = pystray.Icon(
            "iea-agent", self._picture(first), tooltip_text(first.tooltip), pystray.Menu(self._lines)
        )

    def run(self, shown: Callable[[], None]) -> None:
        """Shows the icon and serves it until `stop`; blocks. `shown` is called once, on a thread of pystray's."""

        def show(icon: Any) -> None:
            if self._stopping:
                icon.stop()
                return
            icon.visible = True
            shown()

        self._icon.run(show)

    def draw(self, view: View) -> None:
        """Has `view` shown if it looks otherwise than what is there. Any thread."""
        before, self._view = self._view, view
        if view.picture is not before.picture:
            self._icon.icon = self._picture(view)
        self._icon.title = tooltip_text(view.tooltip)
        if view.menu != before.menu:
            self._icon.update_menu()

    def notify(self, title: str, body: str) -> None:
        """Shows a notification where the desktop has them. Any thread."""
        if self._icon.HAS_NOTIFICATION:
            title, body = balloon_texts(title, body)
            self._icon.notify(body, title)

    def stop(self) -> None:
        """Ends `run`; before `run`, nothing is ever shown. Any thread."""
        self._stopping = True
        self._icon.stop()

    def _picture(self, view: View) -> Any:
        return self._open(self._icons / f"{view.picture.value}.ico")

    def _lines(self) -> list[Any]:
        """The menu of this moment, with an invisible line for the left click where the backend has one."""
        item = self._pystray.MenuItem
        lines = [
            item(
                clip(line.label, 100),
                self._poster(line.event),
                enabled=line.enabled and line.event is not None,
            )
            if line.label
            else self._pystray.Menu.SEPARATOR
            for line in self._view.menu
        ]
        return [*lines, item("", self._poster(self._view.click), default=True, visible=False)]

    def _poster(self, event: Event | None) -> Callable[[], None]:
        def chosen() -> None:
            if event is not None:
                self._post(event)

        return chosen


if sys.platform == "win32":
    from iea_agent.shell.tray_windows import Tray
else:
    Tray = PlainTray
