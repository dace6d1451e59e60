"""OAuth 2.0 client credentials: is this installation's licence accepted by that server?

The conversation is pure: generators that yield ``Request`` and receive ``Reply``, so that every dialect is tested without a network. ``authenticate``
carries it out. The licence number is the client id, the licence key its secret (RFC 6749, section 4.4); the token itself is checked and dropped, nothing
of ours uses it. The dialects of real servers behind the rules of ``_judge`` are a table in ``tests/services/test_authentication.py``.
"""

from __future__ import annotations

import math
import time
from base64 import b64encode
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address, AddressError
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import DeclaredIssuer, RedirectTarget, TokenEndpoint
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem

from .https import WHOLE_SECONDS, Client, HttpsError
from .messages import Reply, Request, classify_unavailable, find_redirect_target, judge_status
from .network import Observe

_Result = TypeVar("_Result")
Exchange: TypeAlias = Generator[Request, Reply, _Result]
"""Yields requests, receives their replies, returns what came of it. Raises ``HttpsError``."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What the assistance gave to this installation. The key stays out of the repr."""

    number: str
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the server at *issuer* says of itself. Worth keeping: with it, the next authentication is one request."""

    issuer: Address
    token_endpoint: str


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """The server has accepted the licence. *expires_in* is in seconds, None where the server does not say."""

    discovery: Discovery
    expires_in: float | None = None
    scope: str = ""


def authenticate(
    client: Client,
    address: Address,
    licence: Licence,
    *,
    scope: str = "",
    known: Discovery | None = None,
    seconds: float = WHOLE_SECONDS,
    observe: Observe | None = None,
) -> AccessGranted:
    """Show *licence* to the server at *address*, within *seconds* for everything.

    *known* is the discovery of an earlier success. Raises ``HttpsError``: AUTHORISATION_REFUSED and LICENCE_NOT_RECOGNISED are the server's two noes, anything
    else means that it gave none.
    """
    deadline = time.monotonic() + seconds

    def ask(request: Request) -> Reply:
        return client.request(request, seconds=deadline - time.monotonic(), observe=observe)

    return run_exchange(sign_in(address, licence, scope=scope, known=known), ask)


def run_exchange(conversation: Exchange[_Result], ask: Callable[[Request], Reply]) -> _Result:
    """Carry *conversation* out: each request through *ask*."""
    try:
        request = next(conversation)
        while True:
            request = conversation.send(ask(request))
    except StopIteration as end:
        result: _Result = end.value
        return result


def sign_in(
    address: Address, licence: Licence, *, scope: str = "", known: Discovery | None = None
) -> Exchange[AccessGranted]:
    """The whole conversation. A *known* endpoint that is no longer one is looked for again."""
    forbid_clear_text(address)
    if not licence.number.strip() or not licence.key.strip():
        raise HttpsError(Failure(Stage.LICENCE, problems.NOT_CONFIGURED, "licence number or key is empty"))
    if known is not None and known.issuer == address:
        try:
            return (yield from request_token(known, licence, scope=scope))
        except HttpsError as error:
            if error.failure.problem not in (problems.NOT_AN_AUTHENTICATION_SERVER, problems.REDIRECTED):
                raise
    discovery = yield from discover(address)
    return (yield from request_token(discovery, licence, scope=scope))


def forbid_clear_text(address: Address) -> None:
    """Raises ``HttpsError`` when the key would travel in clear, or to wherever a document read in clear says. Loopback is this very machine."""
    if not (address.secure or address.loopback):
        raise HttpsError(Failure(Stage.ADDRESS, problems.SENT_IN_CLEAR, f"{address.scheme}://{address.host}"))


def discovery_urls(address: Address) -> tuple[str, ...]:
    """Where a server at *address* may describe itself, the most usual first.

    OpenID Connect Discovery 1.0, section 4, is answered by every Keycloak and most others; RFC 8414, section 3, puts its name before the path; some
    servers put it behind.
    """
    inserted = f"{address.origin}/.well-known/oauth-authorization-server{address.path}"
    appended = f"{address}/.well-known/oauth-authorization-server"
    return tuple(dict.fromkeys((f"{address}/.well-known/openid-configuration", inserted, appended)))


def discover(address: Address) -> Exchange[Discovery]:
    """Ask the server at *address* to describe itself. What it says is believed only where it is about that very address."""
    statuses: list[int] = []
    for url in discovery_urls(address):
        request = Request("GET", url)
        reply = yield request
        described = reply.parse_object(issuer=str, token_endpoint=str) if reply.status == 200 else None
        if described is not None:  # RFC 8414, section 2: the part that is needed here
            return _discovery(address, described["issuer"], described["token_endpoint"])
        refused = judge_status(request, reply)
        if refused is not None:
            raise HttpsError(refused)
        statuses.append(reply.status)
    # a server that has other things, but nothing under the path that was typed
    wrong_path = bool(address.path) and set(statuses) <= {404, 410}
    reason = problems.NOTHING_THERE if wrong_path else problems.NOT_AN_AUTHENTICATION_SERVER
    detail = "no discovery document: HTTP " + ", ".join(map(str, statuses))
    raise HttpsError(Failure(Stage.KIND, reason, detail))


def _discovery(address: Address, issuer: str, token_endpoint: str) -> Discovery:
    try:
        issuing = addresses.parse(issuer)
    except AddressError:
        issuing = None
    if issuing != address:  # RFC 8414, section 3.3
        said = clean_detail(issuer)
        raise HttpsError(
            Failure(Stage.KIND, problems.ISSUER_DIFFERS, f"issuer: {said}", evidence=DeclaredIssuer(said))
        )
    try:
        parts = urlsplit(token_endpoint)
        endpoint = addresses.parse(parts._replace(query="", fragment="").geturl())
    except ValueError:  # AddressError is one
        endpoint = None
    # what follows the path is the server's own affair, but it must be text that can be sent
    if (
        endpoint is None
        or not parts.netloc
        or parts.scheme not in ("http", "https")
        or not parts.geturl().isprintable()
    ):
        detail = f"token endpoint: {clean_detail(token_endpoint)}"
        raise HttpsError(Failure(Stage.KIND, problems.NOT_AN_AUTHENTICATION_SERVER, detail))
    # a server reached over https has no business asking for the key in clear, not even on this machine
    if not endpoint.secure and (address.secure or not endpoint.loopback):
        raise HttpsError(
            Failure(
                Stage.KIND,
                problems.KEY_ASKED_IN_CLEAR,
                f"token endpoint: {endpoint}",
                evidence=TokenEndpoint(endpoint.origin),
            )
        )
    return Discovery(address, parts.geturl())  # as it was judged


def request_token(discovery: Discovery, licence: Licence, *, scope: str = "") -> Exchange[AccessGranted]:
    """Show *licence* at the token endpoint."""
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    # RFC 6749, section 2.3.1: both halves form-urlencoded before Basic joins them. A space as %20, since authlib reads + as a plus
    number, key = (quote(half, safe="") for half in (licence.number, licence.key))
    basic = b64encode(f"{number}:{key}".encode()).decode()
    reply = yield Request(
        "POST",
        discovery.token_endpoint,
        {"authorization": f"Basic {basic}", "content-type": "application/x-www-form-urlencoded"},
        urlencode(form).encode(),
    )
    try:
        expires_in, granted = _judge(reply, scope)
    except HttpsError as error:
        # a server may repeat what it was sent: whatever it says, the key does not get into a log, not even the half of it that a cut would leave
        detail = error.failure.detail
        for secret in (licence.key, key, basic):
            detail = detail.replace(secret, "…")
        raise HttpsError(replace(error.failure, detail=clean_detail(detail))) from None
    return AccessGranted(discovery, expires_in, granted)


_REFUSALS = ("unauthorized_client", "access_denied", "invalid_scope", "invalid_target", "insufficient_scope")
_UNRECOGNISED_WORDS = (
    "aadsts700016",
    "invalid client credentials",
    "invalid client secret",
    "invalid client or",
)
_REFUSED_WORDS = ("not enabled", "not allowed", "disabled", "suspended", "not authorized", "service account")
_FAILED_WORDS = "unexpected error"  # Keycloak, where it could not look


def _judge(reply: Reply, wanted: str) -> tuple[float | None, str]:
    """The token's lifetime and scope. Raises ``HttpsError`` for every other answer.

    The status comes first: what a front end says in HTML is never parsed as a verdict. Among the refusals, codes are used differently by different servers
    (Keycloak says ``unauthorized_client`` of a wrong key, oidc-provider ``invalid_request`` of a grant that is not allowed), so their descriptions decide
    between the two noes where the code is ambiguous.
    """
    status = reply.status
    if status == 200:
        return _granted(reply, wanted)
    said = reply.parse_object(error=str, error_description=str | None) or {}  # RFC 6749, section 5.2
    error, described = said.get("error", ""), said.get("error_description") or ""
    detail = f"HTTP {status} {error}: {described}".rstrip(": ")
    if status == 429:
        raise _no(problems.TOO_MANY_REQUESTS, detail, reply.retry_after)
    words = described.lower()
    failed = error in ("server_error", "temporarily_unavailable") or words.startswith(_FAILED_WORDS)
    if status >= 500 or failed:
        raise _no(classify_unavailable(reply), detail, reply.retry_after)
    if 300 <= status < 400:
        raise _no(problems.REDIRECTED, detail, evidence=find_redirect_target(reply))
    if status == 407:
        raise _no(problems.PROXY_WANTS_PASSWORD, detail)
    if error == "invalid_client" and status in (400, 401):
        raise _no(problems.LICENCE_NOT_RECOGNISED, detail)
    if status in (400, 401, 403) and error:
        if any(phrase in words for phrase in _UNRECOGNISED_WORDS):
            raise _no(problems.LICENCE_NOT_RECOGNISED, detail)
        if error in (*_REFUSALS, "invalid_request") and any(phrase in words for phrase in _REFUSED_WORDS):
            raise _no(problems.AUTHORISATION_REFUSED, detail)
    if status == 401:
        raise _no(problems.LICENCE_NOT_RECOGNISED, detail)
    if status == 403:
        # a refusal of OAuth says so in JSON; a page is from a filter on the way
        raise _no(problems.AUTHORISATION_REFUSED if error else problems.FORBIDDEN, detail)
    if status == 400 and error in _REFUSALS:
        raise _no(problems.AUTHORISATION_REFUSED, detail)
    raise _no(problems.NOT_AN_AUTHENTICATION_SERVER, detail)


def _granted(reply: Reply, wanted: str) -> tuple[float | None, str]:
    token = reply.parse_object(  # RFC 6749, section 5.1
        access_token=str, token_type=str, expires_in=int | float | str | None, scope=str | None
    )
    if token is None or not token["access_token"] or token["token_type"].lower() != "bearer":
        raise _no(problems.NOT_AN_AUTHENTICATION_SERVER, "HTTP 200 without a bearer token")
    # RFC 6749, section 5.1: no scope in the answer means all that was asked for
    scope = token.get("scope")
    missing = set(wanted.split()) - set((wanted if scope is None else scope).split())
    if missing:
        raise _no(
            problems.AUTHORISATION_REFUSED,
            f"HTTP 200 without the scope {' '.join(sorted(missing))}",
        )
    try:
        lifetime = token.get("expires_in")
        seconds = math.nan if lifetime is None else float(lifetime)
    except (ValueError, OverflowError):  # no number, or one beyond all others
        seconds = math.nan
    return (max(seconds, 0.0) if math.isfinite(seconds) else None), scope or wanted


def _no(
    reason: Problem, detail: str, retry_after: float | None = None, evidence: RedirectTarget | None = None
) -> HttpsError:
    return HttpsError(Failure(Stage.LICENCE, reason, detail, retry_after, evidence))
