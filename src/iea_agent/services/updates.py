"""Verification of the update server's signed metadata, with python-tuf.

TUF's client judges them (specification 1.0, section 5). This module, the only one that imports it, adds the transport, an exclusive lock on the
folder of trusted metadata, and the translation of its errors into a ``Failure``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias, TypeVar

import filelock
from tuf.api import exceptions as tuf_errors

# exported, but not declared so
from tuf.api.metadata import Metadata, Root, TargetFile, Targets, Timestamp  # type: ignore[attr-defined]
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.pasted_text import drop_mark
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem
from iea_agent.domain.update_catalogue import SignedFile

from .https import HttpsError
from .judge import judge_answer
from .messages import Reply, Request
from .web_pages import find_title, read_page

LOCK_SECONDS = 1.0
"""The longest wait for the folder while another process holds it."""
LARGEST = 2_000_000
"""The largest metadata file in bytes: room for some ten thousand targets."""
MOST_ROOTS = 256
"""How many replacements of the keys are followed from the root of this PC."""

Send: TypeAlias = Callable[[Request, int], Reply]
"""Sends a request within the caller's deadline; the body may have so many bytes. Raises ``HttpsError``."""
Read: TypeAlias = Callable[[Path, int], "bytes | None"]
"""Reads a file of so many bytes at most, None if there is none. Raises ``OSError``."""
_Signed = TypeVar("_Signed", Root, Targets, Timestamp)
_Used = TypeVar("_Used")


class TargetError(Exception):
    """A downloaded file that the update repository has not signed; says why."""


@dataclass(frozen=True, slots=True)
class VerifiedMetadata:
    """The timestamp.json; root, timestamp, snapshot and targets are verified."""

    version: int
    expires: datetime

    def __str__(self) -> str:
        return f"signatures checked, version {self.version}, expires {self.expires.isoformat()}"


@dataclass(frozen=True, slots=True)
class MetadataSource:
    """Where signed metadata are read: *send* answers requests below *base*, a URL.

    *timestamp* is the timestamp.json if the caller has just read it, which saves a round trip.
    """

    send: Send
    base: str
    timestamp: bytes = b""


class TrustedRepository:
    """A repository whose metadata were just verified and lie in *trusted*.

    Nobody else may use the folder meanwhile: ``visit`` sees to that.
    """

    def __init__(self, source: MetadataSource, root: bytes, trusted: Path) -> None:
        """Verify the metadata, trusting the *root*.

        Raises ``HttpsError`` as ``check`` does, and ``OSError`` (disk).
        """
        self._trusted = trusted
        self._updater, self._fetcher = _refresh(source, root, trusted)
        # not root.json: that is a link, which some disks have not
        history = trusted / "root_history"
        versions = (file.name.partition(".")[0] for file in history.glob("*.root.json"))
        latest = history / f"{max(map(int, filter(str.isdecimal, versions)))}.root.json"
        self._has_hashes = bool(_read_signed(Root, latest).consistent_snapshot)

    @property
    def metadata(self) -> VerifiedMetadata:
        """What the timestamp.json says."""
        signed = _read_signed(Timestamp, self._trusted / "timestamp.json")
        return VerifiedMetadata(signed.version, signed.expires)

    @property
    def files(self) -> tuple[SignedFile, ...]:
        """The files that targets.json names; not those of other roles."""
        signed = _read_signed(Targets, self._trusted / "targets.json")
        return tuple(map(_describe, signed.targets.values()))

    def find_file(self, name: str) -> SignedFile | None:
        """Return the file *name*, whichever role signs it, None if none does.

        Raises ``HttpsError``: the metadata of that role may have to be fetched.
        """
        with _translated(self._fetcher):
            target = self._updater.get_targetinfo(name)
        return None if target is None else _describe(target)

    def name_on_server(self, file: SignedFile) -> str:
        """Return the path of *file* on the server, below ``targets/``."""
        return _name_on_server(file.name, file.sha256, has_hashes=self._has_hashes)


