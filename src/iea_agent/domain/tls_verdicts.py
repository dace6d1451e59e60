"""What a refused certificate or a failed handshake means: tables, and their judge.

Three tables lead to the catalogue: OpenSSL's and Windows' codes for a certificate, the alerts that a server sends (RFC 8446, section 6, and IANA's
list), and OpenSSL's own reasons. None of them decides on trust: TLS has refused already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from . import problems
from .diagnosis import Certificate
from .evidence import CertificateHosts, InterceptedBy, PortalPage
from .problems import Problem

# --- certificates


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """A certificate that a server sent, parsed.

    - *issuer_names*: organisation, unit and common name of the issuer.
    - *self_issued*: whether issuer and subject are the same.
    - *hosts*: the server names that it is for; *common_name* is no server name for a browser, but was one long ago.
    - *issuer_name*, *subject_name*: the whole names in DER, to compare them.
    - *names_hosts*: whether it has the extension for server names (also one with addresses only).
    - *for_servers*: false if its purposes are listed, and servers are not among them.
    - *weak*: whether its key is short or its signature outdated (MD5, SHA-1).
    - *key_hash*: SHA-256 of its public key (SubjectPublicKeyInfo) in Base64, as in RFC 7469.
    """

    certificate: Certificate
    issuer_names: tuple[str, ...]
    self_issued: bool
    hosts: tuple[str, ...] = ()
    common_name: str = ""
    issuer_name: bytes = b""
    subject_name: bytes = b""
    names_hosts: bool = False
    for_servers: bool = True
    weak: bool = False
    key_hash: str = ""


REVOKED = 23
"""OpenSSL's code of a certificate that was revoked."""
NOT_PINNED = 0x1EA0001
"""Our code, beside OpenSSL's and Windows', of a certificate that the policy's pins refuse."""


def is_pinned(chain: Sequence[ServerCertificate], pins: Iterable[str]) -> bool:
    """Return whether one of the policy's *pins* is met; it is if there is none.

    A pin is the organisation, unit or common name of the issuer of the server's certificate, which is the first of *chain*, or "sha256/" and the
    ``key_hash`` of a certificate of *chain*, which was verified.
    """
    wanted = set(pins)
    keys = {pin for pin in wanted if pin.startswith("sha256/")}
    # no name may look like a key
    names = {pin.casefold() for pin in wanted - keys}
    issuers = {name.casefold() for each in chain[:1] for name in each.issuer_names}
    return not wanted or bool(names & issuers or keys & {f"sha256/{each.key_hash}" for each in chain})


@dataclass(frozen=True, slots=True)
class TrustedNames:
    """The authorities that this PC trusts: their organisations and whole names in DER."""

    organisations: frozenset[str] = field(default_factory=frozenset)
    subjects: frozenset[bytes] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class CertificateVerdict:
    """The problem behind a refused certificate, and the certificate that has it."""

    problem: Problem
    certificate: ServerCertificate
    evidence: InterceptedBy | CertificateHosts | PortalPage | None = None


def _table(groups: Mapping[Problem, Iterable[int]]) -> Mapping[int, Problem]:
    return {code: problem for problem, codes in groups.items() for code in codes}


