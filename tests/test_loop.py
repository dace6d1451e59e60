"""The loop on a clock driven by hand: when each thing happens."""

from __future__ import annotations

import logging
import queue
import threading
from typing import Any

import pytest

from iea_agent.domain import machine, problems, timing
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Effect, Snapshot, State
from iea_agent.domain.problems import Problem
from iea_agent.loop import Attempt, Inbox, Loop
from tests.days import (
    DAY,
    LOST,
    NO_NETWORK,
    NOT_CONFIGURED,
    REFUSED,
    SILENCE,
    UNAVAILABLE,
    Days,
    connected,
    gaps,
)


def asking(wish: float, problem: Problem = problems.SERVER_UNAVAILABLE) -> Failure:
    """A server that asks to be left alone for *wish* seconds."""
    return Failure(Stage.ANSWER, problem, retry_after=wish)


class Clumsy(Days):
    """Days on which no window opens and no balloon is shown."""

    def open(self, effect: Effect) -> None:
        super().open(effect)
        raise OSError("no window")

    def announce(self, kind: Effect, snapshot: Snapshot) -> None:
        super().announce(kind, snapshot)
        raise OSError("no balloon")


def test_a_window_or_a_balloon_that_fails_ends_nothing() -> None:
    days = Clumsy(servers=LOST).start()
    days.happen(machine.SettingsRequested(), machine.ReauthenticationRequested())
    assert days.opened == [Effect.OPEN_SETTINGS]
    assert days.announced == [(0.0, Effect.ANSWER_PERSON)]
    assert days.published[-1] == days.loop.snapshot, "what fails does not keep the picture old"
    days.servers = None
    days.pass_seconds(60)
    assert days.shows(State.CONNECTED)


def test_a_call_is_carried_out_on_the_loops_thread() -> None:
    days = connected()
    threads: list[threading.Thread] = []
    days.loop.post(lambda: threads.append(threading.current_thread()))
    days.loop.turn()
    assert threads == [threading.current_thread()]


class RecordedInbox(queue.SimpleQueue[Any]):
    """An inbox to which nothing comes, and that notes how long the loop waits for it."""

    def __init__(self) -> None:
        self.waits: list[float | None] = []

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self.waits.append(timeout if block else 0.0)
        raise queue.Empty


def test_a_turn_waits_for_as_long_as_it_is_told() -> None:
    days, inbox = Days(), RecordedInbox()
    loop = Loop(days, days.moment, lambda: 0.5, machine.begin(days.moment()), inbox)
    loop.turn(7.5)
    assert inbox.waits == [7.5]


def test_a_call_that_fails_ends_nothing() -> None:
    days = connected()

    def fail() -> None:
        raise ValueError("a client's request")

    days.loop.post(fail)
    days.happen(machine.SettingsRequested())
    assert days.opened == [Effect.OPEN_SETTINGS]


def test_what_was_posted_before_the_loop_is_not_lost() -> None:
    inbox: Inbox = queue.SimpleQueue()
    inbox.put(machine.Started())
    inbox.put(machine.SettingsRequested())
    days = Days()
    days.loop = Loop(days, days.moment, lambda: 0.5, machine.begin(days.moment()), inbox)
    days.loop.turn()
    assert days.attempts == [0.0]
    assert days.opened == [Effect.OPEN_SETTINGS]


def test_every_effect_can_be_performed() -> None:
    assert set(Loop.PERFORM) == set(Effect)


# heartbeat


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 54.0), (0.5, 60.0), (0.999999, 66.0)])
def test_a_heartbeat_every_minute_give_or_take_a_tenth(chance: float, seconds: float) -> None:
    days = Days(chance=chance).start()
    days.pass_seconds(400)
    assert days.shows(State.CONNECTED)
    assert gaps(days.attempts)[:5] == pytest.approx([seconds] * 5, abs=0.001)
    assert days.announced == []


def test_no_heartbeat_while_an_attempt_is_under_way() -> None:
    days = connected()
    days.servers = SILENCE
    days.pass_seconds(1000)
    assert len(days.attempts) == 1


@pytest.mark.parametrize("servers", [None, LOST])
def test_a_timer_set_before_does_not_disturb_the_attempt_under_way(servers: Failure | None) -> None:
    days = connected()
    days.servers = servers
    days.pass_seconds(100)  # a heartbeat or a retry is due before long
    days.servers = SILENCE
    days.happen(machine.ReauthenticationRequested())
    days.attempts.clear()
    days.pass_seconds(1000)
    assert days.attempts == []


