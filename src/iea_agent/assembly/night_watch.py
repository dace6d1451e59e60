"""Finds the version that is installed now, at night, as the policy wants it.

It is loaded only where the policy does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain import timing
from iea_agent.domain.night_install import (
    Hurdle,
    NightMoment,
    NightPlan,
    draw_begin,
    find_hurdle,
    is_night,
)
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_machine import UpdateState

from .installing import Installing
from .update_post import find_number

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment
    from iea_agent.domain.update_record import UpdateRecord

    from .installation import Installation
    from .update_keeper import UpdateKeeper

log = logging.getLogger("iea_agent.updates")


class NightWatch:
    """The nights of one installation."""

    def __init__(
        self,
        installation: Installation,
        is_in_use: Callable[[], bool],
        program_runs: Callable[[], bool],
        has_rights: Callable[[], bool],
    ) -> None:
        """Prepare; each of the functions is asked only while a version waits, at night."""
        self._installation = installation
        self._is_in_use, self._program_runs, self._has_rights = is_in_use, program_runs, has_rights
        self._number = ""
        self._next = 0.0
        # what the log has, so that it has each once a night
        self._logged: tuple[object, ...] = ()

    def find_due(
        self, keeper: UpdateKeeper, records: Mapping[ReleaseKind, UpdateRecord], now: Moment
    ) -> ReleaseKind | None:
        """Return what is to be installed *now*, None for nothing. Raises ``RefusedError``."""
        ready = [kind for kind, each in records.items() if each.snapshot.state is UpdateState.READY]
        if not ready or any(each.is_installing for each in records.values()) or now.steady < self._next:
            return None
        local = datetime.fromtimestamp(now.wall).astimezone()
        # drawn once, and not before a version waits
        self._number = self._number or find_number(self._installation.storage)
        draw = draw_begin(self._number, local)
        if not is_night(local, draw):
            return None
        self._next = now.steady + timing.NIGHT_LOOK
        moment = NightMoment(local, draw, self._is_in_use(), self._program_runs(), self._has_rights())
        # the agent first: a version of the product may need it
        for kind in sorted(ready, key=lambda each: each is not ReleaseKind.AGENT):
            proposed = keeper.choose(kind).proposed
            release = None if proposed is None else proposed.release
            scope = None if release is None else Installing(self._installation).find_scope(release)
            plan = NightPlan(records[kind], release, scope)
            hurdle = find_hurdle(plan, moment)
            self._log(plan, hurdle, local)
            if hurdle is None:
                return kind
        return None

    def _log(self, plan: NightPlan, hurdle: Hurdle | None, local: datetime) -> None:
        version = plan.record.snapshot.version
        line = (version, hurdle, local.date())
        if line != self._logged:
            self._logged = line
            fields = {"version": version, "waits": "" if hurdle is None else hurdle.value}
            log.info("installation at night", extra={"fields": fields})
