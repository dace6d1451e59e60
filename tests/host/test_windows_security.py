"""Owners and rights on Windows, as the system's own descriptors give them.

Under Wine only objects of the kernel keep a descriptor as it was given: files have what the Unix mode says.
"""

from __future__ import annotations

import os
import struct
import sys

import pytest

if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    from iea_agent.host.windows import checked, declare
    from iea_agent.host.windows_security import (
        ADMINISTRATORS,
        EVERYONE,
        SE_KERNEL_OBJECT,
        SYSTEM,
        TRUSTED_INSTALLER,
        Rights,
        parse_rights,
        process_user_sid,
        read_rights,
        user_sid,
    )

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _create_event = declare(
        _kernel32,
        "CreateEventW",
        *(wintypes.HANDLE, ctypes.c_void_p, wintypes.BOOL, wintypes.BOOL, wintypes.LPCWSTR),
    )
    _close = declare(_kernel32, "CloseHandle", wintypes.BOOL, wintypes.HANDLE)

    def rights_of(sddl: str) -> Rights:
        """Return the rights of an event that is created with *sddl*."""
        with parse_rights(sddl) as attributes:
            event = checked(_create_event(ctypes.byref(attributes), True, False, None))
        try:
            return read_rights(event, SE_KERNEL_OBJECT)
        finally:
            _close(event)

    USERS, CREATOR = "S-1-5-32-545", "S-1-3-0"
    PROTECTED = "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)"
    """What the installer gives the folder of the policy."""

    @pytest.mark.windows
    @pytest.mark.parametrize(
        ("entries", "writers"),
        [
            (PROTECTED, {SYSTEM, ADMINISTRATORS}),
            # a folder that an administrator makes in %ProgramData% inherits this: users may add files
            (f"{PROTECTED}(A;CI;DCLCRPCR;;;BU)", {SYSTEM, ADMINISTRATORS, USERS}),
            (f"{PROTECTED}(A;OICIIO;GA;;;CO)", {SYSTEM, ADMINISTRATORS}),
            ("D:P(D;;FA;;;BU)(A;;FA;;;BA)(A;;FA;;;OW)", {ADMINISTRATORS}),
            (f"D:P(A;;FA;;;{TRUSTED_INSTALLER})", {TRUSTED_INSTALLER}),
            ("D:P(A;;0x2;;;WD)", {EVERYONE}),
            ("D:P(A;;0x40;;;BU)", {USERS}),
            ("D:P(A;;SD;;;BU)", {USERS}),
            ("D:P(A;;WD;;;BU)", {USERS}),
            ("D:P(A;;WO;;;BU)", {USERS}),
            ("D:P(A;;0x1200a9;;;WD)", set()),
            ("D:P", set()),
        ],
    )  # fmt: skip
    def test_everybody_who_may_write_is_named(entries: str, writers: set[str]) -> None:
        rights = rights_of(f"O:{user_sid()}{entries}")

        assert rights.writers == writers
        assert rights.owner == user_sid()
        assert rights.everybody == writers | {user_sid()}

    @pytest.mark.windows
    def test_without_a_list_everybody_may_write() -> None:
        # an absolute SECURITY_DESCRIPTOR (winnt.h): revision 1, SE_DACL_PRESENT, and no list
        empty = ctypes.create_string_buffer(struct.pack("<BxH4x4Q", 1, 0x0004, 0, 0, 0, 0))
        with parse_rights("D:") as attributes:
            attributes.lpSecurityDescriptor = ctypes.addressof(empty)
            event = checked(_create_event(ctypes.byref(attributes), True, False, None))
        try:
            assert read_rights(event, SE_KERNEL_OBJECT).writers == {EVERYONE}
        finally:
            _close(event)

    @pytest.mark.windows
    def test_the_person_of_a_process_is_known() -> None:
        assert process_user_sid(os.getpid()) == user_sid()
        assert user_sid().startswith("S-1-5-21-")
        with pytest.raises(OSError, match="87"):
            process_user_sid(1)
