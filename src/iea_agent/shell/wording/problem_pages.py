"""The page on each problem that ships with the agent: readable offline, rendered from ``docs/problemes/`` by ``tools/render_pages.py``."""

from __future__ import annotations

from pathlib import Path

from iea_agent.domain.problems import CATALOGUE

FOLDER = Path(__file__).resolve().parents[1] / "pages"


def find_page(code: str) -> Path | None:
    """The file to open in a browser for problem *code*; None where there is none."""
    if code not in CATALOGUE:  # a code may come from elsewhere, and becomes part of a path here
        return None
    page = FOLDER / f"{code}.html"
    return page if page.is_file() else None
