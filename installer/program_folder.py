"""Makes the folder of one version: Python's library, the modules, the libraries, and the licences.

The same sources give the same bytes: names are sorted, times fixed, and nothing of this machine goes in.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from installer import parts
from installer.commands import HERE, OUTPUT, run
from installer.parts import PARTS, Part
from installer.shipped_parts import write_parts
from rig.build import PYTHON, ROOT, UV, BuildError
from rig.prefix import Prefix, read_to_end, windows_path

SITE = PYTHON / "Lib" / "site-packages"
RUNTIME = OUTPUT / "msvc-runtime"
PACKAGE = ROOT / "src" / "iea_agent"
ARCHIVE_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of every entry of the archive, the earliest that the format knows."""
FILE_TIME = 315532800
"""The same for files: the setup keeps their times."""
OWN_DATA = ("*.ico", "*.png", "*.html", "*.mo")
"""Files of our own package that are no modules. Not ``checkout.txt``: what ships is no checkout."""
PATH_FILE = "python313.zip\nlib\n.\n"
"""What Python imports from: the archive, the libraries with their packages, Python's own libraries. Nothing else, whatever a
variable or the registry says, and without the module ``site``."""
FORM = "plain"
"""How modules are compiled (docs/decisions/0018)."""


def build_program_folder(folder: Path, form: str = FORM) -> None:
    """Write the folder of this version. Raises ``BuildError``."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "lib").mkdir(parents=True)
    for name in parts.PYTHON:
        shutil.copyfile(PYTHON / name, folder / name)
    fetch_runtime()
    for name in parts.RUNTIME:
        shutil.copyfile(RUNTIME / "Scripts" / name, folder / name)
    (folder / "python313._pth").write_text(PATH_FILE, encoding="ascii", newline="\r\n")
    sources = folder.with_name(f"{folder.name}.sources")
    shutil.rmtree(sources, ignore_errors=True)
    for part in PARTS:
        place = "own" if lies_in_folder(part) else "archive"
        for name in list_modules(part):
            copy(SITE / name, sources / place / name)
        for name in list_files(part):
            copy(SITE / name, folder / "lib" / name)
    for file in sorted(PACKAGE.rglob("*.py")):
        copy(file, sources / "own" / file.relative_to(PACKAGE.parent))
    compile_modules(sources, form)
    write_archive(folder / "python313.zip", sources / "archive.compiled")
    copy_own(sources / "own.compiled", folder / "lib")
    describe = {part.name: find_metadata(SITE, part.name) for part in PARTS}
    write_parts(folder, describe | {"msvc-runtime": find_metadata(RUNTIME, "msvc-runtime")})
    set_times(folder)
    shutil.rmtree(sources)


def copy(source: Path, target: Path) -> None:
    """Copy a file and make the folders that it lies in."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def fetch_runtime() -> None:
    """Fetch Microsoft's C and C++ libraries as uv.lock pins them, unless they are there."""
    requirements = run(
        str(UV),
        "export",
        "--frozen",
        "--quiet",
        "--no-header",
        "--no-emit-workspace",
        "--only-group",
        "installer",
    )
    record = OUTPUT / "msvc-runtime.txt"
    if RUNTIME.exists() and record.exists() and record.read_text() == requirements:
        return
    shutil.rmtree(RUNTIME, ignore_errors=True)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    record.write_text(requirements)
    run(
        *(str(UV), "pip", "install", "--quiet", "--python-version", "3.13"),
        *(
            "--python-platform",
            "x86_64-pc-windows-msvc",
            "--only-binary",
            ":all:",
            "--require-hashes",
            "--no-deps",
        ),
        *("--target", str(RUNTIME), "--requirement", str(record)),
    )


def lies_in_folder(part: Part) -> bool:
    """Return whether the modules of *part* lie in ``lib``: a package has one place.

    It is that of its libraries, if it has any.
    """
    return any("/" in name for name in part.files)


def list_modules(part: Part) -> list[str]:
    """Return the modules of *part*, below site-packages."""
    return _match(part.modules, part.without)


def list_files(part: Part) -> list[str]:
    """Return the files of *part* that lie in ``lib``."""
    return _match(part.files, part.without)


