"""What an installer's end means: every code, every version found, every event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iea_agent.domain import timing
from iea_agent.domain.installer_result import (
    NO_CODE,
    InstallReport,
    InstallResult,
    classify_end,
    classify_start_error,
    confirms,
    is_downgrade,
    parse_install_report,
    to_event,
)
from iea_agent.domain.update_catalogue import LARGEST_EXIT_CODE, Release
from iea_agent.domain.update_machine import (
    FileLost,
    InstallConfirmed,
    InstallerBusy,
    InstallerRefused,
    InstallFailed,
    UpdateEvent,
    UpdateState,
    allows_update,
)
from tests.releases import make_offer

NEW, OLD, NONE = "3.00.73", "3.00.72", ""
PRODUCT = make_offer(NEW).release
AGENT = make_offer("0.2.0", kind="agent", **{"installer.busy": []}).release


def msi() -> Release:
    from iea_agent.domain.update_catalogue import InstallerType

    return replace(PRODUCT, installer=replace(PRODUCT.installer, type=InstallerType.MSI))


@pytest.mark.parametrize(
    ("release", "code", "installed", "result"),
    [
        (PRODUCT, 0, NEW, InstallResult.DONE),
        (PRODUCT, 0, "V73", InstallResult.DONE),
        (PRODUCT, 0, "3.00.74", InstallResult.DONE),
        (PRODUCT, 0, OLD, InstallResult.UNCONFIRMED),
        (PRODUCT, 0, NONE, InstallResult.UNCONFIRMED),
        (PRODUCT, 3010, NEW, InstallResult.RESTART),
        (PRODUCT, 1641, NEW, InstallResult.RESTART),
        (PRODUCT, 3010, OLD, InstallResult.RESTART_FIRST),
        (PRODUCT, 1618, OLD, InstallResult.BUSY),
        (PRODUCT, 1603, OLD, InstallResult.FAILED),
        # the code of a failure stays one, whatever version is there
        (PRODUCT, 1603, NEW, InstallResult.FAILED),
        (PRODUCT, 1223, OLD, InstallResult.RIGHTS_REFUSED),
        (PRODUCT, 740, OLD, InstallResult.RIGHTS_REFUSED),
        (PRODUCT, 1602, OLD, InstallResult.FAILED),
        (msi(), 1602, OLD, InstallResult.CANCELLED),
        (msi(), 1625, OLD, InstallResult.RIGHTS_REFUSED),
        (AGENT, 1, "0.1.0", InstallResult.CANCELLED),
        (AGENT, 5, "0.1.0", InstallResult.BUSY),
        (AGENT, 8, "0.1.0", InstallResult.RIGHTS_REFUSED),
        # the MSI is there: an administrator's
        (AGENT, 3, "0.1.0", InstallResult.FAILED),
        (PRODUCT, LARGEST_EXIT_CODE, OLD, InstallResult.FAILED),
        # its end was not seen
        (PRODUCT, NO_CODE, NEW, InstallResult.DONE),
        (PRODUCT, NO_CODE, OLD, InstallResult.FAILED),
    ],
)
def test_an_end_is_judged_by_code_and_version(
    release: Release, code: int, installed: str, result: InstallResult
) -> None:
    assert classify_end(release, code, installed, 0) is result


def test_what_is_signed_of_a_code_comes_first() -> None:
    release = make_offer(NEW, **{"installer.success": [0, 1223], "installer.busy": [740]}).release
    assert classify_end(release, 1223, NEW, 0) is InstallResult.DONE
    assert classify_end(release, 740, OLD, 0) is InstallResult.BUSY


def test_another_installation_is_waited_for_three_times() -> None:
    results = [classify_end(PRODUCT, 1618, OLD, tries) for tries in range(timing.INSTALLER_TRIES + 1)]
    assert results == [InstallResult.BUSY] * 3 + [InstallResult.BUSY_TOO_LONG]


def test_only_an_older_version_is_a_downgrade() -> None:
    assert is_downgrade(NEW, OLD)
    assert not is_downgrade(NEW, "V73")
    assert not is_downgrade(OLD, NEW)
    assert not is_downgrade(NONE, OLD)
    assert not confirms(NONE, OLD)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        (1223, InstallResult.RIGHTS_REFUSED),
        (740, InstallResult.RIGHTS_REFUSED),
        (2, InstallResult.FILE_LOST),
        (193, InstallResult.NOT_STARTED),
        (0, InstallResult.NOT_STARTED),
    ],
)
def test_an_installer_that_did_not_start_is_told_from_one_that_failed(
    code: int, result: InstallResult
) -> None:
    assert classify_start_error(code) is result


EVENTS: dict[InstallResult, UpdateEvent | None] = {
    InstallResult.DONE: InstallConfirmed(7),
    InstallResult.RESTART: InstallConfirmed(7),
    InstallResult.RESTART_FIRST: InstallFailed(7),
    InstallResult.UNCONFIRMED: InstallFailed(7),
    InstallResult.BUSY: InstallerBusy(),
    InstallResult.BUSY_TOO_LONG: InstallerRefused(),
    InstallResult.RIGHTS_REFUSED: InstallerRefused(),
    InstallResult.CANCELLED: InstallerRefused(),
    InstallResult.PROGRAM_OPEN: InstallerRefused(),
    InstallResult.NEWER_THERE: InstallerRefused(),
    InstallResult.FILE_LOST: FileLost(),
    InstallResult.NOT_STARTED: InstallFailed(7),
    InstallResult.FAILED: InstallFailed(7),
    InstallResult.STILL_RUNNING: None,
}


@pytest.mark.parametrize("result", InstallResult)
def test_each_result_means_an_event_that_the_machine_takes(result: InstallResult) -> None:
    event = to_event(InstallReport(result, NEW, 7))
    assert repr(event) == repr(EVENTS[result]) or type(event) is type(EVENTS[result])
    assert event is None or allows_update(UpdateState.INSTALLING, type(event))


def test_a_report_is_saved_and_read_again() -> None:
    report = InstallReport(
        InstallResult.FAILED, NEW, 1603, OLD, 61.5, ("ImpactEmploi.exe",), r"C:\logs\msi.log"
    )
    assert parse_install_report(report.to_document()) == report


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("result", "unheard"),
        ("exit_code", -2),
        ("exit_code", LARGEST_EXIT_CODE + 1),
        ("seconds", float("nan")),
        ("seconds", True),
        ("installed", "a\nb"),
        ("version", None),
        ("open_programs", ["x"] * 21),
        ("open_programs", [1]),
        ("log_file", "x" * 501),
    ],
)
def test_an_impossible_report_is_refused(name: str, value: object) -> None:
    document = {**InstallReport(InstallResult.DONE, NEW).to_document(), name: value}
    with pytest.raises(ValueError, match=r"expected|valid|missing|schema"):
        parse_install_report(document)
