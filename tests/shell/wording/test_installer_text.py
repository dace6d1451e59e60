"""The words for an installation: each result says what to do."""

from __future__ import annotations

import pytest

from iea_agent.assembly.installing import InstallStage
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.shell.wording.installer_text import (
    STAGES,
    administrator_command,
    word_history,
    word_preparation,
    word_result,
    word_stage,
)
from tests.releases import make_offer

REPORT = InstallReport(InstallResult.FAILED, "3.00.73", 1603, "3.00.72", 125.0)


@pytest.mark.parametrize("result", InstallResult)
def test_each_result_has_its_words(result: InstallResult) -> None:
    report = InstallReport(result, "3.00.73", 1603, "3.00.72", open_programs=("a.exe", "b.exe"))
    words = word_result(report)
    assert words.endswith(".")
    assert "{" not in words


def test_a_failure_names_code_version_and_log() -> None:
    words = word_result(REPORT)
    assert "Impact emploi 3.00.73 a échoué (code 1603)" in words
    assert "La version présente est 3.00.72." in words
    assert "Journal" not in words
    logged = InstallReport(InstallResult.FAILED, "3.00.73", log_file=r"C:\logs\msi-3.00.73.log")
    assert word_result(logged).endswith(r"Journal : C:\logs\msi-3.00.73.log")
    assert "(code" not in word_result(logged)
    assert "Aucune version n’a été trouvée." in word_result(logged)


def test_the_agent_is_not_called_impact_emploi() -> None:
    report = InstallReport(InstallResult.DONE, "0.2.0", 0, "0.2.0")
    assert word_result(report, ReleaseKind.AGENT) == "Programme de connexion 0.2.0 est installé."


@pytest.mark.parametrize(("code", "word"), [(225, "antivirus"), (5, "règle"), (1260, "règle"), (193, "193")])
def test_an_error_of_windows_says_who_can_help(code: int, word: str) -> None:
    assert word in word_result(InstallReport(InstallResult.NOT_STARTED, "3.00.73", code))


def test_the_history_has_the_installer_and_the_version_apart() -> None:
    assert word_history(REPORT) == (
        "Programme d’installation : code 1603, en 2 minutes",
        "Version trouvée ensuite : 3.00.72",
    )
    unseen = InstallReport(InstallResult.FAILED, "3.00.73")
    assert word_history(unseen) == (
        "Programme d’installation : sa fin n’a pas été observée",
        "Version trouvée ensuite : aucune",
    )


def test_before_an_installation_a_person_reads_what_it_needs() -> None:
    release = make_offer("3.00.73", signer="Urssaf").release
    lines = word_preparation(release, ("ImpactEmploi.exe",), needs_rights=True, last_seconds=180.0)
    assert len(lines) == 5
    assert lines[0] == "À fermer d’abord : ImpactEmploi.exe."
    assert "sauvegarde" in lines[1]
    assert "administrateur" in lines[2]
    assert lines[3] == "La dernière installation a duré 3 minutes."
    assert "au nom de « Urssaf », ne l’est pas par ce programme" in lines[4]
    agent = make_offer("0.2.0", kind="agent").release
    (line,) = word_preparation(agent, (), needs_rights=False, last_seconds=0.0)
    assert "d’elle-même à un moment calme" in line
    (line,) = word_preparation(agent, (), needs_rights=True, last_seconds=0.0)
    assert "droits d’administrateur" in line


def test_each_stage_has_its_words() -> None:
    assert STAGES.keys() == {stage.value for stage in InstallStage}
    assert "toujours en cours" in word_stage(InstallStage.RUNNING_LONG.value)


def test_the_command_for_an_administrator_verifies_the_file_itself() -> None:
    command = administrator_command(r"C:\Program Files\IEA Agent\iea-agent.exe", "3.00.73")
    assert command == r'"C:\Program Files\IEA Agent\iea-agent.exe" update install --version 3.00.73'
