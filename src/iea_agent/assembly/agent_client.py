"""The client of the running agent, over the channel."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from iea_agent import channel
from iea_agent.domain import exit_codes
from iea_agent.locale import _

from .installation import Failure

if TYPE_CHECKING:
    from .installation import Installation

LEAVE_SECONDS = 15.0
"""Longest time to check a password of the day on an old PC."""


def channel_address(installation: Installation) -> str:
    """Return where the agent of *installation* listens in this session."""
    return channel.address(str(installation.folders.state), installation.host.session_id())


def make_channel_key(installation: Installation) -> bytes:
    """Write a new key for the channel and return it. Raises ``OSError``.

    The agent makes one at each start.
    """
    import secrets

    from iea_agent.host.storage import write_atomically

    key = secrets.token_bytes(32)
    write_atomically(installation.channel_key_file, key)
    return key


class AgentClient:
    """Sends requests to the running agent of an installation and returns its answers."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def _key(self) -> bytes:
        try:
            return self._installation.channel_key_file.read_bytes()[:32]
        except OSError:
            raise channel.NotRunning from None

    def ask(self, request: channel.Document, timeout: float = 5.0) -> channel.Document:
        """Return the agent's answer to *request*. Raises ``Failure``."""
        try:
            return channel.ask(channel_address(self._installation), self._key(), request, timeout)
        except channel.ChannelError as error:
            raise _failure(error) from error

    def watch(self) -> Iterator[channel.Document]:
        """Yield the agent's status now and at each change, until the agent ends.

        Raises ``Failure``.
        """
        try:
            yield from channel.watch(channel_address(self._installation), self._key())
        except channel.ChannelError as error:
            raise _failure(error) from error

    def status(self) -> channel.Document | None:
        """Return the agent's status, None if no agent answers."""
        try:
            status: channel.Document = self.ask({"do": "status"}, timeout=2.0)["status"]
        except Failure:
            return None
        return status

    def reload(self) -> None:
        """Have the agent read its settings again, if it runs. Raises ``Failure``."""
        try:
            self.ask({"do": "reload"})
        except Failure as failure:
            if failure.exit_code != exit_codes.NOT_RUNNING:
                raise

    def reconnect(self, seconds: float) -> channel.Document:
        """Have the agent authenticate again and return its status after that.

        Raises ``Failure``, also if it takes more than *seconds*.
        """
        statuses: queue.SimpleQueue[channel.Document | Failure] = queue.SimpleQueue()

        def listen() -> None:
            try:
                for status in self.watch():
                    statuses.put(status)
            except Failure as failure:
                statuses.put(failure)

        def next_status() -> channel.Document:
            try:
                status = statuses.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _failure(channel.TimedOut()) from None
            if isinstance(status, Failure):
                raise status
            return status

        deadline = time.monotonic() + seconds
        threading.Thread(target=listen, name="reconnect", daemon=True).start()
        next_status()  # as it is before
        self.ask({"do": "ask", "event": "reconnect"})
        while not next_status()["working"]:
            pass
        while (status := next_status())["working"]:
            pass
        return status


def _failure(error: channel.ChannelError) -> Failure:
    if isinstance(error, channel.NotRunning):
        return Failure(_("L'agent n'est pas démarré."), exit_codes.NOT_RUNNING)
    if isinstance(error, channel.TimedOut):
        return Failure(_("L'agent n'a pas répondu à temps."), exit_codes.TIMED_OUT)
    if isinstance(error, channel.Refused):
        return Failure(str(error), exit_codes.REFUSED)
    return Failure(_("L'agent n'a pas pu être interrogé ({reason}).").format(reason=error))
