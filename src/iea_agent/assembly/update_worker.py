"""The worker of updates: ``iea-agent update work`` checks, fetches and installs.

It is a process of its own, because what it loads (metadata, cryptography) and needs would stay in the icon's for good. It does what the records of
``update_keeper.py`` ask for, one step after the other, and ends. One works at a time: another one that starts meanwhile ends at once, and the first looks
again after it has let go of the lock.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import problems, timing
from iea_agent.domain.download_plan import RATE_BESIDE_PROGRAM, Progress, compute_room
from iea_agent.domain.installer_result import InstallReport, InstallResult, to_event
from iea_agent.domain.network_cost import allows_automatic
from iea_agent.domain.update_catalogue import Offer, ReleaseKind
from iea_agent.domain.update_machine import (
    DownloadFailed,
    DownloadRequested,
    FileLost,
    FileVerified,
    InstallConfirmed,
    InstallerRefused,
    InstallFailed,
    UpdateSnapshot,
    UpdateState,
    VersionProposed,
    VersionWithdrawn,
)
from iea_agent.domain.update_record import (
    HistoryLine,
    HistoryStep,
    UpdateRecord,
    begin_by_itself,
    end_check,
    is_work_due,
)
from iea_agent.host.state_files import StorageError
from iea_agent.services.https import HttpsError
from iea_agent.services.network import RequestCancelled

from .installing import Installing
from .servers import Servers
from .site_folder import SiteFolder
from .site_posts import SitePosts
from .update_keeper import UpdateKeeper
from .updating import Updating

if TYPE_CHECKING:
    from iea_agent.domain.problems import Problem
    from iea_agent.services.update_download import Terms

    from .installation import Installation

log = logging.getLogger("iea_agent.updates")

MOST_STEPS = 200
"""Steps of one worker: what asks for more is a fault, which must not go on for ever."""

_NEEDS_FILE = frozenset(
    {
        UpdateState.DOWNLOADING,
        UpdateState.PAUSED,
        UpdateState.READY,
        UpdateState.INSTALLING,
        UpdateState.FAILED,
    }
)

Report = Callable[[UpdateSnapshot, Progress], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker asks about this PC besides the disk."""

    find_cost: Callable[[], int]
    program_runs: Callable[[], bool]


