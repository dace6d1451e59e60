"""A TUF repository in a folder, signed with keys made on the spot, that can also publish every known kind of mischief."""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # exported, but not in so many words
from tuf.api.metadata import (  # type: ignore[attr-defined]
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

_Role = TypeVar("_Role", Root, Timestamp, Snapshot, Targets)

_LIFETIMES = {
    "root": timedelta(days=365),
    "targets": timedelta(days=90),
    "snapshot": timedelta(days=30),
    "timestamp": timedelta(days=30),
}
_PAST = timedelta(days=-1)


class Repository:
    """`folder` receives `metadata/` and `targets/`, laid out with consistent snapshots, as any static host would serve
    them (TUF specification, 6.2 and 7). The private keys stay in memory: each repository is a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "metadata").mkdir(parents=True, exist_ok=True)
        (folder / "targets").mkdir(exist_ok=True)
        self._signers = {role: CryptoSigner.generate_ed25519() for role in _LIFETIMES}
        self._root = Root(consistent_snapshot=True)
        for role, signer in self._signers.items():
            self._root.add_key(signer.public_key, role)
        self._root.version = 0
        self._targets: dict[str, TargetFile] = {}
        self._version = 0
        self._previous = 0  # the one published before
        self._highest = 0  # numbers used up, mischief included
        self.publish_root()

    @property
    def first_root(self) -> Path:
        """The root that a client is shipped with."""
        return self.folder / "metadata" / "1.root.json"

    def publish(self, targets: Mapping[str, bytes] | None = None) -> None:
        """Add these targets (path in the repository: content), then publish a new version of all but the root."""
        for path, content in (targets or {}).items():
            target = TargetFile.from_data(path, content, ["sha256"])
            self._targets[path] = target
            for name in target.get_prefixed_paths():
                _write(self.folder / "targets" / name, content)
        self._previous = self._version
        self._version = self._highest = self._highest + 1
        for name, data in self._release(self._version).items():
            _write(self.folder / "metadata" / name, data)

    def publish_root(
        self, lifetime: timedelta = _LIFETIMES["root"], signers: tuple[CryptoSigner, ...] = ()
    ) -> None:
        """Publish the next version of the root, signed by its present key unless *signers* are given."""
        self._root.version += 1
        data = self._signed(self._root, lifetime, "root", *signers)
        _write(self.folder / "metadata" / f"{self._root.version}.root.json", data)

    def rotate_keys(self) -> None:
        """Replace every key: a next root signed by the old root key and by the new one (TUF specification, 6.1), and all else signed anew."""
        old = self._signers
        self._signers = {role: CryptoSigner.generate_ed25519() for role in _LIFETIMES}
        for role, signer in self._signers.items():
            self._root.revoke_key(old[role].public_key.keyid, role)
            self._root.add_key(signer.public_key, role)
        self.publish_root(signers=(old["root"], self._signers["root"]))
        self.publish()

    def spoil(self, how: str) -> dict[str, bytes]:
        """What to serve under `metadata/` on top of the folder for this "metadata" fault; `heal` afterwards.

        Raises KeyError for a fault that is none of ours.
        """
        version = self._highest = self._highest + 1
        old = self._previous
        match how:
            case "metadata-expired":
                return self._release(version, expired="timestamp")
            case "snapshot-expired":
                return self._release(version, expired="snapshot")
            case "targets-expired":
                return self._release(version, expired="targets")
            case "root-expired":
                self.publish_root(_PAST)
                return {}
            case "rolled-back":
                return {"timestamp.json": self._timestamp(old, self._read(f"{old}.snapshot.json"), old)}
            case "rolled-back-snapshot":
                return {"timestamp.json": self._timestamp(version, self._read(f"{old}.snapshot.json"), old)}
            case "rolled-back-targets":
                snapshot = self._snapshot(version, self._read(f"{old}.targets.json"), old)
                return {
                    f"{version}.snapshot.json": snapshot,
                    "timestamp.json": self._timestamp(version, snapshot, version),
                }
            case "badly-signed":
                return self._release(version, foreign="timestamp")
            case "root-badly-signed":
                return self._stolen_root()
            case "altered-timestamp":
                release = self._release(version)
                altered = Metadata[Timestamp].from_bytes(release["timestamp.json"])
                altered.signed.version += 1
                return release | {"timestamp.json": altered.to_bytes()}
            case "altered-targets":
                release = self._release(version)
                name = f"{version}.targets.json"
                return release | {name: release[name].replace(b'"length":', b'"lenght":', 1)}
            case "mixed-snapshot":
                release = self._release(version)
                other = self._snapshot(version, release[f"{version}.targets.json"][::-1], version)
                return release | {f"{version}.snapshot.json": other}
        raise KeyError(how)

    def heal(self) -> None:
        """Publish something sound that is newer than whatever the mischief has made clients store."""
        if self._root.is_expired():
            self.publish_root()
        self.publish()

    def _release(self, version: int, *, expired: str = "", foreign: str = "") -> dict[str, bytes]:
        targets = self._signed(
            Targets(version=version, targets=self._targets),
            _PAST if expired == "targets" else None,
            "targets",
        )
        snapshot = self._snapshot(version, targets, version, _PAST if expired == "snapshot" else None)
        signers = (CryptoSigner.generate_ed25519(),) if foreign == "timestamp" else ()
        timestamp = self._timestamp(
            version, snapshot, version, _PAST if expired == "timestamp" else None, *signers
        )
        return {
            f"{version}.targets.json": targets,
            f"{version}.snapshot.json": snapshot,
            "timestamp.json": timestamp,
        }

    def _snapshot(
        self, version: int, targets: bytes, targets_version: int, lifetime: timedelta | None = None
    ) -> bytes:
        meta = {"targets.json": MetaFile.from_data(targets_version, targets, ["sha256"])}
        return self._signed(Snapshot(version=version, meta=meta), lifetime, "snapshot")

    def _timestamp(
        self,
        version: int,
        snapshot: bytes,
        snapshot_version: int,
        lifetime: timedelta | None = None,
        *signers: CryptoSigner,
    ) -> bytes:
        meta = MetaFile.from_data(snapshot_version, snapshot, ["sha256"])
        return self._signed(Timestamp(version=version, snapshot_meta=meta), lifetime, "timestamp", *signers)

    def _signed(self, role: _Role, lifetime: timedelta | None, name: str, *signers: CryptoSigner) -> bytes:
        now = datetime.now(UTC).replace(microsecond=0)
        role.expires = now + (lifetime or _LIFETIMES[name])
        metadata = Metadata(role)
        for signer in signers or (self._signers[name],):
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def _stolen_root(self) -> dict[str, bytes]:
        """A next root that replaces the root key and is signed by the new key alone."""
        thief = CryptoSigner.generate_ed25519()
        root = deepcopy(self._root)
        root.version += 1
        root.revoke_key(self._signers["root"].public_key.keyid, "root")
        root.add_key(thief.public_key, "root")
        return {f"{root.version}.root.json": self._signed(root, None, "root", thief)}

    def _read(self, name: str) -> bytes:
        return (self.folder / "metadata" / name).read_bytes()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)
