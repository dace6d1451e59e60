"""The commands of ``iea-agent``: what one is, where each stands, their parser.

A module of this package holds one family of commands; each function declares its own with ``@command``. Only the
family of the typed command is imported.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _
from iea_agent.shell.wording.usage_text import SpokenParser

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation

    # a command without a code ended well
    Function = Callable[[Installation, argparse.Namespace], int | None]

FAMILIES: Mapping[str, str] = {
    "run": "program",
    "status": "connection",
    "test": "connection",
    "token": "connection",
    "reconnect": "connection",
    "launch": "connection",
    "support": "support",
    "settings": "settings",
    "licence": "settings",
    "proxy": "settings",
    "assistance": "assistance",
    "journal": "assistance",
    "history": "support",
    "statement": "support",
    "sheet": "support",
    "autostart": "program",
    "quit": "program",
    "forget": "program",
    "update": "update",
    "version": "program",
    "diagnose": "support",
}
"""The first word of each command, in the order of the help, and its family: ``update`` is ``update_commands.py``."""

GROUPS: Mapping[str, str] = {
    "licence": N_("enregistre la licence d'installation"),
    "proxy": N_("enregistre ou oublie l'identification auprès du proxy"),
    "assistance": N_("active ou désactive le mode assistance, ou dit s'il est actif"),
    "autostart": N_("active ou désactive le démarrage avec Windows, ou dit s'il est actif"),
    "update": N_("cherche, reçoit et vérifie les mises à jour"),
}
"""The groups that are no command by themselves."""


class Argument:
    """One argument of a command; *options* are those of ``add_argument``."""

    def __init__(self, name: str, help: str, **options: Any) -> None:
        self.name, self.help, self.options = name, help, options


@dataclass(frozen=True)
class Command:
    """One command. *name* has two words if the first is a group."""

    name: str
    help: str
    arguments: tuple[Argument, ...]
    function: Function


JSON = Argument("--json", N_("réponse en JSON"), action="store_true")

_declared: list[Command] = []


def command(name: str, help: str, *arguments: Argument) -> Callable[[Function], Function]:
    """Declare the command that the decorated function performs."""

    def declare(function: Function) -> Function:
        _declared.append(Command(name, help, arguments, function))
        return function

    return declare


def load_commands(first_word: str = "") -> list[Command]:
    """Return the commands that begin with *first_word*, or all, as the help has them."""
    words = [first_word] if first_word in FAMILIES else list(FAMILIES)
    for word in words:
        import_module(f"iea_agent.commands.{FAMILIES[word]}_commands")
    return [each for word in words for each in _declared if each.name.partition(" ")[0] == word]


def build_parser(first_word: str = "") -> argparse.ArgumentParser:
    """Return the parser of the commands that begin with *first_word*, or of all."""
    top: argparse.ArgumentParser = SpokenParser(
        prog="iea-agent", description=_("Programme de connexion d'Impact emploi association.")
    )
    actions = {"": top.add_subparsers(title=_("commandes"), metavar=_("commande"))}
    top.set_defaults(function=_print_list(top))
    parsers: dict[str, argparse.ArgumentParser] = {}
    for declared in load_commands(first_word):
        group, _space, name = declared.name.rpartition(" ")
        if group not in actions:
            if group in GROUPS:
                text = _(GROUPS[group])
                parsers[group] = actions[""].add_parser(group, help=text, description=text)
                parsers[group].set_defaults(function=_print_list(parsers[group]))
            actions[group] = parsers[group].add_subparsers(title=_("actions"), metavar=_("action"))
        parser = actions[group].add_parser(name, help=_(declared.help), description=_(declared.help))
        parser.set_defaults(function=declared.function)
        for argument in declared.arguments:
            parser.add_argument(argument.name, help=_(argument.help), **argument.options)
        parsers[declared.name] = parser
    return top


def _print_list(parser: argparse.ArgumentParser) -> Function:
    """Return what prints the commands of *parser*: nothing was done, so wrong usage."""

    def print_list(_installation: Installation, _options: argparse.Namespace) -> int:
        parser.print_help()
        return exit_codes.USAGE

    return print_list


def run(installation: Installation, words: Sequence[str]) -> int:
    """Run the command in *words*. Raises ``RefusedError`` and ``SystemExit``."""
    options = build_parser(*words[:1]).parse_args(words)
    function: Function = options.function
    return function(installation, options) or exit_codes.FINE
