"""A TUF repository in a folder, signed with new keys, and its "metadata" faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

# the library lacks __all__
from securesystemslib.signer import CryptoSigner, Signer  # type: ignore[attr-defined]
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)

from iea_desk.signed_folder import LIFETIMES, SignedFolder, write_whole

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)


class Repository:
    """A repository with consistent snapshots (TUF specification, 6.2 and 7).

    It is made as the publisher makes the real one. ``folder`` receives ``metadata/`` and ``targets/``, as any static host
    would serve them. The private keys stay in memory: each repository is a new one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._signers = {role: CryptoSigner.generate_ed25519() for role in LIFETIMES}
        self._highest = 0  # the highest version ever served, faults included
        self._version = self._previous = 0  # the last published version, and the one before
        published = self._open()
        with published.edit_root() as root:
            for role, signer in self._signers.items():
                root.add_key(signer.public_key, role)
        published.publish_root()

    @property
    def first_root(self) -> Path:
        """The root with which a client is shipped."""
        return self.folder / "metadata" / "1.root.json"

    def publish(
        self,
        targets: Mapping[str, bytes] | None = None,
        descriptions: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        """Add *targets* (content by path) and publish a new version of all but the root.

        *descriptions* are the ``custom`` fields of some of them, by path.
        """
        self._publish(self._open(), targets or {}, descriptions or {})

    def _publish(
        self,
        published: SignedFolder,
        targets: Mapping[str, bytes],
        descriptions: Mapping[str, Mapping[str, object]],
    ) -> None:
        with published.edit_targets():
            pass
        for path, content in targets.items():
            published.add_target(path, content, descriptions.get(path))
        published.publish(renew=True)
        self._previous = self._version
        self._version = self._highest = self._highest + 1

    def _open(self, *signers: Signer) -> SignedFolder:
        """Return the folder, to be changed with the present keys and *signers*."""
        return SignedFolder(
            self.folder,
            (*self._signers.values(), *signers),
            least_version=self._highest + 1,
            write=write_whole,
        )

    def rotate_keys(self) -> None:
        """Replace all keys; the old and the new one sign the next root (TUF, 6.1)."""
        old = self._signers
        self._signers = {role: CryptoSigner.generate_ed25519() for role in LIFETIMES}
        published = self._open(*old.values())
        with published.edit_root() as root:
            for role, signer in self._signers.items():
                root.revoke_key(old[role].public_key.keyid, role)
                root.add_key(signer.public_key, role)
        self._publish(published, {}, {})

    def spoil(self, fault: str) -> dict[str, bytes]:
        """Return the files to serve during a "metadata" *fault*; call ``heal`` afterwards."""
        self._highest += 1
        return _METADATA_FAULTS[fault](self, self._highest)

    def heal(self) -> None:
        """Publish sound metadata that is newer than all that clients may have stored."""
        published = self._open()
        if published.root().is_expired():
            with published.edit_root():
                pass
        self._publish(published, {}, {})

    def _release(self, version: int, *, expired: str = "", foreign_key: bool = False) -> dict[str, bytes]:
        targets = self._signed(self._targets(version), expired == "targets")
        snapshot = self._snapshot(version, targets, version, expired == "snapshot")
        signers = (CryptoSigner.generate_ed25519(),) if foreign_key else ()
        return {
            f"{version}.targets.json": targets,
            f"{version}.snapshot.json": snapshot,
            "timestamp.json": self._timestamp(version, snapshot, version, expired == "timestamp", *signers),
        }

    def _targets(self, version: int) -> Targets:
        targets = self._open().targets()
        targets.version = version
        return targets

    def _snapshot(self, version: int, targets: bytes, targets_version: int, expired: bool = False) -> bytes:
        meta = {"targets.json": MetaFile.from_data(targets_version, targets, ["sha256"])}
        return self._signed(Snapshot(version=version, meta=meta), expired)

    def _timestamp(
        self,
        version: int,
        snapshot: bytes,
        snapshot_version: int,
        expired: bool = False,
        *signers: CryptoSigner,
    ) -> bytes:
        meta = MetaFile.from_data(snapshot_version, snapshot, ["sha256"])
        return self._signed(Timestamp(version=version, snapshot_meta=meta), expired, *signers)

    def _signed(self, role: _Role, expired: bool = False, *signers: CryptoSigner) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        role.expires = now + (timedelta(days=-1) if expired else LIFETIMES[role.type])
        metadata = Metadata(role)
        for signer in signers or (self._signers[role.type],):
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def _expire_root(self, _version: int) -> dict[str, bytes]:
        root = self._next_root()
        write_whole(self.folder / "metadata" / f"{root.version}.root.json", self._signed(root, True))
        return {}

    def _replace_root(self, _version: int) -> dict[str, bytes]:
        """Return a next root with another root key, signed by that key alone."""
        foreign = CryptoSigner.generate_ed25519()
        root = self._next_root()
        root.revoke_key(self._signers["root"].public_key.keyid, "root")
        root.add_key(foreign.public_key, "root")
        return {f"{root.version}.root.json": self._signed(root, False, foreign)}

    def _next_root(self) -> Root:
        root = self._open().root()
        root.version += 1
        return root

    def _roll_back(self, _version: int) -> dict[str, bytes]:
        old = self._previous
        return {"timestamp.json": self._timestamp(old, self._metadata(f"{old}.snapshot.json"), old)}

    def _roll_back_snapshot(self, version: int) -> dict[str, bytes]:
        old = self._previous
        return {"timestamp.json": self._timestamp(version, self._metadata(f"{old}.snapshot.json"), old)}

    def _roll_back_targets(self, version: int) -> dict[str, bytes]:
        old = self._previous
        snapshot = self._snapshot(version, self._metadata(f"{old}.targets.json"), old)
        timestamp = self._timestamp(version, snapshot, version)
        return {f"{version}.snapshot.json": snapshot, "timestamp.json": timestamp}

    def _alter_timestamp(self, version: int) -> dict[str, bytes]:
        release = self._release(version)
        altered = Metadata[Timestamp].from_bytes(release["timestamp.json"])
        altered.signed.version += 1
        return release | {"timestamp.json": altered.to_bytes()}

    def _alter_targets(self, version: int) -> dict[str, bytes]:
        release = self._release(version)
        name = f"{version}.targets.json"
        return release | {name: release[name].replace(b'"length":', b'"lenght":', 1)}

    def _mix_snapshot(self, version: int) -> dict[str, bytes]:
        release = self._release(version)
        other = self._snapshot(version, release[f"{version}.targets.json"][::-1], version)
        return release | {f"{version}.snapshot.json": other}

    def _half_publish(self, version: int) -> dict[str, bytes]:
        return {"timestamp.json": self._release(version)["timestamp.json"]}

    def _page_as_root(self, _version: int) -> dict[str, bytes]:
        page = b"<!doctype html><title>Page introuvable</title>"
        return {f"{self._next_root().version}.root.json": page}

    def _metadata(self, name: str) -> bytes:
        return (self.folder / "metadata" / name).read_bytes()


_METADATA_FAULTS: Mapping[str, Callable[[Repository, int], dict[str, bytes]]] = {
    "metadata-expired": partial(Repository._release, expired="timestamp"),
    "snapshot-expired": partial(Repository._release, expired="snapshot"),
    "targets-expired": partial(Repository._release, expired="targets"),
    "root-expired": Repository._expire_root,
    "rolled-back": Repository._roll_back,
    "rolled-back-snapshot": Repository._roll_back_snapshot,
    "rolled-back-targets": Repository._roll_back_targets,
    "badly-signed": partial(Repository._release, foreign_key=True),
    "root-badly-signed": Repository._replace_root,
    "altered-timestamp": Repository._alter_timestamp,
    "altered-targets": Repository._alter_targets,
    "mixed-snapshot": Repository._mix_snapshot,
    "half-published": Repository._half_publish,
    "root-as-page": Repository._page_as_root,
}
"""What makes the files of each fault; the number is the next version."""
