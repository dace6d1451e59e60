"""When a version is installed at night: each hurdle, and nights minute by minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from iea_agent.domain import timing
from iea_agent.domain.installer_result import InstallReport, InstallResult
from iea_agent.domain.night_install import (
    HURDLES,
    Hurdle,
    NightMoment,
    NightPlan,
    draw_begin,
    find_hurdle,
    is_night,
    needs_nobody,
    waits_for_night,
)
from iea_agent.domain.update_catalogue import Scope
from iea_agent.domain.update_machine import UpdateEffect, UpdateSnapshot, UpdateState
from iea_agent.domain.update_record import UpdateRecord
from tests.releases import make_offer

PARIS = timezone(timedelta(hours=1))
NIGHT = datetime(2026, 12, 9, 3, 0, tzinfo=PARIS)
RELEASE = make_offer("3.00.73", **{"installer.scope": "user"}).release


def make_record(state: UpdateState = UpdateState.READY, since: datetime = NIGHT) -> UpdateRecord:
    since_day_before = since.timestamp() - 86_400
    return UpdateRecord(UpdateSnapshot(state, since_day_before, "3.00.73"))


def refuse(record: UpdateRecord, result: InstallResult, at: datetime) -> UpdateRecord:
    """Return *record* after an installer that was refused at a time."""
    report = InstallReport(result, "3.00.73").to_document()
    return replace(record, report=report, snapshot=replace(record.snapshot, since=at.timestamp()))


PLAN = NightPlan(make_record(), RELEASE, Scope.USER)
MOMENT = NightMoment(NIGHT, 0.0, is_in_use=False, program_runs=False, has_rights=False)
EARLIER = NIGHT - timedelta(hours=1)
LAST_NIGHT = NIGHT - timedelta(days=1)
Case = tuple[Hurdle | None, dict[str, object], dict[str, object]]
NOT_READY: list[Case] = [
    (Hurdle.NOT_READY, {"record": make_record(state)}, {})
    for state in UpdateState
    if state is not UpdateState.READY
]
QUIET: list[Case] = [(Hurdle.QUIET_DAY, {}, {"now": NIGHT.replace(day=day)}) for day in (11, 12, 15)]
CASES: list[Case] = [
    (None, {}, {}),
    (None, {}, {"has_rights": True}),
    *NOT_READY,
    (Hurdle.DAY, {}, {"now": NIGHT.replace(hour=0, minute=59, second=59)}),
    (None, {}, {"now": NIGHT.replace(hour=1)}),
    (None, {}, {"now": NIGHT.replace(hour=4, minute=59, second=59)}),
    (Hurdle.DAY, {}, {"now": NIGHT.replace(hour=5)}),
    (Hurdle.DAY, {}, {"now": NIGHT.replace(hour=15)}),
    (Hurdle.DAY, {}, {"draw": 0.9}),
    (None, {}, {"now": NIGHT.replace(hour=4), "draw": 0.999}),
    # the 15th is a Tuesday: the Friday before is quiet, and the weekend
    (None, {}, {"now": NIGHT.replace(day=10)}),
    *QUIET,
    (None, {}, {"now": NIGHT.replace(day=16)}),
    (Hurdle.NOT_PROPOSED, {"proposed": None}, {}),
    (Hurdle.NOT_PROPOSED, {"proposed": make_offer("3.00.74").release}, {}),
    (Hurdle.TRIED, {"record": refuse(make_record(), InstallResult.PROGRAM_OPEN, EARLIER)}, {}),
    (None, {"record": refuse(make_record(), InstallResult.PROGRAM_OPEN, LAST_NIGHT)}, {}),
    (None, {"record": refuse(make_record(), InstallResult.FILE_LOST, LAST_NIGHT)}, {}),
    (Hurdle.TRIED, {"record": refuse(make_record(), InstallResult.RIGHTS_REFUSED, LAST_NIGHT)}, {}),
    # a clock that was set back is no other night
    (
        Hurdle.TRIED,
        {"record": refuse(make_record(), InstallResult.PROGRAM_OPEN, NIGHT + timedelta(days=9))},
        {},
    ),
    (None, {"record": replace(make_record(), report={"version": "3.00.72", "result": "failed"})}, {}),
    (Hurdle.NEEDS_RIGHTS, {"scope": Scope.MACHINE}, {}),
    (None, {"scope": Scope.MACHINE}, {"has_rights": True}),
    # installed by the MSI
    (Hurdle.NEEDS_RIGHTS, {"scope": None}, {"has_rights": True}),
    (Hurdle.IN_USE, {}, {"is_in_use": True}),
    (Hurdle.PROGRAM_RUNS, {}, {"program_runs": True}),
]


@pytest.mark.parametrize(("hurdle", "plan", "moment"), CASES)
def test_what_prevents_an_installation_at_night(
    hurdle: Hurdle | None, plan: dict[str, object], moment: dict[str, object]
) -> None:
    assert find_hurdle(replace(PLAN, **plan), replace(MOMENT, **moment)) is hurdle  # type: ignore[arg-type]


def test_every_hurdle_has_a_case() -> None:
    assert set(HURDLES) == set(Hurdle) == {hurdle for hurdle, *_ in CASES if hurdle}


@pytest.mark.parametrize(
    ("scope", "has_rights", "expected"),
    [
        (Scope.USER, False, True),
        (Scope.USER, True, True),
        (Scope.MACHINE, False, False),
        (Scope.MACHINE, True, True),
        (None, True, False),
    ],
)
def test_who_needs_no_administrator(scope: Scope | None, has_rights: bool, expected: bool) -> None:
    assert needs_nobody(scope, has_rights=has_rights) is expected


# --- whole nights, on the clock of the wall


def clock_of(change: datetime, before: int, after: int) -> Callable[[datetime], datetime]:
    """Return what turns UTC into a local time whose offset, in hours, changes once.

    Windows' Python has no time zones of its own.
    """
    return lambda utc: utc.astimezone(timezone(timedelta(hours=before if utc < change else after)))


LATE = datetime(2100, 1, 1, tzinfo=UTC)
NIGHTS = {
    "a usual night": (datetime(2026, 12, 8, 22, tzinfo=UTC), clock_of(LATE, 1, 1), 4 * 60),
    # 2:00 is followed by 3:00
    "to summer time": (
        datetime(2027, 3, 27, 22, tzinfo=UTC),
        clock_of(datetime(2027, 3, 28, 1, tzinfo=UTC), 1, 2),
        3 * 60,
    ),
    # 3:00 is followed by 2:00
    "to winter time": (
        datetime(2026, 10, 24, 21, tzinfo=UTC),
        clock_of(datetime(2026, 10, 25, 1, tzinfo=UTC), 2, 1),
        5 * 60,
    ),
}


@pytest.mark.parametrize("name", NIGHTS)
@pytest.mark.parametrize("draw", [0.0, 0.3, 0.41, 0.5, 0.6, 0.999])
def test_a_version_is_tried_once_in_a_night_whatever_the_clocks_do(name: str, draw: float) -> None:
    begin, local, _minutes = NIGHTS[name]
    record = make_record(since=local(begin))
    tries = []
    for minute in range(12 * 60):
        now = local(begin + timedelta(minutes=minute))
        if find_hurdle(replace(PLAN, record=record), replace(MOMENT, now=now, draw=draw)) is None:
            tries.append(now)
            record = refuse(record, InstallResult.PROGRAM_OPEN, now)
    (at,) = tries
    wall = at.hour * 3600 + at.minute * 60
    due = timing.NIGHT_BEGIN + timing.NIGHT_SPREAD * draw
    # an hour that is left out begins late, by no more than that hour
    assert 0 <= wall - due < (3600 if name == "to summer time" else 60)
    assert 1 <= at.hour < 5


@pytest.mark.parametrize("name", NIGHTS)
def test_the_first_pc_has_the_whole_night(name: str) -> None:
    begin, local, minutes = NIGHTS[name]
    night = [each for each in range(24 * 60) if is_night(local(begin + timedelta(minutes=each)), 0.0)]
    assert len(night) == minutes


def test_five_pcs_do_not_begin_at_once_and_not_always_in_the_same_order() -> None:
    names = [f"{number:032x}" for number in range(5)]
    orders = set()
    for day in range(5):
        draws = {name: draw_begin(name, NIGHT + timedelta(days=day)) for name in names}
        assert len(set(draws.values())) == 5
        # of three hours they have at least one
        assert (max(draws.values()) - min(draws.values())) * timing.NIGHT_SPREAD > 3600
        assert draws == {name: draw_begin(name, NIGHT + timedelta(days=day, hours=1)) for name in names}
        orders.add(tuple(sorted(names, key=draws.__getitem__)))
    assert len(orders) > 1


# --- the balloons


READY_KEY = f"{UpdateEffect.ANNOUNCE_READY.value} 3.00.73 -1"
RESULT_KEY = f"{UpdateEffect.ANNOUNCE_RESULT.value} 3.00.73 0"


@pytest.mark.parametrize(
    ("key", "hour", "days", "waits"),
    [
        (RESULT_KEY, 1, 0, True),
        (RESULT_KEY, 7, 0, True),
        (RESULT_KEY, 8, 0, False),
        (RESULT_KEY, 0, 0, False),
        # that it is ready is told only if no night has installed it
        (READY_KEY, 12, 0, True),
        (READY_KEY, 12, 2, True),
        (READY_KEY, 12, 3, False),
        (READY_KEY, 5, 3, True),
    ],
)
def test_what_came_at_night_is_told_in_the_morning(key: str, hour: int, days: int, waits: bool) -> None:
    now = NIGHT.replace(hour=hour)
    since = (now - timedelta(days=days)).timestamp()
    record = UpdateRecord(UpdateSnapshot(UpdateState.READY, since, "3.00.73"), pending=(key,))
    assert waits_for_night(record, now) is waits


def test_what_an_installer_has_refused_is_told_on_the_day() -> None:
    noon = NIGHT.replace(hour=12)
    record = refuse(replace(make_record(), pending=(READY_KEY,)), InstallResult.PROGRAM_OPEN, NIGHT)
    assert not waits_for_night(record, noon)
    assert waits_for_night(replace(record, report={}), noon)
