"""« Lancer Impact emploi » from a shortcut, whether the agent runs yet or not."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from iea_agent.domain import exit_codes, person_requests
from iea_agent.domain.machine import State
from iea_agent.domain.refusals import AgentNotRunning, NotNow, RefusedError
from iea_agent.shell.wording.refusal_text import word_refusal

from . import window_process
from .agent_client import AgentClient
from .agent_start import start_agent
from .installation import Installation

OUTCOME_SECONDS = 40.0
"""How long the first answer is waited for: most failures have their verdict by then."""


def launch(installation: Installation) -> int:
    """Launch Impact emploi if allowed, else show why not; return the exit code.

    A shortcut has no console, so what is printed also stands in the status window.
    """
    client = AgentClient(installation)
    try:
        _launch_when_connected(installation, client)
    except RefusedError as error:
        print(word_refusal(error.refusal), file=sys.stderr, flush=True)
        _show_status(installation, client)
        return error.refusal.exit_code
    return exit_codes.FINE


def _launch_when_connected(installation: Installation, client: AgentClient) -> None:
    """Have the agent launch it after its first answer. Raises ``RefusedError``."""
    try:
        client.request(person_requests.LAUNCH)
    except RefusedError as error:
        match error.refusal:
            case AgentNotRunning():
                start_agent(installation)
            case NotNow(_, State.CONNECTING):
                pass
            case _:
                raise
        _wait_for_outcome(client)
        client.request(person_requests.LAUNCH)


def _wait_for_outcome(client: AgentClient) -> None:
    deadline = time.monotonic() + OUTCOME_SECONDS
    while client.fetch_status()["state"] == State.CONNECTING.value and time.monotonic() < deadline:
        time.sleep(0.2)


def _show_status(installation: Installation, client: AgentClient) -> None:
    """Show the status window, of the agent or, without one, of this process."""
    try:
        client.request(person_requests.STATUS)
    except RefusedError:
        # a system without windows
        with suppress(RefusedError):
            window_process.show_window(installation, person_requests.STATUS.window)