def check(
    send: Send,
    address: Address,
    root: bytes,
    folder: Path,
    *,
    timestamp: bytes = b"",
    wait: float = LOCK_SECONDS,
) -> VerifiedMetadata:
    """Verify the metadata of the update server at *address*, trusting the *root*.

    *folder* keeps the metadata trusted last, so that a rollback is detected. If another process holds it for more than *wait* seconds, or the
    disk refuses, the check runs on a temporary copy and its result is not kept. *timestamp* is the server's timestamp.json if the caller has
    just read it, which saves a round trip. TUF reads the time of day from this PC's clock.

    Raises ``HttpsError`` with METADATA_EXPIRED, METADATA_ROLLED_BACK or METADATA_NOT_AUTHENTIC; with METADATA_INCOMPLETE if a file is missing
    that the server announces; with NOT_AN_UPDATE_SERVER if this is no TUF repository; with another problem if the network fails.
    """
    source = MetadataSource(send, f"{address}/metadata/", timestamp)
    return visit(source, root, folder, lambda repository: repository.metadata, wait=wait)


def visit(
    source: MetadataSource,
    root: bytes,
    folder: Path,
    use: Callable[[TrustedRepository], _Used],
    *,
    wait: float = LOCK_SECONDS,
) -> _Used:
    """Verify the metadata as ``check`` does, and return what *use* makes of them.

    The folder is locked until *use* has ended: it must not download. Raises as ``check`` does, and what *use* raises.
    """
    return _with_trusted(folder, wait, lambda trusted: use(TrustedRepository(source, root, trusted)))


def list_known_files(read: Read, root: Path, folder: Path, now: datetime) -> tuple[SignedFile, ...]:
    """Return the signed files that the metadata on this PC name, without any network.

    Raises ``TargetError`` if they are missing, not signed or expired at *now*, and ``OSError``.
    """
    targets = _read_trusted_targets(read, root, folder / "metadata")
    if targets.signed.is_expired(now):
        raise TargetError(f"targets.json expired {targets.signed.expires.isoformat()}")
    return tuple(map(_describe, targets.signed.targets.values()))


def _with_trusted(folder: Path, wait: float, use: Callable[[Path], _Used]) -> _Used:
    """Return what *use* makes of the trusted metadata in *folder*, or of a copy."""
    trusted = folder / "metadata"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with filelock.FileLock(folder / "lock", timeout=wait, mode=0o600):
            # temporary files of a process that was killed
            for file in trusted.glob("tmp*"):
                with suppress(OSError):
                    file.unlink()
            _delete_too_large(trusted)
            return use(trusted)
    except OSError:  # filelock's Timeout is one
        pass
    try:
        with TemporaryDirectory(prefix="iea-agent-", ignore_cleanup_errors=True) as place:
            copy = Path(place, "metadata")
            # TUF takes a missing file for one never seen
            with suppress(OSError):
                others = shutil.ignore_patterns("root.json", "tmp*")
                shutil.copytree(trusted, copy, ignore=others, copy_function=shutil.copyfile)
            return use(copy)
    except OSError as error:
        kind = type(error).__name__
        detail = f"this computer's disk: {kind}: [Errno {error.errno}] {error.strerror}"
        raise HttpsError(Failure(Stage.METADATA, problems.INTERNAL_ERROR, detail)) from error


def read_target(read: Read, root: Path, folder: Path, name: str, largest: int) -> bytes | None:
    """Return the downloaded file *name* if it is signed, None if there is none.

    Its length and hash are those in targets.json, which has the signatures that the latest root in
    *folder* asks for. Each root is signed by the one before it; the first is the file *root*. Expiry is
    not judged: the file is needed where no server answers. Raises ``TargetError`` and ``OSError``.
    """
    data = read(folder / "targets" / name, largest)
    if data is None:
        return None
    targets = _read_trusted_targets(read, root, folder / "metadata").signed.targets
    if name not in targets:
        raise TargetError("not in targets.json")
    try:
        targets[name].verify_length_and_hashes(data)
    except tuf_errors.RepositoryError as error:
        raise TargetError(clean_detail(str(error))) from error
    return data


