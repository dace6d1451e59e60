"""Translation of network and TLS errors into failures.

Below this module there are only exceptions of httpcore, the operating system and OpenSSL, as ``network.py`` raises them.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

import httpcore

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage, judge_certificate
from iea_agent.domain.evidence import CertificateHosts, Evidence, FileInvolved, ProxyInvolved
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem

from . import certificates
from .network import RequestContext, Route, describe_certificate
from .proxy_answers import judge_proxy_answer
from .tunnel import NoTunnelError

Inspect: TypeAlias = Callable[[], tuple[certificates.ServerCertificate | None, bool]]
"""Returns the refused certificate (None if a second handshake does not show it), and true if the server sent no issuer certificate."""


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

_CERTIFICATE_PROBLEMS = {
    # OpenSSL: x509_vfy.h
    9: problems.CERTIFICATE_NOT_YET_VALID,
    10: problems.CERTIFICATE_EXPIRED,
    18: problems.CERTIFICATE_SELF_SIGNED,
    3: problems.CA_FILE_UNREADABLE,  # the file has lists of revoked certificates, but none of this issuer
    11: problems.CA_FILE_UNREADABLE,  # the list is not yet valid
    12: problems.CA_FILE_UNREADABLE,  # the list has expired
    23: problems.CERTIFICATE_REVOKED,
    62: problems.CERTIFICATE_OF_ANOTHER,
    64: problems.CERTIFICATE_OF_ANOTHER,
    # Windows: winerror.h, by number because its messages are in the user's language
    0x800B0101: problems.CERTIFICATE_EXPIRED,  # CERT_E_EXPIRED, also said of one that is not yet valid
    0x800B010C: problems.CERTIFICATE_REVOKED,  # CERT_E_REVOKED
    0x80092010: problems.CERTIFICATE_REVOKED,  # CRYPT_E_REVOKED
    0x800B010F: problems.CERTIFICATE_OF_ANOTHER,  # CERT_E_CN_NO_MATCH
}
_WHOLE_CHAIN = frozenset({18, 19, 0x800B0109})
"""Codes for a chain that TLS saw whole: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, …SELF_SIGNED_CERT_IN_CHAIN, CERT_E_UNTRUSTEDROOT."""

_NO_TLS = frozenset(
    [
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "UNKNOWN_PROTOCOL",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
    ]
)
"""OpenSSL's reasons if the port does not speak TLS."""
_OLD_TLS = frozenset(
    [
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "UNSUPPORTED_PROTOCOL",
        "NO_PROTOCOLS_AVAILABLE",
        "DH_KEY_TOO_SMALL",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_INSUFFICIENT_SECURITY",
    ]
)
"""OpenSSL's reasons if the two sides have no version or cipher in common."""


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
    def tls_reason(self) -> str:
        """OpenSSL's reason, "" if it has none."""
        return (self.cause.reason or "") if isinstance(self.cause, ssl.SSLError) else ""

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
        """Whether the name service has given no answer."""
        if isinstance(self.cause, socket.gaierror):
            return self.cause.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
        return isinstance(self.cause, TimeoutError)

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
)
_AT_STAGE: Mapping[Stage, _Rules] = {
    Stage.NAME: (
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
    Stage.CERTIFICATE: (
        (lambda i: i.request.tunnel_is_page, problems.NO_PROXY_THERE),
        (lambda i: i.tls_reason in _NO_TLS, problems.PORT_WITHOUT_TLS),
        (lambda i: i.tls_reason in _OLD_TLS, problems.TLS_TOO_OLD),
        (lambda i: i.tls_reason == "TLSV13_ALERT_CERTIFICATE_REQUIRED", problems.CLIENT_CERTIFICATE_WANTED),
        (lambda _: True, problems.TLS_INTERRUPTED),
    ),
    Stage.ANSWER: (
        # TLS 1.3: the server asks for the client's certificate only after the handshake (RFC 8446, 4.4.2.4)
        (lambda i: "CERTIFICATE" in i.tls_reason, problems.CLIENT_CERTIFICATE_WANTED),
        (lambda i: i.caused_by(TimeoutError), problems.ANSWER_LATE),
        (lambda i: i.caused_by(ConnectionError), problems.CONNECTION_CUT),
        (lambda i: i.is_no_http and i.request.received_tls_alert, problems.HTTPS_EXPECTED),
        (lambda i: i.is_no_http, problems.ANSWER_NONSENSE),
        (lambda _: True, problems.ANSWER_CUT),
    ),
}
"""What an error means: the first rule that matches decides."""
_STAGES = {
    problems.CLIENT_CERTIFICATE_WANTED: Stage.CERTIFICATE,
    problems.NO_PROXY_THERE: Stage.PROXY,
}
"""The stage of problems that may show later."""


def translate(
    error: Exception, request: RequestContext, route: Route, *, online: Callable[[], bool], inspect: Inspect
) -> Failure:
    """Return the failure behind *error*, which *request* met on its *route*.

    *online* is called if this PC itself may be offline, *inspect* if a certificate was refused.
    """
    if isinstance(error, UnusableAnswer):
        return Failure(Stage.ANSWER, problems.ANSWER_NONSENSE, str(error))
    if isinstance(error, NoTunnelError) and route.proxy is not None:
        return judge_proxy_answer(error.answer, route.proxy.origin, refused=error.refused)
    if isinstance(error, httpcore.UnsupportedProtocol):
        return Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, str(error))
    cause = _find_cause(error) or request.send_error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_refused(cause, request, route, inspect)
    detail = describe_error(cause or error)
    incident = _Incident(error, cause, request, online)
    rules = (*_AT_ANY_STAGE, *_AT_STAGE.get(request.stage, ()))
    problem = next((problem for matches, problem in rules if matches(incident)), problems.INTERNAL_ERROR)
    stage = _STAGES.get(problem, request.stage)
    evidence = _proxy(route) if problem.evidence is ProxyInvolved else None
    return Failure(stage, problem, detail, evidence=evidence)


