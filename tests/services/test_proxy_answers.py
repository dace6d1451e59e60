"""What a proxy's answer to CONNECT means: real answers of many products, as bytes."""

from __future__ import annotations

import hashlib
import socket
from base64 import b64encode

import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import PortalPage, ProxyInvolved, SignInWanted
from iea_agent.domain.problems import Problem
from iea_agent.services.https import Client
from iea_agent.services.messages import Reply
from iea_agent.services.network import Credentials, Route
from iea_agent.services.proxy_answers import ProxyAnswer, judge_proxy_answer
from tests.services.conftest import PATIENT, Raw, Serve, page, request_of, says
from tests.services.test_https import failure_of

SERVER = "https://serveur.example"
MARIE = Credentials("marie", "m0t:é")


def judged(between: Raw, credentials: Credentials | None = None, url: str = SERVER) -> Failure:
    """Return the failure that the answer of *between* leads to."""
    with Client(Route(parse(between.address), credentials=credentials), limits=PATIENT) as client:
        failure = failure_of(client, url)
    assert failure.stage is Stage.PROXY
    return failure


REFUSES, UNREACHED, UNKNOWN = (
    problems.PROXY_REFUSES,
    problems.SERVER_OUT_OF_PROXYS_REACH,
    problems.NAME_UNKNOWN_TO_PROXY,
)
NONE, TO_PAGE, OTHER = (
    problems.NO_PROXY_THERE,
    problems.PROXY_SENDS_TO_PAGE,
    problems.PROXY_MAKES_NO_CONNECTION,
)

ANSWERS: list[tuple[str, tuple[str, ...], Problem]] = [
    # squid 5.7: the status alone does not tell a name from a server
    ("503 Service Unavailable", ("Server: squid/5.7", "X-Squid-Error: ERR_DNS_FAIL 0"), UNKNOWN),
    ("503 Service Unavailable", ("Server: squid/5.7", "X-Squid-Error: ERR_CONNECT_FAIL 111"), UNREACHED),
    ("504 Gateway Timeout", ("Server: squid/5.7", "X-Squid-Error: ERR_READ_TIMEOUT 0"), UNREACHED),
    ("503 Service Unavailable", ("X-Squid-Error: ERR_CANNOT_FORWARD 0",), UNREACHED),
    ("403 Forbidden", ("Server: squid/5.7", "X-Squid-Error: ERR_ACCESS_DENIED 0"), REFUSES),
    ("400 Bad Request", ("Server: squid/5.7", "X-Squid-Error: ERR_INVALID_REQ 0"), OTHER),
    # privoxy 3.0.34: 404 for a name
    ("404 No such domain", ("Content-Type: text/html",), UNKNOWN),
    ("503 Connect failed", ("Content-Type: text/html",), UNREACHED),
    ("502 Server or forwarder response invalid", (), UNREACHED),
    ("504 Connection timeout", (), UNREACHED),
    # tinyproxy 1.11: 500 for everything
    ("500 Unable to connect", ("Server: tinyproxy/1.11.1",), UNREACHED),
    ("403 Filtered", ("Server: tinyproxy/1.11.1",), REFUSES),
    ("400 Bad Request", ("Server: tinyproxy/1.11.1",), OTHER),
    # nginx with proxy_connect, Apache, goproxy
    ("502 Bad Gateway", ("Server: nginx/1.12.2",), UNREACHED),
    ("502 Proxy Error", ("Server: Apache/2.4.62",), UNREACHED),
    ("500 Internal Server Error", (), UNREACHED),
    # ISA Server, TMG: the reason phrase is all
    ("502 Proxy Error ( The ISA Server denied the specified Uniform Resource Locator (URL). )", (), REFUSES),
    ("502 Proxy Error ( The specified Secure Sockets Layer (SSL) port is not allowed. )", (), REFUSES),
    ("502 Proxy Error ( The host was not found. )", (), UNKNOWN),
    ("504 Proxy Timeout ( The connection timed out. )", (), UNREACHED),
    # RFC 9209
    ("502 Bad Gateway", ("Proxy-Status: p; error=dns_error; rcode=NXDOMAIN",), UNKNOWN),
    ("502 Bad Gateway", ("Proxy-Status: p; error=connection_refused",), UNREACHED),
    ("502 Bad Gateway", ("Proxy-Status: p; error=destination_ip_prohibited",), REFUSES),
    ("404 Not Found", ("Proxy-Status: p; error=destination_not_found",), UNREACHED),
    ("500 Internal Server Error", ("Proxy-Status: p; error=proxy_internal_error",), OTHER),
    ("502 Bad Gateway", ("Proxy-Status: p; error=proxy_configuration_error",), OTHER),
    ("503 Too many open connections", ("Content-Type: text/html",), OTHER),
    # what the system says of a name, in the words of libraries
    ("502 getaddrinfo ENOTFOUND serveur.example", (), UNKNOWN),
    ("502 Host not resolvable", ("Via: 1.1 mwg (McAfee Web Gateway)",), UNKNOWN),
    ("502 Temporary failure in name resolution", (), UNKNOWN),
    # filters
    ("403 Forbidden", ("Server: Zscaler/6.2",), REFUSES),
    ("403 Forbidden", (), REFUSES),
    ("451 Unavailable For Legal Reasons", (), REFUSES),
    ("405 Method Not Allowed", ("Via: 1.1 proxy.exemple.fr (BlueCoat)",), REFUSES),
    # web servers, boxes: no proxy at all
    ("403 Forbidden", ("Server: Livebox",), NONE),
    ("403 Forbidden", ("Server: Freebox Server nginx",), NONE),
    ("401 Unauthorized", ('WWW-Authenticate: Basic realm="NETGEAR R7000"',), NONE),
    ("401 Unauthorized", ('WWW-Authenticate: Basic realm="TP-LINK Wireless Router"', "Server: Router"), NONE),
    # a router that is a proxy, too, and a filter that is no box
    ("403 Forbidden", ("Server: Mikrotik HttpProxy",), REFUSES),
    ("403 Forbidden", ("Server: Fortinet",), REFUSES),
    ("403 Forbidden", ("Server: nginx",), REFUSES),
    ("400 Bad Request", ("Server: nginx",), NONE),
    ("405 Not Allowed", ("Server: nginx",), NONE),
    ("405 Method Not Allowed", ("Server: Apache/2.4.62 (Debian)", "Allow: GET,POST"), NONE),
    ("404 Not Found", ("Server: Microsoft-IIS/10.0",), NONE),
    ("501 Unsupported method ('CONNECT')", ("Server: SimpleHTTP/0.6 Python/3.11.7",), NONE),
    # pages
    ("302 Found", ("Location: https://portail.example/login?session=1",), TO_PAGE),
    ("307 Temporary Redirect", ("Location: https://portail.example/blocked", "Server: Zscaler/6.2"), TO_PAGE),
    ("511 Network Authentication Required", (), TO_PAGE),
    # neither
    ("429 Too Many Requests", ("Retry-After: 30",), OTHER),
    ("409 Conflict", ("X-Squid-Error: ERR_CONFLICT_HOST 0",), OTHER),
    ("418 I'm a teapot", (), OTHER),
    ("599 ", (), OTHER),
]


