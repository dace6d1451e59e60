"""The loop on a clock driven by hand: when each thing happens."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from iea_agent.domain import machine, problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Effect, Moment, Snapshot, State
from iea_agent.loop import Attempt, Loop

LOST = Failure(Stage.CONNECTION, problems.CONNECTION_UNANSWERED)
NO_NETWORK = Failure(Stage.NAME, problems.NO_NETWORK)
UNAVAILABLE = Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE)
REFUSED = Failure(Stage.LICENCE, problems.LICENCE_NOT_RECOGNISED)
NOT_CONFIGURED = Failure(Stage.LICENCE, problems.NOT_CONFIGURED)
DAY = 86_400.0
SILENCE = "silence"


@dataclass
class Days:
    """An agent's days: a driven clock, servers, and a record of the loop's work.

    *servers* is what every attempt ends with.
    """

    servers: Failure | str | None = None
    chance: float = 0.5
    assistance_since: float | None = None
    wall: float = 1_790_000_000.0
    steady: float = 0.0
    attempts: list[float] = field(default_factory=list)
    renewed: list[float] = field(default_factory=list)
    announced: list[tuple[float, Effect]] = field(default_factory=list)
    policy_read: list[float] = field(default_factory=list)
    recorded: list[float | None] = field(default_factory=list)
    opened: list[Effect] = field(default_factory=list)
    expired: int = 0
    prepared: int = 0
    launched: int = 0
    limit: float | None = None
    published: list[Snapshot] = field(default_factory=list)

    def __post_init__(self) -> None:
        first = machine.begin(self.moment(), self.assistance_since)
        self.loop = Loop(self, self.moment, lambda: self.chance, first)

    # what the loop sees

    def moment(self) -> Moment:
        return Moment(self.wall, self.steady)

    def authenticate(self, run: int) -> None:
        self.attempts.append(self.steady)
        if not isinstance(self.servers, str):
            self.loop.post(Attempt(run, self.servers))

    def renew_connection(self) -> None:
        self.renewed.append(self.steady)

    def assistance_limit(self) -> float | None:
        return self.limit

    def keep_assistance(self, since: float | None) -> None:
        self.recorded.append(since)

    def record_expiry(self) -> None:
        self.expired += 1

    def prepare_window(self) -> None:
        self.prepared += 1

    def open(self, effect: Effect) -> None:
        self.opened.append(effect)

    def launch_program(self) -> None:
        self.launched += 1

    def announce(self, kind: Effect, _snapshot: Snapshot) -> None:
        self.announced.append((self.steady, kind))

    def reread_policy(self) -> None:
        self.policy_read.append(self.steady)

    def publish(self, snapshot: Snapshot) -> None:
        self.published.append(snapshot)

    # what the test does

    def shows(self, state: State) -> bool:
        return self.loop.snapshot.state is state

    def happen(self, *events: machine.Event) -> None:
        """Events arrive, all at this moment."""
        for event in events:
            self.loop.post(event)
        self.loop.turn()

    def start(self) -> Days:
        self.happen(machine.Started())
        return self

    def pass_seconds(self, seconds: float) -> None:
        """Let time pass; the loop turns whenever it would wake by itself."""
        end = self.steady + seconds
        while self.steady < end:
            wait = max(self.loop.idle_seconds(), 1e-6)  # below that, adding to a clock may not move it
            wait = min(wait, end - self.steady)
            self.wall += wait
            self.steady = end if self.steady + wait >= end else self.steady + wait
            self.loop.turn()

    def pass_until(self, condition: Callable[[], bool], at_most: float) -> None:
        """Let time pass by tenths of a second until *condition*, for *at_most* seconds."""
        end = self.steady + at_most
        while not condition():
            assert self.steady < end, "it did not happen"
            self.pass_seconds(0.1)

    def sleep(self, seconds: float) -> None:
        """Let the computer sleep: only the wall clock goes on; then the loop turns."""
        self.wall += seconds
        self.loop.turn()

    def times_announced(self, kind: Effect) -> list[float]:
        return [at for at, effect in self.announced if effect is kind]


def connected() -> Days:
    """An agent that is connected since 100 s, its grace and silence over."""
    days = Days().start()
    days.pass_seconds(100)
    assert days.shows(State.CONNECTED)
    days.attempts.clear()
    days.published.clear()
    return days


def gaps(times: list[float]) -> list[float]:
    """Seconds between one and the next."""
    return [round(after - before, 3) for before, after in itertools.pairwise(times)]


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


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 60.0), (0.5, 180.0), (0.999999, 300.0)])
def test_an_unavailable_server_gets_a_minute_and_up_to_four_more(chance: float, seconds: float) -> None:
    days = Days(servers=UNAVAILABLE, chance=chance).start()
    days.pass_seconds(seconds * 2.5)
    assert gaps(days.attempts) == pytest.approx([seconds, seconds], abs=0.01)


@pytest.mark.parametrize("wish", [7.0, 120.0, 1800.0])
def test_what_the_server_asks_for_is_heeded(wish: float) -> None:
    days = Days(
        servers=Failure(Stage.ANSWER, problems.SERVER_UNAVAILABLE, retry_after=wish), chance=0.0
    ).start()
    days.pass_seconds(wish * 2.5)
    assert gaps(days.attempts) == [wish, wish]


def test_without_a_configuration_the_settings_open_once_and_nothing_is_tried_until_they_change() -> None:
    days = Days(servers=NOT_CONFIGURED).start()
    assert days.shows(State.DISCONNECTED)
    days.pass_seconds(DAY)
    assert days.opened == [Effect.OPEN_SETTINGS]
    assert days.attempts == [0.0]
    days.servers = None
    days.happen(machine.SettingsChanged())
    assert days.shows(State.CONNECTED)


# verdicts


def test_the_heart_comes_after_ten_seconds_and_two_attempts() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: days.shows(State.DISCONNECTED), 120)
    failing = days.attempts
    assert failing[-2] - failing[0] < 10 <= failing[-1] - failing[0]
    assert len(failing) >= 2


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


def test_a_network_that_keeps_changing_is_called_lost_all_the_same() -> None:
    days = connected()
    days.servers = NO_NETWORK
    for _ in range(10):
        days.happen(machine.AddressesChanged())
        days.pass_seconds(5)
    assert days.shows(State.DISCONNECTED)


# balloons


def test_one_balloon_after_a_minute_of_failure_and_one_when_it_is_over() -> None:
    days = connected()
    days.servers = LOST
    days.pass_until(lambda: bool(days.announced), 200)
    assert days.announced[0][0] - days.attempts[0] == pytest.approx(60, abs=0.11)
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
    assert days.times_announced(Effect.ANNOUNCE_FAILURE) == pytest.approx([woke + 60])


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
    del opening[machine.ConfigurationMissing]
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
    assert [round(at - entered) for at in days.attempts] == [300, 600, 900]
    assert days.shows(State.ASSISTANCE)


def test_assistance_survives_a_restart_and_says_once_that_the_servers_answer() -> None:
    days = Days(servers=LOST, assistance_since=1_789_000_000.0).start()
    assert days.shows(State.ASSISTANCE)
    assert days.loop.snapshot.since == 1_789_000_000.0
    assert days.attempts == [0.0]
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
    assert len(days.attempts) == 2
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
    assert 0 <= days.loop.idle_seconds() <= 15


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
