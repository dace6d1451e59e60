"""The only door to httpx: one client that never waits without a limit, and the one translation of what fails on the way into a ``Failure``.

What httpx does not do is added underneath, through httpcore's public network backend: a deadline for the name (its connect timeout does not bound
DNS), several addresses tried at once, one deadline over everything. What it would do and is not wanted is switched off: environment variables,
redirects, cookies, compression, HTTP/2.
"""

from __future__ import annotations

import errno
import hashlib
import ipaddress
import os
import queue
import selectors
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from itertools import zip_longest
from pathlib import Path
from typing import Any, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from iea_agent import __version__
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Outcome, Reason, Stage, StageResult

# httpx also loads its own command line (click, rich, pygments) where those happen to be installed: 5 MB of private memory and 0.2 s for nothing. It does
# so inside "try: … except ImportError", and None in sys.modules is the import system's way to say "not installed"; it lasts for this import only.
_HIDDEN = [name for name in ("click",) if name not in sys.modules]
sys.modules.update(dict.fromkeys(_HIDDEN))  # type: ignore[arg-type]
try:
    import httpcore
    import httpx
finally:
    for _name in _HIDDEN:
        sys.modules.pop(_name, None)

KEEPALIVE_SECONDS = 75.0
"""Longer than a heartbeat (60 s ± 10 %), so that each one reuses the connection: one round trip instead of three."""
STAGGER_SECONDS = 0.25
"""How long one address may be silent before the next one is tried beside it (RFC 8305, section 5)."""
BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read at most, unless the caller says otherwise."""
WHOLE_SECONDS = 30.0
"""How long a whole request may take, unless the caller says otherwise."""

Observe: TypeAlias = Callable[[StageResult], None]
"""Told when a stage begins (RUNNING), passes (with its milliseconds and a detail) or fails; on the thread that makes the request."""
Resolve: TypeAlias = Callable[[str], Sequence[str]]
"""From a host name to its IP addresses, in the order of preference. Raises ``OSError`` (``socket.gaierror``)."""


_Document = TypeVar("_Document")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each wait may last, in seconds; *name* is the name service's answer, *connect* covers all of a name's addresses."""

    name: float = 2.0
    connect: float = 5.0
    tls: float = 5.0
    read: float = 10.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and its password, for a proxy. The password stays out of the repr."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Route:
    """How servers are reached: *proxy* (plain http, as in Windows' own setting) or straight, over IPv4 alone if *ipv4_only*.

    *credentials* are for a proxy that asks (Basic, RFC 7617). *ca_file* is trusted besides the system's authorities.
    """

    proxy: Address | None = None
    ca_file: Path | None = None
    credentials: Credentials | None = None
    ipv4_only: bool = False

    def __str__(self) -> str:
        return "direct" if self.proxy is None else str(self.proxy)


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Headers and body stay out of its repr: they carry the licence key."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete answer. Header names are in lower case. The body stays out of the repr: it may be a token."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def document(self, kind: type[_Document]) -> _Document | None:
        """The body as a JSON document of that *kind* (a msgspec Struct), or None when it is something else."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None

    @property
    def retry_after(self) -> float | None:
        """What the server asked for, in seconds (RFC 9110, section 10.2.3); a date is read against the server's own clock, not this PC's."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(min(int(text[:9]), 86_400))
        try:
            wait = (
                parsedate_to_datetime(text) - parsedate_to_datetime(self.headers.get("date", ""))
            ).total_seconds()
        except (ValueError, TypeError):  # no date, half a date, or one with and one without a time zone
            return None
        return min(max(wait, 0.0), 86_400.0)


