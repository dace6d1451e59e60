"""The test of both servers: progress, deadline and cancelling."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address, parse
from iea_agent.domain.diagnosis import (
    STAGES,
    Conclusion,
    Failure,
    Server,
    ServerReport,
    Stage,
    StageOutcome,
    conclude,
)
from iea_agent.domain.evidence import ClockOffset, PortalPage
from iea_agent.services import updates
from iea_agent.services.authentication import Connect
from iea_agent.services.explanation import MADE_UP_PATH, PROBE_SECONDS
from iea_agent.services.https import Client, HttpsError
from iea_agent.services.names import Resolve
from iea_agent.services.network import Limits, Route
from iea_agent.services.reachability import EXAMINATION_SECONDS, examine
from iea_sandbox.faults import ServerName
from iea_sandbox.world import World
from tests.services.conftest import PATIENT, Serve, page, proxy, request_of, silent
from tests.services.peers import own_file, revocation_list, tls_server
from tests.services.test_faults import licence_of, report_on


def both(world: World) -> dict[Server, str]:
    return {
        Server.AUTHENTICATION: world.authentication.address,
        Server.UPDATES: world.updates.address,
    }


def trusting(world: World) -> Connect:
    return lambda _: Client(Route(ca_file=world.ca_file), limits=PATIENT)


def test_two_sound_servers(world: World) -> None:
    progress: list[ServerReport] = []
    reports = examine(both(world), trusting(world), licence_of(world), progress.append, now=datetime.now(UTC))
    assert [report.server for report in reports] == [Server.AUTHENTICATION, Server.UPDATES]
    assert conclude(reports) is Conclusion.CONNECTED
    for report in reports:
        assert report.passed
        assert report.route == "direct"
        assert tuple(result.stage for result in report.stages) == STAGES[report.server]
        assert [r.stage for r in report.stages if r.outcome is StageOutcome.SKIPPED] == [Stage.PROXY]
        timed = [r for r in report.stages if r.outcome is StageOutcome.PASSED]
        assert all(r.milliseconds is not None for r in timed)
        assert sum(r.milliseconds or 0 for r in timed) <= report.milliseconds + 1
        mine = [one for one in progress if one.server is report.server]
        assert mine[-1] == report
        assert not any(one.done for one in mine[:-1])
        # each stage was seen under way, in order
        running = [r.stage for one in mine for r in one.stages if r.outcome is StageOutcome.RUNNING]
        assert list(dict.fromkeys(running)) == [r.stage for r in timed]


@pytest.mark.parametrize(
    ("server", "fault", "options"),
    [
        ("auth", "401", {}),
        ("auth", "404", {}),
        ("auth", "web-page", {}),
        ("auth", "first-place-guarded", {}),
        ("auth", "503", {"at": "/token"}),
        ("auth", "401", {"at": "/token"}),
        ("auth", "refused-silently", {}),
        ("updates", "half-published", {}),
        ("updates", "503", {"at": "snapshot"}),
        ("updates", "503", {"at": "root"}),
    ],
)
def test_the_stages_never_go_back(
    world: World, tmp_path: Path, server: ServerName, fault: str, options: dict[str, object]
) -> None:
    kind = Server.AUTHENTICATION if server == "auth" else Server.UPDATES

    def verify(ask: updates.Send, address: Address, timestamp: bytes) -> str:
        return str(updates.check(ask, address, world.root_file.read_bytes(), tmp_path, timestamp=timestamp))

    world.break_(server, fault, **options)
    progress: list[ServerReport] = []
    target = {kind: both(world)[kind]}
    now = datetime.now(UTC)
    examine(target, trusting(world), licence_of(world), progress.append, now=now, verify=verify)
    passed: set[Stage] = set()
    reached = 0
    for report in progress:
        outcomes = {result.stage: result.outcome for result in report.stages}
        assert all(outcomes[stage] is StageOutcome.PASSED for stage in passed), report
        passed |= {stage for stage, outcome in outcomes.items() if outcome is StageOutcome.PASSED}
        under_way = (StageOutcome.RUNNING, StageOutcome.FAILED)
        places = [place for place, stage in enumerate(STAGES[kind]) if outcomes[stage] in under_way]
        assert all(place >= reached for place in places), report
        reached = max([reached, *places])
    assert reached >= list(STAGES[kind]).index(Stage.ANSWER)


def test_a_late_failure_at_an_earlier_stage_is_told_where_the_test_is(world: World) -> None:
    failure = Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE)

    def verify(_ask: object, _address: object, _timestamp: bytes) -> str:
        raise HttpsError(failure)

    report = report_on(Server.UPDATES, world.updates.address, trusting(world), verify=verify)
    assert report.failure == replace(failure, stage=Stage.METADATA)
    assert [r.outcome for r in report.stages[-3:]] == [
        StageOutcome.PASSED,
        StageOutcome.PASSED,
        StageOutcome.FAILED,
    ]


def test_discovery_and_licence_take_one_connection(world: World) -> None:
    examine(both(world), trusting(world), licence_of(world), lambda _: None, now=datetime.now(UTC))
    assert len(world.connections.select(server="auth")) == 1
    assert len(world.connections.select(server="updates")) == 1


def test_without_a_licence_the_last_stage_is_skipped(world: World) -> None:
    report = report_on(Server.AUTHENTICATION, world.authentication.address, trusting(world))
    assert report.passed
    assert report.stages[-1].outcome is StageOutcome.SKIPPED
    assert [request.method for request in world.requests.select(server="auth")] == ["GET"]


def test_one_server_does_not_hide_the_other(world: World) -> None:
    world.break_("auth", "refused")
    reports = examine(both(world), trusting(world), licence_of(world), lambda _: None, now=datetime.now(UTC))
    assert [report.passed for report in reports] == [False, True]
    assert conclude(reports) is Conclusion.REFUSED


def test_they_are_tested_at_the_same_time(serve: Serve) -> None:
    """Each server answers only once the other one has been reached too."""
    meeting = threading.Barrier(2)

    def wait_for_the_other(connection: socket.socket) -> None:
        request_of(connection)
        meeting.wait(5)

    targets = {
        Server.AUTHENTICATION: serve(wait_for_the_other).address,
        Server.UPDATES: serve(wait_for_the_other).address,
    }
    reports = examine(targets, lambda _: Client(), None, lambda _: None, now=datetime.now(UTC))
    assert not meeting.broken
    assert {report.failure and report.failure.problem for report in reports} == {problems.ANSWER_CUT}


def cancelled_while(waiting: Stage, serve: Serve) -> float:
    """Return the seconds that a test goes on after it was cancelled."""
    cancelled, over = threading.Event(), threading.Event()
    when: list[float] = []

    def cancel() -> None:
        when.append(time.monotonic())
        cancelled.set()

    def resolve(_: str) -> tuple[str, ...]:
        if waiting is Stage.NAME:
            cancel()
            over.wait(20)
        return ("127.0.0.1",)

    def behaviour(connection: socket.socket) -> None:
        connection.recv(1)
        cancel()
        silent(connection)

    address = serve(behaviour).address.replace("localhost", "serveur.example")
    if waiting is Stage.CERTIFICATE:
        address = address.replace("http:", "https:")
    (report,) = examine(
        {Server.UPDATES: address},
        direct(Limits(), resolve),
        None,
        lambda _: None,
        now=datetime.now(UTC),
        cancelled=cancelled,
    )
    took = time.monotonic() - when[0]
    over.set()
    assert not report.done
    assert not report.passed
    return took


def test_cancelling_ends_every_wait(serve: Serve) -> None:
    took = [cancelled_while(stage, serve) for stage in (Stage.NAME, Stage.CERTIFICATE, Stage.ANSWER)]
    assert min(took) < 0.2
    assert max(took) < 1, "sooner than any limit, on a machine with other things to do"


def test_cancelling_does_not_wait_for_the_way_to_be_found() -> None:
    """Finding the proxy may hang: it is done on the thread that may."""
    cancelled, released = threading.Event(), threading.Event()
    threading.Timer(0.05, cancelled.set).start()

    def connect(_: Address) -> Client:
        released.wait(20)
        return Client()

    begun = time.monotonic()
    (report,) = examine(
        {Server.UPDATES: "http://localhost:9"},
        connect,
        None,
        lambda _: None,
        now=datetime.now(UTC),
        cancelled=cancelled,
    )
    assert time.monotonic() - begun < 0.3
    assert not report.done
    released.set()


def test_the_whole_test_has_one_deadline(serve: Serve) -> None:
    assert EXAMINATION_SECONDS == 12
    hanging = serve(silent)
    begun = time.monotonic()
    report = report_on(Server.UPDATES, hanging.address, lambda _: Client(limits=Limits(read=1)), seconds=0.4)
    assert time.monotonic() - begun < 1
    assert report.done
    assert report.failure is not None
    assert (report.failure.stage, report.failure.problem) == (Stage.ANSWER, problems.TEST_TOO_LONG)


def test_no_word_comes_after_the_end(serve: Serve) -> None:
    hanging = serve(silent)
    progress: list[str] = []
    before = set(threading.enumerate())

    def tell(_: ServerReport) -> None:
        progress.append(threading.current_thread().name)

    targets = {Server.UPDATES: hanging.address}
    examine(
        targets, lambda _: Client(limits=Limits(read=0.3)), None, tell, now=datetime.now(UTC), seconds=0.2
    )
    count = len(progress)
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("test of"):
            thread.join(5)
    assert len(progress) == count
    assert set(progress) == {threading.current_thread().name}


def test_through_a_proxy(world: World, serve: Serve) -> None:
    between = serve(proxy())
    report = report_on(
        Server.AUTHENTICATION,
        world.authentication.address,
        lambda _: Client(Route(parse(between.address), world.ca_file)),
        licence_of(world),
    )
    assert report.passed, report.failure
    assert report.route == between.address
    skipped = [r.stage for r in report.stages if r.outcome is StageOutcome.SKIPPED]
    assert skipped == [Stage.NAME, Stage.CONNECTION]


def test_the_way_may_depend_on_the_address(world: World) -> None:
    asked: list[Address] = []

    def connect(address: Address) -> Client:
        asked.append(address)
        raise HttpsError(Failure(Stage.PROXY, problems.PROXY_UNREACHABLE, "no such proxy"))

    report = report_on(Server.UPDATES, world.updates.address, connect)
    assert asked == [parse(world.updates.address)]
    assert report.failure is not None
    assert report.failure.problem is problems.PROXY_UNREACHABLE


def test_an_error_of_ours_is_named_and_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    def connect(_: Address) -> Client:
        raise LookupError("a mistake")

    report = report_on(Server.UPDATES, world.updates.address, connect)
    assert report.failure is not None
    assert (report.failure.problem, report.failure.detail) == (problems.INTERNAL_ERROR, "LookupError")
    assert "a mistake" in caplog.text


def test_a_fault_on_the_way_to_the_token_belongs_to_the_licence(world: World) -> None:
    world.break_("auth", "503", at="/token")
    report = report_on(
        Server.AUTHENTICATION, world.authentication.address, trusting(world), licence_of(world)
    )
    assert report.failure is not None
    assert (report.failure.stage, report.failure.problem) == (Stage.LICENCE, problems.SERVER_UNAVAILABLE)
    assert report.stages[-1].outcome is StageOutcome.FAILED


def test_a_break_on_the_way_to_the_token_belongs_to_the_licence_too(world: World, serve: Serve) -> None:
    def hang_up_on_licences(connection: socket.socket) -> None:
        while (head := request_of(connection)).startswith(b"GET"):
            here = "http://" + head.partition(b"Host: ")[2].partition(b"\r\n")[0].decode()
            document = {"issuer": here, "token_endpoint": f"{here}/token"}
            connection.sendall(page("200 OK", json.dumps(document).encode()))

    server = serve(hang_up_on_licences)
    report = report_on(
        Server.AUTHENTICATION, server.address, lambda _: Client(limits=PATIENT), licence_of(world)
    )
    assert report.failure is not None
    assert (report.failure.stage, report.failure.problem) == (Stage.LICENCE, problems.ANSWER_CUT)
    outcomes = {result.stage: result.outcome for result in report.stages}
    assert outcomes[Stage.ANSWER] is StageOutcome.PASSED
    assert outcomes[Stage.LICENCE] is StageOutcome.FAILED


def test_this_computers_clock_decides_what_has_expired(world: World) -> None:
    targets = {Server.UPDATES: world.updates.address}
    far = datetime.now(UTC) + timedelta(days=4000)
    (report,) = examine(targets, trusting(world), None, lambda _: None, now=far)
    assert report.failure is not None
    assert report.failure.problem is problems.METADATA_EXPIRED
    assert far.isoformat(timespec="seconds") in report.failure.detail


# --- what explains a failure


class Portal:
    """Cuts TLS handshakes and answers requests in clear, which it records."""

    def __init__(self, serve: Serve, answer: bytes | None) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self.address = serve(self._behave).address.replace("http:", "https:")

    def _behave(self, connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            return
        self.asked.append(request_of(connection))
        if self._answer is not None:
            connection.sendall(self._answer)
        else:
            silent(connection)


def direct(limits: Limits = PATIENT, resolve: Resolve | None = None) -> Connect:
    return lambda _: Client(limits=limits, resolve=resolve)


def test_a_captive_portal_explains_a_cut_handshake(serve: Serve) -> None:
    net = Portal(serve, page("302 Found", b"", "Location: http://portail.example/?mac=s3cret"))
    report = report_on(Server.UPDATES, net.address + "/updates", direct())
    assert report.failure is not None
    assert (report.failure.stage, report.failure.problem) == (Stage.CERTIFICATE, problems.TLS_INTERRUPTED)
    (finding,) = report.findings
    assert (finding.problem, finding.evidence) == (
        problems.CAPTIVE_PORTAL,
        PortalPage("http://portail.example"),
    )
    assert report.cause == finding
    assert "s3cret" not in repr(report)
    (asked,) = net.asked
    assert asked.startswith(f"GET {MADE_UP_PATH} HTTP/1.1\r\n".encode()), "once, not followed"
    assert b"updates" not in asked


@pytest.mark.parametrize(
    "answer",
    [
        page("301 Moved", b"", "Location: https://localhost/"),
        page("400 Bad Request", b"<html>", "Content-Type: text/html"),
        page("200 OK", b"{}", "Content-Type: application/json"),
        b"bonjour",
    ],
)
def test_an_ordinary_answer_is_no_portal(serve: Serve, answer: bytes) -> None:
    report = report_on(Server.UPDATES, Portal(serve, answer).address, direct())
    assert report.findings == ()
    assert report.failure is not None
    assert report.cause is report.failure


def test_the_verdict_does_not_wait_for_its_explanation(serve: Serve) -> None:
    net = Portal(serve, None)
    progress: list[ServerReport] = []
    begun = time.monotonic()
    (report,) = examine(
        {Server.UPDATES: net.address}, direct(Limits(read=0.6)), None, progress.append, now=datetime.now(UTC)
    )
    assert time.monotonic() - begun < 3
    (early,) = [one for one in progress if one.failure is not None and not one.done]
    assert early.milliseconds < 500
    assert early.failure == report.failure
    assert report.done


def test_the_clock_does_not_take_a_verdict_away(serve: Serve) -> None:
    """The whole test ends while it looks for an explanation."""
    report = report_on(Server.UPDATES, Portal(serve, None).address, direct(Limits()), seconds=0.6)
    assert report.done
    assert report.failure is not None
    assert report.failure.problem is problems.TLS_INTERRUPTED


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_is_asked_for_once_in_a_test(scheme: str) -> None:
    asked: list[str] = []

    def resolve(host: str) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    report = report_on(
        Server.UPDATES,
        f"{scheme}://serveur.example:{port}",
        lambda _: Client(limits=PATIENT, resolve=resolve, online=lambda: True),
    )
    assert report.failure is not None
    assert report.failure.stage is Stage.CONNECTION
    assert len(asked) == 1


def test_the_page_of_a_portal_may_be_as_long_as_it_likes(serve: Serve) -> None:
    long = page("200 OK", b"x" * 1_000_000, "Content-Type: text/html")
    report = report_on(Server.UPDATES, Portal(serve, long).address, direct())
    assert [finding.problem for finding in report.findings] == [problems.CAPTIVE_PORTAL]


def test_the_probe_has_its_own_limit() -> None:
    assert PROBE_SECONDS == 3


@pytest.mark.parametrize("fault", ["client-cert", "revoked"])
def test_what_no_portal_explains_is_not_asked_about(world: World, fault: str) -> None:
    world.break_("auth", fault)
    report_on(Server.AUTHENTICATION, world.authentication.address, trusting(world))
    one_for_the_test, one_to_look_at_the_certificate = 1, 1
    assert len(world.connections.select()) <= one_for_the_test + one_to_look_at_the_certificate


def test_the_certificate_is_in_the_report(world: World) -> None:
    report = report_on(Server.AUTHENTICATION, world.authentication.address, trusting(world))
    assert report.certificate is not None
    assert report.certificate.issuer == "Bac à sable IEA"
    world.break_("auth", "self-signed")
    report = report_on(Server.AUTHENTICATION, world.authentication.address, trusting(world))
    assert report.failure is not None
    assert report.certificate is not None
    assert report.certificate == report.failure.certificate


def test_a_wrong_clock_is_a_finding_and_the_tick_stays(world: World) -> None:
    world.break_("auth", "wrong-clock", days=-2)
    report = report_on(Server.AUTHENTICATION, world.authentication.address, trusting(world))
    assert report.passed
    (finding,) = report.findings
    assert finding.problem is problems.CLOCK_WRONG
    assert isinstance(finding.evidence, ClockOffset)
    assert finding.evidence.seconds == pytest.approx(-2 * 86_400, abs=60)
    assert report.clock_ahead == pytest.approx(-2 * 86_400, abs=60)


@pytest.mark.parametrize(("seconds", "findings"), [(280, 0), (-280, 0), (320, 1), (-320, 1)])
def test_five_minutes_are_tolerated(world: World, seconds: int, findings: int) -> None:
    targets = {Server.AUTHENTICATION: world.authentication.address}
    now = datetime.now(UTC) - timedelta(seconds=seconds)
    (report,) = examine(targets, trusting(world), None, lambda _: None, now=now)
    assert len(report.findings) == findings


def test_a_wrong_clock_explains_the_other_servers_dates(world: World, tmp_path: Path) -> None:
    """The other server shows an expired certificate and says nothing in clear."""
    authority = trustme.CA()
    expired = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=9))
    # the sandbox's file has lists of revoked certificates: then every authority needs one
    own = (authority.cert_pem.bytes(), revocation_list(authority))
    trusted = own_file(tmp_path, world.ca_file.read_bytes(), *own)
    progress: list[ServerReport] = []
    with tls_server(expired) as port:
        targets = both(world) | {Server.UPDATES: f"https://localhost:{port}"}
        authentication, updates = examine(
            targets,
            lambda _: Client(Route(ca_file=trusted), limits=PATIENT),
            None,
            progress.append,
            now=datetime.now(UTC) + timedelta(days=4000),
        )
    assert authentication.passed
    assert [finding.problem for finding in authentication.findings] == [problems.CLOCK_WRONG]
    assert updates.failure is not None
    assert updates.failure.problem is problems.CERTIFICATE_EXPIRED
    assert updates.cause == authentication.findings[0]
    assert [one for one in progress if one.server is Server.UPDATES][-1] == updates


def test_the_plain_question_may_tell_the_time_where_no_certificate_does(serve: Serve) -> None:
    """Certificates may be refused for their dates: then TLS gives no server time."""
    certificate = trustme.CA()
    expired = certificate.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=9))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    expired.configure_cert(context)

    def behaviour(connection: socket.socket) -> None:
        if connection.recv(1, socket.MSG_PEEK) == b"\x16":
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        else:
            request_of(connection)
            connection.sendall(page("404 Not Found", b"", "Date: Thu, 01 Jan 2026 00:00:00 GMT"))

    address = serve(behaviour).address.replace("http:", "https:")
    with certificate.cert_pem.tempfile() as file:
        (report,) = examine(
            {Server.UPDATES: address},
            lambda _: Client(Route(ca_file=Path(file)), limits=PATIENT),
            None,
            lambda _: None,
            now=datetime(2027, 1, 1, tzinfo=UTC),
        )
    assert report.failure is not None
    assert report.failure.problem is problems.CERTIFICATE_EXPIRED
    assert report.cause is not None
    assert report.cause.problem is problems.CLOCK_WRONG
    assert isinstance(report.cause.evidence, ClockOffset)
    assert report.cause.evidence.seconds == pytest.approx(-365 * 86_400, abs=60)
