"""The page of the demonstration: each instruction of the sheets with its picture."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rig.clerk import Deed
from rig.practical_sheets import Instruction, Section, Sheet


class Played(NamedTuple):
    """What came of one step: its picture, and why it failed."""

    picture: str
    size: tuple[int, int]
    failure: str = ""


_HEAD = """<!doctype html>
<html lang="fr"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Les fiches pratiques, mot à mot</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1d2b3a; background: #f7f9fb }
h1, h2, h3 { font-weight: 600 } h2 { margin-top: 3.5rem; border-top: 1px solid #d5dde5; padding-top: 1.5rem } h3 { margin-top: 2.5rem }
blockquote { margin: 2rem 0 .5rem; padding: .4rem 1rem; border-left: 4px solid #5b87b0; background: #e9eff5; font-size: 1.05em }
.beside { margin: 2rem 0 .5rem; padding: .4rem 1rem; border-left: 4px solid #c8d2dc; color: #54677a }
table { border-collapse: collapse } th, td { text-align: left; vertical-align: top; padding: .1rem 1rem .1rem 0 }
th { font-weight: 400; color: #54677a; white-space: nowrap } a { color: #12509c }
img { max-width: 100%; height: auto; border: 1px solid #c8d2dc; border-radius: 4px; margin: .5rem 0 }
.ok { color: #1c6b37 } .amiss { color: #a61b1b; font-weight: 600 } .left { color: #54677a }
</style>
"""
_INTRODUCTION = (
    "Le programme est d’abord installé avec la vraie installation, dans un Windows neuf ; tout ce qui suit est joué avec le programme installé.",
    "Chaque phrase des fiches pratiques publiées qui concerne la connexion est citée telle qu’elle s’y trouve, puis suivie avec de vrais "
    "clics dans le vrai programme Windows, sous Wine. L’image est prise après. Une phrase sans l’effet que dit la fiche arrête tout, et la "
    "démonstration échoue.",
    "Les serveurs sont ceux du bac à sable, de vrais serveurs TLS sur cette machine : leurs adresses prennent la place de "
    "« https://impact-emploi.urssaf.fr » et de « https://impact-emploi.urssaf.fr/updates ». Un programme du banc d’essai tient lieu d’Impact emploi. Les "
    "images des fiches manquent ici, c’est pourquoi plusieurs phrases finissent par « : ». Des deux « Lisez-moi » est cité ce qui concerne "
    "la connexion.",
)


def render_page(sheets: Sequence[Sheet], played: Mapping[int, Played], seconds: float) -> str:
    """Return the page; *played* has what was played, by the number from 0."""
    steps = [step for sheet in sheets for section in sheet.sections for step in section.steps]
    failures = [number for number, result in played.items() if result.failure]
    counts = f"{_count(len([step for step in steps if step.words]), 'phrase')} des fiches, {_count(len(played), 'étape')} jouées"
    outcome = (
        f'<span class="amiss">échec à l’étape {failures[0] + 1}</span>'
        if failures
        else '<span class="ok">toutes avec l’effet que dit la fiche</span>'
    )
    parts = [
        _HEAD,
        "<h1>Les fiches pratiques, mot à mot</h1>",
        *(f"<p>{escape(text)}</p>" for text in _INTRODUCTION),
    ]
    parts += [f"<p>{counts} : {outcome}. Le tout en {seconds:.0f}\u00a0s.</p>", "<ul>"]
    parts += [
        f'<li><a href="#fiche-{place}">{escape(sheet.title)}</a></li>' for place, sheet in enumerate(sheets)
    ]
    parts.append("</ul>")
    number = 0
    for place, sheet in enumerate(sheets):
        parts.append(f'<h2 id="fiche-{place}">{escape(sheet.title)}</h2>')
        parts += [f"<p>{escape(sheet.heading)}</p>"] if sheet.heading else []
        for section in sheet.sections:
            parts += _render_section(section, number, played)
            number += len(section.steps)
    return "\n".join([*parts, "</html>\n"])


def _render_section(section: Section, first: int, played: Mapping[int, Played]) -> Iterator[str]:
    yield f"<h3>{escape(section.heading)}</h3>"
    for number, step in enumerate(section.steps, first):
        yield from _render_step(number, step, played.get(number))


def _render_step(number: int, step: Instruction, result: Played | None) -> Iterator[str]:
    yield (
        f"<blockquote>{escape(step.words)}</blockquote>"
        if step.words
        else '<p class="beside">Hors des fiches</p>'
    )
    rows = [("Préparé", _join(step.before)), ("Fait", _join(step.deeds))]
    rows += [("À voir", step.sight.text)] if step.sight else []
    rows.append(("Écart avec la fiche" if step.words else "À savoir", step.differs))
    cells = [f"<tr><th>{name}</th><td>{escape(text)}</td></tr>" for name, text in rows if text]
    if cells:
        yield f"<table>{''.join(cells)}</table>"
    if result is not None:
        if result.failure:
            yield f'<p class="amiss">Étape {number + 1}, sans l’effet attendu : {escape(result.failure)}</p>'
        if result.picture:
            width, height = result.size
            words = escape(step.words or _join(step.deeds))
            yield f'<img src="{result.picture}" width="{width}" height="{height}" loading="lazy" alt="{words}">'
    elif step.sight:
        yield '<p class="left">Étape non jouée.</p>'


def _join(deeds: Sequence[Deed]) -> str:
    return " ".join(deed.text for deed in deeds)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


def escape(text: str) -> str:
    """Return French *text* as HTML, with no-break spaces at « » : ; ? and !."""
    return html.escape(re.sub(r"(?<=«) | (?=[»:;?!])", "\u00a0", text))
