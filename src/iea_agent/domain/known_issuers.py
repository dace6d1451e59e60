"""Who usually vouches for each server, so that « this certificate changed today at 9:12 » can be said when one is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .diagnosis import Certificate

LARGEST = 20
"""Addresses that are remembered; the one that was met first goes first."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is remembered of one address: its *usual* issuer ("" before the first success), and the *stranger* met in its place, *since* when."""

    usual: str = ""
    stranger: str = ""
    since: float = 0.0


def record_accepted(known: Known, certificate: Certificate) -> Known:
    """TLS has believed *certificate*: its issuer is the usual one, whoever that was before."""
    return (
        Known(usual=certificate.issuer)
        if (known.usual, known.stranger) != (certificate.issuer, "")
        else known
    )


def record_refused(known: Known, certificate: Certificate, now: float) -> tuple[Known, Certificate]:
    """TLS has refused *certificate* at *now* (wall clock): it is told when its issuer took the place of the usual one, if it did."""
    if not known.usual or certificate.issuer == known.usual:
        return known, certificate
    if certificate.issuer != known.stranger:
        known = replace(known, stranger=certificate.issuer, since=now)
    return known, replace(certificate, changed_at=known.since)


def parse_record(document: Mapping[str, object]) -> dict[str, Known]:
    """What ``written`` wrote; what is not of its form is passed over, for it is a memory and not a setting."""
    found = {}
    for origin, entry in document.items():
        match entry:
            case {"usual": str(usual), "stranger": str(stranger), "since": int() | float() as since}:
                found[origin] = Known(usual, stranger, float(since))
    return found


def render_record(known: Mapping[str, Known]) -> dict[str, object]:
    """*known* as a document, the latest ``LARGEST`` addresses of it."""
    kept = list(known.items())[-LARGEST:]
    return {origin: {"usual": k.usual, "stranger": k.stranger, "since": k.since} for origin, k in kept}
