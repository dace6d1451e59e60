"""Every fault that a page suggests to try shows the problem of that page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iea_sandbox.faults import FAULTS, SERVERS
from tests.services.fault_table import ALTERNATIVES, expected_problem

PAGES = sorted((Path(__file__).resolve().parents[2] / "docs" / "problemes").glob("IEA-*.md"))
COMMAND = re.compile(r"iea-sandbox break (\w+) --how ([\w-]+)[^`]*`(?: \(([^)]*\([^)]*\)[^)]*|[^)]*)\))?")
"""A suggestion, and what is said of it in brackets."""
SUGGESTIONS = [
    pytest.param(page.stem, part, how, remark, id=f"{page.stem}-{how}")
    for page in PAGES
    for part, how, remark in COMMAND.findall(page.read_text(encoding="utf-8").replace("\n", " "))
]


def test_the_pages_suggest_faults() -> None:
    pages = {parameter.values[0] for parameter in SUGGESTIONS}
    assert len(pages) > 40


@pytest.mark.parametrize(("code", "part", "how", "remark"), SUGGESTIONS)
def test_a_suggested_fault_shows_the_problem_of_its_page(code: str, part: str, how: str, remark: str) -> None:
    name = how if part in SERVERS else f"{part}-{how}"
    assert name in FAULTS
    assert part in FAULTS[name].parts
    said_instead = re.findall(r"code est alors \[(IEA-\w+)\]", remark)
    expected = set(said_instead or [code])
    servers = [part] if part in SERVERS else list(SERVERS)
    problems = {expected_problem(name, server) for server in servers}
    codes = {problem.code for problem in problems if problem is not None}
    if name in ALTERNATIVES:
        codes.add(ALTERNATIVES[name].problem.code)
    assert expected & codes, f"{name} shows {codes or 'nothing'}"
