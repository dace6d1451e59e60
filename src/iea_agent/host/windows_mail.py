"""A draft with a file in the mail program of Windows, by Simple MAPI.

The call returns when the person has sent or closed the message, so it runs in a thread of the window's own process.
"""

from __future__ import annotations

import ctypes
import sys
import winreg
from pathlib import Path
from typing import ClassVar

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

from . import LaunchError  # noqa: E402

CLIENTS = r"Software\Clients\Mail"
"""The registry's key of the mail programs; its default value names the one in use."""
_MAPI_VALUES = ("DLLPath", "DLLPathEx", "MSIComponentID")
"""What the entry of a mail program has that knows MAPI."""
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
    """Open the draft and wait; return whether it was sent. Raises ``LaunchError``.

    Windows itself answers a call without a mail program that knows MAPI by a message in English or with an error, so it is not made.
    """
    if not _has_client():
        raise LaunchError("MAPI") from OSError("the mail program does not know MAPI")
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


def _has_client() -> bool:
    """Return whether the mail program of this person, else of this PC, knows MAPI."""
    name = _read_value(winreg.HKEY_CURRENT_USER, CLIENTS, "") or _read_value(
        winreg.HKEY_LOCAL_MACHINE, CLIENTS, ""
    )
    return bool(name) and any(
        _read_value(root, rf"{CLIENTS}\{name}", value)
        for root in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE)
        for value in _MAPI_VALUES
    )


def _read_value(root: int, path: str, name: str) -> str:
    """Return a text of the registry, "" if there is none."""
    try:
        with winreg.OpenKey(root, path) as key:
            return str(winreg.QueryValueEx(key, name)[0])
    except OSError:
        return ""
