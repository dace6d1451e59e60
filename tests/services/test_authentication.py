"""OAuth 2.0 exchanges in each dialect, then with the sandbox.

``tests/peers`` has them with real servers.
"""

from __future__ import annotations

import json
import logging
import socket
import time
import traceback
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, quote, quote_plus, unquote, unquote_plus, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Failure, Stage, StageOutcome, StageResult
from iea_agent.domain.evidence import PageTitle, RefusalGround, TokenEndpoint
from iea_agent.domain.problems import Problem
from iea_agent.services.authentication import (
    AccessGranted,
    Discovery,
    Licence,
    authenticate,
    discovery_urls,
    run_exchange,
    sign_in,
)
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Reply, Request
from iea_agent.services.network import Route
from iea_sandbox.faults import DIALECTS
from iea_sandbox.world import World
from tests.covered import cover, covers
from tests.services.conftest import PATIENT, Serve, page, request_of

ADDRESS = parse("https://auth.example/realms/iea")
TOKEN_ENDPOINT = "https://auth.example/realms/iea/token"
LICENCE = Licence("IEA-0001", "K3Y-MARKER-4711")
DOCUMENT = {"issuer": str(ADDRESS), "token_endpoint": TOKEN_ENDPOINT}
TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 300}


def answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return Reply(status, headers or {}, body)


@dataclass
class Server:
    """Answers by URL; anything else is not found."""

    answers: dict[str, Reply]
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        self.asked.append(request)
        return self.answers.get(request.url, answer(404, b"not found"))


def server_with(token: Reply, document: object = DOCUMENT) -> Server:
    return Server({discovery_urls(ADDRESS)[0]: answer(200, document), TOKEN_ENDPOINT: token})


def problem_of(server: Server, *, licence: Licence = LICENCE) -> Problem | None:
    try:
        run_exchange(sign_in(ADDRESS, licence), server)
    except HttpsError as error:
        return error.failure.problem
    return None


OK = None
NOT_OURS, REFUSED = problems.NOT_AN_AUTHENTICATION_SERVER, problems.AUTHORISATION_REFUSED
FORM = problems.REQUEST_REJECTED
UNKNOWN, BUSY = problems.LICENCE_NOT_RECOGNISED, problems.SERVER_UNAVAILABLE
WANTED = problems.IDENTIFICATION_WANTED

SITE = b"<html><title>Mairie de Test</title>"
HTML = b"<html><h1>503 Service Unavailable</h1></html>"


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (answer(200, TOKEN), OK),
        (answer(200, TOKEN | {"token_type": "bearer"}), OK),
        (answer(200, TOKEN | {"expires_in": "300"}), OK),
        (answer(200, TOKEN | {"expires_in": "demain"}), OK),
        (answer(200, TOKEN | {"expires_in": [300]}), OK),
        (answer(200, TOKEN | {"access_token": ""}), FORM),
        (answer(200, TOKEN | {"access_token": 7}), FORM),
        (answer(200, [TOKEN]), OK),
        (answer(203, TOKEN), OK),
        (answer(200, TOKEN | {"token_type": "mac"}), FORM),
        (answer(200, {"access_token": "x"}), OK),
        # the address is right: a page does not come from this server
        (answer(200, HTML), problems.PAGE_INSTEAD),
        (answer(200, SITE), problems.PAGE_INSTEAD),
        (answer(200, {"error": "invalid_client"}), UNKNOWN),
        (answer(200, b"[" * 100_000), FORM),
        (answer(204, b""), FORM),
        (answer(302, b"", {"location": "/login"}), problems.REDIRECTED),
        (answer(400, HTML), problems.REQUEST_REJECTED),
        (answer(400, {"error": "invalid_grant"}), REFUSED),
        (answer(401, HTML, {"www-authenticate": 'Basic realm="intranet"'}), WANTED),
        (answer(401, b"", {"www-authenticate": "Negotiate"}), WANTED),
        (answer(401, b"", {"www-authenticate": "NTLM"}), WANTED),
        (answer(401, b"", {"www-authenticate": 'Digest realm="x", nonce="y"'}), WANTED),
        (answer(401, {"message": "Unauthorized"}), WANTED),
        (answer(403, HTML), problems.FORBIDDEN),
        (answer(403, {"status": 403, "error": "Forbidden"}), problems.FORBIDDEN),
        (answer(403, b""), REFUSED),
        (answer(408, b""), BUSY),
        (answer(421, {"error": "invalid_client"}), BUSY),
        (answer(425, b""), BUSY),
        (answer(431, b""), problems.REQUEST_REJECTED),
        (answer(451, b""), problems.FORBIDDEN),
        (answer(511, {"error": "invalid_client"}), problems.CAPTIVE_PORTAL),
        (answer(404, b""), problems.REQUEST_REJECTED),
        (answer(405, b""), problems.REQUEST_REJECTED),
        (answer(404, {"message": "no Route matched with those values"}), problems.REQUEST_REJECTED),
        (answer(400, {"status": 400, "error": "Bad Request"}), problems.REQUEST_REJECTED),
        (answer(407, b""), problems.PROXY_WANTS_PASSWORD),
        (answer(429, b""), problems.TOO_MANY_REQUESTS),
        (answer(500, b"Internal Server Error"), BUSY),
        (answer(503, HTML), BUSY),
        (answer(503, {"error": "invalid_client"}), BUSY),
    ],
)
def test_each_answer_has_one_meaning(reply: Reply, verdict: Problem | None) -> None:
    assert problem_of(server_with(reply)) is verdict


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("300", 300.0),
        (2.5, 2.5),
        (-1, 0.0),
        (None, None),
        ("demain", None),
        ("nan", None),
        (float("inf"), None),
        (10**400, None),
    ],
)
def test_a_lifetime_is_a_number_or_not_known(given: object, seconds: float | None) -> None:
    granted = run_exchange(sign_in(ADDRESS, LICENCE), server_with(answer(200, TOKEN | {"expires_in": given})))
    assert granted.expires_in == seconds


