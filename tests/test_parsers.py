"""No parser of foreign text and no regular expression is slower than linear.

Time is processor time of this process. A regular expression keeps Python's global lock: one slow answer would hold up icon, loop and channel alike.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.expressions import Expression, list_expressions
from tests.parsers import LONGEST_SECONDS, PARSERS, Parser, inputs, measure

# the parsers and Python's re are the same in Windows, where the same processor would only be measured again
pytestmark = pytest.mark.linux

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "src" / "iea_agent", ROOT / "desk" / "src" / "iea_desk")
SIZES = (2000, 8000)
"""Characters of an input, or as many as the parser reads: all are tried at the first size, the slowest of them at the others and at the largest."""
SLOWEST = (30, 3)
"""How many are tried further. What grows faster than its length is among the slowest at the first size already."""
TRIES = 9
"""A machine that does much else makes even processor time longer: one try within the budget is enough."""


class Measured(NamedTuple):
    """The *seconds* that the input *number* took at *size* characters."""

    seconds: float
    number: int
    size: int


def find_slowest(parser: Parser) -> list[Measured]:
    """Return the three slowest inputs of *parser* at a smaller size."""
    slowest: list[Measured] = []
    for size, count in zip(SIZES, SLOWEST, strict=True):
        characters = min(size, parser.largest)
        tried = {each.number for each in slowest}
        measured = [
            Measured(measure(parser, text), number, characters)
            for number, text in enumerate(inputs(parser, characters))
            if number in tried or not tried
        ]
        slowest = sorted(measured, reverse=True)[:count]
    return slowest


def measure_least(parser: Parser, text: str) -> float:
    """Return the least processor time of several tries, at most ``TRIES``."""
    least = min(measure(parser, text) for _ in range(3))
    for _ in range(TRIES - 3):
        if least < LONGEST_SECONDS:
            break
        least = min(least, measure(parser, text))
    return least


@pytest.mark.parametrize("name", PARSERS)
def test_a_parser_takes_no_more_time_than_in_proportion(name: str) -> None:
    parser = PARSERS[name]
    slowest = find_slowest(parser)
    numbers = {each.number for each in slowest}
    small, large = (
        {number: text for number, text in enumerate(inputs(parser, size)) if number in numbers}
        for size in (slowest[0].size, parser.largest)
    )
    for each in slowest:
        text = large[each.number]
        at_largest, at_size = measure_least(parser, text), measure_least(parser, small[each.number])
        worst = max(at_largest, at_size)
        assert worst < LONGEST_SECONDS, f"{worst:.2f} s for {text[:60]!r}"
        growth = at_largest / max(at_size, each.seconds, 0.002)
        assert growth < 3 * max(parser.largest / each.size, 1), f"{growth:.0f} times for {text[:60]!r}"


# --- the table is whole

VERBS = ("parse", "read", "judge", "clean", "tidy", "decode", "undo", "recognise", "redact", "escape")
"""What a function that takes foreign text apart is called."""
ELSEWHERE: dict[str, str] = {
    "assistance_memory.read_since": "reads files by storage and journal.Journal",
    "autostart.judge_autostart": "compares whole commands",
    "autostart.parse_approval": "looks at one byte",
    "certificates.read_regular": "reads a file, and no meaning",
    "diagnosis.judge_clock": "gets a number",
    "inbox_folder.read_up_to": "reads a file, and no meaning",
    "machine.judge_anew": "gets an event",
    "machine.judge_attempt": "gets an event",
    "messages.judge_proxy_challenge": "gets challenges: proxy_answers.judge_proxy_answer",
    "order_files.read_bounded": "reads a file, and no meaning",
    "order_files.read_toml": "the release manager's own files",
    "network_list.read_network_cost": "asks Windows for a number",
    "private_files.read_private": "reads a file for keys.parse_keys",
    "notes_files.read_notes": "reads a file for release_notes.parse_notes",
    "proxy_password.parse_secret": "splits what the vault has",
    "regular_files.read_bounded": "reads a file, and no meaning",
    "regular_files.read_tail": "reads a file, and no meaning",
    "regular_files.read_up_to": "reads a file, and no meaning",
    "settings_file.read_registry_policy": "reads the registry for settings.check_entries",
    "settings_file.read_settings_file": "reads a file for settings.parse_file",
    "settings.tidy_typed": "calls pasted_text",
    "state_seal.judge": "gets what storage has read",
    "state_seal.read_count": "gets a value: the parsers of states",
    "state_values.parse_count": "gets a value: the parsers of states",
    "state_values.parse_flag": "gets a value: the parsers of states",
    "state_values.parse_list": "gets a value: the parsers of states",
    "state_values.parse_time": "gets a value: the parsers of states",
    "update_machine.judge_choice": "gets a choice",
    "update_record.judge_launch": "a state and a time",
    "support_facts.read_assistance_since": "gets no text",
    "tls_verdicts.judge_alert": "called by tls_verdicts.judge_handshake",
    "tls_verdicts.judge_certificate": "gets what certificates.parse_certificate has read",
    "tls_verdicts.judge_second_handshake": "gets a handshake",
    "trusted_files.read_trusted": "reads a file, and no meaning",
    "typed_settings.parse_settings": "calls settings.DECLARATIONS",
    "window_process.read_lines": "yields lines of the agent's own process, and no meaning",
    "windows_security.parse_rights": "has Windows parse the agent's own rights",
    "windows_security.read_rights": "has Windows say them",
}
"""What is called like a parser and measured under another name, or takes no text apart."""
TAKING_APART = frozenset({"json.loads", "tomllib.loads", "urlsplit", "tomlkit.parse"})
"""Calls by which foreign text is taken apart, besides those of the module ``re``."""
UNMEASURED: dict[str, str] = {
    "__init__": "the product's own sentences, in the language package",
    "case_text": "the product's own sentences",
    "cli": "the desk's own command line",
    "failures": "the reason of an error of OpenSSL",
    "own_names": "paths of this process's environment",
    "problem_details": "the product's own sentences",
    "proxy_sign_in": "quotes what messages.parse_challenges has read",
    "publish_commands": "the desk's own command line",
    "publisher_keys": "the release manager's own files",
    "register": "the desk's own unfinished register",
    "order_files": "the release manager's own files",
    "settings_file": "what settings.parse_file has measured",
    "state_files": "JSON for the parsers of states",
    "usage_text": "argparse's own sentences about the command line",
}
"""Modules that take text apart and have no parser in the table."""


def read_modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield name and content of each module of the agent and of the desk."""
    for package in PACKAGES:
        for file in sorted(package.rglob("*.py")):
            yield file.stem, ast.parse(file.read_text(encoding="utf-8"))


