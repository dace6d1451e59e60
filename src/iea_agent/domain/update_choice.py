"""The version that is proposed to a person, and the reasons why another is not.

Two questions are answered apart: what the agent proposes by itself, and what a person who looks may take. A table says for each reason whether it
keeps a person from the version too, and whether a critical version or a passed deadline overrides it. Nothing here ever proposes an older version:
the data of the payroll program may not suit it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum

from . import refusals
from .due_dates import find_due_date, is_quiet_day
from .program_version import order_version
from .refusals import RefusedError
from .update_catalogue import Offer, Release, ReleaseKind

STABLE = "stable"
"""The channel of everyone."""
MOST_WISHES = 50
"""Versions that a person has skipped or put off, as they are saved."""
MORNING = time(8)
"""When a version that was put off to a day comes back, in local time."""
NUMBER = "number"
"""The name, in the state file, of the number that draws for an installation."""
_NUMBER = re.compile(r"[0-9a-f]{32}")
_ROLLOUT = b"iea-rollout/1"


class Reason(Enum):
    """Why a version is not proposed."""

    WITHDRAWN = "withdrawn"
    INSTALLED = "installed"
    OLDER = "older"
    ADMINISTRATORS = "administrators"
    AGENT_TOO_OLD = "agent-too-old"
    WINDOWS_TOO_OLD = "windows-too-old"
    PRODUCT_TOO_OLD = "product-too-old"
    NOT_YET = "not-yet"
    UNKNOWN_INSTALLED = "unknown-installed"
    ROLLING_OUT = "rolling-out"
    QUIET_DAY = "quiet-day"
    PROGRAM_RUNS = "program-runs"
    SKIPPED = "skipped"
    PUT_OFF = "put-off"
    FAILED_TRIAL = "failed-trial"


class Postponement(Enum):
    """For how long a person puts a version off."""

    HOUR = "hour"
    TOMORROW = "tomorrow"
    AFTER_DUE_DATE = "after-due-date"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person decided: versions *skipped*, and *put_off* until (wall clock)."""

    skipped: tuple[str, ...] = ()
    put_off: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Post:
    """What is asked about this PC, now.

    *installed* is the version of what is to be updated; that, *agent*, *windows* and *product* are "" if unknown. *drawing_name* is what
    ``name_drawing`` returns. *now* is the wall clock, *today* the local date. *failed* are versions of the agent that did not prove themselves
    and rest. *has_own_setup* is false if the agent was installed otherwise than by the setup that updates it.
    """

    installed: str
    agent: str
    windows: str
    product: str
    drawing_name: str
    now: float
    today: date
    channel: str = STABLE
    program_runs: bool = False
    wishes: Wishes = Wishes()
    failed: frozenset[str] = frozenset()
    has_own_setup: bool = True


@dataclass(frozen=True, slots=True)
class Rule:
    """When a reason *applies*, and what it means.

    With *blocks* nobody may take the version, else a person may. *critical* and *deadline*: a critical version and a passed deadline override it.
    """

    applies: Callable[[Release, Post], bool]
    blocks: bool = False
    critical: bool = False
    deadline: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    """A version that a person may look at, and why it is not proposed (*reasons*)."""

    offer: Offer
    reasons: tuple[Reason, ...]

    @property
    def is_proposed(self) -> bool:
        """Whether the agent proposes it by itself."""
        return not self.reasons

    @property
    def is_allowed(self) -> bool:
        """Whether a person may take it."""
        return not any(RULES[reason].blocks for reason in self.reasons)


@dataclass(frozen=True, slots=True)
class UpdateChoice:
    """What is proposed, if anything, and what stands in the list, the latest first.

    *is_installed_withdrawn*: the installed version is offered no longer, though it was described as withdrawn.
    """

    proposed: Offer | None
    listed: tuple[Listed, ...]
    is_installed_withdrawn: bool = False


def compute_draw(name: str, salt: str) -> float:
    """Return the place of *name* among a hundred, drawn by *salt*: from 0 up to 100."""
    digest = hashlib.sha256(b"\0".join((_ROLLOUT, name.encode(), salt.encode()))).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 * 100


def name_drawing(folder: str, licence: str, installation: str) -> str:
    """Return the name that draws for this PC: the same for all PCs of a site.

    That is the shared *folder* if there is one, else the hash of the *licence*, else the *installation*.
    """
    if folder:
        return folder.casefold()
    return hashlib.sha256(licence.encode()).hexdigest() if licence else installation


def parse_number(document: Mapping[str, object]) -> str:
    """Parse the saved number of this installation. Raises ``ValueError``."""
    number = document.get(NUMBER)
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise ValueError(f"{NUMBER}: 32 hexadecimal digits expected")
    return number


def choose_update(offers: Iterable[Offer], kind: ReleaseKind, post: Post) -> UpdateChoice:
    """Return what is proposed to *post* of the versions of *kind*, and the list."""
    of_kind = [
        offer for offer in offers if offer.release.kind is kind and offer.release.channel == post.channel
    ]
    of_kind.sort(key=lambda offer: order_version(offer.release.version), reverse=True)
    judged = [Listed(offer, list_reasons(offer.release, post)) for offer in of_kind]
    proposed = next((each.offer for each in judged if each.is_proposed), None)
    return UpdateChoice(
        proposed,
        tuple(each for each in judged if Reason.WITHDRAWN not in each.reasons),
        any({Reason.WITHDRAWN, Reason.INSTALLED} <= set(each.reasons) for each in judged),
    )