def _read_trusted_targets(read: Read, root: Path, trusted: Path) -> Metadata[Targets]:
    """Return the signed targets.json of *trusted*.

    Raises ``TargetError`` and ``OSError``.
    """
    try:
        latest = _follow_roots(read, root, trusted / "root_history")
        targets = _parse(Targets, read(trusted / "targets.json", LARGEST))
        latest.verify_delegate(Targets.type, targets.signed_bytes, targets.signatures)
    except (tuf_errors.RepositoryError, ValueError) as error:
        raise TargetError(clean_detail(str(error))) from error
    return targets


def _follow_roots(read: Read, anchor: Path, history: Path) -> Root:
    """Return the latest root that *anchor* leads to."""
    first = _parse(Root, read(anchor, LARGEST))
    latest = first.signed
    latest.verify_delegate(Root.type, first.signed_bytes, first.signatures)
    for _ in range(MOST_ROOTS):
        data = read(history / f"{latest.version + 1}.root.json", LARGEST)
        if data is None:
            break
        following = _parse(Root, data)
        if following.signed.version != latest.version + 1:
            raise TargetError("a root of another version")
        for signer in (latest, following.signed):
            signer.verify_delegate(Root.type, following.signed_bytes, following.signatures)
        latest = following.signed
    return latest


def _parse(kind: type[_Signed], data: bytes | None) -> Metadata[_Signed]:
    """Return the metadata in *data*, whoever signed them. Raises ``TargetError``."""
    if data is None:
        raise TargetError(f"no {kind.type}.json")
    metadata = Metadata[_Signed].from_bytes(drop_mark(data))
    if not isinstance(metadata.signed, kind):
        raise TargetError(f"no {kind.type} in {kind.type}.json")
    return metadata


def _delete_too_large(trusted: Path) -> None:
    """Delete what is larger than any metadata: TUF reads its own files whole."""
    for file in trusted.rglob("*.json"):
        with suppress(OSError):
            if file.stat().st_size > LARGEST:
                file.unlink()


def _refresh(source: MetadataSource, root: bytes, trusted: Path) -> tuple[Updater, _Fetcher]:
    """Run TUF's client on *trusted*. Raises ``HttpsError``, or ``OSError`` (disk)."""
    trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
    fetcher = _Fetcher(source)
    try:
        # Notepad and PowerShell write a mark
        anchor = drop_mark(root)
        updater = Updater(str(trusted), fetcher.base, fetcher=fetcher, bootstrap=anchor)
    except (tuf_errors.RepositoryError, UnicodeDecodeError) as error:
        detail = f"root.json of this computer cannot be used: {clean_detail(str(error))}"
        raise HttpsError(Failure(Stage.METADATA, problems.METADATA_NOT_AUTHENTIC, detail)) from error
    with _translated(fetcher):
        updater.refresh()
    return updater, fetcher


@contextmanager
def _translated(fetcher: _Fetcher) -> Iterator[None]:
    """Raise ``HttpsError`` for TUF's errors."""
    try:
        yield
    except (tuf_errors.RepositoryError, tuf_errors.DownloadError) as error:
        stage, problem = _judge_error(error)
        detail = f"{fetcher.file}: {clean_detail(str(error))}"
        if problem is problems.METADATA_EXPIRED:
            detail += f", this computer says {datetime.now(UTC).isoformat(timespec='seconds')}"
        raise HttpsError(Failure(stage, problem, detail)) from error


def _read_signed(kind: type[_Signed], file: Path) -> _Signed:
    """Return what the metadata *file* says that have just been verified."""
    return _parse(kind, file.read_bytes()).signed


def _describe(target: TargetFile) -> SignedFile:
    custom = target.custom if isinstance(target.custom, dict) else {}
    return SignedFile(target.path, target.length, str(target.hashes.get("sha256", "")), custom)