def is_closed_early(error: Exception) -> bool:
    """Return whether the connection was closed before any byte of a reply came."""
    if isinstance(error, httpcore.RemoteProtocolError):
        return "without sending a response" in str(error)
    broken = isinstance(error, httpcore.ReadError | httpcore.WriteError)
    return broken and not isinstance(_find_cause(error), TimeoutError)


def describe_error(error: BaseException) -> str:
    """Return type, number and text of *error* on one printable line."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"certificate refused: {error.verify_message} [{error.verify_code:#x}]"
    elif isinstance(error, ssl.SSLError) and error.reason:
        text = f"TLS: {error.reason}"
    else:
        text = f"{type(error).__name__}: {error}"
    return clean_detail(text)


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
    cause: ssl.SSLCertVerificationError, request: RequestContext, route: Route, inspect: Inspect
) -> Failure:
    """Return the failure for a refused certificate, by its own fields if possible."""
    # CryptoAPI's codes come as negative numbers if a signed type was used
    code = cause.verify_code & 0xFFFFFFFF
    problem = _CERTIFICATE_PROBLEMS.get(code, problems.CERTIFICATE_AUTHORITY_UNKNOWN)
    detail = describe_error(cause)
    inspected, is_alone = inspect()
    if inspected is None:
        return Failure(Stage.CERTIFICATE, problem, detail)
    request.certificate = inspected
    link_may_miss = is_alone and code not in _WHOLE_CHAIN
    evidence: Evidence | None
    problem, evidence = judge_certificate(
        problem,
        inspected.certificate,
        inspected.issuer_names,
        self_issued=inspected.self_issued,
        link_may_miss=link_may_miss,
        trusted=certificates.trusted_names(route.ca_file) if link_may_miss else frozenset(),
        now=time.time(),
    )
    if problem is problems.CA_FILE_UNREADABLE:
        evidence = FileInvolved(str(route.ca_file))
    elif problem is problems.CERTIFICATE_OF_ANOTHER and inspected.hosts:
        evidence = CertificateHosts(inspected.hosts)
    detail = f"{detail}, {describe_certificate(inspected)}"
    return Failure(Stage.CERTIFICATE, problem, detail, evidence=evidence, certificate=inspected.certificate)
