"""Every fault is found at its stage and called by its name."""

from __future__ import annotations

import gc
import json
import os
import re
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from iea_agent.assembly.installation import Installation
from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import Server, ServerReport, Stage, StageOutcome
from iea_agent.domain.problems import Problem
from iea_agent.services import updates
from iea_agent.services.authentication import Connect, Licence
from iea_agent.services.https import Client
from iea_agent.services.network import Credentials, Limits, Route
from iea_agent.services.reachability import EXAMINATION_SECONDS, Verify, examine
from iea_agent.shell.wording.detail_text import word_detail
from iea_sandbox.authority import NAME
from iea_sandbox.faults import FAULTS, Layer, ServerName
from iea_sandbox.proxy import USER
from iea_sandbox.world import World
from tests.desk.agents_file import assert_read_alike, explain_by
from tests.services.conftest import BRIEF, PATIENT, Serve, page, proxy, request_of, resolving, says, silent
from tests.services.fault_table import (
    ALTERNATIVES,
    AT_ONCE,
    DOCUMENT,
    MEASURED,
    OTHER_FAULTS,
    PLAYED_BY_THE_TOUR,
    SANDBOX,
    ExpectedFailure,
    document,
    expected_problem,
    left_to_the_updater,
)
from tests.services.peers import Nginx, Squid, openssl_server, own_file, revocation_list, tls_server

SLACK = 1.5 if sys.platform == "linux" else 3.0
"""Seconds that a machine with other things to do may take besides: what is held is that no limit is waited for twice, or in vain."""

IN_FULL = "IEA_FULL_LIMITS" in os.environ
"""Let every fault take as long as it does in the product: some three minutes, for a person who wants `fault_table --measured`."""

SERVERS: dict[ServerName, Server] = {"auth": Server.AUTHENTICATION, "updates": Server.UPDATES}


def licence_of(world: World, name: str = "good") -> Licence:
    given = world.licence(name)
    return Licence(given.number, given.key)


def report_on(
    server: Server,
    text: str,
    connect: Connect,
    licence: Licence | None = None,
    seconds: float = EXAMINATION_SECONDS,
    verify: Verify | None = None,
) -> ServerReport:
    """The report of the test of one server."""
    return timed(server, text, connect, licence, seconds, verify)[0]


def timed(
    server: Server,
    text: str,
    connect: Connect,
    licence: Licence | None = None,
    seconds: float = EXAMINATION_SECONDS,
    verify: Verify | None = None,
) -> tuple[ServerReport, float]:
    """Return the report, and the seconds until its failure or its end was published."""
    times_of_verdict: list[float] = []

    def listen(report: ServerReport) -> None:
        if report.failure is not None or report.done:
            times_of_verdict.append(time.monotonic())

    begun = time.monotonic()
    (report,) = examine(
        {server: text},
        connect,
        licence,
        listen,
        now=datetime.now(UTC),
        verify=verify,
        seconds=seconds,
    )
    return report, times_of_verdict[0] - begun


@pytest.fixture(scope="module")
def times() -> Iterator[dict[str, float]]:
    """Seconds to each verdict, kept beside those of earlier runs."""
    measured: dict[str, float] = {}
    yield measured
    all_times = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    all_times[sys.platform] = all_times.get(sys.platform, {}) | measured
    MEASURED.parent.mkdir(exist_ok=True)
    MEASURED.write_text(json.dumps(all_times, indent=1, sort_keys=True), encoding="utf-8")


ENGLISH = re.compile(r"\b(the|with|without|not|no|for|error|failed|says|was|is|from|to|this)\b", re.I)
"""Words that no French detail has outside of a quotation."""


def assert_in_time(took: float, expected: ExpectedFailure | None, whole: float) -> None:
    assert took <= (AT_ONCE if expected is None else expected.deadline(limits_for(expected), whole)) + SLACK


