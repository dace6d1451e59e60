"""The door to httpx: kept connections, bounded waits, bounded memory, and what an observer is told."""

from __future__ import annotations

import gc
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
import trustme
from tests.services.conftest import BRIEF, Serve, hang_up, page, proxy, request_of, says, silent
from tests.services.test_faults import full_backlog

from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Failure, Outcome, Reason, Stage, StageResult
from iea_agent.services.https import (
    BODY_LIMIT,
    KEEPALIVE_SECONDS,
    Client,
    HttpsError,
    Limits,
    Reply,
    Request,
    Route,
    refusal,
)
from iea_sandbox.world import World

DISCOVERY = "/.well-known/openid-configuration"


def failure_of(client: Client, url: str, **options: float) -> Failure:
    with pytest.raises(HttpsError) as raised:
        client.request(Request("GET", url), **options)  # type: ignore[arg-type]
    return raised.value.failure


class Seen(list[StageResult]):
    """An observer."""

    def stages(self, outcome: Outcome) -> list[Stage]:
        return [result.stage for result in self if result.outcome is outcome]


def test_the_waits_are_those_of_the_design() -> None:
    assert Limits() == Limits(name=2, connect=5, tls=5, read=10)
    assert KEEPALIVE_SECONDS > 66, "a heartbeat may come 66 s after the last"
    assert BODY_LIMIT == 65536


def test_every_stage_is_told_as_it_goes(world: World, client: Client) -> None:
    seen = Seen()
    reply = client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
    assert reply.status == 200
    way = [Stage.NAME, Stage.CONNECTION, Stage.CERTIFICATE, Stage.ANSWER]
    assert seen.stages(Outcome.RUNNING) == way
    assert seen.stages(Outcome.PASSED) == way
    passed = {result.stage: result for result in seen if result.outcome is Outcome.PASSED}
    assert all(result.milliseconds is not None and result.milliseconds >= 0 for result in passed.values())
    assert "127.0.0.1" in passed[Stage.NAME].detail
    assert "TLSv1.3" in passed[Stage.CERTIFICATE].detail
    assert "SHA-256" in passed[Stage.CERTIFICATE].detail


def test_a_kept_connection_is_used_again(world: World, client: Client) -> None:
    for _ in range(3):
        seen = Seen()
        client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
    assert seen.stages(Outcome.PASSED) == [Stage.ANSWER]
    assert len(world.connections.select(server="auth")) == 1


def test_a_proxy_is_a_stage_of_its_own(world: World, serve: Serve) -> None:
    between = serve(proxy())
    with Client(Route(parse(between.address), world.ca_file)) as client:
        assert str(client.route) == between.address
        for expected in ([Stage.PROXY, Stage.CERTIFICATE, Stage.ANSWER], [Stage.ANSWER]):
            seen = Seen()
            client.request(Request("GET", world.authentication.address + DISCOVERY), observe=seen.append)
            assert seen.stages(Outcome.PASSED) == expected
    assert len(between.accepted) == 1


def test_plain_http_is_asked_of_the_proxy_itself(serve: Serve) -> None:
    between = serve(says(page("200 OK", b"{}")))
    seen = Seen()
    with Client(Route(parse(between.address))) as client:
        client.request(Request("GET", "http://serveur.example/"), observe=seen.append)
    assert seen.stages(Outcome.PASSED) == [Stage.PROXY, Stage.ANSWER]


