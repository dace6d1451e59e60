"""The texts of the balloons above the icon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

from iea_agent.domain.deadline_check import Obstacle
from iea_agent.domain.diagnosis import AnyNotice, Interception, OutdatedVersion, PendingChange, VersionReturn
from iea_agent.domain.machine import Effect, Snapshot, State
from iea_agent.domain.problems import FOLDER_UNUSABLE, INTERNAL_ERROR, N_, Problem
from iea_agent.locale import _
from iea_agent.shell.wording.state_text import EXPLANATIONS
from iea_agent.shell.wording.time_text import format_date, format_since


@dataclass(frozen=True, slots=True)
class Balloon:
    """A notice above the icon."""

    title: str
    body: str


_ANNOUNCEMENTS = {
    Effect.ANNOUNCE_RECOVERY: (N_("Connexion au serveur rétablie"), EXPLANATIONS[State.CONNECTED]),
    Effect.ANNOUNCE_ASSISTANCE: (
        N_("Le mode assistance est toujours actif"),
        N_(
            "Il est actif {since}. Pour le désactiver : clic droit sur l'icône, « Demande de support technique »."
        ),
    ),
    Effect.ANNOUNCE_EXPIRY: (
        N_("Le mode assistance est terminé"),
        N_("Sa durée maximale est atteinte ; l'authentification est relancée."),
    ),
    Effect.ANNOUNCE_SERVERS_ANSWER: (
        N_("Les serveurs répondent de nouveau"),
        N_("Demandez le mot de passe du jour à l'assistance pour désactiver le mode assistance."),
    ),
}
"""Title and text of each announcement about no problem."""


def build_announcement_balloon(kind: Effect, snapshot: Snapshot) -> Balloon:
    """Return the balloon of an ``ANNOUNCE_…`` effect or of ``ANSWER_PERSON``."""
    if kind in _ANNOUNCEMENTS:
        title, body = _ANNOUNCEMENTS[kind]
        return Balloon(_(title), _(body).format(since=format_since(snapshot.since, 0.0)))
    if snapshot.problem is not None:
        # short: a notification shows two or three lines; the status window has room for the rest
        advice = _("Cliquez sur l'icône pour savoir que faire.")
        return Balloon(_(snapshot.problem.title), f"{advice} ({snapshot.problem.code})")
    return Balloon(_("Connexion au serveur réussie"), _(EXPLANATIONS[snapshot.state]))


def build_launch_failure_balloon(program: str) -> Balloon:
    """Return the balloon for an Impact emploi that did not start."""
    return Balloon(
        _("Impact emploi n'a pas pu être lancé"),
        _("Le logiciel n'a pas été trouvé ou ne démarre pas : {program}").format(program=program),
    )


def build_folders_balloon(folders: Sequence[PurePath]) -> Balloon:
    """Return the balloon for folders of the agent that cannot be written."""
    names = ", ".join(str(folder) for folder in folders)
    body = _("Le disque est plein, ou ce dossier est protégé : {folder}. La connexion n'en dépend pas.")
    return Balloon(_(FOLDER_UNUSABLE.title), f"{body.format(folder=names)} ({FOLDER_UNUSABLE.code})")


def build_window_failure_balloon(reason: str) -> Balloon:
    """Return the balloon for a window that did not open."""
    return Balloon(
        _("La fenêtre n'a pas pu s'ouvrir"),
        _("Réessayez ; si cela continue, redémarrez l'ordinateur. ({reason})").format(reason=reason),
    )


def build_notice_balloon(notice: AnyNotice) -> Balloon:
    """Return the balloon for what the status window has under « À noter »."""
    if isinstance(notice, VersionReturn):
        return Balloon(
            _("Retour à la version précédente"),
            _(
                "La version {failed} du programme de connexion ne fonctionnait pas sur ce poste. Vous n'avez rien à faire."
            ).format(failed=notice.failed),
        )
    if isinstance(notice, PendingChange):
        return Balloon(
            _("Ce poste n'atteint pas encore le futur serveur"),
            _("Il changera le {date}. Cliquez sur l'icône pour savoir quoi faire.").format(
                date=format_date(notice.begins)
            ),
        )
    if isinstance(notice, OutdatedVersion):
        return Balloon(_("Une mise à jour est nécessaire"), _("Cliquez sur l'icône pour en savoir plus."))
    title = _("La licence est envoyée à une autre adresse")
    if isinstance(notice, Interception):
        title = _("Un antivirus ou un filtre lit la connexion")
    return Balloon(title, _("Cliquez sur l'icône pour en savoir plus."))


_OBSTACLES = {
    Obstacle.SERVER: N_("Le test d'un serveur a échoué. Cliquez sur l'icône, puis sur « Trouver la panne »."),
    Obstacle.ASSISTANCE: N_("Le mode assistance est actif. Demandez le mot de passe du jour à l'assistance."),
    Obstacle.CLOCK: N_("L'heure de cet ordinateur est fausse. Réglez-la dans les paramètres de Windows."),
    Obstacle.CERTIFICATE: N_("Le certificat d'un serveur expire bientôt. Prévenez l'assistance."),
    Obstacle.ISSUER: N_(
        "Le certificat d'un serveur vient d'un autre émetteur qu'avant. Faites le test des serveurs."
    ),
    Obstacle.REGISTER: N_("Ce poste ne connaîtra plus les mots de passe du jour. Prévenez l'assistance."),
    Obstacle.UPDATE: N_("Une mise à jour attend."),
}


def build_deadline_balloon(obstacle: Obstacle, due: date) -> Balloon:
    """Return the balloon for what may stand in the way on the *due* date."""
    title = _("À voir avant l'échéance du {date}").format(date=due.strftime(_("%d/%m/%Y")))
    return Balloon(title, _(_OBSTACLES[obstacle]))


def build_crash_balloon() -> Balloon:
    """Return the balloon for an agent that had crashed twice and was started again."""
    body = _(
        "Une erreur l'a arrêté deux fois de suite ; il fonctionne de nouveau. Si cela recommence, prévenez l'assistance."
    )
    return Balloon(_("Le programme de connexion s'était arrêté"), f"{body} ({INTERNAL_ERROR.code})")


def build_problem_balloon(problem: Problem) -> Balloon:
    """Return the balloon for a problem that the status window does not show."""
    return Balloon(_(problem.title), f"{_(problem.advice)} ({problem.code})")
