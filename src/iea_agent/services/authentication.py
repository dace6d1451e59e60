"""OAuth 2.0 client credentials (RFC 6749): does a server accept the licence?

The licence number is the client id and the licence key its secret (section 4.4). The agent makes no use of the token; in memory it waits for programs that ask.

The exchanges are generators without I/O: they yield ``Request`` and receive ``Reply``, so that tests run each server's dialect without a network.
``token_answers.py`` judges the answers about the licence, ``judge.py`` all others.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address, AddressError
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import DeclaredIssuer, TokenEndpoint
from iea_agent.domain.printable_text import clean_detail

from .failures import blot_failure
from .https import WHOLE_SECONDS, Client, HttpsError
from .judge import judge_answer
from .messages import Reply, Request
from .network import Observe
from .token_answers import judge_licence, read_token, refuse_missing_scope
from .web_pages import find_title

_Result = TypeVar("_Result")
Connect: TypeAlias = Callable[[Address], Client]
"""Makes the client for one server; the route may depend on its address (proxy scripts). May wait. Raises ``HttpsError``."""
Exchange: TypeAlias = Generator[Request, Reply, _Result]
"""Yields requests, receives their replies and returns a result. Raises ``HttpsError``."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of this installation, and the right (scope) that it asks for.

    The scope is "" for none. *hosts* are those to which the policy lets the key be sent besides the server's own. The key stays out of the repr.
    """

    number: str
    key: str = field(repr=False)
    scope: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovery document of the server at *issuer*, as far as it is used.

    *key_in_body*: the server takes the key in the request's body only, not as Basic (RFC 6749, section 2.3.1).
    """

    issuer: Address
    token_endpoint: str
    key_in_body: bool = False


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """The server has accepted the licence.

    *expires_in* is in seconds, None if the server gives none; *token* is a secret. With *discovery*, the next authentication takes one request.
    """

    discovery: Discovery
    expires_in: float | None = None
    token: str = field(default="", repr=False)


def authenticate(
    client: Client,
    address: Address,
    licence: Licence,
    *,
    discovery: Discovery | None = None,
    connect: Connect | None = None,
    on_key: Callable[[Address], None] = lambda _endpoint: None,
    seconds: float = WHOLE_SECONDS,
    observe: Observe | None = None,
) -> AccessGranted:
    """Authenticate *licence* at the server at *address*, within *seconds* in all.

    *discovery* comes from an earlier success. *connect* makes the client for a token endpoint on another server than *address*. *on_key* is called
    with the token endpoint before the key is sent there. Raises ``HttpsError``: with AUTHORISATION_REFUSED or LICENCE_NOT_RECOGNISED if the server
    refuses the licence, with another problem if it gave no answer about it.
    """
    deadline = time.monotonic() + seconds
    forbid_clear_text(address, direct=client.route.proxy is None)

    def send(request: Request) -> Reply:
        with choose_client(client, address, request, connect) as sender:
            if request.method == "POST":
                on_key(_parse_server(request.url))
            return sender.request(request, seconds=deadline - time.monotonic(), observe=observe)

    return run_exchange(sign_in(address, licence, discovery), send)


@contextmanager
def choose_client(
    client: Client, address: Address, request: Request, connect: Connect | None
) -> Iterator[Client]:
    """Yield what sends *request*: *client*, or one by another route.

    *client* is for the server at *address*; another server, a token endpoint, has its own route. Raises ``HttpsError`` if the licence would be sent in clear.
    """
    server = _parse_server(request.url)
    owner: AbstractContextManager[Client] = nullcontext(client)
    if connect is not None and server.origin != address.origin:
        owner = connect(replace(server, path=""))
    with owner as sender:
        if request.method == "POST":
            forbid_clear_text(server, direct=sender.route.proxy is None)
        yield sender


def _parse_server(url: str) -> Address:
    """Return the address of *url*, which was checked, without its query."""
    return addresses.parse(urlsplit(url)._replace(query="", fragment="").geturl())


def run_exchange(exchange: Exchange[_Result], send: Callable[[Request], Reply]) -> _Result:
    """Send each request of *exchange*, which learns how it failed; return its result."""
    try:
        request = next(exchange)
        while True:
            try:
                reply = send(request)
            except HttpsError as error:
                request = exchange.throw(error)
            else:
                request = exchange.send(reply)
    except StopIteration as end:
        result: _Result = end.value
        return result


