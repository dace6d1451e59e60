"""How a command reaches the running agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iea_agent.domain import exit_codes

if TYPE_CHECKING:
    from iea_agent.assembly.agent_client import AgentClient
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.person_requests import PersonRequest


def reach_agent(installation: Installation) -> AgentClient:
    """Return the client of the running agent; it raises ``RefusedError`` if none runs."""
    from iea_agent.assembly.agent_client import AgentClient

    return AgentClient(installation)


def open_window(installation: Installation, request: PersonRequest) -> int:
    """Have the agent open the window of *request*; without one this process shows it."""
    from iea_agent.assembly import window_process

    client = reach_agent(installation)
    if client.status() is None:
        return window_process.show_window(installation, request.window)
    client.request(request)
    return exit_codes.FINE
