"""winget's manifests, judged by its own schemas."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

import iea_agent
from installer import winget_manifests
from installer.commands import HERE
from installer.msi_package import make_identifier

pytestmark = pytest.mark.linux

URL = "https://updates.example.fr/agent"
SCHEMAS = HERE / "schemas"
HASHES = {
    "manifest.defaultLocale.1.28.0.json": "734c069c82470e3436d274fb381bfbe03e22f8fbfae2d2dd50df7dc055a3e061",
    "manifest.installer.1.28.0.json": "2caa4cd3a630c284b5ef750522e2e5861f751f376180b89cd29873eb30504ef4",
    "manifest.locale.1.28.0.json": "7d55396c4b88ce2165692d71685eab93189ba24cb20368b3903965d6f91c267a",
    "manifest.version.1.28.0.json": "5c9fa37ebe70dd410114157d31e4d9e84451b2bb8890e1c4345b4c690406ee1a",
}
"""SHA-256 of each schema as winget-cli has it."""


def read_script() -> str:
    """Return the setup's own script."""
    return (HERE / "setup.nsi").read_text(encoding="utf-8")


@pytest.fixture
def files(tmp_path: Path) -> dict[str, dict[str, object]]:
    """Return the written manifests, parsed again, by their kind."""
    setup, package = tmp_path / "setup.exe", tmp_path / "agent.msi"
    setup.write_bytes(b"the setup")
    package.write_bytes(b"the package")
    written = winget_manifests.write_manifests(tmp_path / "winget", "0.2.0", URL, setup, package)
    manifests = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in written]
    return {str(manifest["ManifestType"]): manifest for manifest in manifests}


@pytest.mark.parametrize("kind", ["version", "installer", "defaultLocale", "locale"])
def test_each_is_what_wingets_schema_wants(files: dict[str, dict[str, object]], kind: str) -> None:
    name = f"manifest.{kind}.{winget_manifests.SCHEMA_VERSION}.json"
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8-sig"))
    Draft7Validator(schema).validate(files[kind])
    # a mistyped name would pass: the schema allows others
    assert files[kind].keys() <= schema["properties"].keys()


@pytest.mark.parametrize("name", HASHES)
def test_the_schemas_are_those_of_winget(name: str) -> None:
    assert hashlib.sha256((SCHEMAS / name).read_bytes()).hexdigest() == HASHES[name]


def test_they_tell_the_file_that_people_get(files: dict[str, dict[str, object]]) -> None:
    installers = files["installer"]["Installers"]
    assert isinstance(installers, list)
    sha256 = {
        name: hashlib.sha256(content).hexdigest().upper()
        for name, content in (("setup.exe", b"the setup"), ("agent.msi", b"the package"))
    }
    assert {(each["InstallerUrl"], each["InstallerSha256"]) for each in installers} == {
        (f"{URL}/{name}", each) for name, each in sha256.items()
    }
    assert [
        (each["InstallerType"], each["Scope"], each.get("InstallerSwitches", {}).get("Custom"))
        for each in installers
    ] == [("nullsoft", "user", None), ("nullsoft", "machine", "/ALLUSERS"), ("wix", "machine", None)]
    assert installers[2]["ProductCode"] == make_identifier("product", "0.2.0")
    assert {manifest["PackageVersion"] for manifest in files.values()} == {"0.2.0"}


def test_every_exit_code_of_the_setup_is_explained(files: dict[str, dict[str, object]]) -> None:
    codes = winget_manifests.read_exit_codes(read_script())
    assert codes["NEWER_INSTALLED"] == 4
    assert codes["BUSY"] == 5
    assert codes.keys() == winget_manifests.RESPONSES.keys()
    installers = files["installer"]["Installers"]
    assert isinstance(installers, list)
    expected = installers[0]["ExpectedReturnCodes"]
    assert installers[1]["ExpectedReturnCodes"] == expected
    assert {each["InstallerReturnCode"]: each["ReturnResponse"] for each in expected} == {
        code: winget_manifests.RESPONSES[name] for name, code in codes.items()
    }


def test_what_it_says_of_the_setup_stands_in_the_setup(files: dict[str, dict[str, object]]) -> None:
    script = read_script()
    assert '"ALLUSERS"' in script, "a parameter that it knows"
    assert '!define NAME "IEA Agent"' in script
    assert r"CurrentVersion\Uninstall\${NAME}" in script
    installers = files["installer"]["Installers"]
    assert isinstance(installers, list)
    assert installers[0]["AppsAndFeaturesEntries"] == [
        {"DisplayName": "IEA Agent", "Publisher": "IEA Agent", "ProductCode": "IEA Agent"}
    ]


def test_without_a_setup_the_command_says_what_makes_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert winget_manifests.main([URL, "--files", str(tmp_path)]) == 1
    assert "make installer" in capsys.readouterr().err


def test_the_command_writes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in (f"iea-agent-setup-{iea_agent.__version__}.exe", f"iea-agent-{iea_agent.__version__}.msi"):
        (tmp_path / name).write_bytes(b"x")
    assert winget_manifests.main([URL, "--files", str(tmp_path), "--folder", str(tmp_path)]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        "IEAAgent.IEAAgent.yaml",
        "IEAAgent.IEAAgent.installer.yaml",
        "IEAAgent.IEAAgent.locale.fr-FR.yaml",
        "IEAAgent.IEAAgent.locale.en-US.yaml",
    ]
