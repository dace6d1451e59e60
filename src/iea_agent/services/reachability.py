"""The test of both servers: in parallel, stage by stage, twelve seconds at most."""

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
from iea_agent.domain.printable_text import clean_detail

from .authentication import (
    Connect,
    Exchange,
    Licence,
    choose_client,
    discover,
    forbid_clear_text,
    request_token,
    run_exchange,
)
from .explanation import explain
from .https import BODY_LIMIT, Client, HttpsError
from .judge import judge_answer
from .messages import Reply, Request, has_members
from .network import Route
from .web_pages import find_title

EXAMINATION_SECONDS = 12.0
CANCEL_CHECK_SECONDS = 0.1
"""How often a wait looks whether it was cancelled: half of the 200 ms that are promised."""

Send: TypeAlias = Callable[[Request, int], Reply]
"""Sends a request in the time that remains to the test; the body may have so many bytes. Raises ``HttpsError``."""
Verify: TypeAlias = Callable[[Send, Address, bytes], str]
"""Verifies the metadata of the update server at an address, given its timestamp.json, and returns a detail. Raises ``HttpsError``."""

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
    by_system_proxy: Connect | None = None,
) -> tuple[ServerReport, ...]:
    """Test the servers of *targets* and return a report for each.

    The addresses are as typed and cleaned.

    - *on_progress* gets each new state, on the calling thread, never after the return. A report may name its failure before it is done,
      while findings that explain it are looked for.
    - Without *licence* the authentication server's last stage is skipped.
    - *verify* judges the update server's metadata; without it only the expiry of timestamp.json is checked.
    - *now* is the time of day with its zone: it judges that expiry and the clocks.
    - *by_system_proxy* reaches servers by the system's proxy, if *connect* does not.
    - A test that is not over after *seconds* ends with TEST_TOO_LONG.
    - Once *cancelled* is set, returns the present reports within 200 ms (``done`` is false). Network waits end by themselves on daemon
      threads.
    """
    begun = time.monotonic()
    deadline = begun + seconds
    news: queue.SimpleQueue[ServerReport] = queue.SimpleQueue()
    latest: dict[Server, ServerReport] = {}
    for server, text in targets.items():
        test = _ServerTest(server, text, licence, verify, now, deadline, news.put, by_system_proxy)
        latest[server] = test.report()
        name = f"test of {server.value}"
        threading.Thread(target=test.run, args=(connect,), name=name, daemon=True).start()
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
    reports = share_findings(latest.values(), now.timestamp() + time.monotonic() - begun)
    for report in reports:
        if report != latest[report.server]:
            on_progress(report)
    return reports


def _overdue(report: ServerReport, begun: float) -> ServerReport:
    """Return *report* ended by the deadline; a failure that it names stays."""
    milliseconds = (time.monotonic() - begun) * 1000
    if report.failure is not None:
        return replace(report, milliseconds=milliseconds, done=True)
    at = next(
        (r.stage for r in report.stages if r.outcome in (StageOutcome.RUNNING, StageOutcome.WAITING)),
        Stage.ADDRESS,
    )
    failure = Failure(at, problems.TEST_TOO_LONG, "the whole test took too long")
    stages = _end_stages(report.stages, failure)
    return replace(report, stages=stages, failure=failure, milliseconds=milliseconds, done=True)


def _end_stages(stages: tuple[StageResult, ...], failure: Failure) -> tuple[StageResult, ...]:
    """Return *stages* ended by *failure*: passed before it, not reached after it."""
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
    """TUF's timestamp.json (specification 1.0, section 4.6), not verified."""

    version: int
    expires: datetime


def _parse_timestamp(reply: Reply) -> _Timestamp | None:
    """Return the timestamp in *reply*, None if it is no timestamp.json."""
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
    """Return the update repository's timestamp.json, parsed and as it came."""
    request = Request("GET", f"{address}/metadata/timestamp.json")
    reply = yield request
    failure = judge_answer(request, reply)
    if failure is not None:
        raise HttpsError(failure)
    timestamp = _parse_timestamp(reply) if reply.is_success else None
    if timestamp is None:
        detail = "not TUF metadata" if reply.is_success else f"no timestamp.json: HTTP {reply.status}"
        problem, title = problems.NOT_AN_UPDATE_SERVER, find_title(reply)
        raise HttpsError(Failure(Stage.KIND, problem, detail, evidence=title))
    return timestamp, reply.body


