"""Malformed header lines are dropped; every other byte comes through as it came."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iea_agent.services.answer_head import AnswerHead
from iea_agent.services.https import Client
from iea_agent.services.messages import Request
from tests.services.conftest import Serve, page, says

GOOD = b"HTTP/1.1 200 OK\r\nDate: x\r\nA: b,\r\n  c\r\nContent-Length: 2\r\n\r\n{}"


def feed(received: bytes, size: int = 65536) -> bytes:
    """Return what comes through if *received* comes *size* bytes at a time."""
    head = AnswerHead()
    head.begin()
    parts = [received[at : at + size] for at in range(0, len(received), size)]
    return b"".join(head.take(part) for part in [*parts, b""])


@pytest.mark.parametrize("size", [1, 2, 7, 65536])
@pytest.mark.parametrize(
    "received",
    [
        GOOD,
        GOOD.replace(b"\r\n", b"\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"bonjour\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nDate: x",
        b"HTTP",
        b"\x15\x03\x01\x00\x02\x02\x0a",
        b"",
    ],
)
def test_a_good_head_and_what_is_no_head_come_through(received: bytes, size: int) -> None:
    assert feed(received, size).replace(b"\r", b"") == received.replace(b"\r", b"")


@pytest.mark.parametrize("size", [1, 65536])
@pytest.mark.parametrize(
    "line",
    [
        b"no colon here",
        b"Set Cookie: a=b",
        b": nothing",
        b"\xc3\xa9: x",
        b"X: a\x00b",
        b" goes on, but nothing began",
        b"<html>",
        b"[12345] server log: oops",
    ],
)
def test_a_malformed_line_is_dropped(line: bytes, size: int) -> None:
    received = GOOD.replace(b"Date", line + b"\r\nDate")
    assert feed(received, size).replace(b"\r", b"") == GOOD.replace(b"\r", b"")


def test_a_blank_before_the_colon_is_taken_away() -> None:
    assert b"\nContent-Length: 2" in feed(GOOD.replace(b"Length:", b"Length \t:"))


def test_what_goes_on_with_a_dropped_line_is_dropped_with_it() -> None:
    assert b"more" not in feed(GOOD.replace(b"Date", b"no colon\r\n more\r\nDate"))


def test_an_answer_in_between_may_have_a_malformed_line_too() -> None:
    between = b"HTTP/1.1 103 Early Hints\r\noops\r\n\r\n"
    assert b"oops" not in feed(between + GOOD.replace(b"Date", b"oops\r\nDate"))


def test_thousands_of_answers_in_between_come_through() -> None:
    received = b"HTTP/1.1 102 Processing\r\n\r\n" * 3000 + GOOD
    assert len(feed(received)) > 3000 * 24


def test_the_body_is_not_looked_at() -> None:
    body = b"oops\r\nHTTP/1.1 200 OK\r\noops\r\n\r\n"
    assert feed(GOOD + body, 3).endswith(body)


def test_a_head_without_end_is_passed_on() -> None:
    received = b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000
    assert feed(received) == received


@given(st.binary(max_size=200), st.integers(1, 20))
def test_nothing_is_invented(received: bytes, size: int) -> None:
    passed = feed(received, size)
    assert len(passed) <= len(received)
    if not received.startswith(b"HTTP/"):
        assert passed == received


def test_a_malformed_line_does_not_spoil_an_answer(serve: Serve) -> None:
    server = serve(says(page("200 OK", b"{}", "X-Good: 1", "Set Cookie: a=b", "oops", "Y-Good : 2")))
    with Client() as client:
        for _ in range(2):
            reply = client.request(Request("GET", server.address))
            assert (reply.status, reply.body) == (200, b"{}")
            assert (reply.headers["x-good"], reply.headers["y-good"]) == ("1", "2")
    assert len(server.accepted) == 1, "the connection was kept"
