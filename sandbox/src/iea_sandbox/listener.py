"""A port on loopback, and its connection, certificate and bytes faults."""

from __future__ import annotations

import asyncio
import errno
import re
import socket
import ssl
import struct
import sys
import zlib
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from email.utils import formatdate
from itertools import chain, repeat
from time import monotonic

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from iea_sandbox.authority import ALERTS, GOOD, PORTAL, CertificateAuthority
from iea_sandbox.faults import FaultSwitch, Layer, ServerName, UnknownFault
from iea_sandbox.record import Record, RecordedConnection

_FIRST_BYTE = 10.0  # seconds that a client may take for its first byte
_HANDSHAKE = b"\x16"  # how TLS begins (RFC 8446, 5.1)
# the value of SO_LINGER: do not wait, drop what is left
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
_FAILING = ("old-tls", "old-ciphers", "client-cert", "client-cert-reset", *ALERTS)
"""The faults that end a handshake."""
INSIDE = "127.0.0.2"
"""The address from which the sandbox's own proxy connects, to tell it from other clients."""


class Listener:
    """Listens on 127.0.0.1 and, if the machine has it, ::1, on the same port.

    Connections are accepted by hand because each fault of the connection, certificate and bytes layers continues
    differently from there; a sound connection gets uvicorn's protocol, which serves the application. All methods
    belong to one event loop.
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
        """Serve *app*, over plain HTTP if there are no *certificates*."""
        self._name = name
        self._switch = switch or FaultSwitch()
        self._connections = connections if connections is not None else Record()
        self._certificates = certificates
        # 75 s is nginx's default; with uvicorn's 5 s no client could use a connection again after a minute
        self._config = Config(
            app, http="h11", ws="none", lifespan="off", log_config=None, timeout_keep_alive=75
        )
        self._sound = ServerState()
        self._listeners: list[socket.socket] = []
        self._queued: list[socket.socket] = []
        self._accepting: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        self.only_inside = False
        """Whether clients that do not come through the proxy are refused."""

    async def open(self, port: int = 0) -> None:
        """Take the port (0: any free one) and accept. Raises OSError if it is taken."""
        # a port that is free at 127.0.0.1 may be taken at ::1
        self._listeners = await bind(port, patience=0 if port else 1)
        self.port = self._listeners[0].getsockname()[1]
        self._listen()

    async def adapt(self) -> None:
        """Apply the fault that is switched on.

        Closes the present connections, but finishes sound answers. Raises UnknownFault if this system cannot have
        that fault.
        """
        if self._switch.on("refuse", "filtered") or self._queued:
            await self._refuse()
        if self._switch.on("filtered"):
            await self._filter()
        elif not self._accepting and not self._switch.on("refuse"):
            self._listen()
        await _cancel(self._serving)
        for connection in list(self._sound.connections):
            if isinstance(connection, H11Protocol) and not connection.transport.is_closing():
                connection.shutdown()

    async def close(self) -> None:
        """Close the port and every connection."""
        await _cancel(self._accepting)
        await _cancel(self._serving)
        await _cancel(self._sound.tasks)
        for connection in list(self._sound.connections):
            if isinstance(connection, H11Protocol):
                connection.timeout_keep_alive_handler()
                connection.transport.abort()
        for each in (*self._listeners, *self._queued):
            each.close()
        # the aborted transports close their sockets in the loop's next turn
        await asyncio.sleep(0)

    async def _refuse(self) -> None:
        """Stop listening: a socket that is bound but does not listen refuses connections."""
        await _cancel(self._accepting)
        for each in (*self._listeners, *self._queued):
            each.close()
        self._queued.clear()
        # a port just left may need a moment
        self._listeners = await bind(self.port, patience=2)

    async def _filter(self) -> None:
        """Fill the queue and accept nothing: Linux drops the rest, as a firewall does."""
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            listener.listen(0)
            for _ in range(4):
                self._queued.append(_start_connection(listener))
            # the kernel gives no notice when the queue is full
            await asyncio.sleep(0.05)
            attempt = _start_connection(listener)
            self._queued.append(attempt)
            try:
                await asyncio.wait_for(loop.sock_connect(attempt, listener.getsockname()), 0.3)
            except TimeoutError:
                continue
            except OSError:
                pass
            await self._refuse()
            raise UnknownFault("La panne « filtered » est impossible sur ce système : il faut Linux.")

    def _listen(self) -> None:
        for listener in self._listeners:
            listener.listen(128)
            _start(self._accept(listener), self._accepting)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError:
                # it has gone already (Windows), or the system is out of sockets for a moment
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
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            elif self._switch.on("reset"):
                # closing with data left unread resets the connection
                await loop.sock_recv(connection, 1)
            elif self._switch.on("handshake-closed") or (self.only_inside and peer != INSIDE):
                # the client's whole first flight
                await loop.sock_recv(connection, 64 * 1024)
            else:
                await self._hand_over(connection)
        except OSError:
            # the client left, was silent for too long, or refused the certificate, which often is the purpose
            pass
        finally:
            connection.close()

    async def _hand_over(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        context = self._context()
        active = self._switch.fault_in(Layer.BYTES)
        script = active.fault.name if active else ""
        if self._switch.on("captive-portal"):
            script = "captive-portal"
        if context is not None and await _peek_first_byte(connection) != _HANDSHAKE:
            context, script = None, script if script == "captive-portal" else "https-port"
        if context is not None and self._switch.on(*_FAILING):
            await _fail_handshake(connection, context, reset=self._switch.on("client-cert-reset"))
            return

        def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = _start(_play(script, reader, writer), self._serving)
            task.add_done_callback(lambda _: writer.transport.abort())

        def protocol() -> asyncio.Protocol:
            if script:
                return asyncio.StreamReaderProtocol(asyncio.StreamReader(), play)
            return H11Protocol(self._config, self._sound, {}, loop)

        # a duplicate: the transport closes its socket when it likes, and _serve() closes the other
        limits = {"ssl_handshake_timeout": 10, "ssl_shutdown_timeout": 1} if context else {}
        await loop.connect_accepted_socket(protocol, connection.dup(), ssl=context, **limits)

    def _context(self) -> ssl.SSLContext | None:
        if self._certificates is None or self._switch.on("plain-http"):
            return None
        if self._switch.on("captive-portal"):
            return self._certificates.context("captive-portal")
        active = self._switch.fault_in(Layer.CERTIFICATE)
        if active is None:
            return self._certificates.context(GOOD)
        return self._certificates.context(active.fault.name, active.options.issuer)


async def _peek_first_byte(connection: socket.socket) -> bytes:
    """Return the client's first byte without consuming it. Raises TimeoutError."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        async with asyncio.timeout(_FIRST_BYTE):
            await readable.wait()
    finally:
        loop.remove_reader(connection)
    return connection.recv(1, socket.MSG_PEEK)


