"""The words for a repair: its effect, its button, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from iea_agent.domain import addresses
from iea_agent.domain.addresses import AddressError
from iea_agent.domain.diagnosis import Server
from iea_agent.domain.problems import N_
from iea_agent.domain.repairs import ADDRESSES, Repair, RepairKind
from iea_agent.domain.settings import DECLARATIONS, DEFAULTS, Settings
from iea_agent.locale import _

if TYPE_CHECKING:
    from iea_agent.domain.documents import RepairsDocument

NAMES: Mapping[RepairKind, str] = {
    RepairKind.SECURE_MODE: N_("Corriger : mode sécurisé"),
    RepairKind.USUAL_PORT: N_("Corriger : port habituel"),
    RepairKind.SAME_PORT: N_("Corriger : même port"),
    RepairKind.OFFICIAL_ADDRESS: N_("Corriger : adresse officielle"),
    RepairKind.DIRECT: N_("Corriger : sans proxy"),
    RepairKind.SYSTEM_PROXY: N_("Corriger : proxy de Windows"),
    RepairKind.IPV4_ONLY: N_("Corriger : IPv4 seulement"),
}
"""The label of each repair's button: no two are alike, for a screen reader lists buttons without what stands beside them."""

_ONE = {
    Server.AUTHENTICATION: N_("de l'adresse du serveur d'authentification"),
    Server.UPDATES: N_("de l'adresse du serveur de mise à jour"),
}
_IN_ONE = {
    Server.AUTHENTICATION: N_("dans l'adresse du serveur d'authentification"),
    Server.UPDATES: N_("dans l'adresse du serveur de mise à jour"),
}
_BOTH, _IN_BOTH = N_("des deux adresses"), N_("dans les deux adresses")
_OFFICIAL = {
    Server.AUTHENTICATION: N_("Remplacer l'adresse du serveur d'authentification par l'adresse officielle"),
    Server.UPDATES: N_("Remplacer l'adresse du serveur de mise à jour par l'adresse officielle"),
}
_OFFICIAL_DONE = {
    Server.AUTHENTICATION: N_(
        "L'adresse du serveur d'authentification a été remplacée par l'adresse officielle."
    ),
    Server.UPDATES: N_("L'adresse du serveur de mise à jour a été remplacée par l'adresse officielle."),
}
_WAYS = {
    RepairKind.DIRECT: (N_("Ne pas passer par le proxy"), N_("La connexion ne passe plus par le proxy.")),
    RepairKind.SYSTEM_PROXY: (
        N_("Passer par le proxy indiqué dans Windows"),
        N_("La connexion passe maintenant par le proxy indiqué dans Windows."),
    ),
    RepairKind.IPV4_ONLY: (
        N_("Se connecter en IPv4 seulement"),
        N_("La connexion se fait maintenant en IPv4 seulement."),
    ),
}


def describe_effect(repair: Repair, settings: Settings) -> str:
    """Return the effect of *repair* on *settings*, and that it has been tried."""
    sentence = (
        _("{effect} : vérifié, les deux serveurs répondent ainsi.")
        if len(repair.servers) > 1
        else _("{effect} : vérifié, le serveur répond ainsi.")
    )
    return sentence.format(effect=_effect(repair, settings))


def _effect(repair: Repair, settings: Settings) -> str:
    servers = _servers(repair)
    if repair.kind in _WAYS:
        return _(_WAYS[repair.kind][0])
    if repair.kind is RepairKind.SECURE_MODE:
        if not servers:
            return _("Cocher « Sécurisé »")
        return _("Cocher « Sécurisé » et mettre « https:// » {where}").format(where=_in(servers))
    if repair.kind is RepairKind.OFFICIAL_ADDRESS:
        text = (
            _("Remplacer les deux adresses par les adresses officielles")
            if len(servers) > 1
            else _(_OFFICIAL[servers[0]])
        )
        return f"{text} {_and([str(repair.changes[ADDRESSES[server]]) for server in servers])}"
    port = (
        _port(repair, settings)
        if repair.kind is RepairKind.USUAL_PORT
        else _port(repair, repair.apply_to(settings))
    )
    if repair.kind is RepairKind.SAME_PORT:
        if port is None:  # each has the other's
            return _("Échanger les numéros de port des deux adresses")
        return _("Mettre le même port que pour l'autre serveur ({port}) {where}").format(
            port=port, where=_in(servers)
        )
    if port is None:
        return _("Retirer le numéro de port {where}").format(where=_of(servers))
    return _("Retirer « :{port} » {where}").format(port=port, where=_of(servers))


