"""The quiet test before a due date: when it runs, and what it speaks of."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from iea_agent.domain import support_report
from iea_agent.domain.deadline_check import Obstacle, Readiness, is_check_due, list_obstacles
from iea_agent.domain.diagnosis import Certificate, Server

NOW = 1_796_000_000.0
DAY = 86_400.0
GOOD = Certificate("exemple.fr", "Certigna", NOW - 30 * DAY, NOW + 60 * DAY, "ab")


def see(code: str = "", certificate: Certificate | None = GOOD) -> support_report.TestedServers:
    cause = support_report.NotedProblem(code) if code else None
    server = support_report.TestedServer(Server.UPDATES, "https://exemple.fr", cause, certificate=certificate)
    return support_report.TestedServers(NOW, (server,))


def test_it_runs_once_on_each_of_the_two_working_days_before() -> None:
    """The 15th of December 2026 is a Tuesday, so the days are Friday and Monday."""
    first = date(2026, 12, 8)
    days = [first + timedelta(days=n) for n in range(9)]
    assert [day.day for day in days if is_check_due(day, 9, None)] == [11, 14]
    assert not is_check_due(date(2026, 12, 11), 8, None)
    assert not is_check_due(date(2026, 12, 11), 15, date(2026, 12, 11))
    assert is_check_due(date(2026, 12, 14), 15, date(2026, 12, 11))


@pytest.mark.parametrize(
    ("readiness", "obstacles"),
    [
        (Readiness(see(), NOW + DAY, register_days=900, days_left=2), ()),
        (Readiness(see("IEA-N02"), NOW + DAY), (Obstacle.SERVER,)),
        (Readiness(see("IEA-L02"), NOW + DAY, in_assistance=True), (Obstacle.ASSISTANCE, Obstacle.CLOCK)),
        (Readiness(see(), NOW + 58 * DAY), (Obstacle.CERTIFICATE,)),
        (
            Readiness(
                see(certificate=Certificate("x", "Avast", 0, NOW + 99 * DAY, "", NOW - DAY)), NOW + DAY
            ),
            (Obstacle.ISSUER,),
        ),
        (
            Readiness(see(certificate=Certificate("x", "Avast", 0, NOW + 99 * DAY, "", NOW - 8 * DAY)), NOW),
            (),
        ),
        (Readiness(see(), NOW + DAY, register_days=2, days_left=2), (Obstacle.REGISTER,)),
        (Readiness(see(certificate=None), NOW + DAY, has_update=True), (Obstacle.UPDATE,)),
    ],
)
def test_it_speaks_of_obstacles_only_the_worst_first(
    readiness: Readiness, obstacles: tuple[Obstacle, ...]
) -> None:
    assert list_obstacles(readiness) == obstacles
