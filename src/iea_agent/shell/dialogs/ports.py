"""What the dialogs need from the rest of the agent, as ports and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import threading

    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.documents import StatusDocument
    from iea_agent.domain.person_requests import Abilities
    from iea_agent.domain.refusals import Refusal
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Effective, SettingFault, Settings


@dataclass(frozen=True, slots=True)
class DialogContents:
    """What the settings dialog shows when it opens.

    *faults* are those of the settings file and of the policy, *assistance* says if
    assistance mode is on.
    """

    effective: Effective
    faults: tuple[SettingFault, ...] = ()
    assistance: bool = False


class SettingsPort(Protocol):
    """What the settings dialog needs from the rest of the agent.

    A secret that is None stands for the saved one.
    """

    def load(self) -> DialogContents:
        """Return the saved settings.

        Called on the drawing thread before the window is shown, and in a thread after
        each saving: must be fast and not open the vault.
        """

    def key_saved(self) -> bool | None:
        """Return whether the vault holds a licence key; None if there is no vault.

        Called in a thread, may be slow.
        """

    def proxy_password_saved(self) -> bool | None:
        """Return whether the vault holds the proxy's password; None if there is no vault.

        Called in a thread, may be slow.
        """

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None
    ) -> None:
        """Write *changes* and the secrets, and inform the agent.

        *changes* holds the values of the file by dotted name. Called in a thread, may be
        slow. Raises ``RefusedError``.
        """

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        proxy_password: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *values* and return a report for each.

        Called in a thread; calls *on_progress* from any thread. Stops when *cancelled*
        is set; what it then returns is ignored.
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

        Returns None if *values* work by now. Called like ``test``, with *on_found* for
        each repair at once.
        """

    def explain(self, code: str) -> None:
        """Show the page on problem *code*."""


class StatusPort(Protocol):
    """What the status window needs from the rest of the agent."""

    @property
    def abilities(self) -> Abilities:
        """What this installation can do beyond its connection."""

    def watch(self, on_status: Callable[[StatusDocument | None], None]) -> Callable[[], None]:
        """Call *on_status* with each status document; return the function that ends this.

        Calls it from any thread, with None when the agent is gone. The documents are
        those of ``wording/status_text.py``.
        """

    def explain(self, code: str) -> None:
        """Show the page on problem *code*."""

    def ask(self, command: str) -> None:
        """Ask the agent for *command*.

        *command* is the name of a request of ``domain/person_requests.py``. Called in a thread. Raises
        ``RefusedError``.
        """


@dataclass(frozen=True, slots=True)
class Situation:
    """What the support dialog shows, as of now.

    *assistance_since* is in seconds of the wall clock, None outside assistance mode.
    *why_not* is the refusal if assistance mode may not be entered. *wait* is in seconds
    until the password of the day may be tried again: the countdown starts from it.
    *servers_answer* says, in assistance mode, if the servers answer again.
    """

    assistance_since: float | None
    may_enter: bool
    why_not: Refusal | None = None
    wait: float = 0.0
    servers_answer: bool = False


class SupportPort(Protocol):
    """What the support dialog needs from the rest of the agent."""

    def load(self) -> Situation | None:
        """Return the present situation; None if the agent does not run.

        Called on the drawing thread before the window is shown: must be fast.
        """

    def watch(self, on_change: Callable[[Situation | None], None]) -> Callable[[], None]:
        """Call *on_change* with each new situation; return the function that ends this.

        Calls it from any thread, with None when the agent is gone.
        """

    def enter(self, reason: str) -> None:
        """Enter assistance mode for *reason*, one line that may be empty.

        Called in a thread. Raises ``RefusedError``.
        """

    def leave(self, password: str) -> None:
        """Leave assistance mode with *password*, exactly as typed.

        Called in a thread, may take a second. Raises ``RefusedError``, with a
        ``PasswordRefused`` if the password is not accepted.
        """
