"""The sentences about details: exact, bounded, and foreign text made printable."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent import locale
from iea_agent.domain import interceptors, problems, settings
from iea_agent.domain.addresses import Malformed
from iea_agent.domain.diagnosis import (
    Certificate,
    EndpointChange,
    Failure,
    Interception,
    OutdatedVersion,
    Stage,
    malformed_address,
)
from iea_agent.domain.evidence import (
    CertificateHosts,
    ClockConfirmed,
    ClockOffset,
    Evidence,
    InterceptedBy,
    NamedEvidence,
    PageTitle,
    RedirectTarget,
    RefusalGround,
)
from iea_agent.domain.printable_text import LONGEST_SHOWN
from iea_agent.domain.problems import Problem
from iea_agent.shell.wording.problem_details import (
    MALFORMED,
    advise,
    describe_failure_details,
    describe_notice,
    describe_setting_fault,
)

NOW = time.mktime((2026, 11, 12, 14, 25, 0, 0, 0, -1))
DAY = 86_400.0
CERTIFICATE = Certificate("impact-emploi.urssaf.fr", "Certigna", NOW - 30 * DAY, NOW + 60 * DAY, "ab" * 32)


@pytest.fixture(autouse=True)
def french() -> Iterator[None]:
    """Speak French in these tests."""
    locale.choose("fr")
    yield
    locale.choose("fr")


def details_of(reason: Problem, **evidence: object) -> str:
    """Return the details of a failure for *reason*, with plain spaces."""
    text = describe_failure_details(Failure(Stage.ANSWER, reason, **evidence), NOW)  # type: ignore[arg-type]
    return text.replace("\u00a0", " ")


def test_it_is_the_proxy_that_asks_to_wait() -> None:
    failure = Failure(Stage.PROXY, problems.PROXY_MAKES_NO_CONNECTION, "429", 30.0)
    assert describe_failure_details(failure, NOW) == "Le proxy demande d’attendre 30 secondes."


def test_each_way_of_being_malformed_has_its_sentence() -> None:
    assert set(MALFORMED) == set(Malformed)
    for kind, sentence in MALFORMED.items():
        assert describe_failure_details(malformed_address(kind), NOW) == locale._(sentence)
    assert details_of(problems.ADDRESS_MALFORMED, detail="Invalid URL 'https://'") == ""


def test_where_a_redirection_leads_is_named_and_said_not_to_be_followed() -> None:
    assert details_of(problems.REDIRECTED, evidence=RedirectTarget("https://portail.exemple.fr")) == (
        "Adresse indiquée par le serveur : https://portail.exemple.fr (non suivie)."
    )
    assert details_of(problems.REDIRECTED) == ""


LONGER = "Le serveur demande d’attendre plus de 1 heure. Un nouvel essai a lieu dans 1 heure et 30 minutes au plus tard."


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (30, "Le serveur demande d’attendre 30 secondes."),
        (60, "Le serveur demande d’attendre 1 minute, jusque vers 14 h 26."),
        (600, "Le serveur demande d’attendre 10 minutes, jusque vers 14 h 35."),
        (3600, "Le serveur demande d’attendre 1 heure, jusque vers 15 h 25."),
        (5400, LONGER),
        (DAY, LONGER),
        (1e12, LONGER),
        (0, ""),
    ],
)
@pytest.mark.parametrize(
    "reason", [problems.SERVER_IN_MAINTENANCE, problems.TOO_MANY_REQUESTS, problems.SERVER_UNAVAILABLE]
)
def test_how_long_the_server_asks_to_wait(reason: Problem, seconds: float, sentence: str) -> None:
    assert details_of(reason, retry_after=seconds) == sentence


@pytest.mark.parametrize(
    ("scope", "sentence"),
    [
        ("paie lecture", "Droit demandé au serveur (« scope ») : paie lecture."),
        (
            "",
            "Le serveur attend un droit (« scope »), et ce poste n’en demande aucun : réglage « connection.scope ».",
        ),
        (
            None,
            "Le serveur n’a donné aucune raison : le numéro ou la clé peuvent aussi être faux, ou un droit (« scope ») manquer.",
        ),
    ],
)
def test_what_a_refusal_is_about(scope: str | None, sentence: str) -> None:
    assert details_of(problems.AUTHORISATION_REFUSED, evidence=RefusalGround(scope)) == sentence


def test_the_title_of_a_page_is_foreign_text() -> None:
    evidence = PageTitle("Accès\nbloqué " + "x" * 300)
    text = details_of(problems.PAGE_INSTEAD, evidence=evidence)
    assert text.startswith("Titre affiché par le réseau, non vérifié : « Accès bloqué xxx")
    assert len(text) < 180


LURE = "Appelez le 08 99 00 00 00"
SPEAKERS = re.compile("réseau|serveur|certificat|proxy|service de noms|script|fichier", re.IGNORECASE)


@pytest.mark.parametrize("kind", NamedEvidence.__subclasses__(), ids=lambda kind: kind.__name__)
def test_what_a_stranger_may_have_written_is_introduced_as_his(kind: type[NamedEvidence]) -> None:
    before, lure, _ = details_of(problems.PAGE_INSTEAD, evidence=kind(LURE)).partition(LURE)
    assert lure
    assert SPEAKERS.search(before)


def test_the_names_in_a_certificate_are_introduced_as_its_own() -> None:
    certificate = Certificate(LURE, LURE, NOW, NOW, "")
    for text in (
        details_of(problems.CERTIFICATE_SELF_SIGNED, certificate=certificate),
        details_of(problems.CERTIFICATE_OF_ANOTHER, evidence=CertificateHosts((LURE,))),
    ):
        assert re.match("Noms (de serveurs )?donnés par ce certificat, non vérifiés", text)


@pytest.mark.parametrize(
    ("off", "sentence"),
    [
        (266400.0, "L’ordinateur retarde de 3 jours et 2 heures sur le serveur."),
        (-420.5, "L’ordinateur avance de 7 minutes sur le serveur."),
        (math.nan, ""),
        (math.inf, ""),
        (0.0, ""),
        (0.9, ""),
        (1.0, "L’ordinateur retarde de 1 seconde sur le serveur."),
        (-1.0, "L’ordinateur avance de 1 seconde sur le serveur."),
        (9_999_999_999.9, "L’ordinateur retarde de 115740 jours et 17 heures sur le serveur."),
        (1e10, ""),
    ],
)
def test_by_how_much_the_clock_is_off(off: float, sentence: str) -> None:
    assert details_of(problems.CLOCK_WRONG, evidence=ClockOffset(off)) == sentence


def test_a_clock_that_is_right_is_said_to_be() -> None:
    text = details_of(problems.CERTIFICATE_EXPIRED, evidence=ClockConfirmed())
    assert text.startswith("L’heure de cet ordinateur est juste")


def test_a_refused_certificate_is_named_with_its_dates() -> None:
    assert details_of(problems.CERTIFICATE_AUTHORITY_UNKNOWN, certificate=CERTIFICATE) == (
        "Noms donnés par ce certificat, non vérifiés : établi pour « impact-emploi.urssaf.fr » par « Certigna », valable du 13/10/2026 au 11/01/2027."
    )


def test_the_servers_that_a_certificate_is_for_are_named() -> None:
    assert details_of(
        problems.CERTIFICATE_OF_ANOTHER,
        evidence=CertificateHosts(("portail.exemple.fr",)),
        certificate=CERTIFICATE,
    ).startswith(
        "Noms de serveurs donnés par ce certificat, non vérifiés : « portail.exemple.fr ». Noms donnés par ce certificat"
    )


@pytest.mark.parametrize(
    ("changed", "moment"),
    [
        (time.mktime((2026, 11, 12, 9, 12, 0, 0, 0, -1)), "aujourd’hui à 9 h 12"),
        (time.mktime((2026, 11, 2, 19, 5, 0, 0, 0, -1)), "le 02/11/2026 à 19 h 05"),
    ],
)
def test_when_a_certificate_changed(changed: float, moment: str) -> None:
    certificate = Certificate("a.fr", "b", NOW, NOW, "", changed)
    for reason in (problems.INTERCEPTED, problems.CERTIFICATE_SELF_SIGNED):
        assert details_of(reason, certificate=certificate).endswith(f"Ce certificat a changé {moment}.")


def test_who_intercepts_is_named() -> None:
    changed = Certificate("a.fr", "b", NOW, NOW, "", NOW - 60)
    avast = details_of(problems.INTERCEPTED, evidence=InterceptedBy("Avast"), certificate=changed)
    assert avast == (
        "Produit probable, d’après son certificat : Avast (antivirus). Ce certificat a changé aujourd’hui à 14 h 24."
    )
    assert (
        details_of(problems.INTERCEPTED, evidence=InterceptedBy("Inconnu"))
        == "Produit probable, d’après son certificat : Inconnu."
    )


def test_what_to_change_in_the_product_is_the_first_thing_to_do() -> None:
    avast = Failure(Stage.CERTIFICATE, problems.INTERCEPTED, evidence=InterceptedBy("Avast"))
    setting, advice = locale._(interceptors.INTERCEPTORS[0].setting), locale._(problems.INTERCEPTED.advice)
    assert advise(avast) == f"{setting} {advice}"
    assert setting not in describe_failure_details(avast, NOW)
    stranger = Failure(Stage.CERTIFICATE, problems.INTERCEPTED, evidence=InterceptedBy("Inconnu"))
    assert advise(stranger) == advice
    assert advise(Failure(Stage.NAME, problems.NAME_UNKNOWN)) == locale._(problems.NAME_UNKNOWN.advice)


@pytest.mark.parametrize("product", interceptors.INTERCEPTORS, ids=lambda product: product.name)
def test_every_product_has_its_words(product: interceptors.Interceptor) -> None:
    text = details_of(problems.INTERCEPTED, evidence=InterceptedBy(product.name))
    assert product.name in text
    assert text.endswith(".")
    assert len(text) < 400


@pytest.mark.parametrize("wall", [-1e12, -1.0, 0.0, 4e9, 1e11, 1e18])
def test_a_certificate_may_have_any_date(wall: float) -> None:
    assert "valable du" in details_of(
        problems.CERTIFICATE_EXPIRED, certificate=Certificate("a", "b", wall, wall, "")
    )


@pytest.mark.parametrize("reason", problems.CATALOGUE.values(), ids=str)
@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_nothing_particular_is_said_of_nothing(reason: Problem, language: str) -> None:
    locale.choose(language)
    assert details_of(reason) == ""


@given(
    some.sampled_from(list(problems.CATALOGUE.values())),
    some.text(max_size=400),
    some.floats(),
    some.none() | some.floats(0, 1e9),
)
def test_whatever_a_server_says_stays_bounded_and_visible(
    reason: Problem, foreign: str, wall: float, wait: float | None
) -> None:
    if wall != wall or abs(wall) == float("inf"):
        wall = 0.0
    certificate = Certificate(foreign, foreign, wall, wall, foreign, wall)
    carried: list[Evidence] = [kind(foreign) for kind in NamedEvidence.__subclasses__()]
    for evidence in (*carried, CertificateHosts((foreign,))):
        text = describe_failure_details(
            Failure(Stage.ANSWER, reason, foreign, wait, evidence, certificate), NOW
        )
        assert len(text) <= 3 * LONGEST_SHOWN + 500
        assert all(c.isprintable() or c == "\u00a0" for c in text)


def test_a_refused_setting_is_named_with_its_line() -> None:
    assert describe_setting_fault(settings.SettingFault("connection.secure", 4, "true ou false")) == (
        "connection.secure, ligne 4\u00a0: il faut true ou false"
    )
    elsewhere = settings.SettingFault("proxy.port", 4, "un nombre", "poli\u202ecy.toml")
    assert describe_setting_fault(elsewhere).startswith("proxy.port, ligne 4, poli cy.toml")
    assert describe_setting_fault(settings.SettingFault("", 0, "x")) == "fichier\u00a0: il faut x"


def test_what_to_know_of_a_connection_that_works() -> None:
    interception = describe_notice(Interception("Avast", "Certi\x00gna", NOW))
    assert "Avast" in interception
    assert "Certi gna" in interception
    change = EndpointChange("https://a.fr/neuf", "https://a.fr/token", NOW)
    assert "https://a.fr/neuf" in describe_notice(change)
    assert "https://a.fr/token" in describe_notice(change)


@pytest.mark.parametrize(
    ("is_agent", "program"), [(True, "programme de connexion"), (False, "Impact emploi")]
)
def test_a_version_that_is_no_longer_served_is_named(is_agent: bool, program: str) -> None:
    text = describe_notice(OutdatedVersion(is_agent, "3.00.71", "3.00.73"))
    assert program in text
    assert text.index("3.00.71") < text.index("3.00.73")
