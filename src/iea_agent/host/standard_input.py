"""The first line of the standard input, whatever program wrote it.

PowerShell writes UTF-16 or a byte order mark, an older Notepad and ``cmd`` a code page.
"""

from __future__ import annotations

import locale
import os
import stat
import sys
from typing import BinaryIO

from iea_agent.domain.pasted_text import decode_text, detect_mark

LONGEST_LINE = 16_384
"""Bytes that are read at most; what is longer is cut, and then too long for its purpose."""

WINDOWS_CODE_PAGE = "cp1252"
"""The code page of a French Windows, for a system whose own encoding is UTF-8."""


def read_line(stream: BinaryIO) -> str:
    """Return the first line of *stream* without its end, "" if there is none.

    Reads no more than it must: the other side may wait for an answer. Raises ``UnicodeDecodeError``.
    """
    text = decode_text(_read_bytes(stream), detect_code_page(stream))
    return text.partition("\n")[0].removesuffix("\r")


def _read_bytes(stream: BinaryIO) -> bytes:
    data = b""
    while len(data) < LONGEST_LINE:
        piece = stream.readline(LONGEST_LINE - len(data))
        data += piece
        length, encoding = detect_mark(data)
        width = {"utf-16": 2, "utf-32": 4}.get(encoding[:6], 1)
        if piece and (rest := -(len(data) - length) % width):
            # the byte of a line feed may be the first of its character, or half of another one
            data += stream.read(rest)
        line_end = "\n".encode(encoding or "utf-8")
        if not piece or data[length:].endswith(line_end):
            break
    return data


def detect_code_page(stream: BinaryIO) -> str:
    """Return the code page of a *stream* that is neither marked nor UTF-8."""
    if sys.platform == "win32":
        try:
            is_pipe = stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
        except OSError:
            is_pipe = False
        # ``cmd`` writes to a pipe as it writes to the console; a file is what an editor has saved
        page = ctypes.windll.kernel32.GetConsoleOutputCP() if is_pipe else 0
        return f"cp{page or _read_system_page(_OEM_PAGE if is_pipe else _ANSI_PAGE)}"
    encoding = locale.getencoding().lower()
    return WINDOWS_CODE_PAGE if encoding in ("utf-8", "ansi_x3.4-1968", "ascii") else encoding


if sys.platform == "win32":
    import ctypes

    _ANSI_PAGE, _OEM_PAGE = 0x1004, 0x0B  # LOCALE_IDEFAULTANSICODEPAGE, LOCALE_IDEFAULTCODEPAGE

    def _read_system_page(kind: int) -> int:
        """Return the code page in which other programs write.

        Not ``GetACP``: that of the installed program is UTF-8, by its manifest.
        """
        page = ctypes.c_uint32()
        # LOCALE_SYSTEM_DEFAULT, LOCALE_RETURN_NUMBER; the size is in characters
        ctypes.windll.kernel32.GetLocaleInfoW(0x0800, kind | 0x20000000, ctypes.byref(page), 2)
        return page.value or 1252
