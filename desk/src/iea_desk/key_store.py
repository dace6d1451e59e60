"""The place of the desk's keys: a private file, or the system's vault."""

from __future__ import annotations

import os
from pathlib import Path

from iea_agent.domain.exit_codes import REFUSED
from iea_agent.host.vault import SecretLengthError, SystemVault, Vault, VaultUnavailable
from iea_desk.keys import DeskError, KeyRing, MonthKeys, parse_keys
from iea_desk.private_files import NeverPrivate, NotPrivate, read_private, write_private

ACCOUNT = "master-keys"


def open_desk_vault() -> Vault:
    """Return the vault of the desk; tests name another with ``IEA_DESK_VAULT``."""
    return SystemVault(os.environ.get("IEA_DESK_VAULT") or "IEA Desk")


def load_keys(key_file: Path | None) -> KeyRing | MonthKeys:
    """Return the keys in *key_file*, or those in the vault. Raises ``DeskError``."""
    text = _read_vault() if key_file is None else load_private_text(key_file)
    if text is None:
        raise DeskError(
            "Il n’y a pas de clé dans le coffre-fort du système. Indiquez un fichier avec --key-file, ou créez une clé avec iea-desk init."
        )
    return parse_keys(text)


def load_ring(key_file: Path | None) -> KeyRing:
    """Return the master keys; month keys are refused. Raises ``DeskError``."""
    keys = load_keys(key_file)
    if isinstance(keys, MonthKeys):
        raise DeskError("Cette commande demande la clé maîtresse, et non une clé du mois.", REFUSED)
    return keys


def save_ring(ring: KeyRing, key_file: Path | None, replace: bool) -> None:
    """Write *ring*, overwrite only to *replace*. Raises ``DeskError``, ``OSError``."""
    if key_file is not None:
        save_file(key_file, ring.to_text() + "\n", replace)
        return
    if not replace and _read_vault() is not None:
        raise DeskError("Le coffre-fort contient déjà une clé maîtresse, qui n’est pas écrasée.", REFUSED)
    try:
        open_desk_vault().write_secret(ACCOUNT, ring.to_text())
    except VaultUnavailable:
        raise DeskError("Le coffre-fort du système n’a pas gardé la clé.") from None
    except SecretLengthError:
        raise DeskError(
            "Le trousseau est trop long pour le coffre-fort. Utilisez un fichier avec --key-file."
        ) from None


def save_file(path: Path, text: str, replace: bool = False) -> None:
    """Write *text* to a private file. Raises ``DeskError``, ``OSError``."""
    try:
        write_private(path, text, replace)
    except FileExistsError:
        raise DeskError(f"{path} existe déjà et n’est pas écrasé.", REFUSED) from None
    except NeverPrivate as error:
        raise DeskError(
            f"Rien n’est écrit : dans {error}, un fichier ne peut pas être réservé à vous seul. C’est le cas d’une clé USB en FAT ou exFAT.\n"
            "Choisissez un dossier de votre disque, ou formatez la clé USB en NTFS (sous Windows) ou en ext4 (sous Linux).",
            REFUSED,
        ) from None


def load_private_text(path: Path) -> str:
    """Return the text of a private file. Raises ``DeskError``."""
    try:
        return read_private(path)
    except NotPrivate as error:
        raise DeskError(
            f"D’autres personnes peuvent lire {path} : il n’est pas utilisé. Pour le réserver à vous seul :\n"
            f"  {error}\n"
            f"Sur une clé USB en FAT ou exFAT, cette commande est sans effet : déplacez d’abord le fichier.\n"
            f"Si quelqu’un a pu le lire, remplacez la clé (iea-desk rotate, ou iea-desk publish rotate pour une clé du dépôt).",
            REFUSED,
        ) from None
    except FileNotFoundError:
        raise DeskError(f"Il n’y a pas de fichier {path}.") from None
    except ValueError:
        raise DeskError(f"{path} n’est pas un fichier de clés.") from None


def _read_vault() -> str | None:
    try:
        return open_desk_vault().read_secret(ACCOUNT)
    except VaultUnavailable:
        raise DeskError(
            "Le coffre-fort du système ne répond pas ou n’existe pas. Utilisez un fichier avec --key-file."
        ) from None
