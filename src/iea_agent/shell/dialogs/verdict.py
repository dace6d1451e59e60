"""What a test says, stage by stage and in words; loaded when a first test begins, for the opening of the dialog must not wait for it."""

from __future__ import annotations

import time
from collections.abc import Mapping

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import STAGES, Outcome, Server, ServerReport, StageResult
from iea_agent.domain.problems import problem
from iea_agent.locale import _
from iea_agent.shell import report

from .frame import MIDDLE, NARROW, Paragraph, picture, set_picture, title_font

_STAGE_PICTURES = {
    Outcome.WAITING: "stage-pending",
    Outcome.RUNNING: "ball-pale",
    Outcome.PASSED: "tick",
    Outcome.FAILED: "barred",
    Outcome.SKIPPED: "stage-skipped",
}


class Verdict:
    """What the test of one server gives, *width* device-independent pixels wide, before the control *after* in reading order."""

    def __init__(self, parent: wx.Window, server: Server, width: int, after: wx.Window) -> None:
        self._name = wx.StaticText(parent, label=_(report.SERVERS[server]))
        self._name.SetFont(title_font(parent, 1.0))
        self._pictures = {stage: wx.StaticBitmap(parent) for stage in STAGES[server]}
        self._progress = wx.StaticText(parent, style=wx.ST_ELLIPSIZE_END)
        self._problem = Paragraph(parent, width)
        self._problem.SetFont(title_font(parent, 1.0))
        self._explanation = Paragraph(parent, width)
        for control in (
            self._name,
            *self._pictures.values(),
            self._progress,
            self._problem,
            self._explanation,
        ):
            control.MoveBeforeInTabOrder(after)
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
                set_picture(bitmap, picture(name, 16))
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


class Verdicts:
    """Both servers' verdicts, in *sizer*, and their stages in the list *details*."""

    def __init__(self, details: wx.ListBox, width: int, after: wx.Window) -> None:
        parent = details.GetParent()
        self._details = details
        self._lines = [(server, stage) for server in Server for stage in STAGES[server]]
        self._verdicts = {server: Verdict(parent, server, width, after) for server in Server}
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for verdict in self._verdicts.values():
            self.sizer.Add(verdict.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE + NARROW))

    def begin(self) -> None:
        """Show that nothing is known yet."""
        for verdict in self._verdicts.values():
            verdict.show(None)
        self._details.Set(
            [f"{_(report.SERVERS[server])} – {_(report.STAGES[stage])}" for server, stage in self._lines]
        )

    def show(self, found: ServerReport, reports: Mapping[Server, ServerReport]) -> None:
        """Show how far the test of one server has come; *reports* is all that is known."""
        first = reports.get(Server.AUTHENTICATION)
        explained = first.failure.code if first and first.done and first.failure else None
        self._verdicts[found.server].show(found, explained if found.server is Server.UPDATES else None)
        for result in found.stages:
            line = self._lines.index((found.server, result.stage))
            text = f"{_(report.SERVERS[found.server])} – {report.stage_line(found, result.stage)}"
            if self._details.GetString(line) != text:
                self._details.SetString(line, text)
                if result.outcome in (Outcome.RUNNING, Outcome.FAILED):
                    self._details.EnsureVisible(line)


def headline(reports: Mapping[Server, ServerReport]) -> str:
    """The outcome in the words of the sheet."""
    return report.headline([reports[server] for server in Server if server in reports])


def text(reports: Mapping[Server, ServerReport]) -> str:
    """The whole test as text."""
    return report.text([reports[server] for server in Server if server in reports], time.time())
