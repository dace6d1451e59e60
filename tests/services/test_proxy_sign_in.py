"""Signing in at a proxy by several messages on one connection (NTLM, Negotiate)."""

from __future__ import annotations

import socket
from base64 import b64encode
from dataclasses import dataclass, field

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.services.https import Client
from iea_agent.services.messages import Request
from iea_agent.services.network import Credentials, Route
from iea_agent.services.proxy_sign_in import Exchange
from iea_agent.services.secret_verdicts import SecretVerdicts
from iea_sandbox.world import World
from tests.services.conftest import PATIENT, Raw, Serve, page, proxy, request_of
from tests.services.ntlm import NtlmProxy
from tests.services.test_https import DISCOVERY, failure_of

MARIE = Credentials("marie", "secret")
BEGIN = b"NTLMSSP\0\x01\0\0\0"


@dataclass
class Played:
    """A sign-in whose first message is right and whose last proves nothing."""

    asked: tuple[str, str, str, str]
    tokens: list[bytes] = field(default_factory=list)
    is_closed: bool = False

    def respond(self, token: bytes) -> bytes:
        self.tokens.append(token)
        return b"NTLMSSP\0\x03\0\0\0" + bytes(80) if token else BEGIN

    def close(self) -> None:
        self.is_closed = True


@dataclass
class System:
    """A system with the Windows sign-in, for a person who *is_known* to the domain."""

    is_known: bool = True
    exchanges: list[Played] = field(default_factory=list)

    def begin(self, package: str, host: str, user: str, password: str) -> Exchange:
        if not self.is_known:
            raise OSError("nobody is signed in")
        self.exchanges.append(Played((package, host, user, password)))
        return self.exchanges[-1]


def client(
    between: Raw,
    system: System,
    credentials: Credentials | None = None,
    *,
    trusted: bool = True,
    verdicts: SecretVerdicts | None = None,
) -> Client:
    """Return a client behind a proxy, on *system*."""
    route = Route(parse(between.address), credentials=credentials, is_proxy_trusted=trusted)
    return Client(route, limits=PATIENT, sign_in=system.begin, verdicts=verdicts)


SERVER = "https://serveur.example"


class TestWrongPassword:
    """The proxy wants NTLM and refuses what it gets."""

    def test_all_messages_go_over_one_connection_once(self, serve: Serve) -> None:
        system, proxy = System(), NtlmProxy("marie", "another")
        with client(serve(proxy), system, MARIE) as ours:
            failure = failure_of(ours, SERVER)
        assert failure.problem is problems.PROXY_REFUSES_PASSWORD
        assert [[message[8] for message in messages] for messages in proxy.received] == [[1, 3]]
        (exchange,) = system.exchanges
        assert exchange.asked == ("ntlm", "localhost", "marie", "secret")
        assert exchange.tokens[1].startswith(b"NTLMSSP\0\x02\0\0\0")
        assert exchange.is_closed

    def test_it_is_not_shown_again_by_itself(self, serve: Serve) -> None:
        system, proxy, verdicts = System(), NtlmProxy("marie", "another"), SecretVerdicts()
        between = serve(proxy)
        for _ in range(3):
            with client(between, system, MARIE, verdicts=verdicts) as ours:
                assert failure_of(ours, SERVER).problem is problems.PROXY_REFUSES_PASSWORD
        assert len(system.exchanges) == 1

    def test_the_person_who_is_signed_in_is_asked_for_a_password_then(self, serve: Serve) -> None:
        system, proxy, verdicts = System(), NtlmProxy("marie", "another"), SecretVerdicts()
        between = serve(proxy)
        for _ in range(2):
            with client(between, system, verdicts=verdicts) as ours:
                assert failure_of(ours, SERVER).problem is problems.PROXY_WANTS_PASSWORD
        assert [exchange.asked for exchange in system.exchanges] == [("ntlm", "localhost", "", "")]


