"""A fleet after an outage: most tokens still hold, and nobody asks all at once."""

from __future__ import annotations

from rig.fleet import simulate

AGENTS = 400
CAPACITY = 2.0
"""Sign-ins a second: as 50 for 10,000 agents."""


def test_with_tokens_of_an_hour_a_fleet_returns_at_the_pace_of_its_heartbeats() -> None:
    course = simulate(AGENTS, CAPACITY, 3600.0)
    assert course.connected_before == 1
    assert course.steady_load < 0.2
    assert course.peak <= 2.5
    assert course.all_back <= 1.1 * course.optimum
    assert course.sign_ins <= 1


def test_with_tokens_of_five_minutes_every_agent_has_to_sign_in() -> None:
    course = simulate(AGENTS, CAPACITY, 300.0)
    assert course.sign_ins > 1
    assert course.all_back < 900
