"""An announced change of addresses on a PC: rehearsed, told, made, and taken back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent.assembly.change_keeper import ChangeKeeper
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.printed_pages import make_sheet
from iea_agent.assembly.servers import Servers
from iea_agent.domain import timing
from iea_agent.domain.announced_change import Rehearsal
from iea_agent.domain.diagnosis import PendingChange
from iea_agent.domain.settings import Settings
from iea_agent.domain.signed_policy import format_time
from iea_agent.host.storage import Storage
from iea_agent.host.text_reader import TextReader
from iea_agent.shell.wording.printed_page import render_text
from iea_sandbox.world import World
from rig.agent_files import write_agent_files

DAY = 86_400.0
BEGINS = 1_803_880_800.0
OLD, NEW = "https://ancien.example", "https://nouveau.example/ie"
FAILS = (Rehearsal.FAILED, "IEA-N01")
PASSES = (Rehearsal.PASSED, "")


class Post:
    """A PC, whose tests of servers end as the test says."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation.locate({"IEA_AGENT_HOME": str(folder)})
        self.storage: Storage = self.installation.storage
        for each in (self.storage.folders.settings, self.storage.folders.policy, self.storage.folders.state):
            each.mkdir(parents=True, exist_ok=True)
        self.write("settings", f'schema = 1\n[connection]\nauthentication = "{OLD}"\n')
        self.outcome = PASSES
        self.tested: list[tuple[str, str]] = []
        self.changes = self.results = 0
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self.keeper = self.restart()

    def write(self, kind: str, text: str) -> None:
        """Write the settings or the policy of the PC."""
        folder = self.storage.folders.settings if kind == "settings" else self.storage.folders.policy
        (folder / f"{kind}.toml").write_text(text)

    def announce(self, *names: str, begins: float = BEGINS) -> None:
        """Bring a policy with these changes, each from ``OLD`` to ``NEW``."""
        changes = [
            {
                "name": name,
                "rehearses": format_time(begins - 28 * DAY),
                "begins": format_time(begins),
                "authentication": {"old": OLD, "new": NEW},
            }
            for name in names
        ]
        file = self.installation.updates_folder / "targets" / "policy.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"schema": 1, "changes": changes}))

    def restart(self) -> ChangeKeeper:
        """Start the agent anew."""
        load_policy = TextReader(self.installation.updates_folder).load_policy
        self.keeper = ChangeKeeper(
            self.storage,
            load_policy,
            self._rehearse,
            self._calls.put,
            self._note_change,
            self._note_result,
        )
        self.keeper.open()
        return self.keeper

    def _rehearse(self, wanted: Settings, present: Settings) -> tuple[Rehearsal, str]:
        self.tested.append((wanted.authentication, present.authentication))
        return self.outcome

    def _note_change(self) -> None:
        self.changes += 1

    def _note_result(self) -> None:
        self.results += 1

    def look(self, now: float, *, tests: bool = False) -> None:
        """Look at *now*; take the result if it *tests* servers."""
        self.keeper.look(self.storage.load().effective, now)
        self._take_result(tests)

    def fail(self, now: float, *, tests: bool = True) -> None:
        """Let an attempt fail at *now*; take the result if that *tests* servers."""
        self.keeper.follow(self.storage.load().effective, now, failed=True)
        self._take_result(tests)

    def _take_result(self, tests: bool) -> None:
        before = len(self.tested)
        if tests:
            self._calls.get(timeout=10)()
        else:
            assert not any(thread.name == "rehearsal" for thread in threading.enumerate())
            assert len(self.tested) == before

    @property
    def address(self) -> str:
        """The address in force."""
        return self.keeper.apply(self.storage.load().effective).authentication

    def pending(self, now: float) -> tuple[PendingChange, ...]:
        return self.keeper.list_pending(self.storage.load().effective, now)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(tmp_path)


def test_without_an_announcement_nothing_is_done(post: Post) -> None:
    post.look(BEGINS)
    post.fail(BEGINS, tests=False)
    assert (post.address, post.tested, post.pending(BEGINS)) == (OLD, [], ())
    assert not (post.storage.folders.state / "changes.json").exists()


def test_a_look_is_due_at_the_start_at_another_policy_and_after_a_rehearsal(post: Post) -> None:
    assert not post.keeper.has_news
    post.announce("2027-03")
    assert post.keeper.has_news
    post.look(BEGINS - 26 * DAY, tests=True)
    assert not post.keeper.has_news
    assert post.results == 1
    post.announce("2027-03", "2027-04")
    assert post.keeper.has_news
    post.look(BEGINS - 25 * DAY, tests=True)
    assert post.results == 2
    assert post.restart().has_news, "a day may have come meanwhile"