# backoff


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999999])
def test_one_second_doubling_to_a_minute_spread_by_half_and_never_giving_up(chance: float) -> None:
    days = Days(servers=LOST, chance=chance).start()
    days.pass_seconds(3600)
    usual = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert gaps(days.attempts)[:9] == pytest.approx([s * (0.5 + chance) for s in usual], abs=0.001)
    assert days.attempts[-1] > 3600 - 90


def test_success_resets_the_backoff() -> None:
    days = Days(servers=LOST).start()
    days.pass_seconds(200)
    days.servers = None
    days.pass_until(lambda: days.shows(State.CONNECTED), 61)
    days.servers = LOST
    days.attempts.clear()
    days.pass_seconds(70)
    assert gaps(days.attempts)[:3] == [1, 2, 4]


@pytest.mark.parametrize(
    "event",
    [machine.ReauthenticationRequested(), machine.SettingsSaved(), machine.SettingsChanged(), machine.Woke()],
)
def test_a_click_new_settings_and_waking_try_at_once_and_reset_the_backoff(event: machine.Event) -> None:
    days = Days(servers=LOST).start()
    days.pass_seconds(200)
    days.attempts.clear()
    days.renewed.clear()
    now = days.steady
    days.happen(event)
    assert days.attempts == [now]
    assert days.renewed == [now]
    days.pass_seconds(10)
    assert gaps(days.attempts)[:3] == [1, 2, 4]


def test_a_refused_licence_is_tried_again_after_a_quarter_of_an_hour_and_on_a_click() -> None:
    days = Days(servers=REFUSED).start()
    assert days.shows(State.DISCONNECTED)
    days.pass_seconds(2000)
    assert gaps(days.attempts) == [900, 900]
    days.happen(machine.ReauthenticationRequested())
    assert days.attempts[-1] == days.steady


@pytest.mark.parametrize(
    ("chance", "waits"),
    [
        (0.0, [5, 15, 45, 60, 60]),
        (0.5, [6.25, 18.75, 56.25, 180, 180]),
        (0.999999, [7.5, 22.5, 67.5, 300, 300]),
    ],
)
def test_an_unavailable_server_is_asked_again_soon_then_after_a_minute_and_up_to_four_more(
    chance: float, waits: list[float]
) -> None:
    days = Days(servers=UNAVAILABLE, chance=chance).start()
    days.pass_seconds(sum(waits) + 1)
    assert gaps(days.attempts) == pytest.approx(waits, abs=0.01)
    assert days.looks == []


@pytest.mark.parametrize("wish", [47.0, 120.0, 1800.0])
def test_what_the_server_asks_for_is_heeded(wish: float) -> None:
    days = Days(servers=asking(wish), chance=0.0).start()
    days.pass_seconds(wish * 2.5)
    assert gaps(days.attempts) == [wish, wish]


