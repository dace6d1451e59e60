"""The pages on problems and of the guide; ``tools/render_pages.py`` renders them."""

from __future__ import annotations

from pathlib import Path

from iea_agent.domain.problems import CATALOGUE

FOLDER = Path(__file__).resolve().parents[1] / "pages"


GUIDE = (
    "guide",
    "guide-connexion",
    "guide-panne",
    "guide-parametres",
    "guide-assistance",
    "guide-mot-de-passe",
    "guide-desactiver",
    "guide-joindre",
    "guide-lancer",
    "guide-mise-a-jour",
    "guide-clavier",
    "envois",
    "accessibilite",
)
"""The names of the other pages: the guide by task, what is sent, the declaration of accessibility."""


def find_page(name: str) -> Path | None:
    """Return the file to open for *name*, a code or one of ``GUIDE``, or None."""
    # a code may come from elsewhere, and becomes part of a path here
    if name not in CATALOGUE and name not in GUIDE:
        return None
    page = FOLDER / f"{name}.html"
    return page if page.is_file() else None
