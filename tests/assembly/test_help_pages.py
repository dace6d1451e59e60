"""The help opens the page that was shipped, or the publisher's newer one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iea_agent.assembly.help_pages import find_help
from iea_agent.assembly.installation import Installation
from iea_agent.host.text_reader import POLICY_FILE
from iea_agent.shell.wording.problem_pages import find_page

PAGE = "# À faire\n\n- Ajoutez **l'adresse** aux exceptions.\n\n<script>alert(1)</script>"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    made = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    file = made.updates_folder / "targets" / POLICY_FILE
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"schema": 1, "pages": {"IEA-T12": {"fr": PAGE}, "IEA-Z99": {"fr": PAGE}}}))
    return made


def test_a_newer_page_takes_the_place_of_the_shipped_one(installation: Installation) -> None:
    page = find_help(installation, "IEA-T12")
    assert page is not None
    assert page != find_page("IEA-T12")
    text = page.read_text("utf-8")
    assert "IEA-T12" in text
    assert "<strong>l&#x27;adresse</strong>" in text
    assert "default-src 'none'" in text
    assert "<script" not in text


def test_other_pages_are_those_of_the_program(installation: Installation, tmp_path: Path) -> None:
    assert find_help(installation, "IEA-N02") == find_page("IEA-N02")
    assert find_help(installation, "guide") == find_page("guide")
    # a code of a later version has no page here, and its name becomes no path
    assert find_help(installation, "IEA-Z99") is None
    assert find_help(installation, "../x") is None
    without = Installation.locate({"IEA_AGENT_HOME": str(tmp_path / "other")})
    assert find_help(without, "IEA-T12") == find_page("IEA-T12")


def test_where_the_disk_refuses_the_shipped_page_is_shown(installation: Installation) -> None:
    folder = installation.folders.state / "support"
    folder.write_bytes(b"no folder")
    assert find_help(installation, "IEA-T12") == find_page("IEA-T12")
