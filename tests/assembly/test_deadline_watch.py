"""The quiet test before a due date, by a clock that the test drives."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

import pytest

from iea_agent.assembly.deadline_watch import WAIT_LEAST, WAIT_SPREAD, DeadlineWatch
from iea_agent.assembly.installation import Installation
from iea_agent.assembly.servers import Servers
from iea_agent.domain.machine import Moment, State
from iea_agent.shell.wording.balloon_text import Balloon

# the same code on both systems; a real vault is not needed
pytestmark = pytest.mark.linux

FRIDAY = time.mktime((2026, 12, 11, 9, 30, 0, 0, 0, -1))


class _Clock:
    def __init__(self) -> None:
        self.now = Moment(FRIDAY, 0.0)

    def __call__(self) -> Moment:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now = Moment(self.now.wall + seconds, self.now.steady + seconds)


def test_an_obstacle_is_shown_once_with_the_date(tmp_path: Path) -> None:
    installation = Installation.locate({"IEA_AGENT_HOME": str(tmp_path)})
    addresses = {
        "connection.authentication": "https://localhost:9",
        "connection.updates": "https://localhost:9",
    }
    installation.save({**addresses, "proxy.mode": "none"}, None)
    clock, calls = _Clock(), SimpleQueue[Callable[[], None]]()
    balloons: list[Balloon] = []
    watch = DeadlineWatch(Servers(installation), clock, lambda: 0.5, calls.put, balloons.append)

    def look(state: State) -> None:
        watch.look(state, lambda: 900)

    look(State.CONNECTED)
    clock.advance(WAIT_LEAST)
    look(State.CONNECTED)
    clock.advance(WAIT_SPREAD / 2)
    # a person sees the heart already
    look(State.DISCONNECTED)
    assert not (tmp_path / "state" / "deadline-check.json").exists()
    look(State.CONNECTED)
    calls.get(timeout=30)()
    assert balloons[0].title == "À voir avant l’échéance du 15/12/2026"
    assert balloons[0].body.startswith("Le test d’un serveur a échoué.")

    # once a day, even after a new start
    for again in (
        watch,
        DeadlineWatch(Servers(installation), clock, lambda: 0.0, calls.put, balloons.append),
    ):
        again.look(State.CONNECTED, lambda: 900)
        clock.advance(WAIT_LEAST)
        again.look(State.CONNECTED, lambda: 900)
    assert calls.empty()