def test_retry_after_is_handed_on() -> None:
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, LICENCE), server_with(answer(503, HTML, {"retry-after": "30"})))
    assert raised.value.failure.retry_after == 30


@pytest.mark.parametrize("decode", [unquote_plus, unquote])  # RFC 6749, 2.3.1, and how authlib takes it
def test_the_request_is_that_of_the_standard(decode: Callable[[str], str]) -> None:
    odd = Licence("IEA/+%: é", "K3Y : 100 % + / a&b = ?")
    server = server_with(answer(200, TOKEN))
    run_exchange(sign_in(ADDRESS, odd), server)
    request = server.asked[-1]
    assert (request.method, request.url) == ("POST", TOKEN_ENDPOINT)
    scheme, _, pair = request.headers["authorization"].partition(" ")
    number, _, key = b64decode(pair).decode("ascii").partition(":")
    assert (scheme, decode(number), decode(key)) == ("Basic", odd.number, odd.key)
    assert parse_qs(request.body.decode()) == {"grant_type": ["client_credentials"]}


def test_where_a_server_describes_itself() -> None:
    assert discovery_urls(ADDRESS) == (
        "https://auth.example/realms/iea/.well-known/openid-configuration",
        "https://auth.example/.well-known/oauth-authorization-server/realms/iea",
        "https://auth.example/realms/iea/.well-known/oauth-authorization-server",
    )
    assert len(discovery_urls(parse("https://auth.example"))) == 2


@pytest.mark.parametrize("place", range(3))
def test_each_place_is_tried_in_turn(place: int) -> None:
    urls = discovery_urls(ADDRESS)
    server = Server({urls[place]: answer(200, DOCUMENT), TOKEN_ENDPOINT: answer(200, TOKEN)})
    assert problem_of(server) is OK
    assert [request.url for request in server.asked] == [*urls[: place + 1], TOKEN_ENDPOINT]


FIRST, SECOND, THIRD = discovery_urls(ADDRESS)


@pytest.mark.parametrize(
    "first",
    [
        answer(401, b""),
        answer(403, HTML),
        answer(500, b""),
        answer(502, b""),
        answer(503, HTML),
        answer(302, b"", {"location": "/login"}),
        answer(302, b"", {"location": FIRST}),
        answer(200, HTML),
        answer(200, b"<title>Web Page Blocked</title>"),
        answer(200, DOCUMENT | {"issuer": "https://auth.example/realms/other"}),
        answer(200, DOCUMENT | {"token_endpoint": "http://auth.example/token"}),
        answer(400, b""),
        answer(431, b""),
    ],
)
def test_a_bad_first_place_does_not_hide_the_second(first: Reply) -> None:
    server = Server({FIRST: first, SECOND: answer(200, DOCUMENT), TOKEN_ENDPOINT: answer(200, TOKEN)})
    assert problem_of(server) is OK


