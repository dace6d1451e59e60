"""The pages of the help: those shipped, and newer ones on problems."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.locale import _, current_language

if TYPE_CHECKING:
    from .installation import Installation

log = logging.getLogger(__name__)


def explain(installation: Installation, name: str) -> str:
    """Show the page *name*, if there is one; return where it is on failure."""
    from .page_files import open_file

    page = find_help(installation, name)
    return "" if page is None else open_file(installation, page)


def find_help(installation: Installation, name: str) -> Path | None:
    """Return the file of the page *name*, None if there is none.

    For a problem it is the one in the publisher's signed policy, if that has one: it is newer than this program.
    """
    from iea_agent.shell.wording.problem_pages import find_page

    page = find_page(name)
    policy = installation.texts.load_policy()
    if page is None or policy is None or name not in policy.pages:
        return page
    from iea_agent.domain.problems import CATALOGUE
    from iea_agent.domain.refusals import RefusedError
    from iea_agent.domain.release_notes import parse_notes
    from iea_agent.shell.wording.printed_page import PrintedPage

    from .page_files import save_page

    newer = PrintedPage(
        f"{_(CATALOGUE[name].title)} ({name})",
        _("Cette page a été publiée après l'installation de ce programme."),
        blocks=parse_notes(policy.pages[name].pick(current_language())),
    )
    try:
        return save_page(installation, newer, name)
    except RefusedError as error:
        log.warning("newer page not written", extra={"fields": {"reason": error.refusal}})
        return page
