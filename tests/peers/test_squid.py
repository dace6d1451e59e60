"""The tests of the servers through squid, with and without a password."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, ServerReport, Stage, StageOutcome
from iea_agent.domain.problems import Problem
from iea_agent.domain.settings import DEFAULTS, ProxyMode, Settings
from iea_agent.host.storage import Folders, Storage
from iea_sandbox.world import World

pytestmark = pytest.mark.linux

START = 20.0  # seconds for squid to accept connections
USER, PASSWORD = "marie", "mot de passe : é"
FORBIDDEN = "https://interdit.example"

CONFIGURATION = """
http_port 127.0.0.1:{open_port} name=open
http_port 127.0.0.1:{guarded_port} name=guarded
auth_param basic program {helper} {folder}/passwords
auth_param basic realm mandataire
auth_param basic utf8 on
auth_param basic children 1 startup=1
acl forbidden dstdomain interdit.example
acl open myportname open
acl known proxy_auth REQUIRED
http_access deny forbidden
http_access allow open
http_access allow known
http_access deny all
visible_hostname mandataire
cache deny all
cache_mem 1 MB
max_filedescriptors 256
access_log none
cache_log /dev/null
cache_store_log none
netdb_filename none
pid_filename none
coredump_dir none
pinger_enable off
shutdown_lifetime 0 seconds
"""


@dataclass(frozen=True)
class Squid:
    """Two doors of one proxy: who comes in by the guarded one must sign in (Basic)."""

    open: str
    guarded: str


def free_ports() -> tuple[int, int]:
    """Return two free ports."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


@pytest.fixture(scope="module")
def squid() -> Iterator[Squid]:
    """Start Debian's squid. As root it changes to its own user."""
    open_port, guarded_port = free_ports()
    with TemporaryDirectory(prefix="squid-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the helper runs as squid's own user
        hashed = subprocess.run(
            ["openssl", "passwd", "-apr1", "-stdin"],
            input=PASSWORD, capture_output=True, encoding="utf-8", check=True, timeout=START,
        )  # fmt: skip
        (folder / "passwords").write_text(f"{USER}:{hashed.stdout}", encoding="utf-8")
        file = folder / "squid.conf"
        helper = "/usr/lib/squid/basic_ncsa_auth"
        text = CONFIGURATION.format(
            open_port=open_port, guarded_port=guarded_port, helper=helper, folder=folder
        )
        file.write_text(text, encoding="utf-8")
        program = shutil.which("squid") or "/usr/sbin/squid"
        with subprocess.Popen(
            [program, "-N", "-d", "1", "-f", file],
            cwd=folder, env={**os.environ, "LC_ALL": "C"}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            encoding="utf-8",
        ) as process:  # fmt: skip
            assert process.stderr is not None
            deadline = Timer(START, process.kill)
            deadline.start()
            output = []
            waiting = {f"127.0.0.1:{port}" for port in (open_port, guarded_port)}
            try:
                for line in process.stderr:
                    output.append(line)
                    if "Accepting HTTP Socket connections" in line:
                        waiting = {door for door in waiting if door not in line}
                    if not waiting:
                        break
                deadline.cancel()
                assert not waiting, "".join(output)
                yield Squid(f"http://127.0.0.1:{open_port}", f"http://127.0.0.1:{guarded_port}")
            finally:
                deadline.cancel()
                process.terminate()
                process.communicate(timeout=START)


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    """The servers of an installation with nothing saved."""
    folders = Folders.locate({"IEA_AGENT_HOME": str(tmp_path)})
    return Servers(Installation(folders, Storage(folders)))


def settings(world: World, proxy: str, **changes: object) -> Settings:
    """Settings that lead through *proxy* to the sandbox's servers."""
    return replace(
        DEFAULTS,
        authentication=world.authentication.address,
        updates=world.updates.address,
        licence_number=world.licence("good").number,
        ca_file=str(world.ca_file),
        proxy_mode=ProxyMode.MANUAL,
        proxy_address=proxy,
        **changes,  # type: ignore[arg-type]
    )


def examined(
    servers: Servers, world: World, wanted: Settings, password: str | None = None
) -> dict[Server, ServerReport]:
    """Test both servers with a typed licence and the proxy's *password*."""
    reports = servers.examine(wanted, world.licence("good").key, proxy_password=password)
    return {report.server: report for report in reports}


def assert_passed(reports: dict[Server, ServerReport], proxy: str) -> None:
    for report in reports.values():
        assert report.passed, report.failure
        assert (report.route, report.route_source) == (proxy, "settings")
        outcomes = {result.stage: result.outcome for result in report.stages}
        assert outcomes[Stage.PROXY] is outcomes[Stage.CERTIFICATE] is StageOutcome.PASSED
        assert outcomes[Stage.NAME] is outcomes[Stage.CONNECTION] is StageOutcome.SKIPPED


def assert_refused(reports: dict[Server, ServerReport], problem: Problem) -> None:
    for report in reports.values():
        assert report.failure is not None
        assert (report.failure.stage, report.failure.problem) == (Stage.PROXY, problem)


def test_through_it(squid: Squid, world: World, servers: Servers) -> None:
    assert_passed(examined(servers, world, settings(world, squid.open)), squid.open)


def test_with_a_password(squid: Squid, world: World, servers: Servers) -> None:
    wanted = settings(world, squid.guarded, proxy_user=USER)
    assert_passed(examined(servers, world, wanted, PASSWORD), squid.guarded)


def test_without_a_password_one_is_asked_for(squid: Squid, world: World, servers: Servers) -> None:
    reports = examined(servers, world, settings(world, squid.guarded))
    assert_refused(reports, problems.PROXY_WANTS_PASSWORD)


def test_a_wrong_password_is_not_a_missing_one(squid: Squid, world: World, servers: Servers) -> None:
    wanted = settings(world, squid.guarded, proxy_user=USER)
    reports = examined(servers, world, wanted, "un autre")
    assert_refused(reports, problems.PROXY_REFUSES_PASSWORD)
    assert all("un autre" not in repr(report) for report in reports.values())


def test_what_it_forbids_is_its_own_doing(squid: Squid, world: World, servers: Servers) -> None:
    wanted = settings(world, squid.open)
    reports = examined(servers, world, replace(wanted, authentication=FORBIDDEN, updates=FORBIDDEN))
    assert_refused(reports, problems.PROXY_REFUSES)


def test_what_it_cannot_reach_is_not_forbidden(squid: Squid, world: World, servers: Servers) -> None:
    """Nobody listens there; names are left to the machine's own name service."""
    nobody = "https://127.0.0.1:1"
    wanted = replace(settings(world, squid.open), authentication=nobody, updates=nobody)
    assert_refused(examined(servers, world, wanted), problems.SERVER_OUT_OF_PROXYS_REACH)


def test_what_is_on_the_bypass_list_goes_past_it(squid: Squid, world: World, servers: Servers) -> None:
    reports = examined(servers, world, settings(world, squid.guarded, proxy_bypass="<local>"))
    for report in reports.values():
        assert report.passed, report.failure
        assert (report.route, report.route_source) == ("direct", "settings")