@pytest.mark.parametrize(("status", "fields", "problem"), ANSWERS)
def test_an_answer_names_the_culprit(
    serve: Serve, status: str, fields: tuple[str, ...], problem: Problem
) -> None:
    failure = judged(serve(says(page(status, b"<html></html>", *fields))))
    assert failure.problem is problem
    number, _, words = status.strip().partition(" ")
    assert failure.detail.startswith(f"{number}, the proxy says: {words[:60]}" if words else number)
    assert failure.retry_after == (30 if status.startswith("429") else None)
    if "Location: " in str(fields):
        assert failure.evidence == PortalPage("https://portail.example")


@pytest.mark.parametrize(
    ("proxy", "status", "problem"),
    [
        ("http://livebox:8080", 403, NONE),
        ("http://mafreebox.freebox.fr:3128", 403, NONE),
        ("http://livebox.home:8080", 401, NONE),
        # at the port of web servers
        ("http://192.168.1.1", 403, NONE),
        ("https://proxy.exemple.fr", 403, NONE),
        ("http://192.168.1.1:3128", 403, REFUSES),
        ("http://192.168.1.1:3128", 401, NONE),
        ("http://192.168.1.1", 451, REFUSES),
    ],
)
def test_a_box_that_is_taken_for_a_proxy(proxy: str, status: int, problem: Problem) -> None:
    answer = ProxyAnswer(Reply(status, {}, b""))
    failure = judge_proxy_answer(answer, proxy, refused=False, spoken=frozenset({"basic"}))
    assert failure.problem is problem
    assert failure.evidence == ProxyInvolved(proxy)
    signed = ProxyAnswer(Reply(status, {"via": "1.1 proxy"}, b""))
    failure = judge_proxy_answer(signed, proxy, refused=False, spoken=frozenset({"basic"}))
    assert failure.problem is not NONE


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        # a web server that gives its page to everybody: TLS then meets HTML
        page("200 OK", b"<html>Bienvenue</html>" * 9, "Content-Type: text/html"),
    ],
)
def test_what_speaks_something_else_is_no_proxy(serve: Serve, answer: bytes) -> None:
    assert judged(serve(says(answer))).problem is NONE


