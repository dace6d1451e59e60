"""The language of the interface.

French stands in the source; compiled catalogues beside this file hold the other languages.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping

DOMAIN = "iea_agent"
LANGUAGES = ("fr", "en")
_APOSTROPHE = re.compile(r"(?<=\w)'(?=[^\W_]|[&{«“])")
"""An apostrophe of the source: after a letter, before a letter, a value or a quotation. Quotes around a value stay straight."""

_speak: Callable[[str], str] = str
_replaced = ""
_find_replacement: Callable[[], str] = str


def choose(language: str) -> None:
    """Speak *language* from now on; a language without a catalogue means French."""
    global _speak
    if language == "fr":  # the source's own: the icon need not wait for gettext
        _speak = str
        return
    import gettext

    folder = os.path.dirname(__file__)
    _speak = gettext.translation(DOMAIN, localedir=folder, languages=[language], fallback=True).gettext


def current_language() -> str:
    """Return "fr" or "en": the language that is spoken."""
    return "fr" if _speak is str else "en"


def replace_in_sentences(text: str, find: Callable[[], str]) -> None:
    """Have what *find* returns stand in every sentence in place of *text*."""
    global _replaced, _find_replacement
    _replaced, _find_replacement = text, find


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return "fr" or "en": ``IEA_AGENT_LANG``, else the system's language, else "fr"."""
    wanted = environment.get("IEA_AGENT_LANG", "") or _system_language(environment)
    return "en" if wanted.lower().startswith("en") else "fr"


def _system_language(environment: Mapping[str, str]) -> str:
    if sys.platform == "win32":
        import ctypes

        primary = ctypes.windll.kernel32.GetUserDefaultUILanguage() & 0x3FF  # PRIMARYLANGID
        return "en" if primary == 0x09 else "fr"
    return environment.get("LC_ALL") or environment.get("LC_MESSAGES") or environment.get("LANG", "")


def _(text: str) -> str:
    """Return *text* in the chosen language, with typographic apostrophes.

    To be called before ``format``: what is filled in stays as it is.
    """
    if not text:
        # gettext keeps the head of its catalogue there
        return ""
    sentence = _APOSTROPHE.sub("’", _speak(text))
    if _replaced and _replaced in sentence:
        sentence = sentence.replace(_replaced, _find_replacement())
    return sentence
