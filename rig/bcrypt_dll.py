"""A bcryptprimitives.dll for Wine 8, which lacks it.

Its one function, ProcessPrng, is forwarded to Wine's own generator of random numbers. Rust's standard library and
``cryptography`` call it. A real Windows needs none of this.
"""

from __future__ import annotations

import struct

FILE_NAME = "bcryptprimitives.dll"

_NAME = b"ProcessPrng\0"
_FORWARD = b"ADVAPI32.SystemFunction036\0"  # RtlGenRandom: the same arguments, the same answer
_HEADERS = 0x200  # size of the headers in the file
_SECTION = 0x1000  # address of the one section, relative to the image


def forwarding_dll() -> bytes:
    """Return a 64-bit DLL without code.

    An export whose address lies inside the export directory is a forwarder (PE format, section 6.3.2).
    """
    dll_name = FILE_NAME.encode() + b"\0"
    functions = _SECTION + 40  # behind the directory: one address, one name, one ordinal, then the strings
    names, ordinals, forward = functions + 4, functions + 8, functions + 10
    name = forward + len(_FORWARD)
    table = struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, name + len(_NAME), 1, 1, 1, functions, names, ordinals)
    table += struct.pack("<IIH", forward, name, 0) + _FORWARD + _NAME + dll_name
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)  # AMD64, executable, large addresses, DLL
    optional = struct.pack("<HBBIIIII", 0x20B, 14, 0, 0, 0x200, 0, 0, _SECTION)
    optional += struct.pack("<QIIHHHHHH", 0x180000000, 0x1000, 0x200, 6, 0, 0, 0, 6, 0)
    optional += struct.pack("<IIIIHH", 0, 0x2000, _HEADERS, 0, 3, 0x100)
    optional += struct.pack("<QQQQII", 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    optional += struct.pack("<II", _SECTION, len(table)) + bytes(8 * 15)  # data directories: exports only
    section = struct.pack(
        "<8sIIIIIIHHI", b".edata", len(table), _SECTION, 0x200, _HEADERS, 0, 0, 0, 0, 0x40000040
    )
    headers = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + coff + optional + section
    return headers.ljust(_HEADERS, b"\0") + table.ljust(0x200, b"\0")
