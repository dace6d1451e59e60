"""The sheet for the person who looks after the computers, as a page to print."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.diagnosis import PendingChange
from iea_agent.domain.documents import UNKNOWN_ROUTE, RouteDocument
from iea_agent.domain.problems import N_
from iea_agent.domain.settings import Settings
from iea_agent.domain.support_report import TestedServer, TestedServers
from iea_agent.locale import _

from .detail_text import word_detail
from .printed_page import PagePart, PrintedPage
from .report_text import OUTCOMES, SERVERS, STAGES, word_route
from .statement_text import format_full_moment
from .time_text import format_date, format_milliseconds


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """What the sheet says: *hosts* and *routes* by server, and the last *test*.

    *pending* are the announced changes for which this PC is not ready.
    """

    settings: Settings
    made: float
    system: str
    hosts: Mapping[str, str] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    test: TestedServers | None = None
    pending: tuple[PendingChange, ...] = ()


_NOTE = N_(
    "Ce poste utilise le logiciel de paie Impact emploi association. Son programme de connexion doit joindre deux serveurs. Cette fiche dit lesquels, "
    "par où, et ce que le dernier test a vu."
)


def word_path(route: RouteDocument) -> str:
    """Return the present *route* to a server in words, or why there is none."""
    detail = word_detail(route["detail"])
    if route["value"] == UNKNOWN_ROUTE:
        return _("inconnu ({code}) : {detail}").format(code=route["origin"], detail=detail)
    return ", ".join(filter(None, (word_route(route["value"], route["origin"]), detail)))


def build_sheet(facts: SheetFacts) -> PrintedPage:
    """Return the sheet as of now."""
    sections = [
        PagePart(_("À autoriser"), tuple(facts.hosts.items()), tuple(_list_wanted())),
        *map(_describe_pending, facts.pending),
        PagePart(_("Chemin actuel"), tuple(facts.routes.items())),
    ]
    if facts.test is None:
        sections.append(PagePart(_("Dernier test"), (), (_("Aucun test n'a encore été fait."),)))
    else:
        sections += [_describe_server(server, facts.test.at) for server in facts.test.servers]
    made = _("Établie le {when} par le programme de connexion {version}, sur {system}.")
    last = made.format(when=format_full_moment(facts.made), version=__version__, system=facts.system)
    sections.append(PagePart(_("Cette fiche"), (), (last,)))
    return PrintedPage(
        _("Fiche pour la personne qui s'occupe de votre informatique"), _(_NOTE), tuple(sections)
    )


def _list_wanted() -> Iterator[str]:
    yield _("HTTPS (TLS 1.2 ou 1.3) sortant vers ces serveurs ; rien n'est ouvert en entrée.")
    yield _(
        "Le certificat du serveur doit arriver tel quel. Excluez ces noms de l'inspection TLS de l'antivirus ou du pare-feu. Sinon, installez leur "
        "autorité dans le magasin de Windows."
    )
    yield _("Les listes de révocation des autorités (http, port 80) peuvent être demandées par Windows.")


def _describe_pending(change: PendingChange) -> PagePart:
    heading = _("À autoriser avant le {date} : le serveur change d'adresse")
    rows = ((_("Adresse"), change.address), *_word_problem(change.problem))
    return PagePart(heading.format(date=format_date(change.begins)), rows)


def _describe_server(server: TestedServer, at: float) -> PagePart:
    heading = _("Dernier test : {server}").format(server=_(SERVERS[server.server]))
    return PagePart(heading, tuple(_list_test(server, at)))


def _list_test(server: TestedServer, at: float) -> Iterator[tuple[str, str]]:
    yield _("Fait le"), format_full_moment(at)
    yield _("Adresse"), server.address
    if server.cause is None:
        yield _("Résultat"), _("réussi")
    else:
        yield from _word_problem(server.cause.code)
    for stage in server.stages:
        time = "" if stage.milliseconds is None else f", {format_milliseconds(stage.milliseconds)}"
        detail = f" ({word_detail(stage.detail)})" if stage.detail else ""
        yield _(STAGES[stage.stage]), f"{_(OUTCOMES[stage.outcome])}{time}{detail}"
    certificate = server.certificate
    if certificate is not None:
        yield _("Certificat reçu, pour"), certificate.subject
        yield _("établi par"), certificate.issuer
        dates = _("du {begin} au {end}")
        yield (
            _("valable"),
            dates.format(begin=format_date(certificate.not_before), end=format_date(certificate.not_after)),
        )
        yield _("empreinte SHA-256"), certificate.sha256


def _word_problem(code: str) -> Iterator[tuple[str, str]]:
    problem = problems.CATALOGUE.get(code)
    yield _("Résultat"), f"{_(problem.title)} ({code})" if problem else code
    if problem is not None:
        yield _("À faire"), f"{_(problem.advice)} {_(problems.ACTORS[problem.actor])}"
