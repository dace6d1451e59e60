"""The publisher's texts on a PC are read again when they change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.domain import signed_policy
from iea_agent.domain.signed_policy import format_time
from iea_agent.host import text_reader
from iea_agent.host.text_reader import TextReader

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


def test_the_names_are_those_of_the_repository() -> None:
    assert text_reader.NOTICES_FILE == signed_policy.NOTICES_FILE
    assert text_reader.POLICY_FILE == signed_policy.POLICY_FILE
    assert text_reader.LARGEST_FILE == 4 * signed_policy.LARGEST_TEXT


def test_a_policy_is_the_same_object_until_its_file_changes(tmp_path: Path) -> None:
    read = TextReader(tmp_path).load_policy
    assert read() is None
    write_policy(tmp_path, support_address="un@exemple.fr")
    policy = read()
    assert policy is not None
    assert policy.support_address == "un@exemple.fr"
    assert read() is policy
    write_policy(tmp_path, support_address="un-autre@exemple.fr")
    assert read() not in (policy, None)


@pytest.mark.linux
def test_without_notices_nothing_is_loaded() -> None:
    script = (
        "import sys, pathlib; from iea_agent.host.text_reader import TextReader\n"
        "TextReader(pathlib.Path('nowhere')).find_notice(1.0)\n"
        "assert not {name for name in sys.modules if 'signed_policy' in name or 'interceptors' in name}"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
