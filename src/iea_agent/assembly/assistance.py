"""Assistance mode on this PC: who may enter, what lets out again, and what is written down of both.

Order matters, for the process may be killed between any two lines: a try is charged on disk before it is judged, so that killing the agent earns
nothing; the transition itself is the state machine's, whose effect writes it down.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from iea_agent import BUILT, __version__
from iea_agent.domain import day_password, machine, password_tries
from iea_agent.domain.machine import Event, Moment, Snapshot, State
from iea_agent.domain.password_check import NotCovered, OtherDay, Right, check_candidate, find_candidate
from iea_agent.domain.password_register import Register, RegisterError, parse_register, select_register
from iea_agent.domain.password_tries import Tries, WaitReason
from iea_agent.domain.typed_password import Typo, parse_typed_password
from iea_agent.host.journal import Journal
from iea_agent.host.storage import StorageError
from iea_agent.locale import _
from iea_agent.shell.wording import password_text, state_text

from .installation import Installation

log = logging.getLogger("iea_agent.assistance")

TRIES = "attempts"
REGISTER = "register"
LONGEST_REASON = 200
EXPIRING_DAYS = 180
"""Fewer days left in the register than this are worth a warning."""
KEEP_WAITING_SECONDS = 600.0

Settle = Callable[[Event, State], bool]
"""Hand an event to the loop and wait until the given state holds; False when it does not come to that."""


class Assistance:
    """The one way in and out. Called on the threads of the channel's clients; one try at a time."""

    def __init__(self, installation: Installation, clock: Callable[[], Moment], settle: Settle) -> None:
        self._installation = installation
        self._clock = clock
        self._settle = settle
        self._trying = threading.Lock()  # two clients typing at once would share one count
        self._journal = Journal(installation.journal_file)
        self._kept_steady = clock().steady
        self._attempts = self._read_attempts()

    # what there is

    def situation(self, snapshot: Snapshot) -> dict[str, Any]:
        """What the dialog shows, as a document."""
        held, wait = self._hold()
        register = self.register()
        return {
            "assistance_since": snapshot.since if snapshot.state is State.ASSISTANCE else None,
            "may_enter": machine.allows(snapshot.state, machine.AssistanceEntered),
            "why_not": why_not_enter(snapshot.state),
            "wait": wait,
            "hold": held.value,
            "servers_answer": snapshot.servers_answer,
            "register_days": None if register is None else register.remaining(self._today()),
        }

    def register(self) -> Register | None:
        """What to check a password with: the newest of what is installed and what the updates brought, never an older one than before."""
        found = []
        for file in self._installation.register_files():
            try:
                found.append(parse_register(file.read_text(encoding="utf-8")))
            except FileNotFoundError:
                continue
            except (OSError, UnicodeDecodeError, RegisterError) as error:
                log.warning("register refused", extra={"fields": {"file": file, "reason": error}})
        licence = self._installation.storage.load().effective.settings.licence_number
        return select_register(found, licence, self._least_generation())

    def warn_of_expiry(self) -> None:
        """Log that the register runs out soon: ``diagnose`` shows it, too."""
        register = self.register()
        if register is not None and register.remaining(self._today()) < EXPIRING_DAYS:
            log.warning("register runs out", extra={"fields": {"last": register.last}})

    # in and out

    def enter(self, snapshot: Snapshot, reason: str) -> dict[str, Any]:
        """Enter assistance mode; the reply for the channel."""
        if why_not := why_not_enter(snapshot.state):
            return {"ok": False, "error": why_not}
        reason = " ".join(reason.split())[:LONGEST_REASON]
        if not self._write(
            "entering", reason=reason, version=__version__, problem=snapshot.problem and snapshot.problem.code
        ):
            return {"ok": False, "error": _cannot_write()}
        if not self._settle(machine.AssistanceEntered(), State.ASSISTANCE):
            return {"ok": False, "error": _("Le mode assistance n'a pas pu être activé. Réessayez.")}
        return {"ok": True} if self._is_kept(True) else {"ok": False, "error": _not_kept()}

    def leave(self, snapshot: Snapshot, typed: str) -> dict[str, Any]:
        """Try *typed*; the reply for the channel. Takes as long as one scrypt (0.2 to 1 s)."""
        if snapshot.state is not State.ASSISTANCE:
            return {"ok": False, "error": _("Le mode assistance n'est pas actif.")}
        with self._trying:
            return self._leave(typed)

    def _leave(self, typed: str) -> dict[str, Any]:
        entered = parse_typed_password(typed)
        if isinstance(entered, Typo):
            self._write("typo", fault=entered.kind.value)
            return _refusal(password_text.describe_typo(entered), span=entered.span)
        register = self.register()
        if register is None:
            self._write("no-register")
            return _refusal(password_text.describe_missing_register())
        candidate = find_candidate(entered, register, self._today())
        if isinstance(candidate, (OtherDay, NotCovered)):
            self._write("other-day", day=entered.day)
            return _refusal(password_text.describe_other_day(candidate))
        now = self._clock()
        tried = password_tries.advance_clock(
            password_tries.lift_stop_after_new_register(self._attempts, register.generation), now
        )
        held, wait = password_tries.compute_wait(tried)
        if held is not WaitReason.NONE:
            return _refusal(password_text.describe_hold(held), wait=wait)
        if not self._keep(password_tries.count_try(tried, register.generation)):
            return _refusal(_cannot_write())
        self._remember(register)
        answer = check_candidate(candidate)
        if not isinstance(answer, Right):
            held, wait = self._hold()
            self._write(
                "refused", day=answer.day.isoformat(), failures=self._attempts.failures, wait=round(wait)
            )
            sentence = password_text.describe_wrong_password()
            if held is not WaitReason.NONE:
                sentence += " " + password_text.describe_hold(held)
            return _refusal(sentence, wait=wait)
        self._keep(password_tries.reset_after_success(self._attempts))
        self._write("leaving", day=answer.day.isoformat(), kid=answer.kid)
        if not self._settle(machine.AssistanceLeft(), State.DISCONNECTED):
            return _refusal(_("Le mode assistance n'a pas pu être désactivé. Réessayez."))
        return {"ok": True, "accepted": True} if self._is_kept(False) else _refusal(_not_kept())

    def servers_answered(self) -> None:
        """The server let us in: whoever was stopped after too many failures may try again."""
        if self._attempts.stopped:
            self._keep(password_tries.lift_stop_after_authentication(self._attempts))

    def keep_waiting(self) -> None:
        """Now and then, write down how long has been waited: where the clock is behind, a restart would forget it."""
        held, _seconds = self._hold()
        if held is not WaitReason.NONE and self._clock().steady - self._kept_steady >= KEEP_WAITING_SECONDS:
            self._keep(self._attempts)

    def expired(self) -> None:
        """The policy's limit ended assistance mode."""
        self._write("expired")

    # on disk

    def _read_attempts(self) -> Tries:
        existed = self._installation.storage.has_state(TRIES)
        try:
            document = self._installation.storage.read_state(TRIES)
        except StorageError:
            document = {}
        if not existed:
            return Tries()
        found = password_tries.parse_tries(document)
        if found is None:
            log.warning("attempts not readable")
            found = password_tries.create_distrusted(self._clock())
            self._write("attempts-unreadable")
        return found

    def _is_kept(self, held: bool) -> bool:
        """Whether the disk says what the state machine says."""
        try:
            return (self._installation.assistance_since() is not None) is held
        except StorageError:
            return False

    def _hold(self) -> tuple[WaitReason, float]:
        self._attempts = password_tries.advance_clock(self._attempts, self._clock())
        return password_tries.compute_wait(self._attempts)

    def _keep(self, tried: Tries) -> bool:
        """Write *tried* down; False, and nothing counted, where the disk does not take it."""
        try:
            self._installation.storage.write_state(TRIES, tried.to_document())
        except StorageError:
            log.exception("attempts not written")
            return False
        self._attempts, self._kept_steady = tried, self._clock().steady
        return True

    def _least_generation(self) -> int:
        try:
            kept = self._installation.storage.read_state(REGISTER).get("generation")
        except StorageError:
            return 1
        return kept if isinstance(kept, int) and not isinstance(kept, bool) else 1

    def _remember(self, register: Register) -> None:
        if register.generation > self._least_generation():
            try:
                self._installation.storage.write_state(REGISTER, {"generation": register.generation})
            except StorageError:
                log.exception("generation not written")

    def _write(self, event: str, **fields: object) -> bool:
        try:
            self._journal.append(event, datetime.fromtimestamp(self._clock().wall, UTC), fields)
        except StorageError:
            log.exception("journal not written")
            return False
        return True

    def _today(self) -> date:
        return day_password.compute_today(self._clock().wall, date.fromisoformat(BUILT))


def why_not_enter(state: State) -> str:
    """Why assistance mode cannot be entered in *state*; "" where it can."""
    if machine.allows(state, machine.AssistanceEntered):
        return ""
    if state is State.ASSISTANCE:
        return _("Le mode assistance est déjà actif.")
    return _("Le mode assistance ne s'active que lorsque la connexion a échoué ({state}).").format(
        state=_(state_text.STATES[state])
    )


def _refusal(sentence: str, span: tuple[int, int] | None = None, wait: float = 0.0) -> dict[str, Any]:
    return {"ok": True, "accepted": False, "sentence": sentence, "span": span, "wait": wait}


def _cannot_write() -> str:
    return _(
        "Rien n'a été changé : le disque n'accepte pas d'écriture. Libérez de la place ou prévenez la personne qui s'occupe de votre informatique."
    )


def _not_kept() -> str:
    return _(
        "C'est fait, mais le disque n'a pas pu le retenir : au prochain démarrage de l'agent, ce sera à refaire. "
        "Libérez de la place ou prévenez la personne qui s'occupe de votre informatique."
    )
