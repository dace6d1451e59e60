"""The promises of the documents on security, each with the tests that hold it.

Between the marks ``begin: promises`` and ``end: promises`` each row of a table and each
point of a list names a test, or says why there is none: ``tests/test_cli.py::test_name`` as
pytest does, or ``test_name``, ``TestName`` or ``test_cli.py`` alone.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [DOCS / name for name in ("security.md", "channel.md", "administration.md")]
EVERY_PAGE = [ROOT / "SECURITY.md", ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

TEST = re.compile(r"`(tests/[\w/]+\.py)((?:::\w+)*)`")
BARE = re.compile(r"`(test_\w+(?:\.py)?|Test\w+)`")
NO_TEST = re.compile(r"\b(No test|Aucun essai)(?=[ \u00a0]?: \w)")
MARKED = re.compile(r"<!-- begin: promises -->\n(.*?)<!-- end: promises -->", re.DOTALL)


@cache
def names_in(file: str) -> set[str]:
    """Return ``::test``, ``::Class`` and ``::Class::test`` for what *file* defines."""

    def inside(body: list[ast.stmt], prefix: str) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                yield f"{prefix}::{node.name}"
            if isinstance(node, ast.ClassDef):
                yield from inside(node.body, f"{prefix}::{node.name}")
            if isinstance(node, ast.If):
                # what one system alone can define
                yield from inside(node.body, prefix)

    path = ROOT / file
    return {"", *inside(ast.parse(path.read_text("utf-8")).body, "")} if path.is_file() else set()


@cache
def every_test() -> set[str]:
    """Return the names of all tests, of their classes and of their files."""
    paths = [path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")]
    names = {name.rpartition("::")[2] for path in paths for name in names_in(path.as_posix())}
    return names | {path.name for path in paths}


def missing_tests(text: str) -> list[str]:
    """Return the tests that *text* names and that do not exist."""
    missing = [file + name for file, name in TEST.findall(text) if name not in names_in(file)]
    return missing + [name for name in BARE.findall(text) if name not in every_test()]


def promises(text: str) -> Iterator[str]:
    """Yield the rows and points between the marks."""
    for section in MARKED.findall(text):
        for block in re.split(r"\n(?=[-|])|\n\n", f"\n{section}"):
            if block.startswith("- ") or (block.startswith("| ") and not is_heading(block, section)):
                yield block.strip()


def is_heading(row: str, section: str) -> bool:
    """Return whether *row* stands above the line under a table's heading."""
    return f"{row}\n|--" in section


def is_held(promise: str) -> bool:
    """Return whether *promise* names a test, or says why there is none."""
    return bool(TEST.search(promise) or BARE.search(promise) or NO_TEST.search(promise))


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    assert missing_tests(page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_promise_is_held_by_a_test(page: Path) -> None:
    listed = list(promises(page.read_text("utf-8")))
    assert len(listed) > 5
    assert [promise for promise in listed if not is_held(promise)] == []


def test_a_promise_without_a_test_and_a_test_that_is_not_there_are_noticed() -> None:
    text = (
        "- Outside of the marks.\n\n<!-- begin: promises -->\n"
        "| who | test |\n|---|---|\n| a thief | `tests/project/test_promises.py` |\n| a guest | none |\n\n"
        "- Held\n  in two lines (`test_every_promise_is_held_by_a_test`).\n- Held by nothing.\n"
        "- Of Windows alone. No test: Wine has no such thing.\n\n<!-- end: promises -->\n- Outside again.\n"
    )
    assert [promise for promise in promises(text) if not is_held(promise)] == [
        "| a guest | none |",
        "- Held by nothing.",
    ]
    for name in (
        "tests/project/test_promises.py::test_gone",
        "tests/gone.py",
        "test_gone",
        "test_gone.py",
        "TestGone",
    ):
        assert missing_tests(f"(`{name}`)") == [name]
