"""The network under a request: names with a deadline, several addresses tried at once, streams that never wait without a limit, and where a request is.

httpcore's public network backend is the seam: what it does not do (its connect timeout does not bound DNS; nothing bounds the whole) is done here.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import queue
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias, cast

import httpcore

from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Stage, StageOutcome, StageResult
from iea_agent.domain.proxy_choice import Source

from . import certificates
from .messages import parse_challenges

STAGGER_SECONDS = 0.25
"""How long one address may be silent before the next one is tried beside it (RFC 8305, section 5)."""

Observe: TypeAlias = Callable[[StageResult], None]
"""Told when a stage begins (RUNNING), passes (with its milliseconds and a detail) or fails; on the thread that makes the request."""
Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""From a host name to its IP addresses, in the order of preference. Raises ``OSError`` (``socket.gaierror``)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and its password, for a proxy. The password stays out of the repr."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How servers are reached: *proxy* (plain http, as in Windows' own setting) or straight, over IPv4 alone if *ipv4_only*.

    *credentials* are for a proxy that asks (Basic, RFC 7617). *ca_file* is trusted besides the system's authorities. *source* and *detail* say who
    decided so, and what was passed over: they are for people.
    """

    proxy: Address | None = None
    ca_file: Path | None = None
    credentials: Credentials | None = None
    ipv4_only: bool = False
    source: Source = Source.NONE
    detail: str = ""

    def __str__(self) -> str:
        return "direct" if self.proxy is None else str(self.proxy)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each wait may last, in seconds; *name* is the name service's answer, *connect* covers all of a name's addresses."""

    name: float = 2.0
    connect: float = 5.0
    tls: float = 5.0
    read: float = 10.0


class RequestContext:
    """Where one request is: which stage, since when, until when; told to whoever observes."""

    def __init__(self, observe: Observe | None, seconds: float, limits: Limits, *, proxied: bool) -> None:
        self.stage = Stage.ADDRESS
        self.limits = limits
        self.fresh = False  # whether a connection was made for this request
        self.met_tls = False
        self.shown: certificates.ServerCertificate | None = (
            None  # the certificate of the connection made for this request
        )
        self.proxy_offers: tuple[str, ...] = ()  # the ways to sign in that a proxy named when it refused
        self.unsent: OSError | None = (
            None  # httpcore tries to read an answer all the same, and reports only how that went
        )
        self._observe = observe
        self._proxied = proxied
        self._begun = 0.0
        self._deadline = time.monotonic() + seconds

    @property
    def is_expired(self) -> bool:
        """Whether the time for the whole request is over (20 ms: a wait may end a moment early)."""
        return time.monotonic() >= self._deadline - 0.02

    def bounded(self, seconds: float) -> float:
        """How long the next wait may be: *seconds*, or what is left of the whole. Raises ``TimeoutError`` when nothing is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time for the whole request is over")
        return min(seconds, left)

    @property
    def remaining(self) -> float:
        """What is left of the whole, in seconds; 0 when nothing is."""
        return max(self._deadline - time.monotonic(), 0.0)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's own account of the request: https://www.encode.io/httpcore/extensions/#trace"""
        match event:
            case "connection.connect_tcp.started":
                self.fresh = True
                self.unsent = None
                self._begin(Stage.PROXY if self._proxied else Stage.NAME)
            case "connection.connect_tcp.complete" if not self._proxied:
                self.stage_passed(info["return_value"].peer)
            case "proxy.start_tls.started":
                self.stage_passed()
                self._begin(Stage.CERTIFICATE)
            case "connection.start_tls.started":
                self._begin(Stage.CERTIFICATE)
            case "connection.start_tls.complete" | "proxy.start_tls.complete":
                stream = info["return_value"]
                self.shown = stream.shown
                self.stage_passed(stream.encryption)
            case "http11.receive_response_headers.complete" if self.stage is Stage.PROXY:
                fields = info["return_value"][3]
                self.proxy_offers = parse_challenges(
                    value.decode("latin-1") for name, value in fields if name.lower() == b"proxy-authenticate"
                )
            case "http11.send_request_headers.started" if info["request"].method != b"CONNECT":
                if self.stage is Stage.PROXY:  # plain http: the proxy is asked for the page itself
                    self.stage_passed()
                self._begin(Stage.ANSWER)

    def name_resolved(self, addresses: Sequence[str]) -> None:
        """The name service has answered; behind a proxy that was the proxy's name, and no stage of its own."""
        if self.stage is Stage.NAME:
            self.stage_passed(", ".join(addresses))
            self._begin(Stage.CONNECTION)

    def stage_passed(self, detail: str = "") -> None:
        """The present stage went well."""
        self._tell(
            StageResult(self.stage, StageOutcome.PASSED, (time.perf_counter() - self._begun) * 1000, detail)
        )

    def stage_failed(self, failure: Failure) -> None:
        """The request is over."""
        spent = (time.perf_counter() - self._begun) * 1000 if self._begun else None
        self._tell(StageResult(failure.stage, StageOutcome.FAILED, spent, failure.detail))

    def _begin(self, stage: Stage) -> None:
        self.stage = stage
        self._begun = time.perf_counter()
        self._tell(StageResult(stage, StageOutcome.RUNNING))

    def _tell(self, result: StageResult) -> None:
        if self._observe is not None:
            self._observe(result)


