"""The only door to httpx: one client that never waits without a limit, and the one translation of what fails on the way into a ``Failure``.

What httpx does not do is added underneath (``network.py``). What it would do and is not wanted is switched off: environment variables, redirects,
cookies, compression, HTTP/2.
"""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from iea_agent import __version__
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Reason, Stage
from iea_agent.domain.proxies import Source

from . import certificates
from .network import WATCH, Limits, Network, Observe, Resolve, Watch, system_addresses

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

__all__ = [
    "BODY_LIMIT",
    "KEEPALIVE_SECONDS",
    "WHOLE_SECONDS",
    "Client",
    "Credentials",
    "HttpsError",
    "Limits",
    "Observe",
    "Reply",
    "Request",
    "Resolve",
    "Route",
    "refusal",
]

KEEPALIVE_SECONDS = 75.0
"""Longer than a heartbeat (60 s ± 10 %), so that each one reuses the connection: one round trip instead of three."""
BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read at most, unless the caller says otherwise."""
WHOLE_SECONDS = 30.0
"""How long a whole request may take, unless the caller says otherwise."""

_Document = TypeVar("_Document")


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
        try:
            self._context = certificates.trust(self.route.ca_file)
        except certificates.FileUnreadable as error:
            detail = f"{error.file}: {_describe(error.cause)}"
            raise HttpsError(Failure(Stage.CERTIFICATE, Reason.CA_FILE_UNREADABLE, detail)) from None
        self._limits = limits or Limits()
        self._network = Network(resolve or system_addresses)
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
        watch = Watch(observe, seconds, self._limits, proxied=self.route.proxy is not None)
        WATCH.set(watch)
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

    def _attempt(self, request: Request, limit: int, watch: Watch, *, may_be_stale: bool) -> Reply | None:
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

    def _translate(self, error: Exception, request: Request, watch: Watch) -> Failure:
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
        WATCH.set(Watch(None, self._limits.connect, self._limits, proxied=False))
        try:
            stream = self._network.connect_tcp(parts.hostname or "", parts.port or 443)
            stream.start_tls(certificates.openssl(self.route.ca_file), server_hostname=parts.hostname).close()
        except _FAULTS as error:
            cause = _cause(error)
            if isinstance(cause, ssl.SSLCertVerificationError) and cause.verify_code in _SAID_BETTER:
                return cause
        return None


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
    """The operating system's or OpenSSL's own error behind *error*, as ``network.py`` met it.

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


def _answer_reason(error: Exception, cause: OSError | None, watch: Watch) -> Reason:
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
