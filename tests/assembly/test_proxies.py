"""The route to a server by settings, system and vault.

It is found again when the network changes.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent.assembly.agent import Agent
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.saving import ACCOUNTS
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.start import now
from iea_agent.domain import exit_codes, machine, problems, refusals
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Stage, StageOutcome
from iea_agent.domain.evidence import ProxyScript
from iea_agent.domain.problems import Problem
from iea_agent.domain.proxy_choice import (
    Choice,
    Configuration,
    ScriptFault,
    ScriptUnusable,
    Source,
    may_authenticate,
)
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.host.storage import Folders, Storage
from iea_agent.host.system_proxy import ConfiguredProxies, SystemProxies
from iea_agent.host.vault import LONGEST, SecretLengthError, Vault, VaultUnavailable
from iea_agent.services.https import HttpsError
from iea_agent.services.network import Credentials
from iea_agent.services.secret_verdicts import SecretVerdicts
from iea_sandbox.faults import SERVERS
from iea_sandbox.world import World
from tests.services.conftest import page, raw_server, request_of

SERVER = parse("https://serveur.example")
PROXY = parse("http://mandataire.example:3128")
MANUAL = replace(DEFAULTS, proxy_mode=ProxyMode.MANUAL, proxy_address=str(PROXY))
SECONDS = 20.0
PASSWORD = "mot de passe : à part"
PROXY_PASSWORD = ACCOUNTS["proxy.password"]


class Secrets:
    """A vault that forgets everything with the test."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def read_secret(self, account: str) -> str | None:
        return self.secrets.get(account)

    def write_secret(self, account: str, secret: str) -> None:
        if len(secret) > LONGEST:
            raise SecretLengthError
        self.secrets[account] = secret

    def delete_secret(self, account: str) -> None:
        self.secrets.pop(account, None)


class NoVault(Secrets):
    """A system without a vault."""

    def read_secret(self, account: str) -> str | None:
        raise VaultUnavailable from OSError(account)


@dataclass(frozen=True)
class OfficeInstallation(Installation):
    """An installation whose vault is the test's."""

    secrets: Vault = field(default_factory=Secrets)

    @cached_property
    def vault(self) -> Vault:
        return self.secrets


@dataclass(frozen=True)
class Office(Servers):
    """The servers of an installation; proxy setting and scripts are the test's."""

    installation: OfficeInstallation
    setting: list[Configuration] = field(default_factory=lambda: [Configuration()])
    scripts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def proxies(self) -> SystemProxies:
        return ConfiguredProxies(lambda: self.setting[0], self._ask)

    def _ask(self, script: str, _address: Address) -> str:
        if script not in self.scripts:
            raise ScriptUnusable("WinHTTP error 12167")
        return self.scripts[script]


class ScriptOfTheOffice:
    """A system whose script is out of reach, also for this machine's own servers."""

    def choose(self, _address: Address) -> Choice:
        reason = "WinHTTP error 12167"
        fault = ScriptFault("http://pac.example/p.pac", reason)
        return Choice(None, Source.NONE, f"script unusable: {reason}", fault)

    def forget_answers(self) -> None:
        """Do nothing: the next answer is the same."""


@dataclass(frozen=True)
class Home(Office):
    """The office's laptop at home."""

    @cached_property
    def proxies(self) -> SystemProxies:
        return ScriptOfTheOffice()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """One with nothing set."""
    folders = Folders.locate({"IEA_AGENT_HOME": str(tmp_path)})
    return Office(OfficeInstallation(folders, Storage(folders)))


