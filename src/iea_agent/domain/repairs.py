"""What the agent can mend by itself: for what a test found, the settings that may work instead.

A repair is only a candidate here. Whoever offers it has tested it first, so that a button never promises what does not work. None of them weakens
anything: they lead to https, to another port of the same server, to the official address, or by another way; never from https to http, never past a
certificate.
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
    """What a repair does; the words for it are the shell's."""

    SECURE_MODE = "secure-mode"  # the sheet « Mise à jour du mode de connexion »: tick « Sécurisé », https in both addresses
    USUAL_PORT = "usual-port"  # « :80 » from an older sheet, or another port that does not answer, goes
    SAME_PORT = "same-port"  # the port that the other address has on the same server
    OFFICIAL_ADDRESS = "official-address"
    DIRECT = "direct"  # without the proxy
    SYSTEM_PROXY = "system-proxy"
    IPV4_ONLY = "ipv4-only"


@dataclass(frozen=True, slots=True)
class Repair:
    """Settings that may work instead: *changes* by attribute of ``Settings``, tried on the *servers* whose test failed."""

    kind: RepairKind
    changes: Mapping[str, object]
    servers: tuple[Server, ...]

    def apply_to(self, chosen: Settings) -> Settings:
        """*chosen* with the repair made."""
        return replace(chosen, **self.changes)  # type: ignore[arg-type]  # changes come from candidates()

    def narrow_to(self, mended: Collection[Server]) -> Repair:
        """The repair for the *mended* servers alone: the address of another is left as it is, what holds for both stays."""
        others = {name for server, name in ADDRESSES.items() if server not in mended}
        kept = (
            self.changes
            if self.kind is RepairKind.SECURE_MODE
            else {n: v for n, v in self.changes.items() if n not in others}
        )
        return Repair(self.kind, kept, tuple(server for server in self.servers if server in mended))

    def revert_to(self, before: Settings) -> dict[str, object]:
        """The changes that lead back to *before*, by attribute."""
        return {name: getattr(before, name) for name in self.changes}


ADDRESSES = {Server.AUTHENTICATION: "authentication", Server.UPDATES: "updates"}
OFFICIAL = {Server.AUTHENTICATION: "official_authentication", Server.UPDATES: "official_updates"}


def is_identified(report: ServerReport) -> bool:
    """Whether the server was reached and known for what it is: what fails after that, no other way to it and no other address mends."""
    return report.done and (report.failure is None or report.failure.stage in (Stage.LICENCE, Stage.METADATA))


def propose_repairs(
    chosen: Settings, reports: Iterable[ServerReport], locked: frozenset[str] = frozenset()
) -> tuple[Repair, ...]:
    """What may mend the failures of *reports*, a test of *chosen*: the likeliest first, nothing that the administrator has *locked*."""
    tested = {report.server: report for report in reports}
    failed = [
        server
        for server, report in tested.items()
        if not is_identified(report) and report.cause is not None and report.cause.problem.repairable
    ]
    found: list[Repair] = []

    def propose(kind: RepairKind, changes: Mapping[str, object], servers: Iterable[Server] = failed) -> None:
        news = {n: value for n, value in changes.items() if n not in locked and value != getattr(chosen, n)}
        touched = set(news) & set(ADDRESSES.values())
        about = tuple(each for each in servers if ADDRESSES[each] in touched or touched != set(news))
        if about and news and all(news != known.changes for known in found):
            found.append(Repair(kind, news, about))

    read = {server: _parsed(getattr(chosen, name)) for server, name in ADDRESSES.items()}
    in_clear = [server for server in failed if (address := read[server]) is not None and not address.secure]
    if in_clear and "secure" not in locked:
        secured = {name: _secured(read[server], getattr(chosen, name)) for server, name in ADDRESSES.items()}
        propose(RepairKind.SECURE_MODE, {"secure": True, **secured}, in_clear)
    usual, same, official = {}, {}, {}
    for server in failed:
        name, address, other = ADDRESSES[server], read[server], read[_other(server)]
        if address:
            usual[name] = str(replace(address, port=addresses.USUAL_PORTS[address.scheme]))
        if address and other and (address.scheme, address.host) == (other.scheme, other.host):
            same[name] = str(replace(address, port=other.port))
        official[name] = getattr(chosen, OFFICIAL[server])
    propose(RepairKind.USUAL_PORT, usual)
    propose(RepairKind.SAME_PORT, same)
    propose(RepairKind.OFFICIAL_ADDRESS, official)
    on_the_way = [server for server in failed if not _is_malformed(tested[server])]
    propose(RepairKind.SYSTEM_PROXY, {"proxy_mode": ProxyMode.SYSTEM}, on_the_way)
    # also where the way was not even found: a proxy script that fails, a proxy that cannot be used
    by_proxy = [server for server in on_the_way if tested[server].route != "direct"]
    propose(RepairKind.DIRECT, {"proxy_mode": ProxyMode.NONE}, by_proxy)
    propose(RepairKind.IPV4_ONLY, {"ipv4_only": True}, on_the_way)
    return tuple(found)


def add_proxy_findings(reports: Iterable[ServerReport], found: Iterable[Repair]) -> tuple[ServerReport, ...]:
    """*reports* with what the *found* repairs tell of the network: where the system's proxy leads to the server, this network needs it."""
    by_proxy = {
        server for repair in found if repair.kind is RepairKind.SYSTEM_PROXY for server in repair.servers
    }
    return tuple(
        replace(report, findings=(*report.findings, Failure(Stage.PROXY, problems.PROXY_NEEDED)))
        if report.server in by_proxy and report.route == "direct"
        else report
        for report in reports
    )


def _parsed(text: str) -> Address | None:
    try:
        return addresses.parse(text)
    except AddressError:
        return None


def _secured(address: Address | None, text: str) -> str:
    """Https for http: on its usual port where the address has http's, on the same one where it has its own."""
    if address is None or address.secure:
        return text
    usual = address.port == addresses.USUAL_PORTS["http"]
    return str(
        replace(address, scheme="https", port=addresses.USUAL_PORTS["https"] if usual else address.port)
    )


def _is_malformed(report: ServerReport) -> bool:
    return report.failure is not None and report.failure.stage is Stage.ADDRESS


def _other(server: Server) -> Server:
    return next(other for other in Server if other is not server)
