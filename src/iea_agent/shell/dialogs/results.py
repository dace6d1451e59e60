"""The right half of the settings dialog: the test of both servers, stage by stage, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import STAGES, Outcome, Server, ServerReport, StageResult
from iea_agent.domain.problems import problem
from iea_agent.locale import _
from iea_agent.shell import report

from .frame import MIDDLE, NARROW, Paragraph, copy, on_copy_key, picture, title_font

RIGHT = 490
"""Width of the test, in device-independent pixels: beside the fields it fits a screen of 1366 × 768."""

_STAGE_PICTURES = {
    Outcome.WAITING: "stage-pending",
    Outcome.RUNNING: "ball-pale",
    Outcome.PASSED: "tick",
    Outcome.FAILED: "barred",
    Outcome.SKIPPED: "stage-skipped",
}


class Verdict:
    """What the test of one server gives, stage by stage and then in words."""

    def __init__(self, parent: wx.Window, server: Server) -> None:
        self._server = server
        self._name = wx.StaticText(parent, label=_(report.SERVERS[server]))
        self._name.SetFont(title_font(parent, 1.0))
        self._pictures = {stage: wx.StaticBitmap(parent) for stage in STAGES[server]}
        self._progress = wx.StaticText(parent, style=wx.ST_ELLIPSIZE_END)
        self._problem = Paragraph(parent, RIGHT - 32)
        self._problem.SetFont(title_font(parent, 1.0))
        self._explanation = Paragraph(parent, RIGHT - 32)
        gap = parent.FromDIP(NARROW)
        strip = wx.BoxSizer(wx.HORIZONTAL)
        for stage, bitmap in self._pictures.items():
            bitmap.SetToolTip(_(report.STAGES[stage]))
            strip.Add(bitmap, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, gap)
        strip.Add(self._progress, 1, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, gap)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(self._name, 0, wx.BOTTOM, gap)
        self.sizer.Add(strip, 0, wx.EXPAND)
        self.sizer.Add(self._problem, 0, wx.TOP, parent.FromDIP(MIDDLE))
        self.sizer.Add(self._explanation, 0, wx.TOP, gap)
        self.show(None)

    def show(self, found: ServerReport | None, already: str | None = None) -> None:
        """Show *found*, as far as it has come; None before a test. *already* is the code that was explained for the other server."""
        results = {result.stage: result for result in found.stages} if found else {}
        for stage, bitmap in self._pictures.items():
            result = results.get(stage, StageResult(stage, Outcome.WAITING))
            name = _STAGE_PICTURES[result.outcome]
            if bitmap.GetName() != name:  # set the picture only when it is another one: no flicker
                bitmap.SetName(name)
                bitmap.SetBitmap(picture(name, 16))
        self._progress.SetLabelText(_progress(found) if found else "")
        code = found.failure.code if found and found.done and found.failure else None
        if code is None:
            self._problem.say("")
            self._explanation.say("")
            return
        entry = problem(code)
        self._problem.say(f"{_(entry.title)} ({code})")
        self._explanation.say(
            _("Même cause que pour l'autre serveur.")
            if code == already
            else f"{_(entry.text)} {_(entry.advice)}\n{_(problems.ACTORS[entry.actor])}"
        )


def _progress(found: ServerReport) -> str:
    """One line on how far the test of a server has come, or how it ended."""
    time = report.duration(found.milliseconds)
    if not found.done:
        running = [result.stage for result in found.stages if result.outcome is Outcome.RUNNING]
        if not running:
            return _("En attente…")
        place = list(STAGES[found.server]).index(running[0]) + 1
        return _("{stage}… ({place} sur {places})").format(
            stage=_(report.STAGES[running[0]]), place=place, places=len(STAGES[found.server])
        )
    if found.failure is None:
        return _("Réussi en {time}").format(time=time)
    return _("Échec à l'étape « {stage} », en {time}").format(
        stage=_(report.STAGES[found.failure.stage]), time=time
    )


class Details(wx.ListBox):  # type: ignore[misc]
    """Every stage of both tests, one a line."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, style=wx.LB_SINGLE | wx.LB_HSCROLL)
        self._lines = [(server, stage) for server in Server for stage in STAGES[server]]
        self.Set(
            [f"{_(report.SERVERS[server])} – {_(report.STAGES[stage])}" for server, stage in self._lines]
        )

    def show(self, found: ServerReport) -> None:
        """Show the stages of *found*, the one at work or at fault in sight."""
        for result in found.stages:
            line = self._lines.index((found.server, result.stage))
            text = f"{_(report.SERVERS[found.server])} – {report.stage_line(found, result.stage)}"
            if self.GetString(line) != text:
                self.SetString(line, text)
                if result.outcome in (Outcome.RUNNING, Outcome.FAILED):
                    self.EnsureVisible(line)


