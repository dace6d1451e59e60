"""A repository and its draft: what a release manager changes, signs and publishes.

``site/`` is what goes online, ``brouillon/`` what is changed and not yet signed by all. The draft may travel to another PC, where an offline key signs it.
Nothing of it reaches ``site/`` before its signatures are complete.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import filelock
from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    Root,
    RootVerificationResult,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
    VerificationResult,
)

from iea_agent.domain.exit_codes import REFUSED
from iea_desk.keys import DeskError
from iea_desk.publisher_keys import NamedKey, name_key
from iea_desk.signed_folder import LIFETIMES, FolderError, SignedFolder, Write, write_durably

SITE, DRAFT = "site", "brouillon"
ONLINE = (Snapshot.type, Timestamp.type)
OFFLINE = (Root.type, Targets.type)
ROLE_WORDS = {
    Root.type: "la racine (root)",
    Targets.type: "la liste des fichiers (targets)",
    Snapshot.type: "l’instantané (snapshot)",
    Timestamp.type: "l’horodatage (timestamp)",
}
LOCK_SECONDS = 10.0


class Publication:
    """The repository below *folder*, with its draft, to be signed by *signers*."""

    def __init__(
        self,
        folder: Path,
        signers: Iterable[Signer] = (),
        *,
        now: datetime | None = None,
        write: Write = write_durably,
    ) -> None:
        self.folder = folder
        self._draft = folder / DRAFT
        self.signed = SignedFolder(folder / SITE, signers, now=now, write=write)
        self._load()

    @property
    def now(self) -> datetime:
        """The time that counts for signatures and for what has expired."""
        return self.signed.now

    @property
    def targets(self) -> Mapping[str, TargetFile]:
        """The files as the draft has them, by name."""
        return self.signed.targets().targets

    @property
    def keyids(self) -> set[str]:
        """The keys that may sign something here."""
        published = self.signed.find_published(Root.type)
        roots = [self.signed.root(), *([published.signed] if published else [])]
        return {keyid for root in roots for role in root.roles.values() for keyid in role.keyids}

    # the draft

    def _load(self) -> None:
        """Take up the draft. Raises ``DeskError`` if the repository has moved on."""
        for role in OFFLINE:
            file = self._draft / f"{role}.json"
            if not file.exists():
                continue
            data = file.read_bytes()
            published = self.signed.find_published(role)
            if published is not None and published.to_bytes() == data:
                # published, and then broken off
                continue
            metadata = _parse(file, data)
            if published is not None and metadata.signed.version <= published.signed.version:
                raise DeskError(
                    f"Le brouillon est périmé : la version {published.signed.version} de {ROLE_WORDS[role]} est déjà publiée. "
                    "Abandonnez-le (iea-desk publish discard), puis recommencez la modification.",
                    REFUSED,
                )
            self.signed.changed[role] = metadata
        places = (self._draft / "targets").rglob("*")
        for place in (each for each in places if each.is_file() and each.suffix != ".part"):
            self.signed.contents[place.relative_to(self._draft / "targets").as_posix()] = place

    def save(self) -> None:
        """Write the draft; files that no target names any more go."""
        self._draft.mkdir(parents=True, exist_ok=True)
        wanted = {name for target in self.targets.values() for name in target.get_prefixed_paths()}
        for name, content in self.signed.contents.items():
            place = self._draft / "targets" / name
            if name in wanted and not place.exists():
                write_durably(place, content)
            elif name not in wanted:
                place.unlink(missing_ok=True)
        for role in OFFLINE:
            if role in self.signed.changed:
                write_durably(self._draft / f"{role}.json", self.signed.changed[role].to_bytes())

    # what is changed

    def start(self, keys: Mapping[str, Sequence[NamedKey]], thresholds: Mapping[str, int]) -> None:
        """Draft the first root and an empty list of files. Raises ``DeskError``."""
        if self.signed.versions_of_root or self.signed.changed:
            raise DeskError(f"{self.folder} contient déjà un dépôt, qui n’est pas écrasé.", REFUSED)
        with self.signed.edit_root() as root:
            for role, named in keys.items():
                for each in named:
                    root.add_key(each.key, role)
                root.roles[role].threshold = thresholds.get(role, 1)
                _check_threshold(root, role)
        with self.signed.edit_targets():
            pass

    def demand_start(self) -> None:
        """Raise ``DeskError`` if there is no repository."""
        if not self.signed.versions_of_root and Root.type not in self.signed.changed:
            raise DeskError(
                f"Il n’y a pas de dépôt dans {self.folder}. Pour en créer un : iea-desk publish init."
            )

    def replace_keys(
        self, roles: Sequence[str], old: str, new: NamedKey | None, threshold: int | None
    ) -> None:
        """Draft a root in which *new* stands for the key named *old*; "" only adds.

        Raises ``DeskError`` if nobody has *old*, or too few keys would be left.
        """
        with self.signed.edit_root() as root:
            for role in roles:
                if old:
                    root.revoke_key(_find_owner(root, role, old), role)
                if new is not None:
                    root.add_key(new.key, role)
                if threshold is not None:
                    root.roles[role].threshold = threshold
                _check_threshold(root, role)

    def renew(self, role: str) -> None:
        """Draft the same again, with a new term."""
        with self.signed.edit(role):
            pass

    def put(self, name: str, content: bytes | Path, custom: Mapping[str, object] | None = None) -> bool:
        """Draft the file *name*; return whether it is another than before."""
        before = self.targets.get(name)
        if before is not None and custom is None and _has_content(before, content):
            return False
        self.signed.add_target(name, content, custom)
        return True

    def describe(self, name: str, custom: Mapping[str, object]) -> None:
        """Draft another description of the file *name*."""
        with self.signed.edit_targets() as targets:
            targets.targets[name].unrecognized_fields["custom"] = dict(custom)

    def remove(self, name: str) -> None:
        """Draft that the file *name* is no longer one of the repository."""
        with self.signed.edit_targets() as targets:
            del targets.targets[name]

    def read_target(self, name: str) -> bytes | None:
        """Return the content of the target *name*, drafted or published; None for none."""
        target = self.targets.get(name)
        if target is None:
            return None
        for prefixed in target.get_prefixed_paths():
            for place in (self._draft / "targets" / prefixed, self.signed.folder / "targets" / prefixed):
                if place.is_file():
                    return place.read_bytes()
        return None

    # signing

    def sign(self) -> list[tuple[str, Key]]:
        """Sign the draft with every key at hand; return what each has signed."""
        return [
            (role, key) for role in OFFLINE if role in self.signed.changed for key in self.signed.sign(role)
        ]

    def publish(self, *, renew: bool = False) -> list[str]:
        """Publish the draft; return the written files.

        Raises ``NotSigned``, ``DeskError``.
        """
        self._demand_term(OFFLINE)
        written = self.signed.publish(renew=renew)
        discard_draft(self.folder)
        return written

    def refresh(self, *, force: bool = False) -> list[str]:
        """Sign the snapshot and the timestamp again if half of their term is over.

        The draft is not touched. Returns the written files. Raises ``NotSigned``, ``DeskError``.
        """
        self.signed.changed.clear()
        self.signed.contents.clear()
        self._demand_term(OFFLINE)
        ends = self.list_ends()
        if not force and all(ends[role] - self.now > LIFETIMES[role] / 2 for role in ONLINE):
            return []
        return self.signed.publish(renew=True)

    def list_ends(self) -> dict[str, datetime]:
        """Return when each published role expires."""
        metadata = {role: self.signed.find_published(role) for role in LIFETIMES}
        return {role: each.signed.expires for role, each in metadata.items() if each is not None}

    def _demand_term(self, roles: Iterable[str]) -> None:
        for role in roles:
            metadata = self.signed.open(role)
            if metadata.signed.version and metadata.signed.is_expired(self.now):
                raise DeskError(
                    f"{ROLE_WORDS[role].capitalize()} a expiré le {metadata.signed.expires:%Y-%m-%d} : les postes la refusent. "
                    f"Renouvelez-la d’abord : iea-desk publish renew {role}, puis sign.",
                    REFUSED,
                )


def discard_draft(folder: Path) -> bool:
    """Throw the draft in *folder* away; return whether there was one."""
    was_there = (folder / DRAFT).exists()
    shutil.rmtree(folder / DRAFT, ignore_errors=True)
    return was_there


@contextmanager
def hold_folder(folder: Path, patience: float = LOCK_SECONDS) -> Iterator[None]:
    """Keep other commands out of *folder*. Raises ``DeskError`` if one is at work."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / "verrou", timeout=patience)
    try:
        with lock:
            yield
    except filelock.Timeout:
        raise DeskError(
            f"Une autre commande travaille dans {folder} : réessayez dans un instant. Rien n’est changé."
        ) from None


