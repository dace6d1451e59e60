"""A forward proxy on loopback (CONNECT and plain http) that leads to the sandbox's servers and nowhere else, and the ways it may be in the way."""

from __future__ import annotations

import asyncio
import secrets
import socket
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import urlsplit

from iea_sandbox.authority import HOSTS
from iea_sandbox.faults import FaultSwitch
from iea_sandbox.listener import INSIDE, bind
from iea_sandbox.record import Record

USER = "mandataire"
PASSWORD = "M0t-2-passe"  # noqa: S105  # of no use elsewhere, like the licences
_HEAD_LIMIT = 64 * 1024
_PATIENCE = 10.0  # seconds for a request to come, and for a server to let the proxy in

_BASIC = 'Proxy-Authenticate: Basic realm="mandataire du bac à sable"\r\n'
_WINDOWS = "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"


class Proxy:
    """Listens on 127.0.0.1. *requests* are the request lines that it got; all methods belong to one event loop."""

    def __init__(self, switch: FaultSwitch) -> None:
        self.port = 0
        self.requests: Record[str] = Record()
        self._switch = switch
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take a free port and accept."""
        await self._bind()
        await self._listen()

    async def adapt(self) -> None:
        """Act on the switch's present position. Connections made before are closed."""
        await self._stop()
        if not self._switch.on("proxy-stopped"):
            await self._listen()

    async def close(self) -> None:
        """Close the port and every connection."""
        await self._stop(rebind=False)

    async def _bind(self) -> None:
        """A socket that is bound and does not listen refuses connections and keeps the port ours."""
        self._listener, *others = await bind(self.port, patience=2)
        for other in others:  # ::1: what is configured is the address of IPv4
            other.close()
        self.port = self._listener.getsockname()[1]

    async def _listen(self) -> None:
        assert self._listener is not None  # noqa: S101  # bound in open()
        self._server = await asyncio.start_server(self._accepted, sock=self._listener, limit=_HEAD_LIMIT)

    async def _stop(self, *, rebind: bool = True) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        elif self._listener is not None:
            self._listener.close()
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if rebind:
            await self._bind()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio starts one for each connection
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the client left or talked nonsense: its affair
        except asyncio.CancelledError:
            pass  # asyncio would report it as an error of ours
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._switch.on("proxy-silent"):
            await asyncio.get_running_loop().create_future()  # until cancelled
        async with asyncio.timeout(_PATIENCE):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *fields = head.removesuffix("\r\n\r\n").split("\r\n")
        self.requests.add(line)
        if self._switch.on("proxy-closed"):
            return
        headers = {
            name.strip().lower(): value.strip() for name, _, value in (f.partition(":") for f in fields)
        }
        method, target, _ = line.split(" ")
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        refused = self._refusal(headers, parts.hostname)
        if refused:
            writer.write(refused)
            await writer.drain()
            return
        # by name, "localhost" would be tried at ::1 first, where this end cannot start from
        async with asyncio.timeout(_PATIENCE):
            onward_reader, onward = await asyncio.open_connection(
                "127.0.0.1", parts.port or 80, local_addr=(INSIDE, 0)
            )
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                kept = [f for f in fields if not f.lower().startswith(("proxy-", "connection:"))]
                onward.write(
                    "\r\n".join([f"{method} {path} HTTP/1.1", *kept, "Connection: close\r\n\r\n"]).encode(
                        "latin-1"
                    )
                )
            back = asyncio.ensure_future(_pour(onward_reader, writer))
            try:
                await _pour(reader, onward)
                await back
            finally:
                back.cancel()
        finally:
            onward.close()

    def _refusal(self, headers: Mapping[str, str], host: str | None) -> bytes:
        """The answer that lets nobody through; empty where the way is free."""
        if self._switch.on("proxy-ntlm"):
            return _answer("407 Proxy Authentication Required", _WINDOWS)
        known = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        right = secrets.compare_digest(headers.get("proxy-authorization", "").encode(), known.encode())
        if self._switch.on("proxy-password-refused") or (self._switch.on("proxy-password") and not right):
            return _answer("407 Proxy Authentication Required", _BASIC)
        if self._switch.on("proxy-forbids"):
            return _answer("403 Forbidden")
        if self._switch.on("proxy-lost") or host not in HOSTS:
            return _answer("503 Service Unavailable")
        return b""


def _answer(status: str, headers: str = "") -> bytes:
    body = f"<html><body><h1>{status}</h1>Le mandataire du bac à sable ne laisse pas passer.</body></html>".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n{headers}\r\n"
    )
    return head.encode("utf-8") + body


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Everything from one end to the other, its end included."""
    try:
        while data := await source.read(64 * 1024):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.close()  # one of the two has gone
