"""The heartbeat: a request for the discovery document shows if a server is there.

A conditional request (RFC 9110, section 13) on the open connection: as long as the document has not changed, the server answers 304 without a body. Any
other answer is judged as in a test of the server, by ``authentication.discover()``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from iea_agent.domain.addresses import Address

from .authentication import Discovery, Exchange, discover, forbid_clear_text, run_exchange
from .https import WHOLE_SECONDS, Client
from .messages import Reply, Request

_LONGEST_CONDITION = 200
"""Characters of an ETag or a date that is sent back: a longer one would be a cookie, every minute."""
_CONDITIONS = {"etag": "if-none-match", "last-modified": "if-modified-since"}
"""The header of a reply, and the one of a request that asks for what has changed since."""


@dataclass(frozen=True, slots=True)
class PublishedDiscovery:
    """A discovery document, and how to ask if it has changed."""

    discovery: Discovery
    url: str
    conditions: Mapping[str, str] = field(default_factory=dict)


def check_server(
    client: Client,
    address: Address,
    published: PublishedDiscovery | None = None,
    seconds: float = WHOLE_SECONDS,
) -> PublishedDiscovery:
    """Return the discovery document of the server at *address*, within *seconds*.

    *published* is that of the last time. Raises ``HttpsError``.
    """
    deadline = time.monotonic() + seconds

    def send(request: Request) -> Reply:
        return client.request(request, seconds=deadline - time.monotonic())

    return run_exchange(confirm(address, published), send)


def confirm(address: Address, published: PublishedDiscovery | None) -> Exchange[PublishedDiscovery]:
    """Ask for the document where it was; judge every answer but 304 (not modified)."""
    forbid_clear_text(address)
    answered: dict[str, Reply] = {}
    if published is not None and published.discovery.issuer == address:
        reply = yield Request("GET", published.url, published.conditions)
        if reply.status == 304 and published.conditions:
            return published
        answered[published.url] = reply
    exchange = discover(address)
    request = next(exchange)
    while True:
        reply = answered[request.url] if request.url in answered else (yield request)
        try:
            request = exchange.send(reply)
        except StopIteration as end:
            return PublishedDiscovery(end.value, request.url, _find_conditions(reply))


def _find_conditions(reply: Reply) -> dict[str, str]:
    """Return the headers that ask for the content of *reply* if it has changed."""
    headers = {ours: reply.headers.get(theirs, "") for theirs, ours in _CONDITIONS.items()}
    # what is sent back must be what a header can carry
    return {
        name: value
        for name, value in headers.items()
        if value.isascii() and value.isprintable() and 0 < len(value) <= _LONGEST_CONDITION
    }
