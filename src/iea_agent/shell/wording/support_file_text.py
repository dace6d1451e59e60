"""What the support file says of itself: what is in it, hidden in it, not in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from iea_agent import __version__
from iea_agent.domain import support_report
from iea_agent.domain.problems import N_
from iea_agent.domain.support_report import Level
from iea_agent.locale import _

from .time_text import format_date, format_time_of_day

LEVELS = {
    Level.NONE: N_("seuls les secrets sont masqués ; les noms et les adresses restent lisibles"),
    Level.NORMAL: N_(
        "ce qui nomme la personne, l'ordinateur et son réseau est remplacé par un repère entre crochets"
    ),
    Level.STRICT: N_(
        "toutes les adresses, et tous les noms de machine sauf ceux des serveurs d'Impact emploi, sont remplacés par un repère entre crochets"
    ),
}
_PARTS = {
    support_report.REPORT: N_(
        "ce que le programme de l'assistance lit : état, réglages, dernier test, carnet"
    ),
    support_report.HISTORY: N_("le carnet de connexion des 90 derniers jours"),
    support_report.JOURNAL: N_("les entrées et sorties du mode assistance"),
}
_ABSENT = (
    N_("la clé de licence, ni aucun mot de passe ou jeton, même chiffré"),
    N_("aucun bulletin, salaire, numéro de Sécurité sociale ou compte bancaire"),
    N_("aucun fichier d'Impact emploi ni de vos documents"),
    N_("aucune liste de vos logiciels ou des sites que vous visitez"),
)


def render_readme(level: Level, parts: Iterable[str], made: float) -> str:
    """Return the text of ``LISEZ-MOI.txt`` for a file with *parts*, made at *made*."""
    return "\n".join(_list_lines(level, parts, made)) + "\n"


def _list_lines(level: Level, parts: Iterable[str], made: float) -> Iterator[str]:
    yield _("Fichier pour l'assistance Impact emploi")
    when = _("Établi le {date} à {time} par le programme de connexion {version}.")
    yield when.format(date=format_date(made), time=format_time_of_day(made), version=__version__)
    yield ""
    yield _(
        "Ce fichier reste sur cet ordinateur : rien n'est envoyé tant que vous n'envoyez pas vous-même le message."
    )
    yield _("Vous pouvez ouvrir et lire chaque partie avant de l'envoyer.")
    yield ""
    yield _("Ce qu'il contient :")
    for name in parts:
        what = _PARTS.get(name, N_("la fin d'un journal technique du programme de connexion"))
        yield _("- {name} : {what}").format(name=name, what=_(what))
    yield ""
    yield _("Ce qui est masqué : {what}.").format(what=_(LEVELS[level]))
    yield _("Le même nom a le même repère dans tout le fichier.")
    yield ""
    yield _("Ce qu'il ne contient pas :")
    for what in _ABSENT:
        yield f"- {_(what)}"
