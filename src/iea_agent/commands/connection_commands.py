"""The commands about the connection: its state, its test, its token."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import TYPE_CHECKING

from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .running_agent import reach_agent
from .terminal import print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import ServersTestDocument
    from iea_agent.domain.settings import Settings


@command(
    "status",
    N_("dit l'état de la connexion"),
    JSON,
    Argument("--watch", N_("reste et dit chaque changement"), action="store_true"),
)
def _print_status(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.local_facts import complete_status
    from iea_agent.shell.wording import status_text

    client = reach_agent(installation)
    if options.watch:
        for change in client.watch():
            status = complete_status(installation, change)
            if options.json:
                print_json(status, indent=None)
            else:
                print(f"{status_text.render_status(status, time.time())}\n", flush=True)
        return exit_codes.NOT_RUNNING
    status = complete_status(installation, client.fetch_status())
    if options.json:
        print_json(status)
    else:
        print(status_text.render_status(status, time.time()))
    return exit_codes.FAILED if status["state"] == "disconnected" else exit_codes.FINE


@command(
    "test",
    N_("teste l'accès aux serveurs, sans rien enregistrer"),
    JSON,
    Argument("--authentication", N_("adresse du serveur d'authentification à essayer"), metavar="URL"),
    Argument("--updates", N_("adresse du serveur de mise à jour à essayer"), metavar="URL"),
    Argument("--repairs", N_("après un échec, cherche ce qui fonctionnerait"), action="store_true"),
)
def _examine_servers(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.last_test import keep_repairs, keep_test
    from iea_agent.assembly.servers import Servers
    from iea_agent.domain import diagnosis, problems
    from iea_agent.shell.wording import repair_text, report_text
    from iea_agent.shell.wording.settings_text import describe_faults

    servers = Servers(installation)
    faults = installation.storage.load().all_faults
    settings = _settings_to_test(installation, options)
    reports = servers.examine(settings)
    is_of_this_pc = options.authentication is None and options.updates is None
    if is_of_this_pc:
        keep_test(installation.storage, reports)
    repairs = (
        servers.repairs(settings, None, reports, lambda _repair: None, threading.Event())
        if options.repairs
        else ()
    )
    if options.repairs and is_of_this_pc:
        keep_repairs(installation.storage, reports, repairs, settings)
    if options.json:
        report = report_text.build_report_document(reports, time.time(), faults)
        document: ServersTestDocument = {**report, **repair_text.build_repairs_document(repairs or ())}
        print_json(document)
    else:
        print(report_text.render_report(reports, time.time()))
        if faults:
            print(f"\n{describe_faults(faults)}")
        if options.repairs:
            print(repair_text.render_repairs(repairs, settings), end="")
    conclusion = diagnosis.conclude(reports)
    if conclusion is diagnosis.Conclusion.CONNECTED:
        return exit_codes.FINE
    if conclusion is diagnosis.Conclusion.REFUSED:
        return exit_codes.REFUSED
    met = {report.failure.problem for report in reports if report.failure is not None}
    return exit_codes.TIMED_OUT if problems.TEST_TOO_LONG in met else exit_codes.FAILED


def _settings_to_test(installation: Installation, options: argparse.Namespace) -> Settings:
    """Return the settings in force with the given addresses; the test judges them."""
    from iea_agent.domain import addresses

    settings = installation.storage.load().effective.settings
    given = {"authentication": options.authentication, "updates": options.updates}
    return settings.with_values(
        {name: addresses.clean(text) for name, text in given.items() if text is not None}
    )


@command("token", N_("donne le jeton d'accès à un programme de cette personne, en JSON"))
def _give_token(installation: Installation, _options: argparse.Namespace) -> int:
    if sys.stdout is None or sys.stdout.isatty():
        print(
            _(
                "Le jeton est un secret : il n'est donné qu'à un programme qui lit ce que cette commande écrit."
            ),
            file=sys.stderr,
        )
        return exit_codes.USAGE
    print_json(reach_agent(installation).fetch_token(), indent=None)
    return exit_codes.FINE


@command("reconnect", N_("relance l'authentification auprès du serveur"))
def _reconnect(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.assembly.local_facts import complete_status
    from iea_agent.domain import problems
    from iea_agent.shell.wording import status_text

    status = complete_status(installation, reach_agent(installation).reconnect())
    print(status_text.render_status(status, time.time()))
    if status["state"] == "connected":
        return exit_codes.FINE
    problem = problems.CATALOGUE.get(status["problem"]["code"]) if status["problem"] else None
    return exit_codes.REFUSED if problem is not None and problem.is_refusal else exit_codes.FAILED


@command(
    "launch", N_("lance Impact emploi ; s'il ne peut pas être utilisé, ouvre la fenêtre qui dit pourquoi")
)
def _launch_program(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.assembly import program_launch

    return program_launch.launch(installation)
