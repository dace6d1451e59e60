"""Ready for the deadline: what must work when the payroll declaration is due.

On the two working days before a due date the agent tests once, quietly, what will be needed. It speaks only
if something would stand in the way; each day once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum

from .due_dates import find_due_date, is_quiet_day, is_working_day
from .problems import CLOCK_WRONG
from .support_report import TestedServers

_DAY = 86_400.0
FIRST_HOUR = 9
"""The hour of the day from which the test runs: somebody is there."""
CERTIFICATE_MARGIN = 3 * _DAY
"""A certificate must hold so many seconds beyond the due date."""


class Obstacle(Enum):
    """What may stand in the way, the worst first."""

    SERVER = "server"
    ASSISTANCE = "assistance"
    CLOCK = "clock"
    CERTIFICATE = "certificate"
    ISSUER = "issuer"
    REGISTER = "register"
    UPDATE = "update"


@dataclass(frozen=True, slots=True)
class Readiness:
    """What the test has seen; *until* is the end of the due date (wall clock).

    *register_days* is None if this PC cannot check passwords of the day.
    """

    test: TestedServers
    until: float
    in_assistance: bool = False
    register_days: int | None = None
    days_left: int = 0
    has_update: bool = False


def is_check_due(today: date, hour: int, last: date | None) -> bool:
    """Return whether the test runs now: once on each working day before a due date.

    *last* is the day of the last test, None if there was none.
    """
    if last == today or hour < FIRST_HOUR or not is_working_day(today):
        return False
    return is_quiet_day(today) and find_due_date(today) != today


def list_obstacles(readiness: Readiness) -> tuple[Obstacle, ...]:
    """Return what may stand in the way, the worst first; () if nothing does."""
    return tuple(obstacle for obstacle in Obstacle if obstacle in set(_iterate_obstacles(readiness)))


def _iterate_obstacles(readiness: Readiness) -> Iterator[Obstacle]:
    if readiness.in_assistance:
        yield Obstacle.ASSISTANCE
    if readiness.has_update:
        yield Obstacle.UPDATE
    # who is in assistance mode on the day must be able to leave it
    if readiness.register_days is not None and readiness.register_days <= readiness.days_left:
        yield Obstacle.REGISTER
    for server in readiness.test.servers:
        if server.cause is not None:
            yield Obstacle.CLOCK if server.cause.code == CLOCK_WRONG.code else Obstacle.SERVER
        certificate = server.certificate
        if certificate is not None and server.cause is None:
            if certificate.not_after < readiness.until + CERTIFICATE_MARGIN:
                yield Obstacle.CERTIFICATE
            # changed within the last week: perhaps an antivirus that was put in between
            if certificate.changed_at is not None and readiness.test.at - certificate.changed_at < 7 * _DAY:
                yield Obstacle.ISSUER
