"""Checks that the version folder holds every library that its programs name.

Under Wine a missing library stays unseen: Wine brings its own msvcp140.dll, a clean Windows has none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

# fmt: off
WINDOWS_OWN = frozenset((
    "advapi32.dll", "bcrypt.dll", "bcryptprimitives.dll", "comctl32.dll", "comdlg32.dll", "crypt32.dll",
    "dwmapi.dll", "gdi32.dll", "gdiplus.dll", "imm32.dll", "iphlpapi.dll", "kernel32.dll", "mpr.dll",
    "msimg32.dll", "msvcrt.dll", "ntdll.dll", "ole32.dll", "oleacc.dll", "oleaut32.dll", "powrprof.dll",
    "propsys.dll", "rpcrt4.dll", "secur32.dll", "shell32.dll", "shlwapi.dll", "user32.dll", "userenv.dll",
    "uxtheme.dll", "version.dll", "winhttp.dll", "wininet.dll", "winmm.dll", "winspool.drv", "ws2_32.dll",
))
# fmt: on
"""Libraries that every Windows since 10 has."""
WINDOWS_OWN_BEGINNINGS = ("api-ms-win-core-", "api-ms-win-crt-", "ext-ms-win-")
"""How the names of Windows' interface sets begin; the C library is one of them since 10."""

_IMPORTS, _DELAYED = 1, 13  # IMAGE_DIRECTORY_ENTRY_IMPORT, …_DELAY_IMPORT
_ENTRY_BYTES, _NAME_FIELD = {_IMPORTS: 20, _DELAYED: 32}, {_IMPORTS: 12, _DELAYED: 4}
_PE32_PLUS = 0x20B


def list_missing(folder: Path) -> dict[str, list[str]]:
    """Return the libraries that nothing brings, each with the files below *folder* that name it."""
    programs = sorted(file for file in folder.rglob("*") if file.suffix in (".dll", ".exe", ".pyd"))
    brought = {file.name.lower() for file in programs}
    missing: dict[str, list[str]] = {}
    for program in programs:
        for name in list_imports(program.read_bytes()):
            if name not in brought | WINDOWS_OWN and not name.startswith(WINDOWS_OWN_BEGINNINGS):
                missing.setdefault(name, []).append(program.relative_to(folder).as_posix())
    return missing


def list_imports(program: bytes) -> list[str]:
    """Return the libraries in the import tables of a 64-bit *program*, in lower case.

    The format is that of Microsoft's "PE Format". Raises ``ValueError`` and ``struct.error`` if it is none.
    """
    (start,) = struct.unpack_from("<I", program, 0x3C)
    if program[start : start + 4] != b"PE\0\0":
        raise ValueError("no program of Windows")
    sections, header_bytes = struct.unpack_from("<H12xH", program, start + 6)
    header = start + 24
    if struct.unpack_from("<H", program, header) != (_PE32_PLUS,):
        raise ValueError("no program of 64 bits")
    table = [
        struct.unpack_from("<4I", program, header + header_bytes + 40 * number + 8)
        for number in range(sections)
    ]

    def find(address: int) -> int:
        for _size, beginning, length, place in table:
            if beginning <= address < beginning + length:
                return int(place + address - beginning)
        raise ValueError("an address outside of the file")

    def read_names(directory: int) -> Iterator[str]:
        (address,) = struct.unpack_from("<I", program, header + 112 + 8 * directory)
        place = find(address) if address else 0
        while address:
            (name,) = struct.unpack_from("<I", program, place + _NAME_FIELD[directory])
            if not name:
                return
            begin = find(name)
            yield program[begin : program.index(b"\0", begin)].decode("ascii").lower()
            place += _ENTRY_BYTES[directory]

    return sorted({*read_names(_IMPORTS), *read_names(_DELAYED)})
