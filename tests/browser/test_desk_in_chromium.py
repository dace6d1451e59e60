"""The desk's pages in a real Chromium: by keyboard, by drop, without a script.

``make test-web`` installs what it needs. Pictures of the pages are in ``build/web`` then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from iea_agent.domain import problems
from iea_desk.case_text import compose_answer
from iea_desk.cli import main
from iea_desk.request_files import open_request
from iea_desk.todays_password import make_todays_message
from iea_desk.web.desk_pages import DeskSources
from rig.chromium import PROGRAM, Chromium, start_chromium
from tests.browser.axe import load_axe
from tests.desk.desk_visitor import Visitor, serve
from tests.desk.requests import make_letter, make_mail, make_phone_code, make_report, pack, pack_report
from tests.desk.test_inbox import OUTAGE, make_others, make_outage
from tests.desk.test_publish import Publisher
from tests.desk.test_web import ASSISTANCE
from tests.desk.test_web_hostile import EVIL

pytestmark = [
    pytest.mark.linux,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium here: make test-web"),
]

PICTURES = Path(__file__).resolve().parents[2] / "build" / "web"
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
REACHABLE = "a[href], button, input, textarea, select, summary"
VISIBLE = f"[...document.querySelectorAll({REACHABLE!r})].filter(each => each.checkVisibility({{visibilityProperty: true}}))"


class Desk(NamedTuple):
    """The pages, and what stands behind them."""

    visitor: Visitor
    key_file: Path


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The pages with a key, a mailbox and a repository."""
    place = tmp_path_factory.mktemp("desk")
    key_file, folder = place / "trousseau.json", place / "messages"
    assert main(["init", "--kid", "2026a", "--key-file", str(key_file)]) == 0
    folder.mkdir()
    mails = {f"{number}.eml": make_outage(number) for number in range(12)} | make_others()
    mails["assistance.eml"] = ASSISTANCE.replace(b"marie@", b"jeanne@")
    for name, mail in mails.items():
        (folder / name).write_bytes(mail)
    publisher = Publisher(place)
    publisher.do("key", "paul")
    publisher.do("init", "--root", "paul", "--targets", "paul", "--online", "paul")
    publisher.do("sign")
    with serve(DeskSources(key_file, inbox=folder, repository=publisher.folder)) as visitor:
        yield Desk(visitor, key_file)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """The browser, started once."""
    with start_chromium(tmp_path_factory.mktemp("chromium")) as chromium:
        yield chromium


@pytest.fixture
def chromium(running: Chromium, desk: Desk) -> Iterator[Chromium]:
    """The browser, which complains of nothing and asks nobody else in the test."""
    running.events.clear()
    yield running
    assert running.list_complaints() == []
    # its own icons are data
    elsewhere = (desk.visitor.start, "data:")
    assert [each for each in running.list_addresses() if not each.startswith(elsewhere)] == []


@pytest.fixture(scope="module")
def pages(desk: Desk) -> dict[str, str]:
    """Return the address of each page by its name."""
    visitor = desk.visitor

    def open_case(data: bytes) -> str:
        return str(visitor.post("demande", {}, data).url).removeprefix(visitor.start)

    opened = [
        link for link in visitor.read_page(visitor.get("boite")).list_values("href", "a") if "ouvert=" in link
    ]
    letter = make_letter(problems.PROXY_REFUSES)
    return {
        "debut": "",
        "demande": open_case(make_mail(letter.whole_text, pack_report(problems.PROXY_REFUSES))),
        "demande-mot-de-passe": open_case(ASSISTANCE),
        "boite": "boite",
        "boite-ouverte": f"boite{opened[0]}",
        "avis": "avis?code=IEA-S01&depuis=2026-11-30T09:12",
        "absent": "demande?n=999",
    }


def find_barriers(chromium: Chromium) -> list[str]:
    """Return what axe-core has against the page."""
    chromium.evaluate(load_axe())
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]})
    text = chromium.evaluate(
        f"axe.run(document, {options}).then(result => JSON.stringify(result.violations))"
    )
    return [f"{each['id']}: {[node['html'] for node in each['nodes']]}" for each in json.loads(text)]


