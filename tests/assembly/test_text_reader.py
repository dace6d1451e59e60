"""The publisher's texts on a PC are read again when they change, and used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent import __version__
from iea_agent.assembly import text_reader
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.assembly.text_reader import TextReader
from iea_agent.domain import interceptors, signed_policy
from iea_agent.domain.diagnosis import OutdatedVersion
from iea_agent.domain.signed_policy import format_time

NOW = 1_800_000_000.0


def write_notice(folder: Path, text: str) -> Path:
    """Write a notice that holds for an hour from ``NOW`` on."""
    notice = {"since": format_time(NOW), "until": format_time(NOW + 3600), "text": {"fr": text}}
    file = folder / "targets" / text_reader.NOTICES_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "notices": [notice]}), "utf-8")
    return file


def test_notices_are_read_again_when_they_change(tmp_path: Path) -> None:
    reader = TextReader(tmp_path)
    assert reader.find_notice(NOW) is None
    file = write_notice(tmp_path, "Panne.")
    for text in ("Panne.", "Elle dure."):
        write_notice(tmp_path, text)
        notice = reader.find_notice(NOW + 1)
        assert notice is not None
        assert notice.text.fr == text
    assert reader.find_notice(NOW + 3600) is None
    file.write_bytes(b"{")
    assert reader.find_notice(NOW + 1) is None
    file.unlink()
    assert reader.find_notice(NOW + 1) is None


def write_policy(folder: Path, **values: object) -> None:
    """Write a policy of the publisher below the updates' *folder*."""
    file = folder / "targets" / text_reader.POLICY_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"schema": 1, **values}), "utf-8")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "home")})


def test_the_names_are_those_of_the_repository() -> None:
    assert text_reader.NOTICES_FILE == signed_policy.NOTICES_FILE
    assert text_reader.POLICY_FILE == signed_policy.POLICY_FILE
    assert text_reader.LARGEST_FILE == 4 * signed_policy.LARGEST_TEXT


def test_a_policy_is_the_same_object_until_its_file_changes(installation: Installation) -> None:
    read = installation.texts.load_policy
    assert read() is None
    write_policy(installation.updates_folder, support_address="un@exemple.fr")
    policy = read()
    assert policy is not None
    assert policy.support_address == "un@exemple.fr"
    assert read() is policy
    write_policy(installation.updates_folder, support_address="un-autre@exemple.fr")
    assert read() not in (policy, None)


def test_a_version_below_the_least_one_is_named(installation: Installation) -> None:
    settings = installation.storage.load().effective.settings
    assert installation.list_outdated(settings) == ()
    for least, outdated in ((__version__, False), ("99.1", True), ("0.0.1", False)):
        write_policy(installation.updates_folder, minimum={"agent": least, "product": "V73"})
        # no Impact emploi is on this PC
        expected = (OutdatedVersion(True, __version__, least),) if outdated else ()
        assert installation.list_outdated(settings) == expected


def test_a_product_of_the_policy_is_known_to_a_test_of_the_servers(installation: Installation) -> None:
    product = {
        "name": "Nouvel antivirus",
        "kind": "antivirus",
        "setting": "Dans Nouvel antivirus : « Réseau ».",
        "marks": ["nouvel antivirus"],
    }
    avast = {**product, "name": "Avast", "setting": "Ailleurs qu'avant.", "marks": ["avast"]}
    write_policy(installation.updates_folder, interceptors=[product, avast])
    settings = installation.storage.load().effective.settings
    nowhere = settings.with_values(
        {"authentication": "https://127.0.0.1:1", "updates": "https://127.0.0.1:1"}
    )
    try:
        Servers(installation).examine(nowhere)
        recognised = interceptors.recognise(["Nouvel Antivirus CA 3"])
        replaced = interceptors.recognise(["Avast Web/Mail Shield Root"])
        # the publisher takes it back while the agent runs
        (installation.updates_folder / "targets" / text_reader.POLICY_FILE).unlink()
        Servers(installation).examine(nowhere)
        assert interceptors.recognise(["Nouvel Antivirus CA 3"]) is None
    finally:
        interceptors.use_newer(())
    assert recognised is not None
    assert recognised.setting == product["setting"]
    assert replaced is not None
    assert replaced.setting == avast["setting"]
    assert interceptors.recognise(["Nouvel Antivirus CA 3"]) is None
    assert interceptors.recognise(["Avast Web/Mail Shield Root"]) is interceptors.find_interceptor("Avast")


@pytest.mark.linux
def test_without_notices_nothing_is_loaded() -> None:
    script = (
        "import sys, pathlib; from iea_agent.assembly.text_reader import TextReader\n"
        "TextReader(pathlib.Path('nowhere')).find_notice(1.0)\n"
        "assert not {name for name in sys.modules if 'signed_policy' in name or 'interceptors' in name}"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
