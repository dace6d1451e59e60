"""Each fault, met by a plain client, is what the catalogue says."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPResponse
from threading import Thread
from time import monotonic
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from iea_sandbox.authority import NAME
from iea_sandbox.faults import (
    FAULTS,
    PARTS,
    ActiveFault,
    Layer,
    PartName,
    ServerName,
    UnknownFault,
    describe_faults,
    find_fault,
)
from iea_sandbox.world import World

SILENCE = 0.3  # seconds without a byte that count as silence
SERVERS: tuple[ServerName, ...] = ("auth", "updates")


def address(world: World, server: ServerName) -> str:
    """Return the address of a page that a sound server has."""
    if server == "auth":
        return f"{world.authentication.address}/.well-known/openid-configuration"
    return f"{world.updates.address}/metadata/timestamp.json"


def trusting(world: World) -> ssl.SSLContext:
    """Return a strict client's context; Python 3.13 is as strict by itself."""
    context = ssl.create_default_context(cafile=world.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_CRL_CHECK_CHAIN
    return context


def get(world: World, server: ServerName) -> httpx.Response:
    with httpx.Client(verify=trusting(world), trust_env=False, timeout=5) as client:
        return client.get(address(world, server))


def dial(world: World, server: ServerName, host: str = "127.0.0.1") -> socket.socket:
    """Open a bare TCP connection."""
    return socket.create_connection((host, urlsplit(address(world, server)).port), timeout=5)


def ask(world: World, server: ServerName) -> ssl.SSLSocket:
    """Open a TLS connection and request the page."""
    tls = trusting(world).wrap_socket(dial(world, server), server_hostname="localhost")
    path = urlsplit(address(world, server)).path
    tls.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    return tls


def read_until_end(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> ServerName:
    name: ServerName = request.param
    return name


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", NAME])
def test_sound_servers_answer_in_both_families(world: World, server: ServerName, host: str) -> None:
    place = "localhost" if host == NAME else host
    with trusting(world).wrap_socket(dial(world, server, place), server_hostname=host) as tls:
        assert tls.version() == "TLSv1.3"
    response = get(world, server)
    assert response.status_code == 200
    assert response.json()


def test_a_refused_port_comes_back(world: World, server: ServerName) -> None:
    world.break_(server, "refuse")
    with pytest.raises(ConnectionRefusedError):
        dial(world, server)
    world.mend(server)
    assert get(world, server).status_code == 200


def test_the_connection_is_reset(world: World, server: ServerName) -> None:
    world.break_(server, "reset")
    with dial(world, server) as connection:
        connection.sendall(b"the first flight of a handshake")
        if sys.platform == "linux":
            with pytest.raises(ConnectionResetError):
                connection.recv(1)
        else:  # Wine ends a connection in good order before it resets it
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


@pytest.mark.parametrize(
    ("how", "error"),
    [
        # the second is what an older Python calls it
        ("handshake-closed", (ssl.SSLEOFError, ssl.SSLZeroReturnError)),
        ("plain-http", ssl.SSLError),
        ("old-tls", ssl.SSLError),
    ],
)
def test_the_handshake_fails(
    world: World, server: ServerName, how: str, error: type[Exception] | tuple[type[Exception], ...]
) -> None:
    world.break_(server, how)
    with dial(world, server) as connection, pytest.raises(error) as caught:
        trusting(world).wrap_socket(connection, server_hostname="localhost")
    # an older OpenSSL has another reason for the second, which Python has no name for
    reasons = {"plain-http": ("WRONG_VERSION_NUMBER",), "old-tls": ("TLSV1_ALERT_PROTOCOL_VERSION", None)}
    if how in reasons:
        assert isinstance(caught.value, ssl.SSLError)
        assert caught.value.reason in reasons[how]


def test_the_server_stays_silent(world: World, server: ServerName) -> None:
    world.break_(server, "timeout")
    with dial(world, server) as connection:
        world.connections.wait(1, server)
        connection.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            trusting(world).wrap_socket(connection, server_hostname="localhost")


def test_the_tls_port_speaks_plain_http(world: World, server: ServerName) -> None:
    world.break_(server, "plain-http")
    url = address(world, server).replace("https:", "http:")
    assert httpx.get(url, trust_env=False, timeout=5).status_code == 200
    assert [request.secure for request in world.requests] == [False]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("captive-portal", 20),
        ("intercepted", 20),
        ("revoked", 23),
        ("expired-cert", 10),  # X509_V_ERR_CERT_HAS_EXPIRED, and so on: openssl/x509_vfy.h
        ("not-yet-valid", 9),
        ("wrong-host", 62),
        ("self-signed", 18),
        ("unknown-ca", 20),
        ("missing-intermediate", 20),
    ],
)
def test_certificates_are_wrong_in_their_own_way(
    world: World, server: ServerName, how: str, code: int
) -> None:
    world.break_(server, how)
    with dial(world, server) as connection, pytest.raises(ssl.SSLCertVerificationError) as caught:
        trusting(world).wrap_socket(connection, server_hostname="localhost")
    assert caught.value.verify_code == code