class HttpsError(Exception):
    """A request that gave no usable answer; *failure* says at which stage and why. Its text is the failure's technical detail."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.stage.value}: {failure.reason.value} ({failure.detail})")
        self.failure = failure


def refusal(request: Request, reply: Reply) -> Failure | None:
    """What the status alone says when it is one that no server of ours would give: None means that the content decides."""
    status = reply.status
    reason: Reason | None = None
    detail = f"HTTP {status}"
    if 300 <= status < 400:
        here, there = urlsplit(request.url), _location(reply)
        # only scheme and host: the rest of a redirection may carry somebody's session
        detail += f" to {there.scheme}://{there.hostname}" if there.hostname else " inside the server"
        only_https = (here.scheme, there.scheme, there.hostname) == ("http", "https", here.hostname)
        reason = Reason.HTTPS_EXPECTED if only_https else Reason.REDIRECTED
    elif status == 400 and b"SSL certificate" in reply.body:  # nginx: "No required SSL certificate was sent"
        return Failure(Stage.CERTIFICATE, Reason.CLIENT_CERTIFICATE_WANTED, detail)
    elif status == 426 or (status == 400 and b"HTTPS port" in reply.body):  # nginx, Apache; RFC 9110, 15.5.22
        reason = Reason.HTTPS_EXPECTED
    elif status in (401, 403):
        reason = Reason.FORBIDDEN
    elif status == 407:
        reason = Reason.PROXY_WANTS_PASSWORD
    elif status == 429:
        reason = Reason.TOO_MANY_REQUESTS
    elif status == 511:  # RFC 6585, section 6: a captive portal that says so
        reason = Reason.REDIRECTED
    elif status == 408 or status >= 500:
        reason = Reason.UNAVAILABLE
    return None if reason is None else Failure(Stage.ANSWER, reason, detail, reply.retry_after)


def _location(reply: Reply) -> SplitResult:
    try:
        return urlsplit(reply.headers.get("location", ""))
    except ValueError:
        return urlsplit("")


class Client:
    """A few kept connections to servers reached by one ``Route``.

    Requests may be made from any thread. After a change of network or a sleep, close it and build another: kept connections and resolved
    names go with it.
    """

    def __init__(
        self,
        route: Route | None = None,
        *,
        limits: Limits | None = None,
        resolve: Resolve | None = None,
        online: Callable[[], bool] | None = None,
    ) -> None:
        """*resolve* replaces the system's name service; *online* tells whether this machine has any network at all.

        Raises ``HttpsError`` when the route's CA file cannot be read or its proxy cannot be used.
        """
        self.route = route or Route()
        self._online = online or (lambda: True)
        self._context = _trust(self.route.ca_file)
        self._limits = limits or Limits()
        self._network = _Network(resolve or system_addresses)
        proxy = None
        if self.route.proxy is not None:
            if self.route.proxy.secure:
                detail = "a proxy that is itself reached over https is not supported"
                raise HttpsError(Failure(Stage.PROXY, Reason.PROXY_UNREACHABLE, detail))
            known = self.route.credentials
            proxy = httpcore.Proxy(
                self.route.proxy.origin, auth=(known.user, known.password) if known else None
            )
        self._http = httpx.Client(
            transport=_Transport(
                httpcore.ConnectionPool(
                    ssl_context=self._context,
                    proxy=proxy,
                    keepalive_expiry=KEEPALIVE_SECONDS,
                    network_backend=self._network,
                )
            ),
            trust_env=False,
            timeout=None,  # noqa: S113 every wait is bounded by the streams below, against one deadline
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": f"iea-agent/{__version__}",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def request(
        self,
        request: Request,
        *,
        seconds: float = WHOLE_SECONDS,
        limit: int = BODY_LIMIT,
        observe: Observe | None = None,
    ) -> Reply:
        """Make *request* and read the whole answer, whatever its status: at most *limit* bytes, within *seconds* for everything.

        A request that meets a kept connection which the server is just closing is made once more, on a new one. Raises ``HttpsError``.
        """
        watch = _Watch(observe, seconds, self._limits, proxied=self.route.proxy is not None)
        _WATCH.set(watch)
        reply = self._attempt(request, limit, watch, may_be_stale=True)
        if reply is None:
            reply = self._attempt(request, limit, watch, may_be_stale=False)
        assert reply is not None  # noqa: S101 only a connection that may be stale gives None
        watch.passed(f"HTTP {reply.status}")
        return reply

    def close(self) -> None:
        """Drop every connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(self, request: Request, limit: int, watch: _Watch, *, may_be_stale: bool) -> Reply | None:
        try:
            with self._http.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body or None,
                extensions={"trace": watch.trace},
            ) as response:
                body = _read(response, limit)
                return Reply(response.status_code, dict(response.headers), body)
        except _FAULTS as error:
            if may_be_stale and watch.stage is Stage.ANSWER and not watch.fresh and _closed_early(error):
                return None
            failure = self._translate(error, request, watch)
            watch.failed(failure)
            # not chained: the failure's detail has what support needs, the libraries' frames would drown it
            raise HttpsError(failure) from None

    def _translate(self, error: Exception, request: Request, watch: _Watch) -> Failure:
        """The one place where an exception becomes a stage, a reason and a detail."""
        if isinstance(error, _Nonsense):
            return Failure(Stage.ANSWER, Reason.ANSWER_NONSENSE, str(error))
        if isinstance(error, httpx.InvalidURL | httpcore.UnsupportedProtocol | httpx.UnsupportedProtocol):
            return Failure(Stage.ADDRESS, Reason.ADDRESS_MALFORMED, str(error))
        cause = _cause(error) or watch.unsent
        detail = _describe(cause or error)
        if isinstance(cause, TimeoutError) and watch.spent:
            return Failure(watch.stage, Reason.TOO_LONG, detail)
        if isinstance(cause, ssl.SSLCertVerificationError):
            better = self._second_opinion(request)
            return Failure(
                Stage.CERTIFICATE, _certificate_reason(better or cause), _describe(better or cause)
            )
        if (
            isinstance(cause, OSError)
            and not isinstance(cause, TimeoutError | ssl.SSLError)
            and self._cut_off(cause)
        ):
            return Failure(watch.stage, Reason.NO_NETWORK, detail)
        match watch.stage:
            case Stage.NAME:
                silent = isinstance(cause, TimeoutError) or (
                    isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
                )
                return Failure(
                    Stage.NAME, Reason.NAME_SERVER_SILENT if silent else Reason.NAME_UNKNOWN, detail
                )
            case Stage.CONNECTION:
                if isinstance(cause, ConnectionRefusedError):
                    return Failure(Stage.CONNECTION, Reason.REFUSED, detail)
                cut = isinstance(cause, ConnectionError)
                return Failure(Stage.CONNECTION, Reason.RESET if cut else Reason.UNANSWERED, detail)
            case Stage.PROXY:
                if isinstance(error, httpcore.ProxyError):
                    wants = detail.startswith("407")
                    reason = Reason.PROXY_WANTS_PASSWORD if wants else Reason.PROXY_REFUSES
                    return Failure(Stage.PROXY, reason, detail)
                return Failure(Stage.PROXY, Reason.PROXY_UNREACHABLE, detail)
            case Stage.CERTIFICATE:
                return Failure(Stage.CERTIFICATE, _handshake_reason(cause), detail)
            case Stage.ANSWER:
                if isinstance(cause, ssl.SSLError) and "CERTIFICATE" in (cause.reason or ""):
                    # TLS 1.3: the server asks for the client's certificate only after the handshake (RFC 8446, 4.4.2.4)
                    return Failure(Stage.CERTIFICATE, Reason.CLIENT_CERTIFICATE_WANTED, detail)
                return Failure(Stage.ANSWER, _answer_reason(error, cause, watch), detail)
        return Failure(watch.stage, Reason.INTERNAL, detail)

    def _cut_off(self, cause: OSError) -> bool:
        """Whether *cause* is the kind that a missing network gives, and there is none indeed."""
        offline = isinstance(cause, socket.gaierror) or cause.errno in _NO_ROUTE
        return offline and not self._online()

    def _second_opinion(self, request: Request) -> ssl.SSLCertVerificationError | None:
        """Why OpenSSL refuses the certificate that Windows refused; None where it has nothing better to say.

        Windows has one code for "expired" and "not yet valid", which tells of this PC's clock, and one for "self-signed" and "unknown authority". Nothing is
        sent on this connection, which verifies like any other. Behind a proxy there is no second opinion.
        """
        by_openssl = type(self._context) is ssl.SSLContext  # truststore's is a subclass
        if by_openssl or self.route.proxy is not None:
            return None
        parts = urlsplit(request.url)
        _WATCH.set(_Watch(None, self._limits.connect, self._limits, proxied=False))
        try:
            stream = self._network.connect_tcp(parts.hostname or "", parts.port or 443)
            stream.start_tls(_openssl(self.route.ca_file), server_hostname=parts.hostname).close()
        except _FAULTS as error:
            cause = _cause(error)
            if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _SAID_BETTER:
                return cause
        return None


