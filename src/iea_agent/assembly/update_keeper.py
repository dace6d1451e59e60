"""The machine of updates on disk: every process takes its events here.

Each product has a record in the state folder, written whole under a lock after each event and before its effects. What is heavy (metadata, download,
installer) a worker does (``update_worker.py``), a process of its own: this module reads and writes small files.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent.domain import refusals, timing
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.state_values import parse_count
from iea_agent.domain.update_catalogue import (
    LARGEST_FILE,
    Catalogue,
    Release,
    ReleaseKind,
    SignedFile,
    list_offers,
)
from iea_agent.domain.update_choice import (
    Listed,
    Postponement,
    Reason,
    UpdateChoice,
    Wishes,
    choose_update,
    find_return,
    find_version,
    list_returned,
    may_put_off,
    may_skip,
    recall,
    skip,
)
from iea_agent.domain.update_machine import (
    DownloadCancelled,
    DownloadPaused,
    DownloadRequested,
    FileVerified,
    InstallRequested,
    MachineResumed,
    ResultRead,
    UpdateEvent,
    UpdateSnapshot,
    UpdateState,
    VersionProposed,
    VersionSkipped,
    allows_update,
    judge_choice,
)
from iea_agent.domain.update_record import (
    MOST_LINES,
    WORK,
    CheckRecord,
    HistoryLine,
    LaunchWish,
    UpdateRecord,
    judge_launch,
    note_choice,
    parse_check_record,
    parse_history,
    parse_update_record,
    postpone,
    take_events,
)
from iea_agent.host.regular_files import read_bounded
from iea_agent.host.state_files import StorageError

from .own_command import own_command
from .update_post import describe_post

if TYPE_CHECKING:
    from pathlib import Path

    from iea_agent.host import InstanceLock
    from iea_agent.services.update_download import Terms

    from .installation import Installation
    from .updating import ReceivedFile

log = logging.getLogger("iea_agent.updates")

RECORDS: Mapping[ReleaseKind, str] = {kind: f"update-{kind.value}" for kind in ReleaseKind}
CHECK = "update-check"
CATALOGUE = "update-catalogue"
HISTORY = "update-history"
PROGRESS = "update-progress.json"
LARGEST_PROGRESS = 2000
LOCK = "update-worker"
STOP_SECONDS = 5.0
"""The longest wait for a worker whose download was paused."""

Change = Callable[[UpdateRecord], UpdateRecord]


@dataclass(frozen=True, slots=True)
class UpdateView:
    """What there is to see of the updates of one product.

    *installed* is "" if unknown. *progress* is None but while a file comes; *waits_for* is the PC of the site that fetches it, "" if none does.
    *report* is what the last installer reported, *launch* what becomes of the wish that came with it. *wishes* are the versions that a person has
    skipped or put off.
    """

    kind: ReleaseKind
    installed: str
    snapshot: UpdateSnapshot
    choice: UpdateChoice
    progress: Progress | None
    waits_for: str
    check: CheckRecord
    history: tuple[HistoryLine, ...]
    report: Mapping[str, object]
    launch: LaunchWish
    wishes: Wishes


class UpdateKeeper:
    """The updates of one installation, for any of its processes.

    Methods that change something raise ``RefusedError``.
    """

    def __init__(
        self,
        installation: Installation,
        start_worker: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; *start_worker* is called for what only a worker does."""
        self._installation = installation
        self._storage = installation.storage
        self._clock = clock
        self.start_worker = start_worker or self._start_worker
        self._progress_file = installation.folders.state / PROGRESS

    # what there is to see

    def sign(self) -> tuple[object, ...]:
        """Return what changes when a view does."""
        names = (*RECORDS.values(), CHECK, CATALOGUE, HISTORY)
        try:
            status = self._progress_file.stat()
            progress = (status.st_mtime_ns, status.st_size)
        except OSError:
            progress = (0, 0)
        return (*map(self._storage.state_signature, names), progress)

    def sign_records(self) -> tuple[object, ...]:
        """Return what changes with the records of the products and of the checks."""
        return tuple(map(self._storage.state_signature, (*RECORDS.values(), CHECK)))

    def sign_record(self, kind: ReleaseKind) -> object:
        """Return what changes with the record of *kind*."""
        return self._storage.state_signature(RECORDS[kind])

    def look(self, kind: ReleaseKind) -> UpdateView:
        """Return what there is to see of *kind* at this moment."""
        record = self.load(kind)
        post = describe_post(self._installation, kind, self._clock(), wishes=record.wishes)
        progress, waits_for = None, ""
        if record.snapshot.state is UpdateState.DOWNLOADING:
            progress, waits_for = self.read_progress(record.snapshot)
        return UpdateView(
            kind,
            post.installed,
            record.snapshot,
            choose_update(self.load_catalogue().offers, kind, post),
            progress,
            waits_for,
            self.load_check(),
            tuple(line for line in self.load_history() if line.kind is kind),
            record.report,
            judge_launch(record.snapshot, record.launch, self._clock()),
            record.wishes,
        )

    def load(self, kind: ReleaseKind) -> UpdateRecord:
        """Return the record of *kind*, that of a new PC if the disk has none."""
        try:
            return self._storage.read_state(RECORDS[kind], parse_update_record) or UpdateRecord()
        except StorageError as error:
            raise _refuse_disk(error) from error

    def load_check(self) -> CheckRecord:
        """Return what is known of the checks."""
        try:
            return self._storage.read_state(CHECK, parse_check_record) or CheckRecord()
        except StorageError as error:
            raise _refuse_disk(error) from error

    def load_catalogue(self) -> Catalogue:
        """Return what the last check that succeeded has found.

        It decides what a person sees; what is fetched or installed, the signatures decide.
        """
        try:
            return self._storage.read_state(CATALOGUE, _parse_catalogue) or Catalogue()
        except StorageError as error:
            raise _refuse_disk(error) from error

    def load_history(self) -> tuple[HistoryLine, ...]:
        """Return the lines of the history, the newest last."""
        try:
            return self._storage.read_state(HISTORY, parse_history) or ()
        except StorageError as error:
            raise _refuse_disk(error) from error

    # what a person wants

    def check(self) -> None:
        """Have a worker ask the server what is on offer."""
        with self._exclusive(CHECK):
            record = self.load_check()
            self._write(
                CHECK, replace(record, requested=max(self._clock(), record.ended + 0.001)).to_document()
            )
        self.start_worker()

    def start_download(self, kind: ReleaseKind, version: str = "") -> None:
        """Have *version* fetched, "" for the one that is under way, else proposed.

        It also goes on after a pause, and tries again after a failure.
        """
        snapshot = self.load(kind).snapshot
        if not version and allows_update(snapshot.state, DownloadRequested):
            self.take(kind, DownloadRequested())
            return
        listed = find_version(self.choose(kind), version)
        if snapshot.version == listed.offer.release.version and snapshot.state is UpdateState.READY:
            return
        events = self._propose(snapshot, listed)
        self.take(kind, *events, DownloadRequested(), change=_want(listed.offer.release.version))
        self._require(kind, {UpdateState.DOWNLOADING})
        if {Reason.SKIPPED, Reason.PUT_OFF} & set(listed.reasons):
            self.judge(kind, self.choose(kind))

    def pause(self, kind: ReleaseKind) -> None:
        """Have the download stop; what has come stays."""
        self.take(kind, DownloadPaused())

    def cancel(self, kind: ReleaseKind) -> None:
        """Have the download stop, and delete what has come."""
        self.take(kind, DownloadCancelled())

    def install(self, kind: ReleaseKind, launch: LaunchWish = LaunchWish.NONE) -> None:
        """Have the verified file installed, and Impact emploi launched then if asked."""
        self.take(kind, InstallRequested(), change=lambda record: replace(record, launch=launch))
        self._require(kind, {UpdateState.INSTALLING})

    def read_result(self, kind: ReleaseKind) -> None:
        """Note that a person has read how the update ended."""
        self.take(kind, ResultRead())

    def take_file(self, path: Path, terms: Terms) -> ReceivedFile:
        """Take the update in the file *path*, if it is signed and suits this PC.

        It waits for the disk, and loads what verifies: for a window's thread or a command.
        """
        from .servers import Servers
        from .updating import Updating

        updating = Updating(Servers(self._installation))
        with refused():
            try:
                received = updating.take_file(path, terms)
            except OSError as error:
                raise RefusedError(refusals.FileNotReadable(str(path), type(error).__name__)) from error
        # what came beside it: a window lists the version, and reads about it
        catalogue = updating.list_known()
        if catalogue.offers:
            self.save_catalogue(catalogue)
        offer = received.offer
        kind = offer.release.kind
        listed = find_version(self.choose(kind, Catalogue((offer,))), offer.release.version)
        events = (*self._propose(self.load(kind).snapshot, listed), FileVerified())
        self.take(kind, *events, change=_want(offer.release.version))
        self._require(kind, {UpdateState.READY})
        return received

    def skip(self, kind: ReleaseKind, version: str) -> None:
        """Never propose *version* again, and delete its file.

        A critical one stays, and one whose deadline is over.
        """
        release, version = self._find_wished(kind, version)
        if release is not None and not may_skip(release, self._clock()):
            return
        is_under_way = self.load(kind).snapshot.version == version
        events = (VersionSkipped(),) if is_under_way else ()
        self._wish(kind, release, lambda record: replace(record, wishes=skip(record.wishes, version)), events)

    def put_off(self, kind: ReleaseKind, version: str, postponement: Postponement) -> None:
        """Do not propose *version* before the time that *postponement* leads to.

        Its deadline comes first.
        """
        release, version = self._find_wished(kind, version)
        if release is not None and not may_put_off(release, self._clock()):
            return
        until = find_return(postponement, self._local_time()).timestamp()
        if release is not None and release.deadline is not None:
            until = min(until, release.deadline.timestamp())
        self._wish(kind, release, lambda record: postpone(record, version, until))

    def recall(self, kind: ReleaseKind, version: str) -> None:
        """Propose *version* as if it had been neither skipped nor put off."""
        release, version = self._find_wished(kind, version)
        self._wish(kind, release, _want(version))

    # events

    def take(
        self, kind: ReleaseKind, *events: UpdateEvent, change: Change | None = None, about: str | None = None
    ) -> UpdateRecord:
        """Take *events*, then *change*, and write the record before any effect.

        With *about*, the SHA-256 of a file, nothing happens if another version is under way by now.
        """
        with self._exclusive(RECORDS[kind]):
            before = self.load(kind)
            if about is not None and before.snapshot.sha256 != about:
                return before
            record, effects = take_events(before, events, self._clock())
            record = change(record) if change else record
            if record != before:
                self._write(RECORDS[kind], record.to_document())
        if record.snapshot != before.snapshot:
            names = " ".join(type(event).__name__ for event in events)
            snapshot = record.snapshot
            fields = {"kind": kind.value, "state": snapshot.state.value, "version": snapshot.version}
            log.info("update: %s", names, extra={"fields": {**fields, "problem": snapshot.code}})
        if effects & WORK:
            self.start_worker()
        return record

    def resume(self) -> None:
        """Go on with what was under way when the agent ended."""
        for kind, name in RECORDS.items():
            if self._storage.has_state(name):
                self.take(kind, MachineResumed())

    def judge(self, kind: ReleaseKind, choice: UpdateChoice) -> UpdateRecord:
        """Take what *choice*, made of the latest catalogue, means for the update."""
        now = self._local_time()

        def note(record: UpdateRecord) -> UpdateRecord:
            return note_choice(record, choice, now)

        record = self.load(kind)
        event = judge_choice(record.snapshot, choice, list_returned(record.wishes, now.timestamp()))
        return self.take(kind, *(() if event is None else (event,)), change=note)

    def choose(
        self, kind: ReleaseKind, catalogue: Catalogue | None = None, *, program_runs: bool = False
    ) -> UpdateChoice:
        """Return what is proposed of *kind* to this PC, and why not the others."""
        wishes = self.load(kind).wishes
        post = describe_post(
            self._installation, kind, self._clock(), wishes=wishes, program_runs=program_runs
        )
        return choose_update((self.load_catalogue() if catalogue is None else catalogue).offers, kind, post)

    def stop_work(self) -> None:
        """Stop a download, and wait until no worker is left.

        Raises ``RefusedError`` if one waits for an installer.
        """
        for kind in ReleaseKind:
            if self._storage.has_state(RECORDS[kind]):
                self.take(kind, DownloadPaused())
        until = time.monotonic() + STOP_SECONDS
        while (lock := self.lock_work()) is None:
            if time.monotonic() >= until:
                raise RefusedError(refusals.UpdateNotNow(UpdateState.INSTALLING.value))
            time.sleep(timing.CANCEL_LOOK)
        lock.close()

    def lock_work(self) -> InstanceLock | None:
        """Return the right to be the only worker, None if another one has it."""
        try:
            return self._installation.host.lock_file(self._installation.folders.state / LOCK)
        except OSError as error:
            raise _refuse_disk(StorageError(self._installation.folders.state)) from error

    # what a worker writes

    def end_check(self, change: Callable[[CheckRecord], CheckRecord]) -> None:
        """Write how a check has ended."""
        with self._exclusive(CHECK):
            self._write(CHECK, change(self.load_check()).to_document())

    def save_catalogue(self, catalogue: Catalogue) -> None:
        """Write what a check has found."""
        files = [
            {
                "name": offer.file.name,
                "length": offer.file.length,
                "sha256": offer.file.sha256,
                "custom": dict(offer.file.custom),
            }
            for offer in catalogue.offers
        ]
        with self._exclusive(CATALOGUE):
            if self.load_catalogue() != catalogue:
                self._write(CATALOGUE, {"files": files})

    def add_history(self, *lines: HistoryLine) -> None:
        """Add *lines* at the end of the history; the oldest go."""
        with self._exclusive(HISTORY):
            every = (*self.load_history(), *lines)[-MOST_LINES:]
            self._write(HISTORY, {"lines": [line.to_document() for line in every]})

    def write_progress(self, snapshot: UpdateSnapshot, progress: Progress, waits_for: str = "") -> None:
        """Write how far a download is; what prevents it loses nothing."""
        document = {
            "sha256": snapshot.sha256,
            "received": progress.received,
            "total": progress.total,
            "rate": int(progress.rate),
            "waits_for": waits_for[:60],
        }
        new = self._progress_file.with_suffix(".new")
        # no fsync: it is of no use after this process
        with suppress(OSError):
            new.write_bytes(json.dumps(document).encode())
            os.replace(new, self._progress_file)

    def forget_progress(self) -> None:
        """Delete the progress of a download that has ended."""
        with suppress(OSError):
            self._progress_file.unlink(missing_ok=True)

    def read_progress(self, snapshot: UpdateSnapshot) -> tuple[Progress | None, str]:
        """Return how far the download of *snapshot* is, and which PC it waits for.

        None and "" if no such file comes.
        """
        try:
            data = read_bounded(self._progress_file, LARGEST_PROGRESS)
            document = parse_progress(data or b"")
        except (OSError, ValueError):
            return None, ""
        if document["sha256"] != snapshot.sha256:
            return None, ""
        received, total, rate = (parse_count(document, name, 0, LARGEST_FILE) for name in _COUNTS)
        return Progress(received, total, float(rate)), str(document["waits_for"])

    # inside

    def _propose(self, snapshot: UpdateSnapshot, listed: Listed) -> tuple[UpdateEvent, ...]:
        """Return what makes *listed* the version under way; it may be the one already."""
        is_same = snapshot.version == listed.offer.release.version
        if is_same and snapshot.sha256 == listed.offer.file.sha256:
            return ()
        return (VersionProposed(listed.offer),)

    def _require(self, kind: ReleaseKind, states: set[UpdateState]) -> None:
        """Refuse if what was asked for did nothing. Raises ``RefusedError``."""
        state = self.load(kind).snapshot.state
        if state not in states:
            raise RefusedError(refusals.UpdateNotNow(state.value))

    def _find_wished(self, kind: ReleaseKind, version: str) -> tuple[Release | None, str]:
        """Return what a wish is about: a release on offer, and its version.

        None for the version under way if it came in a file, and nothing that this PC knows offers it.
        """
        choice = self.choose(kind)
        is_listed = any(each.offer.release.version == version for each in choice.listed)
        if version and not is_listed and version == self.load(kind).snapshot.version:
            return None, version
        release = find_version(choice, version).offer.release
        return release, release.version

    def _wish(
        self, kind: ReleaseKind, release: Release | None, change: Change, events: Iterable[UpdateEvent] = ()
    ) -> None:
        self.take(kind, *events, change=change)
        # what nothing offers would look withdrawn
        if release is not None:
            self.judge(kind, self.choose(kind))

    def _local_time(self) -> datetime:
        return datetime.fromtimestamp(self._clock()).astimezone()

    def _start_worker(self) -> None:
        from iea_agent.host import LaunchError

        host = self._installation.host
        try:
            child = host.start_apart(own_command("update", "work"), os.environ)
        except LaunchError as error:
            reason = type(error.__cause__).__name__
            log.warning("worker not started", extra={"fields": {"reason": reason}})
            raise RefusedError(refusals.WorkerNotStarted(reason)) from error
        # an installer that it starts may ask for rights
        host.allow_foreground(child.pid)

    @contextmanager
    def _exclusive(self, name: str) -> Iterator[None]:
        try:
            with self._storage.exclusive_state(name):
                yield
        except StorageError as error:
            raise _refuse_disk(error) from error

    def _write(self, name: str, document: Mapping[str, object]) -> None:
        self._storage.write_state(name, document)


