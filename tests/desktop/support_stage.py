"""Play the support dialog with a port of its own.

``support_stage.py LOG --source FILE [--answers JSON]`` plays the situations of a file, the
next one each time that the file changes. It writes what the dialog asks for to LOG, one
JSON line each.

``--answers`` holds the refusal of each password, null if it is accepted. The password
« lent » is never answered, « panne » fails, and so does entering for the reason « refus ».
"""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

# as a program it finds only the agent's source: the Windows Python looks nowhere else
sys.path.insert(0, str(Path(__file__).parents[2]))

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.refusals import AgentTimedOut, NoIncident, NoMailProgram, RefusedError, parse_refusal
from iea_agent.domain.settings import DEFAULTS
from iea_agent.domain.support_letter import Letter, Outcome
from iea_agent.domain.support_memory import WrittenMessage
from iea_agent.shell.dialogs import support_dialog
from iea_agent.shell.dialogs.ports import Situation
from iea_agent.shell.wording.letter_text import LetterFacts
from tests.desktop.dialog_stage import Log, listen
from tests.status_documents import make_status


class SupportOnStage:
    """The support port."""

    def __init__(self, log: Log, options: argparse.Namespace) -> None:
        self._log = log
        self._options = options
        self._letters = 0
        self._source: Path = options.source
        self._answers = json.loads(options.answers)
        self._before = ""

    def load(self) -> Situation | None:
        self._before = self._source.read_text(encoding="utf-8")
        return self._situation()

    def _situation(self) -> Situation | None:
        situation = json.loads(self._before)
        if situation is None:
            return None
        if "why_not" in situation:
            situation["why_not"] = parse_refusal(situation["why_not"])
        return Situation(**situation)

    def watch(self, on_change: Callable[[Situation | None], None]) -> Callable[[], None]:
        ended = threading.Event()

        def play() -> None:
            while not ended.is_set():
                now = self._source.read_text(encoding="utf-8")
                if now and now != self._before:
                    self._before = now
                    on_change(self._situation())
                ended.wait(0.05)

        threading.Thread(target=play, daemon=True).start()

        def end() -> None:
            self._log.write(unwatched=True)
            ended.set()

        return end

    def explain(self, name: str) -> str:
        self._log.write(explained=name)
        return ""

    @property
    def can_launch(self) -> bool:
        return bool(self._options.program)

    def start_agent(self) -> None:
        self._log.write(started=True)

    def load_facts(self) -> LetterFacts:
        earlier = (
            WrittenMessage(time.time() - 3600, "IEA-T05", "", "", is_sent=True)
            if self._options.earlier
            else None
        )
        status = None
        if self._options.problem:
            failure = Failure(Stage.ANSWER, problems.CATALOGUE[self._options.problem])
            status = make_status(Snapshot(State.DISCONNECTED, 1.7e9, failure, failed_at=1.7e9), DEFAULTS)
            status["incident"] = self._options.incident
        elif (json.loads(self._before) or {}).get("assistance_since") is not None:
            status = make_status(Snapshot(State.ASSISTANCE, 1.7e9), DEFAULTS)
        return LetterFacts(
            version="3.00.72",
            status=status,
            phone_code="40G6-C5F0-4YXK",
            contact="Zoé",
            earlier=earlier,
            repair=self._options.repair,
            problem=self._options.problem,
        )

    def write_letter(self, letter: Letter, facts: LetterFacts) -> Outcome:
        """Fail at the first message."""
        self._log.write(written=letter.mailto, contact=facts.contact, complaint=facts.complaint)
        self._letters += 1
        if self._letters == 1:
            raise RefusedError(NoMailProgram())
        return Outcome.DRAFT

    def keep_copy(self, letter: Letter, facts: LetterFacts) -> None:
        self._log.write(copied=letter.subject, contact=facts.contact)

    def show_file(self) -> None:
        self._log.write(file=True)

    def ask(self, command: str) -> None:
        self._log.write(asked=command)

    def open_sheet(self) -> str:
        self._log.write(paper="sheet")
        return ""

    def open_statement(self) -> str:
        self._log.write(paper="statement")
        raise RefusedError(NoIncident())

    def load_recording(self) -> float | None:
        return None

    def start_recording(self) -> float | None:
        self._log.write(recording=True)
        return time.time() + 130

    def stop_recording(self) -> None:
        self._log.write(recording=False)

    def launch(self) -> None:
        self._log.write(launched=True)

    def enter(self, reason: str) -> None:
        self._log.write(entered=reason, ui_thread=threading.current_thread() is threading.main_thread())
        if reason == "refus":
            raise RefusedError(AgentTimedOut())

    def leave(self, password: str) -> None:
        self._log.write(left=password, ui_thread=threading.current_thread() is threading.main_thread())
        if password == "panne":
            raise RefusedError(AgentTimedOut())
        if password == "lent":
            threading.Event().wait()
        if (refusal := self._answers[password]) is not None:
            raise RefusedError(parse_refusal(refusal))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("log", type=Path)
    parser.add_argument("--source", type=Path, required=True, help="the file that holds the situation")
    parser.add_argument("--answers", default="{}", help="JSON: the refusal of each password, or null")
    parser.add_argument("--program", action="store_true", help="this PC has Impact emploi")
    parser.add_argument("--earlier", action="store_true", help="a message was sent an hour ago")
    parser.add_argument("--problem", default="", help="code of the problem that the agent shows")
    parser.add_argument("--incident", default="", help="what the publisher says of it")
    parser.add_argument("--repair", default="", help="what made the last test pass")
    parser.add_argument("--language", default="fr")
    options = parser.parse_args()
    locale.choose(options.language)
    log = Log(options.log)
    threading.Thread(target=listen, args=(log,), daemon=True).start()
    support_dialog.run(SupportOnStage(log, options), lambda: log.write(shown=True), ())
    log.write(closed=True)


if __name__ == "__main__":
    main()
