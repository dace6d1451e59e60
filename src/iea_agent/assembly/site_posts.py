"""The list of a site's PCs: a small file of each, in the shared folder of updates.

A PC writes its own, and reads those of all others as what strangers have written.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from iea_agent.domain.post_report import (
    LARGEST_FILE,
    MOST_POSTS,
    PostReport,
    SiteView,
    is_ahead,
    is_gone,
    is_post_name,
    name_post,
    parse_post_report,
)
from iea_agent.host.regular_files import open_regular, read_up_to

log = logging.getLogger("iea_agent.updates")

POSTS = "posts"
"""The folder of the list, in the shared folder."""
SUFFIX = ".json"
MOST_NAMES = 1000
"""Names of the folder that are looked at, whatever they are."""


class SitePosts:
    """The list in the shared *folder*, for the PC *post*; "" is the name of this one."""

    def __init__(self, folder: Path, post: str = "", clock: Callable[[], float] = time.time) -> None:
        """Prepare; nothing is looked at yet."""
        self._shared, self._folder = folder, folder / POSTS
        self.post = post or name_post(platform.node())
        self._clock = clock

    def write(self, product: str, agent: str) -> None:
        """Say that this PC has these versions now; what prevents it is for the log.

        The files of PCs that are gone are deleted.
        """
        report = PostReport(self.post, product, agent, int(self._clock()))
        # in the way of no reader, and never through a link that somebody has put there
        new = self._folder / f".{self.post}.new"
        try:
            # not its parents: a share that is away must not be made here
            self._folder.mkdir(exist_ok=True)
            new.unlink(missing_ok=True)
            with open(new, "xb") as file:
                file.write(json.dumps(report.to_document()).encode())
            os.replace(new, self._folder / f"{self.post}{SUFFIX}")
            for name, each in self._list_files():
                if each is not None and is_gone(each, self._clock()):
                    with suppress(OSError):
                        (self._folder / name).unlink()
        except OSError as error:
            log.warning("list of PCs", extra={"fields": {"folder": self._folder, "reason": error}})

    def read_posts(self) -> SiteView:
        """Return the PCs of the site. Raises ``OSError`` if the folder cannot be read."""
        now = self._clock()
        try:
            reports = [report for _name, report in self._list_files()]
        except FileNotFoundError:
            # no PC has written yet, or the whole folder is away
            os.stat(self._shared)
            reports = []
        understood = [each for each in reports if each is not None and not is_ahead(each, now)]
        present = sorted(
            (each for each in understood if not is_gone(each, now)), key=lambda each: each.post.casefold()
        )
        return SiteView(self.post, tuple(present), len(reports) - len(understood))

    def _list_files(self) -> Iterator[tuple[str, PostReport | None]]:
        """Yield the name of each file, and what it says; None if that cannot be used."""
        with os.scandir(self._folder) as entries:
            names = [entry.name for entry in islice(entries, MOST_NAMES)]
        files = (name for name in names if name.endswith(SUFFIX))
        for name in islice(files, MOST_POSTS):
            yield name, self._read_file(name)

    def _read_file(self, name: str) -> PostReport | None:
        post = name.removesuffix(SUFFIX)
        if not is_post_name(post):
            return None
        try:
            with open(self._folder / name, "rb", opener=open_regular) as file:
                return parse_post_report(post, read_up_to(file, LARGEST_FILE))
        except (OSError, ValueError):
            return None
