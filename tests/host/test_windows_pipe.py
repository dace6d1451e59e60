"""The agent's pipe and its private files on Windows: for its own user, on this PC."""

from __future__ import annotations

import ctypes
import os
import secrets
import sys
from contextlib import closing
from ctypes import wintypes
from pathlib import Path

import pytest

from iea_agent.host import current_wires
from iea_agent.host.atomic_files import write_atomically

pytestmark = pytest.mark.windows

if sys.platform == "win32":
    import _winapi
    import msvcrt

    from iea_agent.host import windows_pipe
    from iea_agent.host.windows import declare
    from iea_agent.host.windows_private import describe_private
    from iea_agent.host.windows_security import process_user_sid, user_sid

    _advapi32 = ctypes.WinDLL("advapi32")
    _get_security = declare(
        _advapi32, "GetSecurityInfo", wintypes.DWORD, wintypes.HANDLE, ctypes.c_int, wintypes.DWORD,
        *(wintypes.LPVOID,) * 4, ctypes.POINTER(ctypes.c_void_p),
    )  # fmt: skip
    _to_text = declare(
        _advapi32, "ConvertSecurityDescriptorToStringSecurityDescriptorW", wintypes.BOOL,
        wintypes.LPVOID, wintypes.DWORD, wintypes.DWORD, ctypes.POINTER(wintypes.LPWSTR), wintypes.LPVOID,
    )  # fmt: skip

    def read_rights(handle: int, kind: int) -> str:
        """Return owner and access list of an open *handle* of a kind (SE_OBJECT_TYPE)."""
        descriptor, text = ctypes.c_void_p(), wintypes.LPWSTR()
        assert _get_security(handle, kind, 5, None, None, None, None, ctypes.byref(descriptor)) == 0
        assert _to_text(descriptor, 1, 5, ctypes.byref(text), None)
        return text.value or ""

    def own_rights() -> tuple[str, set[str]]:
        """Return the user, and the entries of an access list for that user and the system."""
        user = user_sid()
        return user, {f"(A;;FA;;;{user})", "(A;;FA;;;SY)"}

    def entries(rights: str) -> set[str]:
        """Return the entries of an access list."""
        return {f"({entry}" for entry in rights.partition("D:")[2].split("(")[1:]}

    SE_FILE_OBJECT, SE_KERNEL_OBJECT = 1, 6

    def address() -> str:
        """Return an address that nobody has."""
        return current_wires().name_channel(Path(), f"7-{secrets.token_hex(8)}")

    def test_a_pipe_is_its_users_and_the_systems_alone() -> None:
        where = address()
        with closing(current_wires().listen(where)):
            handle = _winapi.CreateFile(
                where, _winapi.GENERIC_READ, 0, 0, _winapi.OPEN_EXISTING, windows_pipe.CLIENT_FLAGS, 0
            )
            try:
                rights = read_rights(handle, SE_KERNEL_OBJECT)
            finally:
                _winapi.CloseHandle(handle)
        user, allowed = own_rights()
        assert rights.startswith(f"O:{user}D:P")
        assert entries(rights) == allowed

    def test_its_descriptor_inherits_nothing_and_shuts_out_low_integrity() -> None:
        """Wine keeps no integrity level, so the text is judged, which it parses."""
        assert (
            describe_private("S-1-5-21-1")
            == "O:S-1-5-21-1D:P(A;;FA;;;S-1-5-21-1)(A;;FA;;;SY)S:(ML;;NWNRNX;;;ME)"
        )

    def test_the_calls_shut_out_the_network_and_impersonation() -> None:
        """Wine ignores these flags, so the numbers of winbase.h are judged."""
        assert windows_pipe.PIPE_MODE & 0x8, "PIPE_REJECT_REMOTE_CLIENTS"
        assert windows_pipe.FIRST_INSTANCE == 0x00080000, "FILE_FLAG_FIRST_PIPE_INSTANCE"
        # SECURITY_SQOS_PRESENT, and SecurityIdentification among the levels, whose mask is 0x30000
        assert windows_pipe.CLIENT_FLAGS & 0x00100000
        assert windows_pipe.CLIENT_FLAGS & 0x00030000 == 0x00010000

    def test_the_process_behind_a_pipe_is_named_by_its_user() -> None:
        where = address()
        with closing(current_wires().listen(where)), current_wires().connect(where, 5) as wire:
            # raises if it is another user's
            assert not wire.has_left()
        assert process_user_sid(os.getpid()).startswith("S-1-5-")
        with pytest.raises(OSError, match=r"WinError"):
            process_user_sid(0)

    def test_a_name_that_another_program_holds_is_refused() -> None:
        where = address()
        squatter = _winapi.CreateNamedPipe(where, _winapi.PIPE_ACCESS_DUPLEX, 0, 1, 100, 100, 0, 0)
        try:
            with pytest.raises(OSError, match=r"WinError"):
                current_wires().listen(where)
        finally:
            _winapi.CloseHandle(squatter)

    def test_clients_beyond_the_instances_wait() -> None:
        where = address()
        with closing(current_wires().listen(where)) as listener:
            first = current_wires().connect(where, 5)
            with pytest.raises(TimeoutError):
                current_wires().connect(where, 0.2)
            with closing(listener.accept()), closing(first):
                current_wires().connect(where, 5).close()

    def test_a_private_file_is_born_with_its_rights(tmp_path: Path) -> None:
        file = tmp_path / "channel-1.json"
        for content in (b"first", b"second"):
            write_atomically(file, content, private=True)
            with file.open("rb") as opened:
                rights = read_rights(msvcrt.get_osfhandle(opened.fileno()), SE_FILE_OBJECT)
                assert opened.read() == content
            assert entries(rights) == own_rights()[1]
