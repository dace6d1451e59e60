"""The one translation of what fails on the way to an answer into a ``Failure``: the stage, the reason, and evidence for support.

Below the answer nobody speaks in codes: there are only exceptions of the operating system and of OpenSSL, as ``network.py`` met them.
"""

from __future__ import annotations

import errno
import socket
import ssl
import time
from collections.abc import Callable
from typing import TypeAlias

import httpcore

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage, judge_certificate
from iea_agent.domain.evidence import CertificateHosts, Evidence, FileInvolved, ProxyInvolved
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem

from . import certificates
from .messages import judge_proxy_challenge, parse_challenges
from .network import RequestContext, Route, describe_certificate

Inspect: TypeAlias = Callable[[], tuple[certificates.ServerCertificate | None, bool]]
"""Shows the certificate that was refused, None where it does not show itself again, and tells whether it came alone."""


class UnusableAnswer(Exception):
    """An answer that is HTTP, and cannot be used all the same."""


EXCEPTIONS = (
    UnusableAnswer,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
"""What ``translated`` understands; anything else is a mistake of ours, and is left to be one."""

_NO_ROUTE = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})

_CERTIFICATE_REASONS = {
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
"""Codes for a chain that was seen to its end: X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, …SELF_SIGNED_CERT_IN_CHAIN, CERT_E_UNTRUSTEDROOT."""

_HANDSHAKE_REASONS = {
    "WRONG_VERSION_NUMBER": problems.PORT_WITHOUT_TLS,
    "HTTP_REQUEST": problems.PORT_WITHOUT_TLS,
    "UNKNOWN_PROTOCOL": problems.PORT_WITHOUT_TLS,
    "PACKET_LENGTH_TOO_LONG": problems.PORT_WITHOUT_TLS,
    "RECORD_LAYER_FAILURE": problems.PORT_WITHOUT_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": problems.TLS_TOO_OLD,
    "UNSUPPORTED_PROTOCOL": problems.TLS_TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": problems.TLS_TOO_OLD,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": problems.TLS_TOO_OLD,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": problems.TLS_TOO_OLD,
    "DH_KEY_TOO_SMALL": problems.TLS_TOO_OLD,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": problems.CLIENT_CERTIFICATE_WANTED,
}


def translate(
    error: Exception, watch: RequestContext, route: Route, *, online: Callable[[], bool], look_again: Inspect
) -> Failure:
    """What *error* means, met by the request of *watch* on its *route*.

    *online* is asked where the machine itself may be cut off, *look_again* where a certificate was refused.
    """
    if isinstance(error, UnusableAnswer):
        return Failure(Stage.ANSWER, problems.ANSWER_NONSENSE, str(error))
    if isinstance(error, httpcore.UnsupportedProtocol):
        return Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, str(error))
    cause = _cause(error) or watch.unsent
    detail = describe_error(cause or error)
    if isinstance(error, httpcore.TimeoutException) and watch.is_expired:
        return Failure(watch.stage, problems.TEST_TOO_LONG, detail)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate_refused(cause, watch, route, look_again)
    if cause is not None and _may_be_cut_off(cause) and not online():
        return Failure(watch.stage, problems.NO_NETWORK, detail)
    match watch.stage:
        case Stage.NAME:
            return Failure(Stage.NAME, _name_reason(cause), detail)
        case Stage.CONNECTION:
            return Failure(Stage.CONNECTION, _connection_reason(cause), detail)
        case Stage.PROXY:
            if isinstance(error, httpcore.ProxyError) and detail.startswith("407"):
                return proxy_authentication_failure(watch, route, detail)
            answered = isinstance(error, httpcore.ProxyError)
            reason = problems.PROXY_REFUSES if answered else problems.PROXY_UNREACHABLE
            return Failure(Stage.PROXY, reason, detail, evidence=_proxy(route))
        case Stage.CERTIFICATE:
            return Failure(Stage.CERTIFICATE, _handshake_reason(cause), detail)
        case Stage.ANSWER:
            if isinstance(cause, ssl.SSLError) and "CERTIFICATE" in (cause.reason or ""):
                # TLS 1.3: the server asks for the client's certificate only after the handshake (RFC 8446, 4.4.2.4)
                return Failure(Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED, detail)
            return Failure(Stage.ANSWER, _answer_reason(error, cause, watch), detail)
    return Failure(watch.stage, problems.INTERNAL_ERROR, detail)


def proxy_authentication_failure(
    watch: RequestContext, route: Route, detail: str, header: str = ""
) -> Failure:
    """The proxy wants a password; *header* is its Proxy-Authenticate where it answered itself instead of making a tunnel."""
    offers = parse_challenges([header]) or watch.proxy_offers
    reason, detail = judge_proxy_challenge(offers, detail, credentials_sent=route.credentials is not None)
    return Failure(Stage.PROXY, reason, detail, evidence=_proxy(route))


