"""The MSI: its tables, and its life in a new Windows.

Most of it with a stand-in for Python: packing the real one takes long, and Windows Installer does the same with both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iea_sandbox.world import World
from installer import msi_package
from installer.build import Built
from installer.commands import run as run_program
from installer.launchers import COMPILER
from installer.msi_package import build_msi, read_table
from installer.setup_program import compile_setup
from rig.build import PYTHON
from rig.desktop import Desktop
from rig.prefix import Prefix, read_to_end, windows_path
from tests.installer.target_windows import APPROVED, RUN, UNINSTALL, WRONG, Windows

FIRST, NEXT = "1.0.0", "2.0.0"
DONE, FAILED = 0, 1603
"""Exit codes of msiexec (Windows Installer, "Error Codes")."""
CALLS = """
import json, subprocess, sys
for line in sys.stdin:
    print(subprocess.call(json.loads(line), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), flush=True)
"""
"""Starts programs inside Windows: outside an exit code loses what is above 255."""


@pytest.fixture(scope="module")
def slot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a version with a stand-in for Python."""
    folder = tmp_path_factory.mktemp("slot")
    (folder / "lib").mkdir()
    source = Path(__file__).with_name("stand_in.c")
    run_program(COMPILER, "-shared", "-O1", str(source), "-o", str(folder / "python313.dll"))
    for name in ("python313.zip", "lib/module.pyc"):
        (folder / name).write_bytes(bytes(100))
    return folder


