"""What an answer means: who answers, where it leads, what its status says."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import PageTitle, RedirectTarget
from iea_agent.domain.problems import Problem
from iea_agent.services.judge import judge_answer
from iea_agent.services.messages import Reply, Request

HERE = "https://a.example/x"
ELSEWHERE, TO_BROWSER, INSTEAD = problems.REDIRECTED, problems.BROWSER_WANTED, problems.PAGE_INSTEAD


def judged(reply: Reply, url: str = HERE, **headers: str) -> Failure | None:
    return judge_answer(Request("GET", url, headers), reply)


def problem_of(reply: Reply, url: str = HERE) -> Problem | None:
    failure = judged(reply, url)
    return failure.problem if failure else None


def page(title: str, text: str = "", heading: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{heading}</h1>{text}</body>".encode()


@pytest.mark.parametrize(
    ("url", "location", "problem"),
    [
        ("http://a.example/x", "https://a.example/x", problems.HTTPS_EXPECTED),
        ("http://a.example/x", "https://a.example:8443/y", problems.HTTPS_EXPECTED),
        (HERE, "https://a.example/y", ELSEWHERE),
        (HERE, "https://b.example/x", ELSEWHERE),
        (HERE, "http://a.example/x", ELSEWHERE),
        ("http://a.example/x", "https://portal.example/?session=s3cret", problems.CAPTIVE_PORTAL),
        (HERE, "/login", ELSEWHERE),
        (HERE, "https://[", ELSEWHERE),
        (HERE, "////[", ELSEWHERE),
        (HERE, "////\uff03", ELSEWHERE),
        (HERE, None, ELSEWHERE),
        # to itself: a check for cookies
        (HERE, HERE, TO_BROWSER),
        (HERE, "/x", TO_BROWSER),
        (HERE, "//a.example/x", TO_BROWSER),
        (HERE, "?cookiecheck=1&s3cret", TO_BROWSER),
        (HERE, "/x?AspxAutoDetectCookieSupport=1", TO_BROWSER),
        (HERE, "/x/", ELSEWHERE),
        # to a page about a closed site, or of a filter
        (HERE, "/maintenance.html", INSTEAD),
        (HERE, "/page-indisponible/?s3cret", INSTEAD),
        (HERE, "/erreurs/503.html", INSTEAD),
        (HERE, "https://maintenance.a.example/", INSTEAD),
        (HERE, "https://gateway.zscloud.net/auD?s3cret", INSTEAD),
        (HERE, "https://block.opendns.com/?url=s3cret", INSTEAD),
        (HERE, "/cgi-sys/suspendedpage.cgi", INSTEAD),
        (HERE, "/service/5032", ELSEWHERE),
    ],
)
def test_where_a_redirection_leads(url: str, location: str | None, problem: Problem) -> None:
    failure = judged(Reply(302, {"location": location} if location is not None else {}, b""), url)
    assert failure is not None
    assert failure.problem is problem
    assert "s3cret" not in failure.detail + repr(failure.evidence)


def test_where_a_redirection_leads_is_what_it_is_about() -> None:
    failure = judged(Reply(302, {"location": "https://ailleurs.example/x?session=s3cret"}, b""))
    assert failure is not None
    assert failure.evidence == RedirectTarget("https://ailleurs.example")
    assert failure.detail == "HTTP 302 to https://ailleurs.example"


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("https://imp\u0430ct-emploi.urssaf.fr/", "https://xn--impct-emploi-z9j.urssaf.fr"),
        ("https://impact-emploi.urssaf.fr@vilain.example/", "https://vilain.example"),
        ("//ailleurs.example:8443/x", "https://ailleurs.example"),
        ("http://[2001:db8::1]/", "http://[2001:db8::1]"),
        # what is no name of a host
        ("http://Votre poste est infecte. Appelez le 0 899 00 00 00/", None),
        ("tel://0899000000", None),
        ("https://" + "a" * 5000, None),
        ("/ici", None),
    ],
)
def test_the_host_of_a_redirection_is_named_as_the_name_service_has_it(
    location: str, name: str | None
) -> None:
    failure = judged(Reply(302, {"location": location}, b""))
    assert failure is not None
    assert failure.evidence == (None if name is None else RedirectTarget(name))
    where = f"to {name}" if name else "inside the server" if location == "/ici" else "to no host"
    assert failure.detail == f"HTTP 302 {where}"


STATUSES = {
    problems.IDENTIFICATION_WANTED: (401, 440, 498, 561),
    problems.FORBIDDEN: (403, 450, 451),
    problems.SERVER_UNAVAILABLE: (
        402,
        408,
        421,
        424,
        425,
        499,
        *range(500, 511),
        520,
        522,
        526,
        529,
        530,
        598,
    ),
    problems.TOO_MANY_REQUESTS: (420, 429),
    problems.CAPTIVE_PORTAL: (511,),
    problems.REQUEST_REJECTED: (406, 411, 412, 413, 414, 415, 417, 418, 422, 426, 431, 444, 494, 497),
    problems.CLIENT_CERTIFICATE_WANTED: (495, 496),
    problems.PROXY_WANTS_PASSWORD: (407,),
    problems.ANSWER_NONSENSE: (304, 600, 999),
    None: (200, 201, 203, 204, 400, 404, 405, 410),
}


@pytest.mark.parametrize(
    ("status", "problem"), [(status, problem) for problem, row in STATUSES.items() for status in row]
)
def test_what_a_status_says(status: int, problem: Problem | None) -> None:
    assert problem_of(Reply(status, {}, b"")) is problem


def test_every_status_that_is_registered_says_something() -> None:
    silent = {s for s in HTTPStatus if s >= 200 and problem_of(Reply(s, {}, b"")) is None}
    assert {s for s in silent if s >= 300} == {400, 404, 405, 410}


def test_a_retry_time_is_handed_on() -> None:
    failure = judged(Reply(429, {"retry-after": "7"}, b""))
    assert failure is not None
    assert failure.retry_after == 7


@pytest.mark.parametrize("asked", ["If-None-Match", "If-Modified-Since"])
def test_unchanged_is_no_failure_if_that_was_asked(asked: str) -> None:
    assert judged(Reply(304, {}, b""), **{asked: "1"}) is None


def test_the_title_of_a_page_stands_in_the_details() -> None:
    failure = judged(Reply(403, {}, page("Pare-feu de la mairie")))
    assert failure is not None
    assert failure.detail == "HTTP 403, a page with the title: Pare-feu de la mairie"


APACHE_503 = page(
    "503 Service Unavailable",
    "<p>The server is temporarily unable to service your request due to maintenance downtime or capacity problems. "
    "Please try again later.</p>",
    "Service Unavailable",
)


AKAMAI = b"""<HTML><HEAD>
<TITLE>Invalid URL</TITLE>
</HEAD><BODY>
<H1>Invalid URL</H1>
The requested URL "&#91;no&#32;URL&#93;", is invalid.<p>
Reference&#32;&#35;9&#46;7c1d1202&#46;1700000000&#46;a
</BODY></HTML>
"""


@pytest.mark.parametrize(
    ("status", "headers", "body", "problem"),
    [
        (503, {}, b"", problems.SERVER_UNAVAILABLE),
        (503, {"retry-after": "120"}, b"", problems.SERVER_IN_MAINTENANCE),
        (503, {"retry-after": "5"}, b"", problems.SERVER_UNAVAILABLE),
        (503, {"retry-after": "bient\xf4t"}, b"", problems.SERVER_UNAVAILABLE),
        (503, {}, APACHE_503, problems.SERVER_UNAVAILABLE),
        (
            503,
            {},
            APACHE_503.replace(b"Service Unavailable</h1>", b"Maintenance</h1>"),
            problems.SERVER_IN_MAINTENANCE,
        ),
        (503, {}, page("Site en maintenance"), problems.SERVER_IN_MAINTENANCE),
        (503, {}, page("Maintenance", heading="Briefly unavailable"), problems.SERVER_IN_MAINTENANCE),
        (503, {}, page("Accueil", "pas de maintenance prévue"), problems.SERVER_UNAVAILABLE),
        (503, {}, b'{"message": "Service en maintenance"}', problems.SERVER_IN_MAINTENANCE),
        (503, {}, b'{"message": "no healthy upstream"}', problems.SERVER_UNAVAILABLE),
        (503, {"content-type": "text/plain"}, b"Maintenance en cours\n", problems.SERVER_IN_MAINTENANCE),
        (
            503,
            {"content-type": "text/plain"},
            b"Unavailable due to maintenance downtime",
            problems.SERVER_UNAVAILABLE,
        ),
        (503, {}, b'{"message": "due to maintenance downtime or load"}', problems.SERVER_UNAVAILABLE),
        (500, {}, page("Maintenance en cours"), problems.SERVER_UNAVAILABLE),
        (400, {}, b"The plain HTTP request was sent to HTTPS port", None),
        (407, {"proxy-authenticate": "NTLM"}, b"", problems.PROXY_SIGN_IN_UNKNOWN),
        # a server in front that does not know the name, or thinks the request too long
        (400, {}, AKAMAI, problems.REQUEST_REJECTED),
        (400, {}, page("Bad Request", "<h2>Bad Request - Invalid Hostname</h2>"), problems.REQUEST_REJECTED),
        (
            400,
            {},
            page("400", "<center>Request Header Or Cookie Too Large</center>"),
            problems.REQUEST_REJECTED,
        ),
        (400, {}, page("ERROR", "Generated by cloudfront (CloudFront)"), problems.REQUEST_REJECTED),
        # a server's own word for a wrong request, or a site that tells of one
        (400, {}, page("400 Bad Request"), None),
        (400, {}, b'{"error": "<h1>invalid url</h1>"}', None),
        (200, {}, AKAMAI, None),
    ],
)
def test_a_status_and_its_page(
    status: int, headers: dict[str, str], body: bytes, problem: Problem | None
) -> None:
    assert problem_of(Reply(status, headers, body)) is problem


@pytest.mark.parametrize(("status", "body"), [(426, b""), (497, b""), (400, b"... sent to HTTPS port")])
def test_a_port_that_wants_https_is_said_only_of_an_address_in_http(status: int, body: bytes) -> None:
    for other, text in ((400, b"bad request"), (404, b"... sent to HTTPS port")):
        assert problem_of(Reply(other, {}, text), "http://a.example/x") is not problems.HTTPS_EXPECTED
    assert problem_of(Reply(status, {}, body), "http://a.example/x") is problems.HTTPS_EXPECTED
    assert problem_of(Reply(status, {}, body)) is not problems.HTTPS_EXPECTED


def test_a_server_may_say_that_it_wants_a_certificate() -> None:
    # nginx, with TLS 1.2
    failure = judged(Reply(400, {}, b"<center>No required SSL certificate was sent</center>"))
    assert failure is not None
    assert (failure.stage, failure.problem) == (Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED)


F5 = b"<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your administrator.<br>"
CAPTCHA = page(
    "Attention Required! | Cloudflare",
    '<form class="challenge-form"><div class="cf-captcha-container"></div></form>',
    "One more step",
)
IMPERVA = b'<html style="height:100%"><body><iframe src="/_Incapsula_Resource?CWUDNSAI=5">Request unsuccessful.</iframe></body></html>'


@pytest.mark.parametrize(
    ("status", "headers", "body", "problem", "title"),
    [
        (200, {}, F5, INSTEAD, "Request Rejected"),
        (403, {}, F5, INSTEAD, "Request Rejected"),
        (200, {}, IMPERVA, INSTEAD, ""),
        (403, {}, IMPERVA, INSTEAD, ""),
        (200, {}, page("Internet Security by Zscaler"), INSTEAD, "Internet Security by Zscaler"),
        (200, {}, page("Accès bloqué – Collège"), INSTEAD, "Accès bloqué – Collège"),
        (200, {}, page("", heading="Site&nbsp;en <b>maintenance</b>"), INSTEAD, "Site en maintenance"),
        (
            200,
            {},
            page("Service momentan&eacute;ment indisponible"),
            INSTEAD,
            "Service momentanément indisponible",
        ),
        (200, {}, page("Maintenance\x07 <b>x</b>" + "y" * 200), INSTEAD, None),
        (403, {}, page("Attention Required! | Cloudflare"), INSTEAD, "Attention Required! | Cloudflare"),
        (403, {}, page("403 Forbidden"), problems.FORBIDDEN, ""),
        (401, {}, page("401 Authorization Required"), problems.IDENTIFICATION_WANTED, ""),
        # Palo Alto's page comes with the status of a server that is down
        (503, {}, page("Web Page Blocked"), INSTEAD, "Web Page Blocked"),
        (502, {}, page("502", "blocked"), problems.SERVER_UNAVAILABLE, ""),
        (403, {}, page("Contenu bloqué"), INSTEAD, "Contenu bloqué"),
        (403, {}, page("Site suspendu"), INSTEAD, "Site suspendu"),
        (403, {}, page("", heading="Error 403 - This web app is stopped."), INSTEAD, None),
        (403, {}, page("403 - Forbidden: Access is denied."), problems.FORBIDDEN, ""),
        (429, {}, b"<html><script>window.KPSDK={};</script></html>", TO_BROWSER, ""),
        (502, {}, page("502", "zscaler"), problems.SERVER_UNAVAILABLE, ""),
        (403, {"cf-mitigated": "challenge"}, page("Just a moment..."), TO_BROWSER, "Just a moment..."),
        (503, {}, page("Just a moment...", "Checking your browser"), TO_BROWSER, "Just a moment..."),
        (202, {"x-amzn-waf-action": "challenge"}, b"", TO_BROWSER, ""),
        # Cloudflare's older check, with a picture to read; others that refuse in this way
        (503, {}, CAPTCHA, TO_BROWSER, "Attention Required! | Cloudflare"),
        (403, {}, CAPTCHA, TO_BROWSER, "Attention Required! | Cloudflare"),
        (429, {}, page("Un instant", '<div class="h-captcha"></div>'), TO_BROWSER, "Un instant"),
        (405, {}, page("Un instant", '<div class="cf-turnstile"></div>'), TO_BROWSER, "Un instant"),
        (406, {}, page("Un instant", '<div class="frc-captcha"></div>'), TO_BROWSER, "Un instant"),
        # who asks for a name and a password is asked for one, whatever else his page says
        (401, {}, page("Accès bloqué – Zscaler"), problems.IDENTIFICATION_WANTED, ""),
        (407, {}, page("Accès bloqué – Zscaler"), problems.PROXY_WANTS_PASSWORD, ""),
        (500, {}, page("Web Page Blocked"), INSTEAD, "Web Page Blocked"),
        (500, {}, page("500", "zscaler"), problems.SERVER_UNAVAILABLE, ""),
        # an ordinary site with a form, on its page about a wrong path too
        (404, {}, page("Page introuvable", '<div class="g-recaptcha"></div>'), None, ""),
        (200, {}, page("Écrivez-nous", '<div class="g-recaptcha"></div>'), None, ""),
        (
            200,
            {},
            b"<html><script>document.cookie='k=1';location.reload();</script></html>",
            TO_BROWSER,
            "",
        ),
        (403, {}, b'{"url": "https://geo.captcha-delivery.com/captcha/?s3cret"}', TO_BROWSER, ""),
        (200, {}, page("Making sure you&#39;re not a bot!"), TO_BROWSER, "Making sure you're not a bot!"),
        (200, {}, b"<html><script src='/TSPD/0a?type=5'></script></html>", TO_BROWSER, ""),
        (200, {}, page("Blocage – Contrôle parental"), INSTEAD, "Blocage – Contrôle parental"),
        (200, {}, page("This Account has been suspended."), INSTEAD, "This Account has been suspended."),
        (200, {}, page("Interruption de service"), INSTEAD, "Interruption de service"),
        # an ordinary site: nobody stepped in between
        (200, {}, page("Bienvenue sur notre site", "maintenance de chaudières"), None, ""),
        (200, {}, page("404 Not Found", heading="Erreur"), None, ""),
        (404, {}, page("Erreur"), None, ""),
        (200, {}, b'{"status": "UP", "title": "maintenance"}', None, ""),
    ],
)
def test_a_page_in_place_of_the_server(
    status: int, headers: dict[str, str], body: bytes, problem: Problem | None, title: str | None
) -> None:
    failure = judged(Reply(status, headers, body))
    assert (failure.problem if failure else None) is problem
    if failure is not None and problem in (INSTEAD, TO_BROWSER):
        name = failure.evidence.name if isinstance(failure.evidence, PageTitle) else ""
        assert name.isprintable()
        assert len(name) <= 120
        assert title is None or name == title
        assert len(failure.detail) <= 200


def test_a_token_in_a_title_is_not_shown() -> None:
    token = "eyJhbGciOiJIUzI1NiJ9." + "c2VjcmV0" * 20
    failure = judged(Reply(200, {}, page(f"Accès refusé {token}")))
    assert failure is not None
    assert failure.evidence == PageTitle("Accès refusé …")
    assert "c2VjcmV0" not in failure.detail


@pytest.mark.parametrize(("wait", "announced"), [("59", False), ("60", True)])
def test_an_outage_of_a_minute_is_announced(wait: str, announced: bool) -> None:
    reply = Reply(503, {"retry-after": wait}, b"")
    assert (problem_of(reply) is problems.SERVER_IN_MAINTENANCE) is announced


def test_300_is_a_redirection_without_an_address() -> None:
    assert problem_of(Reply(300, {}, b"")) is problem_of(Reply(302, {}, b""))
