"""Nights of the agent, by a clock that the test drives."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.domain import timing
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.machine import Moment
from iea_agent.domain.settings import DEFAULTS, InstallTime
from iea_agent.domain.update_catalogue import Catalogue, ReleaseKind
from iea_agent.domain.update_machine import (
    FileVerified,
    InstallConfirmed,
    InstallerRefused,
    UpdateState,
    VersionProposed,
)
from tests.assembly.test_update_watch import Agent
from tests.programs import make_program, make_version
from tests.releases import make_offer

# the same code on both systems
pytestmark = pytest.mark.linux

PRODUCT = ReleaseKind.PRODUCT
NIGHT = DEFAULTS.with_values({"updates_install": InstallTime.NIGHT})
MIDNIGHT = time.mktime((2026, 12, 9, 0, 0, 0, 0, 0, -1))


class Pc(Agent):
    """A PC in the evening with a verified version, whose policy is the night."""

    def __init__(self, home: Path, scope: str) -> None:
        program = home / "ImpactEmploi.exe"
        program.write_bytes(make_program(make_version((3, 0, 72, 0), {})))
        super().__init__(home)
        self.installation.storage.policy_file.parent.mkdir(parents=True, exist_ok=True)
        self.installation.storage.policy_file.write_text(
            f"schema = 1\n[program]\npath = '{program}'\n", encoding="utf-8"
        )
        self.now = Moment(MIDNIGHT, 0.0)
        self.settings = NIGHT
        self.start()
        offer = make_offer(
            "3.00.73", **{"minimum.windows": "", "minimum.product": "", "installer.scope": scope}
        )
        self.keeper.save_catalogue(Catalogue((offer,)))
        self.keeper.check()
        self.end_check()
        self.keeper.take(PRODUCT, VersionProposed(offer), FileVerified())

    def find_state(self) -> UpdateState:
        return self.keeper.load(PRODUCT).snapshot.state

    def sleep_until(self, hour: float) -> None:
        """Look every minute until this hour of the day."""
        while self.now.wall < MIDNIGHT + hour * 3600:
            self.look(timing.NIGHT_LOOK)


@pytest.fixture
def pc(tmp_path: Path) -> Pc:
    return Pc(tmp_path, "user")


def test_a_version_is_installed_at_night_and_told_in_the_morning(pc: Pc) -> None:
    pc.sleep_until(1)
    assert (pc.find_state(), pc.workers, pc.balloons) == (UpdateState.READY, 0, [])
    pc.sleep_until(4)
    assert pc.find_state() is UpdateState.INSTALLING
    assert pc.workers
    pc.keeper.take(PRODUCT, InstallConfirmed(0))
    pc.sleep_until(7.9)
    assert pc.balloons == []
    pc.sleep_until(9)
    assert [balloon.body for balloon in pc.balloons] == ["La version 3.00.73 est installée."]


def test_a_click_is_waited_for_where_the_policy_says_nothing(pc: Pc) -> None:
    pc.settings = DEFAULTS
    pc.sleep_until(6)
    assert pc.find_state() is UpdateState.READY
    assert len(pc.balloons) == 1


@pytest.mark.parametrize("obstacle", ["is_in_use", "program_runs"])
def test_nobody_is_disturbed(pc: Pc, obstacle: str) -> None:
    setattr(pc, obstacle, True)
    pc.sleep_until(4.5)
    assert pc.find_state() is UpdateState.READY
    setattr(pc, obstacle, False)
    pc.sleep_until(5)
    assert pc.find_state() is UpdateState.INSTALLING


def test_no_question_about_rights_is_asked_on_an_empty_screen(tmp_path: Path) -> None:
    pc = Pc(tmp_path, "machine")
    pc.sleep_until(6)
    assert (pc.find_state(), pc.workers) == (UpdateState.READY, 0)
    pc.has_rights = True
    pc.now = Moment(MIDNIGHT, pc.now.steady)
    pc.sleep_until(4)
    assert pc.find_state() is UpdateState.INSTALLING


def test_what_was_open_after_all_is_told_and_tried_another_night(pc: Pc) -> None:
    pc.sleep_until(4)
    report = InstallReport(InstallResult.PROGRAM_OPEN, "3.00.73").to_document()
    pc.keeper.take(PRODUCT, InstallerRefused(), change=lambda record: replace(record, report=report))
    pc.sleep_until(9)
    assert pc.find_state() is UpdateState.READY
    assert len(pc.balloons) == 1
    # the check of the next day is none of this
    pc.settings = NIGHT.with_values({"updates_check": False})
    pc.now = Moment(MIDNIGHT + 86_400 + 3600, pc.now.steady)
    pc.look(timing.NIGHT_LOOK)
    for _ in range(3 * 60):
        pc.look(timing.NIGHT_LOOK)
    assert pc.find_state() is UpdateState.INSTALLING


def test_a_version_that_a_person_has_put_off_waits(pc: Pc) -> None:
    pc.keeper.skip(PRODUCT, "3.00.73")
    pc.sleep_until(6)
    assert pc.find_state() is not UpdateState.INSTALLING
