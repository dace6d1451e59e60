"""The authentication server answers like RFC 6749, RFC 8414 and its models."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from iea_sandbox.authentication_server import LICENCES, WORDS, AuthenticationServer, RegisteredLicence
from iea_sandbox.faults import DIALECTS, FaultSwitch
from iea_sandbox.world import World

GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def client(world: World) -> Iterator[httpx.Client]:
    context = ssl.create_default_context(cafile=world.ca_file)
    with httpx.Client(verify=context, trust_env=False, timeout=5) as client:
        yield client


def basic(licence: RegisteredLicence, encode: Callable[[str], str] = quote_plus) -> dict[str, str]:
    """RFC 6749, 2.3.1: both halves form-urlencoded before Basic."""
    pair = f"{encode(licence.number)}:{encode(licence.key)}"
    return {"Authorization": "Basic " + b64encode(pair.encode()).decode()}


def ask(
    client: httpx.Client, world: World, name: str = "good", form: dict[str, str] | None = None
) -> httpx.Response:
    url = f"{world.authentication.address}/token"
    return client.post(url, data={**GRANT, **(form or {})}, headers=basic(world.licence(name)))


def test_discovery_names_the_issuer_and_the_token_endpoint(client: httpx.Client, world: World) -> None:
    address = world.authentication.address
    answers = [
        client.get(f"{address}/.well-known/{name}").json()
        for name in ("openid-configuration", "oauth-authorization-server")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["issuer"] == address
    assert answers[0]["token_endpoint"] == f"{address}/token"
    assert answers[0]["grant_types_supported"] == ["client_credentials"]


def test_an_issuer_may_have_a_path(tmp_path: Path) -> None:
    with World(tmp_path, issuer_path="/realms/iea", dialect="keycloak") as world:
        address = world.authentication.address
        root = address.removesuffix("/realms/iea")
        context = ssl.create_default_context(cafile=world.ca_file)
        with httpx.Client(verify=context, trust_env=False) as client:
            appended = client.get(f"{address}/.well-known/openid-configuration")
            inserted = client.get(f"{root}/.well-known/oauth-authorization-server/realms/iea")
            assert appended.json()["issuer"] == inserted.json()["issuer"] == address
            assert client.get(f"{root}/.well-known/openid-configuration").status_code == 404
            assert ask(client, world).status_code == 200
            assert ask(client, world, "unknown").json()["error"] == "invalid_client"
            assert ask(client, world, "suspended").status_code == 401


@pytest.mark.parametrize("name", ["good", "second", "special"])
def test_a_good_licence_gets_a_signed_bearer_token(client: httpx.Client, world: World, name: str) -> None:
    world.authentication.lifetime = 300
    response = ask(client, world, name)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    answer = response.json()
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == 300
    assert answer["scope"] == "iea"
    keys = KeySet.import_key_set(client.get(f"{world.authentication.address}/jwks").json())
    claims = jwt.decode(answer["access_token"], keys).claims
    assert claims["sub"] == world.licence(name).number
    assert claims["exp"] - claims["iat"] == 300


def test_the_licence_may_also_come_in_the_form(client: httpx.Client, world: World) -> None:
    licence = world.licence("special")
    url = f"{world.authentication.address}/token"
    inside = {**GRANT, "client_id": licence.number, "client_secret": licence.key}
    assert client.post(url, data=inside).status_code == 200
    assert client.post(url, data=inside, headers=basic(licence)).json()["error"] == "invalid_request"


def test_characters_that_were_not_encoded_are_not_recognised(client: httpx.Client, world: World) -> None:
    licence = world.licence("special")
    raw = httpx.BasicAuth(licence.number, licence.key)
    response = client.post(f"{world.authentication.address}/token", data=GRANT, auth=raw)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("dialect", "encode", "status"),
    [
        ("rfc", quote_plus, 200),
        ("rfc", quote, 200),
        ("authlib", quote_plus, 401),
        ("authlib", quote, 200),
        ("keycloak-old", quote, 400),
    ],
)
def test_each_product_decodes_in_its_way(dialect: str, encode: Callable[[str], str], status: int) -> None:
    licence = LICENCES["special"]
    server = AuthenticationServer(FaultSwitch(), dialect=dialect)

    async def answer() -> int:
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
            response = await client.post("/token", data=GRANT, headers=basic(licence, encode))
        return response.status_code

    assert asyncio.run(answer()) == status


@pytest.mark.parametrize(
    ("name", "form", "status", "error"),
    [
        ("unknown", {}, 401, "invalid_client"),
        ("suspended", {}, 400, "unauthorized_client"),
        ("limited", {"scope": "iea"}, 400, "invalid_scope"),
        ("good", {"scope": "lecture"}, 400, "invalid_scope"),
        ("good", {"grant_type": "password"}, 400, "unsupported_grant_type"),
        ("good", {"grant_type": ""}, 400, "invalid_request"),
    ],
)
def test_errors_are_those_of_the_rfc(
    client: httpx.Client, world: World, name: str, form: dict[str, str], status: int, error: str
) -> None:
    response = ask(client, world, name, form)
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers.get("www-authenticate", "").startswith("Basic") == (status == 401)


def test_a_wrong_key_and_an_unknown_number_are_answered_alike(client: httpx.Client, world: World) -> None:
    wrong = RegisteredLicence(world.licence().number, "another-key")
    response = client.post(f"{world.authentication.address}/token", data=GRANT, headers=basic(wrong))
    assert response.status_code == 401
    assert response.content == ask(client, world, "unknown").content


@pytest.mark.parametrize(
    ("headers", "content", "status", "error"),
    [
        ({"Content-Type": "application/json"}, b"{}", 400, "invalid_request"),
        ({}, b"grant_type=client_credentials&grant_type=password", 400, "invalid_request"),
        ({}, b"a=\xff", 400, "invalid_request"),
        ({}, b"a=" + b"a" * 20_000, 400, "invalid_request"),
        ({}, b"grant_type=client_credentials", 401, "invalid_client"),
        ({"Authorization": "Basic !!"}, b"grant_type=client_credentials", 401, "invalid_client"),
        ({"Authorization": "Basic YWJj"}, b"grant_type=client_credentials", 401, "invalid_client"),
        ({"Authorization": "Bearer abc"}, b"grant_type=client_credentials", 401, "invalid_client"),
    ],
)
def test_nonsense_is_refused_in_good_order(
    client: httpx.Client, world: World, headers: dict[str, str], content: bytes, status: int, error: str
) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    response = client.post(f"{world.authentication.address}/token", content=content, headers=headers)
    assert (response.status_code, response.json()["error"]) == (status, error)


def test_the_token_endpoint_takes_posts_only(client: httpx.Client, world: World) -> None:
    response = client.get(f"{world.authentication.address}/token")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_refusals_are_said_in_the_words_of_each_product(
    client: httpx.Client, world: World, dialect: str
) -> None:
    for how, words in WORDS[dialect].items():
        world.break_("auth", how, dialect=dialect)
        response = ask(client, world)
        answer = response.json()
        assert (response.status_code, answer["error"]) == (words.status, words.error)
        assert answer.get("error_description", "") == words.description
    world.mend("auth")
    assert ask(client, world).status_code == 200


def test_the_documents_can_lie(client: httpx.Client, world: World) -> None:
    address = world.authentication.address
    discovery = f"{address}/.well-known/openid-configuration"
    world.break_("auth", "issuer-mismatch")
    assert client.get(discovery).json()["issuer"] != address
    world.break_("auth", "issuer-in-clear")
    assert client.get(discovery).json()["issuer"] == address.replace("https:", "http:")
    world.break_("auth", "token-host-lost")
    assert client.get(discovery).json()["token_endpoint"].endswith(":9/token")
    world.break_("auth", "token-elsewhere")
    assert client.get(discovery).json()["token_endpoint"] == "https://autre-serveur.example/token"
    world.break_("auth", "clear-token-endpoint")
    assert client.get(discovery).json()["token_endpoint"].startswith("http://")
    world.break_("auth", "no-token")
    answer = ask(client, world)
    assert answer.status_code == 200
    assert "access_token" not in answer.json()
    world.break_("auth", "empty-token")
    assert (ask(client, world).status_code, ask(client, world).content) == (204, b"")
    world.break_("auth", "grant-unsupported")
    assert ask(client, world).json()["error"] == "unsupported_grant_type"
    world.break_("auth", "method-unsupported")
    assert ask(client, world).json()["error_description"] == "Unsupported authentication method"
    world.break_("auth", "scope-missing")
    assert ask(client, world).json()["error"] == "invalid_scope"
