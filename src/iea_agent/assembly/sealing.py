"""Sealed state: files whose latest content the vault knows, so that old ones show.

The vault may be slow or silent, so it is asked in threads, one at a time. Without it the state
works all the same, and is not protected.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from iea_agent.domain import password_tries
from iea_agent.domain.assistance_record import AssistanceRecord, combine_records, parse_assistance
from iea_agent.domain.password_register import parse_generation
from iea_agent.domain.password_tries import Tries
from iea_agent.domain.repetitions import Repetitions
from iea_agent.domain.state_seal import (
    COUNT,
    KEY_BYTES,
    SEAL,
    SealEntry,
    Verdict,
    add_seal,
    drop_seal,
    judge,
    parse_entry,
)
from iea_agent.host.journal import Journal
from iea_agent.host.state_files import StorageError

from .assistance_memory import STATE as ASSISTANCE
from .assistance_memory import restore_since

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment
    from iea_agent.domain.state_seal import Document
    from iea_agent.host.vault import Vault

    from .installation import Installation

log = logging.getLogger("iea_agent.assistance")

_T = TypeVar("_T")

ACCOUNT = "state-seal"
"""The account of the entry in the vault, and the name of its lock."""
TRIES = "attempts"
GENERATION = "register-generation"
VAULT_SECONDS = 2.0
"""The longest wait for the vault before the state is used without it."""
SAME_NOTICE_SECONDS = 60.0
"""The least time between two journal lines about one state file."""


@dataclass(frozen=True)
class SealedState(Generic[_T]):
    """One kind of state.

    *combine* returns what counts if the file was changed without the agent: of the vault's value and of
    the file's. *distrust* returns what counts if the seal cannot be judged any more. *own_counts* says
    whether a change that this process made while there was no vault counts as it is.
    """

    name: str
    parse: Callable[[Document], _T]
    to_document: Callable[[_T], Document]
    combine: Callable[[_T, _T], _T]
    distrust: Callable[[_T | None], _T | None] = lambda value: value
    own_counts: bool = True


@dataclass(frozen=True, slots=True)
class VaultAnswer:
    """What the vault answered: its *entry*, or why there is none."""

    entry: SealEntry | None = None
    is_damaged: bool = False
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Judged(Generic[_T]):
    """The *value* of a state that counts, and what is wrong with its file."""

    value: _T | None
    verdict: Verdict = Verdict.SOUND


class Sealing:
    """The sealed states of one installation: tries, generation, assistance mode.

    Called on one thread, except ``wait``. *on_ready* is called when the vault has told something new.
    """

    def __init__(self, installation: Installation, clock: Callable[[], Moment]) -> None:
        self._installation = installation
        self._storage = installation.storage
        self._clock = clock
        self.on_ready: Callable[[], None] = lambda: None
        self.tries = SealedState(
            TRIES,
            password_tries.parse_tries,
            Tries.to_document,
            self._combine_tries,
            self._distrust_tries,
            own_counts=False,
        )
        self.generation = SealedState(
            GENERATION,
            parse_generation,
            lambda generation: {"generation": generation},
            # a file that was changed may hold a generation that no register will ever have
            lambda copy, _file: copy,
        )
        self.record = SealedState(ASSISTANCE, parse_assistance, AssistanceRecord.to_document, combine_records)
        self._states: tuple[SealedState[Any], ...] = (self.tries, self.generation, self.record)
        self._find_vault: Callable[[], Vault] | None = None
        self._post: Callable[[Callable[[], None]], None] | None = None
        self._entry: SealEntry | None = None
        # the names of the files that this process has written without a seal
        self._own: set[str] = set()
        self._repetitions = Repetitions(SAME_NOTICE_SECONDS)
        self._answers: SimpleQueue[VaultAnswer] = SimpleQueue()
        self._refusal = ""
        self._is_settled = True
        self._may_create = False
        self._is_asking = False
        self._asks_again = False
        self._idle = threading.Event()
        self._idle.set()

    # the vault

    def open(self, find_vault: Callable[[], Vault]) -> None:
        """Begin to compare the files with what the vault holds, in a thread."""
        self._find_vault = find_vault
        self._is_settled = False
        self._ask()

    def attach(self, post: Callable[[Callable[[], None]], None]) -> None:
        """Have answers of the vault taken by what *post* calls, on the one thread."""
        self._post = post
        post(self._take_answers)

    def settle(self) -> None:
        """Wait for the first answer of the vault, ``VAULT_SECONDS`` at most, once."""
        if self._is_settled:
            return
        self._is_settled = True
        try:
            self._take(self._answers.get(timeout=VAULT_SECONDS))
        except Empty:
            self._note_refusal("the vault does not answer")

    def restore_mode(self) -> float | None:
        """Return when assistance mode began, None if it is off, and mend its record.

        If the mode is on, the vault is asked first: a file with an earlier time would end it too soon.
        """
        since = restore_since(self._storage, self._installation.journal_file, self._clock().wall)
        if since is None:
            return None
        self.settle()
        with suppress(StorageError):
            record = self.read_latest(self.record)
            return since if record is None else record.since
        return since

    def wait(self) -> None:
        """Wait until the vault has what was written, ``VAULT_SECONDS`` at most."""
        self._idle.wait(VAULT_SECONDS)

    def _ask(self) -> None:
        """Give the vault what it lacks, and take what it has, in a thread."""
        if self._find_vault is None:
            return
        if self._is_asking:
            self._asks_again = True
            return
        self._is_asking = True
        self._idle.clear()
        proposal = self._entry
        if proposal is None and self._may_create:
            proposal = SealEntry(os.urandom(KEY_BYTES))
        threading.Thread(
            target=self._exchange, args=(self._find_vault, proposal), name="seal", daemon=True
        ).start()

    def _exchange(self, find_vault: Callable[[], Vault], proposal: SealEntry | None) -> None:
        # here: starting needs neither the vault nor what it loads
        from iea_agent.host.vault import VaultUnavailable

        try:
            answer = self._ask_vault(find_vault(), proposal)
        except (VaultUnavailable, StorageError, ValueError) as error:
            answer = VaultAnswer(refusal=f"{type(error).__name__} ({type(error.__cause__).__name__})")
        except Exception as error:
            log.exception("vault not asked")
            answer = VaultAnswer(refusal=type(error).__name__)
        self._answers.put(answer)
        if self._post is not None:
            self._post(self._take_answers)

    def _ask_vault(self, vault: Vault, proposal: SealEntry | None) -> VaultAnswer:
        """Merge *proposal* into the entry of the vault; None changes nothing."""
        # the agents of all sessions write it
        with self._storage.exclusive_state(ACCOUNT):
            text = vault.read_secret(ACCOUNT)
            present, is_damaged = None, False
            if text is not None:
                try:
                    present = parse_entry(text)
                except ValueError:
                    is_damaged = True
            if proposal is None:
                return VaultAnswer(present, is_damaged)
            new = proposal if present is None else present.merge(proposal.copies)
            if new != present:
                vault.write_secret(ACCOUNT, new.to_text())
            return VaultAnswer(new)

    def _take_answers(self) -> None:
        with suppress(Empty):
            while True:
                self._take(self._answers.get_nowait())

    def _take(self, answer: VaultAnswer) -> None:
        self._is_settled = True
        self._is_asking = False
        is_new = False
        if answer.refusal:
            self._note_refusal(answer.refusal)
        elif answer.entry is not None:
            is_new = self._entry is None
            copies = {} if self._entry is None else self._entry.copies
            self._entry = answer.entry.merge(copies)
            self._may_create = True
        elif not self._may_create:
            self._may_create = True
            self._begin_anew(answer.is_damaged)
        if is_new:
            self._seal(self.tries)
            # written in any case: else one that somebody else writes would be the first
            self._seal(self.generation, 1)
            self._seal(self.record)
            self.on_ready()
        if self._asks_again and not self._is_asking:
            self._asks_again = False
            self._ask()
        if not self._is_asking:
            self._idle.set()

    def _note_refusal(self, refusal: str) -> None:
        if refusal != self._refusal:
            self._refusal = refusal
            log.warning("state not sealed", extra={"fields": {"reason": refusal}})

    def _begin_anew(self, is_damaged: bool) -> None:
        """Have the vault get a new key if there is a state to seal.

        A file that has a seal is another PC's, or the entry was lost: then nothing is sure any more.
        """
        documents = [self._read_document(state.name, dict) for state in self._states]
        if is_damaged or any(document is not None and SEAL in document for document in documents):
            for state in self._states:
                self._distrust(state, is_damaged)
        if is_damaged or any(document is not None for document in documents):
            self._ask()

    def _distrust(self, state: SealedState[_T], is_damaged: bool) -> None:
        def change(value: _T | None) -> _T | None:
            return None if value is None and not is_damaged else state.distrust(value)

        self._note(state.name, Verdict.LOST)
        try:
            self.change(state, change)
        except StorageError:
            log.exception("state not written")

    def _seal(self, state: SealedState[_T], first: _T | None = None) -> None:
        """Write the file of *state* anew if it has no seal, or is not what counts.

        If there is none, *first* is written, unless it is None.
        """
        try:
            document = self._read_document(state.name, state.parse) or {}
            if self._judge(state).verdict is not Verdict.SOUND or SEAL not in document:
                self.change(state, lambda value: first if value is None else value)
        except StorageError:
            log.exception("state not written")

    # the files

    def read_latest(self, state: SealedState[_T]) -> _T | None:
        """Return the value that counts, None if there is none. Raises ``StorageError``.

        A file that says another is written anew.
        """
        judged = self._judge(state)
        if judged.verdict is not Verdict.SOUND:
            try:
                self.change(state, lambda value: value)
            except StorageError:
                log.exception("state not written")
        return judged.value

    def change(self, state: SealedState[_T], change: Callable[[_T | None], _T | None]) -> None:
        """Replace the value by what *change* makes of it; None leaves the file.

        Nobody else writes the file meanwhile. Raises ``StorageError``; what *change* raises passes.
        """
        with self._storage.exclusive_state(state.name):
            judged = self._judge(state)
            if judged.verdict is not Verdict.SOUND:
                self._note(state.name, judged.verdict)
            new = change(judged.value)
            if new is not None:
                self._write(state.name, state.to_document(new))

    def _judge(self, state: SealedState[_T]) -> Judged[_T]:
        """Return the value that counts, and what is wrong with the file."""
        document = self._read_document(state.name, state.parse)
        value = None if document is None else state.parse(document)
        if self._entry is None:
            return Judged(value)
        verdict = judge(self._entry, state.name, document)
        if verdict is Verdict.SOUND:
            if document is not None and SEAL in document:
                self._entry = self._entry.merge({state.name: drop_seal(document)})
            return Judged(value)
        copy = self._parse_copy(state)
        if copy is None:
            return Judged(value)
        if value is None or verdict is Verdict.OLD:
            return Judged(copy, verdict)
        if state.name in self._own:
            return Judged(value if state.own_counts else state.combine(copy, value))
        return Judged(state.combine(copy, value), verdict)

    def _parse_copy(self, state: SealedState[_T]) -> _T | None:
        """Return the value in the vault, None without a possible one."""
        copy = None if self._entry is None else self._entry.copies.get(state.name)
        try:
            return None if copy is None else state.parse(copy)
        except ValueError:
            return None

    def _read_document(self, name: str, parse: Callable[[Document], object]) -> Document | None:
        """Return the document in the file *name* if *parse* takes it."""

        def check(document: Document) -> Document:
            parse(document)
            return document

        return self._storage.read_state(name, check)

    def _write(self, name: str, document: Document) -> None:
        """Write the file *name*, sealed if there is a key, and have the vault know."""
        if self._entry is None:
            self._storage.write_state(name, document)
            self._own.add(name)
        else:
            plain = {**document, COUNT: self._entry.read_count(name) + 1}
            self._storage.write_state(name, add_seal(self._entry.key, name, plain))
            self._entry = self._entry.merge({name: plain})
            self._own.discard(name)
        self._ask()

    def _note(self, name: str, verdict: Verdict) -> None:
        """Write to the log and the journal what is wrong with the file *name*."""
        now = self._clock()
        if self._repetitions.take(name, now.steady) is None:
            return
        fields = {"state": name, "reason": verdict.value}
        log.warning("state not the latest", extra={"fields": fields})
        try:
            at = datetime.fromtimestamp(now.wall, UTC)
            Journal(self._installation.journal_file).append("seal-broken", at, fields)
        except StorageError:
            log.exception("journal not written")

    def _combine_tries(self, copy: Tries, file: Tries) -> Tries:
        return password_tries.combine_tries(password_tries.advance_clock(copy, self._clock()), file)

    def _distrust_tries(self, tries: Tries | None) -> Tries:
        return password_tries.combine_tries(
            password_tries.create_distrusted(self._clock()), Tries() if tries is None else tries
        )
