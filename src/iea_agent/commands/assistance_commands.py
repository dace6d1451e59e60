"""The commands of assistance mode and its journal."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .running_agent import reach_agent
from .terminal import ask_line, print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import AssistanceStatusDocument, JournalDocument


@command(
    "assistance on",
    N_("active le mode assistance, seulement quand la connexion a échoué"),
    Argument("--reason", N_("motif, pour le journal")),
)
def _enter_assistance(installation: Installation, options: argparse.Namespace) -> None:
    reach_agent(installation).enter_assistance(options.reason or "")
    print(_("Le mode assistance est activé. Vous pouvez relancer Impact emploi."))


@command(
    "assistance off",
    N_("désactive le mode assistance ; le mot de passe du jour est lu sur l'entrée standard"),
)
def _leave_assistance(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.domain.refusals import PasswordRefused, RefusedError
    from iea_agent.shell.wording.refusal_text import word_next_try, word_refusal

    try:
        typed = ask_line(_("Mot de passe du jour : "))
    except ValueError:
        # what is no text is a typing error, and no try
        typed = "?"
    try:
        reach_agent(installation).leave_assistance(typed.strip())
    except RefusedError as error:
        if not isinstance(error.refusal, PasswordRefused) or not error.refusal.wait:
            raise
        print(word_refusal(error.refusal), file=sys.stderr)
        print(word_next_try(error.refusal.wait), file=sys.stderr)
        return error.refusal.exit_code
    print(_("Le mode assistance est désactivé. L'authentification est relancée."))
    return exit_codes.FINE


@command("assistance status", N_("dit si le mode assistance est actif, et depuis quand"), JSON)
def _print_assistance(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.machine import State
    from iea_agent.domain.refusals import parse_refusal
    from iea_agent.shell.wording import state_text, status_text
    from iea_agent.shell.wording.refusal_text import word_refusal

    situation = reach_agent(installation).fetch_assistance()
    since, refusal = situation["assistance_since"], situation["why_not"]
    why_not = "" if refusal is None else word_refusal(parse_refusal(refusal))
    if options.json:
        document: AssistanceStatusDocument = {
            **situation,
            "schema": 1,
            "assistance_since": status_text.format_rfc3339(since),
            "why_not": why_not,
        }
        print_json(document)
    elif since is None:
        print(why_not or _("Le mode assistance n'est pas actif ; il peut être activé."))
    else:
        held = state_text.format_state_since(State.ASSISTANCE, since, time.time())
        print(f"{_(state_text.STATES[State.ASSISTANCE])} {held}")


@command("journal", N_("affiche le journal du mode assistance et dit s'il est intact"), JSON)
def _print_journal(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.disk_refusals import refuse_unreadable
    from iea_agent.host.journal import Journal
    from iea_agent.shell.wording.journal_text import format_journal_entry

    with refuse_unreadable():
        lines = list(Journal(installation.journal_file).entries())
    entries = [{**line.document, "whole": line.whole} for line in lines]
    whole = all(entry["whole"] for entry in entries)
    if options.json:
        document: JournalDocument = {"schema": 1, "whole": whole, "entries": entries}
        print_json(document)
        return exit_codes.FINE if whole else exit_codes.FAILED
    for line in lines:
        print(format_journal_entry(line.document, whole=line.whole))
    print(_("Journal intact.") if whole else _("Le journal n'est pas intact : voyez les lignes marquées."))
    return exit_codes.FINE if whole else exit_codes.FAILED
