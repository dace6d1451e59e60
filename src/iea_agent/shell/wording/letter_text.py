"""The words of the message to the support desk: what the desk asks first.

Nothing secret is in it: codes, titles, times and versions, and places for what only the person knows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from iea_agent import __version__
from iea_agent.domain import problems
from iea_agent.domain.machine import State
from iea_agent.domain.problems import N_
from iea_agent.domain.server_test_record import ServerTestRecord
from iea_agent.domain.settings import DEFAULTS, Settings
from iea_agent.domain.support_letter import Letter, Outcome, complete_subject
from iea_agent.domain.support_memory import WrittenMessage
from iea_agent.locale import _

from .report_text import SERVERS
from .time_text import format_date, format_time_of_day, format_weekday

if TYPE_CHECKING:
    from iea_agent.domain.documents import AgentStatusDocument


@dataclass(frozen=True, slots=True)
class LetterFacts:
    """What the program knows for the message.

    *status* is None without an agent, *test* without a test of the servers; *version* is that of Impact emploi, "" if it
    cannot be read. *problem* is its code, "" for none, and *earlier* what was written about it before. *repair* is the
    effect of what made the last test pass, "" for none. *contact* and *complaint* are what the person has typed.
    """

    settings: Settings = DEFAULTS
    version: str = ""
    status: AgentStatusDocument | None = None
    test: ServerTestRecord | None = None
    phone_code: str = ""
    contact: str = ""
    complaint: str = ""
    problem: str = ""
    earlier: WrittenMessage | None = None
    repair: str = ""

    @property
    def in_assistance(self) -> bool:
        """Whether assistance mode is on, as far as is known."""
        return self.status is not None and self.status["state"] == State.ASSISTANCE.value


def compose_letter(facts: LetterFacts) -> Letter:
    """Return the message that a person completes."""
    subject = complete_subject(facts.settings.support_subject, facts.version or _UNKNOWN)
    return Letter(
        facts.settings.support_address, subject, "\n".join(_list_lines(facts)), tuple(_list_hints(facts))
    )


_UNKNOWN = "version inconnue"
"""In French whatever language is spoken: the support desk sorts its mail by subject."""


def _list_hints(facts: LetterFacts) -> Iterator[str]:
    if not facts.version:
        yield _NO_VERSION
    # in assistance mode the settings cannot be opened, and the password is what is asked for
    if facts.test is None and not facts.in_assistance and not _is_test_offered(facts):
        yield _NO_TEST


def _is_test_offered(facts: LetterFacts) -> bool:
    """Return whether the test is what helps first, and has its button."""
    return bool(facts.problem) and problems.find_first_step(facts.problem) is problems.FirstStep.TEST


_NO_VERSION = N_("La version d'Impact emploi n'a pas pu être lue : complétez l'objet du message.")
_NO_TEST = N_(
    "Faites d'abord le test « Tester l'accès aux serveurs », dans « Paramètres de connexion » : l'assistance vous le demandera."
)


def _list_lines(facts: LetterFacts) -> Iterator[str]:
    yield _("Bonjour,")
    yield ""
    if facts.in_assistance:
        yield _("Merci de m'envoyer le mot de passe du jour, pour désactiver le mode assistance.")
    if facts.complaint:
        yield _("Ce qui se passe : {what}").format(what=facts.complaint)
    elif not facts.in_assistance:
        yield _("Ce qui se passe (à compléter) :")
    yield ""
    if facts.contact:
        yield _("Mes coordonnées : {contact}").format(contact=facts.contact)
    else:
        yield _("Mes coordonnées (à compléter)")
        yield from (_("Association :"), _("Nom et prénom :"), _("Téléphone :"))
    yield ""
    yield _("Renseignements sur ce poste")
    yield from _list_facts(facts)


def _list_facts(facts: LetterFacts) -> Iterator[str]:
    pair = _("{name} : {what}")
    yield pair.format(name=_("Version d'Impact emploi"), what=facts.version or _("inconnue (à compléter)"))
    yield from (pair.format(name=name, what=what) for name, what in _describe_state(facts))
    yield pair.format(name=_("Test de l'accès aux serveurs"), what=_describe_test(facts))
    yield pair.format(name=_("Version du programme de connexion"), what=__version__)
    if facts.phone_code:
        yield pair.format(name=_("Code pour l'assistance"), what=facts.phone_code)


def describe_earlier(message: WrittenMessage) -> str:
    """Return what to know before a second message about the same problem."""
    when = _("{weekday} {date} à {time}").format(
        weekday=format_weekday(message.at), date=format_date(message.at), time=format_time_of_day(message.at)
    )
    about = message.code or _("la connexion")
    text = _EARLIER_SENT if message.is_sent else _EARLIER_DRAFT
    return _(text).format(when=when, about=about)


_EARLIER_SENT = N_(
    "Votre message du {when} au sujet de {about} est bien parti ; inutile d'en envoyer un autre."
)
_EARLIER_DRAFT = N_(
    "Vous avez préparé un message le {when} au sujet de {about}. Si vous l'avez envoyé, inutile d'en envoyer un autre : l'assistance traite "
    "une seule demande par problème."
)


def _describe_state(facts: LetterFacts) -> Iterator[tuple[str, str]]:
    status = facts.status
    if status is None:
        yield _("État"), _("le programme de connexion est arrêté")
        return
    if status["problem"] is not None:
        yield _("Problème"), f"{status['problem']['title']} ({status['problem']['code']})"
    since = datetime.fromisoformat(status["since"]).timestamp()
    # with the day: the message may be read on another one
    held = _("depuis le {date} à {time}").format(date=format_date(since), time=format_time_of_day(since))
    yield _("État"), f"{status['state_text']} {held}"


def _describe_test(facts: LetterFacts) -> str:
    """Return what the check that the sheet prescribes has said."""
    test = facts.test
    if test is None:
        return _("pas encore fait")
    when = _("le {date} à {time}").format(date=format_date(test.at), time=format_time_of_day(test.at))
    if not any(test.codes.values()):
        return _("réussi ({when})").format(when=when)
    parts = (f"{_(SERVERS[server])}, {_word_code(code)}" for server, code in test.codes.items())
    return _("échec ({when}) – {parts}").format(when=when, parts=" ; ".join(parts))


def _word_code(code: str) -> str:
    if not code:
        return _("réussi")
    problem = problems.CATALOGUE.get(code)
    return code if problem is None else f"{_(problem.title)} ({code})"


OUTCOMES = {
    Outcome.SENT: N_("Votre message est parti. L'assistance vous enverra un accusé réception."),
    Outcome.DRAFT: N_("Relisez le message dans votre messagerie, puis envoyez-le. Le fichier y est joint."),
    Outcome.DRAFT_ALONE: N_(
        "Relisez le message dans votre messagerie, joignez-y le fichier qui vient de s'afficher, puis envoyez-le."
    ),
}


def word_outcome(outcome: Outcome) -> str:
    """Return what to do after a message was opened."""
    return _(OUTCOMES[outcome])
