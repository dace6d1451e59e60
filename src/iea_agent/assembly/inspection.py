"""The settings with their origin, and what the support needs to know; no secrets."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast

from iea_agent import __version__
from iea_agent.domain.problems import N_
from iea_agent.domain.settings import DECLARATIONS, DEFAULTS
from iea_agent.shell.wording.problem_details import describe_setting_fault, describe_unknown_name

from .agent_client import AgentClient
from .installation import Installation
from .registers import load_registers
from .sealing import ACCOUNT
from .servers import Servers

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.domain.documents import (
        DiagnosisDocument,
        Origin,
        RouteDocument,
        SettingDocument,
        SettingValue,
    )
    from iea_agent.domain.settings import Declaration, Effective, Settings

ORIGINS: dict[Origin, str] = {
    "default": N_("valeur d'origine"),
    "settings": N_("vos paramètres"),
    "policy": N_("fixé par votre administrateur"),
}

LIBRARIES = (
    "pystray",
    "httpx",
    "httpcore",
    "keyring",
    "platformdirs",
    "tomlkit",
    "truststore",
    "tuf",
    "cryptography",
    "filelock",
    "wxPython",
)


def settings_with_origin(installation: Installation) -> dict[str, SettingDocument]:
    """Return each setting in force and its origin, by dotted name."""
    effective = installation.storage.load().effective
    return {
        name: {
            "value": cast("SettingValue", declaration.value_in(effective.settings)),
            "origin": _origin(declaration, effective),
        }
        for name, declaration in DECLARATIONS.items()
    }


def _origin(declaration: Declaration, effective: Effective) -> Origin:
    if declaration.attribute in effective.locked:
        return "policy"
    same = declaration.value_in(effective.settings) == declaration.value_in(DEFAULTS)
    return "default" if same else "settings"


def format_value(value: object) -> str:
    """Return *value* as the settings file holds it, without quotes."""
    if isinstance(value, dict) and "value" in value:
        return f"{format_value(value['value'])} ({value['origin']})"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "-"


def find_routes(servers: Servers, settings: Settings) -> dict[str, RouteDocument]:
    """Return the present route to each server, and what decided it."""
    from iea_agent.domain.addresses import AddressError, parse
    from iea_agent.domain.documents import UNKNOWN_ROUTE
    from iea_agent.domain.problems import ADDRESS_MALFORMED
    from iea_agent.services.https import HttpsError

    routes: dict[str, RouteDocument] = {}
    for name, address in (("authentication", settings.authentication), ("updates", settings.updates)):
        try:
            route = servers.route(settings, parse(address))
            routes[name] = {"value": str(route), "origin": route.source.value, "detail": route.detail}
        except AddressError as error:
            routes[name] = {"value": UNKNOWN_ROUTE, "origin": ADDRESS_MALFORMED.code, "detail": str(error)}
        except HttpsError as error:
            code, detail = error.failure.problem.code, error.failure.detail
            routes[name] = {"value": UNKNOWN_ROUTE, "origin": code, "detail": detail}
    return routes


def _describe_seal(installation: Installation) -> str:
    """Return whether the vault can show that an old state file was put back."""
    from iea_agent.domain.state_seal import parse_entry
    from iea_agent.host.vault import VaultUnavailable

    try:
        text = installation.vault.read_secret(ACCOUNT)
        if text is None:
            return "none"
        parse_entry(text)
    except VaultUnavailable as error:
        return f"vault unavailable ({type(error.__cause__).__name__})"
    except ValueError:
        return "damaged"
    return "saved"


def diagnose(installation: Installation) -> DiagnosisDocument:
    """Return folders, settings, routes and versions, and what the agent reports."""
    from iea_agent.host.vault import VaultUnavailable

    client = AgentClient(installation)
    loaded = installation.storage.load()
    try:
        key = "saved" if installation.licence_key() else "none"
        proxy_password = "saved" if installation.password_proxy() else "none"
    except VaultUnavailable as error:
        key = proxy_password = f"vault unavailable ({type(error.__cause__).__name__})"
    status = client.status()
    autostart = installation.read_autostart()
    problem = None if status is None else status["problem"]
    return {
        "schema": 1,
        "version": __version__,
        "system": installation.host.describe_system(),
        "python": platform.python_version(),
        "program": sys.executable,
        "agent": "not running" if status is None else status["state"],
        "problem": None if problem is None else problem["code"],
        "licence_key": key,
        "proxy_password": proxy_password,
        "state_seal": _describe_seal(installation),
        "autostart": None if autostart is None else autostart.value,
        "impact_emploi_version": installation.program_version(loaded.effective.settings),
        "routes": find_routes(Servers(installation), loaded.effective.settings),
        "register_days": None if status is None else client.fetch_assistance()["register_days"],
        "folders": {
            name: str(getattr(installation.folders, name)) for name in ("settings", "state", "policy", "logs")
        },
        "settings": settings_with_origin(installation),
        "faults": [
            *map(describe_setting_fault, loaded.all_faults),
            *map(describe_unknown_name, loaded.unknown),
            *(f"{file} : {reason}" for file, reason in _list_refused(installation).items()),
        ],
        "libraries": {name: _version(name) for name in LIBRARIES},
    }


def _list_refused(installation: Installation) -> dict[Path, str]:
    """Return the files beside the policy that are refused, and why."""
    refused = dict(load_registers(installation).refused)
    root = installation.root_file
    try:
        installation.storage.read_administrators_file(root, 0)
    except OSError as error:
        refused[root] = str(error)
    return refused


def render_diagnosis(document: DiagnosisDocument) -> str:
    """Return *document* as lines of text, a group of values under each name."""
    lines = []
    for name, value in document.items():
        if isinstance(value, dict):
            lines.append(f"{name}:")
            lines += [f"  {inner}: {format_value(each)}" for inner, each in value.items()]
        else:
            lines.append(f"{name}: {format_value(value)}")
    return "\n".join(lines)
