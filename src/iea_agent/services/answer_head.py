"""The head of an answer, without the lines that are no header fields.

One malformed line among good ones (no colon, a blank in the name) is the server's fault, and no reason to refuse the answer: browsers and curl
skip it too. h11, below httpcore, would refuse all of it.
"""

from __future__ import annotations

import re

_LONGEST = 64 * 1024
"""Bytes of a head that are looked at."""
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:([^\x00\r\x0b\x0c]*)\r?")
_BLANK_LINE = re.compile(rb"\n\r?\n")


class AnswerHead:
    """Filters what a connection receives; each request begins a new head."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._is_open = False

    def begin(self) -> None:
        """Expect the head of an answer: a request is being sent."""
        self._held.clear()
        self._is_open = True

    def take(self, received: bytes) -> bytes:
        """Return what may be parsed; b"" if the head goes on, or the connection ended."""
        if not self._is_open:
            return received
        looked_at = max(len(self._held) - 2, 0)
        self._held += received
        usable = bytearray()
        while self._is_open and (end := _BLANK_LINE.search(self._held, looked_at)):
            head = _drop_malformed(bytes(self._held[: end.end()]))
            usable += head
            del self._held[: end.end()]
            looked_at = 0
            # an answer in between (RFC 9110, section 15.2): the head of the real one follows
            self._is_open = re.match(rb"HTTP/\S+ 1\d\d", head) is not None
        is_http = self._held.startswith(b"HTTP/"[: len(self._held)])
        if self._is_open and received and is_http and len(self._held) <= _LONGEST:
            return bytes(usable)
        self._is_open = False
        usable += self._held
        self._held.clear()
        return bytes(usable)


def _drop_malformed(head: bytes) -> bytes:
    """Return *head* without its malformed lines, and no blank before a colon."""
    if not head.startswith(b"HTTP/"):
        return head
    first, *lines = head.split(b"\n")
    sound = [first]
    # a line that begins with a blank goes on with the one before (RFC 9112, section 5.2)
    goes_on = False
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is not None:
            sound.append(field[1] + b":" + field[2])
        elif line in (b"", b"\r") or (goes_on and line[:1] in (b" ", b"\t")):
            sound.append(line)
        else:
            goes_on = False
            continue
        goes_on = True
    return b"\n".join(sound)
