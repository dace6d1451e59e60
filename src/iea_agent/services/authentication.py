"""OAuth 2.0 client credentials (RFC 6749): does a server accept the licence?

The licence number is the client id and the licence key its secret (section 4.4). The token is checked and dropped: the agent makes no use of it.

The exchanges are generators without I/O: they yield ``Request`` and receive ``Reply``, so that tests run each server's dialect without a network.
``tests/services/test_authentication.py`` lists the dialects behind the rules of this module.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address, AddressError
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import DeclaredIssuer, TokenEndpoint
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem, Retry

from .https import WHOLE_SECONDS, Client, HttpsError
from .messages import Reply, Request, classify_unavailable, find_redirect_target, judge_status
from .network import Observe

_Result = TypeVar("_Result")
Exchange: TypeAlias = Generator[Request, Reply, _Result]
"""Yields requests, receives their replies and returns a result. Raises ``HttpsError``."""


@dataclass(frozen=True, slots=True)
class Licence:
    """The licence of this installation. The key stays out of the repr."""

    number: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovery document of the server at *issuer*, as far as it is used."""

    issuer: Address
    token_endpoint: str


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """The server has accepted the licence.

    *expires_in* is in seconds, None if the server gives none. With *discovery*, the next authentication takes one request.
    """

    discovery: Discovery
    expires_in: float | None = None


def authenticate(
    client: Client,
    address: Address,
    licence: Licence,
    *,
    discovery: Discovery | None = None,
    seconds: float = WHOLE_SECONDS,
    observe: Observe | None = None,
) -> AccessGranted:
    """Authenticate *licence* at the server at *address*, within *seconds* in all.

    *discovery* comes from an earlier success. Raises ``HttpsError``: with AUTHORISATION_REFUSED or LICENCE_NOT_RECOGNISED if the server
    refuses the licence, with another problem if it gave no answer about it.
    """
    deadline = time.monotonic() + seconds

    def send(request: Request) -> Reply:
        return client.request(request, seconds=deadline - time.monotonic(), observe=observe)

    return run_exchange(sign_in(address, licence, discovery), send)


def run_exchange(exchange: Exchange[_Result], send: Callable[[Request], Reply]) -> _Result:
    """Send each request of *exchange* and return its result."""
    try:
        request = next(exchange)
        while True:
            request = exchange.send(send(request))
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
            if error.failure.problem not in (problems.NOT_AN_AUTHENTICATION_SERVER, problems.REDIRECTED):
                raise
    discovery = yield from discover(address)
    return (yield from request_token(discovery, licence))


def forbid_clear_text(address: Address) -> None:
    """Raise ``HttpsError`` unless *address* is https or on this machine."""
    if not (address.secure or address.loopback):
        raise HttpsError(Failure(Stage.ADDRESS, problems.SENT_IN_CLEAR, f"{address.scheme}://{address.host}"))


def discovery_urls(address: Address) -> tuple[str, ...]:
    """Return where a server at *address* may publish its discovery document.

    OpenID Connect Discovery 1.0, section 4, comes first: Keycloak and most others answer there. RFC 8414, section 3, puts its name before
    the path; some servers put it behind.
    """
    inserted = f"{address.origin}/.well-known/oauth-authorization-server{address.path}"
    appended = f"{address}/.well-known/oauth-authorization-server"
    return tuple(dict.fromkeys((f"{address}/.well-known/openid-configuration", inserted, appended)))


def discover(address: Address) -> Exchange[Discovery]:
    """Read the discovery document of the server at *address*."""
    statuses: list[int] = []
    for url in discovery_urls(address):
        request = Request("GET", url)
        reply = yield request
        # RFC 8414, section 2: only these two members are used
        document = reply.parse_object(issuer=str, token_endpoint=str) if reply.status == 200 else None
        if document is not None:
            _check_issuer(address, document["issuer"])
            return Discovery(address, _check_token_endpoint(address, document["token_endpoint"]))
        failure = judge_status(request, reply)
        if failure is not None:
            raise HttpsError(failure)
        statuses.append(reply.status)
    # a server that has other things, but nothing under the path that was typed
    wrong_path = bool(address.path) and set(statuses) <= {404, 410}
    problem = problems.NOTHING_THERE if wrong_path else problems.NOT_AN_AUTHENTICATION_SERVER
    detail = "no discovery document: HTTP " + ", ".join(map(str, statuses))
    raise HttpsError(Failure(Stage.KIND, problem, detail))


def _check_issuer(address: Address, issuer: str) -> None:
    """Raise ``HttpsError`` unless *issuer* is *address* (RFC 8414, section 3.3)."""
    try:
        parsed = addresses.parse(issuer)
    except AddressError:
        parsed = None
    if parsed != address:
        name = clean_detail(issuer)
        failure = Failure(
            Stage.KIND, problems.ISSUER_DIFFERS, f"issuer: {name}", evidence=DeclaredIssuer(name)
        )
        raise HttpsError(failure)


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
        detail = f"token endpoint: {clean_detail(url)}"
        raise HttpsError(Failure(Stage.KIND, problems.NOT_AN_AUTHENTICATION_SERVER, detail))
    # a server reached over https must not ask for the key in clear, not even on this machine
    if not endpoint.secure and (address.secure or not endpoint.loopback):
        evidence = TokenEndpoint(endpoint.origin)
        detail = f"token endpoint: {endpoint}"
        raise HttpsError(Failure(Stage.KIND, problems.KEY_ASKED_IN_CLEAR, detail, evidence=evidence))
    return parts.geturl()


