"""The Windows sign-in by SSPI, at a proxy that checks the NTLMv2 response."""

from __future__ import annotations

import sys

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.services.https import Client
from iea_agent.services.messages import Request
from iea_agent.services.network import Credentials, Route
from iea_sandbox.world import World
from tests.services.conftest import PATIENT, Serve, serve
from tests.services.ntlm import NtlmProxy
from tests.services.test_https import DISCOVERY, failure_of

__all__ = ["serve"]

PASSWORD = "mot de passe : é€"

if sys.platform == "win32":
    from iea_agent.host.windows_sign_in import begin_exchange

    def behind(proxy: str, world: World, user: str, password: str) -> Client:
        """Return a client behind *proxy* that signs in by SSPI."""
        credentials = Credentials(user, password) if user else None
        route = Route(parse(proxy), world.ca_file, credentials, is_proxy_trusted=True)
        return Client(route, limits=PATIENT, sign_in=begin_exchange)

    @pytest.mark.parametrize("scheme", ["NTLM", "Negotiate"])
    @pytest.mark.parametrize("user", ["marie", "DOMAINE\\marie", "DOMAINE\\Zoé"])
    def test_the_right_password_opens_the_tunnel(world: World, serve: Serve, user: str, scheme: str) -> None:
        proxy = NtlmProxy(user.rpartition("\\")[2], PASSWORD, scheme)
        with behind(serve(proxy).address, world, user, PASSWORD) as client:
            reply = client.request(Request("GET", world.authentication.address + DISCOVERY))
        assert reply.status == 200
        assert [[message[8] for message in messages] for messages in proxy.received] == [[1, 3]]

    def test_a_wrong_password_is_shown_once(world: World, serve: Serve) -> None:
        proxy = NtlmProxy("marie", PASSWORD)
        with behind(serve(proxy).address, world, "marie", "un autre") as client:
            for _ in range(2):
                failure = failure_of(client, world.authentication.address + DISCOVERY)
                assert failure.problem is problems.PROXY_REFUSES_PASSWORD
        assert [len(messages) for messages in proxy.received] == [2, 0]
        assert "un autre".encode("utf-16-le") not in b"".join(proxy.received[0])

    def test_without_a_password_it_is_the_person_who_is_signed_in(world: World, serve: Serve) -> None:
        """Wine knows no password of that person, so its sign-in ends at the challenge."""
        proxy = NtlmProxy("marie", PASSWORD)
        with behind(serve(proxy).address, world, "", "") as client:
            failure = failure_of(client, world.authentication.address + DISCOVERY)
        assert failure.problem is problems.PROXY_WANTS_PASSWORD
        assert [[message[8] for message in messages] for messages in proxy.received] == [[1]]

    def test_an_unknown_package_is_an_error() -> None:
        with pytest.raises(OSError, match="SSPI error 0x8009"):
            begin_exchange("Inconnu", "proxy.example", "marie", PASSWORD)

    @pytest.mark.parametrize("token", [b"x", b"NTLMSSP\0\x02\0\0\0", bytes(300)])
    def test_a_challenge_that_is_none_is_an_error(token: bytes) -> None:
        exchange = begin_exchange("NTLM", "proxy.example", "marie", PASSWORD)
        try:
            assert exchange.respond(b"").startswith(b"NTLMSSP\0\x01")
            with pytest.raises(OSError, match="SSPI error"):
                exchange.respond(token)
        finally:
            exchange.close()
