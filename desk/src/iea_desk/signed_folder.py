"""A TUF repository in a folder, as any static host serves it.

Changes are collected, signed and judged first, then published file by file. After each file a client that reads gets the old version or the new
one, whole: files have their version or their hash in their name, and the timestamp, the only one that is replaced, comes behind all that it
names (TUF specification 1.0, sections 6 and 7).

This module knows neither the agent nor the rest of the desk: the sandbox makes its repository with it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

# both libraries lack __all__
from securesystemslib.signer import Key, Signer  # type: ignore[attr-defined]
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    RootVerificationResult,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
    VerificationResult,
)
from tuf.repository import Repository  # type: ignore[attr-defined]

KINDS = {kind.type: kind for kind in (Root, Targets, Snapshot, Timestamp)}
"""The roles, in the order in which a person thinks of them."""
LIFETIMES: Mapping[str, timedelta] = {
    Root.type: timedelta(days=365),
    Targets.type: timedelta(days=90),
    Snapshot.type: timedelta(days=30),
    # as long as the host may be without its timer; so long, too, can somebody hide a new version
    Timestamp.type: timedelta(days=14),
}
"""How long each role's signatures hold."""

AnyMetadata: TypeAlias = "Metadata[Any]"
Write: TypeAlias = Callable[[Path, "bytes | Path"], None]
"""Puts content, or a copy of a file, at a path in one step."""


class FolderError(Exception):
    """The folder is no repository, or not a whole one; *file* is the one at fault."""

    def __init__(self, file: str, reason: str) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file


class NotSigned(Exception):
    """Signatures of *role* are missing; *result* says whose, and how many are needed."""

    def __init__(self, role: str, result: VerificationResult | RootVerificationResult) -> None:
        super().__init__(role)
        self.role = role
        self.result = result


def write_whole(path: Path, content: bytes | Path) -> None:
    """Write *content* to *path* in one step, without waiting for the disk."""
    _write(path, content, durably=False)


def write_durably(path: Path, content: bytes | Path) -> None:
    """Write *content* to *path* in one step; it outlasts a power cut."""
    _write(path, content, durably=True)


