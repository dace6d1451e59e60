"""A page to print: one HTML file that needs nothing else, or the same as text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from iea_agent.locale import _

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
.note {{ border-left: 4px solid #767676; padding-left: .8rem; }}
@media print {{ body {{ margin: 0; max-width: none; font-size: 10pt; }} h2 {{ break-after: avoid; }} }}
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
    """A page with its *title*, a *note* below it, and its parts."""

    title: str
    note: str
    sections: tuple[PagePart, ...]


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


def render_text(page: PrintedPage) -> str:
    """Return *page* as text, for a console or a ticket."""
    pair = _("{name} : {what}")
    lines = [page.title, "", page.note]
    for section in page.sections:
        lines += ["", section.heading]
        lines += [f"  {pair.format(name=name, what=value)}" for name, value in section.pairs]
        lines += [f"  {line}" for line in section.lines]
    return "\n".join(lines)