def test_no_page_has_a_barrier_in_light_and_dark(
    chromium: Chromium, desk: Desk, pages: dict[str, str]
) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name, place in pages.items():
        chromium.open(desk.visitor.start + place)
        for scheme in ("light", "dark"):
            chromium.choose_colours(scheme)
            chromium.capture(PICTURES / f"web-{name}-{scheme}.png")
            assert find_barriers(chromium) == [], (name, scheme)
    # the browser reports an answer that is no page
    chromium.events[:] = [each for each in chromium.events if each["method"] != "Log.entryAdded"]


def test_what_came_of_a_form_has_no_barrier_either(chromium: Chromium, desk: Desk) -> None:
    chromium.choose_colours("light")
    chromium.open(f"{desk.visitor.start}avis?code={OUTAGE.code}")
    with chromium.loading():
        chromium.press("Enter")
    assert "Incident connu depuis" in chromium.evaluate("document.querySelector('blockquote').textContent")
    assert find_barriers(chromium) == []
    chromium.capture(PICTURES / "web-avis-apercu-light.png")
    chromium.evaluate("document.getElementById('texte').value = ''")
    with chromium.loading():
        chromium.evaluate("document.querySelector('[value=ecrire]').click()")
    assert chromium.evaluate("document.querySelector('[role=alert]').textContent").startswith(
        "Écrivez le texte"
    )
    assert find_barriers(chromium) == []
    chromium.capture(PICTURES / "web-avis-faute-light.png")
    chromium.evaluate("document.getElementById('texte').value = 'Le serveur est en panne.'")
    with chromium.loading():
        chromium.evaluate("document.querySelector('[value=ecrire]').click()")
    assert "iea-desk publish sign" in chromium.evaluate("document.body.textContent")
    assert find_barriers(chromium) == []
    chromium.events[:] = [each for each in chromium.events if each["method"] != "Log.entryAdded"]


def test_the_keyboard_reaches_everything_in_the_order_of_the_page_and_shows_where_it_is(
    chromium: Chromium, desk: Desk, pages: dict[str, str]
) -> None:
    for name in ("debut", "demande-mot-de-passe", "boite-ouverte", "avis"):
        chromium.open(desk.visitor.start + pages[name].partition("#")[0])
        chromium.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
        chromium.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
        count = chromium.evaluate(f"({VISIBLE}).length")
        # from the top of the page, whatever has the focus first
        chromium.evaluate("document.querySelector('.skip').focus()")
        reached = []
        for _ in range(count * 8):
            reached.append(chromium.evaluate(f"({VISIBLE}).indexOf(document.activeElement)"))
            outline = chromium.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", chromium.evaluate("document.activeElement.outerHTML")
            if reached[-1] == count - 1:
                break
            chromium.press("Tab")
        # a field for a time has several parts
        assert list(dict.fromkeys(reached)) == list(range(count)), name


def test_a_day_at_the_desk_by_keyboard_alone(chromium: Chromium, desk: Desk) -> None:
    chromium.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    chromium.open(desk.visitor.start)
    code = make_phone_code(problems.NAME_UNKNOWN)
    chromium.type_text(code)
    with chromium.loading():
        chromium.press("Enter", control=True)
    assert chromium.evaluate("document.querySelector('h1').textContent").startswith("IEA-N02")
    chromium.evaluate("document.querySelector('[data-copy=reponse-texte]').focus()")
    chromium.press("Enter")
    chromium.wait_until("document.getElementById('annonce').textContent === 'Copié.'")
    copied = chromium.evaluate("navigator.clipboard.readText()")
    assert copied.replace("\r\n", "\n") == compose_answer(open_request(code.encode()))[1]
    chromium.open(desk.visitor.start)
    letters = make_todays_message(desk.key_file, "*", "").letters
    chromium.evaluate("document.querySelector('[data-copy=lettres]').focus()")
    chromium.press("Space")
    chromium.wait_until("document.getElementById('annonce').textContent === 'Copié.'")
    assert chromium.evaluate("navigator.clipboard.readText()") == letters
    chromium.evaluate("document.querySelector('summary').focus()")
    chromium.press("Enter")
    assert chromium.evaluate("document.querySelector('details').open")


