"""Which version is proposed, and why another is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from iea_agent.domain.due_dates import is_quiet_day
from iea_agent.domain.program_version import order_version
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import (
    RULES,
    Post,
    Postponement,
    Reason,
    UpdateChoice,
    Wishes,
    choose_update,
    compute_draw,
    find_return,
    list_reasons,
    list_returned,
    may_put_off,
    may_skip,
    name_drawing,
    put_off,
    recall,
    skip,
)
from tests.releases import make_offer

NOON = datetime(2026, 12, 9, 12, tzinfo=UTC)
POST = Post(
    installed="3.00.72",
    agent="0.1.0",
    windows="10.0.19045",
    product="3.00.72",
    drawing_name="installation-1",
    now=NOON.timestamp(),
    today=NOON.date(),
)
QUIET = date(2026, 12, 14)


def reasons(post: Post = POST, /, **changes: object) -> tuple[Reason, ...]:
    return list_reasons(make_offer(**changes).release, post)


def choose(post: Post, *offers: Any) -> UpdateChoice:
    kind = offers[0].release.kind if offers else ReleaseKind.PRODUCT
    return choose_update(offers, kind, post)


def version_proposed(choice: UpdateChoice) -> str:
    return choice.proposed.release.version if choice.proposed else ""


CASES: list[tuple[Reason, dict[str, object], dict[str, Any]]] = [
    (Reason.WITHDRAWN, {"rollout.percent": 0}, {}),
    (Reason.INSTALLED, {"version": "V72"}, {}),
    (Reason.OLDER, {"version": "3.00.71"}, {}),
    (Reason.ADMINISTRATORS, {"kind": "agent"}, {"has_own_setup": False}),
    (Reason.AGENT_TOO_OLD, {"minimum.agent": "0.2"}, {}),
    (Reason.WINDOWS_TOO_OLD, {"minimum.windows": "10.0.22000"}, {}),
    (Reason.PRODUCT_TOO_OLD, {"minimum.product": "3.00.72.1"}, {}),
    (Reason.NOT_YET, {"not_before": "2026-12-09T12:00:01Z"}, {}),
    (Reason.UNKNOWN_INSTALLED, {}, {"installed": "", "product": ""}),
    (Reason.ROLLING_OUT, {"rollout.percent": 1}, {}),
    (Reason.QUIET_DAY, {}, {"today": QUIET}),
    (Reason.PROGRAM_RUNS, {}, {"program_runs": True}),
    (Reason.SKIPPED, {}, {"wishes": Wishes(("3.00.73",))}),
    (Reason.PUT_OFF, {}, {"wishes": Wishes(put_off={"3.00.73": NOON.timestamp() + 1})}),
    (Reason.FAILED_TRIAL, {}, {"failed": frozenset({"3.00.73"})}),
]


def test_a_new_version_is_proposed() -> None:
    assert reasons() == ()
    assert version_proposed(choose(POST, make_offer())) == "3.00.73"


def test_every_reason_has_a_case() -> None:
    assert [case[0] for case in CASES] == list(Reason) == list(RULES)


@pytest.mark.parametrize(
    ("reason", "changes", "post"), CASES, ids=lambda value: str(getattr(value, "value", ""))
)
class TestReason:
    """Each reason keeps the version from being proposed, and what overrides it."""

    def test_it_is_given(self, reason: Reason, changes: dict[str, object], post: dict[str, Any]) -> None:
        assert reasons(replace(POST, **post), **changes) == (reason,)
        assert version_proposed(choose(replace(POST, **post), make_offer(**changes))) == ""

    def test_a_critical_version_ignores_some(
        self, reason: Reason, changes: dict[str, object], post: dict[str, Any]
    ) -> None:
        ignored = {Reason.ROLLING_OUT, Reason.QUIET_DAY, Reason.SKIPPED}
        expected = () if reason in ignored else (reason,)
        assert reasons(replace(POST, **post), critical=True, **changes) == expected

    def test_a_deadline_ends_some(
        self, reason: Reason, changes: dict[str, object], post: dict[str, Any]
    ) -> None:
        if reason is Reason.NOT_YET:
            return
        ended = {Reason.QUIET_DAY, Reason.SKIPPED, Reason.PUT_OFF}
        expected = () if reason in ended else (reason,)
        deadline = "2026-12-09T12:00:00Z"
        assert reasons(replace(POST, **post), deadline=deadline, **changes) == expected

    def test_a_person_may_take_it_all_the_same_or_not(
        self, reason: Reason, changes: dict[str, object], post: dict[str, Any]
    ) -> None:
        refused = {
            Reason.WITHDRAWN, Reason.INSTALLED, Reason.OLDER, Reason.ADMINISTRATORS, Reason.AGENT_TOO_OLD, Reason.WINDOWS_TOO_OLD,
            Reason.PRODUCT_TOO_OLD, Reason.NOT_YET,
        }  # fmt: skip
        listed = choose(replace(POST, **post), make_offer(**changes)).listed
        if reason is Reason.WITHDRAWN:
            assert listed == ()
        else:
            assert [each.is_allowed for each in listed] == [reason not in refused]


def test_the_latest_of_those_that_may_be_proposed_is() -> None:
    choice = choose(
        POST,
        make_offer("3.00.73"),
        make_offer("3.00.74", not_before="2027-01-01T00:00:00Z"),
        make_offer("3.00.75", channel="pilot"),
        make_offer("3.00.76", kind="agent"),
        make_offer("3.00.70"),
    )
    assert version_proposed(choice) == "3.00.73"
    assert [each.offer.release.version for each in choice.listed] == ["3.00.74", "3.00.73", "3.00.70"]


def test_an_installed_version_that_was_withdrawn_is_told() -> None:
    assert choose(POST, make_offer("3.00.72", **{"rollout.percent": 0})).is_installed_withdrawn
    assert not choose(POST, make_offer("3.00.73", **{"rollout.percent": 0})).is_installed_withdrawn


@given(
    some.lists(some.sampled_from(["3.00.70", "V72", "3.00.72", "3.00.73", "V.3.01.002"]), max_size=5),
    some.sampled_from(["3.00.70", "3.00.72", "3.01.1", ""]),
    some.booleans(),
)
def test_no_older_version_is_ever_proposed(versions: list[str], installed: str, critical: bool) -> None:
    offers = [make_offer(version, critical=critical) for version in versions]
    choice = choose(replace(POST, installed=installed, today=QUIET), *offers)
    if choice.proposed is not None:
        assert order_version(choice.proposed.release.version) > order_version(installed)


class TestRollout:
    """The draw: fair, fresh for each version, the same for a site."""

    def test_it_is_the_one_that_is_written_down(self) -> None:
        # printf 'iea-rollout/1\\0a\\0b' | sha256sum
        assert compute_draw("a", "b") == 0x9DDD6F27309B71ED / 2**64 * 100

    @pytest.mark.parametrize("percent", [1, 5, 25, 50])
    def test_it_meets_as_many_as_it_says(self, percent: int) -> None:
        met = sum(compute_draw(f"pc-{number}", "3.00.73") < percent for number in range(10_000))
        assert met / 100 == pytest.approx(percent, abs=1.5)

    def test_another_version_meets_others(self) -> None:
        both = sum(
            compute_draw(f"pc-{number}", "3.00.73") < 25 and compute_draw(f"pc-{number}", "3.00.74") < 25
            for number in range(10_000)
        )
        assert both / 100 == pytest.approx(6.25, abs=1)

    def test_all_pcs_of_a_site_draw_together(self) -> None:
        folder = name_drawing(r"\\NAS\impact", "IEA-1", "pc-1")
        assert folder == name_drawing(r"\\nas\Impact", "IEA-2", "pc-2")
        assert name_drawing("", "IEA-1", "pc-1") == name_drawing("", "IEA-1", "pc-2") != "IEA-1"
        assert name_drawing("", "", "pc-1") == "pc-1"


class TestWishes:
    """What a person decides about a version."""

    @pytest.mark.parametrize(
        ("postponement", "back"),
        [
            (Postponement.HOUR, datetime(2026, 12, 9, 13, tzinfo=UTC)),
            (Postponement.TOMORROW, datetime(2026, 12, 10, 8, tzinfo=UTC)),
            (Postponement.AFTER_DUE_DATE, datetime(2026, 12, 16, 8, tzinfo=UTC)),
        ],
    )
    def test_a_version_comes_back(self, postponement: Postponement, back: datetime) -> None:
        assert find_return(postponement, NOON) == back

    @given(some.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1)))
    def test_after_the_due_date_no_day_is_quiet(self, now: datetime) -> None:
        back = find_return(Postponement.AFTER_DUE_DATE, now)
        assert not is_quiet_day(back.date())
        assert timedelta() < back - now < timedelta(days=30)

    def test_a_version_is_put_off_and_skipped(self) -> None:
        wishes = put_off(Wishes(), "3.00.73", NOON.timestamp() + 60)
        assert reasons(replace(POST, wishes=wishes)) == (Reason.PUT_OFF,)
        assert reasons(replace(POST, wishes=wishes, now=NOON.timestamp() + 60)) == ()
        skipped = skip(wishes, "3.00.73")
        assert Reason.SKIPPED in reasons(replace(POST, wishes=skipped))
        assert reasons(replace(POST, wishes=skipped), version="3.00.74") == ()
        assert skip(skipped, "3.00.73") == skipped
        assert recall(skip(skipped, "3.00.74"), "3.00.73") == Wishes(("3.00.74",), {})

    def test_a_critical_version_is_not_skipped_and_an_overdue_one_does_not_wait(self) -> None:
        now = NOON.timestamp()
        overdue = make_offer(deadline="2026-01-01T00:00:00Z").release
        critical = make_offer(critical=True).release
        assert [may_skip(each, now) for each in (make_offer().release, critical, overdue)] == [
            True,
            False,
            False,
        ]
        assert [may_put_off(each, now) for each in (critical, overdue)] == [True, False]

    def test_what_was_put_off_returns(self) -> None:
        wishes = Wishes(put_off={"3.00.73": 60.0, "3.00.74": 61.0})
        assert list_returned(wishes, 60.0) == {"3.00.73"}

    def test_the_list_stays_short(self) -> None:
        wishes = Wishes()
        for number in range(200):
            wishes = put_off(wishes, f"3.00.{number}", 1.0)
            wishes = skip(wishes, f"3.00.{number}")
        assert len(wishes.put_off) == len(wishes.skipped) == 50
        assert "3.00.199" in wishes.put_off
