"""The server of the pages: on this PC only, at a port that is free."""

from __future__ import annotations

import socket
import sys

import uvicorn

from iea_desk.web.desk_pages import DeskPages, DeskSources
from iea_desk.web.guard import Guard

_ADDRESS = "127.0.0.1"


class DeskServer:
    """Serves the pages over *sources* until it is told to stop."""

    def __init__(self, sources: DeskSources) -> None:
        self._socket = _listen()
        host = f"{_ADDRESS}:{self._socket.getsockname()[1]}"
        self._guard = Guard(DeskPages(sources).application, host)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                # it believes headers about who asks, by default
                proxy_headers=False,
                limit_concurrency=50,
                timeout_graceful_shutdown=2,
            )
        )

    @property
    def address(self) -> str:
        """The address to open, once."""
        return self._guard.address

    def run(self) -> None:
        """Serve until ``stop`` or Ctrl+C."""
        with self._socket:
            self._server.run([self._socket])

    def stop(self) -> None:
        """Have ``run`` return; it may be called from any thread."""
        self._server.should_exit = True


def _listen() -> socket.socket:
    # asyncio sends at once, without waiting for more, where the socket says that it is TCP
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if sys.platform == "win32":
        # or another program could take the port beside this one
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    listener.bind((_ADDRESS, 0))
    listener.listen()
    return listener
