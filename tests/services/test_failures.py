"""The table of errors: which problem each is, by the stage at which it comes."""

from __future__ import annotations

import errno
import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

import httpcore
import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Certificate, Stage
from iea_agent.domain.evidence import FileInvolved, ProxyInvolved
from iea_agent.domain.problems import Problem
from iea_agent.domain.tls_verdicts import Handshake, ServerCertificate
from iea_agent.services.failures import EXCEPTIONS, UnusableAnswer, describe_error, is_closed_early, translate
from iea_agent.services.messages import Reply
from iea_agent.services.names import NameWithoutIpv4
from iea_agent.services.network import Limits, RequestContext, Route
from iea_agent.services.proxy_answers import ProxyAnswer
from iea_agent.services.proxy_sign_in import Identity, SignIn
from iea_agent.services.secret_verdicts import SecretVerdicts
from iea_agent.services.tunnel import NoTunnelError

LIMITS = Limits(name=1, connect=1, tls=1, read=1)
PROXY = Route(parse("http://proxy.exemple.fr:3128"))


def raised(error: Exception, cause: OSError | None) -> Exception:
    """Return *error* as httpcore raises it, with the *cause* behind it."""
    error.__context__ = cause
    return error


def request_at(stage: Stage, *, seconds: float = 60, received: bytes = b"") -> RequestContext:
    """Return a request that has come to *stage*."""
    request = RequestContext(None, seconds, LIMITS, proxied=stage is Stage.PROXY)
    request.stage, request.received = stage, received
    return request


def problem_of(
    error: Exception, request: RequestContext, *, online: bool = True, route: Route | None = None
) -> Problem:
    """Return the problem behind *error*, without a second look."""
    return translate(error, request, route or Route(), online=lambda: online, look=lambda _: None).problem


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, "refused")
RESET = ConnectionResetError(errno.ECONNRESET, "reset")
NO_NAME = socket.gaierror(socket.EAI_NONAME, "no such name")
TRY_AGAIN = socket.gaierror(socket.EAI_AGAIN, "try again")


@pytest.mark.parametrize(
    ("stage", "error", "cause", "problem"),
    [
        (Stage.NAME, httpcore.ConnectError(), NO_NAME, problems.NAME_UNKNOWN),
        (Stage.NAME, httpcore.ConnectError(), TRY_AGAIN, problems.NAME_SERVER_SILENT),
        (Stage.NAME, httpcore.ConnectTimeout(), TimeoutError("name"), problems.NAME_SERVER_SILENT),
        (Stage.NAME, httpcore.ConnectError(), NameWithoutIpv4("a.fr"), problems.NAME_WITHOUT_IPV4),
        (Stage.CONNECTION, httpcore.ConnectError(), REFUSED, problems.CONNECTION_REFUSED),
        (Stage.CONNECTION, httpcore.ConnectError(), RESET, problems.CONNECTION_CUT),
        (Stage.CONNECTION, httpcore.ConnectTimeout(), TimeoutError(), problems.CONNECTION_UNANSWERED),
        (
            Stage.CONNECTION,
            httpcore.ConnectError(),
            OSError(errno.EHOSTUNREACH, "no route"),
            problems.CONNECTION_UNANSWERED,
        ),
        (Stage.PROXY, httpcore.ConnectError(), REFUSED, problems.PROXY_UNREACHABLE),
        (Stage.PROXY, httpcore.ConnectError(), NO_NAME, problems.PROXY_UNREACHABLE),
        (Stage.CERTIFICATE, httpcore.ConnectError(), RESET, problems.TLS_INTERRUPTED),
        (Stage.CERTIFICATE, httpcore.ConnectTimeout(), TimeoutError(), problems.TLS_INTERRUPTED),
        (Stage.ANSWER, httpcore.ReadTimeout(), TimeoutError(), problems.ANSWER_LATE),
        (Stage.ANSWER, httpcore.ReadError(), RESET, problems.CONNECTION_CUT),
        (Stage.ANSWER, httpcore.RemoteProtocolError("illegal status line"), None, problems.ANSWER_NONSENSE),
        (
            Stage.ANSWER,
            httpcore.RemoteProtocolError("Server disconnected without sending a response."),
            None,
            problems.ANSWER_CUT,
        ),
        (
            Stage.ANSWER,
            httpcore.RemoteProtocolError("peer closed connection without sending complete message body"),
            None,
            problems.ANSWER_CUT,
        ),
        (Stage.ANSWER, UnusableAnswer("longer than 65536 bytes"), None, problems.ANSWER_NONSENSE),
        (Stage.ADDRESS, httpcore.UnsupportedProtocol("ftp"), None, problems.ADDRESS_MALFORMED),
    ],
    ids=str,
)
def test_each_error_at_its_stage(
    stage: Stage, error: Exception, cause: OSError | None, problem: Problem
) -> None:
    assert problem_of(raised(error, cause), request_at(stage)) is problem


