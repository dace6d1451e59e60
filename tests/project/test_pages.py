"""The developers' pages: generated parts are current, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from iea_agent import channel
from iea_agent.assembly import agent
from iea_agent.domain import refusals
from iea_agent.domain.exit_codes import ExitCode
from iea_agent.domain.person_requests import BY_NAME

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the scripts in tools."""
    return subprocess.run(
        [sys.executable, ROOT / "tools" / script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_states_are_drawn_as_the_table_says() -> None:
    done = run("draw_states.py", "--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["modules", "commands", "requests", "problems"])
def test_a_generated_section_is_as_the_code_says(name: str) -> None:
    done = run("draw_sections.py", "--check", name)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)", text):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_is_short_numbered_and_listed(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 25
    number = page.name[:4]
    assert lines[0].startswith(f"# {number} ")
    listed = (page.parent / "README.md").read_text(encoding="utf-8")
    assert f"[{number}]({page.name}) {lines[0].removeprefix(f'# {number} ')}" in listed


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_pages_named_in_the_source_exist() -> None:
    for path in sorted(
        path for source in ("src", "sandbox", "desk") for path in (ROOT / source).rglob("*.py")
    ):
        for name in re.findall(r"``(docs/[\w./-]+\.\w+)``", path.read_text(encoding="utf-8")):
            assert (ROOT / name).exists(), f"{path.relative_to(ROOT)} names {name}"


def test_the_channel_page_lists_every_request() -> None:
    page = (ROOT / "docs" / "channel.md").read_text(encoding="utf-8")
    listed = set(
        re.findall(
            r"^\| `([a-z-]+)` \| [^|]* \| [^|]* \|$",
            page.partition("begin: requests")[2].partition("end: requests")[0],
            re.MULTILINE,
        )
    )
    assert listed == set(BY_NAME)
    assert set(re.findall(r'"do": "([\w-]+)"', page)) == {*agent.HANDLERS, "watch"}
    assert f"{channel.LARGEST:,}" in page
    assert f"{channel.WATCHERS} watchers" in page


def test_the_channel_page_lists_every_refusal() -> None:
    page = (ROOT / "docs" / "channel.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1:] for row in re.findall(r"^\| `([\w-]+)` \| (\d) \| (.*?) \|", page, re.MULTILINE)}
    for code, kind in refusals.KINDS.items():
        details = ", ".join(f"`{field.name}`" for field in fields(kind))
        assert rows.pop(code) == (str(int(kind.exit_code)), details)
    assert not rows


def test_the_administrators_guide_lists_every_exit_code() -> None:
    guide = (ROOT / "docs" / "administration.md").read_text(encoding="utf-8")
    _, sentence = guide.split("Toutes les commandes sortent avec ")
    assert re.findall(r"(\d) \(", sentence.partition("\n\n")[0]) == [str(code.value) for code in ExitCode]


def read_verdicts() -> dict[str, str]:
    """Return the verdict on each clause of the page about accessibility."""
    text = (ROOT / "docs" / "accessibilite.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (11\.[^|]*) \|[^|]*\|[^|]*\| ([^|]*) \| ([^|]+) \|$", text, re.MULTILINE)
    return {clause: verdict for clause, verdict, _reason in rows}


def test_the_page_about_accessibility_judges_each_clause_with_one_of_four_words() -> None:
    verdicts = read_verdicts()
    assert set(verdicts.values()) <= {"conforme", "non conforme", "non vérifiable ici", "sans objet"}
    assert {clause[:4] for clause in verdicts} == {f"11.{number}" for number in range(1, 9)}
    platform = [clause for clause in verdicts if clause.startswith("11.5.2.")]
    assert platform == [f"11.5.2.{number}" for number in range(1, 18)]


def test_the_page_about_accessibility_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "accessibilite.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text))
    assert len(named) > 20
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{name}"


def test_the_declaration_lists_exactly_what_does_not_conform() -> None:
    declaration = (ROOT / "docs" / "declaration.md").read_text(encoding="utf-8")
    declared = set(re.findall(r"\((11[.\d]+)\)", declaration))
    assert declared == {clause for clause, verdict in read_verdicts().items() if verdict == "non conforme"}
