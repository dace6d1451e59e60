"""The pages about the problems.

There is one for each code. They have one form, agree with the catalogue and with the commands, and are rendered as written.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from iea_agent import commands as agent_commands
from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.problems import CATALOGUE, Problem, Severity
from iea_agent.shell.wording import problem_pages, repair_text, report_text
from iea_sandbox import faults
from tests.project.test_words import RULES, english
from tests.services import fault_table
from tests.services.fault_table import ExpectedFailure

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = ROOT / "docs" / "problemes"
SHELL = problem_pages.FOLDER.parent
SECTIONS = (
    "Ce que vous voyez",
    "Pourquoi",
    "Que faire",
    "Pour la personne qui s’occupe de votre informatique",
    "Pour l’assistance",
)
OPTIONAL = {"Pour la personne qui s’occupe de votre informatique", "Pour l’assistance"}
MEANWHILE = "**En attendant\u00a0:**"
LARGEST = 590_000
"""Bytes of all pages together, as they ship: 79 of problems with 15 lines of advice each, the guide, the search."""
LARGEST_PICTURES = 400_000
"""Bytes of all pictures of the guide together."""

EVERY = pytest.mark.parametrize("code", sorted(CATALOGUE))


def page(code: str) -> str:
    """Return the page about *code*, as written."""
    return (WRITTEN / f"{code}.md").read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Return the text under each heading."""
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def flowing(text: str) -> str:
    """Return *text* without its line breaks, code and targets of links."""
    return re.sub(r"`[^`]*`|\]\([^)]*\)", "", re.sub(r"\s*\n\s*", " ", text))


def commands(text: str) -> list[str]:
    """Return the commands in *text*, without their redirections."""
    texts = re.findall(r"`(iea-(?:agent|sandbox) [^`]*)`", re.sub(r"\n\s*", " ", text))
    return [re.sub(r" < .*", "", command) for command in texts]


def test_every_problem_has_its_page_and_no_page_is_about_nothing() -> None:
    assert {path.stem for path in WRITTEN.glob("*.md")} == {*CATALOGUE, "README"}
    assert {path.stem for path in problem_pages.FOLDER.glob("*.html")} == {
        *CATALOGUE,
        *problem_pages.GUIDE,
        "index",
    }
    for code in CATALOGUE:
        assert problem_pages.find_page(code) == problem_pages.FOLDER / f"{code}.html"


@EVERY
def test_a_page_has_the_title_of_the_catalogue_and_the_sections_in_their_order(code: str) -> None:
    text = page(code)
    lines = text.splitlines()
    assert lines[0] == f"# {code} – {locale._(CATALOGUE[code].title)}"
    assert 15 <= len(lines) <= 40
    names = list(sections(text))
    assert names == [name for name in SECTIONS if name in names]
    assert set(SECTIONS) - set(names) <= OPTIONAL
    assert all(body.strip() for body in sections(text).values())


@EVERY
def test_the_steps_are_numbered_and_only_a_stopped_clerk_is_told_how_to_go_on_meanwhile(code: str) -> None:
    steps = sections(page(code))["Que faire"]
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", steps, flags=re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
    stopped = CATALOGUE[code].severity is Severity.HIGH
    assert (MEANWHILE in steps) is stopped
    if stopped:
        assert "Aucun mot de passe" in steps
        assert "mot de passe du jour" in flowing(steps)


@EVERY
def test_a_page_names_only_what_there_is(code: str) -> None:
    text = page(code)
    assert set(re.findall(r"IEA-[A-Z]\d\d", text)) <= set(CATALOGUE)
    for label, target in re.findall(r"\[([^]]*)\]\(([^)]*)\)", text):
        assert target in (f"{label}.md", f"mailto:{problems.SUPPORT_ADDRESS}")
    assert set(re.findall(r"[\w.-]+@[\w.-]+\w", flowing(text).replace("nom@exemple.fr", ""))) <= {
        problems.SUPPORT_ADDRESS
    }
    for command in commands(text):
        check_command(*shlex.split(command, posix=True))


