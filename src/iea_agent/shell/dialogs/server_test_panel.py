"""The right half of the settings dialog: the results of the test of both servers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import wx

from iea_agent.domain.diagnosis import Conclusion, Server, ServerReport, conclude
from iea_agent.locale import _

from .scrolled_dialog import give_focus
from .widgets import (
    MIDDLE,
    NARROW,
    Banner,
    Paragraph,
    bind_copy_key,
    copy_text,
    fit_width,
    load_picture,
    make_row,
    set_picture,
)

if TYPE_CHECKING:
    from iea_agent.domain.repairs import Repair
    from iea_agent.domain.settings import Settings

    from .repair_offers import RepairOffers
    from .stage_results import ServerResults

PANEL_WIDTH = 564
"""In device-independent pixels: beside the fields it fits a screen of 1366 × 768."""
UNDO = 150
"""Width of the button that undoes a repair, in device-independent pixels."""


_CONCLUSIONS = {
    Conclusion.CONNECTED: "tick",
    Conclusion.REFUSED: "refused",
    Conclusion.FAILED: "barred",
}
"""The picture before the headline."""


class ServerTestPanel:
    """The results of the test that *button* starts, in ``sizer``; empty before it."""

    def __init__(
        self,
        parent: wx.Window,
        button: wx.Button,
        on_resized: Callable[[], None],
        explain: Callable[[str], str],
        on_repair: Callable[[Repair], None],
    ) -> None:
        self._parent = parent
        self.button = button
        self._on_resized = on_resized
        self._explain = explain
        self._on_repair = on_repair
        self._reports: dict[Server, ServerReport] = {}
        self._labels = (button.GetLabel(), _("Arrêter le &test"))
        # the size for the longer label: the button keeps its place
        button.SetMinSize(button.GetBestSize())
        self._width = fit_width(parent, PANEL_WIDTH)
        self._is_roomy = self._width == PANEL_WIDTH
        self._banner = Banner(parent, self._width - (UNDO if self._is_roomy else 0))
        self._undo = wx.Button(parent, label=_("Annuler la c&orrection"))
        self._picture = wx.StaticBitmap(parent)
        self._headline = Paragraph(parent, self._width - 40, spoken=True, title=1.2)
        self._results: ServerResults | None = None
        self._offers: RepairOffers | None = None
        self._fold = wx.Button(parent)
        self._copy = wx.Button(parent, label=_("Copier les &détails"))
        self._copy_message = Paragraph(parent, 160, spoken=True)
        self._details_label = wx.StaticText(parent, label=_("Détails du test"))
        self._details = wx.ListBox(parent, style=wx.LB_SINGLE | wx.LB_HSCROLL)
        for control in (
            self._undo,
            self._picture,
            self._fold,
            self._copy,
            self._details_label,
            self._details,
        ):
            control.Hide()

        self._results_place = wx.BoxSizer(wx.VERTICAL)
        self._offers_place = wx.BoxSizer(wx.VERTICAL)
        self.sizer = self._arrange()
        self._undo.Bind(wx.EVT_BUTTON, lambda _event: self._on_undo())
        self._on_undo: Callable[[], None] = lambda: None
        self._fold.Bind(wx.EVT_BUTTON, lambda _event: self._fold_details(self._details.IsShown()))
        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self.copy_details())
        bind_copy_key(self._details, self.copy_details)
        self._copy.Disable()

    def _arrange(self) -> wx.Sizer:
        parent, small = self._parent, self._parent.FromDIP(MIDDLE)
        self._details.SetMinSize(parent.FromDIP(wx.Size(self._width, 120)))
        done = make_row(parent, self._banner, self._undo, wide=self._banner, needs=PANEL_WIDTH)
        headline = make_row(parent, self._picture, self._headline, wide=self._headline)
        buttons = make_row(parent, self._fold, self._copy, self._copy_message, needs=PANEL_WIDTH)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(done, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(headline, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(self._offers_place, 0, wx.EXPAND)
        column.Add(self._results_place, 0, wx.EXPAND)
        column.Add(buttons, 0, wx.TOP, small)
        column.Add(self._details_label, 0, wx.TOP | wx.BOTTOM, parent.FromDIP(NARROW))
        column.Add(self._details, 1, wx.EXPAND)
        column.SetMinSize(parent.FromDIP(wx.Size(self._width, -1)))
        return column

    @property
    def is_used(self) -> bool:
        """Whether a test has started since the dialog opened."""
        return self._results is not None

    def _prepare(self) -> ServerResults:
        """Make what only a test needs."""
        if self._results is None:
            from .stage_results import ServerResults

            self._results = ServerResults(
                self._details, self._width, self._fold, self._explain, self._on_resized
            )
            self._results_place.Add(self._results.sizer, 0, wx.EXPAND)
            self._fold_details(closed=True)
            self._fold.Show()
            self._copy.Show()
        return self._results

    def _fold_details(self, closed: bool) -> None:
        """Show the technical details, or hide them if they are to be *closed*."""
        self._fold.SetLabel(
            _("Afficher les détai&ls techniques") if closed else _("Masquer les détai&ls techniques")
        )
        for control in (self._details_label, self._details):
            control.Show(not closed)
        self._resize()

    def show_start(self) -> None:
        """Show that a test has started, and forget the last one."""
        self._reports.clear()
        self._prepare().show_start()
        self.clear_repairs()
        self._show_picture("ball-pale")
        self._headline.set_text(_("Test en cours…"))
        self._copy.Disable()
        self._copy_message.set_text("")
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
        from iea_agent.shell.wording.report_text import list_headlines

        self._show_picture(_CONCLUSIONS[conclude(reports)])
        self._headline.set_text("\n".join(list_headlines(self._in_order())))
        self._copy.Enable()
        self.button.SetLabel(self._labels[0])
        self._resize()

    def show_done(self, sentence: str, on_undo: Callable[[], None] | None = None) -> None:
        """Say what was done, "" for nothing, with the button that undoes it."""
        had_focus = self._undo.HasFocus()
        self._banner.set_text(sentence)
        self._undo.Show(on_undo is not None)
        self._on_undo = on_undo or (lambda: None)
        if had_focus and on_undo is None:
            give_focus(self.button)
        self._on_resized()

    def _prepare_offers(self) -> RepairOffers:
        if self._offers is None:
            from .repair_offers import RepairOffers

            self._offers = RepairOffers(self._prepare().first_control, self._width, self._on_repair)
            self._offers_place.Add(self._offers.sizer, 0, wx.EXPAND | wx.BOTTOM, self.button.FromDIP(MIDDLE))
        return self._offers

    def show_search(self) -> None:
        """Show that what works instead is searched."""
        self._prepare_offers().show_search()
        self._on_resized()

    def show_sign_in(self, on_click: Callable[[], None]) -> None:
        """Show the way to the fields for the user name and password of the proxy."""
        self._prepare_offers().show_sign_in(on_click)
        self._on_resized()

    def show_repairs(self, repairs: Sequence[Repair], settings: Settings, *, complete: bool) -> None:
        """Offer the *repairs* of *settings*; *complete* if no other comes."""
        if self._offers is not None:
            self._offers.show_repairs(repairs, settings, complete=complete)
            self._resize()

    @property
    def best_button(self) -> wx.Button | None:
        """The button of the likeliest repair; None if nothing is offered."""
        return None if self._offers is None else self._offers.first_button

    def find_first_need(self) -> tuple[wx.Window, wx.Window]:
        """Return the first and the last control of what a person needs first.

        That is a repair if one is offered, else the problem that is explained, else the outcome.
        """
        if self._offers is not None and self._offers.first_button is not None:
            return self._headline, self._offers.first_button
        explained = None if self._results is None else self._results.find_explained()
        return explained or (self._headline, self._headline)

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
        self._picture.SetName(name)
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
        self._copy_message.set_text(copy_text(report, _("Détails copiés.")))
        self._on_resized()

    def _in_order(self) -> list[ServerReport]:
        return [self._reports[server] for server in Server if server in self._reports]


def is_ticked(report: ServerReport) -> bool:
    """Return whether the server was reached, even if it refused the licence."""
    return report.done and (report.failure is None or report.failure.problem.is_refusal)
