"""One installation of the agent: its folders, settings, licence, way to the servers and running agent, as every command needs them."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import channel
from iea_agent.domain import problems, settings
from iea_agent.domain.addresses import Address
from iea_agent.domain.problems import Problem
from iea_agent.domain.settings import ProxyMode, Settings
from iea_agent.host import Host, here, no_network
from iea_agent.host.storage import (
    Folders,
    SettingLocked,
    SettingsNewer,
    SettingUnknown,
    Storage,
    StorageError,
)
from iea_agent.locale import _

if TYPE_CHECKING:
    from iea_agent.domain.diagnosis import ServerReport
    from iea_agent.domain.repairs import Repair
    from iea_agent.host.system_proxy import SystemProxies
    from iea_agent.host.vault import Vault
    from iea_agent.services.authentication import Licence
    from iea_agent.services.https import Client
    from iea_agent.services.messages import Reply, Request
    from iea_agent.services.network import Route
    from iea_agent.shell.wording.menu import Abilities

    from .issuer_record import Issuers

FAILED, USAGE, NOT_RUNNING, REFUSED, TIMED_OUT = range(1, 6)
"""Exit codes (design, section 4)."""

ASSISTANCE = "assistance"
"""The name of the state that assistance mode is kept as."""

LEAVE_SECONDS = 15.0
"""How long a password of the day may take to be judged on an old PC."""

PREPARED_SECONDS = 20.0
"""How long a window's process that was started ahead waits to be told which window to show: a person has closed the menu by then."""

REGISTER_FILE = "register.json"
ROOT_FILE = "root.json"

LICENCE_KEY = "licence-key"
"""The vault's name for the licence key."""

PROXY_PASSWORD = "proxy-password"  # noqa: S105 a name, not a password
"""The vault's name for the password that goes with the setting ``proxy.user``."""


class Failure(Exception):
    """What a person asked for could not be done: ``str()`` is the sentence for them, *code* the problem's where it has one."""

    def __init__(self, text: str, exit_code: int = FAILED, code: str = "", name: str = "") -> None:
        super().__init__(text)
        self.exit_code = exit_code
        self.code = code
        self.name = name  # dotted name of the setting that is to blame


def _of(problem: Problem) -> Failure:
    """Return the failure for *problem*."""
    return Failure(f"{_(problem.text)} {_(problem.advice)} ({problem.code})", code=problem.code)