CERTIFICATE_CODES = _table(
    {
        # OpenSSL (x509_vfy.h), then Windows (winerror.h): by number, since Windows' messages are in the user's language
        problems.CERTIFICATE_EXPIRED: (10, 0x800B0101, 0x800B0102),
        problems.CERTIFICATE_NOT_YET_VALID: (9,),
        problems.CERTIFICATE_SELF_SIGNED: (18,),
        # 2, 20, 21: an issuer is not there; 19, 27: the root is a stranger
        problems.CERTIFICATE_AUTHORITY_UNKNOWN: (
            *(2, 19, 20, 21, 27),
            *(0x800B0107, 0x800B0109, 0x800B010A, 0x800B010D, 0x800B0112),
        ),
        problems.CERTIFICATE_REVOKED: (REVOKED, 0x800B010C, 0x80092010),
        problems.CERTIFICATE_NOT_PINNED: (NOT_PINNED,),
        problems.CERTIFICATE_OF_ANOTHER: (62, 63, 64, 0x800B010F),
        # the lists of revoked certificates in the administrator's file: none of this issuer, outdated, broken
        problems.CA_FILE_UNREADABLE: (3, 5, 8, 11, 12, 15, 16, 33, 35, 36, 44, 54),
        # 66, 67: keys; 68: signatures; 57 to 61 want still stronger ones
        problems.CERTIFICATE_TOO_WEAK: (57, 58, 59, 60, 61, 66, 67, 68),
        # 4, 7: the signature is wrong; 26: another purpose; 29 to 31: another issuer; 47, 48: the authority may not speak for this name
        problems.CERTIFICATE_PROVES_NOTHING: (
            *(4, 7, 26, 29, 30, 31, 47, 48, 65, 72),
            *(0x800B0110, 0x800B0114, 0x80096004, 0x80096010, 0x80096011),
        ),
        # fields, extensions, authorities without that right (24, 25, 32, 37, 79), chains too long; 80 to 94: RFC 5280 to the letter
        problems.CERTIFICATE_IRREGULAR: (
            *(6, 13, 14, 22, 24, 25, 32, 34, 37, 38, 39, 40, 41, 42, 43, 45, 46, 49, 51, 52, 53, 55, 56),
            *(71, 76, 77, 78, 79, *range(80, 95)),
            *(0x800B0103, 0x800B0104, 0x800B0105, 0x800B0106, 0x800B0108, 0x800B0113, 0x80096019),
        ),
        # nothing is known but the code: memory, stores, OCSP; explicit distrust (28, 0x800B0111); a revocation that could not be asked for
        problems.CERTIFICATE_REFUSED: (
            *(1, 17, 28, 50, 69, 70, 73, 74, 75, 95),
            *(0x800B010B, 0x800B010E, 0x800B0111, 0x80092011, 0x80092012, 0x80092013, 0x80092014, 0x80096001),
        ),
    }
)
"""The problem of each code; of a code that is not here nothing is known."""

_LINK_MAY_MISS = frozenset({2, 20, 21, 0x800B010A})
"""Codes for a chain that ends before an authority: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT…, CERT_E_CHAINING."""
_LIST_OUT_OF_DATE = frozenset({11, 12})
"""X509_V_ERR_CRL_NOT_YET_VALID, …_HAS_EXPIRED: with a wrong clock, OpenSSL says this before it looks at the certificate's own dates."""
_WRONG_PURPOSE = frozenset({26, 0x800B0110})
"""Codes for a purpose of the server's certificate or of an authority's: X509_V_ERR_INVALID_PURPOSE, CERT_E_WRONG_USAGE."""
_WRONG_SIGNATURE = 0x80096004
"""TRUST_E_CERT_SIGNATURE, which Windows may also say of an algorithm that it does not accept."""

_MAY_BE_INTERCEPTED = frozenset(
    [
        problems.CERTIFICATE_AUTHORITY_UNKNOWN,
        problems.CERTIFICATE_SELF_SIGNED,
        problems.CERTIFICATE_TOO_WEAK,
        problems.CERTIFICATE_IRREGULAR,
        problems.CERTIFICATE_PROVES_NOTHING,
        problems.CERTIFICATE_REFUSED,
        problems.CERTIFICATE_NOT_PINNED,
    ]
)


def judge_certificate(
    code: int,
    chain: Sequence[ServerCertificate],
    host: str,
    trusted: Callable[[], TrustedNames],
    now: float,
) -> CertificateVerdict:
    """Return the problem behind a refused certificate.

    *code* is what OpenSSL or Windows said, *chain* what the server sent (its own certificate first, at least that), *host* the name that was
    asked for, *now* seconds since 1970. *trusted* is called if it matters which authorities this PC trusts.

    Windows has one code for "expired" and "not yet valid", and one for "self-signed" and "unknown authority": the certificates' own fields
    decide which one holds.
    """
    problem = CERTIFICATE_CODES.get(code, problems.CERTIFICATE_REFUSED)
    leaf = chain[0]
    dates = (problems.CERTIFICATE_EXPIRED, problems.CERTIFICATE_NOT_YET_VALID)
    if problem in dates or code in _LIST_OUT_OF_DATE:
        return _judge_dates(problem, chain, now)
    if problem is problems.CERTIFICATE_OF_ANOTHER:
        return _judge_hosts(leaf, host)
    product = name_interceptor(problem, (name for each in chain for name in each.issuer_names))
    if product:
        return CertificateVerdict(problems.INTERCEPTED, leaf, InterceptedBy(product))
    if problem is problems.CERTIFICATE_AUTHORITY_UNKNOWN:
        return _judge_unknown(code, chain, host, trusted, now)
    if code in _WRONG_PURPOSE and leaf.for_servers:
        return CertificateVerdict(problems.CERTIFICATE_IRREGULAR, leaf)
    if code == _WRONG_SIGNATURE and any(each.weak for each in chain):
        return CertificateVerdict(problems.CERTIFICATE_TOO_WEAK, leaf)
    return CertificateVerdict(problem, leaf)


