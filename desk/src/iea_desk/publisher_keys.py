"""The publisher's keys: in a private file or a token, each with a public file.

``marie.json`` is public: name, key and where the private half is. ``marie.pem`` is private (PKCS #8), encrypted if wanted. securesystemslib makes the
keys and signs; a key in a token (PKCS #11) never leaves it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

# the library lacks __all__
from securesystemslib.signer import (  # type: ignore[attr-defined]
    CryptoSigner,
    HSMSigner,
    Key,
    Signer,
    SSlibKey,
)

from iea_agent.domain.exit_codes import REFUSED
from iea_desk.key_store import load_private_text, save_file
from iea_desk.keys import DeskError
from iea_desk.signed_folder import write_durably

OWNER = "x-iea-owner"
"""The field of a key in the root that names its owner."""
SHORTEST_PASSPHRASE = 12
_LARGEST = 10_000
_NAME = "[a-z0-9][a-z0-9-]{0,39}"
_GENERATE = {"ed25519": CryptoSigner.generate_ed25519, "ecdsa": CryptoSigner.generate_ecdsa}
KEY_TYPES = tuple(_GENERATE)

AskSecret = Callable[[str], str]
"""Asks a person for what the text names, a passphrase or a PIN."""


@dataclass(frozen=True, slots=True)
class NamedKey:
    """The public half of a key, its *name*, and where the private half is."""

    name: str
    key: SSlibKey
    uri: str

    def to_text(self) -> str:
        """Return the text of its public file."""
        document = {"name": self.name, "keyid": self.key.keyid, "key": self.key.to_dict(), "uri": self.uri}
        return json.dumps(document, indent=2) + "\n"


def create_key(folder: Path, name: str, key_type: str, passphrase: str | None = None) -> NamedKey:
    """Make a key called *name* in *folder*, never twice. Raises ``DeskError``."""
    _check_new(folder, name)
    if passphrase is not None and len(passphrase) < SHORTEST_PASSPHRASE:
        raise DeskError(
            f"La phrase secrète est trop courte : {SHORTEST_PASSPHRASE} caractères au moins. Rien n’est écrit.",
            REFUSED,
        )
    signer = _GENERATE[key_type]()
    pem = signer.private_bytes
    if passphrase is not None:
        pem = load_pem_private_key(pem, None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase.encode())
        )
    folder.mkdir(parents=True, exist_ok=True)
    save_file(folder / f"{name}.pem", pem.decode())
    return _save_public(folder, NamedKey(name, _name_owner(signer.public_key, name), f"file2:{name}.pem"))


def register_token(
    folder: Path, name: str, number: int | None, label: str | None, ask: AskSecret
) -> NamedKey:
    """Write the public file of a key that is in a token. Raises ``DeskError``."""
    _check_new(folder, name)
    try:
        uri, key = HSMSigner.import_(number, label, ask)
    except DeskError:
        raise
    # the token's library has errors of its own, which are not there without it
    except Exception as error:  # noqa: BLE001
        raise _refuse_token(error) from None
    folder.mkdir(parents=True, exist_ok=True)
    return _save_public(folder, NamedKey(name, _name_owner(key, name), uri))


def _refuse_token(error: Exception) -> DeskError:
    # a wrong PIN, for example, has a name and no text
    reason = str(error) or type(error).__name__
    return DeskError(
        f"Le jeton ne signe pas : {reason}. Rien n’est signé.\n"
        "Il faut son code, iea-desk[token], la variable PYKCS11LIB avec le chemin de sa bibliothèque PKCS #11, "
        "et une clé ECDSA P-256 ou P-384 dans ce jeton."
    )


def _check_new(folder: Path, name: str) -> None:
    if not re.fullmatch(_NAME, name):
        raise DeskError(
            f"« {name} » ne peut pas nommer une clé : des minuscules, des chiffres et des tirets.", REFUSED
        )
    for file in (folder / f"{name}.json", folder / f"{name}.pem"):
        if file.exists():
            raise DeskError(f"{file} existe déjà et n’est pas écrasé.", REFUSED)


def _name_owner(key: SSlibKey, name: str) -> SSlibKey:
    key.unrecognized_fields[OWNER] = name
    return key


def _save_public(folder: Path, key: NamedKey) -> NamedKey:
    write_durably(folder / f"{key.name}.json", key.to_text().encode())
    return key


def load_key(folder: Path, name: str) -> NamedKey:
    """Return the public half of the key *name*. Raises ``DeskError``."""
    file = folder / f"{name}.json"
    if not re.fullmatch(_NAME, name) or not file.is_file():
        raise DeskError(
            f"Il n’y a pas de clé « {name} » dans {folder}. Créez-la (iea-desk publish key {name}), "
            f"ou copiez-y le fichier public {name}.json de la personne qui l’a."
        )
    return _parse_public(file)


def _parse_public(file: Path) -> NamedKey:
    try:
        with open(file, "rb") as source:
            document = json.loads(source.read(_LARGEST))
        key = Key.from_dict(document["keyid"], document["key"])
        if not isinstance(key, SSlibKey) or not isinstance(document["uri"], str):
            raise TypeError
        return NamedKey(str(document["name"]), key, document["uri"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DeskError(f"{file} n’est pas le fichier public d’une clé.", REFUSED) from None


def load_signers(folder: Path, keyids: Collection[str], ask: AskSecret) -> list[Signer]:
    """Return a signer for each private key in *folder* that is one of *keyids*.

    A public file without its private half is somebody else's key. Raises ``DeskError``.
    """
    return list(_iterate_signers(folder, keyids, ask))


def _iterate_signers(folder: Path, keyids: Collection[str], ask: AskSecret) -> Iterator[Signer]:
    for file in sorted(folder.glob("*.json")):
        key = _parse_public(file)
        if key.key.keyid not in keyids:
            continue
        if key.uri.startswith(f"{HSMSigner.SCHEME}:"):
            yield _TokenSigner(key, ask)
        elif (private := file.with_suffix(".pem")).exists():
            yield CryptoSigner(_load_private(private, key.name, ask), key.key)


def _load_private(file: Path, name: str, ask: AskSecret) -> Any:
    data = load_private_text(file).encode()
    try:
        try:
            return load_pem_private_key(data, None)
        except TypeError:
            return load_pem_private_key(data, ask(f"Phrase secrète de la clé « {name} »").encode())
    except ValueError:
        raise DeskError(
            f"La phrase secrète n’ouvre pas {file}, ou ce fichier n’est pas une clé. Rien n’est signé.",
            REFUSED,
        ) from None


class _TokenSigner(Signer):
    """A key in a token, whose errors are sentences; the PIN is asked for once."""

    def __init__(self, key: NamedKey, ask: AskSecret) -> None:
        self._key = key
        self._pin: str | None = None
        self._ask = ask

    @property
    def public_key(self) -> SSlibKey:
        """The public half."""
        return self._key.key

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: AskSecret | None = None
    ) -> Signer:
        """Make a signer of securesystemslib's own."""
        return HSMSigner.from_priv_key_uri(priv_key_uri, public_key, secrets_handler)

    def sign(self, payload: bytes) -> Any:
        """Sign in the token. Raises ``DeskError``."""
        try:
            return Signer.from_priv_key_uri(self._key.uri, self._key.key, self._ask_once).sign(payload)
        except DeskError:
            raise
        # the token's library has errors of its own, which are not there without it
        except Exception as error:  # noqa: BLE001
            raise _refuse_token(error) from None

    def _ask_once(self, what: str) -> str:
        if self._pin is None:
            self._pin = self._ask(f"Code ({what}) du jeton de la clé « {self._key.name} »")
        return self._pin


def name_key(key: Key) -> str:
    """Return who has *key*, as a person calls it."""
    return str(key.unrecognized_fields.get(OWNER) or key.keyid[:8])
