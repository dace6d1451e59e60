"""The quiet test before a due date, in a thread; it speaks only of obstacles."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from iea_agent.domain.deadline_check import Obstacle, Readiness, is_check_due, list_obstacles
from iea_agent.domain.due_dates import find_due_date
from iea_agent.domain.machine import State
from iea_agent.domain.server_test_record import build_test_document
from iea_agent.domain.state_values import parse_count
from iea_agent.domain.support_report import parse_test
from iea_agent.host.state_files import StorageError
from iea_agent.shell.wording.balloon_text import Balloon, build_deadline_balloon

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment

    from .servers import Servers

log = logging.getLogger(__name__)

STATE = "deadline-check"
WAIT_LEAST, WAIT_SPREAD = 600.0, 7200.0
"""Seconds until the test after it is due, and their random addition: all PCs of a town begin at nine."""


class DeadlineWatch:
    """The test of one installation, on the loop's thread but for the test itself.

    *show* is called on the loop's thread, which *post* reaches; *chance* is in [0, 1).
    """

    def __init__(
        self,
        servers: Servers,
        clock: Callable[[], Moment],
        chance: Callable[[], float],
        post: Callable[[Callable[[], None]], None],
        show: Callable[[Balloon], None],
    ) -> None:
        self._servers, self._storage = servers, servers.installation.storage
        self._clock, self._chance = clock, chance
        self._post, self._show = post, show
        self._last = self._load_last()
        self._begins: float | None = None

    def look(
        self, state: State, count_register_days: Callable[[], int | None], *, has_update: bool = False
    ) -> None:
        """Begin the test if it is due. *has_update*: an update waits to be installed.

        Not while the heart or the pale ball is shown: a person sees what is wrong already.
        """
        now = self._clock()
        local = datetime.fromtimestamp(now.wall)
        if not is_check_due(local.date(), local.hour, self._last):
            self._begins = None
            return
        if self._begins is None:
            self._begins = now.steady + WAIT_LEAST + WAIT_SPREAD * self._chance()
        if state not in (State.CONNECTED, State.ASSISTANCE) or now.steady < self._begins:
            return
        if self._remember(local.date()):
            due = find_due_date(local.date())
            work = (local.date(), due, state is State.ASSISTANCE, count_register_days(), has_update)
            threading.Thread(target=self._test, args=work, name="deadline", daemon=True).start()

    def _test(
        self, today: date, due: date, in_assistance: bool, register_days: int | None, has_update: bool
    ) -> None:
        settings = self._servers.installation.storage.load().effective.settings
        reports = self._servers.examine(settings)
        now = time.time()
        readiness = Readiness(
            parse_test(build_test_document(reports, now)),
            datetime.combine(due + timedelta(days=1), datetime.min.time()).timestamp(),
            in_assistance,
            register_days,
            (due - today).days,
            has_update,
        )
        obstacles = list_obstacles(readiness)
        log.info("deadline test", extra={"fields": {"due": due, "obstacles": [o.value for o in obstacles]}})
        if obstacles:
            first: Obstacle = obstacles[0]
            self._post(lambda: self._show(build_deadline_balloon(first, due)))

    def _load_last(self) -> date | None:
        try:
            return self._storage.read_state(STATE, _parse_day)
        except StorageError:
            return None

    def _remember(self, today: date) -> bool:
        """Write that the test of *today* was made; without a disk it is not made."""
        try:
            self._storage.write_state(STATE, {"day": today.toordinal()})
        except StorageError:
            return False
        self._last = today
        return True


def _parse_day(document: Mapping[str, object]) -> date:
    return date.fromordinal(parse_count(document, "day", 1, date.max.toordinal()))
