"""What nobody at the desk should open, sent to the pages: they show text only."""

from __future__ import annotations

import json
import time
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from iea_agent.domain import problems
from iea_desk.request_files import RequestRefused, open_request
from iea_desk.support_case import Origin, SupportCase
from iea_desk.web.case_pages import render_case_page, render_start
from iea_desk.web.markup import tag
from tests.desk.desk_visitor import PageReader, Visitor
from tests.desk.requests import make_mail, make_report, pack
from tests.desk.test_request_files import LARGE_MAILS, REFUSED, SECONDS

pytestmark = pytest.mark.linux  # the same program; once is enough

EVIL = "\x1b]0;x\x07\u202e</textarea></title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&#39;"
ALLOWED = {"script": 1, "img": 0, "iframe": 0}
"""How many of these each page has: its own script."""


def check_harmless(page: PageReader) -> None:
    """Check that nothing of ``EVIL`` is more than text."""
    for name, count in ALLOWED.items():
        assert page.tags.count(name) == count
    for character in "\x1b\x07\u202e":
        assert character not in page.words
        assert not [
            value for _, each in page.attributes for value in each.values() if character in (value or "")
        ]


@pytest.mark.parametrize("name", REFUSED | LARGE_MAILS)
def test_the_hostile_corpus_gets_the_same_sentence_in_bounded_time(visitor: Visitor, name: str) -> None:
    data = (REFUSED | LARGE_MAILS)[name]()
    begin = time.process_time()
    answer = visitor.post("demande", {"texte": "mon brouillon"}, data)
    assert time.process_time() - begin < 2 * SECONDS
    page = visitor.read_page(answer)
    check_harmless(page)
    refusal = find_refusal(data)
    assert answer.status_code in ((413, 422) if refusal else (200,))
    assert refusal[:30] in page.words.replace("\u00a0", " ")


def find_refusal(data: bytes) -> str:
    """Return why ``iea-desk read`` refuses *data*, "" if it does not."""
    try:
        open_request(data)
    except RequestRefused as error:
        return str(error).replace("'", "’")
    return ""


def test_what_a_report_and_a_mail_say_is_text_in_every_field(visitor: Visitor) -> None:
    report = make_report(
        problems.NAME_UNKNOWN,
        system=EVIL,
        version=EVIL,
        program_version=EVIL,
        phone_code=EVIL,
        routes={"updates": EVIL},
    )
    report["status"]["problem"] |= {"code": "IEA-N98", "title": EVIL}
    mail = make_mail(
        f"Ce qui se passe : {EVIL}\nMes coordonnées : {EVIL}", pack({"report.json": json.dumps(report)})
    )
    mail = mail.replace(b"Serveur de connexion", b"<script>alert(1)</script>").replace(b"marie@", b'"<b>&"@')
    page = visitor.read_page(visitor.post("demande", {}, mail))
    assert page.words.count("<script>alert(1)</script>") > 4
    check_harmless(page)


def test_what_was_typed_comes_back_as_text(visitor: Visitor) -> None:
    typed = quote(EVIL, safe="")
    for place, field in (("demande", "texte"), ("avis", "texte"), ("avis", "depuis")):
        page = visitor.read_page(visitor.post(place, {field: f"{EVIL}\0", "faire": "voir"}))
        check_harmless(page)
    for place in (
        f"avis?code={typed}&depuis={typed}",
        f"boite?ouvert={typed}",
        f"depot-1?ouvert={typed}",
        f"demande?n={typed}",
        typed,
    ):
        check_harmless(visitor.read_page(visitor.get(place)))


@pytest.mark.parametrize("field", [each.name for each in fields(SupportCase) if each.type == "str"])
def test_no_field_of_a_case_is_ever_more_than_text(field: str) -> None:
    changes: dict[str, Any] = {field: EVIL}
    case = SupportCase(Origin.REPORT, **changes, notes=(EVIL,))
    check_harmless(PageReader(render_case_page(case, EVIL)))


def test_text_is_escaped_wherever_it_stands() -> None:
    assert tag("p", "<b>", None, ["&", tag("br")], title="\"'<") == (
        '<p title="&quot;&#x27;&lt;">&lt;b&gt;&amp;<br></p>'
    )
    assert (
        tag("input", hidden=True, disabled=False, class_="a", data_x=1)
        == '<input hidden class="a" data-x="1">'
    )
    check_harmless(PageReader(render_start(EVIL, EVIL, EVIL)))


def test_nothing_is_written(visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for data in (REFUSED["upwards"](), make_mail("IEA-N02")):
        visitor.post("demande", {}, data)
    assert list(tmp_path.iterdir()) == []
