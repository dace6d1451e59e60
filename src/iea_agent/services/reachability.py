"""The test of both servers: in parallel, stage by stage, told as it goes, over in twelve seconds whatever the network does."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from iea_agent.domain import addresses, problems
from iea_agent.domain.addresses import Address, AddressError
from iea_agent.domain.diagnosis import (
    STAGES,
    Certificate,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    StageResult,
    judge_clock,
    malformed_address,
    share_findings,
)

from .authentication import Exchange, Licence, discover, forbid_clear_text, request_token, run_exchange
from .https import BODY_LIMIT, Client, HttpsError
from .messages import Reply, Request, detect_portal, has_members, judge_status
from .network import Route

EXAMINATION_SECONDS = 12.0
PROBE_SECONDS = 3.0
"""How long the second question after a failure may take, to tell whether a captive portal or a wrong clock explains it."""
CANCEL_CHECK_SECONDS = 0.1
"""How often a wait looks at whether it was cancelled: half of the 200 ms that are promised."""

Connect: TypeAlias = Callable[[Address], Client]
"""Builds the client for one server: the way there may depend on its address (proxy scripts). May wait; raises ``HttpsError``."""
Ask: TypeAlias = Callable[[Request, int], Reply]
"""Makes a request in what time the test has left and reads so many bytes of the answer at most. Raises ``HttpsError``."""
Verify: TypeAlias = Callable[[Ask, Address, bytes], str]
"""Verifies what the update server at an address has signed, given its timestamp.json; what was found, in a few words. Raises ``HttpsError``."""

_log = logging.getLogger(__name__)


def examine(
    targets: Mapping[Server, str],
    connect: Connect,
    licence: Licence | None,
    on_progress: Callable[[ServerReport], None],
    *,
    now: datetime,
    verify: Verify | None = None,
    seconds: float = EXAMINATION_SECONDS,
    cancelled: threading.Event | None = None,
) -> tuple[ServerReport, ...]:
    """Test the servers of *targets* (their addresses as typed and cleaned) and return their reports in the same order.

    *on_progress* gets each new state, on the calling thread, never after the return. Without *licence* the authentication server's last stage is skipped.
    *verify* judges the update server's metadata; without it only the expiry of timestamp.json is looked at.
    *now* is the time of day, with its zone: it judges that expiry and whose clock is wrong. What is not over after *seconds* is
    TOO_LONG. A report may name its failure before it is done: what is still looked for then are findings that explain it.
    Once *cancelled* is set, returns within 200 ms what is known so far (``done`` false). Network waits that go on end by themselves on daemon threads.
    """
    begun = time.monotonic()
    deadline = begun + seconds
    news: queue.SimpleQueue[ServerReport] = queue.SimpleQueue()
    latest: dict[Server, ServerReport] = {}
    for server, text in targets.items():
        examination = _ServerTest(server, text, deadline, news.put)
        latest[server] = examination.report()
        threading.Thread(
            target=examination.run,
            args=(connect, licence, now, verify),
            name=f"test of {server.value}",
            daemon=True,
        ).start()
    while not all(report.done for report in latest.values()):
        if cancelled is not None and cancelled.is_set():
            break
        left = deadline - time.monotonic()
        try:
            fresh = [news.get(timeout=max(0.0, min(CANCEL_CHECK_SECONDS, left)))]
        except queue.Empty:
            if left > 0:
                continue
            fresh = [_overdue(report, begun) for report in latest.values() if not report.done]
        for report in fresh:
            latest[report.server] = report
            on_progress(report)
    reports = share_findings(latest.values())
    for report in reports:
        if report != latest[report.server]:
            on_progress(report)
    return reports


def _overdue(report: ServerReport, begun: float) -> ServerReport:
    """*report* ended by the clock, at the stage that was going on; a failure that it names stands."""
    spent = (time.monotonic() - begun) * 1000
    if report.failure is not None:
        return replace(report, milliseconds=spent, done=True)
    at = next(
        (r.stage for r in report.stages if r.outcome in (StageOutcome.RUNNING, StageOutcome.WAITING)),
        Stage.ADDRESS,
    )
    failure = Failure(at, problems.TEST_TOO_LONG, "the whole test took too long")
    return replace(
        report, stages=_ended(report.stages, failure), failure=failure, milliseconds=spent, done=True
    )


def _ended(stages: tuple[StageResult, ...], failure: Failure) -> tuple[StageResult, ...]:
    """*stages* after *failure*: what was before it has passed, what comes after it was not reached."""
    at = [result.stage for result in stages].index(failure.stage)
    ended = []
    for place, result in enumerate(stages):
        if place < at and result.outcome in (StageOutcome.WAITING, StageOutcome.RUNNING):
            ended.append(replace(result, outcome=StageOutcome.PASSED))
        elif place == at:
            detail = failure.detail or result.detail
            ended.append(replace(result, outcome=StageOutcome.FAILED, detail=detail))
        elif place > at and result.outcome is not StageOutcome.SKIPPED:
            ended.append(StageResult(result.stage, StageOutcome.SKIPPED))
        else:
            ended.append(result)
    return tuple(ended)


@dataclass(frozen=True, slots=True)
class _Timestamp:
    """What TUF's timestamp.json says of itself (specification 1.0, section 4.6), looked at without verifying it: that is for ``Verify``."""

    version: int
    expires: datetime


