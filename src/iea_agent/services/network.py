"""Connections and streams with time limits, and the progress of requests.

They are plugged into httpcore as its network backend. httpcore's own connect timeout does not cover the name service, and nothing in it
limits a whole request.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import math
import os
import selectors
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias, cast

import httpcore

from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Stage, StageOutcome, StageResult
from iea_agent.domain.proxy_choice import Source
from iea_agent.domain.tls_verdicts import Handshake, ServerCertificate

from . import certificates, names
from .answer_head import AnswerHead
from .handshake import look
from .names import Resolve

log = logging.getLogger(__name__)

CANCEL_SECONDS = 0.1
"""The longest wait without a look whether the request was cancelled."""
STAGGER_SECONDS = 0.25
"""Delay before the next address is tried as well (RFC 8305, section 5)."""

Observe: TypeAlias = Callable[[StageResult], None]
"""Called if a stage begins (RUNNING), passes (with milliseconds and a detail) or fails, on the thread that makes the request."""
REMEMBER_SECONDS = 15.0
"""How long the addresses of a name are used again, so that what explains a failure is not asked of a slow name service."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """User and password for a proxy. The password stays out of the repr."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How servers are reached: directly, or through *proxy* (over plain http).

    *credentials* are for a proxy that asks for them (``proxy_sign_in.py``). The authorities in *ca_file*, which *read_ca* reads, are trusted besides the
    system's. *source* says who decided the route; *detail* says which proxies were left out. If a proxy script failed and the route is therefore direct,
    *script_failure* is its failure: it explains why a server is not reached. *is_proxy_trusted* is true if a person or the policy has set the proxy.
    *pins* are the policy's demands on certificates.
    """

    proxy: Address | None = None
    ca_file: Path | None = None
    credentials: Credentials | None = None
    ipv4_only: bool = False
    source: Source = Source.NONE
    detail: str = ""
    script_failure: Failure | None = None
    is_proxy_trusted: bool = False
    pins: tuple[str, ...] = ()
    read_ca: certificates.ReadFile = certificates.read_regular

    def __str__(self) -> str:
        return "direct" if self.proxy is None else str(self.proxy)


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest waits in seconds; *connect* covers all addresses of a name."""

    name: float = 6.0
    connect: float = 5.0
    tls: float = 5.0
    read: float = 10.0


class RequestCancelled(Exception):
    """The person, or a pause, has ended a request before its reply."""


