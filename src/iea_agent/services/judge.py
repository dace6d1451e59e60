"""The judge: what an answer of a server means, before its content is read.

``judge_answer`` serves the test of the servers, the heartbeat and the sign-in alike. ``_RULES`` is read from top to bottom, and the first rule
that applies decides:

1. who answers: a captive portal, a check of the browser, a filter's page;
2. where a redirection leads;
3. what the status says, with the words of the page where a status has several meanings.

If no rule applies, the answer is no failure by itself: its content decides (a document, a token, or a refusal of the licence in ``token_answers``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from iea_agent.domain import problems, timing
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import PageTitle, RedirectTarget
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem

from .messages import (
    Reply,
    Request,
    find_redirect_target,
    judge_proxy_challenge,
    parse_challenges,
    parse_location,
)
from .portals import detect_portal
from .web_pages import WebPage, announces_maintenance, find_title, read_page


def judge_answer(request: Request, reply: Reply) -> Failure | None:
    """Return the failure that *reply* to *request* shows, None if its content decides."""
    portal = detect_portal(request, reply)
    if portal is not None:
        return portal
    answer = _Answer(request, reply, read_page(reply))
    if answer.is_unchanged:
        return None
    problem = next((problem for applies, problem in _RULES if applies(answer)), None)
    problem = problem or _BY_STATUS.get(reply.status) or _judge_range(reply.status)
    return None if problem is None else answer.describe(problem)


class _Answer(NamedTuple):
    """An answer and the page in it, if it is one."""

    request: Request
    reply: Reply
    page: WebPage | None

    def describe(self, problem: Problem) -> Failure:
        """Return the failure with *problem* and what this answer tells about it."""
        target = find_redirect_target(self.reply) if self.is_redirection else None
        title = find_title(self.reply)
        detail = f"HTTP {self.reply.status}"
        if self.is_redirection:
            inside = not parse_location(self.reply).hostname
            detail += f" to {target.name}" if target else " inside the server" if inside else " to no host"
        elif title:
            detail += f", a page with the title: {title.name}"
        if problem is problems.PROXY_WANTS_PASSWORD:
            challenges = parse_challenges([self.reply.headers.get("proxy-authenticate", "")])
            problem, detail = judge_proxy_challenge(challenges, detail, refused=False)
        stage = Stage.CERTIFICATE if problem is problems.CLIENT_CERTIFICATE_WANTED else Stage.ANSWER
        evidence = (
            target if problem.evidence is RedirectTarget else title if problem.evidence is PageTitle else None
        )
        return Failure(stage, problem, clean_detail(detail), self.reply.retry_after, evidence)

    @property
    def is_redirection(self) -> bool:
        """Whether it names another address (RFC 9110, section 15.4)."""
        return 300 <= self.reply.status < 400 and self.reply.status != 304

    @property
    def is_unchanged(self) -> bool:
        """Whether it answers a conditional request: what the agent has is still right."""
        asked = {name.lower() for name in self.request.headers}
        return self.reply.status == 304 and not asked.isdisjoint(("if-none-match", "if-modified-since"))

    @property
    def is_browser_check(self) -> bool:
        """Whether something on the way wants a browser: by mark, by page, by redirection.

        A redirection to the same page is the check for cookies: it ends for those who send the cookie back.
        """
        headers = self.reply.headers
        marked = headers.get("cf-mitigated") == "challenge" or "x-amzn-waf-action" in headers
        marked |= b"captcha-delivery.com" in self.reply.body
        if self.is_redirection:
            is_given = parse_location(self.reply).geturl() != ""
            here, there = urlsplit(self.request.url), parse_location(self.reply, self.request.url)
            return marked or (is_given and here[:3] == there[:3])
        if self.page is None:
            return marked
        guarded = self.reply.status in _REFUSALS and self.page.is_captcha
        return marked or self.page.is_browser_check or guarded

    @property
    def is_of_filter(self) -> bool:
        """Whether a filter's page stands there, or a redirection leads to one."""
        if self.is_redirection:
            there = parse_location(self.reply)
            return _SUBSTITUTE_ADDRESS.search(f"{there.netloc}{there.path}".lower()) is not None
        if self.page is None or self.reply.status in (401, 407):
            return False
        if self.reply.status >= 500:
            return self.page.is_blocked
        if self.reply.status == 403 and (self.page.is_blocked or self.page.is_closed):
            return True
        return self.page.is_substitute if self.reply.is_success else self.page.is_of_filter

    @property
    def is_to_https(self) -> bool:
        """Whether it leads from http to https on the same host."""
        here, there = urlsplit(self.request.url), parse_location(self.reply)
        same = here.hostname == there.hostname
        return self.is_redirection and same and (here.scheme, there.scheme) == ("http", "https")

    @property
    def wants_https(self) -> bool:
        """Whether it refuses http, by status (RFC 9110, 15.5.22) or by nginx's page."""
        refused = self.reply.status in (426, 497) or (
            self.reply.status == 400 and b"HTTPS port" in self.reply.body
        )
        return refused and urlsplit(self.request.url).scheme == "http"

    @property
    def wants_certificate(self) -> bool:
        """Whether it asks for the client's certificate, in nginx's words."""
        return self.reply.status == 400 and b"SSL certificate" in self.reply.body

    @property
    def is_rejected_in_front(self) -> bool:
        """Whether a server in front takes the request for a malformed one."""
        return self.reply.status == 400 and self.page is not None and self.page.is_of_distributor

    @property
    def is_announced(self) -> bool:
        """Whether somebody has announced this outage, by a time or by a page about it."""
        wait = self.reply.retry_after or 0.0
        return self.reply.status == 503 and (
            wait >= timing.MAINTENANCE_LEAST or announces_maintenance(self.reply)
        )