CURRENT_REQUEST: ContextVar[RequestContext] = ContextVar("iea_agent_request")
"""The request being made on this thread: httpcore calls the backend and its streams without saying for whom."""


class Pool(httpcore.ConnectionPool):
    """httpcore's, but a connection is closed when a request over it fails.

    A tunnel through a proxy is not by itself, where TLS fails in it: each would keep its place, and the eleventh request wait for one for ever
    (https://github.com/encode/httpcore/issues/1023).
    """

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        return cast(httpcore.ConnectionInterface, _ClosedOnFailure(super().create_connection(origin)))


class _ClosedOnFailure:
    def __init__(self, connection: httpcore.ConnectionInterface) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        try:
            return self._connection.handle_request(request)
        except httpcore.ConnectionNotAvailable:  # it serves another one
            raise
        except BaseException:
            self._connection.close()
            raise


class Network(httpcore.NetworkBackend):
    """Names with a deadline of their own, then every address until one accepts."""

    def __init__(self, resolve: Resolve, *, ipv4_only: bool = False) -> None:
        self._resolve = resolve
        self._ipv4_only = ipv4_only

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 the watch knows how much time there is
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> Stream:
        if not 0 < port < 65536:
            raise httpcore.UnsupportedProtocol(f"there is no port {port}")
        watch = CURRENT_REQUEST.get()
        try:
            addresses = self._addresses(host, watch)
            watch.name_resolved(addresses)
            return Stream(_connect(addresses, port, watch.bounded(watch.limits.connect)))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    def _addresses(self, host: str, watch: RequestContext) -> Sequence[str]:
        found = self._all_addresses(host, watch)
        usable = [address for address in found if ":" not in address] if self._ipv4_only else found
        if not usable:
            raise socket.gaierror(
                socket.EAI_NONAME, "the name has no IPv4 address" if found else "the name has no address"
            )
        return usable

    def _all_addresses(self, host: str, watch: RequestContext) -> Sequence[str]:
        if host == "localhost" or host.endswith(".localhost"):
            return ("127.0.0.1", "::1")  # RFC 6761, section 6.3: never a question for a name server
        try:
            return (str(ipaddress.ip_address(host)),)
        except ValueError:
            pass
        answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self._resolve(host))
            except Exception as error:  # noqa: BLE001 raised again on the thread that waits
                answers.put(error)

        # nothing can interrupt the system's name service: a daemon thread may outlive the wait, and ends by itself
        threading.Thread(target=look_up, name="name", daemon=True).start()
        try:
            answer = answers.get(timeout=watch.bounded(watch.limits.name))
        except queue.Empty:
            raise TimeoutError(f"no answer about {host} from the name service") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


