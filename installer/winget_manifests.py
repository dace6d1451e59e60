"""Manifests for winget: what is installed, from where, and what its exit codes mean.

``python -m installer.winget_manifests URL`` writes them for the setup and the MSI in ``build/installer``, which people will
download from the folder of that address. The exit codes are read from ``installer/setup.nsi``, the only place that has their numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import iea_agent
from iea_agent.host.storage import APPLICATION
from installer.commands import HERE, OUTPUT
from installer.msi_package import UPGRADE_CODE, make_identifier

SCHEMA_VERSION = "1.28.0"
IDENTIFIER = "IEAAgent.IEAAgent"
DEFAULT_LOCALE = "fr-FR"

RESTART_LATER = 3010
"""msiexec is done, and a file is replaced when Windows starts again."""

RESPONSES: Mapping[str, str] = {
    "CANCELLED": "cancelledByUser",
    "NOT_WRITTEN": "contactSupport",
    "BAD_PARAMETER": "invalidParameter",
    "NEWER_INSTALLED": "downgrade",
    "BUSY": "packageInUse",
    "UNREACHABLE": "noNetwork",
    "REFUSED": "contactSupport",
    "NEEDS_ADMINISTRATOR": "blockedByPolicy",
}
"""What winget says of each exit code of the setup, by its name in ``setup.nsi``."""

TEXTS: Mapping[str, Mapping[str, object]] = {
    "fr-FR": {
        "Publisher": APPLICATION,
        "PackageName": APPLICATION,
        "License": "MIT",
        "ShortDescription": "Programme de connexion pour Impact emploi association",
        "Description": (
            "Reste dans la zone de notification, garde l’installation authentifiée auprès de son serveur et, si la connexion échoue, dit en français "
            "ce qui ne va pas, qui peut agir et que faire."
        ),
        "Tags": ["impact-emploi", "connexion", "paie"],
    },
    "en-US": {
        "Publisher": APPLICATION,
        "PackageName": APPLICATION,
        "License": "MIT",
        "ShortDescription": "Connection program for Impact emploi association",
        "Description": (
            "Sits in the notification area, keeps the installation authenticated with its server and, if the connection fails, says in French or "
            "English what is wrong, who can act and what to do."
        ),
        "Tags": ["impact-emploi", "connection", "payroll"],
    },
}
"""What people read about the program, by language."""

Manifest = Mapping[str, object]


def read_exit_codes(script: str) -> dict[str, int]:
    """Return the exit codes that the setup's *script* defines, by name."""
    _, _, block = script.partition("; exit codes\n")
    block = block.partition("\n\n")[0]
    return {name: int(number) for name, number in re.findall(r"^!define (\w+) (\d+)$", block, re.MULTILINE)}


def build_manifests(
    version: str, setup: Manifest, package: Manifest, codes: Mapping[str, int]
) -> dict[str, Manifest]:
    """Return the manifests by file name, for the *setup* and the MSI *package* (``describe_file``).

    *codes* are the setup's exit codes by name. Raises ``KeyError`` if one has no response.
    """
    every = {"PackageIdentifier": IDENTIFIER, "PackageVersion": version}
    installed = {"DisplayName": APPLICATION, "Publisher": APPLICATION}
    product_code = make_identifier("product", version)
    setup_kind = {
        "InstallerType": "nullsoft",
        "InstallModes": ["interactive", "silent", "silentWithProgress"],
        "ExpectedReturnCodes": [
            {"InstallerReturnCode": code, "ReturnResponse": RESPONSES[name]} for name, code in codes.items()
        ],
        "AppsAndFeaturesEntries": [{**installed, "ProductCode": APPLICATION}],
    }
    kinds: dict[str, Manifest] = {
        "version": {"DefaultLocale": DEFAULT_LOCALE},
        "installer": {
            "Platform": ["Windows.Desktop"],
            "MinimumOSVersion": "10.0.0.0",
            "UpgradeBehavior": "install",
            "Commands": ["iea-agent"],
            "Installers": [
                {**setup, **setup_kind, "Scope": "user"},
                {
                    **setup,
                    **setup_kind,
                    "Scope": "machine",
                    "InstallerSwitches": {"Custom": "/ALLUSERS"},
                    "ElevationRequirement": "elevationRequired",
                },
                {
                    **package,
                    "InstallerType": "wix",
                    "InstallModes": ["silent", "silentWithProgress"],
                    "Scope": "machine",
                    "ElevationRequirement": "elevationRequired",
                    "ProductCode": product_code,
                    "InstallerSuccessCodes": [RESTART_LATER],
                    "AppsAndFeaturesEntries": [
                        {
                            **installed,
                            "ProductCode": product_code,
                            "UpgradeCode": UPGRADE_CODE,
                            "InstallerType": "wix",
                        }
                    ],
                },
            ],
        },
        **{
            "defaultLocale" if locale == DEFAULT_LOCALE else "locale": {"PackageLocale": locale, **texts}
            for locale, texts in TEXTS.items()
        },
    }
    return {
        _name_file(kind, manifest): {
            **every,
            **manifest,
            "ManifestType": kind,
            "ManifestVersion": SCHEMA_VERSION,
        }
        for kind, manifest in kinds.items()
    }


