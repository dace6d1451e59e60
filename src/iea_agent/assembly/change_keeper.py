"""Announced changes of the servers' addresses, on this PC: rehearsed, told, made.

``domain/announced_change.py`` decides; this does it. Everything runs on the loop's thread but the tests of servers, each in a thread of its own that
posts its result. Without a policy of the publisher nothing of this is loaded.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from iea_agent.domain import timing
from iea_agent.host.state_files import StorageError

if TYPE_CHECKING:
    from iea_agent.domain.announced_change import ChangeRecord, Rehearsal
    from iea_agent.domain.diagnosis import PendingChange
    from iea_agent.domain.settings import Effective, Settings
    from iea_agent.domain.signed_policy import AnnouncedChange, SignedPolicy
    from iea_agent.host.storage import Storage

log = logging.getLogger("iea_agent.updates")

STATE = "changes"
ADDRESSES = ("authentication", "updates")


class Rehearse(Protocol):
    """Tests the servers of *wanted* that *present* has not, without any licence.

    Returns how it went, and the code of the problem or "". Takes seconds.
    """

    def __call__(self, wanted: Settings, present: Settings) -> tuple[Rehearsal, str]: ...


class ChangeKeeper:
    """What this PC does about the changes that the publisher has announced."""

    def __init__(
        self,
        storage: Storage,
        load_policy: Callable[[], SignedPolicy | None],
        rehearse: Rehearse,
        post: Callable[[Callable[[], None]], None],
        on_change: Callable[[], None],
        on_result: Callable[[], None] = lambda: None,
    ) -> None:
        """*load_policy* returns the publisher's policy, the same object until it changes.

        *post* runs a call on the loop's thread; *on_change* is told of other addresses, *on_result* of the end of a rehearsal.
        """
        self._storage = storage
        self._rehearse = rehearse
        self._post = post
        self._on_change = on_change
        self._on_result = on_result
        self._load_policy = load_policy
        self._policy: SignedPolicy | None = None
        self._looked_at: SignedPolicy | None = None
        self._changes: tuple[AnnouncedChange, ...] = ()
        self._records: dict[str, ChangeRecord] = {}
        self._chance = 0.0
        self._is_testing = False
        self._looked_back = -timing.CHANGE_LOOK_BACK

    def open(self) -> None:
        """Read what was announced and what this PC has done about it."""
        self._read_policy()

    @property
    def has_news(self) -> bool:
        """Whether the policy is another than at the last look: one look is due."""
        return self._load_policy() is not self._looked_at

    def apply(self, effective: Effective) -> Settings:
        """Return the settings with the addresses that are in force.

        What the administrator's policy fixes stays.
        """
        settings = effective.settings
        if not self._changes:
            return settings
        from iea_agent.domain.announced_change import choose_address

        for change in self._changes:
            record = self._records.get(change.name)
            if record is None:
                continue
            for name in ADDRESSES:
                if name not in effective.locked:
                    address = choose_address(getattr(settings, name), getattr(change, name), record)
                    settings = settings.with_values({name: address})
        return settings

    def look(self, effective: Effective, now: float) -> None:
        """Do what is due at *now*."""
        self._read_policy()
        self._looked_at = self._policy
        if not self._changes:
            return
        from iea_agent.domain.announced_change import ChangeRecord, ChangeStep, decide_step, note_told

        for change in self._select(effective):
            record = self._records.get(change.name, ChangeRecord())
            match decide_step(change, record, now, self._chance):
                case ChangeStep.REHEARSE:
                    self._start_rehearsal(change, effective.settings, now)
                case ChangeStep.TELL:
                    self._keep(change, note_told(record, now))
                    log.warning(
                        "change of addresses: not ready", extra={"fields": {"problem": record.problem}}
                    )
                case ChangeStep.SWITCH | ChangeStep.TRY_AGAIN:
                    self._switch(change, record, now)
                case ChangeStep.SETTLE:
                    self._settle(change, record, now)

    def follow(self, effective: Effective, now: float, *, failed: bool) -> None:
        """Take the result of an attempt: look at the old server if the new one fails."""
        changes = [change for change in self._select(effective) if self._is_in_force(change)]
        if not (failed and changes) or self._is_testing or now - self._looked_back < timing.CHANGE_LOOK_BACK:
            return
        self._looked_back = now
        change, settings = changes[0], effective.settings

        def take(outcome: Rehearsal, _problem: str) -> None:
            from iea_agent.domain.announced_change import Rehearsal, note_failure

            record = self._records[change.name]
            answers = outcome is Rehearsal.PASSED
            after = note_failure(change, record, old_answers=answers, now=now)
            if after != record:
                log.warning("back to the address before", extra={"fields": {"change": change.name}})
                self._keep(change, after)
                self._on_change()

        # effective has the old addresses: those of the settings
        self._test(settings, self._with_new(change, settings), take)

    def list_pending(self, effective: Effective, now: float) -> tuple[PendingChange, ...]:
        """Return the changes for which this PC is not ready, and has been told so."""
        if not self._records:
            return ()
        from iea_agent.domain.announced_change import ChangeRecord, needs_help
        from iea_agent.domain.diagnosis import PendingChange

        pending = []
        for change in self._select(effective):
            record = self._records.get(change.name, ChangeRecord())
            replaced = change.authentication or change.updates
            if replaced is not None and needs_help(change, record, now):
                pending.append(PendingChange(replaced.new, change.begins, record.problem))
        return tuple(pending)

    # the steps

    def _select(self, effective: Effective) -> tuple[AnnouncedChange, ...]:
        if not self._changes:
            return ()
        from iea_agent.domain.announced_change import select_changes

        settings = effective.settings
        return select_changes(self._changes, settings.authentication, settings.updates)

    def _is_in_force(self, change: AnnouncedChange) -> bool:
        record = self._records.get(change.name)
        return record is not None and record.is_in_force

    def _with_new(self, change: AnnouncedChange, settings: Settings) -> Settings:
        changed = {name: replaced.new for name in ADDRESSES if (replaced := getattr(change, name))}
        return settings.with_values(changed)

    def _start_rehearsal(self, change: AnnouncedChange, settings: Settings, now: float) -> None:
        def take(outcome: Rehearsal, problem: str) -> None:
            from iea_agent.domain.announced_change import ChangeRecord, note_rehearsal

            record = self._records.get(change.name, ChangeRecord())
            fields = {"change": change.name, "outcome": outcome.value, "problem": problem}
            log.info("rehearsal", extra={"fields": fields})
            self._keep(change, note_rehearsal(record, outcome, problem, now))
            self._on_result()

        self._test(self._with_new(change, settings), settings, take)

    def _test(self, wanted: Settings, present: Settings, take: Callable[[Rehearsal, str], None]) -> None:
        """Test in a thread, and have *take* called on the loop's with the result."""
        if self._is_testing:
            return
        self._is_testing = True

        def end(outcome: Rehearsal, problem: str) -> None:
            self._is_testing = False
            take(outcome, problem)

        def run() -> None:
            outcome, problem = self._rehearse(wanted, present)
            self._post(lambda: end(outcome, problem))

        threading.Thread(target=run, name="rehearsal", daemon=True).start()

    def _switch(self, change: AnnouncedChange, record: ChangeRecord, now: float) -> None:
        from iea_agent.domain.announced_change import note_switch

        log.info("change of addresses made", extra={"fields": {"change": change.name}})
        self._keep(change, note_switch(record, now))
        self._on_change()

    def _settle(self, change: AnnouncedChange, record: ChangeRecord, now: float) -> None:
        """Write the new addresses into the person's file: they outlast the policy."""
        from iea_agent.domain.announced_change import note_settled
        from iea_agent.domain.refusals import RefusedError

        addresses = {
            f"connection.{name}": replaced.new for name in ADDRESSES if (replaced := getattr(change, name))
        }
        try:
            self._storage.save(addresses)
        except RefusedError as error:
            log.warning("new addresses not saved", extra={"fields": {"reason": error.refusal.code}})
            return
        self._keep(change, note_settled(record, now))

    # the disk

    def _keep(self, change: AnnouncedChange, record: ChangeRecord) -> None:
        self._records[change.name] = record
        document = {
            "chance": self._chance,
            "records": {name: each.to_document() for name, each in self._records.items()},
        }
        try:
            self._storage.write_state(STATE, document)
        except StorageError as error:
            log.warning("state not written", extra={"fields": {"file": error.path}})

    def _read_policy(self) -> None:
        policy = self._load_policy()
        if policy is self._policy:
            return
        self._policy = policy
        self._changes = policy.changes if policy is not None else ()
        if self._changes and not self._records:
            self._chance, self._records = self._load_records()

    def _load_records(self) -> tuple[float, dict[str, ChangeRecord]]:
        try:
            loaded = self._storage.read_state(STATE, parse_state)
        except StorageError as error:
            log.warning("state not read", extra={"fields": {"file": error.path}})
            loaded = None
        # each PC has its own moment for all its rehearsals
        return loaded or (random.random(), {})  # noqa: S311


def parse_state(document: Mapping[str, object]) -> tuple[float, dict[str, ChangeRecord]]:
    """Parse the saved chance and records. Raises ``ValueError``."""
    from iea_agent.domain.announced_change import parse_change_record

    chance, records = document.get("chance"), document.get("records")
    if not isinstance(chance, float) or not 0 <= chance < 1 or not isinstance(records, dict):
        raise ValueError("chance, records: a number below 1 and an object expected")
    if len(records) > 50 or not all(isinstance(each, dict) for each in records.values()):
        raise ValueError("records: at most 50 objects expected")
    return chance, {name: parse_change_record(each) for name, each in records.items()}
