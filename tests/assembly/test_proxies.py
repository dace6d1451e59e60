"""The route to a server by settings, system and vault.

It is found again when the network changes.
"""

from __future__ import annotations

import json
import logging
import re
import socket
import threading
import time
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
from iea_agent.domain.diagnosis import Certificate, EndpointChange, Interception, Stage, StageOutcome
from iea_agent.domain.evidence import ProxyScript
from iea_agent.domain.problems import Problem
from iea_agent.domain.proxy_choice import (
    Choice,
    Configuration,
    ScriptFault,
    ScriptUnusable,
    Source,
)
from iea_agent.domain.proxy_password import ProxyPassword
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.host.storage import Folders, Storage
from iea_agent.host.system_proxy import ConfiguredProxies, SystemProxies
from iea_agent.host.vault import LONGEST, SecretLengthError, Vault, VaultUnavailable
from iea_agent.services.https import HttpsError
from iea_agent.services.network import Credentials
from iea_agent.services.secret_verdicts import SecretVerdicts
from iea_agent.shell.dialogs import typed_settings
from iea_agent.shell.wording import balloon_text
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
    """An installation whose vault, proxy setting and scripts are the test's."""

    secrets: Vault = field(default_factory=Secrets)
    setting: list[Configuration] = field(default_factory=lambda: [Configuration()])
    scripts: dict[str, str] = field(default_factory=dict)

    @cached_property
    def vault(self) -> Vault:
        return self.secrets

    @cached_property
    def proxies(self) -> SystemProxies:
        return ConfiguredProxies(lambda: self.setting[0], self._ask)

    def _ask(self, script: str, _address: Address) -> str:
        if script not in self.scripts:
            raise ScriptUnusable("WinHTTP error 12167")
        return self.scripts[script]


@dataclass(frozen=True)
class Office(Servers):
    """The servers of an installation; proxy setting and scripts are the test's."""

    installation: OfficeInstallation

    @property
    def setting(self) -> list[Configuration]:
        """The system's setting, which the test replaces."""
        return self.installation.setting

    @property
    def scripts(self) -> dict[str, str]:
        """What the proxy scripts answer, by their address."""
        return self.installation.scripts

    def keep(self, proxy: str, password: str = PASSWORD) -> None:
        """Save *password* in the vault, for *proxy*."""
        self.installation.secrets.write_secret(PROXY_PASSWORD, ProxyPassword(proxy, password).to_secret())


class ScriptOfTheOffice:
    """A system whose script is out of reach, also for this machine's own servers."""

    def choose(self, _address: Address) -> Choice:
        reason = "WinHTTP error 12167"
        fault = ScriptFault("http://pac.example/p.pac", reason)
        return Choice(None, Source.NONE, f"script unusable: {reason}", fault)

    def find_fixed(self, _address: Address) -> Address | None:
        return None

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
        office.keep(str(PROXY))
        assert office.route(settings, SERVER).credentials == Credentials("marie", PASSWORD)
        typed = ProxyPassword(str(PROXY), "typed")
        assert office.route(settings, SERVER, typed).credentials == Credentials("marie", "typed")
        assert office.route(MANUAL, SERVER).credentials is None, "there is no user"
        assert PASSWORD not in repr(office.route(settings, SERVER))

    def test_also_for_the_systems_proxy(self, office: Office) -> None:
        office.keep("http://systeme.example:8080")
        settings = replace(DEFAULTS, proxy_user="marie")
        assert office.route(settings, SERVER).credentials is None, "there is no proxy"
        office.setting[0] = Configuration(servers="systeme.example:8080")
        assert office.route(settings, SERVER).credentials == Credentials("marie", PASSWORD)

    @pytest.mark.parametrize(
        "setting",
        [
            Configuration(detect=True),
            Configuration(script="http://pac.example/p.pac"),
            Configuration(script="file://partage/p.pac"),
            Configuration(detect=True, servers="bureau.example:3128"),
        ],
    )
    @pytest.mark.parametrize("named", ["", "http://cafe.example:8080"])
    def test_never_to_a_proxy_that_the_network_may_have_named(
        self, office: Office, setting: Configuration, named: str
    ) -> None:
        """Not even where its address is the saved one: any café may name any proxy."""
        office.keep("http://cafe.example:8080")
        office.setting[0] = setting
        office.scripts.update(dict.fromkeys(("", setting.script), "PROXY cafe.example:8080"))
        settings = replace(DEFAULTS, proxy_user="marie", proxy_address=named)
        route = office.route(settings, SERVER)
        assert (route.proxy, route.credentials) == (parse("http://cafe.example:8080"), None)
        assert not route.is_proxy_trusted, "nor does it learn who is signed in to Windows"
        typed = office.give_password(settings, "typed")
        assert office.route(settings, SERVER, typed).credentials is None

    @pytest.mark.parametrize("script", ["https://pac.example/p.pac", "file:///C:/proxy.pac"])
    def test_to_one_that_a_script_names_which_nobody_can_change(self, office: Office, script: str) -> None:
        office.keep(str(PROXY))
        office.setting[0] = Configuration(script=script)
        office.scripts[script] = "PROXY mandataire.example:3128"
        settings = replace(DEFAULTS, proxy_user="marie", proxy_address=str(PROXY))
        assert office.route(settings, SERVER).credentials == Credentials("marie", PASSWORD)

    def test_only_to_the_proxy_for_which_it_was_given(self, office: Office) -> None:
        office.keep(str(PROXY))
        settings = replace(MANUAL, proxy_user="marie", proxy_address="http://autre.example:3128")
        assert office.route(settings, SERVER).credentials is None
        office.setting[0] = Configuration(servers="systeme.example:8080")
        by_system = replace(settings, proxy_mode=ProxyMode.SYSTEM)
        assert office.route(by_system, SERVER).credentials is None
        # what was typed for the proxy in the settings is not for the one of a repair
        typed = office.give_password(settings, "typed")
        assert office.route(settings, SERVER, typed).credentials == Credentials("marie", "typed")
        assert office.route(by_system, SERVER, typed).credentials is None

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
            for script, source in (("https://p", "script"), ("http://p", "open-script")):
                office.setting[0] = Configuration(script=script)
                office.scripts[script] = f"SOCKS s:1; PROXY 127.0.0.1:{port}"
                for report in office.examine(DEFAULTS):
                    assert (report.route, report.route_source) == (f"http://127.0.0.1:{port}", source)
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


