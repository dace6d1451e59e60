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
    RepairKind.IPV6_TOO: N_("Corriger : IPv4 et IPv6"),
}
"""The label of each repair's button: no two are alike, for a screen reader lists buttons without what stands beside them."""

_AUTHENTICATION, _UPDATES, _BOTH = (Server.AUTHENTICATION,), (Server.UPDATES,), tuple(Server)
_OF = {
    _AUTHENTICATION: N_("de l'adresse du serveur d'authentification"),
    _UPDATES: N_("de l'adresse du serveur de mise à jour"),
    _BOTH: N_("des deux adresses"),
}
_IN = {
    _AUTHENTICATION: N_("dans l'adresse du serveur d'authentification"),
    _UPDATES: N_("dans l'adresse du serveur de mise à jour"),
    _BOTH: N_("dans les deux adresses"),
}
# what each repair does, as an order and as done
_OFFICIAL = {
    _AUTHENTICATION: (
        N_("Remplacer l'adresse du serveur d'authentification par l'adresse officielle"),
        N_("L'adresse du serveur d'authentification a été remplacée par l'adresse officielle."),
    ),
    _UPDATES: (
        N_("Remplacer l'adresse du serveur de mise à jour par l'adresse officielle"),
        N_("L'adresse du serveur de mise à jour a été remplacée par l'adresse officielle."),
    ),
    _BOTH: (
        N_("Remplacer les deux adresses par les adresses officielles"),
        N_("Les deux adresses ont été remplacées par les adresses officielles."),
    ),
}
_SECURE = (N_("Cocher « Sécurisé »"), N_("Le mode « Sécurisé » a été coché."))
_SECURE_ADDRESSES = (
    N_("Cocher « Sécurisé » et mettre « https:// » {where}"),
    N_("Le mode « Sécurisé » a été coché et « https:// » mis {where}."),
)
_SWAPPED_PORTS = (
    N_("Échanger les numéros de port des deux adresses"),
    N_("Les numéros de port des deux adresses ont été échangés."),
)
_SAME_PORT = (
    N_("Mettre le même port que pour l'autre serveur ({port}) {where}"),
    N_("Le même port que pour l'autre serveur a été mis {where}."),
)
_USUAL_PORT = (N_("Retirer « :{port} » {where}"), N_("« :{port} » a été retiré {where}."))
_USUAL_PORTS = (N_("Retirer le numéro de port {where}"), N_("Le numéro de port a été retiré {where}."))
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
    RepairKind.IPV6_TOO: (
        N_("Décocher « IPv4 seulement »"),
        N_("Le réglage « IPv4 seulement » a été décoché."),
    ),
}


def describe_effect(repair: Repair, settings: Settings) -> str:
    """Return the effect of *repair* on *settings*, and that it has been tried."""
    sentence = (
        _("{effect}. Vérifié : les deux serveurs répondent alors.")
        if len(repair.servers) > 1
        else _("{effect}. Vérifié : le serveur répond alors.")
    )
    return sentence.format(effect=_describe(repair, settings)[0])


def describe_applied_repair(repair: Repair, before: Settings) -> str:
    """Return what *repair* did to the settings that were *before*."""
    return f"{_describe(repair, before)[1]} {_('La correction est enregistrée.')}"


def _describe(repair: Repair, settings: Settings) -> tuple[str, str]:
    """Return what *repair* does to *settings*, as an order and as done."""
    servers = tuple(server for server, name in ADDRESSES.items() if name in repair.changes)
    where, port = _IN, _port(servers, settings)
    match repair.kind:
        case RepairKind.SECURE_MODE:
            texts = _SECURE_ADDRESSES if servers else _SECURE
        case RepairKind.OFFICIAL_ADDRESS:
            texts = _OFFICIAL[servers]
        case RepairKind.SAME_PORT:
            texts = _SWAPPED_PORTS if servers == _BOTH else _SAME_PORT
            port = _port(servers, repair.apply_to(settings))
        case RepairKind.USUAL_PORT:
            texts = _USUAL_PORTS if port is None else _USUAL_PORT
            where = _OF
        case _:
            texts = _WAYS[repair.kind]
    values = {"port": port, "where": _(where[servers]) if servers else ""}
    order, done = (_(text).format(**values) for text in texts)
    if repair.kind is RepairKind.OFFICIAL_ADDRESS:
        official = dict.fromkeys(str(repair.changes[ADDRESSES[server]]) for server in servers)
        order = f"{order} {_(' et ').join(official)}"
    return order, done


def _port(servers: Sequence[Server], settings: Settings) -> int | None:
    """Return the port that the addresses of *servers* share in *settings*, or None."""
    try:
        ports = {addresses.parse(str(getattr(settings, ADDRESSES[server]))).port for server in servers}
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