def certificate(world: World) -> x509.Certificate:
    """Return the authentication server's certificate without verifying it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(dial(world, "auth")) as tls:
        return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True) or b"")


def organisation(name: x509.Name) -> str:
    return str(name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value)


@pytest.mark.parametrize(
    ("how", "options", "issuer"),
    [
        ("unknown-ca", {"issuer": "Un inconnu"}, "Un inconnu"),
        ("intercepted", {}, "Avast Web/Mail Shield Root"),
        ("intercepted", {"issuer": "Fortinet"}, "Fortinet"),
        ("captive-portal", {}, "portail.example"),
        ("missing-intermediate", {}, "Bac à sable IEA"),
    ],
)
def test_the_issuer_of_the_certificate_is_as_ordered(
    world: World, how: str, options: dict[str, object], issuer: str
) -> None:
    world.break_("auth", how, **options)
    assert organisation(certificate(world).issuer) == issuer


def test_a_chain_without_its_middle_is_told_from_a_stranger_by_its_organisation(world: World) -> None:
    root = x509.load_pem_x509_certificate(world.ca_file.read_bytes())
    world.break_("auth", "missing-intermediate")
    assert organisation(certificate(world).issuer) == organisation(root.subject)
    assert certificate(world).issuer != root.subject


def test_a_revoked_certificate_passes_without_a_look_at_the_list(world: World) -> None:
    world.break_("auth", "revoked")
    context = ssl.create_default_context(cafile=world.ca_file)
    with context.wrap_socket(dial(world, "auth"), server_hostname="localhost") as tls:
        assert tls.version()


def in_clear(world: World, server: ServerName) -> tuple[int, str | None, str]:
    """Return the answer to plain http at the server's port: status, target, page."""
    parts = urlsplit(address(world, server))
    connection = HTTPConnection("127.0.0.1", parts.port or 0, timeout=5)
    try:
        connection.request("GET", parts.path)
        response = connection.getresponse()
        return response.status, response.getheader("location"), response.read().decode()
    finally:
        connection.close()


def test_plain_http_to_the_sound_port_is_answered_as_nginx_does(world: World, server: ServerName) -> None:
    status, _, page = in_clear(world, server)
    assert status == 400
    assert "The plain HTTP request was sent to HTTPS port" in page


def test_a_portal_answers_in_clear_with_its_own_address(world: World, server: ServerName) -> None:
    world.break_(server, "captive-portal")
    assert in_clear(world, server)[:2] == (302, "http://portail.example/connexion")


def test_the_connection_is_reset_at_once(world: World, server: ServerName) -> None:
    world.break_(server, "tcp-reset")
    if sys.platform == "linux":
        with pytest.raises(ConnectionResetError), dial(world, server) as connection:  # by either of the two
            connection.recv(1)
    else:  # Wine ends a connection in good order before it resets it
        with suppress(ConnectionResetError), dial(world, server) as connection:
            assert connection.recv(1) == b""


@pytest.mark.linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_nothing_answers_an_attempt_to_connect(world: World, server: ServerName, host: str) -> None:
    world.break_(server, "filtered")
    with pytest.raises(TimeoutError):
        socket.create_connection((host, urlsplit(address(world, server)).port), timeout=SILENCE)
    world.mend(server)
    assert get(world, server).status_code == 200


