"""The sentence for each refusal, in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from iea_agent.domain import problems, refusals
from iea_agent.domain.machine import State
from iea_agent.domain.password_tries import WaitReason
from iea_agent.domain.person_requests import BY_NAME
from iea_agent.domain.problems import N_
from iea_agent.domain.refusals import Refusal
from iea_agent.locale import _

from . import menu
from .detail_text import word_kind
from .problem_details import MALFORMED, describe_setting_fault
from .time_text import format_wait

_SENTENCES: Mapping[type[Refusal], str] = {
    refusals.AgentNotRunning: N_("Le programme de connexion n'est pas démarré."),
    refusals.AgentRuns: N_("Arrêtez d'abord le programme de connexion : « iea-agent quit »."),
    refusals.AgentTimedOut: N_(
        "Le programme de connexion n'a pas répondu à temps. Réessayez ; si cela continue, redémarrez l'ordinateur."
    ),
    refusals.AgentUnreachable: N_(
        "Le programme de connexion n'a pas pu être interrogé ({reason}). Réessayez ; si cela continue, redémarrez l'ordinateur."
    ),
    refusals.SavedOnly: N_(
        "C'est enregistré, mais le programme de connexion n'a pas répondu : la modification comptera dans la minute, sinon à son prochain démarrage."
    ),
    refusals.AgentBusy: N_(
        "Le programme de connexion répond déjà à trop de demandes. Réessayez dans un instant."
    ),
    refusals.UnknownRefusal: N_("Le programme de connexion a refusé la demande ({reason})."),
    refusals.RequestUnknown: N_("Demande inconnue."),
    refusals.TooManyWatchers: N_("Trop de fenêtres sont déjà ouvertes."),
    refusals.AssistanceNotOn: N_("Le mode assistance n'est pas actif."),
    refusals.AssistanceOn: N_(
        "Le mode assistance est actif : rien n'a été effacé. Désactivez-le d'abord avec le mot de passe du jour."
    ),
    refusals.NothingWritten: N_(
        "Rien n'a été changé : le disque n'accepte pas d'écriture. Libérez de la place ou prévenez la personne qui s'occupe de votre informatique."
    ),
    refusals.NotRemembered: N_(
        "C'est fait, mais l'enregistrement sur le disque a échoué : ce sera à refaire au prochain démarrage de l'ordinateur. Libérez de la place ou "
        "prévenez la personne qui s'occupe de votre informatique."
    ),
    refusals.RegisterMissing: N_(
        "Ce poste ne peut pas encore vérifier le mot de passe du jour : contactez l'assistance."
    ),
    refusals.RegisterRefused: N_(
        "Le registre des mots de passe du jour de ce poste est refusé (abîmé, ou établi pour un autre poste) : contactez l'assistance. "
        "Fichier : {path}"
    ),
    refusals.SettingUnknown: N_("Paramètre inconnu : {name}. « iea-agent settings get » en donne la liste."),
    refusals.SettingLocked: N_("Ce paramètre est fixé par votre administrateur : {name}"),
    refusals.ProxyAddressMissing: N_("Saisissez l'adresse du proxy."),
    refusals.ProxyUserMissing: N_("Saisissez le nom qui va avec ce mot de passe."),
    refusals.SecretTooLong: N_("Le mot de passe du proxy est trop long."),
    refusals.SecretMissing: N_("Aucun mot de passe n'a été donné : rien n'a été enregistré."),
    refusals.SecretUnreadable: N_(
        "Le mot de passe contient des caractères de contrôle, ou n'est pas du texte : rien n'a été enregistré. Si un fichier le "
        "contient, enregistrez-le en UTF-8."
    ),
    refusals.SettingsNewer: N_(
        "Le fichier de paramètres vient d'une version plus récente du programme ; il n'a pas été modifié. Installez la dernière version. Fichier : {path}"
    ),
    refusals.SettingsNotWritten: N_(
        "Les paramètres n'ont pas pu être écrits, rien n'a été changé. Libérez de la place sur le disque, ou rétablissez vos droits sur ce fichier : "
        "{path} ({reason})"
    ),
    refusals.FileNotReadable: N_(
        "Ce fichier ne peut pas être lu ; vérifiez les droits de son dossier : {path} ({reason})"
    ),
    refusals.SharedFolderAway: N_(
        "Le dossier partagé des mises à jour n'est pas accessible depuis ce poste : {path} ({reason}). Vérifiez que l'ordinateur qui le partage est allumé."
    ),
    refusals.FileNotWritten: N_(
        "Ce fichier ne peut pas être écrit ; choisissez un autre dossier : {path} ({reason})"
    ),
    refusals.NoIncident: N_("Le carnet de connexion ne contient pas cet incident."),
    refusals.NotInstalled: N_(
        "Windows ne peut démarrer que le programme installé : lancez d'abord son programme d'installation."
    ),
    refusals.AutostartDisabled: N_(
        "Le démarrage avec Windows est désactivé dans le Gestionnaire des tâches : réactivez-y « IEA Agent », parmi les applications de démarrage."
    ),
    refusals.AutostartForAll: N_(
        "Le programme de connexion démarre avec Windows pour tous les utilisateurs de ce poste : seul un administrateur peut le changer."
    ),
    refusals.AutostartForbidden: N_(
        "Une règle de votre administrateur empêche les programmes de démarrer avec Windows sur ce poste."
    ),
    refusals.AutostartNotWritten: N_(
        "Le démarrage avec Windows n'a pas pu être enregistré, rien n'a été changé ({reason}). Réessayez ; si cela continue, prévenez la personne qui "
        "s'occupe de votre informatique."
    ),
    refusals.VersionNotOffered: N_(
        "Cette version n'est pas proposée par le serveur de mise à jour : {version}"
    ),
    refusals.WorkerNotStarted: N_(
        "Le programme n'a pas pu démarrer ce qui reçoit les mises à jour. Réessayez ; si cela continue, redémarrez l'ordinateur."
    ),
    refusals.WindowNotStarted: N_(
        "La fenêtre n'a pas pu s'ouvrir. Réessayez ; si cela continue, redémarrez l'ordinateur. ({reason})"
    ),
    refusals.NoMailProgram: N_(
        "Aucun logiciel de messagerie ne s'est ouvert. Cliquez sur « Copier le message », puis collez-le dans votre messagerie."
    ),
    refusals.NoWindows: N_("Les fenêtres n'existent que sous Windows ; voyez « iea-agent settings --help »."),
}

_NO_FILE = N_("Ce fichier n'existe pas ; vérifiez son nom : {path}")
_NO_TOKEN: Mapping[State, str] = {
    State.CONNECTING: N_(
        "La connexion au serveur est en cours : demandez le jeton de nouveau dans un instant."
    ),
    State.CONNECTED: N_(
        "Aucun jeton n'est valable maintenant : demandez-le de nouveau dans quelques minutes."
    ),
    State.DISCONNECTED: N_("La connexion au serveur n'est pas établie : il n'y a pas de jeton."),
    State.ASSISTANCE: N_("Le mode assistance est actif : il n'y a pas de jeton."),
}
"""Why there is no token, by the state of the connection."""
_UPDATE_STATES: Mapping[str, str] = {
    "none": N_("Aucune mise à jour n'est en cours."),
    "paused": N_("Le téléchargement est en pause."),
    "installing": N_("L'installation est en cours : attendez qu'elle soit terminée."),
    "available": N_("La mise à jour n'est pas encore téléchargée."),
    "withdrawn": N_("Cette version a été retirée par son éditeur : elle n'est plus proposée."),
}
"""Why something is not possible, by the state of the update."""
_OTHER_UPDATE_STATE = N_("Ce n'est pas possible maintenant : voyez où en est la mise à jour.")

_OF_THE_KEY: Mapping[type[Refusal], str] = {
    refusals.SecretTooLong: N_("La clé de licence est trop longue."),
    refusals.SecretMissing: N_("Aucune clé de licence n'a été donnée : rien n'a été enregistré."),
    refusals.SecretUnreadable: N_(
        "La clé de licence contient des caractères de contrôle, ou n'est pas du texte : rien n'a été enregistré. Si un fichier la "
        "contient, enregistrez-le en UTF-8."
    ),
}
"""What is said of the licence key where ``_SENTENCES`` speaks of the proxy's password."""

