"""An announced change: who hears of it, when it happens, who sees the licence."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from iea_agent.domain import timing
from iea_agent.domain.announced_change import (
    ChangeRecord,
    ChangeStep,
    Rehearsal,
    choose_address,
    decide_step,
    may_sign_in,
    needs_help,
    note_failure,
    note_rehearsal,
    note_settled,
    note_switch,
    note_told,
    parse_change_record,
    select_changes,
)
from iea_agent.domain.signed_policy import AnnouncedChange, ReplacedAddress

HOUR, DAY = 3600.0, 86_400.0
BEGINS = 1_803_880_800.0  # 1 March 2027, 6 h UTC: a Monday
OLD, NEW = "https://impact-emploi.urssaf.fr", "https://connexion.urssaf.fr/ie"
OLD_UPDATES, NEW_UPDATES = "https://impact-emploi.urssaf.fr/updates", "https://maj.urssaf.fr"
CHANGE = AnnouncedChange(
    "2027-03", BEGINS - 28 * DAY, BEGINS, ReplacedAddress(OLD, NEW), ReplacedAddress(OLD_UPDATES, NEW_UPDATES)
)
PASSED = note_rehearsal(ChangeRecord(), Rehearsal.PASSED, "", BEGINS - 20 * DAY)
FAILED = note_rehearsal(ChangeRecord(), Rehearsal.FAILED, "IEA-N01", BEGINS - 20 * DAY)


@dataclass
class Post:
    """A PC of the fleet: when it is on, and what happens to it."""

    number: int
    chances: random.Random
    is_bad: bool
    repair_works: bool
    days: frozenset[int]
    record: ChangeRecord = field(default_factory=ChangeRecord)
    told_at: list[float] = field(default_factory=list)
    repaired: float = 0.0
    signed_in: list[tuple[float, str]] = field(default_factory=list)
    """When it has shown its licence, and where."""

    def is_on(self, now: float) -> bool:
        """Return whether its person works: from 8 to 18 h, on its days of the week."""
        # 1 January 1970 was a Thursday
        return int(now // DAY + 3) % 7 in self.days and 7 * HOUR <= now % DAY < 17 * HOUR

    def rehearse(self) -> Rehearsal:
        """Test the new servers; both may be out of reach, and either may hiccup."""
        if self.chances.random() < 0.05:
            return Rehearsal.UNCLEAR
        hiccup = self.chances.random() < 0.02
        return Rehearsal.FAILED if hiccup or (self.is_bad and not self.repaired) else Rehearsal.PASSED

    def live(self, now: float) -> None:
        """Do what the agent does in this hour."""
        match decide_step(CHANGE, self.record, now, self.number / 300):
            case ChangeStep.REHEARSE:
                self.record = note_rehearsal(self.record, self.rehearse(), "IEA-N01", now)
            case ChangeStep.TELL:
                self.record = note_told(self.record, now)
                self.told_at.append(now)
                if self.repair_works:
                    self.repaired = now
            case ChangeStep.SWITCH | ChangeStep.TRY_AGAIN:
                self.record = note_switch(self.record, now)
            case ChangeStep.SETTLE:
                self.record = note_settled(self.record, now)
        address = choose_address(OLD, CHANGE.authentication, self.record)
        assert may_sign_in(address, [CHANGE], now)
        self.signed_in.append((now, address))
        if address == NEW and self.is_bad and not self.repaired:
            self.record = note_failure(CHANGE, self.record, old_answers=True, now=now)


def make_fleet() -> list[Post]:
    chances = random.Random(73)  # noqa: S311
    weeks = [frozenset(range(5)), frozenset({1, 3}), frozenset({0, 1, 2}), frozenset({4})]
    return [
        Post(
            number,
            random.Random(number),  # noqa: S311
            is_bad=number % 10 < 3,
            repair_works=chances.random() < 0.6,
            days=weeks[number % 4],
        )
        for number in range(300)
    ]


def test_a_fleet_of_300_of_which_30_percent_are_badly_configured() -> None:
    fleet = make_fleet()
    now = CHANGE.rehearses - 2 * DAY
    while now < BEGINS + 16 * DAY:
        for post in fleet:
            if post.is_on(now):
                post.live(now)
        now += HOUR
    bad = [post for post in fleet if post.is_bad]
    assert len(bad) == 90
    for post in bad:
        assert len(post.told_at) == 1, f"post {post.number} is told once"
        assert BEGINS - post.told_at[0] >= 7 * DAY, f"post {post.number} is told in time"
        assert post.repaired or needs_help(CHANGE, post.record, BEGINS - DAY)
    for post in fleet:
        if not post.is_bad:
            assert not post.told_at, f"post {post.number} hears nothing"
        addresses = {address for at, address in post.signed_in if at < BEGINS}
        assert addresses == {OLD}, "no future address sees the licence before its day"
        is_ready = post.repaired or not post.is_bad
        assert not is_ready or post.signed_in[-1][1] == NEW
        assert bool(post.record.settled) == bool(is_ready)
    # who is not ready works on at the old address, and tries the new one now and then
    stuck = [post for post in bad if not post.repaired]
    assert stuck
    for post in stuck:
        after = [address for at, address in post.signed_in if at >= BEGINS]
        assert set(after) == {OLD, NEW}
        assert after.count(OLD) > after.count(NEW)


def test_nothing_is_done_before_the_new_servers_answer() -> None:
    assert decide_step(CHANGE, ChangeRecord(), CHANGE.rehearses - 1, 0.0) is ChangeStep.WAIT
    assert decide_step(CHANGE, ChangeRecord(), CHANGE.rehearses, 0.0) is ChangeStep.REHEARSE


def test_rehearsals_are_spread_over_a_day() -> None:
    assert decide_step(CHANGE, ChangeRecord(), CHANGE.rehearses + DAY / 2 - 1, 0.5) is ChangeStep.WAIT
    assert decide_step(CHANGE, ChangeRecord(), CHANGE.rehearses + DAY / 2, 0.5) is ChangeStep.REHEARSE


@pytest.mark.parametrize(
    ("record", "apart"), [(PASSED, timing.REHEARSAL_PASSED), (FAILED, timing.REHEARSAL_FAILED)]
)
def test_a_failure_is_looked_at_again_sooner(record: ChangeRecord, apart: float) -> None:
    assert decide_step(CHANGE, record, record.rehearsed + apart - 1, 0.0) is ChangeStep.WAIT
    assert decide_step(CHANGE, record, record.rehearsed + apart, 0.0) is ChangeStep.REHEARSE


def test_one_failure_is_chance_and_shortly_before_two_are_enough() -> None:
    for failures, early, late in ((1, False, False), (2, False, True), (3, True, True)):
        record = replace(FAILED, failures=failures)
        for ahead, is_told in ((12, early), (8, late), (1, late)):
            step = decide_step(CHANGE, record, BEGINS - ahead * DAY, 0.0)
            assert (step is ChangeStep.TELL) == is_told
            after = note_told(record, BEGINS - ahead * DAY)
            assert decide_step(CHANGE, after, BEGINS - ahead * DAY, 0.0) is not ChangeStep.TELL


def test_a_pass_between_two_failures_begins_anew_and_an_unclear_one_says_nothing() -> None:
    record = replace(FAILED, failures=2)
    unclear = note_rehearsal(record, Rehearsal.UNCLEAR, "", BEGINS - 15 * DAY)
    assert (unclear.failures, unclear.problem) == (2, "IEA-N01")
    passed = note_rehearsal(record, Rehearsal.PASSED, "", BEGINS - 15 * DAY)
    assert (passed.failures, passed.problem) == (0, "")


def test_the_status_says_it_until_the_pc_is_ready_or_the_day_has_come() -> None:
    after = note_told(FAILED, BEGINS - 10 * DAY)
    assert needs_help(CHANGE, after, BEGINS - DAY)
    assert not needs_help(CHANGE, FAILED, BEGINS - DAY)
    assert not needs_help(CHANGE, after, BEGINS)
    ready = note_rehearsal(after, Rehearsal.PASSED, "", BEGINS - 2 * DAY)
    assert not needs_help(CHANGE, ready, BEGINS - DAY)


def test_on_its_day_and_back() -> None:
    assert choose_address(OLD, CHANGE.authentication, PASSED) == OLD
    assert decide_step(CHANGE, PASSED, BEGINS, 0.0) is ChangeStep.SWITCH
    record = note_switch(PASSED, BEGINS)
    assert choose_address(OLD, CHANGE.authentication, record) == NEW
    assert choose_address(OLD, None, record) == OLD
    assert note_failure(CHANGE, record, old_answers=False, now=BEGINS + 60) == record
    back = note_failure(CHANGE, record, old_answers=True, now=BEGINS + 60)
    assert choose_address(OLD, CHANGE.authentication, back) == OLD
    assert decide_step(CHANGE, back, BEGINS + 60 + timing.CHANGE_RETURN - 1, 0.0) is ChangeStep.WAIT
    assert decide_step(CHANGE, back, BEGINS + 60 + timing.CHANGE_RETURN, 0.0) is ChangeStep.TRY_AGAIN
    again = note_switch(back, BEGINS + DAY)
    assert decide_step(CHANGE, again, BEGINS + DAY + timing.CHANGE_SETTLED - 1, 0.0) is ChangeStep.WAIT
    assert decide_step(CHANGE, again, BEGINS + DAY + timing.CHANGE_SETTLED, 0.0) is ChangeStep.SETTLE
    settled = note_settled(again, BEGINS + 5 * DAY)
    assert note_failure(CHANGE, settled, old_answers=True, now=BEGINS + 6 * DAY) == settled
    assert decide_step(CHANGE, settled, BEGINS + 6 * DAY, 0.0) is ChangeStep.WAIT


def test_a_failure_before_the_day_takes_nobody_anywhere() -> None:
    assert note_failure(CHANGE, PASSED, old_answers=True, now=BEGINS - 1) == PASSED


def test_a_clock_set_back_after_the_change_changes_nothing() -> None:
    record = note_switch(PASSED, BEGINS)
    assert choose_address(OLD, CHANGE.authentication, record) == NEW
    assert note_failure(CHANGE, record, old_answers=True, now=BEGINS - DAY) == record


def test_who_has_another_address_is_not_concerned() -> None:
    assert select_changes([CHANGE], OLD, OLD_UPDATES) == (CHANGE,)
    assert select_changes([CHANGE], "https://interne.example", "https://miroir.example") == ()
    (half,) = select_changes([CHANGE], "https://interne.example", OLD_UPDATES)
    assert half == replace(CHANGE, authentication=None)
    (other,) = select_changes([CHANGE], OLD, "https://miroir.example")
    assert other == replace(CHANGE, updates=None)


def test_the_licence_and_a_future_address() -> None:
    assert may_sign_in(OLD, [CHANGE], BEGINS - DAY)
    assert not may_sign_in(NEW, [CHANGE], BEGINS - 1)
    assert may_sign_in(NEW, [CHANGE], BEGINS)
    assert may_sign_in(NEW_UPDATES, [replace(CHANGE, authentication=None)], BEGINS - 1)


def test_a_record_outlasts_a_restart() -> None:
    for record in (ChangeRecord(), PASSED, note_told(FAILED, BEGINS), note_switch(PASSED, BEGINS)):
        assert parse_change_record(record.to_document()) == record


@pytest.mark.parametrize(
    "changed",
    [
        {"problem": 1},
        {"problem": "x" * 11},
        {"passed": 1},
        {"failures": -1},
        {"told_at": "x"},
        {"switched": -1.0},
    ],
)
def test_an_impossible_record_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_change_record(PASSED.to_document() | changed)
