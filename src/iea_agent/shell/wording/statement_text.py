"""The statement about one incident (*justificatif*), as a page to print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.incidents import Incident
from iea_agent.domain.log_book import LogBookState
from iea_agent.domain.problems import N_
from iea_agent.domain.support_report import TestedServers
from iea_agent.locale import _

from .history_text import word_stay
from .printed_page import PagePart, PrintedPage
from .report_text import SERVERS
from .time_text import format_date, format_duration, format_time_of_day, format_weekday

MOST_STAYS = 40
"""Lines of the course that are printed: the first and the last of a longer one."""


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """What a statement rests on; *journal_hash* is "" without a journal.

    *test* is the last test, None if there was none. *program* is the version of Impact emploi, "" if unknown.
    """

    incident: Incident
    made: float
    licence_number: str
    program: str
    system: str
    test: TestedServers | None = None
    journal_whole: bool = True
    journal_hash: str = ""


_NOTE = N_(
    "Déclaration de cet ordinateur, établie par le programme de connexion d'après son carnet. Elle n'émane pas de l'Urssaf et n'est pas signée. Elle n'est "
    "pas une preuve contre l'administrateur de cet ordinateur, qui peut en modifier les fichiers et l'horloge."
)


def build_statement(facts: StatementFacts) -> PrintedPage:
    """Return the statement about an incident."""
    incident = facts.incident
    sections = (
        PagePart(_("L'incident"), tuple(_list_incident(incident))),
        PagePart(_("Où la connexion a échoué"), tuple(_list_problems(incident.codes))),
        PagePart(_("Ce qui a été essayé"), tuple(_list_tries(facts))),
        PagePart(_("Déroulement"), tuple(_list_course(incident))),
        PagePart(_("Ce qui permet de vérifier"), tuple(_list_evidence(facts))),
    )
    title = _("Justificatif d'un incident de connexion")
    return PrintedPage(title, _(_NOTE), sections)


def format_full_moment(wall: float) -> str:
    """Return « lundi 30/11/2026 à 8 h 02 »."""
    text = _("{weekday} {date} à {time}")
    return text.format(weekday=format_weekday(wall), date=format_date(wall), time=format_time_of_day(wall))


def _list_incident(incident: Incident) -> Iterator[tuple[str, str]]:
    yield _("Du"), format_full_moment(incident.begin)
    end = format_full_moment(incident.end)
    yield _("Au"), _("{when} (il durait encore)").format(when=end) if incident.lasts else end
    yield _("Durée"), format_duration(incident.end - incident.begin)
    off = incident.sum_seconds(LogBookState.ASSISTANCE)
    if off:
        yield _("Dont en mode assistance"), format_duration(off)
    unseen = sum(stay.seconds for stay in incident.stays if not stay.course.runs)
    if unseen:
        yield _("Dont ordinateur éteint ou en veille"), format_duration(unseen)


def _list_problems(codes: Sequence[str]) -> Iterator[tuple[str, str]]:
    for code in codes:
        problem = problems.CATALOGUE.get(code)
        if problem is None:
            yield code, ""
        else:
            yield code, f"{_(problem.title)}. {_(problems.ACTORS[problem.actor])}"


def _list_tries(facts: StatementFacts) -> Iterator[tuple[str, str]]:
    yield (
        _("Reconnexion"),
        _("Le programme réessaie de lui-même, à des moments qui dépendent du problème."),
    )
    test = facts.test
    if test is None or not facts.incident.begin <= test.at <= facts.incident.end:
        yield _("Test de l'accès aux serveurs"), _("pas fait pendant l'incident")
        return
    for server in test.servers:
        problem = None if server.cause is None else problems.CATALOGUE.get(server.cause.code)
        outcome = _("réussi") if server.cause is None else server.cause.code
        if problem is not None:
            outcome = f"{_(problem.title)} ({problem.code})"
        when = _("{outcome}, le {when}").format(outcome=outcome, when=format_full_moment(test.at))
        yield _(SERVERS[server.server]), when


def _list_course(incident: Incident) -> Iterator[tuple[str, str]]:
    stays = incident.stays
    left_out = len(stays) - MOST_STAYS
    for number, stay in enumerate(stays):
        if left_out > 0 and number == MOST_STAYS // 2:
            yield "…", _("{number} changements ne sont pas imprimés").format(number=left_out)
        if left_out <= 0 or not MOST_STAYS // 2 <= number < len(stays) - MOST_STAYS // 2:
            when = f"{format_date(stay.begin)} {format_time_of_day(stay.begin)}"
            yield when, f"{word_stay(stay)} – {format_duration(stay.seconds)}"


def _list_evidence(facts: StatementFacts) -> Iterator[tuple[str, str]]:
    yield _("Établi le"), format_full_moment(facts.made)
    if facts.licence_number:
        yield _("Numéro de licence"), facts.licence_number
    yield _("Impact emploi"), facts.program or _("version inconnue")
    yield _("Programme de connexion"), f"{__version__}, {facts.system}"
    yield from _list_clocks(facts.test)
    if facts.journal_hash:
        whole = (
            _("chaque ligne suit la précédente") if facts.journal_whole else _("des lignes ne se suivent pas")
        )
        yield _("Journal du mode assistance"), whole
        yield _("Empreinte de sa dernière ligne"), facts.journal_hash


def _list_clocks(test: TestedServers | None) -> Iterator[tuple[str, str]]:
    """Yield what each server's Date said at the test, beside this PC's clock."""
    clocks = (
        [(each, each.clock_ahead) for each in test.servers if each.clock_ahead is not None] if test else []
    )
    if test is None or not clocks:
        yield _("Horloge"), _("aucun serveur n'a donné l'heure")
        return
    for server, ahead in clocks:
        text = _(
            "le serveur a indiqué {server} (en-tête Date) quand cet ordinateur indiquait {own} ; écart : {time}"
        )
        yield (
            _("Horloge, {server}").format(server=_(SERVERS[server.server])),
            text.format(
                server=format_full_moment(test.at + ahead),
                own=format_full_moment(test.at),
                time=format_duration(abs(ahead)),
            ),
        )