@pytest.mark.parametrize(
    ("replies", "verdict"),
    [
        ((answer(401, b""), answer(404, b""), answer(404, b"")), WANTED),
        ((answer(404, b""), answer(500, b""), answer(401, b"")), BUSY),
        ((answer(302, b"", {"location": "/login"}), answer(403, HTML), answer(404, b"")), problems.FORBIDDEN),
        (
            (answer(403, b""), answer(200, DOCUMENT | {"issuer": "https://x.example"}), answer(500, b"")),
            problems.ISSUER_DIFFERS,
        ),
        ((answer(200, SITE), answer(302, b"", {"location": "/a"}), answer(404, b"")), problems.REDIRECTED),
        ((answer(200, SITE), answer(404, b""), answer(404, b"")), NOT_OURS),
        ((answer(404, b""), answer(410, b""), answer(404, b"")), problems.NOTHING_THERE),
    ],
)
def test_the_most_telling_failure_of_all_places_is_reported(
    replies: tuple[Reply, ...], verdict: Problem
) -> None:
    server = Server(dict(zip((FIRST, SECOND, THIRD), replies, strict=True)))
    assert problem_of(server) is verdict
    assert [request.url for request in server.asked] == [FIRST, SECOND, THIRD]


TELLING: list[tuple[Problem, Reply]] = [
    (problems.KEY_ASKED_IN_CLEAR, answer(200, DOCUMENT | {"token_endpoint": "http://auth.example/token"})),
    (problems.ISSUER_DIFFERS, answer(200, DOCUMENT | {"issuer": "https://x.example"})),
    (problems.ISSUER_UNAWARE, answer(200, DOCUMENT | {"issuer": "http://auth.example/realms/iea"})),
    (problems.CLIENT_CERTIFICATE_WANTED, answer(400, b"<html>No required SSL certificate was sent")),
    (problems.CAPTIVE_PORTAL, answer(511, b"")),
    (problems.PROXY_SIGN_IN_UNKNOWN, answer(407, b"", {"proxy-authenticate": "NTLM"})),
    (problems.SERVER_IN_MAINTENANCE, answer(503, b"<title>Maintenance</title>")),
    (problems.SERVER_UNAVAILABLE, answer(500, b"")),
    (problems.PAGE_INSTEAD, answer(200, b"<title>Web Page Blocked</title>")),
    (problems.BROWSER_WANTED, answer(403, b"", {"cf-mitigated": "challenge"})),
    (problems.IDENTIFICATION_WANTED, answer(401, b"")),
    (problems.FORBIDDEN, answer(403, b"")),
    (problems.REDIRECTED, answer(302, b"", {"location": "/login"})),
    (problems.REQUEST_REJECTED, answer(431, b"")),
    (problems.ANSWER_NONSENSE, answer(304, b"")),
]
"""What a person should rather read, first: a wrong document, who stands in between, how the server is, what stands before one place."""


@pytest.mark.parametrize("place", range(len(TELLING) - 1), ids=lambda place: TELLING[place][0].code)
def test_a_person_reads_the_failure_that_helps_most(place: int) -> None:
    """Whichever of the places gives it."""
    (more, telling), (_, other) = TELLING[place : place + 2]
    orders = [(other, telling), (telling, other)]
    # a portal answers for every place: nothing is asked after it
    for first, second in orders[1:] if other.status == 511 else orders:
        server = Server({FIRST: first, SECOND: second, THIRD: answer(404, b"")})
        assert problem_of(server) is more


@pytest.mark.parametrize(
    "only",
    [answer(429, b""), answer(503, b"", {"retry-after": "600"}), answer(511, b""), answer(407, b"")],
)
def test_what_is_about_the_whole_server_ends_the_search(only: Reply) -> None:
    server = Server({FIRST: only, SECOND: answer(200, DOCUMENT)})
    assert problem_of(server) is not OK
    assert [request.url for request in server.asked] == [FIRST]


def test_a_page_in_place_of_the_document_is_named() -> None:
    server = Server({FIRST: answer(200, SITE)})
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, LICENCE), server)
    failure = raised.value.failure
    assert (failure.problem, failure.evidence) == (NOT_OURS, PageTitle("Mairie de Test"))


