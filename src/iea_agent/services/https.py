"""The HTTP client: every wait has a limit, every failure a stage and a problem.

Only this module imports httpx. ``network.py`` adds time limits below it; environment variables, redirects, cookies, compression and HTTP/2 are
switched off.
"""

from __future__ import annotations

import logging
import math
import ssl
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.cookiejar import CookieJar
from typing import TypeAlias, TypeVar

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Certificate, Failure, Stage
from iea_agent.domain.evidence import FileInvolved, ProxyInvolved
from iea_agent.domain.tls_verdicts import Handshake

from . import certificates
from .content_coding import undo_codings
from .failures import (
    EXCEPTIONS,
    UnusableAnswer,
    describe_error,
    is_closed_early,
    translate,
)
from .messages import Reply, Request
from .names import Resolve
from .network import (
    CURRENT_REQUEST,
    Limits,
    Network,
    Observe,
    RequestContext,
    Route,
)
from .proxy_sign_in import BeginExchange, Identity, SignIn
from .secret_verdicts import SecretVerdicts
from .tunnel import USER_AGENT, ProxiedPool

# httpx also loads its command line (click, rich, pygments) if those are installed: 5 MB of private memory and 0.2 s for nothing. It does so inside
# "try: … except ImportError", and None in sys.modules means "not installed"; it is there during this import only.
_HIDDEN = [name for name in ("click",) if name not in sys.modules]
sys.modules.update(dict.fromkeys(_HIDDEN))  # type: ignore[arg-type]
try:
    import httpcore
    import httpx
finally:
    for _name in _HIDDEN:
        sys.modules.pop(_name, None)

log = logging.getLogger(__name__)

KEEPALIVE_SECONDS = 75.0
"""Longer than a heartbeat (60 s ± 10 %), so that the next one reuses the connection."""
BODY_LIMIT = 64 * 1024
"""The longest body in bytes, unless the caller gives another limit."""
WHOLE_SECONDS = 30.0
"""The longest request, unless the caller gives another limit."""
SILENCE_SECONDS = 120.0
"""The longest wait for the next byte of a reply that is received piece by piece."""

_Taken = TypeVar("_Taken")
Take: TypeAlias = Callable[[Reply, Iterator[bytes]], _Taken]
"""Takes the head of a reply and the pieces of its body, and returns what it makes of them."""


