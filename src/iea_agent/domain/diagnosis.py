"""From the evidence of a test to named problems: which stage failed, what that means, which failure explains the others.

The services observe (``Failure``: the stage, the reason, a technical detail); this module decides what it is called. Nothing here is a sentence:
sentences are in ``problems.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from . import problems
from .evidence import ClockOffset, Evidence, InterceptedBy, MalformedAddress
from .problems import Group, Problem

if TYPE_CHECKING:
    from .addresses import Malformed


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
    the server asked for, in seconds (RFC 9110, section 10.2.3). *evidence* is of the type that the problem names (``Problem.evidence``), or None.
    *certificate* is what was refused.
    """

    stage: Stage
    problem: Problem
    detail: str = ""
    retry_after: float | None = None
    evidence: Evidence | None = None
    certificate: Certificate | None = None


class StageOutcome(Enum):
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
    outcome: StageOutcome
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
        explaining = self.failure.problem.depends_on
        return next((found for found in self.findings if found.problem in explaining), self.failure)


CLOCK_TOLERANCE = 300.0
"""Seconds by which this PC's clock and a server's may differ without a word."""


def judge_certificate(
    reason: Problem,
    certificate: Certificate,
    issuer_names: Sequence[str],
    *,
    self_issued: bool,
    link_may_miss: bool,
    trusted: Collection[str],
    now: float,
) -> tuple[Problem, InterceptedBy | None]:
    """Return the problem behind a refusal of *certificate*, and the product that intercepts if one is recognised.

    *reason* is the problem that TLS names. *issuer_names* are all names of the issuer; *trusted* are the organisations of the authorities that this
    PC trusts. *link_may_miss* is true if TLS did not see the whole chain.

    Windows has one code for "expired" and "not yet valid", and one for "self-signed" and "unknown authority". The certificate's own fields, compared
    with *now* (seconds since 1970), decide which one holds.
    """
    if reason is problems.CERTIFICATE_EXPIRED and certificate.not_before > now:
        return problems.CERTIFICATE_NOT_YET_VALID, None
    if reason not in (problems.CERTIFICATE_AUTHORITY_UNKNOWN, problems.CERTIFICATE_SELF_SIGNED):
        return reason, None
    from . import interceptors  # a table that is wanted in this case alone

    product = interceptors.recognise(issuer_names)
    if product is not None:
        return problems.INTERCEPTED, InterceptedBy(product.name)
    if reason is problems.CERTIFICATE_AUTHORITY_UNKNOWN:
        if self_issued:
            return problems.CERTIFICATE_SELF_SIGNED, None
        if link_may_miss and certificate.issuer in trusted:
            return problems.CERTIFICATE_CHAIN_INCOMPLETE, None
    return reason, None


def malformed_address(kind: Malformed) -> Failure:
    """Return the failure of a test of an address that cannot be used."""
    return Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, kind.value, evidence=MalformedAddress(kind))


def judge_clock(ahead: float) -> Failure | None:
    """The finding that a server's clock is *ahead* of this PC's by that many seconds (negative: behind), None where that is within tolerance."""
    if abs(ahead) <= CLOCK_TOLERANCE:
        return None
    return Failure(
        Stage.ANSWER,
        problems.CLOCK_WRONG,
        f"the server's clock minus this PC's: {ahead:.0f} s",
        evidence=ClockOffset(ahead),
    )


def share_findings(reports: Iterable[ServerReport]) -> tuple[ServerReport, ...]:
    """*reports* where what was found about this PC at one server also stands at the other, where it explains the failure there.

    A wrong clock is seen in an answer, and a server whose certificate is refused for its dates gives none. One that did tell the time speaks for itself.
    """
    known = tuple(reports)
    found = [
        finding for report in known for finding in report.findings if finding.problem.group is Group.THIS_PC
    ]
    result = []
    for report in known:
        explaining = () if report.failure is None else report.failure.problem.depends_on
        silent = report.clock_ahead is None
        more = [finding for finding in found if silent and finding.problem in explaining][:1]
        result.append(replace(report, findings=(*report.findings, *more)) if more else report)
    return tuple(result)


class Conclusion(Enum):
    """The three outcomes of the practical sheet."""

    CONNECTED = "connected"
    FAILED = "failed"
    REFUSED = "refused"  # servers reached, licence turned down


def conclude(reports: Iterable[ServerReport]) -> Conclusion:
    """Which of the sheet's three cases the finished *reports* are."""
    found = {report.failure.problem for report in reports if report.failure is not None}
    if not found:
        return Conclusion.CONNECTED
    refused = all(problem.is_refusal for problem in found)
    return Conclusion.REFUSED if refused else Conclusion.FAILED
