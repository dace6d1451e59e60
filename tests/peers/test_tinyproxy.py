"""The tests of the servers through tinyproxy, which refuses in ways of its own."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.servers import Servers
from iea_agent.domain import problems
from iea_agent.domain.problems import Problem
from iea_sandbox.world import World
from tests.peers.test_squid import (
    START,
    assert_passed,
    assert_refused,
    examined,
    free_ports,
    servers,
    settings,
)

pytestmark = pytest.mark.linux
__all__ = ["servers"]

USER, PASSWORD = "marie", "secret"
CONFIGURATION = """
Port {port}
Listen 127.0.0.1
Timeout 20
MaxClients 20
LogLevel Critical
"""


@contextmanager
def tinyproxy(folder: Path, more: str = "") -> Iterator[str]:
    """Run Debian's tinyproxy; return its address."""
    port, _ = free_ports()
    file = folder / "tinyproxy.conf"
    file.write_text(CONFIGURATION.format(port=port) + more, encoding="utf-8")
    program = shutil.which("tinyproxy") or "/usr/bin/tinyproxy"
    with subprocess.Popen([program, "-d", "-c", file], stdout=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Return when somebody listens at *port*."""
    deadline = time.monotonic() + START
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
        else:
            return


def test_through_it(tmp_path: Path, world: World, servers: Servers) -> None:
    with tinyproxy(tmp_path) as address:
        assert_passed(examined(servers, world, settings(world, address)), address)


@pytest.mark.parametrize(
    ("password", "problem"),
    [
        (PASSWORD, None),
        (None, problems.PROXY_WANTS_PASSWORD),
        # 401 and WWW-Authenticate, as a server would
        ("un autre", problems.PROXY_REFUSES_PASSWORD),
    ],
)
def test_a_password(
    tmp_path: Path, world: World, servers: Servers, password: str | None, problem: Problem | None
) -> None:
    with tinyproxy(tmp_path, f"BasicAuth {USER} {PASSWORD}\n") as address:
        user = USER if password else ""
        reports = examined(servers, world, settings(world, address, proxy_user=user), password)
    if problem is None:
        assert_passed(reports, address)
    else:
        assert_refused(reports, problem)


@pytest.mark.parametrize(
    ("address", "more", "problem"),
    [
        ("https://127.0.0.1:1", "", problems.SERVER_OUT_OF_PROXYS_REACH),
        ("https://serveur.invalid", "", problems.SERVER_OUT_OF_PROXYS_REACH),
        ("https://127.0.0.1:444", "ConnectPort 443\n", problems.PROXY_REFUSES),
    ],
)
def test_what_it_does_not_reach(
    tmp_path: Path, world: World, servers: Servers, address: str, more: str, problem: Problem
) -> None:
    with tinyproxy(tmp_path, more) as proxy:
        wanted = replace(settings(world, proxy), authentication=address, updates=address)
        assert_refused(examined(servers, world, wanted), problem)
