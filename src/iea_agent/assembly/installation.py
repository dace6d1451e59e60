"""One installation of the agent: its folders, files, settings, vault and licence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import settings
from iea_agent.domain.settings import Settings
from iea_agent.host import Host, InstanceLock, LocalWires, current_host, current_wires
from iea_agent.host.storage import UPDATES, Folders, Storage

from .instance import claim_session, find_lock_folder

if TYPE_CHECKING:
    from iea_agent.domain.autostart import Autostart
    from iea_agent.domain.diagnosis import OutdatedVersion
    from iea_agent.domain.log_book import Stay
    from iea_agent.domain.person_requests import Abilities
    from iea_agent.domain.proxy_password import ProxyPassword
    from iea_agent.host.installed_versions import FileVersions
    from iea_agent.host.log_book_file import LogBookFile
    from iea_agent.host.program_folder import ProgramFolder, TrialFile
    from iea_agent.host.system_proxy import SystemProxies
    from iea_agent.host.text_reader import TextReader
    from iea_agent.host.vault import Vault
    from iea_agent.services.authentication import Licence

    from .saving import Saving

REGISTER_FILE = "register.json"
ROOT_FILE = "root.json"


@dataclass(frozen=True)
class Installation:
    """Folders, storage and vault of one installation; opens nothing before it is used."""

    folders: Folders
    storage: Storage
    session: str = "0"
    lock_folder: str | os.PathLike[str] = ""

    @classmethod
    def locate(cls, environment: Mapping[str, str], own_session: str | None = None) -> Installation:
        """Return the installation that *environment* points to, in this session."""
        folders = Folders.locate(environment)
        number = own_session or current_host().session_id()
        return cls(folders, Storage(folders), number, find_lock_folder(environment))

    @cached_property
    def host(self) -> Host:
        """The operating system's services."""
        return current_host()

    @cached_property
    def wires(self) -> LocalWires:
        """How its processes speak to each other."""
        return current_wires()

    @cached_property
    def program(self) -> ProgramFolder | None:
        """The folder of the installed program, None in a checkout or a pip install."""
        from iea_agent.host.program_folder import ProgramFolder

        return ProgramFolder.locate()

    @property
    def trial_file(self) -> TrialFile:
        """The file in which the launcher counts the starts of a new version."""
        from iea_agent.host.program_folder import TrialFile

        return TrialFile.locate()

    def read_autostart(self) -> Autostart | None:
        """Return whether Windows starts the program, None if it is not installed."""
        if self.program is None:
            return None
        from iea_agent.domain.autostart import judge_autostart, quote_command
        from iea_agent.host.startup_entries import ignores_own_entries, read_entries

        command = quote_command(str(self.program.windowed_launcher))
        return judge_autostart(read_entries(), command, is_forbidden=ignores_own_entries())

    @cached_property
    def vault(self) -> Vault:
        """The system's vault for the licence key and the proxy's password."""
        from iea_agent.host.vault import SystemVault

        return SystemVault(self.folders.name)

    @cached_property
    def saving(self) -> Saving:
        """The settings and the secrets, saved together."""
        from .saving import Saving

        return Saving(self.storage, self.vault)

    @cached_property
    def proxies(self) -> SystemProxies:
        """The system's choice of proxies, remembered until the network changes."""
        from iea_agent.host import system_proxy

        return system_proxy.current_proxies()

    @property
    def session_files(self) -> tuple[Path, ...]:
        """The places of the file by which clients find this session's agent.

        The first one that takes it has it; only the person can read it.
        """
        name = f"channel-{self.session}.json"
        home = Path(os.path.expanduser("~"), f".{self.folders.name} {name}")
        return self.folders.state / name, self.folders.settings / name, home

    def agent_runs(self) -> bool:
        """Return whether an agent runs in this session, whether it listens or not."""
        lock = claim_session(self.lock_folder, self.session)
        if lock is not None:
            lock.close()
        return lock is None

    def claim_log(self) -> tuple[str, InstanceLock]:
        """Return the name of the agent's log, and the lock of that name.

        The agent of another session has "agent" already: two cannot write one file.
        """
        try:
            lock = self.host.lock_file(self.folders.logs / "agent.log")
        except OSError:
            return "agent", ExitStack()
        return ("agent", lock) if lock is not None else (f"agent-{self.session}", ExitStack())

    @property
    def journal_file(self) -> Path:
        """The journal of assistance mode."""
        return self.folders.state / "journal.jsonl"

    @property
    def log_book_file(self) -> LogBookFile:
        """The log book of the connection."""
        from iea_agent.host.log_book_file import LogBookFile

        return LogBookFile(self.folders.state / "log-book.jsonl")

    def read_log_book(self, now: float) -> tuple[Stay, ...]:
        """Return what the log book says until *now*. Raises ``StorageError``."""
        from iea_agent.domain.log_book import list_stays

        return list_stays(*self.log_book_file.read_entries(), now)

    @property
    def installed_register(self) -> Path:
        """The register that an administrator has installed."""
        return self.folders.policy / REGISTER_FILE

    @property
    def signed_register(self) -> Path:
        """The register that the updates have brought; it counts if TUF verifies it."""
        return self.updates_folder / "targets" / REGISTER_FILE

    @property
    def root_file(self) -> Path:
        """The trust root of the updates; without it no signature can be checked."""
        return self.folders.policy / ROOT_FILE

    def read_signed_file(self, path: Path, limit: int) -> bytes | None:
        """Read the root, or what its signatures cover; None if there is no file.

        The root is an administrator's, the rest may lie where the person may write. Raises ``OSError``.
        """
        from iea_agent.host.regular_files import read_bounded

        read = self.storage.read_administrators_file if path == self.root_file else read_bounded
        return read(path, limit)

    @property
    def updates_folder(self) -> Path:
        """The folder of the update metadata trusted last, and of their lock."""
        return self.folders.state / UPDATES

    @property
    def texts(self) -> TextReader:
        """The publisher's policy and notices on this PC."""
        return self.storage.texts

    def abilities(self, values: Settings) -> Abilities:
        """Return what this installation can do beyond its connection."""
        from iea_agent.domain.person_requests import Abilities

        return Abilities(program=bool(self.find_program(values)))

    def find_program(self, values: Settings) -> str:
        """Return the path of Impact emploi: that of *values*, else where it is, else ""."""
        return values.program or self._installed_program

    @cached_property
    def _installed_program(self) -> str:
        from iea_agent.domain.program_search import list_candidates

        candidates = list_candidates(self.host.list_programs(), os.environ)
        return next((path for path in candidates if self.host.is_local(path) and os.path.isfile(path)), "")

    def program_version(self, values: Settings) -> str:
        """Return the version of Impact emploi as « 3.00.72 », "" if it is not known."""
        path = self.find_program(values)
        # none is known, or it is gone
        return self._versions.find(path) if path else ""

    @cached_property
    def _versions(self) -> FileVersions:
        """What was read in the program's file: a status asks for it again and again."""
        from iea_agent.host.installed_versions import FileVersions

        return FileVersions()

    def runs_program(self) -> bool:
        """Return whether Impact emploi is open on this PC."""
        from iea_agent.host.running_programs import is_running

        return is_running(self.find_program(self.storage.load().effective.settings))

    def list_outdated(self, values: Settings) -> tuple[OutdatedVersion, ...]:
        """Return the programs of this PC that the servers do not go on to serve."""
        policy = self.texts.load_policy()
        if policy is None:
            return ()
        from iea_agent.domain.diagnosis import OutdatedVersion
        from iea_agent.domain.program_version import order_version

        least = policy.minimum
        outdated = []
        for is_agent, own, wanted in (
            (True, __version__, least.agent),
            (False, self.program_version(values) if least.product else "", least.product),
        ):
            # a version in a form of its own says nothing
            with suppress(ValueError):
                if own and wanted and order_version(own) < order_version(wanted):
                    outdated.append(OutdatedVersion(is_agent, own, wanted))
        return tuple(outdated)

    def find_support_address(self) -> str:
        """Return the address to which a person writes; it is read once."""
        return self._support_address

    @cached_property
    def _support_address(self) -> str:
        return self.storage.load().effective.settings.support_address

    def search_program_again(self) -> None:
        """Look for Impact emploi again at the next question: it may be installed by now."""
        self.__dict__.pop("_installed_program", None)

    def assistance_since(self) -> float | None:
        """Return when assistance mode began, None if off. Raises ``StorageError``."""
        from .assistance_memory import read_since

        return read_since(self.storage, self.journal_file)

    def licence_key(self) -> str | None:
        """Return the key in the vault, if any. Raises ``VaultUnavailable``."""
        return self.saving.read_secret(settings.LICENCE_KEY)

    def proxy_password(self) -> ProxyPassword | None:
        """Return the proxy's password in the vault, if any. Raises ``VaultUnavailable``."""
        from iea_agent.domain.proxy_password import parse_secret

        secret = self.saving.read_secret(settings.PROXY_PASSWORD)
        return None if secret is None else parse_secret(secret)

    def licence(self, values: Settings, typed_key: str | None = None) -> Licence | None:
        """Return the licence with number and scope of *values*, None if incomplete.

        The key is *typed_key* or the one in the vault. Raises ``VaultUnavailable``.
        """
        from iea_agent.services.authentication import Licence

        if not values.licence_number:
            return None
        key = typed_key or self.licence_key()
        hosts = settings.split_list(values.token_hosts)
        return Licence(values.licence_number, key, values.scope, hosts) if key else None

    def key_saved(self) -> bool | None:
        """Return whether the licence key is saved, None without a vault."""
        from iea_agent.host.vault import VaultUnavailable

        try:
            return self.licence_key() is not None
        except VaultUnavailable:
            return None

    def password_proxy(self) -> str | None:
        """Return the proxy whose password is saved, "" for none, None without a vault."""
        from iea_agent.host.vault import VaultUnavailable

        try:
            password = self.proxy_password()
        except VaultUnavailable:
            return None
        return "" if password is None else password.proxy

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None = None
    ) -> None:
        """Save new secrets and *changes* of settings (by dotted name): all or nothing.

        A secret that is None or empty stays as it was. The proxy's password is saved with the
        proxy that the settings name. An empty ``proxy.user`` also deletes it. Raises
        ``RefusedError``.
        """
        forgets = "proxy.user" in changes and not changes["proxy.user"]
        secrets: dict[str, str | None] = {settings.PROXY_PASSWORD: None} if forgets else {}
        given = {settings.LICENCE_KEY: licence_key, settings.PROXY_PASSWORD: proxy_password}
        secrets |= {name: secret for name, secret in given.items() if secret}
        values = self.storage.judge(changes)
        self.saving.save(values, secrets, self._name_proxy(values) if proxy_password else "")

    def _name_proxy(self, changes: Mapping[str, object]) -> str:
        """Return the proxy that judged *changes* lead to. Raises ``RefusedError``."""
        # imported here: most processes refuse nothing, and the import takes a tenth of a command's time
        from iea_agent.domain import refusals
        from iea_agent.domain.refusals import RefusedError

        declared = ((settings.DECLARATIONS[name], value) for name, value in changes.items())
        values = {declaration.attribute: declaration.check(value) for declaration, value in declared}
        wanted = self.storage.load().effective.settings.with_values(values)
        proxy = find_named_proxy(wanted, self.proxies)
        if not proxy:
            raise RefusedError(refusals.ProxyAddressMissing(settings.PROXY_PASSWORD))
        return proxy


def find_named_proxy(values: Settings, proxies: SystemProxies) -> str:
    """Return the proxy that *values* or the system's fixed setting name, "" for none."""
    from iea_agent.domain import addresses

    if values.proxy_address:
        return values.proxy_address
    try:
        proxy = proxies.find_fixed(addresses.parse(values.authentication))
    except addresses.AddressError:
        return ""
    return "" if proxy is None else str(proxy)
