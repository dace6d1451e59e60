"""The words for settings and secrets: what was changed in them, and what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iea_agent.domain.problems import N_
from iea_agent.domain.settings import LICENCE_KEY, PROXY_PASSWORD, SettingFault
from iea_agent.locale import _

from .problem_details import describe_setting_fault

_TIDIED: Mapping[str, str] = {
    "licence.number": N_("Des espaces ou des caractères invisibles ont été retirés du numéro de licence."),
    LICENCE_KEY: N_("Des espaces ou des caractères invisibles ont été retirés de la clé de licence."),
    "proxy.user": N_("Des espaces ou des caractères invisibles ont été retirés du nom d'utilisateur."),
    PROXY_PASSWORD: N_("Des caractères invisibles ont été retirés du mot de passe du proxy."),
}


def describe_faults(faults: Sequence[SettingFault]) -> str:
    """Return what is refused in settings and policy, a line each below a heading."""
    heading = _(
        "Paramètres refusés ; la dernière valeur valable, ou celle d'origine, est utilisée à leur place :"
    )
    return "\n".join([heading, *(f"  {describe_setting_fault(fault)}" for fault in faults)])


def describe_tidying(name: str) -> str:
    """Return the sentence after ``settings.tidy_typed`` has changed *name*."""
    return _(_TIDIED[name])
