"""Versions of installed programs, in a file and in the registry."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from iea_agent.host.installed_versions import (
    LONGEST_VALUE,
    FileVersions,
    find_file_version,
    find_registry_text,
)
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


def test_a_version_is_read_again_once_its_file_has_changed(tmp_path: Path) -> None:
    program, versions = tmp_path / "program.exe", FileVersions()
    assert versions.find(str(program)) == ""
    for build in (72, 73):
        data = make_program(make_version((3, 0, build, 0), {}))
        program.write_bytes(data)
        # whatever the grain of the disk's clock
        os.utime(program, (build, build))
        assert versions.find(str(program)) == f"3.00.{build}"
    # the same file as far as one look tells: it is not read
    program.write_bytes(bytes(len(data)))
    os.utime(program, (73, 73))
    assert versions.find(str(program)) == "3.00.73"
    program.unlink()
    assert versions.find(str(program)) == ""


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