@dataclass(frozen=True)
class Home:
    """Everything that belongs to one installation; nothing is opened before it is used."""

    folders: Folders
    storage: Storage

    @cached_property
    def host(self) -> Host:
        """The machine."""
        return here()

    @cached_property
    def vault(self) -> Vault:
        """Where the licence key and the proxy's password are."""
        from iea_agent.host import vault

        return vault.here(self.folders.name)

    @cached_property
    def proxies(self) -> SystemProxies:
        """The system's choice of proxies; told when the network changes."""
        from iea_agent.host import system_proxy

        return system_proxy.here()

    @cached_property
    def where(self) -> str:
        """The running agent's address."""
        return channel.address(str(self.folders.state), self.host.session())

    @property
    def _key_file(self) -> Path:
        return self.folders.state / "channel.key"

    def make_channel_key(self) -> bytes:
        """The channel's key, made anew at each start of the agent. Raises ``OSError``."""
        import secrets

        from iea_agent.host.storage import write_atomically

        key = secrets.token_bytes(32)
        write_atomically(self._key_file, key)
        return key

    def _channel_key(self) -> bytes:
        try:
            return self._key_file.read_bytes()[:32]
        except OSError:
            raise channel.NotRunning from None

    def ask(self, request: channel.Document, timeout: float = 5.0) -> channel.Document:
        """The running agent's answer. Raises ``Failure``."""
        try:
            return channel.ask(self.where, self._channel_key(), request, timeout)
        except channel.ChannelError as error:
            raise _failure_of(error) from error

    def watch(self) -> Iterator[channel.Document]:
        """The running agent's status at each change. Raises ``Failure`` if there is none."""
        try:
            yield from channel.watch(self.where, self._channel_key())
        except channel.ChannelError as error:
            raise _failure_of(error) from error

    def status(self) -> channel.Document | None:
        """The running agent's status; None where there is no agent, or none that answers."""
        try:
            found: channel.Document = self.ask({"do": "status"}, timeout=2.0)["status"]
        except Failure:
            return None
        return found

    def reconnect(self, seconds: float) -> channel.Document:
        """Have the agent authenticate anew and return its status once that is over. Raises ``Failure``, also after *seconds*."""
        news: queue.SimpleQueue[channel.Document | Failure] = queue.SimpleQueue()

        def listen() -> None:
            try:
                for status in self.watch():
                    news.put(status)
            except Failure as failure:
                news.put(failure)

        def next_status() -> channel.Document:
            try:
                status = news.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise _failure_of(channel.TimedOut()) from None
            if isinstance(status, Failure):
                raise status
            return status

        deadline = time.monotonic() + seconds
        threading.Thread(target=listen, name="reconnect", daemon=True).start()
        next_status()  # as it is before
        self.ask({"do": "ask", "event": "reconnect"})
        while not next_status()["working"]:
            pass
        while (status := next_status())["working"]:
            pass
        return status

    def abilities(self, chosen: Settings) -> Abilities:
        """What this installation can do beyond its connection."""
        from iea_agent.shell.wording.menu import Abilities

        return Abilities(support=True, program=bool(chosen.program))

    @cached_property
    def issuers(self) -> Issuers:
        """Who usually vouches for each server."""
        from .issuer_record import Issuers

        return Issuers(self.storage)

    @property
    def journal_file(self) -> Path:
        """The journal of assistance mode."""
        return self.folders.state / "journal.jsonl"

    def register_files(self) -> tuple[Path, ...]:
        """Where registers of the password of the day may be: what was installed first, then what the updates brought."""
        return self.folders.policy / REGISTER_FILE, self.folders.state / REGISTER_FILE

    @property
    def root_file(self) -> Path:
        """The trust root of the updates, put there by whoever installs; without it their signatures cannot be checked."""
        return self.folders.policy / ROOT_FILE

    @property
    def updates_folder(self) -> Path:
        """What is kept of the updates: the metadata trusted last, under a lock."""
        return self.folders.state / "updates"

    def assistance_since(self) -> float | None:
        """Since when assistance mode holds (wall clock); None where it does not. Raises ``StorageError``."""
        since = self.storage.read_state(ASSISTANCE).get("since")
        return float(since) if isinstance(since, (int, float)) else None

    def keep_assistance(self, since: float | None) -> None:
        """Write down that assistance mode holds since *since*, or no longer does. Raises ``StorageError``."""
        self.storage.write_state(ASSISTANCE, {"since": since})

    def licence_key(self) -> str | None:
        """The key from the vault, None where none is kept. Raises ``VaultUnavailable``."""
        return self.vault.read(LICENCE_KEY)

    def licence(self, chosen: Settings, typed_key: str | None = None) -> Licence | None:
        """The licence with *chosen*'s number and *typed_key*, or the key in the vault. Raises ``VaultUnavailable``."""
        from iea_agent.services.authentication import Licence

        if not chosen.licence_number:
            return None
        key = typed_key or self.licence_key()
        return Licence(chosen.licence_number, key) if key else None

    def proxy_password_saved(self) -> bool | None:
        """Whether the vault holds the proxy's password; None where there is no vault. May wait for the vault."""
        from iea_agent.host.vault import VaultUnavailable

        try:
            return self.vault.read(PROXY_PASSWORD) is not None
        except VaultUnavailable:
            return None

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None = None
    ) -> None:
        """Keep *changes* (dotted names) and new secrets, then tell the running agent. Raises ``Failure``; nothing is half kept.

        A secret that is None or empty stays as it was. The proxy's password goes with its user: an empty ``proxy.user`` forgets it.
        """
        from iea_agent.host.vault import SecretTooLong, VaultUnavailable

        too_long = ("licence.key", _("La clé de licence est trop longue."))
        try:
            if licence_key:
                self.vault.write(LICENCE_KEY, licence_key)
            too_long = ("proxy.password", _("Le mot de passe du proxy est trop long."))
            if proxy_password:
                self.vault.write(PROXY_PASSWORD, proxy_password)
            if changes:
                self.storage.save(changes)
            if changes.get("proxy.user", "somebody") in ("", None):
                self.vault.delete(PROXY_PASSWORD)
        except VaultUnavailable as error:
            raise _of(problems.VAULT_UNAVAILABLE) from error
        except SecretTooLong as error:
            name, text = too_long
            raise Failure(text, USAGE, name=name) from error
        except (SettingUnknown, SettingLocked, settings.SettingsError, SettingsNewer, StorageError) as error:
            raise _failure_of_saving(error) from error
        try:
            self.ask({"do": "reload"})
        except Failure as failure:
            if failure.exit_code != NOT_RUNNING:
                raise

    def route(self, chosen: Settings, address: Address, proxy_password: str | None = None) -> Route:
        """The way to a server that *chosen* says, or leaves to the system to say, and who decided it; *proxy_password* counts before the vault's.

        May wait ``proxies.SECONDS`` for a proxy script, and for the vault. Raises ``HttpsError``.
        """
        from iea_agent.domain import proxy_choice
        from iea_agent.domain.diagnosis import Failure, Stage
        from iea_agent.domain.evidence import ProxyScript
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services.https import HttpsError
        from iea_agent.services.network import Credentials, Route

        if chosen.proxy_mode is ProxyMode.SYSTEM:
            try:
                choice = self.proxies.choose(address)
            except proxy_choice.ScriptUnusable as error:
                script = ProxyScript(error.script) if error.script else None
                failure = Failure(Stage.PROXY, problems.PROXY_SCRIPT_UNUSABLE, str(error), evidence=script)
                raise HttpsError(failure) from None
        else:
            choice = proxy_choice.chosen_by_person(chosen, address)
        credentials = None
        if proxy_choice.may_be_told(choice, chosen):
            try:
                password = proxy_password or self.vault.read(PROXY_PASSWORD)
            except VaultUnavailable as error:
                detail = type(error.__cause__).__name__
                raise HttpsError(Failure(Stage.PROXY, problems.VAULT_UNAVAILABLE, detail)) from None
            credentials = Credentials(chosen.proxy_user, password) if password else None
        ca_file = Path(chosen.ca_file) if chosen.ca_file else None
        return Route(
            choice.proxy, ca_file, credentials, chosen.ipv4_only, source=choice.source, detail=choice.detail
        )

    def connect(self, chosen: Settings, proxy_password: str | None = None) -> Callable[[Address], Client]:
        """Builds the client for a server, by the way that ``route`` finds. The result raises ``HttpsError``."""

        def build(address: Address) -> Client:
            from iea_agent.services.https import Client

            return Client(self.route(chosen, address, proxy_password), online=lambda: not no_network())

        return build

    def examine(
        self,
        chosen: Settings,
        typed_key: str | None = None,
        on_progress: Callable[[ServerReport], None] | None = None,
        cancelled: threading.Event | None = None,
        proxy_password: str | None = None,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *chosen*, saving nothing. Without a licence, or a vault to read it from, that stage is left out.

        *typed_key* and *proxy_password* count before those in the vault. What the system said of proxies before is asked anew.
        """
        from iea_agent.domain.diagnosis import Server
        from iea_agent.host.vault import VaultUnavailable
        from iea_agent.services import reachability

        try:
            licence = self.licence(chosen, typed_key)
        except VaultUnavailable:
            licence = None
        self.proxies.forget()
        reports = reachability.examine(
            {Server.AUTHENTICATION: chosen.authentication, Server.UPDATES: chosen.updates},
            self.connect(chosen, proxy_password),
            licence,
            on_progress or (lambda _report: None),
            now=datetime.fromtimestamp(time.time(), UTC),
            # not Path.exists, which raises where the folder may not be looked into
            verify=self._verify if os.path.exists(self.root_file) else None,
            cancelled=cancelled,
        )
        return tuple(self.issuers.seen(report, time.time()) for report in reports)

    def _verify(self, ask: Callable[[Request, int], Reply], address: Address, timestamp: bytes) -> str:
        from iea_agent.services import updates  # here: 0.1 s and 25 MB for tuf, which no other path needs

        return str(updates.check(ask, address, self.root_file, self.updates_folder, timestamp=timestamp))

    def repairs(
        self,
        chosen: Settings,
        reports: Sequence[ServerReport],
        on_found: Callable[[Repair], None],
        cancelled: threading.Event,
        proxy_password: str | None = None,
    ) -> tuple[Repair, ...] | None:
        """What mends *reports*, a failed test of *chosen*, and is the person's to change; see ``mending.search``."""
        from iea_agent.domain.repairs import candidates
        from iea_agent.services import repair_search

        return repair_search.search(
            candidates(chosen, reports, self.storage.load().effective.locked),
            chosen,
            reports,
            lambda tried: self.connect(tried, proxy_password),
            on_found,
            now=datetime.fromtimestamp(time.time(), UTC),
            cancelled=cancelled,
        )


def locate(environment: Mapping[str, str]) -> Home:
    """The installation that *environment* points to."""
    folders = Folders.locate(environment)
    return Home(folders, Storage(folders))


def _failure_of(error: channel.ChannelError) -> Failure:
    if isinstance(error, channel.NotRunning):
        return Failure(_("L'agent n'est pas démarré."), NOT_RUNNING)
    if isinstance(error, channel.TimedOut):
        return Failure(_("L'agent n'a pas répondu à temps."), TIMED_OUT)
    if isinstance(error, channel.Refused):
        return Failure(str(error), REFUSED)
    return Failure(_("L'agent n'a pas pu être interrogé ({reason}).").format(reason=error))


def _failure_of_saving(error: Exception) -> Failure:
    from iea_agent.shell.wording.problem_details import describe_setting_fault

    match error:
        case SettingUnknown(names=names):
            return Failure(_("Paramètre inconnu : {name}").format(name=names[0]), USAGE, name=names[0])
        case SettingLocked(names=names):
            text = _("Ce paramètre est fixé par votre administrateur : {name}")
            return Failure(text.format(name=names[0]), REFUSED, name=names[0])
        case settings.SettingsError(faults=faults):
            return Failure(
                "\n".join(describe_setting_fault(fault) for fault in faults), USAGE, name=faults[0].name
            )
        case SettingsNewer(path=path):
            text = _(
                "Le fichier de paramètres vient d'une version plus récente de l'agent ; il n'a pas été touché : {path}"
            )
            return Failure(text.format(path=path))
        case StorageError(path=path):
            text = _("Les paramètres n'ont pas pu être écrits, rien n'a été changé : {path} ({reason})")
            return Failure(text.format(path=path, reason=type(error.__cause__).__name__))
    raise TypeError(error)
