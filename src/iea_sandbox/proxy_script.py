"""The proxy script (PAC) that says which proxy leads where, and the ways it may be of no use."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from iea_sandbox.faults import FaultSwitch
from iea_sandbox.proxy import Proxy

PATH = "/proxy.pac"
OFFERED, OFFERED_PORT = "/wpad.dat", 80
"""Where every PC looks for it on the host `names.WPAD` of a network that offers one (WPAD)."""
_SLOW = 30.0  # seconds that it lets wait: longer than anybody waits for it


class ProxyScript:
    """Served as any web server would; it leads everything through the proxy."""

    def __init__(self, switch: FaultSwitch, proxy: Proxy) -> None:
        self._switch = switch
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if self._switch.on("pac-slow"):
            with suppress(TimeoutError):
                async with asyncio.timeout(_SLOW):
                    while (await receive())["type"] != "http.disconnect":
                        pass
        if self._switch.on("pac-missing") or scope["path"] not in (PATH, OFFERED):
            answer: Response = PlainTextResponse("Not Found", 404)
        else:
            answer = Response(self._text(), media_type="application/x-ns-proxy-autoconfig")
        await answer(scope, receive, send)

    def _text(self) -> str:
        says = "retrun (" if self._switch.on("pac-error") else "return"
        return f'function FindProxyForURL(url, host) {{ {says} "PROXY 127.0.0.1:{self._proxy.port}"; }}\n'
