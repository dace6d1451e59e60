"""The usual certificate issuer of each server.

If a certificate is refused, a person can be told since when another issuer is met.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace

from .diagnosis import Certificate
from .state_values import parse_time

LARGEST = 20
"""The number of addresses that are remembered; the oldest is dropped first."""


@dataclass(frozen=True, slots=True)
class KnownIssuer:
    """The usual issuer at an address, and the *stranger* met *since* (wall clock)."""

    usual: str = ""
    stranger: str = ""
    since: float = 0.0


def record_accepted(entry: KnownIssuer, certificate: Certificate) -> KnownIssuer:
    """Return *entry* with the issuer of an accepted certificate as the usual one."""
    if (entry.usual, entry.stranger) == (certificate.issuer, ""):
        return entry
    return KnownIssuer(usual=certificate.issuer)


def record_refused(
    entry: KnownIssuer, certificate: Certificate, now: float
) -> tuple[KnownIssuer, Certificate]:
    """Return *entry* and a refused certificate, dated if its issuer is not usual."""
    if not entry.usual or certificate.issuer == entry.usual:
        return entry, certificate
    if certificate.issuer != entry.stranger:
        entry = replace(entry, stranger=certificate.issuer, since=now)
    elif entry.since > now:
        # the clock was ahead then
        entry = replace(entry, since=now)
    return entry, replace(certificate, changed_at=entry.since)


def parse_record(document: Mapping[str, object]) -> dict[str, KnownIssuer]:
    """Return the entries of *document* by origin; malformed ones are left out."""
    entries = {}
    for origin, entry in document.items():
        match entry:
            case {"usual": str(usual), "stranger": str(stranger), "since": since}:
                with suppress(ValueError):
                    entries[origin] = KnownIssuer(usual, stranger, parse_time({"since": since}, "since"))
    return entries


def render_record(entries: Mapping[str, KnownIssuer]) -> dict[str, object]:
    """Return the latest ``LARGEST`` *entries* as a document."""
    return {origin: asdict(entry) for origin, entry in list(entries.items())[-LARGEST:]}
