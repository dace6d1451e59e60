"""Stages, failures and reports of a test, and what they mean together.

A *problem* is an entry of the catalogue (``problems.py``). A *failure* is a problem observed at a stage. A *finding* is a failure noticed beside
it, which may explain it. *Evidence* is what is particular to one failure (``evidence.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from . import problems
from .evidence import AnswerInClear, ClockConfirmed, ClockOffset, Evidence, MalformedAddress
from .printable_text import bound_detail
from .problems import Group, Problem

if TYPE_CHECKING:
    from .addresses import Malformed


class Server(Enum):
    """The two servers of the settings dialog."""

    AUTHENTICATION = "authentication"
    UPDATES = "updates"


class Stage(Enum):
    """The stages of a test, in order; each server has one of the last two."""

    ADDRESS = "address"
    NAME = "name"
    CONNECTION = "connection"
    PROXY = "proxy"
    CERTIFICATE = "certificate"
    ANSWER = "answer"
    KIND = "kind"
    LICENCE = "licence"
    METADATA = "metadata"


_BEFORE_LAST = tuple(Stage)[:-2]
STAGES = {
    Server.AUTHENTICATION: (*_BEFORE_LAST, Stage.LICENCE),
    Server.UPDATES: (*_BEFORE_LAST, Stage.METADATA),
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a person is told about a server's certificate; TLS alone decides on trust.

    Names are the organisation, or the common name if there is none. Times are seconds since 1970 UTC; *sha256* is the fingerprint in lower-case
    hexadecimal. *changed_at* is when this issuer was first met instead of another one at the same address, else None.
    """

    subject: str
    issuer: str
    not_before: float
    not_after: float
    sha256: str
    changed_at: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem observed at a stage; it contains no sentence and no secret.

    *detail* is technical text in English for the support desk (an OpenSSL reason, a status line, an OAuth error code). *retry_after* is what
    the server asked for, in seconds (RFC 9110, section 10.2.3). *evidence* is of the type that the problem names (``Problem.evidence``), or None.
    *certificate* is what was refused. *doubt* is what may explain the failure, without proof.
    """

    stage: Stage
    problem: Problem
    detail: str = ""
    retry_after: float | None = None
    evidence: Evidence | None = None
    certificate: Certificate | None = None
    doubt: AnswerInClear | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", bound_detail(self.detail))


def explaining(failure: Failure, findings: Iterable[Failure]) -> Failure | None:
    """Return the first of *findings* that explains *failure*, None if none does."""
    causes = failure.problem.depends_on
    return next((finding for finding in findings if finding.problem in causes), None)


class StageOutcome(Enum):
    """How a stage went."""

    WAITING = "waiting"  # not begun
    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # not needed (no proxy, no licence to try) or not reached


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage of one server's test; *detail* is technical text for the details."""

    stage: Stage
    outcome: StageOutcome
    milliseconds: float | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "detail", bound_detail(self.detail))


@dataclass(frozen=True, slots=True)
class Interception:
    """A believed certificate of an interceptor, instead of the *usual* one, *since*."""

    product: str
    usual: str
    since: float


@dataclass(frozen=True, slots=True)
class EndpointChange:
    """Another place than *before* to which the licence is sent, *since*."""

    endpoint: str
    before: str
    since: float


Notice: TypeAlias = Interception | EndpointChange
"""What a person should know about a connection that works."""


@dataclass(frozen=True, slots=True)
class PendingChange:
    """A change to *address* at *begins* for which this PC is not ready.

    *problem* is the code of what is in the way.
    """

    address: str
    begins: float
    problem: str


@dataclass(frozen=True, slots=True)
class VersionReturn:
    """The version *failed* did not prove itself, and *own* runs in its place."""

    failed: str
    own: str


@dataclass(frozen=True, slots=True)
class OutdatedVersion:
    """A version *own* that the servers do not go on to serve: *least* is the first.

    *is_agent* tells this program from Impact emploi.
    """

    is_agent: bool
    own: str
    least: str


AnyNotice: TypeAlias = Notice | PendingChange | VersionReturn | OutdatedVersion
"""What the status window has under « À noter »."""


