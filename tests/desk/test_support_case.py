"""What the desk reads is what the agent says: each problem and its actor."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.last_test import keep_test
from iea_agent.assembly.support_file import SupportFile
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.log_book import LogBookState
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.problems import Actor, Problem
from iea_agent.domain.settings import DEFAULTS
from iea_desk.case_text import compose_answer, render_case
from iea_desk.cli import main
from iea_desk.keys import Password
from iea_desk.password_message import PasswordMessage
from iea_desk.request_files import open_request, open_text
from iea_desk.support_case import Origin
from tests.desk.requests import (
    NOW,
    PROBLEMS,
    make_letter,
    make_mail,
    make_phone_code,
    make_report,
    pack_report,
)
from tests.status_documents import make_status

Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read_document(capsys: pytest.CaptureFixture[str]) -> Read:
    """Return a function that runs ``iea-desk read --json`` and returns its document."""

    def run(*arguments: str | Path) -> dict[str, Any]:
        assert main(["read", "--json", *map(str, arguments)]) == 0
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return run


@pytest.mark.parametrize("problem", [pytest.param(each, id=name) for name, each in PROBLEMS.items()])
def test_the_desk_names_the_code_and_the_actor_that_the_agent_names(problem: Problem) -> None:
    case = open_request(pack_report(problem))
    assert (case.code, case.actor, case.since) == (problem.code, problem.actor, NOW - 3600)
    usual = problems.CATALOGUE[problem.code]
    # a stopped agent: the last test says it
    others = (
        open_request(pack_report(problem, runs=False)),
        open_request(make_mail(make_letter(problem).whole_text)),
        open_text(make_phone_code(problem)),
    )
    assert [(each.code, each.actor) for each in others] == [(problem.code, problem.actor)] * 3
    body = compose_answer(case)[1]
    if problem.actor is not usual.actor:
        assert problem.text.replace("'", "’") in body
    assert usual.title.replace("'", "’") in body
    # it is the support that answers
    assert "contactez l’assistance" not in body.lower()
    assert "None" not in body


@pytest.mark.usefixtures("system_vault")
def test_a_file_by_the_agents_own_writer_is_read(tmp_path: Path, read_document: Read) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    failure = Failure(Stage.NAME, problems.NAME_UNKNOWN, "getaddrinfo failed")
    reports = [ServerReport(server, "https://exemple.fr", (), failure) for server in Server]
    keep_test(installation.storage, reports)
    file = tmp_path / "assistance.zip"
    file.write_bytes(SupportFile(installation).pack())
    document = read_document(file)
    assert (document["code"], document["is_stopped"]) == ("IEA-N02", True)
    assert document["tested"] == {"authentication": "IEA-N02", "updates": "IEA-N02"}


def test_ten_lines_say_what_since_when_who_acts_and_what_to_answer() -> None:
    case = open_request(pack_report(problems.NAME_UNKNOWN))
    lines = render_case(case).split("\n")
    assert len(lines) == 10
    assert lines[1].endswith("IEA-N02 – Serveur introuvable")
    assert "soit 1 h avant l’envoi" in lines[3]
    assert "authentification en échec à l’étape «\u00a0réponse\u00a0» (IEA-N02)" in lines[5]
    assert "Impact emploi 3.00.72" in lines[6]
    assert lines[7].endswith("sans proxy")
    by_proxy = pack_report(
        problems.NAME_UNKNOWN, routes={"authentication": "http://proxy:3128 (system) a detail"}
    )
    assert "proxy de Windows (http://proxy:3128)" in render_case(open_request(by_proxy))


def test_the_log_book_says_since_when_rather_than_the_last_state() -> None:
    stays = [
        {"begin": NOW - 9000, "seconds": 100, "state": LogBookState.DISCONNECTED.value, "code": "IEA-N02"},
        {"begin": NOW - 8900, "seconds": 20, "state": LogBookState.CONNECTED.value, "code": ""},
        {"begin": NOW - 8880, "seconds": 8880, "state": LogBookState.DISCONNECTED.value, "code": "IEA-N02"},
    ]
    case = open_request(pack_report(problems.NAME_UNKNOWN, history=stays))
    assert (case.since, case.interruptions) == (NOW - 9000, 1)
    # assistance mode has no problem of its own
    status = make_status(Snapshot(State.ASSISTANCE, NOW), DEFAULTS)
    case = open_request(pack_report(None, history=stays, status=status, test=None))
    assert (case.code, case.wants_password) == ("IEA-N02", True)


def test_a_newer_agents_problem_keeps_its_words_and_is_named() -> None:
    report = make_report(problems.NAME_UNKNOWN, version="9.0.0")
    report["status"]["problem"] |= {"code": "IEA-N98", "title": "Câble\x1b[2J coupé", "actor": "network"}
    case = open_request(json.dumps(report).encode())
    assert (case.code, case.title, case.actor) == ("IEA-N98", "Câble [2J coupé", Actor.NETWORK)
    text = render_case(case)
    assert "plus récent que iea-desk" in text
    assert "IEA-N98 n’est pas dans le catalogue" in text
    assert len(text.split("\n")) == 10
    older = open_request(pack_report(problems.NAME_UNKNOWN, version="0.0.9"))
    assert "plus ancien" in older.notes[0]


@pytest.mark.parametrize(
    ("problem", "is_there", "is_not_there"),
    [
        # what happens by itself is nothing to do
        (problems.SERVER_UNAVAILABLE, "La connexion est retentée automatiquement.", "À faire"),
        (problems.NAME_UNKNOWN, "À faire\u00a0: Ouvrez un site internet", "transmettre ce message"),
        # said once
        (problems.INTERCEPTED, "Montrez ce message à la personne", "Vous pouvez transmettre ce message"),
        (problems.SETTINGS_UNREADABLE, "Vous pouvez transmettre ce message", "Montrez ce message"),
        # the support does not send the person to the support
        (problems.ISSUER_UNAWARE, "L’adresse saisie est sans doute juste.", "Transmettez ce message"),
    ],
)
def test_the_answer_is_what_a_person_at_the_desk_would_write(
    problem: Problem, is_there: str, is_not_there: str
) -> None:
    body = compose_answer(open_request(pack_report(problem)))[1]
    assert is_there in body
    assert is_not_there not in body
    title = problem.title.replace("'", "’")
    assert f"Votre poste indique «\u00a0{title}\u00a0» (code {problem.code})." in body


def test_who_has_sent_a_file_is_not_asked_for_one() -> None:
    healthy = open_request(pack_report(None))
    lines = render_case(healthy)
    assert "authentification\u00a0: test réussi" in lines
    assert "le gestionnaire\u00a0: qu’il dise ce qui ne va pas" in lines
    assert "la connexion n’est pas en cause" in lines
    assert "la connexion de votre poste marche" in compose_answer(healthy)[1]
    status = make_status(Snapshot(State.CONNECTING, NOW), DEFAULTS)
    untested = open_request(pack_report(None, status=status, test=None))
    assert "puis d’envoyer un nouveau fichier" in render_case(untested)
    assert "envoyez-nous de nouveau" in compose_answer(untested)[1]
    status = make_status(Snapshot(State.ASSISTANCE, NOW), DEFAULTS)
    assert "nous, par le mot de passe du jour" in render_case(open_request(pack_report(None, status=status)))


def test_numbers_are_words_as_in_french() -> None:
    code = make_phone_code(problems.NAME_UNKNOWN)
    lines = render_case(open_text(f"{'8' if code[0] != '8' else '9'}{code[1:]}"))
    assert "Le 1er caractère du code a été corrigé" in lines
    assert "entre 5 et 15 min avant la lecture du code" in lines
    for days, words in ((0, "registre des mots de passe du jour périmé"), (1, "encore 1 jour\n")):
        assert words in render_case(open_request(pack_report(None, register_days=days)))


@pytest.mark.parametrize("subject", ["Re: bonjour", "RE: bonjour"])
def test_an_answer_to_an_answer_is_marked_once(subject: str) -> None:
    mail = make_mail("IEA-N02").replace(b"Serveur de connexion 3.00.72", subject.encode())
    assert compose_answer(open_request(mail))[0] == subject


@pytest.mark.parametrize("typed", ["iea-n02", "IEA N02", "code Iea-n02 !"])
def test_a_code_typed_in_haste_is_read(typed: str) -> None:
    assert open_text(typed).code == "IEA-N02"


def test_a_phone_code_with_one_wrong_character_is_read_and_says_so() -> None:
    code = make_phone_code(problems.NAME_UNKNOWN)
    wrong = ("8" if code[3] != "8" else "9").join((code[:3], code[4:]))
    case = open_text(wrong.lower().replace("-", " "))
    assert (case.code, case.phone_code) == ("IEA-N02", code)
    assert "4e caractère" in case.notes[0]


def test_a_pasted_text_is_read_with_what_the_person_wrote() -> None:
    case = open_request(make_letter(problems.PROXY_REFUSES).body.encode())
    assert (case.origin, case.code, case.program_version) == (Origin.TEXT, "IEA-P03", "3.00.72")
    assert case.complaint == "Le logiciel ne se lance pas"
    assert case.contact.startswith("Club")
    # nothing of the agent's
    case = open_request("Bonjour, rien ne marche, que faire s'il vous plaît ? Marie".encode())
    assert case.code == ""
    assert "Demande de support technique" in compose_answer(case)[1]


def test_the_answer_has_the_password_of_the_day_where_it_is_wanted() -> None:
    password = PasswordMessage(Password(date(2026, 11, 30), "*", "2026a", 12345))
    status = make_status(Snapshot(State.ASSISTANCE, NOW), DEFAULTS)
    wanted = open_request(make_mail("Merci", pack_report(None, status=status, test=None)))
    subject, body = compose_answer(wanted, password)
    assert subject == "Re: Serveur de connexion 3.00.72"
    assert f"\n{password.letters}\n" in body
    assert "[à compléter" in compose_answer(wanted)[1]
    other = open_request(pack_report(problems.NAME_UNKNOWN))
    assert password.letters not in compose_answer(other, password)[1]
