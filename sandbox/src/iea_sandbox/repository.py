"""A TUF repository in a folder, signed with new keys, and its "metadata" faults."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

# the library lacks __all__
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]
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

_LIFETIMES = {"root": 365, "targets": 90, "snapshot": 30, "timestamp": 30}  # days


class Repository:
    """A repository with consistent snapshots (TUF specification, 6.2 and 7).

    ``folder`` receives ``metadata/`` and ``targets/``, as any static host would serve them. The private keys stay in
    memory: each repository is a new one.
    """

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
        self._previous = 0  # the version published before
        self._highest = 0  # the highest version ever served, faults included
        self._publish_root()

    @property
    def first_root(self) -> Path:
        """The root with which a client is shipped."""
        return self.folder / "metadata" / "1.root.json"

    def publish(self, targets: Mapping[str, bytes] | None = None) -> None:
        """Add *targets* (content by path) and publish a new version of all but the root."""
        for path, content in (targets or {}).items():
            target = TargetFile.from_data(path, content, ["sha256"])
            self._targets[path] = target
            for name in target.get_prefixed_paths():
                _write(self.folder / "targets" / name, content)
        self._previous = self._version
        self._version = self._highest = self._highest + 1
        for name, data in self._release(self._version).items():
            _write(self.folder / "metadata" / name, data)

    def _publish_root(self, *signers: CryptoSigner, expired: bool = False) -> None:
        """Publish the next root, signed by its present key unless *signers* are given."""
        self._root.version += 1
        data = self._signed(self._root, expired, *signers)
        _write(self.folder / "metadata" / f"{self._root.version}.root.json", data)

    def rotate_keys(self) -> None:
        """Replace all keys; the old and the new one sign the next root (TUF, 6.1)."""
        old = self._signers
        self._signers = {role: CryptoSigner.generate_ed25519() for role in _LIFETIMES}
        for role, signer in self._signers.items():
            self._root.revoke_key(old[role].public_key.keyid, role)
            self._root.add_key(signer.public_key, role)
        self._publish_root(old["root"], self._signers["root"])
        self.publish()

    def spoil(self, fault: str) -> dict[str, bytes]:
        """Return the files to serve during a "metadata" *fault*; call ``heal`` afterwards."""
        self._highest += 1
        return _METADATA_FAULTS[fault](self, self._highest)

    def heal(self) -> None:
        """Publish sound metadata that is newer than all that clients may have stored."""
        if self._root.is_expired():
            self._publish_root()
        self.publish()

    def _release(self, version: int, *, expired: str = "", foreign_key: bool = False) -> dict[str, bytes]:
        targets = self._signed(Targets(version=version, targets=self._targets), expired == "targets")
        snapshot = self._snapshot(version, targets, version, expired == "snapshot")
        signers = (CryptoSigner.generate_ed25519(),) if foreign_key else ()
        return {
            f"{version}.targets.json": targets,
            f"{version}.snapshot.json": snapshot,
            "timestamp.json": self._timestamp(version, snapshot, version, expired == "timestamp", *signers),
        }

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
        role.expires = now + timedelta(days=-1 if expired else _LIFETIMES[role.type])
        metadata = Metadata(role)
        for signer in signers or (self._signers[role.type],):
            metadata.sign(signer, append=True)
        return metadata.to_bytes()

    def _expire_root(self, _version: int) -> dict[str, bytes]:
        self._publish_root(expired=True)
        return {}

    def _replace_root(self, _version: int) -> dict[str, bytes]:
        """Return a next root with another root key, signed by that key alone."""
        foreign = CryptoSigner.generate_ed25519()
        root = deepcopy(self._root)
        root.version += 1
        root.revoke_key(self._signers["root"].public_key.keyid, "root")
        root.add_key(foreign.public_key, "root")
        return {f"{root.version}.root.json": self._signed(root, False, foreign)}

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
        return {f"{self._root.version + 1}.root.json": page}

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


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)
