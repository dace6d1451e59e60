"""Repairs are offered only if they work."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.repairs import Repair, RepairKind, propose_repairs
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.services.authentication import Connect
from iea_agent.services.https import Client
from iea_agent.services.network import Route
from iea_agent.services.reachability import examine
from iea_agent.services.repair_search import ConnectWith, search
from iea_sandbox.typed_addresses import address_by_name
from iea_sandbox.world import World
from tests.services.conftest import Serve, proxy, silent

AUTH, UPDATES = Server.AUTHENTICATION, Server.UPDATES


@pytest.fixture
def connect_with(world: World) -> ConnectWith:
    return lambda settings: lambda _: Client(Route(ca_file=world.ca_file, ipv4_only=settings.ipv4_only))


@pytest.fixture
def right(world: World) -> Settings:
    """Settings that work."""
    auth, updates = world.authentication.address, world.updates.address
    return replace(
        DEFAULTS,
        authentication=auth,
        updates=updates,
        official_authentication=auth,
        official_updates=updates,
    )


def failing(settings: Settings, connect_with: ConnectWith) -> tuple[ServerReport, ...]:
    return examine(
        {AUTH: settings.authentication, UPDATES: settings.updates},
        connect_with(settings),
        None,
        lambda _: None,
        now=datetime.now(UTC),
    )


def search_all(
    settings: Settings,
    reports: Sequence[ServerReport],
    connect_with: ConnectWith,
    cancelled: threading.Event | None = None,
    seconds: float = 5.0,
) -> tuple[Repair, ...] | None:
    announced: list[Repair] = []
    repairs = search(
        propose_repairs(settings, reports),
        settings,
        reports,
        connect_with,
        announced.append,
        now=datetime.now(UTC),
        cancelled=cancelled or threading.Event(),
        seconds=seconds,
    )
    assert sorted(announced, key=(repairs or ()).index) == list(repairs or ())
    return repairs


def test_a_wrong_port_and_a_misspelt_name(world: World, right: Settings, connect_with: ConnectWith) -> None:
    """The update address has the port; IPv4 does not help and is not offered."""
    port = world.updates.address.rpartition(":")[2].partition("/")[0]
    settings = replace(right, authentication=right.authentication.replace("localhost", "localhost.invalid"))
    repairs = search_all(settings, failing(settings, connect_with), connect_with) or ()
    assert [(repair.kind, dict(repair.changes)) for repair in repairs] == [
        (RepairKind.OFFICIAL_ADDRESS, {"authentication": right.authentication})
    ]
    settings = replace(right, updates="https://localhost/updates", authentication=f"https://localhost:{port}")
    repairs = search_all(settings, failing(settings, connect_with), connect_with) or ()
    assert (RepairKind.SAME_PORT, {"updates": right.updates}) in [(r.kind, dict(r.changes)) for r in repairs]
    assert RepairKind.IPV4_ONLY not in [repair.kind for repair in repairs]


def test_only_the_repaired_address_is_changed(
    world: World, right: Settings, connect_with: ConnectWith
) -> None:
    world.break_("updates", "503")
    settings = replace(right, authentication="https://localhost.invalid", updates=f"{right.updates}/faux")
    (repairs,) = search_all(settings, failing(settings, connect_with), connect_with) or ()
    assert repairs == Repair(RepairKind.OFFICIAL_ADDRESS, {"authentication": right.authentication}, (AUTH,))


def test_a_passing_failure_offers_nothing(world: World, right: Settings, connect_with: ConnectWith) -> None:
    settings = replace(right, official_authentication=f"{right.authentication}/")
    world.break_("auth", "503")
    reports = failing(settings, connect_with)
    world.mend()
    assert search_all(settings, reports, connect_with) is None


def test_where_nothing_works_nothing_is_offered(
    world: World, right: Settings, connect_with: ConnectWith
) -> None:
    world.break_("auth", "expired-cert")
    assert search_all(right, failing(right, connect_with), connect_with) == ()


def test_it_ends_when_told_and_when_its_time_is_over(
    right: Settings, connect_with: ConnectWith, serve: Serve
) -> None:
    settings = replace(right, authentication=f"http://127.0.0.1:{serve(silent).port}", secure=False)
    late = Failure(Stage.ANSWER, problems.ANSWER_LATE)
    reports = (
        ServerReport(AUTH, settings.authentication, (), late),
        ServerReport(UPDATES, settings.updates, ()),
    )
    begun = time.monotonic()
    search_all(settings, reports, connect_with, seconds=0.3)
    assert time.monotonic() - begun < 1.0
    cancelled = threading.Event()
    cancelled.set()
    begun = time.monotonic()
    assert search_all(settings, reports, connect_with, cancelled) == ()
    assert time.monotonic() - begun < 1.0  # of the five seconds that it may take


def test_what_would_break_the_other_server_is_not_offered(world: World, right: Settings) -> None:
    def crossed(settings: Settings) -> Connect:
        """Reach only the authentication server over IPv4, else only the update server."""

        def connect(address: Address) -> Client:
            reached = settings.ipv4_only == (str(address) == right.authentication)
            proxy = None if reached else parse("http://127.0.0.1:1")
            return Client(Route(proxy, world.ca_file))

        return connect

    reports = failing(right, crossed)
    assert [report.passed for report in reports] == [False, True]
    assert search_all(right, reports, crossed) == ()


def test_windows_without_a_proxy_is_not_offered_as_one(world: World, right: Settings, serve: Serve) -> None:
    """The configured proxy is gone: the direct route works, whatever the system has."""
    gone = Route(parse("http://127.0.0.1:1"), world.ca_file)
    between = Route(parse(f"http://127.0.0.1:{serve(proxy()).port}"), world.ca_file)
    manual = replace(right, proxy_mode=ProxyMode.MANUAL, proxy_address="http://127.0.0.1:1")

    def connect_with(of_the_system: Route) -> ConnectWith:
        routes = {
            ProxyMode.MANUAL: gone,
            ProxyMode.SYSTEM: of_the_system,
            ProxyMode.NONE: Route(ca_file=world.ca_file),
        }
        return lambda settings: lambda _: Client(routes[settings.proxy_mode])

    reports = failing(manual, connect_with(gone))
    kinds = {
        kind: search_all(manual, reports, connect_with(kind)) or ()
        for kind in (Route(ca_file=world.ca_file), between)
    }
    assert [[repair.kind for repair in repairs] for repairs in kinds.values()] == [
        [RepairKind.DIRECT],
        [RepairKind.SYSTEM_PROXY, RepairKind.DIRECT],
    ]


def test_ipv6_is_offered_where_ipv4_alone_leads_nowhere(world: World, right: Settings) -> None:
    """A network of IPv6 only, and a setting that was right on another one."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")

    def connect_with(settings: Settings) -> Connect:
        route = Route(ca_file=world.ca_file, ipv4_only=settings.ipv4_only)
        return lambda _: Client(route, resolve=lambda _: ("::1",))

    settings = replace(
        right,
        ipv4_only=True,
        authentication=address_by_name(right.authentication),
        updates=address_by_name(right.updates),
    )
    reports = failing(settings, connect_with)
    assert {report.failure and report.failure.problem for report in reports} == {problems.NAME_WITHOUT_IPV4}
    repairs = search_all(settings, reports, connect_with)
    assert repairs
    assert Repair(RepairKind.IPV6_TOO, {"ipv4_only": False}, (AUTH, UPDATES)) in repairs
