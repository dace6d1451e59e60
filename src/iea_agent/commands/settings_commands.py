"""The commands that read and change what is saved: settings, licence, proxy."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from iea_agent.domain.problems import N_
from iea_agent.locale import _

from . import JSON, Argument, command
from .running_agent import open_window, reach_agent
from .terminal import ask_line, print_json

if TYPE_CHECKING:
    from iea_agent.assembly.installation import Installation
    from iea_agent.domain.documents import SettingsDocument


@command("settings open", N_("ouvre la fenêtre des paramètres"))
@command("settings", N_("lit, change ou ouvre les paramètres de connexion"))
def _open_settings(installation: Installation, _options: argparse.Namespace) -> int:
    from iea_agent.domain import person_requests

    return open_window(installation, person_requests.SETTINGS)


@command(
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
        print_json(document)
        return
    for name, setting in settings.items():
        origin = _(inspection.ORIGINS[setting["origin"]])
        print(f"{name} = {inspection.format_value(setting['value'])}    ({origin})")
    if faults:
        print(describe_faults(faults), file=sys.stderr)
    for line in unknown:
        print(line, file=sys.stderr)


@command(
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
    reach_agent(installation).save({options.name: value}, None)


@command(
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
    reach_agent(installation).save({} if unchanged else {"licence.number": number}, key)
    print(_("Licence enregistrée."), file=sys.stderr)


@command(
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
    reach_agent(installation).save({} if unchanged else {"proxy.user": user}, None, password)
    print(_("Identification auprès du proxy enregistrée."), file=sys.stderr)


@command("proxy forget", N_("oublie le nom d'utilisateur et le mot de passe"))
def _forget_proxy(installation: Installation, _options: argparse.Namespace) -> None:
    reach_agent(installation).save({"proxy.user": ""}, None)
    print(_("Identification auprès du proxy oubliée."), file=sys.stderr)


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
        text = ask_line(prompt, masked=True)
        secret = check_secret(name, text)
    except ValueError as error:
        raise RefusedError(SecretUnreadable(name)) from error
    if not secret:
        raise RefusedError(SecretMissing(name))
    _tidy(name, text)
    return secret
