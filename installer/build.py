"""The build from sources to setup, each part made again only if what it is made of has changed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import iea_agent
from installer.commands import HERE, ICONS, OUTPUT, run
from installer.launchers import COMPILER, LAUNCHERS, build_launchers
from installer.program_folder import PACKAGE, build_program_folder, measure
from installer.setup_program import compile_setup
from installer.signing import Certificate
from rig.build import ROOT, WINDOWS, BuildError, take_lock

__all__ = ["Built", "build_program", "build_setup", "measure"]


LARGEST_SETUP = 16_000_000
"""Bytes that a setup may have: a minute on a slow line."""


@dataclass(frozen=True, slots=True)
class Built:
    """The *folder* of this version and the folder of the *launchers*, made of what *stamp* says."""

    folder: Path
    launchers: Path
    stamp: str


def build_program(output: Path = OUTPUT) -> Built:
    """Make the program folder and the launchers. Raises ``BuildError``."""
    output.mkdir(parents=True, exist_ok=True)
    with take_lock(output / "lock", wait=True) or contextlib.nullcontext():
        folder, launchers = output / "program" / iea_agent.__version__, output / "launchers"
        stamp = hash_files(list_sources(), (WINDOWS / "site-packages.stamp").read_text())
        if not is_stamped(folder, stamp):
            build_program_folder(folder)
            write_stamp(folder, stamp)
        c_stamp = hash_files(list_launcher_sources(), run(COMPILER, "--version"), iea_agent.__version__)
        if not is_stamped(launchers, c_stamp):
            shutil.rmtree(launchers, ignore_errors=True)
            build_launchers(launchers)
            write_stamp(launchers, c_stamp)
        return Built(folder, launchers, stamp + c_stamp)


def build_setup(program: Built, certificate: Certificate | None = None, output: Path = OUTPUT) -> Path:
    """Make the setup of a *program*, signed if there is a certificate. Raises ``BuildError``."""
    setup = output / f"iea-agent-setup-{iea_agent.__version__}.exe"
    with take_lock(output / "lock", wait=True) or contextlib.nullcontext():
        sources = (
            HERE / name for name in ("setup.nsi", "setup_texts.nsh", "setup_program.py", "pictures.py")
        )
        stamp = hash_files(sources, program.stamp, run("makensis", "-VERSION"))
        if certificate is None:
            if not is_stamped(setup, stamp):
                compile_setup(program.folder, program.launchers, setup)
                if setup.stat().st_size > LARGEST_SETUP:
                    raise BuildError(f"{setup} has more than {LARGEST_SETUP} bytes")
                write_stamp(setup, stamp)
            return setup
        signed = output / "launchers.signed"
        shutil.rmtree(signed, ignore_errors=True)
        shutil.copytree(program.launchers, signed)
        certificate.sign([signed / f"{name}.exe" for name in LAUNCHERS])
        target = output / "signed" / setup.name
        compile_setup(program.folder, signed, target, sign=certificate.script(output / "sign"))
        certificate.sign([target])
        return target


def list_sources() -> list[Path]:
    """Return the files that the program folder is made of, besides the wheels."""
    own = [file for file in PACKAGE.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    tools = [HERE / f"{name}.py" for name in ("compile_modules", "parts", "program_folder", "shipped_parts")]
    return [*own, *tools, ROOT / "uv.lock", ROOT / "LICENSE"]


def list_launcher_sources() -> list[Path]:
    """Return the files that the launchers are made of."""
    names = ("launcher.c", "launcher.rc", "launcher.manifest", "launchers.py")
    return [*(HERE / name for name in names), ICONS / "ball.ico"]


def hash_files(files: Iterable[Path], *texts: str) -> str:
    """Return a hash of the names and contents of *files*, and of *texts*."""
    digest = hashlib.sha256("\0".join(texts).encode())
    for file in sorted(files):
        digest.update(f"\0{file.relative_to(ROOT)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def is_stamped(part: Path, stamp: str) -> bool:
    """Return whether *part* is there and was made of what *stamp* says."""
    record = part.with_name(f"{part.name}.stamp")
    return part.exists() and record.exists() and record.read_text() == stamp


def write_stamp(part: Path, stamp: str) -> None:
    """Note what *part* was made of."""
    part.with_name(f"{part.name}.stamp").write_text(stamp)
