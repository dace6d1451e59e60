"""Files that only their owner can read: written so, and refused where others can read them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

_LARGEST = 100_000  # bytes


class NotPrivate(Exception):
    """Others than the owner can get at the file; the message says how to mend it."""


def read_private(path: Path) -> str:
    """The text of *path*. Raises ``NotPrivate``, ``OSError``, and ``ValueError`` for what is no text of a reasonable size."""
    with path.open("rb") as file:
        _check(path, file.fileno())
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("too large")
    return data.decode("utf-8-sig")


def write_private(path: Path, text: str, replace: bool = False) -> None:
    """Write *text* to *path* in one step. Raises ``FileExistsError`` where it is there and *replace* is not set, ``OSError``.

    The rights are set before the first byte is written: at no moment can anyone else read it.
    """
    target = path.with_name(f"{path.name}.{os.getpid()}.new") if replace else path
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            _close_to_others(target)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            target.replace(path)
    except BaseException:
        target.unlink()
        raise


_TRUSTED = frozenset({"SY", "BA"})
"""The system and the administrators, whom no rights keep out of anything."""


def open_to_others(rights: str, me: str) -> bool:
    """Whether *rights*, a security descriptor of Windows in SDDL, lets in anyone but *me* and whom nothing keeps out."""
    entries = [entry.split(";") for entry in re.findall(r"\(([^()]*)\)", rights.partition("D:")[2])]
    # a refusal (D) gives nothing away, and what is only there to be inherited (IO) does not hold for the file itself
    readers = {entry[-1] for entry in entries if entry[0] != "D" and "IO" not in entry[1]}
    return not entries or bool(readers - {me} - _TRUSTED)  # no list at all lets everyone in


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _OWNER, _DACL = 1, 4  # SECURITY_INFORMATION

    _advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.GetCurrentProcess.restype = wintypes.HANDLE
    _kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
    _kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
    _advapi32.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE))
    _advapi32.GetTokenInformation.argtypes = (
        wintypes.HANDLE,
        ctypes.c_int,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.POINTER(wintypes.DWORD),
    )
    _advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
    _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
        wintypes.LPCWSTR,
        wintypes.DWORD,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(wintypes.DWORD),
    )
    _advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW.argtypes = (
        ctypes.c_void_p,
        wintypes.DWORD,
        wintypes.DWORD,
        ctypes.POINTER(ctypes.c_void_p),
        ctypes.POINTER(wintypes.DWORD),
    )
    _advapi32.SetFileSecurityW.argtypes = (wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p)
    _advapi32.GetFileSecurityW.argtypes = (
        wintypes.LPCWSTR,
        wintypes.DWORD,
        ctypes.c_void_p,
        wintypes.DWORD,
        ctypes.POINTER(wintypes.DWORD),
    )

    def _must(done: int) -> None:
        if not done:
            raise ctypes.WinError(ctypes.get_last_error())

    def _taken(text: ctypes.c_void_p) -> str:
        """The text that Windows allocated, which is freed."""
        try:
            return ctypes.wstring_at(text.value or 0)
        finally:
            _kernel32.LocalFree(text)

    def _me() -> str:
        """The user's SID."""
        token = wintypes.HANDLE()
        _must(
            _advapi32.OpenProcessToken(_kernel32.GetCurrentProcess(), 8, ctypes.byref(token))
        )  # TOKEN_QUERY
        try:
            size = wintypes.DWORD()
            user = ctypes.create_string_buffer(256)
            _must(_advapi32.GetTokenInformation(token, 1, user, len(user), ctypes.byref(size)))  # TokenUser
            text = ctypes.c_void_p()
            sid = ctypes.cast(user, ctypes.POINTER(ctypes.c_void_p)).contents
            _must(_advapi32.ConvertSidToStringSidW(sid, ctypes.byref(text)))
            return _taken(text)
        finally:
            _kernel32.CloseHandle(token)

    def _described(descriptor: object) -> str:
        """*descriptor* in SDDL, the language in which Windows writes rights."""
        text = ctypes.c_void_p()
        _must(
            _advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
                descriptor, 1, _OWNER | _DACL, ctypes.byref(text), None
            )
        )
        return _taken(text)

    def _understood(sddl: str) -> ctypes.c_void_p:
        """The descriptor that *sddl* describes; to be freed."""
        descriptor = ctypes.c_void_p()
        _must(
            _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
                sddl, 1, ctypes.byref(descriptor), None
            )
        )
        return descriptor

    def _close_to_others(path: Path) -> None:
        descriptor = _understood(f"D:P(A;;FA;;;{_me()})")
        try:
            _must(_advapi32.SetFileSecurityW(str(path), _DACL, descriptor))
        finally:
            _kernel32.LocalFree(descriptor)

    def _rights(path: Path) -> str:
        size = wintypes.DWORD()
        _advapi32.GetFileSecurityW(str(path), _OWNER | _DACL, None, 0, ctypes.byref(size))
        descriptor = ctypes.create_string_buffer(max(size.value, 1))
        _must(
            _advapi32.GetFileSecurityW(
                str(path), _OWNER | _DACL, descriptor, len(descriptor), ctypes.byref(size)
            )
        )
        return _described(descriptor)

    def _check(path: Path, descriptor: int) -> None:  # noqa: ARG001 the same for both systems
        known = _understood(f"D:(A;;FA;;;{_me()})")
        try:
            mine = _described(known).rpartition(";")[2].rstrip(")")  # as Windows abbreviates it
        finally:
            _kernel32.LocalFree(known)
        if open_to_others(_rights(path), mine):
            raise NotPrivate(f'icacls "{path}" /inheritance:r /grant:r "%USERNAME%:F"')

else:

    def _close_to_others(path: Path) -> None:
        """Nothing to do: it was opened so."""

    def _check(path: Path, descriptor: int) -> None:
        found = os.fstat(descriptor)
        if found.st_mode & 0o077 or found.st_uid not in (os.getuid(), 0):
            raise NotPrivate(f"chmod 600 '{path}'")