@pytest.mark.parametrize(("scheme", "messages"), [("NTLM", 2), ("Negotiate", 5)])
def test_a_proxy_that_asks_on_and_on_gets_no_further_try(serve: Serve, scheme: str, messages: int) -> None:
    system = System()
    token = b64encode(b"NTLMSSP\0\x02\0\0\0").decode()
    asking = page("407 Who", b"", f"Proxy-Authenticate: {scheme} {token}")

    def ask(connection: socket.socket) -> None:
        while request_of(connection):
            connection.sendall(asking)

    with client(serve(ask), system, MARIE) as ours:
        assert failure_of(ours, SERVER).problem is problems.PROXY_REFUSES_PASSWORD
    assert [len(exchange.tokens) for exchange in system.exchanges] == [messages]


@pytest.mark.parametrize("credentials", [None, MARIE])
def test_a_proxy_that_nobody_set_does_not_learn_who_is_signed_in(
    serve: Serve, credentials: Credentials | None
) -> None:
    system, proxy = System(), NtlmProxy("marie", "secret")
    with client(serve(proxy), system, credentials, trusted=False) as ours:
        failure = failure_of(ours, SERVER)
    assert failure.problem is problems.PROXY_WANTS_PASSWORD
    assert (system.exchanges, proxy.received) == ([], [[]])


def test_where_nobody_is_signed_in_a_password_is_asked_for(serve: Serve) -> None:
    with client(serve(NtlmProxy("marie", "secret")), System(is_known=False)) as ours:
        assert failure_of(ours, SERVER).problem is problems.PROXY_WANTS_PASSWORD


def test_a_scheme_that_the_proxy_does_not_go_on_with_gives_way(serve: Serve) -> None:
    """Squid's Kerberos helper knows no NTLM inside Negotiate."""
    system = System()
    proxy = NtlmProxy(
        "marie", "secret", scheme="NTLM", more=("Proxy-Authenticate: Negotiate", "Proxy-Authenticate: Basic")
    )
    with client(serve(proxy), system, MARIE) as ours:
        failure_of(ours, SERVER)
    assert [exchange.asked[0] for exchange in system.exchanges] == ["negotiate", "ntlm"]
    assert proxy.received[0][0] == b"Negotiate"


def test_over_plain_http_too(serve: Serve) -> None:
    system, proxy = System(), NtlmProxy("marie", "another")
    with client(serve(proxy), system, MARIE) as ours:
        assert failure_of(ours, "http://serveur.example").problem is problems.PROXY_REFUSES_PASSWORD
    assert [[message[8] for message in messages] for messages in proxy.received] == [[1, 3], []], (
        "the second is asked for a tunnel, to see who asks"
    )


def test_a_server_that_asks_in_the_proxys_name_gets_nothing(serve: Serve) -> None:
    """tinyproxy hands its answer back, and the next request on."""
    heads: list[bytes] = []

    def hand_on(connection: socket.socket) -> None:
        while head := request_of(connection):
            heads.append(head)
            if head.startswith(b"CONNECT "):
                connection.sendall(page("502 Bad Gateway"))
            else:
                connection.sendall(page("407 Who", b"", 'Proxy-Authenticate: Basic realm="x"'))

    with client(serve(hand_on), System(), MARIE) as ours:
        assert failure_of(ours, "http://serveur.example/").problem is problems.PROXY_WANTS_PASSWORD
    assert [head.split()[0] for head in heads] == [b"GET", b"CONNECT"]
    assert b"Proxy-Authorization" not in b"".join(heads)


def test_a_proxy_that_asks_for_nothing_learns_nothing(serve: Serve, world: World) -> None:
    system = System()
    between = serve(proxy())
    route = Route(parse(between.address), world.ca_file, MARIE, is_proxy_trusted=True)
    with Client(route, limits=PATIENT, sign_in=system.begin) as ours:
        assert ours.request(Request("GET", world.authentication.address + DISCOVERY)).status == 200
    assert system.exchanges == []
