"""Compiles the setup from the program folder and the launchers."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import iea_agent
from installer.commands import HERE, ICONS
from installer.launchers import LAUNCHERS, format_version_numbers
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
    (work / "files.nsh").write_text(list_commands(folder), encoding="utf-8")
    programs = sum((launchers / f"{name}.exe").stat().st_size for name in LAUNCHERS)
    defined = {
        "VERSION": version,
        "NUMBERS": format_version_numbers(version).replace(",", "."),
        "OUTPUT": str(target),
        "LAUNCHERS": str(launchers),
        "FILES": str(work / "files.nsh"),
        "SIZE": str((measure(folder) + programs) // 1024),
        "ICON": str(ICONS / "ball.ico"),
        "SIDE": str(work / "side.bmp"),
        "PLACE": str(work / "place.bmp"),
        **({"SIGN": sign} if sign else {}),
        **({} if is_packed else {"FAST": "1"}),
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["makensis", "-V2", "-NOCD", "-INPUTCHARSET", "UTF8", *(f"-D{key}={value}" for key, value in defined.items()), "setup.nsi"],
        cwd=HERE, env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    shutil.rmtree(work)
    if done.returncode != 0:
        raise BuildError(f"the setup could not be compiled:\n{done.stdout}{done.stderr}")


def list_commands(folder: Path) -> str:
    """Return NSIS's commands that unpack *folder*, in the order of the names."""
    lines = []
    place = None
    for file in sorted(
        (file for file in folder.rglob("*") if file.is_file()), key=lambda file: (str(file.parent), file.name)
    ):
        if file.parent != place:
            place = file.parent
            below = str(place.relative_to(folder)).replace("/", "\\").removeprefix(".")
            lines.append(f'SetOutPath "$INSTDIR\\$Slot.part{below and chr(92)}{below}"')
        lines.append(f'File "{file}"')
    return "\n".join(lines) + "\n"
