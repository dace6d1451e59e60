"""Failures by the catalogue's problems: what a snapshot holds when it has one."""

from __future__ import annotations

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.problems import Problem

OBSERVED = tuple(
    problem
    for problem in problems.CATALOGUE.values()
    if problem not in (problems.SETTINGS_UNREADABLE, problems.FOLDER_UNUSABLE, problems.OTHER_PROGRAM)
)
"""Every problem that an attempt or a test of the servers can meet."""


def failed(problem: Problem, detail: str = "") -> Failure:
    """Return a failure whose name is *problem*."""
    return Failure(Stage.ANSWER, problem, detail)
