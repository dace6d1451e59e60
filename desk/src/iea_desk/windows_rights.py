"""Access rights of files on Windows, written in SDDL, through ctypes."""

from __future__ import annotations

import ctypes
import msvcrt
import os
import sys
from ctypes import wintypes
from pathlib import Path
from typing import IO, Any

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

_OWNER_AND_DACL = 1 | 4  # SECURITY_INFORMATION
_TOKEN_QUERY = 8
_TOKEN_USER = 1
_SDDL_REVISION = 1
_FILE_OBJECT = 1  # SE_FILE_OBJECT
_WRITE_AND_READ_RIGHTS = 0x40000000 | 0x20000  # GENERIC_WRITE, READ_CONTROL
_NOT_SHARED = 0
_CREATE_NEW = 1
_NORMAL_FILE = 0x80
_INVALID_HANDLE = ctypes.c_void_p(-1).value

_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_pointer = ctypes.POINTER(ctypes.c_void_p)
_size = ctypes.POINTER(wintypes.DWORD)
_kernel32.GetCurrentProcess.restype = wintypes.HANDLE
_kernel32.CloseHandle.argtypes = (wintypes.HANDLE,)
_kernel32.LocalFree.argtypes = (ctypes.c_void_p,)
_kernel32.CreateFileW.restype = ctypes.c_void_p
_kernel32.CreateFileW.argtypes = (
    *(wintypes.LPCWSTR, wintypes.DWORD, wintypes.DWORD, ctypes.c_void_p),
    *(wintypes.DWORD, wintypes.DWORD, wintypes.HANDLE),
)
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
_advapi32.GetSecurityInfo.argtypes = (
    *(wintypes.HANDLE, ctypes.c_int, wintypes.DWORD),
    *(_pointer, _pointer, _pointer, _pointer, _pointer),
)


class _SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES."""

    _fields_ = (
        ("length", wintypes.DWORD),
        ("descriptor", ctypes.c_void_p),
        ("inherit", wintypes.BOOL),
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


def create_file(path: Path, sddl: str) -> int:
    """Create a file that has the access list in *sddl* from its first moment.

    Returns a descriptor for writing. Until it is closed, nobody else can open the file.
    Raises ``OSError``, ``FileExistsError``.
    """
    descriptor = _parse_sddl(sddl)
    try:
        attributes = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), descriptor, False)
        handle = _kernel32.CreateFileW(
            str(path), _WRITE_AND_READ_RIGHTS, _NOT_SHARED, ctypes.byref(attributes), _CREATE_NEW, _NORMAL_FILE, None
        )  # fmt: skip
        _check(handle != _INVALID_HANDLE)
    finally:
        _kernel32.LocalFree(descriptor)
    return msvcrt.open_osfhandle(handle, os.O_WRONLY)


def file_rights(file: IO[Any]) -> str:
    """Return the owner and the access list of the open *file*, in SDDL."""
    descriptor = ctypes.c_void_p()
    error = _advapi32.GetSecurityInfo(
        msvcrt.get_osfhandle(file.fileno()), _FILE_OBJECT, _OWNER_AND_DACL, None, None, None, None, ctypes.byref(descriptor)
    )  # fmt: skip
    if error:
        raise ctypes.WinError(error)
    try:
        return _format_sddl(descriptor)
    finally:
        _kernel32.LocalFree(descriptor)


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


def _check(result: object) -> None:
    if not result:
        raise ctypes.WinError(ctypes.get_last_error())
