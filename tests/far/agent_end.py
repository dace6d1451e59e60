"""Test servers from a network namespace of IPv6 only, as the agent does.

usage:  unshare --net --mount python -m tests.far.agent_end SOCKET RESOLV.CONF
SOCKET is the number of an open socket, over which the TUN device of the new network goes to the other end. Each line of standard input is a JSON
object with the folder of an installation ("home"), the licence's key ("key") and the settings that are not default ("settings"); each is answered
by a line of JSON with what the test of both servers said.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.settings import DEFAULTS
from iea_agent.host.storage import Folders, Storage
from tests.far.network import AGENT, SMALLEST_MTU, open_wire, run


def join_network(names: str) -> int:
    """Give this namespace its device, addresses and name servers; return the device."""
    wire = open_wire()
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "set", "wire", "up", "mtu", str(SMALLEST_MTU))
    run("ip", "address", "add", f"{AGENT}/64", "dev", "wire", "nodad")
    run("ip", "-6", "route", "add", "default", "dev", "wire")
    # the real file: a bind mount follows no link
    run("mount", "--bind", names, str(Path("/etc/resolv.conf").resolve()))
    return wire


def describe(report: ServerReport) -> dict[str, Any]:
    """Return what a test has to know of *report*."""
    failure = report.failure
    return {
        "passed": report.passed,
        "problem": failure and failure.problem.code,
        "stage": failure and failure.stage.value,
        "detail": failure and failure.detail,
    }


def main() -> None:
    if sys.platform == "win32":
        raise OSError("Linux only")
    wire = join_network(sys.argv[2])
    with socket.socket(fileno=int(sys.argv[1])) as other_end:
        socket.send_fds(other_end, [b"w"], [wire])
    for line in sys.stdin:
        order = json.loads(line)
        folders = Folders.locate({"IEA_AGENT_HOME": order["home"]})
        servers = Servers(Installation(folders, Storage(folders)))
        began = time.monotonic()
        reports = servers.examine(replace(DEFAULTS, **order["settings"]), order["key"])
        answer = {report.server.value: describe(report) for report in reports}
        print(json.dumps({**answer, "seconds": time.monotonic() - began}), flush=True)


if __name__ == "__main__":
    main()
