"""The middleware before each server: it records, dates and replaces answers."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from email.utils import formatdate
from html import escape
from time import time

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iea_sandbox.faults import ActiveFault, FaultSwitch, Layer, ServerName
from iea_sandbox.record import Record, RecordedRequest

_BODY_LIMIT = 64 * 1024  # bytes of a request's body that are recorded


@dataclass
class FaultMiddleware:
    """ASGI middleware that records each request, and answers it itself during a fault."""

    app: ASGIApp
    name: ServerName
    switch: FaultSwitch
    requests: Record[RecordedRequest]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        body = b""
        messages: list[Message] = []
        while not messages or messages[-1].get("more_body"):
            messages.append(await receive())
            body += messages[-1].get("body", b"")[: _BODY_LIMIT - len(body)]

        broken = self.switch.broken
        query = scope["query_string"]
        target = (scope["raw_path"] + (b"?" + query if query else b"")).decode("ascii", "replace")
        active = self.switch.fault_in(Layer.ANSWER)
        if active and active.options.at not in target:
            active = None
        self.requests.add(
            RecordedRequest(
                server=self.name,
                fault=broken.fault.name if broken else "",
                method=scope["method"],
                target=target,
                headers={key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]},
                body=body,
                secure=scope["scheme"] == "https",
            )
        )

        name = active.fault.name if active else ""
        skew = active.options.days * 86_400 if active and name == "wrong-clock" else 0
        app: ASGIApp = self.app
        if name == "compressed":
            app = _Compressed(app)
        elif active and name != "wrong-clock":
            app = render_answer(active)

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = formatdate(time() + skew, usegmt=True).encode("ascii")
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await app(scope, replay, dated)


@dataclass
class _Compressed:
    """ASGI middleware that compresses the answer, whatever the client accepts."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        head: Message = {}

        async def collect(message: Message) -> None:
            nonlocal body, head
            if message["type"] == "http.response.start":
                head = message
                return
            body += message.get("body", b"")
            if not message.get("more_body"):
                packed = gzip.compress(body)
                headers = [(name, value) for name, value in head["headers"] if name != b"content-length"]
                headers += [(b"content-encoding", b"gzip"), (b"content-length", str(len(packed)).encode())]
                await send({**head, "headers": headers})
                await send({"type": "http.response.body", "body": packed})

        await self.app(scope, receive, collect)


def _page(title: str, text: str) -> str:
    return (
        f'<!doctype html>\n<html lang="fr"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><h1>{escape(title)}</h1><p>{escape(text)}</p></body></html>\n"
    )


# by status: title and text, as a reverse proxy words them
_PAGES = {
    "301": ("301 Moved Permanently", "The document has moved."),
    "302": ("302 Found", "Sign in to continue."),
    "401": ("401 Unauthorized", "Authorization required."),
    "403": ("403 Forbidden", "You do not have access to this resource."),
    "404": ("404 Not Found", "No such page."),
    "407": ("407 Proxy Authentication Required", "The proxy wants a user and a password."),
    "408": ("408 Request Time-out", "Your browser did not send a complete request in time."),
    "431": ("431 Request Header Fields Too Large", "A header of the request is too large."),
    "429": ("429 Too Many Requests", "Slow down."),
    "500": ("500 Internal Server Error", "The server met an unexpected condition."),
    "502": ("502 Bad Gateway", "The server behind answered nonsense."),
    "503": ("503 Service Unavailable", "The server is overloaded."),
    "504": ("504 Gateway Time-out", "The server behind did not answer in time."),
}

_OTHER_PAGES = {
    "web-page": ("Bienvenue sur notre site", "Retrouvez ici l’actualité de notre association.", 200),
    "block-page": (
        "Request Rejected",
        "The requested URL was rejected. Please consult with your administrator.",
        200,
    ),
    "closed-page": ("Site en maintenance", "Nos services sont fermés pour quelques heures.", 200),
    "captcha": (
        "Attention Required! | Cloudflare",
        "Please complete the security check to access this site.",
        503,
    ),
    "front-400": ("Invalid URL", 'The requested URL "[no URL]", is invalid. Reference #9.1d2e3f.1', 400),
}
"""By fault: title, text and status of a page that somebody else puts there."""

_HEADERS = {
    "401": {"WWW-Authenticate": 'Basic realm="frontal"'},
    "407": {"Proxy-Authenticate": 'Basic realm="mandataire"'},
    "408": {"Connection": "close"},
    "429": {"Retry-After": "30"},
}


def render_answer(broken: ActiveFault) -> Response:
    """Return the response of an "answer" fault. Raises KeyError for another layer's."""
    name, options = broken.fault.name, broken.options
    if name in _OTHER_PAGES:
        title, text, status = _OTHER_PAGES[name]
        return HTMLResponse(_page(title, text), status)
    match name:
        case "another-service":
            return JSONResponse({"status": "UP", "service": "imprimante"})
        case "maintenance":
            text = "Le service est en cours de maintenance. Il sera de retour dans quelques minutes."
            later = {"Retry-After": str(600 if options.retry_after is None else options.retry_after)}
            return HTMLResponse(_page("Maintenance en cours", text), 503, later)
        case "to-closed-page":
            return RedirectResponse("/maintenance.html", 302)
        case "cookie-check":
            return RedirectResponse("?vu=1", 302, {"Set-Cookie": "vu=1; Path=/"})
        case "301" | "302":
            headers = {"Location": options.location}
        case _:
            headers = _HEADERS.get(name, {})
    if options.retry_after is not None:
        headers = headers | {"Retry-After": str(options.retry_after)}
    return HTMLResponse(_page(*_PAGES[name]), int(name), headers)
