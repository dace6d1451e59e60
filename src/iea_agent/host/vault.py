"""Secrets in the system's vault (Windows' Credential Manager, the Secret Service).

The agent and the desk share this module. Each backend of keyring is named outright, as
a search for backends could choose one that writes plain text; without a vault every
call raises ``VaultUnavailable``, and no secret ever goes to a file.

On Windows its functions are called directly: the tray process stays for days, and importing
keyring would cost it 4.4 MB and 0.2 to 1 s.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_T = TypeVar("_T")

LONGEST = 1280
"""UTF-16 units of a secret: CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 × 512 bytes (wincred.h)."""


class VaultUnavailable(Exception):
    """The system has no vault, or it is locked or silent; the cause says why."""


class SecretLengthError(ValueError):
    """A secret of more than ``LONGEST`` UTF-16 units; the limit holds on every system."""


class Vault(Protocol):
    """The secrets of one service, by account.

    Every call may wait until the person unlocks the vault: never on a thread that draws.
    Every call may raise ``VaultUnavailable``.
    """

    def read_secret(self, account: str) -> str | None:
        """Return the secret of *account*, None if there is none."""

    def write_secret(self, account: str, secret: str) -> None:
        """Replace the secret of *account*. Raises ``SecretLengthError``, ``ValueError``."""

    def delete_secret(self, account: str) -> None:
        """Delete the secret of *account* if there is one."""


class SystemVault:
    """The vault of this system; creating it loads and opens nothing yet.

    Windows stores its credentials on this machine only: they do not roam.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def read_secret(self, account: str) -> str | None:
        target = self._target(account)
        if sys.platform == "win32":
            secret = _read_credential(target)
        else:
            secret = _ask(lambda keyring: keyring.get_password(target, account))
        return secret

    def write_secret(self, account: str, secret: str) -> None:
        check_length(secret)
        target = self._target(account)
        if sys.platform == "win32":
            _write_credential(target, account, secret)
        else:
            _ask(lambda keyring: keyring.set_password(target, account, secret))

    def delete_secret(self, account: str) -> None:
        target = self._target(account)
        if sys.platform == "win32":
            _delete_credential(target)
        else:
            _delete(target, account)

    def _target(self, account: str) -> str:
        # on Windows keyring moves credentials if two accounts share a target
        return f"{self._service}/{account}" if sys.platform == "win32" else self._service


def check_length(secret: str) -> None:
    """Raise ``SecretLengthError`` or ``ValueError`` if no vault takes *secret*."""
    if not secret:
        raise ValueError("an empty secret")
    if len(secret.encode("utf-16-le")) > 2 * LONGEST:
        raise SecretLengthError(f"more than {LONGEST} UTF-16 units")


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _CRED_TYPE_GENERIC = 1
    _CRED_PERSIST_LOCAL_MACHINE = 2
    _ERROR_NOT_FOUND = 1168

    class _Credential(ctypes.Structure):  # CREDENTIALW, wincred.h
        _fields_ = (
            ("Flags", wintypes.DWORD),
            ("Type", wintypes.DWORD),
            ("TargetName", wintypes.LPWSTR),
            ("Comment", wintypes.LPWSTR),
            ("LastWritten", wintypes.FILETIME),
            ("CredentialBlobSize", wintypes.DWORD),
            ("CredentialBlob", ctypes.POINTER(ctypes.c_char)),
            ("Persist", wintypes.DWORD),
            ("AttributeCount", wintypes.DWORD),
            ("Attributes", wintypes.LPVOID),
            ("TargetAlias", wintypes.LPWSTR),
            ("UserName", wintypes.LPWSTR),
        )

    def _read_credential(target: str) -> str | None:
        library = ctypes.WinDLL("advapi32", use_last_error=True)
        credential = ctypes.POINTER(_Credential)()
        if not library.CredReadW(ctypes.c_wchar_p(target), _CRED_TYPE_GENERIC, 0, ctypes.byref(credential)):
            error = ctypes.get_last_error()
            if error == _ERROR_NOT_FOUND:
                return None
            raise VaultUnavailable from ctypes.WinError(error)
        blob, size = credential.contents.CredentialBlob, credential.contents.CredentialBlobSize
        try:
            # keyring writes UTF-16
            return ctypes.string_at(blob, size).decode("utf-16-le")
        except UnicodeDecodeError as error:
            raise VaultUnavailable from error
        finally:
            library.CredFree(credential)

    def _write_credential(target: str, account: str, secret: str) -> None:
        blob = secret.encode("utf-16-le")
        credential = _Credential(
            Type=_CRED_TYPE_GENERIC,
            TargetName=target,
            CredentialBlobSize=len(blob),
            CredentialBlob=ctypes.cast(ctypes.c_char_p(blob), ctypes.POINTER(ctypes.c_char)),
            Persist=_CRED_PERSIST_LOCAL_MACHINE,
            UserName=account,
        )
        library = ctypes.WinDLL("advapi32", use_last_error=True)
        if not library.CredWriteW(ctypes.byref(credential), 0):
            raise VaultUnavailable from ctypes.WinError(ctypes.get_last_error())

    def _delete_credential(target: str) -> None:
        library = ctypes.WinDLL("advapi32", use_last_error=True)
        if not library.CredDeleteW(ctypes.c_wchar_p(target), _CRED_TYPE_GENERIC, 0):
            error = ctypes.get_last_error()
            if error != _ERROR_NOT_FOUND:
                raise VaultUnavailable from ctypes.WinError(error)

else:

    def _delete(target: str, account: str) -> None:
        from keyring.errors import PasswordDeleteError

        with suppress(PasswordDeleteError):  # there was none
            _ask(lambda keyring: keyring.delete_password(target, account))

    def _ask(question: Callable[[KeyringBackend], _T]) -> _T:
        """Return keyring's answer to *question*."""
        import jeepney
        import secretstorage
        from keyring.backends.SecretService import Keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            return question(Keyring())
        except PasswordDeleteError:
            raise
        except (
            KeyringError,
            secretstorage.SecretStorageException,
            jeepney.DBusErrorResponse,
            OSError,
        ) as error:
            raise VaultUnavailable from error