def list_reasons(release: Release, post: Post) -> tuple[Reason, ...]:
    """Return why *release* is not proposed to *post*, () if it is."""
    is_overdue = _is_overdue(release, post.now)
    return tuple(
        reason
        for reason, rule in RULES.items()
        if not (rule.critical and release.critical)
        and not (rule.deadline and is_overdue)
        and rule.applies(release, post)
    )


def find_version(choice: UpdateChoice, version: str) -> Listed:
    """Return the *version* of *choice* in whatever form, the proposed one for "".

    Raises ``RefusedError`` if there is none or if nobody may take it on this PC.
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


def find_return(postponement: Postponement, now: datetime) -> datetime:
    """Return when a version comes back that is put off at *now*, both in local time."""
    if postponement is Postponement.HOUR:
        return now + timedelta(hours=1)
    day = now.date() if postponement is Postponement.TOMORROW else find_due_date(now.date())
    return datetime.combine(day + timedelta(days=1), MORNING, now.tzinfo)


def put_off(wishes: Wishes, version: str, until: float) -> Wishes:
    """Return *wishes* after the person has put *version* off until a time."""
    later = {**{name: each for name, each in wishes.put_off.items() if name != version}, version: until}
    return Wishes(wishes.skipped, dict(list(later.items())[-MOST_WISHES:]))


def skip(wishes: Wishes, version: str) -> Wishes:
    """Return *wishes* after the person has skipped *version* (``may_skip``)."""
    others = (each for each in wishes.skipped if each != version)
    return Wishes((*others, version)[-MOST_WISHES:], wishes.put_off)


def recall(wishes: Wishes, version: str) -> Wishes:
    """Return *wishes* after the person wants *version*: neither skipped nor put off."""
    skipped = tuple(each for each in wishes.skipped if each != version)
    return Wishes(skipped, {name: until for name, until in wishes.put_off.items() if name != version})


def list_returned(wishes: Wishes, now: float) -> frozenset[str]:
    """Return the versions that were put off to a time that is over at *now*."""
    return frozenset(version for version, until in wishes.put_off.items() if until <= now)


def may_put_off(release: Release, now: float) -> bool:
    """Return whether *release* may wait at *now*; its deadline overrides that."""
    return not _is_overdue(release, now)


def may_skip(release: Release, now: float) -> bool:
    """Return whether *release* may be skipped at *now*; a critical one may not."""
    return not release.critical and may_put_off(release, now)


def _is_overdue(release: Release, now: float) -> bool:
    return release.deadline is not None and release.deadline.timestamp() <= now


def _is_below(installed: str, least: str) -> bool:
    """Return whether *installed*, "" if unknown, is older than *least*, "" for any."""
    return bool(least) and bool(installed) and order_version(installed) < order_version(least)


def _is_older(release: Release, post: Post) -> bool:
    return bool(post.installed) and order_version(release.version) < order_version(post.installed)


def _is_installed(release: Release, post: Post) -> bool:
    return bool(post.installed) and order_version(release.version) == order_version(post.installed)


def _is_too_early(release: Release, post: Post) -> bool:
    return release.not_before is not None and post.now < release.not_before.timestamp()


RULES: Mapping[Reason, Rule] = {
    Reason.WITHDRAWN: Rule(lambda release, _post: release.rollout.percent == 0, blocks=True),
    Reason.INSTALLED: Rule(_is_installed, blocks=True),
    Reason.OLDER: Rule(_is_older, blocks=True),
    Reason.ADMINISTRATORS: Rule(
        lambda release, post: release.kind is ReleaseKind.AGENT and not post.has_own_setup, blocks=True
    ),
    Reason.AGENT_TOO_OLD: Rule(
        lambda release, post: _is_below(post.agent, release.minimum.agent), blocks=True
    ),
    Reason.WINDOWS_TOO_OLD: Rule(
        lambda release, post: _is_below(post.windows, release.minimum.windows), blocks=True
    ),
    Reason.PRODUCT_TOO_OLD: Rule(
        lambda release, post: _is_below(post.product, release.minimum.product), blocks=True
    ),
    Reason.NOT_YET: Rule(_is_too_early, blocks=True),
    Reason.UNKNOWN_INSTALLED: Rule(lambda _release, post: not post.installed),
    Reason.ROLLING_OUT: Rule(
        lambda release, post: (
            0 < release.rollout.percent <= compute_draw(post.drawing_name, release.rollout.salt)
        ),
        critical=True,
    ),
    Reason.QUIET_DAY: Rule(lambda _release, post: is_quiet_day(post.today), critical=True, deadline=True),
    Reason.PROGRAM_RUNS: Rule(lambda _release, post: post.program_runs),
    Reason.SKIPPED: Rule(
        lambda release, post: release.version in post.wishes.skipped, critical=True, deadline=True
    ),
    Reason.PUT_OFF: Rule(
        lambda release, post: post.now < post.wishes.put_off.get(release.version, 0.0), deadline=True
    ),
    Reason.FAILED_TRIAL: Rule(lambda release, post: release.version in post.failed),
}
"""Each reason; those that block stand first."""