def test_a_good_pc_hears_nothing_changes_on_the_day_and_keeps_the_address(post: Post) -> None:
    post.announce("2027-03")
    post.look(BEGINS - 26 * DAY, tests=True)
    assert post.tested == [(NEW, OLD)]
    assert post.pending(BEGINS - DAY) == ()
    assert post.address == OLD
    post.look(BEGINS)
    assert (post.address, post.changes) == (NEW, 1)
    post.restart()
    assert post.address == NEW, "a restart takes nothing back"
    post.look(BEGINS + timing.CHANGE_SETTLED)
    assert post.storage.load().effective.settings.authentication == NEW, "it is in the settings now"
    post.announce()
    post.look(BEGINS + timing.CHANGE_SETTLED + DAY)
    assert post.address == NEW


def test_a_bad_pc_is_told_once_with_what_is_in_the_way(post: Post) -> None:
    post.announce("2027-03")
    post.outcome = FAILS
    now = BEGINS - 26 * DAY
    for _ in range(3):
        assert post.pending(now) == ()
        post.look(now, tests=True)
        post.restart()
        post.look(now + 60)
        now += timing.REHEARSAL_FAILED
    post.look(now)
    assert post.pending(now) == (PendingChange(NEW, BEGINS, "IEA-N01"),)
    post.restart()
    assert post.pending(now) == (PendingChange(NEW, BEGINS, "IEA-N01"),)
    assert post.address == OLD


@pytest.mark.linux  # nothing is asked of Windows' own proxies
def test_the_sheet_for_it_names_the_address_before_its_day_and_lists_it_from_then_on(post: Post) -> None:
    now = time.time()
    post.announce("2027-03", begins=now + 8 * DAY)
    post.outcome = FAILS
    for hours in (8, 4):
        post.look(now - hours * 3600, tests=True)
    assert NEW not in render_text(make_sheet(post.installation)), "nobody is told yet"
    post.look(now - 60)
    assert f"{NEW}\n" in render_text(make_sheet(post.installation))
    assert "nouveau.example, TCP" not in render_text(make_sheet(post.installation))
    post.announce("2027-03", begins=now - 60)
    post.look(now)
    assert "nouveau.example, TCP 443" in render_text(make_sheet(post.installation))


def test_back_to_the_old_address_if_only_that_answers_and_again_later(post: Post) -> None:
    post.announce("2027-03")
    post.look(BEGINS)
    post.outcome = FAILS
    post.fail(BEGINS + 60)
    assert post.tested[-1] == (OLD, NEW), "the old server is asked, without a licence"
    assert post.address == NEW, "if neither answers the new one stays"
    post.fail(BEGINS + 61, tests=False)
    post.outcome = PASSES
    post.fail(BEGINS + 61 + timing.CHANGE_LOOK_BACK)
    assert (post.address, post.changes) == (OLD, 2)
    post.look(BEGINS + 3600)
    assert post.address == OLD
    post.look(BEGINS + 62 + timing.CHANGE_LOOK_BACK + timing.CHANGE_RETURN)
    assert (post.address, post.changes) == (NEW, 3)


def test_what_the_administrator_has_fixed_stays(post: Post) -> None:
    post.write("policy", f'schema = 1\n[connection]\nauthentication = "{OLD}"\n')
    post.announce("2027-03")
    post.look(BEGINS)
    assert post.address == OLD


@pytest.mark.parametrize("text", ["{", '{"schema": 1, "changes": [{}]}', '{"schema": 1, "proxy": {}}'])
def test_a_policy_that_cannot_be_used_changes_nothing(post: Post, text: str) -> None:
    post.announce("2027-03")
    (post.installation.updates_folder / "targets" / "policy.json").write_text(text)
    post.look(BEGINS)
    assert post.address == OLD


@pytest.mark.linux
def test_a_rehearsal_shows_no_licence_and_tells_the_network_from_the_server(
    world: World, tmp_path: Path
) -> None:
    write_agent_files(tmp_path, world)
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    present = installation.storage.load().effective.settings
    servers = Servers(installation)
    new = present.with_values({"authentication": present.authentication.replace("localhost", "127.0.0.1")})
    assert new != present
    assert servers.rehearse(new, present) == PASSES
    assert {request.method for request in world.requests.select(server="auth")} == {"GET"}
    nowhere = present.with_values({"authentication": "https://127.0.0.1:1"})
    assert servers.rehearse(nowhere, present)[0] is Rehearsal.FAILED
    world.break_("auth", "refuse")
    assert servers.rehearse(nowhere, present)[0] is Rehearsal.UNCLEAR