def describe_file(url: str, file: Path) -> Manifest:
    """Return what winget needs to fetch *file*, which people get from the folder at *url*."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest().upper()
    return {
        "Architecture": "x64",
        "InstallerUrl": f"{url.rstrip('/')}/{file.name}",
        "InstallerSha256": sha256,
    }


def _name_file(kind: str, manifest: Manifest) -> str:
    part = {"version": "", "installer": ".installer"}.get(kind, f".locale.{manifest.get('PackageLocale')}")
    return f"{IDENTIFIER}{part}.yaml"


def format_manifest(manifest: Manifest) -> str:
    """Return *manifest* as YAML; the first line names its schema, as editors expect."""
    kind = manifest["ManifestType"]
    schema = f"https://aka.ms/winget-manifest.{kind}.{SCHEMA_VERSION}.schema.json"
    return "\n".join([f"# yaml-language-server: $schema={schema}", *_format(manifest)]) + "\n"


def _format(value: object) -> Iterator[str]:
    """Yield the lines of *value*; texts are quoted, which YAML reads as JSON does."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            if isinstance(each, (Mapping, list)):
                yield f"{key}:"
                yield from (f"  {line}" for line in _format(each))
            else:
                yield f"{key}: {json.dumps(each, ensure_ascii=False)}"
    elif isinstance(value, list):
        for each in value:
            first, *rest = _format(each)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
    else:
        yield json.dumps(value, ensure_ascii=False)


def write_manifests(folder: Path, version: str, url: str, setup: Path, package: Path) -> tuple[Path, ...]:
    """Write the manifests for the files *setup* and *package* into *folder*, and return them."""
    codes = read_exit_codes((HERE / "setup.nsi").read_text(encoding="utf-8"))
    files_at_url = (describe_file(url, setup), describe_file(url, package))
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for name, manifest in build_manifests(version, *files_at_url, codes).items():
        file = folder / name
        file.write_text(format_manifest(manifest), encoding="utf-8", newline="\n")
        files.append(file)
    return tuple(files)


def main(arguments: Sequence[str]) -> int:
    """Write the manifests of the setup that *arguments* name; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m installer.winget_manifests", description="Write winget's manifests."
    )
    parser.add_argument("url", help="the folder from which people will download both; https")
    parser.add_argument(
        "--files", type=Path, default=OUTPUT, help="the folder with both; by default build/installer"
    )
    parser.add_argument("--folder", type=Path, default=OUTPUT / "winget")
    options = parser.parse_args(arguments)
    version = iea_agent.__version__
    files = [options.files / name for name in (f"iea-agent-setup-{version}.exe", f"iea-agent-{version}.msi")]
    for file in files:
        if not file.is_file():
            print(f"{file}: no such file; make installer makes it", file=sys.stderr)
            return 1
    for file in write_manifests(options.folder, version, options.url, *files):
        print(file)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