class TestCafe:
    """A rogue Wi-Fi offers a proxy that asks for a password."""

    @pytest.mark.parametrize("script", ["", "http://pac.example/p.pac"])
    def test_is_told_nothing_by_the_test_the_agent_or_the_repairs(self, office: Office, script: str) -> None:
        with refusing_proxy(ASKING) as (address, passwords):
            settings = self.at_home(office)
            office.setting[0] = Configuration(detect=not script, script=script)
            office.scripts[script] = f"PROXY {address.removeprefix('http://')}"
            reports = office.examine(settings)
            for report in reports:
                assert report.cause is not None
                assert report.cause.problem is problems.OFFERED_PROXY_WANTS_PASSWORD
            assert typed_settings.find_asking_proxy(settings, reports, "") == "", "the dialog does not ask"
            # as if it had: the address of the café beside the saved name, and a password typed
            taken = replace(settings, proxy_address=address)
            office.examine(taken)
            office.examine(taken, proxy_password="typed")
            office.repairs(taken, "typed", reports, lambda _repair: None, threading.Event())
            agent = Agent(office, Hours())
            agent.loop.take(machine.Started())
            while agent.loop.snapshot.working:
                agent.loop.turn(SECONDS)
            assert agent.loop.snapshot.problem is problems.OFFERED_PROXY_WANTS_PASSWORD
        assert passwords == []

    @staticmethod
    def at_home(office: Office) -> Settings:
        """Save a licence, and name and password of the office's proxy."""
        changes = {"connection.authentication": str(SERVER), "licence.number": "IEA-1", "proxy.user": "marie"}
        office.setting[0] = Configuration(servers="bureau.example:3128")
        office.installation.save(changes, "key", PASSWORD)
        return office.installation.storage.load().effective.settings


def test_the_key_never_crosses_a_proxy_in_clear_not_even_to_this_machine(office: Office) -> None:
    """Plain http to this machine is safe only if it stays there."""
    seen: SimpleQueue[bytes] = SimpleQueue()

    def serve(connection: socket.socket) -> None:
        while head := request_of(connection):
            seen.put(head)
            issuer = "http://localhost:8000"
            document = {"issuer": issuer, "token_endpoint": f"{issuer}/token"}
            connection.sendall(
                page("200 OK", json.dumps(document).encode(), "Content-Type: application/json")
            )

    with raw_server(serve) as proxy:
        changes = {
            "connection.secure": False,
            "connection.authentication": "http://localhost:8000",
            "licence.number": "IEA-1",
            "proxy.mode": "manual",
            "proxy.address": proxy.address,
        }
        office.installation.save(changes, "S3CRET")
        settings = office.installation.storage.load().effective.settings
        tested = office.examine(settings)[0]
        assert tested.failure is not None
        assert (tested.failure.stage, tested.failure.problem) == (Stage.ADDRESS, problems.SENT_IN_CLEAR)
        agent = Agent(office, Hours())
        agent.loop.take(machine.Started())
        while agent.loop.snapshot.working:
            agent.loop.turn(SECONDS)
        assert agent.loop.snapshot.problem is problems.SENT_IN_CLEAR
    while not seen.empty():
        assert b"authorization" not in seen.get().lower()


