"""A draft with a file in the mail program of Windows, by Simple MAPI.

The call returns when the person has sent or closed the message, so it runs in a thread of the window's own process.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import ClassVar

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

from . import LaunchError  # noqa: E402

_TO = 1
_LOGON_UI, _DIALOG = 0x1, 0x8
_SUCCESS, _USER_ABORT = 0, 1
_NO_POSITION = 0xFFFFFFFF


class _Recipient(ctypes.Structure):
    _fields_: ClassVar = [
        ("reserved", ctypes.c_ulong),
        ("kind", ctypes.c_ulong),
        ("name", ctypes.c_void_p),
        ("address", ctypes.c_void_p),
        ("entry_size", ctypes.c_ulong),
        ("entry", ctypes.c_void_p),
    ]


class _File(ctypes.Structure):
    _fields_: ClassVar = [
        ("reserved", ctypes.c_ulong),
        ("flags", ctypes.c_ulong),
        ("position", ctypes.c_ulong),
        ("path", ctypes.c_void_p),
        ("name", ctypes.c_void_p),
        ("kind", ctypes.c_void_p),
    ]


class _Message(ctypes.Structure):
    _fields_: ClassVar = [
        ("reserved", ctypes.c_ulong),
        ("subject", ctypes.c_void_p),
        ("text", ctypes.c_void_p),
        ("kind", ctypes.c_void_p),
        ("received", ctypes.c_void_p),
        ("conversation", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("originator", ctypes.c_void_p),
        ("recipient_count", ctypes.c_ulong),
        ("recipients", ctypes.POINTER(_Recipient)),
        ("file_count", ctypes.c_ulong),
        ("files", ctypes.POINTER(_File)),
    ]


def write_draft(recipient: str, subject: str, body: str, attachment: Path) -> bool:
    """Open the draft and wait; return whether it was sent. Raises ``LaunchError``."""
    try:
        library = ctypes.WinDLL("mapi32")
    except OSError as error:
        raise LaunchError("MAPI") from error
    # the wide one is there since Windows 8
    send = getattr(library, "MAPISendMailW", None)
    wide = send is not None
    buffers: list[object] = []

    def point(text: str) -> int:
        buffer: object = (
            ctypes.create_unicode_buffer(text)
            if wide
            else ctypes.create_string_buffer(text.encode("mbcs", "replace"))
        )
        # the buffers live as long as the call
        buffers.append(buffer)
        return ctypes.addressof(buffer)  # type: ignore[arg-type]

    to = _Recipient(0, _TO, point(recipient), point(f"SMTP:{recipient}"), 0, None)
    file = _File(0, 0, _NO_POSITION, point(str(attachment)), point(attachment.name), None)
    message = _Message(subject=point(subject), text=point(body.replace("\n", "\r\n")))
    message.recipient_count, message.recipients = 1, ctypes.pointer(to)
    message.file_count, message.files = 1, ctypes.pointer(file)
    call = send if send is not None else library.MAPISendMail
    call.restype = ctypes.c_ulong
    call.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_ulong, ctypes.c_ulong)
    outcome = call(None, None, ctypes.addressof(message), _LOGON_UI | _DIALOG, 0)
    if outcome not in (_SUCCESS, _USER_ABORT):
        raise LaunchError("MAPI") from OSError(f"MAPI error {outcome}")
    return bool(outcome == _SUCCESS)