def name_interceptor(problem: Problem, issuer_names: Iterable[str]) -> str:
    """Return the product that may be behind *problem*, by the names of issuers; or ""."""
    if problem is not problems.INTERCEPTED and problem not in _MAY_BE_INTERCEPTED:
        return ""
    # a large table, needed in this case only
    from . import interceptors

    product = interceptors.recognise(issuer_names)
    return "" if product is None else product.name


def covers(patterns: Iterable[str], host: str) -> bool:
    """Return whether a certificate for *patterns* is for *host* (RFC 9525, 6.3)."""
    wanted = host.casefold().rstrip(".")
    _, dot, parent = wanted.partition(".")
    wild = f"*.{parent}" if dot else wanted
    return any(pattern.casefold().rstrip(".") in (wanted, wild) for pattern in patterns)


def _judge_dates(problem: Problem, chain: Sequence[ServerCertificate], now: float) -> CertificateVerdict:
    """Return the verdict on the first certificate whose dates do not hold."""
    for each in chain:
        if each.certificate.not_before > now:
            return CertificateVerdict(problems.CERTIFICATE_NOT_YET_VALID, each)
        if each.certificate.not_after < now:
            return CertificateVerdict(problems.CERTIFICATE_EXPIRED, each)
    return CertificateVerdict(problem, chain[0])


def _judge_hosts(leaf: ServerCertificate, host: str) -> CertificateVerdict:
    """Return the verdict on a certificate that is not for *host*: a portal's perhaps."""
    hosts = leaf.hosts
    if not leaf.names_hosts and leaf.common_name:
        # its common name alone names the server: the authority forgot the extension
        if covers((leaf.common_name,), host):
            return CertificateVerdict(problems.CERTIFICATE_IRREGULAR, leaf)
        hosts = (leaf.common_name,)
    from . import interceptors  # a large table, needed in this case only

    if portal := interceptors.find_portal(hosts):
        return CertificateVerdict(problems.CAPTIVE_PORTAL, leaf, PortalPage(f"https://{portal}"))
    return CertificateVerdict(
        problems.CERTIFICATE_OF_ANOTHER, leaf, CertificateHosts(hosts) if hosts else None
    )


def _judge_unknown(
    code: int,
    chain: Sequence[ServerCertificate],
    host: str,
    trusted: Callable[[], TrustedNames],
    now: float,
) -> CertificateVerdict:
    """Return why no authority vouches for the first certificate of *chain*.

    "A link is missing" reassures, so all of this must hold first: the certificate is fit for this server, its issuer's organisation is trusted, and the
    issuer's certificate is neither on this PC nor in *chain*. If it is on this PC, the issuer did not sign, and that is an alarm.
    """
    leaf, last = chain[0], _last_link(chain)
    if leaf.self_issued:
        return CertificateVerdict(problems.CERTIFICATE_SELF_SIGNED, leaf)
    if not leaf.for_servers:
        return CertificateVerdict(problems.CERTIFICATE_PROVES_NOTHING, leaf)
    if code in _LINK_MAY_MISS and not last.self_issued:
        names = trusted()
        if last.issuer_name in names.subjects:
            return CertificateVerdict(problems.CERTIFICATE_PROVES_NOTHING, leaf)
        if last.certificate.issuer in names.organisations:
            if leaf.hosts and not covers(leaf.hosts, host):
                return _judge_hosts(leaf, host)
            if not leaf.certificate.not_before <= now <= leaf.certificate.not_after:
                return _judge_dates(problems.CERTIFICATE_EXPIRED, chain, now)
            return CertificateVerdict(problems.CERTIFICATE_CHAIN_INCOMPLETE, leaf)
    return CertificateVerdict(problems.CERTIFICATE_AUTHORITY_UNKNOWN, leaf)


def _last_link(chain: Sequence[ServerCertificate]) -> ServerCertificate:
    """Return the certificate at which the issuers in *chain* end, in any order."""
    by_subject = {each.subject_name: each for each in chain[1:]}
    link = chain[0]
    for _ in chain:
        issuer = by_subject.get(link.issuer_name)
        if issuer is None or issuer is link:
            break
        link = issuer
    return link


