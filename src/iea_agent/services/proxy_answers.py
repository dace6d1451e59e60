"""What a proxy's answer to CONNECT means: one table.

A status alone says little: proxies report a server that cannot be reached with 404, 500, 502, 503 or 504, and a web server that is no proxy answers
400, 401, 404, 405 or 501. Squid (``X-Squid-Error``), RFC 9209 (``Proxy-Status``) and the reason phrase say more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import Evidence, PortalPage, ProxyInvolved, SignInWanted
from iea_agent.domain.interceptors import ProductKind, recognise
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem
from iea_agent.domain.secret_spellings import blot

from .messages import (
    LONGEST_FIELD,
    Challenge,
    Reply,
    find_redirect_target,
    judge_proxy_challenge,
    parse_challenges,
)


class ProxyAnswer(NamedTuple):
    """The answer of a proxy to CONNECT; *reason* stands behind the status."""

    reply: Reply
    reason: str = ""

    @property
    def status(self) -> int:
        """The status of the answer."""
        return self.reply.status

    @property
    def challenges(self) -> tuple[Challenge, ...]:
        """The sign-ins that are offered; tinyproxy refuses in the way of a server."""
        names = ("proxy-authenticate", "www-authenticate")
        return parse_challenges(self.reply.headers.get(name, "") for name in names)

    def without(self, secrets: Sequence[str]) -> ProxyAnswer:
        """Return this answer without *secrets* that the proxy repeats."""
        return ProxyAnswer(self.reply.without(secrets), blot(self.reason, secrets))

    @property
    def words(self) -> str:
        """What the proxy says of the reason, in lower case, with blanks between words."""
        headers = self.reply.headers
        texts = (self.reason, headers.get("x-squid-error", ""), headers.get("proxy-status", ""))
        return re.sub(r"[_\-\s]+", " ", " ".join(texts)[:LONGEST_FIELD].lower())

    @property
    def is_signed(self) -> bool:
        """Whether the answer bears the sign of a proxy."""
        headers = self.reply.headers
        makers = f"{headers.get('server', '')} {headers.get('via', '')}".lower()
        fields = any(name.startswith(("proxy-", "x-squid-")) for name in headers)
        return fields or any(maker in makers for maker in _MAKERS)

    def says(self, *phrases: str) -> bool:
        """Return whether one of *phrases* is among the words."""
        return any(phrase in self.words for phrase in phrases)


_MAKERS = (
    "proxy",
    "squid",
    "zscaler",
    "blue coat",
    "bluecoat",
    "ironport",
    "cisco",
    "websense",
    "fortinet",
    "gateway",
)
"""Parts of the names by which proxies call themselves."""

_NAME_UNKNOWN = (
    "dns",
    "no such domain",  # privoxy
    "no such host",
    "unknown host",
    "unknownhost",
    "host not found",
    "host was not found",  # ISA Server
    "hostname",
    "not resolv",
    "name resolution",
    "cannotfindserver",
    "enotfound",
    "nodename nor servname",
    "hôte inconnu",
    "name or service not known",
)
_OWN_TROUBLE = (
    # RFC 9209, section 2.3; privoxy
    *("proxy internal", "proxy configuration", "proxy loop"),
    *("too many open connections", "maximum number of open connections"),
)
_DENIED = ("denied", "not allowed", "forbidden", "blocked", "prohibited", "policy")

_Rules: TypeAlias = tuple[tuple[Callable[[ProxyAnswer], bool], Problem], ...]

_RULES: _Rules = (
    (lambda a: 300 <= a.status < 400 or a.status == 511, problems.PROXY_SENDS_TO_PAGE),
    (lambda a: a.status in (403, 451), problems.PROXY_REFUSES),
    (lambda a: a.status not in (405, 429) and a.says(*_NAME_UNKNOWN), problems.NAME_UNKNOWN_TO_PROXY),
    # ISA Server refuses with "502 Proxy Error (… denied the specified URL)"
    (lambda a: a.status >= 500 and a.says(*_DENIED), problems.PROXY_REFUSES),
    (lambda a: a.status >= 500 and a.says(*_OWN_TROUBLE), problems.PROXY_MAKES_NO_CONNECTION),
    (lambda a: a.status in (500, 502, 503, 504), problems.SERVER_OUT_OF_PROXYS_REACH),
    (lambda a: a.status in (400, 401, 404, 405, 501) and not a.is_signed, problems.NO_PROXY_THERE),
    (lambda a: a.status == 404, problems.SERVER_OUT_OF_PROXYS_REACH),
    (lambda a: a.status == 405, problems.PROXY_REFUSES),
    (lambda _: True, problems.PROXY_MAKES_NO_CONNECTION),
)
"""What an answer means: the first rule that matches decides."""


def judge_proxy_answer(
    answer: ProxyAnswer, proxy: str, *, refused: bool, spoken: frozenset[str], is_open: bool = False
) -> Failure:
    """Return the failure behind *answer* of the *proxy*, which *refused* a password.

    *proxy* is its origin. *is_open*: anybody on the way may have named the proxy (``proxy_choice.Source``).
    """
    detail = str(answer.status)
    fields = (answer.reply.headers.get(name, "") for name in ("x-squid-error", "proxy-status", "server"))
    words = clean_detail(", ".join(filter(None, (answer.reason.strip(), *fields))))
    introduced = f", the proxy says: {words}" if words else ""
    evidence: Evidence | None = ProxyInvolved(proxy)
    if _is_web_server(answer, proxy):
        return Failure(Stage.PROXY, problems.NO_PROXY_THERE, detail + introduced, evidence=evidence)
    if answer.status == 407 or (answer.status == 401 and refused):
        problem, detail = judge_proxy_challenge(answer.challenges, detail, refused=refused, spoken=spoken)
        if problem is problems.PROXY_SIGN_IN_UNKNOWN:
            evidence = SignInWanted(", ".join(challenge.scheme for challenge in answer.challenges))
        elif is_open:
            problem = problems.OFFERED_PROXY_WANTS_PASSWORD
        return Failure(Stage.PROXY, problem, detail + introduced, evidence=evidence)
    problem = next(problem for matches, problem in _RULES if matches(answer))
    if problem is problems.PROXY_SENDS_TO_PAGE:
        target = find_redirect_target(answer.reply)
        evidence = PortalPage(target.name) if target else None
    return Failure(Stage.PROXY, problem, detail + introduced, answer.reply.retry_after, evidence)


def _is_web_server(answer: ProxyAnswer, proxy: str) -> bool:
    """Return whether a web server refuses (401, 403) what a proxy would be asked for.

    Nothing in the answer is a proxy's, and it names itself as a box or a router does, or the *proxy* has a box's name, or it is at the port of web servers.
    """
    if answer.status not in (401, 403) or answer.is_signed:
        return False
    place = urlsplit(proxy)
    names = (answer.reply.headers.get("server", ""), answer.reply.headers.get("www-authenticate", ""))
    product = recognise(name[:LONGEST_FIELD] for name in (*names, place.hostname or ""))
    if product is not None and product.kind is ProductKind.BOX:
        return True
    # an origin names no port if it is the usual one
    return answer.status == 403 and place.port is None
