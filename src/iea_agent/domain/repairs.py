"""Repairs: other settings that may make a failed test of the servers pass.

A repair is only a candidate here: it is tested before a button offers it. No repair weakens anything. They lead to https, to another port of
the same server, to the official address, or by another route; never from https to http, never past a certificate.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

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


@dataclass(frozen=True, slots=True)
class Repair:
    """Settings to try on the *servers* whose test failed.

    *changes* are by attribute of ``Settings``.
    """

    kind: RepairKind
    changes: Mapping[str, object]
    servers: tuple[Server, ...]

    def apply_to(self, settings: Settings) -> Settings:
        """Return *settings* with the repair made."""
        # the changes come from propose_repairs()
        return replace(settings, **self.changes)  # type: ignore[arg-type]

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
    """Return whether the server was reached and is of the right kind.

    No other route and no other address repairs what fails after that.
    """
    return report.done and (report.failure is None or report.failure.stage in (Stage.LICENCE, Stage.METADATA))


def propose_repairs(
    settings: Settings, reports: Iterable[ServerReport], locked: frozenset[str] = frozenset()
) -> tuple[Repair, ...]:
    """Return what may repair the failed test of *settings*, the likeliest first.

    Nothing that the administrator has *locked* is changed.
    """
    test = _FailedTest(settings, {report.server: report for report in reports}, locked)
    repairs: list[Repair] = []
    for rule in _RULES:
        servers = rule.servers(test)
        changes = {
            name: value
            for name, value in rule.changes(test, servers).items()
            if name not in locked and value != getattr(settings, name)
        }
        concerned = test.select_concerned(servers, changes)
        if concerned and changes and all(changes != repair.changes for repair in repairs):
            repairs.append(Repair(rule.kind, changes, concerned))
    return tuple(repairs)


class _FailedTest:
    """A failed test, and the servers for which a repair is sought."""

    def __init__(
        self, settings: Settings, reports: Mapping[Server, ServerReport], locked: frozenset[str]
    ) -> None:
        self.settings = settings
        self.addresses = {server: _parse(getattr(settings, name)) for server, name in ADDRESSES.items()}
        self._reports = reports
        self._locked = locked
        self.failed = [server for server, report in reports.items() if _is_repairable(report)]

    def find_insecure(self) -> list[Server]:
        """Return the failed servers with an http address, none if « Sécurisé » is locked."""
        if "secure" in self._locked:
            return []
        parsed = ((server, self.addresses[server]) for server in self.failed)
        return [server for server, address in parsed if address is not None and not address.secure]

    def find_well_formed(self) -> list[Server]:
        """Return the failed servers whose address was understood."""
        return [server for server in self.failed if not _is_malformed(self._reports[server])]

    def find_not_direct(self) -> list[Server]:
        """Return the failed servers whose route is a proxy, or could not be determined."""
        return [server for server in self.find_well_formed() if self._reports[server].route != "direct"]

    def select_concerned(self, servers: list[Server], changes: Mapping[str, object]) -> tuple[Server, ...]:
        """Return the *servers* whose address *changes*, or all if something else does."""
        touched = set(changes) & set(ADDRESSES.values())
        return tuple(server for server in servers if ADDRESSES[server] in touched or touched != set(changes))


def _make_secure(test: _FailedTest, servers: list[Server]) -> Mapping[str, object]:
    if not servers:
        return {}
    texts = {server: getattr(test.settings, name) for server, name in ADDRESSES.items()}
    secured = {ADDRESSES[each]: _secure(test.addresses[each], text) for each, text in texts.items()}
    return {"secure": True, **secured}


def _use_usual_port(test: _FailedTest, servers: list[Server]) -> Mapping[str, object]:
    parsed = {server: test.addresses[server] for server in servers}
    return {
        ADDRESSES[server]: str(replace(address, port=addresses.USUAL_PORTS[address.scheme]))
        for server, address in parsed.items()
        if address is not None
    }


def _use_same_port(test: _FailedTest, servers: list[Server]) -> Mapping[str, object]:
    changes = {}
    for server in servers:
        address, other = test.addresses[server], test.addresses[_other(server)]
        if address and other and (address.scheme, address.host) == (other.scheme, other.host):
            changes[ADDRESSES[server]] = str(replace(address, port=other.port))
    return changes


def _use_official_address(test: _FailedTest, servers: list[Server]) -> Mapping[str, object]:
    return {ADDRESSES[server]: getattr(test.settings, OFFICIAL[server]) for server in servers}


class _Rule(NamedTuple):
    """One kind of repair: the servers that it may help, and what it changes."""

    kind: RepairKind
    servers: Callable[[_FailedTest], list[Server]]
    changes: Callable[[_FailedTest, list[Server]], Mapping[str, object]]


_RULES = (
    _Rule(RepairKind.SECURE_MODE, _FailedTest.find_insecure, _make_secure),
    _Rule(RepairKind.USUAL_PORT, lambda test: test.failed, _use_usual_port),
    _Rule(RepairKind.SAME_PORT, lambda test: test.failed, _use_same_port),
    _Rule(RepairKind.OFFICIAL_ADDRESS, lambda test: test.failed, _use_official_address),
    _Rule(
        RepairKind.SYSTEM_PROXY,
        _FailedTest.find_well_formed,
        lambda _test, _servers: {"proxy_mode": ProxyMode.SYSTEM},
    ),
    _Rule(
        RepairKind.DIRECT, _FailedTest.find_not_direct, lambda _test, _servers: {"proxy_mode": ProxyMode.NONE}
    ),
    _Rule(RepairKind.IPV4_ONLY, _FailedTest.find_well_formed, lambda _test, _servers: {"ipv4_only": True}),
)
"""The likeliest first; a rule whose changes are those of an earlier one adds nothing."""


def add_proxy_findings(
    reports: Iterable[ServerReport], repairs: Iterable[Repair]
) -> tuple[ServerReport, ...]:
    """Return *reports* with the finding that a proxy is needed if *repairs* show it.

    They show it for each server that is reached by the system's proxy and not directly.
    """
    by_proxy = {
        server for repair in repairs if repair.kind is RepairKind.SYSTEM_PROXY for server in repair.servers
    }
    return tuple(
        replace(report, findings=(*report.findings, Failure(Stage.PROXY, problems.PROXY_NEEDED)))
        if report.server in by_proxy and report.route == "direct"
        else report
        for report in reports
    )


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


def _other(server: Server) -> Server:
    return next(other for other in Server if other is not server)
