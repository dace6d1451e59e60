"""The folder in which the PCs of a site share verified files of updates.

It needs no trust: whoever takes a file verifies it. While a PC fetches a file its empty *part* lies there, and is touched every minute; the others wait for the
file, so that it comes over the line of the site once.
"""

from __future__ import annotations

import logging
import os
import platform
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain import problems, timing
from iea_agent.domain.post_report import name_post

if TYPE_CHECKING:
    from iea_agent.domain.update_catalogue import SignedFile
    from iea_agent.services.update_download import Terms

log = logging.getLogger("iea_agent.updates")

WAIT_SECONDS = 0.1
"""The longest wait without a look whether it was cancelled."""


class SiteFolder:
    """The shared *folder*, for the PC *post*."""

    def __init__(
        self,
        folder: Path,
        post: str = "",
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare; nothing is looked at yet. *post* is "" for this PC's name."""
        self._folder = folder
        self._post = post or name_post(platform.node())
        self._clock, self._pause, self._chance = clock, pause, chance
        self._touched = 0.0

    def take(self, file: SignedFile, place: Path, terms: Terms) -> Path | None:
        """Copy *file* to *place* and return its path; None if the right one is not here.

        Raises ``HttpsError`` with DISK_TOO_FULL, and ``RequestCancelled``.
        """
        from iea_agent.host.regular_files import open_regular
        from iea_agent.services.https import HttpsError
        from iea_agent.services.update_download import copy_file

        try:
            with open(self._folder / _name_shared(file), "rb", opener=open_regular) as source:
                return copy_file(source, file, place, terms)
        except FileNotFoundError:
            return None
        except (OSError, HttpsError) as error:
            if isinstance(error, HttpsError) and error.failure.problem is problems.DISK_TOO_FULL:
                raise
            self._warn(error)
            return None

    def wait_for_other(
        self, file: SignedFile, is_cancelled: Callable[[], bool], on_wait: Callable[[str], None]
    ) -> None:
        """Wait until the PC that fetches *file*, if one does, has left it here.

        *on_wait* is told its name. Not longer than ``SITE_PART_LASTS``. Raises ``RequestCancelled``.
        """
        until = self._clock() + timing.SITE_PART_LASTS
        while self._clock() < until and not (self._folder / _name_shared(file)).exists():
            other = self._find_fetching(file)
            if not other:
                return
            on_wait(other)
            self._wait(timing.SITE_LOOK + timing.SITE_LOOK_SPREAD * self._chance(), is_cancelled)

    @contextmanager
    def fetching(self, file: SignedFile) -> Iterator[Callable[[], None]]:
        """Let the others know that this PC fetches *file*.

        What is given is to be called while it comes.
        """
        part = self._part(file)

        def touch() -> None:
            if self._clock() - self._touched >= timing.SITE_TOUCH:
                self._touched = self._clock()
                with suppress(OSError):
                    part.touch()

        touch()
        try:
            yield touch
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    def leave(self, file: SignedFile, path: Path) -> None:
        """Leave the verified *file* at *path* for the others, if the folder takes it."""
        part = self._part(file)
        try:
            shutil.copyfile(path, part)
            os.replace(part, self._folder / _name_shared(file))
        except OSError as error:
            self._warn(error)

    def _find_fetching(self, file: SignedFile) -> str:
        """Return the name of another PC that fetches *file*, "" if none does."""
        start = f"{_name_shared(file)}.part-"
        with suppress(OSError):
            for part in self._folder.glob(f"{start}*"):
                other = part.name.removeprefix(start)
                if other != self._post and self._clock() - part.stat().st_mtime < timing.SITE_PART_LASTS:
                    return other
        return ""

    def _wait(self, seconds: float, is_cancelled: Callable[[], bool]) -> None:
        from iea_agent.services.network import RequestCancelled

        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            if is_cancelled():
                raise RequestCancelled
            self._pause(min(left, WAIT_SECONDS))

    def _part(self, file: SignedFile) -> Path:
        return self._folder / f"{_name_shared(file)}.part-{self._post}"

    def _warn(self, error: Exception) -> None:
        log.warning("shared folder of updates", extra={"fields": {"folder": self._folder, "reason": error}})


def _name_shared(file: SignedFile) -> str:
    return f"{file.sha256}.{file.base_name}"
