"""The start of the resident agent: the icon first. Nothing is imported here that the icon does not need; the rest comes once it is shown."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from queue import SimpleQueue
from typing import TYPE_CHECKING

from iea_agent.host import InstanceLock, current_host
from iea_agent.locale import _

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment
    from iea_agent.loop import Inbox
    from iea_agent.shell.tray import Tray


ICONS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shell", "icons")
STOP_SECONDS = 2.0
"""How long leaving may take before the process ends regardless."""


def now() -> Moment:
    """The present moment."""
    from iea_agent.domain.machine import Moment

    return Moment(time.time(), time.monotonic())


def run(environment: Mapping[str, str], *, tray: bool) -> int:
    """Be the agent of this session until told to quit. A second start shows the first one's status window instead."""
    claim = _claim(environment)
    if claim is None:
        return _show_the_first(environment)
    return _run_with_tray(environment) if tray else _run_without_tray(environment)


def _show_the_first(environment: Mapping[str, str]) -> int:
    """Have the agent that runs already show its status window."""
    from iea_agent.domain import exit_codes, person_requests
    from iea_agent.domain.refusals import RefusedError
    from iea_agent.shell.wording.refusal_text import word_refusal

    from .agent_client import AgentClient
    from .installation import Installation

    try:
        AgentClient(Installation.locate(environment)).request(person_requests.STATUS)
    except RefusedError as error:
        print(word_refusal(error.refusal), file=sys.stderr)
        return error.refusal.exit_code
    return exit_codes.FINE


def _claim(environment: Mapping[str, str]) -> InstanceLock | None:
    """The right to be this installation's only agent in this session."""
    if sys.platform == "win32":
        # a mutex wants a name only; looking up the system's folders would delay the icon by a tenth of a second
        return current_host().acquire_lock("agent", environment.get("IEA_AGENT_HOME") or "IEA Agent")
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        from iea_agent.host.storage import Folders

        return current_host().acquire_lock("agent", Folders.locate(environment).state)


def _run_without_tray(environment: Mapping[str, str]) -> int:
    import signal

    from iea_agent.domain.machine import QuitRequested

    from .agent import Agent
    from .installation import Installation
    from .servers import Servers

    agent = Agent(Servers(Installation.locate(environment)), now)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.loop.post(QuitRequested()))
    agent.run(None)
    return 0


class _Resident:
    """The agent behind an icon: the icon is up before there is an agent, so what is clicked until then waits in the inbox."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._inbox: Inbox = SimpleQueue()
        self.post = self._inbox.put
        self.ended = threading.Event()
        self.failed = False

    def serve(self, tray: Tray) -> None:
        """Be the agent; the tray goes when it ends."""
        try:
            self._offer_menu(tray)
            from .agent import Agent
            from .installation import Installation
            from .servers import Servers

            Agent(Servers(Installation.locate(self._environment)), now, self._inbox).run(tray)
        except Exception:
            import logging

            self.failed = True
            logging.getLogger(__name__).exception("the agent ended")
        finally:
            self.ended.set()
            tray.stop()

    def _offer_menu(self, tray: Tray) -> None:
        """Give the icon its menu before the agent is made, which takes the longer part of the start."""
        from iea_agent.domain import machine
        from iea_agent.shell.wording.menu import render_view

        start = now()
        tray.draw(render_view(machine.begin(start), start.wall))

    def wakes(self) -> None:
        """The computer slept, and no longer does."""
        from iea_agent.domain.machine import Woke

        self.post(Woke())

    def menu_opens(self) -> None:
        """A window may be asked for in a moment."""
        from iea_agent.domain.machine import MenuOpened

        self.post(MenuOpened())

    def quit(self) -> None:
        """Have the agent end, and wait a little until it has."""
        from iea_agent.domain.machine import QuitRequested

        self.post(QuitRequested())
        self.ended.wait(STOP_SECONDS)


def _run_with_tray(environment: Mapping[str, str]) -> int:
    from iea_agent.shell.tray import Notices, Tray
    from iea_agent.shell.wording.view import Picture, View

    resident = _Resident(environment)
    tray = Tray(
        ICONS,
        View(Picture.PALE_BALL, f"Impact emploi – {_('Connexion en cours')}"),
        resident.post,
        # after the end of the session nothing is sure to run, so the agent ends first
        Notices(session_ending=resident.quit, resumed=resident.wakes, menu_opened=resident.menu_opens),
    )
    tray.run(lambda: threading.Thread(target=resident.serve, args=(tray,), name="loop", daemon=True).start())
    resident.quit()
    # a thread that still waits for the network must not keep a process without an icon
    os._exit(1 if resident.failed else 0)
