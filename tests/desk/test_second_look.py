"""The desk judges the evidence, and says where the agent concluded otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Certificate, Failure, Server, ServerReport, Stage
from iea_agent.domain.repairs import RepairKind
from iea_agent.domain.server_test_record import build_test_document
from iea_agent.domain.support_report import parse_report
from iea_desk.case_text import compose_answer, render_case
from iea_desk.request_files import open_request
from iea_desk.second_look import look_again
from iea_desk.support_case import SupportCase
from tests.desk.requests import NOW, make_report

AVAST = Certificate("impact-emploi.urssaf.fr", "Avast Web/Mail Shield Root", 1.7e9, 1.9e9, "3f" * 32)
REFUSED = ServerReport(
    Server.AUTHENTICATION,
    "https://impact-emploi.urssaf.fr",
    (),
    Failure(Stage.CERTIFICATE, problems.CERTIFICATE_AUTHORITY_UNKNOWN, certificate=AVAST),
)
PORT = ServerReport(
    Server.AUTHENTICATION,
    "https://impact-emploi.urssaf.fr:80",
    (),
    Failure(Stage.CERTIFICATE, problems.PORT_WITHOUT_TLS),
)


def make_document(report: ServerReport) -> dict[str, Any]:
    return make_report(runs=False, test=build_test_document((report,), NOW))


def open_document(document: dict[str, Any]) -> SupportCase:
    return open_request(json.dumps(document).encode())


def test_a_product_that_the_agent_did_not_know_is_named() -> None:
    case = open_document(make_document(REFUSED))
    # what the person sees stays the subject
    assert (case.code, case.product) == ("IEA-T05", "Avast")
    assert any("conclut IEA-T12, et l'agent IEA-T05" in note for note in case.notes)


def test_the_setting_of_what_intercepts_is_the_first_thing_to_do() -> None:
    assert REFUSED.failure is not None
    agreed = replace(REFUSED, failure=replace(REFUSED.failure, problem=problems.INTERCEPTED))
    case = open_document(make_document(agreed))
    assert not any("conclut" in note for note in case.notes)
    assert "À faire\u00a0: Dans Avast" in compose_answer(case)[1]


def test_a_clock_that_explains_the_failure_is_seen_by_its_difference() -> None:
    expired = Failure(Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED)
    case = open_document(make_document(replace(REFUSED, failure=expired, clock_ahead=-90_000.0)))
    assert any(f"conclut {problems.CLOCK_WRONG.code}, et l'agent IEA-T01" in note for note in case.notes)


def test_an_unknown_problem_is_not_judged() -> None:
    document = make_document(REFUSED)
    document["test"]["servers"][0]["failed_as"]["code"] = "IEA-T98"
    assert look_again(parse_report(json.dumps(document).encode())) is None
    assert not any("conclut" in note for note in open_document(document).notes)


def test_a_repair_is_what_the_answer_begins_with() -> None:
    document = make_document(PORT)
    document["settings"] = {
        "connection.authentication": {"value": PORT.address, "origin": "settings"},
        "proxy.address": {"value": "http://[machine-1]:3128", "origin": "settings"},
    }
    untried = open_document(document)
    assert untried.hints[0] is RepairKind.USUAL_PORT
    assert "peut-être : retirer le numéro de port" in compose_answer(untried)[1].replace("\u00a0", " ")
    effect = "Retirer « :80 » de l'adresse. Vérifié : le serveur répond alors."
    document["test"]["repairs"] = [
        {"kind": "usual-port", "servers": ["authentication"], "effect": effect, "changes": {}}
    ]
    tried = open_document(document)
    # a quotation of a foreign text has other marks
    assert (tried.hints, tried.repairs) == ((), (effect.replace("«", "“").replace("»", "”"),))
    assert "correction trouvée" in render_case(tried)
    assert "Retirer “" in compose_answer(tried)[1]


def test_what_policy_fixes_is_no_hint() -> None:
    document = make_document(PORT)
    document["settings"] = {"connection.authentication": {"value": PORT.address, "origin": "policy"}}
    assert RepairKind.USUAL_PORT not in open_document(document).hints