@pytest.mark.parametrize(
    ("stage", "cause", "offline"),
    [
        (Stage.NAME, NO_NAME, problems.NO_NETWORK),
        (Stage.NAME, TRY_AGAIN, problems.NO_NETWORK),
        (Stage.CONNECTION, OSError(errno.ENETUNREACH, "unreachable"), problems.NO_NETWORK),
        (Stage.CONNECTION, OSError(errno.EHOSTUNREACH, "no route"), problems.NO_NETWORK),
        (Stage.CONNECTION, OSError(errno.ENETDOWN, "down"), problems.NO_NETWORK),
        (Stage.CONNECTION, OSError(errno.EADDRNOTAVAIL, "no address"), problems.NO_NETWORK),
        (Stage.PROXY, OSError(errno.ENETUNREACH, "unreachable"), problems.NO_NETWORK),
        (Stage.CONNECTION, REFUSED, problems.CONNECTION_REFUSED),
        (Stage.CONNECTION, TimeoutError(), problems.CONNECTION_UNANSWERED),
    ],
    ids=str,
)
def test_without_a_network_it_is_this_pcs_fault_only_if_that_explains_the_error(
    stage: Stage, cause: OSError, offline: Problem
) -> None:
    error = raised(httpcore.ConnectError(), cause)
    assert problem_of(error, request_at(stage), online=False) is offline
    assert problem_of(error, request_at(stage)) is not problems.NO_NETWORK


def test_the_end_of_the_whole_time_is_not_the_servers_silence() -> None:
    late = raised(httpcore.ReadTimeout(), TimeoutError())
    assert problem_of(late, request_at(Stage.ANSWER, seconds=0)) is problems.TEST_TOO_LONG
    assert problem_of(late, request_at(Stage.ANSWER)) is problems.ANSWER_LATE


def test_what_answers_in_other_bytes_than_http_is_no_proxy() -> None:
    error = raised(httpcore.RemoteProtocolError("illegal"), None)
    for received, problem in (
        (b"SSH-2.0-OpenSSH", problems.NO_PROXY_THERE),
        (b"HTTP/1.1 500", problems.PROXY_UNREACHABLE),
        (b"", problems.PROXY_UNREACHABLE),
    ):
        failure = translate(
            error,
            request_at(Stage.PROXY, received=received),
            PROXY,
            online=lambda: True,
            look=lambda _: None,
        )
        assert failure.problem is problem
        assert failure.stage is Stage.PROXY
        assert failure.evidence == ProxyInvolved("http://proxy.exemple.fr:3128")


def test_http_that_is_not_spoken_over_tls_is_named() -> None:
    request = request_at(Stage.ANSWER)
    request.received_tls_alert = True
    error = raised(httpcore.RemoteProtocolError("illegal status line"), None)
    assert problem_of(error, request) is problems.HTTPS_EXPECTED


def test_an_error_of_no_rule_is_ours() -> None:
    assert problem_of(httpcore.LocalProtocolError("?"), request_at(Stage.KIND)) is problems.INTERNAL_ERROR


@pytest.mark.parametrize(
    ("error", "closed"),
    [
        (httpcore.RemoteProtocolError("Server disconnected without sending a response."), True),
        (httpcore.RemoteProtocolError("illegal status line"), False),
        (raised(httpcore.ReadError(), RESET), True),
        (raised(httpcore.WriteError(), BrokenPipeError()), True),
        (raised(httpcore.ReadError(), TimeoutError()), False),
        (raised(httpcore.ReadTimeout(), TimeoutError()), False),
    ],
    ids=str,
)
def test_a_connection_that_was_closed_before_the_reply_may_be_stale(error: Exception, closed: bool) -> None:
    assert is_closed_early(error) is closed


def test_the_cause_is_followed_through_the_pools_errors_only() -> None:
    inner = raised(httpcore.ConnectError("inner"), REFUSED)
    outer = raised(httpcore.ConnectError("outer"), None)
    outer.__context__ = inner
    assert problem_of(outer, request_at(Stage.CONNECTION)) is problems.CONNECTION_REFUSED


