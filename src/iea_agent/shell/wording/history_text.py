"""The log book of the connection in words, and its document."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from iea_agent.domain import problems
from iea_agent.domain.log_book import LogBookState, Stay
from iea_agent.domain.machine import State
from iea_agent.domain.problems import N_
from iea_agent.locale import _

from .state_text import STATES
from .status_text import format_rfc3339
from .time_text import format_date, format_duration, format_time_of_day

if TYPE_CHECKING:
    from iea_agent.domain.documents import HistoryDocument

COURSES = {
    **{LogBookState(state.value): STATES[state] for state in State},
    LogBookState.STOPPED: N_("Programme de connexion arrêté"),
    LogBookState.ASLEEP: N_("Ordinateur en veille"),
    LogBookState.KILLED: N_("Ordinateur éteint, ou programme de connexion interrompu"),
}


def build_history_document(stays: Iterable[Stay]) -> HistoryDocument:
    """Return the document of ``history --json``."""
    return {
        "schema": 1,
        "stays": [
            {
                "begin": format_rfc3339(stay.begin),
                "seconds": round(stay.seconds),
                "state": stay.course.value,
                "code": stay.code,
            }
            for stay in stays
        ],
    }


def render_history(stays: Iterable[Stay]) -> str:
    """Return the log book as text, a paragraph for each day."""
    paragraphs = ["\n".join(_list_day(date, list(day))) for date, day in groupby(stays, _date)]
    return "\n\n".join(paragraphs) or _("Le carnet de connexion est encore vide.")


def _date(stay: Stay) -> str:
    return format_date(stay.begin)


def _list_day(date: str, stays: list[Stay]) -> Iterator[str]:
    yield date
    for stay in stays:
        time_of_day = format_time_of_day(stay.begin)
        yield f"  {time_of_day:>8}  {word_stay(stay)} – {format_duration(stay.seconds)}"


def word_stay(stay: Stay) -> str:
    """Return what the connection was: « Échec … : Serveur introuvable (IEA-N02) »."""
    course = _(COURSES[stay.course])
    if not stay.code:
        return course
    problem = problems.CATALOGUE.get(stay.code)
    what = stay.code if problem is None else f"{_(problem.title)} ({stay.code})"
    return _("{name} : {what}").format(name=course, what=what)
