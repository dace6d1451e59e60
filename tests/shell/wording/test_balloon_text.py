"""The balloons: what they say, and that Windows shows it whole."""

from __future__ import annotations

import pytest

from iea_agent import locale
from iea_agent.domain import problems
from iea_agent.domain.machine import Effect, Snapshot, State
from iea_agent.shell.wording.balloon_text import build_announcement_balloon, build_problem_balloon
from tests.failures import OBSERVED, failed

pytestmark = pytest.mark.usefixtures("language")

NOW = 1_790_000_000.0


def utf16(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize("kind", [Effect.ANNOUNCE_FAILURE, Effect.ANSWER_PERSON])
def test_every_balloon_fits_and_carries_the_code(kind: Effect) -> None:
    for problem in OBSERVED:
        balloon = build_announcement_balloon(kind, Snapshot(State.DISCONNECTED, NOW, failure=failed(problem)))
        assert utf16(balloon.title) <= 63, balloon.title
        assert utf16(balloon.body) <= 255, balloon.body
        assert problem.code in balloon.body


def test_the_balloon_of_a_problem_that_no_state_shows_fits_and_says_what_to_do() -> None:
    for problem in problems.CATALOGUE.values():
        balloon = build_problem_balloon(problem)
        assert utf16(balloon.title) <= 63, balloon.title
        assert utf16(balloon.body) <= 255, balloon.body
        assert locale._(problem.advice) in balloon.body
        assert problem.code in balloon.body


@pytest.mark.parametrize(
    "kind", [Effect.ANNOUNCE_RECOVERY, Effect.ANNOUNCE_SERVERS_ANSWER, Effect.ANSWER_PERSON]
)
def test_good_news_fit_too(kind: Effect) -> None:
    balloon = build_announcement_balloon(kind, Snapshot(State.CONNECTED, NOW))
    assert 0 < utf16(balloon.title) <= 63
    assert 0 < utf16(balloon.body) <= 255
