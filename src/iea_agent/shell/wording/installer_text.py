"""The words for an installation: before, meanwhile, and how it ended."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence

from iea_agent.domain import timing
from iea_agent.domain.installer_result import NO_CODE, InstallReport, InstallResult
from iea_agent.domain.problems import N_
from iea_agent.domain.update_catalogue import Release, ReleaseKind
from iea_agent.locale import _

from .time_text import format_duration, format_wait
from .update_text import KINDS

_RESULTS: Mapping[InstallResult, str] = {
    InstallResult.DONE: N_("{product} {version} est installé."),
    InstallResult.RESTART: N_(
        "{product} {version} est installé. Redémarrez ce poste dès que cela vous convient : l'installation se terminera alors. Ce programme ne le "
        "redémarre jamais de lui-même."
    ),
    InstallResult.RESTART_FIRST: N_(
        "L'installation de {product} {version} demande un redémarrage de ce poste. Enregistrez votre travail, puis redémarrez : la nouvelle version "
        "n'est pas confirmée avant."
    ),
    InstallResult.UNCONFIRMED: N_(
        "Le programme d'installation s'est terminé sans erreur, mais {product} {version} n'a pas été trouvé ensuite. L'installation n'est donc pas "
        "confirmée. {present} Réessayez ; si cela se reproduit, écrivez à l'assistance."
    ),
    InstallResult.BUSY: N_(
        "Une autre installation est en cours sur ce poste. Rien n'est perdu : un nouvel essai a lieu dans {wait}."
    ),
    InstallResult.BUSY_TOO_LONG: N_(
        "Une autre installation occupe toujours ce poste. Laissez-la se terminer ou redémarrez ce poste, puis relancez l'installation : le fichier "
        "vérifié reste sur ce poste."
    ),
    InstallResult.RIGHTS_REFUSED: N_(
        "L'installation demande les droits d'administrateur de ce poste, et ils n'ont pas été accordés. Rien n'a été modifié, et le fichier vérifié "
        "reste sur ce poste. Réessayez, ou préparez la commande pour la personne qui administre ce poste."
    ),
    InstallResult.CANCELLED: N_(
        "L'installation a été annulée. Le fichier vérifié reste sur ce poste : vous pouvez la relancer à tout moment."
    ),
    InstallResult.PROGRAM_OPEN: N_(
        "Fermez d'abord {programs}, puis relancez l'installation. Rien n'a été fermé à votre place."
    ),
    InstallResult.NEWER_THERE: N_(
        "Ce poste a déjà une version plus récente ({installed}) : {product} {version} n'a pas été installé, car vos données pourraient devenir "
        "illisibles."
    ),
    InstallResult.FILE_LOST: N_(
        "Le fichier reçu a disparu, ou n'est plus celui qui avait été vérifié : il n'a pas été lancé. Téléchargez de nouveau cette version."
    ),
    InstallResult.NOT_STARTED: N_(
        "Windows n'a pas lancé le programme d'installation{code}. Rien n'a été modifié. Réessayez ; si cela se reproduit, écrivez à l'assistance."
    ),
    InstallResult.FAILED: N_(
        "L'installation de {product} {version} a échoué{code}. {present} Réessayez ; si cela se reproduit, écrivez à l'assistance."
    ),
    InstallResult.STILL_RUNNING: N_("L'installation est toujours en cours. Elle continue d'elle-même."),
}
_ANTIVIRUS = N_(
    "L'antivirus de ce poste a empêché l'installation. Le fichier est bien celui que l'éditeur a signé : montrez ce message à la personne qui "
    "administre ce poste."
)
_FORBIDDEN = N_(
    "Une règle de ce poste interdit de lancer ce programme d'installation. Montrez ce message à la personne qui administre ce poste."
)
# winerror.h: VIRUS_INFECTED, VIRUS_DELETED, ACCESS_DENIED, ACCESS_DISABLED_BY_POLICY
_NOT_STARTED: Mapping[int, str] = {225: _ANTIVIRUS, 226: _ANTIVIRUS, 5: _FORBIDDEN, 1260: _FORBIDDEN}
"""The sentence for an error of Windows that tells more than « not started »."""


def word_result(report: InstallReport, kind: ReleaseKind = ReleaseKind.PRODUCT) -> str:
    """Return how an installation ended, and what to do."""
    sentence = _RESULTS[report.result]
    if report.result is InstallResult.NOT_STARTED:
        sentence = _NOT_STARTED.get(report.exit_code, sentence)
    words = _(sentence).format(
        product=_(KINDS[kind.value]),
        version=report.version,
        installed=report.installed,
        present=_word_present(report),
        programs=_(" et ").join(report.open_programs),
        code=_word_code(report),
        wait=format_wait(timing.INSTALLER_BUSY),
    )
    if report.log_file and report.result in (InstallResult.FAILED, InstallResult.UNCONFIRMED):
        return f"{words} {_('Journal : {path}').format(path=report.log_file)}"
    return words


def _word_code(report: InstallReport) -> str:
    if report.exit_code == NO_CODE:
        return ""
    return f" {_('(code {code})').format(code=report.exit_code)}"


def _word_present(report: InstallReport) -> str:
    if not report.installed:
        return _("Aucune version n'a été trouvée.")
    return _("La version présente est {version}.").format(version=report.installed)


def word_history(report: InstallReport) -> tuple[str, str]:
    """Return the two lines of the history: the installer's end, and the version found."""
    if report.exit_code == NO_CODE:
        ended = _("Programme d'installation : sa fin n'a pas été observée")
    else:
        ended = _("Programme d'installation : code {code}").format(code=report.exit_code)
    if report.seconds:
        ended = _("{ended}, en {duration}").format(ended=ended, duration=format_duration(report.seconds))
    return ended, _("Version trouvée ensuite : {version}").format(version=report.installed or _("aucune"))


