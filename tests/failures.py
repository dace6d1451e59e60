"""Failures by the catalogue's code: what a snapshot holds when it has a problem."""

from __future__ import annotations

from iea_agent.domain.diagnosis import PROBLEM_OF, Failure, Stage

OBSERVED = {code: reason for reason, code in PROBLEM_OF.items()}
"""Every problem that an attempt can meet, and why."""


def failed(code: str, detail: str = "") -> Failure:
    """A failure that problem *code* is called for."""
    return Failure(Stage.ANSWER, OBSERVED[code], detail)