def sign_in(
    address: Address, licence: Licence, discovery: Discovery | None = None
) -> Exchange[AccessGranted]:
    """Request a token; discover the server first if *discovery* is not valid."""
    forbid_clear_text(address)
    if not licence.number.strip() or not licence.key.strip():
        raise HttpsError(Failure(Stage.LICENCE, problems.NOT_CONFIGURED, "licence number or key is empty"))
    if discovery is not None and discovery.issuer == address:
        try:
            return (yield from request_token(discovery, licence))
        except HttpsError as error:
            if error.failure.problem not in _ENDPOINT_MOVED:
                raise
    discovery = yield from discover(address)
    return (yield from request_token(discovery, licence))


_ENDPOINT_MOVED = frozenset(
    {
        problems.PAGE_INSTEAD,
        problems.REDIRECTED,
        problems.REQUEST_REJECTED,
        problems.TOKEN_HOST_UNREACHABLE,
        problems.KEY_ASKED_ELSEWHERE,
    }
)
"""What a token endpoint may say that is another one by now: the server is discovered again."""


def forbid_clear_text(address: Address, *, direct: bool = True) -> None:
    """Raise ``HttpsError`` unless *address* is https or on this machine.

    Unless it is reached *direct*, it must be https: by a proxy even what this machine serves would cross the network in clear.
    """
    if not (address.secure or (address.loopback and direct)):
        detail = f"{address.scheme}://{address.host}" + ("" if direct else ", through a proxy")
        raise HttpsError(Failure(Stage.ADDRESS, problems.SENT_IN_CLEAR, detail))


def discovery_urls(address: Address) -> tuple[str, ...]:
    """Return where a server at *address* may publish its discovery document.

    OpenID Connect Discovery 1.0, section 4, comes first: Keycloak and most others answer there. RFC 8414, section 3, puts its name before
    the path; some servers put it behind.
    """
    inserted = f"{address.origin}/.well-known/oauth-authorization-server{address.path}"
    appended = f"{address}/.well-known/oauth-authorization-server"
    return tuple(dict.fromkeys((f"{address}/.well-known/openid-configuration", inserted, appended)))


def discover(address: Address) -> Exchange[Discovery]:
    """Read the discovery document of the server at *address*.

    Every place is asked before there is a verdict: a filter in front of one of them, or another product's document there, does not hide the
    right one. The most telling failure is reported, the first of equals. A failure of the network ends the search at once, and so does an
    answer that is about the way or about all of the server (``_ENDS_THE_SEARCH``).
    """
    failures: list[Failure] = []
    empty: list[Reply] = []
    for url in discovery_urls(address):
        request = Request("GET", url)
        reply = yield request
        try:
            discovery = _read_discovery(address, reply)
            if discovery is not None:
                return discovery
            failure = judge_answer(request, reply)
        except HttpsError as error:
            failure = error.failure
        if failure is None:
            empty.append(reply)
            continue
        failures.append(failure)
        if failure.problem in _ENDS_THE_SEARCH or failure.retry_after:
            break
    raise HttpsError(min(failures, key=_rank) if failures else _nothing_there(address, empty))


_ENDS_THE_SEARCH = frozenset(
    {problems.CAPTIVE_PORTAL, problems.PROXY_WANTS_PASSWORD, problems.TOO_MANY_REQUESTS}
)
"""A portal and a proxy answer for every place; a busy server is not asked more."""
_TELLING = (
    # a document of an authentication server, though not a right one
    problems.KEY_ASKED_IN_CLEAR,
    problems.ISSUER_DIFFERS,
    problems.ISSUER_UNAWARE,
    # how the server is to be spoken to, who stands before it, and how it is
    problems.CLIENT_CERTIFICATE_WANTED,
    problems.HTTPS_EXPECTED,
    problems.CAPTIVE_PORTAL,
    problems.PROXY_WANTS_PASSWORD,
    problems.PROXY_SIGN_IN_UNKNOWN,
    problems.SERVER_IN_MAINTENANCE,
    problems.SERVER_UNAVAILABLE,
    problems.TOO_MANY_REQUESTS,
    # what stands in front of one place
    problems.PAGE_INSTEAD,
    problems.BROWSER_WANTED,
    problems.IDENTIFICATION_WANTED,
    problems.FORBIDDEN,
    problems.REDIRECTED,
    problems.REQUEST_REJECTED,
)
"""Failures of the places, the most telling first. One that is not named here comes last."""