def word_preparation(
    release: Release, open_programs: Sequence[str], needs_rights: bool, last_seconds: float
) -> tuple[str, ...]:
    """Return what a person reads before *release* is installed, one sentence each."""
    lines = []
    if open_programs:
        lines.append(_("À fermer d'abord : {programs}.").format(programs=_(" et ").join(open_programs)))
    if release.kind is ReleaseKind.PRODUCT:
        lines.append(
            _("Faites d'abord une sauvegarde de vos données, comme avant chaque mise à jour d'Impact emploi.")
        )
    elif not needs_rights:
        lines.append(
            _(
                "Cette version s'installe d'elle-même à un moment calme, une fois cette fenêtre fermée. Vous pouvez aussi l'installer maintenant : l'icône "
                "disparaît quelques secondes."
            )
        )
    if needs_rights:
        lines.append(_("Windows demandera les droits d'administrateur de ce poste."))
    if last_seconds:
        duration = format_duration(last_seconds)
        lines.append(_("La dernière installation a duré {duration}.").format(duration=duration))
    if release.signer:
        lines.append(
            _(
                "Le fichier est celui que l'éditeur des mises à jour a signé : cela est vérifié. Sa propre signature, au nom de « {signer} », ne l'est pas "
                "par ce programme : "
                "Windows affiche ce nom quand il demande votre accord."
            ).format(signer=release.signer)
        )
    return tuple(lines)


STAGES: Mapping[str, str] = {
    "checking": N_("Vérification du fichier…"),
    "running": N_("Installation en cours… Répondez aux questions de sa fenêtre, s'il y en a."),
    "running-long": N_(
        "L'installation est toujours en cours. Une de ses fenêtres attend peut-être une réponse ; ne l'interrompez pas autrement."
    ),
}
"""The sentence for each stage, by its value."""


def word_stage(stage: str) -> str:
    """Return the sentence for the *stage* of an installation."""
    return _(STAGES[stage])


def administrator_command(program: str, version: str) -> str:
    """Return the command that an administrator types for *version*.

    *program* is the complete path of the program with a console. It fetches and verifies the file itself: one in a clerk's folder may
    have become another.
    """
    return subprocess.list2cmdline([program, "update", "install", "--version", version])
