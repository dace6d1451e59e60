"""The resident agent: the loop, the work it asks for, and the answers to clients."""

from __future__ import annotations

import logging
import os
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from iea_agent import __version__, locale
from iea_agent.channel import refuse
from iea_agent.domain import machine, problems, refusals
from iea_agent.domain.machine import Effect, Moment, Snapshot
from iea_agent.domain.person_requests import (
    BY_NAME,
    LAUNCH,
    QUIT,
    RECONNECT,
    WINDOWS,
    Abilities,
    PersonRequest,
)
from iea_agent.domain.refusals import RefusedError
from iea_agent.loop import Attempt, Inbox, Loop
from iea_agent.shell.wording import balloon_text, menu

from .assistance import Assistance
from .authenticator import Authenticator
from .change_keeper import ChangeKeeper
from .deadline_watch import DeadlineWatch
from .fault_recording import follow_recording, start_log
from .log_book_keeper import LogBookKeeper
from .sealing import Sealing
from .servers import Servers
from .session import SessionChannel
from .update_watch import UpdateWatch
from .version_proof import VersionProof
from .window_opener import WindowOpener

if TYPE_CHECKING:
    from iea_agent.channel import Document
    from iea_agent.domain.diagnosis import AnyNotice
    from iea_agent.domain.documents import AgentStatusDocument, ReplyDocument
    from iea_agent.domain.installer_plan import QuietMoment
    from iea_agent.domain.problems import Problem
    from iea_agent.domain.settings import Settings
    from iea_agent.host.state_files import Signature
    from iea_agent.host.storage import LoadedSettings
    from iea_agent.shell.tray import Tray

    Reply: TypeAlias = Callable[[ReplyDocument], None]

log = logging.getLogger("iea_agent.agent")

LONGEST_TOKEN = 32_768
"""Characters of a token that is passed on: it has to fit into a message."""


