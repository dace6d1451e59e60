"""The view: what each state shows, which lines act, why the others are grey, and what fits where Windows shows it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from iea_agent import locale
from iea_agent.domain import machine, problems
from iea_agent.domain.machine import Effect, Event, Snapshot, State
from iea_agent.shell.wording import menu as shown
from iea_agent.shell.wording.menu import NO_ABILITIES, Abilities, build_announcement_balloon, render_view
from iea_agent.shell.wording.time_text import format_since
from iea_agent.shell.wording.view import SEPARATOR, MenuLine, Picture, View
from tests.failures import OBSERVED, failed

pytestmark = pytest.mark.usefixtures("language")

NOW = 1_790_000_000.0
EVERYTHING = Abilities(support=True, updates=True, program=True)
CHOOSABLE: tuple[type[Event], ...] = (
    machine.SettingsRequested,
    machine.ReauthenticationRequested,
    machine.SupportRequested,
    machine.UpdatesRequested,
    machine.LaunchRequested,
)
"""The events of the menu's lines, top to bottom, between the state and « Quitter »."""
ABILITY: dict[type[Event], str] = {
    machine.SupportRequested: "support",
    machine.UpdatesRequested: "updates",
    machine.LaunchRequested: "program",
}
EVERY_ABILITIES = [Abilities(*flags) for flags in itertools.product((False, True), repeat=3)]


@pytest.fixture(params=State, ids=lambda state: state.value)
def state(request: pytest.FixtureRequest) -> State:
    """Each state."""
    found: State = request.param
    return found


def utf16(text: str) -> int:
    """The length that Windows counts."""
    return len(text.encode("utf-16-le")) // 2


def snapshots(since: float = NOW) -> Iterator[Snapshot]:
    """Every state with every problem and none, assistance with and without servers that answer."""
    for state, code in itertools.product(State, [None, *OBSERVED]):
        yield Snapshot(state, since, failure=failed(code) if code else None)
        yield Snapshot(state, since, failure=failed(code) if code else None, servers_answer=True)


def lines(found: View) -> list[MenuLine]:
    """The lines that are not separators."""
    return [line for line in found.menu if line is not SEPARATOR]


def test_every_state_has_its_picture_and_its_words(state: State) -> None:
    assert set(shown.PICTURES) == set(shown.STATES) == set(shown.EXPLANATIONS) == set(State)
    assert len(set(shown.PICTURES.values())) == len(Picture)
    found = render_view(Snapshot(state, NOW), NOW)
    headline = locale._(shown.STATES[state])
    assert found.picture is shown.PICTURES[state]
    assert headline in found.tooltip
    assert found.menu[0].label.startswith(headline)


def test_a_left_click_and_the_first_line_open_the_status(state: State) -> None:
    found = render_view(Snapshot(state, NOW), NOW)
    assert found.click == machine.StatusRequested()
    assert found.menu[0].event == machine.StatusRequested()


def test_the_last_line_always_quits(state: State) -> None:
    last = render_view(Snapshot(state, NOW), NOW).menu[-1]
    assert last.event == machine.QuitRequested()
    assert last.enabled


@pytest.mark.parametrize("abilities", EVERY_ABILITIES, ids=str)
def test_a_line_acts_exactly_when_its_event_is_in_the_table_and_the_installation_is_able(
    state: State, abilities: Abilities
) -> None:
    menu = lines(render_view(Snapshot(state, NOW), NOW, abilities))[1:-1]
    assert len(menu) == len(CHOOSABLE)
    for line, event in zip(menu, CHOOSABLE, strict=True):
        able = event not in ABILITY or getattr(abilities, ABILITY[event])
        assert line.enabled is (machine.allows(state, event) and able)
        assert line.event == (event() if line.enabled else None)


@pytest.mark.parametrize("abilities", EVERY_ABILITIES, ids=str)
def test_every_grey_line_says_why_and_no_other_does(state: State, abilities: Abilities) -> None:
    usual = {event: set[str]() for event in CHOOSABLE}
    for other in State:
        menu = lines(render_view(Snapshot(other, NOW), NOW, EVERYTHING))[1:-1]
        for line, event in zip(menu, CHOOSABLE, strict=True):
            if line.enabled:
                usual[event].add(line.label)
    for line, event in zip(
        lines(render_view(Snapshot(state, NOW), NOW, abilities))[1:-1], CHOOSABLE, strict=True
    ):
        (label,) = usual[event]
        if line.enabled:
            assert line.label == label
        else:
            assert line.label.startswith(label.rstrip("…") + " (")
            assert line.label.endswith(")")
            assert len(line.label) > len(label) + 5


