"""What is remembered of the last test of both servers: when, and which problems."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import state_values
from .diagnosis import Server, ServerReport


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
