"""The words for a typed password of the day."""

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


def describe_typo(typo: Typo) -> str:
    """Return the sentence for a typing error, which is not counted as a try."""
    if typo.kind is TypoKind.LENGTH:
        if typo.missing > 0:
            return _(
                "Mot de passe incomplet : il a cette forme, {example}, ou le jour suivi de cinq mots."
            ).format(example=EXAMPLE)
        return _(
            "Mot de passe trop long : il a cette forme, {example}, ou le jour suivi de cinq mots."
        ).format(example=EXAMPLE)
    return _(_TYPOS[typo.kind]).format(position=typo.position, group=typo.group)


def describe_other_day(answer: OtherDay | NotCovered) -> str:
    """Return the sentence for a password of another day, not counted as a try."""
    if isinstance(answer, NotCovered):
        return _("Ce poste ne connaît pas encore les mots de passe du {day} : mettez l'agent à jour.").format(
            day=_day(answer.day)
        )
    return _(
        "Ce mot de passe porte le jour {day:02d} ; cet ordinateur est au {today}. Vérifiez la date de l'ordinateur ou "
        "demandez le mot de passe d'aujourd'hui."
    ).format(day=answer.day, today=_day(answer.today))


def describe_wrong_password() -> str:
    """Return the sentence for a wrong password, which is counted as a try."""
    return _("Ce n'est pas le mot de passe du jour. Vérifiez-le ou demandez-le de nouveau à l'assistance.")


def describe_hold(hold: WaitReason) -> str:
    """Return the sentence for tries that have to wait."""
    if hold is WaitReason.STOPPED:
        return _(
            "Trop d'essais : contactez l'assistance. La saisie se rouvre dès que les serveurs répondent."
        )
    return _("Trop d'essais : attendez un peu avant le suivant.")


def describe_next_try(seconds: float) -> str:
    """Return when the next try is possible."""
    return _("Nouvel essai possible dans {time}.").format(time=format_wait(seconds))


def describe_missing_register() -> str:
    """Return the sentence for a PC without a register."""
    return _("Ce poste n'a pas encore de registre des mots de passe du jour : contactez l'assistance.")


def _day(day: date) -> str:
    return day.strftime(_("%d/%m/%Y"))