@pytest.mark.parametrize("wish", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("problem", [problems.SERVER_UNAVAILABLE, problems.TOO_MANY_REQUESTS], ids=str)
def test_a_server_that_asks_to_be_asked_each_second_is_not(problem: Problem, wish: float) -> None:
    days = Days(servers=asking(wish, problem), chance=0.0).start()
    days.pass_seconds(200)
    assert gaps(days.attempts) == [5, 15, 45, 60, 60]


# looks during a long wait


@pytest.mark.parametrize(("failing_for", "first"), [(0.0, 33.75), (200.0, 33.75)])
def test_the_first_look_comes_after_half_a_minute(failing_for: float, first: float) -> None:
    days = Days(steady=failing_for, servers=asking(3600)).start()
    days.pass_seconds(200)
    assert days.looks[0] == pytest.approx(failing_for + first)


def test_no_look_that_the_next_try_makes_needless() -> None:
    days = Days(steady=1000.0, servers=asking(20), chance=0.0).start()
    days.pass_seconds(19)
    days.servers = SILENCE
    days.pass_seconds(60)
    assert days.looks == []


@pytest.mark.parametrize("wish", [600.0, 3600.0, 86_400.0])
@pytest.mark.parametrize("chance", [0.0, 0.999999])
def test_a_maintenance_that_ends_before_its_time_is_noticed_within_five_minutes(
    wish: float, chance: float
) -> None:
    days = Days(servers=asking(wish), chance=chance).start()
    days.pass_seconds(500)
    assert days.shows(State.DISCONNECTED)
    assert len(days.attempts) == 1
    days.servers = None
    days.pass_until(lambda: days.shows(State.CONNECTED), 300.1)
    assert all(at == 0 or at >= wish for at in days.attempts)


def test_a_look_keeps_the_time_of_the_next_try() -> None:
    days = Days(servers=asking(3600)).start()
    retry_at = days.loop.snapshot.retry_at
    days.pass_seconds(2000)
    assert len(days.looks) > 5
    assert max(gaps([0.0, *days.looks])) <= 300
    assert days.loop.snapshot.retry_at == retry_at == 1_790_000_000.0 + 4500
    days.pass_seconds(2501)
    assert days.attempts == [0.0, 4500.0]


def test_a_look_that_meets_something_else_is_judged_as_an_attempt() -> None:
    days = Days(servers=asking(3600)).start()
    days.pass_seconds(100)
    days.servers = LOST
    days.pass_until(lambda: days.loop.snapshot.problem is LOST.problem, 300)
    assert days.attempts == [0.0]
    days.pass_seconds(9)
    assert len(days.attempts) >= 3


@pytest.mark.parametrize("servers", [REFUSED, LOST, UNAVAILABLE])
def test_no_look_without_a_long_wait_that_the_server_asks_for(servers: Failure) -> None:
    days = Days(servers=servers).start()
    days.pass_seconds(7200)
    assert days.looks == []


def test_without_a_configuration_the_settings_open_once_and_nothing_is_tried_until_they_change() -> None:
    days = Days(servers=NOT_CONFIGURED).start()
    assert days.shows(State.DISCONNECTED)
    days.pass_seconds(DAY)
    assert days.opened == [Effect.OPEN_SETTINGS]
    assert days.attempts == [0.0]
    days.servers = None
    days.happen(machine.SettingsChanged())
    assert days.shows(State.CONNECTED)


def test_a_changed_policy_opens_no_window_on_a_pc_without_a_licence() -> None:
    days = Days(servers=NOT_CONFIGURED).start()
    days.opened.clear()
    days.happen(machine.SettingsChanged())
    days.pass_seconds(DAY)
    assert days.shows(State.DISCONNECTED)
    assert days.opened == []
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE], "once, not each day"


# verdicts


def test_the_heart_comes_after_ten_seconds_and_two_attempts() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 120)
    assert days.steady - days.attempts[0] == pytest.approx(10, abs=0.11)
    assert len(days.attempts) >= 2


@pytest.mark.parametrize("problem", [problems.SERVER_UNAVAILABLE, problems.TOO_MANY_REQUESTS], ids=str)
@pytest.mark.parametrize("wish", [600.0, 3600.0])
def test_the_heart_does_not_wait_for_the_time_that_a_server_asks_for(problem: Problem, wish: float) -> None:
    days = connected()
    days.servers = asking(wish, problem)
    days.pass_until(lambda: bool(days.attempts), 70)
    days.pass_seconds(10.1)
    assert days.shows(State.DISCONNECTED)
    assert len(days.attempts) == 1

    days = Days(servers=asking(wish, problem)).start()
    days.pass_seconds(14.9)
    assert days.shows(State.CONNECTING)
    days.pass_seconds(0.2)
    assert days.shows(State.DISCONNECTED)


def test_the_ball_does_not_outlive_two_heartbeats_without_an_answer() -> None:
    days = connected()
    contact = days.loop.snapshot.silent_steady
    days.servers = SILENCE
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 130)
    assert days.steady - contact == pytest.approx(120, abs=0.11)
    assert days.loop.snapshot.problem is problems.CONNECTION_UNANSWERED
    days.loop.post(Attempt(days.loop.snapshot.run, None))
    days.loop.turn()
    assert days.shows(State.CONNECTED)


def test_what_ended_during_a_sleep_is_not_judged_as_of_now() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: len(days.attempts) == 2, 120)
    days.servers = SILENCE
    days.pass_until(lambda: len(days.attempts) == 3, 120)
    days.loop.post(Attempt(days.loop.snapshot.run, LOST))
    days.steady += 3600
    days.sleep(3600)
    assert days.shows(State.CONNECTING)
    assert State.DISCONNECTED not in {snapshot.state for snapshot in days.published}