@pytest.mark.parametrize(
    ("methods", "in_body"),
    [
        (["client_secret_post"], True),
        (["private_key_jwt", "client_secret_post"], True),
        (["client_secret_post", "client_secret_basic"], False),
        (["private_key_jwt"], False),
        ([], False),
        ("client_secret_post", False),
        (None, False),
    ],
)
def test_the_key_goes_where_the_server_takes_it(methods: object, in_body: bool) -> None:
    server = server_with(answer(200, TOKEN), DOCUMENT | {"token_endpoint_auth_methods_supported": methods})
    assert problem_of(server) is OK
    request = server.asked[-1]
    assert ("authorization" in request.headers) is not in_body
    form = parse_qs(request.body.decode())
    assert form.get("client_secret") == ([LICENCE.key] if in_body else None)
    assert form.get("client_id") == ([LICENCE.number] if in_body else None)
    assert LICENCE.key not in repr(request)


def test_a_scope_is_asked_for_if_there_is_one() -> None:
    server = server_with(answer(200, TOKEN | {"scope": "paie lecture"}))
    licence = replace(LICENCE, scope="paie")
    assert problem_of(server, licence=licence) is OK
    assert parse_qs(server.asked[-1].body.decode())["scope"] == ["paie"]


@pytest.mark.parametrize(
    "reply",
    [
        answer(400, {"error": "invalid_scope"}),
        answer(200, TOKEN | {"scope": "lecture"}),
        answer(200, TOKEN | {"scope": ""}),
    ],
)
def test_a_refused_scope_is_named(reply: Reply) -> None:
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, replace(LICENCE, scope="paie")), server_with(reply))
    failure = raised.value.failure
    assert (failure.stage, failure.problem, failure.evidence) == (
        Stage.LICENCE,
        REFUSED,
        RefusalGround("paie"),
    )


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (DOCUMENT | {"issuer": str(ADDRESS) + "/"}, OK),
        (b"\xef\xbb\xbf" + json.dumps(DOCUMENT).encode(), OK),
        (DOCUMENT | {"issuer": "https://auth.example:443/realms/iea"}, OK),
        (DOCUMENT | {"token_endpoint": "https://elsewhere.example/token"}, problems.KEY_ASKED_ELSEWHERE),
        (DOCUMENT | {"token_endpoint": "https://x.auth.example/token"}, problems.KEY_ASKED_ELSEWHERE),
        (DOCUMENT | {"token_endpoint": "https://auth.example.evil/token"}, problems.KEY_ASKED_ELSEWHERE),
        (DOCUMENT | {"token_endpoint": "https://10.0.0.1/token"}, problems.KEY_ASKED_ELSEWHERE),
        (DOCUMENT | {"issuer": "https://auth.example"}, problems.ISSUER_DIFFERS),
        (
            DOCUMENT | {"token_endpoint": f"{TOKEN_ENDPOINT}?x=\ud800"},
            NOT_OURS,
        ),  # half a letter cannot be sent
        (DOCUMENT | {"issuer": "https://auth.example/realms/IEA"}, problems.ISSUER_DIFFERS),
        (DOCUMENT | {"issuer": "https://autre.example/realms/iea"}, problems.ISSUER_DIFFERS),
        (DOCUMENT | {"issuer": "http://auth.example/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": "http://auth.example:8080/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": "http://auth.example/auth/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": "http://localhost:8080/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": "https://keycloak:8443/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": "https://10.0.0.5/realms/iea"}, problems.ISSUER_UNAWARE),
        (DOCUMENT | {"issuer": ""}, problems.ISSUER_DIFFERS),
        (DOCUMENT | {"token_endpoint": "http://auth.example/token"}, problems.KEY_ASKED_IN_CLEAR),
        (DOCUMENT | {"token_endpoint": "http://localhost/token"}, problems.KEY_ASKED_IN_CLEAR),
        (DOCUMENT | {"token_endpoint": "/token"}, NOT_OURS),
        (DOCUMENT | {"token_endpoint": "https:/auth.example/token"}, NOT_OURS),
        (DOCUMENT | {"token_endpoint": "https://[::1/token"}, NOT_OURS),
        (DOCUMENT | {"token_endpoint": "javascript:alert(1)"}, NOT_OURS),
        ({"issuer": str(ADDRESS)}, NOT_OURS),
        ([], NOT_OURS),
    ],
)
def test_what_a_description_must_say(document: object, verdict: Problem | None) -> None:
    token = answer(200, TOKEN)
    server = server_with(token, document)
    server.answers["https://elsewhere.example/token"] = token
    assert problem_of(server) is verdict
    if verdict is not None:
        assert all(request.method == "GET" for request in server.asked), "no key was sent"


