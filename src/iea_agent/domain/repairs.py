"""Repairs: other settings that may make a failed test of the servers pass.

A repair is only a candidate here: it is tested before a button offers it. No repair weakens anything. They lead to https, to another port of
the same server, to the official address, or by another route; never from https to http, never past a certificate.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from . import addresses, problems
from .addresses import Address, AddressError
from .diagnosis import Failure, Server, ServerReport, Stage
from .settings import ProxyMode, Settings


class RepairKind(Enum):
    """What a repair does; the shell words it."""

    # the sheet « Mise à jour du mode de connexion »: tick « Sécurisé », https in both addresses
    SECURE_MODE = "secure-mode"
    # « :80 » from an older sheet, or another port that does not answer, is left out
    USUAL_PORT = "usual-port"
    # the port that the other address has on the same server
    SAME_PORT = "same-port"
    OFFICIAL_ADDRESS = "official-address"
    # without the proxy
    DIRECT = "direct"
    SYSTEM_PROXY = "system-proxy"
    IPV4_ONLY = "ipv4-only"
    IPV6_TOO = "ipv6-too"


@dataclass(frozen=True, slots=True)
class Repair:
    """Settings to try on *servers* that failed; *changes* are by attribute."""

    kind: RepairKind
    changes: Mapping[str, object]
    servers: tuple[Server, ...]

    def apply_to(self, settings: Settings) -> Settings:
        """Return *settings* with the repair made."""
        return settings.with_values(self.changes)

    def narrow_to(self, repaired: Collection[Server]) -> Repair:
        """Return the repair without the address of a server that is not *repaired*."""
        others = {name for server, name in ADDRESSES.items() if server not in repaired}
        if self.kind is RepairKind.SECURE_MODE:
            others = set()
        changes = {name: value for name, value in self.changes.items() if name not in others}
        return Repair(self.kind, changes, tuple(server for server in self.servers if server in repaired))


ADDRESSES = {Server.AUTHENTICATION: "authentication", Server.UPDATES: "updates"}
OFFICIAL = {Server.AUTHENTICATION: "official_authentication", Server.UPDATES: "official_updates"}


def is_identified(report: ServerReport) -> bool:
    """Return whether the right server was reached: no other route helps after that."""
    return report.done and (report.failure is None or report.failure.stage in (Stage.LICENCE, Stage.METADATA))


def propose_repairs(
    settings: Settings, reports: Iterable[ServerReport], locked: frozenset[str] = frozenset()
) -> tuple[Repair, ...]:
    """Return what may repair the test, likeliest first; nothing *locked* changes."""
    tested = {report.server: report for report in reports}
    parsed = {server: _parse(getattr(settings, name)) for server, name in ADDRESSES.items()}
    failed = [server for server, report in tested.items() if _is_repairable(report)]
    insecure = [server for server in failed if (each := parsed[server]) is not None and not each.secure]
    well_formed = [server for server in failed if not _is_malformed(tested[server])]
    # also those whose route could not be determined: a proxy script that fails, a proxy that cannot be used
    not_direct = [server for server in well_formed if tested[server].route != "direct"]
    https = {name: _secure(parsed[server], getattr(settings, name)) for server, name in ADDRESSES.items()}
    official = {ADDRESSES[server]: getattr(settings, OFFICIAL[server]) for server in failed}
    rules: tuple[tuple[RepairKind, list[Server], Mapping[str, object]], ...] = (
        (RepairKind.SECURE_MODE, [] if "secure" in locked else insecure, {"secure": True, **https}),
        (RepairKind.USUAL_PORT, failed, _usual_ports(parsed, failed)),
        (RepairKind.SAME_PORT, failed, _same_ports(parsed, failed)),
        (RepairKind.OFFICIAL_ADDRESS, failed, official),
        (RepairKind.SYSTEM_PROXY, well_formed, {"proxy_mode": ProxyMode.SYSTEM}),
        (RepairKind.DIRECT, not_direct, {"proxy_mode": ProxyMode.NONE}),
        (RepairKind.IPV4_ONLY, well_formed, {"ipv4_only": True}),
        (RepairKind.IPV6_TOO, well_formed, {"ipv4_only": False}),
    )
    repairs: list[Repair] = []
    for kind, servers, proposed in rules:
        changes = {n: v for n, v in proposed.items() if n not in locked and v != getattr(settings, n)}
        touched = set(changes) & set(ADDRESSES.values())
        # a change of addresses concerns their servers only
        concerned = tuple(each for each in servers if ADDRESSES[each] in touched or touched != set(changes))
        if concerned and changes and all(changes != repair.changes for repair in repairs):
            repairs.append(Repair(kind, changes, concerned))
    return tuple(repairs)


def _usual_ports(parsed: Mapping[Server, Address | None], servers: Iterable[Server]) -> dict[str, object]:
    """Return the addresses of *servers* with the usual port of their scheme."""
    return {
        ADDRESSES[server]: str(replace(address, port=addresses.USUAL_PORTS[address.scheme]))
        for server in servers
        if (address := parsed[server]) is not None
    }


def _same_ports(parsed: Mapping[Server, Address | None], servers: Iterable[Server]) -> dict[str, object]:
    """Return the addresses of *servers* with the port that the other one has there."""
    changes: dict[str, object] = {}
    for server in servers:
        address, other = parsed[server], next(parsed[each] for each in Server if each is not server)
        if address and other and (address.scheme, address.host) == (other.scheme, other.host):
            changes[ADDRESSES[server]] = str(replace(address, port=other.port))
    return changes


def add_proxy_findings(
    reports: Iterable[ServerReport], repairs: Iterable[Repair]
) -> tuple[ServerReport, ...]:
    """Add that a proxy is needed for the servers that *repairs* reach only by one."""
    by_proxy = {
        server for repair in repairs if repair.kind is RepairKind.SYSTEM_PROXY for server in repair.servers
    }
    return tuple(
        replace(report, findings=(*report.findings, Failure(Stage.PROXY, problems.PROXY_NEEDED)))
        if report.server in by_proxy and report.route == "direct" and not _names_proxy(report)
        else report
        for report in reports
    )


def _names_proxy(report: ServerReport) -> bool:
    return any(finding.problem is problems.PROXY_NEEDED for finding in report.findings)


def _parse(text: str) -> Address | None:
    try:
        return addresses.parse(text)
    except AddressError:
        return None


def _secure(address: Address | None, text: str) -> str:
    """Return *text* with https, on its usual port instead of http's."""
    if address is None or address.secure:
        return text
    usual = address.port == addresses.USUAL_PORTS["http"]
    return str(
        replace(address, scheme="https", port=addresses.USUAL_PORTS["https"] if usual else address.port)
    )


def _is_repairable(report: ServerReport) -> bool:
    return not is_identified(report) and report.cause is not None and report.cause.problem.repairable


def _is_malformed(report: ServerReport) -> bool:
    return report.failure is not None and report.failure.stage is Stage.ADDRESS
