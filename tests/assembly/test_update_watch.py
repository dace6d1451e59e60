"""What the agent does about updates, by a clock that the test drives."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from iea_agent.assembly.installation import Installation
from iea_agent.assembly.update_keeper import UpdateKeeper
from iea_agent.assembly.update_watch import UpdateWatch
from iea_agent.domain import timing
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.machine import Moment
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Postponement
from iea_agent.domain.update_machine import (
    DownloadRequested,
    FileVerified,
    InstallConfirmed,
    InstallerBusy,
    InstallerRefused,
    InstallRequested,
    UpdateState,
    VersionProposed,
    VersionSkipped,
)
from iea_agent.domain.update_record import HistoryStep, LaunchWish, end_check
from iea_agent.shell.wording.balloon_text import Balloon
from tests.releases import make_offer

# the same code on both systems
pytestmark = pytest.mark.linux

PRODUCT, AGENT = ReleaseKind.PRODUCT, ReleaseKind.AGENT
OFFER, OWN = make_offer("3.00.73"), make_offer("0.2.0", kind="agent")
NOON = time.mktime((2026, 12, 9, 12, 0, 0, 0, 0, -1))
LATEST = timing.UPDATE_FIRST + timing.UPDATE_FIRST_SPREAD


class Agent:
    """An agent on a PC, with a clock that the test drives; *start* is a new one."""

    def __init__(self, home: Path) -> None:
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(home)})
        self.now = Moment(NOON, 0.0)
        self.workers = 0
        self.program_runs = False
        self.may_install_own = False
        self.may_launch = False
        self.is_in_use = False
        self.has_rights = False
        self.launched = 0
        self.balloons: list[Balloon] = []
        self.keeper = UpdateKeeper(self.installation, lambda: None, lambda: self.now.wall)
        self.settings = DEFAULTS
        self.start()

    def start(self, chance: float = 0.0) -> None:
        self.watch = UpdateWatch(
            self.installation,
            lambda: self.now,
            lambda: chance,
            self.balloons.append,
            self.count,
            lambda: self.program_runs,
            lambda: self.may_install_own,
            lambda: self.may_launch,
            self.launch,
            lambda: self.is_in_use,
            lambda: self.has_rights,
        )
        self.watch.open()

    def count(self) -> None:
        self.workers += 1

    def launch(self) -> None:
        self.launched += 1

    def look(self, seconds: float = 0.0) -> int:
        """Look some time later; return how many workers that started."""
        self.now = Moment(self.now.wall + seconds, self.now.steady + seconds)
        before = self.workers
        self.watch.look(self.settings)
        return self.workers - before

    def end_check(self, code: str = "") -> None:
        self.keeper.end_check(lambda record: end_check(record, self.now.wall, code))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    return Agent(tmp_path)


def test_a_version_that_waits_for_a_click_is_named(agent: Agent) -> None:
    assert agent.watch.waiting == ""
    agent.keeper.take(AGENT, VersionProposed(OWN))
    agent.look(5.0)
    assert agent.watch.waiting == "", "nothing proposes it"
    agent.keeper.take(AGENT, change=lambda each: replace(each, is_proposed=True))
    agent.look(5.0)
    assert agent.watch.waiting == "Programme de connexion 0.2.0, proposée"
    agent.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
    agent.look(5.0)
    assert agent.watch.waiting == "Impact emploi 3.00.73, prête à installer"
    agent.keeper.take(AGENT, VersionSkipped())
    agent.keeper.put_off(PRODUCT, "3.00.73", Postponement.HOUR)
    agent.look(5.0)
    assert agent.watch.waiting == ""
    agent.look(3600.0)
    assert agent.watch.waiting == "Impact emploi 3.00.73, prête à installer"
    agent.keeper.take(PRODUCT, InstallRequested())
    agent.look(5.0)
    assert agent.watch.waiting == ""


class TestCheck:
    """The check by itself."""

    @pytest.mark.parametrize(
        ("chance", "due"), [(0.0, timing.UPDATE_FIRST), (0.5, timing.UPDATE_FIRST + 90.0)]
    )
    def test_it_comes_some_minutes_after_the_start(self, agent: Agent, chance: float, due: float) -> None:
        agent.start(chance)
        assert agent.look(due - 1) == 0
        assert not agent.installation.storage.has_state("update-check")
        assert agent.look(1) == 1
        assert agent.keeper.load_check().is_pending

    def test_then_once_a_day_even_after_a_new_start(self, agent: Agent) -> None:
        agent.look(LATEST)
        agent.end_check()
        agent.start(0.5)
        assert agent.look(LATEST) == 0
        assert agent.look(timing.UPDATE_CHECK - LATEST - 10) == 0
        assert agent.look(10) == 1

    def test_sooner_after_a_failure(self, agent: Agent) -> None:
        agent.look(LATEST)
        for wait in (*timing.UPDATE_CHECK_FAILED, timing.UPDATE_CHECK_FAILED[-1]):
            agent.end_check("IEA-N01")
            assert agent.look(wait - 10) == 0
            assert agent.look(timing.UPDATE_WORKER_STARTS) == 1

    def test_never_where_the_policy_says_so(self, agent: Agent) -> None:
        agent.settings = DEFAULTS.with_values({"updates_check": False})
        assert agent.look(LATEST) == 0
        assert agent.look(10 * timing.UPDATE_CHECK) == 0

    def test_one_whose_worker_was_killed_is_made_again(self, agent: Agent) -> None:
        assert agent.look(LATEST) == 1
        assert agent.look(timing.UPDATE_WORKER_STARTS) == 0
        assert agent.look(timing.UPDATE_LOOK_AFTER) == 1


class TestUnderWay:
    """An update under way, which workers and windows move on."""

    def test_a_version_is_shown_once(self, agent: Agent) -> None:
        agent.keeper.take(PRODUCT, VersionProposed(OFFER))
        agent.look(timing.UPDATE_LOOK)
        assert [balloon.title for balloon in agent.balloons] == ["Mise à jour d’Impact emploi"]
        assert "3.00.73" in agent.balloons[0].body
        agent.look(timing.UPDATE_LOOK)
        agent.start()
        agent.look(timing.UPDATE_LOOK)
        assert len(agent.balloons) == 1
        assert agent.workers == 0

    def test_a_download_goes_on_after_a_new_start(self, agent: Agent) -> None:
        agent.keeper.take(PRODUCT, VersionProposed(OFFER), DownloadRequested())
        agent.start()
        assert agent.workers == 1
        # and if the worker is killed later on
        agent.look(LATEST)
        agent.end_check()
        assert agent.look(timing.UPDATE_LOOK_AFTER) == 1
        assert agent.look(timing.UPDATE_LOOK) == 0

    def test_an_installer_that_met_another_one_starts_again_in_time(self, agent: Agent) -> None:
        agent.look(LATEST)
        agent.end_check()
        agent.keeper.take(
            PRODUCT, VersionProposed(OFFER), FileVerified(), InstallRequested(), InstallerBusy()
        )
        assert agent.look(timing.INSTALLER_BUSY - 10) == 0
        assert agent.look(10) == 1

    def test_a_version_waits_until_impact_emploi_is_closed(self, agent: Agent) -> None:
        agent.look(LATEST)
        agent.end_check()
        agent.program_runs = True
        agent.keeper.take(PRODUCT, change=lambda record: replace(record, waits_for_program=True))
        assert agent.look(timing.UPDATE_LOOK + timing.UPDATE_WORKER_STARTS) == 0
        agent.program_runs = False
        assert agent.look(timing.UPDATE_LOOK) == 1

    def test_the_first_authentication_is_the_last_line_of_a_version(self, agent: Agent) -> None:
        agent.watch.note_sign_in()
        agent.keeper.take(
            PRODUCT,
            VersionProposed(OFFER),
            FileVerified(),
            InstallRequested(),
            InstallConfirmed(0),
            change=lambda record: replace(record, awaits_sign_in=True),
        )
        agent.look(timing.UPDATE_LOOK)
        for _ in range(2):
            agent.watch.note_sign_in()
        (line,) = agent.keeper.load_history()
        assert len(agent.balloons) == 1
        assert (line.step, line.version, line.at) == (HistoryStep.AUTHENTICATION, "3.00.73", agent.now.wall)
        assert not agent.watch.has_update

    def test_before_a_due_date_a_version_that_waits_is_an_obstacle(self, agent: Agent) -> None:
        agent.keeper.take(
            PRODUCT, VersionProposed(OFFER), change=lambda record: replace(record, is_proposed=True)
        )
        assert not agent.watch.has_update
        agent.look(timing.UPDATE_LOOK)
        assert agent.watch.has_update


class TestOwnUpdate:
    """The agent's own update, which nobody has to ask for."""

    @pytest.fixture
    def ready(self, agent: Agent) -> Agent:
        """Return an agent with a verified file of its own next version."""
        agent.look(LATEST)
        agent.end_check()
        agent.keeper.take(AGENT, VersionProposed(OWN), FileVerified())
        return agent

    def find_state(self, agent: Agent) -> UpdateState:
        return agent.keeper.load(AGENT).snapshot.state

    def test_it_is_installed_in_a_quiet_moment_and_announced_afterwards(self, ready: Agent) -> None:
        ready.may_install_own = True
        assert ready.look(timing.UPDATE_WORKER_STARTS) == 1
        assert self.find_state(ready) is UpdateState.INSTALLING
        assert ready.balloons == []
        # the new version, which the setup has started
        ready.start()
        ready.keeper.take(AGENT, InstallConfirmed(0))
        ready.look(timing.UPDATE_LOOK)
        assert [balloon.body for balloon in ready.balloons] == ["La version 0.2.0 est installée."]

    def test_it_waits_while_somebody_uses_the_agent(self, ready: Agent) -> None:
        ready.look(timing.UPDATE_WORKER_STARTS)
        assert self.find_state(ready) is UpdateState.READY
        assert len(ready.balloons) == 1

    def test_what_a_setup_has_refused_is_for_a_person(self, ready: Agent) -> None:
        report = InstallReport(InstallResult.RIGHTS_REFUSED, "0.2.0").to_document()
        ready.keeper.take(AGENT, change=lambda record: replace(record, report=report))
        ready.may_install_own = True
        ready.look(timing.UPDATE_WORKER_STARTS)
        assert self.find_state(ready) is UpdateState.READY

    def test_not_where_the_policy_downloads_nothing(self, ready: Agent) -> None:
        ready.settings = DEFAULTS.with_values({"updates_download": False})
        ready.may_install_own = True
        ready.look(timing.UPDATE_WORKER_STARTS)
        assert self.find_state(ready) is UpdateState.READY

    def test_impact_emploi_is_never_installed_without_a_click(self, agent: Agent) -> None:
        agent.look(LATEST)
        agent.end_check()
        agent.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
        agent.may_install_own = True
        agent.look(timing.UPDATE_WORKER_STARTS)
        assert agent.keeper.load(PRODUCT).snapshot.state is UpdateState.READY


