"""How an installer is started, and when the agent installs itself."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from iea_agent.domain.installer_plan import (
    WINDOWS_INSTALLER,
    InstallerPlan,
    InstallerRecord,
    QuietMoment,
    may_install_by_itself,
    parse_installer_record,
    plan_installer,
)
from iea_agent.domain.update_catalogue import InstallerType, Scope
from tests.releases import make_offer

FILE, LOG = r"C:\updates\setup.exe", r"C:\logs\msi.log"
FOR_ALL = make_offer("3.00.73").release
FOR_ONE = make_offer("3.00.73", **{"installer.scope": "user"}).release
AGENT = make_offer("0.2.0", kind="agent", **{"installer.scope": "user"}).release


def test_impact_emploi_is_started_as_its_own_scope_needs() -> None:
    assert plan_installer(FOR_ALL, FILE, "", None) == InstallerPlan(FILE, ("/S",), is_elevated=True)
    assert plan_installer(FOR_ONE, FILE, "", Scope.MACHINE) == InstallerPlan(FILE, ("/S",), is_elevated=False)


def test_the_agent_is_installed_for_whom_it_is_installed() -> None:
    assert plan_installer(AGENT, FILE, "", Scope.USER) == InstallerPlan(FILE, ("/S",), is_elevated=False)
    for_all = plan_installer(AGENT, FILE, "", Scope.MACHINE)
    assert for_all == InstallerPlan(FILE, ("/S", "/ALLUSERS"), is_elevated=True)


def test_an_msi_writes_a_log_and_never_restarts_the_pc() -> None:
    release = replace(FOR_ALL, installer=replace(FOR_ALL.installer, type=InstallerType.MSI))
    plan = plan_installer(release, FILE, LOG, None)
    assert plan.program == WINDOWS_INSTALLER
    assert plan.arguments == ("/i", FILE, "/L*v", LOG, "/S", "/norestart")


@pytest.mark.parametrize("scope", [*Scope, None])
def test_the_agent_installs_itself_for_one_person_and_in_a_quiet_moment_only(scope: Scope | None) -> None:
    for windows, *flags in itertools.product((0, 1), *((False, True),) * 2):
        moment = QuietMoment(int(windows), *map(bool, flags))
        quiet = not windows and not any(flags)
        assert may_install_by_itself(scope, moment) is (scope is Scope.USER and quiet)


RECORD = InstallerRecord(FOR_ALL, FILE, LOG, 1e9, 77, 2**60, 3010, 1e9 + 60, 60.0, "3.00.72")


def test_a_record_is_saved_and_read_again() -> None:
    assert parse_installer_record(RECORD.to_document()) == RECORD


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("release", None),
        ("release", {"schema": 1}),
        ("file", 3),
        ("log_file", "a\nb"),
        ("before", "x" * 1000),
        ("pid", -1),
        ("born", 2**64 + 1),
        ("exit_code", -2),
        ("started", "today"),
        ("ended", None),
        ("took", float("inf")),
    ],
)
def test_an_impossible_record_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"expected|valid|missing|schema"):
        parse_installer_record({**RECORD.to_document(), name: value})
