"""The build from sources to setup, each part made again only if what it is made of has changed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import iea_agent
from installer.commands import HERE, ICONS, OUTPUT, run
from installer.launchers import COMPILER, LAUNCHERS, build_launchers
from installer.msi_package import build_msi
from installer.program_folder import PACKAGE, build_program_folder, measure
from installer.setup_program import compile_portable_test, compile_setup
from installer.signing import Certificate
from rig.build import ROOT, WINDOWS, BuildError, take_lock

__all__ = ["Built", "build_package", "build_portable_test", "build_program", "build_setup", "measure"]


LARGEST_SETUP = 16_000_000
"""Bytes that a setup may have: a minute on a slow line."""


Make = Callable[[Path, Path, str], None]
"""Makes a file: of these launchers, at this place, with this command that signs what is within it."""


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
            with stamping(folder, stamp):
                build_program_folder(folder)
        c_stamp = hash_files(list_launcher_sources(), run(COMPILER, "--version"), iea_agent.__version__)
        if not is_stamped(launchers, c_stamp):
            with stamping(launchers, c_stamp):
                shutil.rmtree(launchers, ignore_errors=True)
                build_launchers(launchers)
        return Built(folder, launchers, stamp + c_stamp)


def build_setup(program: Built, certificate: Certificate | None = None, output: Path = OUTPUT) -> Path:
    """Make the setup of a *program*, signed if there is a certificate. Raises ``BuildError``."""

    def make(launchers: Path, target: Path, sign: str) -> None:
        compile_setup(program.folder, launchers, target, sign=sign)
        if target.stat().st_size > LARGEST_SETUP:
            raise BuildError(f"{target} has more than {LARGEST_SETUP} bytes")

    names = (
        "setup.nsi",
        "setup_texts.nsh",
        "arguments.nsh",
        "silent_words.nsh",
        "setup_program.py",
        "msi_package.py",
        "pictures.py",
    )
    stamp = hash_files((HERE / name for name in names), program.stamp, run("makensis", "-VERSION"))
    return _build(f"iea-agent-setup-{iea_agent.__version__}.exe", stamp, make, program, certificate, output)


def build_package(program: Built, certificate: Certificate | None = None, output: Path = OUTPUT) -> Path:
    """Make the MSI of a *program*, signed if there is a certificate. Raises ``BuildError``."""

    def make(launchers: Path, target: Path, sign: str) -> None:
        build_msi(program.folder, launchers, target, sign=sign)

    sources = (HERE / name for name in ("msi_package.py", "msi_steps.c", "pointers.h"))
    stamp = hash_files(sources, program.stamp, run("wixl", "--version"))
    return _build(f"iea-agent-{iea_agent.__version__}.msi", stamp, make, program, certificate, output)


def build_portable_test(
    program: Built, certificate: Certificate | None = None, output: Path = OUTPUT
) -> Path:
    """Make the test for a stick, signed if there is a certificate. Raises ``BuildError``."""

    def make(launchers: Path, target: Path, _sign: str) -> None:
        compile_portable_test(program.folder, launchers, target)

    sources = (
        HERE / name for name in ("portable_test.nsi", "arguments.nsh", "silent_words.nsh", "setup_program.py")
    )
    stamp = hash_files(sources, program.stamp, run("makensis", "-VERSION"))
    return _build(f"iea-agent-test-{iea_agent.__version__}.exe", stamp, make, program, certificate, output)


def _build(
    name: str, stamp: str, make: Make, program: Built, certificate: Certificate | None, output: Path
) -> Path:
    """Make the file *name* anew if it is out of date; the signed one each time, as it has its own time."""
    with take_lock(output / "lock", wait=True) or contextlib.nullcontext():
        if certificate is None:
            target = output / name
            if not is_stamped(target, stamp):
                with stamping(target, stamp):
                    make(program.launchers, target, "")
            return target
        signed = output / "launchers.signed"
        shutil.rmtree(signed, ignore_errors=True)
        shutil.copytree(program.launchers, signed)
        certificate.sign([signed / f"{each}.exe" for each in LAUNCHERS])
        target = output / "signed" / name
        unsigned = target.with_name(f"{name}.unsigned")
        make(signed, unsigned, certificate.script(output / "sign"))
        certificate.sign([unsigned])
        return unsigned.replace(target)


def list_sources() -> list[Path]:
    """Return the files that the program folder is made of, besides the wheels."""
    own = [file for file in PACKAGE.rglob("*") if file.is_file() and file.suffix != ".pyc"]
    tools = [HERE / f"{name}.py" for name in ("compile_modules", "parts", "program_folder", "shipped_parts")]
    return [*own, *tools, ROOT / "uv.lock", ROOT / "LICENSE"]


def list_launcher_sources() -> list[Path]:
    """Return the files that the launchers are made of."""
    names = ("launcher.c", "pointers.h", "launcher.rc", "launcher.manifest", "launchers.py")
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
    record = _record(part)
    return part.exists() and record.exists() and record.read_text() == stamp


@contextlib.contextmanager
def stamping(part: Path, stamp: str) -> Iterator[None]:
    """Note what *part* was made of, once it is made; until then nothing is known of it."""
    _record(part).unlink(missing_ok=True)
    yield
    _record(part).write_text(stamp)


def _record(part: Path) -> Path:
    return part.with_name(f"{part.name}.stamp")