def test_the_reasons_are_those_that_the_table_leaves_open() -> None:
    asked = (*CHOOSABLE, machine.DiagnosisRequested)  # the status window's button
    absent = {(state, event) for state in State for event in asked if not machine.allows(state, event)}
    assert set(shown._REASONS) == absent
    assert set(shown._MISSING) == set(ABILITY)


def test_in_assistance_the_grey_lines_send_to_leaving_it_first(language: str) -> None:
    menu = lines(render_view(Snapshot(State.ASSISTANCE, NOW), NOW, EVERYTHING))
    wanted = "désactivez d'abord le mode assistance" if language == "fr" else "assistance mode"
    assert wanted in menu[1].label
    assert wanted in menu[2].label


@pytest.mark.parametrize("days_ago", [0, 1, 200])
def test_every_tooltip_fits(days_ago: int) -> None:
    for snapshot in snapshots(NOW - days_ago * 86_400):
        tooltip = render_view(snapshot, NOW).tooltip
        assert utf16(tooltip) <= 127, tooltip
        assert tooltip.count("\n") <= 1


def test_a_short_tooltip_says_since_when() -> None:
    found = render_view(Snapshot(State.DISCONNECTED, NOW, failure=failed(problems.NO_NETWORK)), NOW)
    assert format_since(NOW, NOW) in found.tooltip


def test_the_tooltip_names_the_problem_by_its_code() -> None:
    for problem in OBSERVED:
        for state in (State.CONNECTING, State.CONNECTED, State.DISCONNECTED):
            assert render_view(Snapshot(state, NOW, failure=failed(problem)), NOW).tooltip.endswith(
                f"({problem.code})"
            )
        assert (
            problem.code
            not in render_view(Snapshot(State.ASSISTANCE, NOW, failure=failed(problem)), NOW).tooltip
        )


def test_in_assistance_the_tooltip_says_that_the_servers_answer() -> None:
    quiet = render_view(Snapshot(State.ASSISTANCE, NOW), NOW).tooltip
    answering = render_view(Snapshot(State.ASSISTANCE, NOW, servers_answer=True), NOW).tooltip
    assert answering.startswith(quiet + "\n")


def test_mnemonics_are_unique_and_in_their_label(state: State) -> None:
    menu = lines(render_view(Snapshot(state, NOW), NOW, EVERYTHING))[1:]
    letters = [line.mnemonic for line in menu]
    assert all(letters)
    assert len(set(letters)) == len(letters)
    for line in menu:
        assert line.mnemonic.lower() in line.label.lower(), line.label


@pytest.mark.parametrize("abilities", [NO_ABILITIES, EVERYTHING], ids=["none", "all"])
def test_a_menu_line_spans_no_screen(state: State, abilities: Abilities) -> None:
    for line in lines(render_view(Snapshot(state, NOW), NOW, abilities)):
        assert line.label
        assert utf16(line.label) <= 100, line.label


@pytest.mark.parametrize("kind", [Effect.ANNOUNCE_FAILURE, Effect.ANSWER_PERSON])
def test_every_balloon_fits_and_carries_the_code(kind: Effect) -> None:
    for problem in OBSERVED:
        found = build_announcement_balloon(kind, Snapshot(State.DISCONNECTED, NOW, failure=failed(problem)))
        assert utf16(found.title) <= 63, found.title
        assert utf16(found.body) <= 255, found.body
        assert problem.code in found.body


def test_the_balloon_of_a_problem_that_no_state_shows_fits_and_says_what_to_do() -> None:
    for problem in problems.CATALOGUE.values():
        found = shown.build_problem_balloon(problem)
        assert utf16(found.title) <= 63, found.title
        assert utf16(found.body) <= 255, found.body
        assert locale._(problem.advice) in found.body
        assert problem.code in found.body


@pytest.mark.parametrize(
    "kind", [Effect.ANNOUNCE_RECOVERY, Effect.ANNOUNCE_SERVERS_ANSWER, Effect.ANSWER_PERSON]
)
def test_good_news_fit_too(kind: Effect) -> None:
    found = build_announcement_balloon(kind, Snapshot(State.CONNECTED, NOW))
    assert 0 < utf16(found.title) <= 63
    assert 0 < utf16(found.body) <= 255


def test_the_same_snapshot_gives_the_same_view() -> None:
    for snapshot in snapshots():
        assert render_view(snapshot, NOW) == render_view(snapshot, NOW)


def event_of(line: MenuLine) -> type[Event] | None:
    """The type of what *line* posts."""
    return None if line.event is None else type(line.event)


def test_no_two_lines_post_the_same(state: State) -> None:
    posted = [
        event_of(line) for line in lines(render_view(Snapshot(state, NOW), NOW, EVERYTHING)) if line.event
    ]
    assert len(set(posted)) == len(posted)
