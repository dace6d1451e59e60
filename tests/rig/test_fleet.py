"""A fleet after an outage: most tokens still hold, and nobody asks all at once."""

from __future__ import annotations

from random import Random
from xml.etree import ElementTree

import pytest

from iea_agent.domain import timing
from rig import fleet_peers, fleet_report
from rig.fleet import AFTER, Policy, list_policies, simulate

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


def test_heartbeats_that_change_nothing_are_left_out_and_no_others() -> None:
    """Without an outage everybody stays connected, as if each beat were played."""
    course = simulate(AGENTS, CAPACITY, 3600.0, outage=0.0)
    assert course.connected_before == 1
    assert course.returns == ()
    assert course.sign_ins <= 900 / timing.SIGN_IN_LONGEST * 1.2


@pytest.mark.parametrize("policy", list_policies(), ids=lambda policy: policy.name)
def test_every_fleet_comes_back_and_the_server_is_asked_by_all(policy: Policy) -> None:
    course = policy.run(AGENTS, CAPACITY)
    assert course.all_back < AFTER
    assert course.most_back <= course.all_back
    # only tokens that outlive the outage spare a sign-in
    assert (course.sign_ins >= 1) is ("an hour" not in policy.name)


@pytest.mark.parametrize(
    ("wait", "failures", "least", "most"),
    [
        (fleet_peers.wait_full_jitter, 3, 0.0, 8.0),
        (fleet_peers.wait_full_jitter, 90, 0.0, 60.0),
        (fleet_peers.wait_tailscale, 10, 0.5, 1.5),
        (fleet_peers.wait_tailscale, 900, 15.0, 45.0),
        (fleet_peers.wait_nextcloud, 5, 62.0, 62.0),
    ],
)
def test_the_others_wait_as_their_sources_say(
    wait: fleet_peers.Wait, failures: int, least: float, most: float
) -> None:
    random = Random(1)  # noqa: S311 no secret
    waits = [wait(failures, random) for _ in range(500)]
    assert least <= min(waits) <= least + (most - least) * 0.1
    assert most - (most - least) * 0.1 <= max(waits) <= most


def test_the_chart_has_two_lines_for_each_policy() -> None:
    courses = {policy.name: policy.run(60, 0.3) for policy in list_policies()}
    chart = ElementTree.fromstring(fleet_report.draw_chart(courses))  # noqa: S314 our own
    lines = chart.findall("{http://www.w3.org/2000/svg}polyline")
    assert len(lines) == 2 * len(courses)
    texts = {text.text for text in chart.iter("{http://www.w3.org/2000/svg}text")}
    assert courses.keys() <= texts


def test_the_page_has_what_the_script_writes() -> None:
    page = fleet_report.PAGE.read_text(encoding="utf-8")
    _, section, _ = fleet_report.split_page(page, fleet_report.MARK)
    for policy in list_policies():
        assert f"| {policy.name} |" in section
        assert policy.source in section
    assert fleet_report.CHART.is_file()