# --- the handshake


@dataclass(frozen=True, slots=True)
class Handshake:
    """What was seen of a handshake in which nothing is verified.

    - *chain*: the certificates that came, the server's first.
    - *certificate_asked*: whether the server asked for a certificate of the client.
    - *completed*: whether both sides came to an end; *version* and *cipher* are what they agreed on.
    - *refused*: whether the server ended it, or ended the connection right after it.
    - *wants_newer*: whether the server refused the versions that were offered.
    """

    chain: tuple[ServerCertificate, ...] = ()
    certificate_asked: bool = False
    completed: bool = False
    refused: bool = False
    version: str = ""
    cipher: str = ""
    wants_newer: bool = False

    def __str__(self) -> str:
        if self.completed:
            return f"{self.version} {self.cipher} without our limits"
        return "a client certificate was asked for" if self.certificate_asked else "the same again"


ALERTS: Mapping[str, Problem] = {
    # the way: bytes arrive changed
    "BAD_RECORD_MAC": problems.TLS_INTERRUPTED,
    "DECRYPTION_FAILED": problems.TLS_INTERRUPTED,
    "RECORD_OVERFLOW": problems.TLS_INTERRUPTED,
    "DECRYPT_ERROR": problems.TLS_INTERRUPTED,
    # versions and ciphers
    "PROTOCOL_VERSION": problems.TLS_TOO_OLD,
    "EXPORT_RESTRICTION": problems.TLS_TOO_OLD,
    "NO_RENEGOTIATION": problems.TLS_TOO_OLD,
    "HANDSHAKE_FAILURE": problems.NO_COMMON_CIPHER,
    "INSUFFICIENT_SECURITY": problems.NO_COMMON_CIPHER,
    # this PC's certificate, which it does not have
    "NO_CERTIFICATE": problems.CLIENT_CERTIFICATE_WANTED,
    "BAD_CERTIFICATE": problems.CLIENT_CERTIFICATE_WANTED,
    "UNSUPPORTED_CERTIFICATE": problems.CLIENT_CERTIFICATE_WANTED,
    "CERTIFICATE_REVOKED": problems.CLIENT_CERTIFICATE_WANTED,
    "CERTIFICATE_EXPIRED": problems.CLIENT_CERTIFICATE_WANTED,
    "CERTIFICATE_UNKNOWN": problems.CLIENT_CERTIFICATE_WANTED,
    "UNKNOWN_CA": problems.CLIENT_CERTIFICATE_WANTED,
    "CERTIFICATE_REQUIRED": problems.CLIENT_CERTIFICATE_WANTED,
    # the name that was asked for
    "UNRECOGNIZED_NAME": problems.SERVER_NAME_UNKNOWN,
    # the server gives up
    "UNEXPECTED_MESSAGE": problems.HANDSHAKE_REFUSED,
    "DECOMPRESSION_FAILURE": problems.HANDSHAKE_REFUSED,
    "ILLEGAL_PARAMETER": problems.HANDSHAKE_REFUSED,
    "ACCESS_DENIED": problems.HANDSHAKE_REFUSED,
    "DECODE_ERROR": problems.HANDSHAKE_REFUSED,
    "INTERNAL_ERROR": problems.HANDSHAKE_REFUSED,
    "INAPPROPRIATE_FALLBACK": problems.HANDSHAKE_REFUSED,
    "USER_CANCELLED": problems.HANDSHAKE_REFUSED,
    "MISSING_EXTENSION": problems.HANDSHAKE_REFUSED,
    "UNSUPPORTED_EXTENSION": problems.HANDSHAKE_REFUSED,
    "CERTIFICATE_UNOBTAINABLE": problems.HANDSHAKE_REFUSED,
    "BAD_CERTIFICATE_STATUS_RESPONSE": problems.HANDSHAKE_REFUSED,
    "BAD_CERTIFICATE_HASH_VALUE": problems.HANDSHAKE_REFUSED,
    "UNKNOWN_PSK_IDENTITY": problems.HANDSHAKE_REFUSED,
    "NO_APPLICATION_PROTOCOL": problems.HANDSHAKE_REFUSED,
}
"""The problem of each alert of the server, in OpenSSL's spelling."""

