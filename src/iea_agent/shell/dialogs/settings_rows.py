"""The rows of the settings dialog, from top to bottom.

To show a setting in the dialog, add a row to ``ROWS``; ``domain/settings.py`` declares its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from iea_agent.domain.problems import N_
from iea_agent.domain.refusals import ProxyAddressMissing, Refusal
from iea_agent.domain.settings import LICENCE_KEY, PROXY_PASSWORD, ProxyMode

Typed = Mapping[str, str]
"""What the controls of the dialog hold, as text, by name of setting or secret."""


class Control(Enum):
    """The kind of control: ADDRESS is that of a server and tested, MASKED a secret.

    PROGRAM is the path of a program, which the system's dialog for files can choose.
    """

    SWITCH, CHOICE, TEXT, ADDRESS, MASKED, PROGRAM = range(6)


@dataclass(frozen=True, slots=True)
class RowGroup:
    """Rows under one heading."""

    heading: str


MODE = RowGroup(N_("Mode de connexion"))
SERVERS = RowGroup(N_("Serveurs"))
LICENCE = RowGroup(N_("Licence d'installation"))
INTERNET = RowGroup(N_("Accès à internet"))
PROGRAM = RowGroup(N_("Impact emploi"))


def _is_proxy_manual(typed: Typed, _asking: bool) -> bool:
    return typed["proxy.mode"] == ProxyMode.MANUAL.value


def _signs_in(typed: Typed, asking: bool) -> bool:
    by_system = typed["proxy.mode"] == ProxyMode.SYSTEM.value
    return _is_proxy_manual(typed, asking) or (by_system and (asking or bool(typed["proxy.user"])))


@dataclass(frozen=True, slots=True)
class Row:
    """One control of the dialog.

    *name* is that of a setting or a secret. *choices* are the values of a choice and their labels. A row
    that is *beside* stands at the right of the one before it; one that is *tested* has room for a mark
    at its end. *is_visible* is called with what is typed, and with True if the system's proxy asks for a
    name; *missing* is the refusal if the row is visible and empty.
    """

    group: RowGroup
    name: str
    label: str
    control: Control = Control.TEXT
    choices: Mapping[str, str] = field(default_factory=dict)
    tested: bool = False
    is_visible: Callable[[Typed, bool], bool] = lambda _typed, _asking: True
    missing: Refusal | None = None


PROXY_MODES = {
    ProxyMode.SYSTEM.value: N_("Celui de Windows"),
    ProxyMode.NONE.value: N_("Aucun"),
    ProxyMode.MANUAL.value: N_("À l'adresse suivante"),
}

ROWS = (
    Row(MODE, "connection.secure", N_("&Sécurisé"), Control.SWITCH),
    Row(SERVERS, "connection.authentication", N_("Adresse du serveur d'&authentification"), Control.ADDRESS),
    Row(SERVERS, "connection.updates", N_("Adresse du serveur de &mise à jour"), Control.ADDRESS),
    Row(LICENCE, "licence.number", N_("&Numéro de licence"), tested=True),
    Row(LICENCE, LICENCE_KEY, N_("&Clé de licence"), Control.MASKED),
    Row(INTERNET, "proxy.mode", N_("&Proxy"), Control.CHOICE, PROXY_MODES),
    Row(
        *(INTERNET, "proxy.address", N_("Ad&resse du proxy")),
        is_visible=_is_proxy_manual,
        missing=ProxyAddressMissing(),
    ),
    Row(INTERNET, "proxy.user", N_("Nom d'&utilisateur"), is_visible=_signs_in),
    Row(
        *(INTERNET, PROXY_PASSWORD, N_("Mot de passe du prox&y"), Control.MASKED),
        is_visible=_signs_in,
    ),
    Row(INTERNET, "proxy.bypass", N_("Sans pro&xy pour ces serveurs"), is_visible=_is_proxy_manual),
    Row(INTERNET, "connection.ipv4_only", N_("&IPv4 seulement"), Control.SWITCH),
    Row(PROGRAM, "program.path", N_("Emplacement du programme (&facultatif)"), Control.PROGRAM),
)
