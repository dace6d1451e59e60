"""What the agent does about updates: it starts workers in time, and announces.

Everything runs on the loop's thread and reads small files. Before the first check is due, and while no update is under way, nothing is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain import timing
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.settings import InstallTime

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment
    from iea_agent.domain.settings import Settings
    from iea_agent.domain.update_catalogue import ReleaseKind
    from iea_agent.domain.update_record import CheckRecord, UpdateRecord
    from iea_agent.shell.wording.balloon_text import Balloon

    from .installation import Installation
    from .night_watch import NightWatch
    from .update_keeper import UpdateKeeper

log = logging.getLogger("iea_agent.updates")

PRODUCT = "product"
"""``ReleaseKind.PRODUCT``, whose module the icon's process does not load for this."""
ANY_RECORD = ("update-product", "update-agent")
"""The state files that say that an update is under way."""


class UpdateWatch:
    """The updates of one installation, as the agent looks after them."""

    def __init__(
        self,
        installation: Installation,
        clock: Callable[[], Moment],
        chance: Callable[[], float],
        show: Callable[[Balloon], None],
        start_worker: Callable[[], None] | None = None,
        program_runs: Callable[[], bool] | None = None,
        may_install_own: Callable[[], bool] = lambda: False,
        may_launch: Callable[[], bool] = lambda: False,
        launch: Callable[[], None] = lambda: None,
        is_in_use: Callable[[], bool] = lambda: True,
        has_rights: Callable[[], bool] | None = None,
    ) -> None:
        """*show* is called with each balloon.

        *start_worker* stands in for a process, *program_runs* for a look at those of this PC, *has_rights* for a question to the system. *may_install_own*
        returns whether nobody uses the agent now, and it may replace itself, *may_launch* whether Impact emploi may be launched; *launch* does so. *is_in_use*
        returns whether a person uses the agent.
        """
        self._may_launch, self._launch = may_launch, launch
        self._may_install_own = may_install_own
        self._installation = installation
        self._clock = clock
        self._chance = chance()
        self._show = show
        self._start_worker = start_worker
        self._program_runs = program_runs or installation.runs_program
        self._first = clock().steady + timing.UPDATE_FIRST + timing.UPDATE_FIRST_SPREAD * self._chance
        self._next = self._rests_until = clock().steady
        self._opened: UpdateKeeper | None = None
        self._is_in_use, self._has_rights = is_in_use, has_rights or installation.host.has_rights
        self._night: NightWatch | None = None
        self._signature: object = None
        self._records: dict[ReleaseKind, UpdateRecord] = {}
        self._check: CheckRecord | None = None
        # when it was looked last whether a worker that was killed has left something
        self._looked_after = clock().steady

    @property
    def has_update(self) -> bool:
        """Whether an update of Impact emploi that is proposed waits to be installed."""
        return any(kind.value == PRODUCT and record.has_update for kind, record in self._records.items())

    @property
    def waiting(self) -> str:
        """The version that waits for a click, in words, Impact emploi's first; or ""."""
        if not self._records:
            return ""
        from iea_agent.domain.update_record import is_waiting

        now = self._clock().wall
        waiting = [(kind, record) for kind, record in self._records.items() if is_waiting(record, now)]
        if not waiting:
            return ""
        from iea_agent.shell.wording.update_text import word_waiting

        kind, record = waiting[0]
        return word_waiting(kind, record.snapshot)

    def open(self) -> None:
        """Go on with what was under way when the agent ended."""
        if self._has_record():
            self._try(lambda keeper: keeper.resume())

    def look(self, settings: Settings) -> None:
        """Do what is due now."""
        now = self._clock().steady
        if now < self._next or not (now >= self._first or self._has_record()):
            return
        self._next = now + timing.UPDATE_LOOK

        def look(keeper: UpdateKeeper) -> None:
            self._read_files(keeper)
            self._launch_installed(keeper)
            if now < self._rests_until:
                return
            is_started = settings.updates_download and self._install_own(keeper)
            if at_night := settings.updates_install is InstallTime.NIGHT:
                is_started = is_started or self._install_at_night(keeper)
            self._announce(keeper, at_night=at_night)
            if settings.updates_check and not is_started:
                self._start_due(keeper)

        self._try(look)

    def note_sign_in(self) -> None:
        """Write into the history that the server accepts this PC after an update."""
        if any(record.awaits_sign_in for record in self._records.values()):
            self._try(self._note_sign_in)

    def _note_sign_in(self, keeper: UpdateKeeper) -> None:
        from iea_agent.domain.update_record import HistoryLine, HistoryStep

        for kind, record in self._records.items():
            if record.awaits_sign_in:
                # another version may be on offer by now
                version = str(record.report.get("version", record.snapshot.version))
                line = HistoryLine(
                    self._clock().wall, kind, version, record.before, HistoryStep.AUTHENTICATION, True
                )
                # first: what was written twice is seen, what was not is lost
                keeper.add_history(line)
                keeper.take(kind, change=lambda each: replace(each, awaits_sign_in=False))
        self._read_files(keeper)

    def _has_record(self) -> bool:
        return any(map(self._installation.storage.has_state, ANY_RECORD))

    def _try(self, action: Callable[[UpdateKeeper], None]) -> None:
        """Do *action*; what the disk or the system refuses is for the log."""
        if self._opened is None:
            from .update_keeper import UpdateKeeper

            self._opened = UpdateKeeper(self._installation, self._start_worker, lambda: self._clock().wall)
        try:
            action(self._opened)
        except RefusedError as error:
            log.warning("updates not looked after", extra={"fields": {"reason": error.refusal.code}})

    def _read_files(self, keeper: UpdateKeeper) -> None:
        """Read what has changed on the disk."""
        from iea_agent.domain.update_catalogue import ReleaseKind

        signature = keeper.sign_records()
        if signature != self._signature:
            self._signature = signature
            self._records = {kind: keeper.load(kind) for kind in ReleaseKind}
            self._check = keeper.load_check()

    def _announce(self, keeper: UpdateKeeper, *, at_night: bool) -> None:
        """Show what is new, each once: it is written down before.

        With *at_night* versions are installed at night, and told in the morning.
        """
        from iea_agent.domain.update_machine import UpdateEffect
        from iea_agent.domain.update_record import pop_announcements
        from iea_agent.shell.wording.update_history_text import build_result_balloon
        from iea_agent.shell.wording.update_text import build_update_balloon

        for kind, record in self._records.items():
            if not record.pending or (at_night and self._waits_for_night(record)):
                continue
            effects = pop_announcements(record)[1]
            after = keeper.take(kind, change=lambda each: pop_announcements(each)[0])
            for effect in effects:
                balloon = build_update_balloon(effect, kind, after.snapshot)
                if effect is UpdateEffect.ANNOUNCE_RESULT:
                    balloon = build_result_balloon(kind, after) or balloon
                if balloon is not None:
                    self._show(balloon)

    def _waits_for_night(self, record: UpdateRecord) -> bool:
        from iea_agent.domain.night_install import waits_for_night

        return waits_for_night(record, datetime.fromtimestamp(self._clock().wall).astimezone())

    def _launch_installed(self, keeper: UpdateKeeper) -> None:
        """Launch Impact emploi after its installation, if asked for and possible now."""
        from iea_agent.domain.update_catalogue import ReleaseKind
        from iea_agent.domain.update_machine import UpdateState
        from iea_agent.domain.update_record import LaunchWish, judge_launch

        record = self._records.get(ReleaseKind.PRODUCT)
        if record is None or record.snapshot.state is not UpdateState.INSTALLED:
            return
        wish = judge_launch(record.snapshot, record.launch, self._clock().wall)
        if wish is not LaunchWish.ASKED or not self._may_launch():
            return
        # first: a program that is launched again and again is worse than one that is not
        keeper.take(ReleaseKind.PRODUCT, change=lambda each: replace(each, launch=LaunchWish.DONE))
        self._read_files(keeper)
        log.info("program after its update", extra={"fields": {"version": record.snapshot.version}})
        self._launch()

    def _install_own(self, keeper: UpdateKeeper) -> bool:
        """Have the agent's own update installed without a click, if that is possible.

        Returns whether it is. The new version announces it afterwards.
        """
        from iea_agent.domain.update_catalogue import ReleaseKind
        from iea_agent.domain.update_machine import InstallRequested
        from iea_agent.domain.update_record import installs_itself

        record = self._records.get(ReleaseKind.AGENT)
        if record is None or not installs_itself(record, self._clock().wall) or not self._may_install_own():
            return False
        log.info("own update", extra={"fields": {"version": record.snapshot.version}})
        self._rest(self._clock().steady)
        keeper.take(ReleaseKind.AGENT, InstallRequested(), change=lambda each: replace(each, pending=()))
        self._read_files(keeper)
        return True

    def _install_at_night(self, keeper: UpdateKeeper) -> bool:
        """Have a verified version installed, if it is night and nobody is in the way.

        Returns whether it is.
        """
        from .night_watch import NightWatch

        if self._night is None:
            self._night = NightWatch(
                self._installation, self._is_in_use, self._program_runs, self._has_rights
            )
        now = self._clock()
        kind = self._night.find_due(keeper, self._records, now)
        if kind is None:
            return False
        self._rest(now.steady)
        keeper.install(kind)
        self._read_files(keeper)
        return True

    def _start_due(self, keeper: UpdateKeeper) -> None:
        """Start a worker if something is due that no person has asked for."""
        from iea_agent.domain.update_record import (
            CheckRecord,
            find_check_due,
            is_timer_due,
            is_unfinished,
        )

        now = self._clock()
        check = self._check or CheckRecord()
        is_check_due = now.steady >= self._first and find_check_due(check, now.wall, self._chance) <= now.wall
        if is_check_due and not check.is_pending:
            self._rest(now.steady)
            keeper.check()
            return
        records = self._records.values()
        waits = any(record.waits_for_program for record in records)
        program_runs = waits and self._program_runs()
        is_due = any(is_timer_due(record, now.wall, program_runs=program_runs) for record in records)
        if now.steady - self._looked_after >= timing.UPDATE_LOOK_AFTER:
            is_due |= check.is_pending or any(map(is_unfinished, records))
        if is_due:
            self._rest(now.steady)
            keeper.start_worker()

    def _rest(self, now: float) -> None:
        """Start and announce nothing for a while: the records say late what was done."""
        self._rests_until = now + timing.UPDATE_WORKER_STARTS
        self._looked_after = now
