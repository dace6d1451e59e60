"""What helps without writing: a known incident, a repair, the problem's page."""

from __future__ import annotations

from collections.abc import Callable

import wx

from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import format_steps

from .support_overview import LABELS, REPAIR, FirstHelp
from .widgets import NARROW, PageLink, Paragraph, make_row


class FirstHelpPanel:
    """The incident or the problem, what to do, its page and one button, in ``sizer``.

    *explain* shows a page, *act* is called with what the button does.
    """

    def __init__(
        self, parent: wx.Window, width: int, explain: Callable[[str], str], act: Callable[[str], None]
    ) -> None:
        self.help = FirstHelp()
        self._heading = Paragraph(parent, width, title=1)
        self._incident = Paragraph(parent, width, spoken=True)
        self._title = Paragraph(parent, width, spoken=True)
        self._advice = Paragraph(parent, width)
        self.button = wx.Button(parent, label=_(LABELS[REPAIR]))
        self._page_link = PageLink(parent, explain)
        self.button.Hide()
        self.button.Bind(wx.EVT_BUTTON, lambda _event: act(self.help.button))
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for text in (self._heading, self._incident, self._title, self._advice):
            self.sizer.Add(text, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        row = make_row(parent, self.button, self._page_link, needs=width)
        self.sizer.Add(row, 0, wx.BOTTOM, parent.FromDIP(NARROW))

    def show(self, help_: FirstHelp) -> None:
        """Show *help_*; the caller lays its window out again."""
        self.help = help_
        self._heading.set_text("" if help_.is_empty else _("Avant d'écrire"))
        self._incident.set_text(help_.incident)
        self._title.set_text(help_.title)
        self._advice.set_text(help_.advice if help_.button == REPAIR else format_steps(help_.advice))
        self._page_link.set_problem(help_.code)
        if help_.button:
            self.button.SetLabel(_(LABELS[help_.button]))
        self.button.Show(bool(help_.button))
