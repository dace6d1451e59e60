"""The test of both servers in words and as a document, in both languages."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import (
    STAGES,
    Certificate,
    Conclusion,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
)
from iea_agent.domain.evidence import ClockOffset, PortalPage
from iea_agent.domain.problems import Problem
from iea_agent.domain.proxy_choice import Source
from iea_agent.shell.wording import repair_text, report_text

pytestmark = pytest.mark.usefixtures("language")

NOW = 1_790_000_000.0
DOCS = Path(__file__).resolve().parents[3] / "docs"
SCHEMA = json.loads((DOCS / "test.schema.json").read_text(encoding="utf-8"))
STATUS_SCHEMA = json.loads((DOCS / "status.schema.json").read_text(encoding="utf-8"))
_BESIDE: Registry[Any] = Registry().with_resource("status.schema.json", Resource.from_contents(STATUS_SCHEMA))


def test_the_schema_is_one_and_names_what_the_domain_knows() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"]["const"] == report_text.SCHEMA
    assert SCHEMA["properties"]["conclusion"]["enum"] == [conclusion.value for conclusion in Conclusion]
    assert SCHEMA["$defs"]["stage_name"]["enum"] == [stage.value for stage in Stage]
    assert SCHEMA["$defs"]["stage"]["properties"]["outcome"]["enum"] == [
        outcome.value for outcome in StageOutcome
    ]
    properties = SCHEMA["$defs"]["server"]["properties"]
    assert properties["server"]["enum"] == [server.value for server in Server]
    assert properties["route_source"]["enum"] == [source.value for source in Source]


@pytest.mark.parametrize(
    ("route", "source", "words"),
    [
        ("direct", Source.NONE, "accès direct"),
        ("direct", Source.SCRIPT, "accès direct (script de proxy)"),
        ("http://p:3128", Source.SETTINGS, "par le proxy http://p:3128 (vos paramètres)"),
        ("http://p:3128", Source.SYSTEM, "par le proxy http://p:3128 (réglage de Windows)"),
        ("http://p:3128", Source.SCRIPT, "par le proxy http://p:3128 (script de proxy)"),
    ],
)
def test_the_way_is_said_and_who_decided_so(language: str, route: str, source: Source, words: str) -> None:
    done = replace(reported(Server.UPDATES, None), route=route, route_source=source.value)
    assert (report_text.describe_route(done) == words) is (language == "fr")
    assert report_text.describe_route(done) in report_text.render_report([done], NOW)
    assert report_text.build_report_document([done], NOW)["servers"][0]["route_source"] == source.value


def test_where_nobody_went_no_way_is_said(language: str) -> None:  # noqa: ARG001 the fixture sets it
    done = replace(reported(Server.UPDATES, problems.PROXY_SCRIPT_UNUSABLE), route="")
    assert report_text.describe_route(done) == ""
    assert not [line for line in report_text.list_report_lines(done) if line.startswith(("Chemin", "Route"))]


def reported(server: Server, reason: Problem | None, *, done: bool = True) -> ServerReport:
    """A report with every kind of stage; its last stage failed for *reason*."""
    *before, last = STAGES[server]
    stages = [
        StageResult(
            stage, StageOutcome.PASSED if number % 2 else StageOutcome.SKIPPED, 12.34 * number, "127.0.0.1"
        )
        for number, stage in enumerate(before)
    ]
    stages.append(StageResult(last, StageOutcome.FAILED if reason else StageOutcome.WAITING))
    failure = None if reason is None else Failure(last, reason, "evidence")
    return ServerReport(server, "https://a.fr", tuple(stages), failure, 1234.56, done, "http://proxy.fr:3128")


CASES = [
    (None, None),
    *((reason, None) for reason in problems.CATALOGUE.values()),
    *((None, reason) for reason in problems.CATALOGUE.values()),
]


def both(authentication: Problem | None, updates: Problem | None) -> list[ServerReport]:
    """The reports of a whole test."""
    return [reported(Server.AUTHENTICATION, authentication), reported(Server.UPDATES, updates)]


@pytest.mark.parametrize(("authentication", "updates"), CASES)
def test_every_test_is_as_its_schema_says(authentication: Problem | None, updates: Problem | None) -> None:
    reports = both(authentication, updates)
    document = {**report_text.build_report_document(reports, NOW), **repair_text.build_repairs_document(())}
    Draft202012Validator(SCHEMA, registry=_BESIDE).validate(json.loads(json.dumps(document)))
    text = report_text.render_report(reports, NOW)
    assert text.startswith(report_text.render_headline(reports))
    for server in reports:
        assert server.address in text
        if server.failure is not None:
            assert server.failure.problem.code in text
            assert "evidence" in text


@pytest.mark.parametrize(
    ("authentication", "french"),
    [
        (None, "Connexion au serveur réussie"),
        (problems.CONNECTION_UNANSWERED, "Échec de connexion au serveur"),
        (
            problems.AUTHORISATION_REFUSED,
            "Connexion aux serveurs réussie – Serveur d’authentification / Autorisation refusée",
        ),
        (
            problems.LICENCE_NOT_RECOGNISED,
            "Connexion aux serveurs réussie – Licence d’installation non reconnue",
        ),
    ],
)
def test_the_outcomes_are_in_the_words_of_the_practical_sheet(
    authentication: Problem | None, french: str, language: str
) -> None:
    headline = report_text.render_headline(both(authentication, None))
    assert (headline == french) is (language == "fr")


PORTAL = Failure(Stage.CONNECTION, problems.CAPTIVE_PORTAL, evidence=PortalPage("https://portail.exemple.fr"))
SLOW_CLOCK = Failure(Stage.ANSWER, problems.CLOCK_WRONG, evidence=ClockOffset(266400))


def test_the_person_is_told_the_cause_and_the_failure_stays_in_the_document() -> None:
    failed = replace(
        reported(Server.AUTHENTICATION, problems.CERTIFICATE_SELF_SIGNED), findings=(SLOW_CLOCK, PORTAL)
    )
    text = report_text.render_report([failed], NOW)
    server = report_text.build_report_document([failed], NOW)["servers"][0]
    assert server["problem"] is not None
    assert (server["problem"]["code"], server["failed_as"]) == ("IEA-N07", "IEA-T04")
    assert "https://portail.exemple.fr" in server["problem"]["particulars"]
    assert "https://portail.exemple.fr" in text
    assert "IEA-T04" not in text
    assert text.count("IEA-N07") == 1
    assert [code["code"] for code in server["findings"]] == ["IEA-L02", "IEA-N07"]
    assert report_text.list_notes(failed, NOW)[0].startswith(locale._(problems.CATALOGUE["IEA-L02"].title))
    assert report_text.render_headline([failed]) == locale._(report_text.FAILED)


def test_what_was_found_beside_a_tick_is_a_note_under_it(language: str) -> None:
    passed = replace(reported(Server.AUTHENTICATION, None), findings=(SLOW_CLOCK,))
    text = report_text.render_report([passed, reported(Server.UPDATES, None)], NOW)
    server = report_text.build_report_document([passed], NOW)["servers"][0]
    assert server["passed"]
    assert server["problem"] is None
    assert server["findings"][0]["code"] == "IEA-L02"
    assert text.startswith(locale._(report_text.SUCCEEDED))
    assert text.count("IEA-L02") == 1
    if language == "fr":
        note = next(line for line in text.splitlines() if "IEA-L02" in line)
        assert "L’ordinateur retarde de 3 jours et 2 heures sur le serveur." in note


def test_every_server_stage_and_outcome_has_its_word() -> None:
    assert set(report_text.SERVERS) == set(Server)
    assert set(report_text.STAGES) == set(Stage)
    assert set(report_text.OUTCOMES) == set(StageOutcome)


def test_what_comes_behind_a_failure_was_not_reached() -> None:
    stages = tuple(
        StageResult(stage, StageOutcome.FAILED if stage is Stage.CONNECTION else StageOutcome.SKIPPED)
        for stage in STAGES[Server.UPDATES]
    )
    failed = ServerReport(
        Server.UPDATES, "https://exemple.fr", stages, Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED)
    )

    assert locale._(report_text.OUTCOMES[StageOutcome.SKIPPED]) in report_text.render_stage(
        failed, Stage.NAME
    )
    assert locale._(report_text.NOT_REACHED) in report_text.render_stage(failed, Stage.PROXY)


def test_the_details_name_the_way_and_the_certificate_once_the_test_is_over() -> None:
    seen = Certificate("exemple.fr", "Certigna\u202e", 1.7e9, 1.9e9, "ab" * 32)
    done = replace(reported(Server.UPDATES, None), certificate=seen)
    stages = [report_text.render_stage(done, stage) for stage in STAGES[Server.UPDATES]]
    *before, way, subject, issuer, fingerprint = report_text.list_report_lines(done)
    assert before == stages
    assert report_text.describe_route(done) in way
    assert ("exemple.fr" in subject, "ab" * 32 in fingerprint) == (True, True)
    assert issuer.endswith("Certigna"), "printable, whatever the certificate says"
    assert report_text.list_report_lines(replace(done, done=False)) == stages
    assert all(line in report_text.render_report([done], NOW) for line in (subject, issuer, fingerprint))


def test_whoever_decides_on_a_proxy_has_a_name() -> None:
    assert set(report_text.SOURCES) == set(Source) - {Source.NONE}
