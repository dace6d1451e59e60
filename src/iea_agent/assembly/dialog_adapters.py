"""The windows' side of the wiring: each window is a process of its own that gets what it needs of the installation through its port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from iea_agent.domain.settings import DECLARATIONS
from iea_agent.shell.dialogs.ports import (
    AskError,
    DialogContents,
    PasswordAnswer,
    SaveError,
    Situation,
    SupportError,
)

from .agent_client import LEAVE_SECONDS, AgentClient
from .installation import Failure, Installation
from .servers import Servers

if TYPE_CHECKING:
    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

ATTRIBUTES = {name: declaration.attribute for name, declaration in DECLARATIONS.items()} | {
    "licence.key": "licence_key",
    "proxy.password": "proxy_password",
}


class SettingsAdapter:
    """What the settings dialog needs (``dialogs.ports.SettingsPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._client = AgentClient(installation)
        self._servers = Servers(installation)

    def load(self) -> DialogContents:
        """The settings in force, the faults of a broken file, and whether assistance mode holds."""
        loaded = self._installation.storage.load()
        since = self._installation.assistance_since()
        return DialogContents(loaded.effective, (*loaded.faults, *loaded.policy_faults), since is not None)

    def key_saved(self) -> bool | None:
        """Whether the vault holds a key; None where there is no vault."""
        from iea_agent.host.vault import VaultUnavailable

        try:
            return self._installation.licence_key() is not None
        except VaultUnavailable:
            return None

    def proxy_password_saved(self) -> bool | None:
        """Whether the vault holds the proxy's password; None where there is no vault."""
        return self._installation.proxy_password_saved()

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None
    ) -> None:
        """Keep *changes* and the secrets. Raises ``SaveError`` with a sentence and the field it is about."""
        try:
            self._installation.save(changes, licence_key, proxy_password)
            self._client.reload()
        except Failure as failure:
            raise SaveError(str(failure), ATTRIBUTES.get(failure.name, "")) from failure

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        proxy_password: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *values*, saving nothing."""
        return self._servers.examine(values, licence_key, on_progress, cancelled, proxy_password)

    def repairs(
        self,
        values: Settings,
        proxy_password: str | None,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,
    ) -> tuple[Repair, ...] | None:
        """What mends *reports*, a failed test of *values*; None where *values* work by now."""
        return self._servers.repairs(values, reports, on_found, cancelled, proxy_password)

    def explain(self, code: str) -> None:
        """Show the page on problem *code* in the browser."""
        explain(code)


class StatusAdapter:
    """What the status window needs (``dialogs.ports.StatusPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._client = AgentClient(installation)
        self.abilities = installation.abilities(installation.storage.load().effective.settings)

    def watch(self, on_status: Callable[[dict[str, Any] | None], None]) -> Callable[[], None]:
        """Call *on_status*, on a thread of its own, with the status at each change and None once the agent is gone; the answer stops it."""
        stopped = threading.Event()

        def listen() -> None:
            try:
                for status in self._client.watch():
                    if stopped.is_set():
                        return
                    on_status(status)
            except Failure:
                pass  # gone, or never there: the same to whoever watches
            if not stopped.is_set():
                on_status(None)

        threading.Thread(target=listen, name="watch", daemon=True).start()
        return stopped.set

    def explain(self, code: str) -> None:
        """Show the page on problem *code* in the browser."""
        explain(code)

    def ask(self, command: str) -> None:
        """Have the agent do *command* (« reconnect », « settings », « launch »…). Raises ``AskError`` with a sentence."""
        try:
            self._client.ask({"do": "ask", "event": command})
        except Failure as failure:
            raise AskError(str(failure)) from failure


def explain(code: str) -> None:
    """Show the page on problem *code* in the browser; does nothing where there is no page."""
    import webbrowser

    from iea_agent.shell.wording.problem_pages import find_page

    if (page := find_page(code)) is not None:
        webbrowser.open(page.as_uri())


class SupportAdapter:
    """What the support dialog needs (``dialogs.ports.SupportPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._client = AgentClient(installation)

    def load(self) -> Situation | None:
        """Whether assistance mode holds or may be entered; None where no agent runs."""
        try:
            found = self._client.ask({"do": "assistance"})["assistance"]
        except Failure:
            return None
        names = ("assistance_since", "may_enter", "why_not", "wait", "servers_answer")
        return Situation(**{name: found[name] for name in names})

    def watch(self, on_change: Callable[[Situation | None], None]) -> Callable[[], None]:
        """Call *on_change* at each change of the agent's status, and with None once it is gone; the answer stops it."""
        return StatusAdapter(self._installation).watch(
            lambda status: on_change(None if status is None else self.load())
        )

    def enter(self, reason: str) -> None:
        """Enter assistance mode. Raises ``SupportError``."""
        self._ask({"do": "enter-assistance", "reason": reason})

    def leave(self, password: str) -> PasswordAnswer:
        """Try the password of the day. Raises ``SupportError``."""
        answer = self._ask({"do": "leave-assistance", "password": password})
        if answer["accepted"]:
            return PasswordAnswer(True)
        span = answer["span"]
        return PasswordAnswer(
            False, answer["sentence"], None if span is None else (span[0], span[1]), answer["wait"]
        )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._client.ask(request, LEAVE_SECONDS)
        except Failure as failure:
            raise SupportError(str(failure)) from failure


ADAPTERS: Mapping[str, Callable[[Installation], object]] = {
    "settings": SettingsAdapter,
    "status": StatusAdapter,
    "support": SupportAdapter,
}
"""The adapter of each window by its name."""