def check_command(program: str, *arguments: str) -> None:
    """Fail if *program* does not understand *arguments*."""
    if program == "iea-agent":
        try:
            agent_commands.build_parser().parse_args(arguments)
        except SystemExit:
            pytest.fail(f"iea-agent does not understand {arguments}")
        return
    fault, options = played(*arguments)
    given = {option.removeprefix("--").replace("-", "_") for option in options[::2]}
    assert given <= set(fault.accepts), f"{fault.name} does not heed {given}"


def played(verb: str, part: str, how: str, name: str, *options: str) -> tuple[faults.Fault, tuple[str, ...]]:
    """Return the fault that these words of ``iea-sandbox`` play, and its options."""
    assert (verb, how) == ("break", "--how")
    return faults.find_fault(part, name, {}).fault, options  # type: ignore[arg-type]  # checked there


def seen() -> Iterator[tuple[str, str, ExpectedFailure]]:
    """Yield each fault, the server, and what the test of the servers observes.

    They come from the table that the tests of the faults hold.
    """
    for name, row in fault_table.SANDBOX.items():
        for server, observed in (("auth", row.authentication), ("updates", row.updates)):
            if observed is not None:
                yield name, server, observed
    for name, beyond in fault_table.OTHER_FAULTS.items():
        if beyond.seen is not None:
            yield name, "", beyond.seen


def test_a_page_names_the_stage_at_which_its_problem_is_met() -> None:
    for name, server, observed in seen():
        text = sections(page(observed.problem.code))["Ce que vous voyez"]
        assert f"«\u00a0{report_text.STAGES[observed.stage]}\u00a0»" in flowing(text), (name, server)


OTHER_CODE = {("IEA-S12", "iea-sandbox break auth --how stalled")}
"""What a page plays to show something near its problem, and says so."""


def expected_code(fault: str, server: faults.ServerName) -> str:
    """Return the code of the problem that *fault* leads to at *server*, or ""."""
    problem = fault_table.expected_problem(fault, server)
    return problem.code if problem else ""


@EVERY
def test_a_fault_that_a_page_plays_shows_its_problem(code: str) -> None:
    for command in commands(page(code)):
        program, *words = shlex.split(command)
        if program == "iea-sandbox" and (code, command) not in OTHER_CODE:
            fault, _options = played(*words)
            server: faults.ServerName = "updates" if words[1] == "updates" else "auth"
            assert expected_code(fault.name, server) == code, command


def test_every_problem_that_the_sandbox_plays_is_played_on_its_page() -> None:
    playable = {expected_code(name, server) for name in faults.FAULTS for server in faults.SERVERS} - {""}
    silent = {code for code in playable if not any(c.startswith("iea-sandbox") for c in commands(page(code)))}
    assert silent <= {"IEA-N01"}, "a network is cut on the test bench only"


@pytest.mark.parametrize("rule", RULES)
def test_the_pages_are_set_as_french_is_set(rule: str) -> None:
    assert [code for code in CATALOGUE if RULES[rule].search(flowing(page(code)))] == []


def test_the_buttons_that_mend_are_called_as_they_are() -> None:
    buttons = {
        name
        for code in CATALOGUE
        for name in re.findall(r"«\u00a0(Corriger\u00a0: [^»…]*)\u00a0»", flowing(page(code)))
    }
    assert buttons
    assert buttons <= {name.replace("&", "") for name in repair_text.NAMES.values()}


