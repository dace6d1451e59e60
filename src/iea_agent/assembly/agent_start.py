"""The start of the agent from where a person sees that it is stopped."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence

from iea_agent.domain.refusals import AgentNotStarted, RefusedError
from iea_agent.host import LaunchError

from .agent_client import AgentClient
from .installation import Installation
from .own_command import agent_command

log = logging.getLogger(__name__)

START_SECONDS = 20.0
"""How long an agent may take until it answers: a cold start on an old PC takes half of that."""


def start_agent(installation: Installation) -> None:
    """Start the agent and return once it answers; one that runs already will do.

    Raises ``RefusedError``.
    """
    reason = start_and_wait(installation, agent_command(), START_SECONDS)
    if reason:
        log.warning("agent not started", extra={"fields": {"reason": reason}})
        raise RefusedError(AgentNotStarted(reason=reason))


def start_and_wait(installation: Installation, command: Sequence[str], seconds: float) -> str:
    """Run *command*; return why no agent answers in *seconds*, "" once one does."""
    deadline = time.monotonic() + seconds
    client = AgentClient(installation)
    try:
        child = installation.host.start_apart(command, os.environ)
    except LaunchError as error:
        return type(error.__cause__).__name__
    while True:
        code = child.wait(0.1)
        # an agent that has given way to another one has ended, and the other answers
        if client.status() is not None:
            return ""
        if code is not None:
            return f"exit code {code}"
        if time.monotonic() >= deadline:
            return "no answer"
