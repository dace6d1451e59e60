"""The borders between the rooms.

lint-imports passes on the source, and fails if a border is crossed or a module has no room.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "src" / "iea_agent"
SOURCES = ("src", "sandbox/src", "desk/src")

VAGUE = {"utils", "helpers", "manager", "common", "core", "base", "misc"}
"""Module names that say nothing about their content."""


def modules() -> list[Path]:
    """Return every module of the three packages."""
    return sorted(module for source in SOURCES for module in (ROOT / source).rglob("*.py"))


@pytest.mark.linux  # import-linter is not installed inside the Windows Python
class TestImportLinter:
    """The contracts, on a copy of the tree."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        """Return a copy of the source and its contracts."""
        for source in SOURCES:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / source, tmp_path / "src", ignore=ignored, dirs_exist_ok=True)
        shutil.copy(ROOT / ".importlinter", tmp_path)
        return tmp_path

    def broken(self, tree: Path) -> str:
        """Return what lint-imports says is broken in *tree*; "" if nothing is."""
        done = subprocess.run(
            [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
            cwd=tree,
            env={**os.environ, "PYTHONPATH": str(tree / "src"), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return "" if done.returncode == 0 else done.stdout

    def test_the_source_keeps_its_borders(self, tree: Path) -> None:
        assert self.broken(tree) == ""

    def cross(self, tree: Path, module: str, line: str) -> None:
        """Add *line* to *module* of the copy; make the module if it does not exist."""
        path = tree / "src" / module
        text = path.read_text(encoding="utf-8") if path.exists() else '"""A module without a room."""\n'
        path.write_text(f"{text}\n{line}\n", encoding="utf-8")

    @pytest.mark.parametrize(
        ("module", "line", "contract"),
        [
            ("iea_agent/placeless.py", "", "Each room knows only the rooms below it"),
            ("iea_agent/shell/placeless.py", "", "The words stand below the tray and the dialogs"),
            ("iea_agent/services/placeless.py", "", "The services stand above one door to the network"),
            (
                "iea_agent/shell/wording/menu.py",
                "import iea_agent.host",
                "Each room knows only the rooms below it",
            ),
            ("iea_agent/domain/machine.py", "import iea_agent.loop", "Each room knows only"),
        ],
    )
    def test_a_module_without_a_room_and_an_import_upwards_are_found(
        self, tree: Path, module: str, line: str, contract: str
    ) -> None:
        self.cross(tree, module, line)
        output = self.broken(tree)
        assert re.search(re.escape(contract) + r".* BROKEN", output), output

    def test_every_other_contract_can_be_broken(self, tree: Path) -> None:
        crossings = [
            ("iea_agent/domain/problems.py", "from . import machine", "No two modules need each other"),
            ("iea_agent/domain/machine.py", "import time", "The domain has no clock"),
            (
                "iea_agent/assembly/installation.py",
                "import iea_sandbox",
                "knows neither the sandbox nor the desk",
            ),
            ("iea_sandbox/world.py", "import iea_agent", "without knowing the agent"),
            ("iea_desk/__init__.py", "import iea_agent.host", "The desk shares with the agent"),
            ("iea_agent/services/reachability.py", "import httpx", "httpx only in services/https.py"),
            ("iea_agent/assembly/agent.py", "import pystray", "pystray only in"),
            ("iea_agent/assembly/dialog_adapters.py", "import wx", "wx only in the dialogs"),
            ("iea_agent/shell/dialogs/ports.py", "from . import widgets", "needs no wx"),
            ("iea_agent/assembly/installation.py", "import keyring", "keyring only in host/vault.py"),
            ("iea_agent/cli.py", "import tomlkit", "only in host/settings_file.py"),
            ("iea_agent/services/https.py", "import tuf", "tuf and its lock only in"),
            (
                "iea_agent/services/updates.py",
                "import securesystemslib",
                "neither makes signatures nor serves",
            ),
        ]
        for module, line, _ in crossings:
            self.cross(tree, module, line)
        output = self.broken(tree)
        for _, _, contract in crossings:
            assert re.search(re.escape(contract) + r".* BROKEN", output), f"{contract}: {output}"


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_says_what_it_is_for_and_has_a_name_that_means_something(path: Path) -> None:
    assert path.stem not in VAGUE
    text = path.read_text(encoding="utf-8")
    assert re.match(r'"""\S.*', text), "the first line is a docstring"


def test_the_map_shows_every_room() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rooms = [block.split("\n\n", 1) for block in re.split(r"^\*\*`", page, flags=re.MULTILINE)[1:]]
    listed = {
        heading.partition("`")[0]: re.findall(r"^- `(\w+\.py)`: \S", body, re.MULTILINE)
        for heading, body in rooms
    }
    for folder in {path.parent for path in [*modules(), *ROOT.glob("rig/*.py"), *ROOT.glob("tools/*.py")]}:
        names = sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
        assert listed[f"{folder.relative_to(ROOT).as_posix()}/"] == names


def loaded_by(*modules: str) -> set[str]:
    """Return what a Python that imports *modules* has loaded."""
    script = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", script], text=True, timeout=60).split())


def test_the_icon_waits_for_nothing_that_it_does_not_need() -> None:
    machine = "windows" if sys.platform == "win32" else "posix"
    rooms = ("cli", "assembly.start", f"host.{machine}", "shell.tray")
    loaded = loaded_by(*(f"iea_agent.{room}" for room in rooms))
    ours = {name.removeprefix("iea_agent.") for name in loaded if name.startswith("iea_agent.")}
    behind = {
        "assembly",
        "assembly.instance",
        "host",
        "host.isolation",
        "locale",
        "shell",
        "shell.tray.limits",
    }
    behind |= {"shell.wording", "shell.wording.view"}
    behind |= (
        {"shell.tray.windows_tray"} if sys.platform == "win32" else {"host.child", "shell.tray.plain_tray"}
    )
    assert ours == {*rooms, *behind}
    if sys.platform == "win32":  # elsewhere Python itself, or pystray, loads some of these
        dear = {"PIL", "datetime", "hashlib", "json", "pathlib", "socket", "subprocess", "tempfile"}
        assert not loaded & dear


def test_a_window_waits_for_neither_network_nor_secrets() -> None:
    windows = ["cli", "assembly.window_process"]
    windows += (
        ["shell.dialogs.settings_dialog", "shell.dialogs.status_dialog"] if sys.platform == "win32" else []
    )
    loaded = loaded_by(*(f"iea_agent.{room}" for room in windows))
    rooms = {name.split(".")[1] for name in loaded if name.startswith("iea_agent.")}
    assert rooms <= {"assembly", "channel", "cli", "domain", "host", "locale", "shell"}
    dear = {"argparse", "email", "hashlib", "httpcore", "httpx", "keyring", "multiprocessing", "socket"}
    dear |= {"ssl", "subprocess", "tempfile", "tomlkit", "tuf"}
    assert not loaded & dear
    assert not loaded & {
        f"iea_agent.host.{room}" for room in ("logs", "posix", "system_proxy", "vault", "windows")
    }