def system_addresses(host: str) -> Sequence[str]:
    """Ask the system's name service. It may hang for as long as it likes: ``_Network`` gives it a deadline."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


# --- trust


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """The context that decides which certificates are believed: those of the system's store, and of *ca_file* besides.

    On Windows CryptoAPI decides, which downloads authorities on demand as browsers do. With *ca_file* OpenSSL decides there too, from the file and what
    the store holds at the moment: truststore would say of an expired certificate of the file's authority that its authority is unknown.
    """
    if sys.platform == "win32" and ca_file is None:
        # one for each client, they cost 0.3 ms: truststore holds a lock during the handshake, so a shared one would make servers wait for each other
        import truststore

        context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
    return _openssl(ca_file)


def _openssl(ca_file: Path | None) -> ssl.SSLContext:
    try:
        read = None if ca_file is None else (ca_file, os.stat(ca_file).st_mtime_ns)
    except OSError as error:
        raise HttpsError(_unreadable(ca_file, error)) from None
    return _read_context(read)


@lru_cache(maxsize=2)
def _read_context(read: tuple[Path, int] | None) -> ssl.SSLContext:
    """Reading the system's authorities costs 20 ms and 1 MB: once, and again when the file has changed."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python 3.13 turns on pedantry (RFC 5280 to the letter) that no browser asks for and many a private authority fails
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if read is not None:
        try:
            context.load_verify_locations(cafile=read[0])
        except OSError as error:  # not allowed, or (ssl.SSLError) not a certificate
            raise HttpsError(_unreadable(read[0], error)) from None
    return context