def test_the_detail_is_one_line_with_the_reason_of_openssl() -> None:
    assert describe_error(ConnectionResetError("reset\nby peer")) == "ConnectionResetError: reset by peer"
    # what a stranger has written is introduced as his
    lure = httpcore.RemoteProtocolError("illegal status line: bytearray(b'Appelez le 08')")
    assert describe_error(lure) == (
        "RemoteProtocolError: illegal status line, the other side sent: (b'Appelez le 08')"
    )
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    error.reason = "WRONG_VERSION_NUMBER"
    assert describe_error(error) == "TLS: WRONG_VERSION_NUMBER"
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refused.verify_code, refused.verify_message = 10, "certificate has expired"
    assert describe_error(refused) == "certificate refused: certificate has expired [0xa]"


@pytest.mark.parametrize(
    "error",
    [
        UnusableAnswer(),
        httpcore.ConnectError(),
        httpcore.LocalProtocolError(),
        httpcore.ProxyError(),
        httpcore.ReadTimeout(),
        httpcore.UnsupportedProtocol(),
    ],
    ids=repr,
)
def test_each_of_these_errors_is_translated_and_no_bug_is(error: Exception) -> None:
    assert isinstance(error, EXCEPTIONS)
    assert not isinstance(ValueError(), EXCEPTIONS)


# TLS


def tls_error(reason: str, text: str = "") -> ssl.SSLError:
    """Return an error of OpenSSL with a *reason* that Python names, or with a text."""
    error = ssl.SSLError(1, text or f"[SSL: {reason}] something (_ssl.c:1006)")
    error.reason = reason
    return error


CERTIFICATE_WANTED = tls_error("TLSV13_ALERT_CERTIFICATE_REQUIRED")
BAD_RECORD = tls_error("SSLV3_ALERT_BAD_RECORD_MAC")
NAMELESS = tls_error("", "[SSL] tlsv1 alert no application protocol (_ssl.c:1006)")


@pytest.mark.parametrize(
    ("stage", "cause", "problem"),
    [
        (Stage.CERTIFICATE, CERTIFICATE_WANTED, problems.CLIENT_CERTIFICATE_WANTED),
        (Stage.CERTIFICATE, tls_error("WRONG_VERSION_NUMBER"), problems.PORT_WITHOUT_TLS),
        (Stage.CERTIFICATE, BAD_RECORD, problems.TLS_INTERRUPTED),
        (Stage.CERTIFICATE, NAMELESS, problems.HANDSHAKE_REFUSED),
        # TLS 1.3: a server may refuse a client after the handshake
        (Stage.ANSWER, CERTIFICATE_WANTED, problems.CLIENT_CERTIFICATE_WANTED),
        (Stage.ANSWER, NAMELESS, problems.HANDSHAKE_REFUSED),
        (Stage.ANSWER, BAD_RECORD, problems.ANSWER_CUT),
        (Stage.ANSWER, tls_error("WRONG_VERSION_NUMBER"), problems.ANSWER_CUT),
        # another stage has nothing to do with TLS
        (Stage.CONNECTION, CERTIFICATE_WANTED, problems.CONNECTION_UNANSWERED),
    ],
    ids=str,
)
def test_what_tls_says_of_a_handshake_and_what_an_alert_says_later(
    stage: Stage, cause: ssl.SSLError, problem: Problem
) -> None:
    error = raised(httpcore.ReadError(), cause)
    failure = translate(error, request_at(stage), Route(), online=lambda: True, look=lambda _: None)
    assert failure.problem is problem
    assert failure.stage is (Stage.CERTIFICATE if problem.code.startswith("IEA-T") else stage)


LEAF = ServerCertificate(
    Certificate("a.fr", "Autorité", 0.0, time.time() - 86_400, "00" * 32), ("Autorité",), self_issued=False
)
SECOND = Handshake(certificate_asked=True, refused=True)
CLOSED = httpcore.RemoteProtocolError("Server disconnected without sending a response.")


def secured(*, certificate: bool = True, new: bool = True) -> RequestContext:
    """Return a request that waits for its answer on a connection with TLS."""
    request = request_at(Stage.ANSWER)
    request.certificate, request.is_new_connection = LEAF if certificate else None, new
    return request


