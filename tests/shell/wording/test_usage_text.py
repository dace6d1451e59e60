"""What is wrong with a command line is answer in the reader's language."""

from __future__ import annotations

import argparse
import re

import pytest

from iea_agent import locale
from iea_agent.shell.wording.usage_text import SpokenParser, word_fault

ENGLISH = re.compile(r"usage|error|argument|required|invalid|choose|expected|ambiguous|show|unrecognized")


@pytest.fixture
def parser() -> argparse.ArgumentParser:
    parser = SpokenParser(prog="iea-agent")
    actions = parser.add_subparsers(metavar="commande", required=True)
    support = actions.add_parser("support", help="ouvre la demande")
    support.add_argument("file", metavar="FICHIER", nargs="+")
    support.add_argument("--level", choices=["none", "strict"])
    support.add_argument("--number", type=int)
    way = support.add_mutually_exclusive_group()
    way.add_argument("--draft", action="store_true")
    way.add_argument("--drawn", action="store_true")
    return parser


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "il manque~: commande"),
        ("x", "commande~: 'x' n’existe pas~; au choix~: "),
        ("support", "il manque~: FICHIER"),
        ("support a --strange", "argument inconnu~: --strange"),
        ("support a --level", "--level~: il manque sa valeur"),
        ("support a --level bad", "--level~: 'bad' n’existe pas~; au choix~: "),
        ("support a --number x", "--number~: 'x' n’est pas une valeur possible"),
        ("support a --draft --drawn", "--drawn~: ne va pas avec --draft"),
        ("support a --draft=1", "--draft~: n’a pas de valeur, et non '1'"),
        ("support a --dra", "--dra est trop court~; au choix~: --draft, --drawn"),
    ],
)
def test_what_is_wrong_is_said_in_french(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], words: str, fault: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words.split())
    assert ended.value.code == 2
    answer = capsys.readouterr().err
    assert fault.replace("~", "\u00a0") in answer
    assert answer.startswith("utilisation\u00a0: iea-agent")
    assert not ENGLISH.search(answer.replace("argument inconnu", "")), answer


@pytest.mark.parametrize("words", ["--help", "support --help"])
def test_the_help_is_french_throughout(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(words.split())
    assert ended.value.code == 0
    answer = capsys.readouterr().out
    assert "affiche cette aide" in answer
    assert not re.search(r"usage|show|positional", answer)


def test_a_message_that_nobody_knows_stays_and_english_is_english() -> None:
    assert word_fault("something new") == "something new"
    locale.choose("en")
    try:
        assert word_fault("the following arguments are required: FILE") == "missing: FILE"
    finally:
        locale.choose("fr")
