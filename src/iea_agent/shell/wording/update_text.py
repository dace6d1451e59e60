"""The words for updates: why a version is not proposed, how far a download is."""

from __future__ import annotations

from collections.abc import Mapping

from iea_agent.domain.download_plan import Progress
from iea_agent.domain.problems import N_
from iea_agent.domain.update_choice import Reason
from iea_agent.locale import _

from .time_text import format_wait

REASONS: Mapping[Reason, str] = {
    Reason.WITHDRAWN: N_("Cette version a été retirée par son éditeur : elle n'est plus proposée."),
    Reason.INSTALLED: N_("Cette version est installée."),
    Reason.OLDER: N_(
        "Cette version est plus ancienne que celle installée : y revenir pourrait rendre vos données illisibles."
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
    """Return *size* in bytes as « 14,6 Mo »: in the unit that leaves few digits."""
    unit = 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size, unit = size / 1000, unit + 1
    digits = f"{size:.1f}" if unit and size < 100 else f"{size:.0f}"
    return _(_UNITS[unit]).format(number=digits.replace(".", _(",")))


def word_progress(progress: Progress) -> str:
    """Return how far a download is, as « 75,8 Mo sur 210 Mo, 2,1 Mo/s, encore 1 min »."""
    parts = [
        _("{received} sur {total}").format(
            received=format_size(progress.received), total=format_size(progress.total)
        )
    ]
    if progress.seconds_left is not None:
        parts.append(_("{size}/s").format(size=format_size(progress.rate)))
        parts.append(_("encore {time}").format(time=format_wait(progress.seconds_left)))
    return ", ".join(parts)