class Stream(httpcore.NetworkStream):
    """One connection: every wait is bounded by the request that waits."""

    def __init__(self, connected: socket.socket) -> None:
        """*connected* is this stream's from now on. Raises ``ConnectionResetError`` where the connection was reset meanwhile."""
        self._socket = connected
        try:
            self.peer = str(connected.getpeername()[0])
        except OSError as error:
            # the system does not say "reset" but "not connected" of what was accepted a moment ago (ENOTCONN, WSAENOTCONN)
            connected.close()
            raise ConnectionResetError(errno.ECONNRESET, f"reset as soon as accepted ({error})") from error
        # in binary: OpenSSL decodes only what it has verified itself, which on Windows it has not
        der = connected.getpeercert(binary_form=True) if isinstance(connected, ssl.SSLSocket) else None
        self.shown = certificates.parse_certificate(der) if der else None

    @property
    def encryption(self) -> str:
        """TLS version, issuer and fingerprint of the server's certificate."""
        version = self._socket.version() if isinstance(self._socket, ssl.SSLSocket) else None
        return ", ".join(filter(None, (version, describe_certificate(self.shown) if self.shown else None)))

    @property
    def alone(self) -> bool:
        """Whether the server's certificate came without that of whoever issued it, as far as this Python can tell (3.13)."""
        chain = getattr(self._socket, "get_unverified_chain", None)
        return chain is None or len(chain()) == 1

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        watch = CURRENT_REQUEST.get()
        try:
            self._socket.settimeout(watch.bounded(watch.limits.read))
            received = self._socket.recv(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error
        # an alert record (RFC 8446, 5.1) where an answer in clear was awaited: the port speaks TLS
        watch.met_tls |= received.startswith(b"\x15\x03") and not isinstance(self._socket, ssl.SSLSocket)
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if not buffer:  # sending nothing would still take, and lose, the news of a reset
            return
        watch = CURRENT_REQUEST.get()
        try:
            self._socket.settimeout(watch.bounded(watch.limits.read))
            self._socket.sendall(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout(str(error)) from error
        except OSError as error:
            watch.unsent = error
            raise httpcore.WriteError(str(error)) from error

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> Stream:
        watch = CURRENT_REQUEST.get()
        try:
            self._socket.settimeout(watch.bounded(watch.limits.tls))
            return Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
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
    """The first connection that is accepted. The two families take turns, and a silent address does not hold up the next (RFC 8305)."""
    deadline = time.monotonic() + seconds
    v6 = [address for address in addresses if ":" in address]
    v4 = [address for address in addresses if ":" not in address]
    first, second = (v6, v4) if addresses[0] in v6 else (v4, v6)
    waiting = [address for pair in zip_longest(first, second) for address in pair if address is not None]
    trying: set[socket.socket] = set()
    errors: list[OSError] = []
    try:
        with selectors.DefaultSelector() as selector:
            while waiting or trying:
                if waiting:
                    _begin_to_connect(waiting.pop(0), port, selector, trying, errors)
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("no answer from " + ", ".join(addresses))
                if not trying:
                    continue
                for key, _ in selector.select(min(STAGGER_SECONDS, left) if waiting else left):
                    attempt = key.fileobj
                    assert isinstance(attempt, socket.socket)  # noqa: S101
                    selector.unregister(attempt)
                    trying.discard(attempt)
                    code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if code == 0:
                        attempt.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        return attempt
                    attempt.close()
                    errors.append(OSError(code, os.strerror(code)))
        # a machine that refuses is a machine that was reached: the most telling of the errors
        raise next((error for error in errors if isinstance(error, ConnectionRefusedError)), errors[-1])
    finally:
        for attempt in trying:
            attempt.close()


def _begin_to_connect(
    address: str,
    port: int,
    selector: selectors.BaseSelector,
    trying: set[socket.socket],
    errors: list[OSError],
) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        attempt = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:  # a system without IPv6
        errors.append(error)
        return
    attempt.setblocking(False)
    code = attempt.connect_ex((address, port))
    if code in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
        selector.register(attempt, selectors.EVENT_WRITE)
        trying.add(attempt)
    else:
        attempt.close()
        errors.append(OSError(code, os.strerror(code)))


def system_addresses(host: str) -> Sequence[str]:
    """Ask the system's name service. It may hang for as long as it likes: ``Network`` gives it a deadline."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def describe_certificate(shown: certificates.ServerCertificate) -> str:
    """Issuer and fingerprint of a certificate, for the details."""
    issuer = shown.certificate.issuer
    return (f"issued by {issuer}, " if issuer else "") + f"SHA-256 {shown.certificate.sha256}"