def _rank(failure: Failure) -> int:
    return _TELLING.index(failure.problem) if failure.problem in _TELLING else len(_TELLING)


def _read_discovery(address: Address, reply: Reply) -> Discovery | None:
    """Return the document in *reply*, None if it is none. Raises ``HttpsError``."""
    # RFC 8414, section 2: only these members are used
    document = reply.parse_object(issuer=str, token_endpoint=str) if reply.is_success else None
    if document is None:
        return None
    _check_issuer(address, document["issuer"])
    endpoint = _check_token_endpoint(address, document["token_endpoint"])
    methods = document.get("token_endpoint_auth_methods_supported")
    offered = methods if isinstance(methods, list) else []
    posted = "client_secret_post" in offered and "client_secret_basic" not in offered
    return Discovery(address, endpoint, key_in_body=posted)


def _nothing_there(address: Address, replies: Sequence[Reply]) -> Failure:
    """Return the failure of a server that has no document at any place."""
    # a server that has other things, but nothing under the path that was typed
    wrong_path = bool(address.path) and {reply.status for reply in replies} <= {404, 410}
    problem = problems.NOTHING_THERE if wrong_path else problems.NOT_AN_AUTHENTICATION_SERVER
    detail = "no discovery document: HTTP " + ", ".join(str(reply.status) for reply in replies)
    title = None if wrong_path else next(filter(None, map(find_title, replies)), None)
    return Failure(Stage.KIND, problem, detail, evidence=title)


def _check_issuer(address: Address, issuer: str) -> None:
    """Raise ``HttpsError`` unless *issuer* is *address* (RFC 8414, section 3.3)."""
    try:
        parsed = addresses.parse(issuer)
    except AddressError:
        parsed = None
    if parsed != address:
        name = clean_detail(issuer)
        unaware = parsed is not None and _is_unaware(address, parsed)
        problem = problems.ISSUER_UNAWARE if unaware else problems.ISSUER_DIFFERS
        raise HttpsError(
            Failure(Stage.KIND, problem, f"the server says: issuer {name}", evidence=DeclaredIssuer(name))
        )


def _is_unaware(address: Address, issuer: Address) -> bool:
    """Return whether a server behind a reverse proxy does not know its own *address*.

    It then calls itself http, or by a name that only its own network has.
    """
    in_clear = (address.secure, issuer.secure, issuer.host) == (True, False, address.host)
    inside = address.is_on_the_internet and not issuer.is_on_the_internet
    return in_clear or inside


def _check_token_endpoint(address: Address, url: str) -> str:
    """Return *url*. Raises ``HttpsError`` if the key may not be sent there."""
    try:
        parts = urlsplit(url)
        endpoint = addresses.parse(parts._replace(query="", fragment="").geturl())
    except ValueError:  # AddressError is one
        endpoint = None
    # the query is up to the server, but it must be text that can be sent
    if (
        endpoint is None
        or not parts.netloc
        or parts.scheme not in ("http", "https")
        or not parts.geturl().isprintable()
    ):
        detail = f"the server says: token endpoint {clean_detail(url)}"
        raise HttpsError(Failure(Stage.KIND, problems.NOT_AN_AUTHENTICATION_SERVER, detail))
    # a server reached over https must not ask for the key in clear, not even on this machine
    if not endpoint.secure and (address.secure or not endpoint.loopback):
        evidence = TokenEndpoint(endpoint.origin)
        detail = f"the server says: token endpoint {endpoint}"
        raise HttpsError(Failure(Stage.KIND, problems.KEY_ASKED_IN_CLEAR, detail, evidence=evidence))
    # the host that was checked: other readers of an international name make another one of it (« urßaf » is « urssaf » in IDNA 2003 only)
    return parts._replace(netloc=urlsplit(endpoint.origin).netloc).geturl()


