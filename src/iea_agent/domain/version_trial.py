"""The trial of a new version of the agent: when it is proved, what goes then.

Each version lies in a folder of its own, its *slot*. The text file ``current`` names the slot that the launcher loads,
``previous`` the one that it goes back to. Before it loads a version that is not proved, the launcher counts the start in
the person's trial file: one line for each version, ``0.2.0 1 trying``. At the third start it writes ``failed`` and
loads ``previous``. The agent writes ``proved``.

Anybody who can write the trial file can only bring about a new trial, or the version that lies beside this one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from . import timing
from .state_values import parse_count, parse_flag, parse_time

LARGEST_TRIALS = 4096
"""Bytes of a trial file; a larger one is none."""
LARGEST_POINTER = 64
"""Bytes of the files ``current`` and ``previous``."""
MOST_VERSIONS = 8
"""Versions of which the trial file and the record speak; the oldest is dropped first."""
LEAST_ROOM = 500_000_000
"""Free bytes below which the version before does not wait for its time."""

_SLOT = re.compile(r"[0-9][0-9A-Za-z.+-]{0,39}", re.ASCII)
_LINE = re.compile(r"([^ ]{1,40}) ([0-9]{1,3}) (trying|proved|failed)", re.ASCII)


class TrialState(Enum):
    """How far the trial of a version is."""

    TRYING = "trying"
    PROVED = "proved"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Trial:
    """The trial of one version, with its *starts* so far."""

    starts: int
    state: TrialState


def is_slot_name(text: str) -> bool:
    """Return whether *text* may name a slot: a version, and no way out of the folder."""
    return _SLOT.fullmatch(text) is not None and not text.endswith(".")


def parse_pointer(data: bytes) -> str:
    """Return the slot that ``current`` or ``previous`` with *data* names, else ""."""
    text = data.decode("ascii", "replace").strip()
    return text if len(data) <= LARGEST_POINTER and is_slot_name(text) else ""


def parse_trials(data: bytes) -> dict[str, Trial]:
    """Return the trials in the content of a trial file, by version.

    Lines that are not understood are left out; of two about one version the last counts.
    """
    if len(data) > LARGEST_TRIALS:
        return {}
    matches = map(_LINE.fullmatch, data.decode("ascii", "replace").splitlines())
    trials = {
        match[1]: Trial(int(match[2]), TrialState(match[3]))
        for match in matches
        if match and is_slot_name(match[1])
    }
    return dict(list(trials.items())[-MOST_VERSIONS:])


def render_trials(trials: Mapping[str, Trial]) -> bytes:
    """Return a trial file with the latest ``MOST_VERSIONS`` of *trials*."""
    latest = list(trials.items())[-MOST_VERSIONS:]
    return "".join(f"{version} {trial.starts} {trial.state.value}\n" for version, trial in latest).encode()


def prove(trials: Mapping[str, Trial], version: str) -> dict[str, Trial]:
    """Return *trials* in which *version* is proved."""
    starts = trials[version].starts if version in trials else 1
    others = {name: trial for name, trial in trials.items() if name != version}
    return {**others, version: Trial(starts, TrialState.PROVED)}


def find_failed(trials: Mapping[str, Trial], current: str, own: str) -> str:
    """Return the version that failed and for which *own* runs, "" if there is none."""
    trial = trials.get(current)
    stands_in = current != own and trial is not None and trial.state is TrialState.FAILED
    return current if stands_in else ""


@dataclass(frozen=True, slots=True)
class Relapse:
    """How often a version failed its trial, the last time *at* (wall clock).

    It *is_announced* once the person has read of the last time.
    """

    times: int
    at: float
    is_announced: bool


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """What the agent remembers: the version *proved* last, and since when; relapses."""

    proved: str = ""
    proved_at: float = 0.0
    relapses: Mapping[str, Relapse] = field(default_factory=dict)

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        relapses = {
            version: {"times": each.times, "at": each.at, "is_announced": each.is_announced}
            for version, each in list(self.relapses.items())[-MOST_VERSIONS:]
        }
        return {"proved": self.proved, "proved_at": self.proved_at, "relapses": relapses}


def parse_version_record(document: Mapping[str, object]) -> VersionRecord:
    """Parse a saved *document*. Raises ``ValueError`` if it is impossible."""
    proved, entries = document.get("proved"), document.get("relapses")
    if not isinstance(proved, str) or (proved and not is_slot_name(proved)):
        raise ValueError("proved: a version expected")
    if not isinstance(entries, Mapping) or len(entries) > MOST_VERSIONS:
        raise ValueError("relapses: versions expected")
    return VersionRecord(
        proved,
        parse_time(document, "proved_at"),
        {version: _parse_relapse(version, entry) for version, entry in entries.items()},
    )


def _parse_relapse(version: str, entry: object) -> Relapse:
    if not is_slot_name(version) or not isinstance(entry, Mapping):
        raise ValueError("relapses: versions expected")
    return Relapse(
        parse_count(entry, "times", 1, 1000), parse_time(entry, "at"), parse_flag(entry, "is_announced")
    )


def record_proved(record: VersionRecord, version: str, now: float) -> VersionRecord:
    """Return *record* in which *version* is proved, since *now* unless it was before.

    What a clock that was ahead has dated begins now.
    """
    since = min(record.proved_at, now) if record.proved == version else now
    return replace(record, proved=version, proved_at=since)


def record_failed(record: VersionRecord, version: str, now: float) -> VersionRecord:
    """Return *record* after *version* has failed its trial, "" for none.

    It counts again only after the trial file has spoken otherwise of it meanwhile.
    """
    relapses = {
        name: each if name == version else replace(each, is_announced=False)
        for name, each in record.relapses.items()
    }
    before = relapses.get(version)
    if version and not (before and before.is_announced):
        times = 1 if before is None else before.times + 1
        relapses[version] = Relapse(times, now, is_announced=True)
    return replace(record, relapses=relapses)


def may_offer(record: VersionRecord, version: str, now: float, *, by_hand: bool = False) -> bool:
    """Return whether an update to *version* may be offered at *now*.

    A version that failed rests for a day, then is offered once more, then only *by_hand*. A clock that
    was put back may offer it earlier, never later.
    """
    relapse = record.relapses.get(version)
    if relapse is None or by_hand:
        return True
    return relapse.times == 1 and not 0 <= now - relapse.at < timing.FAILED_VERSION_REST


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots on the disk, each with its *ages* in seconds, and what names them."""

    ages: Mapping[str, float]
    own: str
    current: str
    previous: str


def list_removable(slots: Slots, record: VersionRecord, now: float, free: int) -> Sequence[str]:
    """Return the slots that the version which runs may remove at *now*.

    Only a proved one removes any. What nothing names goes after a day, ``previous`` a week after the proof, or at
    once if fewer bytes are *free* than ``LEAST_ROOM``.
    """
    own = slots.own
    if record.proved != own or slots.current != own:
        return ()
    is_over = now - record.proved_at >= timing.OLD_SLOT or free < LEAST_ROOM
    return tuple(
        name
        for name, age in slots.ages.items()
        if name != own and (is_over if name == slots.previous else age >= timing.UNFINISHED_SLOT)
    )
