"""The history of updates as the window and a printed page show it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from iea_agent.domain.update_record import HistoryLine, HistoryStep
from iea_agent.locale import _

from .notes_text import HistoryEntry, name_entry
from .printed_page import PagePart, PrintedPage
from .time_text import format_moment
from .update_history_text import word_line
from .update_text import KINDS


def word_installations(lines: Iterable[HistoryLine]) -> tuple[HistoryEntry, ...]:
    """Return an entry for each installation of *lines*, the latest first."""
    installations: list[list[HistoryLine]] = []
    for line in lines:
        begun = next((each for each in reversed(installations) if _goes_on(each[0], line)), None)
        if begun is None:
            installations.append([line])
        else:
            begun.append(line)
    return tuple(map(_word_entry, reversed(installations)))


def _goes_on(first: HistoryLine, line: HistoryLine) -> bool:
    """Return whether *line* tells how the installation went on that *first* began."""
    is_same = (first.kind, first.version) == (line.kind, line.version)
    return is_same and line.step is not HistoryStep.INSTALLER


def _word_entry(lines: Sequence[HistoryLine]) -> HistoryEntry:
    first = lines[0]
    product = _(KINDS[first.kind.value])
    return HistoryEntry(first.at, product, first.version, first.before, word_installation(lines))


def word_installation(lines: Sequence[HistoryLine]) -> tuple[str, ...]:
    """Return what the installer did, what is there since, and the first sign-in."""
    steps = {line.step: line for line in lines}
    words = [word_line(steps[step]) for step in HistoryStep if step in steps]
    version = steps.get(HistoryStep.VERSION)
    if version is not None and version.is_good and HistoryStep.AUTHENTICATION not in steps:
        words.append(_("Première authentification ensuite\u00a0: pas encore faite"))
    return tuple(words)


def build_history_page(entries: Sequence[HistoryEntry], now: float) -> PrintedPage:
    """Return *entries* as a page to print at *now*."""
    note = _("Imprimé {when}").format(when=format_moment(now, now))
    parts = [
        PagePart(name_entry(entry), lines=(format_moment(entry.at, now).capitalize(), *entry.lines))
        for entry in entries
    ]
    return PrintedPage(_("Historique des mises à jour"), note, tuple(parts))