def test_a_hiccup_shows_nothing() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: len(days.attempts) == 2, 120)
    days.servers = None
    days.pass_seconds(60)
    assert {snapshot.state for snapshot in days.published} == {State.CONNECTED}
    assert days.announced == []


def test_the_heart_comes_at_once_for_whoever_asked() -> None:
    days = connected()
    days.servers = LOST
    days.happen(machine.ReauthenticationRequested())
    assert days.shows(State.DISCONNECTED)
    assert days.announced == [(days.steady, Effect.ANSWER_PERSON)]


def test_no_verdict_in_the_first_fifteen_seconds() -> None:
    days = Days(servers=LOST, chance=0.0).start()
    days.pass_seconds(14.9)
    assert days.shows(State.CONNECTING)
    assert len(days.attempts) > 3
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 10)


def test_no_verdict_in_the_fifteen_seconds_after_waking() -> None:
    days = connected()
    days.servers = NO_NETWORK
    days.sleep(3600)
    assert days.shows(State.CONNECTING)
    days.pass_seconds(14.9)
    assert days.shows(State.CONNECTING)
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 20)


# waking and the network


@pytest.mark.parametrize(("gap", "woke"), [(22.5, False), (22.6, True), (8 * 3600.0, True)])
def test_a_gap_of_the_wall_clock_means_that_the_computer_slept(gap: float, woke: bool) -> None:
    days = connected()
    days.pass_seconds(5)  # to the clock check at 105 s
    days.attempts.clear()
    days.renewed.clear()
    days.sleep(gap)
    assert bool(days.renewed) is woke
    assert bool(days.attempts) is woke


def test_a_clock_set_back_is_no_sleep_and_stops_nothing() -> None:
    days = connected()
    days.wall -= 7200
    days.renewed.clear()
    days.pass_seconds(130)
    assert days.renewed == []
    assert len(days.attempts) == 2


def test_the_network_settles_two_seconds_then_a_new_connection_is_made_at_once() -> None:
    days = connected()
    days.renewed.clear()
    days.happen(machine.AddressesChanged())
    days.pass_seconds(1.5)
    days.happen(machine.AddressesChanged())
    changed = days.steady
    days.pass_seconds(1.9)
    assert days.attempts == []
    days.pass_seconds(0.2)
    assert days.renewed == pytest.approx([changed + 2])
    assert days.attempts == pytest.approx([changed + 2])


def test_a_hundred_changes_are_one_attempt_and_no_verdict() -> None:
    days = connected()
    days.servers = NO_NETWORK
    for _ in range(100):
        days.happen(machine.AddressesChanged())
        days.pass_seconds(0.02)
    days.pass_seconds(2)
    assert len(days.attempts) == 1
    assert days.shows(State.CONNECTED)
    assert days.announced == []


@pytest.mark.parametrize("delay", [0.0, 5.0, 10.0])
def test_a_network_that_keeps_changing_is_called_lost_all_the_same(delay: float) -> None:
    days = connected()
    days.servers, days.delay = LOST, delay
    changed = days.steady
    for _ in range(225):
        days.happen(machine.AddressesChanged())
        days.pass_seconds(8)
        assert days.shows(State.DISCONNECTED) or days.steady <= changed + 32
    assert len(days.attempts) <= 1800 / 15 + 8, "a change brings an attempt each 15 s, and no backoff anew"


def test_a_second_change_waits_until_the_attempt_of_the_first_may_have_ended() -> None:
    days = connected()
    days.happen(machine.AddressesChanged())
    first = days.steady + 2
    days.pass_seconds(8)
    days.happen(machine.AddressesChanged())
    days.pass_seconds(20)
    assert days.attempts == pytest.approx([first, first + 15])


def test_notices_without_end_put_off_a_change_for_fifteen_seconds_at_most() -> None:
    days = connected()
    days.renewed.clear()
    first = days.steady
    for _ in range(100):
        days.happen(machine.AddressesChanged())
        days.pass_seconds(0.5)
    assert days.renewed == pytest.approx([first + 15, first + 30, first + 45])


@pytest.mark.parametrize(("apart", "waits"), [(61, [1, 2]), (25, [32])])
def test_a_change_begins_the_backoff_anew_unless_the_network_keeps_changing(
    apart: float, waits: list[float]
) -> None:
    days = connected()
    days.servers = LOST
    days.happen(machine.AddressesChanged())
    days.pass_seconds(apart - 0.5)
    days.attempts.clear()
    days.happen(machine.AddressesChanged())
    days.pass_until(lambda: len(days.attempts) > len(waits), 100)
    changed = [at for at in days.attempts if at in days.renewed]
    after = [at for at in days.attempts if at >= changed[-1]]
    assert gaps(after)[: len(waits)] == pytest.approx(waits, abs=0.11)


