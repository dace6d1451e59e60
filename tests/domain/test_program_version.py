"""The version of a program: files made by hand, damaged ones, and the real Python."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.program_version import LARGEST_RESOURCE, find_program_version, order_version
from tests.programs import make_program, make_version


def version_of(data: bytes) -> str:
    return find_program_version(lambda offset, size: data[offset : offset + size])


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    ("number", "texts", "version"),
    [
        ((3, 0, 72, 0), {}, "3.00.72"),
        ((3, 0, 72, 0), {"ProductVersion": "3.00.73"}, "3.00.73"),
        ((3, 0, 5, 1), {"FileVersion": "3, 0, 5, 1", "ProductVersion": "3.0"}, "3.00.05"),
        ((0, 0, 0, 0), {"ProductVersion": "3.0"}, "3.0"),
        ((0, 0, 0, 0), {"ProductVersion": "bêta"}, ""),
        ((3, 0, 72, 0), {"FileVersion": "3.00.72"}, "3.00.72"),
    ],
)
def test_the_version_is_that_of_the_sheets(
    bits: int, number: tuple[int, int, int, int], texts: dict[str, str], version: str
) -> None:
    assert version_of(make_program(make_version(number, texts), bits)) == version


def test_a_program_without_a_version_has_none() -> None:
    assert version_of(make_program(None)) == ""
    for data in (b"", b"MZ", b"#!/bin/sh\n", bytes(5000)):
        assert version_of(data) == ""


WHOLE = make_program(make_version((3, 0, 72, 0), {"ProductVersion": "3.00.72"}))


def test_a_file_that_is_cut_off_raises_nothing() -> None:
    assert {version_of(WHOLE[:size]) for size in range(len(WHOLE))} <= {"", "3.00.72"}


@given(some.dictionaries(some.integers(0, len(WHOLE) - 1), some.integers(0, 255), min_size=1, max_size=8))
def test_a_damaged_file_raises_nothing_and_is_not_read_far(damage: dict[int, int]) -> None:
    data = bytearray(WHOLE)
    for at, byte in damage.items():
        data[at] = byte
    asked = []

    def read_part(offset: int, size: int) -> bytes:
        asked.append(size)
        return bytes(data[offset : offset + size])

    version = find_program_version(read_part)
    assert len(version) <= 20
    assert len(asked) <= 12
    assert max(asked) <= LARGEST_RESOURCE


@pytest.mark.windows
def test_it_is_what_windows_says_of_python() -> None:
    data = Path(sys.executable).read_bytes()
    major, minor, micro = sys.version_info[:3]
    assert version_of(data).startswith(f"{major}.{minor}")
    assert ask_windows(sys.executable)[:2] == (major, minor)
    # Python numbers its files « 3.13.5150.1013 »
    assert version_of(data) in (f"{major}.{minor}.{micro}", "{}.{}.{}".format(*ask_windows(sys.executable)))


def test_versions_are_compared_in_every_form_that_people_write() -> None:
    rising = ["2.9", "3.00.09", "V70", "3.00.72", "v.73", "3.00.100", "V.3.01.002", "3.1.3", "10.0"]
    assert sorted(rising, key=order_version) == rising
    assert order_version("V72") == order_version("3.00.72") == order_version("V3.0.72.0") == (3, 0, 72)
    assert order_version("0.2.0") == order_version("0.2") < order_version("0.2.1")


@pytest.mark.parametrize(
    "text", ["", "72", "V", "3.00.72b", "3..1", "1.2.3.4.5", "3.00.123456", "3.00.72\n", "٣.٠"]
)
def test_what_is_no_version_has_no_order(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        order_version(text)


def ask_windows(path: str) -> tuple[int, int, int]:
    """Return the version of the product at *path*, as Windows reads it."""
    if sys.platform != "win32":
        raise NotImplementedError
    import ctypes

    library = ctypes.WinDLL("version")
    size = library.GetFileVersionInfoSizeW(path, None)
    block, value, length = ctypes.create_string_buffer(size), ctypes.c_void_p(), ctypes.c_uint()
    assert library.GetFileVersionInfoW(path, 0, size, block)
    assert library.VerQueryValueW(block, "\\", ctypes.byref(value), ctypes.byref(length))
    assert value.value is not None
    high, low = struct.unpack_from("<II", ctypes.string_at(value.value, length.value), 16)
    return high >> 16, high & 0xFFFF, low >> 16
