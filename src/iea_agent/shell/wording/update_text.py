"""The words for updates: what is on offer, how far a download is."""

from __future__ import annotations

from collections.abc import Mapping

from iea_agent.domain.documents import OfferDocument, UpdatesDocument
from iea_agent.domain.download_plan import Progress
from iea_agent.domain.problems import N_
from iea_agent.domain.update_catalogue import ReleaseKind
from iea_agent.domain.update_choice import Listed, Reason, UpdateChoice
from iea_agent.domain.update_machine import UpdateEffect, UpdateSnapshot, UpdateState
from iea_agent.locale import _

from .balloon_text import Balloon
from .time_text import format_wait

REASONS: Mapping[Reason, str] = {
    Reason.WITHDRAWN: N_("Cette version a été retirée par son éditeur : elle n'est plus proposée."),
    Reason.INSTALLED: N_("Cette version est installée."),
    Reason.OLDER: N_(
        "Cette version est plus ancienne que celle installée : y revenir pourrait rendre vos données illisibles."
    ),
    Reason.ADMINISTRATORS: N_(
        "Le programme de connexion est installé par l'administrateur de ce poste : c'est lui qui le met à jour."
    ),
    Reason.AGENT_TOO_OLD: N_("Le programme de connexion doit d'abord être mis à jour."),
    Reason.WINDOWS_TOO_OLD: N_("Cette version demande un Windows plus récent que celui de ce poste."),
    Reason.PRODUCT_TOO_OLD: N_("Une version intermédiaire d'Impact emploi doit d'abord être installée."),
    Reason.NOT_YET: N_("Cette version est annoncée : elle pourra être installée plus tard."),
    Reason.UNKNOWN_INSTALLED: N_(
        "La version installée n'est pas connue : rien n'est proposé automatiquement, mais vous pouvez demander cette version."
    ),
    Reason.ROLLING_OUT: N_(
        "Cette version est proposée progressivement ; vous pouvez la demander dès maintenant."
    ),
    Reason.QUIET_DAY: N_(
        "Une échéance de déclaration est proche : cette version sera proposée après. Vous pouvez la demander dès maintenant."
    ),
    Reason.PROGRAM_RUNS: N_("Impact emploi est ouvert : cette version sera proposée quand il sera fermé."),
    Reason.SKIPPED: N_("Vous avez choisi d'ignorer cette version ; vous pouvez la demander à tout moment."),
    Reason.PUT_OFF: N_("Vous avez remis cette version à plus tard ; vous pouvez la demander à tout moment."),
    Reason.FAILED_TRIAL: N_(
        "Cette version n'a pas démarré correctement sur ce poste : elle sera proposée de nouveau plus tard."
    ),
}
"""The sentence for each reason."""
INSTALLED_WITHDRAWN = N_(
    "La version installée a été retirée par son éditeur. Installez la suivante dès qu'elle est proposée."
)
_UNITS = (N_("{number} octets"), N_("{number} Ko"), N_("{number} Mo"), N_("{number} Go"))


def word_reasons(reasons: tuple[Reason, ...]) -> str:
    """Return the sentence for the first of *reasons*, "" for none."""
    return _(REASONS[reasons[0]]) if reasons else ""


