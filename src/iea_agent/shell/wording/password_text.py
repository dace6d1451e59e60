"""What is said about a password of the day that was typed: which character to look at, which day it is for, how long to wait."""

from __future__ import annotations

from datetime import date

from iea_agent.domain.password_check import NotCovered, OtherDay
from iea_agent.domain.password_tries import WaitReason
from iea_agent.domain.problems import N_
from iea_agent.domain.typed_password import Typo, TypoKind
from iea_agent.locale import _
from iea_agent.shell.wording.time_text import format_wait

EXAMPLE = "24-29Y7-1GV3-S0Y4"

_TYPOS = {
    TypoKind.EMPTY: N_("Saisissez le mot de passe du jour reçu de l'assistance."),
    TypoKind.DAY: N_("Faute de frappe : vérifiez le jour, les deux premiers chiffres."),
    TypoKind.FOREIGN: N_(
        "Faute de frappe : vérifiez le {position}e caractère (groupe {group}), il n'existe pas dans un mot de passe du jour."
    ),
    TypoKind.CHARACTER: N_("Faute de frappe : vérifiez le {position}e caractère (groupe {group})."),
    TypoKind.CHARACTERS: N_(
        "Faute de frappe : deux caractères au moins sont faux ou inversés. Recopiez le mot de passe."
    ),
    TypoKind.WORD: N_("Faute de frappe : vérifiez le {position}e mot."),
    TypoKind.WORDS: N_("Faute de frappe : un des mots n'est pas le bon. Vérifiez-les tous."),
}


def describe_typo(found: Typo) -> str:
    """A typing error, which is not counted as a try."""
    if found.kind is TypoKind.LENGTH:
        if found.missing > 0:
            return _(
                "Mot de passe incomplet : il a cette forme, {example}, ou le jour suivi de cinq mots."
            ).format(example=EXAMPLE)
        return _(
            "Mot de passe trop long : il a cette forme, {example}, ou le jour suivi de cinq mots."
        ).format(example=EXAMPLE)
    return _(_TYPOS[found.kind]).format(position=found.position, group=found.group)


def describe_other_day(found: OtherDay | NotCovered) -> str:
    """A well-formed password that cannot be for now; not counted as a try either."""
    if isinstance(found, NotCovered):
        return _("Ce poste ne connaît pas encore les mots de passe du {day} : mettez l'agent à jour.").format(
            day=_day(found.day)
        )
    return _(
        "Ce mot de passe porte le jour {day:02d} ; cet ordinateur est au {today}. Vérifiez la date de l'ordinateur ou "
        "demandez le mot de passe d'aujourd'hui."
    ).format(day=found.day, today=_day(found.today))


def describe_wrong_password() -> str:
    """A well-formed password that is not the right one: a try."""
    return _("Ce n'est pas le mot de passe du jour. Vérifiez-le ou demandez-le de nouveau à l'assistance.")


def describe_hold(hold: WaitReason) -> str:
    """That tries have to wait; the time is shown beside it, counting down."""
    if hold is WaitReason.STOPPED:
        return _(
            "Trop d'essais : contactez l'assistance. La saisie se rouvre dès que les serveurs répondent."
        )
    return _("Trop d'essais : attendez un peu avant le suivant.")


def describe_next_try(seconds: float) -> str:
    """When the next try may be, where nothing counts down."""
    return _("Nouvel essai possible dans {time}.").format(time=format_wait(seconds))


def describe_missing_register() -> str:
    """There is nothing on this PC to check a password with."""
    return _("Ce poste n'a pas encore de registre des mots de passe du jour : contactez l'assistance.")


def _day(day: date) -> str:
    return day.strftime(_("%d/%m/%Y"))