def _match(patterns: Iterable[str], without: Iterable[str]) -> list[str]:
    """Return the files below site-packages that match. Raises ``BuildError``.

    Each pattern must match something: else the wheel has changed, and the table is out of date.
    """
    names: set[str] = set()
    for pattern in patterns:
        matches = {file.relative_to(SITE).as_posix() for file in SITE.glob(pattern) if file.is_file()}
        if not matches:
            raise BuildError(f"nothing in the wheels matches {pattern}: see installer/parts.py")
        names |= matches
    for pattern in without:
        matches = {file.relative_to(SITE).as_posix() for file in SITE.glob(pattern)}
        if not matches:
            raise BuildError(f"nothing in the wheels matches {pattern}: see installer/parts.py")
        names -= matches
    return sorted(names)


def compile_modules(sources: Path, form: str) -> None:
    """Compile both folders of *sources* in the Windows Python, side by side. Raises ``BuildError``."""
    with Prefix() as prefix:
        running = [
            prefix.start(
                *(PYTHON / "python.exe", windows_path(HERE / "compile_modules.py")),
                *(windows_path(sources / name), windows_path(sources / f"{name}.compiled"), form),
            )
            for name in ("archive", "own")
        ]
        ends = [read_to_end(process, 300) for process in running]
    if any(code for code, _ in ends):
        raise BuildError("\n".join(output for _, output in ends))


def list_standard_library(names: Iterable[str]) -> list[str]:
    """Return those modules of Python's library that ship, of the *names* in its archive."""
    patterns = [pattern for group in parts.STANDARD_LIBRARY_LEFT_OUT for pattern in group.split()]
    return sorted(
        name
        for name in names
        if name.endswith(".pyc") and not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    )


def write_archive(archive: Path, compiled: Path) -> None:
    """Write Python's library and the modules in *compiled* into one archive.

    Python's own are deflated, which the disk needs; the others stored, which the setup packs better.
    """
    entries = {file.relative_to(compiled).as_posix(): file.read_bytes() for file in compiled.rglob("*.pyc")}
    with zipfile.ZipFile(PYTHON / "python313.zip") as library:
        # compiled without sources by python.org, in the form that ours have, too
        own = {name: library.read(name) for name in list_standard_library(library.namelist())}
    entries |= own
    for part in PARTS:
        about = find_metadata(SITE, part.name)
        # ``diagnose`` says the versions; the descriptions are not needed
        entries[f"{about.name}/METADATA"] = (about / "METADATA").read_bytes().partition(b"\n\n")[0] + b"\n\n"
    for name in [*entries]:
        folder = name.rpartition("/")[0]
        # a package without ``__init__`` is one only if its folder has an entry
        if name.endswith(".pyc") and folder and f"{folder}/__init__.pyc" not in entries:
            entries[f"{folder}/"] = b""
    with zipfile.ZipFile(archive, "w") as target:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, ARCHIVE_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED if name in own else zipfile.ZIP_STORED
            target.writestr(entry, entries[name], compresslevel=9)


def find_metadata(site: Path, distribution: str) -> Path:
    """Return the folder that describes a distribution. Raises ``BuildError``."""
    wanted = distribution.lower().replace("-", "_").replace(".", "_")
    for folder in sorted(site.glob("*.dist-info")):
        if folder.name.rpartition("-")[0].rpartition("-")[0].lower().replace(".", "_") == wanted:
            return folder
    raise BuildError(f"{distribution} is not among the wheels")


def copy_own(compiled: Path, target: Path) -> None:
    """Copy our own modules and their data: pictures, pages and texts lie beside them."""
    for file in compiled.rglob("*.pyc"):
        copy(file, target / file.relative_to(compiled))
    for file in list_own_data():
        copy(file, target / file.relative_to(PACKAGE.parent))


def list_own_data() -> Iterator[Path]:
    """Yield the files of our package that ship and are no modules."""
    for pattern in OWN_DATA:
        yield from sorted(PACKAGE.rglob(pattern))


def set_times(folder: Path) -> None:
    """Give every file and folder below *folder* the same time."""
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (FILE_TIME, FILE_TIME))


def measure(folder: Path) -> int:
    """Return the bytes of all files below *folder*."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