def _parse_timestamp(reply: Reply) -> _Timestamp | None:
    """What *reply* says, None where it is no timestamp.json."""
    signed = (reply.parse_object(signed=dict, signatures=list) or {}).get("signed")
    if (
        not has_members(signed, _type=str, version=int, expires=str, meta=dict)
        or signed["_type"] != "timestamp"
    ):
        return None
    try:
        return _Timestamp(signed["version"], datetime.fromisoformat(signed["expires"]))
    except ValueError:
        return None


def _fetch_timestamp(address: Address) -> Exchange[tuple[_Timestamp, bytes]]:
    """Is there an update repository? What its timestamp.json says, and the file as it came."""
    request = Request("GET", f"{address}/metadata/timestamp.json")
    reply = yield request
    refused = judge_status(request, reply)
    if refused is not None:
        raise HttpsError(refused)
    found = _parse_timestamp(reply) if reply.status == 200 else None
    if found is None:
        detail = f"no timestamp.json: HTTP {reply.status}" if reply.status != 200 else "not TUF metadata"
        raise HttpsError(Failure(Stage.KIND, problems.NOT_AN_UPDATE_SERVER, detail))
    return found, reply.body


def _check_expiry(found: _Timestamp, now: datetime) -> str:
    """What there is to say of metadata that nobody verifies. Raises ``HttpsError`` where they have expired."""
    expiry = f"expires {found.expires.isoformat()}"
    if found.expires.tzinfo is None or found.expires <= now:
        detail = f"{expiry}, this computer says {now.isoformat(timespec='seconds')}"
        raise HttpsError(Failure(Stage.METADATA, problems.METADATA_EXPIRED, detail))
    return f"signatures not checked: no root.json here; {expiry}"


