"""What explains a failure: a portal, a wrong clock, a blocked name, a proxy.

The test of the servers and the running agent look for it here before a person reads about the failure, so that both name the same cause.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from iea_agent.domain import problems
from iea_agent.domain.addresses import USUAL_PORTS, Address, is_nowhere, is_public_name
from iea_agent.domain.diagnosis import Failure, Stage, explaining, judge_clock, trust_clock
from iea_agent.domain.evidence import AnswerInClear, ResolvedAddress

from .authentication import Connect, discovery_urls
from .https import Client, HttpsError
from .messages import Reply, Request, find_redirect_target, parse_location
from .names import MADE_UP_NAME
from .portals import describe_portal, is_like_portal, is_web_page

PROBE_SECONDS = 3.0
"""The longest look for a portal and a wrong clock, and the longest for a proxy."""
MADE_UP_PATH = "/iea-agent-verification-du-reseau"
"""A path that no server has: what answers it answers everything."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What was noticed beside a failure.

    *findings* explain it. *clock_ahead* is the server's clock minus this PC's in seconds, None if nothing gave the time. *doubt* is an answer in
    clear that may be a portal's, without proof.
    """

    findings: tuple[Failure, ...] = ()
    clock_ahead: float | None = None
    doubt: AnswerInClear | None = None

    def cause(self, failure: Failure, now: float) -> Failure:
        """Return what a person reads: the finding that explains *failure*, or itself.

        *now* is this PC's time in seconds since 1970.
        """
        cause = explaining(failure, self.findings)
        return cause or replace(trust_clock(failure, self.clock_ahead, now), doubt=self.doubt)


def explain(
    client: Client,
    address: Address,
    failure: Failure,
    *,
    seconds: float,
    wall: Callable[[], float] = time.time,
    by_system_proxy: Connect | None = None,
) -> Explanation:
    """Look for what explains *failure*, which a request by *client* to *address* met.

    It takes *seconds* at most; nothing is asked that would not explain it. What is sent carries nothing personal, and no redirection is followed.
    *wall* is this PC's clock. *by_system_proxy* reaches servers by the proxy of the system, None if *client* already does as the system says.
    """
    possible = frozenset(failure.problem.depends_on)
    deadline = time.monotonic() + seconds
    blocked = _find_block(client, address) if problems.NAME_BLOCKED in possible else None
    explanation = Explanation()
    in_clear = {problems.CAPTIVE_PORTAL, problems.CLOCK_WRONG} & possible
    if in_clear and address.secure and failure.stage in (Stage.CONNECTION, Stage.CERTIFICATE):
        explanation = _look_in_clear(client, address, min(PROBE_SECONDS, seconds), wall)
    if blocked is not None and not explanation.findings:
        return Explanation((blocked,))
    script = client.route.script_failure
    if script is not None and script.problem in possible and not explanation.findings:
        return replace(explanation, findings=(script,))
    if explanation.findings or problems.PROXY_NEEDED not in possible or by_system_proxy is None:
        return explanation
    if client.route.proxy is None and _is_reached(by_system_proxy, address, deadline):
        return replace(explanation, findings=(Failure(Stage.PROXY, problems.PROXY_NEEDED),))
    return explanation


def _find_block(client: Client, address: Address) -> Failure | None:
    """Return the finding if the public name of *address* was resolved to nowhere."""
    numbers = client.resolved
    if not (numbers and is_public_name(address.host) and all(map(is_nowhere, numbers))):
        return None
    text = ", ".join(numbers)
    return Failure(
        Stage.NAME, problems.NAME_BLOCKED, f"{address.host} is {text}", evidence=ResolvedAddress(text)
    )


class _Portal(NamedTuple):
    """Whether an answer in clear is a portal's: certainly, or perhaps."""

    finding: Failure | None = None
    doubt: AnswerInClear | None = None


def _look_in_clear(
    client: Client, address: Address, seconds: float, wall: Callable[[], float]
) -> Explanation:
    """Ask the server over http for a page that it cannot have."""
    deadline = time.monotonic() + seconds

    def ask(port: int, **headers: str) -> Reply:
        plain = replace(address, scheme="http", port=port, path="")
        left = max(deadline - time.monotonic(), 0.001)
        request = Request("GET", f"{plain}{MADE_UP_PATH}", headers)
        # a server may ask in the proxy's name, and would be sent its password in clear
        return client.request(request, seconds=left, limit=0, anonymous=True)

    usual = USUAL_PORTS["http"]
    ports = [usual] if address.port == USUAL_PORTS["https"] else [address.port, usual]
    for port in ports:
        with suppress(HttpsError):
            reply = ask(port)
            ahead = None if reply.server_time is None else reply.server_time - wall()
            portal = _judge_portal(client, address, reply, partial(ask, port, host=MADE_UP_NAME))
            if portal.finding is not None:
                return Explanation((portal.finding,))
            clock = None if ahead is None else judge_clock(ahead)
            return Explanation((clock,) if clock else (), ahead, portal.doubt)
    return Explanation()


def _judge_portal(
    client: Client, address: Address, reply: Reply, ask_for_made_up_host: Callable[[], Reply]
) -> _Portal:
    """Return whether *reply* to the made-up path is that of a captive portal.

    Certainly: status 511 (RFC 6585, section 6), a redirection of everything to a stranger, or a page for any path and any host, in place of a server
    of the internet. A site that has moved redirects for ever, or keeps the path. The other redirections and pages may be a portal's.
    """
    if not is_like_portal(reply, address.host):
        return _Portal()
    # this machine stands for a server of the internet where both are played
    may_be_replaced = address.is_on_the_internet or address.loopback
    target = parse_location(reply)
    if reply.status == 511:
        certain = True
    elif is_web_page(reply):
        certain = may_be_replaced and client.route.proxy is None and _is_answered(ask_for_made_up_host)
    else:
        moved = MADE_UP_PATH in target.path or (
            reply.status in (301, 308) and not target.query and is_public_name(target.hostname or "")
        )
        certain = may_be_replaced and not moved
    if certain:
        return _Portal(describe_portal(reply))
    redirect = find_redirect_target(reply)
    return _Portal(doubt=AnswerInClear(redirect.name if redirect else f"http://{address.host}"))


def _is_answered(ask: Callable[[], Reply]) -> bool:
    """Return whether a page answers the question too."""
    try:
        return is_web_page(ask())
    except HttpsError:
        return False


def _is_reached(connect: Connect, address: Address, deadline: float) -> bool:
    """Return whether the server answers by the proxy that *connect* uses."""
    left = min(PROBE_SECONDS, deadline - time.monotonic())
    if left <= 0:
        return False
    try:
        with connect(address) as client:
            if client.route.proxy is None:
                return False
            # what every client asks first, without anything personal
            client.request(Request("GET", discovery_urls(address)[0]), seconds=left, limit=0)
            return True
    except HttpsError:
        return False
