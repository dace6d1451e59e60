"""What this PC remembers of updates: the machine's snapshot, and much beside it.

There is one record for Impact emploi and one for the agent, one of the checks, and a history of at most ``MOST_LINES`` lines. Each is a small file
that is written whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, time, timedelta
from enum import Enum

from . import timing
from .problems import CATALOGUE
from .state_values import parse_count, parse_flag, parse_list, parse_time
from .update_catalogue import ReleaseKind
from .update_choice import Reason, UpdateChoice, Wishes, list_returned, put_off, recall
from .update_machine import (
    LONGEST_TEXT,
    DownloadRequested,
    UpdateEffect,
    UpdateEvent,
    UpdateSnapshot,
    UpdateState,
    advance_update,
    parse_update_snapshot,
)

MOST_LINES = 60
"""Lines of the history: twenty versions."""
MOST_ANNOUNCED = 40
"""Announcements that are remembered, so that none comes twice."""
MOST_DOOMED = 20
"""Files that wait to be deleted."""
LARGEST_REPORT = 30
"""Fields of the report of an installer."""
_ANNOUNCEMENTS = frozenset(
    {
        UpdateEffect.ANNOUNCE_VERSION,
        UpdateEffect.ANNOUNCE_READY,
        UpdateEffect.ANNOUNCE_RESULT,
        UpdateEffect.ANNOUNCE_WITHDRAWAL,
    }
)
_OFFERS = (UpdateEffect.ANNOUNCE_VERSION, UpdateEffect.ANNOUNCE_READY)
"""The announcements that a person does not want to see before a time."""
WORK = frozenset(
    {
        UpdateEffect.DELETE_FILES,
        UpdateEffect.START_DOWNLOAD,
        UpdateEffect.START_INSTALLER,
        UpdateEffect.READ_RESULT,
    }
)
"""What a worker does; the others are words for the person, and timers."""
_WAITING = frozenset(
    {
        UpdateState.AVAILABLE,
        UpdateState.DOWNLOADING,
        UpdateState.PAUSED,
        UpdateState.READY,
        UpdateState.FAILED,
    }
)


class LaunchWish(Enum):
    """Whether a person wants Impact emploi launched once the version is installed."""

    NONE = "none"
    ASKED = "asked"
    MISSED = "missed"
    """The state of the connection has not allowed it in time."""
    DONE = "done"


@dataclass(frozen=True, slots=True)
class UpdateRecord:
    """The update of one product.

    *pending* are announcements that the agent has not shown yet, *announced* the keys of those that it has. *doomed* are files that are to be
    deleted, as ``name sha256``. *is_proposed*: the last choice proposed the version that is under way. *by_itself*: nobody has asked for the
    download; *failures* counts such downloads that failed. *judge_at* is when the choice has to be made anew (0: with the next check),
    *waits_for_program* that it has to once Impact emploi is closed. *installer_due* is when the installer starts, 0 once it was started. *before* is
    the version that was there then, *report* what the installer reported. *awaits_sign_in*: the first authentication after the installation is still
    to come. *launch* is what becomes of a wish that came with the installation. All times are wall clock.
    """

    snapshot: UpdateSnapshot = field(default_factory=UpdateSnapshot)
    wishes: Wishes = field(default_factory=Wishes)
    pending: tuple[str, ...] = ()
    announced: tuple[str, ...] = ()
    doomed: tuple[str, ...] = ()
    is_proposed: bool = False
    by_itself: bool = False
    failures: int = 0
    judge_at: float = 0.0
    waits_for_program: bool = False
    installer_due: float = 0.0
    before: str = ""
    report: Mapping[str, object] = field(default_factory=dict)
    awaits_sign_in: bool = False
    launch: LaunchWish = LaunchWish.NONE

    @property
    def is_installing(self) -> bool:
        """Whether an installer runs, or is to be started now: not after a while."""
        is_under_way = self.snapshot.state is UpdateState.INSTALLING
        return is_under_way and not (self.snapshot.tries and self.installer_due)

    @property
    def has_update(self) -> bool:
        """Whether a version that is proposed waits to be installed."""
        return self.is_proposed and self.snapshot.state in _WAITING

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        # not asdict: a snapshot words its state itself
        values = {name: getattr(self, name) for name in self.__slots__}
        wishes = {"skipped": list(self.wishes.skipped), "put_off": dict(self.wishes.put_off)}
        saved = {"snapshot": self.snapshot.to_document(), "wishes": wishes, "launch": self.launch.value}
        return {**values, **saved}


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """The checks for updates: when one was *requested*, and when the last has *ended*.

    *checked* is the end of the last one that succeeded, *code* the problem of the last one or "", *failures* how many failed one after the other.
    """

    requested: float = 0.0
    ended: float = 0.0
    checked: float = 0.0
    code: str = ""
    failures: int = 0

    @property
    def is_pending(self) -> bool:
        """Whether a check was requested that has not ended."""
        return self.requested > self.ended

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return asdict(self)


class HistoryStep(Enum):
    """What a line of the history tells; there are three lines a version."""

    INSTALLER = "installer"
    VERSION = "version"
    AUTHENTICATION = "authentication"


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What happened to *version*, *at* a time (wall clock), after version *before*.

    *report* is what the installer reported (INSTALLER) or the version that was there afterwards (VERSION).
    """

    at: float
    kind: ReleaseKind
    version: str
    before: str
    step: HistoryStep
    is_good: bool
    report: Mapping[str, object] = field(default_factory=dict)

    @property
    def detail(self) -> str:
        """The exit code of the installer, or the version found; "" for none."""
        if self.step is HistoryStep.VERSION:
            return str(self.report.get("installed", ""))
        code = self.report.get("exit_code", -1)
        return str(code) if isinstance(code, int) and code >= 0 else ""

    def to_document(self) -> dict[str, object]:
        """Return what is saved on disk."""
        return {**asdict(self), "kind": self.kind.value, "step": self.step.value}


