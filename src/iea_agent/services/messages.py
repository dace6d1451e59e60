"""What is asked of a server and what it answers, as values, and what an answer says by its status alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from types import UnionType
from typing import Any, TypeGuard
from urllib.parse import SplitResult, urlsplit

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import PortalPage, RedirectTarget
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem


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

    def parse_object(self, **members: type | UnionType) -> dict[str, Any] | None:
        """The body as a JSON object whose *members* are of these types, or None when it is something else; one that may be missing may be None."""
        try:
            found = json.loads(self.body.decode())
        except (ValueError, RecursionError):
            return None
        return found if has_members(found, **members) else None

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
    def server_time(self) -> float | None:
        """What the server's clock showed, in seconds since 1970: its date, and how long a cache has kept the answer since (RFC 9110, 6.6.1; RFC 9111, 5.1)."""
        try:
            date = parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError, OverflowError):
            return None
        age = self.headers.get("age", "").strip()
        kept = float(age[:9]) if age.isascii() and age.isdigit() else 0.0
        return date.replace(tzinfo=date.tzinfo or UTC).timestamp() + kept


def has_members(found: object, /, **members: type | UnionType) -> TypeGuard[dict[str, Any]]:
    """Whether *found* is an object of JSON whose *members* are of these types; a missing one counts as None."""
    return isinstance(found, dict) and all(
        isinstance(found.get(name), kind) for name, kind in members.items()
    )


def judge_status(request: Request, reply: Reply) -> Failure | None:
    """What the status alone says when it is one that no server of ours would give: None means that the content decides."""
    status = reply.status
    reason: Problem | None = None
    detail = f"HTTP {status}"
    evidence = None
    if (found := detect_portal(request, reply)) is not None:
        return found
    if 300 <= status < 400:
        here, there = urlsplit(request.url), _location(reply)
        target = leads_to(reply)
        detail += f" to {target}" if target else " inside the server"
        only_https = (here.scheme, there.scheme, there.hostname) == ("http", "https", here.hostname)
        reason = problems.HTTPS_EXPECTED if only_https else problems.REDIRECTED
        evidence = find_redirect_target(reply) if not only_https else None
    elif status == 400 and b"SSL certificate" in reply.body:  # nginx: "No required SSL certificate was sent"
        return Failure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED, detail)
    elif status == 426 or (status == 400 and b"HTTPS port" in reply.body):  # nginx, Apache; RFC 9110, 15.5.22
        reason = problems.HTTPS_EXPECTED
    elif status == 401:
        reason = problems.IDENTIFICATION_WANTED
    elif status == 403:
        reason = problems.FORBIDDEN
    elif status == 407:
        offers = parse_challenges([reply.headers.get("proxy-authenticate", "")])
        reason, detail = judge_proxy_challenge(offers, detail, known=False)
    elif status == 429:
        reason = problems.TOO_MANY_REQUESTS
    elif status == 408 or status >= 500:
        reason = classify_unavailable(reply)
    return None if reason is None else Failure(Stage.ANSWER, reason, detail, reply.retry_after, evidence)


def classify_unavailable(reply: Reply) -> Problem:
    """Whether a server that cannot work says that this is meant: 503 with a time to come back (RFC 9110, section 15.6.4), or a page about maintenance."""
    planned = reply.status == 503 and (reply.retry_after is not None or b"maintenance" in reply.body.lower())
    return problems.SERVER_IN_MAINTENANCE if planned else problems.SERVER_UNAVAILABLE


def leads_to(reply: Reply) -> str:
    """Where a redirection points, "" where that is inside the server: scheme and host only, for the rest may carry somebody's session."""
    there = _location(reply)
    return clean_detail(f"{there.scheme}://{there.hostname}") if there.hostname else ""


def find_redirect_target(reply: Reply) -> RedirectTarget | None:
    """Return where a redirection leads, None if that is inside the server."""
    target = leads_to(reply)
    return RedirectTarget(target) if target else None


def detect_portal(request: Request, reply: Reply) -> Failure | None:
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
    target = leads_to(reply)
    detail = f"HTTP {status}" + (f" to {target}" if target else ", a web page" if a_page else "")
    evidence = PortalPage(target) if target else None
    return Failure(Stage.ANSWER, problems.CAPTIVE_PORTAL, detail, evidence=evidence)


def _site(host: str) -> str:
    """The part of a name that its owner has chosen, near enough: www.a.fr and a.fr are one site. An IP address is its own."""
    labels = host.rstrip(".").split(".")
    return host if ":" in host or labels[-1].isdigit() else ".".join(labels[-2:])


def judge_proxy_challenge(offers: tuple[str, ...], detail: str, *, known: bool) -> tuple[Problem, str]:
    """What a proxy that asks for a password (407) means, and the detail with the ways to sign in that it *offers*; *known*: credentials were sent."""
    if offers:
        detail = f"{detail}, asks for {', '.join(offers)}"
    if offers and "basic" not in [scheme.lower() for scheme in offers]:
        return problems.PROXY_SIGN_IN_UNKNOWN, detail
    return (problems.PROXY_REFUSES_PASSWORD if known else problems.PROXY_WANTS_PASSWORD), detail


def _location(reply: Reply) -> SplitResult:
    try:
        found = urlsplit(reply.headers.get("location", ""))
        found.hostname  # noqa: B018  reading it is what may fail
    except ValueError:
        return urlsplit("")
    return found


def parse_challenges(fields: Iterable[str]) -> tuple[str, ...]:
    """The ways to sign in that an answer's Proxy-Authenticate *fields* name, each once and in its order (RFC 9110, sections 11.7.1 and 11.6.1)."""
    found: dict[str, None] = {}
    for value in fields:
        for part in re.sub(r'"(?:\\.|[^"\\])*"', '""', value).split(","):
            scheme = re.match(r"\s*([A-Za-z][\w.+-]{0,30})(?=\s+[^\s=]|\s*$)", part)
            if scheme is not None:
                found[scheme[1]] = None
    return tuple(found)[:10]
