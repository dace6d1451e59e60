"""What the support window offers before a person writes: one thing, the likeliest."""

from __future__ import annotations

import pytest

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Failure, Stage
from iea_agent.domain.machine import Snapshot, State
from iea_agent.domain.person_requests import BY_NAME
from iea_agent.domain.settings import DEFAULTS
from iea_agent.shell.dialogs.support_overview import (
    LABELS,
    REPAIR,
    FirstHelp,
    find_first_help,
    word_heading,
)
from iea_agent.shell.wording.letter_text import LetterFacts
from tests.status_documents import make_status

NOW = 1_796_040_000.0


def make_facts(
    problem: problems.Problem | None, state: State = State.DISCONNECTED, incident: str = "", repair: str = ""
) -> LetterFacts:
    failure = None if problem is None else Failure(Stage.ANSWER, problem)
    status = make_status(Snapshot(state, NOW, failure, failed_at=NOW), DEFAULTS)
    status["incident"] = incident
    return LetterFacts(status=status, repair=repair)


@pytest.mark.parametrize("problem", problems.CATALOGUE.values(), ids=str)
def test_every_problem_has_its_page_and_at_most_one_button(problem: problems.Problem) -> None:
    offered = find_first_help(make_facts(problem))
    assert offered.code == problem.code
    assert problem.code in offered.title
    assert problems.MEANWHILE not in offered.advice
    step = problems.find_first_step(problem.code)
    assert offered.button == ("" if step is problems.FirstStep.SUPPORT else step.value)
    assert not offered.button or offered.button in LABELS
    # who can only write is not told that something did not help
    heading = word_heading(offered, in_assistance=False)
    assert ("Cela n’a pas suffi" in heading) is bool(offered.button)


def test_a_repair_comes_before_the_test_and_an_incident_before_both() -> None:
    facts = make_facts(problems.NAME_UNKNOWN, repair="Cocher « Sécurisé ».")
    assert find_first_help(facts).button == REPAIR
    assert "Cocher" in find_first_help(facts).advice
    offered = find_first_help(make_facts(problems.NAME_UNKNOWN, incident="Incident connu.", repair="Cocher."))
    assert (offered.incident, offered.button, offered.is_known) == ("Incident connu.", "", True)


@pytest.mark.parametrize("state", [State.CONNECTED, State.ASSISTANCE])
def test_nothing_is_offered_where_nothing_is_to_mend(state: State) -> None:
    assert find_first_help(make_facts(None, state)).is_empty
    assert find_first_help(LetterFacts()) == FirstHelp()


def test_each_button_is_something_that_the_agent_does() -> None:
    assert set(LABELS) - {REPAIR} <= set(BY_NAME)
