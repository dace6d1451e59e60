"""What else works when a test has failed: one line a repair, with its effect and a button; loaded when a first test fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import wx

from iea_agent.domain.repairs import Repair
from iea_agent.domain.settings import Settings
from iea_agent.locale import _
from iea_agent.shell.wording import repair_text

from .widgets import MIDDLE, NARROW, Paragraph, make_title_font

MOST = 3
"""Repairs that are offered at once: the likeliest ones."""
BUTTON = 190
"""Width of the buttons, in device-independent pixels."""


class Offers:
    """The offers, *width* device-independent pixels wide, in *sizer*, before the control *after* in reading order; *act* does one."""

    def __init__(self, after: wx.Window, width: int, act: Callable[[Repair], None]) -> None:
        parent = after.GetParent()
        self._quiet = Paragraph(parent, width, spoken=True)
        self._heading = Paragraph(parent, width, spoken=True)
        self._heading.SetFont(make_title_font(parent, 1.0))
        self._lines: list[tuple[Paragraph, wx.Button]] = []
        self._repairs: list[Repair] = []
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for text in (self._quiet, self._heading):
            text.MoveBeforeInTabOrder(after)
            self.sizer.Add(text, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        for place in range(MOST):
            button = wx.Button(parent, label="-")
            said = Paragraph(parent, width - BUTTON - 2 * MIDDLE)
            for control in (said, button):
                control.MoveBeforeInTabOrder(after)
            button.SetMinSize(parent.FromDIP(wx.Size(BUTTON, -1)))
            button.Bind(wx.EVT_BUTTON, lambda _event, place=place: act(self._repairs[place]))
            line = wx.BoxSizer(wx.HORIZONTAL)
            line.Add(said, 1, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, parent.FromDIP(MIDDLE))
            line.Add(button, 0, wx.ALIGN_CENTRE_VERTICAL)
            self.sizer.Add(line, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(NARROW))
            self._lines.append((said, button))
        self.clear()

    @property
    def first(self) -> wx.Button | None:
        """The button of the likeliest repair; None where nothing is offered."""
        return self._lines[0][1] if self._repairs else None

    @property
    def has_focus(self) -> bool:
        """Whether the keyboard is at one of the buttons."""
        return any(button.HasFocus() for _said, button in self._lines)

    def clear(self) -> None:
        """Offer nothing, and say nothing."""
        self._say("")
        self._show([])

    def _say(self, quiet: str, heading: str = "") -> None:
        self._quiet.set_text(quiet)
        self._heading.set_text(heading)

    def search(self) -> None:
        """Say that other ways are being tried."""
        self._show([])
        self._say(_("Recherche d'un autre chemin…"))

    def say_passing(self) -> None:
        """Say that there is nothing to mend: the failure was a passing one."""
        self._show([])
        self._say(_(repair_text.PASSING))

    def offer(self, found: Sequence[Repair], chosen: Settings, *, over: bool) -> None:
        """Show the repairs *found* so far for *chosen*; *over* when no other comes."""
        if found:
            self._say("", _("Ce qui fonctionne"))
        elif over:
            self._say(_("Aucun autre chemin ne fonctionne."))
        self._show(found[:MOST], chosen)

    def _show(self, repairs: Sequence[Repair], chosen: Settings | None = None) -> None:
        self._repairs = list(repairs)
        for place, (said, button) in enumerate(self._lines):
            shown = place < len(repairs)
            if shown and chosen is not None:
                said.set_text(repair_text.describe_effect(repairs[place], chosen))
                button.SetLabel(_(repair_text.NAMES[repairs[place].kind]))
            else:
                said.set_text("")
            button.Show(shown)
