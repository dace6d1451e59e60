"""The choice of the language, and that each one is spoken."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from iea_agent import locale
from iea_agent.domain import problems
from tools import translations


@pytest.fixture(autouse=True)
def french_again() -> Iterator[None]:
    """Leave the other tests their French, and the publisher's address."""
    yield
    locale.choose("fr")
    locale.replace_in_sentences("", str)


def test_french_is_what_the_source_says() -> None:
    locale.choose("fr")
    assert locale._("Connexion en cours") == "Connexion en cours"


def test_english_comes_from_the_catalogue() -> None:
    locale.choose("en")
    assert locale._("Connexion en cours") == "Connecting"


@pytest.mark.parametrize("language", ["de", "", "xx_YY"])
def test_a_language_without_a_catalogue_means_french(language: str) -> None:
    locale.choose("en")
    locale.choose(language)
    assert locale._("Connexion en cours") == "Connexion en cours"


@pytest.mark.parametrize("language", locale.LANGUAGES)
@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("L'agent s'arrête jusqu'à demain.", "L’agent s’arrête jusqu’à demain."),
        ("d'{name}", "d’{name}"),
        ("l'«\u00a0heure\u00a0»", "l’«\u00a0heure\u00a0»"),
        ("d'&authentification", "d’&authentification"),
        ("comme 'C:\\Exemple'", "comme 'C:\\Exemple'"),
    ],
)
def test_apostrophes_are_typographic_and_quotes_around_a_value_are_not(
    language: str, text: str, read: str
) -> None:
    locale.choose(language)
    assert locale._(text) == read


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_no_sentence_keeps_a_straight_apostrophe(language: str) -> None:
    locale.choose(language)
    straight = {text for _, text in translations.find_sentences() if "'" in locale._(text)}
    assert straight == {"un chemin entre apostrophes, comme 'C:\\Exemple'"}


def test_what_is_filled_in_stays_as_it_is() -> None:
    locale.choose("fr")
    assert locale._("Licence d'{name}").format(name="O'Neill") == "Licence d’O'Neill"


def test_every_problem_is_said_in_english() -> None:
    locale.choose("en")
    for problem in problems.CATALOGUE.values():
        for french in (problem.title, problem.text, problem.advice):
            assert locale._(french) != french
        assert len(locale._(problem.title).encode("utf-16-le")) // 2 <= 63


@pytest.mark.parametrize(
    ("wanted", "language"), [("en", "en"), ("EN", "en"), ("en_GB.UTF-8", "en"), ("fr", "fr"), ("de", "fr")]
)
def test_the_agents_own_variable_comes_first(wanted: str, language: str) -> None:
    other = "fr_FR.UTF-8" if language == "en" else "en_GB.UTF-8"
    assert locale.language_of({"IEA_AGENT_LANG": wanted, "LC_ALL": other, "LANG": other}) == language


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has a display language of its own")
@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "fr"),
        ({"LANG": "C.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_MESSAGES": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"IEA_AGENT_LANG": "", "LANG": "en_GB"}, "en"),
    ],
)
def test_elsewhere_the_system_is_asked(environment: dict[str, str], language: str) -> None:
    assert locale.language_of(environment) == language


@pytest.mark.parametrize("language", locale.LANGUAGES)
def test_every_sentence_has_the_support_address_that_holds_here(language: str) -> None:
    locale.choose(language)
    published = {text for _, text in translations.find_sentences() if problems.SUPPORT_ADDRESS in text}
    assert len(published) > 5
    locale.replace_in_sentences(problems.SUPPORT_ADDRESS, lambda: "l'aide@exemple.fr")
    for text in published:
        read = locale._(text)
        assert "(l'aide@exemple.fr)" in read, text
        assert problems.SUPPORT_ADDRESS not in read, text
        assert "{" not in text, "what is put in may have a brace, which nothing may format"


def test_an_empty_text_stays_empty_in_every_language() -> None:
    """Gettext answers it with the head of its catalogue."""
    try:
        for language in locale.LANGUAGES:
            locale.choose(language)
            assert locale._("") == ""
    finally:
        locale.choose("fr")
