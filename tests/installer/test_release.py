"""The folder that a publisher uploads."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

import iea_agent
from installer import release

VERSION = iea_agent.__version__


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a release of small files."""
    names = (
        f"iea-agent-setup-{VERSION}.exe",
        f"iea-agent-{VERSION}.msi",
        f"iea-agent-test-{VERSION}.exe",
        "parts.cdx.json",
    )
    files = [tmp_path / name for name in names]
    for file in files:
        file.write_text(file.name)
    (tmp_path / "release").mkdir()
    (tmp_path / "release" / "of an earlier build").touch()
    release.gather(tmp_path / "release", "https://example.fr/agent/", *files)
    return tmp_path / "release"


def test_it_holds_what_is_published_and_nothing_else(folder: Path) -> None:
    assert sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    ) == sorted(
        (
            release.SUMS,
            f"iea-agent-{VERSION}.cdx.json",
            f"iea-agent-{VERSION}.msi",
            f"iea-agent-setup-{VERSION}.exe",
            f"iea-agent-test-{VERSION}.exe",
            "policies/IEA-Agent.admx",
            "policies/en-US/IEA-Agent.adml",
            "policies/fr-FR/IEA-Agent.adml",
            "winget/IEAAgent.IEAAgent.installer.yaml",
            "winget/IEAAgent.IEAAgent.locale.en-US.yaml",
            "winget/IEAAgent.IEAAgent.locale.fr-FR.yaml",
            "winget/IEAAgent.IEAAgent.yaml",
        )
    )


def test_its_sums_are_those_of_its_files(folder: Path) -> None:
    command = ["sha256sum", "--check", "--strict", release.SUMS]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == sum(file.is_file() for file in folder.rglob("*")) - 1


def test_winget_fetches_from_where_it_is_published(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "winget" / "IEAAgent.IEAAgent.installer.yaml").read_text("utf-8"))
    addresses = {each["InstallerUrl"] for each in manifest["Installers"]}
    assert addresses == {
        f"https://example.fr/agent/iea-agent-setup-{VERSION}.exe",
        f"https://example.fr/agent/iea-agent-{VERSION}.msi",
    }
