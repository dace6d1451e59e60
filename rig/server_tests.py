"""The test of both servers beside ``curl --parallel``, near and far."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from urllib.parse import urlsplit

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.settings import ProxyMode, Settings
from iea_sandbox.world import World

Readings = dict[str, list[float]]
"""All readings of each thing that was measured, by its name."""


class Relay:
    """A relay to a local port that delays data in each direction, but not connecting."""

    def __init__(self, port: int, delay: float) -> None:
        """Relay to *port*, with *delay* seconds in each direction."""
        self._target, self._delay = port, delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.round_trips = 0
        """How often the target has answered what was sent to it; connecting does not count."""
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            near, _ = self._listener.accept()
            far = socket.create_connection(("127.0.0.1", self._target))
            is_asked = threading.Event()
            for one, other in ((near, far), (far, near)):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                queue: SimpleQueue[tuple[float, bytes]] = SimpleQueue()
                note = is_asked.set if one is near else partial(self._note_answer, is_asked)
                threading.Thread(target=self._receive, args=(one, queue, note), daemon=True).start()
                threading.Thread(target=self._forward, args=(other, queue), daemon=True).start()

    def _note_answer(self, is_asked: threading.Event) -> None:
        if is_asked.is_set():
            is_asked.clear()
            self.round_trips += 1

    def _receive(
        self, source: socket.socket, queue: SimpleQueue[tuple[float, bytes]], note: Callable[[], None]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            if data:
                note()
            queue.put((time.monotonic() + self._delay, data))

    def _forward(self, target: socket.socket, queue: SimpleQueue[tuple[float, bytes]]) -> None:
        while True:
            due, data = queue.get()
            time.sleep(max(0.0, due - time.monotonic()))
            if not data:
                target.close()
                return
            with contextlib.suppress(OSError):
                target.sendall(data)


def measure_server_tests(runs: int) -> Readings:
    """Measure the test of both servers and ``curl --parallel``, in milliseconds.

    The test runs in this process, curl in a new one.
    """
    readings: Readings = {}
    for milliseconds in (0, 50):
        ours, theirs = measure_server_test(runs, milliseconds / 2000)
        readings |= {f"test {milliseconds} ms": ours, f"curl {milliseconds} ms": theirs}
    return readings


def measure_server_test(runs: int, delay: float) -> tuple[list[float], list[float]]:
    """Return the times of both over relays with *delay* seconds in each direction."""
    with tempfile.TemporaryDirectory() as folder, World(Path(folder)) as world:
        if delay:
            ports = [urlsplit(server.address).port or 443 for server in (world.authentication, world.updates)]
            relays = [Relay(port, delay) for port in ports]
            # and so its issuer
            world.authentication.address = f"https://localhost:{relays[0].port}"
            updates = f"https://localhost:{relays[1].port}/updates"
        else:
            updates = world.updates.address
        authentication = world.authentication.address
        settings = Settings(
            authentication=authentication,
            updates=updates,
            ca_file=str(world.ca_file),
            proxy_mode=ProxyMode.NONE,
        )
        servers = Servers(Installation.locate({"IEA_AGENT_HOME": folder}))
        curl = (
            *("curl", "--silent", "--fail", "--parallel", "--parallel-immediate"),
            *("--cacert", str(world.ca_file)),
            *("--output", "/dev/null", f"{authentication}/.well-known/openid-configuration"),
            *("--output", "/dev/null", f"{updates}/metadata/timestamp.json"),
        )
        ours: list[float] = []
        theirs: list[float] = []
        for run in range(runs + 1):
            began = time.perf_counter()
            reports = servers.examine(settings)
            seconds = time.perf_counter() - began
            assert all(report.passed for report in reports), reports
            began = time.perf_counter()
            # several at once, it shows its progress even if told to be silent
            subprocess.run(curl, check=True, timeout=30, capture_output=True)
            if run:
                ours.append(seconds * 1000)
                theirs.append((time.perf_counter() - began) * 1000)
        return ours, theirs
