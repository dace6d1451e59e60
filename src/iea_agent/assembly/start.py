"""The start of the resident agent: the icon first, then the rest.

Imports nothing that the icon does not need before the icon is shown.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing, suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING

from iea_agent.host import InstanceLock, current_host
from iea_agent.locale import _

from .instance import claim_session, find_lock_folder

if TYPE_CHECKING:
    from iea_agent.domain.machine import Moment
    from iea_agent.domain.refusals import Refusal
    from iea_agent.loop import Inbox
    from iea_agent.shell.tray import Tray


ICONS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shell", "icons")
STOP_SECONDS = 2.0
"""How long quitting may take before the process ends regardless."""
FIRST_SECONDS = 10.0
"""How long a second start waits for the first, which may be starting or ending."""


def now() -> Moment:
    """Return the present moment."""
    from iea_agent.domain.machine import Moment

    return Moment(time.time(), time.monotonic())


def run(environment: Mapping[str, str], *, tray: bool, quiet: bool = False) -> int:
    """Run the agent, or have the running one show its status; return the exit code.

    The first agent may not listen yet, or may be ending: both are waited for. Where nobody answers, another
    program may hold the lock, or an agent that hangs: this one runs all the same, beside it. If *quiet*, no
    window opens: no person has started this agent, or one looks at another window.
    """
    deadline = time.monotonic() + FIRST_SECONDS
    while (claim := _claim(environment)) is None:
        refusal = _ask_the_first(environment, quiet=quiet)
        if refusal is None:
            return 0
        if _is_answer(refusal):
            from iea_agent.shell.wording.refusal_text import word_refusal

            print(word_refusal(refusal), file=sys.stderr)
            return refusal.exit_code
        if time.monotonic() >= deadline:
            break
        time.sleep(0.1)
    with closing(claim or ExitStack()):
        start = _run_with_tray if tray else _run_without_tray
        return start(environment, beside=claim is None, quiet=quiet)


def _is_answer(refusal: Refusal) -> bool:
    """Return whether *refusal* comes from an agent, which then runs."""
    from iea_agent.domain import refusals

    silence = (refusals.AgentNotRunning, refusals.AgentTimedOut, refusals.AgentUnreachable)
    return not isinstance(refusal, silence)


def _ask_the_first(environment: Mapping[str, str], *, quiet: bool) -> Refusal | None:
    """Have the agent that runs show its status window; return why it did not.

    If *quiet*, only ask whether it answers.
    """
    from iea_agent.domain import person_requests
    from iea_agent.domain.refusals import RefusedError

    from .agent_client import AgentClient
    from .installation import Installation

    client = AgentClient(Installation.locate(environment))
    try:
        if quiet:
            client.fetch_status()
        else:
            client.request(person_requests.STATUS)
    except RefusedError as error:
        return error.refusal
    return None


def _claim(environment: Mapping[str, str]) -> InstanceLock | None:
    """Return the right to be the only agent in this session, None if another has it."""
    return claim_session(find_lock_folder(environment), current_host().session_id())


def _run_without_tray(environment: Mapping[str, str], *, beside: bool, quiet: bool) -> int:
    import signal

    from iea_agent.domain.machine import QuitRequested

    from .agent import Agent
    from .installation import Installation
    from .servers import Servers

    agent = Agent(Servers(Installation.locate(environment)), now, beside=beside, quiet=quiet)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.loop.post(QuitRequested()))
    agent.run(None)
    return 0


class Resident:
    """The agent behind an icon; clicks wait in the inbox until it is there."""

    def __init__(self, environment: Mapping[str, str], *, beside: bool, quiet: bool) -> None:
        self._environment = environment
        self._options = {"beside": beside, "quiet": quiet}
        self._inbox: Inbox = SimpleQueue()
        self.post = self._inbox.put
        self.ended = threading.Event()
        self.failed = False
        self.starts_again = False

    def serve(self, tray: Tray) -> None:
        """Run the agent, and stop *tray* when it ends."""
        agent = None
        try:
            from iea_agent.domain import machine
            from iea_agent.shell.wording.menu import render_view

            # the icon's menu first: making the agent takes longer
            start = now()
            tray.draw(render_view(machine.begin(start), start.wall))
            from iea_agent.shell.wording.balloon_text import build_crash_balloon

            from .agent import Agent
            from .crash_watch import CrashWatch
            from .installation import Installation
            from .servers import Servers

            installation = Installation.locate(self._environment)
            agent = Agent(Servers(installation), now, self._inbox, **self._options)
            with closing(CrashWatch(installation, time.time)) as watch:
                if watch.begin():
                    balloon = build_crash_balloon()
                    tray.notify(balloon.title, balloon.body)
                agent.run(tray)
        except Exception:  # noqa: BLE001 whatever it is, it is logged and recorded
            self.failed = True
            self.starts_again = self._take_crash(is_logged=agent is not None)
        finally:
            self.ended.set()
            tray.stop()

    def _take_crash(self, *, is_logged: bool) -> bool:
        """Log the exception that has ended the agent; return whether to start it again."""
        try:
            import logging

            from iea_agent.host import logs

            from .crash_watch import CrashWatch
            from .installation import Installation

            installation = Installation.locate(self._environment)
            if not is_logged:
                name, lock = installation.claim_log()
                with closing(lock), closing(logs.start_logging(installation.folders.logs, name)):
                    logging.getLogger(__name__).exception("the agent crashed")
            return CrashWatch(installation, time.time).take_crash()
        except Exception:  # noqa: BLE001 what is broken may be anything: then a person starts it again
            return False

    def wakes(self) -> None:
        """Post that the computer has slept."""
        from iea_agent.domain.machine import Woke

        self.post(Woke())

    def unlocks(self) -> None:
        """Post that a person is back: a look, which spares a server that asks to wait."""
        from iea_agent.domain.machine import LookDue

        self.post(LookDue())

    def menu_opens(self) -> None:
        """Post that the menu opens: a person may ask for a window next."""
        from iea_agent.domain.machine import MenuOpened

        self.post(MenuOpened())

    def quit(self) -> None:
        """Have the agent quit, and wait up to ``STOP_SECONDS``."""
        from iea_agent.domain.machine import QuitRequested

        self.post(QuitRequested())
        self.ended.wait(STOP_SECONDS)


def _run_with_tray(environment: Mapping[str, str], *, beside: bool, quiet: bool) -> int:
    from iea_agent.shell.tray import Notices, Tray, TrayUnavailable
    from iea_agent.shell.wording.view import Picture, View

    resident = Resident(environment, beside=beside, quiet=quiet)
    try:
        tray = Tray(
            ICONS,
            View(Picture.PALE_BALL, f"Impact emploi – {_('Connexion en cours')}"),
            resident.post,
            # nothing is sure to run after the end of the session, so the agent ends first
            Notices(
                session_ending=resident.quit,
                resumed=resident.wakes,
                unlocked=resident.unlocks,
                menu_opened=resident.menu_opens,
            ),
        )
    except TrayUnavailable:
        print(
            _(
                "Il n'y a pas de zone de notification ici : démarrez le programme de connexion avec « run --no-tray »."
            ),
            file=sys.stderr,
        )
        return 1
    tray.run(lambda: threading.Thread(target=resident.serve, args=(tray,), name="loop", daemon=True).start())
    resident.quit()
    if resident.starts_again:
        from .crash_watch import start_again

        with suppress(OSError):
            start_again()
    # a thread that still waits for the network must not keep the process alive
    os._exit(1 if resident.failed else 0)
