"""Messages to support: composed, handed to the mail program, remembered.

They need neither a running agent, nor the network, nor a licence.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain.phone_code import format_phone_code
from iea_agent.domain.refusals import FileNotWritten, NoMailProgram, RefusedError
from iea_agent.domain.settings import DECLARATIONS
from iea_agent.domain.support_letter import Letter, Outcome
from iea_agent.domain.support_memory import (
    SAME_PROBLEM,
    SupportMemory,
    WrittenMessage,
    parse_support_memory,
)
from iea_agent.host import LaunchError
from iea_agent.host.atomic_files import write_atomically
from iea_agent.host.state_files import StorageError
from iea_agent.shell.wording.letter_text import LetterFacts

from .agent_client import AgentClient
from .last_test import load_test, load_test_details
from .support_facts import collect_phone_facts

if TYPE_CHECKING:
    from iea_agent.domain.settings import Settings

    from .installation import Installation

log = logging.getLogger(__name__)

STATE = "support-messages"
FOLDER = "support"
"""Where the file for support and the draft are, in the state folder."""


class SupportRequests:
    """The messages of one installation to support."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._host = installation.host

    def load_facts(self) -> LetterFacts:
        """Return what the program knows for the message, as of now."""
        installation, now = self._installation, time.time()
        values = installation.storage.load().effective.settings
        status = AgentClient(installation).status()
        facts = collect_phone_facts(installation, status, now)
        memory = self._load_memory()
        return LetterFacts(
            values,
            installation.program_version(values),
            status,
            load_test(installation.storage),
            phone_code=format_phone_code(facts),
            contact=memory.contact,
            problem=facts.code,
            earlier=memory.find_earlier(facts.code, now),
            repair=self._find_repair(values, now),
        )

    def _find_repair(self, values: Settings, now: float) -> str:
        """Return what made the last test pass and is not done yet, "" for nothing."""
        test = load_test_details(self._installation.storage)
        if test is None or not 0 <= now - test.at <= SAME_PROBLEM:
            return ""
        present = {name: each.format_typed(values) for name, each in DECLARATIONS.items()}
        useful = (
            repair.effect
            for repair in test.repairs or ()
            if any(present.get(name) != typed for name, typed in repair.changes.items())
        )
        return next(useful, "")

    def make_file(self) -> Path:
        """Write the file to attach; return where it is. Raises ``RefusedError``."""
        from .support_file import SupportFile

        day = time.strftime("%Y-%m-%d")
        file = self._installation.folders.state / FOLDER / f"assistance-{day}.zip"
        try:
            write_atomically(file, SupportFile(self._installation).pack())
        except OSError as error:
            raise RefusedError(FileNotWritten(str(file), type(error).__name__)) from error
        return file

    def write_letter(self, letter: Letter, facts: LetterFacts) -> Outcome:
        """Open *letter* in the mail program with the file. Raises ``RefusedError``."""
        file = self.make_file()
        try:
            is_sent = self._host.write_draft(letter.recipient, letter.subject, letter.body, file)
            outcome = Outcome.SENT if is_sent else Outcome.DRAFT
        except LaunchError as error:
            log.info("no draft with a file", extra={"fields": {"error": str(error.__cause__)}})
            outcome = self._write_alone(letter, file)
        self._remember(letter, facts, is_sent=outcome is Outcome.SENT)
        return outcome

    def _write_alone(self, letter: Letter, file: Path) -> Outcome:
        try:
            self._host.write_mail(letter.mailto)
        except LaunchError as error:
            raise RefusedError(NoMailProgram()) from error
        self._show_file(file)
        return Outcome.DRAFT_ALONE

    def keep_copy(self, letter: Letter, facts: LetterFacts) -> None:
        """Remember a message that is pasted into a page, and show the file for it.

        Raises ``RefusedError``.
        """
        self._show_file(self.make_file())
        self._remember(letter, facts, is_sent=False)

    def show_file(self) -> None:
        """Show the file as it would be attached now. Raises ``RefusedError``."""
        self._show_file(self.make_file())

    def _show_file(self, file: Path) -> None:
        try:
            self._host.show_file(file)
        except LaunchError:
            log.warning("folder not shown")

    def _load_memory(self) -> SupportMemory:
        try:
            memory = self._installation.storage.read_state(STATE, parse_support_memory)
        except StorageError:
            memory = None
        return memory or SupportMemory()

    def _remember(self, letter: Letter, facts: LetterFacts, *, is_sent: bool) -> None:
        message = WrittenMessage(time.time(), facts.problem, letter.subject, letter.body, is_sent)
        memory = self._load_memory().add(facts.contact, message)
        try:
            self._installation.storage.write_state(STATE, memory.to_document())
        except StorageError:
            log.warning("message not remembered")