def test_every_function_that_is_called_like_a_parser_is_measured() -> None:
    functions = {
        f"{module}.{each.name}"
        for module, content in read_modules()
        for each in content.body
        if isinstance(each, ast.FunctionDef) and each.name.split("_")[0] in VERBS
    }
    measured = {name.partition(":")[0] for name in PARSERS}
    assert functions - measured == set(ELSEWHERE)


def test_every_module_that_takes_text_apart_is_measured() -> None:
    taking_apart = {
        module
        for module, content in read_modules()
        for each in ast.walk(content)
        if isinstance(each, ast.Call)
        and (ast.unparse(each.func) in TAKING_APART or ast.unparse(each.func).startswith("re."))
    }
    assert taking_apart - {name.partition(".")[0] for name in PARSERS} == set(UNMEASURED)


# --- regular expressions


def test_no_regular_expression_can_take_the_square_of_the_length() -> None:
    expressions = [
        expression
        for package in PACKAGES
        for file in sorted(package.rglob("*.py"))
        if "import re\n" in file.read_text(encoding="utf-8")
        for expression in list_expressions(
            file, ".".join(file.relative_to(package.parent).with_suffix("").parts)
        )
    ]
    assert [f"{each.place}: {each.pattern!r}" for each in expressions if each.is_slow] == []
    assert len(expressions) > 50


@pytest.mark.parametrize(
    ("pattern", "method", "expected"),
    [
        (r"\s+", "search", False),
        (r"\s+$", "search", True),
        (r"\s+$", "match", False),
        (r"^\s+$", "search", False),
        (r"a+b", "search", True),
        (r"a+b", "match", False),
        (r"\s*=\s*", "match", False),
        (r"\s*(?:=\s*)?x", "match", False),
        (r"\s*=?\s*x", "match", True),
        (r"\s*[^=]*", "fullmatch", True),
        (r"\s*[^=]*", "match", False),
        (r"(?:[ab]|[bc])*d", "match", False),
        (r"(?:ab?|b)*d", "match", True),
        (r"(?:a+)+b", "match", True),
        (r"(?:a*)*b", "match", True),
        (r"(?:ab)+c", "match", False),
        (r"<[^>]*>", "search", True),
        (r"<[^<>]*>", "search", False),
        (r"<[^>]{0,200}>", "search", False),
        (r"\w+(?=!)", "search", True),
        # what once stood in services/messages.py
        (r'(?:"(?:\\.|[^"\\])*"|[^,"])+', "findall", True),
        (r'\s*([\w.+-]+)\s*=\s*(?:"(.*)"|([^"=]*))\s*', "fullmatch", True),
    ],
)
def test_what_is_slow(pattern: str, method: str, *, expected: bool) -> None:
    assert Expression("", pattern, 0, frozenset({method})).is_slow is expected