def test_the_index_has_every_problem_under_its_letter() -> None:
    text = (WRITTEN / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[(IEA-\w+)\]\((IEA-\w+)\.md\) \| (.*) \|$", text, flags=re.MULTILINE)
    assert listed == [
        (code, code, locale._(entry.title)) for code, entry in sorted(CATALOGUE.items(), key=by_letter)
    ]
    assert len(sections(text)) == len({code[4] for code in CATALOGUE})


def by_letter(entry: tuple[str, Problem]) -> tuple[int, str]:
    """Return the place in the index: the letters have the order of the catalogue."""
    return list(dict.fromkeys(code[4] for code in CATALOGUE)).index(entry[0][4]), entry[0]


@pytest.mark.linux  # markdown-it is not installed inside the Windows Python
def test_what_ships_is_what_is_written() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "render_pages.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


class Html(HTMLParser):
    """What a rendered page asks of a browser."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: set[str] = set()
        self.navigation: list[str] = []
        self.names: set[str] = set()
        self.open: list[str] = []
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        attributes = dict(attrs)
        self.open.append(tag)
        self.names |= {value for name, value in attrs if name == "id" and value}
        if tag == "a" and "nav" in self.open:
            self.navigation.append(attributes["href"] or "")
        self.links |= {value for name, value in attrs if name in ("href", "src") and value}
        self.language = attributes.get("lang", self.language)

    def handle_endtag(self, tag: str) -> None:
        # what has no end, like meta, ends with what it stands in
        while self.open.pop() != tag:
            pass


def parse_html(name: str) -> tuple[str, Html]:
    """Return the page *name* that ships, as text and as what it asks of a browser."""
    text = (problem_pages.FOLDER / f"{name}.html").read_text(encoding="utf-8")
    html = Html()
    html.feed(text)
    return text, html


EVERY_PAGE = pytest.mark.parametrize("name", [*sorted(CATALOGUE), *problem_pages.GUIDE, "index"])


@EVERY_PAGE
def test_a_page_is_read_offline_and_needs_nothing_else(name: str) -> None:
    text, html = parse_html(name)
    assert not {"link", "iframe", "form"} & set(html.tags)
    # the search is in the index itself
    assert html.tags.count("script") == text.count("<script>\n") == (name == "index")
    assert not re.search(r"url\(|@import", text)
    for link in html.links - {"#contenu"}:
        assert link == f"mailto:{problems.SUPPORT_ADDRESS}" or (problem_pages.FOLDER / link).is_file(), link


@EVERY_PAGE
def test_a_page_can_be_read_and_left_by_everybody(name: str) -> None:
    text, html = parse_html(name)
    assert html.language == "fr"
    assert [html.tags.count(tag) for tag in ("h1", "main", "nav", "footer", "title")] == [1] * 5
    levels = [int(tag[1]) for tag in html.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels)), "no level is left out"
    body = html.tags[html.tags.index("body") :]
    assert body[1] == "a", "the link over the navigation comes first"
    assert re.search(r'<body>\n<a class="skip" href="#contenu">', text)
    assert "contenu" in html.names
    assert html.navigation == ["index.html", "guide.html", "accessibilite.html"]
    assert text.count('aria-current="page"') == (f"{name}.html" in html.navigation)
    assert text.count("<th>") == 0, "a heading of a column says so"


@EVERY_PAGE
def test_a_picture_is_there_has_its_place_and_is_told_in_words(name: str) -> None:
    text, _html = parse_html(name)
    for tag in re.findall(r"<img [^>]*>", text):
        attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        picture = (problem_pages.FOLDER / attributes["src"]).resolve()
        assert picture.parent in (problem_pages.FOLDER, SHELL / "icons")
        with Image.open(picture) as image:
            across, down = image.size
        # the text does not move when the picture comes; an icon stands beside its name
        assert across / int(attributes["width"]) == pytest.approx(down / int(attributes["height"]), rel=0.02)
        assert attributes["alt"] or picture.parent.name == "icons", tag


def test_each_place_that_is_marked_in_a_picture_is_told_and_is_a_step() -> None:
    written = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    numbered = [
        (step, picture)
        for part in re.split(r"^##+ ", written, flags=re.MULTILINE)
        for picture in re.findall(r"!\[([^]]+)\]", part)
        for step in [set(re.findall(r"^(\d+)\. ", part, flags=re.MULTILINE))]
        if step
    ]
    assert len(numbered) >= 8
    for steps, words in numbered:
        marks = set(re.findall(r"\d+", " ".join(re.findall(r"Repères? ([\d, et]+)", words))))
        assert marks, words
        assert marks <= steps, words


def test_every_picture_beside_the_pages_is_on_one_of_them() -> None:
    text = "".join(parse_html(name)[0] for name in problem_pages.GUIDE)
    pictures = [path for path in problem_pages.FOLDER.iterdir() if path.suffix != ".html"]
    assert pictures
    assert all(path.suffix == ".png" and f'src="{path.name}"' in text for path in pictures)
    assert sum(path.stat().st_size for path in pictures) < LARGEST_PICTURES


def test_the_search_has_a_label_a_live_count_and_every_page() -> None:
    text, html = parse_html("index")
    assert '<label for="mots">Que voyez-vous\u00a0?' in text
    assert '<div id="recherche" role="search" hidden>' in text, "without a script there is the list only"
    assert '<p id="nombre" role="status"></p>' in text
    assert {"recherche", "mots", "nombre", "resultats"} <= html.names
    rows = re.findall(
        r'<tr data-order="\d" data-words="([a-z0-9 |]+)">\n(?:<td>Guide</td>\n)?<td><a href="([\w-]+)\.html">',
        text,
    )
    assert sorted(name for _words, name in rows) == sorted(
        {*CATALOGUE, *problem_pages.GUIDE} - {"accessibilite", "envois"}
    )
    assert {words.count("|") for words, _name in rows} == {2}


PLAY = """
const vm = require("vm"), fs = require("fs");
const page = fs.readFileSync(process.argv[1], "utf-8");
const rows = [...page.matchAll(/<tr data-order="(.)" data-words="(.*)">\\n(?:<td>Guide<.td>\\n)?<td><a href="([^"]*)\\.html/g)].map((row) => {
  const one = { dataset: { order: row[1], words: row[2] }, name: row[3], cloneNode: () => one };
  return one;
});
const results = { replaceChildren: (...children) => { results.children = children; } };
const parts = { mots: { dataset: { ignored: page.match(/data-ignored="(.*?)"/)[1], otherwise: page.match(/data-otherwise="(.*?)"/)[1] }, value: "",
  addEventListener: (_name, update) => { parts.update = update; } }, nombre: {}, recherche: { hidden: true }, resultats: results };
