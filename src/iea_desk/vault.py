"""The ring of master keys in the system's vault: Windows' Credential Manager or the Secret Service, each named outright, never a plain file."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

_SERVICE = "IEA Desk"
_ACCOUNT = "master-keys"
_LONGEST = 1280  # UTF-16 units: the most that Windows keeps a credential (wincred.h)


class VaultUnavailable(Exception):
    """There is no vault here, or it is locked; the system's own exception is the cause."""


def read_vault() -> str | None:
    """What is kept, None where there is nothing. Raises ``VaultUnavailable``."""
    with _opened() as backend:
        return backend.get_password(_service(), _ACCOUNT)


def write_vault(text: str) -> None:
    """Keep *text* in place of what was there. Raises ``VaultUnavailable``, ``ValueError`` where it is too long for Windows."""
    if len(text) > _LONGEST:
        raise ValueError("too long for the vault")
    with _opened() as backend:
        backend.set_password(_service(), _ACCOUNT, text)


def _service() -> str:
    """Tests keep theirs apart."""
    return os.environ.get("IEA_DESK_VAULT") or _SERVICE


if sys.platform == "win32":

    @contextmanager
    def _opened() -> Iterator[KeyringBackend]:
        from keyring.backends.Windows import WinVaultKeyring
        from win32ctypes.pywin32 import pywintypes

        backend = WinVaultKeyring()  # type: ignore[no-untyped-call]
        backend.persist = "local machine"
        try:
            yield backend
        except (pywintypes.error, OSError) as error:
            raise VaultUnavailable from error

else:

    @contextmanager
    def _opened() -> Iterator[KeyringBackend]:
        import jeepney  # type: ignore[import-untyped]
        import secretstorage
        from keyring.backends.SecretService import Keyring
        from keyring.errors import KeyringError

        try:
            yield Keyring()  # type: ignore[no-untyped-call]
        except (
            KeyringError,
            secretstorage.SecretStorageException,
            jeepney.DBusErrorResponse,
            OSError,
        ) as error:
            raise VaultUnavailable from error
