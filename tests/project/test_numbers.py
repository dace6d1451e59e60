"""The page of numbers: each has the value that the code declares."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
ROWS = re.findall(r"`([a-z_.]+)\.((?:Limits\.)?\w+) = ([^`]+)` \| `([^`]+)` \|", PAGE)


def test_every_row_of_the_page_can_be_checked() -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert len(ROWS) == len(lines) - 1


@pytest.mark.parametrize(("module", "name", "value", "test"), ROWS, ids=[row[1] for row in ROWS])
def test_a_number_has_the_value_that_is_declared(module: str, name: str, value: str, test: str) -> None:
    declared: object = importlib.import_module(f"iea_agent.{module}")
    if name.startswith("Limits."):
        limits, name = name.split(".")
        declared = getattr(declared, limits)()
    assert getattr(declared, name) == ast.literal_eval(value)
    assert (ROOT / test).is_file(), test
