"""What the support window offers before a person writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from iea_agent.domain import problems, timing
from iea_agent.domain.machine import State
from iea_agent.domain.person_requests import DIAGNOSIS, RECONNECT, SETTINGS
from iea_agent.domain.problems import N_
from iea_agent.domain.refusals import RegisterMissing
from iea_agent.locale import _
from iea_agent.shell.wording import time_text
from iea_agent.shell.wording.refusal_text import word_refusal

if TYPE_CHECKING:
    from iea_agent.shell.wording.letter_text import LetterFacts

    from .ports import Situation

REPAIR = "repair"
LABELS = {
    REPAIR: N_("Faire cette c&orrection"),
    DIAGNOSIS.name: N_("&Trouver la panne"),
    SETTINGS.name: N_("Ouvrir les paramètr&es"),
    RECONNECT.name: N_("Relancer l'a&uthentification"),
}
"""The button that helps, by what it does; only one is shown."""


@dataclass(frozen=True, slots=True)
class FirstHelp:
    """What helps without writing; each text may be "".

    *code* has a page, and *button* is a key of ``LABELS``. *is_known* says that support knows of it already.
    """

    incident: str = ""
    title: str = ""
    advice: str = ""
    code: str = ""
    button: str = ""

    @property
    def is_known(self) -> bool:
        """Whether support knows of the incident: nobody needs to do anything."""
        return bool(self.incident)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to offer."""
        return self == FirstHelp()


def find_first_help(facts: LetterFacts) -> FirstHelp:
    """Return what helps now: an incident that is known, a repair, the first step."""
    status = facts.status
    if status is None or status["state"] not in (State.DISCONNECTED.value, State.CONNECTING.value):
        return FirstHelp()
    problem = status["problem"]
    if problem is None:
        return FirstHelp()
    title = f"{problem['title']} ({problem['code']})"
    if status["incident"]:
        return FirstHelp(status["incident"], title, code=problem["code"])
    if facts.repair:
        advice = _("Le dernier test a trouvé ce qui remet la connexion en marche : {effect}")
        return FirstHelp("", title, advice.format(effect=facts.repair), problem["code"], REPAIR)
    step = problems.find_first_step(problem["code"])
    if step is problems.FirstStep.SUPPORT:
        return FirstHelp("", title, code=problem["code"])
    advice = problem["advice"].removesuffix(_(problems.MEANWHILE)).rstrip()
    return FirstHelp("", title, advice, problem["code"], step.value)


def word_heading(help_: FirstHelp, *, in_assistance: bool) -> str:
    """Return what stands above the message to support."""
    if in_assistance:
        return _("1. Demandez le mot de passe du jour à l'assistance, par mail.")
    if help_.is_known or help_.button:
        return _("Cela n'a pas suffi ? Écrivez à l'assistance (un seul message par problème) :")
    return _("Pour écrire à l'assistance (un seul message par problème) :")


def describe_limits(situation: Situation, now: float) -> str:
    """Return until when assistance mode lasts, and for how long it can be left."""
    sentences = []
    if situation.ends_at is not None:
        text = _(
            "Le mode assistance se terminera de lui-même dans {time}, comme l'a fixé votre administrateur."
        )
        sentences.append(text.format(time=time_text.format_duration(max(60.0, situation.ends_at - now))))
    days = situation.register_days
    if days is None:
        sentences.append(word_refusal(RegisterMissing()))
    elif days < 0:
        sentences.append(_("Ce poste ne connaît plus les mots de passe du jour : contactez l'assistance."))
    elif days < timing.REGISTER_NOTICE_DAYS:
        text = _(
            "Ce poste connaît encore les mots de passe du jour pour {days} jours : prévenez l'assistance."
        )
        sentences.append(text.format(days=days))
    return "\n".join(sentences)
