"""One request to the support desk, the same whatever it came by.

It is made of a report, of a phone code or of a text, and of what a mail adds. Who acts is decided by the agent's own catalogue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from iea_agent import __version__
from iea_agent.domain.diagnosis import CLOCK_TOLERANCE, Server, Stage
from iea_agent.domain.incidents import Incident, list_incidents
from iea_agent.domain.machine import State
from iea_agent.domain.phone_code import PhoneReading, TimeSpan
from iea_agent.domain.printable_text import clean_foreign_text
from iea_agent.domain.problems import Actor, Problem, find_case, find_other_case
from iea_agent.domain.repairs import RepairKind
from iea_agent.domain.support_report import ReportedUpdate, SupportReport
from iea_desk.pasted_request import PastedRequest
from iea_desk.second_look import SecondLook, list_differences, look_again

_PRODUCTS = {"product": "d'Impact emploi", "agent": "du programme de connexion"}
_UPDATES = {
    "available": "proposée",
    "downloading": "téléchargement en cours",
    "paused": "téléchargement en pause",
    "ready": "prête à installer",
    "installing": "installation en cours",
    "installed": "installée",
    "failed": "échec",
    "withdrawn": "retirée par l'éditeur",
}
LONGEST_EFFECT = 300
"""Characters of what a repair does."""
SERVERS = {Server.AUTHENTICATION: "authentification", Server.UPDATES: "mises à jour"}


class Origin(Enum):
    """What a case was made of."""

    REPORT = "report"
    PHONE_CODE = "phone-code"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class ServerOutcome:
    """What the last test said of one server; *code* is "" after a success."""

    server: Server
    code: str
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class SupportCase:
    """What is known of one request.

    Times are of the PC's wall clock. *code* is "" without a problem; *title* and *actor* are what the agent said where the catalogue
    does not know the code. *is_stopped* says that no agent ran. *age* and *clock* are spans, of a phone code. *interruptions*
    counts the incidents of the log book. *repairs* are what the agent has tried and what works, in its words, and *hints* what may be worth
    a try where it has looked for none; *product* intercepts. *notes* are sentences for the person at the desk.
    """

    origin: Origin
    code: str = ""
    agents_title: str = ""
    agents_actor: Actor | None = None
    state: State | None = None
    is_stopped: bool = False
    since: float | None = None
    age: TimeSpan | None = None
    made: float | None = None
    tested_at: float | None = None
    tested: tuple[ServerOutcome, ...] = ()
    test_words: str = ""
    repairs: tuple[str, ...] = ()
    hints: tuple[RepairKind, ...] = ()
    product: str = ""
    interruptions: int = 0
    version: str = ""
    program_version: str = ""
    system: str = ""
    route: str = ""
    clock: TimeSpan | None = None
    clock_behind: bool = False
    assistance_since: float | None = None
    register_days: int | None = None
    phone_code: str = ""
    asks_password: bool = False
    complaint: str = ""
    contact: str = ""
    sender: str = ""
    subject: str = ""
    sent: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def problem(self) -> Problem | None:
        """The problem in this program's catalogue, None if it does not know the code."""
        return find_case(self.code, self.agents_actor)

    @property
    def title(self) -> str:
        """The title of the problem, "" without one."""
        return self.agents_title if self.problem is None else self.problem.title

    @property
    def actor(self) -> Actor | None:
        """Who can solve the problem, None if nobody knows."""
        if self.agents_actor is not None or self.problem is None:
            return self.agents_actor
        return self.problem.actor

    @property
    def wants_password(self) -> bool:
        """Whether the answer is the password of the day."""
        return self.state is State.ASSISTANCE or self.asks_password


# from what a case is made


def open_report_case(report: SupportReport) -> SupportCase:
    """Return the case of a support file."""
    incidents = list_incidents(report.stays)
    present = incidents[-1] if incidents and incidents[-1].lasts else None
    status, test, problem = report.status, report.test, report.problem
    tested = (
        tuple(
            ServerOutcome(each.server, each.cause.code if each.cause else "", each.failed_stage)
            for each in test.servers
        )
        if test
        else ()
    )
    code = problem.code if problem else _name_last(present)
    clocks = (each.clock_ahead for each in test.servers) if test else ()
    ahead = next((clock for clock in clocks if clock is not None), None)
    look = look_again(report)
    case = SupportCase(
        Origin.REPORT,
        code,
        clean_foreign_text(problem.title) if problem else "",
        problem.actor if problem else None,
        status.state if status else None,
        status is None,
        present.begin if present else status.since if status else None,
        made=report.made,
        tested_at=test.at if test else None,
        tested=tested,
        repairs=tuple(
            clean_foreign_text(each.effect, LONGEST_EFFECT) for each in (test.repairs or ()) if each.effect
        )
        if test
        else (),
        hints=_list_hints(report, look),
        product="" if look is None else look.product,
        interruptions=len(incidents),
        version=clean_foreign_text(report.version),
        program_version=clean_foreign_text(report.program_version),
        system=clean_foreign_text(report.system),
        route=next((clean_foreign_text(route) for route in report.routes.values()), ""),
        clock=None if ahead is None else TimeSpan(abs(ahead), abs(ahead)),
        clock_behind=ahead is not None and ahead > 0,
        assistance_since=report.assistance_since,
        register_days=report.register_days,
        phone_code=clean_foreign_text(report.phone_code),
    )
    return replace(case, notes=(*_note_versions(case), *_note_look(report, look), *_note_report(report)))


