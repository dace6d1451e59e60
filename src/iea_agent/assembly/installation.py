"""One installation of the agent: its folders, files, settings, vault and licence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import problems, settings
from iea_agent.domain.settings import Settings
from iea_agent.host import Host, current_host
from iea_agent.host.storage import Folders, Storage

if TYPE_CHECKING:
    from iea_agent.domain.person_requests import Abilities
    from iea_agent.host.vault import Vault
    from iea_agent.services.authentication import Licence

ASSISTANCE = "assistance"
"""Name of the state file of assistance mode."""

REGISTER_FILE = "register.json"
ROOT_FILE = "root.json"

LICENCE_KEY, PROXY_PASSWORD = "licence-key", "proxy-password"
"""Accounts of the secrets in the vault; the proxy's user is the setting ``proxy.user``."""


@dataclass(frozen=True)
class Installation:
    """Folders, storage and vault of one installation; opens nothing before it is used."""

    folders: Folders
    storage: Storage

    @classmethod
    def locate(cls, environment: Mapping[str, str]) -> Installation:
        """Return the installation that *environment* points to."""
        folders = Folders.locate(environment)
        return cls(folders, Storage(folders))

    @cached_property
    def host(self) -> Host:
        """The operating system's services."""
        return current_host()

    @cached_property
    def vault(self) -> Vault:
        """The system's vault for the licence key and the proxy's password."""
        from iea_agent.host.vault import SystemVault

        return SystemVault(self.folders.name)

    @property
    def channel_key_file(self) -> Path:
        """The file with the key of the channel; only the user can read it."""
        return self.folders.state / "channel.key"

    @property
    def journal_file(self) -> Path:
        """The journal of assistance mode."""
        return self.folders.state / "journal.jsonl"

    def register_files(self) -> tuple[Path, ...]:
        """Return the possible registers: the installed one, then that of the updates."""
        return self.folders.policy / REGISTER_FILE, self.folders.state / REGISTER_FILE

    @property
    def root_file(self) -> Path:
        """The trust root of the updates; without it no signature can be checked."""
        return self.folders.policy / ROOT_FILE

    @property
    def updates_folder(self) -> Path:
        """The folder of the update metadata trusted last, and of their lock."""
        return self.folders.state / "updates"

    def abilities(self, values: Settings) -> Abilities:
        """Return what this installation can do beyond its connection."""
        from iea_agent.domain.person_requests import Abilities

        return Abilities(support=True, program=bool(values.program))

    def assistance_since(self) -> float | None:
        """Return when assistance mode began, None if off. Raises ``StorageError``."""
        since = self.storage.read_state(ASSISTANCE).get("since")
        return float(since) if isinstance(since, (int, float)) else None

    def keep_assistance(self, since: float | None) -> None:
        """Save when assistance mode began, None for off. Raises ``StorageError``."""
        self.storage.write_state(ASSISTANCE, {"since": since})

    def licence_key(self) -> str | None:
        """Return the key in the vault, if any. Raises ``VaultUnavailable``."""
        return self.vault.read_secret(LICENCE_KEY)

    def licence(self, values: Settings, typed_key: str | None = None) -> Licence | None:
        """Return the licence with number and scope of *values*, None if incomplete.

        The key is *typed_key* or the one in the vault. Raises ``VaultUnavailable``.
        """
        from iea_agent.services.authentication import Licence

        if not values.licence_number:
            return None
        key = typed_key or self.licence_key()
        return Licence(values.licence_number, key, values.scope) if key else None

    def key_saved(self) -> bool | None:
        """Return whether the licence key is saved, None without a vault."""
        return self._is_saved(LICENCE_KEY)

    def proxy_password_saved(self) -> bool | None:
        """Return whether the proxy's password is saved, None without a vault."""
        return self._is_saved(PROXY_PASSWORD)

    def _is_saved(self, name: str) -> bool | None:
        from iea_agent.host.vault import VaultUnavailable

        try:
            return self.vault.read_secret(name) is not None
        except VaultUnavailable:
            return None

    def save(
        self, changes: Mapping[str, object], licence_key: str | None, proxy_password: str | None = None
    ) -> None:
        """Save new secrets and *changes* of settings (by dotted name).

        A secret that is None or empty stays as it was. An empty ``proxy.user`` also
        deletes the proxy's password. Raises ``RefusedError``.
        """
        from iea_agent.domain.refusals import ProblemMet, RefusedError
        from iea_agent.host.vault import VaultUnavailable

        try:
            self._write_secret(settings.LICENCE_KEY, LICENCE_KEY, licence_key)
            self._write_secret(settings.PROXY_PASSWORD, PROXY_PASSWORD, proxy_password)
            if changes:
                self.storage.save(changes)
            if "proxy.user" in changes and not changes["proxy.user"]:
                self.vault.delete_secret(PROXY_PASSWORD)
        except VaultUnavailable as error:
            raise RefusedError(ProblemMet(problems.VAULT_UNAVAILABLE.code)) from error

    def _write_secret(self, name: str, account: str, secret: str | None) -> None:
        from iea_agent.domain.refusals import RefusedError, SecretTooLong
        from iea_agent.host.vault import SecretLengthError

        if secret:
            try:
                self.vault.write_secret(account, secret)
            except SecretLengthError as error:
                raise RefusedError(SecretTooLong(name)) from error