def test_nothing_under_a_path_is_told_from_another_kind_of_server() -> None:
    assert problem_of(Server({})) is problems.NOTHING_THERE
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(parse("https://auth.example"), LICENCE), Server({}))
    assert raised.value.failure.problem is NOT_OURS


@pytest.mark.parametrize("licence", [Licence("", "key"), Licence("number", ""), Licence(" ", "\t")])
def test_an_empty_licence_is_not_sent(licence: Licence) -> None:
    server = server_with(answer(200, TOKEN))
    assert problem_of(server, licence=licence) is problems.NOT_CONFIGURED
    assert server.asked == []


def test_the_key_is_not_sent_in_clear() -> None:
    server = Server({})
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(parse("http://auth.example"), LICENCE), server)
    assert raised.value.failure.problem is problems.SENT_IN_CLEAR
    assert server.asked == []


def test_this_very_machine_may_be_spoken_to_in_clear() -> None:
    here = parse("http://localhost:8080")
    document = {"issuer": str(here), "token_endpoint": f"{here}/token"}
    server = Server({discovery_urls(here)[0]: answer(200, document), f"{here}/token": answer(200, TOKEN)})
    assert isinstance(run_exchange(sign_in(here, LICENCE), server), AccessGranted)


def test_with_what_is_known_it_takes_one_request() -> None:
    server = server_with(answer(200, TOKEN))
    discovery = run_exchange(sign_in(ADDRESS, LICENCE), server).discovery
    server.asked.clear()
    run_exchange(sign_in(ADDRESS, LICENCE, discovery), server)
    assert [request.method for request in server.asked] == ["POST"]


def test_what_is_known_of_another_address_does_not_count() -> None:
    server = server_with(answer(200, TOKEN))
    discovery = Discovery(parse("https://auth.example/realms/other"), "https://auth.example/other")
    run_exchange(sign_in(ADDRESS, LICENCE, discovery), server)
    assert [request.url for request in server.asked] == [discovery_urls(ADDRESS)[0], TOKEN_ENDPOINT]


@pytest.mark.parametrize(
    "gone",
    [
        answer(404, b""),
        answer(405, b""),
        answer(301, b"", {"location": TOKEN_ENDPOINT}),
        # the site that has its place now
        answer(200, SITE),
        answer(204, b""),
    ],
)
def test_a_token_endpoint_that_moved_is_found_again(gone: Reply) -> None:
    server = server_with(answer(200, TOKEN))
    old = "https://auth.example/old"
    server.answers[old] = gone
    result = run_exchange(sign_in(ADDRESS, LICENCE, Discovery(ADDRESS, old)), server)
    assert result.discovery.token_endpoint == TOKEN_ENDPOINT


