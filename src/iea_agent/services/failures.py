"""Translation of network and TLS errors into failures.

Below this module there are only exceptions of httpcore, the operating system and OpenSSL, as ``network.py`` raises them.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

import httpcore

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.evidence import Evidence, FileInvolved, NamedEvidence, ProxyInvolved
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Group, Problem
from iea_agent.domain.secret_spellings import blot
from iea_agent.domain.tls_verdicts import (
    CERTIFICATE_CODES,
    WORTH_A_LOOK,
    Handshake,
    judge_alert,
    judge_certificate,
    judge_handshake,
    judge_second_handshake,
)

from . import certificates
from .names import NameWithoutIpv4, says_no_address
from .network import RequestContext, Route, describe_certificate
from .proxy_answers import judge_proxy_answer
from .tunnel import NoTunnelError

Look: TypeAlias = Callable[[bool], Handshake | None]
"""Looks at a second handshake, with our limits for versions and ciphers or without; returns None if none began."""


class UnusableAnswer(Exception):
    """A reply that is HTTP but cannot be used: compressed, or longer than the limit."""


EXCEPTIONS = (
    UnusableAnswer,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
"""The exceptions that ``translate`` takes; any other is a bug."""

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


class _Incident(NamedTuple):
    """An error, the error of the system behind it, and the request that met it."""

    error: Exception
    cause: OSError | None
    request: RequestContext
    online: Callable[[], bool]

    def caused_by(self, *causes: type[OSError]) -> bool:
        """Return whether the cause is one of *causes*."""
        return isinstance(self.cause, causes)

    @property
    def tls_problem(self) -> Problem | None:
        """What TLS says: of a handshake anything, later only an alert of the server.

        TLS 1.3: a server may refuse a client after the handshake (RFC 8446, 4.4.2.4).
        """
        if self.request.stage is Stage.CERTIFICATE:
            return judge_handshake(_reason(self.cause))
        alert = judge_alert(_reason(self.cause)) if self.request.stage is Stage.ANSWER else None
        return alert if alert is not problems.TLS_INTERRUPTED else None

    def is_worth_a_look(self, problem: Problem) -> bool:
        """Return whether a second handshake may tell more than *problem*.

        A server that wants a certificate may end the connection without a word: during the handshake up to TLS 1.2, right after it in TLS 1.3.
        """
        if self.request.stage is Stage.CERTIFICATE:
            return problem in WORTH_A_LOOK and not isinstance(self.error, httpcore.TimeoutException)
        secured = self.request.certificate is not None and self.request.is_new_connection
        return (
            secured
            and problem in (problems.ANSWER_CUT, problems.CONNECTION_CUT)
            and is_closed_early(self.error)
        )

    @property
    def is_offline(self) -> bool:
        """Whether a PC without a network gives such an error, and this PC has none."""
        if isinstance(self.cause, socket.gaierror):
            return not self.online()
        if self.cause is None or isinstance(self.cause, TimeoutError | ssl.SSLError):
            return False
        return self.cause.errno in _NO_ROUTE and not self.online()

    @property
    def is_name_server_silent(self) -> bool:
        """Whether the name service has given no answer, or failed."""
        return not says_no_address(self.cause)

    @property
    def is_no_http(self) -> bool:
        """Whether the bytes received are not HTTP."""
        text = str(self.error)
        closed = "disconnected" in text or "peer closed" in text
        return isinstance(self.error, httpcore.RemoteProtocolError) and not closed


_Rules: TypeAlias = tuple[tuple[Callable[[_Incident], bool], Problem], ...]

_AT_ANY_STAGE: _Rules = (
    (
        lambda i: isinstance(i.error, httpcore.TimeoutException) and i.request.is_expired,
        problems.TEST_TOO_LONG,
    ),
    (lambda i: i.is_offline, problems.NO_NETWORK),
    (lambda i: i.request.stage is Stage.CERTIFICATE and i.request.tunnel_is_page, problems.NO_PROXY_THERE),
)
_AT_STAGE: Mapping[Stage, _Rules] = {
    Stage.NAME: (
        (lambda i: i.caused_by(NameWithoutIpv4), problems.NAME_WITHOUT_IPV4),
        (lambda i: i.is_name_server_silent, problems.NAME_SERVER_SILENT),
        (lambda _: True, problems.NAME_UNKNOWN),
    ),
    Stage.CONNECTION: (
        (lambda i: i.caused_by(ConnectionRefusedError), problems.CONNECTION_REFUSED),
        (lambda i: i.caused_by(ConnectionError), problems.CONNECTION_CUT),
        (lambda _: True, problems.CONNECTION_UNANSWERED),
    ),
    Stage.PROXY: (
        (lambda i: i.request.received[:5] not in (b"", b"HTTP/"), problems.NO_PROXY_THERE),
        (lambda _: True, problems.PROXY_UNREACHABLE),
    ),
    Stage.ANSWER: (
        (lambda i: i.caused_by(TimeoutError), problems.ANSWER_LATE),
        (lambda i: i.caused_by(ConnectionError), problems.CONNECTION_CUT),
        (lambda i: i.is_no_http and i.request.received_tls_alert, problems.HTTPS_EXPECTED),
        (lambda i: i.is_no_http, problems.ANSWER_NONSENSE),
        (lambda _: True, problems.ANSWER_CUT),
    ),
}
"""What an error means: the first rule that matches decides."""
_STAGES = {Group.CERTIFICATE: Stage.CERTIFICATE, Group.PROXY: Stage.PROXY}
"""The stage of problems that may show later."""


def translate(
    error: Exception, request: RequestContext, route: Route, *, online: Callable[[], bool], look: Look
) -> Failure:
    """Return the failure behind *error*, which *request* met on its *route*.

    *online* is called if this PC itself may be offline, *look* if a certificate was refused or a handshake ended. What a proxy repeats of its password
    is left out.
    """
    given = route.credentials
    secrets = () if given is None else (given.password, f"{given.user}:{given.password}")
    if isinstance(error, NoTunnelError):
        error.answer = error.answer.without(secrets)
    failure = _translate(error, request, route, online, look)
    return blot_failure(failure, secrets) if given is not None else failure


def blot_failure(failure: Failure, secrets: Sequence[str]) -> Failure:
    """Return *failure* without *secrets* that the other side has repeated.

    The bytes that h11 quotes of an answer go altogether: a cut may have left half of a secret in them.
    """
    evidence = failure.evidence
    if isinstance(evidence, NamedEvidence):
        evidence = replace(evidence, name=blot(evidence.name, secrets))
    detail = failure.detail.partition(_INTRODUCED)[0]
    return replace(failure, detail=blot(detail, secrets), evidence=evidence)


def _translate(
    error: Exception, request: RequestContext, route: Route, online: Callable[[], bool], look: Look
) -> Failure:
    if isinstance(error, UnusableAnswer):
        return Failure(Stage.ANSWER, problems.ANSWER_NONSENSE, str(error))
    if isinstance(error, NoTunnelError) and route.proxy is not None:
        sign_in = error.sign_in
        return judge_proxy_answer(
            error.answer,
            route.proxy.origin,
            refused=sign_in.was_refused,
            spoken=sign_in.identity.schemes,
            is_open=route.source.is_open,
        )
    if isinstance(error, httpcore.UnsupportedProtocol):
        return Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, str(error))
    cause = _find_cause(error) or request.send_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_refused(cause, request, route, look)
    detail = describe_error(cause or error)
    incident = _Incident(error, cause, request, online)
    problem = _first(_AT_ANY_STAGE, incident) or incident.tls_problem
    problem = problem or _first(_AT_STAGE.get(request.stage, ()), incident) or problems.INTERNAL_ERROR
    if incident.is_worth_a_look(problem) and (second := look(False)) is not None:
        problem = judge_second_handshake(problem, second, certificates.usable_ciphers())
        detail = f"{detail}, then {second}"
    stage = _STAGES.get(problem.group, request.stage)
    evidence = _proxy(route) if problem.evidence is ProxyInvolved else None
    return Failure(stage, problem, detail, evidence=evidence)


def _first(rules: _Rules, incident: _Incident) -> Problem | None:
    return next((problem for matches, problem in rules if matches(incident)), None)


def is_closed_early(error: Exception) -> bool:
    """Return whether the connection was closed before any byte of a reply came."""
    if isinstance(error, httpcore.RemoteProtocolError):
        return "without sending a response" in str(error)
    broken = isinstance(error, httpcore.ReadError | httpcore.WriteError)
    return broken and not isinstance(_find_cause(error), TimeoutError)


_INTRODUCED = ", the other side sent: "


def describe_error(error: BaseException) -> str:
    """Return type, number and text of *error* on one printable line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"certificate refused: {error.verify_message} [{error.verify_code:#x}]"
    elif isinstance(error, ssl.SSLError) and error.reason:
        text = f"TLS: {error.reason}"
    else:
        # h11 quotes what came: « illegal status line: bytearray(b'…') »
        text = f"{type(error).__name__}: {error}".replace(": bytearray(", f"{_INTRODUCED}(")
    return clean_detail(text)


