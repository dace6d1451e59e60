"""The right half of the settings dialog: the test of both servers and its results."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import wx

from iea_agent.domain.diagnosis import Server, ServerReport
from iea_agent.locale import _

from .scrolled_dialog import give_focus
from .widgets import MIDDLE, NARROW, Paragraph, bind_copy_key, copy_text, load_picture, make_row, set_picture

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

    from .repair_offers import RepairOffers
    from .stage_results import ServerResults

PANEL_WIDTH = 564
"""In device-independent pixels: beside the fields it fits a screen of 1366 × 768."""


class ServerTestPanel:
    """The test of both servers and its results, in ``sizer``; ``button`` starts it."""

    def __init__(
        self,
        parent: wx.Window,
        on_resized: Callable[[], None],
        explain: Callable[[str], str],
        on_repair: Callable[[Repair], None],
        footer: wx.Window | None = None,
    ) -> None:
        self._on_resized = on_resized
        self._explain = explain
        self._on_repair = on_repair
        self._reports: dict[Server, ServerReport] = {}
        # in the footer on a narrow screen, where the results scroll
        self._has_button = footer is None
        self.button = wx.Button(footer or parent, label=_("&Tester l'accès aux serveurs"))
        self._labels = (self.button.GetLabel(), _("Arrêter le &test"))
        # the size for the longer label: the button keeps its place
        self.button.SetMinSize(self.button.GetBestSize())
        self._picture = wx.StaticBitmap(parent)
        self._headline = Paragraph(parent, PANEL_WIDTH - 60, spoken=True, title=1.2)
        self._note = Paragraph(parent, PANEL_WIDTH - 32)
        self._results: ServerResults | None = None
        self._offers: RepairOffers | None = None
        self._details_label = wx.StaticText(parent, label=_("Détai&ls du test"))
        self._details = wx.ListBox(parent, style=wx.LB_SINGLE | wx.LB_HSCROLL)
        self._copy = wx.Button(parent, label=_("Copier les &détails"))
        self._copy_message = wx.StaticText(parent)
        # hidden until the first test
        self._test_controls = (self._details_label, self._details, self._copy)
        for control in self._test_controls:
            control.Hide()

        self._results_place = wx.BoxSizer(wx.VERTICAL)
        self._offers_place = wx.BoxSizer(wx.VERTICAL)
        self.sizer = self._arrange(parent)
        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self.copy_details())
        bind_copy_key(self._details, self.copy_details)
        self._copy.Disable()
        self._picture.Hide()
        self._note.set_text(
            _(
                "Le test vérifie que ce poste atteint les deux serveurs. Il n'enregistre rien et ne change rien."
            )
        )

    def _arrange(self, parent: wx.Window) -> wx.Sizer:
        small = parent.FromDIP(MIDDLE)
        headline = make_row(parent, self._picture, self._headline, wide=self._headline)
        foot = make_row(parent, self._copy, self._copy_message, wide=self._copy_message)
        column = wx.BoxSizer(wx.VERTICAL)
        if self._has_button:
            column.Add(self.button, 0, wx.TOP | wx.BOTTOM, small)
        column.Add(headline, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(self._note, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(self._results_place, 0, wx.EXPAND)
        column.Add(self._offers_place, 0, wx.EXPAND)
        column.Add(self._details_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        column.Add(self._details, 1, wx.EXPAND | wx.BOTTOM, small)
        column.Add(foot, 0, wx.EXPAND)
        column.SetMinSize(parent.FromDIP(wx.Size(PANEL_WIDTH, -1)))
        self._details.SetMinSize(parent.FromDIP(wx.Size(PANEL_WIDTH, 46)))
        return column

    def show_start(self) -> None:
        """Show that a test has started, and forget the last one."""
        self._reports.clear()
        if self._results is None:
            from .stage_results import ServerResults

            self._results = ServerResults(
                self._details, PANEL_WIDTH, self._details_label, self._explain, self._on_resized
            )
            self._results_place.Add(self._results.sizer, 0, wx.EXPAND)
            for control in self._test_controls:
                control.Show()
        self._results.show_start()
        self.clear_repairs()
        self._show_picture("ball-pale")
        self._headline.set_text(_("Test en cours…"))
        self._note.set_text("")
        self._copy.Disable()
        self._copy_message.SetLabel("")
        self.button.SetLabel(self._labels[1])
        self._on_resized()

    def show_progress(self, report: ServerReport) -> None:
        """Show how far the test of one server has come."""
        self._reports[report.server] = report
        if self._results is not None:
            self._results.show_progress(report, self._reports)
        self._on_resized()

    def show_outcome(self, reports: Sequence[ServerReport]) -> None:
        """Show the outcome of a finished test."""
        for report in reports:
            self.show_progress(report)
        from iea_agent.shell.wording.report_text import render_headline

        connected = all(is_ticked(report) for report in reports)
        self._show_picture("tick" if connected else "barred")
        self._headline.set_text(render_headline(self._in_order()))
        self._copy.Enable()
        self.button.SetLabel(self._labels[0])
        self._resize()

    def show_search(self) -> None:
        if self._offers is None:
            from .repair_offers import RepairOffers

            self._offers = RepairOffers(self._details_label, PANEL_WIDTH, self._on_repair)
            self._offers_place.Add(self._offers.sizer, 0, wx.EXPAND | wx.BOTTOM, self.button.FromDIP(MIDDLE))
        self._offers.show_search()
        self._on_resized()

    def show_repairs(self, repairs: Sequence[Repair], settings: Settings, *, complete: bool) -> None:
        """Offer the *repairs* of *settings*; *complete* if no other comes."""
        if self._offers is None:
            return
        had_none = self._offers.first_button is None
        self._offers.show_repairs(repairs, settings, complete=complete)
        first = self._offers.first_button
        if first is not None and had_none:
            first.SetDefault()
            # a person who has waited at the test button goes on from here
            if self.button.HasFocus():
                first.SetFocus()
        self._resize()

    def _resize(self) -> None:
        """Give the results their room, then scroll the list of details."""
        self._on_resized()
        if self._results is not None:
            self._results.scroll_to_failure()

    def show_passing(self) -> None:
        """Show that the tested settings work by now."""
        if self._offers is not None:
            self._offers.show_passing()
            self._on_resized()

    def clear_repairs(self) -> None:
        """Offer nothing any more."""
        if self._offers is not None:
            if self._offers.has_focus:
                give_focus(self.button)
            self._offers.clear()
            self._on_resized()

    def show_stopped(self, sentence: str) -> None:
        """Show why the test has ended without an outcome."""
        self._picture.Hide()
        self._headline.set_text(sentence)
        self.button.SetLabel(self._labels[0])
        self._on_resized()

    def _show_picture(self, name: str) -> None:
        set_picture(self._picture, load_picture(name, 24))
        self._picture.Show()

    def update_reports(self, reports: Sequence[ServerReport]) -> None:
        """Show *reports* again, whose causes are better known now."""
        for report in reports:
            if report != self._reports.get(report.server):
                self.show_progress(report)

    def mark_outdated(self) -> None:
        """Show that the fields are no longer those that were tested."""
        if self._results is not None and self._copy.IsEnabled():
            self._results.show_outdated()
            self.show_stopped(_("Les paramètres ont changé depuis ce test : relancez-le."))

    def copy_details(self) -> None:
        """Put the whole test on the clipboard."""
        if not self._copy.IsEnabled():
            return
        from iea_agent.shell.wording.report_text import render_report

        report = render_report(self._in_order(), time.time())
        self._copy_message.SetLabel(copy_text(report, _("Détails copiés.")))
        self._on_resized()

    def _in_order(self) -> list[ServerReport]:
        return [self._reports[server] for server in Server if server in self._reports]


def is_ticked(report: ServerReport) -> bool:
    """Return whether the server was reached, even if it refused the licence."""
    return report.done and (report.failure is None or report.failure.problem.is_refusal)
