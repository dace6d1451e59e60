"""Programs for Windows, made by hand: headers and a version, nothing that runs."""

from __future__ import annotations

import struct
from collections.abc import Mapping

_TREE, _LEAF = 0x1000, 0x100
"""Where the resources are in memory, and the resource behind its tree."""


def make_program(version: bytes | None, bits: int = 64) -> bytes:
    """Return a program with the version resource *version*, or with no resource."""
    optional = struct.pack("<H", 0x20B if bits == 64 else 0x10B).ljust(112 if bits == 64 else 96, b"\0")
    optional += struct.pack("<IIIIII", 0, 0, 0, 0, _TREE if version is not None else 0, 0x1000)
    optional = optional.ljust(240 if bits == 64 else 224, b"\0")
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0x22)
    tree = _make_tree(version or b"")
    section = b".rsrc\0\0\0" + struct.pack("<IIII", len(tree), _TREE, len(tree), 0x400)
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 0x80)
    return (head.ljust(0x80, b"\0") + header + optional + section.ljust(40, b"\0")).ljust(0x400, b"\0") + tree


def _make_tree(version: bytes) -> bytes:
    def folder(identity: int, offset: int) -> bytes:
        return struct.pack("<12xHHII", 0, 1, identity, offset)

    # an icon stands before the version
    root = struct.pack("<12xHHIIII", 0, 2, 3, 0x8000_0080, 16, 0x8000_0020)
    tree = (
        root.ljust(0x20, b"\0")
        + folder(1, 0x8000_0040).ljust(0x20, b"\0")
        + folder(1036, 0x60).ljust(0x20, b"\0")
    )
    tree += struct.pack("<IIII", _TREE + _LEAF, len(version), 0, 0)
    return tree.ljust(_LEAF, b"\0") + version


def make_version(number: tuple[int, int, int, int], texts: Mapping[str, str]) -> bytes:
    """Return a ``VS_VERSIONINFO`` with *number* of file and product, and *texts*."""
    first, second, third, fourth = number
    high, low = first << 16 | second, third << 16 | fourth
    fixed = struct.pack("<IIIIII", 0xFEEF04BD, 0x10000, high, low, high, low).ljust(52, b"\0")
    strings = b"".join(
        _make_block(name, f"{text}\0".encode("utf-16-le"), len(text) + 1) for name, text in texts.items()
    )
    table = _make_block("040C04B0", strings, 0)
    return _make_block("VS_VERSION_INFO", fixed + _make_block("StringFileInfo", table, 0), len(fixed))


def _make_block(key: str, value: bytes, value_length: int) -> bytes:
    head = struct.pack("<HHH", 0, value_length, 1) + f"{key}\0".encode("utf-16-le")
    head = head.ljust((len(head) + 3) // 4 * 4, b"\0")
    block = (head + value).ljust((len(head) + len(value) + 3) // 4 * 4, b"\0")
    return struct.pack("<H", len(block)) + block[2:]
