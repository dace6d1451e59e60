"""Pages to print: they say what is known, and nothing runs in them."""

from __future__ import annotations

import time
from dataclasses import replace
from html.parser import HTMLParser

from iea_agent.domain import support_report
from iea_agent.domain.diagnosis import Certificate, PendingChange, Server, Stage, StageOutcome
from iea_agent.domain.incidents import Incident
from iea_agent.domain.log_book import LogBookState, Stay
from iea_agent.domain.release_notes import parse_notes
from iea_agent.domain.settings import DEFAULTS
from iea_agent.shell.wording.it_sheet_text import SheetFacts, build_sheet, word_path
from iea_agent.shell.wording.printed_page import PagePart, PrintedPage, render_html, render_text
from iea_agent.shell.wording.statement_text import MOST_STAYS, StatementFacts, build_statement

NOW = time.mktime((2026, 11, 30, 8, 2, 0, 0, 0, -1))
HOSTILE = "</title><script>alert(1)</script><img src=x onerror=y>"
TEST = support_report.TestedServers(
    NOW + 60,
    (
        support_report.TestedServer(
            Server.AUTHENTICATION,
            "https://impact-emploi.urssaf.fr",
            support_report.NotedProblem("IEA-T02", HOSTILE),
            stages=(support_report.TestedStage(Stage.CERTIFICATE, StageOutcome.FAILED, 12.0, HOSTILE),),
            certificate=Certificate("urssaf.fr", HOSTILE, NOW, NOW + 86_400, "ab" * 32),
            clock_ahead=1800.0,
        ),
        support_report.TestedServer(Server.UPDATES, "https://impact-emploi.urssaf.fr/updates", None),
    ),
)


def make_incident(stays: int = 1) -> Incident:
    return Incident(
        tuple(Stay(LogBookState.DISCONNECTED, "IEA-T02", NOW + 600 * n, 600.0) for n in range(stays)), False
    )


FACTS = StatementFacts(
    make_incident(), NOW + 7200, "IEA-1", "3.00.72", "Windows 10", TEST, journal_hash="cd" * 32
)


def state(facts: StatementFacts = FACTS) -> str:
    return render_text(build_statement(facts)).replace("\xa0", " ").replace("’", "'")


def test_the_statement_says_when_what_and_that_it_is_no_proof() -> None:
    text = state()
    for line in (
        "Du : lundi 30/11/2026 à 8 h 02",
        "Au : lundi 30/11/2026 à 8 h 12",
        "Durée : 10 minutes",
        "Empreinte de sa dernière ligne : " + "cd" * 32,
        "Horloge, Serveur d'authentification : le serveur a indiqué lundi 30/11/2026 à 8 h 33 (en-tête Date) quand cet ordinateur indiquait "
        "lundi 30/11/2026 à 8 h 03 ; écart : 30 minutes",
        "chaque ligne suit la précédente",
        "Impact emploi : 3.00.72",
    ):
        assert line in text, line
    assert "n'est pas une preuve contre l'administrateur" in text
    assert "n'émane pas de l'Urssaf" in text
    broken = state(replace(FACTS, journal_whole=False))
    assert "des lignes ne se suivent pas" in broken
    assert "(IEA-T02), le lundi 30/11/2026 à 8 h 03" in text


def test_what_was_not_done_is_said_and_a_long_course_is_cut() -> None:
    text = state(replace(FACTS, test=None, journal_hash="", incident=make_incident(MOST_STAYS + 7)))
    assert "pas fait pendant l'incident" in text
    assert "aucun serveur n'a donné l'heure" in text
    assert "Empreinte" not in text
    assert "7 changements ne sont pas imprimés" in text
    assert text.count("10 minutes") == MOST_STAYS
    other = support_report.TestedServers(NOW - 60, TEST.servers)
    assert "pas fait pendant l'incident" in state(replace(FACTS, test=other))


def test_the_sheet_says_what_to_allow_and_what_was_seen() -> None:
    facts = SheetFacts(
        DEFAULTS,
        NOW,
        "Windows 10",
        {"Serveur d'authentification": "urssaf.fr, TCP 443"},
        {"Proxy": "direct"},
        TEST,
    )
    text = render_text(build_sheet(facts)).replace("\xa0", " ")
    assert "urssaf.fr, TCP 443" in text
    assert "empreinte SHA-256 : " + "ab" * 32 in text
    assert "valable : du 30/11/2026 au 01/12/2026" in text
    without = render_text(build_sheet(SheetFacts(DEFAULTS, NOW, "Windows 10")))
    assert "Aucun test n’a encore été fait." in without


def test_the_sheet_says_which_address_to_allow_before_an_announced_change() -> None:
    pending = PendingChange("https://connexion.example/ie", NOW + 8 * 86_400, "IEA-N04")
    text = render_text(build_sheet(SheetFacts(DEFAULTS, NOW, "Windows 10", pending=(pending,))))
    text = text.replace("\xa0", " ")
    assert "À autoriser avant le 08/12/2026 : le serveur change d’adresse" in text
    assert "Adresse : https://connexion.example/ie" in text
    assert "(IEA-N04)" in text
    assert "avant le" not in render_text(build_sheet(SheetFacts(DEFAULTS, NOW, "Windows 10")))


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not [name for name, _value in attrs if name.startswith("on") or name in ("src", "href")]


def test_nothing_runs_in_a_page_and_nothing_is_loaded() -> None:
    tags = _Tags()
    tags.feed(render_html(build_sheet(SheetFacts(DEFAULTS, NOW, HOSTILE, {HOSTILE: HOSTILE}, {}, TEST))))
    tags.feed(
        render_html(PrintedPage(HOSTILE, HOSTILE, (PagePart(HOSTILE, ((HOSTILE, HOSTILE),), (HOSTILE,)),)))
    )
    assert tags.tags == {
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "p",
        "table",
        "tr",
        "th",
        "td",
    }


def test_a_lisez_moi_is_printed_with_its_headings_lists_and_bold() -> None:
    notes = f"# Lisez-moi V73\n\nMise à jour **impérative**  \nà faire\n\n- a\n  - {HOSTILE}\n\n[ici](https://a.fr)"
    page = PrintedPage("Lisez-moi", "Impact emploi 3.00.73", blocks=parse_notes(notes))
    html = render_html(page)
    for element in (
        "<h2>Lisez-moi V73</h2>",
        "<p>Mise à jour <strong>impérative</strong><br>à faire</p>",
        '<li style="margin-left: 1.2rem">•&nbsp;a</li>',
        "<p>ici (https://a.fr)</p>",
    ):
        assert element in html
    assert html.count("<ul") == 1
    assert "<script" not in html
    assert "<img" not in html
    assert "Lisez-moi V73\n\nMise à jour impérative\nà faire\n\n•\xa0a\n" in render_text(page)


def test_the_present_way_to_a_server_is_told_in_words() -> None:
    def tell(value: str, origin: str, detail: str = "") -> str:
        return word_path({"value": value, "origin": origin, "detail": detail}).replace("\u00a0", " ")

    assert tell("direct", "none") == "accès direct"
    assert tell("direct", "settings", "on the bypass list") == (
        "accès direct (vos paramètres), sans proxy pour ce serveur"
    )
    assert tell("http://proxy:3128", "system") == "par le proxy http://proxy:3128 (réglage de Windows)"
    assert tell("unknown", "IEA-P05", "WinHTTP error 12180") == "inconnu (IEA-P05) : WinHTTP 12180"
