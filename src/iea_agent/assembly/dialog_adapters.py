"""The adapters for the dialogs' ports: what a window needs of its installation."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from iea_agent.domain import person_requests
from iea_agent.domain.refusals import (
    AgentNotRunning,
    RefusedError,
    WindowNotStarted,
    parse_refusal,
)
from iea_agent.shell.dialogs.ports import DialogContents, Situation

from .agent_client import AgentClient
from .agent_start import start_agent
from .autostart_choice import disable, enable, find_choice
from .fault_recording import load_recording, start_recording, stop_recording
from .help_pages import explain
from .last_test import keep_repairs, keep_test
from .local_facts import complete_status
from .own_command import own_command
from .servers import Servers

if TYPE_CHECKING:
    from iea_agent.domain.connection_history import Period
    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.documents import AgentStatusDocument, StatusDocument
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

    from .installation import Installation


class SettingsAdapter:
    """What the settings dialog needs (``dialogs.ports.SettingsPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.explain = partial(explain, installation)
        self._client = AgentClient(installation)
        self.save = self._client.save
        servers = Servers(installation)
        self._examine, self._search_repairs = servers.examine, servers.repairs
        self.key_saved, self.password_proxy = installation.key_saved, installation.password_proxy
        self.start_agent = partial(start_agent, installation)

    def load(self) -> DialogContents:
        """Return the settings in force, the files' faults and if assistance mode is on."""
        loaded = self._installation.storage.load()
        since = self._installation.assistance_since()
        stopped = not self._installation.agent_runs()
        status = None if stopped else self._client.status()
        problem = status["problem"] if status is not None else None
        return DialogContents(
            *(loaded.effective, loaded.all_faults, since is not None, stopped),
            find_choice(self._installation),
            "" if problem is None else problem["code"],
        )

    def choose_autostart(self, on: bool) -> None:
        """Have Windows start the program from now on, or not. Raises ``RefusedError``."""
        (enable if on else disable)(self._installation)

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        proxy_password: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *values*, and remember what that said unless *cancelled*."""
        reports = self._examine(values, licence_key, proxy_password, on_progress, cancelled)
        if not cancelled.is_set():
            keep_test(self._installation.storage, reports)
        return reports

    def repairs(
        self,
        values: Settings,
        proxy_password: str | None,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,
    ) -> tuple[Repair, ...] | None:
        """Return what repairs the test of *values*, and remember it unless *cancelled*."""
        repairs = self._search_repairs(values, proxy_password, reports, on_found, cancelled)
        if not cancelled.is_set():
            keep_repairs(self._installation.storage, reports, repairs, values)
        return repairs

    def open_support(self) -> None:
        """Have the agent open the dialog of assistance mode. Raises ``RefusedError``."""
        self._client.request(person_requests.SUPPORT)

    def reconnect(self) -> None:
        """Have the agent authenticate again unless it shows a failure already.

        Raises ``RefusedError``.
        """
        if self._client.fetch_status()["state"] in ("connecting", "connected"):
            self._client.request(person_requests.RECONNECT)


class StatusAdapter:
    """What the status window needs (``dialogs.ports.StatusPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.explain = partial(explain, installation)
        self._host = installation.host
        self._client = AgentClient(installation)
        self._complete = partial(complete_status, installation)
        self.start_agent = partial(start_agent, installation)
        self.abilities = installation.abilities(installation.storage.load().effective.settings)

    def load_history(self) -> tuple[Period, ...]:
        """Return the connection of the last 24 hours, as the log book tells it."""
        from iea_agent.domain.connection_history import list_periods
        from iea_agent.host.state_files import StorageError

        now = time.time()
        try:
            stays = self._installation.read_log_book(now)
        except StorageError:
            return ()
        return list_periods(stays, now) if stays else ()

    def load_phone_code(self) -> str:
        """Return the phone code as of now."""
        from .support_facts import make_phone_code

        return make_phone_code(self._installation, self._client.status())

    def watch(self, on_status: Callable[[StatusDocument | None], None]) -> Callable[[], None]:
        """Call *on_status* in a thread, with None at the end; return what stops it."""
        return _watch(
            self._client, lambda status: on_status(None if status is None else self._complete(status))
        )

    def reconnect(self) -> StatusDocument:
        """Have the agent authenticate again; return the status. Raises ``RefusedError``."""
        return self._complete(self._client.reconnect())

    def ask(self, command: str) -> None:
        """Have the agent do *command* (``person_requests``). Raises ``RefusedError``.

        Without an agent the window of *command* gets a process that nobody raises.
        """
        request = person_requests.BY_NAME[command]
        try:
            self._client.request(request)
        except RefusedError as error:
            if not isinstance(error.refusal, AgentNotRunning) or not request.window:
                raise
            self._open_apart(request.window)

    def _open_apart(self, window: str) -> None:
        from iea_agent.host import LaunchError

        try:
            child = self._host.start_apart(own_command("window", window), os.environ)
        except LaunchError as error:
            raise RefusedError(WindowNotStarted(type(error.__cause__).__name__)) from error
        self._host.allow_foreground(child.pid)


LOOK_AGAIN_SECONDS = 1.0
"""How soon a window notices that an agent has been started."""


def _watch(
    client: AgentClient, on_status: Callable[[AgentStatusDocument | None], None]
) -> Callable[[], None]:
    stopped = threading.Event()

    def listen() -> None:
        # nothing was said yet: a window that finds no agent is told so once
        has_agent = True
        while not stopped.is_set():
            try:
                for status in client.watch():
                    if stopped.is_set():
                        return
                    has_agent = True
                    on_status(status)
            except RefusedError:
                # no agent, or none any more
                pass
            if has_agent and not stopped.is_set():
                has_agent = False
                on_status(None)
            stopped.wait(LOOK_AGAIN_SECONDS)

    threading.Thread(target=listen, name="watch", daemon=True).start()
    return stopped.set


class SupportAdapter:
    """What the support dialog needs (``dialogs.ports.SupportPort``)."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self.explain = partial(explain, installation)
        self._client = AgentClient(installation)
        self.enter, self.leave = self._client.enter_assistance, self._client.leave_assistance
        self.start_agent = partial(start_agent, installation)
        settings = installation.storage.load().effective.settings
        self._days = settings.assistance_days
        self.can_launch = installation.abilities(settings).program
        # here: the window itself waits for nothing that only a message needs
        from .support_requests import SupportRequests

        requests = SupportRequests(installation)
        self.load_facts, self.write_letter = requests.load_facts, requests.write_letter
        self.keep_copy, self.show_file = requests.keep_copy, requests.show_file
        self.start_recording = partial(start_recording, installation)
        self.stop_recording = partial(stop_recording, installation)
        self.load_recording = partial(load_recording, installation.storage)

    def ask(self, command: str) -> None:
        """Have the agent do *command* (``person_requests``). Raises ``RefusedError``."""
        self._client.request(person_requests.BY_NAME[command])

    def open_sheet(self) -> str:
        """Show the sheet for the IT person; return why not. Raises ``RefusedError``."""
        from .printed_pages import SHEET, open_paper

        return open_paper(self._installation, SHEET)

    def open_statement(self) -> str:
        """Show the statement; return why not, "" if it opens. Raises ``RefusedError``."""
        from .printed_pages import STATEMENT, open_paper

        return open_paper(self._installation, STATEMENT)

    def launch(self) -> None:
        """Have the agent launch Impact emploi. Raises ``RefusedError``."""
        self._client.request(person_requests.LAUNCH)

    def load(self) -> Situation | None:
        """Return the present situation, None if no agent runs."""
        try:
            situation = self._client.fetch_assistance()
        except RefusedError:
            return None
        why_not, since = situation["why_not"], situation["assistance_since"]
        return Situation(
            since,
            situation["may_enter"],
            None if why_not is None else parse_refusal(why_not),
            situation["wait"],
            situation["servers_answer"],
            since + self._days * 86_400 if since is not None and self._days else None,
            situation["register_days"],
        )

    def watch(self, on_change: Callable[[Situation | None], None]) -> Callable[[], None]:
        """Call *on_change* in a thread, with None at the end; return what stops it."""
        return _watch(self._client, lambda status: on_change(None if status is None else self.load()))


def _make_updates(installation: Installation) -> object:
    """Return the adapter of the updates, which the other windows do not load."""
    from .updates_adapter import UpdatesAdapter

    return UpdatesAdapter(installation, partial(explain, installation))


ADAPTERS: Mapping[str, Callable[[Installation], object]] = {
    "settings": SettingsAdapter,
    "status": StatusAdapter,
    "support": SupportAdapter,
    "updates": _make_updates,
}
"""The adapter of each window by its name."""
