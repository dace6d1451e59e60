"""Connections through a proxy: CONNECT, plain http, and signing in.

A tunnel is made below httpcore, as its network backend: for httpcore the server is reached directly. httpcore's own tunnel sends one CONNECT without a
User-Agent, writes an IPv6 address without brackets, keeps only the status of a refusal, and leaks its connection if TLS fails in it
(https://github.com/encode/httpcore/issues/1023).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import cast

import httpcore

from iea_agent import __version__
from iea_agent.domain.addresses import USUAL_PORTS, Address

from .messages import Reply
from .network import CURRENT_REQUEST, Network, Stream
from .proxy_answers import ProxyAnswer
from .proxy_sign_in import BeginSignIn, SignIn

USER_AGENT = f"iea-agent/{__version__}"
BODY_LIMIT = 64 * 1024
"""The longest page of a refusal in bytes that is read, to keep its connection."""


class NoTunnelError(httpcore.ProxyError):
    """A proxy that made no connection."""

    def __init__(self, answer: ProxyAnswer, sign_in: SignIn) -> None:
        """*sign_in* says whether the proxy has refused our credentials (``was_refused``)."""
        super().__init__(f"{answer.status} {answer.reason}".strip())
        self.answer = answer
        self.sign_in = sign_in


class ProxiedPool(httpcore.ConnectionPool):
    """httpcore's pool with tunnels of ours; plain http is asked of the proxy itself."""

    def __init__(self, proxy: Address, network: Network, begin: BeginSignIn, **options: object) -> None:
        """*begin* is called at each new connection; *options* are httpcore's."""
        super().__init__(proxy=httpcore.Proxy(proxy.origin), network_backend=network, **options)  # type: ignore[arg-type]
        self._begin = begin
        self._tunnels = _Tunnels(proxy, network, begin)

    def create_connection(self, origin: httpcore.Origin) -> httpcore.ConnectionInterface:
        """Return a connection to *origin*, which is not made yet."""
        if origin.scheme != b"https":
            make = partial(super().create_connection, origin)
            asks = partial(self._tunnels.asks_itself, origin.host.decode())
            return cast(httpcore.ConnectionInterface, _Forwarding(make, self._begin, asks))
        return httpcore.HTTPConnection(
            origin,
            ssl_context=self._ssl_context,
            keepalive_expiry=self._keepalive_expiry,
            network_backend=self._tunnels,
        )


class _Tunnels(httpcore.NetworkBackend):
    """Connects to a server through a proxy (CONNECT, RFC 9110, section 9.3.6)."""

    def __init__(self, proxy: Address, network: Network, begin: BeginSignIn) -> None:
        self._proxy = proxy
        self._origin = httpcore.Origin(b"http", proxy.host.encode(), proxy.port)
        self._network = network
        self._begin = begin

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 the request knows how much time there is
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> Stream:
        target = _name_target(host, port)
        streams: list[Stream] = []
        door = _Door(partial(self._make, streams))
        sign_in = self._begin("CONNECT", target)
        try:
            response = _converse(door, self._request(target), sign_in)
            answer = _read_head(response)
            if not 200 <= answer.status < 300:
                raise NoTunnelError(answer, sign_in)
        except BaseException:
            door.close()
            raise
        request = CURRENT_REQUEST.get()
        # a proxy has nothing to add; a web server that is none may give a page
        request.tunnel_is_page = answer.reply.headers.get("content-length", "0") != "0"
        request.stage_passed()
        return streams[-1]

    def asks_itself(self, host: str) -> bool:
        """Return whether the proxy asks who is there before *host* has said anything.

        The tunnel that it may make instead is not used.
        """
        door = _Door(partial(self._make, []))
        try:
            return door.send(self._request(_name_target(host, USUAL_PORTS["https"]))).status == 407
        finally:
            door.close()

    def _make(self, streams: list[Stream]) -> httpcore.HTTP11Connection:
        """Return a new connection to the proxy, whose stream is added to *streams*."""
        streams.append(self._network.connect_tcp(self._proxy.host, self._proxy.port))
        return httpcore.HTTP11Connection(self._origin, streams[-1])

    def _request(self, target: str) -> httpcore.Request:
        at = self._origin
        url = httpcore.URL(scheme=at.scheme, host=at.host, port=at.port, target=target.encode())
        headers = (
            ("Host", target),
            ("User-Agent", USER_AGENT),
            # for proxies of HTTP/1.0, which would close it before the sign-in is over
            ("Proxy-Connection", "Keep-Alive"),
        )
        return httpcore.Request("CONNECT", url, headers=headers)


