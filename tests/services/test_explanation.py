"""What explains a failure, and what only looks as if it did."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Failure, Server, ServerReport, Stage
from iea_agent.domain.evidence import AnswerInClear, PortalPage, ResolvedAddress
from iea_agent.domain.problems import Group
from iea_agent.services.explanation import MADE_UP_PATH, Explanation, explain
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.messages import Request
from iea_agent.services.names import MADE_UP_NAME, Resolve
from iea_agent.services.network import Credentials, Route
from iea_sandbox.world import World
from tests.services.conftest import PATIENT, Behaviour, Raw, Serve, page, proxy, request_of
from tests.services.test_faults import report_on

NETWORK_NAME = "reseau-local"
"""A name of one network only."""


class Question(NamedTuple):
    """What was asked in clear."""

    path: str
    host: str


Answer = Callable[[Question], bytes]
HTML = "Content-Type: text/html; charset=utf-8"
PAGE = page("200 OK", b"<html>Bienvenue</html>", HTML)
NOT_FOUND = page("404 Not Found", b"<html>", HTML)


def moves_to(target: str, status: str = "302 Found") -> Answer:
    """Redirect everything."""
    return lambda _: page(status, b"", f"Location: {target}")


def keeps_the_path(target: str) -> Answer:
    return lambda question: page("302 Found", b"", f"Location: {target}{question.path}?x=1")


def only(*paths: str, host: str = "") -> Answer:
    """Have a page for some paths, of one host."""
    return lambda q: PAGE if q.path in paths and host in q.host else NOT_FOUND


def cut(_: socket.socket) -> None:
    """Hang up in the handshake."""


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def in_clear(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(page("302 Found", b"", "Location: http://portail.example/"))


def alert(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # handshake_failure


@dataclass
class Place:
    """A server whose https fails, and what it answers in clear on the same port."""

    serve: Serve
    secure: Behaviour
    answer: Answer
    asked: list[Question] = field(default_factory=list)
    heads: list[bytes] = field(default_factory=list)

    def open(self, host: str = "localhost") -> str:
        raw: Raw = self.serve(self._behave)
        return f"https://{host}:{raw.port}/chemin"

    def _behave(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            self.secure(connection)
            return
        head = request_of(connection)
        if head:
            self.heads.append(head)
            lines = head.decode().split("\r\n")
            host = next(line[6:] for line in lines if line.lower().startswith("host: "))
            self.asked.append(Question(lines[0].split()[1], host))
            connection.sendall(self.answer(self.asked[-1]))


def loopback(_: str) -> Sequence[str]:
    return ("127.0.0.1",)


def examined(address: str, resolve: Resolve | None = loopback) -> ServerReport:
    return report_on(Server.UPDATES, address, lambda _: Client(limits=PATIENT, resolve=resolve))


ANY_QUERY = "http://connexion.portail.example/accueil?mac=00:11:22&url=s3cret"
PORTALS: dict[str, Answer] = {
    "redirects": moves_to(ANY_QUERY),
    "redirects to its own number": moves_to("http://10.1.0.1:8080/login"),
    "redirects for ever, with a query": moves_to(ANY_QUERY, "301 Moved"),
    "redirects for ever to a box": moves_to("http://192.168.1.1/", "308 Permanent"),
    "redirects for ever to a local name": moves_to("http://box.lan/", "301 Moved"),
    "see other": moves_to("https://hotspot.example/", "303 See Other"),
    "a page for everything": lambda _: PAGE,
    "xhtml for everything": lambda _: page("200 OK", b"", "Content-Type: application/xhtml+xml"),
    "511": lambda _: page("511 Network Authentication Required", b"<html>", HTML),
}


@pytest.mark.parametrize("answer", PORTALS.values(), ids=list(PORTALS))
def test_a_portal_answers_everything(serve: Serve, answer: Answer) -> None:
    place = Place(serve, cut, answer)
    report = examined(place.open())
    assert report.failure is not None
    assert [finding.problem for finding in report.findings] == [problems.CAPTIVE_PORTAL]
    assert report.cause is report.findings[0]
    assert "s3cret" not in repr(report)
    assert {question.path for question in place.asked} == {MADE_UP_PATH}
    for head in place.heads:
        assert b"chemin" not in head
        assert b"authorization" not in head.lower()


NO_PORTALS: dict[str, tuple[Answer, bool]] = {
    "https on the same host": (moves_to("https://localhost/"), False),
    "a site with pages of its own": (only("/", "/index.html"), False),
    "nothing": (lambda _: NOT_FOUND, False),
    "a forbidden page": (lambda _: page("403 Forbidden", b"<html>", HTML), False),
    "json": (lambda _: page("200 OK", b"{}", "Content-Type: application/json"), False),
    "no http": (lambda _: b"bonjour", False),
    "a page for any path of this host only": (only(MADE_UP_PATH, host="localhost"), True),
    "moved for ever": (moves_to("https://www.ailleurs.example/", "301 Moved"), True),
    "moved with its path": (keeps_the_path("https://www.ailleurs.example"), True),
}


@pytest.mark.parametrize(("answer", "doubtful"), NO_PORTALS.values(), ids=list(NO_PORTALS))
def test_a_site_that_answers_in_clear_is_no_portal(serve: Serve, answer: Answer, doubtful: bool) -> None:
    report = examined(Place(serve, cut, answer).open())
    assert report.failure is not None
    assert report.findings == ()
    assert report.cause is report.failure
    assert (report.failure.doubt is not None) == doubtful


OWNERS = {
    "www": ("https://a.fr", "https://www.a.fr/"),
    "the domain": ("https://connexion.a.fr", "https://a.fr/"),
    "another ending": ("https://connexion.a.fr", "https://www.a.org/fr"),
    "another port": ("https://a.fr", "https://a.fr:8443/"),
}


@pytest.mark.parametrize(("address", "target"), OWNERS.values(), ids=list(OWNERS))
def test_a_site_of_the_same_owner_is_no_portal(serve: Serve, address: str, target: str) -> None:
    place = Place(serve, cut, moves_to(target))
    report = examined(place.open(address.removeprefix("https://")))
    assert problems.CAPTIVE_PORTAL not in [finding.problem for finding in report.findings]
    assert report.failure is not None
    assert report.failure.doubt is None


@pytest.mark.parametrize("host", [NETWORK_NAME, "nas.local", "serveur.lan", "intranet.home.arpa"])
@pytest.mark.parametrize("answer", [moves_to(ANY_QUERY), lambda _: PAGE], ids=["redirects", "a page"])
def test_no_portal_takes_the_place_of_a_local_name(serve: Serve, host: str, answer: Answer) -> None:
    """A router shows its page there."""
    report = examined(Place(serve, cut, answer).open(host))
    assert report.failure is not None
    assert report.findings == ()
    assert isinstance(report.failure.doubt, AnswerInClear)


SECURE: dict[str, Behaviour] = {"in clear": in_clear, "with an alert": alert, "cut": cut, "reset": reset}


@pytest.mark.parametrize("secure", SECURE.values(), ids=list(SECURE))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_portal_explains_whatever_https_does(serve: Serve, secure: Behaviour) -> None:
    report = examined(Place(serve, secure, moves_to(ANY_QUERY)).open())
    assert report.failure is not None
    assert report.failure.problem.group in (Group.CERTIFICATE, Group.NETWORK)
    assert report.cause is not None
    assert report.cause.problem is problems.CAPTIVE_PORTAL
    assert report.cause.evidence == PortalPage("http://connexion.portail.example")


NUMBERS: dict[tuple[str, ...], bool] = {
    ("0.0.0.0",): True,  # noqa: S104
    ("::",): True,
    ("127.0.0.1",): True,
    ("127.0.0.53", "::1"): True,
    ("::ffff:127.0.0.1",): True,
    ("0.0.0.0", "::"): True,  # noqa: S104
    ("192.0.2.1",): True,
    ("146.112.61.106",): True,
    ("127.0.0.1", "93.184.215.14"): False,
    ("192.168.1.1",): False,  # a portal, a box, or a server of the organisation
    ("198.18.0.7",): False,  # some VPN programs
    ("64:ff9b::5db8:d70e",): False,  # NAT64
    (): False,
}


@pytest.mark.parametrize(("numbers", "blocked"), NUMBERS.items(), ids=map(str, NUMBERS))
def test_a_public_name_that_leads_nowhere_is_blocked(numbers: tuple[str, ...], blocked: bool) -> None:
    failure = Failure(Stage.CONNECTION, problems.CONNECTION_REFUSED)
    with Client(limits=PATIENT) as client:
        client.resolved = numbers
        address = parse("http://impact-emploi.urssaf.fr")
        cause = explain(client, address, failure, seconds=1).cause(failure, time.time())
    if not blocked:
        assert cause == failure
        return
    assert (cause.problem, cause.stage) == (problems.NAME_BLOCKED, Stage.NAME)
    assert cause.evidence == ResolvedAddress(", ".join(numbers))


def refusing_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize(
    ("host", "blocked"),
    [
        *(("serveur.example", True), ("impact-emploi.urssaf.fr", True), ("localhost", False)),
        *(("nas.local", False), ("serveur", False), ("127.0.0.1", False), ("serveur.test", False)),
    ],
)
def test_only_a_name_of_the_internet_can_be_blocked(host: str, blocked: bool) -> None:
    report = examined(f"https://{host}:{refusing_port()}")
    assert report.failure is not None
    assert report.failure.problem is problems.CONNECTION_REFUSED
    assert [finding.problem for finding in report.findings] == ([problems.NAME_BLOCKED] if blocked else [])


def met(client: Client, address: Address) -> Failure:
    """The failure that *client* meets at *address*."""
    with pytest.raises(HttpsError) as caught:
        client.request(Request("GET", str(address)))
    return caught.value.failure


@pytest.mark.parametrize("through", [True, False])
def test_a_proxy_of_the_system_explains_a_server_that_is_not_reached(
    world: World, serve: Serve, through: bool
) -> None:
    """Directly the name leads to a port that refuses; the proxy knows the server."""
    between = parse(serve(proxy()).address)
    real = parse(world.authentication.address)
    asked = parse(f"https://localhost:{refusing_port()}")

    def by_system(_: Address) -> Client:
        return Client(Route(between if through else None, world.ca_file), limits=PATIENT)

    with Client(Route(ca_file=world.ca_file), limits=PATIENT) as client:
        failure = met(client, asked)
        explanation = explain(client, real, failure, seconds=5, by_system_proxy=by_system)
    assert [finding.problem for finding in explanation.findings] == [problems.PROXY_NEEDED] * through
    assert not [request for request in world.requests.select() if "authorization" in request.headers]


def test_a_proxy_that_does_not_reach_the_server_explains_nothing(serve: Serve) -> None:
    between = parse(serve(proxy(page("502 Bad Gateway"))).address)
    address = parse(f"https://localhost:{refusing_port()}")
    with Client(limits=PATIENT) as client:
        failure = met(client, address)
        explanation = explain(
            client,
            address,
            failure,
            seconds=5,
            by_system_proxy=lambda _: Client(Route(between), limits=PATIENT),
        )
    assert explanation == Explanation()


def test_a_licence_that_is_refused_needs_no_explanation(serve: Serve) -> None:
    place = Place(serve, cut, lambda _: PAGE)
    address = parse(place.open())
    refused = Failure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED)
    with Client(limits=PATIENT) as client:
        assert explain(client, address, refused, seconds=5) == Explanation()
    assert place.asked == []


def test_the_look_ends_when_its_time_is_over(serve: Serve) -> None:
    def never(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    address = parse(serve(never).address.replace("http:", "https:"))
    failure = Failure(Stage.CERTIFICATE, problems.TLS_INTERRUPTED)
    begun = time.monotonic()
    with Client(limits=PATIENT) as client:
        assert explain(client, address, failure, seconds=0.3) == Explanation()
    assert time.monotonic() - begun < 1.5


def test_no_proxys_password_goes_with_the_question(serve: Serve) -> None:
    """Whoever is behind the proxy may ask for it."""
    heads: list[bytes] = []

    def between(connection: socket.socket) -> None:
        while head := request_of(connection):
            heads.append(head)
            if head.startswith(b"CONNECT "):
                connection.sendall(page("200 OK") + b"no TLS")
                return
            connection.sendall(page("407 Who", b"", 'Proxy-Authenticate: Basic realm="x"'))

    route = Route(parse(serve(between).address), credentials=Credentials("marie", "secret"))
    report_on(Server.UPDATES, "https://serveur.example", lambda _: Client(route, limits=PATIENT))
    assert [head for head in heads if head.startswith(b"GET http://serveur.example/")]
    assert not [head for head in heads if b"Proxy-Authorization" in head]


def test_a_page_is_asked_for_under_a_name_that_cannot_exist(serve: Serve) -> None:
    place = Place(serve, cut, lambda _: PAGE)
    examined(place.open())
    assert [question.host for question in place.asked][1:] == [MADE_UP_NAME]