_REFUSALS = frozenset({403, 405, 406, 429, 503})
"""Statuses of guards that let browsers pass."""

_SUBSTITUTE_ADDRESS = re.compile(
    r"maintenance|indisponible|unavailable|hors.?service|/sorry|outage|downtime|travaux|/(?:\w+[-_])?50[0-9]\b|block(?:ed|page|\b)|bloqu"
    r"|denied|forbidden|interdit|suspended|blocage|fermeture|/err(?:or|eur)"
    # Zscaler, Cisco Umbrella, Netskope, FortiGuard, iboss
    r"|\bgateway\.zs|zscaler|zscloud|opendns\.com|goskope\.com|fortiguard|iboss\.com"
)
"""Addresses of pages about a closed site, and of the pages that filters lead to."""

_Rules: TypeAlias = tuple[tuple[Callable[[_Answer], bool], Problem], ...]
_RULES: _Rules = (
    (lambda a: a.is_browser_check, problems.BROWSER_WANTED),
    (lambda a: a.is_of_filter, problems.PAGE_INSTEAD),
    (lambda a: a.is_to_https or a.wants_https, problems.HTTPS_EXPECTED),
    (lambda a: a.is_redirection, problems.REDIRECTED),
    (lambda a: a.wants_certificate, problems.CLIENT_CERTIFICATE_WANTED),
    (lambda a: a.is_rejected_in_front, problems.REQUEST_REJECTED),
    (lambda a: a.is_announced, problems.SERVER_IN_MAINTENANCE),
)

_BY_STATUS: Mapping[int, Problem] = {
    # an answer out of a cache that nobody asked for
    304: problems.ANSWER_NONSENSE,
    401: problems.IDENTIFICATION_WANTED,
    # the operator's account is closed
    402: problems.SERVER_UNAVAILABLE,
    403: problems.FORBIDDEN,
    407: problems.PROXY_WANTS_PASSWORD,
    # a request that came too late, at the wrong server, too early, or while another one failed
    408: problems.SERVER_UNAVAILABLE,
    421: problems.SERVER_UNAVAILABLE,
    423: problems.SERVER_UNAVAILABLE,
    424: problems.SERVER_UNAVAILABLE,
    425: problems.SERVER_UNAVAILABLE,
    420: problems.TOO_MANY_REQUESTS,
    429: problems.TOO_MANY_REQUESTS,
    # IIS: the session has ended, blocked by Windows' parental controls
    440: problems.IDENTIFICATION_WANTED,
    450: problems.FORBIDDEN,
    451: problems.FORBIDDEN,
    # nginx: the client's certificate is wrong, is missing; the server behind gave up
    495: problems.CLIENT_CERTIFICATE_WANTED,
    496: problems.CLIENT_CERTIFICATE_WANTED,
    499: problems.SERVER_UNAVAILABLE,
    # ArcGIS: the token is not valid; AWS: the load balancer wants a sign-in
    498: problems.IDENTIFICATION_WANTED,
    561: problems.IDENTIFICATION_WANTED,
}
"""Statuses with a meaning of their own: RFC 9110, section 15, and those of common products."""

_CONTENT_DECIDES = frozenset({400, 404, 405, 410})


def _judge_range(status: int) -> Problem | None:
    """Return what a status without a meaning of its own says by its first digit."""
    if status < 300 or status in _CONTENT_DECIDES:
        return None
    if status < 500:
        return problems.REQUEST_REJECTED
    return problems.SERVER_UNAVAILABLE if status < 600 else problems.ANSWER_NONSENSE