_MISTYPED: Mapping[str, str] = {
    "empty": N_("Saisissez le mot de passe du jour reçu de l'assistance."),
    "day": N_("Faute de frappe : vérifiez le jour, les deux premiers chiffres."),
    "foreign": N_(
        "Faute de frappe : vérifiez le {nth} caractère de « {part} », il n'existe pas dans un mot de passe du jour."
    ),
    "character": N_("Faute de frappe : vérifiez le {nth} caractère de « {part} »."),
    "characters": N_(
        "Faute de frappe : deux caractères au moins sont faux ou inversés. Recopiez le mot de passe."
    ),
    "word": N_("Faute de frappe : vérifiez le {nth} mot, « {part} »."),
    "words": N_("Faute de frappe : un des mots n'est pas le bon. Vérifiez-les tous."),
}


_ORDINALS: Mapping[int, str] = {1: N_("1er"), 2: N_("2e"), 3: N_("3e"), 4: N_("4e"), 5: N_("5e")}
"""The places that a typing error can have."""


def word_refusal(refusal: Refusal) -> str:
    """Return the sentence for *refusal*."""
    match refusal:
        case refusals.NotNow(event, state):
            # if the table allows the event, an ability is missing
            reason = menu.explain_disabled(BY_NAME[event].event, state, menu.NO_ABILITIES)
            return _("Pas maintenant : {reason}.").format(reason=reason)
        case refusals.AgentHidden(paths):
            return _(
                "Le programme de connexion est démarré, mais rien ne peut l'interroger : aucun de ces dossiers ne peut être écrit. Libérez de la place "
                "sur le disque, ou rétablissez vos droits sur l'un d'eux : {paths}"
            ).format(paths=", ".join(paths))
        case refusals.CannotEnterAssistance(State.ASSISTANCE):
            return _("Le mode assistance est déjà actif.")
        case refusals.CannotEnterAssistance():
            return _(
                "Le mode assistance ne peut être activé qu'après un échec de connexion. Si Impact emploi ne démarre pas, relancez d'abord "
                "l'authentification auprès du serveur."
            )
        case refusals.SettingsInvalid():
            return "\n".join(map(describe_setting_fault, refusal.faults))
        case refusals.ValueInvalid():
            return _("Saisissez {what}.").format(what=_(refusal.expected))
        case refusals.AddressMalformed():
            return _(MALFORMED[refusal.reason])
        case refusals.SettingRefused("licence.key") if type(refusal) in _OF_THE_KEY:
            return _(_OF_THE_KEY[type(refusal)])
        case refusals.ProblemMet(code):
            problem = problems.CATALOGUE[code]
            return f"{_(problem.text)} {_(problem.advice)} ({problem.code})"
    worded = _word_password_refusal(refusal) or _word_version_refusal(refusal)
    return worded or _word_plainly(refusal)


