"""The report of a support file: what the agent builds, the desk reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    Certificate,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
)
from iea_agent.domain.log_book import LogBookState, Stay
from iea_agent.domain.machine import State
from iea_agent.domain.proxy_choice import Source
from iea_agent.domain.server_test_record import build_test_document
from iea_agent.domain.support_report import (
    LARGEST_REPORT,
    Level,
    NotedProblem,
    ReportError,
    parse_report,
    parse_test,
)

NOW = 1_796_000_000.0
CERTIFICATE = Certificate("exemple.fr", "Avast", 1.0, 2.0, "ab" * 32, changed_at=NOW)
FAILED = ServerReport(
    Server.AUTHENTICATION,
    "https://exemple.fr",
    (
        StageResult(Stage.NAME, StageOutcome.PASSED, 12.0),
        StageResult(Stage.CERTIFICATE, StageOutcome.FAILED, 3.25, "expired"),
    ),
    Failure(Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED, "expired", certificate=CERTIFICATE),
    41.26,
    findings=(Failure(Stage.ANSWER, problems.CLOCK_WRONG, "3600 s"),),
    route="http://proxy:3128",
    route_source="script",
    clock_ahead=3600.0,
)
PASSED = ServerReport(Server.UPDATES, "https://exemple.fr/updates", ())

DOCUMENT: dict[str, Any] = {
    "schema": 1,
    "made": NOW,
    "level": "normal",
    "version": "0.1.0",
    "program_version": "3.00.72",
    "system": "Windows 10",
    "phone_code": "40G6-C5F0-4YXK",
    "status": {
        "state": "disconnected",
        "since": "2026-11-30T08:02:00Z",
        "problem": {
            "code": "IEA-N02",
            "detail": "getaddrinfo failed",
            "title": "Serveur introuvable",
            "actor": "it",
        },
        "last_contact": None,
        "next_try": "2026-11-30T08:05:00Z",
        "servers_answer": False,
        "notices": ["notice"],
        "setting_faults": [],
    },
    "assistance_since": None,
    "register_days": 900,
    "test": build_test_document([FAILED, PASSED], NOW),
    "history": [{"begin": NOW, "seconds": 12.5, "state": "disconnected", "code": "IEA-N02"}],
    "licence_key": "saved",
    "settings": {"proxy.mode": {"value": "system", "origin": "default"}},
    "routes": {"updates": "direct (none)"},
    "journal": {"whole": True, "entries": 3, "last_hash": "ab"},
    "crash": {"at": NOW, "is_repeated": False},
    "libraries": {"httpx": "0.28"},
}


def encode(**changes: object) -> bytes:
    return json.dumps({**DOCUMENT, **changes}).encode()


def test_what_the_agent_builds_is_read() -> None:
    report = parse_report(encode())
    assert report.level is Level.NORMAL
    assert report.problem == NotedProblem(
        "IEA-N02", "getaddrinfo failed", "Serveur introuvable", problems.Actor.IT
    )
    assert report.status is not None
    assert (report.status.state, report.status.since) == (State.DISCONNECTED, 1_796_025_720.0)
    assert report.stays == (Stay(LogBookState.DISCONNECTED, "IEA-N02", NOW, 12.5),)
    assert report.settings["proxy.mode"].origin == "default"


def test_an_actor_that_only_a_later_agent_knows_is_left_out() -> None:
    report = parse_report(
        encode(status={**DOCUMENT["status"], "problem": {"code": "IEA-N99", "actor": "town hall"}})
    )
    assert report.problem == NotedProblem("IEA-N99")


CLOCK = NotedProblem("IEA-L02", "3600 s", problems.CLOCK_WRONG.title, problems.CLOCK_WRONG.actor)
"""As a test of the servers notes it."""


def test_a_test_is_read_stage_by_stage_with_the_refused_certificate() -> None:
    test = parse_test(build_test_document([FAILED, PASSED], NOW))
    first, second = test.servers
    # the wrong clock explains the refused certificate
    assert first.cause == CLOCK
    assert first.failed_as is not None
    assert (first.failed_as.code, first.failed_as.detail) == ("IEA-T01", "expired")
    assert first.failed_as.actor is problems.CERTIFICATE_EXPIRED.actor
    assert (first.failed_stage, first.route_source) == (Stage.CERTIFICATE, Source.SCRIPT)
    assert (first.certificate, first.clock_ahead) == (CERTIFICATE, 3600.0)
    assert [(stage.stage, stage.outcome, stage.milliseconds) for stage in first.stages] == [
        (Stage.NAME, StageOutcome.PASSED, 12.0),
        (Stage.CERTIFICATE, StageOutcome.FAILED, 3.25),
    ]
    assert (second.cause, second.certificate) == (None, None)


def test_the_last_test_names_the_problem_of_an_agent_that_is_stopped() -> None:
    assert parse_report(encode(status=None)).problem == CLOCK
    assert parse_report(encode(status=None, test=None)).problem is None


def test_what_a_later_agent_adds_is_left_out_and_a_later_schema_is_named() -> None:
    assert parse_report(encode(weather="fine")) == parse_report(encode())
    with pytest.raises(ReportError) as caught:
        parse_report(encode(schema=2))
    assert caught.value.schema == 2


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{", b"[" * 100_000, b" " * (LARGEST_REPORT + 1), b"\xff", b'{"schema":true}'),
        *(encode(made="today"), encode(made=-1), encode(level="all"), encode(version=3), encode(status=[])),
        *(encode(status={}), encode(status={**DOCUMENT["status"], "since": "yesterday"})),
        *(encode(status={**DOCUMENT["status"], "problem": {"code": "<script>"}}), encode(history="x")),
        *(encode(history=[3]), encode(history=DOCUMENT["history"] * 4_001), encode(register_days=1.5)),
        *(encode(history=[{**DOCUMENT["history"][0], "seconds": -1}]), encode(settings={"a": 3})),
        *(
            encode(test={"at": NOW, "servers": [{"server": ["x"]}]}),
            encode(settings=dict.fromkeys(map(str, range(300)))),
        ),
        encode().replace(b"900", b"NaN"),
    ],
)
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(ReportError):
        parse_report(data)


def test_no_text_commands_a_terminal_and_each_is_bounded() -> None:
    report = parse_report(encode(system="\x1b[2J\u202eab", version="x" * 5_000, routes={"\x1b[1A": "\n"}))
    assert report.system.isprintable()
    assert len(report.version) <= 600
    assert all(name.isprintable() and value.isprintable() for name, value in report.routes.items())
