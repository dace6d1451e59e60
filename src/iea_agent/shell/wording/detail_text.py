"""The technical detail of a failure in words: what the system said, its number."""

from __future__ import annotations

import re
from collections.abc import Mapping

from iea_agent.domain.problems import N_
from iea_agent.locale import _

_SYSTEM_ERROR = re.compile(r"(?:\w+\.)*(\w+): \[(?:Errno|WinError) (-?\d+)\][^\n]*")
"""An error of the system as Python writes it: kind, number, and English or nothing useful."""
_KINDS: Mapping[str, str] = {
    "ConnectionRefusedError": N_("connexion refusée"),
    "ConnectionResetError": N_("connexion interrompue par l'autre côté"),
    "ConnectionAbortedError": N_("connexion abandonnée"),
    "BrokenPipeError": N_("connexion interrompue par l'autre côté"),
    "TimeoutError": N_("délai dépassé"),
    "gaierror": N_("nom introuvable"),
    "PermissionError": N_("accès refusé"),
    "FileNotFoundError": N_("fichier introuvable"),
    "OSError": N_("erreur du système"),
}
_PLAIN: Mapping[str, str] = {
    "ConnectTimeout": N_("délai de connexion dépassé"),
    "ReadTimeout": N_("délai de réponse dépassé"),
    "no metadata below the address": N_("pas d'informations de mise à jour à cette adresse"),
    "Date header": N_("heure donnée par le serveur"),
}
"""Details that are one of our own or the library's words."""
FIRST_WINDOWS_ERROR = 10_000
"""The numbers of Windows' network errors begin here (winsock.h, WSABASEERR)."""


def word_detail(detail: str) -> str:
    """Return *detail* in the reader's language as far as it is known, with its codes."""
    if detail in _PLAIN:
        return _(_PLAIN[detail])
    error = _SYSTEM_ERROR.match(detail)
    if error is None or error[1] not in _KINDS:
        return detail
    system = "Windows" if int(error[2]) >= FIRST_WINDOWS_ERROR else "Errno"
    return f"{_(_KINDS[error[1]])} ({system} {error[2]}){detail[error.end() :]}"