def _name_target(host: str, port: int) -> str:
    """Return what CONNECT asks for (RFC 9112, section 3.2.3)."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class _Forwarding:
    """A connection of httpcore for plain http, with our sign-in."""

    def __init__(
        self,
        make: Callable[[], httpcore.ConnectionInterface],
        begin: BeginSignIn,
        asks: Callable[[], bool],
    ) -> None:
        """*asks* returns whether the proxy itself asks who is there: a server may, too."""
        self._door = _Door(make, make())
        self._begin = begin
        self._asks = asks

    def __getattr__(self, name: str) -> object:
        return getattr(self._door.connection, name)

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send *request*, and answer the proxy if it asks who is there."""
        sign_in = self._begin(request.method.decode(), bytes(request.url).decode())
        response = _converse(self._door, request, sign_in, self._asks)
        # 401 is the server's, unless a proxy refuses in this way what it has asked for
        answer = _read_head(response)
        if response.status == 407 or (response.status == 401 and sign_in.is_shown and answer.is_signed):
            self._door.close()
            raise NoTunnelError(answer, sign_in)
        return response


class _Door:
    """A connection to the proxy, made anew if the proxy closes it while it asks."""

    def __init__(
        self,
        make: Callable[[], httpcore.ConnectionInterface],
        connection: httpcore.ConnectionInterface | None = None,
    ) -> None:
        self._make = make
        self.connection = connection

    def send(self, request: httpcore.Request, authorization: str = "") -> httpcore.Response:
        """Send *request*, after a refusal with *authorization*."""
        if not authorization:
            self.connection = self.connection or self._make()
            return self.connection.handle_request(request)
        answering = httpcore.Request(
            request.method,
            request.url,
            headers=[*request.headers, (b"Proxy-Authorization", authorization.encode("latin-1"))],
            content=request.stream,
            extensions=request.extensions,
        )
        if self.connection is not None and self.connection.is_available():
            try:
                return self.connection.handle_request(answering)
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                # it was just being closed: some proxies do so after a refusal, without a word
                pass
        self.close()
        self.connection = self._make()
        return self.connection.handle_request(answering)

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self.connection is not None:
            self.connection.close()


def _converse(
    door: _Door, request: httpcore.Request, sign_in: SignIn, asks: Callable[[], bool] = lambda: True
) -> httpcore.Response:
    """Send *request* until the proxy accepts or refuses, or *sign_in* has no answer.

    Only status 407 asks who is there: 401 is that of a server, a router's page for example, which must not get the proxy's password. After a first 407, *asks*
    returns whether it is the proxy's own.
    """
    try:
        response = door.send(request)
        may_answer = response.status == 407 and not CURRENT_REQUEST.get().anonymous and asks()
        while may_answer and response.status == 407:
            authorization = sign_in.answer(_read_head(response))
            if not authorization:
                break
            _drain(response)
            response = door.send(request, authorization)
    except BaseException:
        sign_in.end(None)
        raise
    sign_in.end(response.status not in (401, 407))
    return response


def _read_head(response: httpcore.Response) -> ProxyAnswer:
    """Return the answer without its page; fields of the same name are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
    return ProxyAnswer(Reply(response.status, headers, b""), reason)


def _drain(response: httpcore.Response) -> None:
    """Read the page of a refusal, so that the connection can be used again."""
    length = 0
    try:
        for part in response.iter_stream():
            length += len(part)
            if length > BODY_LIMIT:
                break
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException):
        # whoever sends next needs another connection
        pass
    finally:
        response.close()