class TestSigningIn:
    """User and password are given once, if asked for, by the safest scheme."""

    @staticmethod
    def heads_of(
        serve: Serve, credentials: Credentials | None, *answers: bytes
    ) -> tuple[list[bytes], Failure]:
        """Return the requests that a proxy gets that gives *answers*, one a connection."""
        heads: list[bytes] = []

        def behave(connection: socket.socket) -> None:
            if head := request_of(connection):
                heads.append(head)
                connection.sendall(answers[min(len(heads), len(answers)) - 1])

        return heads, judged(serve(behave), credentials)

    BASIC = page("407 Proxy Authentication Required", b"", 'Proxy-Authenticate: Basic realm="x"')

    def test_the_agent_says_who_it_is_to_the_proxy(self, serve: Serve) -> None:
        heads, _ = self.heads_of(serve, None, page("403 Forbidden"))
        assert heads[0].startswith(b"CONNECT serveur.example:443 HTTP/1.1\r\n")
        assert b"\r\nUser-Agent: iea-agent/" in heads[0]

    def test_an_ipv6_server_is_asked_for_in_brackets(self, serve: Serve) -> None:
        heads: list[bytes] = []

        def refuse(connection: socket.socket) -> None:
            heads.append(request_of(connection))
            connection.sendall(page("403 Forbidden"))

        judged(serve(refuse), url="https://[2001:db8::1]/")
        assert heads[0].startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\nHost: [2001:db8::1]:443\r\n")

    @pytest.mark.parametrize(
        ("more", "problem"),
        [((), NONE), (("Server: tinyproxy/1.11.1",), OTHER), (("Proxy-Authenticate: Basic",), OTHER)],
    )
    def test_a_page_that_asks_for_a_password_does_not_get_the_proxys(
        self, serve: Serve, more: tuple[str, ...], problem: Problem
    ) -> None:
        """A router's own page answers everything with 401; a proxy asks with 407."""
        asked = page("401 Unauthorized", b"<html>", 'WWW-Authenticate: Basic realm="Livebox"', *more)
        heads, failure = self.heads_of(serve, MARIE, asked)
        assert (failure.problem, len(heads)) == (problem, 1)

    def test_a_name_that_is_not_ascii_goes_out_in_utf_8(self, serve: Serve) -> None:
        asked = page("407 Who", b"", 'Proxy-Authenticate: Digest realm="\u00e9cole", nonce="n"')
        heads, _ = self.heads_of(serve, Credentials("Zo\u00e9", "m\u00e9"), asked)
        user, realm, response = (
            heads[1].partition(f'{name}="'.encode())[2].partition(b'"')[0]
            for name in ("username", "realm", "response")
        )
        assert (user, realm) == ("Zo\u00e9".encode(), "\u00e9cole".encode())

        def digest(text: str) -> str:
            return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

        first, second = digest("Zo\u00e9:\u00e9cole:m\u00e9"), digest("CONNECT:serveur.example:443")
        assert response == digest(f"{first}:n:{second}").encode()

    def test_a_refusal_in_the_way_of_a_server_is_one_of_the_password(self, serve: Serve) -> None:
        """tinyproxy asks with 407 and refuses with 401 and WWW-Authenticate."""
        refusal = page("401 Unauthorized", b"no", 'WWW-Authenticate: Basic realm="Tinyproxy"')
        heads, failure = self.heads_of(serve, MARIE, self.BASIC, refusal)
        assert failure.problem is problems.PROXY_REFUSES_PASSWORD
        assert [b"Proxy-Authorization" in head for head in heads] == [False, True]

    @pytest.mark.parametrize(
        ("offers", "given"),
        [
            ('Proxy-Authenticate: Basic realm="x", Digest realm="x", nonce="n", qop="auth"', b"Digest"),
            ('Proxy-Authenticate: Digest realm="x", nonce="n", algorithm=SHA-512-256, Basic', b"Basic"),
            ('Proxy-Authenticate: Digest realm="x", nonce="n", qop="auth-int", Basic', b"Basic"),
            ("Proxy-Authenticate: NTLM, Basic", b"Basic"),
        ],
    )
    def test_the_safest_scheme_that_is_understood(self, serve: Serve, offers: str, given: bytes) -> None:
        heads, failure = self.heads_of(serve, MARIE, page("407 Who", b"", offers))
        assert failure.problem is problems.PROXY_REFUSES_PASSWORD
        assert len(heads) == 2, "shown once"
        assert b"\r\nProxy-Authorization: " + given + b" " in heads[1]

    def test_what_a_proxy_repeats_of_the_password_is_blotted_out(self, serve: Serve) -> None:
        marie = Credentials("marie", "MotDePasse-4711")
        basic = b64encode(b"marie:MotDePasse-4711").decode()
        field = f"X-Squid-Error: {'x' * 160} MOTDEPASSE-4711"
        for answer in (
            page("407 MotDePasse-4711 is wrong", b"", 'Proxy-Authenticate: Basic realm="x"'),
            page(f"503 {basic}", b"", "Server: MotDePasse-4711", field),
            page("302 Go", b"", "Location: https://motdepasse-4711.example/"),
            f"Proxy-Authorization: Basic {basic}\r\n\r\n".encode(),
        ):
            _, failure = self.heads_of(serve, marie, self.BASIC, answer)
            text = repr(failure).lower()
            assert not [part for part in ("motdep", basic[:9].lower(), "4711") if part in text]

    @pytest.mark.parametrize("scheme", ["Bearer", "NTLM", "Negotiate", "Hawk"])
    def test_what_is_not_spoken_is_named(self, serve: Serve, scheme: str) -> None:
        asked = page("407 Who", b"", f"Proxy-Authenticate: {scheme}")
        heads, failure = self.heads_of(serve, MARIE, asked)
        assert (failure.problem, failure.evidence) == (problems.PROXY_SIGN_IN_UNKNOWN, SignInWanted(scheme))
        assert len(heads) == 1, "the password is kept"