class TestRoute:
    """Which way, by whose word, with whose password."""

    def test_each_mode(self, office: Office) -> None:
        office.setting[0] = Configuration(servers="systeme.example:8080")
        proxies = {mode: office.route(replace(MANUAL, proxy_mode=mode), SERVER).proxy for mode in ProxyMode}
        assert proxies == {
            ProxyMode.SYSTEM: parse("http://systeme.example:8080"),
            ProxyMode.NONE: None,
            ProxyMode.MANUAL: PROXY,
        }
        assert office.route(MANUAL, SERVER).source is Source.SETTINGS
        assert office.route(DEFAULTS, SERVER).source is Source.SYSTEM

    def test_the_rest_of_the_settings_comes_along(self, office: Office) -> None:
        route = office.route(replace(MANUAL, ipv4_only=True, ca_file="ca.pem"), SERVER)
        assert (route.ipv4_only, route.ca_file) == (True, Path("ca.pem"))

    def test_without_its_script_the_way_is_direct(self, office: Office) -> None:
        office.setting[0] = Configuration(script="http://pac.example/p.pac")
        route = office.route(DEFAULTS, SERVER)
        assert (str(route), route.detail) == ("direct", "script unusable: WinHTTP error 12167")
        failure = route.script_failure
        assert failure is not None
        assert (failure.stage, failure.problem) == (Stage.PROXY, problems.PROXY_SCRIPT_UNUSABLE)
        assert (failure.detail, failure.evidence) == (
            "WinHTTP error 12167",
            ProxyScript("http://pac.example/p.pac"),
        )

    def test_a_user_comes_with_the_password_from_the_vault(self, office: Office) -> None:
        settings = replace(MANUAL, proxy_user="marie")
        assert office.route(settings, SERVER).credentials is None, "none is saved"
        office.installation.secrets.write_secret(PROXY_PASSWORD, PASSWORD)
        assert office.route(settings, SERVER).credentials == Credentials("marie", PASSWORD)
        assert office.route(settings, SERVER, "typed").credentials == Credentials("marie", "typed")
        assert office.route(MANUAL, SERVER).credentials is None, "there is no user"
        assert PASSWORD not in repr(office.route(settings, SERVER))

    def test_also_for_the_systems_proxy(self, office: Office) -> None:
        office.installation.secrets.write_secret(PROXY_PASSWORD, PASSWORD)
        settings = replace(DEFAULTS, proxy_user="marie")
        assert office.route(settings, SERVER).credentials is None, "there is no proxy"
        office.setting[0] = Configuration(servers="systeme.example:8080")
        assert office.route(settings, SERVER).credentials == Credentials("marie", PASSWORD)

    def test_never_for_a_proxy_that_the_network_offers_unless_it_is_named(self, office: Office) -> None:
        """Any café can offer a proxy: what was typed for the office's is not for it."""
        office.installation.secrets.write_secret(PROXY_PASSWORD, PASSWORD)
        offered = Choice(parse("http://cafe.example:8080"), Source.NETWORK)
        settings = replace(DEFAULTS, proxy_user="marie")
        assert not may_authenticate(offered, settings)
        assert may_authenticate(offered, replace(settings, proxy_address="http://cafe.example:8080"))
        office.setting[0] = Configuration(servers="systeme.example:8080")
        named = replace(settings, proxy_address="http://systeme.example:8080")
        assert office.route(named, SERVER).credentials == Credentials("marie", PASSWORD)
        other = replace(settings, proxy_address="http://ailleurs.example:8080")
        assert office.route(other, SERVER).credentials is None

    def test_without_a_vault_the_way_is_not_known(self, office: Office) -> None:
        without = replace(office, installation=replace(office.installation, secrets=NoVault()))
        assert without.route(MANUAL, SERVER).proxy == PROXY
        with pytest.raises(HttpsError) as caught:
            without.route(replace(MANUAL, proxy_user="marie"), SERVER)
        assert caught.value.failure.problem is problems.VAULT_UNAVAILABLE


class TestTest:
    """What the test of the servers says of it."""

    @pytest.mark.parametrize(
        ("fault", "cause"),
        [
            # a laptop at home
            (None, None),
            ("refuse", problems.PROXY_SCRIPT_UNUSABLE),
            ("reset", problems.PROXY_SCRIPT_UNUSABLE),
            # reached without a proxy: what the server says is not the script's doing
            ("503", problems.SERVER_UNAVAILABLE),
            ("expired-cert", problems.CERTIFICATE_EXPIRED),
        ],
    )
    def test_a_script_out_of_reach_only_explains_a_server_out_of_reach(
        self, office: Office, world: World, fault: str | None, cause: Problem | None
    ) -> None:
        for part in SERVERS if fault else ():
            world.break_(part, fault or "")
        settings = replace(
            DEFAULTS,
            authentication=world.authentication.address,
            updates=world.updates.address,
            ca_file=str(world.ca_file),
        )
        for report in Home(office.installation).examine(settings):
            assert (report.cause and report.cause.problem) is cause
            assert report.route == "direct"
            outcomes = {result.stage: result for result in report.stages}
            assert outcomes[Stage.PROXY].outcome is StageOutcome.SKIPPED
            assert "WinHTTP error 12167" in outcomes[Stage.PROXY].detail

    def test_who_decided_is_said(self, office: Office) -> None:
        with recording_proxy() as (port, _asked):
            office.setting[0] = Configuration(script="p")
            office.scripts["p"] = f"SOCKS s:1; PROXY 127.0.0.1:{port}"
            for report in office.examine(DEFAULTS):
                assert (report.route, report.route_source) == (f"http://127.0.0.1:{port}", "script")
                assert report.failure is not None
                assert report.failure.stage is Stage.PROXY

    def test_each_one_finds_the_way_anew(self, office: Office) -> None:
        """A person tests again after a change, perhaps of the network.

        A window does not watch the network.
        """
        office.setting[0] = Configuration(detect=True)
        for port in (1, 2):  # where nobody listens
            office.scripts[""] = f"PROXY 127.0.0.1:{port}"
            assert {report.route for report in office.examine(DEFAULTS)} == {f"http://127.0.0.1:{port}"}


