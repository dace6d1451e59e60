"""The installed program on a stage: a copy of it that knows a test's servers.

``IEA_RIG_PROGRAM`` names the folder of an installed program, with its launchers; then the stages start that one instead of the
sources. ``python -m rig installed_program`` lays out what ``make installer`` has built, without a setup, and prints the folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rig.build import BUILD, PYTHON, BuildError
from rig.prefix import windows_path

if TYPE_CHECKING:
    from rig.desktop import Desktop

VARIABLE = "IEA_RIG_PROGRAM"
WINDOWED, CONSOLE = "iea-agentw.exe", "iea-agent.exe"
LAID_OUT = BUILD / "installer" / "laid-out"
SOURCES = (windows_path(PYTHON / "python.exe"),)
"""What runs the sources: the Windows Python."""
COPY = "IEA Agent"
SCRIPT_RUNNER = """
import sys

if sys.argv[1:] and sys.argv[1].endswith(".py"):
    del sys.argv[0]
    __file__ = sys.argv[0]
    with open(__file__, encoding="utf-8") as script:
        exec(compile(script.read(), __file__, "exec"))
else:
    from iea_agent.cli import main

    sys.exit(main())
"""
"""What a copy starts with that also runs the scripts of tests; a module in source goes before a compiled one."""


def copy_program(folder: Path, program: str) -> Path | None:
    """Copy the installed *program* below *folder*; None if there is none.

    The copy counts as a checkout, and so believes the policy below ``IEA_AGENT_HOME``. A program that ships believes only an
    administrator's, and Wine's files have no such owner.
    """
    if not program:
        return None
    copy = folder / COPY
    shutil.copytree(program, copy, copy_function=_link)
    believe_policy(copy)
    return copy


def believe_policy(program: Path) -> None:
    """Have the *program* count as a checkout."""
    for package in program.glob("*/lib/iea_agent"):
        (package / "checkout.txt").write_text("")


def take_scripts(program: Path) -> None:
    """Have the launchers of the *program* also run the script of a test.

    Their first argument names it.
    """
    for package in program.glob("*/lib/iea_agent"):
        (package / "__main__.py").write_text(SCRIPT_RUNNER)


def start_script(
    desktop: Desktop, script: Path, *arguments: str, program: str = os.environ.get(VARIABLE, "")
) -> subprocess.Popen[str]:
    """Start a test's *script* on the *desktop*.

    It gets the modules of the installed *program*, or of the sources if there is none.
    """
    copy = desktop.prefix.path / COPY
    if program and not copy.exists():
        copy_program(desktop.prefix.path, program)
        take_scripts(copy)
    python = (windows_path(copy / WINDOWED),) if program else SOURCES
    return desktop.start_program(*python, windows_path(script), *arguments)


def _link(source: str, target: str) -> None:
    # what names the versions is replaced by tests; all else is only read
    if os.path.basename(source) in ("current", "previous"):
        shutil.copy(source, target)
        return
    try:
        os.link(source, target)
    except OSError:
        # another disk
        shutil.copy(source, target)


def lay_out(version: Path, launchers: Path, target: Path = LAID_OUT) -> Path:
    """Lay out a built *version* and the *launchers* in *target* as the setup does."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(version, target / version.name, copy_function=_link)
    for launcher in (WINDOWED, CONSOLE):
        shutil.copy(launchers / launcher, target)
    (target / "current").write_text(f"{version.name}\n")
    return target


def main(_arguments: Sequence[str]) -> int:
    """Lay out the built program and print its folder."""
    output = BUILD / "installer"
    versions = [folder for folder in (output / "program").glob("*/") if (folder / "lib").is_dir()]
    if len(versions) != 1:
        raise BuildError("make installer builds the program first")
    print(lay_out(versions[0], output / "launchers"))
    return 0
