"""A forward proxy on loopback, to the sandbox's servers only, and its faults."""

from __future__ import annotations

import asyncio
import hashlib
import re
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
_NONCE = secrets.token_hex(8)
_DIGEST = (
    f'Proxy-Authenticate: Digest realm="mandataire", qop="auth", nonce="{_NONCE}", algorithm=SHA-256\r\n'
)
_WINDOWS = "Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n"

_REFUSALS = {
    "proxy-ntlm": ("407 Proxy Authentication Required", _WINDOWS),
    "proxy-bearer": ("407 Proxy Authentication Required", "Proxy-Authenticate: Bearer\r\n"),
    "proxy-forbids": ("403 Forbidden", ""),
    "proxy-lost": ("503 Service Unavailable", ""),
    "proxy-late": ("504 Gateway Timeout", ""),
    "proxy-name-unknown": ("503 Service Unavailable", "X-Squid-Error: ERR_DNS_FAIL 0\r\n"),
    "proxy-website": ("405 Not Allowed", "Server: nginx\r\n"),
    "proxy-box": ("403 Forbidden", "Server: Livebox\r\n"),
    "proxy-page": ("302 Found", "Location: https://portail.example/connexion\r\n"),
    "proxy-busy": ("429 Too Many Requests", "Retry-After: 30\r\n"),
}
"""The answer, and its fields, of each fault that lets nobody through."""


class Proxy:
    """A proxy on 127.0.0.1, for one event loop; ``requests`` has the request lines."""

    def __init__(self, switch: FaultSwitch) -> None:
        self.port = 0
        self.requests: Record[str] = Record()
        self._switch = switch
        self._listener: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Take a free port, always the same, and accept unless "proxy-stopped" is on."""
        # a bound socket that does not listen refuses connections
        self._listener, *others = await bind(self.port, patience=2)
        # the one at ::1: the address to configure is that of IPv4
        for other in others:
            other.close()
        self.port = self._listener.getsockname()[1]
        if not self._switch.on("proxy-stopped"):
            self._server = await asyncio.start_server(self._accepted, sock=self._listener, limit=_HEAD_LIMIT)

    async def adapt(self) -> None:
        """Apply the fault that is switched on, and close the present connections."""
        await self.close()
        await self.open()

    async def close(self) -> None:
        """Close the port and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        elif self._listener is not None:
            self._listener.close()
        tasks = list(self._serving)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # asyncio starts one for each connection
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, asyncio.CancelledError):
            pass  # the client left or sent nonsense; asyncio would log being cancelled as an error
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
        # by address: "localhost" would be tried at ::1 first, which INSIDE cannot reach
        async with asyncio.timeout(_PATIENCE):
            onward_reader, onward = await asyncio.open_connection(
                "127.0.0.1", parts.port or 80, local_addr=(INSIDE, 0)
            )
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
                passed_on = [f for f in fields if not f.lower().startswith(("proxy-", "connection:"))]
                onward.write(
                    "\r\n".join(
                        [f"{method} {path} HTTP/1.1", *passed_on, "Connection: close\r\n\r\n"]
                    ).encode("latin-1")
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
        """Return the answer that refuses a request; b"" if it may pass."""
        name = self._switch.broken.fault.name if self._switch.broken else ""
        if name in _REFUSALS:
            return _answer(*_REFUSALS[name])
        expected = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
        right = secrets.compare_digest(headers.get("proxy-authorization", "").encode(), expected.encode())
        if name == "proxy-password-refused-401" and "proxy-authorization" in headers:
            return _answer("401 Unauthorized", _BASIC.replace("Proxy", "WWW"))
        if name.startswith("proxy-password-refused") or (name == "proxy-password" and not right):
            return _answer("407 Proxy Authentication Required", _BASIC)
        if name == "proxy-digest" and not _is_right_digest(headers.get("proxy-authorization", "")):
            return _answer("407 Proxy Authentication Required", _DIGEST)
        if name == "proxy-anonymous" and "user-agent" not in headers:
            return _answer("403 Forbidden")
        return b"" if host in HOSTS else _answer(*_REFUSALS["proxy-lost"])


def _is_right_digest(authorization: str) -> bool:
    """Return whether *authorization* proves the password (RFC 7616)."""
    fields = dict(re.findall(r'(\w+)="?([^",]*)"?', authorization.removeprefix("Digest ")))

    def digest(*parts: str) -> str:
        return hashlib.sha256(":".join(parts).encode()).hexdigest()

    counted = (fields.get("nc", ""), fields.get("cnonce", ""), "auth")
    asked = digest("CONNECT", fields.get("uri", ""))
    expected = digest(digest(USER, "mandataire", PASSWORD), _NONCE, *counted, asked)
    return secrets.compare_digest(fields.get("response", "").encode(), expected.encode())


def _answer(status: str, headers: str = "") -> bytes:
    body = f"<html><body><h1>{status}</h1>Le mandataire du bac à sable ne laisse pas passer.</body></html>".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        f"Connection: close\r\n{headers}\r\n"
    )
    return head.encode("utf-8") + body


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy everything from *source* to *sink*, and then its end."""
    try:
        while data := await source.read(64 * 1024):
            sink.write(data)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.close()  # one of the two has gone
