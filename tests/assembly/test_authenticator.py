"""The running agent names the same cause as a test of the servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent.assembly.authenticator import Authenticator
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.saving import ACCOUNTS
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.start import now
from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import EndpointChange, Failure, Server
from iea_agent.domain.evidence import RefusalGround
from iea_agent.domain.machine import Moment
from iea_agent.domain.proxy_choice import Configuration
from iea_agent.domain.proxy_password import ProxyPassword
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.host.storage import Folders, Storage
from iea_agent.host.system_proxy import ConfiguredProxies, SystemProxies
from iea_agent.host.vault import Vault
from iea_agent.loop import Attempt
from iea_agent.services.explanation import Explanation
from iea_agent.services.https import Client
from iea_agent.services.network import Limits
from iea_sandbox.faults import FAULTS, Layer
from iea_sandbox.world import World
from tests.assembly.test_proxies import Secrets
from tests.services.conftest import BRIEF, PATIENT, resolving
from tests.services.fault_table import ALTERNATIVES, SANDBOX
from tests.services.test_faults import MARKS, break_

SECONDS = 20.0


@dataclass(frozen=True)
class OwnInstallation(Installation):
    """An installation whose vault is the test's."""

    secrets: Vault = field(default_factory=Secrets)

    @cached_property
    def vault(self) -> Vault:
        return self.secrets


@dataclass(frozen=True)
class SandboxServers(Servers):
    """The servers of an installation, with the sandbox's name service."""

    world: World | None = None
    limits: Limits = PATIENT

    def connect(
        self, settings: Settings, proxy_password: ProxyPassword | None = None
    ) -> Callable[[Address], Client]:
        assert self.world is not None
        resolve = resolving(self.world.names.port)

        def make_client(address: Address) -> Client:
            route = self.route(settings, address, proxy_password)
            return Client(route, limits=self.limits, resolve=resolve, online=lambda: True)

        return make_client


def one_attempt(servers: Servers, settings: Settings) -> Failure | None:
    """Make one attempt of the running agent and return how it failed."""
    attempts: SimpleQueue[Attempt] = SimpleQueue()
    authenticator = Authenticator(servers, settings, attempts.put, now, lambda: 0.5)
    authenticator.begin(1)
    failure = attempts.get(timeout=SECONDS).failure
    authenticator.renew(settings)
    return failure


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """The folders of an installation."""
    return Folders.locate({"IEA_AGENT_HOME": str(tmp_path)})