class TestSaving:
    """The password goes with its user."""

    def test_it_is_kept_and_forgotten(self, office: Office) -> None:
        assert office.installation.proxy_password_saved() is False
        office.installation.save({"proxy.user": "marie"}, None, PASSWORD)
        assert office.installation.secrets.read_secret(PROXY_PASSWORD) == PASSWORD
        assert office.installation.proxy_password_saved() is True

        office.installation.save({"proxy.user": "paul"}, "key", None)
        assert office.installation.secrets.read_secret(PROXY_PASSWORD) == PASSWORD
        office.installation.save({"proxy.user": ""}, None)
        assert office.installation.proxy_password_saved() is False
        assert office.installation.licence_key() == "key"

    def test_what_does_not_fit_is_named(self, office: Office) -> None:
        with pytest.raises(RefusedError) as caught:
            office.installation.save({}, None, "x" * (LONGEST + 1))
        assert caught.value.refusal == refusals.SecretTooLong("proxy.password")
        assert caught.value.refusal.exit_code == exit_codes.USAGE

    def test_without_a_vault_nobody_knows(self, office: Office) -> None:
        assert replace(office.installation, secrets=NoVault()).proxy_password_saved() is None


@contextmanager
def recording_proxy() -> Iterator[tuple[int, SimpleQueue[str]]]:
    """A proxy that lets nobody through: its port, and whom it was asked for."""
    asked: SimpleQueue[str] = SimpleQueue()

    def refuse(connection: socket.socket) -> None:
        if head := request_of(connection):
            asked.put(head.split()[1].decode())
            connection.sendall(page("403 Forbidden"))

    with raw_server(refuse) as raw:
        yield raw.port, asked


@dataclass
class Hours:
    """A clock that the test moves."""

    seconds: float = 0.0

    def __call__(self) -> machine.Moment:
        return machine.Moment(1e9 + self.seconds, self.seconds)

    def steady(self) -> float:
        return self.seconds


@dataclass(frozen=True)
class TimedOffice(Office):
    """An office whose memory of refusals goes by the test's clock."""

    clock: Hours = field(default_factory=Hours)

    @cached_property
    def verdicts(self) -> SecretVerdicts:
        return SecretVerdicts(self.clock.steady)


