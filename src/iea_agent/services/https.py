"""The only door to httpx: one client that never waits without a limit, and the one translation of what fails on the way into a ``Failure``.

What httpx does not do is added underneath (``network.py``). What it would do and is not wanted is switched off: environment variables, redirects,
cookies, compression, HTTP/2.
"""

from __future__ import annotations

import errno
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import msgspec

from iea_agent import __version__
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Certificate, Failure, Reason, Stage, refused_certificate
from iea_agent.domain.proxies import Source

from . import certificates
from .network import (
    WATCH,
    Limits,
    Network,
    Observe,
    Resolve,
    Watch,
    described,
    schemes_offered,
    system_addresses,
)

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
    "leads_to",
    "portal",
    "refusal",
    "unavailable",
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
        except (ValueError, TypeError, OverflowError):
            # no date, half a date, one with and one without a time zone, or a zone beyond all numbers
            return None
        return min(max(wait, 0.0), 86_400.0)

    @property
    def clock(self) -> float | None:
        """What the server's clock showed, in seconds since 1970: its date, and how long a cache has kept the answer since (RFC 9110, 6.6.1; RFC 9111, 5.1)."""
        try:
            date = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
        age = self.headers.get("age", "").strip()
        kept = float(age[:9]) if age.isascii() and age.isdigit() else 0.0
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp() + kept


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
    about = ""
    if (found := portal(request, reply)) is not None:
        return found
    if 300 <= status < 400:
        here, there = urlsplit(request.url), _location(reply)
        about = leads_to(reply)
        detail += f" to {about}" if about else " inside the server"
        only_https = (here.scheme, there.scheme, there.hostname) == ("http", "https", here.hostname)
        reason = Reason.HTTPS_EXPECTED if only_https else Reason.REDIRECTED
    elif status == 400 and b"SSL certificate" in reply.body:  # nginx: "No required SSL certificate was sent"
        return Failure(Stage.CERTIFICATE, Reason.CLIENT_CERTIFICATE_WANTED, detail)
    elif status == 426 or (status == 400 and b"HTTPS port" in reply.body):  # nginx, Apache; RFC 9110, 15.5.22
        reason = Reason.HTTPS_EXPECTED
    elif status == 401:
        reason = Reason.IDENTIFICATION_WANTED
    elif status == 403:
        reason = Reason.FORBIDDEN
    elif status == 407:
        offers = schemes_offered(
            [(b"proxy-authenticate", reply.headers.get("proxy-authenticate", "").encode())]
        )
        reason, detail = _proxy_password(offers, detail, known=False)
    elif status == 429:
        reason = Reason.TOO_MANY_REQUESTS
    elif status == 408 or status >= 500:
        reason = unavailable(reply)
    return None if reason is None else Failure(Stage.ANSWER, reason, detail, reply.retry_after, about)


def unavailable(reply: Reply) -> Reason:
    """Whether a server that cannot work says that this is meant: 503 with a time to come back (RFC 9110, section 15.6.4), or a page about maintenance."""
    planned = reply.status == 503 and (reply.retry_after is not None or b"maintenance" in reply.body.lower())
    return Reason.MAINTENANCE if planned else Reason.UNAVAILABLE


def leads_to(reply: Reply) -> str:
    """Where a redirection points, "" where that is inside the server: scheme and host only, for the rest may carry somebody's session."""
    there = _location(reply)
    return _printable(f"{there.scheme}://{there.hostname}") if there.hostname else ""


def portal(request: Request, reply: Reply) -> Failure | None:
    """Whether *reply* is that of a captive portal: on an address in clear, a way to another site or a web page; anywhere, the status made for it (RFC 6585, 6).

    None of ours answers in clear with a page, and what comes over TLS comes from the server itself.
    """
    here, there = urlsplit(request.url), _location(reply)
    status = reply.status
    in_clear = here.scheme == "http"
    elsewhere = 300 <= status < 400 and there.hostname and _site(there.hostname) != _site(here.hostname or "")
    a_page = status == 200 and reply.headers.get("content-type", "").lower().startswith("text/html")
    if status != 511 and not (in_clear and (elsewhere or a_page)):
        return None
    about = leads_to(reply)
    detail = f"HTTP {status}" + (f" to {about}" if about else ", a web page" if a_page else "")
    return Failure(Stage.ANSWER, Reason.CAPTIVE_PORTAL, detail, about=about)


