"""The PCs of a site, as their shared folder tells them: which versions, and when.

Whoever may write into that folder is not trusted. What a PC says of itself is shown to a person, and nothing else is done because of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import timing
from .program_version import order_version
from .state_values import LATEST_TIME, parse_count
from .update_catalogue import ReleaseKind

SCHEMA = 1
LARGEST_FILE = 1000
"""Bytes of the file of a PC; one with the longest versions has 200."""
MOST_POSTS = 100
"""PCs of a site that are looked at."""
LONGEST_VERSION = 40
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_FIELDS = frozenset({"schema", "product", "agent", "seen"})


@dataclass(frozen=True, slots=True)
class PostReport:
    """What the PC *post* has said of itself at *seen* (wall clock, in whole seconds).

    *product* is the version of Impact emploi, "" if there is none or it is not known.
    """

    post: str
    product: str
    agent: str
    seen: int

    def find_version(self, kind: ReleaseKind) -> str:
        """Return the version of *kind* on that PC, "" if it is not known."""
        return self.product if kind is ReleaseKind.PRODUCT else self.agent

    def to_document(self) -> dict[str, object]:
        """Return what the PC writes; its name is that of the file."""
        return {"schema": SCHEMA, "product": self.product, "agent": self.agent, "seen": self.seen}


@dataclass(frozen=True, slots=True)
class SiteView:
    """The PCs of a site, by name; *here* is the name of this one.

    *ignored* counts the files that say nothing that can be used.
    """

    here: str
    reports: tuple[PostReport, ...] = ()
    ignored: int = 0

    @property
    def others(self) -> tuple[PostReport, ...]:
        """The PCs but this one."""
        return tuple(each for each in self.reports if each.post.casefold() != self.here.casefold())


def name_post(computer: str) -> str:
    """Return the name that the PC *computer* has for the others of its site."""
    return _UNFIT.sub("-", computer)[:40] or "PC"


def is_post_name(text: str) -> bool:
    """Return whether *text* is a name that ``name_post`` may have given."""
    return bool(_NAME.fullmatch(text))


def parse_post_report(post: str, data: bytes) -> PostReport:
    """Parse the file of the PC *post*. Raises ``ValueError``.

    One of another schema is refused as a whole.
    """
    if len(data) > LARGEST_FILE or not is_post_name(post):
        raise ValueError("too large, or no name of a PC")
    try:
        document = json.loads(data)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(document, dict) or document.keys() != _FIELDS:
        raise ValueError(f"an object of {sorted(_FIELDS)} expected")
    parse_count(document, "schema", SCHEMA, SCHEMA)
    seen = parse_count(document, "seen", 1, int(LATEST_TIME))
    return PostReport(post, _parse_version(document, "product"), _parse_version(document, "agent"), seen)


def _parse_version(document: Mapping[str, object], name: str) -> str:
    version = document.get(name)
    if not isinstance(version, str) or len(version) > LONGEST_VERSION:
        raise ValueError(f"{name}: a version expected")
    if version:
        order_version(version)
    return version


def is_gone(report: PostReport, now: float) -> bool:
    """Return whether the PC of *report* was not seen for so long that it is left out."""
    return now - report.seen > timing.SITE_POST_LASTS


def is_ahead(report: PostReport, now: float) -> bool:
    """Return whether *report* is dated in the future, beyond what clocks differ by."""
    return report.seen - now > timing.SITE_POST_AHEAD


def find_latest(reports: Iterable[PostReport], kind: ReleaseKind) -> str:
    """Return the latest version of *kind* that a PC has, "" if none is known."""
    versions = (each.find_version(kind) for each in reports)
    return max(filter(None, versions), key=order_version, default="")


def is_behind(report: PostReport, kind: ReleaseKind, latest: str) -> bool:
    """Return whether the PC of *report* has an older version of *kind* than *latest*."""
    version = report.find_version(kind)
    return bool(version and latest) and order_version(version) < order_version(latest)


def list_other_versions(view: SiteView, kind: ReleaseKind, installed: str) -> tuple[PostReport, ...]:
    """Return the other PCs that have another version of *kind* than *installed* here.

    None if either is not known.
    """
    return tuple(
        each
        for each in view.others
        if installed
        and (version := each.find_version(kind))
        and order_version(version) != order_version(installed)
    )