OWN_REASONS: Mapping[str, Problem] = {
    # the port does not speak TLS
    "WRONG_VERSION_NUMBER": problems.PORT_WITHOUT_TLS,
    "HTTP_REQUEST": problems.PORT_WITHOUT_TLS,
    "HTTPS_PROXY_REQUEST": problems.PORT_WITHOUT_TLS,
    "UNKNOWN_PROTOCOL": problems.PORT_WITHOUT_TLS,
    "PACKET_LENGTH_TOO_LONG": problems.PORT_WITHOUT_TLS,
    "RECORD_LAYER_FAILURE": problems.PORT_WITHOUT_TLS,
    # outdated: TLS 1.1, short keys, renegotiation as before RFC 5746
    "UNSUPPORTED_PROTOCOL": problems.TLS_TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": problems.TLS_TOO_OLD,
    "UNSUPPORTED_SSL_VERSION": problems.TLS_TOO_OLD,
    "WRONG_SSL_VERSION": problems.TLS_TOO_OLD,
    "UNKNOWN_SSL_VERSION": problems.TLS_TOO_OLD,
    "DH_KEY_TOO_SMALL": problems.TLS_TOO_OLD,
    "UNSAFE_LEGACY_RENEGOTIATION_DISABLED": problems.TLS_TOO_OLD,
    "WRONG_SIGNATURE_TYPE": problems.TLS_TOO_OLD,
    "INAPPROPRIATE_FALLBACK": problems.TLS_TOO_OLD,
    # ciphers
    "WRONG_CIPHER_RETURNED": problems.NO_COMMON_CIPHER,
    "UNKNOWN_CIPHER_RETURNED": problems.NO_COMMON_CIPHER,
    "NO_CIPHERS_AVAILABLE": problems.NO_COMMON_CIPHER,
    # keys of the server that OpenSSL refuses before it looks at the chain
    "EE_KEY_TOO_SMALL": problems.CERTIFICATE_TOO_WEAK,
    "CA_KEY_TOO_SMALL": problems.CERTIFICATE_TOO_WEAK,
    "CA_MD_TOO_WEAK": problems.CERTIFICATE_TOO_WEAK,
    # the server does not have the key of its certificate
    "BAD_SIGNATURE": problems.CERTIFICATE_PROVES_NOTHING,
    # cut or changed on the way
    "UNEXPECTED_EOF_WHILE_READING": problems.TLS_INTERRUPTED,
    "DECRYPTION_FAILED_OR_BAD_RECORD_MAC": problems.TLS_INTERRUPTED,
    "DIGEST_CHECK_FAILED": problems.TLS_INTERRUPTED,
    "BAD_DECRYPT": problems.TLS_INTERRUPTED,
    "BAD_LENGTH": problems.TLS_INTERRUPTED,
}
"""The problem of what OpenSSL itself says of the server's messages."""

_ALERT = re.compile(r"^(?:SSLV3|TLSV1|TLSV13)_(?:ALERT_)?")


def judge_handshake(reason: str) -> Problem:
    """Return the problem of a handshake that ended with OpenSSL's *reason* ("": none).

    A reason that no table has is a message that does not follow the rules, or a new alert: the server's doing in both cases.
    """
    if not reason:
        return problems.TLS_INTERRUPTED
    return OWN_REASONS.get(reason) or judge_alert(reason) or problems.HANDSHAKE_REFUSED


def judge_alert(reason: str) -> Problem | None:
    """Return the problem of the alert that *reason* names, None if it names none."""
    alert, prefixes = _ALERT.subn("", reason)
    return ALERTS.get(alert, problems.HANDSHAKE_REFUSED) if prefixes else None


WORTH_A_LOOK = frozenset([problems.TLS_INTERRUPTED, problems.HANDSHAKE_REFUSED, problems.NO_COMMON_CIPHER])
"""The problems of a handshake that a second one, without our limits, may explain."""


def judge_second_handshake(problem: Problem, second: Handshake, usable: Collection[str]) -> Problem:
    """Return the problem of a handshake after a look at a *second* one.

    *problem* is of the first, or of what came after it. The second accepts old versions and every cipher; *usable* are the names of those that we accept.
    """
    if second.certificate_asked and second.refused:
        return problems.CLIENT_CERTIFICATE_WANTED
    if not second.completed or problem not in WORTH_A_LOOK:
        return problem
    if second.version in ("SSLv3", "TLSv1", "TLSv1.1"):
        return problems.TLS_TOO_OLD
    return problem if second.cipher in usable else problems.NO_COMMON_CIPHER
