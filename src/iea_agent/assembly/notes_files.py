"""The *Lisez-moi* of each version, as signed files that every check brings.

Whoever has just verified the metadata brings those that are new, or takes them from beside a file that came otherwise. They are verified again when
they are read: they lie where the person may write.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain.release_notes import LARGEST_NOTES
from iea_agent.domain.update_catalogue import CatalogueError, Offer, Release, ReleaseKind, check_file_name
from iea_agent.locale import current_language

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger("iea_agent.updates")

MOST_VERSIONS = 6
"""Versions of a kind whose notes are brought, the latest: a publisher keeps so many."""
FOLDER = "notes"


def name_notes(release: Release) -> str:
    """Return the name of the notes in the language that is spoken, "" for none.

    French ones stand in for those in another language.
    """
    name = release.notes.en if current_language() == "en" and release.notes.en else release.notes.fr
    try:
        check_file_name(name)
    except CatalogueError:
        # the name of a device, for example
        return ""
    return name


def bring_notes(
    installation: Installation, offers: Iterable[Offer], fetch: Callable[[str, int], bytes]
) -> list[str]:
    """Bring the notes of *offers* that are not here; return their names.

    Notes of no offer any more are deleted. Those that are not what was signed change nothing. Raises what *fetch* raises,
    ``TargetError`` and ``OSError``.
    """
    from iea_agent.host.regular_files import read_bounded
    from iea_agent.services.updates import find_signed

    names = _list_names(list(offers))
    folder = installation.updates_folder
    signed = find_signed(installation.read_signed_file, installation.root_file, folder, names)
    brought = []
    for name, target in signed.items():
        place = folder / "targets" / name
        if target.length > LARGEST_NOTES:
            log.warning("notes refused", extra={"fields": {"file": name, "bytes": target.length}})
        elif _hash(read_bounded(place, LARGEST_NOTES)) != target.sha256:
            data = fetch(target.path, LARGEST_NOTES)
            if _hash(data) != target.sha256:
                log.warning(
                    "notes refused", extra={"fields": {"file": name, "reason": "not the signed file"}}
                )
                continue
            _write(place, data)
            brought.append(name)
    _delete_others(folder / "targets" / FOLDER, names)
    return brought


def take_notes(installation: Installation, release: Release, folders: Iterable[Path]) -> bool:
    """Take the notes of *release* from one of *folders*; return whether one has them.

    They may lie there as a server has them, or beside each other. What is not signed by the metadata on this PC is passed over. Raises
    ``TargetError`` and ``OSError``.
    """
    from iea_agent.host.regular_files import read_bounded
    from iea_agent.services.updates import find_signed

    name, folder = name_notes(release), installation.updates_folder
    target = find_signed(installation.read_signed_file, installation.root_file, folder, [name]).get(name)
    if target is None or target.length > LARGEST_NOTES:
        return False
    paths = (target.path, name)
    for place in (each / path for each in folders for path in (*paths, *(Path(path).name for path in paths))):
        # a folder of this name, a disk that is gone
        with suppress(OSError):
            data = read_bounded(place, LARGEST_NOTES)
            if data is not None and _hash(data) == target.sha256:
                _write(folder / "targets" / name, data)
                return True
    return False


def find_notes(installation: Installation, release: Release) -> str:
    """Return the path of the notes of *release* if they are here and signed, else ""."""
    is_here = bool(read_notes(installation, release))
    return str(installation.updates_folder / "targets" / name_notes(release)) if is_here else ""


def read_notes(installation: Installation, release: Release) -> str:
    """Return the notes of *release* if they are here and signed, else ""."""
    from iea_agent.services.updates import TargetError, read_target

    name = name_notes(release)
    if not name:
        return ""
    try:
        data = read_target(
            *(installation.read_signed_file, installation.root_file, installation.updates_folder),
            name,
            LARGEST_NOTES,
        )
    except (TargetError, OSError) as error:
        log.warning("notes", extra={"fields": {"file": name, "reason": str(error)}})
        return ""
    return (data or b"").decode("utf-8", "replace")


def _list_names(offers: list[Offer]) -> list[str]:
    names = []
    for kind in ReleaseKind:
        of_kind = (offer.release for offer in offers if offer.release.kind is kind)
        # nobody reads what is new in a version that was withdrawn
        offered = (release for release in of_kind if release.rollout.percent)
        names += [name_notes(release) for release in islice(offered, MOST_VERSIONS)]
    return list(filter(None, names))


def _delete_others(folder: Path, names: list[str]) -> None:
    for file in folder.glob("*"):
        if f"{FOLDER}/{file.name}" not in names:
            with suppress(OSError):
                file.unlink()


def _write(place: Path, data: bytes) -> None:
    from iea_agent.host.atomic_files import write_atomically

    place.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(place, data)


def _hash(data: bytes | None) -> str:
    return hashlib.sha256(data or b"").hexdigest()
