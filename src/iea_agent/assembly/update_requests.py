"""What the commands ask of updates: a list, a file, and the refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import refusals
from iea_agent.domain.program_version import order_version
from iea_agent.domain.refusals import RefusedError
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Listed, UpdateChoice

from .servers import Servers
from .updating import ReceivedFile, Updating

if TYPE_CHECKING:
    from iea_agent.domain.documents import ReceivedFileDocument, UpdatesDocument
    from iea_agent.domain.download_plan import Progress

    from .installation import Installation

log = logging.getLogger(__name__)


def check(installation: Installation, *, by_network: bool) -> UpdatesDocument:
    """Return what is on offer, as the server or as this PC knows it.

    Raises ``RefusedError``.
    """
    from iea_agent.shell.wording.update_text import build_updates_document

    updating = Updating(Servers(installation))
    with _refused():
        catalogue = updating.refresh() if by_network else updating.list_known()
    product = installation.program_version(installation.storage.load().effective.settings)
    return build_updates_document(
        {kind: updating.choose(catalogue, kind) for kind in ReleaseKind},
        {ReleaseKind.PRODUCT: product, ReleaseKind.AGENT: __version__},
    )


def download(
    installation: Installation, version: str, is_agent: bool, report: Callable[[Progress], None]
) -> ReceivedFileDocument:
    """Receive *version*, "" for the one that is proposed. Raises ``RefusedError``."""
    from iea_agent.services.update_download import Terms

    updating = Updating(Servers(installation))
    with _refused():
        kind = ReleaseKind.AGENT if is_agent else ReleaseKind.PRODUCT
        listed = find_version(updating.choose(updating.refresh(), kind), version)
        return _build_document(ReceivedFile(listed.offer, updating.fetch(listed.offer, Terms(report))))


def take_file(
    installation: Installation, path: Path, report: Callable[[Progress], None]
) -> ReceivedFileDocument:
    """Verify the update in the file *path*. Raises ``RefusedError``."""
    from iea_agent.services.update_download import Terms

    with _refused():
        try:
            return _build_document(Updating(Servers(installation)).take_file(path, Terms(report)))
        except OSError as error:
            raise RefusedError(refusals.FileNotReadable(str(path), type(error).__name__)) from error


def find_version(choice: UpdateChoice, version: str) -> Listed:
    """Return the *version* of *choice*, the proposed one for "".

    Raises ``RefusedError``.
    """
    if not version:
        listed = next((each for each in choice.listed if each.is_proposed), None)
    else:
        listed = next((each for each in choice.listed if _is_version(each, version)), None)
    if listed is None:
        raise RefusedError(refusals.VersionNotOffered(version))
    if not listed.is_allowed:
        raise RefusedError(refusals.VersionNotAllowed(listed.offer.release.version, listed.reasons[0].value))
    return listed


def _is_version(listed: Listed, version: str) -> bool:
    """Return whether a person who types *version* means the *listed* one."""
    try:
        return order_version(listed.offer.release.version) == order_version(version)
    except ValueError:
        return False


def _build_document(received: ReceivedFile) -> ReceivedFileDocument:
    release = received.offer.release
    return {
        "schema": 1,
        "kind": release.kind.value,
        "version": release.version,
        "path": str(received.path),
        "bytes": received.offer.file.length,
    }


@contextmanager
def _refused() -> Iterator[None]:
    """Raise ``RefusedError`` for ``HttpsError``: its problem."""
    from iea_agent.services.https import HttpsError

    try:
        yield
    except HttpsError as error:
        log.warning("update", extra={"fields": {"failure": error}})
        raise RefusedError(refusals.ProblemMet(error.failure.problem.code)) from error