def _unreadable(ca_file: Path | None, error: OSError) -> Failure:
    return Failure(Stage.CERTIFICATE, Reason.CA_FILE_UNREADABLE, f"{ca_file}: {_describe(error)}")


# --- what a request is doing


class _Watch:
    """Where one request is: which stage, since when, until when; told to whoever observes."""

    def __init__(self, observe: Observe | None, seconds: float, limits: Limits, *, proxied: bool) -> None:
        self.stage = Stage.ADDRESS
        self.limits = limits
        self.fresh = False  # whether a connection was made for this request
        self.met_tls = False
        self.unsent: OSError | None = (
            None  # httpcore tries to read an answer all the same, and reports only how that went
        )
        self._observe = observe
        self._proxied = proxied
        self._begun = 0.0
        self._deadline = time.monotonic() + seconds

    @property
    def spent(self) -> bool:
        """Whether the time for the whole request is over (20 ms: a wait may end a moment early)."""
        return time.monotonic() >= self._deadline - 0.02

    def left(self, seconds: float) -> float:
        """How long the next wait may be: *seconds*, or what is left of the whole. Raises ``TimeoutError`` when nothing is."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("time for the whole request is over")
        return min(seconds, left)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore's own account of the request: https://www.encode.io/httpcore/extensions/#trace"""
        match event:
            case "connection.connect_tcp.started":
                self.fresh = True
                self.unsent = None
                self._begin(Stage.PROXY if self._proxied else Stage.NAME)
            case "connection.connect_tcp.complete" if not self._proxied:
                self.passed(info["return_value"].peer)
            case "proxy.start_tls.started":
                self.passed()
                self._begin(Stage.CERTIFICATE)
            case "connection.start_tls.started":
                self._begin(Stage.CERTIFICATE)
            case "connection.start_tls.complete" | "proxy.start_tls.complete":
                self.passed(info["return_value"].certificate)
            case "http11.send_request_headers.started" if info["request"].method != b"CONNECT":
                if self.stage is Stage.PROXY:  # plain http: the proxy is asked for the page itself
                    self.passed()
                self._begin(Stage.ANSWER)

    def named(self, addresses: Sequence[str]) -> None:
        """The name service has answered; behind a proxy that was the proxy's name, and no stage of its own."""
        if self.stage is Stage.NAME:
            self.passed(", ".join(addresses))
            self._begin(Stage.CONNECTION)

    def passed(self, detail: str = "") -> None:
        """The present stage went well."""
        self._tell(
            StageResult(self.stage, Outcome.PASSED, (time.perf_counter() - self._begun) * 1000, detail)
        )

    def failed(self, failure: Failure) -> None:
        """The request is over."""
        spent = (time.perf_counter() - self._begun) * 1000 if self._begun else None
        self._tell(StageResult(failure.stage, Outcome.FAILED, spent, failure.detail))

    def _begin(self, stage: Stage) -> None:
        self.stage = stage
        self._begun = time.perf_counter()
        self._tell(StageResult(stage, Outcome.RUNNING))

    def _tell(self, result: StageResult) -> None:
        if self._observe is not None:
            self._observe(result)


