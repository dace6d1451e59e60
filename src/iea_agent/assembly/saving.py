"""Saving of settings and secrets: both are saved, or neither.

The settings are in a file and the secrets in the vault, and a process may be killed between any two
writes. So, once everything has been judged:

1. The new secrets are written to the vault beside the present ones.
2. A record says which they are, and the digest that the settings file will have. It holds no secret.
3. The settings file is replaced. From this moment on the change counts; before, it does not.
4. The new secrets replace the present ones; what 1 and 2 have made is deleted.

If a record is there at the next use, the digest says what remains to be done: 4, or to delete what 1 and
2 have made. If the settings file does not change, the record itself is the moment.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from iea_agent.domain import problems, refusals, settings
from iea_agent.domain.proxy_password import ProxyPassword
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.state_values import parse_list
from iea_agent.host.state_files import StorageError
from iea_agent.host.vault import SecretLengthError, VaultUnavailable, check_length

if TYPE_CHECKING:
    from iea_agent.host.storage import Storage
    from iea_agent.host.vault import Vault

log = logging.getLogger(__name__)

STATE = "saving"
"""Name of the state file with the record."""

ACCOUNTS: Mapping[str, str] = {
    settings.LICENCE_KEY: "licence-key",
    settings.PROXY_PASSWORD: "proxy-password",
}
"""The account of each secret in the vault."""

Secrets = Mapping[str, "str | None"]
"""New secrets by account; None deletes one."""


@dataclass(frozen=True, slots=True)
class SavingRecord:
    """A change under way: accounts to *write* and *delete*, the settings' *digest*."""

    digest: str
    write: tuple[str, ...]
    delete: tuple[str, ...]


def parse_record(document: Mapping[str, object]) -> SavingRecord:
    """Parse a saved *document*. Raises ``ValueError``."""
    write, delete = (
        tuple(
            account for account in ACCOUNTS.values() if account in parse_list(document, name, len(ACCOUNTS))
        )
        for name in ("write", "delete")
    )
    return SavingRecord(str(document.get("digest")), write, delete)


