"""What the headers and the body of an answer hold."""

from __future__ import annotations

import pytest

from iea_agent.services.messages import Reply, Request, parse_challenges


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("999999999999", 86_400),
        # a day at most, also by a date; dates that no calendar has
        ("Fri, 27 Nov 2026 12:00:00 GMT", 86_400),
        ("Thu, 1 Jan 2026 00:00:00 +99999999999999999999", None),
        ("Thu, 99 Jan 99999 99:99:99 GMT", None),
        ("-5", None),
        ("bientôt", None),
        ("", None),
        # asctime (RFC 9110, section 5.6.7); two devices on the way; what is no number of the RFC, but certain
        ("Mon Nov 23 12:02:00 2026", 120.0),
        ("120, 120", 120.0),
        ("60, Mon, 23 Nov 2026 12:02:00 GMT", 60.0),
        ("120.5", 120.0),
        ("120s", 120.0),
        ("1e3", None),
        ("2 minutes", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    reply = Reply(503, {"retry-after": header, "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, b"")
    assert reply.retry_after == seconds


def test_a_date_without_the_servers_own_clock_says_nothing() -> None:
    assert Reply(503, {"retry-after": "Mon, 23 Nov 2026 12:02:00 GMT"}, b"").retry_after is None


@pytest.mark.parametrize(
    ("fields", "schemes"),
    [
        ([], ()),
        (['Basic realm="x"'], ("Basic",)),
        (["Negotiate", "NTLM"], ("Negotiate", "NTLM")),
        (['Negotiate, NTLM, Basic realm="a, Digest b", charset="UTF-8"'], ("Negotiate", "NTLM", "Basic")),
        (['Digest realm = "x", qop="auth,auth-int", nonce="\\"NTLM"'], ("Digest",)),
        (["Negotiate YIIJvwYGKwYBBQUCoIIJszCCCa+g"], ("Negotiate",)),
        (["", " , ,", "=x", "\xff", "\ud800"], ()),
        (["Basic", "basic"], ("Basic", "basic")),
        # a text without an end goes to the end, whatever its quotation marks
        (['Negotiate, Basic realm="x, NTLM'], ("Negotiate", "Basic")),
        (['NTLM, Basic realm="x\\', "Basic"], ("NTLM", "Basic", "Basic")),
    ],
)
def test_the_ways_to_sign_in_that_a_proxy_offers(fields: list[str], schemes: tuple[str, ...]) -> None:
    assert tuple(challenge.scheme for challenge in parse_challenges(fields)) == schemes


def test_what_belongs_to_a_way_to_sign_in() -> None:
    fields = ['Digest realm="a, \\"b\\"", nonce=n1, qop="auth,auth-int", NTLM TlRM, Negotiate YII+/a=, Basic']
    digest, *others = parse_challenges(fields)
    assert digest.parameters == {"realm": 'a, "b"', "nonce": "n1", "qop": "auth,auth-int"}
    assert [challenge.token for challenge in others] == ["TlRM", "YII+/a=", ""]


def test_a_way_to_sign_in_with_an_empty_or_a_broken_parameter() -> None:
    (digest,) = parse_challenges(['Digest realm="", opaque=c=d, qop=auth, nonce=a"b'])
    assert digest.parameters == {"realm": "", "qop": "auth"}


def test_a_proxy_that_offers_without_end_is_heard_ten_times() -> None:
    assert len(parse_challenges(["Basic, Digest"] * 100)) == 10


def test_neither_the_key_nor_what_a_server_says_is_in_a_representation() -> None:
    """They may end in a log or in the trace of an error."""
    request = Request("POST", "https://a.example/", {"authorization": "s3cret"}, b"s3cret")
    reply = Reply(200, {"set-cookie": "s3cret"}, b"s3cret")
    assert "s3cret" not in repr((request, reply))


@pytest.mark.parametrize(
    ("headers", "clock"),
    [
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT"}, 1767225660),
        ({"date": "Thu, 01 Jan 2026 00:01:00 -0000"}, 1767225660),
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT", "age": "3600"}, 1767225660 + 3600),
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT", "age": "-5"}, 1767225660),
        ({"date": "demain"}, None),
        ({"date": "Thu, 1 Jan 2026 00:00:00 +99999999999999999999"}, None),
        ({"date": "Thu, 99 Jan 99999 99:99:99 GMT"}, None),
        ({}, None),
    ],
)
def test_the_servers_clock(headers: dict[str, str], clock: float | None) -> None:
    assert Reply(200, headers, b"").server_time == clock


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\xc3\xa9"}',
        b'\xef\xbb\xbf{"a": "\xc3\xa9"}',
        b'{"a": "\xe9"}',
        '{"a": "é"}'.encode("utf-16"),
        b"\xfe\xff" + '{"a": "é"}'.encode("utf-16-be"),
    ],
)
def test_an_object_is_read_in_each_encoding(body: bytes) -> None:
    assert Reply(200, {}, body).parse_object(a=str) == {"a": "é"}


def test_a_line_break_in_a_text_does_no_harm() -> None:
    assert Reply(200, {}, b'{"a": "1\n2"}').parse_object(a=str) == {"a": "1\n2"}