class RequestContext:
    """Progress and deadline of one request, reported to its observer."""

    def __init__(
        self,
        observe: Observe | None,
        seconds: float,
        limits: Limits,
        *,
        proxied: bool,
        anonymous: bool = False,
        demands: certificates.Demands = certificates.NO_DEMANDS,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self.anonymous = anonymous
        """Whether no proxy is told who is there, even if it asks."""
        self.stage = Stage.ADDRESS
        self.limits = limits
        self.demands = demands
        self.is_new_connection = False
        self.received_tls_alert = False
        self.host = ""
        """The server's name as TLS was asked for it."""
        self.only_looks = False
        """Whether the handshake is only looked at, and the connection closed after it."""
        self.handshake: Handshake | None = None
        """What such a look saw."""
        self.certificate: ServerCertificate | None = None
        """The certificate of the connection made for this request."""
        self.resolved: tuple[str, ...] = ()
        """The addresses that the name service gave for the server."""
        self.received = b""
        """The first bytes that came."""
        self.tunnel_is_page = False
        """Whether the proxy made a tunnel, but announced a page."""
        self.send_error: OSError | None = None
        """Kept because httpcore still tries to read a reply, and raises only the error of that."""
        self._is_cancelled = is_cancelled
        self._observe = observe
        self._proxied = proxied
        self._begun = 0.0
        self._deadline = time.monotonic() + seconds

    @property
    def is_expired(self) -> bool:
        """Whether the time for the whole request is over."""
        # 20 ms: a wait may end a moment early
        return time.monotonic() >= self._deadline - 0.02

    def bounded(self, seconds: float) -> float:
        """Return *seconds* or the shorter rest. Raises ``TimeoutError`` if none is left."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time for the whole request is over")
        return min(seconds, left)

    def list_waits(self, seconds: float) -> Iterator[float]:
        """Yield the waits that make *seconds*, short ones if the request can be cancelled.

        Raises ``RequestCancelled``, and ``TimeoutError`` as ``bounded`` does.
        """
        if self._is_cancelled is None:
            yield self.bounded(seconds)
            return
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._is_cancelled():
                raise RequestCancelled
            yield self.bounded(min(left, CANCEL_SECONDS))

    @property
    def remaining(self) -> float:
        """The rest of the request's time in seconds, 0 if it is over."""
        return max(self._deadline - time.monotonic(), 0.0)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take httpcore's trace events (https://www.encode.io/httpcore/extensions/#trace)."""
        match event:
            case "connection.connect_tcp.started":
                self.is_new_connection = True
                self.send_error = None
                self._begin(Stage.PROXY if self._proxied else Stage.NAME)
            case "connection.connect_tcp.complete" if not self._proxied:
                self.stage_passed(info["return_value"].peer)
            case "connection.start_tls.started":
                self._begin(Stage.CERTIFICATE)
            case "connection.start_tls.complete":
                stream = info["return_value"]
                self.certificate = stream.certificate
                if self.certificate is not None:
                    log.debug("certificate", extra={"fields": _list_certificate(self.certificate)})
                self.stage_passed(stream.encryption)
            case "http11.send_request_headers.started":
                if self.stage is Stage.PROXY:  # plain http: the proxy is asked for the page itself
                    self.stage_passed()
                self._begin(Stage.ANSWER)

    def name_resolved(self, addresses: Sequence[str]) -> None:
        """Go on to the connection. With a proxy, the name was the proxy's and is no stage."""
        if self.stage is Stage.NAME:
            self.resolved = tuple(addresses)
            self.stage_passed(", ".join(addresses))
            self._begin(Stage.CONNECTION)

    def stage_passed(self, detail: str = "") -> None:
        """Report that the current stage has passed."""
        milliseconds = (time.perf_counter() - self._begun) * 1000
        self._report(StageResult(self.stage, StageOutcome.PASSED, milliseconds, detail))

    def stage_failed(self, failure: Failure) -> None:
        """Report that the request has failed."""
        milliseconds = (time.perf_counter() - self._begun) * 1000 if self._begun else None
        self._report(StageResult(failure.stage, StageOutcome.FAILED, milliseconds, failure.detail))

    def _begin(self, stage: Stage) -> None:
        self.stage = stage
        self._begun = time.perf_counter()
        self._report(StageResult(stage, StageOutcome.RUNNING))

    def _report(self, result: StageResult) -> None:
        if result.outcome is not StageOutcome.RUNNING and log.isEnabledFor(logging.DEBUG):
            fields = {
                "stage": result.stage.value,
                "outcome": result.outcome.value,
                "ms": round(result.milliseconds or 0),
                "host": self.host,
                "detail": result.detail,
            }
            log.debug(
                "stage", extra={"fields": {name: value for name, value in fields.items() if value != ""}}
            )
        if self._observe is not None:
            self._observe(result)


CURRENT_REQUEST: ContextVar[RequestContext] = ContextVar("iea_agent_request")
"""The request of this thread: httpcore does not pass it to the backend and its streams."""


class Network(httpcore.NetworkBackend):
    """Resolves names within a limit and connects to the first address that accepts."""

    def __init__(self, resolve: Resolve | None, *, ipv4_only: bool = False) -> None:
        self._resolve = resolve
        self._ipv4_only = ipv4_only
        self._remembered: dict[str, tuple[float, Sequence[str]]] = {}

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 the request knows how much time there is
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> Stream:
        if not 0 < port < 65536:
            raise httpcore.UnsupportedProtocol(f"there is no port {port}")
        request = CURRENT_REQUEST.get()
        try:
            addresses = self._find_addresses(host, request)
            request.name_resolved(addresses)
            return Stream(_connect(addresses, port, request.bounded(request.limits.connect)))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    def _find_addresses(self, host: str, request: RequestContext) -> Sequence[str]:
        since, addresses = self._remembered.get(host, (-math.inf, ()))
        if time.monotonic() - since > REMEMBER_SECONDS:
            resolved = self._resolve_within_limit(host, request)
            addresses = [each for each in resolved if not (self._ipv4_only and ":" in each)]
            if resolved and not addresses:
                raise names.NameWithoutIpv4(host)
            self._remembered[host] = time.monotonic(), addresses
        return addresses

    def _resolve_within_limit(self, host: str, request: RequestContext) -> Sequence[str]:
        if host == "localhost" or host.endswith(".localhost"):
            return ("127.0.0.1", "::1")  # RFC 6761, section 6.3: never a question for a name server
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            pass
        seconds = request.bounded(request.limits.name)
        if self._resolve is not None:
            return names.resolve(host, [self._resolve], seconds)
        return names.resolve_by_system(host, seconds, ipv4_only=self._ipv4_only)


class Stream(httpcore.NetworkStream):
    """One connection; the current request limits every wait."""

    def __init__(self, connected: socket.socket) -> None:
        """Take over *connected*; raise ``ConnectionResetError`` if it was reset."""
        self._socket = connected
        self._head = AnswerHead()
        try:
            self.peer = str(connected.getpeername()[0])
        except OSError as error:
            # for a connection reset just after it was accepted, the system says "not connected" (ENOTCONN, WSAENOTCONN)
            connected.close()
            raise ConnectionResetError(errno.ECONNRESET, f"reset as soon as accepted ({error})") from error
        # in binary: OpenSSL decodes only what it has verified itself, and on Windows it has not
        der = connected.getpeercert(binary_form=True) if isinstance(connected, ssl.SSLSocket) else None
        self.certificate = certificates.parse_certificate(der) if der else None

    @property
    def encryption(self) -> str:
        """TLS version, issuer and fingerprint of the server's certificate."""
        version = self._socket.version() if isinstance(self._socket, ssl.SSLSocket) else None
        issuer = describe_certificate(self.certificate) if self.certificate else None
        return ", ".join(filter(None, (version, issuer)))

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        while True:
            received = self._receive(max_bytes)
            usable = self._head.take(received)
            if usable or not received:
                return usable

    def _receive(self, max_bytes: int) -> bytes:
        request = CURRENT_REQUEST.get()
        try:
            received = self._wait_for_bytes(max_bytes, request)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        request.received = request.received or received
        # an alert record (RFC 8446, section 5.1) instead of a reply in clear: the port speaks TLS
        request.received_tls_alert |= received.startswith(b"\x15\x03") and not isinstance(
            self._socket, ssl.SSLSocket
        )
        return received

    def _wait_for_bytes(self, max_bytes: int, request: RequestContext) -> bytes:
        """Return what has come. Raises ``TimeoutError``, ``RequestCancelled``."""
        late = TimeoutError("no byte in time")
        for seconds in request.list_waits(request.limits.read):
            self._socket.settimeout(seconds)
            try:
                return self._socket.recv(max_bytes)
            except TimeoutError as error:
                late = error
        raise late

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        # sending nothing would still take a pending reset, and lose it
        if not buffer:
            return
        self._head.begin()
        request = CURRENT_REQUEST.get()
        try:
            self._socket.settimeout(request.bounded(request.limits.read))
            self._socket.sendall(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            request.send_error = error
            raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> Stream:
        request = CURRENT_REQUEST.get()
        request.host = server_hostname or ""
        try:
            if request.only_looks:
                request.handshake = look(
                    self._socket, ssl_context, server_hostname, lambda: request.bounded(request.limits.tls)
                )
                raise ConnectionAbortedError("the handshake was only looked at")
            self._socket.settimeout(request.bounded(request.limits.tls))
            connected = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
            try:
                certificates.check_accepted(connected, request.demands)
            except ssl.SSLCertVerificationError:
                connected.close()
                raise
            return Stream(connected)
        except TimeoutError as error:
            self.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            self.close()
            raise httpcore.ConnectError(str(error)) from error

    def close(self) -> None:
        self._socket.close()

    def get_extra_info(self, info: str) -> Any:
        match info:
            case "ssl_object" if isinstance(self._socket, ssl.SSLSocket):
                return self._socket
            case "is_readable":  # on an idle connection: the server has closed it
                with selectors.DefaultSelector() as selector:
                    selector.register(self._socket, selectors.EVENT_READ)
                    return bool(selector.select(0))
        return None


def _connect(addresses: Sequence[str], port: int, seconds: float) -> socket.socket:
    """Return the first connection that is accepted (happy eyeballs, RFC 8305).

    Raises ``TimeoutError`` after *seconds*, and ``OSError`` if every address has failed.
    """
    deadline = time.monotonic() + seconds
    waiting = _alternate_families(addresses)
    with closing(_ConnectionRace(port)) as race:
        while waiting or race.pending:
            if waiting:
                race.start(waiting.pop(0))
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("no answer from " + ", ".join(addresses))
            connected = race.wait(min(STAGGER_SECONDS, left) if waiting else left)
            if connected is not None:
                return connected
        raise race.error


def _alternate_families(addresses: Sequence[str]) -> list[str]:
    """Return IPv6 and IPv4 addresses in turn, beginning with the family of the first."""
    v6 = [address for address in addresses if ":" in address]
    v4 = [address for address in addresses if ":" not in address]
    first, second = (v6, v4) if addresses[0] in v6 else (v4, v6)
    return [address for pair in zip_longest(first, second) for address in pair if address is not None]


class _ConnectionRace:
    """Connection attempts that go on at the same time."""

    def __init__(self, port: int) -> None:
        self.pending: set[socket.socket] = set()
        self._port = port
        self._selector = selectors.DefaultSelector()
        self._errors: list[OSError] = []

    def start(self, address: str) -> None:
        """Begin to connect to *address*."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            attempt = socket.socket(family, socket.SOCK_STREAM)
        except OSError as error:  # a system without IPv6
            self._errors.append(error)
            return
        attempt.setblocking(False)
        code = attempt.connect_ex((address, self._port))
        if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._selector.register(attempt, selectors.EVENT_WRITE)
            self.pending.add(attempt)
        else:
            self._give_up(attempt, code)

    def wait(self, seconds: float) -> socket.socket | None:
        """Wait *seconds* at most for an attempt to end; return it if it has succeeded."""
        for key, _ in self._selector.select(seconds) if self.pending else ():
            attempt = cast(socket.socket, key.fileobj)
            self._selector.unregister(attempt)
            self.pending.discard(attempt)
            code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code == 0:
                attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return attempt
            self._give_up(attempt, code)
        return None

    @property
    def error(self) -> OSError:
        """The error that says most: a machine that refuses was at least reached."""
        refused = (error for error in self._errors if isinstance(error, ConnectionRefusedError))
        return next(refused, self._errors[-1])

    def close(self) -> None:
        """End all attempts that have not succeeded."""
        self._selector.close()
        for attempt in self.pending:
            attempt.close()

    def _give_up(self, attempt: socket.socket, code: int) -> None:
        attempt.close()
        self._errors.append(OSError(code, os.strerror(code)))


def _list_certificate(server: ServerCertificate) -> dict[str, object]:
    seen = server.certificate
    return {
        "subject": seen.subject,
        "issuer": seen.issuer,
        "begins": round(seen.not_before),
        "ends": round(seen.not_after),
        "sha256": seen.sha256,
    }


def describe_certificate(server: ServerCertificate) -> str:
    """Return issuer and fingerprint for the details."""
    issuer = server.certificate.issuer
    return (f"issued by {issuer}, " if issuer else "") + f"SHA-256 {server.certificate.sha256}"