def _reason(error: OSError | None) -> str:
    """Return OpenSSL's reason, "" if it has none.

    Python knows no name for some alerts, and then has only their text: « [SSL] tlsv1 alert no application protocol (_ssl.c:1006) ».
    """
    if not isinstance(error, ssl.SSLError):
        return ""
    text = re.match(r"\[SSL\] ([a-z0-9 ]+) \(", str(error.args[-1]))
    return error.reason or (text[1].upper().replace(" ", "_") if text else "")


def _proxy(route: Route) -> ProxyInvolved | None:
    return None if route.proxy is None else ProxyInvolved(route.proxy.origin)


def _find_cause(error: BaseException) -> OSError | None:
    """Return the error of the operating system or of OpenSSL behind *error*.

    httpcore's pool raises again "from None", which clears ``__cause__``: ``__context__`` still leads there.
    """
    cause: BaseException | None = error
    while isinstance(cause, httpcore.NetworkError | httpcore.TimeoutException):
        cause = cause.__context__
    return cause if isinstance(cause, OSError) else None


def _certificate_refused(
    cause: ssl.SSLCertVerificationError, request: RequestContext, route: Route, look: Look
) -> Failure:
    """Return the failure for a refused certificate, by its own fields if possible."""
    # CryptoAPI's codes come as negative numbers if a signed type was used
    code = cause.verify_code & 0xFFFFFFFF
    detail = describe_error(cause)
    second = look(True)
    chain = second.chain if second is not None else ()
    if not chain:
        problem = CERTIFICATE_CODES.get(code, problems.CERTIFICATE_REFUSED)
        return Failure(Stage.CERTIFICATE, problem, detail)
    request.certificate = chain[0]
    verdict = judge_certificate(
        code,
        chain,
        request.host,
        lambda: certificates.trusted_names(route.ca_file, route.read_ca),
        time.time(),
    )
    evidence: Evidence | None = verdict.evidence
    if verdict.problem is problems.CA_FILE_UNREADABLE:
        evidence = FileInvolved(str(route.ca_file))
    inspected = verdict.certificate
    detail = f"{detail}, {describe_certificate(inspected)}"
    return Failure(
        Stage.CERTIFICATE, verdict.problem, detail, evidence=evidence, certificate=inspected.certificate
    )
