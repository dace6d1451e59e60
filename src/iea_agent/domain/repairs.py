"""What the agent can mend by itself: for what a test found, the settings that may work instead.

A repair is only a candidate here. Whoever offers it has tested it first, so that a button never promises what does not work. None of them weakens
anything: they lead to https, to another port of the same server, to the official address, or by another way; never from https to http, never past a
certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from . import addresses
from .addresses import Address, AddressError
from .diagnosis import Reason, Server, ServerReport, Stage
from .settings import ProxyMode, Settings


class Kind(Enum):
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

    kind: Kind
    changes: Mapping[str, object]
    servers: tuple[Server, ...]

    def applied(self, chosen: Settings) -> Settings:
        """*chosen* with the repair made."""
        return replace(chosen, **self.changes)  # type: ignore[arg-type]  # changes come from candidates()

    def undone(self, before: Settings) -> dict[str, object]:
        """The changes that lead back to *before*, by attribute."""
        return {name: getattr(before, name) for name in self.changes}


ADDRESSES = {Server.AUTHENTICATION: "authentication", Server.UPDATES: "updates"}
OFFICIAL = {Server.AUTHENTICATION: "official_authentication", Server.UPDATES: "official_updates"}

_NOT_THE_ADDRESS = frozenset(
    {
        Reason.NO_NETWORK,
        Reason.VAULT_UNAVAILABLE,
        Reason.NOT_CONFIGURED,
        Reason.CA_FILE_UNREADABLE,
        Reason.INTERNAL,
    }
)
"""What no other address and no other way mends."""
_LAST = (Stage.LICENCE, Stage.METADATA)
"""A server that was reached and known for what it is needs no other way to it."""


def candidates(
    chosen: Settings, reports: Iterable[ServerReport], locked: frozenset[str] = frozenset()
) -> tuple[Repair, ...]:
    """What may mend the failures of *reports*, a test of *chosen*: the likeliest first, nothing that the administrator has *locked*."""
    failed = {
        report.server: report.failure
        for report in reports
        if report.failure is not None
        and report.failure.reason not in _NOT_THE_ADDRESS
        and report.failure.stage not in _LAST
    }
    if not failed:
        return ()
    found: list[Repair] = []

    def propose(kind: Kind, changes: Mapping[str, object], servers: Iterable[Server]) -> None:
        news = {name: value for name, value in changes.items() if value != getattr(chosen, name)}
        if news and not locked & set(news) and all(news != known.changes for known in found):
            found.append(Repair(kind, news, tuple(servers)))

    read = {server: _parsed(getattr(chosen, name)) for server, name in ADDRESSES.items()}
    in_clear = [server for server in failed if (address := read[server]) is not None and not address.secure]
    if in_clear:
        changes = {name: _secured(read[server], getattr(chosen, name)) for server, name in ADDRESSES.items()}
        propose(Kind.SECURE_MODE, {"secure": True, **changes}, in_clear)
    for server in failed:
        address = read[server]
        if address is not None:
            usual = _at(address, addresses.USUAL_PORTS[address.scheme])
            propose(Kind.USUAL_PORT, {ADDRESSES[server]: str(usual)}, (server,))
    for server in failed:
        address, other = read[server], read[_other(server)]
        if address and other and (address.scheme, address.host) == (other.scheme, other.host):
            propose(Kind.SAME_PORT, {ADDRESSES[server]: str(_at(address, other.port))}, (server,))
    for server in failed:
        propose(Kind.OFFICIAL_ADDRESS, {ADDRESSES[server]: getattr(chosen, OFFICIAL[server])}, (server,))
    on_the_way = [server for server, failure in failed.items() if failure.stage is not Stage.ADDRESS]
    if on_the_way:
        propose(Kind.SYSTEM_PROXY, {"proxy_mode": ProxyMode.SYSTEM}, on_the_way)
        propose(Kind.DIRECT, {"proxy_mode": ProxyMode.NONE}, on_the_way)
        propose(Kind.IPV4_ONLY, {"ipv4_only": True}, on_the_way)
    return tuple(found)


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


def _at(address: Address, port: int) -> Address:
    return replace(address, port=port)


def _other(server: Server) -> Server:
    return next(other for other in Server if other is not server)