def assert_reported(
    report: ServerReport, expected: ExpectedFailure | None, finding: Problem | None = None
) -> None:
    assert report.done
    failure = report.failure
    assert (failure and ExpectedFailure(failure.stage, failure.problem)) == (
        expected and expected._replace(wait="")
    ), failure
    for failed in filter(None, (failure, *report.findings)):
        assert failed.evidence is None or isinstance(failed.evidence, failed.problem.evidence or ())
    assert [noticed.problem for noticed in report.findings] == ([] if finding is None else [finding])
    outcomes = [stage.outcome for stage in report.stages]
    if expected is None:
        assert set(outcomes) <= {StageOutcome.PASSED, StageOutcome.SKIPPED}
        return
    place = [stage.stage for stage in report.stages].index(expected.stage)
    assert outcomes[place] is StageOutcome.FAILED
    assert set(outcomes[:place]) <= {StageOutcome.PASSED, StageOutcome.SKIPPED}
    assert set(outcomes[place + 1 :]) <= {StageOutcome.SKIPPED}
    assert report.stages[place].detail, "support wants evidence"
    for stage in report.stages:
        own_words = re.sub("«[^»]*»", "", word_detail(stage.detail))
        assert not ENGLISH.search(own_words), own_words


def limits_for(expected: ExpectedFailure | None) -> Limits:
    """Short where a limit is waited for."""
    if IN_FULL:
        return Limits()
    return BRIEF if expected is not None and expected.wait else PATIENT


def route_of(world: World, name: str) -> Route:
    """The way to the servers that shows the fault."""
    if FAULTS[name].layer is not Layer.PROXY or name == "proxy-needed":
        return Route(ca_file=world.ca_file)
    credentials = Credentials(USER, "wrong") if name.startswith("proxy-password-refused") else None
    return Route(parse(world.proxy_address), world.ca_file, credentials)


def affected_servers(name: str) -> Iterator[tuple[ServerName, ExpectedFailure | None]]:
    """The servers whose test may find the fault, and what is to be found."""
    for server in SERVERS:
        if FAULTS[name].parts[0] not in SERVERS or server in FAULTS[name].parts:
            yield server, SANDBOX[name].failure(server)


def break_(world: World, name: str, server: ServerName) -> None:
    """What lies between is broken once, and strikes the way to both servers."""
    fault = FAULTS[name]
    world.break_(server if fault.parts[0] in SERVERS else fault.parts[0], fault.how)


def client_for(world: World, name: str, limits: Limits) -> Client:
    """Goes by the way that shows the fault."""
    resolve = resolving(world.names.port)
    return Client(route_of(world, name), limits=limits, resolve=resolve, online=lambda: True)


def visit(world: World, server: ServerName, connect: Connect, folder: Path) -> tuple[ServerReport, float]:
    """Test one of the sandbox's servers; *folder* keeps what is trusted."""

    def verify(ask: updates.Send, address: Address, timestamp: bytes) -> str:
        return str(updates.check(ask, address, world.root_file.read_bytes(), folder, timestamp=timestamp))

    text = addresses.clean(world.to_type(server))
    return timed(SERVERS[server], text, connect, licence_of(world), verify=verify)


MARKS = {
    "filtered": pytest.mark.linux,
    # CPython's SSLSocket._create leaves its socket to the garbage collector where the connection was reset before it began: see collect()
    "tcp-reset": pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
}