_WATCH: ContextVar[_Watch] = ContextVar("iea_agent_request")
"""The request being made on this thread: httpcore calls the backend and its streams without saying for whom."""


# --- the network underneath


class _Transport(httpx.BaseTransport):
    """httpx's side of an httpcore pool. httpx's own transport is the same, but cannot be given a network backend."""

    def __init__(self, pool: httpcore.ConnectionPool) -> None:
        self._pool = pool

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = httpcore.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=request.headers.raw,
                content=request.read(),
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


class _Network(httpcore.NetworkBackend):
    """Names with a deadline of their own, then every address until one accepts."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 the watch knows how much time there is
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> _Stream:
        if not 0 < port < 65536:
            raise httpcore.UnsupportedProtocol(f"there is no port {port}")
        watch = _WATCH.get()
        try:
            addresses = self._addresses(host, watch)
            watch.named(addresses)
            return _Stream(_connect(addresses, port, watch.left(watch.limits.connect)))
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error

    def _addresses(self, host: str, watch: _Watch) -> Sequence[str]:
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
            answer = answers.get(timeout=watch.left(watch.limits.name))
        except queue.Empty:
            raise TimeoutError(f"no answer about {host} from the name service") from None
        if isinstance(answer, Exception):
            raise answer
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "the name has no address")
        return answer


class _Stream(httpcore.NetworkStream):
    """One connection: every wait is bounded by the request that waits."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.peer = str(connected.getpeername()[0])

    @property
    def certificate(self) -> str:
        """TLS version, issuer and fingerprint of the server's certificate."""
        assert isinstance(self._socket, ssl.SSLSocket)  # noqa: S101
        # on Windows, OpenSSL did not do the verification and so does not decode the certificate
        known: Any = self._socket.getpeercert() or {}
        issuer = dict(pair for part in known.get("issuer", ()) for pair in part)
        by = issuer.get("organizationName") or issuer.get("commonName")
        fingerprint = hashlib.sha256(self._socket.getpeercert(binary_form=True) or b"").hexdigest()
        return ", ".join(
            filter(None, (self._socket.version(), by and f"issued by {by}", f"SHA-256 {fingerprint}"))
        )

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        watch = _WATCH.get()
        try:
            self._socket.settimeout(watch.left(watch.limits.read))
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
        watch = _WATCH.get()
        try:
            self._socket.settimeout(watch.left(watch.limits.read))
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
    ) -> _Stream:
        watch = _WATCH.get()
        try:
            self._socket.settimeout(watch.left(watch.limits.tls))
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname))
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