class TestLaunch:
    """« Lancer Impact emploi après l'installation »."""

    @pytest.fixture
    def asked(self, agent: Agent) -> Agent:
        """Return an agent whose person has asked for it; the installer runs."""
        agent.keeper.take(PRODUCT, VersionProposed(OFFER), FileVerified())
        agent.keeper.install(PRODUCT, LaunchWish.ASKED)
        agent.may_launch = True
        # the agent starts a worker beside the window's, and then none for a while
        assert agent.look(LATEST) == 1
        assert not agent.launched
        return agent

    def find_wish(self, agent: Agent) -> LaunchWish:
        return agent.keeper.look(PRODUCT).launch

    def test_it_is_launched_once_when_the_version_is_there(self, asked: Agent) -> None:
        asked.keeper.take(PRODUCT, InstallConfirmed(0))
        for _ in range(2):
            asked.look(timing.UPDATE_LOOK)
        asked.start()
        asked.look(timing.UPDATE_LOOK)
        assert (asked.launched, self.find_wish(asked)) == (1, LaunchWish.DONE)

    def test_it_waits_for_the_connection_but_not_for_ever(self, asked: Agent) -> None:
        asked.may_launch = False
        asked.keeper.take(PRODUCT, InstallConfirmed(0))
        asked.look(timing.LAUNCH_LATE)
        assert self.find_wish(asked) is LaunchWish.ASKED
        asked.look(timing.UPDATE_LOOK)
        assert self.find_wish(asked) is LaunchWish.MISSED
        asked.may_launch = True
        asked.look(timing.UPDATE_LOOK)
        assert not asked.launched

    def test_nobody_else_sees_it_open(self, asked: Agent) -> None:
        asked.keeper.take(PRODUCT, InstallerRefused())
        asked.keeper.install(PRODUCT)
        asked.keeper.take(PRODUCT, InstallConfirmed(0))
        asked.look(timing.UPDATE_LOOK)
        assert (asked.launched, self.find_wish(asked)) == (0, LaunchWish.NONE)


def test_a_disk_that_refuses_ends_nothing(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "update-check.json.lock").mkdir()
    assert agent.look(LATEST) == 0
