"""Captive portals, by their answers in clear.

The product's servers send no pages over http, and what comes over TLS comes from the server itself. ``judge`` asks about an answer, ``explanation``
about a question of its own, which tells a portal from a site that only looks like one.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from iea_agent.domain import problems
from iea_agent.domain.addresses import is_same_owner
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import PortalPage

from .messages import Reply, Request, find_redirect_target, parse_location


def detect_portal(request: Request, reply: Reply) -> Failure | None:
    """Return the failure if *reply* is that of a captive portal.

    Over https only status 511 says so (RFC 6585, section 6).
    """
    here = urlsplit(request.url)
    is_one = reply.status == 511 or (here.scheme == "http" and is_like_portal(reply, here.hostname or ""))
    return describe_portal(reply) if is_one else None


def is_like_portal(reply: Reply, host: str) -> bool:
    """Return whether *reply*, in clear for *host*, is like that of a captive portal.

    Status 511, a redirection to another owner, or a web page: a site that has moved, or has pages of its own, answers so too.
    """
    target = parse_location(reply).hostname
    if 300 <= reply.status < 400:
        return target is not None and not is_same_owner(target, host)
    return reply.status == 511 or is_web_page(reply)


def is_web_page(reply: Reply) -> bool:
    """Return whether *reply* is a page for people."""
    kind = reply.headers.get("content-type", "").lower()
    return reply.status == 200 and kind.startswith(("text/html", "application/xhtml"))


def describe_portal(reply: Reply) -> Failure:
    """Return the failure that a captive portal with this *reply* is."""
    target = find_redirect_target(reply)
    detail = f"HTTP {reply.status}"
    if target is not None:
        detail += f" to {target.name}"
    elif is_web_page(reply):
        detail += ", a web page"
    evidence = PortalPage(target.name) if target else None
    return Failure(Stage.ANSWER, problems.CAPTIVE_PORTAL, detail, evidence=evidence)
