"""The table of errors: which problem each is, by the stage at which it comes."""

from __future__ import annotations

import errno
import socket
import ssl

import httpcore
import pytest

from iea_agent.domain import problems
from iea_agent.domain.addresses import parse
from iea_agent.domain.diagnosis import Stage
from iea_agent.domain.evidence import ProxyInvolved
from iea_agent.domain.problems import Problem
from iea_agent.services.failures import UnusableAnswer, describe_error, is_closed_early, translate
from iea_agent.services.names import NameWithoutIpv4
from iea_agent.services.network import Limits, RequestContext, Route

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
    error = ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
    error.reason = "WRONG_VERSION_NUMBER"
    assert describe_error(error) == "TLS: WRONG_VERSION_NUMBER"
    refused = ssl.SSLCertVerificationError(1, "certificate verify failed")
    refused.verify_code, refused.verify_message = 10, "certificate has expired"
    assert describe_error(refused) == "certificate refused: certificate has expired [0xa]"
