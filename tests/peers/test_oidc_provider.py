"""oidc-provider runs, and refuses as the sandbox imitates it."""

from __future__ import annotations

import ssl
from base64 import b64encode
from urllib.parse import quote_plus

import httpx
import pytest
from tests.worlds import Peer

from iea_sandbox.authentication_server import WORDS

pytestmark = pytest.mark.linux


def ask(peer: Peer, name: str) -> tuple[httpx.Response, str]:
    """The token endpoint's answer to a licence, and the issuer that discovery names."""
    licence = peer.licence(name)
    pair = f"{quote_plus(licence.number)}:{quote_plus(licence.key)}"
    context = ssl.create_default_context(cafile=peer.ca_file)
    with httpx.Client(verify=context, trust_env=False, timeout=10) as client:
        document = client.get(f"{peer.address}/.well-known/openid-configuration").json()
        response = client.post(
            document["token_endpoint"],
            data={"grant_type": "client_credentials", "scope": "iea"},
            headers={"Authorization": "Basic " + b64encode(pair.encode()).decode()},
        )
    return response, document["issuer"]


@pytest.mark.parametrize(
    ("name", "status", "error"),
    [
        ("good", 200, None),
        ("special", 200, None),
        ("unknown", 401, "invalid_client"),
        ("suspended", 400, "access_denied"),
        ("limited", 400, "invalid_scope"),
        ("no-grant", 400, "invalid_request"),
    ],
)
def test_each_licence_is_answered(oidc_provider: Peer, name: str, status: int, error: str | None) -> None:
    response, issuer = ask(oidc_provider, name)
    assert issuer == oidc_provider.address
    assert (response.status_code, response.json().get("error")) == (status, error)


def test_the_sandbox_speaks_its_dialect(oidc_provider: Peer) -> None:
    words = WORDS["oidc-provider"]
    for imitation, name in ((words["unknown"], "unknown"), (words["refused"], "no-grant")):
        response, _ = ask(oidc_provider, name)
        answer = response.json()
        assert response.status_code == imitation.status
        assert (answer["error"], answer["error_description"]) == (imitation.error, imitation.description)
        challenge = imitation.challenge.replace("{realm}", oidc_provider.address)
        assert response.headers.get("www-authenticate", "") == challenge