# balloons


def test_one_balloon_after_a_minute_of_failure_and_one_when_it_is_over() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: bool(days.announced), 200)
    assert days.announced[0][0] - days.attempts[0] == pytest.approx(63, abs=0.11)
    days.pass_seconds(DAY / 2)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE]
    days.servers = None
    days.pass_seconds(DAY / 2)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE, Effect.ANNOUNCE_RECOVERY]


def test_a_failure_under_a_minute_is_told_neither_way() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 120)
    days.servers = None
    days.pass_seconds(600)
    assert days.shows(State.CONNECTED)
    assert days.announced == []


def test_the_same_text_is_not_told_again_within_a_day_and_then_it_is() -> None:
    days = connected()
    for _ in range(5):  # five failures in ten hours
        days.servers = LOST
        days.pass_seconds(3600)
        days.servers = None
        days.pass_seconds(3600)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE, Effect.ANNOUNCE_RECOVERY]
    days.pass_seconds(DAY)
    days.servers = LOST
    days.pass_seconds(300)
    assert [kind for _, kind in days.announced][2:] == [Effect.ANNOUNCE_FAILURE]


def test_another_text_is_told() -> None:
    days = connected()
    days.servers = LOST
    days.pass_seconds(3600)
    days.servers = None
    days.pass_seconds(3600)
    days.servers = REFUSED
    days.pass_seconds(3600)
    assert len(days.times_announced(Effect.ANNOUNCE_FAILURE)) == 2


@pytest.mark.parametrize("servers", [LOST, REFUSED, UNAVAILABLE])
def test_nothing_is_told_in_the_first_half_minute(servers: Failure) -> None:
    days = Days(servers=servers).start()
    days.pass_seconds(DAY)
    assert days.announced
    assert days.announced[0][0] >= 30


@pytest.mark.parametrize("steady_runs", [True, False], ids=["steady clock runs", "steady clock stands"])
def test_nothing_is_told_in_the_half_minute_after_waking(steady_runs: bool) -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 120)
    days.steady += 3600 * steady_runs
    days.sleep(3600)
    woke = days.steady
    days.pass_seconds(300)
    assert days.times_announced(Effect.ANNOUNCE_FAILURE) == pytest.approx([woke + 63])


def test_an_address_that_cannot_be_used_is_told_after_a_minute() -> None:
    days = Days(servers=Failure(Stage.ADDRESS, problems.ADDRESS_MALFORMED)).start()
    days.pass_seconds(3600)
    assert days.announced == [(60.0, Effect.ANNOUNCE_FAILURE)]


def test_a_refusal_is_told_after_a_minute_though_nothing_is_tried_again() -> None:
    days = connected()
    days.servers = REFUSED
    days.pass_seconds(200)
    assert days.announced == [(days.attempts[0] + 60, Effect.ANNOUNCE_FAILURE)]


def test_two_hiccups_minutes_apart_are_no_minute_of_failure() -> None:
    days = connected()
    days.servers = asking(200)
    days.pass_until(lambda: bool(days.attempts), 70)
    days.servers = SILENCE
    days.pass_seconds(150)
    days.servers = asking(200)
    days.loop.post(Attempt(days.loop.snapshot.run, asking(200)))
    days.loop.turn()
    assert days.shows(State.DISCONNECTED)
    days.pass_seconds(10)
    assert days.announced == []


def test_three_balloons_a_day_then_the_icon_alone() -> None:
    days = connected()
    for problem in (problems.CONNECTION_CUT, problems.ANSWER_LATE, problems.ANSWER_CUT, problems.NO_NETWORK):
        days.servers = Failure(Stage.ANSWER, problem)
        days.pass_seconds(600)
        assert days.shows(State.DISCONNECTED)
        days.servers = None
        days.pass_seconds(600)
    failure, recovery = Effect.ANNOUNCE_FAILURE, Effect.ANNOUNCE_RECOVERY
    assert [kind for _, kind in days.announced] == [failure, recovery, failure]
    days.servers = LOST
    days.happen(machine.ReauthenticationRequested())
    assert days.announced[-1][1] is Effect.ANSWER_PERSON
    days.pass_seconds(DAY)
    assert len(days.announced) == 4, "the failure was not told while all balloons of the day were used"
    days.servers = None
    days.pass_seconds(600)
    days.servers = LOST
    days.pass_seconds(600)
    assert days.announced[-1][1] is failure


