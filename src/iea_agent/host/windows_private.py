"""What only the agent's own user may use on Windows, from its first moment."""

from __future__ import annotations

import ctypes
import os
import sys

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

import _winapi  # noqa: E402
import msvcrt  # noqa: E402

from .windows_security import parse_rights, user_sid  # noqa: E402

_CREATE_NEW = 1
_FILE_ATTRIBUTE_NORMAL = 0x80


def describe_private(user: str) -> str:
    """Return the rights (SDDL) of what only *user* and the system may use.

    Nothing is inherited. A program of low integrity, such as one from the web, may neither read nor write it.
    """
    return f"O:{user}D:P(A;;FA;;;{user})(A;;FA;;;SY)S:(ML;;NWNRNX;;;ME)"


def open_private(path: str | os.PathLike[str], _flags: int) -> int:
    """Create the file *path* for writing, private; return its descriptor.

    An opener for ``open``. Raises ``OSError``, for a file that exists, too.
    """
    with parse_rights(describe_private(user_sid())) as attributes:
        handle = _winapi.CreateFile(
            *(os.fspath(path), _winapi.GENERIC_WRITE, 0, ctypes.addressof(attributes)),
            *(_CREATE_NEW, _FILE_ATTRIBUTE_NORMAL, 0),
        )
    return msvcrt.open_osfhandle(handle, os.O_WRONLY)
