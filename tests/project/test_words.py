"""Sentences for people: French typography, plain words, complete English."""

from __future__ import annotations

import gettext
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

from iea_agent.domain import problems
from tools import translations

ROOT = Path(__file__).resolve().parents[2]
AGENT = ROOT / "src" / "iea_agent"
CATALOGUE = AGENT / "locale" / "en" / "LC_MESSAGES" / "iea_agent.mo"

NBSP = "\u00a0"
NARROW = "\u202f"
RULES = {
    "a narrow no-break space": re.compile(NARROW),
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
        "a narrow no-break space": f"Attention{NARROW}!",
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
        for path in (
            *(ROOT / "docs" / name for name in ("guide.md", "declaration.md")),
            *sorted((ROOT / "docs" / "problemes").glob("*.md")),
        )
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


LONGEST = 25
"""Words in one sentence."""
PAGES = [ROOT / "docs" / "guide.md", *sorted((ROOT / "docs" / "problemes").glob("*.md"))]
OUT_OF_PLACE = re.compile(
    r"\b(?:end-?points?|tokens?|sockets?|handshakes?|getaddrinfo|errno|time-?outs?|pars(?:er|ing)s?|buffers?|threads?"
    r"|back-?ends?|payloads?|headers?|tracebacks?|stacks?|issuers?|oauth|oidc|bytes?|bugs?|logs?|requests?)\b",
    re.IGNORECASE,
)
"""Words of engineers. Names of files, commands and settings stand in code, where they are allowed."""


def paragraphs(page: str) -> list[str]:
    """Return the paragraphs, steps and cells of what a clerk reads of *page*.

    That is the page without code, targets of links and the parts for other persons.
    """
    text = re.split(r"^## Pour ", page, flags=re.MULTILINE)[0]
    # what a picture says to who does not see it stands for itself
    text = re.sub(r"!\[([^]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"`[^`]*`", "code", re.sub(r"<!--.*?-->|\]\([^)]*\)", "", text))
    blocks = re.split(r"\n\s*\n|\n(?=\d+\. |- |\||#)", text)
    return [cell for block in blocks for cell in re.sub(r"^(?:\d+\.|-|#+) ", "", block).split("|")]


PROSE = [
    *SENTENCES,
    *(
        (page.name, re.sub(r"[ \n]+", " ", paragraph).strip(" "))
        for page in PAGES
        for paragraph in paragraphs(page.read_text(encoding="utf-8"))
    ),
]
"""What a clerk reads: the sentences of the windows, and the paragraphs of the pages."""


def longest_sentence(text: str) -> int:
    """Return the number of words of the longest sentence of *text*."""
    sentences = re.split(r"(?<=[.!?…])\s+(?=[A-ZÀÉÈÊÇ«*])", text)
    return max(len(re.findall(r"\S*\w\S*", sentence.replace(NBSP, " "))) for sentence in sentences)


def test_sentences_are_short() -> None:
    assert [(place, text) for place, text in PROSE if longest_sentence(text) > LONGEST] == []
    assert longest_sentence("Un. Deux mots\u00a0: trois ! Quatre" + " encore" * LONGEST) == LONGEST + 1


def test_a_clerk_reads_no_word_of_engineers() -> None:
    assert [
        (place, word[0]) for place, text in PROSE if (word := OUT_OF_PLACE.search(NAMES.sub("", text)))
    ] == []
    assert OUT_OF_PLACE.search("Le timeout du token est dépassé.")
    assert not OUT_OF_PLACE.search("Le prologue n’est pas un jeton.")


NAMES = re.compile(r"\{\w+\}|agent\.log|Agent Web|iea-agent|IEA Agent", re.IGNORECASE)
"""Placeholders, and names that are written as they are."""


def test_the_program_is_called_the_connection_program() -> None:
    assert [
        (place, text)
        for place, text in PROSE
        if re.search(r"\bagents?\b", NAMES.sub("", text), re.IGNORECASE)
    ] == []


def test_apostrophes_are_straight_in_the_source_and_typographic_on_the_pages() -> None:
    assert [place for place, sentence in SENTENCES if "’" in sentence] == []
    for page in PAGES:
        assert not re.search(
            r"\w'\w", re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        ), page.name


@pytest.mark.parametrize("rule", RULES)
def test_the_guide_is_set_as_french_is_set(rule: str) -> None:
    assert [text for place, text in PROSE if place == "guide.md" and RULES[rule].search(text)] == []


def test_assistance_mode_is_spoken_of_in_one_way_that_can_be_left_out() -> None:
    compiled = english()
    for problem in problems.CATALOGUE.values():
        assert problem.advice.count(problems.MEANWHILE) == problem.advice.count("mode assistance"), (
            problem.code
        )
        if problem.advice.endswith(problems.MEANWHILE):
            assert compiled.gettext(problem.advice).endswith(" " + compiled.gettext(problems.MEANWHILE)), (
                problem.code
            )
    assert sum(problem.advice.endswith(problems.MEANWHILE) for problem in problems.CATALOGUE.values()) > 10


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
