"""What a browser sends with a form, within the limits of a request."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from iea_desk.keys import DeskError
from iea_desk.request_files import LARGEST_MESSAGE

LARGEST_BODY = LARGEST_MESSAGE + 200_000
"""Bytes of a form: one request, the fields beside it and what is between them."""
_LARGEST_IGNORED = 500_000_000
"""Bytes of a larger one that are received and forgotten, so that the browser hears why it was refused."""
_SECONDS = 60.0
_MOST_FIELDS = 20
_LONGEST_HEAD = 2000
_BOUNDARY = re.compile(r'boundary="?([!-~]{1,200}?)"?(?:;|$)', re.IGNORECASE)
_NAME = re.compile(r'\bname="([^"]{0,100})"', re.IGNORECASE)
_FILE_NAME = re.compile(r'\bfilename="', re.IGNORECASE)


class FormRefused(DeskError):
    """A form that is too large or no form; *status* is HTTP's."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class FormData:
    """The *fields* by name, and the content of the *file*, empty for none."""

    fields: dict[str, str] = field(default_factory=dict)
    file: bytes = b""


async def receive_form(request: Request) -> FormData:
    """Return what *request* holds. Raises ``FormRefused``, ``ClientDisconnect``."""
    try:
        async with asyncio.timeout(_SECONDS):
            body = await _receive_body(request)
    except TimeoutError:
        raise FormRefused("Le navigateur n'a pas tout envoyé : recommencez.", 408) from None
    return parse_form(request.headers.get("content-type", ""), body)


async def _receive_body(request: Request) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > _LARGEST_IGNORED:
            raise ClientDisconnect
        if size <= LARGEST_BODY:
            parts.append(part)
        else:
            parts.clear()
    if size > LARGEST_BODY:
        raise FormRefused(
            f"Refusé : plus de {LARGEST_MESSAGE // 1_000_000} Mo, ce n'est pas une demande d'assistance.", 413
        )
    return b"".join(parts)


def parse_form(content_type: str, body: bytes) -> FormData:
    """Return the form in *body*. Raises ``FormRefused``."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            pairs = parse_qsl(
                body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS
            )
        except ValueError:
            raise _unreadable() from None
        return FormData({name: _set_lines(text) for name, text in pairs})
    boundary = _BOUNDARY.search(content_type[:400])
    if kind != "multipart/form-data" or boundary is None:
        raise FormRefused("Le navigateur n'a pas envoyé de formulaire.", 415)
    return _parse_parts(body, boundary[1].encode())


def _parse_parts(body: bytes, boundary: bytes) -> FormData:
    """Return the form in the parts of *body* (RFC 7578)."""
    parts = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_FIELDS)
    # the last one is what follows the end
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise _unreadable()
    fields: dict[str, str] = {}
    file = b""
    for part in parts[1:-1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        name = _NAME.search(head[:_LONGEST_HEAD].decode("utf-8", "replace"))
        if not separator or name is None or len(head) > _LONGEST_HEAD:
            raise _unreadable()
        if _FILE_NAME.search(head.decode("utf-8", "replace")):
            file = file or content
        else:
            fields[name[1]] = _set_lines(content.decode("utf-8", "replace"))
    return FormData(fields, file)


def _set_lines(text: str) -> str:
    """Return *text* with the line ends that a browser has made longer."""
    return text.replace("\r\n", "\n")


def _unreadable() -> FormRefused:
    return FormRefused("Ce formulaire est illisible.", 400)
