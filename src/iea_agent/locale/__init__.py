"""The interface's language: French in the source, other languages from compiled catalogues beside this file."""

from __future__ import annotations

import gettext
import os
import sys
from collections.abc import Mapping
from pathlib import Path

DOMAIN = "iea_agent"
LANGUAGES = ("fr", "en")

_translations: gettext.NullTranslations = gettext.NullTranslations()


def choose(language: str) -> None:
    """Speak *language* from now on; one that has no catalogue means French."""
    global _translations
    _translations = gettext.translation(
        DOMAIN, localedir=Path(__file__).parent, languages=[language], fallback=True
    )


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """The person's language: ``IEA_AGENT_LANG`` where set, else the system's display language where we speak it, else French."""
    wanted = environment.get("IEA_AGENT_LANG", "") or _system_language(environment)
    return "en" if wanted.lower().startswith("en") else "fr"


def _system_language(environment: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        import ctypes

        primary = ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF  # PRIMARYLANGID
        return "en" if primary == 0x09 else "fr"
    return environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG", "")


def _(text: str) -> str:
    """*text* in the chosen language."""
    return _translations.gettext(text)
