"""Compressed bodies are read within a limit, and names of no coding are ignored."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest

from iea_agent.services.content_coding import undo_codings
from iea_agent.services.failures import UnusableAnswer
from iea_agent.services.https import Client
from iea_agent.services.messages import Request
from tests.services.conftest import Serve, page, says

TEXT = b'{"issuer": "https://auth.example"}'
LIMIT = 64 * 1024
DEFLATED = zlib.compress(TEXT)
BARE = DEFLATED[2:-4]
BOMB = gzip.compress(bytes(100_000_000))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (TEXT, ""),
        (TEXT, "identity"),
        (TEXT, "UTF-8"),
        (TEXT, "utf-8, application/json"),
        (TEXT, "none"),
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT), " GZIP "),
        (gzip.compress(TEXT), "x-gzip"),
        (gzip.compress(TEXT), "UTF-8, gzip"),
        (gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:]), "gzip"),
        (gzip.compress(TEXT) + bytes(512), "gzip"),
        (gzip.compress(gzip.compress(TEXT)), "gzip, gzip"),
        (gzip.compress(DEFLATED), "deflate, gzip"),
        (DEFLATED, "deflate"),
        (BARE, "deflate"),
        # the field alone
        (TEXT, "gzip"),
        (TEXT, "deflate"),
    ],
)
def test_a_body_is_read_whatever_it_is_wrapped_in(body: bytes, field: str) -> None:
    assert undo_codings(body, field, LIMIT) == TEXT


def test_a_name_of_no_coding_says_nothing_about_the_body() -> None:
    assert undo_codings(b"bonjour", "UTF-8, aws-chunked", LIMIT) == b"bonjour"


@pytest.mark.parametrize(("field"), ["gzip", "deflate"])
def test_an_empty_body_stays_empty(field: str) -> None:
    assert undo_codings(b"", field, LIMIT) == b""


@pytest.mark.parametrize(
    ("body", "field", "reason"),
    [
        (TEXT, "br", "compressed (br)"),
        (TEXT, "zstd", "compressed (zstd)"),
        (TEXT, "compress", "compressed (compress)"),
        (TEXT, "gzip, br", "compressed (gzip, br)"),
        (TEXT, "what it was sent, br", "compressed (br)"),
        (TEXT, ",".join(["gzip"] * 4), "compressed (gzip, gzip, gzip, gzip)"),
        (gzip.compress(TEXT)[:-12], "gzip", "compressed, and cut"),
        (gzip.compress(TEXT)[:-4] + b"xxxx", "gzip", "damaged"),
        (b"\xff" + DEFLATED, "deflate", "damaged"),
        (gzip.compress(TEXT) * 11, "gzip", "too many parts"),
        (BOMB, "gzip", f"longer than {LIMIT} bytes"),
        (gzip.compress(BOMB), "gzip, gzip", f"longer than {LIMIT} bytes"),
        (gzip.compress(bytes(LIMIT)) * 2, "gzip", f"longer than {LIMIT} bytes"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, field: str, reason: str) -> None:
    with pytest.raises(UnusableAnswer) as raised:
        undo_codings(body, field, LIMIT)
    assert reason in str(raised.value)


def test_a_bomb_costs_the_limit_not_what_it_swells_to() -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnusableAnswer):
            undo_codings(BOMB, "gzip", LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * LIMIT


def test_a_compressed_answer_is_read_over_the_network(serve: Serve) -> None:
    server = serve(says(page("200 OK", gzip.compress(TEXT), "Content-Encoding: gzip")))
    with Client() as client:
        assert client.request(Request("GET", server.address)).body == TEXT
