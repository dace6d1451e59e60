"""The page about each problem, which ``tools/render_pages.py`` renders."""

from __future__ import annotations

from pathlib import Path

from iea_agent.domain.problems import CATALOGUE

FOLDER = Path(__file__).resolve().parents[1] / "pages"


def find_page(code: str) -> Path | None:
    """Return the file to open in a browser for problem *code*, or None."""
    if code not in CATALOGUE:  # a code may come from elsewhere, and becomes part of a path here
        return None
    page = FOLDER / f"{code}.html"
    return page if page.is_file() else None
