"""The two small programs in C that start the agent, compiled for Windows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import iea_agent
from installer.commands import HERE, ICONS, run

COMPILER = "x86_64-w64-mingw32-gcc"
RESOURCES = "x86_64-w64-mingw32-windres"
LAUNCHERS = {"iea-agent": False, "iea-agentw": True}
"""Each launcher, and whether it has no console."""

_WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Wno-sign-conversion", "-Wno-cast-function-type")
# No time stamp and no path of this machine: the same source gives the same bytes. The other options are what a program
# of today asks of Windows: code and data at places that nobody can guess, no code where data lies.
_LINKING = (
    "-s",
    "-municode",
    "-static",
    "-Wl,--no-insert-timestamp,--dynamicbase,--high-entropy-va,--nxcompat",
)


def build_launchers(folder: Path) -> None:
    """Write both launchers to *folder*. Raises ``BuildError``."""
    work = folder.with_name(f"{folder.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    for name in ("launcher.c", "pointers.h", "launcher.rc", "launcher.manifest"):
        shutil.copy(HERE / name, work)
    shutil.copy(ICONS / "ball.ico", work / "icon.ico")
    folder.mkdir(parents=True, exist_ok=True)
    for name, is_windowed in LAUNCHERS.items():
        _build_launcher(name, is_windowed, work, folder)
    shutil.rmtree(work)


def _build_launcher(name: str, is_windowed: bool, work: Path, folder: Path) -> None:
    version = iea_agent.__version__
    defined = {
        "VERSION_TEXT": f'"{version}"',
        "VERSION_NUMBERS": format_version_numbers(version),
        "PROGRAM_NAME": f'"{name}"',
    }
    run(
        RESOURCES,
        "--codepage=65001",
        *(f"-D{key}={value.replace(chr(34), chr(92) + chr(34))}" for key, value in defined.items()),
        *("-O", "coff", "launcher.rc", f"{name}.res"),
        cwd=work,
    )
    form = ("-DWINDOWED", "-mwindows") if is_windowed else ("-mconsole",)
    compile_program(folder / f"{name}.exe", *form, "launcher.c", f"{name}.res", cwd=work)


def compile_program(target: Path, *arguments: str, cwd: Path = HERE) -> None:
    """Compile the sources in *arguments*, with further options, into *target*. Raises ``BuildError``."""
    run(COMPILER, "-O2", "-std=c11", *_WARNINGS, *arguments, *_LINKING, "-o", str(target), cwd=cwd)


def format_version_numbers(version: str) -> str:
    """Return *version* as the four numbers of a version resource: "0,1,0,0"."""
    numbers = [int(number) for number in re.findall(r"\d+", version)][:4]
    return ",".join(map(str, numbers + [0] * (4 - len(numbers))))
