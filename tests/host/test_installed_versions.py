"""Versions of installed programs, in a file and in the registry."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from iea_agent.host.installed_versions import LONGEST_VALUE, find_file_version, find_registry_text
from tests.programs import make_program, make_version

KEY = r"Software\IEA Agent test\versions"


def test_the_version_of_a_program_is_read_from_its_file(tmp_path: Path) -> None:
    program = tmp_path / "program.exe"
    assert find_file_version(program) == ""
    program.write_bytes(b"MZ")
    assert find_file_version(program) == ""
    program.write_bytes(make_program(make_version((3, 0, 72, 0), {"ProductVersion": "3.00.72"})))
    assert find_file_version(str(program)) == "3.00.72"
    assert find_file_version(tmp_path) == ""


@pytest.mark.windows
def test_a_text_of_the_registry_is_read_and_nothing_else() -> None:
    if sys.platform == "win32":
        import winreg

        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, KEY) as key:
            winreg.SetValueEx(key, "Version", 0, winreg.REG_SZ, "3.00.73")
            winreg.SetValueEx(key, "Long", 0, winreg.REG_SZ, "9" * 1000)
            winreg.SetValueEx(key, "Number", 0, winreg.REG_DWORD, 3)
        try:
            assert find_registry_text(rf"HKCU\{KEY}", "Version") == "3.00.73"
            assert len(find_registry_text(rf"HKCU\{KEY}", "Long")) == LONGEST_VALUE
            assert find_registry_text(rf"HKCU\{KEY}", "Number") == ""
            assert find_registry_text(rf"HKLM\{KEY}", "Version") == ""
            assert find_registry_text(rf"HKCR\{KEY}", "Version") == ""
        finally:
            winreg.DeleteKey(winreg.HKEY_CURRENT_USER, KEY)


@pytest.mark.linux
def test_there_is_no_registry_on_linux() -> None:
    assert find_registry_text(rf"HKCU\{KEY}", "Version") == ""