def _write(path: Path, content: bytes | Path, *, durably: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.part")
    with open(beside, "wb") as file:
        if isinstance(content, Path):
            with open(content, "rb") as source:
                shutil.copyfileobj(source, file, 1024 * 1024)
        else:
            file.write(content)
        if durably:
            file.flush()
            os.fsync(file.fileno())
    os.replace(beside, path)


def metadata_name(role: str, version: int) -> str:
    """Return the name of a metadata file with consistent snapshots."""
    return f"{role}.json" if role == Timestamp.type else f"{version}.{role}.json"


class SignedFolder(Repository):
    """A repository below *folder*, and what is changed in it but not published.

    *signers* sign each role for which the root names their key. What they sign counts from *now* on. ``changed`` has
    the metadata not yet published, by role; ``contents`` their target files, by name below ``targets/``.
    """

    def __init__(
        self,
        folder: Path,
        signers: Iterable[Signer] = (),
        *,
        now: datetime | None = None,
        least_version: int = 1,
        write: Write = write_durably,
    ) -> None:
        self.folder = folder
        self.signers = tuple(signers)
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        self.least_version = least_version
        self.changed: dict[str, AnyMetadata] = {}
        self.contents: dict[str, bytes | Path] = {}
        self._put = write

    # what there is

    @property
    def versions_of_root(self) -> list[int]:
        """The versions of the published root."""
        return sorted(self._list_versions(Root.type))

    def find_published(self, role: str) -> AnyMetadata | None:
        """Return the published metadata of *role*, None if there is none yet.

        It is the version that clients are led to, not one left over by a publication that broke off. Raises ``FolderError``.
        """
        data = self._read_published(role)
        return None if data is None else self._parse(role, data)

    def open(self, role: str) -> AnyMetadata:
        """Return the metadata of *role*, changed or published, or a first version."""
        if role in self.changed:
            return deepcopy(self.changed[role])
        metadata = self.find_published(role)
        if metadata is None:
            metadata = Metadata(KINDS[role]())
            metadata.signed.version = 0
        return metadata

    def find_missing(self, role: str) -> VerificationResult | RootVerificationResult:
        """Return who has signed the metadata of *role*, who has not, and who must."""
        metadata = self.open(role)
        root = self.root()
        if role != Root.type:
            return root.get_verification_result(role, metadata.signed_bytes, metadata.signatures)
        before = self.find_published(Root.type) if Root.type in self.changed else None
        return root.get_root_verification_result(
            before.signed if before else None, metadata.signed_bytes, metadata.signatures
        )

    # what is changed

    def close(self, role: str, md: AnyMetadata) -> None:
        """Keep the metadata *md* of *role* as changed, with a new version and signatures."""
        if role not in self.changed or self._has_file(role, md.signed.version):
            # clients ask for the next root, and the next only (5.3)
            least = 1 if role == Root.type else self.least_version
            md.signed.version = max(self._newest_version(role) + 1, least)
        md.signed.expires = self.now + LIFETIMES[role]
        # also where the library sees no newer version
        if role == Snapshot.type:
            md.signed.meta.update(self.targets_infos)
        elif role == Timestamp.type:
            md.signed.snapshot_meta = self.snapshot_info
        md.signatures.clear()
        self.changed[role] = md
        self.sign(role)

    def sign(self, role: str) -> list[Key]:
        """Sign the changed metadata of *role* with each signer whose key counts.

        The keys of the published root count beside those of a new one: so clients that have not read the new root yet are served, too. Returns
        the keys that have signed just now. Raises what a signer raises.
        """
        metadata = self.changed[role]
        published = self.find_published(Root.type)
        roots = [self.root(), *([published.signed] if published else [])]
        keyids = {keyid for root in roots for keyid in root.roles[role].keyids}
        before = set(metadata.signatures)
        for signer in self.signers:
            if signer.public_key.keyid in keyids:
                try:
                    metadata.sign(signer, append=True)
                except UnsignedMetadataError as error:
                    # what the signer has said
                    raise error.__cause__ or error from None
        return [
            each.public_key
            for each in self.signers
            if each.public_key.keyid in set(metadata.signatures) - before
        ]

    def add_target(
        self, path: str, content: bytes | Path, custom: Mapping[str, object] | None = None
    ) -> TargetFile:
        """Add the target *path*; the roles that name it follow with ``publish``."""
        target: TargetFile = (
            TargetFile.from_file(path, str(content), ["sha256"])
            if isinstance(content, Path)
            else TargetFile.from_data(path, content, ["sha256"])
        )
        if custom:
            target.unrecognized_fields["custom"] = dict(custom)
        for name in target.get_prefixed_paths():
            self.contents[name] = content
        with self.edit_targets() as targets:
            targets.targets[path] = target
        return target

    @property
    def targets_infos(self) -> dict[str, MetaFile]:
        """What a snapshot says of the targets."""
        return {"targets.json": self._describe(Targets.type)}

    @property
    def snapshot_info(self) -> MetaFile:
        """What a timestamp says of the snapshot."""
        return self._describe(Snapshot.type)

    # publishing

    def publish(self, *, renew: bool = False) -> list[str]:
        """Publish what has changed, with the snapshot and the timestamp that follow.

        *renew* signs these two again even if nothing has changed. Returns the names of the written files, in the order of writing. Raises
        ``NotSigned`` before the first file is written.
        """
        if Targets.type not in self.changed and not self._has_signatures(Targets.type):
            # a new root has other keys for it
            with self.edit_targets():
                pass
        for role in (Root.type, Targets.type):
            self._demand_signatures(role)
        try:
            self.do_snapshot(force=renew)
            self.do_timestamp(force=renew)
            for role in (Snapshot.type, Timestamp.type):
                self._demand_signatures(role)
        except NotSigned:
            # they are made anew each time
            self.changed.pop(Snapshot.type, None)
            self.changed.pop(Timestamp.type, None)
            raise
        written = [self._write_target(name, content) for name, content in sorted(self.contents.items())]
        written += [self._write_metadata(role) for role in self._order()]
        self.changed.clear()
        self.contents.clear()
        return [name for name in written if name]

    def publish_root(self) -> None:
        """Publish a new root alone. Raises ``NotSigned``."""
        self._demand_signatures(Root.type)
        self._write_metadata(Root.type)
        del self.changed[Root.type]

    def _order(self) -> list[str]:
        """Return the changed roles in the order of publishing.

        A new root comes last if those who do not have it yet accept the rest; if an old key has been lost, it comes first.
        """
        order = [role for role in (Targets.type, Snapshot.type, Timestamp.type) if role in self.changed]
        if Root.type not in self.changed:
            return order
        published = self.find_published(Root.type)
        is_accepted = published is not None and all(
            published.signed.get_verification_result(
                role, self.open(role).signed_bytes, self.open(role).signatures
            )
            for role in (Targets.type, Snapshot.type, Timestamp.type)
        )
        return [*order, Root.type] if is_accepted else [Root.type, *order]

    def _write_target(self, name: str, content: bytes | Path) -> str:
        path = self.folder / "targets" / name
        # its name is its hash
        if path.exists():
            return ""
        self._put(path, content)
        return f"targets/{name}"

    def _write_metadata(self, role: str) -> str:
        metadata = self.changed[role]
        name = metadata_name(role, metadata.signed.version)
        self._put(self.folder / "metadata" / name, metadata.to_bytes())
        return f"metadata/{name}"

    def _demand_signatures(self, role: str) -> None:
        result = self.find_missing(role)
        if not result:
            raise NotSigned(role, result)

    def _has_signatures(self, role: str) -> bool:
        return bool(self.find_missing(role))

    # files

    def _list_versions(self, role: str) -> list[int]:
        parts = (file.name.partition(".") for file in self._metadata_files())
        return [
            int(number)
            for number, _, name in parts
            if name == f"{role}.json" and number.isdecimal() and len(number) < 10
        ]

    def _metadata_files(self) -> list[Path]:
        folder = self.folder / "metadata"
        return list(folder.iterdir()) if folder.is_dir() else []

    def _newest_version(self, role: str) -> int:
        """Return the highest version of *role* that was ever written, 0 for none."""
        if role == Timestamp.type:
            published = self.find_published(role)
            return published.signed.version if published else 0
        return max(self._list_versions(role), default=0)

    def _has_file(self, role: str, version: int) -> bool:
        return role != Timestamp.type and (self.folder / "metadata" / metadata_name(role, version)).exists()

    def _read_published(self, role: str) -> bytes | None:
        version = self._published_version(role)
        if version is None:
            return None
        try:
            return (self.folder / "metadata" / metadata_name(role, version)).read_bytes()
        except FileNotFoundError:
            if role == Timestamp.type:
                return None
            raise FolderError(metadata_name(role, version), "missing") from None

    def _published_version(self, role: str) -> int | None:
        """Return the version of *role* that clients are led to."""
        if role == Timestamp.type:
            return 0
        if role == Root.type:
            return max(self._list_versions(role), default=None)
        timestamp = self.find_published(Timestamp.type)
        if timestamp is None:
            return None
        if role == Snapshot.type:
            return int(timestamp.signed.snapshot_meta.version)
        snapshot = self.find_published(Snapshot.type)
        return None if snapshot is None else int(snapshot.signed.meta["targets.json"].version)

    def _parse(self, role: str, data: bytes) -> AnyMetadata:
        try:
            metadata: AnyMetadata = Metadata.from_bytes(data)
        except RepositoryError as error:
            raise FolderError(f"{role}.json", str(error)) from error
        if metadata.signed.type != role:
            raise FolderError(f"{role}.json", f"holds {metadata.signed.type}")
        return metadata

    def _describe(self, role: str) -> MetaFile:
        if role in self.changed:
            version, data = self.changed[role].signed.version, self.changed[role].to_bytes()
        else:
            published = self._read_published(role)
            version, data = (
                (0, b"") if published is None else (self._parse(role, published).signed.version, published)
            )
        return MetaFile.from_data(version, data, ["sha256"])