def _want(version: str) -> Change:
    """Return what forgets that a person has skipped *version*, or put it off."""
    return lambda record: replace(record, wishes=recall(record.wishes, version))


_COUNTS = ("received", "total", "rate")


def parse_progress(data: bytes) -> dict[str, object]:
    """Parse the file of a download's progress. Raises ``ValueError``."""
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(document, dict):
        raise ValueError("an object expected")
    for name in _COUNTS:
        parse_count(document, name, 0, LARGEST_FILE)
    if not all(isinstance(document.get(name), str) for name in ("sha256", "waits_for")):
        raise ValueError("sha256, waits_for: texts expected")
    return document


def _parse_catalogue(document: Mapping[str, object]) -> Catalogue:
    files = document.get("files")
    if not isinstance(files, list):
        raise ValueError("files: a list expected")
    return list_offers(map(_parse_file, files))


def _parse_file(document: object) -> SignedFile:
    if not isinstance(document, dict):
        raise ValueError("files: objects expected")
    name, sha256, custom = (document.get(field) for field in ("name", "sha256", "custom"))
    if not isinstance(name, str) or not isinstance(sha256, str) or not isinstance(custom, dict):
        raise ValueError("name, sha256, custom: two texts and an object expected")
    return SignedFile(name, parse_count(document, "length", 0, LARGEST_FILE), sha256, custom)


def _refuse_disk(error: StorageError) -> RefusedError:
    log.warning("state of updates", extra={"fields": {"file": error.path, "reason": error.__cause__}})
    return RefusedError(refusals.NothingWritten())


@contextmanager
def refused() -> Iterator[None]:
    """Raise ``RefusedError`` for ``HttpsError``: its problem."""
    from iea_agent.services.https import HttpsError

    try:
        yield
    except HttpsError as error:
        log.warning("update", extra={"fields": {"failure": error}})
        raise RefusedError(refusals.ProblemMet(error.failure.problem.code)) from error
