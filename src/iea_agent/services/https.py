"""The only door to httpx: one client that never waits without a limit, and says of every failure at which stage and why.

What httpx does not do is added underneath (``network.py``). What it would do and is not wanted is switched off: environment variables, redirects,
cookies, compression, HTTP/2.
"""

from __future__ import annotations

import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Certificate, Failure, Stage
from iea_agent.domain.evidence import FileInvolved, ProxyInvolved
from iea_agent.domain.printable_text import clean_detail

from . import certificates
from .failures import (
    EXCEPTIONS,
    UnusableAnswer,
    describe_error,
    is_closed_early,
    proxy_authentication_failure,
    translate,
)
from .messages import Reply, Request
from .network import (
    CURRENT_REQUEST,
    Limits,
    Network,
    Observe,
    Pool,
    RequestContext,
    Resolve,
    Route,
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

KEEPALIVE_SECONDS = 75.0
"""Longer than a heartbeat (60 s ± 10 %), so that each one reuses the connection: one round trip instead of three."""
BODY_LIMIT = 64 * 1024
"""Bytes of an answer that are read at most, unless the caller says otherwise."""
WHOLE_SECONDS = 30.0
"""How long a whole request may take, unless the caller says otherwise."""


class HttpsError(Exception):
    """A request that gave no usable answer; *failure* says at which stage and why. Its text is the failure's technical detail."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.stage.value}: {failure.problem} ({failure.detail})")
        self.failure = failure


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
            context = certificates.verifying_context(self.route.ca_file)
        except certificates.CaFileUnreadable as error:
            detail = f"{error.file}: {describe_error(error.cause)}"
            raise HttpsError(
                Failure(
                    Stage.CERTIFICATE,
                    problems.CA_FILE_UNREADABLE,
                    detail,
                    evidence=FileInvolved(str(error.file)),
                )
            ) from None
        self._limits = limits or Limits()
        self._network = Network(resolve or system_addresses, ipv4_only=self.route.ipv4_only)
        if self.route.proxy is not None and self.route.proxy.secure:
            detail = "a proxy that is itself reached over https is not supported"
            raise HttpsError(
                Failure(
                    Stage.PROXY,
                    problems.PROXY_UNREACHABLE,
                    detail,
                    evidence=ProxyInvolved(self.route.proxy.origin),
                )
            )
        self._http = httpx.Client(
            transport=_Transport(self._pool(context)),
            trust_env=False,
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
        return Pool(
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
        watch = RequestContext(observe, seconds, self._limits, proxied=self.route.proxy is not None)
        CURRENT_REQUEST.set(watch)
        reply = self._attempt(request, limit, watch, may_be_stale=True)
        if reply is None:
            reply = self._attempt(request, limit, watch, may_be_stale=False)
        assert reply is not None  # noqa: S101 only a connection that may be stale gives None
        if reply.status == 407 and self.route.proxy is not None and urlsplit(request.url).scheme == "http":
            failure = proxy_authentication_failure(
                watch, self.route, "HTTP 407", reply.headers.get("proxy-authenticate", "")
            )
            watch.stage_failed(failure)
            raise HttpsError(failure)
        watch.stage_passed(f"HTTP {reply.status}")
        return reply

    def close(self) -> None:
        """Drop every connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self, request: Request, limit: int, watch: RequestContext, *, may_be_stale: bool
    ) -> Reply | None:
        try:
            with self._http.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body or None,
                # the streams bound every wait of a connection: left is the wait for a place among the few that are kept
                timeout=httpx.Timeout(None, pool=watch.remaining),
                extensions={"trace": watch.trace},
            ) as response:
                body = _read_body(response, limit) if limit else b""
                if watch.shown is not None:
                    self.certificate = watch.shown.certificate
                return Reply(response.status_code, dict(response.headers), body)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            failure = Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, str(error))
        except EXCEPTIONS as error:
            if may_be_stale and watch.stage is Stage.ANSWER and not watch.fresh and is_closed_early(error):
                return None
            failure = translate(
                error,
                watch,
                self.route,
                online=self._online,
                look_again=lambda: self._inspect_certificate(request, watch),
            )
        if watch.shown is not None:
            self.certificate = watch.shown.certificate
        watch.stage_failed(failure)
        # outside the handlers, so not chained: the failure's detail has what support needs, the libraries' frames would drown it
        raise HttpsError(failure)

    def _inspect_certificate(
        self, request: Request, watch: RequestContext
    ) -> tuple[certificates.ServerCertificate | None, bool]:
        """The certificate that was refused, and whether it came alone: by the same way, believing everybody, hanging up before anything is sent."""
        seen: list[tuple[certificates.ServerCertificate | None, bool]] = []

        def hang_up(event: str, info: Mapping[str, Any]) -> None:
            if event.endswith(".start_tls.complete"):
                stream = info["return_value"]
                seen.append((stream.shown, stream.alone))
                stream.close()
                raise _Inspected

        seconds = min(watch.remaining, self._limits.connect)
        CURRENT_REQUEST.set(RequestContext(None, seconds, self._limits, proxied=self.route.proxy is not None))
        looking = _Transport(self._pool(certificates.unverified_context()))
        try:
            looking.handle_request(httpx.Request("GET", request.url, extensions={"trace": hang_up}))
        except (_Inspected, *EXCEPTIONS):
            pass
        finally:
            looking.close()
        return seen[0] if seen else (None, False)


class _Inspected(Exception):
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
        return _Response(
            answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions
        )

    def close(self) -> None:
        self._pool.close()


class _Response(httpx.Response):
    """A redirection is an answer like any other: httpx reads where it leads even if it is not to follow, and raises where that is no URL."""

    @property
    def has_redirect_location(self) -> bool:
        return False


class _Body(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def _read_body(response: httpx.Response, limit: int) -> bytes:
    """The body as it came, compressed or too long ones refused before they cost anything."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise UnusableAnswer(f"compressed ({clean_detail(encoding[:20])}) although that was not asked for")
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > limit:
            raise UnusableAnswer(f"longer than {limit} bytes")
    return bytes(body)
