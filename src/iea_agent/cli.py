"""The command line: commands, exit codes, ``--json``. Results go to the standard output, everything else to the standard error.

Exit codes: 0 fine, 1 failed, 2 wrong usage, 3 the agent does not run, 4 refused, 5 timed out.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iea_agent import __version__, locale
from iea_agent.locale import _

if TYPE_CHECKING:
    import argparse

    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

FINE, FAILED, USAGE, NOT_RUNNING, REFUSED, TIMED_OUT = range(6)

RECONNECT_SECONDS = 30.0
"""How long ``reconnect`` waits for the attempt that it asked for."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ``arguments`` default to the process's own."""
    locale.choose(locale.language_of())
    for stream in (sys.stdout, sys.stderr):
        # a console that lacks a character shows « ? » instead of ending the program
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    match given:
        case ["run"]:
            # the icon waits for nothing that it does not need, the argument parser included
            from iea_agent.assembly import start

            return start.run(os.environ, tray=True)
        case ["window", *window]:
            # how the agent starts its windows; not for people, hence not in the help
            return _window(window)
    parsed = parser().parse_args(given)
    from iea_agent.assembly.installation import Failure, Installation

    try:
        code: int = parsed.command(Installation.locate(os.environ), parsed)
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return FAILED
    return code


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    import argparse

    top = argparse.ArgumentParser(
        prog="iea-agent", description=_("Agent de connexion d'Impact emploi association.")
    )
    commands = top.add_subparsers(title=_("commandes"), metavar=_("commande"), required=True)

    def add(name: str, help: str, command: Any, *, documents: bool = False) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=help, description=help)
        sub.set_defaults(command=command)
        if documents:
            sub.add_argument("--json", action="store_true", help=_("réponse en JSON"))
        return sub

    run = add("run", _("démarre l'agent"), _run)
    run.add_argument("--no-tray", action="store_true", help=_("sans icône dans la zone de notification"))
    status = add("status", _("dit l'état de la connexion"), _status, documents=True)
    status.add_argument("--watch", action="store_true", help=_("reste et dit chaque changement"))
    test = add("test", _("teste l'accès aux serveurs, sans rien enregistrer"), _test, documents=True)
    test.add_argument(
        "--authentication", metavar="URL", help=_("adresse du serveur d'authentification à essayer")
    )
    test.add_argument("--updates", metavar="URL", help=_("adresse du serveur de mise à jour à essayer"))
    test.add_argument(
        "--repairs", action="store_true", help=_("après un échec, cherche ce qui fonctionnerait")
    )
    add("reconnect", _("relance l'authentification auprès du serveur"), _reconnect)
    settings = add("settings", _("lit, change ou ouvre les paramètres de connexion"), _settings_open)
    actions = settings.add_subparsers(title=_("actions"), metavar=_("action"))
    get = actions.add_parser("get", help=_("affiche les paramètres et leur origine"))
    get.add_argument("name", nargs="?", help=_("un seul paramètre, par exemple connection.updates"))
    get.add_argument("--json", action="store_true", help=_("réponse en JSON"))
    get.set_defaults(command=_settings_get)
    change = actions.add_parser("set", help=_("change un paramètre"))
    change.add_argument("name", help=_("par exemple connection.updates"))
    change.add_argument("value", help=_("nouvelle valeur"))
    change.set_defaults(command=_settings_set)
    show = actions.add_parser("open", help=_("ouvre la fenêtre des paramètres"))
    show.set_defaults(command=_settings_open)
    licence = add("licence", _("enregistre la licence d'installation"), None)
    licence_actions = licence.add_subparsers(title=_("actions"), metavar=_("action"), required=True)
    licence_set = licence_actions.add_parser(
        "set",
        help=_("enregistre le numéro et la clé ; la clé est lue sur l'entrée standard, jamais en argument"),
    )
    licence_set.add_argument("number", help=_("numéro de licence"))
    licence_set.set_defaults(command=_licence_set)
    proxy = add("proxy", _("enregistre ou oublie l'identification auprès du proxy"), None)
    proxy_actions = proxy.add_subparsers(title=_("actions"), metavar=_("action"), required=True)
    proxy_set = proxy_actions.add_parser(
        "set",
        help=_(
            "enregistre le nom d'utilisateur et le mot de passe ; celui-ci est lu sur l'entrée standard, jamais en argument"
        ),
    )
    proxy_set.add_argument("user", help=_("nom d'utilisateur"))
    proxy_set.set_defaults(command=_proxy_set)
    proxy_forget = proxy_actions.add_parser(
        "forget", help=_("oublie le nom d'utilisateur et le mot de passe")
    )
    proxy_forget.set_defaults(command=_proxy_forget)
    assistance = add("assistance", _("active ou désactive le mode assistance, ou dit s'il est actif"), None)
    modes = assistance.add_subparsers(title=_("actions"), metavar=_("action"), required=True)
    on = modes.add_parser("on", help=_("active le mode assistance, seulement quand la connexion a échoué"))
    on.add_argument("--reason", default="", help=_("motif, pour le journal"))
    on.set_defaults(command=_assistance_on)
    off = modes.add_parser(
        "off", help=_("désactive le mode assistance ; le mot de passe du jour est lu sur l'entrée standard")
    )
    off.set_defaults(command=_assistance_off)
    mode = modes.add_parser("status", help=_("dit si le mode assistance est actif, et depuis quand"))
    mode.add_argument("--json", action="store_true", help=_("réponse en JSON"))
    mode.set_defaults(command=_assistance_status)
    add(
        "journal", _("affiche le journal du mode assistance et dit s'il est intact"), _journal, documents=True
    )
    add("quit", _("arrête l'agent"), _quit)
    add("version", _("affiche la version"), _version, documents=True)
    add(
        "diagnose",
        _("rassemble ce qu'il faut savoir pour dépanner, sans aucun secret"),
        _diagnose,
        documents=True,
    )
    return top