def test_a_client_certificate_is_demanded(world: World, server: ServerName) -> None:
    world.break_(server, "client-cert")
    with ask(world, server) as tls, pytest.raises(ssl.SSLError) as caught:
        tls.recv(1)
    assert caught.value.reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED"


def test_no_answer_comes(world: World, server: ServerName) -> None:
    world.break_(server, "no-answer")
    with ask(world, server) as tls:
        tls.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            tls.recv(1)


def test_the_server_hangs_up_without_an_answer(world: World, server: ServerName) -> None:
    world.break_(server, "closed")
    with ask(world, server) as tls:
        assert read_until_end(tls) == b""


def test_the_body_stalls(world: World, server: ServerName) -> None:
    world.break_(server, "stalled")
    with ask(world, server) as tls, HTTPResponse(tls) as response:
        response.begin()
        assert response.length == 2000
        assert response.read(10)
        tls.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            response.read()


def test_the_body_is_cut(world: World, server: ServerName) -> None:
    world.break_(server, "truncated")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        get(world, server)


def test_the_answer_is_no_http(world: World, server: ServerName) -> None:
    world.break_(server, "garbage")
    with ask(world, server) as tls:
        assert not read_until_end(tls).startswith(b"HTTP/")


@pytest.mark.parametrize("how", ["oversized", "compression-bomb"])
def test_the_body_has_no_end(world: World, server: ServerName, how: str) -> None:
    world.break_(server, how)
    wanted = 32 * 1024 * 1024
    size = wire = 0
    with (
        httpx.Client(verify=trusting(world), trust_env=False, timeout=5) as client,
        client.stream("GET", address(world, server)) as response,
    ):
        for data in response.iter_bytes():
            size += len(data)
            wire = response.num_bytes_downloaded
            if size > wanted:
                break
    assert size > wanted
    if how == "compression-bomb":
        assert wire < size / 500


ONLY_IN_THE_RIG = ("network-off", "pac-offered")
ANSWERS = {name: fault for name, fault in FAULTS.items() if fault.layer is Layer.ANSWER}


@pytest.mark.parametrize("how", [name for name in ANSWERS if name.isdigit()])
def test_the_status_is_the_name(world: World, server: ServerName, how: str) -> None:
    world.break_(server, how)
    response = get(world, server)
    assert response.status_code == int(how)
    assert response.headers["content-type"].startswith("text/html")
    assert "date" in response.headers
    assert ("location" in response.headers) == (how in ("301", "302"))
    assert ("www-authenticate" in response.headers) == (how == "401")
    assert ("proxy-authenticate" in response.headers) == (how == "407")
    assert response.headers.get("retry-after") == ("30" if how == "429" else None)


@pytest.mark.parametrize("how", ["408", "429", "500", "502", "503", "504", "maintenance"])
def test_retry_after_is_as_ordered(world: World, server: ServerName, how: str) -> None:
    world.break_(server, how, retry_after=7)
    assert get(world, server).headers["retry-after"] == "7"


def test_a_page_a_maintenance_page_and_another_service_answer(world: World, server: ServerName) -> None:
    world.break_(server, "web-page")
    assert "<h1>Bienvenue" in get(world, server).text
    world.break_(server, "maintenance")
    page = get(world, server)
    assert (page.status_code, page.headers["retry-after"]) == (503, "600")
    world.break_(server, "another-service")
    assert not {"issuer", "signed"} & set(get(world, server).json())


def test_the_clock_is_wrong(world: World, server: ServerName) -> None:
    honest = parsedate_to_datetime(get(world, server).headers["date"])
    world.break_(server, "wrong-clock", days=-10)
    lying = parsedate_to_datetime(get(world, server).headers["date"])
    assert 9.9 < (honest - lying).total_seconds() / 86_400 < 10.1


def test_a_fault_may_strike_some_addresses_only(world: World) -> None:
    world.break_("auth", "503", at="/token")
    assert get(world, "auth").status_code == 200
    with httpx.Client(verify=trusting(world), trust_env=False) as client:
        assert client.post(f"{world.authentication.address}/token").status_code == 503