@dataclass(frozen=True, slots=True)
class ServerReport:
    """The result of one server's test, or its present state if *done* is false.

    - *failure*: where the test stopped.
    - *milliseconds*: the time since the test began.
    - *route*: "direct" or the address of the proxy, "" if the test ended before; *route_source* is a value of ``proxy_choice.Source``.
    - *findings*: what else was noticed (a wrong clock, a captive portal, a proxy that is needed).
    - *certificate*: the one that the server sent.
    - *clock_ahead*: the server's clock minus this PC's in seconds, None if the server gave no time.
    - *notices*: what a person should know though the server is reached.
    """

    server: Server
    address: str
    stages: tuple[StageResult, ...]
    failure: Failure | None = None
    milliseconds: float = 0.0
    done: bool = True
    route: str = "direct"
    findings: tuple[Failure, ...] = ()
    certificate: Certificate | None = None
    route_source: str = "none"
    clock_ahead: float | None = None
    notices: tuple[Notice, ...] = ()

    @property
    def passed(self) -> bool:
        """A green tick: the test is over and nothing failed."""
        return self.done and self.failure is None

    @property
    def cause(self) -> Failure | None:
        """What a person reads: the finding that explains the failure, or the failure."""
        if self.failure is None:
            return self.findings[0] if self.findings else None
        return explaining(self.failure, self.findings) or self.failure


CLOCK_TOLERANCE = 300.0
"""Seconds by which this PC's clock and a server's may differ."""


def malformed_address(kind: Malformed) -> Failure:
    """Return the failure of a test of an address that cannot be used."""
    return Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED, kind.value, evidence=MalformedAddress(kind))


def judge_clock(ahead: float) -> Failure | None:
    """Return the finding of a clock that is wrong by *ahead* seconds, if it is."""
    if abs(ahead) <= CLOCK_TOLERANCE:
        return None
    return Failure(
        Stage.ANSWER,
        problems.CLOCK_WRONG,
        f"the server's clock minus this PC's: {ahead:.0f} s",
        evidence=ClockOffset(ahead),
    )


def trust_clock(failure: Failure, ahead: float | None, now: float) -> Failure:
    """Return *failure* without doubt about a clock that a server proves right.

    *ahead* is the server's clock minus this PC's in seconds, None if no server gave the time; *now* is this PC's time. A certificate from the future is
    then badly made. One that holds by the server's clock fails for those few seconds.
    """
    certificate = failure.certificate
    if certificate is None or ahead is None or abs(ahead) > CLOCK_TOLERANCE:
        return failure
    problem = failure.problem
    if problem not in (problems.CERTIFICATE_EXPIRED, problems.CERTIFICATE_NOT_YET_VALID):
        return failure
    if certificate.not_before <= now + ahead <= certificate.not_after:
        return failure
    if problem is problems.CERTIFICATE_NOT_YET_VALID:
        problem = problems.CERTIFICATE_IRREGULAR
    return replace(failure, problem=problem, evidence=ClockConfirmed())


def share_findings(reports: Iterable[ServerReport], now: float) -> tuple[ServerReport, ...]:
    """Copy what one report says of this PC to the other if it concerns its failure.

    A wrong clock is seen in a reply, and a server whose certificate is refused for its dates sends none. A server that gave the time keeps
    its own findings. A clock that is right excuses this PC. *now* is this PC's time.
    """
    all_reports = tuple(reports)
    findings = [finding for report in all_reports for finding in report.findings]
    of_this_pc = [finding for finding in findings if finding.problem.group is Group.THIS_PC]
    clocks = [report.clock_ahead for report in all_reports if report.clock_ahead is not None]
    result = []
    for report in all_reports:
        ahead = report.clock_ahead
        more = None if report.failure is None or ahead is not None else explaining(report.failure, of_this_pc)
        if report.failure is not None:
            failure = trust_clock(report.failure, next(iter(clocks), None) if ahead is None else ahead, now)
            report = report if failure is report.failure else replace(report, failure=failure)
        result.append(replace(report, findings=(*report.findings, more)) if more else report)
    return tuple(result)


class Conclusion(Enum):
    """The three cases of the practical sheet."""

    CONNECTED = "connected"
    FAILED = "failed"
    REFUSED = "refused"  # servers reached, licence refused


def conclude(reports: Iterable[ServerReport]) -> Conclusion:
    """Return which of the sheet's three cases the finished *reports* are."""
    observed = {report.failure.problem for report in reports if report.failure is not None}
    if not observed:
        return Conclusion.CONNECTED
    refused = all(problem.is_refusal for problem in observed)
    return Conclusion.REFUSED if refused else Conclusion.FAILED
