"""pystray unchanged, for a Linux desktop."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from iea_agent.shell.tray.limits import Notices, TrayUnavailable, fit_balloon, fit_tooltip
from iea_agent.shell.wording.view import LABEL_UNITS, clip

if TYPE_CHECKING:
    from collections.abc import Callable

    from iea_agent.domain.machine import Event
    from iea_agent.shell.wording.view import View

STOP_SECONDS = 1.0
"""How long a Linux backend gets to take its icon away; the end of the process does it in any case."""


class PlainTray:
    """pystray's icon, to see the agent on a Linux desktop while working on it.

    It has the interface of the Windows tray, but calls no *notices*. pystray's loop has a thread of its own, because
    some backends lose the call that should end it.
    """

    def __init__(
        self,
        icons: str | os.PathLike[str],
        first: View,
        post: Callable[[Event], None],
        notices: Notices | None = None,  # noqa: ARG002 - the interface of the Windows tray
    ) -> None:
        """Prepare the icon; raise ``TrayUnavailable`` if no backend works here."""
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
        self._orders: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._icon: Any = pystray.Icon(
            "iea-agent", self._picture(first), self._title(first), pystray.Menu(self._lines)
        )

    def run(self, on_shown: Callable[[], None]) -> None:
        """Show the icon and serve it until ``stop``; call *on_shown* once. Blocks."""

        def show(icon: Any) -> None:
            icon.visible = True
            on_shown()

        def serve() -> None:
            try:
                self._icon.run(show)
            finally:
                self._orders.put(None)

        if self._stopping:
            return
        threading.Thread(target=serve, name="pystray", daemon=True).start()
        while (order := self._orders.get()) is not None:
            order()
        ending = threading.Thread(target=self._icon.stop, daemon=True)
        ending.start()
        ending.join(STOP_SECONDS)

    def draw(self, view: View) -> None:
        """Show *view* if it looks different from what is shown. Any thread."""
        self._orders.put(lambda: self._draw(view))

    def notify(self, title: str, body: str) -> None:
        """Show a notification if the desktop has them. Any thread."""
        if self._icon.HAS_NOTIFICATION:
            title, body = fit_balloon(title, body)
            self._orders.put(lambda: self._icon.notify(body, title))

    def stop(self) -> None:
        """End ``run``; before ``run``, nothing is ever shown. Any thread."""
        self._stopping = True
        self._orders.put(None)

    def _draw(self, view: View) -> None:
        before, self._view = self._view, view
        if view.picture is not before.picture:
            self._icon.icon = self._picture(view)
        self._icon.title = self._title(view)
        if view.menu != before.menu:
            self._icon.update_menu()

    def _picture(self, view: View) -> Any:
        return self._open(os.path.join(self._icons, f"{view.picture.value}.ico"))

    def _title(self, view: View) -> str:
        title = fit_tooltip(view.tooltip)
        if self._pystray.Icon.__module__.endswith("_xorg"):  # its titles are X strings, which are Latin-1
            return title.replace("–", "-").replace("…", "...").encode("latin-1", "replace").decode("latin-1")
        return title

    def _lines(self) -> list[Any]:
        """Return the menu of this moment; an invisible line stands for the left click."""
        item = self._pystray.MenuItem
        lines = [
            item(
                clip(line.label, LABEL_UNITS),
                self._poster(line.event),
                enabled=line.enabled and line.event is not None,
            )
            if line.label
            else self._pystray.Menu.SEPARATOR
            for line in self._view.menu
        ]
        return [*lines, item("", self._poster(self._view.click), default=True, visible=False)]

    def _poster(self, event: Event | None) -> Callable[[], None]:
        return lambda: None if event is None else self._post(event)
