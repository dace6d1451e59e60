"""A page to print: one HTML file that needs nothing else, or the same as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from iea_agent.domain.release_notes import NoteBlock, NoteKind
from iea_agent.locale import _

from .notes_text import compose_notes, draw_mark

_PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 11pt/1.4 "Segoe UI", sans-serif; max-width: 46rem; margin: 1.5rem auto; padding: 0 1rem; color: #111; background: #fff; }}
h1 {{ font-size: 1.4rem; margin: 0 0 .3rem; }}
h2 {{ font-size: 1.05rem; margin: 1rem 0 .3rem; border-bottom: 1px solid #767676; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .1rem .8rem .1rem 0; overflow-wrap: anywhere; }}
th {{ font-weight: normal; width: 34%; }}
p, ul {{ margin: .3rem 0; }}
h3, h4 {{ font-size: 1rem; margin: .8rem 0 .2rem; }}
.items {{ list-style: none; padding: 0; }}
.items li {{ margin: .2rem 0; text-indent: -1rem; }}
.note {{ border-left: 4px solid #767676; padding-left: .8rem; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 10pt; }} h2, h3, h4 {{ break-after: avoid; }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class PagePart:
    """One part: pairs of a name and its value, then paragraphs."""

    heading: str
    pairs: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrintedPage:
    """A page with its *title*, a *note* below it, its parts, and a *Lisez-moi*."""

    title: str
    note: str
    sections: tuple[PagePart, ...] = ()
    blocks: tuple[NoteBlock, ...] = ()


def render_html(page: PrintedPage) -> str:
    """Return *page* as HTML; whatever a server said in it is text."""
    return _PAGE.format(
        # the code of the language itself is translated
        language=_("fr"),
        title=escape(page.title),
        body="\n".join(_list_elements(page)),
    )


def _list_elements(page: PrintedPage) -> Iterator[str]:
    yield f'<p class="note">{escape(page.note)}</p>'
    for section in page.sections:
        yield f"<h2>{escape(section.heading)}</h2>"
        if section.pairs:
            rows = (
                f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
                for name, value in section.pairs
            )
            yield "<table>\n" + "\n".join(rows) + "\n</table>"
        yield from (f"<p>{escape(line)}</p>" for line in section.lines)
    for is_list, blocks in groupby(page.blocks, lambda block: block.kind is NoteKind.ITEM):
        elements = "\n".join(map(_render_block, blocks))
        yield f'<ul class="items">\n{elements}\n</ul>' if is_list else elements


def _render_block(block: NoteBlock) -> str:
    """Return *block* as an element; the page's own title is above its headings."""
    text = "".join(
        f"<strong>{escape(run.text)}</strong>" if run.is_bold else escape(run.text) for run in block.runs
    ).replace("\n", "<br>")
    match block.kind:
        case NoteKind.HEADING:
            return f"<h{block.level + 1}>{text}</h{block.level + 1}>"
        case NoteKind.ITEM:
            return f'<li style="margin-left: {1.2 * block.level:.1f}rem">{draw_mark(block)}&nbsp;{text}</li>'
    return f"<p>{text}</p>"


def render_text(page: PrintedPage) -> str:
    """Return *page* as text, for a console or a ticket."""
    pair = _("{name} : {what}")
    lines = [page.title, "", page.note]
    for section in page.sections:
        lines += ["", section.heading]
        lines += [f"  {pair.format(name=name, what=value)}" for name, value in section.pairs]
        lines += [f"  {line}" for line in section.lines]
    if page.blocks:
        lines += ["", compose_notes(page.blocks).text]
    return "\n".join(lines)
