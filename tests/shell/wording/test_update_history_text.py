"""The history of updates in words: three lines a version."""

from __future__ import annotations

import time

from iea_agent import locale
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_machine import UpdateSnapshot, UpdateState
from iea_agent.domain.update_record import HistoryLine, HistoryStep, UpdateRecord
from iea_agent.shell.wording.update_history_text import (
    build_history_document,
    build_installation_document,
    build_result_balloon,
    render_history,
    word_line,
)
from iea_agent.shell.wording.view import BODY_UNITS

PRODUCT = ReleaseKind.PRODUCT
AT = time.mktime((2026, 12, 9, 12, 30, 0, 0, 0, -1))
REPORT = InstallReport(InstallResult.RESTART, "3.00.73", 3010, "3.00.73", 125.0).to_document()
LINES = tuple(
    HistoryLine(AT, PRODUCT, version, "3.00.72", step, True, REPORT)
    for version in ("3.00.73", "3.00.74")
    for step in HistoryStep
)


def test_the_latest_version_comes_first_with_three_lines() -> None:
    lines = render_history(build_history_document(LINES)).splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "Impact emploi 3.00.74",
        "Impact emploi 3.00.73",
    ]
    assert len(lines) == 8
    assert "09/12/2026 12:30" in lines[1]
    assert "3010" in lines[1]
    assert "3.00.73" in lines[2]


def test_every_line_has_words_in_both_languages() -> None:
    broken = HistoryLine(AT, PRODUCT, "3.00.73", "", HistoryStep.INSTALLER, False, {"result": "x"})
    for line in (*LINES[:3], broken):
        french = word_line(line)
        locale.choose("en")
        assert word_line(line) != french
        locale.choose("fr")


def test_a_line_tells_its_detail() -> None:
    assert [line.detail for line in LINES[:3]] == ["3010", "3.00.73", "3010"]
    assert HistoryLine(AT, PRODUCT, "1", "", HistoryStep.INSTALLER, False).detail == ""


def test_a_balloon_says_what_to_do_after_an_installation() -> None:
    balloon = build_result_balloon(PRODUCT, UpdateRecord(report=REPORT))
    assert balloon is not None
    assert "Redémarrez ce poste" in balloon.body
    assert len(balloon.body) <= BODY_UNITS
    assert build_result_balloon(PRODUCT, UpdateRecord()) is None


def test_the_end_of_an_installation_is_told() -> None:
    snapshot = UpdateSnapshot(UpdateState.INSTALLED, AT, "3.00.73", exit_code=3010)
    document = build_installation_document(PRODUCT, UpdateRecord(snapshot, report=REPORT))
    assert (document["state"], document["exit_code"]) == ("installed", 3010)
    assert "3.00.73" in document["words"]
    assert build_installation_document(PRODUCT, UpdateRecord())["words"]