@pytest.fixture(scope="module")
def support_desk(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The PC whose support files are read: one for all faults."""
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path_factory.mktemp("support"))})


def collect() -> None:
    """Collect the garbage of a test of the servers now, not in another test."""
    for thread in threading.enumerate():
        if thread.name.startswith("test of"):
            thread.join(5)
    gc.collect()


@pytest.mark.parametrize(
    ("name", "server"),
    [
        pytest.param(name, server, marks=MARKS.get(name, ()))
        for name in SANDBOX
        for server, _ in affected_servers(name)
    ],
)
def test_fault_of_the_sandbox(
    world: World,
    times: dict[str, float],
    support_desk: Installation,
    name: str,
    server: ServerName,
    tmp_path: Path,
) -> None:
    def connect(_: Address) -> Client:
        return client_for(world, name, limits_for(expected))

    expected = dict(affected_servers(name))[server]
    if FAULTS[name].layer is Layer.METADATA:
        assert_reported(visit(world, server, connect, tmp_path)[0], None)
    break_(world, name, server)
    report, took = visit(world, server, connect, tmp_path)
    if report.failure and name in ALTERNATIVES and report.failure.problem is ALTERNATIVES[name].problem:
        expected = ALTERNATIVES[name]
    if name == "tcp-reset":
        collect()
    assert_reported(report, expected, SANDBOX[name].finding)
    times[f"{name} {server}"] = took
    assert_in_time(took, expected, EXAMINATION_SECONDS)
    # what the support desk reads knows no system
    if sys.platform == "linux":
        shown_as = expected_problem(name, server)
        alternative = expected is ALTERNATIVES.get(name)
        assert_read_alike(
            support_desk,
            explain_by(report, SANDBOX[name].explanation),
            expected.problem if alternative and expected else shown_as,
        )


def test_no_fault_of_the_sandbox_is_left_out() -> None:
    assert set(SANDBOX) | set(left_to_the_updater()) | set(PLAYED_BY_THE_TOUR) == set(FAULTS)


def test_what_the_server_asked_to_wait_is_kept(world: World) -> None:
    world.break_("auth", "503", retry_after=77)
    report = report_on(
        Server.AUTHENTICATION, world.authentication.address, lambda _: Client(Route(ca_file=world.ca_file))
    )
    assert report.failure is not None
    assert report.failure.retry_after == 77


# --- around the servers

Arranged = tuple[str, Connect, Licence | None]
Arrangement = Callable[["Place"], Arranged]


class Place:
    """What an arrangement needs: the sandbox, raw servers, a folder, and clean-up."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, undo: ExitStack, limits: Limits) -> None:
        self.world: World = request.getfixturevalue("world")
        self.serve: Serve = request.getfixturevalue("serve")
        self.folder, self.undo, self.limits, self._request = folder, undo, limits, request
        self.address = self.world.authentication.address

    def through(self, route: Route) -> Connect:
        return lambda _: Client(route, limits=self.limits, online=lambda: True)

    def direct(self, text: str) -> Arranged:
        return text, self.through(Route()), None

    def trusting(self, text: str) -> Arranged:
        return text, self.through(Route(ca_file=self.world.ca_file)), None

    def by_proxy(self, text: str, to: str = "", credentials: Credentials | None = None) -> Arranged:
        return to or self.address, self.through(Route(parse(text), self.world.ca_file, credentials)), None

    @property
    def squid(self) -> Squid:
        squid: Squid = self._request.getfixturevalue("squid")
        return squid

    def named(self, resolve: Callable[[str], tuple[str, ...]], *, online: bool = True) -> Arranged:
        def connect(_: object) -> Client:
            return Client(limits=self.limits, resolve=resolve, online=lambda: online)

        return "https://serveur.example", connect, None

    def answering(self, answer: bytes) -> Arranged:
        return self.direct(self.serve(says(answer)).address)

    def shows(self, certificate: trustme.LeafCert, *trusted: bytes) -> Arranged:
        """A TLS server with *certificate*, this PC trusting what is in *trusted*."""
        port = self.undo.enter_context(tls_server(certificate))
        return f"https://localhost:{port}", self.through(Route(ca_file=own_file(self.folder, *trusted))), None


def _failing(code: int) -> Callable[[str], tuple[str, ...]]:
    def resolve(host: str) -> tuple[str, ...]:
        raise socket.gaierror(code, f"about {host}")

    return resolve


def _missing(place: Place) -> Arranged:
    return place.address, place.through(Route(ca_file=place.folder / "nothing.pem")), None


def _nonsense(place: Place) -> Arranged:
    file = place.folder / "nonsense.pem"
    file.write_text("bonjour")
    return place.address, place.through(Route(ca_file=file)), None


def _onward(place: Place) -> Arranged:
    raw = place.serve(says(page("301 Moved", b"", "Location: https://localhost/")))
    return raw.address, place.through(Route()), None


def _cut(place: Place) -> Arranged:
    def reset(connection: socket.socket) -> None:
        request_of(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return place.serve(reset).address, place.through(Route()), None


def _dribble(place: Place) -> Arranged:
    over = threading.Event()
    place.undo.callback(over.set)

    def drip(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Drip: ")
        for _ in count():
            if over.wait(0.1):
                return
            connection.sendall(b"x")

    return place.serve(drip).address, place.through(Route()), None


def _portal_cuts(place: Place) -> Arranged:
    """A portal that cuts TLS handshakes and redirects http, both on one port."""

    def behaviour(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) != b"\x16":
            request_of(connection)
            connection.sendall(page("302 Found", b"", "Location: http://portail.example/accueil?mac=00:11"))

    return place.direct(place.serve(behaviour).address.replace("http:", "https:"))


def _intercepted(place: Place) -> Arranged:
    place.world.break_("auth", "unknown-ca", issuer="Zscaler Inc.")
    return place.by_proxy(place.serve(proxy()).address)


def _without_list(place: Place) -> Arranged:
    authority, another = trustme.CA(organization_name="Autorité"), trustme.CA(organization_name="Autre")
    certificate = authority.issue_cert("localhost")
    return place.shows(certificate, authority.cert_pem.bytes(), revocation_list(another, certificate))


def _nginx(path: str) -> Arrangement:
    def arrange(place: Place) -> Arranged:
        nginx = place.undo.enter_context(Nginx(place.folder, place.world))
        return place.trusting(nginx.address(path))

    return arrange


def _openssl(*options: str) -> Arrangement:
    def arrange(place: Place) -> Arranged:
        port = place.undo.enter_context(openssl_server(place.folder, *options))
        return f"https://localhost:{port}", place.through(Route(ca_file=place.folder / "authority.pem")), None

    return arrange


def _reset_without_certificate(place: Place) -> Arranged:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with trustme.Blob(place.world.authority.pem()).tempfile() as path:
        context.load_cert_chain(path)
    context.load_verify_locations(cafile=place.world.ca_file)
    context.verify_mode = ssl.CERT_REQUIRED

    def behaviour(connection: socket.socket) -> None:
        received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(received, to_send, server_side=True)
        with suppress(ssl.SSLError):
            while data := connection.recv(65536):
                received.write(data)
                with suppress(ssl.SSLWantReadError):
                    tls.do_handshake()
                connection.sendall(to_send.read())
        # an alert of the versions is sent, that of the certificate is not
        if tls.version() is None:
            connection.sendall(to_send.read())
            silent(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return place.trusting(place.serve(behaviour).address.replace("http:", "https:"))


def _old_renegotiation(place: Place) -> Arranged:
    """A ServerHello (RFC 5246, 7.4.1.3) of TLS 1.2 without any extension."""

    def behaviour(connection: socket.socket) -> None:
        connection.recv(65536)
        hello = b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0"
        message = b"\x02" + len(hello).to_bytes(3, "big") + hello
        connection.sendall(b"\x16\x03\x03" + len(message).to_bytes(2, "big") + message)
        silent(connection)

    return place.direct(place.serve(behaviour).address.replace("http:", "https:"))


def _old_and_silent(place: Place) -> Arranged:
    """A server that hangs up on TLS 1.2, and goes on with a client that takes TLS 1.1."""
    context = place.world.authority.context("old-tls", "")

    def behaviour(connection: socket.socket) -> None:
        hello = connection.recv(65536, socket.MSG_PEEK)
        # only a client that takes older versions offers the ciphers of SSL 3.0 (TLS_RSA_WITH_AES_128_CBC_SHA)
        if b"\x00\x2f" in hello[:300]:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)

    return place.direct(place.serve(behaviour).address.replace("http:", "https:"))


def _only_ipv6(_: Place) -> Arranged:
    def connect(_: object) -> Client:
        return Client(Route(ipv4_only=True), limits=BRIEF, resolve=lambda _: ("2001:db8::1",))

    return "https://serveur.example", connect, None


def _international(place: Place) -> Arranged:
    def resolve(host: str) -> tuple[str, ...]:
        assert host == "xn--impts-8ta.example"
        raise socket.gaierror(socket.EAI_NONAME, f"about {host}")

    return "https://impôts.example", place.named(resolve)[1], None


@pytest.fixture(scope="module")
def squid() -> Iterator[Squid]:
    """Started once."""
    with Squid() as running:
        yield running


def _licence(fault: str, dialect: str) -> Arrangement:
    def arrange(place: Place) -> Arranged:
        place.world.break_("auth", fault, dialect=dialect)
        return place.address, place.through(Route(ca_file=place.world.ca_file)), licence_of(place.world)

    return arrange


ARRANGEMENTS: dict[str, Arrangement] = {
    "address-other-scheme": lambda place: place.direct("ftp://serveur.example"),
    "address-international": _international,
    "address-ipv6-broken": lambda place: place.direct("https://[2001:db8::1/updates"),
    "address-in-clear": lambda place: (
        "http://serveur.example",
        place.through(Route()),
        licence_of(place.world),
    ),
    "no-network": lambda place: place.named(_failing(socket.EAI_AGAIN), online=False),
    "name-without-ipv4": _only_ipv6,
    "cut-in-clear": _cut,
    "portal-cuts": _portal_cuts,
    "portal-redirects": lambda place: place.answering(
        page("302 Found", b"", "Location: https://portail.example/?mac=00:11")
    ),
    "portal-page": lambda place: place.answering(page("200 OK", b"<html>", "Content-Type: text/html")),
    "portal-511": lambda place: place.answering(page("511 Network Authentication Required")),
    "proxy-unknown": lambda place: (
        place.address,
        lambda _: Client(
            Route(parse("http://mandataire.example:3128")),
            resolve=_failing(socket.EAI_NONAME),
            online=lambda: True,
        ),
        None,
    ),
    "proxy-over-https": lambda place: place.by_proxy("https://localhost:3128"),
    "proxy-password-in-clear": lambda place: place.by_proxy(
        place.serve(proxy(page("407 Proxy Authentication Required"))).address, to="http://serveur.example"
    ),
    "squid": lambda place: place.by_proxy(place.squid.open),
    "squid-with-password": lambda place: place.by_proxy(
        place.squid.closed, credentials=place.squid.CREDENTIALS
    ),
    "squid-password": lambda place: place.by_proxy(place.squid.closed),
    "squid-wrong-password": lambda place: place.by_proxy(
        place.squid.closed, credentials=Credentials(place.squid.CREDENTIALS.user, "un autre")
    ),
    "squid-forbids": lambda place: place.by_proxy(place.squid.open, f"https://{place.squid.FORBIDDEN}"),
    "proxy-intercepts": _intercepted,
    "ca-file-missing": _missing,
    "ca-file-nonsense": _nonsense,
    "ca-file-without-list": _without_list,
    "box": lambda place: place.shows(
        # with a file of one's own OpenSSL judges on Windows too: Wine's CryptoAPI lets strangers pass
        trustme.CA(organization_name="Sagemcom Broadband SAS").issue_cert("localhost"),
        trustme.CA().cert_pem.bytes(),
    ),
    "openssl-tls-1.1": _openssl("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"),
    "openssl-client-certificate": _openssl("-tls1_3", "-Verify", "1", "-verify_return_error"),
    "openssl-client-certificate-1.2": _openssl("-tls1_2", "-Verify", "1", "-verify_return_error"),
    "openssl-client-certificate-optional": _openssl("-verify", "1"),
    "openssl-rsa-key-exchange": _openssl("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
    "openssl-cbc-only": _openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
    "openssl-http2-only": _openssl("-alpn", "h2"),
    "tls-1.3-client-certificate-reset": _reset_without_certificate,
    "old-renegotiation": _old_renegotiation,
    "old-and-silent": _old_and_silent,
    "nginx-unknown-name": _nginx("unknown-name"),
    "nginx-https-expected": _nginx("in-clear"),
    "nginx-client-certificate": _nginx("client-certificate"),
    "nginx-to-https": _nginx("to-https"),
    "nginx-port-80": _nginx("port-80"),
    "nginx-unavailable": _nginx("unavailable"),
    "https-expected": lambda place: place.answering(
        # the words of nginx
        page("400 Bad Request", b"The plain HTTP request was sent to HTTPS port")
    ),
    "https-alert": lambda place: place.answering(
        # OpenSSL's alert: unexpected message
        b"\x15\x03\x01\x00\x02\x02\x0a"
    ),
    "http-to-https": _onward,
    "maintenance-announced": lambda place: place.answering(
        page("503 Service Unavailable", b"bient\xc3\xb4t", "Retry-After: 1200")
    ),
    "wrong-path": lambda place: place.trusting(place.address + "/realms/faux"),
    "dribble": _dribble,
    **{
        name: _licence(*name.removeprefix("licence-").split("-", 1))
        for name in OTHER_FAULTS
        if name.startswith("licence-")
    },
}


# Wine sometimes shows a reset as an orderly end; no nginx, openssl and squid in Windows
ONLY_LINUX = (
    "cut-in-clear",
    *(name for name in OTHER_FAULTS if name.startswith(("nginx", "openssl", "squid"))),
)
WHOLE = {} if IN_FULL else {"dribble": 1.0}
"""Seconds for a test whose verdict is its own end."""


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.linux if name in ONLY_LINUX else ()) for name in OTHER_FAULTS],
)
def test_fault_beyond_the_servers(
    name: str, request: pytest.FixtureRequest, tmp_path: Path, times: dict[str, float]
) -> None:
    whole = WHOLE.get(name, EXAMINATION_SECONDS)
    with ExitStack() as undo:
        text, connect, licence = ARRANGEMENTS[name](
            Place(request, tmp_path, undo, limits_for(OTHER_FAULTS[name].seen))
        )
        report, times[name] = timed(Server.AUTHENTICATION, text, connect, licence, whole)
        assert_reported(report, OTHER_FAULTS[name].seen, OTHER_FAULTS[name].finding)
        assert_in_time(times[name], OTHER_FAULTS[name].seen, whole)


# --- with the limits that the product has


class Trial(NamedTuple):
    """A test that has to wait: what it must find, and after how many seconds."""

    expected: ExpectedFailure
    seconds: float
    begin: Callable[[], tuple[ServerReport, float]]


def made(client: Client) -> Connect:
    """Return a client made before; loading authorities would slow the others."""
    return lambda _: client


def _one_wait_after_another(place: Place) -> Trial:
    """The name comes late, but comes; then the server is silent."""
    late, over = 1.5, threading.Event()
    place.undo.callback(over.set)

    def resolve(_: str) -> tuple[str, ...]:
        over.wait(late)
        return ("127.0.0.1",)

    connect = made(Client(limits=place.limits, resolve=resolve, online=lambda: True))
    address = place.serve(silent).address.replace("http://localhost", f"https://{NAME}")
    expected = ExpectedFailure(Stage.CERTIFICATE, problems.TLS_INTERRUPTED, "tls")
    seconds = late + expected.deadline(place.limits)
    return Trial(expected, seconds, partial(timed, Server.UPDATES, address, connect))


def trials(place: Place) -> Iterator[tuple[str, Trial]]:
    """Yield each fault that a limit ends; those of the sandbox in their own world."""
    for name in SANDBOX:
        waits = [(server, seen) for server, seen in affected_servers(name) if seen and seen.wait]
        if not waits or (name == "filtered" and sys.platform != "linux"):
            continue
        world = place.undo.enter_context(World(place.folder / name))
        for server, seen in waits:
            break_(world, name, server)
            connect = made(client_for(world, name, place.limits))
            begin = partial(visit, world, server, connect, place.folder / name / server)
            yield f"{name} {server}", Trial(seen, seen.deadline(place.limits), begin)
    for name, beyond in OTHER_FAULTS.items():
        if beyond.seen and beyond.seen.wait:
            begin = partial(timed, Server.AUTHENTICATION, *ARRANGEMENTS[name](place))
            yield name, Trial(beyond.seen, beyond.seen.deadline(place.limits), begin)
    yield "one wait after another", _one_wait_after_another(place)


def test_no_verdict_comes_after_its_limit(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """All at the same time: as long as the longest of them, and next to no work."""
    with ExitStack() as undo:
        begun = dict(trials(Place(request, tmp_path, undo, Limits())))
        with ThreadPoolExecutor(len(begun)) as threads:
            ended = list(threads.map(lambda trial: trial.begin(), begun.values()))
    waited = {name: took for name, (_, took) in zip(begun, ended, strict=True)}
    for (_, trial), (report, _) in zip(begun.items(), ended, strict=True):
        assert_reported(report, trial.expected)
    # no sooner either (0.1 s: a wait may end a moment early): else these would not be the product's limits
    late = {n: t for n, t in waited.items() if not -0.1 <= t - begun[n].seconds <= SLACK}
    assert not late, waited


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run: python -m tests.services.fault_table"
