"""The version of a Windows program, read from its resources without Windows.

The form of the file is that of « PE Format » (Microsoft): headers, the table of sections, and a tree of resources whose leaf of type 16 is a
``VS_VERSIONINFO``. Every offset and size comes from the file, so each is checked against a limit.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from typing import Any

ReadPart = Callable[[int, int], bytes]
"""Returns the bytes of the file from an offset on, at most as many as asked for."""

LARGEST_RESOURCE = 64 * 1024
"""Bytes of a version resource that are looked at; those of most programs have 1,000."""
MOST_SECTIONS = 96
"""Windows loads no program with more."""
MOST_ENTRIES = 500
"""Entries of one folder of resources that are looked at."""
_VERSION_TYPE = 16
_SUBFOLDER = 0x8000_0000
_SIGNATURE = 0xFEEF04BD
_RESOURCES_AT = {0x10B: 96 + 2 * 8, 0x20B: 112 + 2 * 8}
"""Where the optional header says where the resources are, by its kind: 32 or 64 bits."""
# « 3.00.72 », as the sheets write it
_SHEET_FORM = re.compile(r"[0-9]{1,4}\.[0-9]{2,4}\.[0-9]{2,5}")
_ANY_FORM = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,5}){1,3}")
# « V72 », as people say it, and « V.3.01.002 »
_SHORT_FORM = re.compile(r"[Vv]\.?([0-9]{1,5})")
_LONG_FORM = re.compile(r"(?:[Vv]\.?)?([0-9]{1,5}(?:\.[0-9]{1,5}){1,3})")
SHORT_FORM_SERIES = (3, 0)
"""What « V72 » leaves out: it is the version 3.00.72."""


def find_program_version(read: ReadPart) -> str:
    """Return the version of the program as « 3.00.72 »; "" if it says none."""
    try:
        return _word_version(_find_resource(read))
    except (struct.error, _NotThere):
        return ""


def order_version(text: str) -> tuple[int, ...]:
    """Return what *text* is compared by: equal versions have equal tuples.

    It takes every form in which the product's versions are written: « 3.00.72 », « V72 », « V.3.01.002 ». Raises
    ``ValueError``.
    """
    if short := _SHORT_FORM.fullmatch(text):
        return *SHORT_FORM_SERIES, int(short[1])
    form = _LONG_FORM.fullmatch(text)
    if form is None:
        raise ValueError("no version")
    numbers = [int(number) for number in form[1].split(".")]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


class _NotThere(Exception):
    """The file is no program for Windows, or has no version."""


def _unpack(form: str, data: bytes, offset: int = 0) -> tuple[Any, ...]:
    return struct.unpack_from(f"<{form}", data, offset)


def _find_resource(read: ReadPart) -> bytes:
    """Return the version resource. Raises ``_NotThere`` or ``struct.error``."""
    (mark, header_at) = _unpack("2s58xI", read(0, 64))
    (signature, sections, optional_size) = _unpack("4s2xH12xH", read(header_at, 24))
    if mark != b"MZ" or signature != b"PE\0\0" or sections > MOST_SECTIONS:
        raise _NotThere
    optional = read(header_at + 24, 240)
    (kind,) = _unpack("H", optional)
    if kind not in _RESOURCES_AT:
        raise _NotThere
    (tree,) = _unpack("I", optional, _RESOURCES_AT[kind])
    table = read(header_at + 24 + optional_size, 40 * sections)
    places = [_unpack("8xIIII", table, 40 * number) for number in range(sections)]
    root = _find_in_file(places, tree)
    entry = root + _find_entry(read, root, _find_branches(read, root))
    (address, size) = _unpack("II", read(entry, 8))
    return read(_find_in_file(places, address), min(size, LARGEST_RESOURCE))


def _find_in_file(places: list[tuple[Any, ...]], address: int) -> int:
    """Return the offset in the file of *address* in memory. Raises ``_NotThere``."""
    for size_in_memory, begin, size, offset in places:
        if begin and begin <= address < begin + max(size_in_memory, size):
            return int(offset + address - begin)
    raise _NotThere


def _find_branches(read: ReadPart, root: int) -> int:
    """Return the offset, in the tree, of the folder of versions. Raises ``_NotThere``."""
    for identity, offset in _list_entries(read, root):
        if identity == _VERSION_TYPE and offset & _SUBFOLDER:
            return int(offset & ~_SUBFOLDER)
    raise _NotThere


def _find_entry(read: ReadPart, root: int, folder: int) -> int:
    """Return the offset, in the tree, of the first leaf two levels below *folder*."""
    for _level in range(2):
        entries = _list_entries(read, root + folder)
        if not entries:
            raise _NotThere
        folder = entries[0][1]
        if not folder & _SUBFOLDER:
            return folder
        folder &= ~_SUBFOLDER
    raise _NotThere


def _list_entries(read: ReadPart, folder: int) -> list[tuple[Any, ...]]:
    """Return the entries of a folder of resources: identity or name, and offset."""
    (named, numbered) = _unpack("12xHH", read(folder, 16))
    data = read(folder + 16, 8 * min(named + numbered, MOST_ENTRIES))
    return [_unpack("II", data, at) for at in range(0, len(data) - 7, 8)]


def _word_version(resource: bytes) -> str:
    """Return the version in a ``VS_VERSIONINFO``.

    What its maker wrote as text counts if it has the form of the sheets, else the number: that has no leading zeros.
    """
    texts = [_find_text(resource, name) for name in ("ProductVersion", "FileVersion")]
    written = next((text for text in texts if _SHEET_FORM.fullmatch(text)), "")
    return written or _format_number(resource) or next(filter(_ANY_FORM.fullmatch, texts), "")


def _find_text(resource: bytes, name: str) -> str:
    """Return the text *name* of the resource, "" if it has none."""
    key = f"{name}\0".encode("utf-16-le")
    found_at = resource.find(key)
    if found_at < 0 or found_at % 2:
        return ""
    # behind the key the value begins at a multiple of four
    begin = (found_at + len(key) + 3) // 4 * 4
    text = resource[begin : begin + 80].decode("utf-16-le", "replace")
    return text.partition("\0")[0].strip()


def _format_number(resource: bytes) -> str:
    """Return the number of the product, else of the file, as « 3.00.72 »; "" for none."""
    at = resource.find(_SIGNATURE.to_bytes(4, "little"))
    if at < 0 or len(resource) < at + 24:
        return ""
    file_high, file_low, product_high, product_low = _unpack("IIII", resource, at + 8)
    for high, low in ((product_high, product_low), (file_high, file_low)):
        if high or low:
            return f"{high >> 16}.{high & 0xFFFF:02}.{low >> 16:02}"
    return ""
