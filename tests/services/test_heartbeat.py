"""The heartbeat's exchange: a conditional request, and its answers."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from iea_agent.domain import addresses, problems
from iea_agent.services.authentication import Discovery, discovery_urls
from iea_agent.services.heartbeat import PublishedDiscovery, confirm
from iea_agent.services.https import HttpsError
from iea_agent.services.messages import Reply, Request

ADDRESS = addresses.parse("https://auth.example")
FIRST, SECOND = discovery_urls(ADDRESS)
DOCUMENT = json.dumps(
    {"issuer": "https://auth.example", "token_endpoint": "https://auth.example/token"}
).encode()
DISCOVERY = Discovery(ADDRESS, "https://auth.example/token")


def reply(status: int, body: bytes = b"", **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class Server:
    """Answers by address; writes down what it is asked."""

    def __init__(self, **replies: Reply) -> None:
        self.replies: Mapping[str, Reply] = {
            FIRST: replies.get("first", reply(404)),
            SECOND: replies.get("second", reply(404)),
        }
        self.requests: list[Request] = []

    def confirm(self, published: PublishedDiscovery | None = None) -> PublishedDiscovery:
        exchange = confirm(ADDRESS, published)
        request = next(exchange)
        while True:
            self.requests.append(request)
            try:
                request = exchange.send(self.replies[request.url])
            except StopIteration as end:
                result: PublishedDiscovery = end.value
                return result

    def asked(self) -> list[str]:
        return [request.url for request in self.requests]


@pytest.mark.parametrize(
    ("headers", "conditions"),
    [
        ({"etag": '"a"'}, {"if-none-match": '"a"'}),
        ({"etag": 'W/"a"'}, {"if-none-match": 'W/"a"'}),
        (
            {"last_modified": "Sun, 29 Nov 2026 12:00:00 GMT"},
            {"if-modified-since": "Sun, 29 Nov 2026 12:00:00 GMT"},
        ),
        ({"etag": '"é"'}, {}),
        ({"etag": '"a\nb"'}, {}),
        ({"etag": ""}, {}),
        # one that is long would be a cookie
        ({"etag": '"' + "a" * 198 + '"'}, {"if-none-match": '"' + "a" * 198 + '"'}),
        ({"etag": '"' + "a" * 199 + '"'}, {}),
        ({}, {}),
    ],
)
def test_what_the_server_gives_is_sent_back(headers: dict[str, str], conditions: dict[str, str]) -> None:
    server = Server(first=reply(200, DOCUMENT, **headers))
    published = server.confirm()
    assert published == PublishedDiscovery(DISCOVERY, FIRST, conditions)
    assert server.confirm(published) == published
    assert server.requests[-1].headers == conditions
    assert server.asked() == [FIRST, FIRST]


def test_not_modified_is_one_request() -> None:
    published = PublishedDiscovery(DISCOVERY, SECOND, {"if-none-match": '"a"'})
    server = Server(second=reply(304))
    assert server.confirm(published) is published
    assert server.asked() == [SECOND]


def test_a_document_that_is_not_at_the_first_place_is_asked_for_where_it_was() -> None:
    server = Server(second=reply(200, DOCUMENT))
    published = server.confirm()
    assert published.url == SECOND
    assert server.confirm(published) == published
    assert server.asked() == [FIRST, SECOND, SECOND, FIRST]


def test_not_modified_that_nobody_asked_for_is_no_document() -> None:
    server = Server(first=reply(304), second=reply(304))
    with pytest.raises(HttpsError):
        server.confirm(PublishedDiscovery(DISCOVERY, FIRST))


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (reply(503), problems.SERVER_UNAVAILABLE),
        (reply(429, retry_after="30"), problems.TOO_MANY_REQUESTS),
        (reply(511), problems.CAPTIVE_PORTAL),
        (
            reply(200, DOCUMENT.replace(b"https://auth.example/token", b"http://auth.example/token")),
            problems.KEY_ASKED_IN_CLEAR,
        ),
        (
            reply(200, DOCUMENT.replace(b'"https://auth.example"', b'"https://other.example"')),
            problems.ISSUER_DIFFERS,
        ),
    ],
    ids=["503", "429", "511", "clear", "issuer"],
)
def test_what_is_no_such_document_is_judged_as_in_a_test(answer: Reply, problem: problems.Problem) -> None:
    with pytest.raises(HttpsError) as caught:
        Server(first=answer).confirm(PublishedDiscovery(DISCOVERY, FIRST, {"if-none-match": '"a"'}))
    assert caught.value.failure.problem is problem


def test_the_document_of_another_server_is_not_asked_for() -> None:
    other = Discovery(addresses.parse("https://other.example"), "https://other.example/token")
    server = Server(first=reply(200, DOCUMENT))
    server.confirm(PublishedDiscovery(other, "https://other.example/.well-known/openid-configuration"))
    assert server.asked() == [FIRST]


def test_nothing_is_asked_in_clear() -> None:
    with pytest.raises(HttpsError) as caught:
        next(confirm(addresses.parse("http://auth.example"), None))
    assert caught.value.failure.problem is problems.SENT_IN_CLEAR
