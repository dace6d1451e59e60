"""The client of the running agent, over the channel."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from iea_agent import channel
from iea_agent.domain import refusals
from iea_agent.domain.refusals import RefusedError

if TYPE_CHECKING:
    from iea_agent.domain.documents import (
        AssistanceDocument,
        ReplyDocument,
        RequestDocument,
        StatusDocument,
    )
    from iea_agent.domain.person_requests import PersonRequest

    from .installation import Installation

LEAVE_SECONDS = 15.0
"""Longest time to check a password of the day on an old PC."""


def channel_address(installation: Installation) -> str:
    """Return where the agent of *installation* listens in this session."""
    # one folder may have several names
    folder = os.path.realpath(installation.folders.state)
    return channel.address(folder, installation.host.session_id())


def make_channel_key(installation: Installation) -> bytes:
    """Write a new key for the channel and return it. Raises ``OSError``."""
    import secrets

    from iea_agent.host.storage import write_atomically

    key = secrets.token_bytes(32)
    write_atomically(installation.channel_key_file, key, private=True)
    return key


class AgentClient:
    """Sends requests to the running agent. Every method raises ``RefusedError``."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def _key(self) -> bytes:
        try:
            return self._installation.channel_key_file.read_bytes()[:32]
        except OSError:
            raise RefusedError(refusals.AgentNotRunning()) from None

    def _ask(self, request: RequestDocument, timeout: float = 5.0) -> ReplyDocument:
        return channel.ask(channel_address(self._installation), self._key(), request, timeout)

    def request(self, request: PersonRequest) -> None:
        """Have the agent do what a person asks for."""
        self._ask({"do": "ask", "event": request.name})

    def fetch_status(self, timeout: float = 5.0) -> StatusDocument:
        """Return the agent's status."""
        return self._ask({"do": "status"}, timeout)["status"]

    def status(self) -> StatusDocument | None:
        """Return the agent's status, None if no agent answers."""
        try:
            return self.fetch_status(timeout=2.0)
        except RefusedError:
            return None

    def watch(self) -> Iterator[StatusDocument]:
        """Yield the agent's status now and at each change, until the agent ends."""
        return channel.watch(channel_address(self._installation), self._key())

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None = None
    ) -> None:
        """Save as ``Installation.save`` does; the agent, if it runs, reads that again."""
        self._installation.save(changes, licence_key, proxy_password)
        try:
            self._ask({"do": "reload"})
        except RefusedError as error:
            if not isinstance(error.refusal, refusals.AgentNotRunning):
                raise

    def fetch_assistance(self) -> AssistanceDocument:
        """Return whether assistance mode is on or may be entered."""
        return self._ask({"do": "assistance"})["assistance"]

    def enter_assistance(self, reason: str) -> None:
        """Enter assistance mode; *reason* is for the journal."""
        self._ask({"do": "enter-assistance", "reason": reason}, LEAVE_SECONDS)

    def leave_assistance(self, password: str) -> None:
        """Leave assistance mode with *password*, exactly as typed."""
        self._ask({"do": "leave-assistance", "password": password}, LEAVE_SECONDS)

    def reconnect(self, seconds: float) -> StatusDocument:
        """Have the agent authenticate again and return its status within *seconds*."""
        return self._ask({"do": "reconnect"}, seconds)["status"]