def _word_plainly(refusal: Refusal) -> str:
    """Return the sentence of ``_SENTENCES`` for *refusal*, with its details in words."""
    details = dict(vars(refusal))
    reason = details.get("reason")
    is_missing = isinstance(refusal, refusals.FileNotReadable) and reason == FileNotFoundError.__name__
    if isinstance(reason, str):
        details["reason"] = word_kind(reason)
    return _(_NO_FILE if is_missing else _SENTENCES[type(refusal)]).format(**details)


def _word_password_refusal(refusal: Refusal) -> str:
    """Return the sentence for a refusal of a password that depends on its details."""
    match refusal:
        case refusals.PasswordMistyped():
            return _word_typing_error(refusal)
        case refusals.PasswordForOtherDay():
            sentence = _(
                "Ce mot de passe est celui du {day} ; l'ordinateur indique le {today}. Vérifiez la date de l'ordinateur ou "
                "demandez le mot de passe d'aujourd'hui."
            )
            return sentence.format(day=refusal.day, today=_word_day(refusal.today))
        case refusals.DayNotCovered():
            sentence = _(
                "Ce poste ne connaît pas encore les mots de passe du {day} : contactez l'assistance."
            )
            return sentence.format(day=_word_day(refusal.day))
        case refusals.TooManyTries():
            return _word_wait_reason(refusal.reason)
        case refusals.PasswordWrong():
            sentence = _(
                "Ce n'est pas le mot de passe du jour. Vérifiez-le ou demandez-le de nouveau à l'assistance."
            )
            if refusal.reason is WaitReason.NONE:
                return sentence
            return f"{sentence} {_word_wait_reason(refusal.reason)}"
    return ""


