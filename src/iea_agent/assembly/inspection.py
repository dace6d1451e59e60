"""What is where, and why it is so: the settings with their origin, and everything the support desk asks for first. No secret in it."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from iea_agent import __version__
from iea_agent.domain.problems import N_
from iea_agent.domain.settings import DECLARATIONS, DEFAULTS
from iea_agent.shell.wording.problem_details import describe_setting_fault

from .agent_client import AgentClient
from .installation import Installation
from .servers import Servers

if TYPE_CHECKING:
    from iea_agent.domain.settings import Settings

ORIGINS = {
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


def settings_with_origin(installation: Installation) -> dict[str, dict[str, Any]]:
    """Each setting in force by its dotted name: its value, and whether it comes from the policy, the person's file or nowhere."""
    effective = installation.storage.load().effective
    found = {}
    for name, declaration in DECLARATIONS.items():
        value = declaration.value_in(effective.settings)
        if declaration.attribute in effective.locked:
            origin = "policy"
        elif value == declaration.value_in(DEFAULTS):
            origin = "default"
        else:
            origin = "settings"
        found[name] = {"value": value, "origin": origin}
    return found


def shown(value: object) -> str:
    """A value as the settings file would write it, without quotes."""
    if isinstance(value, dict) and "value" in value:
        return f"{shown(value['value'])} ({value['origin']})"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _version(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "-"


def routes(installation: Installation, chosen: Settings) -> dict[str, dict[str, str]]:
    """The way to each server that *chosen* leads to at this moment: the proxy or « direct », who decided so, and what was passed over."""
    from iea_agent.domain.addresses import AddressError, parse
    from iea_agent.services.https import HttpsError

    found = {}
    for name in ("authentication", "updates"):
        try:
            route = Servers(installation).route(chosen, parse(getattr(chosen, name)))
            found[name] = {"value": str(route), "origin": route.source.value, "detail": route.detail}
        except AddressError as error:
            found[name] = {"value": "unknown", "origin": "address", "detail": str(error)}
        except HttpsError as error:
            found[name] = {
                "value": "unknown",
                "origin": error.failure.problem.code,
                "detail": error.failure.detail,
            }
    return found


def diagnose(installation: Installation) -> dict[str, Any]:
    """Where things are, what is in force and which versions run."""
    from iea_agent.host.vault import VaultUnavailable

    client = AgentClient(installation)
    loaded = installation.storage.load()
    try:
        key = "saved" if installation.licence_key() else "none"
        proxy_password = "saved" if installation.proxy_password_saved() else "none"
    except VaultUnavailable as error:
        key = proxy_password = f"vault unavailable ({type(error.__cause__).__name__})"
    status = client.status()
    return {
        "schema": 1,
        "version": __version__,
        "system": installation.host.describe_system(),
        "python": platform.python_version(),
        "program": sys.executable,
        "agent": "not running" if status is None else status["state"],
        "problem": None if status is None or status["problem"] is None else status["problem"]["code"],
        "licence_key": key,
        "proxy_password": proxy_password,
        "routes": routes(installation, loaded.effective.settings),
        "register_days": None
        if status is None
        else client.ask({"do": "assistance"})["assistance"]["register_days"],
        "folders": {
            "settings": str(installation.folders.settings),
            "state": str(installation.folders.state),
            "policy": str(installation.folders.policy),
            "logs": str(installation.folders.logs),
        },
        "settings": settings_with_origin(installation),
        "faults": [describe_setting_fault(fault) for fault in (*loaded.faults, *loaded.policy_faults)],
        "libraries": {name: _version(name) for name in LIBRARIES},
    }
