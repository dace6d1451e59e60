"""Authorization servers of other projects; the sandbox answers as they do."""

from __future__ import annotations

import ssl
from base64 import b64encode
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.problems import Problem
from iea_agent.services.authentication import Licence, authenticate, discovery_urls
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.network import Route
from iea_sandbox.authentication_server import WORDS, Refusal
from tests.worlds import PEER_LICENCES, Peer

pytestmark = pytest.mark.linux

OK, REFUSED, UNKNOWN = None, problems.AUTHORISATION_REFUSED, problems.LICENCE_NOT_RECOGNISED
FIXTURES = {name: name.replace("-", "_") for name in ("oidc-provider", "authlib", "django-oauth-toolkit")}


@pytest.fixture(params=FIXTURES)
def product(request: pytest.FixtureRequest) -> str:
    """Its name in `WORDS`."""
    return str(request.param)


@pytest.fixture
def peer(product: str, request: pytest.FixtureRequest) -> Peer:
    """The product, running."""
    running = request.getfixturevalue(FIXTURES[product])
    assert isinstance(running, Peer)
    return running


def verdict(peer: Peer, name: str) -> Problem | None:
    """What the agent makes of its answer to a licence; None: accepted."""
    given_out = PEER_LICENCES[name]
    licence = Licence(given_out.number, given_out.key, peer.scope)
    with Client(Route(ca_file=peer.ca_file)) as client:
        try:
            authenticate(client, parse(peer.address), licence)
        except HttpsError as error:
            return error.failure.problem
    return None


def ask(peer: Peer, name: str) -> httpx.Response:
    """The token endpoint's answer to a licence, by a client that is not ours."""
    licence = PEER_LICENCES[name]
    context = ssl.create_default_context(cafile=peer.ca_file)
    with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
        described = (client.get(url) for url in discovery_urls(parse(peer.address)))
        document = next(response.json() for response in described if response.status_code == 200)
        pair = f"{quote(licence.number, safe='')}:{quote(licence.key, safe='')}"
        return client.post(
            document["token_endpoint"],
            data={"grant_type": "client_credentials"},
            headers={"Authorization": "Basic " + b64encode(pair.encode()).decode()},
        )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("good", OK), ("special", OK), ("unknown", UNKNOWN), ("wrong-key", UNKNOWN), ("no-grant", REFUSED)],
)
def test_each_licence_is_understood(peer: Peer, name: str, expected: Problem | None) -> None:
    assert verdict(peer, name) is expected


# These two take number and key as they stand, against RFC 6749, section 2.3.1: a licence with special characters does not pass.
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", OK),
        ("special", UNKNOWN),
        ("unknown", UNKNOWN),
        ("wrong-key", UNKNOWN),
        ("no-grant", REFUSED),
        ("suspended", REFUSED),
        ("limited", REFUSED),
    ],
)
def test_oauth2_server(oauth2_server: Peer, name: str, expected: Problem | None) -> None:
    assert verdict(oauth2_server, name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", OK),
        ("no-grant", REFUSED),
        ("limited", REFUSED),
        # it refuses these four with 403 and an empty page: the licence is refused, and nobody says why
        ("special", REFUSED),
        ("unknown", REFUSED),
        ("wrong-key", REFUSED),
        ("suspended", REFUSED),
    ],
)
def test_glewlwyd(glewlwyd: Peer, name: str, expected: Problem | None) -> None:
    assert verdict(glewlwyd, name) is expected


def test_glewlwyd_gives_nothing_without_a_scope(glewlwyd: Peer) -> None:
    assert verdict(replace(glewlwyd, scope=""), "good") is REFUSED


def test_a_server_may_have_reasons_of_its_own(oidc_provider: Peer) -> None:
    assert ask(oidc_provider, "suspended").json()["error"] == "access_denied"
    assert verdict(oidc_provider, "suspended") is REFUSED


@pytest.mark.parametrize(
    ("refusal", "name"), [("unknown", "unknown"), ("wrong-key", "wrong-key"), ("refused", "no-grant")]
)
def test_the_sandbox_speaks_its_dialect(peer: Peer, product: str, refusal: Refusal, name: str) -> None:
    words = WORDS[product][refusal]
    response = ask(peer, name)
    answer = response.json()
    assert response.status_code == words.status
    assert (answer["error"], answer.get("error_description", "")) == (words.error, words.description)
    challenge = words.challenge.replace("{realm}", peer.address)
    assert response.headers.get("www-authenticate", "") == challenge
