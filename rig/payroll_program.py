"""The program that stands in for Impact emploi, and its installer, in C.

The installer needs no rights: it writes the program below ``%LOCALAPPDATA%``, and the entry by which the agent finds it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from installer.commands import run
from installer.launchers import RESOURCES, compile_program, format_version_numbers

SOURCES = Path(__file__).parent / "payroll_sources"
NAME = "ImpactEmploi"
INSTALLED = r"%LOCALAPPDATA%\Programs\Impact emploi\ImpactEmploi.exe"
"""Where the installer puts the program."""
ENTRY = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Uninstall\Impact emploi association"
"""The key of the registry in which ``DisplayVersion`` tells the installed version."""


def build_installer(folder: Path, version: str, length: int = 0) -> Path:
    """Return the installer of *version*, made in *folder*. Raises ``BuildError``.

    It is filled up to *length* bytes: then a download takes its time.
    """
    work = folder / f"payroll-{version}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    program, installer = work / "ImpactEmploi.exe", folder / f"ImpactEmploi-{version}.exe"
    _compile(work, "program.c", program, version)
    _compile(work, "installer.c", installer, version, f'-DCONTENT="{program.name}"', "-lshell32")
    if (missing := length - installer.stat().st_size) > 0:
        with installer.open("ab") as file:
            file.write(bytes(missing))
    shutil.rmtree(work)
    return installer


def _compile(work: Path, source: str, target: Path, version: str, content: str = "", *libraries: str) -> None:
    for name in (source, "program.rc"):
        shutil.copy(SOURCES / name, work)
    numbers, text = f"-DVERSION_NUMBERS={format_version_numbers(version)}", f'-DVERSION_TEXT="{version}"'
    options = [option.replace('"', '\\"') for option in (numbers, text, content) if option]
    run(RESOURCES, "--codepage=65001", *options, "-O", "coff", "program.rc", f"{source}.res", cwd=work)
    compile_program(
        target, "-mwindows", f'-DVERSION=L"{version}"', source, f"{source}.res", *libraries, cwd=work
    )
