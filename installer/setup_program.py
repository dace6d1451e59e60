"""Compiles the setup and the portable test from the program folder and the launchers."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import iea_agent
from installer.commands import HERE, ICONS
from installer.launchers import LAUNCHERS, format_version_numbers
from installer.msi_package import UPGRADE_CODE
from installer.pictures import draw_place, draw_side
from installer.program_folder import measure
from rig.build import BuildError

EPOCH = "315532800"
"""SOURCE_DATE_EPOCH: the time that the compiler writes into the setup."""


def compile_setup(
    folder: Path, launchers: Path, target: Path, *, sign: str = "", version: str = "", is_packed: bool = True
) -> None:
    """Write the setup *target*. Raises ``BuildError``.

    *sign* is a command that signs the file whose path follows it: NSIS calls it for the uninstaller. For tests it may have another
    *version*, and not be packed, which takes a minute.
    """
    version = version or iea_agent.__version__
    work = target.with_name(f"{target.stem}.work")
    work.mkdir(parents=True, exist_ok=True)
    draw_side(work / "side.bmp")
    draw_place(work / "place.bmp")
    (work / "files.nsh").write_text(list_commands(folder, r"$INSTDIR\$Slot.part"), encoding="utf-8")
    programs = sum((launchers / f"{name}.exe").stat().st_size for name in LAUNCHERS)
    defined = {
        "LAUNCHERS": str(launchers),
        "FILES": str(work / "files.nsh"),
        "SIZE": str((measure(folder) + programs) // 1024),
        "SIDE": str(work / "side.bmp"),
        "PLACE": str(work / "place.bmp"),
        "UPGRADE_CODE": UPGRADE_CODE,
        **({"SIGN": sign} if sign else {}),
    }
    run_compiler("setup.nsi", target, version, defined, is_packed=is_packed)
    shutil.rmtree(work)


def compile_portable_test(folder: Path, launchers: Path, target: Path, *, is_packed: bool = True) -> None:
    """Write the *target* that tests the servers from a stick. Raises ``BuildError``.

    No window is opened by the agent then: wxPython stays out.
    """
    version = iea_agent.__version__
    target.parent.mkdir(parents=True, exist_ok=True)
    commands = target.with_name(f"{target.stem}.nsh")
    commands.write_text(
        list_commands(folder, f"$INSTDIR\\{version}", without=("lib/wx/", "lib/iea_agent/shell/dialogs/")),
        encoding="utf-8",
    )
    defined = {"LAUNCHERS": str(launchers), "FILES": str(commands)}
    run_compiler("portable_test.nsi", target, version, defined, is_packed=is_packed)
    commands.unlink()


def run_compiler(
    script: str, target: Path, version: str, defined: Mapping[str, str], *, is_packed: bool
) -> None:
    """Compile a *script* of ours into *target*. Raises ``BuildError``."""
    # a build that is killed leaves the whole file of before, or none
    fresh = target.with_name(f"{target.name}.new")
    every = {
        "VERSION": version,
        "NUMBERS": format_version_numbers(version).replace(",", "."),
        "OUTPUT": str(fresh),
        "ICON": str(ICONS / "ball.ico"),
        **({} if is_packed else {"FAST": "1"}),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    options = (f"-D{key}={value}" for key, value in {**every, **defined}.items())
    done = subprocess.run(
        ["makensis", "-V2", "-NOCD", "-INPUTCHARSET", "UTF8", *options, script],
        cwd=HERE, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    if done.returncode != 0:
        raise BuildError(f"{script} could not be compiled:\n{done.stdout}{done.stderr}")
    fresh.replace(target)


def list_commands(folder: Path, target: str, without: tuple[str, ...] = ()) -> str:
    """Return NSIS's commands that unpack *folder* into *target*, in the order of the names.

    Files whose names begin as *without* says stay out.
    """
    lines = []
    place = None
    files = (
        file
        for file in folder.rglob("*")
        if file.is_file() and not file.relative_to(folder).as_posix().startswith(without)
    )
    for file in sorted(files, key=lambda file: (str(file.parent), file.name)):
        if file.parent != place:
            place = file.parent
            below = str(place.relative_to(folder)).replace("/", "\\").removeprefix(".")
            lines.append(f'SetOutPath "{target}{below and chr(92)}{below}"')
        lines.append(f'File "{file}"')
    return "\n".join(lines) + "\n"