def _print_json(document: object) -> None:
    import json

    # plain ASCII: the same bytes whatever the console's encoding
    print(json.dumps(document, indent=2), flush=True)


def _run(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    from iea_agent.assembly import start

    return start.run(os.environ, tray=not options.no_tray)


def _status(installation: Installation, options: argparse.Namespace) -> int:
    import json
    import time

    from iea_agent.assembly.agent_client import AgentClient
    from iea_agent.shell.wording import status_text

    def show(found: dict[str, Any]) -> None:
        if options.json:
            print(json.dumps(found, indent=None if options.watch else 2), flush=True)
        else:
            print(status_text.render_status(found, time.time()), flush=True)
            if options.watch:
                print(flush=True)

    if options.watch:
        for found in AgentClient(installation).watch():
            show(found)
        return NOT_RUNNING
    found = AgentClient(installation).ask({"do": "status"})["status"]
    show(found)
    return FAILED if found["state"] == "disconnected" else FINE


def _test(installation: Installation, options: argparse.Namespace) -> int:
    import time

    from iea_agent.assembly.servers import Servers
    from iea_agent.domain import diagnosis, problems
    from iea_agent.shell.wording import repair_text, report_text

    chosen = _tried(installation, options)
    reports = Servers(installation).examine(chosen)
    found = _mending(installation, chosen, reports) if options.repairs else ()
    if options.json:
        _print_json(
            report_text.build_report_document(reports, time.time())
            | repair_text.build_repairs_document(found or ())
        )
    else:
        print(report_text.render_report(reports, time.time()))
        if options.repairs:
            print(repair_text.render_repairs(found, chosen), end="")
    conclusion = diagnosis.conclude(reports)
    if conclusion is diagnosis.Conclusion.CONNECTED:
        return FINE
    if conclusion is diagnosis.Conclusion.REFUSED:
        return REFUSED
    met = {found.failure.problem for found in reports if found.failure is not None}
    return TIMED_OUT if problems.TEST_TOO_LONG in met else FAILED


def _mending(
    installation: Installation, chosen: Settings, reports: Sequence[ServerReport]
) -> tuple[Repair, ...] | None:
    """What else would work, where the test failed; None where what was tested works by now."""
    import threading

    from iea_agent.assembly.servers import Servers

    return Servers(installation).repairs(chosen, reports, lambda _repair: None, threading.Event())


def _tried(installation: Installation, options: argparse.Namespace) -> Settings:
    """The settings in force with the addresses that were given instead, cleaned but not judged: the test does that."""
    from dataclasses import replace

    from iea_agent.domain import addresses

    chosen = installation.storage.load().effective.settings
    if options.authentication is not None:
        chosen = replace(chosen, authentication=addresses.clean(options.authentication))
    if options.updates is not None:
        chosen = replace(chosen, updates=addresses.clean(options.updates))
    return chosen


def _reconnect(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001 every command has this shape
    import time

    from iea_agent.assembly.agent_client import AgentClient
    from iea_agent.domain import problems
    from iea_agent.shell.wording import status_text

    found = AgentClient(installation).reconnect(RECONNECT_SECONDS)
    print(status_text.render_status(found, time.time()))
    if found["state"] == "connected":
        return FINE
    problem = problems.CATALOGUE.get(found["problem"]["code"]) if found["problem"] else None
    return REFUSED if problem is not None and problem.is_refusal else FAILED


def _settings_get(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import inspection
    from iea_agent.assembly.installation import Failure

    found = inspection.settings_with_origin(installation)
    if options.name is not None:
        if options.name not in found:
            raise Failure(_("Paramètre inconnu : {name}").format(name=options.name), USAGE)
        found = {options.name: found[options.name]}
    if options.json:
        _print_json({"schema": 1, "settings": found})
        return FINE
    for name, setting in found.items():
        print(
            f"{name} = {inspection.shown(setting['value'])}    ({_(inspection.ORIGINS[setting['origin']])})"
        )
    return FINE


def _settings_set(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain.settings import DECLARATIONS

    declaration = DECLARATIONS.get(options.name)
    value = options.value if declaration is None else declaration.parse_typed(options.value)
    _save(installation, {options.name: value}, None)
    return FINE


def _settings_open(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    from iea_agent.assembly import window_process
    from iea_agent.assembly.agent_client import AgentClient

    if AgentClient(installation).status() is None:
        return window_process.show_window(installation, "settings")
    AgentClient(installation).ask({"do": "ask", "event": "settings"})
    return FINE


def _save(
    installation: Installation,
    changes: Mapping[str, object],
    licence_key: str | None,
    proxy_password: str | None = None,
) -> None:
    """Save and have the running agent, if any, read its settings again."""
    from iea_agent.assembly.agent_client import AgentClient

    installation.save(changes, licence_key, proxy_password)
    AgentClient(installation).reload()


def _secret(prompt: str) -> str:
    """One line from the standard input, not shown where it is typed."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(prompt)
    return sys.stdin.readline(2000).rstrip("\r\n")


def _licence_set(installation: Installation, options: argparse.Namespace) -> int:
    key = _secret(_("Clé de licence (rien ne s'affiche) : "))
    _save(installation, {"licence.number": options.number}, key.strip())
    print(_("Licence enregistrée."), file=sys.stderr)
    return FINE


def _proxy_set(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.installation import Failure

    password = _secret(_("Mot de passe du proxy (rien ne s'affiche) : "))
    if not password:
        raise Failure(_("Aucun mot de passe n'a été donné."), USAGE)
    # a name that the administrator has fixed may be given its password all the same
    known = options.user == installation.storage.load().effective.settings.proxy_user
    _save(installation, {} if known else {"proxy.user": options.user}, None, password)
    print(_("Identification auprès du proxy enregistrée."), file=sys.stderr)
    return FINE


def _proxy_forget(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    _save(installation, {"proxy.user": ""}, None)
    print(_("Identification auprès du proxy oubliée."), file=sys.stderr)
    return FINE


def _assistance_on(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.agent_client import AgentClient

    AgentClient(installation).ask({"do": "enter-assistance", "reason": options.reason}, 10.0)
    print(_("Le mode assistance est activé. Vous pouvez relancer Impact emploi."))
    return FINE


def _assistance_off(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    from iea_agent.assembly.agent_client import LEAVE_SECONDS, AgentClient
    from iea_agent.shell.wording import password_text

    if sys.stdin.isatty():
        print(_("Mot de passe du jour : "), end="", file=sys.stderr, flush=True)
    answer = AgentClient(installation).ask(
        {"do": "leave-assistance", "password": sys.stdin.readline(500).strip()}, LEAVE_SECONDS
    )
    if not answer["accepted"]:
        print(answer["sentence"], file=sys.stderr)
        if answer["wait"]:
            print(password_text.describe_next_try(answer["wait"]), file=sys.stderr)
        return REFUSED
    print(_("Le mode assistance est désactivé. L'agent relance l'authentification."))
    return FINE


def _assistance_status(installation: Installation, options: argparse.Namespace) -> int:
    import time

    from iea_agent.assembly.agent_client import AgentClient
    from iea_agent.domain.machine import State
    from iea_agent.shell.wording import state_text, status_text

    found = AgentClient(installation).ask({"do": "assistance"})["assistance"]
    since = found["assistance_since"]
    if options.json:
        _print_json({"schema": 1, **found, "assistance_since": status_text.format_rfc3339(since)})
    elif since is None:
        print(found["why_not"] or _("Le mode assistance n'est pas actif ; il peut être activé."))
    else:
        now = time.time()
        print(
            f"{_(state_text.STATES[State.ASSISTANCE])} {state_text.format_state_since(State.ASSISTANCE, since, now)}"
        )
    return FINE


def _journal(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.host.journal import Journal

    entries = [
        {**entry.document, "whole": entry.whole} for entry in Journal(installation.journal_file).entries()
    ]
    whole = all(entry["whole"] for entry in entries)
    if options.json:
        _print_json({"schema": 1, "whole": whole, "entries": entries})
    else:
        for entry in entries:
            fields = {
                k: v
                for k, v in entry.items()
                if k not in ("at", "event", "before", "whole") and v not in ("", None)
            }
            mark = "" if entry["whole"] else _("  ← ne suit pas la ligne précédente")
            details = " ".join(f"{name}={value}" for name, value in fields.items())
            print(f"{entry.get('at', '?')}  {entry['event']}  {details}{mark}".rstrip())
        print(
            _("Journal intact.") if whole else _("Le journal n'est pas intact : voyez les lignes marquées.")
        )
    return FINE if whole else FAILED


def _quit(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    from iea_agent.assembly.agent_client import AgentClient

    AgentClient(installation).ask({"do": "ask", "event": "quit"})
    return FINE


def _version(installation: Installation, options: argparse.Namespace) -> int:  # noqa: ARG001
    if options.json:
        _print_json({"schema": 1, "version": __version__})
    else:
        print(f"IEA Agent {__version__}")
    return FINE


def _diagnose(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import inspection

    found = inspection.diagnose(installation)
    if options.json:
        _print_json(found)
        return FINE
    for name, value in found.items():
        if isinstance(value, dict):
            print(f"{name}:")
            for inner, what in value.items():
                print(f"  {inner}: {inspection.shown(what)}")
        else:
            print(f"{name}: {inspection.shown(value)}")
    return FINE


def _window(window: list[str]) -> int:
    from iea_agent.assembly import window_process
    from iea_agent.assembly.installation import Failure, Installation

    try:
        if not window:
            window = window_process.wait_for_window_name()
        match window:
            case [name, *options]:
                return window_process.show_window(Installation.locate(os.environ), name, options)
        return FINE
    except Failure as failure:
        print(failure, file=sys.stderr)
        return failure.exit_code
