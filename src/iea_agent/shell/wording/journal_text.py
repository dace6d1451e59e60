"""The journal of assistance mode, a line for each event."""

from __future__ import annotations

from collections.abc import Mapping

from iea_agent.locale import _


def format_journal_entry(entry: Mapping[str, object], *, whole: bool) -> str:
    """Return one event: its time, its name and its details."""
    details = " ".join(
        f"{name}={value}"
        for name, value in entry.items()
        if name not in ("at", "event", "before", "whole") and value not in ("", None)
    )
    mark = "" if whole else _("  ← ne suit pas la ligne précédente")
    return f"{entry.get('at', '?')}  {entry.get('event', '?')}  {details}{mark}".rstrip()
