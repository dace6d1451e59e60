"""The notices on a PC are read again when they change, and hold for their time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.assembly import notice_reader
from iea_agent.assembly.notice_reader import NoticeReader
from iea_agent.domain import signed_policy
from iea_agent.domain.signed_policy import format_time

NOW = 1_800_000_000.0


def write_notice(folder: Path, text: str) -> Path:
    """Write a notice that holds for an hour from ``NOW`` on."""
    notice = {"since": format_time(NOW), "until": format_time(NOW + 3600), "text": {"fr": text}}
    file = folder / "targets" / notice_reader.NOTICES_FILE
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"schema": 1, "notices": [notice]}), "utf-8")
    return file


def test_notices_are_read_again_when_they_change(tmp_path: Path) -> None:
    reader = NoticeReader(tmp_path)
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


def test_the_name_is_that_of_the_repository() -> None:
    assert notice_reader.NOTICES_FILE == signed_policy.NOTICES_FILE


@pytest.mark.linux
def test_without_notices_nothing_is_loaded() -> None:
    script = (
        "import sys, pathlib; from iea_agent.assembly.notice_reader import NoticeReader\n"
        "NoticeReader(pathlib.Path('nowhere')).find_notice(1.0)\n"
        "assert not {name for name in sys.modules if 'signed_policy' in name or 'interceptors' in name}"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
