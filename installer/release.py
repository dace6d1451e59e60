"""Gathers what is published of a release in one folder, as people download it.

The folder is made anew each time, and holds nothing that is not published.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import iea_agent
from iea_agent.domain.addresses import OFFICIAL_UPDATES
from installer.build import Built, build_package, build_portable_test, build_setup
from installer.commands import OUTPUT
from installer.policy_templates import write_templates
from installer.signing import Certificate
from installer.winget_manifests import write_manifests

URL = f"{OFFICIAL_UPDATES}/agent"
"""The folder from which people download, unless another one is given."""
SUMS = "SHA256SUMS"


def build_release(
    program: Built, certificate: Certificate | None = None, url: str = URL, output: Path = OUTPUT
) -> tuple[Path, ...]:
    """Make all files of the release, signed if there is a certificate. Raises ``BuildError``."""
    setup, package, test = (
        make(program, certificate, output) for make in (build_setup, build_package, build_portable_test)
    )
    return gather(output / "release", url, setup, package, test, program.folder / "parts.cdx.json")


def gather(folder: Path, url: str, setup: Path, package: Path, test: Path, parts: Path) -> tuple[Path, ...]:
    """Make the *folder* of these files and what is made of them; return all of it.

    It has its name once it is whole.
    """
    version = iea_agent.__version__
    fresh = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in (setup, package, test):
        shutil.copy(file, fresh)
    shutil.copyfile(parts, fresh / f"iea-agent-{version}.cdx.json")
    write_templates(fresh / "policies")
    write_manifests(fresh / "winget", version, url, fresh / setup.name, fresh / package.name)
    (fresh / SUMS).write_text(list_sums(fresh), encoding="ascii", newline="\n")
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)
    return tuple(sorted(file for file in folder.rglob("*") if file.is_file()))


def list_sums(folder: Path) -> str:
    """Return the hashes of all files below *folder*, as ``sha256sum --check`` reads them."""
    files = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != SUMS)
    return "".join(
        f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(folder).as_posix()}\n"
        for file in files
    )
