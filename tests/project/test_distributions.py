"""The three distributions: what their wheels hold, ask for and start."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest

import iea_agent

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = {"iea-agent": ROOT, "iea-sandbox": ROOT / "sandbox", "iea-desk": ROOT / "desk"}
THROUGH_KEYRING = {"secretstorage", "jeepney"}
"""What keyring itself asks for on Linux."""

BUILD = "import sys, uv_build; uv_build.build_wheel(sys.argv[1])"

# the build backend is not installed inside the Windows Python
pytestmark = pytest.mark.linux


class Wheel(NamedTuple):
    """Hold a wheel that was unpacked into a folder, and its metadata."""

    name: str
    folder: Path
    needs: set[str]
    commands: str

    @property
    def package(self) -> str:
        """Return the name of its package."""
        return self.name.replace("-", "_")


def build_wheel(name: str, folder: Path) -> Wheel:
    """Build a wheel with the locked backend, offline, and unpack it."""
    subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=PROJECTS[name], check=True, capture_output=True, timeout=120,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    (file,) = folder.glob("*.whl")
    with ZipFile(file) as archive:
        archive.extractall(folder / "unpacked")
    (about,) = (folder / "unpacked").glob("*.dist-info")
    needs = Parser().parsestr((about / "METADATA").read_text("utf-8")).get_all("Requires-Dist", [])
    return Wheel(
        name,
        about.parent,
        {re.split(r"[^\w-]", need.lower())[0] for need in needs},
        (about / "entry_points.txt").read_text("utf-8"),
    )


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Wheel]:
    """Return the wheels of all three."""
    return [build_wheel(name, tmp_path_factory.mktemp(name)) for name in PROJECTS]


def files_below(folder: Path) -> set[str]:
    """Return the names of the files that ship, relative to *folder*."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file.relative_to(folder).as_posix() for file in files}


def test_a_wheel_holds_its_own_package_whole_and_nothing_else(wheels: list[Wheel]) -> None:
    for wheel in wheels:
        folders = {path.name for path in wheel.folder.iterdir()}
        assert folders == {wheel.package, f"{wheel.package}-{iea_agent.__version__}.dist-info"}
        source = PROJECTS[wheel.name] / "src" / wheel.package
        # what says that it is a checkout does not ship
        assert files_below(wheel.folder / wheel.package) == files_below(source) - {"checkout.txt"}


def test_a_wheel_starts_its_own_command_and_no_other(wheels: list[Wheel]) -> None:
    for wheel in wheels:
        module = "entry_point" if wheel.name == "iea-desk" else "cli"
        assert wheel.commands.split("\n\n")[0].split("\n") == [
            "[console_scripts]",
            f"{wheel.name} = {wheel.package}.{module}:main",
        ]


def imported_by(folder: Path) -> Iterator[str]:
    """Yield the first name of everything that the modules below *folder* import."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0]


def test_a_wheel_asks_for_what_it_imports(wheels: list[Wheel]) -> None:
    distributions = packages_distributions()
    for wheel in wheels:
        imported = {name for name in imported_by(wheel.folder) if name != wheel.package}
        # what is for Windows only is not installed here
        asked = {distributions[name][0].lower() for name in imported & distributions.keys()}
        assert asked <= wheel.needs | THROUGH_KEYRING, wheel.name


def test_the_agent_and_the_sandbox_start_without_each_other(wheels: list[Wheel]) -> None:
    installed = sysconfig.get_path("purelib")
    # without "site" the folders of the sources are not on the path
    script = (
        f"import sys; sys.path += *sys.argv[3:], {installed!r}; from importlib import import_module as load\n"
        "try: load(sys.argv[2])\n"
        "except ModuleNotFoundError: load(sys.argv[1] + '.cli').main(['--help'])"
    )
    agent, sandbox, desk = wheels
    # the sandbox's repository is made by the module of the desk that knows no agent
    for wheel, other, folders in (
        (agent, sandbox, [agent.folder]),
        (sandbox, agent, [sandbox.folder, desk.folder]),
    ):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, wheel.package, other.package, *folders],
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert wheel.name in done.stdout


def test_no_variable_moves_the_policy_of_what_ships(wheels: list[Wheel], tmp_path: Path) -> None:
    script = (
        "import sys; sys.path += sys.argv[1:]; import os; from iea_agent.host.storage import Folders\n"
        "folders = Folders.locate(os.environ); print(folders.policy, folders.has_own_policy, folders.state)"
    )
    moving = {"XDG_CONFIG_DIRS": tmp_path, "IEA_AGENT_HOME": tmp_path / "home"}
    for names in (["XDG_CONFIG_DIRS"], list(moving)):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", script, wheels[0].folder, sysconfig.get_path("purelib")],
            env={"HOME": str(tmp_path), **{name: str(moving[name]) for name in names}},
            capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        assert done.stdout.startswith("/etc/xdg/IEA Agent False ")
        assert (str(tmp_path / "home") in done.stdout) is ("IEA_AGENT_HOME" in names)


def test_the_three_have_one_version() -> None:
    for name, folder in PROJECTS.items():
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        assert (project["name"], project["version"]) == (name, iea_agent.__version__)
    assert f"iea-agent=={iea_agent.__version__}" in project["dependencies"]
