"""The *Lisez-moi* of a version, and the history, as the text of a window."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from iea_agent.domain.release_notes import NoteBlock, NoteKind, NoteRun
from iea_agent.locale import _

from .problem_details import BULLET
from .time_text import format_moment

SCALES = (1.45, 1.2, 1.05)
"""How much larger than the text a heading of each level is."""


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a part of a text looks: larger by *scale*, bold, *indent* levels in."""

    scale: float = 1.0
    is_bold: bool = False
    indent: int = 0


@dataclass(frozen=True, slots=True)
class StyledPart:
    """The characters from *start* to before *end*, and their style."""

    start: int
    end: int
    style: TextStyle


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text, and the parts of it that do not look like the rest."""

    text: str = ""
    parts: tuple[StyledPart, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """A version of *product* that was installed *at* a time (wall clock), and how.

    *before* is the version that was there, "" if unknown. *lines* say how it went.
    """

    at: float
    product: str
    version: str
    before: str
    lines: tuple[str, ...]


def compose_notes(blocks: Sequence[NoteBlock]) -> StyledText:
    """Return *blocks* as they are read: a blank line before all that is no item."""
    pieces: list[tuple[str, TextStyle]] = []
    for number, block in enumerate(blocks):
        if number:
            is_list = block.kind is NoteKind.ITEM and blocks[number - 1].kind is NoteKind.ITEM
            pieces.append(("\n" if is_list else "\n\n", TextStyle()))
        pieces += _style_block(block)
    return _join(pieces)


def _style_block(block: NoteBlock) -> Iterable[tuple[str, TextStyle]]:
    if block.kind is NoteKind.HEADING:
        return [(block.whole_text, TextStyle(SCALES[block.level - 1], is_bold=True))]
    mark = f"{draw_mark(block)}\N{NO-BREAK SPACE}" if block.mark else ""
    runs = (NoteRun(mark), *block.runs) if mark else block.runs
    return [(run.text, TextStyle(is_bold=run.is_bold, indent=block.level)) for run in runs]


def draw_mark(block: NoteBlock) -> str:
    """Return what stands before an item: another bullet at each level."""
    return block.mark if block.mark[0].isdigit() else "•–·"[block.level - 1]


def compose_history(entries: Sequence[HistoryEntry], now: float) -> StyledText:
    """Return *entries*, the latest first, as they are read at *now*."""
    pieces: list[tuple[str, TextStyle]] = []
    for entry in entries:
        pieces.append((f"{name_entry(entry)}\n", TextStyle(SCALES[-1], is_bold=True)))
        lines = (format_moment(entry.at, now).capitalize(), *(f"{BULLET}{line}" for line in entry.lines))
        pieces.append(("\n".join(lines) + "\n\n", TextStyle()))
    return _join(pieces[:-1] + [(text.rstrip(), style) for text, style in pieces[-1:]])


def name_entry(entry: HistoryEntry) -> str:
    """Return « Impact emploi : 3.00.72 → 3.00.73 »."""
    change = f"{entry.before} → {entry.version}" if entry.before else entry.version
    return _("{name} : {what}").format(name=entry.product, what=change)


def _join(pieces: Iterable[tuple[str, TextStyle]]) -> StyledText:
    text, parts = "", []
    for piece, style in pieces:
        if style != TextStyle():
            parts.append(StyledPart(len(text), len(text) + len(piece), style))
        text += piece
    return StyledText(text, tuple(parts))


def find_words(text: str, words: str, start: int) -> tuple[int, int] | None:
    """Return where *words* come next in *text*, from *start* on and then from the top.

    Capitals and accents do not count: a person may type « securite ». None if they are nowhere.
    """
    folded, wanted = _fold(text), _fold(" ".join(words.split()))
    if not wanted:
        return None
    place = folded.find(wanted, start)
    if place < 0:
        place = folded.find(wanted)
    return None if place < 0 else (place, place + len(wanted))


def _fold(text: str) -> str:
    """Return *text* without capitals and accents, every character in its place."""
    return "".join(map(_fold_character, text))


def _fold_character(character: str) -> str:
    if character.isspace():
        return " "
    base = unicodedata.normalize("NFD", character)[0].lower()
    return base if len(base) == 1 else character