def installs_itself(record: UpdateRecord, now: float) -> bool:
    """Return whether the agent may have the file of *record* installed at *now*.

    It tries once: what an installer has refused is for a person. What a person has put off waits.
    """
    snapshot = record.snapshot
    is_new = record.report.get("version") != snapshot.version
    return snapshot.state is UpdateState.READY and is_new and not _is_put_off(record, now)


def is_waiting(record: UpdateRecord, now: float) -> bool:
    """Return whether the version of *record* waits for a person's click at *now*.

    One that the person has put off does not.
    """
    state = record.snapshot.state
    is_offered = state is UpdateState.READY or (state is UpdateState.AVAILABLE and record.is_proposed)
    return is_offered and not _is_put_off(record, now)


def judge_launch(snapshot: UpdateSnapshot, launch: LaunchWish, now: float) -> LaunchWish:
    """Return what has become of the wish *launch* at *now*: it may be too late for it."""
    is_late = snapshot.state is UpdateState.INSTALLED and now - snapshot.since > timing.LAUNCH_LATE
    return LaunchWish.MISSED if is_late and launch is LaunchWish.ASKED else launch


def take_events(
    record: UpdateRecord, events: Iterable[UpdateEvent], now: float
) -> tuple[UpdateRecord, frozenset[UpdateEffect]]:
    """Return the record and the effects after *events*, at *now* (wall clock)."""
    effects: set[UpdateEffect] = set()
    for event in events:
        before = record.snapshot
        snapshot, following = advance_update(before, event, now)
        if isinstance(event, DownloadRequested) and following:
            # whoever has it fetched by itself says so afterwards
            record = replace(record, by_itself=False)
        record = _note_effects(replace(record, snapshot=snapshot), before, following, now)
        effects.update(following)
    return record, frozenset(effects)


def _note_effects(
    record: UpdateRecord, before: UpdateSnapshot, effects: Iterable[UpdateEffect], now: float
) -> UpdateRecord:
    """Return *record* with what has to outlast this process."""
    for effect in effects:
        match effect:
            case UpdateEffect.DELETE_FILES:
                doomed = (*record.doomed, f"{before.file.base_name} {before.sha256}")
                record = replace(record, doomed=doomed[-MOST_DOOMED:])
            case UpdateEffect.START_INSTALLER:
                record = replace(record, installer_due=now, report={})
            case UpdateEffect.SCHEDULE_INSTALLER:
                record = replace(record, installer_due=now + timing.INSTALLER_BUSY)
            case _ if effect in _ANNOUNCEMENTS:
                record = _announce(record, effect, now)
    return record


def _is_put_off(record: UpdateRecord, now: float) -> bool:
    return now < record.wishes.put_off.get(record.snapshot.version, 0.0)