def describe_applied_repair(repair: Repair, before: Settings) -> str:
    """Return what *repair* did to the settings that were *before*."""
    servers = _servers(repair)
    if repair.kind in _WAYS:
        sentence = _(_WAYS[repair.kind][1])
    elif repair.kind is RepairKind.SECURE_MODE:
        sentence = _("Le mode « Sécurisé » a été coché.")
        if servers:
            sentence = _("Le mode « Sécurisé » a été coché et « https:// » mis {where}.").format(
                where=_in(servers)
            )
    elif repair.kind is RepairKind.OFFICIAL_ADDRESS:
        sentence = (
            _("Les deux adresses ont été remplacées par les adresses officielles.")
            if len(servers) > 1
            else _(_OFFICIAL_DONE[servers[0]])
        )
    elif repair.kind is RepairKind.SAME_PORT and len(servers) > 1:
        sentence = _("Les numéros de port des deux adresses ont été échangés.")
    elif repair.kind is RepairKind.SAME_PORT:
        sentence = _("Le même port que pour l'autre serveur a été mis {where}.").format(where=_in(servers))
    elif (port := _port(repair, before)) is None:
        sentence = _("Le numéro de port a été retiré {where}.").format(where=_of(servers))
    else:
        sentence = _("« :{port} » a été retiré {where}.").format(port=port, where=_of(servers))
    return f"{sentence} {_('La correction est enregistrée.')}"


def _servers(repair: Repair) -> list[Server]:
    """Return the servers whose address the repair changes."""
    return [server for server, name in ADDRESSES.items() if name in repair.changes]


def _of(servers: list[Server]) -> str:
    return _(_BOTH) if len(servers) > 1 else _(_ONE[servers[0]])


def _in(servers: list[Server]) -> str:
    return _(_IN_BOTH) if len(servers) > 1 else _(_IN_ONE[servers[0]])


def _and(texts: list[str]) -> str:
    return _(" et ").join(dict.fromkeys(texts))


def _port(repair: Repair, settings: Settings) -> int | None:
    """Return the port that the repair's addresses share in *settings*, or None."""
    try:
        ports = {
            addresses.parse(str(getattr(settings, ADDRESSES[server]))).port for server in _servers(repair)
        }
    except AddressError:
        return None
    return ports.pop() if len(ports) == 1 else None


PASSING = N_("La panne était passagère : ces paramètres fonctionnent maintenant. Relancez le test.")
"""What is said where the settings that failed work by now."""


def render_repairs(repairs: Sequence[Repair] | None, settings: Settings) -> str:
    """Return each repair with its commands; None says that *settings* work by now."""
    if repairs is None:
        return f"\n→ {_(PASSING)}\n"
    lines = []
    for repair in repairs:
        lines += ["", f"→ {describe_effect(repair, settings)}"]
        lines += [
            f"    iea-agent settings set {name} {value}"
            for name, value in format_changes(repair.changes).items()
        ]
    return "".join(f"{line}\n" for line in lines)


def build_repairs_document(repairs: Sequence[Repair]) -> RepairsDocument:
    """Return *repairs* for ``test --json``."""
    return {
        "repairs": [
            {
                "kind": repair.kind.value,
                "servers": [server.value for server in repair.servers],
                "changes": format_changes(repair.changes),
            }
            for repair in repairs
        ]
    }


def format_changes(changes: Mapping[str, object]) -> dict[str, str]:
    """Return *changes*, by attribute of ``Settings``, as they are typed, by name."""
    changed = DEFAULTS.with_values(changes)
    return {
        name: declaration.format_typed(changed)
        for name, declaration in DECLARATIONS.items()
        if declaration.attribute in changes
    }
