"""The folder of one version: whole, explained, and the same each time."""

from __future__ import annotations

import hashlib
import json
import tomllib
import zipfile
from pathlib import Path

import pytest

import iea_agent
from installer import parts, program_folder, shipped_parts
from installer.build import Built
from installer.dll_closure import list_imports, list_missing
from installer.launchers import build_launchers
from installer.program_folder import SITE, build_program_folder, list_own_data
from rig.build import PYTHON, ROOT
from rig.prefix import Prefix, windows_path


def digests(folder: Path) -> dict[str, str]:
    """Return the hash of each file below *folder* by its name."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_two_builds_are_the_same(built: Built, tmp_path: Path) -> None:
    build_program_folder(tmp_path / "elsewhere" / "again")
    build_launchers(tmp_path / "launchers")
    assert digests(tmp_path / "elsewhere" / "again") == digests(built.folder)
    assert digests(tmp_path / "launchers") == digests(built.launchers)


def test_every_library_is_there_or_windows_own(built: Built) -> None:
    assert list_missing(built.folder) == {}


def test_the_check_of_the_libraries_names_the_one_that_wine_hides(built: Built, tmp_path: Path) -> None:
    (tmp_path / "core.dll").write_bytes(
        next((built.folder / "lib" / "wx").glob("wxmsw*core*.dll")).read_bytes()
    )
    assert "msvcp140.dll" in list_missing(tmp_path)
    assert "msvcp140.dll" in list_imports((tmp_path / "core.dll").read_bytes())


def test_what_is_no_program_is_refused() -> None:
    for data in (bytes(64), b"MZ" + bytes(58) + b"\x40\0\0\0" + b"PE\0\0" + bytes(300)):
        with pytest.raises(ValueError, match="no program"):
            list_imports(data)


def test_every_file_has_a_reason(built: Built) -> None:
    ours = {file.relative_to(ROOT / "src").as_posix() for file in list_own_data()}
    modules = {
        file.with_suffix(".pyc").relative_to(ROOT / "src").as_posix()
        for file in (ROOT / "src" / "iea_agent").rglob("*.py")
    }
    libraries = {name for part in parts.PARTS for name in program_folder.list_files(part)}
    beside = {
        f"{name}c"
        for part in parts.PARTS
        if program_folder.lies_in_folder(part)
        for name in program_folder.list_modules(part)
    }
    own = {*parts.PYTHON, *parts.RUNTIME, "python313.zip", "python313._pth", "parts.cdx.json"}
    shipped = {name for name in digests(built.folder) if not name.startswith("licences/")}
    assert shipped == own | {f"lib/{name}" for name in ours | modules | libraries | beside}
    assert "lib/iea_agent/checkout.txt" not in shipped


def test_the_table_speaks_of_every_file_of_cpython() -> None:
    files = {file.name for file in PYTHON.iterdir() if file.is_file()}
    assert files == {*parts.PYTHON, *parts.PYTHON_LEFT_OUT}


def test_what_the_agent_asks_for_ships_or_is_left_out_for_a_reason() -> None:
    packages = {
        package["name"]: package for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    # the wheels of the rig are those for Windows
    on_windows = {
        folder.name.rpartition("-")[0].rpartition("-")[0].lower() for folder in SITE.glob("*.dist-info")
    }
    on_windows = {name.replace("_", "-").replace(".", "-") for name in on_windows}
    asked, waiting = set[str](), ["iea-agent"]
    while waiting:
        needs = {need["name"] for need in packages[waiting.pop()].get("dependencies", [])}
        waiting += sorted(needs & on_windows - asked)
        asked |= needs & on_windows
    shipped = {part.name.lower().replace(".", "-") for part in parts.PARTS}
    left_out = {name.lower() for name in parts.LEFT_OUT}
    assert asked == shipped | left_out
    assert not shipped & left_out


def test_the_archive_holds_what_the_table_says(built: Built) -> None:
    with zipfile.ZipFile(built.folder / "python313.zip") as archive:
        names = set(archive.namelist())
    assert {name for name in names if name.startswith("asyncio/")} == set()
    for part in parts.PARTS:
        modules = {f"{name}c" for name in program_folder.list_modules(part)}
        assert program_folder.lies_in_folder(part) or modules <= names, part.name


def test_the_list_of_parts_is_whole(built: Built) -> None:
    document = json.loads((built.folder / "parts.cdx.json").read_text("utf-8"))
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", shipped_parts.SPECIFICATION)
    names = {component["name"] for component in document["components"]}
    assert {part.name for part in parts.PARTS} | {"CPython", "OpenSSL", "msvc-runtime"} <= names
    references = [component["bom-ref"] for component in document["components"]]
    assert len(references) == len(set(references))
    assert document["metadata"]["component"]["version"] == iea_agent.__version__
    assert all(component["properties"][0]["value"] for component in document["components"])


def test_the_licence_of_each_part_ships(built: Built) -> None:
    folders = {folder.name for folder in (built.folder / "licences").iterdir() if folder.is_dir()}
    assert folders == {part.name for part in parts.PARTS} | {"CPython", "IEA Agent", "msvc-runtime"}
    for folder in (built.folder / "licences").iterdir():
        assert folder.is_file() or any(
            file.stat().st_size > 400 for file in folder.rglob("*") if file.is_file()
        ), folder


def test_it_is_small(built: Built) -> None:
    assert program_folder.measure(built.folder) + program_folder.measure(built.launchers) <= 55e6


def test_the_rigs_stand_ins_do_not_ship(built: Built) -> None:
    assert not (built.folder / "bcryptprimitives.dll").exists()
    assert SITE.exists()


def test_every_module_of_ours_can_be_imported_from_it(built: Built, windows: Prefix) -> None:
    """Windows and signatures need packages with libraries, or without ``__init__``."""
    slot = windows_path(built.folder)
    script = (
        "import importlib, os, pkgutil, sys\n"
        "slot = sys.argv[1]\n"
        "sys.path[:] = [slot + '\\\\python313.zip', slot + '\\\\lib', slot]\n"
        "os.add_dll_directory(slot)\n"
        "import iea_agent\n"
        "for module in pkgutil.walk_packages(iea_agent.__path__, 'iea_agent.'):\n"
        "    if not module.name.endswith(('__main__', 'posix', 'posix_socket', 'plain_tray')):\n"
        "        importlib.import_module(module.name)\n"
        "print('all of', len(sys.modules), sys.modules['wx.core'].__file__)\n"
    )
    done = windows.python("-I", "-c", script, slot)
    assert done.returncode == 0, done.stdout
    assert f"{slot}\\lib\\wx".casefold() in done.stdout.casefold()