def _announce(record: UpdateRecord, effect: UpdateEffect, now: float) -> UpdateRecord:
    """Have *effect* announced, if it never was for this version."""
    snapshot = record.snapshot
    if effect in _OFFERS and _is_put_off(record, now):
        return record
    if effect is UpdateEffect.ANNOUNCE_RESULT and record.by_itself and snapshot.code:
        # nobody has asked for it, and it is tried again
        return record
    key = f"{effect.value} {snapshot.version} {snapshot.code or snapshot.exit_code}"
    if key in record.announced or key in record.pending:
        return record
    # of two for one product the later one counts
    return replace(record, pending=(key,))


def begin_by_itself(record: UpdateRecord) -> UpdateRecord:
    """Return *record* after the agent has begun a download by itself.

    The version is announced when it is ready: one balloon.
    """
    return replace(record, by_itself=True, pending=())


def pop_announcements(record: UpdateRecord) -> tuple[UpdateRecord, tuple[UpdateEffect, ...]]:
    """Return what is to be announced now, and the record after it."""
    effects = tuple(UpdateEffect(key.partition(" ")[0]) for key in record.pending)
    announced = (*record.announced, *record.pending)[-MOST_ANNOUNCED:]
    return replace(record, pending=(), announced=announced), effects


def postpone(record: UpdateRecord, version: str, until: float) -> UpdateRecord:
    """Return *record* after a person has put *version* off: it is announced anew then."""
    offers = tuple(f"{effect.value} {version} " for effect in _OFFERS)
    pending, announced = (
        tuple(key for key in keys if not key.startswith(offers))
        for keys in (record.pending, record.announced)
    )
    wishes = put_off(record.wishes, version, until)
    return replace(record, wishes=wishes, pending=pending, announced=announced)


def note_choice(record: UpdateRecord, choice: UpdateChoice, now: datetime) -> UpdateRecord:
    """Return *record* after a *choice* at *now* (local time): when the next is due."""
    times = []
    waits_for_program = False
    for listed in choice.listed:
        release, reasons = listed.offer.release, set(listed.reasons)
        waits_for_program |= Reason.PROGRAM_RUNS in reasons
        if Reason.QUIET_DAY in reasons:
            times.append(_find_midnight(now))
        if Reason.PUT_OFF in reasons:
            times.append(record.wishes.put_off[release.version])
        bounds = (release.not_before, release.deadline) if reasons else ()
        times += [bound.timestamp() for bound in bounds if bound is not None]
    later = [each for each in times if each > now.timestamp()]
    proposed = choice.proposed.release.version if choice.proposed is not None else ""
    has_returned = proposed in list_returned(record.wishes, now.timestamp())
    return replace(
        record,
        wishes=recall(record.wishes, proposed) if has_returned else record.wishes,
        is_proposed=bool(proposed) and proposed == record.snapshot.version,
        judge_at=min(later, default=0.0),
        waits_for_program=waits_for_program,
    )


def _find_midnight(now: datetime) -> float:
    return datetime.combine(now.date() + timedelta(days=1), time(0, 1), now.tzinfo).timestamp()


def is_installer_due(record: UpdateRecord, now: float) -> bool:
    """Return whether an installer is to be started at *now*, or runs."""
    return record.snapshot.state is UpdateState.INSTALLING and record.installer_due <= now


def is_work_due(record: UpdateRecord, now: float, *, program_runs: bool) -> bool:
    """Return whether a worker has something to do for *record* at *now*."""
    if record.snapshot.state is UpdateState.INSTALLING:
        return is_installer_due(record, now)
    return is_unfinished(record) or is_judgement_due(record, now, program_runs=program_runs)


def is_timer_due(record: UpdateRecord, now: float, *, program_runs: bool) -> bool:
    """Return whether a worker has to be started at *now*, which no event has done."""
    if record.snapshot.state is UpdateState.INSTALLING:
        return 0 < record.installer_due <= now
    return is_judgement_due(record, now, program_runs=program_runs)


def is_unfinished(record: UpdateRecord) -> bool:
    """Return whether a worker is at it, or was killed at it."""
    if record.snapshot.state is UpdateState.INSTALLING:
        return not record.installer_due
    return record.snapshot.state is UpdateState.DOWNLOADING or bool(record.doomed)


def is_judgement_due(record: UpdateRecord, now: float, *, program_runs: bool) -> bool:
    """Return whether the choice has to be made anew at *now*."""
    return 0 < record.judge_at <= now or (record.waits_for_program and not program_runs)


