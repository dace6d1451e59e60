"""The proxy script (PAC) that names the sandbox's proxy, and its faults."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from iea_sandbox.faults import FaultSwitch
from iea_sandbox.proxy import Proxy

PATH = "/proxy.pac"
OFFERED, OFFERED_PORT = "/wpad.dat", 80
"""Path and port at which a PC looks for it on the host ``name_server.WPAD`` (WPAD)."""
_SLOW = 30.0  # seconds until it answers: longer than any client waits


@dataclass
class ProxyScriptServer:
    """ASGI application that serves the script; it sends everything through *proxy*."""

    switch: FaultSwitch
    proxy: Proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if self.switch.on("pac-slow"):
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLOW):
                    while (await receive())["type"] != "http.disconnect":
                        pass
        if self.switch.on("pac-missing", "pac-lost") or scope["path"] not in (PATH, OFFERED):
            answer: Response = PlainTextResponse("Not Found", 404)
        else:
            answer = Response(self._render(), media_type="application/x-ns-proxy-autoconfig")
        await answer(scope, receive, send)

    def _render(self) -> str:
        keyword = "retrun (" if self.switch.on("pac-error") else "return"
        return f'function FindProxyForURL(url, host) {{ {keyword} "PROXY 127.0.0.1:{self.proxy.port}"; }}\n'
