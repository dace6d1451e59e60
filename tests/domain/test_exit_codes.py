"""The exit codes: scripts of administrators rely on their numbers."""

from __future__ import annotations

from iea_agent.domain.exit_codes import ExitCode


def test_the_numbers_never_change() -> None:
    assert {code.name: code.value for code in ExitCode} == {
        "FINE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "NOT_RUNNING": 3,
        "REFUSED": 4,
        "TIMED_OUT": 5,
    }