def test_a_file_is_dropped_or_chosen_and_a_huge_one_is_not_sent(
    chromium: Chromium, desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "assistance.zip"
    file.write_bytes(pack_report(problems.NAME_UNKNOWN))
    chromium.open(desk.visitor.start)
    dropped = {"items": [], "files": [str(file)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver"):
        chromium.send("Input.dispatchDragEvent", type=kind, x=300, y=600, data=dropped)
    with chromium.loading():
        chromium.send("Input.dispatchDragEvent", type="drop", x=300, y=600, data=dropped)
    assert chromium.evaluate("document.querySelector('h1').textContent").startswith("IEA-N02")
    huge = tmp_path / "gros.zip"
    with huge.open("wb") as stream:
        stream.truncate(100_000_000)
    chromium.open(desk.visitor.start)
    chromium.choose_file("#fichier", huge)
    chromium.evaluate("document.querySelector('button[type=submit]').click()")
    chromium.wait_until("document.getElementById('annonce').textContent.includes('10 Mo au plus')")
    chromium.choose_file("#fichier", file)
    with chromium.loading():
        chromium.evaluate("document.querySelector('button[type=submit]').click()")
    assert chromium.evaluate("document.querySelector('h1').textContent").startswith("IEA-N02")


def test_the_draft_follows_what_is_typed(chromium: Chromium, desk: Desk, pages: dict[str, str]) -> None:
    chromium.open(desk.visitor.start + pages["demande"])
    link = "document.querySelector('[data-letter]')"
    # the address is looked at, not opened
    chromium.evaluate(f"{link}.addEventListener('click', event => event.preventDefault())")
    chromium.evaluate("document.getElementById('reponse-texte').value = 'Été\\n& fin'")
    chromium.evaluate(f"{link}.click()")
    assert chromium.evaluate(f"{link}.href").endswith("&body=%C3%89t%C3%A9%0D%0A%26%20fin")
    chromium.evaluate("document.getElementById('reponse-texte').value = 'é'.repeat(2000)")
    chromium.evaluate(f"{link}.click()")
    assert chromium.evaluate(f"{link}.href").endswith("&body=")
    chromium.wait_until("document.getElementById('annonce').textContent.includes('trop long')")
    assert chromium.evaluate("navigator.clipboard.readText()") == "é" * 2000


def test_what_is_hostile_runs_nowhere(chromium: Chromium, desk: Desk) -> None:
    report = make_report(problems.NAME_UNKNOWN, system=EVIL, version=EVIL, program_version=EVIL)
    answer = desk.visitor.post(
        "demande", {}, make_mail(f"Ce qui se passe : {EVIL}", pack({"report.json": json.dumps(report)}))
    )
    chromium.open(str(answer.url))
    assert chromium.evaluate("document.scripts.length") == 1
    assert "<script>alert(1)</script>" in chromium.evaluate("document.body.textContent")
    # a script in the page itself would be refused by the policy
    chromium.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))"
    )
    assert chromium.evaluate("window.ran") is None
    assert any("Content Security Policy" in each for each in chromium.list_complaints())
    chromium.events[:] = [each for each in chromium.events if each["method"] != "Log.entryAdded"]


def test_without_scripts_a_code_and_a_file_are_read_all_the_same(
    chromium: Chromium, desk: Desk, tmp_path: Path
) -> None:
    file = tmp_path / "assistance.zip"
    file.write_bytes(pack_report(problems.NAME_UNKNOWN))
    chromium.send("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(desk.visitor.start)
        chromium.choose_file("#fichier", file)
        chromium.evaluate("document.getElementById('texte').focus()")
        chromium.press("Tab")
        chromium.press("Tab")
        with chromium.loading():
            chromium.press("Enter")
        assert chromium.evaluate("document.querySelector('h1').textContent").startswith("IEA-N02")
        assert chromium.evaluate(f"({VISIBLE}).filter(each => each.matches('[data-copy]')).length") == 0
    finally:
        chromium.send("Emulation.setScriptExecutionDisabled", value=False)


def test_a_narrow_window_and_a_printed_case_lose_nothing(
    chromium: Chromium, desk: Desk, pages: dict[str, str]
) -> None:
    chromium.resize(320, 640)
    for name in ("debut", "demande", "boite-ouverte", "avis"):
        chromium.open(desk.visitor.start + pages[name])
        assert chromium.evaluate("document.scrollingElement.scrollWidth") <= 320, name
    chromium.resize(1366, 768)
    chromium.open(desk.visitor.start + pages["demande"])
    chromium.send("Emulation.setEmulatedMedia", media="print")
    try:
        printed = chromium.evaluate("document.body.innerText")
    finally:
        chromium.send("Emulation.setEmulatedMedia", media="")
    assert printed.count("IEA-P03") >= 2
    assert "Ouvrir dans la messagerie" not in printed
