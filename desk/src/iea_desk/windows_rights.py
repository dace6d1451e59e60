"""Access rights of files on Windows, written in SDDL, through ctypes."""

from __future__ import annotations

import ctypes
import sys
from ctypes import wintypes
from pathlib import Path

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

_OWNER_AND_DACL, _DACL = 1 | 4, 4  # SECURITY_INFORMATION
_TOKEN_QUERY = 8
_TOKEN_USER = 1
_SDDL_REVISION = 1

_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_pointer = ctypes.POINTER(ctypes.c_void_p)
_size = ctypes.POINTER(wintypes.DWORD)
_kernel32.GetCurrentProcess.restype = wintypes.HANDLE
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
_advapi32.OpenProcessToken.argtypes = (wintypes.HANDLE, wintypes.DWORD, ctypes.POINTER(wintypes.HANDLE))
_advapi32.GetTokenInformation.argtypes = (
    *(wintypes.HANDLE, ctypes.c_int, ctypes.c_void_p, wintypes.DWORD, _size),
)
_advapi32.ConvertSidToStringSidW.argtypes = (ctypes.c_void_p, _pointer)
_advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, _pointer, _size),
)
_advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW.argtypes = (
    *(ctypes.c_void_p, wintypes.DWORD, wintypes.DWORD, _pointer, _size),
)
_advapi32.SetFileSecurityW.argtypes = (wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p)
_advapi32.GetFileSecurityW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, ctypes.c_void_p, wintypes.DWORD, _size),
)


def user_sid() -> str:
    """Return the security identifier of the user."""
    token = wintypes.HANDLE()
    _check(_advapi32.OpenProcessToken(_kernel32.GetCurrentProcess(), _TOKEN_QUERY, ctypes.byref(token)))
    try:
        size = wintypes.DWORD()
        user = ctypes.create_string_buffer(256)
        _check(_advapi32.GetTokenInformation(token, _TOKEN_USER, user, len(user), ctypes.byref(size)))
        text = ctypes.c_void_p()
        sid = ctypes.cast(user, _pointer).contents
        _check(_advapi32.ConvertSidToStringSidW(sid, ctypes.byref(text)))
        return _take(text)
    finally:
        _kernel32.CloseHandle(token)


def set_rights(path: Path, sddl: str) -> None:
    """Give the file the access list in *sddl*."""
    descriptor = _parse_sddl(sddl)
    try:
        _check(_advapi32.SetFileSecurityW(str(path), _DACL, descriptor))
    finally:
        _kernel32.LocalFree(descriptor)


def file_rights(path: Path) -> str:
    """Return the owner and the access list of the file, in SDDL."""
    size = wintypes.DWORD()
    _advapi32.GetFileSecurityW(str(path), _OWNER_AND_DACL, None, 0, ctypes.byref(size))
    descriptor = ctypes.create_string_buffer(max(size.value, 1))
    _check(
        _advapi32.GetFileSecurityW(
            str(path), _OWNER_AND_DACL, descriptor, len(descriptor), ctypes.byref(size)
        )
    )
    return _format_sddl(descriptor)


def abbreviate_sid(sid: str) -> str:
    """Return *sid* as Windows writes it in SDDL, such as ``BA`` for administrators."""
    descriptor = _parse_sddl(f"D:(A;;FA;;;{sid})")
    try:
        return _format_sddl(descriptor).rpartition(";")[2].rstrip(")")
    finally:
        _kernel32.LocalFree(descriptor)


def _parse_sddl(sddl: str) -> ctypes.c_void_p:
    """Return the descriptor of *sddl*, which the caller frees."""
    descriptor = ctypes.c_void_p()
    _check(
        _advapi32.ConvertStringSecurityDescriptorToSecurityDescriptorW(
            sddl, _SDDL_REVISION, ctypes.byref(descriptor), None
        )
    )
    return descriptor


def _format_sddl(descriptor: object) -> str:
    text = ctypes.c_void_p()
    _check(
        _advapi32.ConvertSecurityDescriptorToStringSecurityDescriptorW(
            descriptor, _SDDL_REVISION, _OWNER_AND_DACL, ctypes.byref(text), None
        )
    )
    return _take(text)


def _take(text: ctypes.c_void_p) -> str:
    """Return the text that Windows has allocated, and free it."""
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        _kernel32.LocalFree(text)


def _check(result: int) -> None:
    if not result:
        raise ctypes.WinError(ctypes.get_last_error())
