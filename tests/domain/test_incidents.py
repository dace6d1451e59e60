"""Incidents: from the first failure until the connection holds again."""

from __future__ import annotations

from iea_agent.domain.incidents import HOLDS, list_incidents
from iea_agent.domain.log_book import LogBookState, Stay

UP, DOWN, BEETLE = LogBookState.CONNECTED, LogBookState.DISCONNECTED, LogBookState.ASSISTANCE
OFF, WAIT = LogBookState.STOPPED, LogBookState.CONNECTING


def play(*parts: tuple[LogBookState, float, str]) -> list[Stay]:
    """Return stays one after another."""
    stays, at = [], 1_796_000_000.0
    for state, seconds, code in parts:
        stays.append(Stay(state, code, at, seconds))
        at += seconds
    return stays


def test_an_incident_goes_on_through_sleep_assistance_and_short_connections() -> None:
    stays = play(
        *((WAIT, 2, ""), (UP, 4000, ""), (DOWN, 100, "IEA-N02"), (OFF, 50, ""), (BEETLE, 600, "")),
        *((UP, HOLDS - 1, ""), (DOWN, 30, "IEA-T01"), (WAIT, 3, ""), (UP, HOLDS, ""), (DOWN, 9, "IEA-N02")),
    )
    first, second = list_incidents(stays)
    assert (first.stays, first.lasts, first.codes) == (tuple(stays[2:8]), False, ("IEA-N02", "IEA-T01"))
    assert first.sum_seconds(BEETLE) == 600
    assert (first.begin, first.end) == (stays[2].begin, stays[7].end)
    assert (second.codes, second.lasts) == (("IEA-N02",), True)


def test_a_connection_that_may_yet_hold_ends_it_for_now() -> None:
    (incident,) = list_incidents(play((DOWN, 100, "IEA-N02"), (UP, 10, "")))
    assert (incident.end - incident.begin, incident.lasts) == (100, False)


def test_without_a_failure_there_is_none() -> None:
    assert list_incidents(play((WAIT, 2, ""), (UP, 50, ""), (OFF, 3, ""))) == ()
    assert list_incidents([]) == ()
