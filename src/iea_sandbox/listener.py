"""A port on loopback that can be broken while it runs: who listens, what TLS shows, which bytes come back."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import struct
import sys
import zlib
from collections.abc import Coroutine, Iterator
from email.utils import formatdate
from itertools import chain, repeat
from time import monotonic

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from iea_sandbox.authority import GOOD, PORTAL, CertificateAuthority
from iea_sandbox.faults import FaultSwitch, Layer, ServerName, UnknownFault
from iea_sandbox.record import Record, RecordedConnection

_REQUEST_LIMIT = 1024 * 1024
_FIRST_BYTE = 10.0  # seconds that a client may take to say anything
_HANDSHAKE = b"\x16"  # how TLS begins (RFC 8446, 5.1)
_AT_ONCE = struct.pack(
    "hh" if sys.platform == "win32" else "ii", 1, 0
)  # SO_LINGER: do not wait, drop what is left
INSIDE = "127.0.0.2"
"""Where the sandbox's own proxy comes from: that is how it is told from a client that comes straight."""


class Listener:
    """Listens on 127.0.0.1 and, where there is one, ::1, on the same port; all methods belong to one event loop.

    Connections are accepted by hand because each fault of the connection, certificate and bytes layers is a different
    way to go on from there; a sound connection gets uvicorn's protocol, which serves the application.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        certificates: CertificateAuthority | None = None,
        name: ServerName = "auth",
        switch: FaultSwitch | None = None,
        connections: Record[RecordedConnection] | None = None,
    ) -> None:
        """Without certificates the port speaks plain HTTP."""
        self._name = name
        self._switch = switch or FaultSwitch()
        self._connections = connections if connections is not None else Record()
        self._certificates = certificates
        # 75 s is nginx's default; uvicorn's 5 s would close the agent's connection between two heartbeats.
        self._config = Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, timeout_keep_alive=75
        )
        self._sound = ServerState()
        self._scripted: set[ScriptedProtocol] = set()
        self._listeners: list[socket.socket] = []
        self._queued: list[socket.socket] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.only_inside = False
        """Whether who does not come through the proxy is turned away."""

    async def open(self, port: int = 0) -> None:
        """Take the port (0: any free one) and accept. Raises OSError when it is taken."""
        self._listeners = await bind(port, patience=0 if port else 1)  # a free one may be taken in ::1
        self.port = self._listeners[0].getsockname()[1]
        self._listen()

    async def adapt(self) -> None:
        """Act on the switch's present position.

        Connections made before are closed, but for a request that is being answered soundly: that one is let finish.
        Raises UnknownFault where this system cannot be broken that way.
        """
        if self._switch.on("refuse", "filtered") or self._queued:
            await self._refuse()
        if self._switch.on("filtered"):
            await self._filter()
        elif not self._accepting and not self._switch.on("refuse"):
            self._listen()
        await self._drop()
        for connection in list(self._sound.connections):
            if isinstance(connection, H11Protocol) and not connection.transport.is_closing():
                connection.shutdown()

    async def close(self) -> None:
        """Close the port and every connection."""
        await _cancel(self._accepting)
        await self._drop()
        await _cancel(self._sound.tasks)
        for connection in list(self._sound.connections):
            if isinstance(connection, H11Protocol):
                connection.timeout_keep_alive_handler()
                connection.transport.abort()
        for each in (*self._listeners, *self._queued):
            each.close()
        await asyncio.sleep(0)  # lets the aborted transports close their sockets

    async def _refuse(self) -> None:
        """Stop listening. A socket that is bound and does not listen refuses connections and keeps the port ours."""
        await _cancel(self._accepting)
        for each in (*self._listeners, *self._queued):
            each.close()
        self._queued.clear()
        self._listeners = await bind(self.port, patience=2)  # a port just left may need a moment

    async def _filter(self) -> None:
        """Listen, let nobody in and fill the queue: Linux drops whatever more comes, as a firewall does."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            listener.listen(0)
            for _ in range(4):
                self._queued.append(_dialling(listener))
            await asyncio.sleep(0.05)  # the queue fills in the kernel, which tells nobody
            attempt = _dialling(listener)
            self._queued.append(attempt)
            try:
                await asyncio.wait_for(loop.sock_connect(attempt, listener.getsockname()), 0.3)
            except TimeoutError:
                continue
            except OSError:
                pass
            await self._refuse()
            raise UnknownFault("La panne « filtered » est impossible sur ce système : il faut Linux.")

    async def _drop(self) -> None:
        """End the connections that are not in uvicorn's hands."""
        await _cancel(self._serving)
        for scripted in list(self._scripted):
            scripted.abort()

    def _listen(self) -> None:
        for listener in self._listeners:
            listener.listen(128)
            _start(self._accept(listener), self._accepting)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except (
                OSError
            ):  # gone before it was let in (Windows), or the system is out of sockets for a moment
                await asyncio.sleep(0.05)
                continue
            broken = self._switch.broken
            self._connections.add(RecordedConnection(self._name, broken.fault.name if broken else ""))
            _start(self._serve(connection, peer[0]), self._serving)

    async def _serve(self, connection: socket.socket, peer: str) -> None:
        loop = asyncio.get_running_loop()
        connection.setblocking(False)
        try:
            if self._switch.on("timeout"):
                await loop.create_future()  # until cancelled
            elif self._switch.on("tcp-reset"):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)  # no goodbye
            elif self._switch.on("reset"):
                await loop.sock_recv(connection, 1)  # closing with data left unread resets the connection
            elif self._switch.on("handshake-closed") or (self.only_inside and peer != INSIDE):
                await loop.sock_recv(connection, 64 * 1024)  # the client's whole first flight
            else:
                await self._hand_over(connection)
        except OSError:  # TimeoutError is one
            pass  # the client left, or did not like our certificate: its affair, and often the purpose
        finally:
            connection.close()

    async def _hand_over(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._context()
        struck = self._switch.fault_in(Layer.BYTES)
        script = struck.fault.name if struck else ""
        if self._switch.on("captive-portal"):
            script = "captive-portal"
        if context is not None and await _first_byte(connection) != _HANDSHAKE:
            context, script = None, script if script == "captive-portal" else "https-port"
        if context is not None and self._switch.on("old-tls", "client-cert"):
            await _fail_handshake(connection, context)
            return

        def protocol() -> asyncio.Protocol:
            if script:
                return ScriptedProtocol(script, self._scripted)
            return H11Protocol(self._config, self._sound, {}, loop)

        # The transport gets a duplicate, since it closes its socket when it likes and we close ours when done here.
        if context is None:
            await loop.connect_accepted_socket(protocol, connection.dup())
        else:
            await loop.connect_accepted_socket(
                protocol,
                connection.dup(),
                ssl=context,
                ssl_handshake_timeout=10,
                ssl_shutdown_timeout=1,
            )

    def _context(self) -> ssl.SSLContext | None:
        if self._certificates is None or self._switch.on("plain-http"):
            return None
        if self._switch.on("captive-portal"):
            return self._certificates.context("captive-portal")
        struck = self._switch.fault_in(Layer.CERTIFICATE)
        if struck is None:
            return self._certificates.context(GOOD)
        return self._certificates.context(struck.fault.name, struck.options.issuer)


async def _first_byte(connection: socket.socket) -> bytes:
    """What the client begins with, left where it is. Raises TimeoutError where it says nothing."""
    loop = asyncio.get_running_loop()
    spoken = asyncio.Event()
    loop.add_reader(connection, spoken.set)
    try:
        async with asyncio.timeout(_FIRST_BYTE):
            await spoken.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


def _dialling(listener: socket.socket) -> socket.socket:
    """A connection to it that is on its way."""
    attempt = socket.socket(listener.family, socket.SOCK_STREAM)
    attempt.setblocking(False)
    attempt.connect_ex(listener.getsockname())
    return attempt


async def _fail_handshake(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Negotiate by hand: asyncio's own TLS would hang up without sending OpenSSL's alert, which says why it failed."""
    loop = asyncio.get_running_loop()
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, to_send, server_side=True)
    while data := await loop.sock_recv(connection, 64 * 1024):
        received.write(data)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            await loop.sock_sendall(connection, to_send.read())
        except ssl.SSLError:
            break
    await loop.sock_sendall(connection, to_send.read())
    connection.shutdown(socket.SHUT_WR)
    while await loop.sock_recv(connection, 64 * 1024):
        pass  # data left unread would turn our goodbye into a reset


class ScriptedProtocol(asyncio.Protocol):
    """Reads one request and answers with the bytes of a "bytes" fault, whatever was asked."""

    def __init__(self, how: str, register: set[ScriptedProtocol]) -> None:
        self._how = how
        self._register = register
        self._received = b""
        self._answered = False
        self._writable = asyncio.Event()
        self._writing: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Register, so that the front can end us."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # asyncio's own contract, for the type checker
        self._transport = transport
        self._register.add(self)
        self._writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop writing."""
        del exc
        self._register.discard(self)
        for task in self._writing:
            task.cancel()

    def data_received(self, data: bytes) -> None:
        """Wait for the whole request, then play the script once."""
        self._received = (self._received + data)[:_REQUEST_LIMIT]
        if not self._answered and _is_whole(self._received):
            self._answered = True
            _start(self._play(), self._writing)

    def pause_writing(self) -> None:
        """The client reads more slowly than we write."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    def abort(self) -> None:
        """Drop the connection."""
        if self._transport is not None:
            self._transport.abort()

    async def _play(self) -> None:
        assert self._transport is not None  # noqa: S101  # there was data, so there is a transport
        for part in _script(self._how):
            await self._writable.wait()
            self._transport.write(part)
            await asyncio.sleep(0)
        if self._how not in ("no-answer", "stalled"):
            self._transport.close()


def _script(how: str) -> Iterator[bytes]:
    head = (
        f"HTTP/1.1 200 OK\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: application/json\r\n"
        "Connection: close\r\n"
    ).encode("ascii")
    match how:
        case "stalled" | "truncated":
            return iter((head + b'Content-Length: 2000\r\n\r\n{"issuer": "https://', b"localhost"))
        case "garbage":
            return iter((b"bonjour \x00\x01\x02\xff, ceci n'est pas du HTTP\r\n\r\n",))
        case "oversized":
            return chain((head + b'\r\n{"issuer": "',), repeat(b"a" * 64 * 1024))
        case "compression-bomb":
            # Fully flushed deflate blocks do not refer to one another: the same one may follow itself without end.
            deflate = zlib.compressobj(9, wbits=31)
            start = deflate.compress(b'{"issuer": "') + deflate.flush(zlib.Z_FULL_FLUSH)
            block = deflate.compress(b"a" * 1024 * 1024) + deflate.flush(zlib.Z_FULL_FLUSH)
            return chain((head + b"Content-Encoding: gzip\r\n\r\n" + start,), repeat(block))
        case "https-port":
            return iter((_page("400 Bad Request", "The plain HTTP request was sent to HTTPS port"),))
        case "captive-portal":
            return iter((_page("302 Found", "Bienvenue", f"Location: http://{PORTAL}/connexion\r\n"),))
        case _:
            return iter(())  # no-answer, closed


def _page(status: str, text: str, headers: str = "") -> bytes:
    """A whole answer with a small page, as nginx words its own."""
    body = f"<html><head><title>{text}</title></head><body><h1>{status}</h1>{text}</body></html>"
    return (
        f"HTTP/1.1 {status}\r\nServer: nginx\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n{body}"
    ).encode("ascii")


def _is_whole(request: bytes) -> bool:
    head, found, body = request.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return len(body) >= min(int(value), _REQUEST_LIMIT - len(head) - 4)
    return True


def _start(work: Coroutine[object, object, None], register: set[asyncio.Task[None]]) -> None:
    task = asyncio.get_running_loop().create_task(work)
    register.add(task)
    task.add_done_callback(register.discard)


async def _cancel(register: set[asyncio.Task[None]]) -> None:
    tasks = list(register)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def bind(port: int, patience: float = 0.0) -> list[socket.socket]:
    """Sockets bound to the same port of 127.0.0.1 and, where there is one, ::1; not yet listening.

    Raises OSError when the port is still taken after `patience` seconds.
    """
    deadline = monotonic() + patience
    while True:
        try:
            first = _bound(socket.AF_INET, "127.0.0.1", port)
            try:
                return [first, _bound(socket.AF_INET6, "::1", first.getsockname()[1])]
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    return [first]  # no IPv6 on this machine
                first.close()
                raise
        except OSError as error:
            if error.errno != errno.EADDRINUSE or monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


def _bound(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let a second program take the port as well
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
