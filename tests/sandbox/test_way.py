"""Proxy, proxy script, name server and typed address, met by plain clients."""

from __future__ import annotations

import socket
import ssl
import struct
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest

from iea_sandbox.authority import ACCENTED, NAME
from iea_sandbox.faults import ServerName, UnknownFault
from iea_sandbox.name_server import PUBLIC_NAME, WPAD
from iea_sandbox.proxy import PASSWORD, USER
from iea_sandbox.proxy_script import OFFERED
from iea_sandbox.world import World

SILENCE = 0.3  # seconds without a byte that count as silence
PAGE = "/.well-known/openid-configuration"
CREDENTIALS = {"Proxy-Authorization": "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


# --- the proxy


@contextmanager
def to_proxy(world: World) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", world.proxy.port), timeout=5) as connection:
        yield connection


def connect(
    world: World, target: str = "", headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str]]:
    """Return the answer to CONNECT: status, and headers with those of one name joined."""
    target = target or urlsplit(world.authentication.address).netloc
    with to_proxy(world) as connection:
        lines = [
            f"CONNECT {target} HTTP/1.1",
            f"Host: {target}",
            *(f"{k}: {v}" for k, v in (headers or {}).items()),
        ]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        response = HTTPResponse(connection, method="CONNECT")
        response.begin()
        return response.status, {name: response.headers[name] for name in response.headers}


def tunnelled(world: World) -> int:
    """Return the status of a page that is fetched through the tunnel."""
    parts = urlsplit(world.authentication.address)
    context = ssl.create_default_context(cafile=world.ca_file)
    connection = HTTPSConnection("127.0.0.1", world.proxy.port, timeout=5, context=context)
    connection.set_tunnel("localhost", parts.port)
    try:
        connection.request("GET", PAGE)
        return connection.getresponse().status
    finally:
        connection.close()


def test_the_proxy_leads_to_the_servers(world: World) -> None:
    assert tunnelled(world) == 200
    assert list(world.proxy.requests)[-1].startswith("CONNECT localhost:")


def test_the_proxy_passes_plain_http_on(world: World) -> None:
    connection = HTTPConnection("127.0.0.1", world.proxy.port, timeout=5)
    connection.request("GET", world.authentication.address.replace("https", "http") + PAGE)
    response = connection.getresponse()
    assert (response.status, b"HTTPS port" in response.read()) == (400, True)
    connection.close()


@pytest.mark.parametrize("target", ["impact-emploi.urssaf.fr:443", "example.com:443"])
def test_the_proxy_leads_nowhere_else(world: World, target: str) -> None:
    assert connect(world, target)[0] == 503


def test_the_proxy_wants_a_password_and_takes_the_right_one(world: World) -> None:
    world.break_("proxy", "password")
    status, headers = connect(world)
    assert (status, headers["Proxy-Authenticate"].partition(" ")[0]) == (407, "Basic")
    assert connect(world, headers={"Proxy-Authorization": "Basic eDp5"})[0] == 407
    assert connect(world, headers=CREDENTIALS)[0] == 200


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("password-refused", 407),
        ("password-refused-401", 401),
        ("digest", 407),
        ("bearer", 407),
        ("ntlm", 407),
        ("anonymous", 403),
        ("forbids", 403),
        ("lost", 503),
        ("late", 504),
        ("name-unknown", 503),
        ("website", 405),
        ("page", 302),
        ("busy", 429),
    ],
)
def test_the_proxy_refuses_every_request(world: World, how: str, status: int) -> None:
    world.break_("proxy", how)
    assert connect(world, headers=CREDENTIALS)[0] == status
    world.mend("proxy")
    assert connect(world)[0] == 200


