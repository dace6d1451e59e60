"""What is remembered of the last test of both servers: when, and which problems."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import state_values
from .diagnosis import Failure, Server, ServerReport

if TYPE_CHECKING:
    from .report_documents import NotedProblemDocument, TestedServerDocument, TestedServersDocument


@dataclass(frozen=True, slots=True)
class ServerTestRecord:
    """A test that ended *at* (wall clock), and each problem's code, "" for none."""

    at: float
    codes: Mapping[Server, str]

    def to_document(self) -> dict[str, object]:
        """Return the document of the state file."""
        return {"at": self.at, **{server.value: code for server, code in self.codes.items()}}


def record_test(reports: Sequence[ServerReport], now: float) -> ServerTestRecord:
    """Return what to remember of *reports*, which ended at *now*."""
    codes = {
        report.server: report.cause.problem.code if report.failure is not None and report.cause else ""
        for report in reports
    }
    return ServerTestRecord(now, codes)


def parse_server_test(document: Mapping[str, object]) -> ServerTestRecord:
    """Return the record in a state file. Raises ``ValueError``."""
    codes = {}
    for server in Server:
        code = document.get(server.value)
        if not isinstance(code, str) or not re.fullmatch(r"(?:IEA-[A-Z][0-9]{2})?", code):
            raise ValueError(server.value)
        codes[server] = code
    return ServerTestRecord(state_values.parse_time(document, "at"), codes)


def build_test_document(reports: Sequence[ServerReport], at: float) -> TestedServersDocument:
    """Return the document of a test of both servers that ended *at*."""
    return {"at": at, "servers": [_build_server(report) for report in reports], "repairs": None}


def _build_problem(failure: Failure) -> NotedProblemDocument:
    problem = failure.problem
    return {
        "code": problem.code,
        "detail": failure.detail,
        "title": problem.title,
        "actor": problem.actor.value,
    }


def _build_server(report: ServerReport) -> TestedServerDocument:
    failure, cause = report.failure, report.cause if report.failure is not None else None
    certificate = report.certificate or (failure.certificate if failure is not None else None)
    return {
        "server": report.server.value,
        "address": report.address,
        "cause": None if cause is None else _build_problem(cause),
        "failed_as": None if failure is None else _build_problem(failure),
        "failed_stage": None if failure is None else failure.stage.value,
        "findings": [_build_problem(finding) for finding in report.findings],
        "milliseconds": round(report.milliseconds, 1),
        "route": report.route,
        "route_source": report.route_source,
        "clock_ahead": report.clock_ahead,
        "certificate": None
        if certificate is None
        else {
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "not_before": certificate.not_before,
            "not_after": certificate.not_after,
            "sha256": certificate.sha256,
            "changed_at": certificate.changed_at,
        },
        "stages": [
            {
                "stage": stage.stage.value,
                "outcome": stage.outcome.value,
                "milliseconds": stage.milliseconds,
                "detail": stage.detail,
            }
            for stage in report.stages
        ],
    }
