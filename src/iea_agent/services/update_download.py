"""Signed files of the update repository, fetched or copied in a single pass.

What comes is hashed while it is written to ``<name>.<sha256>.part``. It gets its name only once length and hash are those that were signed: where it
comes from needs no trust. A part that is left over is hashed and goes on with the missing bytes (Range, RFC 9110, section 14).
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.download_plan import Progress, RateLimit, RateMeter, parse_content_range
from iea_agent.domain.problems import Problem
from iea_agent.domain.update_catalogue import SignedFile

from .https import Client, HttpsError
from .judge import judge_answer
from .messages import Reply, Request
from .network import RequestCancelled
from .web_pages import find_title

PIECE = 256 * 1024
"""Bytes that are written at once, and read at once from a file."""
REPORT_SECONDS = 0.25
"""How often the progress is reported."""
LARGEST_EXPLANATION = 64 * 1024
"""Bytes that are read of an answer that is not the file."""
WAIT_SECONDS = 0.1
"""The longest wait without a look whether the download was cancelled."""
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MOST_BEGINNINGS = 2

_Taken = TypeVar("_Taken")


class Fetch(Protocol):
    """Sends a request and gives its reply piece by piece: ``Client.receive``."""

    def __call__(
        self,
        request: Request,
        take: Callable[[Reply, Iterator[bytes]], _Taken],
        *,
        is_cancelled: Callable[[], bool] | None,
    ) -> _Taken: ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds while a file comes.

    *report* is told the progress; once *is_cancelled* returns true, ``RequestCancelled`` is raised. *find_limit* returns the bytes a second
    that are allowed, 0 for no limit. *room* are free bytes that are needed beside those of the file itself.
    """

    report: Callable[[Progress], None] = lambda _progress: None
    is_cancelled: Callable[[], bool] = lambda: False
    find_limit: Callable[[], float] = lambda: 0.0
    room: int = 0


def fetch_file(fetch: Fetch, address: str, file: SignedFile, folder: Path, terms: Terms) -> Path:
    """Fetch *file* from *address* into *folder*, and return its path.

    A part goes on where it ends. What the server sends instead of the file is thrown away. Raises ``HttpsError``: with UPDATE_FILE_MISSING,
    UPDATE_FILE_ALTERED, DISK_TOO_FULL, with what the network met (the part stays), and ``RequestCancelled`` (the part stays).
    """
    with _PartFile(folder, file, terms) as part:
        if part.is_complete_before():
            return part.path
        part.take_over()
        for _ in range(_MOST_BEGINNINGS):
            begin = part.received
            headers = {"accept": "*/*", **({"range": f"bytes={begin}-"} if begin else {})}
            request = Request("GET", address, headers)
            if begin == file.length or fetch(
                request, _Reception(part, request), is_cancelled=terms.is_cancelled
            ):
                return part.finish()
            part.begin_anew()
        raise _refuse(
            problems.UPDATE_FILE_ALTERED, f"{file.base_name}: the server answers no range and no whole"
        )


def copy_file(source: BinaryIO, file: SignedFile, folder: Path, terms: Terms) -> Path:
    """Copy *file* from the opened *source* into *folder*, and return its path.

    Raises ``HttpsError`` with UPDATE_FILE_ALTERED or DISK_TOO_FULL, ``RequestCancelled``, and ``OSError`` if *source* cannot be read.
    """
    with _PartFile(folder, file, terms) as part:
        if part.is_complete_before():
            # a person who names a file is told of that file
            part.compare(source)
            return part.path
        part.begin_anew()
        part.take_over()
        part.take_all(iter(lambda: source.read(PIECE), b""))
        return part.finish()


def receive_with(client: Client) -> Fetch:
    """Return how *client* fetches."""
    return client.receive


class _Reception:
    """Takes the reply to a request for a file; false if the file must begin anew."""

    def __init__(self, part: _PartFile, request: Request) -> None:
        self._part = part
        self._request = request

    def __call__(self, head: Reply, pieces: Iterator[bytes]) -> bool:
        part = self._part
        if head.status == 416 and part.received:
            return False
        if head.status not in (200, 206):
            raise HttpsError(self._judge(head, pieces))
        begin, length = self._find_place(head)
        if begin != part.received:
            if begin:
                return False
            part.begin_anew()
        if length is not None and length != part.file.length:
            # what is another file need not be fetched to its end
            if head.headers.get("content-type", "").startswith("text/html"):
                raise HttpsError(self._judge(head, pieces))
            part.delete()
            detail = f"{part.file.base_name}: {length} bytes, {part.file.length} are signed"
            raise _refuse(problems.UPDATE_FILE_ALTERED, detail)
        part.take_all(pieces)
        return True

    def _find_place(self, head: Reply) -> tuple[int, int | None]:
        """Return where the body begins in the file, and how long the whole is."""
        if head.status == 206:
            return parse_content_range(head.headers.get("content-range", "")) or (-1, None)
        length = head.headers.get("content-length", "")
        return 0, int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None

    def _judge(self, head: Reply, pieces: Iterator[bytes]) -> Failure:
        """Return why there is no file; a page may say it."""
        body = bytearray()
        for piece in pieces:
            body += piece
            if len(body) > LARGEST_EXPLANATION:
                break
        reply = replace(head, body=bytes(body[:LARGEST_EXPLANATION]))
        failure = judge_answer(self._request, reply)
        if failure is None or failure.problem is problems.NOTHING_THERE:
            detail = f"no {self._part.file.base_name}: HTTP {head.status}"
            return Failure(Stage.METADATA, problems.UPDATE_FILE_MISSING, detail, evidence=find_title(reply))
        return failure


