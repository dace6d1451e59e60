"""The tests of the servers at haproxy, which stands before many real servers."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace

import pytest

from iea_agent.assembly.servers import Servers
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Server, ServerReport, Stage
from iea_agent.domain.problems import Problem
from iea_agent.domain.settings import ProxyMode
from iea_sandbox.world import World
from tests.peers.test_squid import START, examined, servers, settings

pytestmark = pytest.mark.linux
__all__ = ["servers"]

PROGRAM = "/usr/sbin/haproxy"
COMMON = """
global
    log stderr local0 emerg
    stats timeout 1s
defaults
    mode http
    timeout connect 5s
    timeout client 10s
    timeout server 10s
    timeout http-request 10s
"""
TLS = "ssl crt {certificate}"
BEHIND = "server sandbox 127.0.0.1:{sandbox} ssl verify none"
DOORS: Mapping[str, tuple[str, str]] = {
    # passes the bytes on: TLS is the sandbox's
    "passes on": ("", "mode tcp\n    server sandbox 127.0.0.1:{sandbox}"),
    "wants a certificate, TLS 1.2": (
        TLS + " ca-file {authority} verify required ssl-max-ver TLSv1.2",
        BEHIND,
    ),
    "wants a certificate, TLS 1.3": (
        TLS + " ca-file {authority} verify required ssl-min-ver TLSv1.3",
        BEHIND,
    ),
    "ends TLS": (TLS, BEHIND),
    "nothing behind it": (TLS, ""),
    "nobody answers behind it": (TLS, "timeout connect 100ms\n    server gone 127.0.0.1:{closed}"),
    "refuses": (TLS, "http-request deny deny_status 403"),
    "too many requests": (TLS, "http-request return status 429 hdr Retry-After 120"),
    "wants a password": (TLS, "http-request auth realm Portail"),
    "sends elsewhere": (TLS, "http-request redirect location https://ailleurs.example/"),
    "hangs up": (TLS, "http-request reject"),
}
"""By what haproxy does there: its options for the listening socket, and its lines for the requests."""


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory, running_world: World) -> Iterator[Mapping[str, str]]:
    """Start Debian's haproxy, once for all tests; return the address of each door."""
    folder = tmp_path_factory.mktemp("haproxy")
    certificate = folder / "server.pem"
    certificate.write_bytes(running_world.authority.pem())
    sandbox = running_world.authentication.address.rpartition(":")[2]
    with ExitStack() as running:
        closed = running.enter_context(socket.socket())
        closed.bind(("127.0.0.1", 0))
        places = {
            "certificate": certificate,
            "authority": running_world.ca_file,
            "sandbox": sandbox,
            "closed": closed.getsockname()[1],
        }
        text, addresses, sockets = COMMON, {}, []
        for number, (name, (options, lines)) in enumerate(DOORS.items()):
            # the sockets are open before haproxy runs: nobody has to wait for it
            listening = running.enter_context(socket.create_server(("127.0.0.1", 0)))
            sockets.append(listening.fileno())
            addresses[name] = f"https://localhost:{listening.getsockname()[1]}"
            text += f"listen door{number}\n    bind fd@{listening.fileno()} {options}\n    {lines}\n".format(
                **places
            )
        (folder / "haproxy.cfg").write_text(text, encoding="utf-8")
        with subprocess.Popen(
            [PROGRAM, "-db", "-q", "-f", folder / "haproxy.cfg"], pass_fds=sockets, stdin=subprocess.DEVNULL
        ) as process:
            try:
                yield addresses
            finally:
                process.terminate()
                process.wait(START)


def examined_at(address: str, servers: Servers, world: World) -> ServerReport:
    """Test the authentication server at *address*."""
    wanted = replace(settings(world, ""), authentication=address, proxy_mode=ProxyMode.NONE)
    return examined(servers, world, wanted)[Server.AUTHENTICATION]


@pytest.mark.parametrize(
    ("door", "stage", "problem"),
    [
        ("wants a certificate, TLS 1.3", Stage.CERTIFICATE, problems.CLIENT_CERTIFICATE_WANTED),
        ("nothing behind it", Stage.ANSWER, problems.SERVER_UNAVAILABLE),
        ("nobody answers behind it", Stage.ANSWER, problems.SERVER_UNAVAILABLE),
        ("refuses", Stage.ANSWER, problems.FORBIDDEN),
        ("too many requests", Stage.ANSWER, problems.TOO_MANY_REQUESTS),
        ("wants a password", Stage.ANSWER, problems.IDENTIFICATION_WANTED),
        ("sends elsewhere", Stage.ANSWER, problems.REDIRECTED),
        ("hangs up", Stage.ANSWER, problems.ANSWER_CUT),
    ],
)
def test_each_refusal_is_named(
    doors: Mapping[str, str], servers: Servers, world: World, door: str, stage: Stage, problem: Problem
) -> None:
    failure = examined_at(doors[door], servers, world).failure
    assert failure is not None
    assert (failure.stage, failure.problem) == (stage, problem), failure


@pytest.mark.parametrize("door", ["passes on", "ends TLS"])
def test_a_right_licence_passes(doors: Mapping[str, str], servers: Servers, world: World, door: str) -> None:
    report = examined_at(doors[door], servers, world)
    assert report.passed, report.failure