@contextmanager
def open_publication(folder: Path, *, create: bool = False) -> Iterator[Publication]:
    """Give the repository in *folder*, held. Raises ``DeskError``."""
    if not create and not folder.is_dir():
        raise DeskError(f"Il n’y a pas de dépôt dans {folder}. Pour en créer un : iea-desk publish init.")
    with hold_folder(folder):
        try:
            publication = Publication(folder)
            if not create:
                publication.demand_start()
            yield publication
        except FolderError as error:
            raise DeskError(
                f"Le dépôt est abîmé, rien n’est changé : metadata/{error}. Reprenez ce fichier d’une sauvegarde ou de l’hébergement.",
                REFUSED,
            ) from None


def explain_missing(role: str, result: VerificationResult | RootVerificationResult) -> str:
    """Return in a sentence who must still sign."""
    parts = [result] if isinstance(result, VerificationResult) else [result.first, result.second]
    lacking = [part for part in parts if not part.verified]
    sentences = []
    for part in lacking:
        names = ", ".join(sorted(name_key(key) for key in part.unsigned.values()))
        sentence = f"il manque {part.missing} signature{'s' if part.missing > 1 else ''}, parmi : {names}"
        if sentence not in sentences:
            sentences.append(sentence)
    return f"Pour {ROLE_WORDS[role]}, {' ; et '.join(sentences)}."