@pytest.fixture(scope="module")
def packages(built: Built, slot: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the packages of two versions."""
    folder = tmp_path_factory.mktemp("packages")
    for version in (FIRST, NEXT):
        build_msi(slot, built.launchers, folder / f"{version}.msi", version)
    return {version: folder / f"{version}.msi" for version in (FIRST, NEXT)}


def read_column(package: Path, table: str, column: str) -> dict[str, str]:
    """Return a column of a table by the first one."""
    _head, rows = read_table(package, table)
    return {next(iter(row.values())): row[column] for row in rows}


def test_the_tables_say_when_and_for_whom(packages: dict[str, Path]) -> None:
    package = packages[FIRST]
    places = {
        name: int(number)
        for name, number in read_column(package, "InstallExecuteSequence", "Sequence").items()
    }
    conditions = read_column(package, "InstallExecuteSequence", "Condition")
    # within the transaction, before anything is written
    assert places["InstallInitialize"] < places["RemoveExistingProducts"] < places["ProcessComponents"]
    assert places["AppSearch"] < places["CostFinalize"] < places["StopAgent"] < places["InstallValidate"]
    assert (
        places["PublishProduct"]
        < places["SwitchVersion"]
        < places["RemoveVersions"]
        < places["InstallFinalize"]
    )
    assert places["InstallFinalize"] < places["StartAgent"]
    assert conditions["StopAgent"] == "Installed OR WIX_UPGRADE_DETECTED"
    assert conditions["RemoveFiles"] == "NOT UPGRADINGPRODUCTCODE"
    assert "NOT UPGRADINGPRODUCTCODE" in conditions["RemoveVersions"]
    # what the system runs is in the package; what the person runs is ignored if it fails
    assert read_column(package, "CustomAction", "Type") == {
        "StopAgent": "98",
        "SwitchVersion": "3074",
        "RemoveVersions": "3138",
        "StartAgent": "226",
    }
    assert read_column(package, "Component", "Condition")["Autostart"].startswith("AUTOSTART=1 OR ")
    properties = read_column(package, "Property", "Value")
    assert properties["ALLUSERS"] == "1"
    assert "AUTOSTART" in properties["SecureCustomProperties"].split(";")
    assert set(read_column(package, "Shortcut", "Target").values()) == {"[INSTALLDIR]iea-agentw.exe"}
    summary = run_program("msiinfo", "suminfo", str(package))
    assert "Template: x64;1036" in summary
    assert "1980" in summary


def test_a_launcher_has_a_version_so_that_the_next_one_replaces_it(packages: dict[str, Path]) -> None:
    _head, rows = read_table(packages[FIRST], "File")
    versions = {row["FileName"]: row["Version"] for row in rows}
    assert versions["iea-agentw.exe"].count(".") == 3
    assert versions["python313.zip"] == ""


def test_versions_differ_as_windows_installer_wants_it(packages: dict[str, Path]) -> None:
    first, following = (read_column(packages[version], "Property", "Value") for version in (FIRST, NEXT))
    assert first["ProductCode"] != following["ProductCode"]
    assert first["ProductCode"] == msi_package.make_identifier("product", FIRST)
    assert first["UpgradeCode"] == following["UpgradeCode"] == msi_package.UPGRADE_CODE
    codes = [read_column(packages[version], "Component", "ComponentId") for version in (FIRST, NEXT)]
    same = {key for key in codes[0] if codes[0][key] == codes[1].get(key)}
    # the launchers and the entry of the registry; a version's files have a folder of their own
    assert len(same) == 3


def test_two_packages_are_the_same(
    packages: dict[str, Path], built: Built, slot: Path, tmp_path: Path
) -> None:
    # compiled again, the same bytes have another time
    launchers = shutil.copytree(built.launchers, tmp_path / "launchers")
    for launcher in launchers.iterdir():
        launcher.touch()
    build_msi(slot, launchers, tmp_path / "again.msi", FIRST)
    assert (tmp_path / "again.msi").read_bytes() == packages[FIRST].read_bytes()


class Installer:
    """msiexec in a new Windows."""

    def __init__(self, prefix: Prefix) -> None:
        self.windows = Windows(prefix)
        self.drive = prefix.path / "drive_c"
        self.program = self.drive / "Program Files" / "IEA Agent"
        self._calls = prefix.start(PYTHON / "python.exe", "-c", CALLS, errors=subprocess.DEVNULL)

    def call(self, *words: str) -> int:
        """Run a program inside Windows; return its exit code."""
        assert self._calls.stdin is not None
        assert self._calls.stdout is not None
        self._calls.stdin.write(json.dumps(words) + "\n")
        self._calls.stdin.flush()
        return int(self._calls.stdout.readline())

    def msiexec(self, *words: str | Path) -> int:
        """Run msiexec without a question; return its exit code."""
        return self.call(
            "msiexec", "/qn", *(windows_path(word) if isinstance(word, Path) else word for word in words)
        )

    def pointers(self) -> tuple[str, str]:
        """Return what ``current`` and ``previous`` name."""
        return self.windows.pointer("current", self.program), self.windows.pointer("previous", self.program)

    def close(self) -> None:
        """Let the program inside end."""
        read_to_end(self._calls, 30)


@pytest.fixture
def installer() -> Iterator[Installer]:
    """Return msiexec in a new Windows."""
    with Prefix() as prefix:
        installer = Installer(prefix)
        yield installer
        installer.close()


def test_from_the_first_version_to_the_last_trace(packages: dict[str, Path], installer: Installer) -> None:
    """Install, update, refuse the older, repair, remove."""
    windows = installer.windows
    files, keys = windows.files(), windows.keys()
    assert installer.msiexec("/i", packages[FIRST]) == DONE
    assert installer.pointers() == (FIRST, "")
    assert windows.command("version", program=installer.program)[1].splitlines()[0] == FIRST
    assert windows.registry("HKLM", RUN)["IEA Agent"].endswith(r'IEA Agent\iea-agentw.exe" run --quiet')
    assert windows.menu() == set(msi_package.SHORTCUTS.values())
    assert (installer.drive / "ProgramData" / "IEA Agent").exists()

    assert installer.msiexec("/i", packages[NEXT], "AUTOSTART=0") == DONE
    assert installer.pointers()[0] == NEXT
    assert "IEA Agent" not in windows.registry("HKLM", RUN)
    assert installer.msiexec("/i", packages[FIRST]) == FAILED
    assert installer.pointers()[0] == NEXT

    (installer.program / NEXT / "python313.zip").unlink()
    assert installer.msiexec("/i", packages[NEXT], "REINSTALL=ALL", "REINSTALLMODE=omus") == DONE
    assert windows.command("version", program=installer.program)[1].splitlines()[0] == NEXT

    # the Task Manager has noted something of the entry that is gone
    windows.note_approval("HKCU", "IEA Agent")
    assert installer.msiexec("/x", packages[NEXT]) == DONE
    assert windows.registry("HKCU", APPROVED) == {}
    assert sorted(windows.files() - files) == []
    # Windows Installer keeps empty lists, but no number of ours in them
    left = {key for key in windows.keys() - keys if not re.search(r"\\CurrentVersion\\Installer\b", key)}
    assert sorted(left) == []
    assert not any(re.search("[0-9A-F]{32}", key) for key in windows.keys() - keys)


def test_the_version_before_stays_to_go_back_to(packages: dict[str, Path], installer: Installer) -> None:
    """Update as Windows does: Wine does not tell a version that it makes room."""
    codes = {version: msi_package.make_identifier("product", version) for version in (FIRST, NEXT)}
    assert installer.msiexec("/i", packages[FIRST]) == DONE
    assert installer.msiexec("/x", codes[FIRST], f"UPGRADINGPRODUCTCODE={codes[NEXT]}") == DONE
    assert installer.msiexec("/i", packages[NEXT]) == DONE
    assert installer.pointers() == (NEXT, FIRST)
    (installer.program / NEXT / "python313.zip").unlink()
    assert installer.windows.command("version", program=installer.program)[1].splitlines()[0] == FIRST
    # what is neither current nor the one before goes with the next installation
    (installer.program / "0.9.0").mkdir()
    (installer.program / "0.9.0" / "python313.dll").touch()
    (installer.program / "mine").mkdir()
    assert installer.msiexec("/i", packages[NEXT], "REINSTALL=ALL", "REINSTALLMODE=omus") == DONE
    assert {path.name for path in installer.program.glob("*/")} == {NEXT, FIRST, "mine"}
    assert installer.pointers() == (NEXT, FIRST)
    assert installer.msiexec("/x", packages[NEXT]) == DONE
    assert [path.name for path in installer.program.rglob("*")] == ["mine"]


def test_an_agent_that_runs_is_updated(built: Built, tmp_path: Path) -> None:
    """With the real program: the agent ends, and comes back in the new version."""
    folder = tmp_path / "slot"
    # no window is opened: half as much to pack
    shutil.copytree(built.folder, folder, ignore=shutil.ignore_patterns("wx"), copy_function=os.link)
    packages = {version: tmp_path / f"{version}.msi" for version in (FIRST, NEXT)}
    for version, package in packages.items():
        build_msi(folder, built.launchers, package, version)
    with World(tmp_path / "world") as world, Desktop() as desktop:
        installer = Installer(desktop.prefix)
        windows, licence = installer.windows, world.licence("good")
        windows.program = installer.program
        assert installer.msiexec("/i", packages[FIRST]) == DONE
        for name, value in (
            ("authentication", world.authentication.address),
            ("updates", world.updates.address),
            ("ca_file", windows_path(world.ca_file)),
        ):
            assert windows.command("settings", "set", f"connection.{name}", value)[0] == 0
        assert windows.command("licence", "set", licence.number, given=f"{licence.key}\n")[0] == 0
        agent = windows.start(installer.program / "iea-agentw.exe", "run")
        windows.until("connected")

        assert installer.msiexec("/i", packages[NEXT]) == DONE
        agent.communicate(timeout=60)
        windows.until("connected")
        assert installer.pointers()[0] == NEXT
        document = json.loads(windows.command("diagnose", "--json")[1])
        assert document["program"].startswith(r"C:\Program Files\IEA Agent")

        assert installer.msiexec("/x", packages[NEXT]) == DONE
        assert not installer.program.exists()
        installer.close()


def test_setup_and_msi_do_not_install_over_each_other(
    packages: dict[str, Path], installer: Installer, built: Built, slot: Path, tmp_path: Path
) -> None:
    setup = tmp_path / "setup.exe"
    compile_setup(slot, built.launchers, setup, version=NEXT, is_packed=False)
    assert installer.msiexec("/i", packages[FIRST]) == DONE
    for scope in ((), ("/ALLUSERS",)):
        assert installer.windows.run(setup, "/S", "/NOTEST", "/NOSTART", *scope) == WRONG
    assert installer.msiexec("/x", packages[FIRST]) == DONE
    assert (
        installer.call(
            "reg", "add", rf"HKLM\{UNINSTALL}", "/v", "DisplayVersion", "/d", FIRST, "/f", "/reg:64"
        )
        == 0
    )
    assert installer.msiexec("/i", packages[NEXT]) == FAILED
    assert not installer.program.exists()
