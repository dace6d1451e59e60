"""Small servers on raw sockets, for what a sound server never does."""

from __future__ import annotations

import re
import socket
import struct
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

import pytest

from iea_agent.services.https import Client
from iea_agent.services.names import Ask, Resolve, resolve_by_system
from iea_agent.services.network import Limits, Route
from iea_sandbox.world import World

BRIEF = Limits(name=0.3, connect=0.3, tls=0.3, read=0.3)
"""Waits short enough for a test; test_https checks the real ones."""

PATIENT = Limits(name=3, connect=3, tls=3, read=3)
"""For what answers at once: no wait comes to its end, however busy the machine is."""

Behaviour = Callable[[socket.socket], None]


@dataclass
class Raw:
    """A listening port; each connection gets a behaviour on its own thread."""

    port: int
    accepted: list[socket.socket] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As typed by a person."""
        return f"http://localhost:{self.port}"


@contextmanager
def raw_server(behaviour: Behaviour) -> Iterator[Raw]:
    """Listen on loopback until the end of the block, then close every connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        raw = Raw(listener.getsockname()[1])
        threads: list[threading.Thread] = []

        def attend(connection: socket.socket) -> None:
            try:
                behaviour(connection)
            except OSError:  # the client went away first
                return
            finally:
                connection.close()

        def listen() -> None:
            while True:
                connection, _ = listener.accept()
                if ending.is_set():
                    connection.close()
                    return
                connection.settimeout(20)
                raw.accepted.append(connection)
                threads[:] = [thread for thread in threads if thread.is_alive()]
                threads.append(threading.Thread(target=attend, args=(connection,), daemon=True))
                threads[-1].start()

        ending = threading.Event()
        door = threading.Thread(target=listen, daemon=True)
        door.start()
        try:
            yield raw
        finally:
            ending.set()
            socket.create_connection(("127.0.0.1", raw.port), 5).close()  # wakes accept, on every system
            door.join(5)
            for connection in raw.accepted:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed already
            for thread in threads:
                thread.join(5)


Serve = Callable[[Behaviour], Raw]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start raw servers that end with the test."""
    with ExitStack() as running:

        def start(behaviour: Behaviour) -> Raw:
            server: AbstractContextManager[Raw] = raw_server(behaviour)
            return running.enter_context(server)

        yield start


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    """A client that trusts the sandbox."""
    with Client(Route(ca_file=world.ca_file), limits=PATIENT) as made:
        yield made


def request_of(connection: socket.socket) -> bytes:
    """One request, head and body, as received; empty when the client closed."""
    received = b""
    while not (head := re.search(rb"(?is)\A(.*?)\r\n\r\n", received)):
        received += (part := connection.recv(65536))
        if not part:
            return b""
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head[1])
    while len(received) < head.end() + int(length[1] if length else 0):
        received += (part := connection.recv(65536))
        if not part:
            return b""
    return received


def says(answer: bytes) -> Behaviour:
    """Answer each request with the same bytes, until the client closes."""

    def behaviour(connection: socket.socket) -> None:
        while request_of(connection):
            connection.sendall(answer)

    return behaviour


def silent(connection: socket.socket) -> None:
    """Accept, read, never answer."""
    while connection.recv(65536):
        pass


def hang_up(connection: socket.socket) -> None:
    """Read the request and close without an answer."""
    request_of(connection)


def page(status: str, body: bytes = b"", *headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def proxy(answer: bytes | None = None, *, wanted: bytes = b"") -> Behaviour:
    """Behave as a CONNECT proxy that makes the tunnel, or gives *answer* instead.

    *wanted* are the credentials that it asks for (RFC 7617: user and password with a colon between).
    """
    authorization = b"Proxy-Authorization: Basic " + b64encode(wanted) if wanted else b""

    def behaviour(connection: socket.socket) -> None:
        head = request_of(connection)
        if not head:
            return
        if answer is not None:
            connection.sendall(answer)
            return
        if authorization not in head:
            asked = 'Proxy-Authenticate: Basic realm="mandataire"'
            connection.sendall(page("407 Proxy Authentication Required", b"", asked))
            return
        if not head.startswith(b"CONNECT "):
            connection.sendall(page("501 Not Implemented"))
            return
        open_tunnel(connection, head)

    return behaviour


def open_tunnel(connection: socket.socket, head: bytes) -> None:
    """Make the tunnel that the request *head* asks for, until one side closes."""
    host, _, port = head.split()[1].decode().rpartition(":")
    with socket.create_connection((host, int(port)), 5) as onward:
        onward.settimeout(20)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_pour, args=(onward, connection), daemon=True)
        back.start()
        _pour(connection, onward)
        back.join(5)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # one of the two has gone
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def asking(port: int) -> Ask:
    """Return what asks the name server at *port*, with glibc's errors."""

    def ask(host: str, family: socket.AddressFamily) -> tuple[str, ...]:
        labels = host.rstrip(".").split(".")
        question = b"".join(bytes((len(label),)) + label.encode() for label in labels)
        kind = 1 if family == socket.AF_INET else 28
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
            connection.settimeout(10)
            connection.connect(("127.0.0.1", port))
            connection.send(
                struct.pack("!6H", 1, 0x0100, 1, 0, 0, 0) + question + struct.pack("!xHH", kind, 1)
            )
            answer = connection.recv(512)
        code, records = answer[3] & 0xF, answer[7]
        if code or not records:
            number = {0: socket.EAI_NODATA, 3: socket.EAI_NONAME}.get(code, socket.EAI_AGAIN)
            raise socket.gaierror(number, f"about {host}")
        return (socket.inet_ntoa(answer[-4:]),)

    return ask


def resolving(port: int) -> Resolve:
    """Return a name service that asks the server at *port* for both families."""
    return lambda host: resolve_by_system(host, 10, ask=asking(port))
