"""The usual certificate issuer and token endpoint of each server.

If a certificate is refused, a person can be told since when another issuer is met. If an interceptor's is believed where another one was usual, or if the
licence is sent to another place than before, that is said beside a connection that works.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from . import timing
from .diagnosis import Certificate, EndpointChange, Interception, Notice
from .state_values import parse_flag, parse_time

LARGEST = 20
"""The number of addresses that are remembered; the oldest is dropped first."""


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """The usual issuer at an address, and the *stranger* met *since* (wall clock).

    A stranger that *is_believed* intercepts, and this PC trusts it. *endpoint* is where the licence was sent last, *endpoint_before* where it was sent
    before *endpoint_since*.
    """

    usual: str = ""
    stranger: str = ""
    since: float = 0.0
    is_believed: bool = False
    endpoint: str = ""
    endpoint_before: str = ""
    endpoint_since: float = 0.0


def list_notices(entry: KnownIssuer, now: float) -> tuple[Notice, ...]:
    """Return what *entry* has to say at *now* of a connection that works.

    What a clock that was ahead has dated begins now.
    """
    notices: list[Notice] = []
    if entry.is_believed:
        notices.append(Interception(_recognise(entry.stranger), entry.usual, min(entry.since, now)))
    if entry.endpoint_before and now - entry.endpoint_since < timing.ENDPOINT_NOTICE:
        notices.append(EndpointChange(entry.endpoint, entry.endpoint_before, min(entry.endpoint_since, now)))
    return tuple(notices)


def record_accepted(entry: KnownIssuer, certificate: Certificate, now: float) -> KnownIssuer:
    """Return *entry* with the issuer of an accepted certificate.

    It is the usual one from now on, unless it is an interceptor in the place of one that is none.
    """
    issuer = certificate.issuer
    if issuer == entry.usual or not entry.usual or not _recognise(issuer) or _recognise(entry.usual):
        return replace(entry, usual=issuer, stranger="", since=0.0, is_believed=False)
    since = entry.since if issuer == entry.stranger else now
    return replace(entry, stranger=issuer, since=since, is_believed=True)


def record_endpoint(entry: KnownIssuer, endpoint: str, now: float) -> KnownIssuer:
    """Return *entry* with the token *endpoint* to which the licence is sent."""
    if endpoint == entry.endpoint:
        return entry
    if not entry.endpoint:
        return replace(entry, endpoint=endpoint)
    return replace(entry, endpoint=endpoint, endpoint_before=entry.endpoint, endpoint_since=now)


def _recognise(issuer: str) -> str:
    """Return the product that intercepts under the name *issuer*, "" if none is known."""
    from . import interceptors  # a large table, needed after a change only

    product = interceptors.recognise([issuer])
    return "" if product is None else product.name


def record_refused(
    entry: KnownIssuer, certificate: Certificate, now: float
) -> tuple[KnownIssuer, Certificate]:
    """Return *entry* and a refused certificate, dated if its issuer is not usual."""
    if not entry.usual or certificate.issuer == entry.usual:
        return entry, certificate
    if certificate.issuer != entry.stranger:
        entry = replace(entry, stranger=certificate.issuer, since=now, is_believed=False)
    elif entry.since > now:
        # the clock was ahead then
        entry = replace(entry, since=now)
    return entry, replace(certificate, changed_at=entry.since)


def parse_record(document: Mapping[str, object]) -> dict[str, KnownIssuer]:
    """Return the entries of *document* by origin; malformed ones are left out."""
    entries = {}
    for origin, entry in document.items():
        if isinstance(entry, dict):
            with suppress(ValueError):
                entries[origin] = _parse_entry(entry)
    return entries


def _parse_entry(entry: Mapping[str, object]) -> KnownIssuer:
    """Return *entry* as a value. Raises ``ValueError``."""
    match entry:
        case {
            "usual": str(usual),
            "stranger": str(stranger),
            "endpoint": str(endpoint),
            "endpoint_before": str(before),
        }:
            return KnownIssuer(
                usual,
                stranger,
                parse_time(entry, "since"),
                parse_flag(entry, "is_believed"),
                endpoint,
                before,
                parse_time(entry, "endpoint_since"),
            )
    raise ValueError("texts expected")


def render_record(entries: Mapping[str, KnownIssuer]) -> dict[str, object]:
    """Return the latest ``LARGEST`` *entries* as a document."""
    return {origin: asdict(entry) for origin, entry in list(entries.items())[-LARGEST:]}
