"""The right half of the settings dialog: the test of both servers and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import wx

from iea_agent.domain.diagnosis import Server, ServerReport
from iea_agent.locale import _

from .widgets import (
    MIDDLE,
    NARROW,
    Paragraph,
    bind_copy_key,
    copy_text,
    load_picture,
    make_title_font,
    set_picture,
)

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

    from .repair_offers import Offers
    from .stage_results import Verdicts

PANEL_WIDTH = 564
"""Width of the test, in device-independent pixels: beside the fields it fits a screen of 1366 × 768."""


class ServerTestPanel:
    """The right half: the test of both servers and what it gives. *grown* is called when it needs more or less room, *explain* with the code of
    a problem whose page is wanted, *mend* with a repair that was chosen."""

    def __init__(
        self,
        parent: wx.Window,
        grown: Callable[[], None],
        explain: Callable[[str], None],
        mend: Callable[[Repair], None],
    ) -> None:
        self._grown = grown
        self._explain = explain
        self._mend = mend
        self._reports: dict[Server, ServerReport] = {}
        self.button = wx.Button(parent, label=_("&Tester l'accès aux serveurs"))
        self._labels = (self.button.GetLabel(), _("Arrêter le &test"))
        self.button.SetMinSize(self.button.GetBestSize())  # the longer label's: the button keeps its place
        self._picture = wx.StaticBitmap(parent)
        self._headline = Paragraph(parent, PANEL_WIDTH - 60, spoken=True)
        self._headline.SetFont(make_title_font(parent, 1.2))
        self._note = Paragraph(parent, PANEL_WIDTH - 32)
        self._verdicts: Verdicts | None = None
        self._offers: Offers | None = None
        self._details_label = wx.StaticText(parent, label=_("Détai&ls du test"))
        self._details = wx.ListBox(parent, style=wx.LB_SINGLE | wx.LB_HSCROLL)
        self._copy = wx.Button(parent, label=_("Copier les &détails"))
        self._copied = wx.StaticText(parent)
        self._of_a_test = (self._details_label, self._details, self._copy)
        for control in self._of_a_test:
            control.Hide()  # until there is something in it

        small = parent.FromDIP(MIDDLE)
        headline = wx.BoxSizer(wx.HORIZONTAL)
        headline.Add(self._picture, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, small)
        headline.Add(self._headline, 1, wx.ALIGN_CENTRE_VERTICAL)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self._copy, 0, wx.ALIGN_CENTRE_VERTICAL)
        foot.Add(self._copied, 1, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, small)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self.button, 0, wx.TOP | wx.BOTTOM, small)
        column.Add(headline, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(self._note, 0, wx.EXPAND | wx.BOTTOM, small)
        self._verdicts_here = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._verdicts_here, 0, wx.EXPAND)
        self._offers_here = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._offers_here, 0, wx.EXPAND)
        column.Add(self._details_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        column.Add(self._details, 1, wx.EXPAND | wx.BOTTOM, small)
        column.Add(foot, 0, wx.EXPAND)
        self.sizer = column
        column.SetMinSize(parent.FromDIP(wx.Size(PANEL_WIDTH, -1)))
        self._details.SetMinSize(parent.FromDIP(wx.Size(PANEL_WIDTH, 46)))

        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self.copy_details())
        bind_copy_key(self._details, self.copy_details)
        self._copy.Disable()
        self._picture.Hide()
        self._note.set_text(
            _(
                "Le test vérifie que ce poste atteint les deux serveurs. Il n'enregistre rien et ne change rien."
            )
        )

    def show_start(self) -> None:
        """A test begins: forget the last one."""
        self._reports.clear()
        if self._verdicts is None:
            from .stage_results import Verdicts

            self._verdicts = Verdicts(
                self._details, PANEL_WIDTH, self._details_label, self._explain, self._grown
            )
            self._verdicts_here.Add(self._verdicts.sizer, 0, wx.EXPAND)
            for control in self._of_a_test:
                control.Show()
        self._verdicts.begin()
        self.clear_repairs()
        self._show_picture("ball-pale")
        self._headline.set_text(_("Test en cours…"))
        self._note.set_text("")
        self._copy.Disable()
        self._copied.SetLabel("")
        self.button.SetLabel(self._labels[1])
        self._grown()

    def show_progress(self, found: ServerReport) -> None:
        """Show how far the test of one server has come."""
        self._reports[found.server] = found
        if self._verdicts is not None:
            self._verdicts.show(found, self._reports)
        self._grown()

    def show_outcome(self, reports: Sequence[ServerReport]) -> None:
        """Show the outcome of a finished test."""
        for found in sorted(reports, key=lambda found: list(Server).index(found.server)):
            self.show_progress(found)
        from .stage_results import headline

        connected = all(is_ticked(found) for found in reports)
        self._show_picture("tick" if connected else "barred")
        self._headline.set_text(headline(self._reports))
        self._copy.Enable()
        self.button.SetLabel(self._labels[0])
        self._settle()

    def show_search(self) -> None:
        """Say that other ways are being tried."""
        if self._offers is None:
            from .repair_offers import Offers

            self._offers = Offers(self._details_label, PANEL_WIDTH, self._mend)
            self._offers_here.Add(self._offers.sizer, 0, wx.EXPAND | wx.BOTTOM, self.button.FromDIP(MIDDLE))
        self._offers.search()
        self._grown()

    def show_repairs(self, found: Sequence[Repair], chosen: Settings, *, over: bool) -> None:
        """Show the repairs *found* so far for *chosen*; *over* when no other comes."""
        if self._offers is None:
            return
        had_none = self._offers.first is None
        self._offers.offer(found, chosen, over=over)
        first = self._offers.first
        if first is not None and had_none:
            first.SetDefault()
            if self.button.HasFocus():  # whoever waits for the test goes on from here
                first.SetFocus()
        self._settle()

    def _settle(self) -> None:
        """Give what is said its room, then the list its place."""
        self._grown()
        if self._verdicts is not None:
            self._verdicts.settle()

    def show_passing(self) -> None:
        """Say that what was tested works by now."""
        if self._offers is not None:
            self._offers.say_passing()
            self._grown()

    def clear_repairs(self) -> None:
        """Offer nothing any more."""
        if self._offers is not None:
            if self._offers.has_focus:
                self.button.SetFocus()
            self._offers.clear()
            self._grown()

    def show_stopped(self, sentence: str) -> None:
        """The test has ended without an outcome: say why."""
        self._picture.Hide()
        self._headline.set_text(sentence)
        self.button.SetLabel(self._labels[0])
        self._grown()

    def _show_picture(self, name: str) -> None:
        set_picture(self._picture, load_picture(name, 24))
        self._picture.Show()

    def update_reports(self, reports: Sequence[ServerReport]) -> None:
        """Show *reports* anew: more is known of their causes."""
        for found in reports:
            if found != self._reports.get(found.server):
                self.show_progress(found)

    def mark_outdated(self) -> None:
        """The fields are no longer those that were tested."""
        if self._reports and self._copy.IsEnabled():
            self._note.set_text(_("Les paramètres ont changé depuis ce test."))
            self._grown()

    def copy_details(self) -> None:
        """Put the whole test on the clipboard and say so."""
        if not self._copy.IsEnabled():
            return
        from .stage_results import text

        self._copied.SetLabel(copy_text(text(self._reports), _("Détails copiés.")))
        self._grown()


def is_ticked(found: ServerReport) -> bool:
    """Whether the sheet's green tick stands at the server: it was reached, and a refused licence does not take that away."""
    return found.done and (found.failure is None or found.failure.problem.is_refusal)