class UpdateWorker:
    """Does what the records ask for, in the process that calls ``run``."""

    def __init__(
        self,
        installation: Installation,
        surroundings: Surroundings | None = None,
        report: Report = lambda _snapshot, _progress: None,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        installing: Installing | None = None,
        open_site: Callable[[Path], SiteFolder] = SiteFolder,
    ) -> None:
        """Prepare; *report* is told the progress, as the file of the progress is."""
        self._steady = steady
        self._installation = installation
        self._around = surroundings or look_around(installation)
        self._report = report
        self._clock = clock
        self._keeper = UpdateKeeper(installation, lambda: None, clock)
        self._updating = Updating(Servers(installation), open_site)
        self._installing = installing or Installing(installation)

    def run(self, is_done: Callable[[], bool] = lambda: False) -> bool:
        """Work until there is nothing to do, or *is_done*.

        Returns False if another worker does it.
        """
        steps = MOST_STEPS
        while self.has_work() and not is_done() and steps:
            lock = self._keeper.lock_work()
            if lock is None:
                return False
            with closing(lock):
                while steps and not is_done() and (step := self._find_step()) is not None:
                    steps -= 1
                    step()
        return True

    def has_work(self) -> bool:
        """Return whether there is something to do."""
        return self._find_step() is not None

    def _find_step(self) -> Callable[[], None] | None:
        """Return what to do next, None if there is nothing."""
        if self._keeper.load_check().is_pending:
            return self._check
        now, program_runs = self._clock(), self._around.program_runs()
        for kind in ReleaseKind:
            record = self._keeper.load(kind)
            if is_work_due(record, now, program_runs=program_runs):
                return partial(self._serve, kind, record)
        return None

    def _serve(self, kind: ReleaseKind, record: UpdateRecord) -> None:
        if record.doomed:
            self._delete(kind, record)
        elif record.snapshot.state is UpdateState.DOWNLOADING:
            self._download(kind, record)
        elif record.snapshot.state is UpdateState.INSTALLING:
            self._install(kind, record)
        else:
            self._judge(kind)

    # looking

    def _check(self) -> None:
        """Ask the server what is on offer, and judge it."""
        code = self._refresh()
        if not code:
            for kind in ReleaseKind:
                self._judge(kind)
            self._tidy()
        self._keeper.end_check(lambda record: end_check(record, self._clock(), code))
        # last: a share that is away takes its time to say so
        self._tell_site()

    def _tell_site(self, agent: str = __version__) -> None:
        """Say in the shared folder, if there is one, which versions this PC has.

        *agent* is that of the connection program.
        """
        settings = self._installation.storage.load().effective.settings
        if settings.updates_folder:
            # it may have been installed just now
            self._installation.search_program_again()
            product = self._installation.program_version(settings)
            SitePosts(Path(settings.updates_folder), clock=self._clock).write(product, agent)

    def _refresh(self) -> str:
        """Bring the catalogue of the server; return the problem's code, "" for none."""
        try:
            self._keeper.save_catalogue(self._updating.refresh())
        except HttpsError as error:
            log.warning("check for updates", extra={"fields": {"failure": error}})
            return error.failure.problem.code
        return ""

    def _judge(self, kind: ReleaseKind) -> None:
        """Take what the catalogue means for *kind*, and begin a download by itself."""
        choice = self._keeper.choose(kind, program_runs=self._around.program_runs())
        record = self._keeper.judge(kind, choice)
        if choice.proposed is None or not self._wants_download(record):
            return
        if self._may_download(record.snapshot.length):
            self._keeper.take(kind, DownloadRequested(), change=begin_by_itself)
        else:
            later = self._clock() + timing.UPDATE_LOOK_AGAIN
            self._keeper.take(
                kind, change=lambda each: replace(each, judge_at=min(each.judge_at or later, later))
            )

    def _wants_download(self, record: UpdateRecord) -> bool:
        """Return whether a version is there that nobody has asked for yet."""
        settings = self._installation.storage.load().effective.settings
        if not settings.updates_download:
            return False
        state = record.snapshot.state
        return state is UpdateState.AVAILABLE or (state is UpdateState.FAILED and record.by_itself)

    def _may_download(self, size: int) -> bool:
        """Return whether *size* bytes may come without a click now."""
        try:
            if self._installation.assistance_since() is not None:
                return False
        except StorageError:
            return False
        return allows_automatic(self._around.find_cost(), size)

    # fetching

    def _download(self, kind: ReleaseKind, record: UpdateRecord) -> None:
        snapshot = record.snapshot
        offer = self._find_offer(kind, snapshot)
        if offer is None:
            return

        def note_wait(other: str) -> None:
            self._keeper.write_progress(snapshot, Progress(0, snapshot.length), other)

        try:
            self._updating.fetch(offer, self._make_terms(kind, snapshot, offer), note_wait)
        except RequestCancelled:
            # the record says why
            return
        except HttpsError as error:
            log.warning("download", extra={"fields": {"failure": error}})
            self._fail(kind, snapshot, error.failure.problem)
        except Exception:
            log.exception("download")
            self._fail(kind, snapshot, problems.INTERNAL_ERROR)
        else:
            self._keeper.take(
                kind, FileVerified(), change=lambda each: replace(each, failures=0), about=snapshot.sha256
            )
        finally:
            self._keeper.forget_progress()

    def _find_offer(self, kind: ReleaseKind, snapshot: UpdateSnapshot) -> Offer | None:
        """Return the offer under way; None if there is none, which is taken as an event."""
        offers = self._keeper.load_catalogue().offers
        same = [
            each for each in offers if each.release.kind is kind and each.release.version == snapshot.version
        ]
        if not same:
            self._keeper.take(kind, VersionWithdrawn(), about=snapshot.sha256)
            return None
        if same[0].file.sha256 != snapshot.sha256:
            # signed again with another file
            self._keeper.take(kind, VersionProposed(same[0]), DownloadRequested(), about=snapshot.sha256)
            return None
        return same[0]

    def _make_terms(self, kind: ReleaseKind, snapshot: UpdateSnapshot, offer: Offer) -> Terms:
        from iea_agent.services.update_download import Terms

        def report(progress: Progress) -> None:
            self._keeper.write_progress(snapshot, progress)
            self._report(snapshot, progress)

        return Terms(
            report,
            _Watch(self._keeper, kind, snapshot, self._steady),
            _Limit(self._around.program_runs, self._steady),
            compute_room(0, offer.release.installed_bytes),
        )

    def _fail(self, kind: ReleaseKind, snapshot: UpdateSnapshot, problem: Problem) -> None:
        """Note that the download failed; one by itself is tried again later."""
        now = self._clock()

        def change(record: UpdateRecord) -> UpdateRecord:
            if not record.by_itself:
                return record
            waits = timing.UPDATE_CHECK_FAILED
            wait = waits[min(record.failures, len(waits) - 1)]
            return replace(record, failures=record.failures + 1, judge_at=now + wait)

        self._keeper.take(kind, DownloadFailed(problem.code), change=change, about=snapshot.sha256)

    # installing

    def _install(self, kind: ReleaseKind, record: UpdateRecord) -> None:
        """Start the installer that is due, or learn how the one ended that was started."""
        snapshot = record.snapshot
        if not record.installer_due:
            report = self._installing.resume(kind, snapshot.version, snapshot.tries)
        elif self._clock() - record.installer_due > timing.INSTALLER_LATE:
            # it was asked for long ago: nobody expects a window now
            report = None
        else:
            offer = self._verify_offer(kind, snapshot)
            if offer is None:
                self._keeper.take(kind, FileLost(), about=snapshot.sha256)
                return
            before = self._installing.find_installed(offer.release)
            self._keeper.take(kind, change=lambda each: replace(each, installer_due=0.0, before=before))
            change_priority(low=False)
            report = self._installing.run(offer, self._updating.place / offer.file.base_name, snapshot.tries)
            change_priority(low=True)
        self._conclude(kind, snapshot, report)

    def _verify_offer(self, kind: ReleaseKind, snapshot: UpdateSnapshot) -> Offer | None:
        """Return the offer of *snapshot* as the signatures have it now; None if not.

        What is saved of it decides nothing here: the person's programs may write it.
        """
        for list_signed in (self._updating.list_known, self._updating.refresh):
            try:
                offers = list_signed().offers
            except HttpsError as error:
                log.warning("metadata before an installation", extra={"fields": {"failure": error}})
                continue
            for offer in offers:
                if offer.release.kind is kind and offer.file.sha256 == snapshot.sha256:
                    return offer
        return None

    def _conclude(self, kind: ReleaseKind, snapshot: UpdateSnapshot, report: InstallReport | None) -> None:
        """Take what an installer's *report* means; None: it was never started."""
        event = InstallerRefused() if report is None else to_event(report)
        if event is None:
            return
        document = {} if report is None else report.to_document()
        is_over = isinstance(event, InstallConfirmed | InstallFailed)

        def change(record: UpdateRecord) -> UpdateRecord:
            return replace(record, report=document, awaits_sign_in=isinstance(event, InstallConfirmed))

        # the history first: an end that was taken is not looked for again
        if report is not None and is_over:
            self._note_end(kind, snapshot, report)
        self._keeper.take(kind, event, change=change, about=snapshot.sha256)
        if report is not None and is_over:
            # this process is still that of the version before
            is_new = kind is ReleaseKind.AGENT and report.installed
            self._tell_site(report.installed if is_new else __version__)

    def _note_end(self, kind: ReleaseKind, snapshot: UpdateSnapshot, report: InstallReport) -> None:
        """Write the first two lines of the version into the history, once."""
        if any(
            line.version == snapshot.version and line.at >= snapshot.since
            for line in self._keeper.load_history()
            if line.kind is kind
        ):
            return
        before = self._keeper.load(kind).before
        document = {**report.to_document(), "file": snapshot.file.base_name}
        is_good = report.result in (InstallResult.DONE, InstallResult.RESTART)
        has_ended_well = is_good or report.result in (InstallResult.UNCONFIRMED, InstallResult.RESTART_FIRST)
        at = self._clock()
        self._keeper.add_history(
            HistoryLine(at, kind, snapshot.version, before, HistoryStep.INSTALLER, has_ended_well, document),
            HistoryLine(at, kind, snapshot.version, before, HistoryStep.VERSION, is_good, document),
        )

    # the disk

    def _delete(self, kind: ReleaseKind, record: UpdateRecord) -> None:
        """Delete the files that *record* wants to have deleted, if no update needs them."""
        needed = {each.sha256 for each in self._list_under_way()}
        for doomed in record.doomed:
            name, _, sha256 = doomed.partition(" ")
            if sha256 in needed or not _is_plain(name):
                continue
            for file in (name, f"{name}.{sha256}.part"):
                _delete_file(self._updating.place / file)
        self._keeper.take(
            kind,
            change=lambda each: replace(
                each, doomed=tuple(name for name in each.doomed if name not in record.doomed)
            ),
        )

    def _tidy(self) -> None:
        """Delete what nobody needs: old parts, and files that are neither new nor last."""
        under_way = self._list_under_way()
        needed = {each.file.base_name for each in under_way}
        needed |= {f"{each.file.base_name}.{each.sha256}.part" for each in under_way}
        needed |= set(self._list_installed())
        now = self._clock()
        with suppress(OSError):
            for file in list(self._updating.place.iterdir()):
                lasts = timing.PART_LASTS if file.name.endswith(".part") else timing.FILE_LASTS
                if file.name not in needed and now - file.stat().st_mtime > lasts:
                    _delete_file(file)

    def _list_under_way(self) -> list[UpdateSnapshot]:
        """Return the updates that need their file, or what has come of it."""
        snapshots = (self._keeper.load(kind).snapshot for kind in ReleaseKind)
        return [each for each in snapshots if each.state in _NEEDS_FILE]

    def _list_installed(self) -> list[str]:
        """Return the names of the last two installers that succeeded."""
        lines = [line for line in self._keeper.load_history() if line.is_good]
        names = [str(line.report["file"]) for line in lines if "file" in line.report]
        return list(dict.fromkeys(reversed(names)))[:2]