class HttpsError(Exception):
    """A request without a usable reply; *failure* says why. The text is for logs."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"{failure.stage.value}: {failure.problem} ({failure.detail})")
        self.failure = failure


class Client:
    """A pool of connections to servers reached by one ``Route``.

    Requests may be made from any thread. After a change of network or a sleep, close the client and make another.
    """

    def __init__(
        self,
        route: Route | None = None,
        *,
        limits: Limits | None = None,
        resolve: Resolve | None = None,
        online: Callable[[], bool] | None = None,
        verdicts: SecretVerdicts | None = None,
        sign_in: BeginExchange | None = None,
        build_chain: certificates.BuildChain | None = None,
    ) -> None:
        """Prepare the connections; none is made yet.

        *resolve* replaces the system's name service; *online* returns whether this PC has a network; *verdicts* knows which credentials
        proxies have refused; *sign_in* makes the messages of the Windows sign-in; *build_chain* builds
        chains where Windows verifies. Raises ``HttpsError`` if the route's CA file cannot be read or its proxy
        cannot be used.
        """
        self.route = route or Route()
        self.certificate: Certificate | None = None
        """The last certificate received, whether accepted or refused."""
        self.resolved: tuple[str, ...] = ()
        """The addresses of the last connection's server, () if a proxy finds them."""
        self._online = online or (lambda: True)
        self._identity = Identity(
            self.route.credentials,
            verdicts or SecretVerdicts(),
            sign_in,
            is_trusted=self.route.is_proxy_trusted,
        )
        try:
            context = certificates.verifying_context(self.route.ca_file, self.route.read_ca)
        except certificates.CaFileUnreadable as error:
            detail = f"{error.file}: {describe_error(error.cause)}"
            evidence = FileInvolved(str(error.file))
            failure = Failure(Stage.CERTIFICATE, problems.CA_FILE_UNREADABLE, detail, evidence=evidence)
            raise HttpsError(failure) from None
        self._limits = limits or Limits()
        self._demands = certificates.Demands(self.route.pins, None if self.route.ca_file else build_chain)
        self._network = Network(resolve, ipv4_only=self.route.ipv4_only)
        if self.route.proxy is not None and self.route.proxy.secure:
            detail = "a proxy that is itself reached over https is not supported"
            proxy = ProxyInvolved(self.route.proxy.origin)
            raise HttpsError(Failure(Stage.PROXY, problems.PROXY_UNREACHABLE, detail, evidence=proxy))
        self._http = httpx.Client(
            transport=_Transport(self._pool(context)),
            trust_env=False,
            headers={
                "accept": "application/json",
                "accept-encoding": "identity",
                "user-agent": USER_AGENT,
            },
            cookies=_NoCookies(),
        )

    def _pool(self, context: ssl.SSLContext) -> httpcore.ConnectionPool:
        """Return a pool on this client's route whose certificates *context* verifies."""
        if self.route.proxy is None:
            return httpcore.ConnectionPool(
                ssl_context=context, keepalive_expiry=KEEPALIVE_SECONDS, network_backend=self._network
            )
        begin = partial(SignIn, self._identity, self.route.proxy.host)
        return ProxiedPool(
            self.route.proxy, self._network, begin, ssl_context=context, keepalive_expiry=KEEPALIVE_SECONDS
        )

    def request(
        self,
        request: Request,
        *,
        seconds: float = WHOLE_SECONDS,
        limit: int = BODY_LIMIT,
        observe: Observe | None = None,
        anonymous: bool = False,
    ) -> Reply:
        """Send *request* and return the reply, whatever its status.

        It takes *seconds* at most in all. The body may have *limit* bytes; with 0 it is not read. If it is *anonymous*, a proxy that asks who is
        there gets no answer. If the server is just closing a
        pooled connection, the request is sent once more on a new one. Raises ``HttpsError``.
        """
        proxied = self.route.proxy is not None
        context = RequestContext(
            observe, seconds, self._limits, proxied=proxied, anonymous=anonymous, demands=self._demands
        )

        def take_reply(response: httpx.Response) -> Reply:
            body = _read_body(response, limit) if limit else b""
            return Reply(response.status_code, _join_fields(response.headers), body)

        reply = self._attempt(request, take_reply, context, may_be_stale=True)
        context.stage_passed(f"HTTP {reply.status}")
        return reply

    def receive(
        self,
        request: Request,
        take: Take[_Taken],
        *,
        silence: float = SILENCE_SECONDS,
        observe: Observe | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> _Taken:
        """Send *request* and return what *take* makes of the reply.

        *take* gets the head, as a reply without a body, and the pieces of the body as they come: as many as there are. The whole has no time limit,
        but *silence* is the longest wait for a byte. Once *is_cancelled* returns true, ``RequestCancelled`` is raised within 0.1 s, wherever the
        reply is. Raises ``HttpsError``, and what *take* raises.
        """
        limits = replace(self._limits, read=silence)
        context = RequestContext(
            observe,
            math.inf,
            limits,
            proxied=self.route.proxy is not None,
            demands=self._demands,
            is_cancelled=is_cancelled,
        )

        def take_pieces(response: httpx.Response) -> _Taken:
            head = Reply(response.status_code, _join_fields(response.headers), b"")
            context.stage_passed(f"HTTP {head.status}")
            return take(head, response.iter_raw())

        return self._attempt(request, take_pieces, context, may_be_stale=True)

    def close(self) -> None:
        """Drop every connection."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self,
        request: Request,
        take: Callable[[httpx.Response], _Taken],
        context: RequestContext,
        *,
        may_be_stale: bool,
    ) -> _Taken:
        failure: Failure | None
        CURRENT_REQUEST.set(context)
        # neither the query nor headers nor body: they may hold a secret
        fields = {
            "method": request.method,
            "address": request.url.partition("?")[0],
            "route": str(self.route),
        }
        log.debug("request", extra={"fields": fields})
        try:
            with self._http.stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body or None,
                # the streams limit every wait of a connection; what remains is the wait for a place in the pool
                timeout=httpx.Timeout(None, pool=min(context.remaining, WHOLE_SECONDS)),
                extensions={"trace": context.trace},
            ) as response:
                # what comes from here on is no sign of a connection that the server had closed before
                may_be_stale = False
                return take(response)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            failure = Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, str(error))
        except EXCEPTIONS as error:
            on_pooled = context.stage is Stage.ANSWER and not context.is_new_connection
            if may_be_stale and on_pooled and is_closed_early(error):
                failure = None
            else:
                failure = translate(
                    error,
                    context,
                    self.route,
                    online=self._online,
                    look=partial(self._look, request, context),
                )
        finally:
            if context.certificate is not None:
                self.certificate = context.certificate.certificate
            if context.is_new_connection:
                self.resolved = context.resolved
        if failure is None:
            return self._attempt(request, take, context, may_be_stale=False)
        context.stage_failed(failure)
        # outside the handlers, so not chained: the detail has what support needs, the libraries' frames do not help
        raise HttpsError(failure)

    def _look(self, request: Request, context: RequestContext, limited: bool) -> Handshake | None:
        """Connect once more without verification, and hang up before anything is sent.

        Returns what was seen of the handshake, None if none began. If *limited*, our usual limits for versions and ciphers hold.
        """
        for tls in certificates.looking_contexts(limited=limited):
            seconds = min(context.remaining, self._limits.connect)
            second = RequestContext(None, seconds, self._limits, proxied=self.route.proxy is not None)
            second.only_looks = True
            CURRENT_REQUEST.set(second)
            transport = _Transport(self._pool(tls))
            try:
                transport.handle_request(
                    httpx.Request("GET", request.url, extensions={"trace": second.trace})
                )
            except EXCEPTIONS:
                pass
            finally:
                transport.close()
            if second.handshake is None or not second.handshake.wants_newer:
                break
        return second.handshake


class _NoCookies(CookieJar):
    """A jar that stays empty.

    It does not even read what a server offers, which may take long.
    """

    def extract_cookies(self, response: object, request: object) -> None:
        """Do nothing."""

    def add_cookie_header(self, request: object) -> None:
        """Do nothing."""


class _Transport(httpx.BaseTransport):
    """Adapts an httpcore pool to httpx, whose own transport takes no network backend."""

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
    """A response whose Location is not parsed: httpx raises if it is no URL."""

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


def _join_fields(headers: httpx.Headers) -> dict[str, str]:
    """Return the fields by name; those of one name are joined (RFC 9110, 5.3).

    httpx would look through all of them for each name: seconds for an answer of many.
    """
    fields: dict[str, list[str]] = {}
    for name, value in headers.multi_items():
        fields.setdefault(name, []).append(value)
    return {name: ", ".join(values) for name, values in fields.items()}


def _read_body(response: httpx.Response, limit: int) -> bytes:
    """Return the body as it is without its coding. Raises ``UnusableAnswer``."""
    body = bytearray()
    for part in response.iter_raw():
        body += part
        if len(body) > limit:
            raise UnusableAnswer(f"longer than {limit} bytes")
    return undo_codings(bytes(body), response.headers.get("content-encoding", ""), limit)
