"""The requests of a person: complete, one for each thing, held to the table."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import pytest

from iea_agent.domain import machine
from iea_agent.domain.machine import State
from iea_agent.domain.person_requests import (
    BY_EVENT,
    BY_NAME,
    LAUNCH,
    RECONNECT,
    REQUESTS,
    WINDOWS,
    Abilities,
    PersonRequest,
)

NOTHING = Abilities()


def test_every_request_is_reached_by_its_name_its_event_and_its_window() -> None:
    assert list(BY_NAME.values()) == list(BY_EVENT.values()) == list(REQUESTS)
    assert set(WINDOWS) == {request.effect for request in REQUESTS} - {None}
    for effect, request in WINDOWS.items():
        assert effect in machine.OPEN_EFFECTS
        assert request.window
    assert set(machine.OPEN_EFFECTS) == set(WINDOWS)


def test_the_names_that_clients_use_and_the_order_of_the_menu() -> None:
    assert [(request.name, request.event) for request in REQUESTS] == [
        ("status", machine.StatusRequested),
        ("settings", machine.SettingsRequested),
        ("diagnosis", machine.DiagnosisRequested),
        ("reconnect", machine.ReauthenticationRequested),
        ("support", machine.SupportRequested),
        ("updates", machine.UpdatesRequested),
        ("launch", machine.LaunchRequested),
        ("quit", machine.QuitRequested),
    ]
    assert len(set(REQUESTS)) == 8


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.name)
def test_a_request_that_opens_a_window_does_so_in_every_state_that_allows_it(request_: PersonRequest) -> None:
    for state in State:
        step = machine.TABLE.get((state, request_.event))
        if step is not None and request_.effect is not None:
            assert request_.effect in step.effects


def test_a_menu_line_underlines_one_of_its_letters() -> None:
    for request in REQUESTS:
        before, mark, after = request.label.partition("&")
        assert bool(request.label) is bool(mark and after[:1].isalpha()), before


@pytest.mark.parametrize(
    ("request_", "state", "reason"),
    [
        (RECONNECT, State.CONNECTED, ""),
        (RECONNECT, State.ASSISTANCE, "désactivez d'abord le mode assistance"),
        (LAUNCH, State.CONNECTING, "connexion en cours"),
        (LAUNCH, State.DISCONNECTED, "connexion ou mode assistance nécessaire"),
        (
            LAUNCH,
            State.CONNECTED,
            "logiciel introuvable, à indiquer dans «\u00a0Paramètres de connexion\u00a0»",
        ),
    ],
)
def test_the_state_is_the_first_reason_and_the_ability_the_second(
    request_: PersonRequest, state: State, reason: str
) -> None:
    assert request_.explain_refusal(state, NOTHING) == reason


def test_each_ability_frees_its_request_only() -> None:
    for field, state in itertools.product(fields(Abilities), State):
        able = replace(NOTHING, **{field.name: True})
        for request in REQUESTS:
            allowed = machine.allows(state, request.event)
            has_ability = not request.ability or request.ability == field.name
            assert (request.explain_refusal(state, able) == "") is (allowed and has_ability)
