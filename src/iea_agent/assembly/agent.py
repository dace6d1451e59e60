"""The resident agent: one loop, the work it asks for, and the channel to it."""

from __future__ import annotations

import logging
import os
import queue
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure, Stage, malformed_address
from iea_agent.domain.machine import Effect, Event, Moment, Snapshot, State
from iea_agent.domain.person_requests import BY_NAME, WINDOWS, Abilities
from iea_agent.loop import Announcement, Attempt, Inbox, Loop
from iea_agent.shell.wording import balloon_text, menu

from .agent_client import channel_address, make_channel_key
from .assistance import Assistance
from .servers import Servers
from .window_opener import WindowOpener

if TYPE_CHECKING:
    from iea_agent.channel import ChannelServer, Document
    from iea_agent.domain.settings import Settings
    from iea_agent.host.logs import Log
    from iea_agent.host.storage import LoadedSettings, Signature
    from iea_agent.services.authentication import Discovery, Licence
    from iea_agent.services.https import Client
    from iea_agent.services.network import Route
    from iea_agent.shell.tray import Tray

log = logging.getLogger("iea_agent.agent")


SETTLE_SECONDS = 5.0
"""How long a client waits for the loop to do what it asked for."""


@dataclass
class Connection:
    """The way to the authentication server under one set of settings; thrown away whole when they or the network change."""

    settings: Settings
    licence: Licence | None = None
    client: Client | None = None
    known: Discovery | None = None
    ready: threading.Lock = field(default_factory=threading.Lock)

    def drop_client(self) -> None:
        """Let go of the client, on a thread of its own: closing may take as long as the network likes."""
        client, self.client = self.client, None
        if client is not None:
            threading.Thread(target=client.close, name="close", daemon=True).start()


