"""The commands of ``iea-agent``: each function declares its own in ``COMMANDS``."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iea_agent import __version__
from iea_agent.domain import exit_codes
from iea_agent.domain.problems import N_
from iea_agent.locale import _

if TYPE_CHECKING:
    from iea_agent.assembly.agent_client import AgentClient
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import (
        AssistanceStatusDocument,
        AutostartDocument,
        JournalDocument,
        ReceivedFileDocument,
        ServersTestDocument,
        SettingsDocument,
        UpdatesDocument,
        VersionDocument,
    )
    from iea_agent.domain.download_plan import Progress
    from iea_agent.domain.person_requests import PersonRequest
    from iea_agent.domain.settings import Settings
    from iea_agent.shell.wording.printed_page import PrintedPage

    # a command without a code ended well
    Function = Callable[[Installation, argparse.Namespace], int | None]


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


COMMANDS: list[Command] = []
"""Every command, in the order of the help; ``_command`` adds them."""

GROUPS = {
    "licence": N_("enregistre la licence d'installation"),
    "proxy": N_("enregistre ou oublie l'identification auprès du proxy"),
    "assistance": N_("active ou désactive le mode assistance, ou dit s'il est actif"),
    "autostart": N_("active ou désactive le démarrage avec Windows, ou dit s'il est actif"),
    "update": N_("cherche, reçoit et vérifie les mises à jour"),
}
"""The groups that are no command by themselves."""

JSON = Argument("--json", N_("réponse en JSON"), action="store_true")


def _command(name: str, help: str, *arguments: Argument) -> Callable[[Function], Function]:
    def declare(function: Function) -> Function:
        COMMANDS.append(Command(name, help, arguments, function))
        return function

    return declare


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="iea-agent", description=_("Programme de connexion d'Impact emploi association.")
    )
    actions = {"": top.add_subparsers(title=_("commandes"), metavar=_("commande"))}
    top.set_defaults(function=_print_list(top))
    parsers: dict[str, argparse.ArgumentParser] = {}
    for command in COMMANDS:
        group, _space, name = command.name.rpartition(" ")
        if group not in actions:
            if group in GROUPS:
                text = _(GROUPS[group])
                parsers[group] = actions[""].add_parser(group, help=text, description=text)
                parsers[group].set_defaults(function=_print_list(parsers[group]))
            actions[group] = parsers[group].add_subparsers(title=_("actions"), metavar=_("action"))
        parser = actions[group].add_parser(name, help=_(command.help), description=_(command.help))
        parser.set_defaults(function=command.function)
        for argument in command.arguments:
            parser.add_argument(argument.name, help=_(argument.help), **argument.options)
        parsers[command.name] = parser
    return top


def _print_list(parser: argparse.ArgumentParser) -> Function:
    """Return what prints the commands of *parser*: nothing was done, so wrong usage."""

    def print_list(_installation: Installation, _options: argparse.Namespace) -> int:
        parser.print_help()
        return exit_codes.USAGE

    return print_list


def run(installation: Installation, words: Sequence[str]) -> int:
    """Run the command in *words*. Raises ``RefusedError`` and ``SystemExit``."""
    options = build_parser().parse_args(words)
    function: Function = options.function
    return function(installation, options) or exit_codes.FINE


def _client(installation: Installation) -> AgentClient:
    from iea_agent.assembly.agent_client import AgentClient

    return AgentClient(installation)


def _print_json(document: Mapping[str, object], indent: int | None = 2) -> None:
    # plain ASCII: the same bytes whatever the console's encoding
    print(json.dumps(document, indent=indent), flush=True)


@_command(
    "run",
    N_("démarre le programme de connexion"),
    Argument("--no-tray", N_("sans icône dans la zone de notification"), action="store_true"),
    Argument("--quiet", N_("sans ouvrir de fenêtre, comme à l'ouverture de session"), action="store_true"),
)
def _run_agent(_installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import start

    return start.run(os.environ, tray=not options.no_tray, quiet=options.quiet)


@_command(
    "status",
    N_("dit l'état de la connexion"),
    JSON,
    Argument("--watch", N_("reste et dit chaque changement"), action="store_true"),
)
def _print_status(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly.local_facts import complete_status
    from iea_agent.shell.wording import status_text

    client = _client(installation)
    if options.watch:
        for change in client.watch():
            status = complete_status(installation, change)
            if options.json:
                _print_json(status, indent=None)
            else:
                print(f"{status_text.render_status(status, time.time())}\n", flush=True)
        return exit_codes.NOT_RUNNING
    status = complete_status(installation, client.fetch_status())
    if options.json:
        _print_json(status)
    else:
        print(status_text.render_status(status, time.time()))
    return exit_codes.FAILED if status["state"] == "disconnected" else exit_codes.FINE


@_command(
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
        _print_json(document)
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


@_command("token", N_("donne le jeton d'accès à un programme de cette personne, en JSON"))
def _give_token(installation: Installation, _options: argparse.Namespace) -> int:
    if sys.stdout is None or sys.stdout.isatty():
        print(
            _(
                "Le jeton est un secret : il n'est donné qu'à un programme qui lit ce que cette commande écrit."
            ),
            file=sys.stderr,
        )
        return exit_codes.USAGE
    _print_json(_client(installation).fetch_token(), indent=None)
    return exit_codes.FINE


@_command("reconnect", N_("relance l'authentification auprès du serveur"))
def _reconnect(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.assembly.local_facts import complete_status
    from iea_agent.domain import problems
    from iea_agent.shell.wording import status_text

    status = complete_status(installation, _client(installation).reconnect())
    print(status_text.render_status(status, time.time()))
    if status["state"] == "connected":
        return exit_codes.FINE
    problem = problems.CATALOGUE.get(status["problem"]["code"]) if status["problem"] else None
    return exit_codes.REFUSED if problem is not None and problem.is_refusal else exit_codes.FAILED


@_command(
    "launch", N_("lance Impact emploi ; s'il ne peut pas être utilisé, ouvre la fenêtre qui dit pourquoi")
)
def _launch_program(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.assembly import program_launch

    return program_launch.launch(installation)


@_command(
    "support",
    N_("ouvre la demande de support technique, ou prépare ce que l'assistance demande"),
    Argument("--file", N_("écrit dans ce fichier .zip ce qu'il faut joindre au message"), metavar="FICHIER"),
    Argument(
        "--level",
        N_("ce que le fichier masque : seulement les secrets, aussi les noms, ou toutes les adresses"),
        choices=["none", "normal", "strict"],
        default="normal",
    ),
    Argument(
        "--draft", N_("ouvre le message préparé, avec ce fichier, dans la messagerie"), action="store_true"
    ),
    Argument("--code", N_("affiche le code à dicter au téléphone, et l'épelle"), action="store_true"),
)
def _open_support(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain import person_requests

    if options.file is not None:
        _write_support_file(installation, options.file, options.level)
    if options.code:
        _print_phone_code(installation)
    if options.draft:
        _open_draft(installation)
    if options.file is not None or options.code or options.draft:
        return exit_codes.FINE
    return _open_window(installation, person_requests.SUPPORT)


def _write_support_file(installation: Installation, name: str, level: str) -> None:
    from pathlib import Path

    from iea_agent.assembly.support_file import SupportFile
    from iea_agent.domain.refusals import FileNotWritten, RefusedError
    from iea_agent.domain.support_report import Level
    from iea_agent.host.atomic_files import write_atomically

    file = Path(name)
    try:
        write_atomically(file, SupportFile(installation, Level(level)).pack())
    except OSError as error:
        raise RefusedError(FileNotWritten(str(file), type(error).__name__)) from error
    print(_("Fichier écrit, à relire avant de l'envoyer : {path}").format(path=file.absolute()))


def _open_draft(installation: Installation) -> None:
    from iea_agent.assembly.support_requests import SupportRequests
    from iea_agent.shell.wording.letter_text import compose_letter, describe_earlier, word_outcome

    requests = SupportRequests(installation)
    facts = requests.load_facts()
    if facts.earlier is not None:
        print(describe_earlier(facts.earlier), file=sys.stderr)
    print(word_outcome(requests.write_letter(compose_letter(facts), facts)))


def _print_phone_code(installation: Installation) -> None:
    from iea_agent.assembly.support_facts import make_phone_code
    from iea_agent.shell.wording.phone_code_text import spell_code

    code = make_phone_code(installation, _client(installation).status())
    print(code)
    print(spell_code(code))


def _open_window(installation: Installation, request: PersonRequest) -> int:
    """Have the agent open the window of *request*; without one this process shows it."""
    from iea_agent.assembly import window_process

    client = _client(installation)
    if client.status() is None:
        return window_process.show_window(installation, request.window)
    client.request(request)
    return exit_codes.FINE


@_command("settings open", N_("ouvre la fenêtre des paramètres"))
@_command("settings", N_("lit, change ou ouvre les paramètres de connexion"))
def _open_settings(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.domain import person_requests

    return _open_window(installation, person_requests.SETTINGS)


@_command(
    "settings get",
    N_("affiche les paramètres et leur origine"),
    Argument("name", N_("un seul paramètre, par exemple connection.updates"), nargs="?"),
    JSON,
)
def _print_settings(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import inspection
    from iea_agent.domain.refusals import RefusedError, SettingUnknown
    from iea_agent.shell.wording.problem_details import describe_setting_fault, describe_unknown_name
    from iea_agent.shell.wording.settings_text import describe_faults

    settings = inspection.settings_with_origin(installation)
    if options.name is not None:
        if options.name not in settings:
            raise RefusedError(SettingUnknown(options.name))
        settings = {options.name: settings[options.name]}
    loaded = installation.storage.load()
    faults = [
        fault
        for fault in loaded.all_faults
        if options.name is None or not fault.name or fault.concerns(options.name)
    ]
    # the person may have asked for the setting whose name the policy mistypes
    unknown = [describe_unknown_name(each) for each in loaded.unknown]
    if options.json:
        document: SettingsDocument = {
            "schema": 1,
            "settings": settings,
            "faults": [*map(describe_setting_fault, faults), *unknown],
        }
        _print_json(document)
        return
    for name, setting in settings.items():
        origin = _(inspection.ORIGINS[setting["origin"]])
        print(f"{name} = {inspection.format_value(setting['value'])}    ({origin})")
    if faults:
        print(describe_faults(faults), file=sys.stderr)
    for line in unknown:
        print(line, file=sys.stderr)


@_command(
    "settings set",
    N_("change un paramètre"),
    Argument("name", N_("par exemple connection.updates")),
    Argument("value", N_("nouvelle valeur")),
)
def _set_setting(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.refusals import RefusedError, SettingUnknown
    from iea_agent.domain.settings import DECLARATIONS

    if options.name not in DECLARATIONS:
        raise RefusedError(SettingUnknown(options.name))
    value = DECLARATIONS[options.name].parse_typed(_tidy(options.name, options.value))
    _client(installation).save({options.name: value}, None)


def _tidy(name: str, text: str) -> str:
    """Return *text* for *name* without invisible characters; say so if there were any."""
    from iea_agent.domain.settings import tidy_typed
    from iea_agent.shell.wording.settings_text import describe_tidying

    tidied = tidy_typed(name, text)
    if tidied != text:
        print(describe_tidying(name), file=sys.stderr)
    return tidied


def _read_secret(name: str, prompt: str) -> str:
    """Read the secret *name* from the standard input. Raises ``RefusedError``."""
    from iea_agent.domain.refusals import RefusedError, SecretMissing, SecretUnreadable
    from iea_agent.domain.settings import check_secret

    try:
        text = _read_line(prompt, masked=True)
        secret = check_secret(name, text)
    except ValueError as error:
        raise RefusedError(SecretUnreadable(name)) from error
    if not secret:
        raise RefusedError(SecretMissing(name))
    _tidy(name, text)
    return secret


def _read_line(prompt: str, *, masked: bool = False) -> str:
    """Return one line of the standard input, "" at its end. Raises ``ValueError``."""
    if sys.stdin is None:
        return ""
    if not sys.stdin.isatty():
        from iea_agent.host.standard_input import read_line

        return read_line(sys.stdin.buffer)
    if masked:
        import getpass

        return getpass.getpass(prompt)
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline(500)


@_command(
    "licence set",
    N_("enregistre le numéro et la clé ; la clé est lue sur l'entrée standard, jamais en argument"),
    Argument("number", N_("numéro de licence")),
)
def _set_licence(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.settings import LICENCE_KEY

    number = _tidy("licence.number", options.number)
    key = _read_secret(LICENCE_KEY, _("Clé de licence (rien ne s'affiche) : "))
    # a number that the administrator has fixed may be given its key all the same
    unchanged = number == installation.storage.load().effective.settings.licence_number
    _client(installation).save({} if unchanged else {"licence.number": number}, key)
    print(_("Licence enregistrée."), file=sys.stderr)


@_command(
    "proxy set",
    N_(
        "enregistre le nom d'utilisateur et le mot de passe ; celui-ci est lu sur l'entrée standard, jamais en argument"
    ),
    Argument("user", N_("nom d'utilisateur")),
)
def _set_proxy(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.settings import PROXY_PASSWORD

    user = _tidy("proxy.user", options.user)
    password = _read_secret(PROXY_PASSWORD, _("Mot de passe du proxy (rien ne s'affiche) : "))
    # a user that the administrator has fixed may be given a password all the same
    unchanged = user == installation.storage.load().effective.settings.proxy_user
    _client(installation).save({} if unchanged else {"proxy.user": user}, None, password)
    print(_("Identification auprès du proxy enregistrée."), file=sys.stderr)


@_command("proxy forget", N_("oublie le nom d'utilisateur et le mot de passe"))
def _forget_proxy(installation: Installation, _options: argparse.Namespace) -> None:
    _client(installation).save({"proxy.user": ""}, None)
    print(_("Identification auprès du proxy oubliée."), file=sys.stderr)


@_command(
    "assistance on",
    N_("active le mode assistance, seulement quand la connexion a échoué"),
    Argument("--reason", N_("motif, pour le journal")),
)
def _enter_assistance(installation: Installation, options: argparse.Namespace) -> None:
    _client(installation).enter_assistance(options.reason or "")
    print(_("Le mode assistance est activé. Vous pouvez relancer Impact emploi."))


@_command(
    "assistance off",
    N_("désactive le mode assistance ; le mot de passe du jour est lu sur l'entrée standard"),
)
def _leave_assistance(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.domain.refusals import PasswordRefused, RefusedError
    from iea_agent.shell.wording.refusal_text import word_next_try, word_refusal

    try:
        typed = _read_line(_("Mot de passe du jour : "))
    except ValueError:
        # what is no text is a typing error, and no try
        typed = "?"
    try:
        _client(installation).leave_assistance(typed.strip())
    except RefusedError as error:
        if not isinstance(error.refusal, PasswordRefused) or not error.refusal.wait:
            raise
        print(word_refusal(error.refusal), file=sys.stderr)
        print(word_next_try(error.refusal.wait), file=sys.stderr)
        return error.refusal.exit_code
    print(_("Le mode assistance est désactivé. L'authentification est relancée."))
    return exit_codes.FINE


@_command("assistance status", N_("dit si le mode assistance est actif, et depuis quand"), JSON)
def _print_assistance(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.machine import State
    from iea_agent.domain.refusals import parse_refusal
    from iea_agent.shell.wording import state_text, status_text
    from iea_agent.shell.wording.refusal_text import word_refusal

    situation = _client(installation).fetch_assistance()
    since, refusal = situation["assistance_since"], situation["why_not"]
    why_not = "" if refusal is None else word_refusal(parse_refusal(refusal))
    if options.json:
        document: AssistanceStatusDocument = {
            **situation,
            "schema": 1,
            "assistance_since": status_text.format_rfc3339(since),
            "why_not": why_not,
        }
        _print_json(document)
    elif since is None:
        print(why_not or _("Le mode assistance n'est pas actif ; il peut être activé."))
    else:
        held = state_text.format_state_since(State.ASSISTANCE, since, time.time())
        print(f"{_(state_text.STATES[State.ASSISTANCE])} {held}")


@_command("journal", N_("affiche le journal du mode assistance et dit s'il est intact"), JSON)
def _print_journal(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain.refusals import FileNotReadable, RefusedError
    from iea_agent.host.journal import Journal
    from iea_agent.host.storage import StorageError
    from iea_agent.shell.wording.journal_text import format_journal_entry

    try:
        lines = list(Journal(installation.journal_file).entries())
    except StorageError as error:
        reason = type(error.__cause__).__name__
        raise RefusedError(FileNotReadable(str(error.path), reason)) from error
    entries = [{**line.document, "whole": line.whole} for line in lines]
    whole = all(entry["whole"] for entry in entries)
    if options.json:
        document: JournalDocument = {"schema": 1, "whole": whole, "entries": entries}
        _print_json(document)
        return exit_codes.FINE if whole else exit_codes.FAILED
    for line in lines:
        print(format_journal_entry(line.document, whole=line.whole))
    print(_("Journal intact.") if whole else _("Le journal n'est pas intact : voyez les lignes marquées."))
    return exit_codes.FINE if whole else exit_codes.FAILED


@_command("history", N_("affiche le carnet de connexion des 90 derniers jours"), JSON)
def _print_history(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.domain.refusals import FileNotReadable, RefusedError
    from iea_agent.host.storage import StorageError
    from iea_agent.shell.wording import history_text

    now = time.time()
    try:
        stays = installation.read_log_book(now)
    except StorageError as error:
        reason = type(error.__cause__).__name__
        raise RefusedError(FileNotReadable(str(error.path), reason)) from error
    if options.json:
        _print_json(history_text.build_history_document(stays))
    else:
        print(history_text.render_history(stays))


@_command(
    "statement",
    N_("ouvre le justificatif du dernier incident de connexion, à imprimer"),
    Argument("--number", N_("2 pour l'incident d'avant, et ainsi de suite"), type=int, default=1),
    Argument("--text", N_("affiche le texte au lieu d'ouvrir la page"), action="store_true"),
)
def _print_statement(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly.printed_pages import make_statement

    _show_page(installation, make_statement(installation, options.number), "justificatif", options)


@_command(
    "sheet",
    N_("ouvre la fiche à imprimer pour la personne qui s'occupe de votre informatique"),
    Argument("--text", N_("affiche le texte au lieu d'ouvrir la page"), action="store_true"),
)
def _print_sheet(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly.printed_pages import make_sheet

    _show_page(installation, make_sheet(installation), "fiche-informatique", options)


def _show_page(installation: Installation, page: PrintedPage, name: str, options: argparse.Namespace) -> None:
    """Print *page*, or write it to a file and open that."""
    from iea_agent.assembly.page_files import open_file, save_page
    from iea_agent.shell.wording.printed_page import render_text

    if options.text:
        print(render_text(page))
        return
    file = save_page(installation, page, name)
    print(file)
    if sentence := open_file(installation, file):
        print(sentence, file=sys.stderr)


@_command("autostart on", N_("démarre le programme de connexion avec Windows"))
def _enable_autostart(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import autostart_choice

    autostart_choice.enable(installation)


@_command("autostart off", N_("ne démarre plus le programme de connexion avec Windows"))
def _disable_autostart(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import autostart_choice

    autostart_choice.disable(installation)


@_command("autostart status", N_("dit si le programme de connexion démarre avec Windows"), JSON)
def _print_autostart(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.domain.autostart import Autostart
    from iea_agent.host.startup_entries import read_entries
    from iea_agent.shell.wording.autostart_text import describe_autostart

    autostart = installation.read_autostart()
    if options.json:
        document: AutostartDocument = {
            "schema": 1,
            "autostart": None if autostart is None else autostart.value,
            "commands": [entry.command for entry in read_entries()],
        }
        _print_json(document)
    else:
        name, value = describe_autostart(autostart)
        print(_("{name} : {what}").format(name=name, what=value))
    return exit_codes.FINE if autostart is Autostart.ON else exit_codes.FAILED


@_command("quit", N_("arrête le programme de connexion"))
def _quit_agent(installation: Installation, _options: argparse.Namespace) -> None:
    _client(installation).quit()


@_command("forget", N_("efface de ce poste la licence, les paramètres et les journaux de cette personne"))
def _forget_person(installation: Installation, _options: argparse.Namespace) -> None:
    from iea_agent.assembly import removal

    removal.forget(installation)
    print(_("La licence, les paramètres et les journaux de cette personne sont effacés."), file=sys.stderr)


@_command("update check", N_("demande au serveur quelles versions sont proposées à ce poste"), JSON)
def _check_updates(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.check(installation, by_network=True)
    _print_updates(document, options)


@_command("update list", N_("dit les versions que ce poste connaît déjà, sans le réseau"), JSON)
def _list_updates(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.check(installation, by_network=False)
    _print_updates(document, options)


def _print_updates(document: UpdatesDocument, options: argparse.Namespace) -> None:
    if options.json:
        _print_json(document)
    else:
        from iea_agent.shell.wording.update_text import render_updates

        print(render_updates(document))


@_command(
    "update download",
    N_("reçoit et vérifie une version, sans l'installer"),
    Argument("version", N_("par exemple 3.00.73 ; sinon la version proposée"), nargs="?", default=""),
    Argument("--agent", N_("le programme de connexion, et non Impact emploi"), action="store_true"),
    JSON,
)
def _download_update(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    received = update_requests.download(installation, options.version, options.agent, _show_progress())
    _print_received(received, options)


@_command(
    "update install",
    N_("installe une version, après l'avoir reçue et vérifiée"),
    Argument("--version", N_("par exemple 3.00.73 ; sinon la version proposée"), default=""),
    Argument("--agent", N_("le programme de connexion, et non Impact emploi"), action="store_true"),
    JSON,
)
def _install_update(installation: Installation, options: argparse.Namespace) -> int:
    from iea_agent.assembly import update_requests

    document = update_requests.install(installation, options.version, options.agent, _show_progress())
    if options.json:
        _print_json(document)
    else:
        print(document["words"])
    return exit_codes.FINE if document["state"] == "installed" else exit_codes.FAILED


@_command("update history", N_("dit ce qui a été installé, et comment cela s'est terminé"), JSON)
def _print_update_history(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    document = update_requests.list_history(installation)
    if options.json:
        _print_json(document)
    else:
        from iea_agent.shell.wording.update_history_text import render_history

        print(render_history(document))


@_command(
    "update from",
    N_("vérifie une mise à jour téléchargée autrement, ou sur une clé USB"),
    Argument("file", N_("le fichier"), metavar="FICHIER", type=Path),
    JSON,
)
def _take_update(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import update_requests

    _print_received(update_requests.take_file(installation, options.file, _show_progress()), options)


def _print_received(document: ReceivedFileDocument, options: argparse.Namespace) -> None:
    if options.json:
        _print_json(document)
    else:
        print(
            _("Version {version} vérifiée : {path}").format(
                version=document["version"], path=document["path"]
            )
        )


def _show_progress() -> Callable[[Progress], None]:
    """Return what writes the progress on one line of a terminal, and nowhere else."""
    from iea_agent.shell.wording.update_text import word_progress

    def write(progress: Progress) -> None:
        end = "\n" if progress.received == progress.total else "\r"
        print(f"{word_progress(progress):<78}", end=end, file=sys.stderr, flush=True)

    return write if sys.stderr is not None and sys.stderr.isatty() else lambda _progress: None


@_command(
    "update client",
    N_("vérifie ou reçoit les fichiers de n'importe quel dépôt TUF, avec ses propres dossiers"),
    Argument(
        "action",
        N_("première racine, vérification ou téléchargement"),
        choices=("init", "refresh", "download"),
    ),
    Argument("--root", N_("la racine de confiance, pour « init »"), metavar="FICHIER", type=Path),
    Argument("root_file", N_("la même racine, sans « --root »"), nargs="?", metavar="FICHIER", type=Path),
    Argument("--metadata-dir", N_("dossier des métadonnées"), metavar="DOSSIER", type=Path, required=True),
    Argument("--metadata-url", N_("adresse des métadonnées"), metavar="URL", default=""),
    Argument("--target-url", N_("adresse des fichiers"), metavar="URL", default=""),
    Argument("--target-base-url", N_("comme « --target-url »"), metavar="URL", dest="target_url"),
    Argument("--target-dir", N_("dossier des fichiers reçus"), metavar="DOSSIER", type=Path, default=Path()),
    Argument("--target-name", N_("un fichier à recevoir"), metavar="NOM", action="append", default=[]),
)
def _drive_client(installation: Installation, options: argparse.Namespace) -> int | None:
    from iea_agent.assembly import repository_client
    from iea_agent.assembly.servers import Servers
    from iea_agent.services.https import HttpsError

    places = repository_client.RepositoryPlaces(
        options.metadata_dir, options.metadata_url, options.target_url, options.target_dir
    )
    root = options.root or options.root_file
    if (options.action == "init") != (root is not None):
        print(_("La racine est pour « init », et pour lui seul."), file=sys.stderr)
        return exit_codes.USAGE
    servers = Servers(installation)
    try:
        if options.action == "init":
            repository_client.trust_root(root, places)
        elif options.action == "refresh":
            print(repository_client.refresh(servers, places))
        else:
            repository_client.download(servers, places, options.target_name)
    except (HttpsError, OSError) as error:
        # a command for machines and those who test them: the technical line
        print(error, file=sys.stderr)
        return exit_codes.FAILED
    return exit_codes.FINE


@_command("version", N_("affiche la version"), JSON)
def _print_version(_installation: Installation, options: argparse.Namespace) -> None:
    if options.json:
        document: VersionDocument = {"schema": 1, "version": __version__}
        _print_json(document)
    else:
        print(f"IEA Agent {__version__}")


@_command("diagnose", N_("rassemble ce qu'il faut savoir pour dépanner, sans aucun secret"), JSON)
def _diagnose(installation: Installation, options: argparse.Namespace) -> None:
    from iea_agent.assembly import inspection

    document = inspection.diagnose(installation)
    if options.json:
        _print_json(document)
    else:
        print(inspection.render_diagnosis(document))