class Saving:
    """The settings file and the vault of one installation, changed together."""

    def __init__(self, storage: Storage, vault: Vault) -> None:
        self._storage = storage
        self._vault = vault

    def save(self, values: Mapping[str, object], secrets: Mapping[str, str | None], proxy: str = "") -> None:
        """Save *values* of settings and *secrets*, both by dotted name; None deletes.

        The values are those that ``Storage.judge`` returns. The proxy's password is saved with the address
        *proxy*. Raises ``RefusedError``; the settings and the secrets are then as they were.
        """
        accounts = {ACCOUNTS[name]: _judge_secret(name, secret, proxy) for name, secret in secrets.items()}
        try:
            with self._storage.lock_settings():
                self._finish()
                self._replace(self._storage.read_settings(), values, accounts)
                if accounts:
                    self._storage.touch_settings()
        except VaultUnavailable as error:
            raise RefusedError(refusals.ProblemMet(problems.VAULT_UNAVAILABLE.code)) from error
        except StorageError as error:
            reason = type(error.__cause__).__name__
            raise RefusedError(refusals.SettingsNotWritten(str(error.path), reason)) from error

    def read_secret(self, name: str) -> str | None:
        """Return the secret *name*, None if there is none. Raises ``VaultUnavailable``."""
        account = ACCOUNTS[name]
        if self._storage.has_state(STATE):
            # another process that is saving keeps the lock; one that was killed does not
            try:
                with self._storage.lock_settings():
                    self._finish()
            except (RefusedError, StorageError, VaultUnavailable) as error:
                log.warning("saving not finished", extra={"fields": {"error": type(error).__name__}})
                return self._read_unfinished(account)
        return self._vault.read_secret(account)

    def _replace(self, before: bytes | None, values: Mapping[str, object], secrets: Secrets) -> None:
        """Save *values* and *secrets* in place of *before* and of the present secrets."""
        data = self._storage.compose(values) if values else before
        old = {account: self._vault.read_secret(account) for account in secrets}
        secrets = {account: secret for account, secret in secrets.items() if secret != old[account]}
        if data == before and len(secrets) == 1:
            # one write needs no record
            self._write(secrets)
            return
        if secrets:
            record = SavingRecord(
                _compute_digest(data),
                tuple(account for account, secret in secrets.items() if secret is not None),
                tuple(account for account, secret in secrets.items() if secret is None),
            )
            try:
                self._write({_beside(account): secrets[account] for account in record.write})
                self._storage.write_state(STATE, asdict(record))
            except (VaultUnavailable, StorageError):
                self._clear(record)
                raise
        if data != before:
            try:
                self._storage.write_settings(data)
            except RefusedError:
                if secrets:
                    self._clear(record)
                raise
        if secrets:
            self._apply(record, secrets, old, before)

    def _apply(self, record: SavingRecord, secrets: Secrets, old: Secrets, before: bytes | None) -> None:
        """Replace the *old* secrets; if the vault refuses, undo everything and raise."""
        try:
            self._write(secrets)
        except VaultUnavailable:
            try:
                self._write({account: old[account] for account in secrets})
                if _compute_digest(before) != record.digest:
                    self._storage.write_settings(before)
                # if this process is killed now, the next use only deletes what is left beside
                self._storage.write_state(STATE, asdict(replace(record, digest="")))
            except (VaultUnavailable, StorageError, RefusedError) as error:
                if self._counts(record):
                    # the next use of a secret finishes it
                    log.warning("saving not finished", extra={"fields": {"error": type(error).__name__}})
                    return
            self._clear(record)
            raise
        self._clear(record)

    def _write(self, secrets: Secrets) -> None:
        for account, secret in secrets.items():
            if secret is None:
                self._vault.delete_secret(account)
            else:
                self._vault.write_secret(account, secret)

    def _clear(self, record: SavingRecord) -> None:
        """Delete what a change has made beside the present secrets, then its *record*."""
        with suppress(VaultUnavailable, StorageError):
            self._write(dict.fromkeys(map(_beside, record.write)))
            self._storage.delete_state(STATE)

    def _finish(self) -> None:
        """Finish a change that was cut off, or forget it.

        Raises ``VaultUnavailable`` and ``StorageError``; what it means for the secrets then stays the same.
        """
        record = self._storage.read_state(STATE, parse_record)
        if record is None:
            return
        if self._counts(record):
            for account in record.write:
                # without one, it has replaced the present one already
                if (secret := self._vault.read_secret(_beside(account))) is not None:
                    self._vault.write_secret(account, secret)
            self._write(dict.fromkeys(record.delete))
        self._write(dict.fromkeys(map(_beside, record.write)))
        self._storage.delete_state(STATE)

    def _counts(self, record: SavingRecord) -> bool:
        return _compute_digest(self._storage.read_settings()) == record.digest

    def _read_unfinished(self, account: str) -> str | None:
        """Return the secret of *account* while a change cannot be finished."""
        try:
            record = self._storage.read_state(STATE, parse_record)
        except StorageError as error:
            raise VaultUnavailable from error
        if record is not None and self._counts(record):
            if account in record.delete:
                return None
            if account in record.write and (secret := self._vault.read_secret(_beside(account))) is not None:
                return secret
        return self._vault.read_secret(account)


def list_accounts() -> list[str]:
    """Return all accounts of secrets, with those of an unfinished change."""
    return [each for account in ACCOUNTS.values() for each in (account, _beside(account))]


def _judge_secret(name: str, secret: str | None, proxy: str) -> str | None:
    """Return *secret* as it is saved. Raises ``RefusedError`` if it cannot be."""
    if secret is None:
        return None
    try:
        checked = settings.check_secret(name, secret)
        if not checked:
            raise RefusedError(refusals.SecretMissing(name))
        if name == settings.PROXY_PASSWORD:
            checked = ProxyPassword(proxy, checked).to_secret()
        check_length(checked)
    except SecretLengthError as error:
        raise RefusedError(refusals.SecretTooLong(name)) from error
    except ValueError as error:
        raise RefusedError(refusals.SecretUnreadable(name)) from error
    return checked


def _beside(account: str) -> str:
    """Return the account of a new secret that does not count yet."""
    return f"{account}.new"


def _compute_digest(data: bytes | None) -> str:
    return hashlib.sha256(data or b"").hexdigest()