class Agent:
    """Does what the loop asks (``loop.Work``) and answers the channel. Everything that waits runs on a thread of its own."""

    def __init__(self, servers: Servers, clock: Callable[[], Moment], inbox: Inbox | None = None) -> None:
        self._servers = servers
        self._installation = installation = servers.installation
        self._windows = WindowOpener(installation.host)
        self._tray: Tray | None = None
        self._channel: ChannelServer | None = None
        self._log: Log | None = None
        self._loaded: LoadedSettings = installation.storage.load()
        self._policy: Signature | None = installation.storage.policy_signature()
        self._connection = Connection(self._settings)
        self._observers: list[queue.SimpleQueue[Snapshot]] = []
        self._assistance = Assistance(installation, clock, self._settle)
        self.loop = Loop(
            self, clock, random.random, machine.begin(clock(), installation.assistance_since()), inbox
        )

    @property
    def _settings(self) -> Settings:
        return self._loaded.effective.settings

    @property
    def abilities(self) -> Abilities:
        """What this installation can do beyond its connection."""
        return self._installation.abilities(self._settings)

    # the process

    def run(self, tray: Tray | None) -> None:
        """Serve until told to quit. Called on a thread of its own where there is a tray."""
        from iea_agent.channel import ChannelServer
        from iea_agent.host import logs

        self._tray = tray
        self._log = logs.start_logging(self._installation.folders.logs)
        log.info("started", extra={"fields": {"version": __version__, "pid": os.getpid()}})
        self._report_faults()
        self._assistance.warn_of_expiry()
        self._channel = ChannelServer(
            channel_address(self._installation), make_channel_key(self._installation), self.answer
        )
        stop_watching = self._installation.host.watch_network(
            lambda: self.loop.post(machine.AddressesChanged())
        )
        self.publish(self.loop.snapshot)
        self.loop.post(machine.Started())
        try:
            self.loop.run()
        finally:
            stop_watching()
            self._windows.close()
            log.info("ended")

    def _report_faults(self) -> None:
        for fault in (*self._loaded.faults, *self._loaded.policy_faults):
            log.warning("setting refused", extra={"fields": {"name": fault.name, "line": fault.line}})
        if self._loaded.faults or self._loaded.policy_faults:
            self._balloon(balloon_text.build_problem_balloon(problems.SETTINGS_UNREADABLE))

    # loop.Work

    def authenticate(self, run: int) -> None:
        """Begin attempt *run* on a thread of its own."""
        threading.Thread(
            target=self._attempt, args=(run, self._connection), name=f"attempt-{run}", daemon=True
        ).start()

    def _attempt(self, run: int, connection: Connection) -> None:
        try:
            failure = self._try(connection)
        except Exception as error:
            log.exception("attempt failed unexpectedly")
            failure = Failure(Stage.ADDRESS, problems.INTERNAL_ERROR, type(error).__name__)
        self.loop.post(Attempt(run, failure))

    def _try(self, connection: Connection) -> Failure | None:
        from iea_agent.domain import addresses
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services.authentication import authenticate
        from iea_agent.services.https import HttpsError

        chosen = connection.settings
        with connection.ready:  # two attempts at once would read the vault twice and open two connections
            if connection.licence is None:
                try:
                    connection.licence = self._installation.licence(chosen)
                except VaultUnavailable as error:
                    return Failure(Stage.LICENCE, problems.VAULT_UNAVAILABLE, type(error.__cause__).__name__)
            if connection.licence is None:
                return Failure(Stage.LICENCE, problems.NOT_CONFIGURED)
            if self._log is not None:
                self._log.hide(connection.licence.key)
            try:
                address = addresses.parse(chosen.authentication)
            except addresses.AddressError as error:
                return malformed_address(error.kind)
            try:
                if connection.client is None:
                    connection.client = self._servers.connect(chosen)(address)
                    self._note(connection.client.route)
                found = authenticate(
                    connection.client, address, connection.licence, discovery=connection.known
                )
            except HttpsError as error:
                connection.known = None
                # the next attempt starts from nothing: what failed may be the way itself, and the system's proxy another one by then
                connection.drop_client()
                return self._servers.issuers.record_refused(chosen.authentication, error.failure, time.time())
            connection.known = found.discovery
            self._servers.issuers.record_accepted(chosen.authentication, connection.client.certificate)
            self._assistance.servers_answered()
            return None

    def _note(self, route: Route) -> None:
        """Log which way was chosen and by whom; the proxy's password will not be in there."""
        if self._log is not None and route.credentials is not None:
            self._log.hide(route.credentials.password)
        fields = {"route": str(route), "source": route.source.value, "detail": route.detail}
        log.info("route", extra={"fields": {name: value for name, value in fields.items() if value}})

    def renew_connection(self) -> None:
        """Read the settings again, ask the system anew for its proxy and start from there.

        The old connection's attempt, if any, ends by itself and is not heard.
        """
        self._servers.proxies.forget_answers()
        old, self._connection = self._connection, Connection(self._settings)
        old.drop_client()

    def assistance_limit(self) -> float | None:
        """The policy's longest time for assistance mode, in seconds."""
        days = self._settings.assistance_days
        return days * 86_400.0 if days else None

    def keep_assistance(self, since: float | None) -> None:
        """Write it to disk before anything else happens: assistance mode survives whatever ends the process."""
        self._installation.keep_assistance(since)

    def prepare_window(self) -> None:
        """Start the process of the next window while the person reads the menu."""
        self._windows.prepare()

    def open(self, effect: Effect) -> None:
        """Open or raise the window of *effect*; show a balloon if that fails."""
        from iea_agent.host import LaunchError

        if effect not in WINDOWS:
            log.warning("no such window", extra={"fields": {"effect": effect.value}})
            return
        try:
            self._windows.open(WINDOWS[effect])
        except LaunchError as error:
            log.exception("window not started", extra={"fields": {"name": WINDOWS[effect].window}})
            self._balloon(balloon_text.build_window_failure_balloon(str(error.__cause__)))

    def launch_program(self) -> None:
        """Start Impact emploi; a failure is told, with the path that was tried."""
        from iea_agent.host import LaunchError

        try:
            self._installation.host.launch(Path(self._settings.program))
        except LaunchError as error:
            log.warning("program not started", extra={"fields": {"error": type(error.__cause__).__name__}})
            self._balloon(balloon_text.build_launch_failure_balloon(self._settings.program))

    def announce(self, announcement: Announcement) -> None:
        """Show a balloon; without a tray the log is all there is."""
        if announcement.kind is Effect.ANNOUNCE_EXPIRY:
            self._assistance.expired()
        self._balloon(balloon_text.build_announcement_balloon(announcement.kind, announcement.snapshot))

    def _balloon(self, balloon: balloon_text.Balloon) -> None:
        log.info("balloon", extra={"fields": {"title": balloon.title}})
        if self._tray is not None:
            self._tray.notify(balloon.title, balloon.body)

    def reread_policy(self) -> None:
        """Look at the policy file's date; if it moved, the settings are no longer what they were."""
        self._assistance.keep_waiting()
        signature = self._installation.storage.policy_signature()
        if signature != self._policy:
            self._policy = signature
            self._load()
            self.loop.post(machine.SettingsChanged())

    def publish(self, snapshot: Snapshot) -> None:
        """Draw the snapshot and pass it on to whoever watches."""
        from iea_agent.shell.wording import status_text

        for observer in list(self._observers):
            observer.put(snapshot)
        if self._tray is not None:
            self._tray.draw(menu.render_view(snapshot, time.time(), self.abilities))
        if self._channel is not None:
            self._channel.publish(status_text.build_status_document(snapshot, self._settings))

    # the channel

    def _settle(self, event: Event, state: State) -> bool:
        """Hand *event* to the loop and wait until it has led to *state*."""
        observer: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        self._observers.append(observer)
        try:
            self.loop.post(event)
            deadline = time.monotonic() + SETTLE_SECONDS
            while (left := deadline - time.monotonic()) > 0:
                if observer.get(timeout=left).state is state:
                    return True
        except queue.Empty:
            pass
        finally:
            self._observers.remove(observer)
        return False

    def _load(self) -> None:
        self._loaded = self._installation.storage.load()
        self._report_faults()

    def answer(self, request: Document) -> Document:
        """The reply to one request (``docs/channel.md``). Runs on the client's thread."""
        from iea_agent.locale import _
        from iea_agent.shell.wording import status_text

        snapshot = self.loop.snapshot
        match request:
            case {"do": "status"}:
                return {
                    "ok": True,
                    "status": status_text.build_status_document(snapshot, self._settings),
                }
            case {"do": "reload"}:
                self._load()
                self.loop.post(machine.SettingsSaved())
                return {"ok": True}
            case {"do": "assistance"}:
                return {"ok": True, "assistance": self._assistance.situation(snapshot)}
            case {"do": "enter-assistance", "reason": str(reason)}:
                return self._assistance.enter(snapshot, reason)
            case {"do": "leave-assistance", "password": str(typed)}:
                return self._assistance.leave(snapshot, typed)
            case {"do": "ask", "event": str(name)} if name in BY_NAME:
                event = BY_NAME[name].event
                if reason := menu.explain_disabled(event, snapshot.state, self.abilities):
                    return {"ok": False, "error": _("Pas maintenant : {reason}.").format(reason=reason)}
                self.loop.post(event())
                return {"ok": True, "run": snapshot.run}
        return {"ok": False, "error": _("Demande inconnue.")}
