"""What this PC adds to the agent's status where it is shown."""

from __future__ import annotations

from pathlib import Path

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.local_facts import complete_status
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.settings import DEFAULTS
from iea_agent.shell.wording.status_text import build_status_document, list_technical_facts
from tests.programs import make_program, make_version

STATUS = build_status_document(Snapshot(State.CONNECTED, 1.8e9), DEFAULTS)
VERSION = "Version d’Impact emploi"


def test_the_version_of_impact_emploi_and_the_start_with_windows_are_added(tmp_path: Path) -> None:
    program = tmp_path / "Impact emploi.exe"
    program.write_bytes(make_program(make_version((3, 0, 72, 0), {"ProductVersion": "3.00.72"})))
    settings = tmp_path / "settings" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text(f"schema = 1\n[program]\npath = '{program}'\n", encoding="utf-8")
    status = complete_status(Installation.locate({"IEA_AGENT_HOME": str(tmp_path)}), STATUS)
    assert status == {**STATUS, "autostart": None, "impact_emploi_version": "3.00.72"}
    assert dict(list_technical_facts(status))[VERSION] == "3.00.72"


def test_a_version_that_nobody_knows_is_said_to_be_unknown(tmp_path: Path) -> None:
    status = complete_status(Installation.locate({"IEA_AGENT_HOME": str(tmp_path)}), STATUS)
    assert status["impact_emploi_version"] == ""
    assert dict(list_technical_facts(status))[VERSION] == "inconnue"
