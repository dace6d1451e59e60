"""The only door to python-tuf: are the update server's signed metadata authentic, current and no older than what this PC has seen?

TUF's client does the judging (specification 1.0, section 5). Around it: our transport, an exclusive lock on the folder of what is trusted, and the
translation of its verdicts into a ``Failure``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import filelock
from tuf.api import exceptions as verdicts
from tuf.api.metadata import Metadata, Timestamp  # type: ignore[attr-defined]  # exported, but not in so many words
from tuf.api.serialization import DeserializationError
from tuf.ngclient import FetcherInterface, Updater  # type: ignore[attr-defined]

from iea_agent.domain import problems
from iea_agent.domain.addresses import Address
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.printable_text import clean_detail
from iea_agent.domain.problems import Problem

from .https import HttpsError
from .messages import Reply, Request, judge_status

LOCK_SECONDS = 1.0
"""How long the folder is waited for while another process holds it."""
LARGEST = 2_000_000
"""Bytes of one file of metadata that are read at most: room for some ten thousand targets."""

Ask: TypeAlias = Callable[[Request, int], Reply]
"""Makes a request within the caller's deadline and reads so many bytes of the answer at most. Raises ``HttpsError``."""


@dataclass(frozen=True, slots=True)
class VerifiedMetadata:
    """What the server's timestamp.json says, once root, timestamp, snapshot and targets have all been verified."""

    version: int
    expires: datetime

    def __str__(self) -> str:
        return f"signatures checked, version {self.version}, expires {self.expires.isoformat()}"


def check(
    ask: Ask,
    address: Address,
    root: Path,
    folder: Path,
    *,
    timestamp: bytes = b"",
    wait: float = LOCK_SECONDS,
) -> VerifiedMetadata:
    """Verify what the update server at *address* serves under ``metadata/``, from the trust root in the file *root* on.

    *folder* keeps what was trusted last, which is how a rollback is seen. Where another process holds it for longer than *wait* seconds, or the disk
    refuses, the check is made on a temporary copy and what it learns is not kept. *timestamp* is the server's timestamp.json where the caller has just
    read it: one round trip less. TUF reads the time of day from this PC's clock.

    Raises ``HttpsError``: METADATA_EXPIRED, METADATA_ROLLED_BACK or METADATA_NOT_AUTHENTIC; NOT_AN_UPDATE_SERVER where this is no TUF repository; else
    what went wrong on the way.
    """
    trusted = folder / "metadata"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with filelock.FileLock(folder / "lock", timeout=wait, mode=0o600):
            _sweep(trusted)
            return _refresh(ask, address, root, trusted, timestamp)
    except OSError:  # filelock's Timeout is one
        pass
    try:
        with TemporaryDirectory(prefix="iea-agent-", ignore_cleanup_errors=True) as place:
            copy = Path(place, "metadata")
            with suppress(OSError):  # TUF takes what is missing for never seen
                others = shutil.ignore_patterns("root.json", "tmp*")
                shutil.copytree(trusted, copy, ignore=others, copy_function=shutil.copyfile)
            return _refresh(ask, address, root, copy, timestamp)
    except OSError as error:
        detail = f"this computer's disk: {type(error).__name__}: {error.strerror}"
        raise HttpsError(Failure(Stage.METADATA, problems.INTERNAL_ERROR, detail)) from error


def _sweep(trusted: Path) -> None:
    """Remove what a process that was killed while TUF wrote a file has left: under the lock nobody is writing."""
    for left in trusted.glob("tmp*"):
        with suppress(OSError):
            left.unlink()


def _refresh(ask: Ask, address: Address, root: Path, trusted: Path, timestamp: bytes) -> VerifiedMetadata:
    """One visit, with *trusted* for itself. Raises ``HttpsError``, and ``OSError`` where the disk refuses."""
    trusted.mkdir(parents=True, exist_ok=True, mode=0o700)
    fetcher = _Fetcher(ask, f"{address}/metadata/", timestamp)
    with root.open("rb") as file:
        anchor = file.read(LARGEST)
    try:
        updater = Updater(str(trusted), fetcher.base, fetcher=fetcher, bootstrap=anchor)
    except verdicts.RepositoryError as error:
        detail = f"root.json of this computer cannot be used: {clean_detail(str(error))}"
        raise HttpsError(Failure(Stage.METADATA, problems.METADATA_NOT_AUTHENTIC, detail)) from error
    try:
        updater.refresh()
    except (verdicts.RepositoryError, verdicts.DownloadError) as error:
        stage, reason = _judge_error(error)
        detail = f"{fetcher.file}: {clean_detail(str(error))}"
        if reason is problems.METADATA_EXPIRED:
            detail += f", this computer says {datetime.now(UTC).isoformat(timespec='seconds')}"
        raise HttpsError(Failure(stage, reason, detail)) from error
    signed = Metadata[Timestamp].from_bytes((trusted / "timestamp.json").read_bytes()).signed
    return VerifiedMetadata(signed.version, signed.expires)


class _Fetcher(FetcherInterface):
    """TUF's transport over our own: whole answers, so that the connection is kept after a 404 too, and nothing by way of a temporary file."""

    def __init__(self, ask: Ask, base: str, timestamp: bytes) -> None:
        self.base = base
        self.file = ""  # the one that was asked for last
        self._ask = ask
        self._timestamp = timestamp

    def download_bytes(self, url: str, max_length: int) -> bytes:
        """The file at *url*. Raises ``HttpsError``, and what TUF itself is to judge."""
        body = b"".join(self._fetch(url))
        if len(body) > max_length:
            raise verdicts.DownloadLengthMismatchError(f"{len(body)} bytes, {max_length} at most")
        return body

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.file = url.removeprefix(self.base)
        if self._timestamp and self.file == "timestamp.json":
            yield self._timestamp
            return
        request = Request("GET", url)
        # of any file as much: longer than TUF allows is its verdict, endless another
        reply = self._ask(request, LARGEST)
        if reply.status == 200:
            # after a new root the timestamp may have been signed anew since it was read
            self._timestamp = b""
            yield reply.body
            return
        detail = f"no {self.file}: HTTP {reply.status}"
        if self.file.endswith(".root.json") and reply.status in (403, 404):
            # good news: there is no newer root
            raise verdicts.DownloadHTTPError(detail, reply.status)
        missing = Failure(Stage.METADATA, problems.METADATA_NOT_AUTHENTIC, detail)
        if self.file == "timestamp.json":
            missing = Failure(Stage.KIND, problems.NOT_AN_UPDATE_SERVER, detail)
        raise HttpsError(judge_status(request, reply) or missing)


def _judge_error(error: Exception) -> tuple[Stage, Problem]:
    match error:
        case DeserializationError():
            return Stage.KIND, problems.NOT_AN_UPDATE_SERVER
        case verdicts.ExpiredMetadataError():
            return Stage.METADATA, problems.METADATA_EXPIRED
        case verdicts.BadVersionNumberError():
            return Stage.METADATA, problems.METADATA_ROLLED_BACK
    return Stage.METADATA, problems.METADATA_NOT_AUTHENTIC
