"""The first line of the standard input, in every encoding that programs write."""

from __future__ import annotations

import codecs
import os
from io import BytesIO

import pytest

from iea_agent.host.standard_input import LONGEST_LINE, detect_code_page, read_line

ENCODINGS = {
    "utf-8": ("utf-8", b""),
    "utf-8 with a mark": ("utf-8", codecs.BOM_UTF8),
    "utf-16-le": ("utf-16-le", codecs.BOM_UTF16_LE),
    "utf-16-be": ("utf-16-be", codecs.BOM_UTF16_BE),
}
# Ċ and ਊ hold the byte of a line feed in UTF-16
TEXT = "clé Ċ ਊ €"


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\r\nsecond line\r\n"], ids=ascii)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_first_line_is_read(encoding: str, end: str) -> None:
    name, mark = ENCODINGS[encoding]
    assert read_line(BytesIO(mark + (TEXT + end).encode(name))) == TEXT


def test_nothing_is_an_empty_line() -> None:
    assert read_line(BytesIO()) == ""
    assert read_line(BytesIO(b"\r\nsecond\r\n")) == ""


def test_a_code_page_is_the_last_guess() -> None:
    stream = BytesIO()
    text = "clé".encode(detect_code_page(stream))
    assert read_line(BytesIO(text + b"\r\n")) == "clé"


def test_a_line_without_end_is_cut() -> None:
    assert len(read_line(BytesIO(b"x" * (2 * LONGEST_LINE)))) == LONGEST_LINE


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_does_not_wait_for_more_than_the_line(encoding: str) -> None:
    """The other side keeps its end open, as a script does that waits for the answer."""
    name, mark = ENCODINGS[encoding]
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as other:
        other.write(mark + f"{TEXT}\r\n".encode(name))
        assert read_line(stream) == TEXT
