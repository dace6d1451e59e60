"""Which answers are a captive portal's, and what is said of one."""

from __future__ import annotations

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.evidence import PortalPage
from iea_agent.services.messages import Reply, Request
from iea_agent.services.portals import describe_portal, detect_portal, is_like_portal

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
        # not every page that somebody names
        ("http://impact.urssaf.fr/", 200, {"location": "https://wifi.example/"}, False),
        ("http://impact.urssaf.fr/", 302, HTML, False),
        ("http://impact.urssaf.fr/", 399, {"location": "https://wifi.example/"}, True),
        ("http://impact.urssaf.fr/", 400, {"location": "https://wifi.example/"}, False),
        ("http://impact.urssaf.fr/", 200, {"content-type": "application/xhtml+xml"}, True),
        # RFC 6585: in any way that it comes
        ("http://impact.urssaf.fr/", 511, {}, True),
        ("https://impact.urssaf.fr/", 511, HTML, True),
    ],
)
def test_what_is_a_captive_portal(url: str, status: int, headers: dict[str, str], is_one: bool) -> None:
    assert (detect_portal(Request("GET", url), Reply(status, headers, b"")) is not None) is is_one


def test_the_own_question_of_the_agent_is_judged_alike() -> None:
    for status in (300, 302, 399):
        assert is_like_portal(Reply(status, {"location": "https://wifi.example/"}, b""), "impact.urssaf.fr")
    assert is_like_portal(Reply(511, {}, b""), "impact.urssaf.fr")
    assert not is_like_portal(Reply(512, {}, b""), "impact.urssaf.fr")
    assert not is_like_portal(Reply(302, {"location": "https://www.urssaf.fr/"}, b""), "impact.urssaf.fr")


@pytest.mark.parametrize(
    ("reply", "detail", "page"),
    [
        (
            Reply(302, {"location": "https://wifi.example/?s=s3cret"}, b""),
            "HTTP 302 to https://wifi.example",
            "https://wifi.example",
        ),
        (Reply(511, {}, b""), "HTTP 511", None),
        (Reply(200, HTML, b"<html>"), "HTTP 200, a web page", None),
    ],
)
def test_what_is_said_of_a_portal(reply: Reply, detail: str, page: str | None) -> None:
    failure = describe_portal(reply)
    assert (failure.stage, failure.problem) == (Stage.ANSWER, problems.CAPTIVE_PORTAL)
    assert failure.detail == detail
    assert failure.evidence == (PortalPage(page) if page else None)
