"""What this PC adds to the agent's status where it is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.local_facts import complete_status, find_waiting_update
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Postponement
from iea_agent.domain.update_machine import FileVerified, InstallRequested, VersionProposed, VersionSkipped
from iea_agent.shell.wording.status_text import build_status_document, list_facts, list_technical_facts
from tests.programs import make_program, make_version
from tests.releases import make_offer

STATUS = build_status_document(Snapshot(State.CONNECTED, 1.8e9), DEFAULTS)
OFFER = make_offer("3.00.73")
NOW = 1_800_000_000.0
VERSION = "Version d’Impact emploi"


def test_the_version_of_impact_emploi_and_the_start_with_windows_are_added(tmp_path: Path) -> None:
    program = tmp_path / "Impact emploi.exe"
    program.write_bytes(make_program(make_version((3, 0, 72, 0), {"ProductVersion": "3.00.72"})))
    settings = tmp_path / "settings" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text(f"schema = 1\n[program]\npath = '{program}'\n", encoding="utf-8")
    status = complete_status(Installation.locate({"IEA_AGENT_HOME": str(tmp_path)}), STATUS)
    assert status == {**STATUS, "autostart": None, "impact_emploi_version": "3.00.72", "update": ""}
    assert dict(list_technical_facts(status))[VERSION] == "3.00.72"


def test_a_version_that_nobody_knows_is_said_to_be_unknown(tmp_path: Path) -> None:
    status = complete_status(Installation.locate({"IEA_AGENT_HOME": str(tmp_path)}), STATUS)
    assert status["impact_emploi_version"] == ""
    assert dict(list_technical_facts(status))[VERSION] == "inconnue"


def test_a_version_that_waits_is_a_line_of_the_status(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    keeper = UpdateKeeper(installation, lambda: None, lambda: NOW)

    def look(now: float = NOW) -> str:
        return find_waiting_update(installation, now)

    assert look() == ""
    keeper.take(ReleaseKind.AGENT, VersionProposed(make_offer("0.2.0", kind="agent")))
    assert look() == "", "nothing proposes it"
    keeper.take(ReleaseKind.AGENT, change=lambda each: replace(each, is_proposed=True))
    assert look() == "Programme de connexion 0.2.0, proposée"
    keeper.take(ReleaseKind.PRODUCT, VersionProposed(OFFER), FileVerified())
    assert look() == "Impact emploi 3.00.73, prête à installer"
    status = complete_status(installation, STATUS)
    assert dict(list_facts(status, "", NOW))["Mise à jour"] == look()
    keeper.take(ReleaseKind.AGENT, VersionSkipped())
    keeper.put_off(ReleaseKind.PRODUCT, "3.00.73", Postponement.HOUR)
    assert (look(), look(NOW + 3600)) == ("", "Impact emploi 3.00.73, prête à installer")
    keeper.take(ReleaseKind.PRODUCT, InstallRequested())
    assert look(NOW + 3600) == ""


@pytest.mark.linux
def test_a_record_that_cannot_be_read_costs_the_line_only(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    file = tmp_path / "state" / "update-product.json"
    file.parent.mkdir()
    # a way that leads in a circle
    file.symlink_to(file.name)
    assert find_waiting_update(installation, NOW) == ""
