"""From the evidence of a test to named problems: which stage failed, what that means, which failure explains the others.

The services observe (``Failure``: the stage, the reason, a technical detail); this module decides what it is called. Nothing here is a sentence:
sentences are in ``problems.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from . import problems


class Server(Enum):
    """The two servers of the settings dialog."""

    AUTHENTICATION = "authentication"
    UPDATES = "updates"


class Stage(Enum):
    """What a test goes through, in order. LICENCE is the authentication server's last stage, METADATA the update server's."""

    ADDRESS = "address"
    NAME = "name"
    CONNECTION = "connection"
    PROXY = "proxy"
    CERTIFICATE = "certificate"
    ANSWER = "answer"
    KIND = "kind"
    LICENCE = "licence"
    METADATA = "metadata"


_BEFORE_LAST = (
    Stage.ADDRESS,
    Stage.NAME,
    Stage.CONNECTION,
    Stage.PROXY,
    Stage.CERTIFICATE,
    Stage.ANSWER,
    Stage.KIND,
)
STAGES = {
    Server.AUTHENTICATION: (*_BEFORE_LAST, Stage.LICENCE),
    Server.UPDATES: (*_BEFORE_LAST, Stage.METADATA),
}


class Reason(Enum):
    """Why a stage failed, as observed. ``PROBLEM_OF`` names each one."""

    ADDRESS_MALFORMED = "address-malformed"
    SENT_IN_CLEAR = "sent-in-clear"
    NOT_CONFIGURED = "not-configured"
    VAULT_UNAVAILABLE = "vault-unavailable"
    CA_FILE_UNREADABLE = "ca-file-unreadable"
    NO_NETWORK = "no-network"
    NAME_UNKNOWN = "name-unknown"
    NAME_SERVER_SILENT = "name-server-silent"
    REFUSED = "refused"
    UNANSWERED = "unanswered"
    RESET = "reset"
    CAPTIVE_PORTAL = "captive-portal"
    PROXY_UNREACHABLE = "proxy-unreachable"
    PROXY_WANTS_PASSWORD = "proxy-wants-password"  # noqa: S105 a reason, not a password
    PROXY_REFUSES = "proxy-refuses"
    PROXY_REFUSES_PASSWORD = "proxy-refuses-password"  # noqa: S105 a reason, not a password
    PROXY_SIGN_IN_UNKNOWN = (
        "proxy-sign-in-unknown"  # it asks in a way that the agent does not speak (NTLM, Negotiate)
    )
    PROXY_SCRIPT_UNUSABLE = "proxy-script-unusable"
    PROXY_NEEDED = "proxy-needed"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_OF_ANOTHER = "certificate-of-another"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed"
    CERTIFICATE_AUTHORITY_UNKNOWN = "certificate-authority-unknown"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CERTIFICATE_CHAIN_INCOMPLETE = "certificate-chain-incomplete"
    INTERCEPTED = "intercepted"
    PORT_WITHOUT_TLS = "port-without-tls"
    TLS_TOO_OLD = "tls-too-old"
    TLS_INTERRUPTED = "tls-interrupted"
    CLIENT_CERTIFICATE_WANTED = "client-certificate-wanted"
    ANSWER_LATE = "answer-late"
    ANSWER_CUT = "answer-cut"
    ANSWER_NONSENSE = "answer-nonsense"
    REDIRECTED = "redirected"
    UNAVAILABLE = "unavailable"
    MAINTENANCE = "maintenance"
    TOO_MANY_REQUESTS = "too-many-requests"
    FORBIDDEN = "forbidden"
    IDENTIFICATION_WANTED = "identification-wanted"
    NOTHING_THERE = "nothing-there"
    HTTPS_EXPECTED = "https-expected"
    NOT_AN_AUTHENTICATION_SERVER = "not-an-authentication-server"
    NOT_AN_UPDATE_SERVER = "not-an-update-server"
    ISSUER_DIFFERS = "issuer-differs"
    KEY_ASKED_IN_CLEAR = "key-asked-in-clear"
    METADATA_EXPIRED = "metadata-expired"
    METADATA_ROLLED_BACK = "metadata-rolled-back"
    METADATA_NOT_AUTHENTIC = "metadata-not-authentic"
    AUTHORISATION_REFUSED = "authorisation-refused"
    LICENCE_NOT_RECOGNISED = "licence-not-recognised"
    CLOCK_WRONG = "clock-wrong"
    TOO_LONG = "too-long"
    INTERNAL = "internal"


PROBLEM_OF = {
    Reason.ADDRESS_MALFORMED: problems.ADDRESS_MALFORMED,
    Reason.SENT_IN_CLEAR: problems.SENT_IN_CLEAR,
    Reason.NOT_CONFIGURED: problems.NOT_CONFIGURED,
    Reason.VAULT_UNAVAILABLE: problems.VAULT_UNAVAILABLE,
    Reason.CA_FILE_UNREADABLE: problems.CA_FILE_UNREADABLE,
    Reason.NO_NETWORK: problems.NO_NETWORK,
    Reason.NAME_UNKNOWN: problems.NAME_UNKNOWN,
    Reason.NAME_SERVER_SILENT: problems.NAME_SERVER_SILENT,
    Reason.REFUSED: problems.CONNECTION_REFUSED,
    Reason.UNANSWERED: problems.CONNECTION_UNANSWERED,
    Reason.RESET: problems.CONNECTION_CUT,
    Reason.CAPTIVE_PORTAL: problems.CAPTIVE_PORTAL,
    Reason.PROXY_UNREACHABLE: problems.PROXY_UNREACHABLE,
    Reason.PROXY_WANTS_PASSWORD: problems.PROXY_WANTS_PASSWORD,
    Reason.PROXY_REFUSES: problems.PROXY_REFUSES,
    Reason.PROXY_REFUSES_PASSWORD: problems.PROXY_REFUSES_PASSWORD,
    Reason.PROXY_SIGN_IN_UNKNOWN: problems.PROXY_SIGN_IN_UNKNOWN,
    Reason.PROXY_SCRIPT_UNUSABLE: problems.PROXY_SCRIPT_UNUSABLE,
    Reason.PROXY_NEEDED: problems.PROXY_NEEDED,
    Reason.CERTIFICATE_EXPIRED: problems.CERTIFICATE_EXPIRED,
    Reason.CERTIFICATE_NOT_YET_VALID: problems.CERTIFICATE_NOT_YET_VALID,
    Reason.CERTIFICATE_OF_ANOTHER: problems.CERTIFICATE_OF_ANOTHER,
    Reason.CERTIFICATE_SELF_SIGNED: problems.CERTIFICATE_SELF_SIGNED,
    Reason.CERTIFICATE_AUTHORITY_UNKNOWN: problems.CERTIFICATE_AUTHORITY_UNKNOWN,
    Reason.CERTIFICATE_REVOKED: problems.CERTIFICATE_REVOKED,
    Reason.CERTIFICATE_CHAIN_INCOMPLETE: problems.CERTIFICATE_CHAIN_INCOMPLETE,
    Reason.INTERCEPTED: problems.INTERCEPTED,
    Reason.PORT_WITHOUT_TLS: problems.PORT_WITHOUT_TLS,
    Reason.TLS_TOO_OLD: problems.TLS_TOO_OLD,
    Reason.TLS_INTERRUPTED: problems.TLS_INTERRUPTED,
    Reason.CLIENT_CERTIFICATE_WANTED: problems.CLIENT_CERTIFICATE_WANTED,
    Reason.ANSWER_LATE: problems.ANSWER_LATE,
    Reason.ANSWER_CUT: problems.ANSWER_CUT,
    Reason.ANSWER_NONSENSE: problems.ANSWER_NONSENSE,
    Reason.REDIRECTED: problems.REDIRECTED,
    Reason.UNAVAILABLE: problems.SERVER_UNAVAILABLE,
    Reason.MAINTENANCE: problems.SERVER_IN_MAINTENANCE,
    Reason.TOO_MANY_REQUESTS: problems.TOO_MANY_REQUESTS,
    Reason.FORBIDDEN: problems.FORBIDDEN,
    Reason.IDENTIFICATION_WANTED: problems.IDENTIFICATION_WANTED,
    Reason.NOTHING_THERE: problems.NOTHING_THERE,
    Reason.HTTPS_EXPECTED: problems.HTTPS_EXPECTED,
    Reason.NOT_AN_AUTHENTICATION_SERVER: problems.NOT_AN_AUTHENTICATION_SERVER,
    Reason.NOT_AN_UPDATE_SERVER: problems.NOT_AN_UPDATE_SERVER,
    Reason.ISSUER_DIFFERS: problems.ISSUER_DIFFERS,
    Reason.KEY_ASKED_IN_CLEAR: problems.KEY_ASKED_IN_CLEAR,
    Reason.METADATA_EXPIRED: problems.METADATA_EXPIRED,
    Reason.METADATA_ROLLED_BACK: problems.METADATA_ROLLED_BACK,
    Reason.METADATA_NOT_AUTHENTIC: problems.METADATA_NOT_AUTHENTIC,
    Reason.AUTHORISATION_REFUSED: problems.AUTHORISATION_REFUSED,
    Reason.LICENCE_NOT_RECOGNISED: problems.LICENCE_NOT_RECOGNISED,
    Reason.CLOCK_WRONG: problems.CLOCK_WRONG,
    Reason.TOO_LONG: problems.TEST_TOO_LONG,
    Reason.INTERNAL: problems.INTERNAL_ERROR,
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server showed, read in order to name it to a person. It decides nothing: whether it is believed is TLS's business.

    Names are the organisation where there is one, else the common name. Times are seconds since 1970 UTC. *changed_at* is when this issuer was
    first met in place of another at the same address, None where it is the usual one or the first one met.
    """

    subject: str
    issuer: str
    not_before: float
    not_after: float
    sha256: str  # of the whole certificate, in lower-case hexadecimal
    changed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """What was observed when something failed: never a sentence for a person, never a secret.

    *detail* is technical evidence in English for the support desk (an OpenSSL reason, a status line, an OAuth error code). *retry_after* is what
    the server asked for, in seconds (RFC 9110, section 10.2.3). *about* is the one thing that the problem's sentence may name: where a redirection
    leads, which product intercepts, which servers a certificate is for, by how many seconds a clock is off (the server's minus this PC's).
    *certificate* is what was refused.
    """

    stage: Stage
    reason: Reason
    detail: str = ""
    retry_after: float | None = None
    about: str = ""
    certificate: Certificate | None = None

    @property
    def code(self) -> str:
        """The catalogue's name for it."""
        return PROBLEM_OF[self.reason]


