"""The HTTP client: connections, time limits, memory limits, and its observer."""

from __future__ import annotations

import base64
import gc
import logging
import select
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Failure, Stage, StageOutcome, StageResult
from iea_agent.domain.evidence import CertificateHosts, InterceptedBy, ProxyInvolved, SignInWanted
from iea_agent.domain.problems import Problem
from iea_agent.services.https import BODY_LIMIT, KEEPALIVE_SECONDS, Client, HttpsError
from iea_agent.services.judge import judge_answer
from iea_agent.services.messages import Request
from iea_agent.services.network import Credentials, Limits, Route, Stream
from iea_sandbox.authority import CertificateAuthority
from iea_sandbox.world import World
from tests.covered import cover, covers
from tests.services.conftest import (
    BRIEF,
    PATIENT,
    Serve,
    hang_up,
    page,
    proxy,
    raw_server,
    request_of,
    says,
    silent,
)

DISCOVERY = "/.well-known/openid-configuration"


def failure_of(client: Client, url: str, **options: float) -> Failure:
    with pytest.raises(HttpsError) as raised:
        client.request(Request("GET", url), **options)  # type: ignore[arg-type]
    return raised.value.failure


class Seen(list[StageResult]):
    """An observer."""

    def stages(self, outcome: StageOutcome) -> list[Stage]:
        return [result.stage for result in self if result.outcome is outcome]


@contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port with a full queue: Linux drops more connections, as a firewall does."""
    with ExitStack() as opened, socket.create_server((host, port), backlog=0) as listener:
        place = listener.getsockname()
        for _ in range(3):
            filler = opened.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(place)
        yield place[1]


def test_the_waits_are_those_of_the_page_of_numbers() -> None:
    assert Limits() == Limits(name=6, connect=5, tls=5, read=10)
    assert KEEPALIVE_SECONDS > 66, "a heartbeat may come 66 s after the last"
    assert BODY_LIMIT == 65536


def test_every_stage_is_told_as_it_goes(world: World, client: Client) -> None:
    seen = Seen()
    reply = client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
    assert reply.status == 200
    way = [Stage.NAME, Stage.CONNECTION, Stage.CERTIFICATE, Stage.ANSWER]
    assert seen.stages(StageOutcome.RUNNING) == way
    assert seen.stages(StageOutcome.PASSED) == way
    passed = {result.stage: result for result in seen if result.outcome is StageOutcome.PASSED}
    assert all(result.milliseconds is not None and result.milliseconds >= 0 for result in passed.values())
    assert "127.0.0.1" in passed[Stage.NAME].detail
    assert "TLSv1.3" in passed[Stage.CERTIFICATE].detail
    assert "SHA-256" in passed[Stage.CERTIFICATE].detail


def test_a_kept_connection_is_used_again(world: World, client: Client) -> None:
    for _ in range(3):
        seen = Seen()
        client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
    assert seen.stages(StageOutcome.PASSED) == [Stage.ANSWER]
    assert len(world.connections.select(server="auth")) == 1


def test_a_proxy_is_a_stage_of_its_own(world: World, serve: Serve) -> None:
    between = serve(proxy())
    with Client(Route(parse(between.address), world.ca_file)) as client:
        assert str(client.route) == between.address
        for expected in ([Stage.PROXY, Stage.CERTIFICATE, Stage.ANSWER], [Stage.ANSWER]):
            seen = Seen()
            client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
            assert seen.stages(StageOutcome.PASSED) == expected
    assert len(between.accepted) == 1


def test_plain_http_is_asked_of_the_proxy_itself(serve: Serve) -> None:
    between = serve(says(page("200 OK", b"{}")))
    seen = Seen()
    with Client(Route(parse(between.address))) as client:
        client.request(Request("GET", "http://serveur.example/"), observe=seen.append)
    assert seen.stages(StageOutcome.PASSED) == [Stage.PROXY, Stage.ANSWER]


def test_a_connection_that_closes_under_a_request_is_replaced_once(serve: Serve) -> None:
    def once_then_close(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(page("200 OK", b"first"))
        request_of(connection)  # the second request arrives, and the connection closes without an answer

    server = serve(once_then_close)
    with Client(limits=PATIENT) as client:
        for _ in range(2):
            assert client.request(Request("POST", server.address, body=b"x")).body == b"first"
    assert len(server.accepted) == 2


def test_a_new_connection_that_closes_is_a_failure(serve: Serve) -> None:
    server = serve(hang_up)
    with Client(limits=PATIENT) as client:
        assert failure_of(client, server.address).problem is problems.ANSWER_CUT
    assert len(server.accepted) == 1


def test_a_connection_closed_while_idle_is_not_used(serve: Serve) -> None:
    closed = threading.Event()

    def once(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(page("200 OK", b"once"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve(once)
    with Client(limits=PATIENT) as client:
        for _ in range(2):
            closed.clear()
            assert client.request(Request("GET", server.address)).status == 200
            assert closed.wait(5)
    assert len(server.accepted) == 2


@pytest.mark.linux  # where a socket that was reset has no peer any more
def test_a_connection_that_was_reset_meanwhile_is_called_so_and_is_not_left_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connected = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        select.select([connected], [], [], 5)
        with pytest.raises(ConnectionResetError, match="not connected"):
            Stream(connected)
        assert connected.fileno() == -1


def test_a_reset_while_sending_is_a_reset(serve: Serve) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = serve(reset)
    with Client(limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
        client.request(Request("POST", server.address, body=b"x" * 50_000_000))
    assert raised.value.failure.problem is problems.CONNECTION_CUT


def test_the_whole_request_has_one_deadline(serve: Serve) -> None:
    server = serve(silent)
    begun = time.monotonic()
    with Client() as client:
        failure = failure_of(client, server.address, seconds=0.3)
    assert failure.problem is problems.TEST_TOO_LONG
    assert time.monotonic() - begun < 2


def test_a_tunnel_whose_tls_fails_frees_its_place(serve: Serve) -> None:
    between, beyond = serve(proxy()), serve(lambda _: None)  # hangs up at once
    address = beyond.address.replace("http:", "https:")
    with Client(Route(parse(between.address)), limits=PATIENT) as client:
        reasons = [failure_of(client, address, seconds=5).problem for _ in range(11)]
    assert set(reasons) == {problems.TLS_INTERRUPTED}


def test_waiting_for_a_place_among_the_connections_has_the_same_deadline(serve: Serve) -> None:
    here, over = threading.Barrier(11), threading.Event()

    def hold(connection: socket.socket) -> None:
        request_of(connection)
        here.wait(10)
        over.wait(10)

    address = serve(hold).address
    with Client(limits=PATIENT) as client, ThreadPoolExecutor(10) as threads:
        busy = [threads.submit(failure_of, client, address) for _ in range(10)]
        here.wait(10)
        begun = time.monotonic()
        failure = failure_of(client, address, seconds=0.2)
        took = time.monotonic() - begun
        over.set()
        assert {each.result().problem for each in busy} == {problems.ANSWER_CUT}
    assert failure.problem is problems.TEST_TOO_LONG
    assert took < 2, "sooner than those that were there before"


def test_a_silent_name_service_costs_its_own_time_only() -> None:
    released = threading.Event()

    def resolve(_: str) -> tuple[str, ...]:
        released.wait(20)
        return ()

    begun = time.monotonic()
    with Client(limits=Limits(name=0.2), resolve=resolve) as client:
        failure = failure_of(client, "https://serveur.example/")
    released.set()
    assert (failure.stage, failure.problem) == (Stage.NAME, problems.NAME_SERVER_SILENT)
    assert time.monotonic() - begun < 2


@pytest.mark.linux
def test_an_address_that_swallows_packets_does_not_hold_up_the_next(serve: Serve) -> None:
    server = serve(says(page("200 OK", b"{}")))
    with (
        full_backlog("127.0.0.2", server.port),
        Client(resolve=lambda _: ("127.0.0.2", "127.0.0.1")) as client,
    ):
        seen = Seen()
        client.request(Request("GET", f"http://serveur.example:{server.port}/"), observe=seen.append)
    connection = next(r for r in seen if r.stage is Stage.CONNECTION and r.outcome is StageOutcome.PASSED)
    assert connection.detail == "127.0.0.1"
    assert connection.milliseconds is not None
    assert 200 < connection.milliseconds < 1500


def test_an_address_that_refuses_gives_way_at_once(serve: Serve) -> None:
    server = serve(says(page("200 OK", b"{}")))
    with Client(resolve=lambda _: ("::1", "127.0.0.1")) as client:
        assert client.request(Request("GET", f"http://serveur.example:{server.port}/")).status == 200


def test_without_a_proxy_the_environment_is_not_asked(world: World) -> None:
    script = (
        "import sys; from pathlib import Path; from iea_agent.services.https import *\n"
        "with Client(Route(ca_file=Path(sys.argv[2]))) as c: print(c.request(Request('GET', sys.argv[1])).status)"
    )
    environment = {"HTTPS_PROXY": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    system = {name: value for name, value in __import__("os").environ.items() if name.upper() != "NO_PROXY"}
    url = world.authentication.address + DISCOVERY
    done = subprocess.run(
        [sys.executable, "-c", script, url, str(world.ca_file)],
        env=system | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "200", done.stderr


def test_no_cookie_is_kept(serve: Serve) -> None:
    heads: list[bytes] = []

    def give(connection: socket.socket) -> None:
        while head := request_of(connection):
            heads.append(head)
            connection.sendall(page("200 OK", b"{}", "Set-Cookie: who=you; Path=/"))

    server = serve(give)
    with Client() as client:
        for _ in range(2):
            client.request(Request("GET", server.address))
    assert len(heads) == 2
    assert b"cookie" not in heads[1].lower()
    assert b"accept-encoding: identity" in heads[1].lower()


def test_many_fields_take_no_more_time_than_in_proportion(serve: Serve) -> None:
    fields = [f"{number:x}:" for number in range(0x1000, 0x1000 + 10_000)]
    server = serve(says(page("200 OK", b"{}", *fields, "Twice: a", "twice: b")))
    with Client() as client:
        begun = time.thread_time()
        reply = client.request(Request("GET", server.address))
        assert time.thread_time() - begun < 0.5
    assert (len(reply.headers), reply.headers["twice"]) == (10_002, "a, b")


def test_an_offered_cookie_is_not_even_read(serve: Serve) -> None:
    bomb = page("200 OK", b"{}", "Set-Cookie: a=b", "Set-Cookie2: " + "a," * 28_000)
    server = serve(says(bomb))
    with Client() as client:
        begun = time.thread_time()
        client.request(Request("GET", server.address))
        assert time.thread_time() - begun < 0.2


@pytest.mark.parametrize("fault", ["oversized", "compression-bomb"])
def test_an_answer_without_end_costs_little_memory(world: World, client: Client, fault: str) -> None:
    url = world.authentication.address + DISCOVERY
    client.request(Request("GET", url))
    world.break_("auth", fault)
    gc.collect()
    tracemalloc.start()
    try:
        assert failure_of(client, url).problem is problems.ANSWER_NONSENSE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000, "the sandbox's own side included"


def test_what_an_answer_is_compressed_with_can_be_shown(serve: Serve) -> None:
    server = serve(says(b"HTTP/1.1 200 OK\r\nContent-Encoding: br, \x9b31m\r\nContent-Length: 0\r\n\r\n"))
    with Client() as client:
        failure = failure_of(client, server.address)
    assert failure.problem is problems.ANSWER_NONSENSE
    assert failure.detail.isprintable()


def test_a_redirection_to_what_is_no_url_is_one_all_the_same(serve: Serve) -> None:
    server = serve(says(b"HTTP/1.1 302 Found\r\nLocation: \x08\r\nContent-Length: 0\r\n\r\n"))
    request = Request("GET", server.address)
    with Client() as client:
        failure = judge_answer(request, client.request(request))
    assert failure is not None
    assert failure.problem is problems.REDIRECTED


def test_a_longer_answer_is_read_when_it_is_wanted(serve: Serve) -> None:
    body = b"x" * (BODY_LIMIT + 1)
    server = serve(says(page("200 OK", body)))
    with Client() as client:
        assert failure_of(client, server.address).problem is problems.ANSWER_NONSENSE
        assert client.request(Request("GET", server.address), limit=len(body)).body == body


def test_what_is_said_of_an_exception_does_not_depend_on_the_callers(serve: Serve) -> None:
    server = serve(hang_up)
    with Client() as client:
        try:
            raise ConnectionRefusedError("something of the caller's own")
        except ConnectionRefusedError:
            assert failure_of(client, server.address).problem is problems.ANSWER_CUT


def test_a_certificate_authority_is_read_again_when_its_file_changes(world: World, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(trustme.CA().cert_pem.bytes())
    url = world.authentication.address + DISCOVERY
    with Client(Route(ca_file=file)) as client:
        assert failure_of(client, url).problem is problems.CERTIFICATE_AUTHORITY_UNKNOWN
    file.write_bytes(world.ca_file.read_bytes())
    with Client(Route(ca_file=file)) as client:
        assert client.request(Request("GET", url)).status == 200


def test_an_address_that_no_library_would_take_is_a_failure() -> None:
    with Client() as client:
        assert failure_of(client, "https://localhost:99999/").problem is problems.ADDRESS_MALFORMED
        assert failure_of(client, "ftp://localhost/").problem is problems.ADDRESS_MALFORMED


def test_httpx_does_not_bring_its_command_line() -> None:
    script = (
        "import sys, iea_agent.services.https\n"
        "print(sorted({'click', 'rich', 'pygments', 'asyncio'} & set(sys.modules)))\n"
        "import click; print(click.__name__)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split("\n")[:2] == ["[]", "click"], done.stderr


@pytest.mark.skipif(sys.platform != "win32", reason="CryptoAPI is Windows'")
@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("expired-cert", problems.CERTIFICATE_EXPIRED),
        ("wrong-host", problems.CERTIFICATE_OF_ANOTHER),
        ("not-yet-valid", problems.CERTIFICATE_NOT_YET_VALID),
        ("self-signed", problems.CERTIFICATE_SELF_SIGNED),
    ],
)
@pytest.mark.parametrize("proxied", [False, True])
def test_the_verdicts_of_windows_are_read_by_number(
    world: World, serve: Serve, fault: str, problem: Problem, *, proxied: bool
) -> None:
    world.break_("auth", fault)
    between = parse(serve(proxy()).address) if proxied else None
    with Client(Route(between), limits=PATIENT) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
    assert failure.problem is problem
    assert failure.certificate is not None


# --- certificates


def test_the_certificate_of_a_connection_is_kept_and_told(world: World, client: Client) -> None:
    assert client.certificate is None
    seen = Seen()
    client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
    certificate = client.certificate
    assert certificate is not None
    assert certificate.issuer == "Bac à sable IEA"
    assert certificate.not_before < time.time() < certificate.not_after
    (detail,) = [r.detail for r in seen if r.stage is Stage.CERTIFICATE and r.outcome is StageOutcome.PASSED]
    assert detail == f"TLSv1.3, issued by Bac à sable IEA, SHA-256 {certificate.sha256}"
    client.request(Request("GET", world.authentication.address + DISCOVERY))
    assert client.certificate == certificate, "also after a request on the kept connection"


@pytest.mark.parametrize("proxied", [False, True])
def test_a_refused_certificate_is_looked_at_and_nothing_is_sent(
    world: World, serve: Serve, *, proxied: bool
) -> None:
    world.break_("auth", "unknown-ca", issuer="Kaspersky")
    between = parse(serve(proxy()).address) if proxied else None
    with Client(Route(between, world.ca_file), limits=PATIENT) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
        assert (failure.problem, failure.evidence) == (problems.INTERCEPTED, InterceptedBy("Kaspersky"))
        assert failure.certificate is not None
        assert failure.certificate == client.certificate
        assert failure.certificate.issuer == "Kaspersky"
        assert failure.certificate.sha256 in failure.detail
    assert world.requests.select() == []
    assert len(world.connections.select(server="auth")) == 2


def test_the_certificate_of_another_names_the_servers_that_it_is_for(world: World) -> None:
    world.break_("auth", "wrong-host")
    with Client(Route(None, world.ca_file), limits=PATIENT) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
    assert failure.problem is problems.CERTIFICATE_OF_ANOTHER
    assert failure.evidence == CertificateHosts(("autre-serveur.example",))


def test_the_certificate_that_expired_is_the_one_described(world: World) -> None:
    world.break_("auth", "expired-intermediate")
    with Client(Route(None, world.ca_file), limits=PATIENT) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
    assert failure.problem is problems.CERTIFICATE_EXPIRED
    assert failure.certificate is not None
    assert failure.certificate.not_after < time.time() - 80_000
    assert failure.certificate.issuer == "Bac à sable IEA"
    assert failure.certificate != client.certificate, "that of the server is valid"


def test_looking_again_at_a_certificate_does_not_wait_for_ever(world: World, serve: Serve) -> None:
    """The second time the proxy makes no tunnel."""
    calls = iter([proxy(), silent])
    between = serve(lambda connection: next(calls)(connection))
    world.break_("auth", "self-signed")
    begun = time.monotonic()
    with Client(Route(parse(between.address), world.ca_file), limits=BRIEF) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
    assert (failure.problem, failure.certificate) == (problems.CERTIFICATE_SELF_SIGNED, None)
    assert time.monotonic() - begun < 2


def test_looking_again_ends_with_the_request(world: World, serve: Serve) -> None:
    calls = iter([proxy(), silent])
    between = serve(lambda connection: next(calls)(connection))
    world.break_("auth", "self-signed")
    begun = time.monotonic()
    with Client(Route(parse(between.address), world.ca_file)) as client:
        failure_of(client, world.authentication.address + DISCOVERY, seconds=0.7)
    assert time.monotonic() - begun < 2


def test_an_authority_of_the_same_name_is_not_the_same(world: World, tmp_path: Path) -> None:
    """The chain came whole, but the trusted authority of that name did not sign it."""
    file = tmp_path / "ca.pem"
    file.write_bytes(CertificateAuthority().authority_pem)
    with Client(Route(ca_file=file)) as client:
        failure = failure_of(client, world.authentication.address + DISCOVERY)
    assert failure.problem is problems.CERTIFICATE_PROVES_NOTHING


# --- proxies


NTLM = ("Proxy-Authenticate: Negotiate", "Proxy-Authenticate: NTLM")
BASIC = ('Proxy-Authenticate: Basic realm="squid"',)
ZOE = Credentials("Zoé", "s3cret-é:")


@pytest.mark.parametrize("url", ["https://serveur.example", "http://serveur.example"])
@pytest.mark.parametrize(
    ("offers", "credentials", "problem"),
    [
        (BASIC, None, problems.PROXY_WANTS_PASSWORD),
        (BASIC, ZOE, problems.PROXY_REFUSES_PASSWORD),
        ((), None, problems.PROXY_WANTS_PASSWORD),
        ((), ZOE, problems.PROXY_REFUSES_PASSWORD),
        (NTLM, None, problems.PROXY_SIGN_IN_UNKNOWN),
        (NTLM, ZOE, problems.PROXY_SIGN_IN_UNKNOWN),
        ((*NTLM, *BASIC), None, problems.PROXY_WANTS_PASSWORD),
    ],
)
def test_what_a_proxy_wants(
    serve: Serve, url: str, offers: tuple[str, ...], credentials: Credentials | None, problem: Problem
) -> None:
    between = serve(says(page("407 Proxy Authentication Required", b"", "X-Cache: Basic squid", *offers)))
    with Client(Route(parse(between.address), credentials=credentials), limits=PATIENT) as client:
        failure = failure_of(client, url)
    assert (failure.stage, failure.problem) == (Stage.PROXY, problem)
    named = SignInWanted("Negotiate, NTLM") if problem is problems.PROXY_SIGN_IN_UNKNOWN else None
    assert failure.evidence == named or ProxyInvolved(between.address)
    assert all(offer.split()[1] in failure.detail for offer in offers)


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_password_goes_to_the_proxy_and_nowhere_else(
    serve: Serve, caplog: pytest.LogCaptureFixture, scheme: str
) -> None:
    heads: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        heads.append(request_of(connection))
        connection.sendall(page("407 Proxy Authentication Required", b"", *BASIC))

    between = serve(refuse)
    caplog.set_level(logging.DEBUG)
    seen = Seen()
    route = Route(parse(between.address), credentials=ZOE)
    with Client(route, limits=PATIENT) as client, pytest.raises(HttpsError) as raised:
        client.request(Request("GET", f"{scheme}://serveur.example/"), observe=seen.append)
    given = base64.b64encode("Zoé:s3cret-é:".encode())
    # in clear, the proxy is asked first if it is the one who asks
    asked = [b"GET", b"CONNECT", b"GET"] if scheme == "http" else [b"CONNECT", b"CONNECT"]
    assert [head.split()[0] for head in heads] == asked
    with_password = [b"Proxy-Authorization: Basic " + given in head for head in heads]
    assert with_password == [False] * (len(asked) - 1) + [True]
    text = caplog.text + repr((route, client, raised.value, raised.value.failure, seen)) + str(raised.value)
    assert "s3cret" not in text
    assert given.decode() not in text


def test_a_server_behind_the_tunnel_that_asks_is_not_the_proxy(world: World, serve: Serve) -> None:
    world.break_("auth", "407")
    between = serve(proxy())
    request = Request("GET", world.authentication.address + DISCOVERY)
    with Client(Route(parse(between.address), world.ca_file, ZOE)) as client:
        failure = judge_answer(request, client.request(request))
    assert failure is not None
    assert (failure.stage, failure.problem) == (Stage.ANSWER, problems.PROXY_WANTS_PASSWORD)
    assert all("proxy-authorization" not in seen.headers for seen in world.requests.select())


# --- addresses


def test_over_ipv4_alone(serve: Serve) -> None:
    server = serve(says(page("200 OK", b"{}")))
    for host in ("serveur.example", "localhost"):
        seen = Seen()
        with Client(Route(ipv4_only=True), resolve=lambda _: ("::1", "127.0.0.1")) as client:
            client.request(Request("GET", f"http://{host}:{server.port}/"), observe=seen.append)
        details = [r.detail for r in seen if r.stage is Stage.NAME and r.outcome is StageOutcome.PASSED]
        assert details == ["127.0.0.1"]


def test_an_ipv6_address_is_none_over_ipv4_alone() -> None:
    with Client(Route(ipv4_only=True)) as client:
        failure = failure_of(client, "http://[::1]:9/")
    assert (failure.stage, failure.problem) == (Stage.NAME, problems.NAME_WITHOUT_IPV4)
    assert "IPv4" in failure.detail


# --- answers


def test_a_body_that_is_not_wanted_is_not_read(world: World, client: Client) -> None:
    world.break_("auth", "oversized")
    reply = client.request(Request("GET", world.authentication.address + DISCOVERY), limit=0)
    assert (reply.status, reply.body) == (200, b"")


LINES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 301 Moved\r\n",
        b"HTTP/1.0 503 \r\n",
        b"HTTP/9.9 999\r\n",
        b"Location: http://[\r\n",
        b"Location: //\x85\xff/\r\n",
        b"Retry-After: 1e9\r\n",
        b"Date: Thu, 32 Jan 2026 00:00:00 +9999\r\n",
        b"Age: 99999999999999999999\r\n",
        b'Proxy-Authenticate: ,,Basic\xff="\\\r\n',
        b"Content-Type: text/html\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"5\r\nhallo\r\n",
        b"0\r\n\r\n",
        b"ffffffffffffffff\r\n",
    ]
)


@covers("reply", "failure")
@pytest.mark.parametrize("proxied", [False, True])
def test_any_answer_is_a_reply_or_a_failure(*, proxied: bool) -> None:
    answer = b""

    def give(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(answer)

    @settings(max_examples=60)
    @example(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    @given(st.lists(LINES | st.binary(max_size=20), max_size=8).map(b"".join))
    def ask(answered: bytes) -> None:
        nonlocal answer
        answer = answered
        url = "http://serveur.example/" if proxied else server.address
        with Client(
            Route(parse(server.address), credentials=ZOE) if proxied else None, limits=PATIENT
        ) as client:
            try:
                reply = client.request(Request("GET", url))
            except HttpsError as error:
                failure: Failure | None = error.failure
                cover("failure")
            else:
                cover("reply")
                assert reply.server_time is None or reply.server_time > 0
                failure = judge_answer(Request("GET", url), reply)
        if failure is not None:
            assert failure.problem is not problems.INTERNAL_ERROR
            assert len(failure.detail) < 400
            assert repr(failure.evidence).isprintable()

    with raw_server(give) as server:
        ask()
