"""The registry's entries for the logon, in the registry of the Windows Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from iea_agent.domain.autostart import AutostartEntry
from iea_agent.host import startup_entries

NAME = "IEA Agent, a test"
COMMAND = r'"C:\Zoé\IEA Agent\iea-agentw.exe" run --quiet'
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
POLICY = r"Software\Microsoft\Windows\CurrentVersion\Policies\Explorer"
PERSON, MACHINE = 0x80000001, 0x80000002  # HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE


@pytest.mark.linux
def test_without_a_registry_there_is_no_entry_and_none_is_written() -> None:
    assert startup_entries.read_entries() == ()
    assert not startup_entries.ignores_own_entries()
    with pytest.raises(OSError, match=NAME):
        startup_entries.write_entry(COMMAND, NAME)
    with pytest.raises(OSError, match=NAME):
        startup_entries.delete_entry(NAME)


if sys.platform == "win32":
    import winreg

    def put(root: int, path: str, data: bytes | str) -> None:
        """Write the value of these tests as a setup or the Task Manager does."""
        kind = winreg.REG_SZ if isinstance(data, str) else winreg.REG_BINARY
        with winreg.CreateKeyEx(root, path, access=winreg.KEY_SET_VALUE | winreg.KEY_WOW64_64KEY) as key:
            winreg.SetValueEx(key, NAME, 0, kind, data)

    @pytest.fixture(autouse=True)
    def _clean() -> Iterator[None]:
        yield
        for root in (PERSON, MACHINE):
            for path in (RUN, APPROVED):
                try:
                    with winreg.OpenKey(root, path, access=winreg.KEY_SET_VALUE) as key:
                        winreg.DeleteValue(key, NAME)
                except FileNotFoundError:
                    continue

    @pytest.mark.windows
    def test_an_entry_is_written_read_and_deleted() -> None:
        assert startup_entries.read_entries(NAME) == ()
        startup_entries.write_entry(COMMAND, NAME)
        entry = AutostartEntry(COMMAND, is_approved=True, for_all=False)
        assert startup_entries.read_entries(NAME) == (entry,)
        startup_entries.delete_entry(NAME)
        startup_entries.delete_entry(NAME)
        assert startup_entries.read_entries(NAME) == ()

    @pytest.mark.windows
    def test_what_the_task_manager_has_disabled_stays_disabled() -> None:
        startup_entries.write_entry(COMMAND, NAME)
        put(PERSON, APPROVED, b"\x03" + bytes(11))
        entry = AutostartEntry(COMMAND, is_approved=False, for_all=False)
        assert startup_entries.read_entries(NAME) == (entry,)
        startup_entries.delete_entry(NAME)
        startup_entries.write_entry(COMMAND, NAME)
        assert startup_entries.read_entries(NAME) == (entry,)

    @pytest.mark.windows
    @pytest.mark.parametrize("root", [PERSON, MACHINE])
    def test_an_entry_for_all_is_disabled_for_all_or_by_the_person(root: int) -> None:
        put(MACHINE, RUN, COMMAND)
        assert startup_entries.read_entries(NAME) == (
            AutostartEntry(COMMAND, is_approved=True, for_all=True),
        )
        put(root, APPROVED, b"\x03" + bytes(11))
        assert startup_entries.read_entries(NAME) == (
            AutostartEntry(COMMAND, is_approved=False, for_all=True),
        )

    @pytest.mark.windows
    @pytest.mark.parametrize("place", [PERSON, MACHINE])
    @pytest.mark.parametrize("root", [PERSON, MACHINE])
    def test_a_list_that_a_policy_has_windows_ignore_has_no_entry(root: int, place: int) -> None:
        put(root, RUN, COMMAND)
        name = "DisableCurrentUserRun" if root == PERSON else "DisableLocalMachineRun"
        with winreg.CreateKeyEx(place, POLICY, access=winreg.KEY_SET_VALUE) as key:
            try:
                for number, is_ignored in ((0, False), (1, True)):
                    winreg.SetValueEx(key, name, 0, winreg.REG_DWORD, number)
                    assert len(startup_entries.read_entries(NAME)) == int(not is_ignored)
                    assert startup_entries.ignores_own_entries() == (is_ignored and root == PERSON)
            finally:
                winreg.DeleteValue(key, name)

    @pytest.mark.windows
    def test_a_value_that_is_no_text_is_no_entry() -> None:
        put(PERSON, RUN, b"\0\1")
        assert startup_entries.read_entries(NAME) == ()