def _check_expiry(timestamp: _Timestamp, now: datetime) -> str:
    """Return a detail of unverified metadata. Raises ``HttpsError`` if expired."""
    expiry = f"expires {timestamp.expires.isoformat()}"
    if timestamp.expires.tzinfo is None or timestamp.expires <= now:
        detail = f"{expiry}, this computer says {now.isoformat(timespec='seconds')}"
        raise HttpsError(Failure(Stage.METADATA, problems.METADATA_EXPIRED, detail))
    return f"signatures not checked: no root.json here; {expiry}"


@dataclass
class _ServerTest:
    """The test of one server. Only its thread changes it; the reports are immutable."""

    server: Server
    text: str
    licence: Licence | None
    verify: Verify | None
    now: datetime
    deadline: float
    publish: Callable[[ServerReport], None]
    by_system_proxy: Connect | None

    def __post_init__(self) -> None:
        self._begun = time.monotonic()
        self._stages = {stage: StageResult(stage, StageOutcome.WAITING) for stage in STAGES[self.server]}
        self._stage_begun = time.perf_counter()
        self._route: Route | None = None
        self._answer: StageResult | None = None
        """The result of the stage ANSWER, held back until the content of the answer is judged."""
        self._findings: list[Failure] = []
        self._certificate: Certificate | None = None
        self._clock_ahead: float | None = None
        self._connect: Connect | None = None

    def report(self, failure: Failure | None = None, *, done: bool = False) -> ServerReport:
        """Return the present state."""
        return ServerReport(
            self.server,
            self.text,
            tuple(self._stages.values()),
            failure,
            milliseconds=(time.monotonic() - self._begun) * 1000,
            done=done,
            route="" if self._route is None else str(self._route),
            findings=tuple(self._findings),
            certificate=self._certificate,
            route_source=(self._route or Route()).source.value,
            clock_ahead=self._clock_ahead,
        )

    def run(self, connect: Connect) -> None:
        """Go through the stages; the last report published is done, whatever happens."""
        failure: Failure | None = None
        try:
            self._begin(Stage.ADDRESS)
            address = self._parse_address()
            self._pass(str(address))
            self._connect = connect
            with connect(address) as client:
                try:
                    self._go_through_stages(client, address)
                except HttpsError as error:
                    failure = self._end(error.failure)
                    failure = self._look_for_explanation(client, address, failure)
        except HttpsError as error:
            failure = self._end(error.failure)
        # a bug: it is logged and shown, and the test of the other server goes on
        except Exception as error:  # noqa: BLE001
            _log.exception("the test of the %s server met an error of ours", self.server.value)
            internal = Failure(self._running(), problems.INTERNAL_ERROR, type(error).__name__)
            failure = failure or self._end(internal)
        self.publish(self.report(failure, done=True))

    def _end(self, failure: Failure) -> Failure:
        """End the stages with *failure*, and return it at one of them."""
        # once there was an answer, a later request may fail at a stage that has passed: the test stays where it is
        later = self._running() in (Stage.KIND, Stage.LICENCE, Stage.METADATA)
        order = list(self._stages)
        if failure.stage not in order or (
            later and order.index(failure.stage) < order.index(self._running())
        ):
            failure = replace(failure, stage=self._running())
        if failure.stage is Stage.PROXY:  # also if the proxy could not be determined
            self._leave_to_the_proxy()
        if self._answer is not None and self._running() is Stage.ANSWER:
            self._stages[Stage.ANSWER] = replace(self._answer, outcome=StageOutcome.RUNNING)
        ended = _end_stages(tuple(self._stages.values()), failure)
        self._stages = {result.stage: result for result in ended}
        return failure

    def _parse_address(self) -> Address:
        try:
            address = addresses.parse(addresses.clean(self.text))
        except AddressError as error:
            raise HttpsError(malformed_address(error.kind)) from None
        if self.server is Server.AUTHENTICATION and self.licence is not None:
            forbid_clear_text(address)
        return address

    def _go_through_stages(self, client: Client, address: Address) -> None:
        self._route = client.route
        if self.server is Server.AUTHENTICATION and self.licence is not None:
            forbid_clear_text(address, direct=client.route.proxy is None)
        if client.route.proxy is None:
            self._skip(Stage.PROXY, "; ".join(filter(None, ("direct", client.route.detail))))
        else:
            self._leave_to_the_proxy()
        if not address.secure:
            self._skip(Stage.CERTIFICATE, "http")

        def send(request: Request, limit: int = BODY_LIMIT) -> Reply:
            with choose_client(client, address, request, self._connect) as sender:
                return self._send(sender, request, limit)

        if self.server is Server.UPDATES:
            self._test_updates(address, send)
        else:
            self._test_authentication(address, send)

    def _test_updates(self, address: Address, send: Send) -> None:
        timestamp, document = run_exchange(_fetch_timestamp(address), lambda r: send(r, BODY_LIMIT))
        self._enter_kind()
        self._pass(f"TUF timestamp, version {timestamp.version}")
        self._begin(Stage.METADATA)
        check = self.verify
        self._pass(check(send, address, document) if check else _check_expiry(timestamp, self.now))

    def _test_authentication(self, address: Address, send: Callable[[Request], Reply]) -> None:
        discovery = run_exchange(discover(address), send)
        self._enter_kind()
        self._pass(f"token endpoint {clean_detail(discovery.token_endpoint)}")
        if self.licence is None:
            self._skip(Stage.LICENCE, "no licence to try")
            return
        self._begin(Stage.LICENCE)
        granted = run_exchange(request_token(discovery, self.licence), send)
        self._pass("" if granted.expires_in is None else f"token for {granted.expires_in:.0f} s")

    def _look_for_explanation(self, client: Client, address: Address, failure: Failure) -> Failure:
        """Add what explains *failure*, and return it with what may explain it."""
        if failure.problem.depends_on:
            # the failure is shown at once, its explanation later
            self.publish(self.report(failure))
        left = max(self.deadline - time.monotonic(), 0.001)
        explanation = explain(
            client, address, failure, seconds=left, wall=self._wall, by_system_proxy=self.by_system_proxy
        )
        self._findings += explanation.findings
        if explanation.clock_ahead is not None:
            self._clock_ahead = explanation.clock_ahead
        return replace(failure, doubt=explanation.doubt)

    def _wall(self) -> float:
        return self.now.timestamp() + time.monotonic() - self._begun

    def _compare_clocks(self, reply: Reply) -> None:
        if reply.server_time is not None:
            self._clock_ahead = reply.server_time - self._wall()
            finding = judge_clock(self._clock_ahead)
            if finding is not None:
                self._findings.append(finding)

    def _leave_to_the_proxy(self) -> None:
        self._skip(Stage.NAME, "left to the proxy")
        self._skip(Stage.CONNECTION, "left to the proxy")

    def _send(self, client: Client, request: Request, limit: int) -> Reply:
        left = max(self.deadline - time.monotonic(), 0.001)
        is_first = self._answer is None
        try:
            observe = self._observe if is_first else None
            reply = client.request(request, seconds=left, limit=limit, observe=observe)
        except HttpsError as error:
            if is_first:
                raise
            raise HttpsError(replace(error.failure, stage=self._running())) from None
        finally:
            # a token endpoint on another server has its own
            self._certificate = client.certificate if is_first else self._certificate
        if is_first:
            self._compare_clocks(reply)
        return reply

    def _observe(self, result: StageResult) -> None:
        """Take the stages of the first request; its answer is judged later by its content."""
        if result.stage is Stage.ANSWER and result.outcome is StageOutcome.PASSED:
            self._answer = result
        elif result.outcome is StageOutcome.FAILED:  # reported once, with its problem, at the end
            self._stages[result.stage] = replace(result, outcome=StageOutcome.RUNNING)
        elif result.stage is Stage.PROXY and result.outcome is StageOutcome.PASSED:
            self._set(replace(result, detail=self._route.detail if self._route else ""))
        else:
            self._set(result)

    def _enter_kind(self) -> None:
        """Go on from ANSWER to KIND, unless that was done already."""
        if self._answer is not None and self._running() is Stage.ANSWER:
            self._set(self._answer)
            self._begin(Stage.KIND)

    def _running(self) -> Stage:
        running = [r.stage for r in self._stages.values() if r.outcome is StageOutcome.RUNNING]
        return running[-1] if running else Stage.ADDRESS

    def _begin(self, stage: Stage) -> None:
        self._stage_begun = time.perf_counter()
        self._set(StageResult(stage, StageOutcome.RUNNING))

    def _pass(self, detail: str = "") -> None:
        milliseconds = (time.perf_counter() - self._stage_begun) * 1000
        self._set(StageResult(self._running(), StageOutcome.PASSED, milliseconds, detail))

    def _skip(self, stage: Stage, detail: str) -> None:
        self._set(StageResult(stage, StageOutcome.SKIPPED, None, detail))

    def _set(self, result: StageResult) -> None:
        self._stages[result.stage] = result
        self.publish(self.report())