class _Watch:
    """Whether a download was paused or cancelled: the record says so."""

    def __init__(
        self,
        keeper: UpdateKeeper,
        kind: ReleaseKind,
        snapshot: UpdateSnapshot,
        steady: Callable[[], float],
    ) -> None:
        self._keeper, self._kind, self._snapshot, self._steady = keeper, kind, snapshot, steady
        self._signature: object = None
        self._next = 0.0

    def __call__(self) -> bool:
        now = self._steady()
        if now < self._next:
            return False
        self._next = now + timing.CANCEL_LOOK
        signature = self._keeper.sign_record(self._kind)
        if signature == self._signature:
            return False
        self._signature = signature
        snapshot = self._keeper.load(self._kind).snapshot
        return snapshot.state is not UpdateState.DOWNLOADING or snapshot.sha256 != self._snapshot.sha256


class _Limit:
    """The bytes a second that are allowed: fewer while Impact emploi runs."""

    def __init__(self, program_runs: Callable[[], bool], steady: Callable[[], float]) -> None:
        self._program_runs, self._steady = program_runs, steady
        self._next = 0.0
        self._rate = 0.0

    def __call__(self) -> float:
        now = self._steady()
        if now >= self._next:
            self._next = now + timing.PROGRAM_LOOK
            self._rate = RATE_BESIDE_PROGRAM if self._program_runs() else 0.0
        return self._rate