class _ServerTest:
    """The test of one server while it goes on. Its thread alone changes it; what it tells are immutable reports."""

    def __init__(
        self, server: Server, text: str, deadline: float, tell: Callable[[ServerReport], None]
    ) -> None:
        self._server = server
        self._text = text
        self._deadline = deadline
        self._tell = tell
        self._begun = time.monotonic()
        self._stages = {stage: StageResult(stage, StageOutcome.WAITING) for stage in STAGES[server]}
        self._stage_begun = time.perf_counter()
        self._route = Route()
        self._way = ""  # the same in words, once it is decided
        self._answer: StageResult | None = None
        self._findings: list[Failure] = []
        self._certificate: Certificate | None = None
        self._clock_ahead: float | None = None

    def report(self, failure: Failure | None = None, *, done: bool = False) -> ServerReport:
        """The present state."""
        spent = (time.monotonic() - self._begun) * 1000
        return ServerReport(
            self._server,
            self._text,
            tuple(self._stages.values()),
            failure,
            spent,
            done,
            self._way,
            tuple(self._findings),
            self._certificate,
            route_source=self._route.source.value,
            clock_ahead=self._clock_ahead,
        )

    def run(self, connect: Connect, licence: Licence | None, now: datetime, verify: Verify | None) -> None:
        """Go through the stages; whatever happens, the last report is told and says done."""
        failure: Failure | None = None
        try:
            self._begin(Stage.ADDRESS)
            address = self._read_address(licence)
            self._pass(str(address))
            with connect(address) as client:
                try:
                    self._proceed(client, address, licence, now, verify)
                except HttpsError as error:
                    failure = self._end(error.failure)
                    self._explain(client, address, failure, now)
        except HttpsError as error:
            failure = self._end(error.failure)
        except Exception as error:  # noqa: BLE001 logged, and named to the person: the other server's test goes on
            _log.exception("the test of the %s server met an error of ours", self._server.value)
            failure = failure or self._end(
                Failure(self._running(), problems.INTERNAL_ERROR, type(error).__name__)
            )
        self._tell(self.report(failure, done=True))

    def _end(self, failure: Failure) -> Failure:
        """The stages end with *failure*, which is returned at one of them."""
        if failure.stage not in self._stages:
            failure = replace(failure, stage=self._running())
        if failure.stage is Stage.PROXY:  # also where which one could not be found out
            self._leave_to_the_proxy()
        if self._answer is not None and self._running() is Stage.ANSWER:
            self._stages[Stage.ANSWER] = replace(self._answer, outcome=StageOutcome.RUNNING)
        ended = _ended(tuple(self._stages.values()), failure)
        self._stages = {result.stage: result for result in ended}
        return failure

    def _read_address(self, licence: Licence | None) -> Address:
        try:
            address = addresses.parse(self._text)
        except AddressError as error:
            raise HttpsError(malformed_address(error.reason)) from None
        if self._server is Server.AUTHENTICATION and licence is not None:
            forbid_clear_text(address)
        return address

    def _proceed(
        self,
        client: Client,
        address: Address,
        licence: Licence | None,
        now: datetime,
        verify: Verify | None,
    ) -> None:
        self._route, self._way = client.route, str(client.route)
        if client.route.proxy is None:
            self._skip(Stage.PROXY, "; ".join(filter(None, ("direct", client.route.detail))))
        else:
            self._leave_to_the_proxy()
        if not address.secure:
            self._skip(Stage.CERTIFICATE, "http")

        def ask(request: Request, limit: int = BODY_LIMIT) -> Reply:
            return self._ask(client, request, limit, now)

        if self._server is Server.UPDATES:
            found, timestamp = run_exchange(_fetch_timestamp(address), ask)
            self._enter(Stage.KIND)
            self._pass(f"TUF timestamp, version {found.version}")
            self._begin(Stage.METADATA)
            self._pass(verify(ask, address, timestamp) if verify else _check_expiry(found, now))
            return
        discovery = run_exchange(discover(address), ask)
        self._enter(Stage.KIND)
        self._pass(f"token endpoint {discovery.token_endpoint}")
        if licence is None:
            self._skip(Stage.LICENCE, "no licence to try")
            return
        self._begin(Stage.LICENCE)
        accepted = run_exchange(request_token(discovery, licence), ask)
        self._pass("" if accepted.expires_in is None else f"token for {accepted.expires_in:.0f} s")

    def _explain(self, client: Client, address: Address, failure: Failure, now: datetime) -> None:
        """After *failure*, ask the server's host one plain question: a portal shows itself in the answer, and a wrong clock against its date.

        Only where one of them would explain the failure. Nothing of the person's is sent, no redirection followed, no body read.
        """
        possible = {problems.CAPTIVE_PORTAL, problems.CLOCK_WRONG} & set(failure.problem.depends_on)
        if not (possible and address.secure and failure.stage in (Stage.CONNECTION, Stage.CERTIFICATE)):
            return
        self._tell(self.report(failure))  # the verdict does not wait for its explanation
        plain = replace(address, scheme="http", port=80 if address.port == 443 else address.port, path="")
        request = Request("GET", f"{plain}/")
        try:
            left = max(self._deadline - time.monotonic(), 0.001)
            reply = client.request(request, seconds=min(PROBE_SECONDS, left), limit=0)
        except HttpsError:
            return
        found = detect_portal(request, reply)
        if found is not None:
            self._findings.append(found)
        else:
            self._compare_clocks(reply, now)

    def _compare_clocks(self, reply: Reply, now: datetime) -> None:
        """*now* was the time of day when the test began."""
        if reply.server_time is not None:
            here = now.timestamp() + time.monotonic() - self._begun
            self._clock_ahead = reply.server_time - here
            found = judge_clock(self._clock_ahead)
            if found is not None:
                self._findings.append(found)

    def _leave_to_the_proxy(self) -> None:
        self._skip(Stage.NAME, "left to the proxy")
        self._skip(Stage.CONNECTION, "left to the proxy")

    def _ask(self, client: Client, request: Request, limit: int, now: datetime) -> Reply:
        left = max(self._deadline - time.monotonic(), 0.001)
        first = self._answer is None
        if self._answer is not None and self._running() is Stage.ANSWER:
            self._enter(Stage.KIND)  # the first answer was no final one: the search for the kind goes on
        try:
            observe = self._observe if first else None
            reply = client.request(request, seconds=left, limit=limit, observe=observe)
        except HttpsError as error:
            self._certificate = client.certificate
            if first:
                raise
            raise HttpsError(replace(error.failure, stage=self._running())) from None
        self._certificate = client.certificate
        if first:
            self._compare_clocks(reply, now)
        return reply

    def _observe(self, result: StageResult) -> None:
        """What the first request goes through. Whether its answer is a good one is for the conversation to say."""
        if result.stage is Stage.ANSWER and result.outcome is StageOutcome.PASSED:
            self._answer = result
        elif result.outcome is StageOutcome.FAILED:  # what failed is told once, with its reason, at the end
            self._stages[result.stage] = replace(result, outcome=StageOutcome.RUNNING)
        elif result.stage is Stage.PROXY and result.outcome is StageOutcome.PASSED:
            self._set(replace(result, detail=self._route.detail))
        else:
            self._set(result)

    def _enter(self, kind: Stage) -> None:
        """The answer was good: go on to what it says, if that was not done already."""
        if self._answer is not None and self._running() is Stage.ANSWER:
            self._set(self._answer)
            self._begin(kind)

    def _running(self) -> Stage:
        going_on = [r.stage for r in self._stages.values() if r.outcome is StageOutcome.RUNNING]
        return going_on[-1] if going_on else Stage.ADDRESS

    def _begin(self, stage: Stage) -> None:
        self._stage_begun = time.perf_counter()
        self._set(StageResult(stage, StageOutcome.RUNNING))

    def _pass(self, detail: str = "") -> None:
        spent = (time.perf_counter() - self._stage_begun) * 1000
        self._set(StageResult(self._running(), StageOutcome.PASSED, spent, detail))

    def _skip(self, stage: Stage, why: str) -> None:
        self._set(StageResult(stage, StageOutcome.SKIPPED, None, why))

    def _set(self, result: StageResult) -> None:
        self._stages[result.stage] = result
        self._tell(self.report())