def request_token(discovery: Discovery, licence: Licence) -> Exchange[AccessGranted]:
    """Send *licence* to the token endpoint."""
    # RFC 6749, section 2.3.1: both halves form-urlencoded before Basic joins them. A space as %20: authlib reads + as a plus
    number, key = (quote(half, safe="") for half in (licence.number, licence.key))
    basic = b64encode(f"{number}:{key}".encode()).decode()
    reply = yield Request(
        "POST",
        discovery.token_endpoint,
        {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"},
        urlencode({"grant_type": "client_credentials"}).encode(),
    )
    token = _parse_token(reply)
    if token is not None:
        return AccessGranted(discovery, _parse_lifetime(token.get("expires_in")))
    failure = _judge_refusal(reply)
    # a server may repeat what it was sent: the key must not get into a log, not even the half that a cut would leave
    detail = failure.detail
    for secret in (licence.key, key, basic):
        detail = detail.replace(secret, "…")
    raise HttpsError(replace(failure, detail=clean_detail(detail)))


class _Answer(NamedTuple):
    """An error of the token endpoint (RFC 6749, section 5.2), in lower case."""

    status: int
    error: str
    description: str

    def mentions(self, phrases: tuple[str, ...]) -> bool:
        """Return whether an OAuth error describes itself with one of *phrases*."""
        described = self.status in (400, 401, 403) and self.error
        return bool(described) and any(phrase in self.description for phrase in phrases)


_FAILED = ("server_error", "temporarily_unavailable")
_REFUSALS = ("unauthorized_client", "access_denied", "invalid_scope", "invalid_target", "insufficient_scope")
_NOT_RECOGNISED_PHRASES = (
    "aadsts700016",
    "invalid client credentials",
    "invalid client secret",
    "invalid client or",
)
_REFUSED_PHRASES = (
    "not enabled",
    "not allowed",
    "disabled",
    "suspended",
    "not authorized",
    "service account",
)

_RULES: tuple[tuple[Callable[[_Answer], bool], Problem], ...] = (
    (lambda a: a.status == 429, problems.TOO_MANY_REQUESTS),
    (lambda a: a.status >= 500 or a.error in _FAILED, problems.SERVER_UNAVAILABLE),
    # Keycloak, if it could not look the client up
    (lambda a: a.description.startswith("unexpected error"), problems.SERVER_UNAVAILABLE),
    (lambda a: 300 <= a.status < 400, problems.REDIRECTED),
    (lambda a: a.status == 407, problems.PROXY_WANTS_PASSWORD),
    (lambda a: a.status in (400, 401) and a.error == "invalid_client", problems.LICENCE_NOT_RECOGNISED),
    # Keycloak says unauthorized_client of a wrong key, oidc-provider invalid_request of a grant that is not allowed
    (lambda a: a.mentions(_NOT_RECOGNISED_PHRASES), problems.LICENCE_NOT_RECOGNISED),
    (
        lambda a: a.error in (*_REFUSALS, "invalid_request") and a.mentions(_REFUSED_PHRASES),
        problems.AUTHORISATION_REFUSED,
    ),
    (lambda a: a.status == 401, problems.LICENCE_NOT_RECOGNISED),
    # OAuth refuses with an error in JSON; a page comes from a filter on the way
    (lambda a: a.status == 403 and not a.error, problems.FORBIDDEN),
    (lambda a: a.status == 403, problems.AUTHORISATION_REFUSED),
    (lambda a: a.status == 400 and a.error in _REFUSALS, problems.AUTHORISATION_REFUSED),
)
"""What an answer other than 200 means: the first rule that matches decides.

The status comes first: an HTML page of a front end never judges a licence. Servers use the codes differently; if a code is ambiguous, its
description decides.
"""


def _judge_refusal(reply: Reply) -> Failure:
    """Return what a *reply* of the token endpoint without a token means."""
    if reply.status == 200:
        detail = "HTTP 200 without a bearer token"
        return Failure(Stage.LICENCE, problems.NOT_AN_AUTHENTICATION_SERVER, detail)
    document = reply.parse_object(error=str, error_description=str | None) or {}
    error, description = document.get("error", ""), document.get("error_description") or ""
    answer = _Answer(reply.status, error, description.lower())
    problem = next(
        (problem for matches, problem in _RULES if matches(answer)), problems.NOT_AN_AUTHENTICATION_SERVER
    )
    if problem is problems.SERVER_UNAVAILABLE:
        problem = classify_unavailable(reply)
    return Failure(
        Stage.LICENCE,
        problem,
        f"HTTP {reply.status} {error}: {description}".rstrip(": "),
        reply.retry_after if problem.retry is Retry.UNAVAILABLE else None,
        find_redirect_target(reply) if problem is problems.REDIRECTED else None,
    )


def _parse_token(reply: Reply) -> dict[str, Any] | None:
    """Return the document of a bearer token (RFC 6749, section 5.1), else None."""
    if reply.status != 200:
        return None
    token = reply.parse_object(access_token=str, token_type=str, expires_in=int | float | str | None)
    return token if token and token["access_token"] and token["token_type"].lower() == "bearer" else None


def _parse_lifetime(value: float | str | None) -> float | None:
    """Return a token's lifetime in seconds, None if *value* is no finite number."""
    try:
        seconds = math.nan if value is None else float(value)
    except (ValueError, OverflowError):  # no number, or one out of range
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