def test_a_sign_in_ends_in_its_time_however_slowly_a_server_answers(serve: Serve) -> None:
    """Each byte comes in time, the answer does not end for four seconds."""

    def drip(connection: socket.socket) -> None:
        connection.settimeout(0.05)
        with suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(80):
                # until the client has gone; each wait is the time between two bytes
                with suppress(TimeoutError):
                    if not connection.recv(65536):
                        return
                connection.sendall(b" ")

    begun = time.monotonic()
    with Client(limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
        authenticate(client, parse(serve(drip).address), LICENCE, seconds=0.4)
    assert raised.value.failure.problem is problems.TEST_TOO_LONG
    assert time.monotonic() - begun < 3


ELSEWHERE = "https://jetons.example"
LOST = Failure(Stage.NAME, problems.NAME_UNKNOWN, "gaierror")


def lost_beyond(server: Server, failure: Failure) -> Callable[[Request], Reply]:
    """Send requests to *server*, but fail on the way to any other host."""

    def send(request: Request) -> Reply:
        if request.url.startswith(ADDRESS.origin):
            return server(request)
        server.asked.append(request)
        raise HttpsError(failure)

    return send


@pytest.mark.parametrize(
    ("met", "named"),
    [
        (problems.NAME_UNKNOWN, problems.TOKEN_HOST_UNREACHABLE),
        (problems.NAME_SERVER_SILENT, problems.TOKEN_HOST_UNREACHABLE),
        (problems.CONNECTION_REFUSED, problems.TOKEN_HOST_UNREACHABLE),
        (problems.CONNECTION_UNANSWERED, problems.TOKEN_HOST_UNREACHABLE),
        (problems.CONNECTION_CUT, problems.TOKEN_HOST_UNREACHABLE),
        (problems.CERTIFICATE_EXPIRED, problems.CERTIFICATE_EXPIRED),
        (problems.PROXY_REFUSES, problems.PROXY_REFUSES),
        (problems.NO_NETWORK, problems.NO_NETWORK),
    ],
    ids=str,
)
@pytest.mark.parametrize("remembered", [True, False])
def test_another_host_for_tokens_that_is_lost_is_named(
    met: Problem, named: Problem, remembered: bool
) -> None:
    endpoint = f"{ELSEWHERE}/token"
    server = server_with(answer(200, TOKEN), DOCUMENT | {"token_endpoint": endpoint})
    discovery = Discovery(ADDRESS, endpoint) if remembered else None
    licence = replace(LICENCE, hosts=("jetons.example", urlsplit(ELSEWHERE).hostname or ""))
    with pytest.raises(HttpsError) as caught:
        run_exchange(sign_in(ADDRESS, licence, discovery), lost_beyond(server, replace(LOST, problem=met)))
    failure = caught.value.failure
    assert failure.problem is named
    assert ELSEWHERE in failure.detail
    if named is problems.TOKEN_HOST_UNREACHABLE:
        assert failure.problem.actor is problems.Actor.URSSAF
        assert failure.evidence == TokenEndpoint(ELSEWHERE)
        assert discovery_urls(ADDRESS)[0] in [request.url for request in server.asked], (
            "asked in this attempt"
        )


def test_the_way_to_the_server_itself_is_no_matter_of_another_host() -> None:
    """The document came from a memory, and the network has gone since."""

    def lost(_: Request) -> Reply:
        raise HttpsError(LOST)

    for endpoint in (f"{ELSEWHERE}/token", TOKEN_ENDPOINT):
        with pytest.raises(HttpsError) as caught:
            run_exchange(sign_in(ADDRESS, LICENCE, Discovery(ADDRESS, endpoint)), lost)
        assert caught.value.failure == LOST


statuses = st.integers(100, 599)
bodies = st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "error_description", "access_token", "token_type", "issuer", "scope", "expires_in"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
).map(lambda value: json.dumps(value).encode())


@covers("granted", "refused")
@example(404, b"", 200, b'{"access_token": "t", "token_type": "Bearer"}')
@given(statuses, bodies, statuses, bodies)
def test_no_answer_is_beyond_understanding(status: int, body: bytes, then: int, last: bytes) -> None:
    def server(request: Request) -> Reply:
        return answer(status, body) if request.method == "GET" else answer(then, last)

    discovery = Discovery(ADDRESS, TOKEN_ENDPOINT)
    try:
        run_exchange(sign_in(ADDRESS, LICENCE, discovery), server)
        detail = ""
        cover("granted")
    except HttpsError as error:
        detail = error.failure.detail
        cover("refused")
    assert len(detail) <= 250
    assert detail.isprintable()


# --- the sandbox


def licence_of(place: World, name: str) -> Licence:
    given_out = place.licence(name)
    return Licence(given_out.number, given_out.key)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("fault", "verdict"), [("refused", REFUSED), ("unknown", UNKNOWN), ("wrong-key", UNKNOWN)]
)
def test_the_sandbox_in_every_dialect(
    world: World, client: Client, dialect: str, fault: str, verdict: Problem
) -> None:
    world.break_("auth", fault, dialect=dialect)
    with pytest.raises(HttpsError) as raised:
        authenticate(client, parse(world.authentication.address), licence_of(world, "good"))
    assert raised.value.failure.problem is verdict
    assert raised.value.failure.stage is Stage.LICENCE


def test_a_heartbeat_is_one_request_on_the_kept_connection(world: World, client: Client) -> None:
    address, licence = parse(world.authentication.address), licence_of(world, "good")
    first = authenticate(client, address, licence)
    assert first.expires_in == world.authentication.lifetime
    seen: list[StageResult] = []
    authenticate(client, address, licence, discovery=first.discovery, observe=seen.append)
    assert [request.method for request in world.requests.select(server="auth")] == ["GET", "POST", "POST"]
    assert len(world.connections.select(server="auth")) == 1
    assert [r.stage for r in seen if r.outcome is StageOutcome.PASSED] == [Stage.ANSWER]


# --- the secret