def test_a_change_of_a_connection_that_works_is_announced_once(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Not again at the next start either: the status has it."""
    caplog.set_level(logging.INFO, "iea_agent.agent")
    agent = Agent(office, Hours())

    def announced() -> list[str]:
        agent.publish(agent.loop.snapshot)
        agent.publish(agent.loop.snapshot)
        titles = [record.fields["title"] for record in caplog.records if record.message == "balloon"]  # type: ignore[attr-defined]
        caplog.clear()
        return titles

    usual, interceptor = (Certificate("a.fr", issuer, 0.0, 1.0, "00") for issuer in ("Certigna", "Zscaler"))
    office.issuers.record_accepted(DEFAULTS.authentication, usual, 1e9)
    assert announced() == []
    office.issuers.record_accepted(DEFAULTS.authentication, interceptor, 1e9)
    assert announced() == [balloon_text.build_notice_balloon(Interception("", "", 0.0)).title]
    agent = Agent(office, Hours())
    assert announced() == []
    for endpoint in ("https://a.fr/token", "https://a.fr/autre"):
        office.issuers.record_endpoint(DEFAULTS.authentication, endpoint, time.time())
    assert announced() == [balloon_text.build_notice_balloon(EndpointChange("", "", 0.0)).title]


class TestSaving:
    """The password goes with its user."""

    def test_it_is_kept_and_forgotten(self, office: Office) -> None:
        installation = office.installation
        assert installation.password_proxy() == ""
        installation.save({"proxy.user": "marie", "proxy.address": str(PROXY)}, None, PASSWORD)
        assert installation.proxy_password() == ProxyPassword(str(PROXY), PASSWORD)
        assert installation.password_proxy() == str(PROXY)

        installation.save({"proxy.user": "paul"}, "key", None)
        assert installation.password_proxy() == str(PROXY)
        installation.save({"proxy.address": "http://autre.example:3128"}, None)
        assert installation.password_proxy() == str(PROXY), "it is not for another proxy"
        installation.save({"proxy.user": ""}, None)
        assert installation.password_proxy() == ""
        assert installation.licence_key() == "key"

    def test_without_an_address_it_is_for_the_fixed_setting_of_now(self, office: Office) -> None:
        with pytest.raises(RefusedError) as caught:
            office.installation.save({"proxy.user": "marie"}, None, PASSWORD)
        assert caught.value.refusal == refusals.ProxyAddressMissing("proxy.password")
        assert office.installation.storage.load().effective.settings.proxy_user == ""
        # what the network offers is none
        office.setting[0] = Configuration(detect=True, servers="bureau.example:3128")
        office.scripts[""] = "PROXY cafe.example:8080"
        office.installation.save({"proxy.user": "marie"}, None, PASSWORD)
        assert office.installation.password_proxy() == "http://bureau.example:3128"

    def test_what_does_not_fit_is_named(self, office: Office) -> None:
        with pytest.raises(RefusedError) as caught:
            office.installation.save({"proxy.address": str(PROXY)}, None, "x" * (LONGEST + 1))
        assert caught.value.refusal == refusals.SecretTooLong("proxy.password")
        assert caught.value.refusal.exit_code == exit_codes.USAGE

    def test_without_a_vault_nobody_knows(self, office: Office) -> None:
        assert replace(office.installation, secrets=NoVault()).password_proxy() is None


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
        changes = {
            "connection.authentication": str(SERVER),
            "licence.number": "IEA-1",
            "proxy.mode": "manual",
            "proxy.address": proxy,
            "proxy.user": "marie",
        }
        office.installation.save(changes, "key", PASSWORD)
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

    @pytest.mark.linux  # the same code everywhere, on a driven clock
    def test_the_agent_shows_it_four_times_an_hour_at_most(self, office: Office, refusal: bytes) -> None:
        """Networks that change and sleep bring attempts, but not the password."""
        clock = Hours()
        timed = TimedOffice(office.installation, clock)
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