def _read(response: httpx.Response, limit: int) -> bytes:
    """The body as it came, compressed or too long ones refused before they cost anything."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise _Nonsense(f"compressed ({encoding[:20]}) although that was not asked for")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > limit:
            raise _Nonsense(f"longer than {limit} bytes")
    return bytes(body)


# --- translation


class _Nonsense(Exception):
    """An answer that is HTTP, and cannot be used all the same."""


_FAULTS = (
    _Nonsense,
    httpx.InvalidURL,
    httpx.HTTPError,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})

_CERTIFICATE_REASONS = {
    # OpenSSL: x509_vfy.h
    9: Reason.CERTIFICATE_NOT_YET_VALID,
    10: Reason.CERTIFICATE_EXPIRED,
    18: Reason.CERTIFICATE_SELF_SIGNED,
    23: Reason.CERTIFICATE_REVOKED,
    62: Reason.CERTIFICATE_OF_ANOTHER,
    64: Reason.CERTIFICATE_OF_ANOTHER,
    # Windows: winerror.h, by number because its messages are in the user's language
    0x800B0101: Reason.CERTIFICATE_EXPIRED,  # CERT_E_EXPIRED, also said of one that is not yet valid
    0x800B010C: Reason.CERTIFICATE_REVOKED,  # CERT_E_REVOKED
    0x80092010: Reason.CERTIFICATE_REVOKED,  # CRYPT_E_REVOKED
    0x800B010F: Reason.CERTIFICATE_OF_ANOTHER,  # CERT_E_CN_NO_MATCH
}
_SAID_BETTER = frozenset({9, 10, 18, 62, 64})

_HANDSHAKE_REASONS = {
    "WRONG_VERSION_NUMBER": Reason.PORT_WITHOUT_TLS,
    "HTTP_REQUEST": Reason.PORT_WITHOUT_TLS,
    "UNKNOWN_PROTOCOL": Reason.PORT_WITHOUT_TLS,
    "PACKET_LENGTH_TOO_LONG": Reason.PORT_WITHOUT_TLS,
    "RECORD_LAYER_FAILURE": Reason.PORT_WITHOUT_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": Reason.TLS_TOO_OLD,
    "UNSUPPORTED_PROTOCOL": Reason.TLS_TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": Reason.TLS_TOO_OLD,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": Reason.TLS_TOO_OLD,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": Reason.TLS_TOO_OLD,
    "DH_KEY_TOO_SMALL": Reason.TLS_TOO_OLD,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": Reason.CLIENT_CERTIFICATE_WANTED,
}


def _cause(error: BaseException) -> OSError | None:
    """The operating system's or OpenSSL's own error behind *error*, as ``_Network`` and ``_Stream`` met it.

    httpcore's pool raises again "from None", which clears ``__cause__``: ``__context__`` still leads there.
    """
    found: BaseException | None = error
    while isinstance(found, httpcore.NetworkError | httpcore.TimeoutException):
        found = found.__context__
    return found if isinstance(found, OSError) else None


def _describe(error: BaseException) -> str:
    """Technical evidence in one printable line: type, number, text."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"certificate refused: {error.verify_message} [{error.verify_code:#x}]"
    elif isinstance(error, ssl.SSLError) and error.reason:
        text = f"TLS: {error.reason}"
    elif isinstance(error, httpcore.ProxyError):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    return "".join(c if c.isprintable() else " " for c in text)[:200]


def _certificate_reason(error: ssl.SSLCertVerificationError) -> Reason:
    # CryptoAPI's codes come as negative numbers where a signed type was used
    return _CERTIFICATE_REASONS.get(error.verify_code & 0xFFFFFFFF, Reason.CERTIFICATE_AUTHORITY_UNKNOWN)


def _handshake_reason(cause: OSError | None) -> Reason:
    reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    return _HANDSHAKE_REASONS.get(reason, Reason.TLS_INTERRUPTED)


def _answer_reason(error: Exception, cause: OSError | None, watch: _Watch) -> Reason:
    text = str(error)
    if isinstance(cause, TimeoutError):
        return Reason.ANSWER_LATE
    if isinstance(cause, ConnectionError) and not isinstance(cause, ssl.SSLError):
        return Reason.RESET
    if (
        isinstance(error, httpcore.RemoteProtocolError)
        and "disconnected" not in text
        and "peer closed" not in text
    ):
        return Reason.HTTPS_EXPECTED if watch.met_tls else Reason.ANSWER_NONSENSE
    return Reason.ANSWER_CUT


def _closed_early(error: Exception) -> bool:
    """Whether the connection was closed before anything of an answer came."""
    if isinstance(error, httpcore.RemoteProtocolError):
        return "without sending a response" in str(error)
    return isinstance(error, httpcore.ReadError | httpcore.WriteError) and not isinstance(
        _cause(error), TimeoutError
    )