def format_size(size: float) -> str:
    """Return *size* in bytes as « 14,6 Mo »: in the unit that leaves few digits."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    digits = f"{size:.1f}" if unit and size < 100 else f"{size:.0f}"
    return _(_UNITS[unit]).format(number=digits.replace(".", _(",")))


def word_progress(progress: Progress) -> str:
    """Return how far a download is, as « 75,8 Mo sur 210 Mo, 2,1 Mo/s, encore 1 min »."""
    parts = [
        _("{received} sur {total}").format(
            received=format_size(progress.received), total=format_size(progress.total)
        )
    ]
    if progress.seconds_left is not None:
        parts.append(_("{size}/s").format(size=format_size(progress.rate)))
        parts.append(_("encore {time}").format(time=format_wait(progress.seconds_left)))
    return ", ".join(parts)


def word_verifying(progress: Progress | None) -> str:
    """Return that a file is being verified, and how far that is."""
    if progress is None or not progress.total:
        return _("Vérification du fichier…")
    # in steps: a screen reader reads each
    percent = 25 * (4 * progress.received // progress.total)
    return _("Vérification du fichier… {percent} %").format(percent=percent)


KINDS: Mapping[str, str] = {
    ReleaseKind.PRODUCT.value: N_("Impact emploi"),
    ReleaseKind.AGENT.value: N_("Programme de connexion"),
}


BALLOON_TITLES: Mapping[ReleaseKind, str] = {
    ReleaseKind.PRODUCT: N_("Mise à jour d'Impact emploi"),
    ReleaseKind.AGENT: N_("Mise à jour du programme de connexion"),
}
_BALLOONS: Mapping[UpdateEffect, str] = {
    UpdateEffect.ANNOUNCE_VERSION: N_(
        "La version {version} est disponible. Clic droit sur l'icône, « Gérer les mises à jour »."
    ),
    UpdateEffect.ANNOUNCE_READY: N_(
        "La version {version} est téléchargée et vérifiée. Pour l'installer : clic droit sur l'icône, « Gérer les mises à jour »."
    ),
    UpdateEffect.ANNOUNCE_WITHDRAWAL: N_(
        "La version {version} a été retirée par son éditeur : elle n'est plus proposée."
    ),
}
_INSTALLED = N_("La version {version} est installée.")
_INSTALL_FAILED = N_(
    "L'installation de la version {version} n'a pas abouti. Pour savoir que faire : clic droit sur l'icône, « Gérer les mises à jour »."
)
_DOWNLOAD_FAILED = N_(
    "Le téléchargement de la version {version} n'a pas abouti. Pour réessayer : clic droit sur l'icône, « Gérer les mises à jour ». ({code})"
)


def build_update_balloon(effect: UpdateEffect, kind: ReleaseKind, snapshot: UpdateSnapshot) -> Balloon | None:
    """Return the balloon of an ``ANNOUNCE_…`` effect, None if there is nothing to say.

    The update may have gone on since the effect.
    """
    if not snapshot.version:
        return None
    sentence = _BALLOONS.get(effect, _INSTALLED)
    if effect is UpdateEffect.ANNOUNCE_RESULT and snapshot.state is UpdateState.FAILED:
        sentence = _DOWNLOAD_FAILED if snapshot.code else _INSTALL_FAILED
    body = _(sentence).format(version=snapshot.version, code=snapshot.code)
    return Balloon(_(BALLOON_TITLES[kind]), body)


def word_waiting(kind: ReleaseKind, snapshot: UpdateSnapshot) -> str:
    """Return « Impact emploi 3.00.73, prête à installer », for a line of the status."""
    is_ready = snapshot.state is UpdateState.READY
    sentence = _("{name} {version}, prête à installer") if is_ready else _("{name} {version}, proposée")
    return sentence.format(name=_(KINDS[kind.value]), version=snapshot.version)


def build_updates_document(
    choices: Mapping[ReleaseKind, UpdateChoice], installed: Mapping[ReleaseKind, str]
) -> UpdatesDocument:
    """Return the document of ``update check``: the versions, latest first."""
    return {
        "schema": 1,
        "installed": {kind.value: version for kind, version in installed.items()},
        "withdrawn": [kind.value for kind, choice in choices.items() if choice.is_installed_withdrawn],
        "versions": [_build_offer(listed) for choice in choices.values() for listed in choice.listed],
    }


def _build_offer(listed: Listed) -> OfferDocument:
    release = listed.offer.release
    return {
        "kind": release.kind.value,
        "version": release.version,
        "bytes": listed.offer.file.length,
        "critical": release.critical,
        "proposed": listed.is_proposed,
        "allowed": listed.is_allowed,
        "reasons": [reason.value for reason in listed.reasons],
    }


def render_updates(document: UpdatesDocument) -> str:
    """Return *document* as text: for each kind what is installed and what is on offer."""
    lines = []
    for kind, version in document["installed"].items():
        installed = _("{kind} : version installée {version}")
        lines.append(installed.format(kind=_(KINDS[kind]), version=version or _("inconnue")))
        if kind in document["withdrawn"]:
            lines.append(f"  {_(INSTALLED_WITHDRAWN)}")
        offers = [each for each in document["versions"] if each["kind"] == kind]
        lines += [f"  {_describe_offer(each)}" for each in offers] or [f"  {_('aucune version proposée')}"]
    return "\n".join(lines)


def _describe_offer(offer: OfferDocument) -> str:
    """Return « 3.00.73, 210 Mo : proposée », or why it is not."""
    why = word_reasons(tuple(map(Reason, offer["reasons"]))) or _("cette version vous est proposée.")
    sentence = _("{version}, {size} : {why}")
    return sentence.format(version=offer["version"], size=format_size(offer["bytes"]), why=why)
