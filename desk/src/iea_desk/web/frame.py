"""What every page has: its head, the way to the other pages, and its foot."""

from __future__ import annotations

from iea_desk.case_text import typeset
from iea_desk.web.markup import Content, Html, tag

PAGES = {"./": "Lire une demande", "boite": "Boîte", "avis": "Avis d'incident"}
"""The pages to which each has a link: their addresses, and what they are called."""


def render_page(title: str, *content: Content, here: str = "") -> str:
    """Return a whole page; *here* is its place in ``PAGES``."""
    links = [
        tag("li", tag("a", typeset(name), href=place, aria_current="page" if place == here else None))
        for place, name in PAGES.items()
    ]
    body = [
        tag("a", "Aller au contenu", class_="skip", href="#contenu"),
        tag("header", tag("nav", tag("ul", links), aria_label="Pages")),
        tag("main", *content, id="contenu", tabindex="-1"),
        tag("p", id="annonce", role="status", class_="status"),
    ]
    head = [
        tag("link", rel="icon", href="desk.svg", type="image/svg+xml"),
        tag("link", rel="stylesheet", href="desk.css"),
        tag("script", src="desk.js", defer=True),
    ]
    return _lay_out(title, head, body)


def render_refusal(sentence: str) -> str:
    """Return the page for whom no page is open: it has neither style nor links."""
    return _lay_out("Refusé", [], [tag("main", tag("h1", "Refusé"), paragraph(sentence))])


def _lay_out(title: str, head: Content, body: Content) -> str:
    first = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{typeset(title)} – iea-desk"),
    ]
    page = tag("html", "\n", tag("head", first, head), "\n", tag("body", body), "\n", lang="fr")
    return f"<!DOCTYPE html>\n{page}"


# pieces of pages; their French is set as French is


def heading(level: int, text: str, **attributes: str) -> Html:
    """Return a heading."""
    return tag(f"h{level}", typeset(text), **attributes)


def paragraph(text: str, *more: Content, **attributes: str) -> Html:
    """Return a paragraph of *text* and what follows it."""
    return tag("p", typeset(text), *more, **attributes)


def complaint(text: str, advice: str = "") -> Html:
    """Return what was wrong with an input, in a place that is read out at once."""
    lines = [paragraph(line) for line in text.splitlines() if line.strip()]
    return tag("div", lines, paragraph(advice) if advice else None, class_="fault", role="alert")


def field(label: str, control: Html, identifier: str, hint: str = "") -> Html:
    """Return *control*, whose identifier is *identifier*, under its label."""
    below = paragraph(hint, id=f"{identifier}-aide", class_="hint") if hint else None
    return tag("div", tag("label", typeset(label), for_=identifier), control, below, class_="field")


def copy_button(identifier: str, label: str = "Copier") -> Html:
    """Return a button that copies the element *identifier*; a script shows it."""
    return tag("button", label, type="button", hidden=True, data_copy=identifier)


def definition_table(rows: Content, caption: str) -> Html:
    """Return a table whose rows have a name each."""
    return tag("table", tag("caption", typeset(caption), class_="unseen"), tag("tbody", rows))


def definition_row(name: str, what: Content, kind: str | None = None) -> Html:
    """Return one row of such a table."""
    return tag("tr", tag("th", typeset(name), scope="row"), tag("td", what), class_=kind)