def test_the_proxy_speaks_only_windows_own_ways(world: World) -> None:
    world.break_("proxy", "ntlm")
    with to_proxy(world) as connection:
        connection.sendall(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
        response = HTTPResponse(connection, method="CONNECT")
        response.begin()
        assert response.headers.get_all("Proxy-Authenticate") == ["Negotiate", "NTLM"]


def test_the_proxy_is_stopped_and_comes_back_at_its_port(world: World) -> None:
    world.break_("proxy", "stopped")
    with pytest.raises(ConnectionRefusedError), to_proxy(world):
        pass
    world.mend("proxy")
    assert tunnelled(world) == 200


def test_the_proxy_is_silent(world: World) -> None:
    world.break_("proxy", "silent")
    with to_proxy(world) as connection:
        connection.sendall(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
        connection.settimeout(SILENCE)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        # this ends connections that wait in vain
        world.mend("proxy")
        connection.settimeout(5)
        with suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_the_proxy_hangs_up(world: World) -> None:
    world.break_("proxy", "closed")
    with to_proxy(world) as connection:
        connection.sendall(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n")
        assert connection.recv(1) == b""


def test_only_the_proxy_leads_to_the_servers(world: World) -> None:
    world.break_("proxy", "needed")
    context = ssl.create_default_context(cafile=world.ca_file)
    direct = HTTPSConnection(
        "localhost", urlsplit(world.authentication.address).port, timeout=5, context=context
    )
    with pytest.raises((ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        direct.request("GET", PAGE)
    direct.close()
    assert tunnelled(world) == 200


# --- its script


def script(world: World, timeout: float = 5, *, path: str = "") -> tuple[int, str]:
    parts = urlsplit(world.script_address)
    connection = HTTPConnection("127.0.0.1", parts.port or 0, timeout=timeout)
    try:
        connection.request("GET", path or f"{parts.path}?{parts.query}")
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_the_script_names_the_proxy(world: World) -> None:
    status, text = script(world)
    assert status == 200
    assert f'return "PROXY 127.0.0.1:{world.proxy.port}"' in text


def test_the_script_is_missing_wrong_or_late(world: World) -> None:
    before = world.script_address
    world.break_("pac", "missing")
    assert script(world)[0] == 404
    assert world.script_address != before, "Windows remembers what it has fetched"
    world.break_("pac", "error")
    assert "return" not in script(world)[1]
    world.break_("pac", "slow")
    with pytest.raises(TimeoutError):
        script(world, SILENCE)


def test_the_script_is_also_where_a_network_offers_one(world: World) -> None:
    assert script(world, path=OFFERED) == script(world)


def test_a_script_is_offered_only_where_a_pc_finds_it(world: World) -> None:
    with pytest.raises(UnknownFault, match="make tour"):
        world.break_("pac", "offered")
    assert world.broken("pac") is None
    assert look_up(world, WPAD) == (NO_SUCH_NAME, [])


# --- names

A, AAAA = 1, 28
NO_SUCH_NAME = 3


def look_up(world: World, name: str = NAME, kind: int = A) -> tuple[int, list[str]]:
    """Return code and addresses of an answer (RFC 1035). Raises TimeoutError."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(SILENCE if world.broken("names") else 5)
        asking.connect(("127.0.0.1", world.names.port))
        asking.send(struct.pack("!6H", 4711, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!xHH", kind, 1))
        answer = asking.recv(512)
    number, flags, questions, records, *_ = struct.unpack_from("!6H", answer)
    assert (number, flags & 0x8000, questions) == (4711, 0x8000, 1)
    at = 12 + len(labels) + 5
    addresses = []
    for _ in range(records):
        _, answered, _, _, length = struct.unpack_from("!HHHIH", answer, at)
        assert answered == kind
        addresses.append(socket.inet_ntoa(answer[at + 12 : at + 12 + length]))
        at += 12 + length
    assert at == len(answer)
    return flags & 0xF, addresses


def test_the_name_server_knows_one_name(world: World) -> None:
    assert look_up(world) == (0, ["127.0.0.1"])
    assert look_up(world, NAME.upper()) == (0, ["127.0.0.1"])
    assert look_up(world, kind=AAAA) == (0, [])
    assert look_up(world, "impact-emploi.urssaf.fr") == (NO_SUCH_NAME, [])
    assert list(world.names.questions)[-1] == "impact-emploi.urssaf.fr"


@pytest.mark.parametrize(
    ("how", "code"), [("unknown", 3), ("failing", 2), ("malformed", 1), ("refusing", 5), ("empty", 0)]
)
def test_the_name_server_gives_no_address(world: World, how: str, code: int) -> None:
    world.break_("names", how)
    assert look_up(world) == (code, [])


def test_the_name_server_blocks_a_name(world: World) -> None:
    assert look_up(world, PUBLIC_NAME) == (NO_SUCH_NAME, [])
    world.break_("names", "blocked")
    assert look_up(world, PUBLIC_NAME) == (0, ["127.0.0.254"])
    assert look_up(world) == (0, ["127.0.0.1"])
    assert PUBLIC_NAME in world.to_type("auth")


def test_the_name_server_is_silent_about_ipv6(world: World) -> None:
    world.break_("names", "half-silent")
    assert look_up(world) == (0, ["127.0.0.1"])
    with pytest.raises(TimeoutError):
        look_up(world, kind=AAAA)


def test_the_name_server_is_silent(world: World) -> None:
    world.break_("names", "silent")
    with pytest.raises(TimeoutError):
        look_up(world)
    world.mend("names")
    assert look_up(world) == (0, ["127.0.0.1"])


@pytest.mark.parametrize(
    "query", [b"", b"?" * 11, b"\0\1\1\0\0\1" + b"\0" * 6 + b"\xc0\x0c", b"\0" * 12 + b"\x3f" * 20]
)
def test_the_name_server_survives_nonsense(world: World, query: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.sendto(query, ("127.0.0.1", world.names.port))
    assert look_up(world) == (0, ["127.0.0.1"])


# --- the address typed


@pytest.mark.parametrize(
    ("how", "wanted"),
    [
        ("quotes", "«\u00a0https://localhost:{port}\u00a0»"),
        ("spaces", "https://localhost :{port}"),
        ("no-scheme", "localhost:{port}"),
        ("idn", f"https://{ACCENTED}:{{port}}"),
        ("ipv6", "https://[::1]:{port}"),
        ("port-out-of-range", "https://localhost:99999"),
        ("http", "http://localhost:{port}"),
        ("unknown-name", "https://serveur-inconnu.iea-sandbox.test:{port}"),
    ],
)
def test_the_address_is_spelled_as_ordered(world: World, how: str, wanted: str) -> None:
    world.break_("address", how)
    assert world.to_type("auth") == wanted.format(port=urlsplit(world.authentication.address).port)
    assert world.to_type("updates").partition("»")[0].rstrip("\u00a0").endswith("/updates")


@pytest.mark.parametrize("server", ["auth", "updates"])
def test_the_clear_port_sends_to_https(world: World, server: ServerName) -> None:
    sound = world.to_type(server)
    world.break_("address", "http-redirect")
    parts = urlsplit(world.to_type(server))
    connection = HTTPConnection("localhost", parts.port or 0, timeout=5)
    connection.request("GET", f"{parts.path}/x")
    response = connection.getresponse()
    assert (parts.scheme, response.status, response.getheader("location")) == ("http", 301, f"{sound}/x")
    connection.close()
    world.break_("address", "port-80")
    assert world.to_type(server) == parts._replace(scheme="https").geturl()


def test_names_are_typed_while_the_name_server_is_broken(world: World) -> None:
    assert world.to_type("auth") == world.authentication.address
    world.break_("names", "silent")
    assert world.to_type("auth") == world.authentication.address.replace("localhost", NAME)


def test_each_name_of_the_server_is_an_issuer(world: World) -> None:
    context = ssl.create_default_context(cafile=world.ca_file)
    for host in ("localhost", "127.0.0.1", "[::1]"):
        port = urlsplit(world.authentication.address).port
        connection = HTTPSConnection(f"{host}:{port}", timeout=5, context=context)
        try:
            connection.request("GET", PAGE)
        except OSError:
            if host == "[::1]":
                continue  # a machine without IPv6
            raise
        assert f'"issuer":"https://{host}:{port}"' in connection.getresponse().read().decode()
        connection.close()


# --- the network


def test_the_rig_is_ordered_to_switch_the_network(tmp_path: Path) -> None:
    orders: list[bytes] = []

    def listen() -> None:
        for _ in range(2):
            order, sender = rig.recvfrom(16)
            orders.append(order)
            rig.sendto(b"ok", sender)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rig:
        rig.bind(("127.0.0.1", 0))
        rig.settimeout(10)
        listener = Thread(target=listen)
        listener.start()
        with World(tmp_path, network_port=rig.getsockname()[1]) as world:
            world.break_("network", "off")
            with pytest.raises((TimeoutError, OSError)):
                look_up(world)
        listener.join(10)
    assert orders == [b"off", b"on"]