class Outcome(Enum):
    """How a stage went."""

    WAITING = "waiting"  # not begun
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # not needed (no proxy, no licence to try) or not reached


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage of one server's test. *detail* may be shown in the details list: addresses found, issuer, status."""

    stage: Stage
    outcome: Outcome
    milliseconds: float | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What the test of one server gave, or has given so far (*done* false). *milliseconds* is the time since its test began.

    *failure* is where the test stopped; *findings* are other things seen on the way that may explain it, or are worth knowing where nothing failed
    (a wrong clock, a captive portal, a proxy that is needed). *certificate* is what the server showed.
    """

    server: Server
    address: str
    stages: tuple[StageResult, ...]
    failure: Failure | None = None
    milliseconds: float = 0.0
    done: bool = True
    route: str = field(
        default="direct"
    )  # "direct", the proxy that was really used, "" where the test ended before
    findings: tuple[Failure, ...] = ()
    certificate: Certificate | None = None
    route_source: str = "none"  # who decided the route: a value of ``proxies.Source``
    clock_ahead: float | None = (
        None  # seconds, the server's clock minus this PC's; None where it told no time
    )

    @property
    def passed(self) -> bool:
        """A green tick: the test is over and nothing failed."""
        return self.done and self.failure is None

    @property
    def cause(self) -> Failure | None:
        """What the person is told: the finding that explains the failure where there is one, else the failure; where nothing failed, what is worth knowing."""
        if self.failure is None:
            return self.findings[0] if self.findings else None
        explaining = problems.problem(self.failure.code).depends_on
        return next((found for found in self.findings if found.code in explaining), self.failure)


CLOCK_TOLERANCE = 300.0
"""Seconds by which this PC's clock and a server's may differ without a word."""
_OF_THIS_PC = frozenset({Reason.CLOCK_WRONG})
"""Findings that hold for both servers, wherever they were made."""


def refused_certificate(
    reason: Reason,
    certificate: Certificate,
    issuer_names: Sequence[str],
    *,
    self_issued: bool,
    link_may_miss: bool,
    trusted: Collection[str],
    now: float,
) -> tuple[Reason, str]:
    """The best name for a refusal of *certificate*, which TLS calls *reason*, and what it is about: the product that intercepts.

    *issuer_names* is all that its issuer is called, *trusted* the organisations of the authorities that this PC believes. *link_may_miss*: TLS did not see the
    chain to its end. Windows has one code for "expired" and "not yet valid", and one for "self-signed" and "unknown authority": at *now* (seconds since 1970)
    the certificate itself tells them apart.
    """
    if reason is Reason.CERTIFICATE_EXPIRED and certificate.not_before > now:
        return Reason.CERTIFICATE_NOT_YET_VALID, ""
    if reason not in (Reason.CERTIFICATE_AUTHORITY_UNKNOWN, Reason.CERTIFICATE_SELF_SIGNED):
        return reason, ""
    from . import interceptors  # a table that is wanted in this case alone

    product = interceptors.recognised(issuer_names)
    if product is not None:
        return Reason.INTERCEPTED, product.name
    if reason is Reason.CERTIFICATE_AUTHORITY_UNKNOWN:
        if self_issued:
            return Reason.CERTIFICATE_SELF_SIGNED, ""
        if link_may_miss and certificate.issuer in trusted:
            return Reason.CERTIFICATE_CHAIN_INCOMPLETE, ""
    return reason, ""


def wrong_clock(ahead: float) -> Failure | None:
    """The finding that a server's clock is *ahead* of this PC's by that many seconds (negative: behind), None where that is within tolerance."""
    if abs(ahead) <= CLOCK_TOLERANCE:
        return None
    return Failure(
        Stage.ANSWER,
        Reason.CLOCK_WRONG,
        f"the server's clock minus this PC's: {ahead:.0f} s",
        about=f"{ahead:.0f}",
    )


def shared(reports: Iterable[ServerReport]) -> tuple[ServerReport, ...]:
    """*reports* where what was found about this PC at one server also stands at the other, where it explains the failure there.

    A wrong clock is seen in an answer, and a server whose certificate is refused for its dates gives none. One that did tell the time speaks for itself.
    """
    known = tuple(reports)
    found = [finding for report in known for finding in report.findings if finding.reason in _OF_THIS_PC]
    result = []
    for report in known:
        explaining = () if report.failure is None else problems.problem(report.failure.code).depends_on
        silent = report.clock_ahead is None
        more = [finding for finding in found if silent and finding.code in explaining][:1]
        result.append(replace(report, findings=(*report.findings, *more)) if more else report)
    return tuple(result)


class Conclusion(Enum):
    """The three outcomes of the practical sheet."""

    CONNECTED = "connected"
    FAILED = "failed"
    REFUSED = "refused"  # servers reached, licence turned down


def conclude(reports: Iterable[ServerReport]) -> Conclusion:
    """Which of the sheet's three cases the finished *reports* are."""
    codes = {report.failure.code for report in reports if report.failure is not None}
    if not codes:
        return Conclusion.CONNECTED
    return Conclusion.REFUSED if codes <= problems.ANSWERED_BUT_REFUSED else Conclusion.FAILED


def root_causes(codes: Iterable[str]) -> tuple[str, ...]:
    """*codes* without those that another one of them explains, in their first order and each once."""
    present = tuple(dict.fromkeys(codes))
    return tuple(code for code in present if not set(problems.problem(code).depends_on) & set(present))