const group = { hidden: false };
const document = { getElementById: (name) => parts[name],
  querySelectorAll: (what) => (what.startsWith("tr") ? rows : [group]) };
vm.runInNewContext(page.match(/<script>([^]*)<\\/script>/)[1], { document, window: { addEventListener() {} } });
console.log(JSON.stringify(process.argv.slice(2).map((typed) => {
  parts.mots.value = typed;
  parts.update();
  return [results.children.map((row) => row.name), parts.nombre.textContent, group.hidden, parts.recherche.hidden];
})));
"""
"""The page's script with the page's rows, as a browser runs it; prints what each of the words typed leads to."""

javascript = pytest.mark.skipif(shutil.which("node") is None, reason="no JavaScript here")
MOST = 11
"""Pages that a search gives at most."""

FIRST = {
    "antivirus": "IEA-T12",
    "Avast": "IEA-T12",
    "pare-feu": "IEA-N05",
    "le serveur ne répond pas": "IEA-N05",
    "ADRESSE mal ÉCRITE": "IEA-C02",
    "adresse mal ecrite": "IEA-C02",
    "certificats expirés": "IEA-T01",
    "certificat expire": "IEA-T01",
    "wifi accueil": "IEA-N07",
    "t12": "IEA-T12",
    "iea-t12": "IEA-T12",
    "IEA N04": "IEA-N04",
    "licence non reconnue": "IEA-A02",
    "autorisation refusée": "IEA-A01",
    "coffre": "IEA-C03",
    # what many problems share leads to the page that tells them apart
    "cœur rouge": "guide-panne",
    "coeur rouge": "guide-panne",
    "cœurs rouges": "guide-panne",
    "coeur": "guide-panne",
    "panne": "guide-panne",
    "erreur de connexion": "guide-panne",
    "impossible de se connecter": "guide-panne",
    "ça ne marche pas": "guide-panne",
    "scarabée rouge": "guide-desactiver",
    "mode assistance": "guide-assistance",
    "mot de passe du jour": "guide-mot-de-passe",
    "rond rouge barré": "guide-parametres",
    "première fois": "guide-connexion",
    "contacter l’assistance": "guide-joindre",
    # a letter is wrong
    "antivirrus": "IEA-T12",
    "anitvirus": "IEA-T12",
    "antvirus": "IEA-T12",
    "sertificat expiré": "IEA-T01",
    "lisence non reconue": "IEA-A02",
    "scarabbée": "guide-assistance",
}
"""What a person types, and the page that must come first."""


@javascript
def test_a_symptom_finds_its_page_first() -> None:
    answers = search_index(*FIRST)
    assert {typed: names[:1] for typed, (names, *_rest) in zip(FIRST, answers, strict=True)} == {
        typed: [name] for typed, name in FIRST.items()
    }
    for names, count, group_hidden, search_hidden in answers:
        assert len(names) <= MOST
        assert count.startswith(("1 page", f"{len(names)} pages", f"Les {MOST} pages les plus proches, sur "))
        assert group_hidden, "the results stand in place of the list"
        assert not search_hidden


@javascript
def test_every_page_is_found_by_its_title_and_every_problem_by_its_code() -> None:
    titles = {code: locale._(problem.title) for code, problem in CATALOGUE.items()}
    titles |= {
        name: re.findall("<h1>(.*)</h1>", parse_html(name)[0])[0]
        for name in problem_pages.GUIDE
        if name not in ("accessibilite", "envois")
    }
    answers = search_index(*titles.values(), *CATALOGUE)
    assert [
        (name, names[:3])
        for name, (names, *_rest) in zip([*titles, *CATALOGUE], answers, strict=True)
        if name not in names[:3]
    ] == []


@javascript
def test_nothing_typed_shows_all_and_nothing_like_it_says_so() -> None:
    *silent, unlike = search_index("", "  le ", "!", "hippopotame")
    for answer in silent:
        assert answer == ([], "", False, False)
    assert unlike[0] == []
    assert unlike[1].startswith("Aucune page trouvée.")


def search_index(*typed: str) -> list[tuple[list[str], str, bool, bool]]:
    """Type each of *typed* into the search of the page that ships.

    Return for each the pages in their order, the count, and whether the list and the search are hidden.
    """
    done = subprocess.run(
        ["node", "-e", PLAY, problem_pages.FOLDER / "index.html", *typed],
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return [(names, count, *hidden) for names, count, *hidden in json.loads(done.stdout)]


def test_the_guide_lists_its_tasks_and_nothing_of_it_is_lost() -> None:
    _text, first = parse_html("guide")
    assert {f"{name}.html" for name in problem_pages.GUIDE if name.startswith("guide-")} <= first.links
    written = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    # « Ce que ce programme envoie » stands in a file of its own
    pages = [name for name in problem_pages.GUIDE if name != "envois"]
    shipped = "".join(parse_html(name)[0] for name in pages)
    for heading in re.findall(r"^#+ (.*)$", written, re.MULTILINE):
        assert re.search(rf"<h[12]>{re.escape(heading)}</h[12]>", shipped), heading
    rows = re.findall(r"^\| (?!-)", written, re.MULTILINE)
    assert shipped.count("<tr>") == len(rows)


def test_the_declaration_says_what_is_missing_and_whom_to_ask() -> None:
    text, html = parse_html("accessibilite")
    assert "<h1>Accessibilité : partiellement conforme</h1>" in text
    assert f"mailto:{problems.SUPPORT_ADDRESS}" in html.links
    for words in ("2026-11-30", "Ce qui n’est pas conforme", "Défenseur des droits", "09 69 39 00 00"):
        assert words in text


def test_the_pages_weigh_little() -> None:
    assert sum(path.stat().st_size for path in problem_pages.FOLDER.glob("*.html")) < LARGEST


@EVERY
def test_what_the_catalogue_says_is_said_in_english_too(code: str) -> None:
    catalogue, problem = english(), CATALOGUE[code]
    for sentence in (problem.title, problem.text, problem.advice, problems.ACTORS[problem.actor]):
        assert catalogue.gettext(sentence), sentence
