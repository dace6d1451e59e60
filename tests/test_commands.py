"""Where each command of ``iea-agent`` is declared, and the parser of one family."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.commands import FAMILIES, build_parser, load_commands

pytestmark = pytest.mark.linux  # the same program; once is enough

PACKAGE = Path(__file__).parents[1] / "src" / "iea_agent" / "commands"


def test_every_command_is_reached_by_its_first_word() -> None:
    sources = (path.read_text(encoding="utf-8") for path in PACKAGE.glob("*_commands.py"))
    declared = [name for source in sources for name in re.findall(r'^@command\(\s*"([\w ]+)"', source, re.M)]
    assert sorted(declared) == sorted(command.name for command in load_commands())
    assert {name.partition(" ")[0] for name in declared} == set(FAMILIES)


def read_help(first_word: str, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the help of the command *name*, by the parser for *first_word*."""
    with pytest.raises(SystemExit):
        build_parser(first_word).parse_args([*name.split(), "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("first_word", FAMILIES)
def test_the_parser_of_one_word_speaks_as_that_of_all(
    first_word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in load_commands(first_word):
        whole = read_help("", command.name, capsys)
        assert whole.startswith(f"utilisation\u00a0: iea-agent {command.name} ")
        assert read_help(first_word, command.name, capsys) == whole


def test_a_word_that_is_no_command_is_judged_by_the_parser_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser("statut").parse_args(["statut"])
    refusal = capsys.readouterr().err
    assert all(f"'{word}'" in refusal for word in FAMILIES)


def test_only_the_family_of_the_typed_command_is_imported() -> None:
    script = (
        "import sys; from iea_agent.commands import build_parser; build_parser('status'); print(*sys.modules)"
    )
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True, timeout=60).split()
    families = {name for name in loaded if re.fullmatch(r"iea_agent\.commands\.\w+_commands", name)}
    assert families == {"iea_agent.commands.connection_commands"}
