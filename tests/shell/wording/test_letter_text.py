"""The message to the support desk: everything it asks first, and nothing secret."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest

from iea_agent import __version__, locale
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Server, Stage
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.server_test_record import ServerTestRecord
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_letter import LONGEST_MAILTO, Letter
from iea_agent.shell.wording.letter_text import LetterFacts, compose_letter
from iea_agent.shell.wording.status_text import build_status_document

NOW = time.mktime((2026, 11, 12, 14, 25, 0, 0, 0, -1))
PASSED = ServerTestRecord(NOW - 60, dict.fromkeys(Server, ""))
EXPIRED = ServerTestRecord(NOW - 60, {Server.AUTHENTICATION: "IEA-T01", Server.UPDATES: ""})
MARKERS = ("K3Y-9F2M-7QX4-20LB", "marie.proxy", "https://secret.exemple.fr", "eyJhbGciOi", "IEA-0000-1234")
"""What only the program knows: keys, names, addresses, what a server said."""


def facts(state: State = State.DISCONNECTED, **changes: object) -> LetterFacts:
    """What is known on a PC with Impact emploi 3.00.72 and an expired certificate."""
    failure = Failure(Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED, " ".join(MARKERS))
    snapshot = Snapshot(state, NOW - 600, failure if state is State.DISCONNECTED else None, NOW - 600)
    settings = replace(
        DEFAULTS,
        authentication=MARKERS[2],
        proxy_user=MARKERS[1],
        licence_number=MARKERS[4],
        proxy_address="http://proxy.exemple.fr",
    )
    status = build_status_document(snapshot, settings)
    whole = LetterFacts(settings, "3.00.72", status, EXPIRED)
    return replace(whole, **changes)  # type: ignore[arg-type]


def compose(state: State = State.DISCONNECTED, **changes: object) -> Letter:
    return compose_letter(facts(state, **changes))


def test_it_has_the_prescribed_recipient_and_subject() -> None:
    letter = compose()
    assert letter.recipient == "impact-emploi-association@urssaf.fr"
    assert letter.subject == "Serveur de connexion 3.00.72"
    assert letter.hints == ()


def test_the_policy_names_another_recipient_and_subject() -> None:
    settings = replace(DEFAULTS, support_address="aide@exemple.fr", support_subject="IEA 3.00.XX (Paris)")
    letter = compose(settings=settings)
    assert (letter.recipient, letter.subject) == ("aide@exemple.fr", "IEA 3.00.72 (Paris)")


def test_it_says_what_support_asks_first() -> None:
    lines = compose().body.replace("\u00a0", " ").split("\n")
    for line in (
        "Association :",
        "Nom et prénom :",
        "Téléphone :",
        "Version d’Impact emploi : 3.00.72",
        f"Problème : {problems.CERTIFICATE_EXPIRED.title} (IEA-T01)",
        "État : Échec de connexion au serveur depuis le 12/11/2026 à 14 h 15",
        f"Version du programme de connexion : {__version__}",
    ):
        assert line in lines
    (test,) = (
        line
        for line in lines
        if line.startswith("Test de l’accès aux serveurs : échec (le 12/11/2026 à 14 h 24)")
    )
    assert "(IEA-T01)" in test
    assert "Serveur de mise à jour, réussi" in test


def test_who_is_in_assistance_mode_asks_for_the_password() -> None:
    assert "mot de passe du jour" in compose(State.ASSISTANCE).body
    assert "mot de passe du jour" not in compose().body
    assert compose(State.ASSISTANCE, test=None).hints == (), "the test is not to be reached there"


def test_what_is_not_known_is_left_to_the_person() -> None:
    letter = compose_letter(LetterFacts())
    body = letter.body.replace("\u00a0", " ")
    assert letter.subject == "Serveur de connexion version inconnue"
    assert "Version d’Impact emploi : inconnue (à compléter)" in body
    assert "État : le programme de connexion est arrêté" in body
    assert "Test de l’accès aux serveurs : pas encore fait" in body
    assert [hint.split(" ")[0] for hint in letter.hints] == ["La", "Faites"]


def test_a_test_that_passed_is_said() -> None:
    assert "réussi (le 12/11/2026 à 14 h 24)" in compose(test=PASSED).body.replace("\u00a0", " ")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_nothing_secret_is_in_it(state: State, language: str) -> None:
    of_this_pc = facts(state)
    try:
        locale.choose(language)
        letter = compose_letter(of_this_pc)
    finally:
        locale.choose("fr")
    assert any(marker in json.dumps(of_this_pc.status) for marker in MARKERS), "planted"
    for marker in MARKERS:
        assert marker not in letter.whole_text
        assert marker not in letter.mailto


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_no_problem_makes_the_address_too_long(language: str) -> None:
    """Nothing is left out, with the longest title at both servers."""
    longest = max(problems.CATALOGUE.values(), key=lambda problem: len(problem.title))
    snapshot = Snapshot(State.DISCONNECTED, NOW - 86_400 * 3, Failure(Stage.KIND, longest), NOW)
    test = ServerTestRecord(NOW - 86_400 * 3, dict.fromkeys(Server, longest.code))
    try:
        locale.choose(language)
        letter = compose_letter(facts(status=build_status_document(snapshot, DEFAULTS), test=test))
    finally:
        locale.choose("fr")
    assert len(letter.mailto) <= LONGEST_MAILTO
    assert letter.mailto.endswith(__version__)


def test_the_desk_sorts_by_one_subject_in_every_language() -> None:
    locale.choose("en")
    try:
        assert compose_letter(LetterFacts()).subject == "Serveur de connexion version inconnue"
    finally:
        locale.choose("fr")