def find_check_due(record: CheckRecord, now: float, chance: float) -> float:
    """Return when the next check is due (wall clock) after those before.

    *chance* is in [0, 1). A last one in the future was dated by a wrong clock.
    """
    if not 0 < record.ended <= now:
        return now
    if record.failures:
        waits = timing.UPDATE_CHECK_FAILED
        return record.ended + waits[min(record.failures, len(waits)) - 1]
    return record.ended + timing.UPDATE_CHECK * (0.9 + 0.2 * chance)


def end_check(record: CheckRecord, now: float, code: str) -> CheckRecord:
    """Return *record* after a check that ended at *now*, with a problem or ""."""
    ended = max(now, record.requested)
    if code:
        return replace(record, ended=ended, code=code, failures=record.failures + 1)
    return replace(record, ended=ended, checked=now, code="", failures=0)


def parse_update_record(document: Mapping[str, object]) -> UpdateRecord:
    """Parse a saved record. Raises ``ValueError`` if it is impossible."""
    snapshot, wishes, report = (document.get(name) for name in ("snapshot", "wishes", "report"))
    if not isinstance(snapshot, dict) or not isinstance(wishes, dict) or not isinstance(report, dict):
        raise ValueError("snapshot, wishes, report: objects expected")
    if len(report) > LARGEST_REPORT:
        raise ValueError("report: too large")
    pending = _parse_texts(document, "pending", MOST_ANNOUNCED)
    for key in pending:
        UpdateEffect(key.partition(" ")[0])
    return UpdateRecord(
        parse_update_snapshot(snapshot),
        _parse_wishes(wishes),
        pending=pending,
        announced=_parse_texts(document, "announced", MOST_ANNOUNCED),
        doomed=_parse_texts(document, "doomed", MOST_DOOMED),
        is_proposed=parse_flag(document, "is_proposed"),
        by_itself=parse_flag(document, "by_itself"),
        failures=parse_count(document, "failures", 0, 10**6),
        judge_at=parse_time(document, "judge_at"),
        waits_for_program=parse_flag(document, "waits_for_program"),
        installer_due=parse_time(document, "installer_due"),
        before=_parse_text(document, "before"),
        report=report,
        awaits_sign_in=parse_flag(document, "awaits_sign_in"),
        launch=LaunchWish(document.get("launch")),
    )


def _parse_wishes(document: Mapping[str, object]) -> Wishes:
    put_off = document.get("put_off")
    if not isinstance(put_off, dict) or len(put_off) > 50:
        raise ValueError("put_off: an object expected")
    return Wishes(
        _parse_texts(document, "skipped", 50), {name: parse_time(put_off, name) for name in put_off}
    )


def _parse_text(document: Mapping[str, object], name: str) -> str:
    return _check_text(document.get(name), name)


def _parse_texts(document: Mapping[str, object], name: str, most: int) -> tuple[str, ...]:
    return tuple(_check_text(text, name) for text in parse_list(document, name, most))


def _check_text(value: object, name: str) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise ValueError(f"{name}: a text expected")
    return value


def parse_check_record(document: Mapping[str, object]) -> CheckRecord:
    """Parse the saved record of the checks. Raises ``ValueError`` if it is impossible."""
    code = document.get("code")
    if not isinstance(code, str) or (code and code not in CATALOGUE):
        raise ValueError("code: a problem expected")
    return CheckRecord(
        parse_time(document, "requested"),
        parse_time(document, "ended"),
        parse_time(document, "checked"),
        code,
        parse_count(document, "failures", 0, 10**6),
    )


def parse_history(document: Mapping[str, object]) -> tuple[HistoryLine, ...]:
    """Parse the saved history. Raises ``ValueError`` if it is impossible."""
    return tuple(map(_parse_line, parse_list(document, "lines", MOST_LINES)))


def _parse_line(document: object) -> HistoryLine:
    if not isinstance(document, dict):
        raise ValueError("lines: objects expected")
    report = document.get("report")
    version, before = document.get("version"), document.get("before")
    if not isinstance(version, str) or not isinstance(before, str) or not isinstance(report, dict):
        raise ValueError("version, before, report: two texts and an object expected")
    if max(len(version), len(before)) > LONGEST_TEXT or len(report) > LARGEST_REPORT:
        raise ValueError("lines: too large")
    return HistoryLine(
        parse_time(document, "at"),
        ReleaseKind(document.get("kind")),
        version,
        before,
        HistoryStep(document.get("step")),
        parse_flag(document, "is_good"),
        report,
    )
