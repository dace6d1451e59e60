"""The words of a command line: its help, and what is wrong with what was typed."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

_HEADINGS: Mapping[str, str] = {
    "options": N_("options"),
    "positional arguments": N_("arguments"),
}
_FAULTS: Mapping[str, str] = {
    r"the following arguments are required: (?P<names>.*)": N_("il manque : {names}"),
    r"unrecognized arguments: (?P<names>.*)": N_("argument inconnu : {names}"),
    r"argument (?P<name>.+?): (?P<fault>.*)": N_("{name} : {fault}"),
    r"invalid choice: (?P<value>.*) \(choose from (?P<choices>.*)\)": N_(
        "{value} n'existe pas ; au choix : {choices}"
    ),
    r"invalid (?P<kind>\w+) value: (?P<value>.*)": N_("{value} n'est pas une valeur possible"),
    r"expected (?:one|at least one|1) argument": N_("il manque sa valeur"),
    r"ignored explicit argument (?P<value>.*)": N_("n'a pas de valeur, et non {value}"),
    r"not allowed with argument (?P<name>.*)": N_("ne va pas avec {name}"),
    r"one of the arguments (?P<names>.*) is required": N_("il manque l'un de : {names}"),
    r"ambiguous option: (?P<value>.*) could match (?P<names>.*)": N_(
        "{value} est trop court ; au choix : {names}"
    ),
}
"""What argparse says is wrong, in its English, by its form."""


def word_fault(message: str) -> str:
    """Return argparse's *message* in the reader's language if it is known."""
    for form, words in _FAULTS.items():
        if match := re.fullmatch(form, message, re.DOTALL):
            parts = match.groupdict()
            if "fault" in parts:
                parts["fault"] = word_fault(parts["fault"])
            return _(words).format(**parts)
    return message


class SpokenFormatter(argparse.HelpFormatter):
    """The help with its headings in the reader's language."""

    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[Any],
        prefix: str | None = None,
    ) -> None:
        """Begin with how the command is typed."""
        super().add_usage(usage, actions, groups, _("utilisation : ") if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        """Begin the section *heading*."""
        own = _HEADINGS.get(heading or "")
        super().start_section(heading if own is None else _(own))


class SpokenPage(SpokenFormatter, argparse.RawDescriptionHelpFormatter):
    """The same for a help that ends with examples, line by line."""


class SpokenParser(argparse.ArgumentParser):
    """A parser that says in the reader's language what is wrong, and so do its parts."""

    def __init__(self, **options: Any) -> None:
        """Prepare; *options* are those of ``ArgumentParser``."""
        super().__init__(**{"formatter_class": SpokenFormatter, **options, "add_help": False})
        self.add_argument("-h", "--help", action="help", help=_("affiche cette aide"))

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, after how the command is typed, and end."""
        self.print_usage(sys.stderr)
        sentence = _("{name} : {fault}").format(name=self.prog, fault=word_fault(message))
        self.exit(exit_codes.USAGE, f"{sentence}\n")