def is_closed_early(error: Exception) -> bool:
    """Whether the connection was closed before anything of an answer came."""
    if isinstance(error, httpcore.RemoteProtocolError):
        return "without sending a response" in str(error)
    return isinstance(error, httpcore.ReadError | httpcore.WriteError) and not isinstance(
        _cause(error), TimeoutError
    )


def describe_error(error: BaseException) -> str:
    """Technical evidence in one printable line: type, number, text."""
    if isinstance(error, ssl.SSLCertVerificationError):
        text = f"certificate refused: {error.verify_message} [{error.verify_code:#x}]"
    elif isinstance(error, ssl.SSLError) and error.reason:
        text = f"TLS: {error.reason}"
    elif isinstance(error, httpcore.ProxyError):
        text = str(error)
    else:
        text = f"{type(error).__name__}: {error}"
    return clean_detail(text)


def _proxy(route: Route) -> ProxyInvolved | None:
    return None if route.proxy is None else ProxyInvolved(route.proxy.origin)


def _cause(error: BaseException) -> OSError | None:
    """The operating system's or OpenSSL's own error behind *error*, as ``network.py`` met it.

    httpcore's pool raises again "from None", which clears ``__cause__``: ``__context__`` still leads there.
    """
    found: BaseException | None = error
    while isinstance(found, httpcore.NetworkError | httpcore.TimeoutException):
        found = found.__context__
    return found if isinstance(found, OSError) else None


def _may_be_cut_off(cause: OSError) -> bool:
    """Whether *cause* is the kind that a machine without any network gives."""
    if isinstance(cause, TimeoutError | ssl.SSLError):
        return False
    return isinstance(cause, socket.gaierror) or cause.errno in _NO_ROUTE


def _name_reason(cause: OSError | None) -> Problem:
    silent = isinstance(cause, TimeoutError) or (
        isinstance(cause, socket.gaierror) and cause.errno in (socket.EAI_AGAIN, socket.EAI_FAIL)
    )
    return problems.NAME_SERVER_SILENT if silent else problems.NAME_UNKNOWN


def _connection_reason(cause: OSError | None) -> Problem:
    if isinstance(cause, ConnectionRefusedError):
        return problems.CONNECTION_REFUSED
    return problems.CONNECTION_CUT if isinstance(cause, ConnectionError) else problems.CONNECTION_UNANSWERED


def _handshake_reason(cause: OSError | None) -> Problem:
    reason = (cause.reason or "") if isinstance(cause, ssl.SSLError) else ""
    return _HANDSHAKE_REASONS.get(reason, problems.TLS_INTERRUPTED)


def _answer_reason(error: Exception, cause: OSError | None, watch: RequestContext) -> Problem:
    text = str(error)
    if isinstance(cause, TimeoutError):
        return problems.ANSWER_LATE
    if isinstance(cause, ConnectionError) and not isinstance(cause, ssl.SSLError):
        return problems.CONNECTION_CUT
    if (
        isinstance(error, httpcore.RemoteProtocolError)
        and "disconnected" not in text
        and "peer closed" not in text
    ):
        return problems.HTTPS_EXPECTED if watch.met_tls else problems.ANSWER_NONSENSE
    return problems.ANSWER_CUT


def _certificate_refused(
    cause: ssl.SSLCertVerificationError, watch: RequestContext, route: Route, look_again: Inspect
) -> Failure:
    """TLS refuses the certificate: why, judged with the certificate itself in view where it shows itself once more."""
    # CryptoAPI's codes come as negative numbers where a signed type was used
    code = cause.verify_code & 0xFFFFFFFF
    reason = _CERTIFICATE_REASONS.get(code, problems.CERTIFICATE_AUTHORITY_UNKNOWN)
    detail = describe_error(cause)
    shown, alone = look_again()
    if shown is None:
        return Failure(Stage.CERTIFICATE, reason, detail)
    watch.shown = shown
    link_may_miss = alone and code not in _WHOLE_CHAIN
    evidence: Evidence | None
    reason, evidence = judge_certificate(
        reason,
        shown.certificate,
        shown.issuer_names,
        self_issued=shown.self_issued,
        link_may_miss=link_may_miss,
        trusted=certificates.trusted_names(route.ca_file) if link_may_miss else frozenset(),
        now=time.time(),
    )
    if reason is problems.CA_FILE_UNREADABLE:
        evidence = FileInvolved(str(route.ca_file))
    elif reason is problems.CERTIFICATE_OF_ANOTHER:
        evidence = CertificateHosts(shown.hosts) if shown.hosts else None
    return Failure(
        Stage.CERTIFICATE,
        reason,
        f"{detail}, {describe_certificate(shown)}",
        evidence=evidence,
        certificate=shown.certificate,
    )
