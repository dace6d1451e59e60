"""What support asks first, from the files and the agent of an installation.

It works without a running agent, without network and before a licence is saved.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.machine import State
from iea_agent.domain.phone_code import PhoneFacts, format_phone_code
from iea_agent.domain.problems import Actor
from iea_agent.domain.support_report import NotedProblem
from iea_agent.host.state_files import StorageError

from .last_test import load_test_details

if TYPE_CHECKING:
    from iea_agent.domain.documents import AgentStatusDocument
    from iea_agent.domain.report_documents import ReportedUpdateDocument
    from iea_agent.domain.support_report import TestedServers

    from .installation import Installation


def collect_phone_facts(
    installation: Installation, status: AgentStatusDocument | None, now: float
) -> PhoneFacts:
    """Return what the phone code carries; *status* is None if no agent answers."""
    test = load_test_details(installation.storage)
    since = None if status is None else datetime.fromisoformat(status["since"]).timestamp()
    state = None if status is None else State(status["state"])
    entered = read_assistance_since(installation)
    problem = _find_problem(status, test) or _find_failed_update(installation)
    usual = None if problem is None else problems.find_case(problem.code, None)
    return PhoneFacts(
        __version__,
        state,
        "" if problem is None else problem.code,
        _find_clock(status, test),
        next((server.route_source for server in test.servers if server.route_source), None) if test else None,
        None if entered is None else now - entered,
        None if since is None else now - since,
        time.localtime(now).tm_mday,
        other_actor=problem is not None and usual is not None and problem.actor not in (None, usual.actor),
    )


def make_phone_code(installation: Installation, status: AgentStatusDocument | None) -> str:
    """Return the phone code as of now."""
    return format_phone_code(collect_phone_facts(installation, status, time.time()))


def read_assistance_since(installation: Installation) -> float | None:
    """Return when assistance mode began, None if it is off or nobody can tell."""
    try:
        return installation.assistance_since()
    except StorageError:
        return None


def _find_problem(status: AgentStatusDocument | None, test: TestedServers | None) -> NotedProblem | None:
    """Return the problem of the state, else of the last test, as a report names it."""
    connected_at = None
    if status is not None:
        problem = status["problem"]
        if problem is not None:
            return NotedProblem(problem["code"], actor=Actor(problem["actor"]))
        contact = status["last_contact"]
        if contact is not None and status["state"] == State.CONNECTED.value:
            connected_at = datetime.fromisoformat(contact).timestamp()
    return None if test is None else test.find_problem(connected_at)


def load_updates(installation: Installation) -> list[ReportedUpdateDocument]:
    """Return the updates of both products; one without a version is left out."""
    from iea_agent.domain.update_machine import UpdateState
    from iea_agent.domain.update_record import parse_update_record

    from .update_keeper import RECORDS

    updates: list[ReportedUpdateDocument] = []
    for kind, name in RECORDS.items():
        try:
            record = installation.storage.read_state(name, parse_update_record)
        except StorageError:
            continue
        if record is not None and record.snapshot.state is not UpdateState.NONE:
            seen = record.snapshot
            updates.append(
                {
                    "product": kind.value,
                    "version": seen.version,
                    "state": seen.state.value,
                    "since": round(seen.since),
                    "code": seen.code,
                }
            )
    return updates


def _find_failed_update(installation: Installation) -> NotedProblem | None:
    codes = (update["code"] for update in load_updates(installation))
    return next((NotedProblem(code) for code in codes if code), None)


def _find_clock(status: AgentStatusDocument | None, test: TestedServers | None) -> float | None:
    """Return the server's clock minus this PC's, as it was noticed last."""
    # an agent of the version before this one does not say it
    ahead = None if status is None else status.get("clock_ahead")
    if ahead is not None:
        return ahead
    clocks = [server.clock_ahead for server in test.servers if server.clock_ahead is not None] if test else []
    return clocks[0] if clocks else None
