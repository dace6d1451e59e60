"""The client of the running agent, over the channel."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from iea_agent import channel
from iea_agent.domain import refusals
from iea_agent.domain.refusals import Refusal, RefusedError

from . import session

if TYPE_CHECKING:
    from iea_agent.channel import Conversation
    from iea_agent.domain.documents import (
        AgentStatusDocument,
        AssistanceDocument,
        ReplyDocument,
        RequestDocument,
        TokenDocument,
    )
    from iea_agent.domain.person_requests import PersonRequest

    from .installation import Installation

END_SECONDS = 3.0
"""How long an agent that was asked to quit may take."""
LEAVE_SECONDS = 15.0
"""Longest time to check a password of the day on an old PC."""
RECONNECT_SECONDS = 30.0
"""How long ``reconnect`` waits for its attempt."""


class AgentClient:
    """Sends requests to the running agent. Every method raises ``RefusedError``."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def _ask(self, request: RequestDocument, timeout: float = 5.0) -> ReplyDocument:
        deadline = time.monotonic() + timeout
        conversation = self._reach(deadline)
        return channel.ask(conversation, request, max(0.1, deadline - time.monotonic()))

    def _reach(self, deadline: float) -> Conversation:
        """Return a conversation with the agent by *deadline*; it may still be starting.

        Raises ``RefusedError``. Until the request is sent, a failure costs nothing: it is tried again.
        """
        while True:
            refusal: Refusal = refusals.AgentTimedOut()
            for place in map(session.read_place, self._installation.session_files):
                if place is None:
                    continue
                try:
                    left = max(0.1, deadline - time.monotonic())
                    return channel.reach(self._installation.wires.connect, place, left)
                except RefusedError as error:
                    # a killed agent may have left its file, and its place to somebody else
                    if not isinstance(error.refusal, refusals.AgentNotRunning):
                        refusal = error.refusal
            # no file or nobody there: the lock alone says whether an agent runs
            if not self._installation.agent_runs():
                raise RefusedError(refusals.AgentNotRunning())
            if time.monotonic() >= deadline:
                raise RefusedError(self._find_refused_folders() or refusal)
            time.sleep(0.1)

    def _find_refused_folders(self) -> Refusal | None:
        """Return that no folder can be written, if no agent has left its file in one."""
        from iea_agent.host.atomic_files import takes_files

        files = self._installation.session_files
        if any(os.path.lexists(file) or takes_files(file.parent) for file in files):
            return None
        return refusals.AgentHidden(tuple(str(file.parent) for file in files))

    def request(self, request: PersonRequest) -> None:
        """Have the agent do what a person asks for."""
        self._ask({"do": "ask", "event": request.name})

    def quit(self) -> None:
        """Have the agent quit; an answer that its end cuts off is an answer, too."""
        from iea_agent.domain import person_requests

        try:
            self.request(person_requests.QUIT)
        except RefusedError as error:
            cut_off = isinstance(error.refusal, (refusals.AgentUnreachable, refusals.AgentTimedOut))
            if not cut_off or not self._ends():
                raise

    def _ends(self) -> bool:
        """Return whether the agent ends within ``END_SECONDS``."""
        deadline = time.monotonic() + END_SECONDS
        while self._installation.agent_runs():
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.1)
        return True

    def fetch_status(self, timeout: float = 5.0) -> AgentStatusDocument:
        """Return the agent's status."""
        return self._ask({"do": "status"}, timeout)["status"]

    def status(self) -> AgentStatusDocument | None:
        """Return the agent's status, None if no agent answers."""
        try:
            return self.fetch_status(timeout=2.0)
        except RefusedError:
            return None

    def watch(self) -> Iterator[AgentStatusDocument]:
        """Yield the agent's status now and at each change, until the agent ends."""
        return channel.watch(self._reach(time.monotonic() + 5.0))

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None = None
    ) -> None:
        """Save as ``Installation.save`` does; the agent, if it runs, reads that again.

        If it does not answer, that is ``SavedOnly``: it looks at the files each minute, and at its start.
        """
        self._installation.save(changes, licence_key, proxy_password)
        try:
            self._ask({"do": "reload"})
        except RefusedError as error:
            if not isinstance(error.refusal, refusals.AgentNotRunning):
                raise RefusedError(refusals.SavedOnly()) from error

    def fetch_token(self) -> TokenDocument:
        """Return the access token, a secret."""
        return self._ask({"do": "token"})["token"]

    def fetch_assistance(self) -> AssistanceDocument:
        """Return whether assistance mode is on or may be entered."""
        return self._ask({"do": "assistance"})["assistance"]

    def follow_recording(self) -> None:
        """Have the agent look whether a recording runs."""
        self._ask({"do": "record"})

    def enter_assistance(self, reason: str) -> None:
        """Enter assistance mode; *reason* is for the journal."""
        self._ask({"do": "enter-assistance", "reason": reason}, LEAVE_SECONDS)

    def leave_assistance(self, password: str) -> None:
        """Leave assistance mode with *password*, exactly as typed."""
        self._ask({"do": "leave-assistance", "password": password}, LEAVE_SECONDS)

    def reconnect(self) -> AgentStatusDocument:
        """Have the agent authenticate again, and return its status after the attempt."""
        return self._ask({"do": "reconnect"}, RECONNECT_SECONDS)["status"]