def request_token(discovery: Discovery, licence: Licence) -> Exchange[AccessGranted]:
    """Send *licence* to the token endpoint, if it is on a host that may get the key."""
    _check_token_host(discovery, licence)
    # RFC 6749, section 2.3.1: both halves form-urlencoded before Basic joins them. A space as %20: authlib reads + as a plus
    number, key = (quote(half, safe="") for half in (licence.number, licence.key))
    basic = b64encode(f"{number}:{key}".encode()).decode()
    # a server may repeat what it was sent
    secrets = (licence.key, f"{number}:{key}")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    form = {"grant_type": "client_credentials"}
    if licence.scope:
        form["scope"] = licence.scope
    if discovery.key_in_body:
        form |= {"client_id": licence.number, "client_secret": licence.key}
    else:
        headers["authorization"] = f"Basic {basic}"
    request = Request("POST", discovery.token_endpoint, headers, urlencode(form).encode())
    try:
        reply = yield request
    except HttpsError as error:
        raise HttpsError(_name_token_host(discovery, blot_failure(error.failure, secrets))) from None
    token = read_token(reply)
    if token is None:
        # before it is judged: a title or a sentence that is cut would keep half of the key
        judged = reply.without(secrets) if len(licence.key) >= _LONG_KEY else reply
        failure = _judge_refusal(request, judged, licence.scope)
    elif missing := refuse_missing_scope(token, licence.scope):
        failure = missing
    else:
        return AccessGranted(discovery, _parse_lifetime(token.expires_in), token.value)
    failure = blot_failure(failure, secrets)
    raise HttpsError(replace(failure, detail=clean_detail(failure.detail)))


_LONG_KEY = 8
"""Characters of a key that stands in no answer by chance: without a shorter one, the words of an answer could mean something else."""


def _check_token_host(discovery: Discovery, licence: Licence) -> None:
    """Raise ``HttpsError`` unless the token endpoint's host may get the key.

    The key does not expire, and whoever can place one file on the server could have it sent anywhere (RFC 9700, section 4.4): it stays on the server's own
    host, unless the policy names another one.
    """
    endpoint = _parse_server(discovery.token_endpoint)
    if endpoint.host not in (discovery.issuer.host, *licence.hosts):
        detail = f"the server says: token endpoint {clean_detail(endpoint.origin)}"
        evidence = TokenEndpoint(endpoint.origin)
        raise HttpsError(Failure(Stage.LICENCE, problems.KEY_ASKED_ELSEWHERE, detail, evidence=evidence))


_UNREACHABLE = frozenset(
    {
        problems.NAME_UNKNOWN,
        problems.NAME_SERVER_SILENT,
        problems.CONNECTION_REFUSED,
        problems.CONNECTION_UNANSWERED,
        problems.CONNECTION_CUT,
    }
)


def _name_token_host(discovery: Discovery, failure: Failure) -> Failure:
    """Return *failure*, which names the token endpoint's host if it is another one.

    The discovery document has just come, so the way to the internet is free: what its author named is at fault.
    """
    endpoint = _parse_server(discovery.token_endpoint)
    if endpoint.origin == discovery.issuer.origin:
        return failure
    detail = f"token endpoint {endpoint.origin}: {failure.problem} {failure.detail}"
    if failure.problem not in _UNREACHABLE:
        return replace(failure, detail=detail)
    evidence = TokenEndpoint(endpoint.origin)
    return Failure(Stage.LICENCE, problems.TOKEN_HOST_UNREACHABLE, detail, evidence=evidence)


def _judge_refusal(request: Request, reply: Reply, scope: str) -> Failure:
    """Return what a *reply* of the token endpoint without a token means."""
    failure = judge_licence(reply, scope) or judge_answer(request, reply)
    if failure is not None:
        return replace(failure, stage=Stage.LICENCE)
    # a plain text may be a token
    is_page = reply.is_success and reply.body.lstrip().startswith(b"<")
    title = find_title(reply) if is_page else None
    # the address is right, the discovery document proved it: a page does not come from this server, and whatever else it says is not the clerk's mistake
    problem = problems.PAGE_INSTEAD if title else problems.REQUEST_REJECTED
    detail = f"HTTP {reply.status} without a bearer token"
    return Failure(Stage.LICENCE, problem, detail, evidence=title)


def _parse_lifetime(value: float | str | None) -> float | None:
    """Return a token's lifetime in seconds, None if *value* is no finite number."""
    try:
        seconds = math.nan if value is None else float(value)
    except (ValueError, OverflowError):  # no number, or one out of range
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
