"""What the dialogs need from the rest of the agent, as ports and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading

    from iea_agent.domain.autostart import Autostart
    from iea_agent.domain.connection_history import Period
    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.documents import StatusDocument
    from iea_agent.domain.person_requests import Abilities
    from iea_agent.domain.refusals import Refusal
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Effective, SettingFault, Settings
    from iea_agent.domain.support_letter import Letter, Outcome
    from iea_agent.shell.wording.letter_text import LetterFacts


@dataclass(frozen=True, slots=True)
class AutostartChoice:
    """Whether Windows starts the program; *why_fixed* if the person cannot choose."""

    autostart: Autostart
    why_fixed: Refusal | None = None


@dataclass(frozen=True, slots=True)
class DialogContents:
    """What the settings dialog shows; *faults* are of the settings file or the policy."""

    effective: Effective
    faults: tuple[SettingFault, ...] = ()
    assistance: bool = False
    # whether no agent runs
    stopped: bool = False
    # None if the program is not installed: then Windows cannot start it
    autostart: AutostartChoice | None = None
    # the code of the problem that the agent shows, "" for none
    problem: str = ""


class StartPort(Protocol):
    """What every window needs in which a person sees that the agent is stopped."""

    def start_agent(self) -> None:
        """Start the agent and wait until it answers, in a thread.

        Raises ``RefusedError``.
        """


class LetterPort(Protocol):
    """What « Écrire à l'assistance » needs; all methods are called in a thread."""

    def load_facts(self) -> LetterFacts:
        """Return what the program knows for the message, as of now."""

    def write_letter(self, letter: Letter, facts: LetterFacts) -> Outcome:
        """Open *letter* in the person's mail program, with the file attached.

        Raises ``RefusedError``.
        """

    def keep_copy(self, letter: Letter, facts: LetterFacts) -> None:
        """Remember *letter*, which was copied, and show the file to attach.

        Raises ``RefusedError``.
        """

    def show_file(self) -> None:
        """Show the file that would be attached. Raises ``RefusedError``."""


class PapersPort(Protocol):
    """The pages to print, and the recording; all methods are called in a thread."""

    def open_sheet(self) -> str:
        """Show the sheet for the IT person; return why not, "" if it opens.

        Raises ``RefusedError``.
        """

    def open_statement(self) -> str:
        """Show the statement about the last incident; return why not, "" if it opens.

        Raises ``RefusedError``.
        """

    def load_recording(self) -> float | None:
        """Return until when a recording runs (wall clock), None if none does."""

    def start_recording(self) -> float | None:
        """Begin a recording; return until when it lasts. Raises ``RefusedError``."""

    def stop_recording(self) -> None:
        """End the recording. Raises ``RefusedError``."""


class SettingsPort(StartPort, Protocol):
    """What the settings dialog needs from the rest of the agent.

    It calls all but ``load`` and ``explain`` in a thread. A secret that is None stands for the saved one.
    """

    def load(self) -> DialogContents:
        """Return the saved settings; fast, without opening the vault."""

    def key_saved(self) -> bool | None:
        """Return whether the vault holds a licence key; None if there is no vault."""

    def password_proxy(self) -> str | None:
        """Return the proxy whose password is saved, "" for none; None without a vault."""

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None
    ) -> None:
        """Write *changes*, by dotted name, and the secrets, and inform the agent.

        Raises ``RefusedError``.
        """

    def choose_autostart(self, on: bool) -> None:
        """Have Windows start the program from now on, or not. Raises ``RefusedError``."""

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        proxy_password: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *values* and return a report for each.

        Calls *on_progress* from any thread. Stops when *cancelled* is set.
        """

    def repairs(
        self,
        values: Settings,
        proxy_password: str | None,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,
    ) -> tuple[Repair, ...] | None:
        """Return the repairs that work after a failed test of *values* gave *reports*.

        Returns None if *values* work by now. Calls *on_found* for each repair at once.
        """

    def explain(self, name: str) -> str:
        """Show the page *name* (``problem_pages``); return why not, "" if it opens."""

    def open_support(self) -> None:
        """Open the dialog in which assistance mode is left, in a thread.

        Raises ``RefusedError``.
        """

    def reconnect(self) -> None:
        """Have the agent authenticate again unless it shows a failure already.

        Raises ``RefusedError``.
        """


class StatusPort(StartPort, Protocol):
    """What the status window needs from the rest of the agent."""

    @property
    def abilities(self) -> Abilities:
        """What this installation can do beyond its connection."""

    def watch(self, on_status: Callable[[StatusDocument | None], None]) -> Callable[[], None]:
        """Call *on_status* with each status document; return the function that ends this.

        Calls it from any thread, with None when the agent is gone, and goes on with the next agent.
        """

    def explain(self, name: str) -> str:
        """Show the page *name* (``problem_pages``); return why not, "" if it opens."""

    def ask(self, command: str) -> None:
        """Ask the agent, in a thread, for the request named *command*.

        A window opens without an agent, too. Raises ``RefusedError``.
        """

    def load_history(self) -> tuple[Period, ...]:
        """Return the connection of the last 24 hours, in a thread; () if it is not known."""

    def load_phone_code(self) -> str:
        """Return the phone code as of now, in a thread."""

    def reconnect(self) -> StatusDocument:
        """Have the agent authenticate again, in a thread; return its status after that.

        Raises ``RefusedError``.
        """


@dataclass(frozen=True, slots=True)
class Situation:
    """What the support dialog shows, as of now.

    *assistance_since* is in seconds of the wall clock, None outside assistance mode. *why_not* is the
    refusal if that may not be entered. *wait* is in seconds, until a password may be tried again.
    """

    assistance_since: float | None
    may_enter: bool
    why_not: Refusal | None = None
    wait: float = 0.0
    servers_answer: bool = False
    # in seconds of the wall clock, when the policy ends assistance mode; None without a limit
    ends_at: float | None = None
    # for how many days this PC can check passwords; None if it cannot
    register_days: int | None = None


class SupportPort(StartPort, LetterPort, PapersPort, Protocol):
    """What the support dialog needs from the rest of the agent."""

    def load(self) -> Situation | None:
        """Return the present situation, fast; None if the agent does not run."""

    def watch(self, on_change: Callable[[Situation | None], None]) -> Callable[[], None]:
        """Call *on_change* with each new situation; return the function that ends this.

        Calls it from any thread, with None when the agent is gone, and goes on with the next agent.
        """

    def explain(self, name: str) -> str:
        """Show the page *name* (``problem_pages``); return why not, "" if it opens."""

    def ask(self, command: str) -> None:
        """Ask the agent, in a thread, for the request named *command*.

        Raises ``RefusedError``.
        """

    @property
    def can_launch(self) -> bool:
        """Whether this PC has Impact emploi, as far as is known."""

    def launch(self) -> None:
        """Have the agent launch Impact emploi, in a thread. Raises ``RefusedError``."""

    def enter(self, reason: str) -> None:
        """Enter assistance mode for *reason*, one line that may be empty, in a thread.

        Raises ``RefusedError``.
        """

    def leave(self, password: str) -> None:
        """Leave assistance mode with *password*, exactly as typed, in a thread.

        Raises ``RefusedError``, with a ``PasswordRefused`` if the password is not accepted.
        """
