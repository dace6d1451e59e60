"""The licence key in the system's vault: Windows' Credential Manager, the Secret Service on Linux, or an honest refusal. Never a file.

keyring is the door to both, each backend named outright: a search for backends could settle on a plain-text one. Reading on Windows is the one
exception. The tray process reads the key once and stays for days; importing keyring for that costs it 4.4 MB and 0.2 to 1 s, asking Windows
directly for the credential that keyring has written costs nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_T = TypeVar("_T")

LONGEST = 1280  # UTF-16 units: CRED_MAX_CREDENTIAL_BLOB_SIZE, 5 × 512 bytes (wincred.h)


class VaultUnavailable(Exception):
    """The system has no vault, or it is locked or does not answer; the system's own exception is the cause."""


class SecretTooLong(ValueError):
    """Windows keeps at most ``LONGEST`` UTF-16 units a secret; the same limit holds everywhere."""


class Vault(Protocol):
    """Secrets by account. Every call may wait for the person to unlock the vault: never on a thread that draws."""

    def read(self, account: str) -> str | None:
        """The secret of *account*, None where there is none. Raises ``VaultUnavailable``."""
        ...

    def write(self, account: str, secret: str) -> None:
        """Keep *secret* for *account*, in place of the one before. Raises ``VaultUnavailable``, ``SecretTooLong``, ``ValueError`` for an empty one."""
        ...

    def delete(self, account: str) -> None:
        """Forget *account*; nothing happens where there is nothing. Raises ``VaultUnavailable``."""
        ...


def here(service: str) -> Vault:
    """The vault of this system for *service* (``storage.Folders.name``). Nothing is loaded or opened before the first call of it."""
    if sys.platform == "win32":
        return CredentialManager(service)
    else:  # noqa: RET505 mypy needs it to leave the other system's out
        return SecretService(service)


def _check(secret: str) -> None:
    if not secret:
        raise ValueError("an empty secret")
    if len(secret.encode("utf-16-le")) > 2 * LONGEST:
        raise SecretTooLong(f"more than {LONGEST} UTF-16 units")


if sys.platform == "win32":
    import ctypes
    from ctypes import wintypes

    _CRED_TYPE_GENERIC = 1
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

    class CredentialManager:
        """Windows' vault: one generic credential an account, kept on this machine (not roaming with the profile)."""

        def __init__(self, service: str) -> None:
            self._service = service

        def read(self, account: str) -> str | None:
            """See ``Vault.read``. What keyring wrote: UTF-16 in the credential's blob."""
            library = ctypes.WinDLL("advapi32", use_last_error=True)
            found = ctypes.POINTER(_Credential)()
            if not library.CredReadW(
                ctypes.c_wchar_p(self._target(account)), _CRED_TYPE_GENERIC, 0, ctypes.byref(found)
            ):
                error = ctypes.get_last_error()
                if error == _ERROR_NOT_FOUND:
                    return None
                raise VaultUnavailable from ctypes.WinError(error)
            try:
                return ctypes.string_at(
                    found.contents.CredentialBlob, found.contents.CredentialBlobSize
                ).decode("utf-16-le")
            except UnicodeDecodeError as error:  # somebody else's hand
                raise VaultUnavailable from error
            finally:
                library.CredFree(found)

        def write(self, account: str, secret: str) -> None:
            """See ``Vault.write``."""
            _check(secret)
            from win32ctypes.pywin32 import pywintypes

            try:
                self._keyring().set_password(self._target(account), account, secret)
            except (pywintypes.error, OSError) as error:
                raise VaultUnavailable from error
            self._delete(f"{account}@{self._target(account)}", account)

        def delete(self, account: str) -> None:
            """See ``Vault.delete``."""
            self._delete(self._target(account), account)

        def _target(self, account: str) -> str:
            """A target of its own for each account: keyring moves credentials about when two share one."""
            return f"{self._service}/{account}"

        def _keyring(self) -> KeyringBackend:
            from keyring.backends.Windows import WinVaultKeyring

            keyring = WinVaultKeyring()  # type: ignore[no-untyped-call]
            keyring.persist = "local machine"
            return keyring

        def _delete(self, target: str, account: str) -> None:
            """Delete the credential named *target*, and the one that keyring makes of the secret it replaces (``account@target``)."""
            from keyring.errors import PasswordDeleteError
            from win32ctypes.pywin32 import pywintypes

            try:
                self._keyring().delete_password(target, account)
            except PasswordDeleteError:
                return  # there was none
            except (pywintypes.error, OSError) as error:
                raise VaultUnavailable from error

else:

    class SecretService:
        """The desktop's vault (GNOME Keyring, KWallet, KeePassXC) over D-Bus."""

        def __init__(self, service: str) -> None:
            self._service = service

        def read(self, account: str) -> str | None:
            """See ``Vault.read``."""
            return _ask(lambda keyring: keyring.get_password(self._service, account))

        def write(self, account: str, secret: str) -> None:
            """See ``Vault.write``."""
            _check(secret)
            _ask(lambda keyring: keyring.set_password(self._service, account, secret))

        def delete(self, account: str) -> None:
            """See ``Vault.delete``."""
            from keyring.errors import PasswordDeleteError

            with suppress(PasswordDeleteError):  # there was none
                _ask(lambda keyring: keyring.delete_password(self._service, account))

    def _ask(question: Callable[[KeyringBackend], _T]) -> _T:
        """The Secret Service's answer; whatever keeps it from answering becomes ``VaultUnavailable``."""
        import jeepney  # type: ignore[import-untyped]
        import secretstorage
        from keyring.backends.SecretService import Keyring
        from keyring.errors import KeyringError, PasswordDeleteError

        try:
            return question(Keyring())  # type: ignore[no-untyped-call]
        except PasswordDeleteError:
            raise
        except (
            KeyringError,
            secretstorage.SecretStorageException,
            jeepney.DBusErrorResponse,
            OSError,
        ) as error:
            raise VaultUnavailable from error
