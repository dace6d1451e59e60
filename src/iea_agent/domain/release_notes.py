"""The *Lisez-moi* of a version: a small part of Markdown as blocks of text.

Headings, paragraphs, lists, bold; a link becomes its text and its address, and all else, HTML too, stays the text that it is. Nothing here leads
anywhere or is executed. The reader is our own: markdown-it-py would add 155 KB to the program, reads more than this, and takes 0.8 s of a hostile text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

from .printable_text import escape_controls

LARGEST_NOTES = 65_536
"""Bytes of the notes of a version."""
DEEPEST = 3
"""Levels of headings and of lists that are told apart."""
BULLET = "•"
_ITEM = re.compile(r"( *)(?:[-*+]|([0-9]{1,3})[.)]) +(?=\S)")
_RULE = re.compile(r"(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})")
_PIECE = re.compile(
    r"""\\(?P<escaped>[!-/:-@\[-`{-~])
    |(?P<bold>\*\*)
    |!?\[(?P<text>[^\[\]]+)\]\((?P<address>[^()\s]*)\)
    |<(?P<bare>(?:https?://|mailto:)[^<>\s]+)>""",
    re.VERBOSE,
)


class NoteKind(Enum):
    """What a block is."""

    HEADING = "heading"
    PARAGRAPH = "paragraph"
    ITEM = "item"


@dataclass(frozen=True, slots=True)
class NoteRun:
    """A piece of text that is bold or not."""

    text: str
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class NoteBlock:
    """A heading, a paragraph or an item of a list, in *runs*.

    *level* is 1 to ``DEEPEST`` for headings and items, else 0. *mark* stands before an item: a bullet, or « 2. ».
    """

    kind: NoteKind
    runs: tuple[NoteRun, ...]
    level: int = 0
    mark: str = ""

    @property
    def whole_text(self) -> str:
        """The whole text, without bold."""
        return "".join(run.text for run in self.runs)


@dataclass(slots=True)
class _Lines:
    """A block whose lines are still read."""

    kind: NoteKind
    level: int = 0
    mark: str = ""
    parts: list[str] = field(default_factory=list)
    joint: str = ""

    def add(self, line: str) -> None:
        """Add *line*; two blanks or a backslash at its end break the text there."""
        words = line.strip(" ")
        is_broken = line.endswith("  ") or (words.endswith("\\") and not words.endswith("\\\\"))
        self.parts += self.joint, words.removesuffix("\\") if is_broken else words
        self.joint = "\n" if is_broken else " "


def parse_notes(text: str) -> tuple[NoteBlock, ...]:
    """Return the blocks of *text*; whatever it is, it is shown."""
    # what changes a character's direction, or clears a screen, becomes visible
    plain = escape_controls(text[:LARGEST_NOTES].replace("\r\n", "\n").replace("\r", "\n"))
    return tuple(
        NoteBlock(lines.kind, runs, lines.level, lines.mark)
        for lines in _split_blocks(plain.replace("\t", "    ").split("\n"))
        if (runs := tuple(_split_runs("".join(lines.parts))))
    )


def _split_blocks(lines: list[str]) -> Iterator[_Lines]:
    block: _Lines | None = None
    # how far each level of the list is indented
    indents: list[int] = []
    for line in lines:
        words = line.strip(" ")
        item = _ITEM.match(line)
        fresh: _Lines | None = None
        if not words or (words[0] in "-*_" and _RULE.fullmatch(words)):
            pass
        elif words[0] in "#►" and (heading := _read_heading(words)):
            fresh = _Lines(NoteKind.HEADING, heading[0])
            fresh.add(heading[1])
            indents = []
        elif item:
            level = _find_level(indents, len(item[1]))
            fresh = _Lines(NoteKind.ITEM, level, f"{item[2]}." if item[2] else BULLET)
            fresh.add(line[item.end() :])
        elif block is not None and block.kind is not NoteKind.HEADING:
            block.add(line)
            continue
        else:
            fresh = _Lines(NoteKind.PARAGRAPH)
            fresh.add(line)
        if block is not None:
            yield block
        block = fresh
    if block is not None:
        yield block


def _read_heading(words: str) -> tuple[int, str] | None:
    """Return level and text of the heading *words*, None if it is none."""
    if words.startswith("►"):
        # as the publisher's own texts have it
        return 2, words[1:].strip()
    text = words.lstrip("#")
    level = len(words) - len(text)
    if not 1 <= level <= 6 or not text.startswith(" "):
        return None
    return min(level, DEEPEST), text.rstrip("# ").strip()


def _find_level(indents: list[int], indent: int) -> int:
    """Return the level of an item *indent* blanks from the left, and note it."""
    while indents and indents[-1] > indent:
        indents.pop()
    if not indents or indents[-1] < indent:
        indents.append(indent)
    return min(len(indents), DEEPEST)


def _split_runs(text: str) -> Iterator[NoteRun]:
    """Yield the runs of *text*; a mark of bold without its other is text."""
    pieces = list(_PIECE.finditer(text))
    marks = [piece for piece in pieces if piece["bold"]]
    # each mark belongs to the next one, in pairs
    alone = marks[-1].start() if len(marks) % 2 else -1
    parts, end = [""], 0
    for piece in pieces:
        parts[-1] += text[end : piece.start()]
        end = piece.end()
        if piece["bold"] and piece.start() != alone:
            parts.append("")
        else:
            parts[-1] += _show_piece(piece)
    parts[-1] += text[end:]
    for number, part in enumerate(parts):
        if part:
            yield NoteRun(part, is_bold=number % 2 == 1)


def _show_piece(piece: re.Match[str]) -> str:
    """Return what is shown for a *piece*: of a link its text and its address."""
    if piece["escaped"] or piece["bold"]:
        return piece["escaped"] or piece[0]
    if piece["bare"]:
        return piece["bare"].removeprefix("mailto:")
    text, address = piece["text"], piece["address"].removeprefix("mailto:")
    return text if address in ("", text) else f"{text} ({address})"
