"""Who owns something on Windows and who may change it, by Win32 calls.

A person or a group is a SID in its text form, such as "S-1-5-32-544" for the administrators.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import wintypes
from dataclasses import dataclass

assert sys.platform == "win32"  # noqa: S101 mypy reads on only where this holds

from .windows import checked, declare  # noqa: E402 above it mypy reads on for Linux, too

SYSTEM = "S-1-5-18"
ADMINISTRATORS = "S-1-5-32-544"
TRUSTED_INSTALLER = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
EVERYONE = "S-1-1-0"
_OWNER_RIGHTS = "S-1-3-4"
"""What an entry calls the owner in order to give him less than the usual rights."""

_SDDL_REVISION = 1
_OWNER_AND_DACL = 1 | 4  # SECURITY_INFORMATION
_TOKEN_QUERY = 0x0008
_TOKEN_USER = 1  # TOKEN_INFORMATION_CLASS
_PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
_INHERIT_ONLY_ACE = 0x08

SE_FILE_OBJECT, SE_REGISTRY_KEY, SE_KERNEL_OBJECT = 1, 4, 6
"""What a handle is of: a file, folder or pipe; a key; a process or mutex (SE_OBJECT_TYPE)."""

_ALLOWING = {0x0: 8, 0x9: 8}
"""Where the SID begins in an entry that allows something, by its type: plain, with a condition."""
_DENYING = frozenset({0x1, 0x6, 0xA, 0xC})
"""The kinds of entries that deny something (winnt.h, ACCESS_DENIED_…_ACE_TYPE)."""
_WRITING = 0x2 | 0x4 | 0x10 | 0x40 | 0x100 | 0x10000 | 0x40000 | 0x80000 | 0x2000000 | 0x10000000 | 0x40000000
"""The rights with which something is changed: content, attributes, children, deletion, list, owner; maximum, all, write."""
_KEY_WRITING = (_WRITING & ~(0x10 | 0x40 | 0x100)) | 0x20
"""Those of a key of the registry: where a file has its attributes, a key has its notices and its links."""

_kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
_advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)

_HANDLE, _BOOL, _DWORD, _POINTER = wintypes.HANDLE, wintypes.BOOL, wintypes.DWORD, ctypes.c_void_p
_OUT = ctypes.POINTER(_POINTER)
_GetCurrentProcess = declare(_kernel32, "GetCurrentProcess", _HANDLE)
_OpenProcess = declare(_kernel32, "OpenProcess", _HANDLE, _DWORD, _BOOL, _DWORD)
_CloseHandle = declare(_kernel32, "CloseHandle", _BOOL, _HANDLE)
_LocalFree = declare(_kernel32, "LocalFree", _POINTER, _POINTER)
_OpenProcessToken = declare(_advapi32, "OpenProcessToken", _BOOL, _HANDLE, _DWORD, ctypes.POINTER(_HANDLE))
_GetTokenInformation = declare(
    _advapi32,
    "GetTokenInformation",
    *(_BOOL, _HANDLE, ctypes.c_int, _POINTER, _DWORD, ctypes.POINTER(_DWORD)),
)
_ConvertSidToStringSid = declare(_advapi32, "ConvertSidToStringSidW", _BOOL, _POINTER, _OUT)
_GetSecurityInfo = declare(
    _advapi32,
    "GetSecurityInfo",
    *(_DWORD, _HANDLE, ctypes.c_int, _DWORD, _OUT, _OUT, _OUT, _OUT, _OUT),
)
_GetAce = declare(_advapi32, "GetAce", _BOOL, _POINTER, _DWORD, _OUT)
_ConvertStringSecurityDescriptor = declare(
    _advapi32,
    "ConvertStringSecurityDescriptorToSecurityDescriptorW",
    *(_BOOL, wintypes.LPCWSTR, _DWORD, _OUT, _POINTER),
)


class SecurityAttributes(ctypes.Structure):
    """SECURITY_ATTRIBUTES, for the functions that create something."""

    _fields_ = (
        ("nLength", wintypes.DWORD),
        ("lpSecurityDescriptor", ctypes.c_void_p),
        ("bInheritHandle", wintypes.BOOL),
    )


@dataclass(frozen=True, slots=True)
class Rights:
    """The *owner* of something, and everybody whom its list allows to change it.

    An owner may change the list, even if the list does not name him.
    """

    owner: str
    writers: frozenset[str]

    @property
    def everybody(self) -> frozenset[str]:
        """All who may change it."""
        return self.writers | {self.owner}


def user_sid() -> str:
    """Return the SID of the person whose process this is."""
    # a pseudo handle, which is not closed
    return _read_user(_GetCurrentProcess())


def process_user_sid(pid: int) -> str:
    """Return the SID of the person whose process *pid* is. Raises ``OSError``."""
    process = checked(_OpenProcess(_PROCESS_QUERY_LIMITED_INFORMATION, False, pid))
    try:
        return _read_user(process)
    finally:
        _CloseHandle(process)


def _read_user(process: int) -> str:
    token = _HANDLE()
    checked(_OpenProcessToken(process, _TOKEN_QUERY, ctypes.byref(token)))
    try:
        user, size = ctypes.create_string_buffer(256), _DWORD()
        checked(_GetTokenInformation(token, _TOKEN_USER, user, len(user), ctypes.byref(size)))
        # TOKEN_USER begins with the pointer to the SID
        return _format_sid(ctypes.cast(user, _OUT).contents.value or 0)
    finally:
        _CloseHandle(token)


def read_rights(handle: int, kind: int = SE_FILE_OBJECT) -> Rights:
    """Return the rights of what *handle* has open. Raises ``OSError``.

    The handle needs READ_CONTROL, which GENERIC_READ includes.
    """
    owner, entries, descriptor = _POINTER(), _POINTER(), _POINTER()
    error = _GetSecurityInfo(
        *(handle, kind, _OWNER_AND_DACL, ctypes.byref(owner), None),
        *(ctypes.byref(entries), None, ctypes.byref(descriptor)),
    )
    if error:
        raise ctypes.WinError(error)
    try:
        writing = _KEY_WRITING if kind == SE_REGISTRY_KEY else _WRITING
        return Rights(_format_sid(owner.value or 0), _list_writers(entries.value, writing))
    finally:
        _LocalFree(descriptor)


def list_strangers(handle: int, kind: int = SE_FILE_OBJECT, *, own: bool = False) -> frozenset[str]:
    """Return who may change what *handle* has open, but administrators and the system.

    If *own* is set, the person counts as an administrator. Raises ``OSError``.
    """
    trusted = {SYSTEM, ADMINISTRATORS, TRUSTED_INSTALLER} | ({user_sid()} if own else set())
    return read_rights(handle, kind).everybody - trusted


@contextmanager
def parse_rights(sddl: str) -> Iterator[SecurityAttributes]:
    """Provide the rights that *sddl* describes, for what is created meanwhile.

    Raises ``OSError``.
    """
    descriptor = _POINTER()
    checked(_ConvertStringSecurityDescriptor(sddl, _SDDL_REVISION, ctypes.byref(descriptor), None))
    try:
        yield SecurityAttributes(ctypes.sizeof(SecurityAttributes), descriptor, False)
    finally:
        _LocalFree(descriptor)


def _list_writers(entries: int | None, writing: int) -> frozenset[str]:
    """Return whom the access list at *entries* allows one of the rights *writing*.

    An entry that this program does not know may allow anybody.
    """
    if not entries:
        # no list at all: everybody may do everything
        return frozenset({EVERYONE})
    writers = set()
    # ACL: revision, padding, size, number of entries
    for number in range(ctypes.c_uint16.from_address(entries + 4).value):
        entry = _POINTER()
        checked(_GetAce(entries, number, ctypes.byref(entry)))
        place = entry.value or 0
        # ACE_HEADER: type, flags, size; then the rights
        kind, flags = ctypes.string_at(place, 2)
        if kind in _DENYING or flags & _INHERIT_ONLY_ACE:
            continue
        if kind not in _ALLOWING:
            writers.add(EVERYONE)
        elif wintypes.DWORD.from_address(place + 4).value & writing:
            writers.add(_format_sid(place + _ALLOWING[kind]))
    return frozenset(writers - {_OWNER_RIGHTS})


def _format_sid(sid: int) -> str:
    text = _POINTER()
    checked(_ConvertSidToStringSid(sid, ctypes.byref(text)))
    try:
        return ctypes.wstring_at(text.value or 0)
    finally:
        _LocalFree(text)