def test_one_server_breaks_alone(world: World) -> None:
    world.break_("auth", "500")
    assert get(world, "updates").status_code == 200
    assert world.broken("updates") is None
    world.mend("updates")
    assert world.broken("auth") == find_fault("auth", "500", {})


def test_every_fault_is_listed_and_can_be_switched_on_and_off(world: World) -> None:
    help_text = describe_faults()
    for name, fault in FAULTS.items():
        assert f"  {fault.how} " in help_text
        if name in ONLY_IN_THE_RIG or (name == "filtered" and sys.platform != "linux"):
            continue
        for part in fault.parts:
            world.break_(part, fault.how)
            assert world.broken(part) == ActiveFault(fault, find_fault(part, fault.how, {}).options)
            world.mend(part)
    world.mend()
    assert [get(world, server).status_code for server in SERVERS] == [200, 200]


@pytest.mark.parametrize(
    ("part", "how", "options"),
    [
        ("printer", "503", {}),
        ("proxy", "503", {}),
        ("proxy", "proxy-silent", {}),
        ("auth", "proxy-silent", {}),
        ("network", "off", {}),
        ("auth", "nonsense", {}),
        ("auth", "rolled-back", {}),
        ("updates", "refused", {}),
        ("auth", "503", {"days": 3}),
        ("auth", "503", {"retry_after": "soon"}),
        ("auth", "refused", {"dialect": "klingon"}),
    ],
)
def test_what_does_not_exist_is_refused(
    world: World, part: PartName, how: str, options: dict[str, object]
) -> None:
    with pytest.raises(UnknownFault):
        world.break_(part, how, **options)
    assert all(world.broken(name) is None for name in PARTS)


@pytest.fixture
def keep_alive(world: World) -> Iterator[httpx.Client]:
    """A client with connections that outlive a request."""
    with httpx.Client(verify=trusting(world), trust_env=False, timeout=5) as client:
        yield client


def test_connections_are_kept_open(world: World, server: ServerName, keep_alive: httpx.Client) -> None:
    for _ in range(3):
        keep_alive.get(address(world, server))
    assert len(world.requests.select(server)) == 3
    assert len(world.connections.select(server)) == 1


@pytest.mark.parametrize("how", ["503", "expired-cert", "refuse", "closed"])
def test_a_kept_connection_does_not_escape_a_fault(
    world: World, server: ServerName, keep_alive: httpx.Client, how: str
) -> None:
    """Not a race: the connection is closed before ``break_`` returns."""
    for _ in range(10):
        assert keep_alive.get(address(world, server)).status_code == 200
        world.break_(server, how)
        try:
            assert keep_alive.get(address(world, server)).status_code == 503
        except httpx.TransportError:
            assert how != "503"
        world.mend(server)


def test_mending_frees_a_client_that_waits_in_vain(world: World, server: ServerName) -> None:
    world.break_(server, "no-answer")
    with ask(world, server) as tls:
        world.connections.wait(1, server)
        Thread(target=world.mend, args=(server,)).start()
        with suppress(ConnectionResetError, ssl.SSLEOFError):  # any end will do, but for TimeoutError
            read_until_end(tls)


def test_requests_are_recorded_and_waited_for(world: World) -> None:
    with pytest.raises(TimeoutError):
        world.requests.wait(deadline=0.01)
    before = monotonic()
    Thread(target=get, args=(world, "auth")).start()
    (request,) = world.requests.wait(1, "auth", lambda request: request.method == "GET")
    assert request.target == "/.well-known/openid-configuration"
    assert request.headers["host"].startswith("localhost:")
    assert request.secure
    assert before < request.at < monotonic()
    with httpx.Client(verify=trusting(world), trust_env=False) as client:
        client.post(f"{world.authentication.address}/token?x=1", data={"a": "é"})
    (posted,) = world.requests.wait(1, matching=lambda request: request.method == "POST")
    assert (posted.target, posted.body) == ("/token?x=1", b"a=%C3%A9")


def test_a_recorded_licence_key_does_not_show(world: World) -> None:
    with httpx.Client(verify=trusting(world), trust_env=False) as client:
        client.post(f"{world.authentication.address}/token", data={"client_secret": "MARKER"})
    (request,) = world.requests
    assert b"MARKER" in request.body
    assert "MARKER" not in repr(request)