def look_around(installation: Installation) -> Surroundings:
    """Return what a worker asks about this PC."""
    from iea_agent.host.network_list import read_network_cost

    return Surroundings(read_network_cost, installation.runs_program)


def work(installation: Installation) -> int:
    """Be the worker of *installation*; return the exit code."""
    from iea_agent.domain import exit_codes
    from iea_agent.host import logs

    with closing(logs.start_logging(installation.folders.logs, "updates")):
        change_priority(low=True)
        try:
            UpdateWorker(installation).run()
        except Exception:
            log.exception("the worker of updates ended")
            return exit_codes.FAILED
    return exit_codes.FINE


def change_priority(*, low: bool) -> None:
    """Let everything else on this PC go first, or (on Windows) no longer."""
    if sys.platform == "win32":
        import ctypes

        kernel32 = ctypes.WinDLL("kernel32")
        kernel32.GetCurrentProcess.restype = ctypes.c_void_p
        kernel32.SetPriorityClass.argtypes = (ctypes.c_void_p, ctypes.c_uint32)
        # BELOW_NORMAL_PRIORITY_CLASS, NORMAL_PRIORITY_CLASS
        kernel32.SetPriorityClass(kernel32.GetCurrentProcess(), 0x4000 if low else 0x20)
    elif low:
        os.nice(10)


def _is_plain(name: str) -> bool:
    """Return whether *name* is that of a file in a folder, and leads nowhere else."""
    return bool(name) and Path(name).name == name and name not in {".", ".."}


def _delete_file(file: Path) -> None:
    # one that is held now goes another time
    with suppress(OSError):
        file.unlink(missing_ok=True)
