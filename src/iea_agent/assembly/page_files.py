"""The files of the pages that a browser shows: written, and opened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iea_agent.domain.refusals import FileNotWritten, RefusedError
from iea_agent.host import LaunchError
from iea_agent.host.atomic_files import write_atomically
from iea_agent.locale import _
from iea_agent.shell.wording.printed_page import PrintedPage, render_html

from .support_requests import FOLDER

if TYPE_CHECKING:
    from .installation import Installation


def save_page(installation: Installation, page: PrintedPage, name: str) -> Path:
    """Write *page* to a file of this *name*. Raises ``RefusedError``."""
    file = installation.folders.state / FOLDER / f"{name}.html"
    try:
        write_atomically(file, render_html(page).encode("utf-8", "replace"))
    except OSError as error:
        raise RefusedError(FileNotWritten(str(file), type(error).__name__)) from error
    return file


def open_file(installation: Installation, page: Path) -> str:
    """Open *page* in the browser; return where it is if none opens, else ""."""
    try:
        installation.host.open_page(page)
    except LaunchError:
        sentence = _("Aucun navigateur ne s'est ouvert. Ouvrez vous-même cette page : {path}")
        return sentence.format(path=page)
    return ""
