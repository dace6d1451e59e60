"""What the desk reads of a test of the servers, whatever way it came."""

from __future__ import annotations

import time
from dataclasses import replace

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.last_test import keep_test
from iea_agent.assembly.support_facts import collect_phone_facts
from iea_agent.assembly.support_file import SupportFile
from iea_agent.domain.diagnosis import Failure, ServerReport, explaining
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.phone_code import format_phone_code
from iea_agent.domain.problems import Problem
from iea_agent.domain.server_test_record import build_test_document
from iea_agent.domain.settings import DEFAULTS
from iea_desk.request_files import open_request, open_text
from iea_desk.support_case import SupportCase
from tests.desk.requests import pack_report
from tests.status_documents import make_status


def read_all(installation: Installation, report: ServerReport) -> dict[str, SupportCase]:
    """Return what the desk makes of *report*, by the way on which it came.

    The file of an agent that is stopped is written by the agent's own writer.
    """
    now = time.time()
    keep_test(installation.storage, (report,))
    stopped = open_request(SupportFile(installation).pack())
    failure = report.failure
    cause = None if failure is None else explaining(failure, report.findings) or failure
    state = State.CONNECTED if cause is None else State.DISCONNECTED
    status = make_status(Snapshot(state, now - 3600, cause), DEFAULTS)
    facts = collect_phone_facts(installation, status, now)
    test = build_test_document((report,), now - 600)
    return {
        "file of a stopped agent": stopped,
        "phone code of a stopped agent": open_text(stopped.phone_code),
        "file of a running agent": open_request(pack_report(status=status, test=test)),
        "phone code of a running agent": open_text(format_phone_code(facts)),
    }


def assert_read_alike(installation: Installation, report: ServerReport, problem: Problem | None) -> None:
    """Assert that the desk names *problem* and its actor, and concludes nothing else."""
    expected = ("", None) if problem is None else (problem.code, problem.actor)
    cases = read_all(installation, report)
    assert {way: (case.code, case.actor) for way, case in cases.items()} == dict.fromkeys(cases, expected)
    for case in cases.values():
        assert not any("conclut" in note for note in case.notes), case.notes


def explain_by(report: ServerReport, explanation: Problem | None) -> ServerReport:
    """Return *report* with the finding that the search for repairs adds to it."""
    if explanation is None or report.failure is None:
        return report
    return replace(report, findings=(*report.findings, Failure(report.failure.stage, explanation)))
