"""Opens the windows of the agent, each in a process of its own."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from .own_command import own_command

if TYPE_CHECKING:
    from iea_agent.domain.person_requests import PersonRequest
    from iea_agent.host import Child, Host

log = logging.getLogger(__name__)

PREPARED_SECONDS = 20.0
"""How long a prepared process waits for the name of its window.

A person has closed the menu by then.
"""


def window_command(*window: str) -> list[str]:
    """Return the command that shows *window*; if empty, it waits for a name."""
    return own_command("window", *window)


class WindowOpener:
    """Starts and raises windows; keeps one process prepared while the menu is open."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._open: dict[str, Child] = {}
        self._prepared: Child | None = None
        # until when it waits for a name (steady clock)
        self._prepared_until = 0.0

    def prepare(self) -> None:
        """Start the process of the next window, which waits for its name."""
        from iea_agent.host import LaunchError

        if self._prepared is not None and time.monotonic() < self._prepared_until:
            return
        self._take_prepared()
        # counted from before it starts: it waits longer than this process relies on
        until = time.monotonic() + PREPARED_SECONDS
        try:
            self._prepared = self._host.start_child(window_command(), os.environ, with_input=True)
            self._prepared_until = until
        except LaunchError:
            log.warning("window not prepared")

    def _take_prepared(self) -> Child | None:
        """Return the prepared process and give it up; None if it no longer waits."""
        prepared, self._prepared = self._prepared, None
        if prepared is not None and time.monotonic() >= self._prepared_until:
            prepared.kill()
            return None
        return prepared

    def open(self, request: PersonRequest) -> None:
        """Raise the window of *request*, or show it. Raises ``LaunchError``.

        One that is open is told the options of the request.
        """
        child = self._open.get(request.window)
        if child is not None and child.is_running():
            self._host.raise_window(child.pid)
            if request.options:
                child.send_line(" ".join(request.options))
            return
        if child is not None:
            child.kill()
        window = (request.window, *request.options)
        prepared = self._take_prepared()
        if prepared is not None:
            self._host.allow_foreground(prepared.pid)
            if prepared.send_line(" ".join(window)):
                self._open[request.window] = prepared
                return
        self._open[request.window] = self._host.start_child(
            window_command(*window), os.environ, with_input=True
        )

    def count_open(self) -> int:
        """Return how many windows are open."""
        return sum(child.is_running() for child in self._open.values())

    def close(self) -> None:
        """Stop the processes of all windows."""
        for child in (*self._open.values(), self._prepared):
            if child is not None:
                child.kill()