def _list_hints(report: SupportReport, look: SecondLook | None) -> tuple[RepairKind, ...]:
    """Return what may repair the test, if the agent has looked for nothing."""
    if look is None or report.test is None or report.test.repairs is not None:
        return ()
    return tuple(repair.kind for repair in look.repairs)


def _note_look(report: SupportReport, look: SecondLook | None) -> Iterator[str]:
    """Yield where this version concludes something else from the same test."""
    if look is None or report.test is None:
        return
    for server, theirs, ours in list_differences(look, report.test):
        yield (
            f"Du même test ({SERVERS[server]}), iea-desk {__version__} conclut {ours or 'que tout va bien'}, "
            f"et l'agent {theirs or 'que tout va bien'}."
        )


def _name_last(incident: Incident | None) -> str:
    return incident.codes[-1] if incident is not None and incident.codes else ""


def _note_report(report: SupportReport) -> Iterator[str]:
    if report.licence_key and report.licence_key != "saved":
        yield "Aucune clé de licence n'est enregistrée sur ce poste."
    yield from map(_word_update, report.updates)
    if report.crash is not None:
        again = ", et ce n'est pas la première fois" if report.crash.is_repeated else ""
        yield f"Le programme de connexion s'est arrêté sur une erreur{again} : le journal est dans le fichier."
    if report.journal is not None and not report.journal.whole:
        yield "Le journal du mode assistance a été modifié ou abîmé."
    if report.status is not None:
        yield from map(clean_foreign_text, (*report.status.notices, *report.status.setting_faults)[:5])


def _word_update(update: ReportedUpdate) -> str:
    product = _PRODUCTS.get(update.product, update.product)
    words = f"Mise à jour {product} {clean_foreign_text(update.version)} : {_UPDATES.get(update.state, update.state)}"
    return clean_foreign_text(f"{words} ({update.code})." if update.code else f"{words}.", LONGEST_EFFECT)


def open_phone_case(reading: PhoneReading) -> SupportCase:
    """Return the case of a phone code."""
    other = find_other_case(reading.code) if reading.other_actor else None
    case = SupportCase(
        Origin.PHONE_CODE,
        reading.code,
        agents_actor=None if other is None else other.actor,
        state=reading.state,
        is_stopped=reading.state is None,
        age=reading.age,
        version=reading.version,
        route=reading.proxy.value if reading.proxy else "",
        clock=reading.clock,
        clock_behind=reading.clock_behind,
        phone_code=reading.right,
    )
    corrected = (
        (
            f"Le {_word_place(reading.corrected)} caractère du code a été corrigé : le code juste est {reading.right}.",
        )
        if reading.corrected
        else ()
    )
    day = f"Code affiché par le poste le {'1er' if reading.day == 1 else reading.day} du mois."
    rare = (
        ("C'est un cas particulier de ce problème, que ce programme ne connaît pas encore.",)
        if reading.other_actor and other is None
        else ()
    )
    return replace(case, notes=(*corrected, day, *rare, *_note_versions(case)))


def _word_place(place: int) -> str:
    return "1er" if place == 1 else f"{place}e"


def open_text_case(request: PastedRequest) -> SupportCase:
    """Return the case of a text, with what the phone code in it says."""
    lines = request.lines
    case = SupportCase(Origin.TEXT) if request.reading is None else open_phone_case(request.reading)
    code = request.code or case.code
    case = replace(
        case,
        origin=Origin.TEXT,
        code=code,
        agents_actor=case.agents_actor if code == case.code else None,
        version=lines.get("version", case.version),
        program_version=lines.get("program_version", ""),
        test_words=lines.get("test", ""),
    )
    notes = case.notes if request.reading is not None else tuple(_note_versions(case))
    return add_text(replace(case, notes=notes), request)


def add_text(case: SupportCase, request: PastedRequest) -> SupportCase:
    """Return *case* with what the person has written."""
    lines = request.lines
    return replace(
        case,
        asks_password=request.asks_password,
        complaint=lines.get("complaint", ""),
        contact=lines.get("contact", ""),
    )


def _note_versions(case: SupportCase) -> Iterator[str]:
    """Yield what to know where agent and desk are of different versions."""
    theirs, ours = _order_version(case.version), _order_version(__version__)
    if theirs and theirs > ours:
        yield f"L'agent de ce poste ({case.version}) est plus récent que iea-desk ({__version__}) : mettez iea-desk à jour."
    elif theirs and theirs < ours:
        yield f"L'agent de ce poste ({case.version}) est plus ancien que iea-desk ({__version__})."
    if case.code and case.problem is None:
        yield f"Le code {case.code} n'est pas dans le catalogue de ce programme : il vient sans doute d'un agent plus récent."


def _order_version(version: str) -> tuple[int, ...]:
    """Return the numbers of *version*, () if it has none."""
    parts = version.split(".")[:4]
    return tuple(map(int, parts)) if all(part.isdecimal() and len(part) < 6 for part in parts) else ()


def is_clock_wrong(case: SupportCase) -> bool:
    """Return whether the PC's clock differs from the server's."""
    return case.clock is not None and (case.clock.most is None or case.clock.most > CLOCK_TOLERANCE)


def is_plausible(wall: float) -> bool:
    """Return whether *wall* is a time from 2000 to 2100, which each system can show."""
    return 946_684_800.0 <= wall < 4_102_444_800.0