@pytest.mark.parametrize(
    ("error", "request_", "looks"),
    [
        (raised(httpcore.ConnectError(), RESET), request_at(Stage.CERTIFICATE), True),
        (raised(httpcore.ConnectTimeout(), TimeoutError()), request_at(Stage.CERTIFICATE), False),
        (
            raised(httpcore.ConnectError(), tls_error("WRONG_VERSION_NUMBER")),
            request_at(Stage.CERTIFICATE),
            False,
        ),
        (raised(httpcore.ConnectError(), RESET), request_at(Stage.CONNECTION), False),
        (CLOSED, secured(), True),
        (raised(httpcore.ReadError(), RESET), secured(), True),
        (CLOSED, secured(certificate=False), False),
        (CLOSED, secured(new=False), False),
        (httpcore.RemoteProtocolError("peer closed connection in the body"), secured(), False),
        (raised(httpcore.ReadError(), CERTIFICATE_WANTED), secured(), False),
        (httpcore.RemoteProtocolError("illegal status line"), secured(), False),
    ],
)
def test_a_second_handshake_is_looked_at_where_it_may_tell_more(
    error: Exception, request_: RequestContext, looks: bool
) -> None:
    limits: list[bool] = []

    def look(with_limits: bool) -> Handshake:
        limits.append(with_limits)
        return SECOND

    failure = translate(error, request_, Route(), online=lambda: True, look=look)
    assert limits == ([False] if looks else [])
    if looks:
        assert failure.problem is problems.CLIENT_CERTIFICATE_WANTED
        assert failure.stage is Stage.CERTIFICATE
        assert failure.detail.endswith(", then a client certificate was asked for")


def refused_certificate(code: int) -> Exception:
    """Return the error for a certificate that is refused with *code*."""
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_code, cause.verify_message = code, "refused"
    return raised(httpcore.ConnectError(), cause)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (10, problems.CERTIFICATE_EXPIRED),
        (18, problems.CERTIFICATE_SELF_SIGNED),
        # as Windows gives it: a signed number
        (0x800B010C - 2**32, problems.CERTIFICATE_REVOKED),
        (4711, problems.CERTIFICATE_REFUSED),
    ],
)
@pytest.mark.parametrize("second", [None, Handshake()])
def test_a_certificate_that_nobody_saw_is_judged_by_the_code(
    code: int, problem: Problem, second: Handshake | None
) -> None:
    request = request_at(Stage.CERTIFICATE)
    failure = translate(
        refused_certificate(code), request, Route(), online=lambda: True, look=lambda _: second
    )
    assert (failure.stage, failure.problem) == (Stage.CERTIFICATE, problem)
    assert failure.detail == f"certificate refused: refused [{code:#x}]"
    assert failure.certificate is None
    assert request.certificate is None


def test_a_certificate_that_a_second_handshake_showed_is_described() -> None:
    request = request_at(Stage.CERTIFICATE)
    limits: list[bool] = []

    def look(with_limits: bool) -> Handshake:
        limits.append(with_limits)
        return Handshake(chain=(LEAF,))

    failure = translate(refused_certificate(10), request, Route(), online=lambda: True, look=look)
    assert limits == [True]
    assert (failure.stage, failure.problem) == (Stage.CERTIFICATE, problems.CERTIFICATE_EXPIRED)
    assert (failure.certificate, request.certificate) == (LEAF.certificate, LEAF)
    assert failure.detail.endswith(f"[0xa], issued by Autorité, SHA-256 {'00' * 32}")
    assert failure.evidence is None


def test_the_administrators_file_is_named_when_it_is_at_fault() -> None:
    route = Route(ca_file=Path("autorites.pem"))
    valid = replace(LEAF, certificate=replace(LEAF.certificate, not_after=time.time() + 86_400))
    failure = translate(
        refused_certificate(12),
        request_at(Stage.CERTIFICATE),
        route,
        online=lambda: True,
        look=lambda _: Handshake(chain=(valid,)),
    )
    assert failure.problem is problems.CA_FILE_UNREADABLE
    assert failure.evidence == FileInvolved("autorites.pem")


# the proxy


def test_a_proxy_that_makes_no_connection_is_judged_by_its_answer() -> None:
    answer = ProxyAnswer(Reply(403, {}, b""), "Forbidden")
    sign_in = SignIn(Identity(None, SecretVerdicts()), "proxy.exemple.fr", "CONNECT", "a.fr:443")
    failure = translate(
        NoTunnelError(answer, sign_in),
        request_at(Stage.PROXY),
        PROXY,
        online=lambda: True,
        look=lambda _: None,
    )
    assert (failure.stage, failure.problem) == (Stage.PROXY, problems.PROXY_REFUSES)
    assert failure.evidence == ProxyInvolved("http://proxy.exemple.fr:3128")


def test_a_tunnel_that_is_a_page_leads_to_no_server() -> None:
    request = request_at(Stage.CERTIFICATE)
    request.tunnel_is_page = True
    error = raised(httpcore.ConnectError(), tls_error("WRONG_VERSION_NUMBER"))
    assert problem_of(error, request, route=PROXY) is problems.NO_PROXY_THERE
    later = request_at(Stage.ANSWER)
    later.tunnel_is_page = True
    assert problem_of(CLOSED, later, route=PROXY) is problems.ANSWER_CUT