def settings_for(world: World, name: str) -> Settings:
    """The settings under which a fault is met."""
    by_proxy = FAULTS[name].layer is Layer.PROXY and name != "proxy-needed"
    proxy = {"proxy_mode": ProxyMode.MANUAL, "proxy_address": world.proxy_address} if by_proxy else {}
    licence = world.licence()
    return replace(
        DEFAULTS,
        authentication=addresses.clean(world.to_type("auth")),
        updates=world.updates.address,
        licence_number=licence.number,
        ca_file=str(world.ca_file),
        **{"proxy_mode": ProxyMode.NONE, **proxy},  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class OfficeServers(SandboxServers):
    """The same on a network whose proxy Windows knows."""

    @cached_property
    def proxies(self) -> SystemProxies:
        assert self.world is not None
        proxy = self.world.proxy_address.removeprefix("http://")
        return ConfiguredProxies(lambda: Configuration(servers=proxy), lambda _script, _address: "")


def test_both_name_a_proxy_that_is_needed(world: World, folders: Folders) -> None:
    installation = OwnInstallation(folders, Storage(folders))
    installation.vault.write_secret(ACCOUNTS["licence.key"], world.licence().key)
    servers = OfficeServers(installation, world)
    break_(world, "proxy-needed", "auth")
    settings = settings_for(world, "proxy-needed")
    failure = one_attempt(servers, settings)
    assert failure is not None
    assert failure.problem is problems.PROXY_NEEDED
    report = next(r for r in servers.examine(settings) if r.server is Server.AUTHENTICATION)
    assert report.cause is not None
    assert report.cause.problem is problems.PROXY_NEEDED


def test_another_token_endpoint_than_before_is_noticed(world: World, folders: Folders) -> None:
    """The key went there, so it is said whether the server accepted it or not."""
    installation = OwnInstallation(folders, Storage(folders))
    installation.vault.write_secret(ACCOUNTS["licence.key"], world.licence().key)
    servers = SandboxServers(installation, world)
    settings = settings_for(world, "token-host-lost")
    assert one_attempt(servers, settings) is None
    assert servers.issuers.list_notices(settings.authentication, time.time()) == ()
    world.break_("auth", "token-host-lost")
    assert one_attempt(servers, settings) is not None
    (change,) = servers.issuers.list_notices(settings.authentication, time.time())
    assert isinstance(change, EndpointChange)
    assert change.before == f"{settings.authentication}/token"
    assert change.endpoint.endswith(":9/token")


NAMES = [
    pytest.param(name, marks=MARKS.get(name, ()))
    # which of two moments a reset hits is a matter of microseconds
    for name, row in SANDBOX.items()
    if row.authentication is not None and name not in ALTERNATIVES
]


@pytest.mark.parametrize("name", NAMES)
def test_the_agent_explains_a_fault_as_the_test_does(world: World, folders: Folders, name: str) -> None:
    expected = SANDBOX[name].authentication
    limits = BRIEF if expected is not None and expected.wait else PATIENT
    installation = OwnInstallation(folders, Storage(folders))
    installation.vault.write_secret(ACCOUNTS["licence.key"], world.licence().key)
    servers = SandboxServers(installation, world, limits)
    break_(world, name, "auth")
    settings = settings_for(world, name)
    failure = one_attempt(servers, settings)
    report = next(r for r in servers.examine(settings) if r.server is Server.AUTHENTICATION)
    assert failure is not None
    assert report.cause is not None
    assert (failure.problem, failure.evidence) == (report.cause.problem, report.cause.evidence)


@dataclass(frozen=True)
class CountingServers(SandboxServers):
    """The same, which note each problem whose explanation they look for."""

    looks: list[str] = field(default_factory=list)

    def explain(self, settings: Settings, client: Client, address: Address, failure: Failure) -> Explanation:
        self.looks.append(failure.problem.code)
        return super().explain(settings, client, address, failure)


class LongOutage:
    """An agent whose clock the test sets, and whose server is broken."""

    def __init__(self, world: World, folders: Folders) -> None:
        installation = OwnInstallation(folders, Storage(folders))
        installation.vault.write_secret(ACCOUNTS["licence.key"], world.licence().key)
        self.servers = CountingServers(installation, world)
        self.settings = settings_for(world, "handshake-closed")
        self.steady = 1000.0
        self.attempts: SimpleQueue[Attempt] = SimpleQueue()
        self.agent = Authenticator(
            self.servers,
            self.settings,
            self.attempts.put,
            lambda: Moment(time.time(), self.steady),
            lambda: 0.5,
        )

    def attempt(self, after: float = 0.0) -> Failure | None:
        """Make the next attempt so many seconds later."""
        self.steady += after
        self.agent.begin(1)
        return self.attempts.get(timeout=SECONDS).failure


def test_a_long_outage_asks_in_clear_ever_more_seldom(world: World, folders: Folders) -> None:
    """An hour of attempts, one a minute, asks on port 80 fifteen times and not sixty."""
    outage = LongOutage(world, folders)
    world.break_("auth", "captive-portal")
    failures = [outage.attempt(after=60.0) for _ in range(60)]
    # every attempt names the portal, also those that did not look for it
    assert {failure.problem for failure in failures if failure} == {problems.CAPTIVE_PORTAL}
    assert None not in failures
    assert 10 <= len(outage.servers.looks) <= 15


def test_an_explanation_is_looked_for_anew_when_something_has_changed(world: World, folders: Folders) -> None:
    outage = LongOutage(world, folders)
    world.break_("auth", "captive-portal")
    outage.attempt()
    outage.attempt(after=1.0)
    assert outage.servers.looks == ["IEA-T05"]
    # the network, or a person who asks
    outage.agent.renew(outage.settings)
    outage.attempt(after=1.0)
    assert outage.servers.looks == ["IEA-T05"] * 2
    # another problem
    world.break_("auth", "handshake-closed")
    outage.attempt(after=1.0)
    assert outage.servers.looks == ["IEA-T05"] * 2 + ["IEA-T08"]
    # an outage that ended, and another one
    world.mend("auth")
    assert outage.attempt(after=1.0) is None
    world.break_("auth", "handshake-closed")
    outage.attempt(after=1.0)
    assert outage.servers.looks == ["IEA-T05"] * 2 + ["IEA-T08"] * 2
    outage.agent.renew(outage.settings)


@pytest.mark.parametrize(("scope", "ground"), [("iea", None), ("inconnu", RefusalGround("inconnu"))])
def test_the_agent_and_the_test_ask_for_the_scope_of_the_settings(
    world: World, folders: Folders, scope: str, ground: RefusalGround | None
) -> None:
    installation = OwnInstallation(folders, Storage(folders))
    installation.vault.write_secret(ACCOUNTS["licence.key"], world.licence().key)
    servers = SandboxServers(installation, world, PATIENT)
    settings = replace(settings_for(world, "scope-missing"), scope=scope)
    failure = one_attempt(servers, settings)
    report = next(r for r in servers.examine(settings) if r.server is Server.AUTHENTICATION)
    assert (failure and failure.evidence) == (report.failure and report.failure.evidence) == ground
    asked = [request.body for request in world.requests.select(server="auth") if request.method == "POST"]
    assert len(asked) == 2
    assert all(f"scope={scope}".encode() in body for body in asked)
