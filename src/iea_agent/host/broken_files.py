"""Broken files set aside: beside their place, under names that sort by time."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from .atomic_files import refusal_logged, write_atomically
from .regular_files import read_bounded

# copies of broken contents of one file
KEPT_ASIDE = 5

_log = logging.getLogger(__name__)


def name_aside(path: Path) -> Path:
    """Return a name beside *path* for its broken content; the names sort by time."""
    return path.with_name(f"{path.stem}.broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}{path.suffix}")


def list_aside(path: Path) -> list[Path]:
    """Return the copies of the broken contents of *path*, oldest first."""
    return sorted(path.parent.glob(f"{path.stem}.broken-*{path.suffix}"))


def copy_aside(path: Path, data: bytes) -> Path:
    """Write the broken *data* of *path* beside it, once; return where.

    Raises ``OSError``.
    """
    copies = list_aside(path)
    if copies and read_bounded(copies[-1], len(data)) == data:
        return copies[-1]
    copy = name_aside(path)
    write_atomically(copy, data)
    _delete_oldest(path)
    return copy


def link_aside(path: Path) -> None:
    """Give the file *path* a second name beside it, if it can have one."""
    with suppress(OSError):
        os.link(path, name_aside(path))
    _delete_oldest(path)


def move_aside(path: Path, reason: Exception) -> None:
    """Move the broken *path* aside. Raises ``OSError``."""
    _log.warning("state set aside", extra={"fields": {"file": path, "reason": reason}})
    os.replace(path, name_aside(path))
    _delete_oldest(path)


def _delete_oldest(path: Path) -> None:
    for copy in list_aside(path)[:-KEPT_ASIDE]:
        with refusal_logged():
            copy.unlink()
