"""When the agent signs in, and when a heartbeat that costs nothing is enough."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from iea_agent.assembly.authenticator import Authenticator
from iea_agent.assembly.issuer_record import IssuerRecord
from iea_agent.assembly.saving import ACCOUNTS
from iea_agent.assembly.start import now
from iea_agent.domain import problems
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Certificate, Failure
from iea_agent.domain.machine import Moment
from iea_agent.domain.proxy_password import ProxyPassword
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.host.storage import Folders, Storage
from iea_agent.loop import Attempt
from iea_agent.services.https import Client
from iea_sandbox.record import RecordedRequest
from iea_sandbox.world import World
from tests.assembly.test_authenticator import OwnInstallation, SandboxServers
from tests.services.conftest import resolving

NOON = 1_790_000_000.0
DISCOVERY, TOKEN = "GET discovery", "POST token"


@dataclass
class Office:
    """An installation whose attempts are made at times that the test sets."""

    world: World
    installation: OwnInstallation
    settings: Settings
    seconds: float = 0.0
    run: int = 0

    def __post_init__(self) -> None:
        self.attempts: SimpleQueue[Attempt] = SimpleQueue()
        self.authenticator = Authenticator(
            SandboxServers(self.installation, self.world),
            self.settings,
            self.attempts.put,
            lambda: Moment(NOON + self.seconds, self.seconds),
            lambda: 0.5,
        )

    def attempt(self, at: float, *, looking: bool = False) -> Failure | None:
        """Make an attempt at *at* seconds, and return its failure."""
        self.seconds = at
        self.run += 1
        self.world.requests.clear()
        begin = self.authenticator.look if looking else self.authenticator.begin
        begin(self.run)
        attempt = self.attempts.get(timeout=30)
        assert attempt.run == self.run
        return attempt.failure

    def asked(self) -> list[str]:
        """What the server was asked by the last attempt."""
        return [TOKEN if r.method == "POST" else DISCOVERY for r in self.requests()]

    def requests(self) -> list[RecordedRequest]:
        return self.world.requests.select("auth")


@pytest.fixture
def office(world: World, tmp_path: Path) -> Iterator[Office]:
    """An office whose server gives tokens for an hour."""
    folders = Folders.locate({"IEA_AGENT_HOME": str(tmp_path)})
    installation = OwnInstallation(folders, Storage(folders))
    licence = world.licence()
    installation.vault.write_secret(ACCOUNTS["licence.key"], licence.key)
    settings = replace(
        DEFAULTS,
        authentication=world.authentication.address,
        updates=world.updates.address,
        licence_number=licence.number,
        ca_file=str(world.ca_file),
        proxy_mode=ProxyMode.NONE,
    )
    lifetime, world.authentication.lifetime = world.authentication.lifetime, 3600
    office = Office(world, installation, settings)
    yield office
    world.authentication.lifetime = lifetime
    office.authenticator.renew(settings)


def test_a_day_has_a_sign_in_each_half_hour_and_a_heartbeat_each_minute(office: Office) -> None:
    sign_ins = []
    for minute in range(0, 24 * 60, 10):
        assert office.attempt(60.0 * minute) is None
        if TOKEN in office.asked():
            sign_ins.append(minute)
        else:
            assert office.asked() == [DISCOVERY]
    assert sign_ins == list(range(0, 24 * 60, 30))


def test_a_heartbeat_carries_no_secret_and_gets_no_document(office: Office) -> None:
    office.attempt(0)
    office.attempt(60)
    office.world.connections.clear()
    office.attempt(120)
    (request,) = office.requests()
    assert "authorization" not in request.headers
    assert request.body == b""
    assert request.headers["if-none-match"]
    assert len(office.world.connections) == 0, "it uses the open connection"


@pytest.mark.parametrize(("lifetime", "renews_at"), [(60, 300), (300, 300), (600, 480), (86_400, 1800)])
def test_sign_ins_follow_the_life_of_the_token(office: Office, lifetime: int, renews_at: float) -> None:
    office.world.authentication.lifetime = lifetime
    office.attempt(0)
    office.attempt(renews_at - 1)
    assert office.asked() == [DISCOVERY]
    office.attempt(renews_at)
    assert office.asked() == [TOKEN]


@pytest.mark.parametrize("how", ["refuse", "503", "404", "issuer-mismatch", "expired-cert", "web-page"])
def test_a_heartbeat_meets_what_a_test_would_meet(office: Office, how: str) -> None:
    assert office.attempt(0) is None
    office.world.break_("auth", how)
    failure = office.attempt(60)
    assert failure is not None
    assert TOKEN not in office.asked()
    again = Office(office.world, office.installation, office.settings).attempt(0)
    assert again is not None
    assert failure.problem is again.problem


def test_a_document_that_changes_is_read_again(office: Office) -> None:
    office.attempt(0)
    office.attempt(60)
    office.world.break_("auth", "clear-token-endpoint")
    failure = office.attempt(120)
    assert failure is not None
    assert failure.problem is problems.KEY_ASKED_IN_CLEAR


def test_a_revoked_licence_is_noticed_at_the_next_sign_in(office: Office) -> None:
    office.attempt(0)
    office.world.break_("auth", "refused")
    assert office.attempt(1799) is None
    failure = office.attempt(1800)
    assert failure is not None
    assert failure.problem is problems.AUTHORISATION_REFUSED


def test_a_refused_licence_is_shown_again_after_15_minutes_or_on_request_only(office: Office) -> None:
    office.world.break_("auth", "refused")
    sign_ins = []
    for second in range(0, 3600, 30):
        # the network changes all the time, and each change brings an attempt
        office.authenticator.renew(office.settings)
        failure = office.attempt(second)
        assert failure is not None
        assert failure.problem is problems.AUTHORISATION_REFUSED
        if TOKEN in office.asked():
            sign_ins.append(second)
    assert sign_ins == [0, 900, 1800, 2700]
    office.authenticator.renew(office.settings, sign_in=True)
    office.attempt(3601)
    assert TOKEN in office.asked(), "a person asked for it"
    office.world.mend()
    office.attempt(3602)
    assert TOKEN not in office.asked(), "by itself it still waits"
    office.authenticator.renew(office.settings, sign_in=True)
    assert office.attempt(3603) is None


def test_a_refused_licence_does_not_hide_that_the_server_is_gone(office: Office) -> None:
    office.world.break_("auth", "refused")
    office.attempt(0)
    office.world.mend()
    office.world.break_("auth", "refuse")
    failure = office.attempt(60)
    assert failure is not None
    assert failure.problem is problems.CONNECTION_REFUSED


def test_a_token_that_still_holds_when_the_server_returns_is_used_and_renewed_later(office: Office) -> None:
    office.attempt(0)
    office.world.break_("auth", "refuse")
    assert office.attempt(1790) is not None
    assert office.attempt(2400) is not None
    office.world.mend()
    assert office.attempt(2410) is None
    assert office.asked() == [DISCOVERY]
    office.attempt(2410 + 299)
    assert office.asked() == [DISCOVERY]
    office.attempt(2410 + 300)
    assert office.asked() == [TOKEN]


def test_a_token_that_has_ended_when_the_server_returns_is_renewed(office: Office) -> None:
    office.attempt(0)
    office.world.break_("auth", "refuse")
    office.attempt(1800)
    office.world.mend()
    assert office.attempt(3600) is None
    assert TOKEN in office.asked()


def test_a_changed_network_keeps_the_token_and_a_person_gets_a_new_one(office: Office) -> None:
    office.attempt(0)
    office.authenticator.renew(office.settings)
    office.attempt(10)
    assert office.asked() == [DISCOVERY]
    office.authenticator.renew(office.settings, sign_in=True)
    office.attempt(20)
    assert TOKEN in office.asked()
    office.authenticator.renew(replace(office.settings, secure=not office.settings.secure))
    office.attempt(30)
    assert TOKEN in office.asked()


def test_another_licence_signs_in(office: Office) -> None:
    office.attempt(0)
    office.installation.vault.write_secret(ACCOUNTS["licence.key"], office.world.licence("second").key)
    office.authenticator.renew(office.settings)
    failure = office.attempt(10)
    assert failure is not None
    assert failure.problem is problems.LICENCE_NOT_RECOGNISED


def test_another_licence_than_the_refused_one_signs_in_at_once(office: Office) -> None:
    account = ACCOUNTS["licence.key"]
    right = office.installation.vault.read_secret(account)
    office.installation.vault.write_secret(account, "K3Y-FAUX-0000-0000")
    failure = office.attempt(0)
    assert failure is not None
    assert failure.problem is problems.LICENCE_NOT_RECOGNISED
    assert right is not None
    office.installation.vault.write_secret(account, right)
    office.authenticator.renew(office.settings)
    assert office.attempt(10) is None


# what the token endpoint alone refuses, and for how long


def keep_busy(office: Office) -> None:
    """Let the server answer discovery, but ask for an hour before a sign-in."""
    office.world.break_("auth", "503", at="/token", retry_after=3600)


def test_a_busy_token_endpoint_does_not_end_a_connection_whose_token_holds(office: Office) -> None:
    office.attempt(0)
    keep_busy(office)
    assert office.attempt(1800) is None
    assert office.asked() == [TOKEN, DISCOVERY]
    assert office.attempt(1860) is None
    assert office.asked() == [DISCOVERY], "the sign-in is put off as long as the server asks"
    failure = office.attempt(3600)
    assert failure is not None
    assert failure.problem is problems.SERVER_IN_MAINTENANCE


def test_a_look_does_not_ask_for_a_token_before_the_server_wants_it(office: Office) -> None:
    keep_busy(office)
    failure = office.attempt(0)
    assert failure is not None
    assert office.asked() == [DISCOVERY, TOKEN]
    assert office.attempt(3599, looking=True) == failure
    assert office.asked() == [DISCOVERY]
    office.world.mend()
    assert office.attempt(3600, looking=True) is None
    assert office.asked() == [DISCOVERY, TOKEN]


# an attempt owns what it uses


class PausedRecord(IssuerRecord):
    """A record at which an attempt that has succeeded pauses until it is let."""

    def __init__(self) -> None:
        self.reached, self.let = Event(), Event()
        self.certificates: list[Certificate | None] = []

    def record_accepted(self, _address: str, certificate: Certificate | None, _now: float) -> None:
        self.reached.set()
        assert self.let.wait(30)
        self.certificates.append(certificate)

    def record_endpoint(self, _address: str, _endpoint: str, _now: float) -> None:
        """Do nothing: this test is about certificates."""


@dataclass(frozen=True)
class PausedServers(SandboxServers):
    """Servers that count the clients that are closed, with a record that pauses."""

    record: PausedRecord = field(default_factory=PausedRecord)
    closed: SimpleQueue[Client] = field(default_factory=SimpleQueue)

    @cached_property
    def issuers(self) -> IssuerRecord:
        return self.record

    def connect(
        self, settings: Settings, proxy_password: ProxyPassword | None = None
    ) -> Callable[[Address], Client]:
        assert self.world is not None
        resolve, closed = resolving(self.world.names.port), self.closed

        class CountedClient(Client):
            def close(self) -> None:
                super().close()
                closed.put(self)

        def make_client(address: Address) -> Client:
            return CountedClient(self.route(settings, address, proxy_password), resolve=resolve)

        return make_client


def test_a_connection_that_is_renewed_leaves_the_attempt_under_way_its_own(office: Office) -> None:
    servers = PausedServers(office.installation, office.world)
    authenticator = Authenticator(servers, office.settings, office.attempts.put, now, lambda: 0.5)
    authenticator.begin(1)
    assert servers.record.reached.wait(30)
    authenticator.renew(office.settings)
    servers.record.let.set()
    assert office.attempts.get(timeout=30) == Attempt(1, None)
    assert servers.record.certificates[0] is not None
    # the attempt closes it, since nobody else may
    assert servers.closed.get(timeout=30)
