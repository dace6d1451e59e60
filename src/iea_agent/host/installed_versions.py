"""The version of an installed program, where its installer has left it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from iea_agent.domain.program_version import find_program_version

from .regular_files import open_regular

LONGEST_VALUE = 100
"""Characters of a value of the registry that may be a version."""


def find_file_version(path: str | Path) -> str:
    """Return the version in the program *path* as « 3.00.72 », "" if there is none."""
    try:
        with open(path, "rb", opener=open_regular) as file:

            def read_part(offset: int, size: int) -> bytes:
                file.seek(offset)
                return file.read(size)

            return find_program_version(read_part)
    except OSError:
        return ""


class FileVersions:
    """The versions of programs, each read again once its file has changed.

    Any thread may use it.
    """

    def __init__(self) -> None:
        self._read: dict[str, tuple[tuple[int, ...], str]] = {}

    def find(self, path: str) -> str:
        """Return what ``find_file_version`` does; a file as it was costs one ``stat``."""
        try:
            status = os.stat(path)
        except OSError:
            return ""
        signature = (status.st_mtime_ns, status.st_size, status.st_ino)
        before = self._read.get(path)
        if before is None or before[0] != signature:
            before = self._read[path] = signature, find_file_version(path)
        return before[1]


if sys.platform == "win32":
    import winreg

    _ROOTS = {"HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCU": winreg.HKEY_CURRENT_USER}
    # an installer of 32 bits has another view of the machine's keys
    _VIEWS = (winreg.KEY_WOW64_64KEY, winreg.KEY_WOW64_32KEY)

    def find_registry_text(key: str, value: str) -> str:
        """Return the text *value* of *key*, as « HKLM\\Software\\… »; "" for none."""
        root, _, path = key.partition("\\")
        for view in _VIEWS:
            try:
                with winreg.OpenKey(_ROOTS[root], path, access=winreg.KEY_READ | view) as opened:
                    content, kind = winreg.QueryValueEx(opened, value)
            except (OSError, KeyError):
                continue
            if kind == winreg.REG_SZ:
                return str(content)[:LONGEST_VALUE]
        return ""

else:

    def find_registry_text(key: str, value: str) -> str:  # noqa: ARG001 the other system's
        """Return "": there is no registry."""
        return ""