@contextmanager
def refusing_proxy(refusal: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """A proxy that refuses every password: its address, and what it was given."""
    passwords: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        while head := request_of(connection):
            given = re.search(rb"\r\nProxy-Authorization: (.*)\r\n", head)
            if given is None:
                connection.sendall(ASKING)
            else:
                passwords.append(given[1])
                connection.sendall(refusal)

    with raw_server(refuse) as raw:
        yield raw.address, passwords


ASKING = page("407 Proxy Authentication Required", b"", 'Proxy-Authenticate: Basic realm="x"')
REFUSALS = [ASKING, page("401 Unauthorized", b"", 'WWW-Authenticate: Basic realm="Tinyproxy"')]


@pytest.mark.parametrize("refusal", REFUSALS)
class TestRefusedPassword:
    """An account may be locked after a few wrong passwords: each try counts."""

    @staticmethod
    def configured(office: Office, proxy: str) -> Settings:
        """Save settings with a licence and the proxy's user and password."""
        office.installation.secrets.write_secret(PROXY_PASSWORD, PASSWORD)
        changes = {
            "connection.authentication": str(SERVER),
            "licence.number": "IEA-1",
            "proxy.mode": "manual",
            "proxy.address": proxy,
            "proxy.user": "marie",
        }
        office.installation.save(changes, "key")
        return office.installation.storage.load().effective.settings

    def test_the_test_and_its_repairs_show_it_once(self, office: Office, refusal: bytes) -> None:
        with refusing_proxy(refusal) as (address, passwords):
            office.setting[0] = Configuration(servers=address.removeprefix("http://"))
            settings = self.configured(office, address)
            reports = office.examine(settings)
            assert [report.failure and report.failure.problem for report in reports] == [
                problems.PROXY_REFUSES_PASSWORD
            ] * 2
            assert len(passwords) == 1
            office.repairs(settings, None, reports, lambda _repair: None, threading.Event())
            assert len(passwords) == 1

            office.examine(settings)
            assert len(passwords) == 2, "a person asked for it"
            office.examine(settings, proxy_password="another")
            assert len(passwords) == 3

    def test_the_agent_shows_it_four_times_an_hour_at_most(self, office: Office, refusal: bytes) -> None:
        """Networks that change and sleep bring attempts, but not the password."""
        clock = Hours()
        timed = TimedOffice(office.installation, office.setting, office.scripts, clock)
        with refusing_proxy(refusal) as (address, passwords):
            self.configured(timed, address)
            agent = Agent(timed, clock)
            attempts = self.drive(agent, clock, 3600)
            assert attempts > 30
            assert 2 <= len(passwords) <= 4
            assert agent.loop.snapshot.problem is problems.PROXY_REFUSES_PASSWORD

            before = len(passwords)
            agent.loop.take(machine.ReauthenticationRequested())
            self.drive(agent, clock, 5)
            assert len(passwords) == before + 1, "a click tries at once"

    @staticmethod
    def drive(agent: Agent, clock: Hours, seconds: float) -> int:
        """Let *seconds* pass, with a change of network every minute; count the attempts."""
        loop, end, changed = agent.loop, clock.seconds + seconds, clock.seconds
        first = loop.snapshot.run
        loop.take(machine.Started())
        while clock.seconds < end:
            if loop.snapshot.working:
                loop.turn(SECONDS)
                continue
            clock.seconds += min(max(loop.idle_seconds(), 0.1), 10.0)
            if clock.seconds - changed > 60:
                changed = clock.seconds
                loop.post(machine.AddressesChanged())
            loop.turn()
        return loop.snapshot.run - first


class TestAgent:
    """The resident agent between two proxies, each real."""

    @pytest.fixture
    def running(self) -> Iterator[ExitStack]:
        with ExitStack() as running:
            yield running

    @pytest.fixture
    def agent(self, office: Office, running: ExitStack) -> Agent:
        """One with a licence, not yet started."""
        office.installation.save({"licence.number": "IEA-1", "connection.authentication": str(SERVER)}, "key")
        agent = Agent(office, now)
        loop = threading.Thread(target=agent.loop.run)

        def end() -> None:
            agent.loop.post(machine.QuitRequested())
            if loop.ident is not None:
                loop.join(SECONDS)

        running.callback(end)
        loop.start()
        return agent

    def test_after_a_change_of_network_the_script_is_asked_anew(
        self, office: Office, agent: Agent, running: ExitStack
    ) -> None:
        (first, at_first), (second, at_second) = (
            running.enter_context(recording_proxy()),
            running.enter_context(recording_proxy()),
        )
        office.setting[0] = Configuration(detect=True)
        office.scripts[""] = f"PROXY 127.0.0.1:{first}"
        agent.loop.post(machine.Started())
        assert at_first.get(timeout=SECONDS) == "serveur.example:443"

        office.scripts[""] = f"PROXY 127.0.0.1:{second}"
        agent.loop.post(machine.RetryDue())
        assert at_first.get(timeout=SECONDS) == "serveur.example:443", "the answer is kept meanwhile"

        agent.loop.post(machine.NetworkChanged())
        assert at_second.get(timeout=SECONDS) == "serveur.example:443"

    def test_after_a_failure_the_setting_is_read_anew(
        self, office: Office, agent: Agent, running: ExitStack
    ) -> None:
        (first, at_first), (second, at_second) = (
            running.enter_context(recording_proxy()),
            running.enter_context(recording_proxy()),
        )
        office.setting[0] = Configuration(servers=f"127.0.0.1:{first}")
        agent.loop.post(machine.Started())
        assert at_first.get(timeout=SECONDS) == "serveur.example:443"

        office.setting[0] = Configuration(servers=f"127.0.0.1:{second}")
        agent.loop.post(machine.RetryDue())
        assert at_second.get(timeout=SECONDS) == "serveur.example:443"
