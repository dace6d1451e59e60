"""Sentences for people: French typography and a complete English catalogue."""

from __future__ import annotations

import gettext
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from tools import translations

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "src" / "iea_agent"
CATALOGUE = AGENT / "locale" / "en" / "LC_MESSAGES" / "iea_agent.mo"

NBSP = "\u00a0"
RULES = {
    "an ordinary space before ; : ? ! » or %": re.compile(r" (?:[;?!»]|:(?=\s|$)|%(?![A-Za-z]))"),
    "no space before ; ? ! or »": re.compile(r"\w[;?!»]"),
    "no no-break space after «": re.compile(f"«(?!{NBSP})"),
    "straight double quotes": re.compile('"'),
    "three dots": re.compile(r"\.\.\."),
    "an ordinary space between hours and minutes": re.compile(r"%[HMS] (?:h|min|s)\b"),
}


SENTENCES = list(translations.find_sentences())


def test_there_are_sentences() -> None:
    assert len(SENTENCES) > 200


@pytest.mark.parametrize("rule", RULES)
def test_french_is_set_as_french_is_set(rule: str) -> None:
    wrong = [(place, sentence) for place, sentence in SENTENCES if RULES[rule].search(sentence)]
    assert wrong == []


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_of_typography_can_fail(rule: str) -> None:
    wrong = {
        "an ordinary space before ; : ? ! » or %": "Attention !",
        "no space before ; ? ! or »": "Attention!",
        "no no-break space after «": "« Quitter\u00a0»",
        "straight double quotes": 'le bouton "Quitter"',
        "three dots": "Patience...",
        "an ordinary space between hours and minutes": "%H h %M",
    }
    assert RULES[rule].search(wrong[rule])
    assert not RULES[rule].search(
        "«\u00a0Quitter\u00a0»\u00a0: attention\u00a0! https://a.fr:80, %H\u00a0h\u00a0%M…"
    )


ONE_WORDING = {
    "la personne qui s’occupe de votre informatique": re.compile(
        r"informaticien|(?:service|responsable|prestataire|support|correspondant) informatique|votre DSI\b"
        r"|s’occupe (?:de (?:la|l’|vos|votre (?!informatique))|du (?:réseau|parc))",
        re.IGNORECASE,
    )
}
"""Who or what has one name wherever a clerk reads of it, and what would be another: in a small association it is seldom a professional."""
READ = [
    *((place, sentence.replace("'", "’")) for place, sentence in SENTENCES),
    *(
        (path.relative_to(ROOT).as_posix(), " ".join(path.read_text(encoding="utf-8").split()))
        for path in (ROOT / "docs" / "guide.md", *sorted((ROOT / "docs" / "problemes").glob("*.md")))
    ),
]


@pytest.mark.parametrize("wording", ONE_WORDING)
def test_one_thing_has_one_name(wording: str) -> None:
    assert [(place, other[0]) for place, text in READ if (other := ONE_WORDING[wording].search(text))] == []
    assert sum(wording in text for _, text in READ) > 50


@pytest.mark.parametrize(
    "other", ["prévenez votre informaticien", "votre service informatique", "qui s’occupe de votre réseau"]
)
def test_another_name_would_be_seen(other: str) -> None:
    assert all(pattern.search(other) for pattern in ONE_WORDING.values())
    assert not any(pattern.search(f"montrez-la à {wording}.") for wording, pattern in ONE_WORDING.items())


def placeholders(text: str) -> set[str]:
    """Return the names between braces, and strftime's letters."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name} | set(
        re.findall("%[A-Za-z]", text)
    )


class Untranslated(gettext.NullTranslations):
    """The fallback for a sentence without English: no text."""

    def gettext(self, _message: str) -> str:
        return ""


def english() -> gettext.GNUTranslations:
    """Return the compiled catalogue; it gives "" for a sentence without English."""
    with CATALOGUE.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    catalogue.add_fallback(Untranslated())
    return catalogue


def test_every_sentence_has_its_english() -> None:
    compiled = english()
    missing = sorted({sentence for _, sentence in SENTENCES if not compiled.gettext(sentence)})
    assert missing == [], "run tools/translations.py and write the missing English"


def test_a_translation_keeps_its_placeholders_and_its_underlined_letter() -> None:
    compiled = english()
    for place, sentence in SENTENCES:
        translation = compiled.gettext(sentence)
        assert placeholders(translation) == placeholders(sentence), place
        assert ("&" in translation) is ("&" in sentence), place
        assert not re.search(r"[«»]| [;:?!]", translation), f"{place}: French typography in English"
        assert sentence.endswith("…") is translation.endswith("…"), place


@pytest.mark.linux  # Babel is not installed inside the Windows Python
def test_the_catalogue_is_in_step_with_the_source() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "translations.py", "--check"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