class Agent:
    """Does what the loop asks for (``loop.Work``) and answers clients.

    Everything but ``answer`` is called on the loop's thread, which owns all of it.
    """

    def __init__(
        self,
        servers: Servers,
        clock: Callable[[], Moment],
        inbox: Inbox | None = None,
        *,
        beside: bool = False,
        quiet: bool = False,
    ) -> None:
        """*beside*: another program holds the lock of this agent and does not answer.

        *quiet*: no person has started this agent.
        """
        self._servers = servers
        self._beside, self._clock = beside, clock
        self._first_event = machine.StartedQuietly() if quiet else machine.Started()
        self._installation = installation = servers.installation
        self._incident = self._waiting = ""
        self._windows = WindowOpener(installation.host)
        self._proof = VersionProof(installation.program, installation.trial_file, installation.storage, clock)
        self._tray: Tray | None = None
        self._channel = SessionChannel(
            installation.wires, installation.session, installation.session_files, self.answer, self.answered
        )
        log_name, self._log_lock = installation.claim_log()
        # first, so that the log has what the files in the state folder were found to be
        self._log = start_log(installation, log_name)
        self._signatures = self._sign_files()
        self._loaded: LoadedSettings = installation.storage.load()
        # one agent writes it: the one whose log has its plain name
        self._log_book = LogBookKeeper(installation.log_book_file, clock) if log_name == "agent" else None
        locale.replace_in_sentences(problems.SUPPORT_ADDRESS, lambda: self._settings.support_address)
        self._changes = self._open_changes(servers)
        self._sealing = Sealing(installation, clock)
        self._sealing.open(lambda: installation.vault)
        first = machine.begin(clock(), self._sealing.restore_mode())
        self.loop = Loop(self, clock, random.random, first, inbox)
        self._authenticator = Authenticator(servers, self._settings, self._report, clock, random.random)
        # four methods of loop.Work: others do the work
        self.look = self._authenticator.look
        self.prepare_window = self._windows.prepare
        self._assistance = Assistance(installation, self._sealing, clock, self.loop)
        self.keep_assistance = self._assistance.keep_record
        self.record_expiry = self._assistance.expire
        self._deadline = DeadlineWatch(
            Servers(installation), clock, random.random, self.loop.post, self._balloon
        )
        self._updates = self._watch_updates()
        # the clients that wait for the present attempt
        self._reconnecting: list[Reply] = []
        self._addresses = installation.host.list_addresses()
        self._warned_of: set[Problem] = set()
        # what was said of a connection that works; None before the first look
        self._noticed: tuple[AnyNotice, ...] | None = None

    def _open_changes(self, servers: Servers) -> ChangeKeeper:
        storage, texts = self._installation.storage, self._installation.texts
        changes = ChangeKeeper(
            storage, texts.load_policy, servers.rehearse, self._post, self._reload, self.reread_policy
        )
        changes.open()
        return changes

    @property
    def _settings(self) -> Settings:
        return self._changes.apply(self._loaded.effective)

    @property
    def abilities(self) -> Abilities:
        """What this installation can do beyond its connection."""
        return self._installation.abilities(self._settings)

    # the process

    def run(self, tray: Tray | None) -> None:
        """Serve until ``QuitRequested``; the calling thread becomes the loop's."""
        self._tray = tray
        self._authenticator.log = self._log
        log.info("started", extra={"fields": {"version": __version__, "pid": os.getpid()}})
        self._show_faults()
        self._announce_version_return()
        self._assistance.warn_of_expiry()
        self._updates.open()
        self._keep_reachable()
        stop_watching = self._installation.host.watch_network(
            lambda: self.loop.post(machine.AddressesChanged())
        )
        self.publish(self.loop.snapshot)
        self.loop.post(self._first_event)
        try:
            self.loop.run()
            # not after a crash, which the next start finds
            if self._log_book is not None:
                self._log_book.close()
        except Exception:
            # here, as long as the log hides the secrets
            log.exception("the agent crashed")
            raise
        finally:
            self._channel.close()
            stop_watching()
            self._windows.close()
            log.info("ended")
            self._log.close()
            self._log_lock.close()

    def _sign_files(self) -> tuple[Signature | None, ...]:
        """Return what changes with the policy and with the person's settings."""
        storage = self._installation.storage
        return storage.policy_signature(), storage.settings_signature()

    def _load(self) -> None:
        self._signatures = self._sign_files()
        self._loaded = self._installation.storage.load()
        self._show_faults()

    def _show_faults(self) -> None:
        for fault in self._loaded.all_faults:
            fields = {"file": fault.file, "name": fault.name, "line": fault.line}
            log.warning("setting refused", extra={"fields": fields})
        for unknown in self._loaded.unknown:
            log.warning("setting unknown", extra={"fields": asdict(unknown)})
        if self._loaded.policy_faults:
            self._balloon(balloon_text.build_problem_balloon(problems.POLICY_UNUSABLE))
        elif self._loaded.faults:
            self._balloon(balloon_text.build_problem_balloon(problems.SETTINGS_UNREADABLE))

    def _announce_version_return(self) -> None:
        """Show a balloon, once, if this version stands in for one that failed."""
        is_news = self._proof.find_return()
        if is_news and self._proof.version_return is not None:
            self._balloon(balloon_text.build_notice_balloon(self._proof.version_return))

    def _keep_reachable(self) -> None:
        """Open the channel and write it down if it is not; name what stands in the way."""
        folders = self._installation.folders
        is_open = self._channel.open()
        unusable = [folder for folder in (self._channel.refused,) if folder is not None]
        if self._log.is_refused:
            unusable.append(folders.logs)
        if unusable:
            self._warn_once(problems.FOLDER_UNUSABLE, balloon_text.build_folders_balloon(unusable))
        elif not is_open:
            self._warn_of_other_program()

    def _warn_of_other_program(self) -> None:
        problem = problems.OTHER_PROGRAM
        self._warn_once(problem, balloon_text.build_problem_balloon(problem))

    def _warn_once(self, problem: Problem, balloon: balloon_text.Balloon) -> None:
        if problem not in self._warned_of:
            self._warned_of.add(problem)
            self._balloon(balloon)

    def _gives_way(self) -> bool:
        """End, and return True, if the agent with the lock answers; else say so."""
        if self._channel.is_replaced():
            log.info("the agent with the lock answers")
            self.loop.post(QUIT.event())
            return True
        self._warn_of_other_program()
        return False

    # loop.Work

    def look_around(self) -> None:
        """Take over what another session did; see to the channel and the addresses."""
        self._assistance.follow_other_session()
        self._note_state()
        if self._settings.deadline_check and self._settings.licence_number:
            self._deadline.look(
                self.loop.snapshot.state,
                self._assistance.count_register_days,
                has_update=self._updates.has_update,
            )
        self._updates.look(self._settings)
        if self._noticed is not None and self._updates.waiting != self._waiting:
            self._channel.publish(self._build_status())
        # not before the first status: what is new since then has a balloon
        if self._noticed is not None and self._changes.has_news:
            self.reread_policy()
        addresses = self._installation.host.list_addresses()
        if addresses != self._addresses:
            # the system may give no notice of it (Wine gives none)
            self._addresses = addresses
            self.loop.post(machine.AddressesChanged())
        if not (self._beside and self._gives_way()):
            self._keep_reachable()

    def _report(self, attempt: Attempt) -> None:
        """Post the result of *attempt*; called on its thread."""
        if attempt.failure is None:
            self.loop.post(self._assistance.lift_stop)
            self.loop.post(self._updates.note_sign_in)
        self.loop.post(lambda: self._follow_change(attempt.failure is not None))
        if not self._proof.is_settled:
            self.loop.post(lambda: self._proof.take(attempt.failure))
        self.loop.post(attempt)

    def _watch_updates(self) -> UpdateWatch:
        """Return what looks after the updates of this installation."""
        return UpdateWatch(
            self._installation,
            self._clock,
            random.random,
            self._balloon,
            may_install_own=self._may_install_own,
            may_launch=self._may_launch,
            launch=lambda: self.loop.post(LAUNCH.event()),
            is_in_use=lambda: not self._find_moment().is_quiet,
        )

    def _may_launch(self) -> bool:
        """Return whether Impact emploi may be launched now."""
        try:
            self._require_possible(LAUNCH)
        except RefusedError:
            return False
        return True

    def _may_install_own(self) -> bool:
        """Return whether nobody uses the agent now, and it may replace itself."""
        from .installing import may_install_own

        return may_install_own(self._installation, self._find_moment())

    def _find_moment(self) -> QuietMoment:
        """Return what goes on at the agent now."""
        from iea_agent.domain.installer_plan import QuietMoment

        state = self.loop.snapshot.state
        return QuietMoment(
            self._windows.count_open(), state is machine.State.ASSISTANCE, state is machine.State.CONNECTING
        )

    def _reload(self) -> None:
        self._post(machine.SettingsChanged())

    def _post(self, item: machine.Event | Callable[[], None]) -> None:
        self.loop.post(item)

    def _follow_change(self, failed: bool) -> None:
        self._changes.follow(self._loaded.effective, time.time(), failed=failed)

    def authenticate(self, run: int) -> None:
        """Begin attempt *run*; a person's also shows secrets that were just refused."""
        if self.loop.snapshot.asked:
            self._servers.verdicts.forget()
        self._authenticator.begin(run)

    def renew_connection(self) -> None:
        """Start again from the present settings and the system's present proxy."""
        self._addresses = self._installation.host.list_addresses()
        self._servers.proxies.forget_answers()
        self._authenticator.renew(self._settings)

    def renew_session(self) -> None:
        """The same, and forget the token: the next attempt signs in."""
        self._servers.proxies.forget_answers()
        self._authenticator.renew(self._settings, sign_in=True)

    def assistance_limit(self) -> float | None:
        """Return the policy's longest time for assistance mode, in seconds."""
        days = self._settings.assistance_days
        return days * 86_400.0 if days else None

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
        """Start Impact emploi; show a balloon with its path if that fails."""
        from iea_agent.host import LaunchError

        program = self._installation.find_program(self._settings)
        try:
            self._installation.host.launch(Path(program))
        except LaunchError as error:
            log.warning("program not started", extra={"fields": {"error": type(error.__cause__).__name__}})
            self._balloon(balloon_text.build_launch_failure_balloon(program))

    def announce(self, kind: Effect, snapshot: Snapshot) -> None:
        """Show a balloon; without a tray only the log has it."""
        self._balloon(balloon_text.build_announcement_balloon(kind, snapshot))

    def _balloon(self, balloon: balloon_text.Balloon) -> None:
        log.info("balloon", extra={"fields": {"title": balloon.title}})
        if self._tray is not None:
            self._tray.notify(balloon.title, balloon.body)

    def reread_policy(self) -> None:
        """Load the settings again if a file changed: the policy, or by another session."""
        self._assistance.save_wait()
        if self._sign_files() != self._signatures:
            self._load()
            self.loop.post(machine.SettingsChanged())
        self._changes.look(self._loaded.effective, time.time())
        if self._word_incident() != self._incident or self._list_notices() != self._noticed:
            self.publish(self.loop.snapshot)

    def _word_incident(self) -> str:
        """Return what the publisher says of the present failure, "" if it says nothing."""
        now = time.time()
        texts = self._installation.texts
        notice = texts.find_notice(now) if self.loop.snapshot.failure is not None else None
        if notice is None:
            return ""
        from iea_agent.shell.wording.incident_text import describe_incident

        return describe_incident(notice, now)

    def _note_state(self) -> None:
        if self._log_book is not None:
            self._log_book.follow(self.loop.snapshot)

    def publish(self, snapshot: Snapshot) -> None:
        """Draw *snapshot*, send it to watchers, answer the clients that wait for it."""
        self._note_state()
        if self._tray is not None:
            self._tray.draw(menu.render_view(snapshot, time.time(), self.abilities))
        self._announce_notices()
        self._channel.publish(self._build_status())
        if not snapshot.working:
            waiting, self._reconnecting = self._reconnecting, []
            for reply in waiting:
                reply({"ok": True, "status": self._build_status()})

    def _build_status(self) -> AgentStatusDocument:
        from iea_agent.shell.wording import status_text

        self._incident, self._waiting = self._word_incident(), self._updates.waiting
        return status_text.build_status_document(
            self.loop.snapshot,
            self._settings,
            self._loaded.all_faults,
            self._list_notices(),
            self._incident,
            self._waiting,
        )

    def _list_notices(self) -> tuple[AnyNotice, ...]:
        """Return what to know of a connection that works, and of this version."""
        version_return = self._proof.version_return
        notices = self._servers.issuers.list_notices(self._settings.authentication, time.time())
        pending = self._changes.list_pending(self._loaded.effective, time.time())
        outdated = self._installation.list_outdated(self._settings)
        return (*(() if version_return is None else (version_return,)), *outdated, *pending, *notices)

    def _announce_notices(self) -> None:
        """Show a balloon for each notice that is new."""
        notices = self._list_notices()
        if self._noticed is not None:
            for notice in set(notices) - set(self._noticed):
                self._balloon(balloon_text.build_notice_balloon(notice))
        self._noticed = notices

    # the answers to clients (docs/channel.md)

    def answer(self, request: Document) -> ReplyDocument:
        """Return the answer to *request*. Called on the client's thread."""
        place: SimpleQueue[ReplyDocument] = SimpleQueue()
        self.loop.post(lambda: self._handle(request, place.put))
        return place.get()

    def answered(self, request: Document) -> None:
        """End the agent if a client asked for it, which has its answer by now.

        Called on the client's thread.
        """
        if (request.get("do"), request.get("event")) == ("ask", QUIT.name):
            self.loop.post(QUIT.event())

    def _handle(self, request: Document, reply: Reply) -> None:
        try:
            handler = HANDLERS.get(_get_text(request, "do"))
            if handler is None:
                raise RefusedError(refusals.RequestUnknown())
            handler(self, request, reply)
        except RefusedError as error:
            reply(refuse(error.refusal))
        except Exception:
            log.exception("request failed")
            reply(refuse(refusals.ProblemMet(problems.INTERNAL_ERROR.code)))

    def _answer_status(self, _request: Document, reply: Reply) -> None:
        self._assistance.follow_other_session()
        reply({"ok": True, "status": self._build_status()})

    def _answer_reload(self, _request: Document, reply: Reply) -> None:
        self._load()
        self.loop.take(machine.SettingsSaved())
        reply({"ok": True})

    def _answer_ask(self, request: Document, reply: Reply) -> None:
        person_request = BY_NAME.get(_get_text(request, "event"))
        if person_request is None:
            raise RefusedError(refusals.RequestUnknown())
        self._require_possible(person_request)
        reply({"ok": True, "run": self.loop.snapshot.run})
        # the answer goes first: ``answered`` ends the agent
        if person_request is not QUIT:
            self.loop.take(person_request.event())

    def _answer_reconnect(self, _request: Document, reply: Reply) -> None:
        self._require_possible(RECONNECT)
        self._reconnecting.append(reply)
        self.loop.take(RECONNECT.event())

    def _require_possible(self, request: PersonRequest) -> None:
        state = self.loop.snapshot.state
        if request is LAUNCH and not self.abilities.program:
            self._installation.search_program_again()
        if request.explain_refusal(state, self.abilities):
            raise RefusedError(refusals.NotNow(request.name, state))

    def _answer_token(self, _request: Document, reply: Reply) -> None:
        state = self.loop.snapshot.state
        token = self._authenticator.find_token() if state is machine.State.CONNECTED else None
        if token is None or len(token.value) > LONGEST_TOKEN:
            raise RefusedError(refusals.NoToken(state))
        seconds = int(token.count_seconds(self._clock()))
        reply({"ok": True, "token": {"access_token": token.value, "expires_in": seconds}})

    def _answer_assistance(self, _request: Document, reply: Reply) -> None:
        reply({"ok": True, "assistance": self._assistance.build_document()})

    def _answer_record(self, _request: Document, reply: Reply) -> None:
        follow_recording(self._installation.storage, self._log)
        log.info("recording looked up")
        reply({"ok": True})

    def _answer_enter_assistance(self, request: Document, reply: Reply) -> None:
        self._assistance.enter(_get_text(request, "reason"))
        reply({"ok": True})

    def _answer_leave_assistance(self, request: Document, reply: Reply) -> None:
        self._assistance.leave(
            _get_text(request, "password"),
            lambda refusal: reply({"ok": True} if refusal is None else refuse(refusal)),
        )


HANDLERS: Mapping[str, Callable[[Agent, Document, Reply], None]] = {
    "status": Agent._answer_status,
    "reload": Agent._answer_reload,
    "ask": Agent._answer_ask,
    "reconnect": Agent._answer_reconnect,
    "token": Agent._answer_token,
    "assistance": Agent._answer_assistance,
    "record": Agent._answer_record,
    "enter-assistance": Agent._answer_enter_assistance,
    "leave-assistance": Agent._answer_leave_assistance,
}
"""How each request is answered; "watch" is answered by ``channel.ChannelServer``."""


def _get_text(request: Document, name: str) -> str:
    """Return the text *name* of *request*. Raises ``RefusedError`` if there is none."""
    text = request.get(name)
    if not isinstance(text, str):
        raise RefusedError(refusals.RequestUnknown())
    return text
