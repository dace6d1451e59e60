"""The codings of a body (RFC 9110, section 8.4), undone within a limit.

The agent asks for none, but some servers and filters compress all the same. The limit bounds time and memory, too:
a few bytes may expand to gigabytes.
"""

from __future__ import annotations

import zlib

from .failures import UnusableAnswer

_GZIP = frozenset({"gzip", "x-gzip"})
_UNREADABLE = frozenset(
    {
        "br",
        "brotli",
        "zstd",
        "compress",
        "x-compress",
        "bzip2",
        "xz",
        "lzma",
        "lz4",
        "snappy",
        "exi",
        "sdch",
        "dcb",
        "dcz",
    }
)
"""Codings that compress and that Python 3.11 cannot undo."""
_MOST_CODINGS = 3
_MOST_MEMBERS = 10
"""Parts of a gzip body, each compressed by itself: servers send one."""


def undo_codings(body: bytes, field: str, limit: int) -> bytes:
    """Return *body* without the codings of the Content-Encoding *field*.

    A name of no coding ("UTF-8") says nothing about the body. Raises ``UnusableAnswer`` if the result has more than *limit* bytes, if it is
    damaged, or if a coding cannot be undone.
    """
    given = [name.strip().lower() for name in field.split(",")]
    codings = [name for name in given if name in _GZIP or name in _UNREADABLE or name == "deflate"]
    if len(codings) > _MOST_CODINGS or not _UNREADABLE.isdisjoint(codings):
        names = ", ".join(codings[: _MOST_CODINGS + 1])
        raise UnusableAnswer(f"compressed ({names}) although that was not asked for")
    for coding in reversed(codings):
        try:
            body = _expand_gzip(body, limit) if coding in _GZIP else _expand_deflate(body, limit)
        except zlib.error as error:
            raise UnusableAnswer(f"compressed ({coding}) and damaged: {error}") from None
    return body


def _expand_gzip(body: bytes, limit: int) -> bytes:
    # some servers send the field alone, and the body as it is
    expanded = b"" if body.startswith(b"\x1f\x8b") else body
    for _ in range(_MOST_MEMBERS):
        # what follows the last member is padding
        if not body.startswith(b"\x1f\x8b"):
            return expanded
        part, body = _expand(body, zlib.MAX_WBITS | 16, limit, len(expanded))
        expanded += part
    raise UnusableAnswer("compressed (gzip) in too many parts")


def _expand_deflate(body: bytes, limit: int) -> bytes:
    if body[:1] in (b"", b"{", b"["):
        return body
    try:
        return _expand(body, zlib.MAX_WBITS, limit)[0]
    except zlib.error:
        # without the header that RFC 1950 wants, as some servers send it
        return _expand(body, -zlib.MAX_WBITS, limit)[0]


def _expand(body: bytes, window: int, limit: int, used: int = 0) -> tuple[bytes, bytes]:
    """Return the expanded body and what follows it; *used* bytes of *limit* are."""
    stream = zlib.decompressobj(window)
    expanded = stream.decompress(body, limit - used + 1)
    if used + len(expanded) > limit:
        raise UnusableAnswer(f"longer than {limit} bytes once expanded")
    if not stream.eof:
        raise UnusableAnswer("compressed, and cut")
    return expanded, stream.unused_data