def _parse(file: Path, data: bytes) -> Any:
    try:
        return Metadata.from_bytes(data)
    except RepositoryError:
        raise DeskError(f"{file} est abîmé. Abandonnez le brouillon (iea-desk publish discard).") from None


def _has_content(target: TargetFile, content: bytes | Path) -> bool:
    with suppress(RepositoryError):
        if isinstance(content, bytes):
            target.verify_length_and_hashes(content)
        else:
            with open(content, "rb") as file:
                target.verify_length_and_hashes(file)
        return True
    return False


def _find_owner(root: Root, role: str, name: str) -> str:
    owned = [keyid for keyid in root.roles[role].keyids if name in (name_key(root.keys[keyid]), keyid)]
    if not owned:
        names = ", ".join(sorted(name_key(root.keys[keyid]) for keyid in root.roles[role].keyids))
        raise DeskError(
            f"Pour {ROLE_WORDS[role]}, il n’y a pas de clé « {name} ». Il y a : {names}.", REFUSED
        )
    return owned[0]


def _check_threshold(root: Root, role: str) -> None:
    keys, threshold = len(root.roles[role].keyids), root.roles[role].threshold
    if not 1 <= threshold <= keys:
        raise DeskError(
            f"Pour {ROLE_WORDS[role]}, signatures demandées : {threshold}, clés : {keys}. Ainsi "
            "plus personne ne pourrait signer. Rien n’est changé.",
            REFUSED,
        )