class Results:
    """The right half: the test of both servers and what it gives. *grown* is called when it needs more or less room."""

    def __init__(self, parent: wx.Window, grown: Callable[[], None]) -> None:
        self._grown = grown
        self._reports: dict[Server, ServerReport] = {}
        self.button = wx.Button(parent, label=_("&Tester l'accès aux serveurs"))
        self._labels = (self.button.GetLabel(), _("Arrêter le &test"))
        self.button.SetMinSize(self.button.GetBestSize())  # the longer label's: the button keeps its place
        self._picture = wx.StaticBitmap(parent)
        self._headline = Paragraph(parent, RIGHT - 60, spoken=True)
        self._headline.SetFont(title_font(parent, 1.2))
        self._note = Paragraph(parent, RIGHT - 32)
        self._verdicts = {server: Verdict(parent, server) for server in Server}
        details_label = wx.StaticText(parent, label=_("Détai&ls du test"))
        self._details = Details(parent)
        self._copy = wx.Button(parent, label=_("Copier les &détails"))
        self._copied = wx.StaticText(parent)

        gap, small = parent.FromDIP(MIDDLE + NARROW), parent.FromDIP(MIDDLE)
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
        for verdict in self._verdicts.values():
            column.Add(verdict.sizer, 0, wx.EXPAND | wx.BOTTOM, gap)
        column.Add(details_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        column.Add(self._details, 1, wx.EXPAND | wx.BOTTOM, small)
        column.Add(foot, 0, wx.EXPAND)
        self.sizer = column
        self._details.SetMinSize(parent.FromDIP(wx.Size(RIGHT, 112)))

        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self.copy())
        on_copy_key(self._details, self.copy)
        self.begin(False)

    def begin(self, running: bool) -> None:
        """Forget the last test; *running*: another one starts now."""
        self._reports.clear()
        self._picture.Hide()
        self._headline.say(_("Test en cours…") if running else "")
        self._note.say(
            ""
            if running
            else _(
                "Le test vérifie que ce poste atteint les deux serveurs. Il n'enregistre rien et ne change rien."
            )
        )
        for verdict in self._verdicts.values():
            verdict.show(None)
        self._copy.Disable()
        self._copied.SetLabel("")
        self.button.SetLabel(self._labels[1 if running else 0])
        self._grown()

    def progress(self, found: ServerReport) -> None:
        """Show how far the test of one server has come."""
        self._reports[found.server] = found
        first = self._reports.get(Server.AUTHENTICATION)
        explained = (
            first.failure.code
            if first and first.done and first.failure and found.server is Server.UPDATES
            else None
        )
        self._verdicts[found.server].show(found, explained)
        self._details.show(found)
        self._grown()

    def end(self, reports: Sequence[ServerReport]) -> None:
        """Show the outcome of a finished test."""
        for found in sorted(reports, key=lambda found: list(Server).index(found.server)):
            self.progress(found)
        connected = all(is_reached(found) for found in reports)
        self._picture.SetBitmap(picture("tick" if connected else "barred", 24))
        self._picture.Show()
        self._headline.say(report.headline(reports))
        self._copy.Enable()
        self.button.SetLabel(self._labels[0])
        self._grown()

    def stop(self, sentence: str) -> None:
        """The test has ended without an outcome: say why."""
        self.begin(False)
        self._headline.say(sentence)
        self._grown()

    def outdate(self) -> None:
        """The fields are no longer those that were tested."""
        if self._reports and self._copy.IsEnabled():
            self._note.say(_("Les paramètres ont changé depuis ce test."))
            self._grown()

    def copy(self) -> None:
        """Put the whole test on the clipboard and say so."""
        if not self._copy.IsEnabled():
            return
        done = copy(report.text([self._reports[server] for server in Server if server in self._reports]))
        self._copied.SetLabel(
            _("Détails copiés.") if done else _("Un autre logiciel occupe le presse-papiers. Réessayez.")
        )
        self._grown()


def is_reached(found: ServerReport) -> bool:
    """Whether the server was reached: the green tick of the sheet, which a refused licence does not take away."""
    return found.done and (found.failure is None or found.failure.code in problems.ANSWERED_BUT_REFUSED)