def _start_connection(listener: socket.socket) -> socket.socket:
    """Start to connect to *listener*, without waiting."""
    attempt = socket.socket(listener.family, socket.SOCK_STREAM)
    attempt.setblocking(False)
    attempt.connect_ex(listener.getsockname())
    return attempt


async def _fail_handshake(connection: socket.socket, context: ssl.SSLContext, *, reset: bool) -> None:
    """Let a handshake fail and send OpenSSL's alert, which asyncio's TLS would not.

    With *reset* the connection is cut without it.
    """
    loop = asyncio.get_running_loop()
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(received, to_send, server_side=True)
    while data := await loop.sock_recv(connection, 64 * 1024):
        received.write(data)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            break
        await loop.sock_sendall(connection, to_send.read())
    if reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        return
    await loop.sock_sendall(connection, to_send.read())
    connection.shutdown(socket.SHUT_WR)
    while await loop.sock_recv(connection, 64 * 1024):
        # data left unread would turn the close into a reset
        pass


async def _play(script: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read one request and answer it with the bytes of a "bytes" fault."""
    with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        await _read_request(reader)
        for part in _script(script):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        if script in ("no-answer", "stalled"):
            # until the client hangs up
            while await reader.read(64 * 1024):
                pass
        writer.close()
        # so that the listener can still end the task, and with it a client that does not close
        await writer.wait_closed()


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
            # fully flushed deflate blocks do not depend on one another: the same one may be repeated
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
    """Return an answer with a small page, worded as nginx does."""
    body = f"<html><head><title>{text}</title></head><body><h1>{status}</h1>{text}</body></html>"
    return (
        f"HTTP/1.1 {status}\r\nServer: nginx\r\nDate: {formatdate(usegmt=True)}\r\nContent-Type: text/html\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n{body}"
    ).encode("ascii")


async def _read_request(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length:\s*(\d+)\s*$", head)
    if length:
        await reader.readexactly(int(length[1]))


def _start(work: Coroutine[object, object, None], register: set[asyncio.Task[None]]) -> asyncio.Task[None]:
    task = asyncio.get_running_loop().create_task(work)
    register.add(task)
    task.add_done_callback(register.discard)
    return task


async def _cancel(register: set[asyncio.Task[None]]) -> None:
    tasks = list(register)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def bind(port: int, patience: float = 0.0) -> list[socket.socket]:
    """Return sockets bound to one port of 127.0.0.1 and, if the machine has it, ::1.

    They do not listen yet. Raises OSError if the port is still taken after *patience* seconds.
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
        # on Windows it would let a second program take the port as well
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