class _PartFile:
    """The file on its way: what is there of it, and its hash so far."""

    def __init__(self, folder: Path, file: SignedFile, terms: Terms) -> None:
        self.file = file
        self.path = folder / file.base_name
        self.received = 0
        self._place = folder / f"{file.base_name}.{file.sha256}.part"
        self._terms = terms
        self._hash = hashlib.sha256()
        self._opened: BinaryIO | None = None
        self._limit = RateLimit(time.monotonic())
        self._half = file.length // 2

    def __enter__(self) -> _PartFile:
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._opened = open(self._place, "ab+", buffering=PIECE, opener=_open_private)
        except OSError as error:
            raise _refuse_disk(error, self._place) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            # what could not be written is fetched again
            with suppress(OSError):
                self._opened.close()

    def is_complete_before(self) -> bool:
        """Return whether the file itself is there, whole; then no part is needed."""
        try:
            with open(self.path, "rb") as ready:
                if os.fstat(ready.fileno()).st_size != self.file.length:
                    return False
                digest = hashlib.sha256()
                for piece in self._read_pieces(ready):
                    digest.update(piece)
        except OSError:
            return False
        if digest.hexdigest() != self.file.sha256:
            return False
        self.delete()
        self._terms.report(Progress(self.file.length, self.file.length))
        return True

    def take_over(self) -> None:
        """Hash what an earlier download has left, and look whether there is room."""
        try:
            if os.fstat(self._file.fileno()).st_size > self.file.length:
                self.begin_anew()
            self._file.seek(0)
            for piece in self._read_pieces(self._file):
                self._hash.update(piece)
                self.received += len(piece)
        except OSError as error:
            raise _refuse_disk(error, self._place) from None
        self._check_room()

    def take_all(self, pieces: Iterable[bytes]) -> None:
        """Write and hash *pieces*, as many as are signed."""
        meter = RateMeter(self.received, time.monotonic())
        reported = 0.0
        for piece in pieces:
            if self.received + len(piece) > self.file.length:
                self.delete()
                raise _refuse(
                    problems.UPDATE_FILE_ALTERED,
                    f"{self.file.base_name}: longer than the {self.file.length} bytes that are signed",
                )
            self._write(piece)
            now = time.monotonic()
            if now - reported >= REPORT_SECONDS:
                reported = now
                self._terms.report(
                    Progress(self.received, self.file.length, meter.measure(self.received, now))
                )
            self._wait(self._limit.take(len(piece), self._terms.find_limit(), now))

    def finish(self) -> Path:
        """Give the file its name, if it is whole and the signed one."""
        if self.received != self.file.length or self._hash.hexdigest() != self.file.sha256:
            self.delete()
            raise self._refuse_other(self._hash.hexdigest(), self.received)
        try:
            self._file.close()
            os.replace(self._place, self.path)
        except OSError as error:
            raise _refuse_disk(error, self.path) from None
        self._terms.report(Progress(self.received, self.received))
        return self.path

    def compare(self, source: BinaryIO) -> None:
        """Refuse *source* unless it is the signed file, too."""
        digest, received = hashlib.sha256(), 0
        for piece in self._read_pieces(source):
            digest.update(piece)
            received += len(piece)
            if received > self.file.length:
                break
        if digest.hexdigest() != self.file.sha256:
            raise self._refuse_other(digest.hexdigest(), received)

    def _refuse_other(self, digest: str, received: int) -> HttpsError:
        detail = f"{self.file.base_name}: SHA-256 {digest} of {received} bytes, another is signed"
        return _refuse(problems.UPDATE_FILE_ALTERED, detail)

    def begin_anew(self) -> None:
        """Throw away what is there."""
        try:
            self._file.seek(0)
            self._file.truncate()
        except OSError as error:
            raise _refuse_disk(error, self._place) from None
        self.received = 0
        self._hash = hashlib.sha256()

    def delete(self) -> None:
        """Delete the part: it is of no use."""
        # a part that stays does not fit, and the next download throws it away
        with suppress(OSError):
            self._file.close()
            self._place.unlink(missing_ok=True)

    @property
    def _file(self) -> BinaryIO:
        if self._opened is None:
            raise RuntimeError("the part is not open")
        return self._opened

    def _read_pieces(self, opened: BinaryIO) -> Iterator[bytes]:
        while piece := opened.read(PIECE):
            self._look_whether_cancelled()
            yield piece

    def _write(self, piece: bytes) -> None:
        try:
            self._file.write(piece)
        except OSError as error:
            raise _refuse_disk(error, self._place) from None
        self._hash.update(piece)
        before, self.received = self.received, self.received + len(piece)
        if before < self._half <= self.received:
            self._check_room()

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        self._look_whether_cancelled()
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, WAIT_SECONDS))
            self._look_whether_cancelled()

    def _look_whether_cancelled(self) -> None:
        if self._terms.is_cancelled():
            raise RequestCancelled

    def _check_room(self) -> None:
        """Refuse to begin, or to go on, without enough room on the disk."""
        needed = self.file.length - self.received + self._terms.room
        try:
            free = shutil.disk_usage(self._place.parent).free
        except OSError:
            return
        if free < needed:
            raise _refuse(problems.DISK_TOO_FULL, f"{self._place.parent}: {free} bytes free, {needed} needed")


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _refuse(problem: Problem, detail: str) -> HttpsError:
    return HttpsError(Failure(Stage.METADATA, problem, detail))


def _refuse_disk(error: OSError, path: Path) -> HttpsError:
    problem = problems.DISK_TOO_FULL if error.errno in _FULL else problems.FOLDER_UNUSABLE
    return _refuse(problem, f"{path}: {type(error).__name__}: [Errno {error.errno}] {error.strerror}")