# people


def test_a_click_during_an_attempt_begins_anew_and_hears_once() -> None:
    days = Days(servers=SILENCE).start()
    days.happen(machine.ReauthenticationRequested())
    days.happen(machine.ReauthenticationRequested())
    assert len(days.attempts) == 3
    days.loop.post(Attempt(1, LOST))
    days.loop.post(Attempt(2, None))
    days.loop.turn()
    assert days.shows(State.CONNECTING)
    assert days.announced == []
    days.loop.post(Attempt(3, None))
    days.loop.turn()
    assert days.shows(State.CONNECTED)
    assert days.announced == [(0.0, Effect.ANSWER_PERSON)]


def test_who_mends_an_announced_failure_hears_of_it_once() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: bool(days.announced), 200)

    days.servers = None
    days.happen(machine.SettingsSaved())
    days.pass_seconds(600)

    assert days.shows(State.CONNECTED)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE, Effect.ANSWER_PERSON]


def test_saved_settings_that_do_not_work_are_a_verdict_at_once() -> None:
    days = connected()
    days.servers = LOST

    days.happen(machine.SettingsSaved())

    assert days.shows(State.DISCONNECTED)
    assert [kind for _, kind in days.announced] == [Effect.ANSWER_PERSON]


def test_a_recovery_that_was_asked_for_is_told_once() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: bool(days.announced), 200)
    days.servers = None
    days.happen(machine.ReauthenticationRequested())
    assert days.shows(State.CONNECTED)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_FAILURE, Effect.ANSWER_PERSON]


def test_windows_and_the_program_are_opened_when_asked_for() -> None:
    days = connected()
    days.happen(machine.MenuOpened())
    assert days.prepared == 1
    opening = {
        event: step.effects
        for (state, event), step in machine.TABLE.items()
        if state is State.CONNECTED and step.effects[0].name.startswith("OPEN_")
    }
    assert len(opening) >= 5
    days.happen(*(event() for event in opening), machine.LaunchRequested())
    assert days.opened == [effect for effects in opening.values() for effect in effects]
    assert days.launched == 1


def test_every_new_snapshot_is_published_and_what_means_nothing_is_not() -> None:
    days = Days(servers=SILENCE).start()
    assert days.published == [days.loop.snapshot]
    days.happen(machine.HeartbeatDue(), machine.ProbeDue(), machine.AssistanceLeft())
    assert len(days.published) == 1


# assistance


def test_assistance_is_written_down_and_probes_every_five_minutes() -> None:
    days = Days(servers=REFUSED).start()
    days.attempts.clear()
    days.happen(machine.AssistanceEntered())
    assert days.shows(State.ASSISTANCE)
    assert days.recorded == [days.wall]
    entered = days.steady
    days.pass_seconds(1000)
    assert [round(at - entered) for at in days.looks] == [300, 600, 900]
    assert days.attempts == []
    assert days.shows(State.ASSISTANCE)


def test_assistance_survives_a_restart_and_says_once_that_the_servers_answer() -> None:
    days = Days(servers=LOST, assistance_since=1_789_000_000.0).start()
    assert days.shows(State.ASSISTANCE)
    assert days.loop.snapshot.since == 1_789_000_000.0
    assert days.looks == [0.0]
    days.pass_seconds(1000)
    days.servers = None
    days.pass_seconds(3600)
    assert days.shows(State.ASSISTANCE)
    assert days.loop.snapshot.servers_answer
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_SERVERS_ANSWER]


def test_leaving_assistance_is_the_heart_then_the_attempt_then_the_answer() -> None:
    days = Days(servers=SILENCE, assistance_since=1_789_000_000.0).start()
    days.happen(machine.AssistanceLeft())
    assert days.shows(State.DISCONNECTED)
    assert days.recorded == [None]
    assert days.signed_out == days.attempts == [0.0]
    days.loop.post(Attempt(2, None))
    days.loop.turn()
    assert days.shows(State.CONNECTED)
    assert days.announced == [(0.0, Effect.ANSWER_PERSON)]


# the rest


def test_the_policy_is_read_again_every_minute() -> None:
    days = Days().start()
    days.pass_seconds(200)
    assert days.policy_read == [60, 120, 180]