def _word_version_refusal(refusal: Refusal) -> str:
    """Return the sentence for a refusal of a version that depends on its details."""
    match refusal:
        case refusals.VersionNotOffered(""):
            return _("Aucune nouvelle version n'est proposée à ce poste.")
        case refusals.VersionNotAllowed():
            return f"{refusal.version} : {_word_version_reason(refusal.reason)}"
        case refusals.NoToken(state):
            return _(_NO_TOKEN[state])
        case refusals.UpdateNotNow(state):
            return _(_UPDATE_STATES.get(state, _OTHER_UPDATE_STATE))
    return ""


def _word_typing_error(refusal: refusals.PasswordMistyped) -> str:
    if sentence := _MISTYPED.get(refusal.fault):
        return _(sentence).format(nth=_format_ordinal(refusal.position), part=refusal.part)
    if refusal.fault == "word-count":
        return _word_count(refusal.missing)
    sentence = (
        _("Mot de passe incomplet : il a cette forme, {example}, ou le jour suivi de cinq mots.")
        if refusal.missing > 0
        else _("Mot de passe trop long : il a cette forme, {example}, ou le jour suivi de cinq mots.")
    )
    return sentence.format(example="24-29Y7-1GV3-S0Y4")


def _format_ordinal(number: int) -> str:
    return _(_ORDINALS[number]) if number in _ORDINALS else str(number)


def _word_count(missing: int) -> str:
    """Return how many words are missing, or too many if *missing* is negative."""
    sentence = N_(
        "Mot de passe incomplet : il manque {number} mots. Il a cette forme : le jour, puis cinq mots."
    )
    if missing == 1:
        sentence = N_(
            "Mot de passe incomplet : il manque un mot. Il a cette forme : le jour, puis cinq mots."
        )
    elif missing <= 0:
        sentence = N_("Mot de passe trop long : il a cette forme, le jour, puis cinq mots.")
    return _(sentence).format(number=missing)


def _word_day(day: str) -> str:
    return date.fromisoformat(day).strftime(_("%d/%m/%Y"))


def _word_version_reason(reason: str) -> str:
    """Return why a version is not proposed."""
    # imported here, since a window is not kept waiting for what knows the versions
    from iea_agent.domain.update_choice import Reason

    from .update_text import REASONS

    return _(REASONS[Reason(reason)])


def _word_wait_reason(reason: WaitReason) -> str:
    if reason is WaitReason.STOPPED:
        return _(
            "Trop d'essais : contactez l'assistance. La saisie sera de nouveau possible dès que les serveurs répondront."
        )
    return _("Trop d'essais : attendez un peu avant le suivant.")


def word_next_try(seconds: float) -> str:
    """Return when the next password may be tried, *seconds* from now."""
    return _("Nouvel essai possible dans {time}.").format(time=format_wait(seconds))
