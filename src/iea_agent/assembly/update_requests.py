"""What the commands ask of updates: they are workers themselves, and wait.

If another worker is busy, its progress is shown.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import refusals
from iea_agent.domain.program_version import order_version
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.update_catalogue import Catalogue, ReleaseKind
from iea_agent.domain.update_choice import Reason
from iea_agent.domain.update_machine import UpdateState
from iea_agent.domain.update_record import is_installer_due

from .notes_files import find_notes
from .servers import Servers
from .update_keeper import UpdateKeeper
from .update_worker import UpdateWorker
from .updating import Updating

if TYPE_CHECKING:
    from iea_agent.domain.documents import (
        InstallationDocument,
        ReceivedFileDocument,
        SitePostsDocument,
        UpdateHistoryDocument,
        UpdatesDocument,
    )
    from iea_agent.domain.download_plan import Progress
    from iea_agent.domain.update_machine import UpdateSnapshot

    from .installation import Installation

    Report = Callable[[Progress], None]

FOLLOW_SECONDS = 0.25
"""Between two looks at what another worker does."""


def check(installation: Installation, *, by_network: bool) -> UpdatesDocument:
    """Return what is on offer, as the server or as this PC knows it.

    Raises ``RefusedError``.
    """
    keeper = UpdateKeeper(installation, lambda: None)
    if not by_network:
        return _build_list(installation, Updating(Servers(installation)).list_known())
    _check(installation, keeper)
    return _build_list(installation, keeper.load_catalogue())


def download(
    installation: Installation, version: str, is_agent: bool, report: Report
) -> ReceivedFileDocument:
    """Receive *version*, "" for the one that is proposed. Raises ``RefusedError``.

    Interrupted, the download is paused.
    """
    keeper = UpdateKeeper(installation, lambda: None)
    kind = ReleaseKind.AGENT if is_agent else ReleaseKind.PRODUCT
    _check(installation, keeper)
    keeper.start_download(kind, version)
    try:
        _work(
            installation,
            keeper,
            lambda: keeper.load(kind).snapshot.state is not UpdateState.DOWNLOADING,
            report,
        )
    except KeyboardInterrupt:
        keeper.pause(kind)
        raise
    snapshot = keeper.load(kind).snapshot
    if snapshot.state is not UpdateState.READY:
        raise RefusedError(
            refusals.ProblemMet(snapshot.code)
            if snapshot.code
            else refusals.UpdateNotNow(snapshot.state.value)
        )
    place = Updating(Servers(installation)).place / snapshot.file.base_name
    releases = [listed.offer.release for listed in keeper.choose(kind).listed]
    notes = [find_notes(installation, each) for each in releases if each.version == snapshot.version]
    return _build_document(kind, snapshot, place, "".join(notes))


def install(installation: Installation, version: str, is_agent: bool, report: Report) -> InstallationDocument:
    """Install *version*, which is received first if need be. Raises ``RefusedError``.

    Interrupted, an installer that has begun goes on.
    """
    keeper = UpdateKeeper(installation, lambda: None)
    kind = ReleaseKind.AGENT if is_agent else ReleaseKind.PRODUCT
    snapshot = keeper.load(kind).snapshot
    if snapshot.state is not UpdateState.READY or (version and not _means(version, snapshot.version)):
        download(installation, version, is_agent, report)
    keeper.install(kind)
    _work(installation, keeper, lambda: not keeper.load(kind).is_installing)
    from iea_agent.shell.wording.update_history_text import build_installation_document

    return build_installation_document(kind, keeper.load(kind))


def install_unattended(
    installation: Installation, version: str, is_agent: bool, report: Report
) -> InstallationDocument:
    """Install what is proposed, with nobody before the screen.

    Raises ``RefusedError``. An installer that has failed is not started again: a person has to see to it. Nothing happens while Impact emploi runs.
    """
    from iea_agent.shell.wording.update_history_text import (
        build_installation_document,
        build_nothing_document,
    )

    keeper = UpdateKeeper(installation, lambda: None)
    kind = ReleaseKind.AGENT if is_agent else ReleaseKind.PRODUCT
    # what the run before has begun
    _work(installation, keeper, lambda: not is_installer_due(keeper.load(kind), time.time()))
    _check(installation, keeper)
    record = keeper.load(kind)
    proposed = keeper.choose(kind).proposed
    if proposed is None or (version and not _means(version, proposed.release.version)):
        return build_nothing_document(kind)
    is_same = record.snapshot.version == proposed.release.version
    has_failed = record.snapshot.state is UpdateState.FAILED and not record.snapshot.code
    if is_same and (has_failed or record.snapshot.state is UpdateState.INSTALLING):
        return build_installation_document(kind, record)
    if kind is ReleaseKind.PRODUCT and installation.runs_program():
        raise RefusedError(refusals.VersionNotAllowed(proposed.release.version, Reason.PROGRAM_RUNS.value))
    return install(installation, proposed.release.version, is_agent, report)


def list_history(installation: Installation) -> UpdateHistoryDocument:
    """Return what was installed on this PC, the oldest line first."""
    from iea_agent.shell.wording.update_history_text import build_history_document

    return build_history_document(UpdateKeeper(installation, lambda: None).load_history())


def list_posts(installation: Installation) -> SitePostsDocument:
    """Return the PCs of the site, as their shared folder tells them.

    Raises ``RefusedError`` if that folder cannot be read.
    """
    from iea_agent.domain.post_report import SiteView
    from iea_agent.shell.wording.site_text import build_posts_document

    from .site_posts import SitePosts

    folder = installation.storage.load().effective.settings.updates_folder
    if not folder:
        return build_posts_document("", SiteView(""))
    try:
        return build_posts_document(folder, SitePosts(Path(folder)).read_posts())
    except OSError as error:
        raise RefusedError(refusals.SharedFolderAway(folder, type(error).__name__)) from error


def take_file(installation: Installation, path: Path, report: Report) -> ReceivedFileDocument:
    """Verify the update in the file *path*. Raises ``RefusedError``."""
    from iea_agent.services.update_download import Terms

    keeper = UpdateKeeper(installation)
    received = keeper.take_file(path, Terms(report))
    kind = received.offer.release.kind
    notes = find_notes(installation, received.offer.release)
    return _build_document(kind, keeper.load(kind).snapshot, received.path, notes)


def _means(typed: str, version: str) -> bool:
    """Return whether a person who types *typed* means *version*."""
    try:
        return order_version(typed) == order_version(version)
    except ValueError:
        return False


def _check(installation: Installation, keeper: UpdateKeeper) -> None:
    """Ask the server. Raises ``RefusedError`` with the problem that was met."""
    keeper.check()
    _work(installation, keeper, lambda: not keeper.load_check().is_pending)
    code = keeper.load_check().code
    if code:
        raise RefusedError(refusals.ProblemMet(code))


def _work(
    installation: Installation,
    keeper: UpdateKeeper,
    is_done: Callable[[], bool],
    report: Report = lambda _progress: None,
) -> None:
    """Work, or wait for another worker, until *is_done*; leave the rest to a process."""
    worker = UpdateWorker(installation, report=lambda _snapshot, progress: report(progress))
    while not is_done() and not worker.run(is_done):
        _follow(keeper, report)
    if worker.has_work():
        UpdateKeeper(installation).start_worker()


def _follow(keeper: UpdateKeeper, report: Report) -> None:
    """Wait a little, and report what another worker is at."""
    time.sleep(FOLLOW_SECONDS)
    for kind in ReleaseKind:
        progress, _site = keeper.read_progress(keeper.load(kind).snapshot)
        if progress is not None:
            report(progress)


def _build_list(installation: Installation, catalogue: Catalogue) -> UpdatesDocument:
    from iea_agent.shell.wording.update_text import build_updates_document

    keeper = UpdateKeeper(installation, lambda: None)
    product = installation.program_version(installation.storage.load().effective.settings)
    return build_updates_document(
        {kind: keeper.choose(kind, catalogue) for kind in ReleaseKind},
        {ReleaseKind.PRODUCT: product, ReleaseKind.AGENT: __version__},
    )


def _build_document(
    kind: ReleaseKind, snapshot: UpdateSnapshot, path: Path, notes: str
) -> ReceivedFileDocument:
    return {
        "schema": 1,
        "kind": kind.value,
        "version": snapshot.version,
        "path": str(path),
        "bytes": snapshot.length,
        "notes": notes,
    }
