"""The server of the pages: on this PC only, at a port that is free."""

from __future__ import annotations

import asyncio
import socket
import sys

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from iea_desk.web.desk_pages import DeskPages, DeskSources
from iea_desk.web.guard import Guard

_ADDRESS = "127.0.0.1"


HEAD_SECONDS = 10.0
"""How long a peer may take to send the head of a request; ``form_data`` limits the body."""


class _Connection(H11Protocol):
    """A connection that ends if no request comes in time: uvicorn waits for ever."""

    seconds = HEAD_SECONDS
    _end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request (asyncio)."""
        super().connection_made(transport)
        self._watch(is_waiting=True)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and wait for what is missing of a head (asyncio)."""
        super().data_received(data)
        self._watch(is_waiting=self.cycle is None or self.cycle.response_complete)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing more (asyncio)."""
        super().connection_lost(exc)
        self._watch(is_waiting=False)

    def _watch(self, *, is_waiting: bool) -> None:
        """Have the connection closed in time while it *is_waiting* for a head."""
        if self._end is not None and not is_waiting:
            self._end.cancel()
            self._end = None
        elif self._end is None and is_waiting:
            self._end = self.loop.call_later(self.seconds, self.transport.close)


class DeskServer:
    """Serves the pages over *sources* until it is told to stop."""

    def __init__(self, sources: DeskSources, head_seconds: float = HEAD_SECONDS) -> None:
        self._socket = _listen()
        host = f"{_ADDRESS}:{self._socket.getsockname()[1]}"
        self._guard = Guard(DeskPages(sources).application, host)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._guard,
                http=type("_Connection", (_Connection,), {"seconds": head_seconds}),
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="error",
                access_log=False,
                server_header=False,
                # it believes headers about who asks, by default
                proxy_headers=False,
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
