"""An office where one answer in ten fails: how often a balloon interrupts."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Effect
from tests.days import Days

HOURS = 9
FAILURES = {
    "503": [Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE)],
    "503 for ten minutes": [Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE, retry_after=600.0)],
    "cut": [Failure(Stage.ANSWER, problems.ANSWER_CUT)],
    "several": [
        Failure(Stage.ANSWER, problem)
        for problem in (problems.SERVER_UNAVAILABLE, problems.ANSWER_LATE, problems.CONNECTION_CUT)
    ],
}


@dataclass
class FlakyOffice(Days):
    """Working days of nine hours; the PC sleeps at night."""

    kinds: list[Failure] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(9))  # noqa: S311

    def begin(self, run: int) -> None:
        self.chance = self.random.random()
        self.servers = self.random.choice(self.kinds) if self.random.random() < 0.1 else None
        self.delay = 0.2
        super().begin(run)

    def work(self, days: int) -> list[int]:
        """Return how many balloons each of *days* brought."""
        balloons = []
        for _ in range(days):
            before = len(self.announced)
            self.sleep(3600.0 * (24 - HOURS))
            self.pass_seconds(3600.0 * HOURS)
            balloons.append(len(self.announced) - before)
            self.published.clear()
        return balloons


@pytest.mark.linux  # the loop and the domain on a clock driven by hand: nothing of the system takes part
@pytest.mark.parametrize("kind", FAILURES)
def test_a_flaky_server_brings_few_balloons_and_never_more_than_three_a_day(kind: str) -> None:
    office = FlakyOffice(kinds=FAILURES[kind])
    office.start()
    days = 22
    balloons = office.work(days)
    assert max(balloons) <= 3
    # 220 working days of a year may have 260
    assert sum(balloons) / days <= 260 / 220
    assert Effect.ANSWER_PERSON not in {effect for _, effect in office.announced}
    assert len(office.attempts) + len(office.looks) > days * HOURS * 50
