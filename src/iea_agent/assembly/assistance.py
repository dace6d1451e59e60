"""Assistance mode: entering, leaving with the password of the day, the journal.

The order of the writes matters, because the process may be killed between any two lines: a try is counted on disk before the password is checked,
so that killing the agent earns nothing. The state machine makes the transition, and its effect writes that to disk.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, TypeAlias

from iea_agent import BUILT, __version__
from iea_agent.domain import day_password, machine, password_tries, problems, refusals, timing
from iea_agent.domain.assistance_record import AssistanceRecord
from iea_agent.domain.machine import Moment, State
from iea_agent.domain.password_register import Register, select_register
from iea_agent.domain.password_tries import Tries, WaitReason
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.domain.repetitions import Repetitions
from iea_agent.host.journal import Journal
from iea_agent.host.state_files import StorageError
from iea_agent.loop import Loop

from .assistance_memory import STATE as ASSISTANCE
from .installation import Installation
from .registers import Registers, load_registers
from .sealing import TRIES, Sealing

if TYPE_CHECKING:
    from iea_agent.domain.documents import AssistanceDocument
    from iea_agent.domain.password_check import Candidate, Right, Wrong
    from iea_agent.host.state_files import Signature

log = logging.getLogger("iea_agent.assistance")

SAVE_WAIT_SECONDS = 600.0
SAME_EVENT_SECONDS = 60.0
"""The least time between two journal lines about the same thing that is no try."""

Reply: TypeAlias = Callable[[Refusal | None], None]
"""The place for an answer: a refusal, or None if it was done."""


class Assistance:
    """Owns the tries and the journal. Every method is called on the loop's thread.

    A password is checked in a thread of its own, one at a time; the others wait. A check has a number, so that the result of an abandoned one is ignored.
    """

    def __init__(
        self, installation: Installation, sealing: Sealing, clock: Callable[[], Moment], loop: Loop
    ) -> None:
        self._installation = installation
        self._sealing = sealing
        self._clock = clock
        self._loop = loop
        self._journal = Journal(installation.journal_file)
        # when each event that costs no try was last written, and how often it came since
        self._repetitions = Repetitions(SAME_EVENT_SECONDS)
        self._saved_steady = clock().steady
        # the file of assistance mode as it was when it was last compared with the state
        self._compared: Signature | None = None
        # what the file of the tries held when it was last read or written
        self._saved = Tries()
        self._tries = self._load_tries()
        self._waiting: deque[tuple[str, Reply]] = deque()
        self._check = 0
        self._reply: Reply | None = None
        sealing.on_ready = self._compare_anew
        sealing.attach(loop.post)

    def keep_record(self, since: float | None) -> None:
        """Save when assistance mode began, None for off. Raises ``StorageError``."""
        self._sealing.change(self._sealing.record, lambda _record: AssistanceRecord(since))

    def _compare_anew(self) -> None:
        """Do what the record says, which may be another now."""
        self._compared = None
        self.follow_other_session()

    def follow_other_session(self) -> None:
        """Enter or leave assistance mode if another session of this person has done so.

        Its file is the truth for all sessions. A file that is gone or broken says nothing.
        """
        storage = self._installation.storage
        signature = storage.state_signature(ASSISTANCE)
        if signature == self._compared:
            return
        try:
            record = self._sealing.read_latest(self._sealing.record)
        except StorageError:
            return
        if record is None:
            return
        self._compared, since = signature, record.since
        is_on = self._loop.snapshot.state is State.ASSISTANCE
        if since is not None and not is_on:
            self._loop.take(machine.AssistanceEnteredElsewhere(since))
        elif since is None and is_on:
            self._abandon_check()
            self._loop.take(machine.AssistanceLeftElsewhere())

    def build_document(self) -> AssistanceDocument:
        """Return whether assistance mode is on or may be entered, for a client."""
        self.follow_other_session()
        snapshot = self._loop.snapshot
        reason, wait = self._compute_wait()
        refusal = _refuse_entering(snapshot.state)
        return {
            "assistance_since": snapshot.since if snapshot.state is State.ASSISTANCE else None,
            "may_enter": refusal is None,
            "why_not": None if refusal is None else refusals.to_document(refusal),
            "wait": wait,
            "hold": reason.value,
            "servers_answer": snapshot.servers_answer,
            "register_days": self.count_register_days(),
        }

    def count_register_days(self) -> int | None:
        """Return for how many days this PC can check passwords, None if it cannot."""
        register = self.load_register()
        return None if register is None else register.remaining(self._today())

    def load_register(self) -> Register | None:
        """Return the newest register on this PC, never an older one than before."""
        return self._select_register(load_registers(self._installation))

    def _select_register(self, registers: Registers) -> Register | None:
        licence = self._installation.storage.load().effective.settings.licence_number
        return select_register(registers.usable, licence, self._least_generation())

    def _refuse_without_register(self, registers: Registers) -> Refusal:
        """Return why no password can be checked, and write that to the journal."""
        if not registers.usable and not registers.refused:
            self._write_seldom("no-register")
            return refusals.RegisterMissing()
        # one that can be read is for another licence, or older than one before
        readable = self._installation.installed_register, self._installation.signed_register
        file = next((str(file) for file in registers.refused or readable if file.exists()), "")
        self._write_seldom("register-refused", file=file)
        return refusals.RegisterRefused(path=file)

    def warn_of_expiry(self) -> None:
        """Log a warning if the register soon ends; ``diagnose`` shows it, too."""
        register = self.load_register()
        if register is not None and register.remaining(self._today()) < timing.REGISTER_NOTICE_DAYS:
            log.warning("register runs out", extra={"fields": {"last": register.last}})

    # entering

    def enter(self, reason: str) -> None:
        """Enter assistance mode; *reason* is for the journal. Raises ``RefusedError``."""
        self._sealing.settle()
        self.follow_other_session()
        snapshot = self._loop.snapshot
        if refusal := _refuse_entering(snapshot.state):
            raise RefusedError(refusal)
        reason = " ".join(clean_detail(reason).split())
        problem = snapshot.problem and snapshot.problem.code
        if not self._write("entering", reason=reason, version=__version__, problem=problem):
            raise RefusedError(refusals.NothingWritten())
        self._loop.take(machine.AssistanceEntered())
        self._require_on_disk(True)

    # leaving

    def leave(self, typed: str, reply: Reply) -> None:
        """Try the password *typed*; *reply* gets the outcome, once it was checked."""
        self._waiting.append((typed, reply))
        self._try_next()

    def _try_next(self) -> None:
        while self._waiting and self._reply is None:
            typed, reply = self._waiting.popleft()
            try:
                candidate = self._count_try(typed)
            except RefusedError as error:
                reply(error.refusal)
                continue
            self._check += 1
            self._reply = reply
            threading.Thread(
                target=self._check_password,
                args=(self._check, candidate),
                name=f"password-{self._check}",
                daemon=True,
            ).start()

    def _count_try(self, typed: str) -> Candidate:
        """Count *typed* as a try, on disk. Raises ``RefusedError`` if it cannot be one."""
        # imported here and below: hardly any program ever has a password typed
        from iea_agent.domain.password_check import Candidate, find_candidate
        from iea_agent.domain.typed_password import Typo, parse_typed_password

        self._sealing.settle()
        self.follow_other_session()
        if self._loop.snapshot.state is not State.ASSISTANCE:
            raise RefusedError(refusals.AssistanceNotOn())
        password = parse_typed_password(typed)
        if isinstance(password, Typo):
            self._write_seldom("typo", fault=password.kind.value)
            raise RefusedError(
                refusals.PasswordMistyped(
                    span=password.span,
                    fault=password.kind.value,
                    position=password.position,
                    part=password.part,
                    missing=password.missing,
                )
            )
        registers = load_registers(self._installation)
        register = self._select_register(registers)
        if register is None:
            raise RefusedError(self._refuse_without_register(registers))
        candidate = find_candidate(password, register, self._today())
        if not isinstance(candidate, Candidate):
            self._write_seldom("other-day", day=password.day)
            raise RefusedError(candidate)
        generation = register.generation

        def count(tries: Tries) -> Tries:
            tries = password_tries.lift_stop_after_new_register(tries, generation)
            reason, wait = password_tries.compute_wait(tries)
            if reason is not WaitReason.NONE:
                raise RefusedError(refusals.TooManyTries(wait=wait, reason=reason))
            return password_tries.count_try(tries, generation)

        if not self._change_tries(count):
            raise RefusedError(refusals.NothingWritten())
        if register is registers.signed:
            # one that nobody has signed is remembered only if its password was right
            self._save_generation(generation)
        return candidate

    def _check_password(self, number: int, candidate: Candidate) -> None:
        """Check *candidate*, which takes 0.2 to 1 s, on a thread of its own."""
        from iea_agent.domain.password_check import check_candidate

        # the try counts in the vault, too, before its result is known
        self._sealing.wait()
        result = None
        try:
            result = check_candidate(candidate)
        except Exception:
            log.exception("password not checked")
        self._loop.post(lambda: self._finish_check(number, result, candidate.register.generation))

    def _finish_check(self, number: int, result: Right | Wrong | None, generation: int) -> None:
        if number != self._check or self._reply is None:
            return
        reply, self._reply = self._reply, None
        try:
            self._conclude(result, generation)
        except RefusedError as error:
            reply(error.refusal)
        else:
            reply(None)
        self._try_next()

    def _conclude(self, result: Right | Wrong | None, generation: int) -> None:
        """Leave assistance mode if the password was right. Raises ``RefusedError``."""
        from iea_agent.domain.password_check import Wrong

        if result is None:
            raise RefusedError(refusals.ProblemMet(problems.INTERNAL_ERROR.code))
        day = result.day.isoformat()
        if isinstance(result, Wrong):
            reason, wait = self._compute_wait()
            self._write("refused", day=day, failures=self._tries.failures, wait=round(wait))
            raise RefusedError(refusals.PasswordWrong(wait=wait, reason=reason))
        self._save_generation(generation)
        self._change_tries(password_tries.reset_after_success)
        self._write("leaving", day=day, kid=result.kid)
        self._loop.take(machine.AssistanceLeft())
        self._require_on_disk(False)

    def expire(self) -> None:
        """Note that the policy's limit ended assistance mode, and abandon a check."""
        self._write("expired")
        self._abandon_check()
        self._try_next()

    def _abandon_check(self) -> None:
        """Ignore the password under check: assistance mode is no longer on."""
        self._check += 1
        reply, self._reply = self._reply, None
        if reply is not None:
            reply(refusals.AssistanceNotOn())

    # the tries

    def lift_stop(self) -> None:
        """Allow tries again after too many failures: a server has accepted this PC."""
        if self._tries.stopped:
            self._change_tries(password_tries.lift_stop_after_authentication)

    def save_wait(self) -> None:
        """Save the time waited now and then: with a slow clock a restart forgets it."""
        reason, _wait = self._compute_wait()
        if reason is not WaitReason.NONE and self._clock().steady - self._saved_steady >= SAVE_WAIT_SECONDS:
            self._change_tries(lambda tries: tries)

    def _compute_wait(self) -> tuple[WaitReason, float]:
        self._reread_tries()
        return password_tries.compute_wait(self._tries)

    # on disk

    def _load_tries(self) -> Tries:
        storage = self._installation.storage
        existed = storage.had_state(TRIES)
        try:
            tries = storage.read_state(TRIES, password_tries.parse_tries)
        except StorageError:
            tries = None
        if not existed:
            return Tries()
        if tries is None:
            log.warning("attempts not readable")
            tries = password_tries.create_distrusted(self._clock())
            self._write("attempts-unreadable")
            try:
                storage.write_state(TRIES, tries.to_document())
            except StorageError:
                # what was set aside says the same at the next start
                log.exception("attempts not written")
        self._saved = replace(tries, steady=None)
        return tries

    def _reread_tries(self) -> None:
        """Bring the tries to this moment, with those of the other sessions."""
        tries = None
        with suppress(StorageError):
            tries = self._sealing.read_latest(self._sealing.tries)
        self._take_over(tries)

    def _take_over(self, tries: Tries | None) -> None:
        # a file that is gone or broken earns nothing
        if tries is not None and (tries := replace(tries, steady=None)) != self._saved:
            # neither clock runs ahead of the time that has passed
            clock = max(tries.clock, self._tries.clock)
            self._tries = replace(tries, clock=clock, steady=self._tries.steady)
            self._saved = tries
        self._tries = password_tries.advance_clock(self._tries, self._clock())

    def _change_tries(self, change: Callable[[Tries], Tries]) -> bool:
        """Apply *change* to the tries on disk, which nobody else changes meanwhile.

        If the disk refuses, return False and change nothing. What *change* raises passes.
        """
        changed = self._tries

        def change_present(tries: Tries | None) -> Tries:
            nonlocal changed
            self._take_over(tries)
            changed = change(self._tries)
            return changed

        try:
            self._sealing.change(self._sealing.tries, change_present)
        except StorageError:
            log.exception("attempts not written")
            return False
        self._tries, self._saved = changed, replace(changed, steady=None)
        self._saved_steady = self._clock().steady
        return True

    def _require_on_disk(self, is_on: bool) -> None:
        """Raise ``RefusedError`` if the disk does not agree with the state machine."""
        try:
            agrees = (self._installation.assistance_since() is not None) is is_on
        except StorageError:
            agrees = False
        if not agrees:
            raise RefusedError(refusals.NotRemembered())

    def _least_generation(self) -> int:
        try:
            return self._sealing.read_latest(self._sealing.generation) or 1
        except StorageError:
            return 1

    def _save_generation(self, generation: int) -> None:
        """Refuse registers older than *generation* from now on."""
        if generation > self._least_generation():
            try:
                self._sealing.change(self._sealing.generation, lambda highest: max(generation, highest or 1))
            except StorageError:
                log.exception("generation not written")

    def _write(self, event: str, **fields: object) -> bool:
        """Write *event* to the journal; return False if the disk refuses."""
        try:
            self._journal.append(event, datetime.fromtimestamp(self._clock().wall, UTC), fields)
        except StorageError:
            log.exception("journal not written")
            return False
        return True

    def _write_seldom(self, event: str, **fields: object) -> None:
        """Write *event*, which costs no try, once a minute; count the others as *more*."""
        more = self._repetitions.take(event, self._clock().steady)
        if more is not None:
            self._write(event, **fields, **({"more": more} if more else {}))

    def _today(self) -> date:
        return day_password.compute_today(self._clock().wall, date.fromisoformat(BUILT))


def _refuse_entering(state: State) -> Refusal | None:
    if machine.allows(state, machine.AssistanceEntered):
        return None
    return refusals.CannotEnterAssistance(state)