def test_a_connection_that_closes_under_a_request_is_replaced_once(serve: Serve) -> None:
    def once_then_close(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(page("200 OK", b"first"))
        request_of(connection)  # the second request arrives, and the connection closes without an answer

    server = serve(once_then_close)
    with Client(limits=BRIEF) as client:
        for _ in range(2):
            assert client.request(Request("POST", server.address, body=b"x")).body == b"first"
    assert len(server.accepted) == 2


def test_a_new_connection_that_closes_is_a_failure(serve: Serve) -> None:
    server = serve(hang_up)
    with Client(limits=BRIEF) as client:
        assert failure_of(client, server.address).reason is Reason.ANSWER_CUT
    assert len(server.accepted) == 1


def test_a_connection_closed_while_idle_is_not_used(serve: Serve) -> None:
    closed = threading.Event()

    def once(connection: socket.socket) -> None:
        request_of(connection)
        connection.sendall(page("200 OK", b"once"))
        connection.shutdown(socket.SHUT_RDWR)
        closed.set()

    server = serve(once)
    with Client(limits=BRIEF) as client:
        for _ in range(2):
            closed.clear()
            assert client.request(Request("GET", server.address)).status == 200
            assert closed.wait(5)
    assert len(server.accepted) == 2


@pytest.mark.linux
def test_a_reset_while_sending_is_a_reset(serve: Serve) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(1024)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = serve(reset)
    with Client(limits=BRIEF) as client, pytest.raises(HttpsError) as raised:
        client.request(Request("POST", server.address, body=b"x" * 50_000_000))
    assert raised.value.failure.reason is Reason.RESET


def test_the_whole_request_has_one_deadline(serve: Serve) -> None:
    server = serve(silent)
    begun = time.monotonic()
    with Client() as client:
        failure = failure_of(client, server.address, seconds=0.3)
    assert failure.reason is Reason.TOO_LONG
    assert time.monotonic() - begun < 2


def test_a_silent_name_service_costs_its_own_time_only() -> None:
    released = threading.Event()

    def resolve(_: str) -> tuple[str, ...]:
        released.wait(20)
        return ()

    begun = time.monotonic()
    with Client(limits=Limits(name=0.2), resolve=resolve) as client:
        failure = failure_of(client, "https://serveur.example/")
    released.set()
    assert (failure.stage, failure.reason) == (Stage.NAME, Reason.NAME_SERVER_SILENT)
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
    connection = next(r for r in seen if r.stage is Stage.CONNECTION and r.outcome is Outcome.PASSED)
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


@pytest.mark.parametrize("fault", ["oversized", "compression-bomb"])
def test_an_answer_without_end_costs_little_memory(world: World, client: Client, fault: str) -> None:
    url = world.authentication.address + DISCOVERY
    client.request(Request("GET", url))
    world.break_("auth", fault)
    gc.collect()
    tracemalloc.start()
    try:
        assert failure_of(client, url).reason is Reason.ANSWER_NONSENSE
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8_000_000, "the sandbox's own side included"


def test_a_longer_answer_is_read_when_it_is_wanted(serve: Serve) -> None:
    body = b"x" * (BODY_LIMIT + 1)
    server = serve(says(page("200 OK", body)))
    with Client() as client:
        assert failure_of(client, server.address).reason is Reason.ANSWER_NONSENSE
        assert client.request(Request("GET", server.address), limit=len(body)).body == body


def test_what_is_said_of_an_exception_does_not_depend_on_the_callers(serve: Serve) -> None:
    server = serve(hang_up)
    with Client() as client:
        try:
            raise ConnectionRefusedError("something of the caller's own")
        except ConnectionRefusedError:
            assert failure_of(client, server.address).reason is Reason.ANSWER_CUT


def test_a_certificate_authority_is_read_again_when_its_file_changes(world: World, tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(trustme.CA().cert_pem.bytes())
    url = world.authentication.address + DISCOVERY
    with Client(Route(ca_file=file)) as client:
        assert failure_of(client, url).reason is Reason.CERTIFICATE_AUTHORITY_UNKNOWN
    file.write_bytes(world.ca_file.read_bytes())
    with Client(Route(ca_file=file)) as client:
        assert client.request(Request("GET", url)).status == 200


def test_an_address_that_no_library_would_take_is_a_failure() -> None:
    with Client() as client:
        assert failure_of(client, "https://localhost:99999/").reason is Reason.ADDRESS_MALFORMED
        assert failure_of(client, "ftp://localhost/").reason is Reason.ADDRESS_MALFORMED


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("999999999999", 86_400),
        ("-5", None),
        ("bientôt", None),
        ("", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    reply = Reply(503, {"retry-after": header, "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, b"")
    assert reply.retry_after == seconds


@pytest.mark.parametrize(
    ("url", "location", "reason"),
    [
        ("http://a.example/x", "https://a.example/x", Reason.HTTPS_EXPECTED),
        ("https://a.example/x", "https://a.example/y", Reason.REDIRECTED),
        ("http://a.example/x", "https://portal.example/?session=s3cret", Reason.CAPTIVE_PORTAL),
        ("https://a.example/x", "/login", Reason.REDIRECTED),
        ("https://a.example/x", "https://[", Reason.REDIRECTED),
        ("https://a.example/x", None, Reason.REDIRECTED),
    ],
)
def test_where_a_redirection_leads(url: str, location: str | None, reason: Reason) -> None:
    failure = refusal(Request("GET", url), Reply(302, {"location": location} if location else {}, b""))
    assert failure is not None
    assert failure.reason is reason
    assert "s3cret" not in failure.detail + failure.about


def test_a_server_may_say_that_it_wants_a_certificate() -> None:
    page = b"<center>No required SSL certificate was sent</center>"  # nginx, with TLS 1.2
    failure = refusal(Request("GET", "https://a.example"), Reply(400, {}, page))
    assert failure is not None
    assert (failure.stage, failure.reason) == (Stage.CERTIFICATE, Reason.CLIENT_CERTIFICATE_WANTED)


def test_a_date_without_the_servers_own_clock_says_nothing() -> None:
    assert Reply(503, {"retry-after": "Mon, 23 Nov 2026 12:02:00 GMT"}, b"").retry_after is None


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
    ("fault", "reason"),
    [
        ("expired-cert", Reason.CERTIFICATE_EXPIRED),
        ("wrong-host", Reason.CERTIFICATE_OF_ANOTHER),
        ("self-signed", Reason.CERTIFICATE_SELF_SIGNED),
    ],
)
def test_the_verdicts_of_windows_are_read_by_number(world: World, fault: str, reason: Reason) -> None:
    world.break_("auth", fault)
    with Client(limits=BRIEF) as client:
        assert failure_of(client, world.authentication.address + DISCOVERY).reason is reason
