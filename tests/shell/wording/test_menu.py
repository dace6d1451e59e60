"""The view of each state: picture, tooltip, menu lines, and their lengths."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields

import pytest

from iea_agent import locale
from iea_agent.domain import machine, problems
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.person_requests import REQUESTS, Abilities, PersonRequest
from iea_agent.domain.problems import Actor, Problem, Severity
from iea_agent.shell.wording.menu import NO_ABILITIES, PICTURES, explain_disabled, render_view
from iea_agent.shell.wording.state_text import EXPLANATIONS, STATES
from iea_agent.shell.wording.time_text import format_since
from iea_agent.shell.wording.view import SEPARATOR, MenuLine, Picture, View
from tests.failures import OBSERVED, failed

pytestmark = pytest.mark.usefixtures("language")

NOW = 1_790_000_000.0
ABILITY_NAMES = [field.name for field in fields(Abilities)]
EVERYTHING = Abilities(**dict.fromkeys(ABILITY_NAMES, True))
EVERY_ABILITIES = [Abilities(*flags) for flags in itertools.product((False, True), repeat=len(ABILITY_NAMES))]
*LINES, LAST = (request for request in REQUESTS if request.label)
"""The requests of the menu's lines below the state, and that of the last line."""


@pytest.fixture(params=State, ids=lambda state: state.value)
def state(request: pytest.FixtureRequest) -> State:
    """Return each state."""
    state: State = request.param
    return state


def utf16(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def snapshots(since: float = NOW) -> Iterator[Snapshot]:
    """Yield every state with every problem and none, with and without servers."""
    for state, code in itertools.product(State, [None, *OBSERVED]):
        yield Snapshot(state, since, failure=failed(code) if code else None)
        yield Snapshot(state, since, failure=failed(code) if code else None, servers_answer=True)


def lines(view: View) -> list[MenuLine]:
    """Return the lines that are not separators."""
    return [line for line in view.menu if line is not SEPARATOR]


def request_lines(state: State, abilities: Abilities) -> list[tuple[MenuLine, PersonRequest]]:
    """Return each menu line between the state and the last line, with its request."""
    return list(zip(lines(render_view(Snapshot(state, NOW), NOW, abilities))[1:-1], LINES, strict=True))


def test_every_state_has_its_picture_and_its_words(state: State) -> None:
    assert set(PICTURES) == set(STATES) == set(EXPLANATIONS) == set(State)
    assert len(set(PICTURES.values())) == len(Picture)
    view = render_view(Snapshot(state, NOW), NOW)
    headline = locale._(STATES[state])
    assert view.picture is PICTURES[state]
    assert headline in view.tooltip
    assert view.menu[0].label.startswith(headline)


def test_a_left_click_and_the_first_line_open_the_status(state: State) -> None:
    view = render_view(Snapshot(state, NOW), NOW)
    assert view.click == machine.StatusRequested()
    assert view.menu[0].event == machine.StatusRequested()


def test_the_last_line_always_quits(state: State) -> None:
    last = render_view(Snapshot(state, NOW), NOW).menu[-1]
    assert LAST.event is machine.QuitRequested
    assert last.event == machine.QuitRequested()
    assert last.enabled


def test_a_line_acts_exactly_when_its_event_is_in_the_table_and_the_installation_is_able() -> None:
    for state, abilities in itertools.product(State, EVERY_ABILITIES):
        for line, request in request_lines(state, abilities):
            able = not request.ability or getattr(abilities, request.ability)
            assert line.enabled is (machine.allows(state, request.event) and able)
            assert line.event == (request.event() if line.enabled else None)


def test_every_grey_line_says_why_and_no_other_does() -> None:
    for state, abilities in itertools.product(State, EVERY_ABILITIES):
        for line, request in request_lines(state, abilities):
            label = locale._(request.label).replace("&", "")
            if line.enabled:
                assert line.label == label
            else:
                assert line.label.startswith(label.rstrip("…") + " (")
                assert line.label.endswith(")")
                assert len(line.label) > len(label) + 5


def test_every_request_has_a_reason_for_each_state_that_refuses_it() -> None:
    for request in REQUESTS:
        refusing = {state for state in State if not machine.allows(state, request.event)}
        assert set(request.refusals) == refusing, request.name
        assert all(request.refusals.values())
        assert bool(request.missing) is bool(request.ability), request.name
        assert not request.ability or request.ability in ABILITY_NAMES


def test_a_state_that_refuses_without_a_reason_still_greys_the_line() -> None:
    request = PersonRequest("launch", machine.LaunchRequested)
    assert request.explain_refusal(State.CONNECTING, EVERYTHING)
    assert not request.explain_refusal(State.CONNECTED, EVERYTHING)


def test_in_assistance_the_grey_lines_ask_to_leave_it_first(language: str) -> None:
    expected = "désactivez d’abord le mode assistance" if language == "fr" else "assistance mode"
    for event in (machine.SettingsRequested, machine.ReauthenticationRequested):
        assert expected in explain_disabled(event, State.ASSISTANCE, EVERYTHING)
    for line, request in request_lines(State.ASSISTANCE, EVERYTHING):
        assert (expected in line.label) is (State.ASSISTANCE in request.refusals)


@pytest.mark.parametrize("days_ago", [0, 1, 200])
def test_every_tooltip_fits(days_ago: int) -> None:
    for snapshot in snapshots(NOW - days_ago * 86_400):
        tooltip = render_view(snapshot, NOW).tooltip
        assert utf16(tooltip) <= 127, tooltip
        assert tooltip.count("\n") <= 1


def test_a_short_tooltip_says_since_when() -> None:
    view = render_view(Snapshot(State.DISCONNECTED, NOW, failure=failed(problems.NO_NETWORK)), NOW)
    assert format_since(NOW, NOW) in view.tooltip


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


def test_the_same_snapshot_gives_the_same_view() -> None:
    for snapshot in snapshots():
        assert render_view(snapshot, NOW) == render_view(snapshot, NOW)


def test_no_two_lines_post_the_same(state: State) -> None:
    posted = [
        type(line.event) for line in lines(render_view(Snapshot(state, NOW), NOW, EVERYTHING)) if line.event
    ]
    assert len(set(posted)) == len(posted)


def test_a_tooltip_of_127_characters_still_says_since_when() -> None:
    def tooltip_of(title: str) -> str:
        problem = Problem("IEA-N05", Severity.HIGH, Actor.IT, title, "", "", is_variant=True)
        return render_view(Snapshot(State.DISCONNECTED, NOW, failure=failed(problem)), NOW).tooltip

    room = 128 - len(tooltip_of("x"))
    assert len(tooltip_of("x" * room)) == 127
    assert format_since(NOW, NOW) in tooltip_of("x" * room)
    assert format_since(NOW, NOW) not in tooltip_of("x" * (room + 1))