class _Fetcher(FetcherInterface):
    """TUF's transport over the caller's connection.

    It reads whole replies, so that the connection is kept after a 404 too, and needs no temporary file.
    """

    def __init__(self, source: MetadataSource) -> None:
        self.base = source.base
        self.file = ""
        """The file requested last."""
        self._send = source.send
        self._timestamp = source.timestamp

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """Return the file at *url*. Raises ``HttpsError``, and TUF's own errors."""
        body = b"".join(self._fetch(url))
        if len(body) > max_length:
            raise tuf_errors.DownloadLengthMismatchError(f"{len(body)} bytes, {max_length} at most")
        return body

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.file = url.removeprefix(self.base)
        if self._timestamp and self.file == "timestamp.json":
            yield self._timestamp
            return
        request = Request("GET", url)
        # the same limit for each file: TUF judges a file that is too long for it
        reply = self._send(request, LARGEST)
        if self.file.endswith(".root.json") and not _is_root(reply):
            # hosts say in many ways that a file is not there; only a root that is one, and does not verify, is an alarm
            raise tuf_errors.DownloadHTTPError(f"no {self.file}: HTTP {reply.status}", 404)
        if reply.is_success and reply.body and read_page(reply) is None:
            # after a new root the timestamp may have been signed again since it was read
            self._timestamp = b""
            yield reply.body
            return
        raise HttpsError(self._judge_absence(request, reply))

    def _judge_absence(self, request: Request, reply: Reply) -> Failure:
        """Return why the file requested last is not there; a page stands for none."""
        failure = judge_answer(request, reply)
        if failure is None:
            is_first = self.file == "timestamp.json"
            problem = problems.NOT_AN_UPDATE_SERVER if is_first else problems.METADATA_INCOMPLETE
            title = find_title(reply) if is_first else None
            failure = Failure(Stage.KIND, problem, f"no {self.file}: HTTP {reply.status}", evidence=title)
        return failure if self.file == "timestamp.json" else replace(failure, stage=Stage.METADATA)


def _is_root(reply: Reply) -> bool:
    """Return whether *reply* has the form of a root.json, whoever signed it."""
    try:
        return reply.is_success and isinstance(Metadata[Root].from_bytes(reply.body).signed, Root)
    except DeserializationError:
        return False


def _judge_error(error: Exception) -> tuple[Stage, Problem]:
    match error:
        case DeserializationError():
            return Stage.KIND, problems.NOT_AN_UPDATE_SERVER
        case tuf_errors.ExpiredMetadataError():
            return Stage.METADATA, problems.METADATA_EXPIRED
        case tuf_errors.BadVersionNumberError():
            return Stage.METADATA, problems.METADATA_ROLLED_BACK
    return Stage.METADATA, problems.METADATA_NOT_AUTHENTIC


@dataclass(frozen=True, slots=True)
class SignedTarget:
    """A signed file, and its *path* below ``targets/`` on the server."""

    path: str
    length: int
    sha256: str


def find_signed(read: Read, root: Path, folder: Path, names: Iterable[str]) -> dict[str, SignedTarget]:
    """Return which of *names* the metadata in *folder* sign.

    They are verified as for ``read_target``. Raises ``TargetError`` and ``OSError``.
    """
    trusted = folder / "metadata"
    targets = _read_trusted_targets(read, root, trusted).signed.targets
    has_hashes = _follow_roots(read, root, trusted / "root_history").consistent_snapshot
    signed = {}
    for name in names:
        target = targets.get(name)
        if target is not None and "sha256" in target.hashes:
            sha256 = target.hashes["sha256"]
            path = _name_on_server(name, sha256, has_hashes=bool(has_hashes))
            signed[name] = SignedTarget(path, target.length, sha256)
    return signed


def _name_on_server(name: str, sha256: str, *, has_hashes: bool) -> str:
    """Return the path of the file *name* below ``targets/`` (TUF 1.0, section 6.2)."""
    folder, slash, base = name.rpartition("/")
    return f"{folder}{slash}{sha256}.{base}" if has_hashes else name