def _site(host: str) -> str:
    """The part of a name that its owner has chosen, near enough: www.a.fr and a.fr are one site. An IP address is its own."""
    labels = host.rstrip(".").split(".")
    return host if ":" in host or labels[-1].isdigit() else ".".join(labels[-2:])


def _proxy_password(offers: tuple[str, ...], detail: str, *, known: bool) -> tuple[Reason, str]:
    """What a proxy that asks for a password (407) means, and the detail with the ways to sign in that it *offers*; *known*: credentials were sent."""
    if offers:
        detail = f"{detail}, asks for {', '.join(offers)}"
    if offers and "basic" not in [scheme.lower() for scheme in offers]:
        return Reason.PROXY_SIGN_IN_UNKNOWN, detail
    return (Reason.PROXY_REFUSES_PASSWORD if known else Reason.PROXY_WANTS_PASSWORD), detail


def _location(reply: Reply) -> SplitResult:
    try:
        found = urlsplit(reply.headers.get("location", ""))
        found.hostname  # noqa: B018  reading it is what may fail
    except ValueError:
        return urlsplit("")
    return found


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
        self.certificate: Certificate | None = None
        """What was last shown to this client, believed or refused."""
        self._online = online or (lambda: True)
        try:
            context = certificates.trust(self.route.ca_file)
        except certificates.FileUnreadable as error:
            detail = f"{error.file}: {_describe(error.cause)}"
            raise HttpsError(
                Failure(Stage.CERTIFICATE, Reason.CA_FILE_UNREADABLE, detail, about=str(error.file))
            ) from None
        self._limits = limits or Limits()
        self._network = Network(resolve or system_addresses, ipv4_only=self.route.ipv4_only)
        if self.route.proxy is not None and self.route.proxy.secure:
            detail = "a proxy that is itself reached over https is not supported"
            raise HttpsError(
                Failure(Stage.PROXY, Reason.PROXY_UNREACHABLE, detail, about=self.route.proxy.origin)
            )
        self._http = httpx.Client(
            transport=_Transport(self._pool(context)),
            trust_env=False,
            timeout=None,  # noqa: S113 every wait is bounded by the streams below, against one deadline
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": f"iea-agent/{__version__}",
            },
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def _pool(self, context: ssl.SSLContext) -> httpcore.ConnectionPool:
        """Connections by this client's route, their certificates judged by *context*."""
        proxy = None
        if self.route.proxy is not None:
            known = self.route.credentials
            # as bytes, for httpcore takes text for ASCII; UTF-8 is what RFC 7617 recommends
            auth = (known.user.encode(), known.password.encode()) if known else None
            proxy = httpcore.Proxy(self.route.proxy.origin, auth=auth)
        return httpcore.ConnectionPool(
            ssl_context=context,
            proxy=proxy,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=self._network,
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

        With a *limit* of 0 the body is left unread.
        A request that meets a kept connection which the server is just closing is made once more, on a new one. Raises ``HttpsError``.
        """
        watch = Watch(observe, seconds, self._limits, proxied=self.route.proxy is not None)
        WATCH.set(watch)
        reply = self._attempt(request, limit, watch, may_be_stale=True)
        if reply is None:
            reply = self._attempt(request, limit, watch, may_be_stale=False)
        assert reply is not None  # noqa: S101 only a connection that may be stale gives None
        if reply.status == 407 and self.route.proxy is not None and urlsplit(request.url).scheme == "http":
            failure = self._proxy_refused(watch, "HTTP 407", reply.headers.get("proxy-authenticate", ""))
            watch.failed(failure)
            raise HttpsError(failure)
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
                body = _read(response, limit) if limit else b""
                if watch.shown is not None:
                    self.certificate = watch.shown.certificate
                return Reply(response.status_code, dict(response.headers), body)
        except _FAULTS as error:
            if may_be_stale and watch.stage is Stage.ANSWER and not watch.fresh and _closed_early(error):
                return None
            failure = self._translate(error, request, watch)
            if watch.shown is not None:
                self.certificate = watch.shown.certificate
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
            return self._refused(cause, request, watch)
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
                if isinstance(error, httpcore.ProxyError) and detail.startswith("407"):
                    return self._proxy_refused(watch, detail)
                answered = isinstance(error, httpcore.ProxyError)
                reason = Reason.PROXY_REFUSES if answered else Reason.PROXY_UNREACHABLE
                return Failure(Stage.PROXY, reason, detail, about=self._proxy_origin)
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

    @property
    def _proxy_origin(self) -> str:
        return "" if self.route.proxy is None else self.route.proxy.origin

    def _proxy_refused(self, watch: Watch, detail: str, header: str = "") -> Failure:
        """The proxy wants a password; *header* is its Proxy-Authenticate where it answered itself instead of making a tunnel."""
        offers = schemes_offered([(b"proxy-authenticate", header.encode())]) or watch.proxy_offers
        reason, detail = _proxy_password(offers, detail, known=self.route.credentials is not None)
        return Failure(Stage.PROXY, reason, detail, about=self._proxy_origin)

    def _refused(self, cause: ssl.SSLCertVerificationError, request: Request, watch: Watch) -> Failure:
        """TLS refuses the certificate: why, judged with the certificate itself in view where it shows itself once more."""
        # CryptoAPI's codes come as negative numbers where a signed type was used
        code = cause.verify_code & 0xFFFFFFFF
        reason = _CERTIFICATE_REASONS.get(code, Reason.CERTIFICATE_AUTHORITY_UNKNOWN)
        detail = _describe(cause)
        shown, alone = self._look_again(request, watch)
        if shown is None:
            return Failure(Stage.CERTIFICATE, reason, detail)
        watch.shown = shown
        link_may_miss = alone and code not in _WHOLE_CHAIN
        reason, about = refused_certificate(
            reason,
            shown.certificate,
            shown.issuer_names,
            self_issued=shown.self_issued,
            link_may_miss=link_may_miss,
            trusted=certificates.trusted_names(self.route.ca_file) if link_may_miss else frozenset(),
            now=time.time(),
        )
        if reason is Reason.CA_FILE_UNREADABLE:
            about = str(self.route.ca_file)
        elif reason is Reason.CERTIFICATE_OF_ANOTHER:
            about = ", ".join(shown.hosts)
        return Failure(
            Stage.CERTIFICATE,
            reason,
            f"{detail}, {described(shown)}",
            about=about,
            certificate=shown.certificate,
        )

    def _look_again(self, request: Request, watch: Watch) -> tuple[certificates.Shown | None, bool]:
        """The certificate that was refused, and whether it came alone: by the same way, believing everybody, hanging up before anything is sent."""
        seen: list[tuple[certificates.Shown | None, bool]] = []

        def hang_up(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith(".start_tls.complete"):
                stream = info["return_value"]
                seen.append((stream.shown, stream.alone))
                stream.close()
                raise _SeenEnough

        seconds = min(watch.remaining, self._limits.connect)
        WATCH.set(Watch(None, seconds, self._limits, proxied=self.route.proxy is not None))
        looking = _Transport(self._pool(certificates.onlooker()))
        try:
            looking.handle_request(httpx.Request("GET", request.url, extensions={"trace": hang_up}))
        except (_SeenEnough, *_FAULTS):
            pass
        finally:
            looking.close()
        return seen[0] if seen else (None, False)


class _SeenEnough(Exception):
    """The certificate was shown: the connection has served."""


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
    3: Reason.CA_FILE_UNREADABLE,  # the file has lists of revoked certificates, but none of this issuer
    11: Reason.CA_FILE_UNREADABLE,  # the list is not yet valid
    12: Reason.CA_FILE_UNREADABLE,  # the list has expired
    23: Reason.CERTIFICATE_REVOKED,
    62: Reason.CERTIFICATE_OF_ANOTHER,
    64: Reason.CERTIFICATE_OF_ANOTHER,
    # Windows: winerror.h, by number because its messages are in the user's language
    0x800B0101: Reason.CERTIFICATE_EXPIRED,  # CERT_E_EXPIRED, also said of one that is not yet valid
    0x800B010C: Reason.CERTIFICATE_REVOKED,  # CERT_E_REVOKED
    0x80092010: Reason.CERTIFICATE_REVOKED,  # CRYPT_E_REVOKED
    0x800B010F: Reason.CERTIFICATE_OF_ANOTHER,  # CERT_E_CN_NO_MATCH
}
_WHOLE_CHAIN = frozenset({18, 19, 0x800B0109})
"""Codes for a chain that was seen to its end: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, …SELF_SIGNED_CERT_IN_CHAIN, CERT_E_UNTRUSTEDROOT."""

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
    return _printable(text)


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:200]


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