@pytest.mark.parametrize(
    "say", [str, lambda key: quote(key, safe=""), quote_plus], ids=["plain", "encoded", "in a form"]
)
@pytest.mark.parametrize("before", [0, 150, 170])
def test_a_key_that_is_repeated_is_blotted_out(before: int, say: Callable[[str], str]) -> None:
    """Also if the text is cut inside the key, and in its encoded form."""
    licence = Licence("IEA-0001", "K3Y MARKER/4711")
    described = "x" * before + say(licence.key)
    server = server_with(answer(401, {"error": "invalid_client", "error_description": described}))
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, licence), server)
    assert "K3Y" not in raised.value.failure.detail


@pytest.mark.parametrize("before", [0, 95, 110])
@pytest.mark.parametrize(
    "reply",
    [
        lambda text: answer(200, f"<html><title>{text}</title>".encode()),
        lambda text: answer(503, f"<html><title>{text}</title>".encode()),
        lambda text: answer(
            401, b"", {"www-authenticate": f'Bearer error="invalid_client", error_description="{text}"'}
        ),
        lambda text: answer(302, b"", {"location": f"https://{text[-15:]}.example/"}),
        lambda text: answer(401, {"error": "invalid_client", "error_description": text.upper()}),
    ],
)
def test_a_key_that_is_repeated_elsewhere_is_blotted_out_too(
    before: int, reply: Callable[[str], Reply]
) -> None:
    licence = Licence("IEA-0001", "K3Y-MARKER-4711")
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, licence), server_with(reply("x" * before + licence.key)))
    assert "k3y" not in repr(raised.value.failure).lower()


