"""What an answer says by its status and its headers alone."""

from __future__ import annotations

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.evidence import RedirectTarget
from iea_agent.domain.problems import Problem
from iea_agent.services.messages import (
    Reply,
    Request,
    detect_portal,
    judge_status,
    parse_challenges,
)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0", 0),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("999999999999", 86_400),
        ("-5", None),
        ("bientôt", None),
        ("", None),
    ],
)
def test_retry_after(header: str, seconds: float | None) -> None:
    reply = Reply(503, {"retry-after": header, "date": "Mon, 23 Nov 2026 12:00:00 GMT"}, b"")
    assert reply.retry_after == seconds


@pytest.mark.parametrize(
    ("url", "location", "problem"),
    [
        ("http://a.example/x", "https://a.example/x", problems.HTTPS_EXPECTED),
        ("https://a.example/x", "https://a.example/y", problems.REDIRECTED),
        ("http://a.example/x", "https://portal.example/?session=s3cret", problems.CAPTIVE_PORTAL),
        ("https://a.example/x", "/login", problems.REDIRECTED),
        ("https://a.example/x", "https://[", problems.REDIRECTED),
        ("https://a.example/x", None, problems.REDIRECTED),
    ],
)
def test_where_a_redirection_leads(url: str, location: str | None, problem: Problem) -> None:
    failure = judge_status(Request("GET", url), Reply(302, {"location": location} if location else {}, b""))
    assert failure is not None
    assert failure.problem is problem
    assert "s3cret" not in failure.detail + repr(failure.evidence)


def test_a_server_may_say_that_it_wants_a_certificate() -> None:
    page = b"<center>No required SSL certificate was sent</center>"  # nginx, with TLS 1.2
    failure = judge_status(Request("GET", "https://a.example"), Reply(400, {}, page))
    assert failure is not None
    assert (failure.stage, failure.problem) == (Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED)


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
    ],
)
def test_the_ways_to_sign_in_that_a_proxy_offers(fields: list[str], schemes: tuple[str, ...]) -> None:
    assert tuple(challenge.scheme for challenge in parse_challenges(fields)) == schemes


@pytest.mark.parametrize(
    ("status", "headers", "body", "problem"),
    [
        (401, {"www-authenticate": "Basic"}, b"", problems.IDENTIFICATION_WANTED),
        (403, {}, b"", problems.FORBIDDEN),
        (503, {}, b"", problems.SERVER_UNAVAILABLE),
        (503, {"retry-after": "120"}, b"", problems.SERVER_IN_MAINTENANCE),
        (503, {"retry-after": "bient\xf4t"}, b"", problems.SERVER_UNAVAILABLE),
        (503, {}, b"<h1>Maintenance en cours</h1>", problems.SERVER_IN_MAINTENANCE),
        (500, {}, b"<h1>Maintenance en cours</h1>", problems.SERVER_UNAVAILABLE),
        (511, {}, b"", problems.CAPTIVE_PORTAL),
        (407, {"proxy-authenticate": "NTLM"}, b"", problems.PROXY_SIGN_IN_UNKNOWN),
    ],
)
def test_what_a_status_means(status: int, headers: dict[str, str], body: bytes, problem: Problem) -> None:
    failure = judge_status(Request("GET", "https://a.example"), Reply(status, headers, body))
    assert failure is not None
    assert failure.problem is problem
    assert failure.retry_after == (120 if "120" in headers.values() else None)


def test_where_a_redirection_leads_is_what_it_is_about() -> None:
    reply = Reply(302, {"location": "https://ailleurs.example/x?session=s3cret"}, b"")
    failure = judge_status(Request("GET", "https://a.example"), reply)
    assert failure is not None
    assert failure.evidence == RedirectTarget("https://ailleurs.example")


HTML = {"content-type": "text/HTML; charset=utf-8"}


@pytest.mark.parametrize(
    ("url", "status", "headers", "is_one"),
    [
        ("http://impact.urssaf.fr/", 302, {"location": "https://wifi.example/"}, True),
        ("http://impact.urssaf.fr/", 302, {"location": "//10.0.0.1/accueil"}, True),
        ("http://impact.urssaf.fr/", 301, {"location": "https://impact.urssaf.fr/"}, False),
        ("http://impact.urssaf.fr/", 301, {"location": "https://www.urssaf.fr/"}, False),
        ("http://impact.urssaf.fr/", 301, {"location": "/accueil"}, False),
        ("http://impact.urssaf.fr/", 301, {"location": "https://[/"}, False),
        ("http://10.0.0.1/", 302, {"location": "http://192.0.0.1/"}, True),
        ("http://impact.urssaf.fr/", 200, HTML, True),
        ("http://impact.urssaf.fr/", 404, HTML, False),
        ("http://impact.urssaf.fr/", 200, {"content-type": "application/json"}, False),
        ("https://impact.urssaf.fr/", 200, HTML, False),
        ("https://impact.urssaf.fr/", 302, {"location": "https://wifi.example/"}, False),
    ],
)
def test_what_is_a_captive_portal(url: str, status: int, headers: dict[str, str], is_one: bool) -> None:
    assert (detect_portal(Request("GET", url), Reply(status, headers, b"")) is not None) is is_one


@pytest.mark.parametrize(
    ("headers", "clock"),
    [
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT"}, 1767225660),
        ({"date": "Thu, 01 Jan 2026 00:01:00 -0000"}, 1767225660),
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT", "age": "3600"}, 1767225660 + 3600),
        ({"date": "Thu, 01 Jan 2026 00:01:00 GMT", "age": "-5"}, 1767225660),
        ({"date": "demain"}, None),
        ({}, None),
    ],
)
def test_the_servers_clock(headers: dict[str, str], clock: float | None) -> None:
    assert Reply(200, headers, b"").server_time == clock