def test_the_loop_never_idles_longer_than_its_clock_check() -> None:
    days = connected()
    days.servers = REFUSED
    days.pass_seconds(1)
    assert 0 <= days.loop.idle_seconds() <= timing.CLOCK_CHECK_LONGEST


def test_quit_ends_it_and_nothing_is_handled_after() -> None:
    days = connected()
    days.happen(machine.QuitRequested(), machine.SettingsRequested(), machine.ReauthenticationRequested())
    assert days.loop.ended
    assert days.opened == []
    assert days.attempts == []


def test_what_another_thread_posts_wakes_the_loop_at_once() -> None:
    days = Days()
    thread = threading.Thread(target=days.loop.run, daemon=True)
    thread.start()
    days.loop.post(machine.Started())
    days.loop.post(machine.QuitRequested())
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert days.attempts == [0.0]


# assistance mode


def test_assistance_mode_is_reminded_of_each_day() -> None:
    days = Days(assistance_since=1_790_000_000.0 - 3600, servers=LOST).start()
    days.pass_seconds(DAY - 3601)
    assert days.announced == []
    days.pass_seconds(2 * DAY)
    assert [kind for _, kind in days.announced] == [Effect.ANNOUNCE_ASSISTANCE] * 2
    assert days.announced[1][0] - days.announced[0][0] == pytest.approx(DAY, abs=1)


def test_assistance_mode_ends_where_the_policy_sets_a_limit() -> None:
    days = Days(assistance_since=1_790_000_000.0, servers=LOST, limit=2 * DAY).start()
    days.pass_seconds(2 * DAY - 1)
    assert days.shows(State.ASSISTANCE)
    days.pass_seconds(2)
    assert days.shows(State.DISCONNECTED)
    assert days.recorded == [None]
    assert days.expired == 1
    assert days.announced[-1][1] is Effect.ANNOUNCE_EXPIRY


def test_a_limit_set_later_holds_for_what_has_begun() -> None:
    days = Days(assistance_since=1_790_000_000.0 - 5 * DAY, servers=LOST).start()
    days.pass_seconds(60)
    days.limit = 2 * DAY
    days.happen(machine.SettingsChanged())
    days.pass_seconds(1)
    assert days.shows(State.DISCONNECTED)


def test_a_limit_that_the_policy_takes_back_ends_nothing() -> None:
    days = Days(assistance_since=1_790_000_000.0, servers=LOST, limit=2 * DAY).start()
    days.pass_seconds(DAY)
    days.limit = None
    days.happen(machine.SettingsChanged())
    days.pass_seconds(2 * DAY)
    assert days.shows(State.ASSISTANCE)
    assert days.expired == 0


def test_no_probe_disturbs_the_one_under_way() -> None:
    days = Days(assistance_since=1_790_000_000.0, servers=LOST).start()
    days.pass_seconds(200)
    days.servers = SILENCE
    days.happen(machine.SettingsSaved())
    days.looks.clear()
    days.pass_seconds(1000)
    assert days.looks == []


def test_that_the_servers_answered_is_no_failure_that_is_over() -> None:
    days = Days(assistance_since=1_790_000_000.0).start()
    days.pass_seconds(60)
    assert days.times_announced(Effect.ANNOUNCE_SERVERS_ANSWER)
    days.happen(machine.AssistanceLeftElsewhere())
    assert days.shows(State.CONNECTED)
    assert not days.times_announced(Effect.ANNOUNCE_RECOVERY)


def test_the_log_has_the_state_and_the_problem_of_every_step(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="iea_agent.loop")
    days = Days(servers=Failure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED, "HTTP 401")).start()
    fields = [record.__dict__["fields"] for record in caplog.records]
    assert fields == [
        {"state": "connecting", "problem": None, "detail": "", "run": 1},
        {"state": "disconnected", "problem": "IEA-A02", "detail": "HTTP 401", "run": 1},
    ]
    assert days.shows(State.DISCONNECTED)


def test_what_replaces_a_refusal_is_told_only_when_it_has_been_seen_to_last() -> None:
    days = Days(servers=REFUSED).start()
    days.pass_seconds(30)
    days.servers = LOST
    days.happen(machine.ReauthenticationRequested())
    days.servers = SILENCE
    days.pass_seconds(100)
    assert days.announced == [(30.0, Effect.ANSWER_PERSON)]