@pytest.mark.parametrize("methods", ["client_secret_basic", "client_secret_post"])
def test_of_what_is_no_answer_nothing_is_quoted(serve: Serve, methods: str) -> None:
    """The library quotes it, and it may be what was sent."""

    def repeat(connection: socket.socket) -> None:
        while head := request_of(connection):
            if head.startswith(b"POST"):
                _, mark, sent = head.partition(b"uthorization: ")
                connection.sendall(sent if mark else head.partition(b"\r\n\r\n")[2] + b"\r\n\r\n")
                return
            host = head.partition(b"Host: ")[2].partition(b"\r\n")[0].decode()
            document = {"issuer": f"http://{host}", "token_endpoint": f"http://{host}/token"}
            more = {"token_endpoint_auth_methods_supported": [methods]}
            connection.sendall(page("200 OK", json.dumps(document | more).encode()))

    with Client(limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
        authenticate(client, parse(serve(repeat).address), LICENCE)
    assert raised.value.failure.problem is problems.ANSWER_NONSENSE
    assert not [secret for secret in ("SUVBLTAwMDE6", LICENCE.key) if secret in repr(raised.value.failure)]


@pytest.mark.parametrize(
    "text", ["eyJhbGciOiJIUzI1NiJ9.T0KEN.sig", "access_token=T0KEN&token_type=dpop", '"T0KEN"']
)
def test_a_token_in_plain_text_is_not_taken_for_the_title_of_a_page(text: str) -> None:
    server = server_with(answer(200, text.encode(), {"content-type": "text/plain"}))
    with pytest.raises(HttpsError) as raised:
        run_exchange(sign_in(ADDRESS, LICENCE), server)
    assert "T0KEN" not in repr(raised.value.failure)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        for name in ("httpx", "httpcore"):
            caplog.set_level(logging.DEBUG, logger=name)
        yield caplog


def test_the_key_appears_nowhere(serve: Serve, everything_logged: pytest.LogCaptureFixture) -> None:
    """Whether it is accepted, repeated by the server, or the connection breaks."""
    endings = iter(("token", "echo", "nonsense", "close", "close"))

    def behave(connection: socket.socket) -> None:
        while head := request_of(connection):
            if head.startswith(b"GET"):
                host = head.partition(b"Host: ")[2].partition(b"\r\n")[0].decode()
                document = {"issuer": f"http://{host}", "token_endpoint": f"http://{host}/token"}
                connection.sendall(page("200 OK", json.dumps(document).encode()))
                continue
            match next(endings):
                case "token":
                    connection.sendall(page("200 OK", json.dumps(TOKEN).encode()))
                case "echo":
                    basic = head.partition(b"Basic ")[2].partition(b"\r\n")[0].decode()
                    texts = {
                        "error": "invalid_client",
                        "error_description": f"{basic} {b64decode(basic).decode()}",
                    }
                    connection.sendall(page("401 No", json.dumps(texts).encode()))
                case "nonsense":
                    connection.sendall(b"nonsense\r\n\r\n")
                    return
                case "close":
                    return

    server = serve(behave)
    texts: list[str] = []
    with Client(limits=PATIENT) as client:
        texts.append(repr(authenticate(client, parse(server.address), LICENCE)))
        for _ in range(3):
            with pytest.raises(HttpsError) as raised:
                authenticate(client, parse(server.address), LICENCE)
            texts.append("".join(traceback.format_exception(raised.value)))
            texts.append(repr(raised.value.failure))
    texts += [repr(LICENCE), repr(Request("POST", "u", {"authorization": LICENCE.key}, LICENCE.key.encode()))]
    texts += [everything_logged.text]
    basic = "SUVBLTAwMDE6SzNZLU1BUktFUi00NzEx"
    for text in texts:
        assert LICENCE.key not in text
        assert basic not in text
        assert "t0ken" not in text
    assert "connect_tcp" in everything_logged.text, "nothing was logged: the test would prove nothing"


class TestKey:
    """The key goes to the server of the address, or where the policy allows it."""

    @pytest.fixture
    def token_server(self, serve: Serve) -> tuple[str, list[bytes]]:
        """A token endpoint with another name: its address, and what it was sent."""
        seen: list[bytes] = []

        def behave(connection: socket.socket) -> None:
            while head := request_of(connection):
                seen.append(head)
                connection.sendall(page("200 OK", json.dumps(TOKEN).encode()))

        return serve(behave).address.replace("localhost", "127.0.0.1"), seen

    @pytest.fixture
    def server(self, serve: Serve, token_server: tuple[str, list[bytes]]) -> Address:
        """A server whose document names that token endpoint."""

        def behave(connection: socket.socket) -> None:
            while head := request_of(connection):
                host = head.partition(b"Host: ")[2].partition(b"\r\n")[0].decode()
                document = {"issuer": f"http://{host}", "token_endpoint": f"{token_server[0]}/token"}
                connection.sendall(page("200 OK", json.dumps(document).encode()))

        return parse(serve(behave).address)

    def test_is_sent_to_no_other_host(self, server: Address, token_server: tuple[str, list[bytes]]) -> None:
        with Client(limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
            authenticate(client, server, LICENCE)
        failure = raised.value.failure
        assert (failure.stage, failure.problem) == (Stage.LICENCE, problems.KEY_ASKED_ELSEWHERE)
        assert failure.evidence == TokenEndpoint(token_server[0])
        assert token_server[1] == []

    @pytest.mark.parametrize(
        "host",
        ["impact-emploi.ur\u00dfaf.fr", "impact-emploi.ur\u017f\u017faf.fr", "\uff49mpact-emploi.urssaf.fr"],
    )
    def test_goes_to_the_host_that_was_checked_whoever_reads_its_name(self, host: str) -> None:
        """IDNA 2003 makes one name of « ß » and « ss », IDNA 2008 two."""
        address = parse("https://impact-emploi.urssaf.fr")
        exchange = sign_in(address, LICENCE)
        next(exchange)
        document = {"issuer": str(address), "token_endpoint": f"https://{host}:443/token/?a=b"}
        assert exchange.send(answer(200, document)).url == f"{address}/token/?a=b"

    def test_goes_to_a_host_of_the_policy_by_that_hosts_own_route(
        self, server: Address, token_server: tuple[str, list[bytes]]
    ) -> None:
        routes: list[str] = []
        endpoints: list[str] = []

        def connect(address: Address) -> Client:
            routes.append(str(address))
            return Client(limits=PATIENT)

        licence = replace(LICENCE, hosts=("127.0.0.1",))
        with Client(limits=PATIENT) as client:
            authenticate(
                client,
                server,
                licence,
                connect=connect,
                on_key=lambda endpoint: endpoints.append(str(endpoint)),
            )
        assert routes == [token_server[0]]
        assert endpoints == [f"{token_server[0]}/token"]
        assert len(token_server[1]) == 1

    def test_not_in_clear_by_a_proxy_that_only_the_endpoint_has(
        self, server: Address, token_server: tuple[str, list[bytes]]
    ) -> None:
        proxied = Route(proxy=parse(token_server[0]))
        licence = replace(LICENCE, hosts=("127.0.0.1",))
        with Client(limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
            authenticate(client, server, licence, connect=lambda _address: Client(proxied, limits=PATIENT))
        assert raised.value.failure.problem is problems.SENT_IN_CLEAR
        assert token_server[1] == []
