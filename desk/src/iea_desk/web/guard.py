"""Who may ask for a page: the browser that was given the address, nobody else.

Another program on this PC, another person's, or a page of the internet in the same browser could ask, too. The address that ``iea-desk web`` opens
holds a ticket that is good once; it leads to the pages, whose path nobody can guess. No cookie is used: browsers send those to every port
of this PC.
"""

from __future__ import annotations

import secrets
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs

from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from iea_desk.web.frame import render_refusal

TICKET = "jeton"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    # "no-referrer" would have the browser send a form without its origin
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What stands in every answer: nothing from elsewhere, nothing kept, in no frame."""
_METHODS = ("GET", "HEAD", "POST")
MOST_REQUESTS = 50
"""How many requests are answered at the same time."""


class Guard:
    """Passes to *app* what comes from the browser of the person at the desk."""

    def __init__(self, app: ASGIApp, host: str) -> None:
        self._app = app
        self._host = host
        self._ticket = secrets.token_urlsafe(24)
        self._folder = secrets.token_urlsafe(24)
        self._is_ticket_used = False
        self._running = 0

    @property
    def address(self) -> str:
        """The address that opens the pages, once."""
        return f"http://{self._host}/?{TICKET}={self._ticket}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *headers]}
            await send(message)

        refusal = self._judge(scope)
        if refusal is not None:
            await refusal(scope, receive, send_with_headers)
            return
        inside: MutableMapping[str, Any] = {**scope, "root_path": f"/{self._folder}"}
        self._running += 1
        try:
            await self._app(inside, receive, send_with_headers)
        finally:
            self._running -= 1

    def _judge(self, scope: Scope) -> Response | None:
        """Return the answer to whom is not let through, None for the others."""
        names = [value for name, value in scope["headers"] if name == b"host"]
        # a foreign name that leads to this PC (DNS rebinding) has another host
        if names != [self._host.encode()]:
            return _refuse(421, "Cette adresse n'est pas celle de iea-desk.")
        if scope["method"] not in _METHODS:
            return _refuse(405, "Cette page ne fait que montrer et recevoir.")
        if scope["path"] == "/":
            return self._take_ticket(scope["query_string"], is_looked_at=scope["method"] != "GET")
        folder = scope["path"].partition("/")[2].partition("/")[0]
        if not _is_same(folder, self._folder):
            return _refuse(403, _UNKNOWN)
        if scope["method"] == "POST" and not self._is_own(scope):
            return _refuse(403, "Ce formulaire ne vient pas de cette page : rien n'est fait.")
        if self._running >= MOST_REQUESTS:
            return _refuse(503, _BUSY)
        return None

    def _take_ticket(self, query: bytes, *, is_looked_at: bool) -> Response:
        tickets = parse_qs(query[:500].decode("latin-1")).get(TICKET, [""])
        if not _is_same(tickets[0], self._ticket):
            return _refuse(403, _UNKNOWN)
        if self._is_ticket_used:
            return _refuse(403, _USED)
        # what checks links asks for heads only, and must not use the address up
        if is_looked_at:
            return _refuse(405, "Cette adresse s'ouvre dans un navigateur.")
        self._is_ticket_used = True
        return RedirectResponse(f"/{self._folder}/", 303)

    def _is_own(self, scope: Scope) -> bool:
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        return origins == [f"http://{self._host}".encode()]


_BUSY = f"Plus de {MOST_REQUESTS} pages sont demandées en même temps. Attendez une minute, puis rechargez cette page."
_UNKNOWN = "Cette page n'est ouverte qu'au navigateur que iea-desk web a ouvert : reprenez-la là, ou relancez iea-desk web."
_USED = "Cette adresse a déjà servi, et ne sert qu'une fois : reprenez la page dans l'historique du navigateur, ou relancez iea-desk web."


def _is_same(given: str, secret: str) -> bool:
    """Compare in a time that says nothing about *secret*."""
    return secrets.compare_digest(given.encode("utf-8", "replace"), secret.encode())


def _refuse(status: int, sentence: str) -> Response:
    return HTMLResponse(render_refusal(sentence), status)
