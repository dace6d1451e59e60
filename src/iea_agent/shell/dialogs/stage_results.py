"""What a test says, stage by stage and in words; loaded when a first test begins, for the opening of the dialog must not wait for it."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import STAGES, Failure, Server, ServerReport, Stage, StageOutcome, StageResult
from iea_agent.locale import _
from iea_agent.shell.wording import report_text, time_text

from .widgets import MIDDLE, NARROW, Link, PageLink, Paragraph, load_picture, make_title_font, set_picture

_STAGE_PICTURES = {
    StageOutcome.WAITING: "stage-pending",
    StageOutcome.RUNNING: "ball-pale",
    StageOutcome.PASSED: "tick",
    StageOutcome.FAILED: "barred",
    StageOutcome.SKIPPED: "stage-skipped",
}

GAP = 8
"""Between two stages of a strip, in device-independent pixels."""


class _Said(wx.Accessible):  # type: ignore[misc]  # wx has no types here
    """Gives a picture the words that it stands for."""

    text = ""

    def GetName(self, _child: int) -> tuple[int, str]:
        return wx.ACC_OK, self.text


class Strip(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """The stages of one server from left to right: a picture, its name, and « sans objet » where the stage is not needed."""

    def __init__(self, parent: wx.Window, server: Server) -> None:
        super().__init__(parent, name="")
        self._grey = wx.SystemSettings.GetColour(wx.SYS_COLOUR_GRAYTEXT)
        self._pictures: dict[Stage, wx.StaticBitmap] = {}
        self._names: dict[Stage, wx.StaticText] = {}
        self._notes: dict[Stage, wx.StaticText] = {}
        self._said: dict[Stage, _Said] = {}
        not_needed = _(report_text.OUTCOMES[StageOutcome.SKIPPED])
        row = wx.BoxSizer(wx.HORIZONTAL)
        for stage in STAGES[server]:
            shown = self._pictures[stage] = wx.StaticBitmap(self, bitmap=load_picture("stage-pending", 16))
            said = self._said[stage] = _Said(shown)
            shown.SetAccessible(said)
            name = self._names[stage] = wx.StaticText(self, label=_(report_text.STAGES[stage]))
            note = self._notes[stage] = wx.StaticText(self)
            note.SetForegroundColour(self._grey)
            cell = wx.BoxSizer(wx.VERTICAL)
            cell.Add(shown, 0, wx.ALIGN_CENTRE_HORIZONTAL | wx.BOTTOM, self.FromDIP(2))
            cell.Add(name, 0, wx.ALIGN_CENTRE_HORIZONTAL)
            cell.Add(note, 0, wx.ALIGN_CENTRE_HORIZONTAL)
            # as wide as both servers' strips need it: their stages stand below each other, and nothing moves during a test
            cell.SetMinSize(wx.Size(max(name.GetBestSize().width, self.GetTextExtent(not_needed).width), -1))
            row.Add(cell, 0, wx.RIGHT, self.FromDIP(GAP))
        self.SetSizer(row)
        self.Bind(wx.EVT_PAINT, self._on_paint)

    def show(self, found: ServerReport | None) -> None:
        """Show how far *found* has come; None before a test."""
        results = {result.stage: result for result in found.stages} if found else {}
        failed = [stage for stage, result in results.items() if result.outcome is StageOutcome.FAILED]
        behind = False
        for stage, shown in self._pictures.items():
            result = results.get(stage, StageResult(stage, StageOutcome.WAITING))
            needed = behind or result.outcome is not StageOutcome.SKIPPED
            drawn = _STAGE_PICTURES[StageOutcome.WAITING if behind else result.outcome]
            if shown.GetName() != drawn:  # set the picture only when it is another one: no flicker
                shown.SetName(drawn)
                set_picture(shown, load_picture(drawn, 16))
            words = (
                report_text.render_stage(found, stage)
                if found and stage in results
                else _(report_text.STAGES[stage])
            )
            shown.SetToolTip(words)
            self._said[stage].text = words
            note = "" if needed else _(report_text.OUTCOMES[StageOutcome.SKIPPED])
            if self._notes[stage].GetLabel() != note:
                self._notes[stage].SetLabelText(note)
            pale = not needed or result.outcome in (StageOutcome.WAITING, StageOutcome.SKIPPED)
            self._names[stage].SetForegroundColour(self._grey if pale else wx.NullColour)
            self._names[stage].Refresh()
            behind = behind or stage in failed
        self.Layout()

    def _on_paint(self, _event: wx.PaintEvent) -> None:
        """The line on which the pictures stand."""
        paint = wx.PaintDC(self)
        paint.SetPen(wx.Pen(wx.SystemSettings.GetColour(wx.SYS_COLOUR_3DSHADOW), self.FromDIP(1)))
        places = [shown.GetRect() for shown in self._pictures.values()]
        space = self.FromDIP(NARROW)
        for left, right in itertools.pairwise(places):
            height = left.GetTop() + left.GetHeight() // 2
            paint.DrawLine(left.GetRight() + space, height, right.GetLeft() - space, height)


class Verdict:
    """What the test of one server gives, *width* device-independent pixels wide, before the control *after* in reading order.

    *explain* is called with the code whose page is to be shown, *unfold* when the explanation is wanted that is folded away.
    """

    def __init__(
        self,
        parent: wx.Window,
        server: Server,
        width: int,
        after: wx.Window,
        explain: Callable[[str], None],
        unfold: Callable[[], None],
    ) -> None:
        name = wx.StaticText(parent, label=_(report_text.SERVERS[server]))
        name.SetFont(make_title_font(parent, 1.0))
        self._strip = Strip(parent, server)
        self._progress = Paragraph(parent, width)
        self._problem = Paragraph(parent, width, spoken=True)
        self._problem.SetFont(make_title_font(parent, 1.0))
        self._folded = Link(parent, unfold)
        self._explanation = Paragraph(parent, width)
        self._more = PageLink(parent, explain)
        for control in (
            name,
            self._strip,
            self._progress,
            self._problem,
            self._folded,
            self._explanation,
            self._more,
        ):
            control.MoveBeforeInTabOrder(after)
        gap = parent.FromDIP(NARROW)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(name, 0, wx.BOTTOM, gap)
        self.sizer.Add(self._strip, 0, wx.EXPAND)
        self.sizer.Add(self._progress, 0)
        self.sizer.Add(self._problem, 0, wx.TOP, parent.FromDIP(MIDDLE))
        self.sizer.Add(self._folded, 0, wx.TOP, gap)
        self.sizer.Add(self._explanation, 0, wx.TOP, gap)
        self.sizer.Add(self._more, 0, wx.TOP, gap)

    def show(self, found: ServerReport | None) -> None:
        """Show how far *found* has come; None before a test."""
        self._strip.show(found)
        self._progress.set_text(_progress(found) if found else _("En attente…"))

    def tell(self, cause: Failure, found: ServerReport) -> None:
        """Say the *cause* of what was *found*, what to do and who can do it."""
        entry = cause.problem
        what = f"{_(entry.text)} {report_text.describe_failure_details(cause, time.time())}".rstrip()
        # where nothing failed, the first note is what has just been told
        notes = report_text.list_notes(found, time.time())[0 if found.failure else 1 :]
        noted = [_("À noter : {note}").format(note=note) for note in notes]
        explanation = "\n".join([what, _(entry.advice), _(problems.ACTORS[entry.actor]), *noted])
        self._say(problem=_named(cause), explanation=explanation, code=cause.problem.code)

    def fold(self, cause: Failure) -> None:
        """Say the *cause* in one line; a click tells the rest."""
        self._say(folded=_("{problem} – que faire ?").format(problem=_named(cause)))

    def refer(self, cause: Failure) -> None:
        """Say that the *cause* is the one that is told of the other server."""
        same = _("Même cause que pour l'autre serveur : {problem}.").format(problem=_named(cause))
        self._say(explanation=same)

    def hush(self) -> None:
        """Say nothing: there is no cause to be told, or none yet."""
        self._say()

    def enter(self) -> None:
        """Take the keyboard to what has just been told."""
        self._more.SetFocus()

    def _say(self, *, problem: str = "", folded: str = "", explanation: str = "", code: str = "") -> None:
        self._problem.set_text(problem)
        self._folded.set_text(folded)
        self._explanation.set_text(explanation)
        self._more.set_problem(code)


def _named(cause: Failure) -> str:
    """What the problem is called, and its code."""
    return f"{_(cause.problem.title)} ({cause.problem.code})"


def _progress(found: ServerReport) -> str:
    """One line on how far the test of a server has come, or how it ended."""
    duration = time_text.format_milliseconds(found.milliseconds)
    if not found.done:
        running = [result.stage for result in found.stages if result.outcome is StageOutcome.RUNNING]
        if not running:
            return _("En attente…")
        place = list(STAGES[found.server]).index(running[0]) + 1
        return _("{stage}… ({place} sur {places})").format(
            stage=_(report_text.STAGES[running[0]]), place=place, places=len(STAGES[found.server])
        )
    if found.failure is None:
        ended = _("Réussi en {time}").format(time=duration)
    else:
        ended = _("Échec à l'étape « {stage} », en {time}").format(
            stage=_(report_text.STAGES[found.failure.stage]), time=duration
        )
    return ", ".join(filter(None, (ended, report_text.describe_route(found))))


class Verdicts:
    """Both servers' verdicts, in *sizer*, and their stages in the list *details*. *grown* is called when they need more or less room.

    One cause is explained at a time: with two different ones, the other is folded to a line, so that the dialog fits a small screen.
    """

    def __init__(
        self,
        details: wx.ListBox,
        width: int,
        after: wx.Window,
        explain: Callable[[str], None],
        grown: Callable[[], None],
    ) -> None:
        parent = details.GetParent()
        self._details = details
        self._grown = grown
        self._lines: dict[Server, list[str]] = {}
        self._reports: Mapping[Server, ServerReport] = {}
        self._chosen: Server | None = None  # whose explanation the person has asked for
        self._verdicts = {
            server: Verdict(parent, server, width, after, explain, functools.partial(self._unfold, server))
            for server in Server
        }
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for verdict in self._verdicts.values():
            self.sizer.Add(verdict.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))

    def begin(self) -> None:
        """Show that nothing is known yet."""
        self._chosen = None
        for verdict in self._verdicts.values():
            verdict.show(None)
            verdict.hush()
        self._lines = {
            server: [
                f"{_(report_text.SERVERS[server])} – {_(report_text.STAGES[stage])}"
                for stage in STAGES[server]
            ]
            for server in Server
        }
        self._details.Set([line for server in Server for line in self._lines[server]])

    def show(self, found: ServerReport, reports: Mapping[Server, ServerReport]) -> None:
        """Show how far the test of one server has come; *reports* is all that is known."""
        self._reports = reports
        self._verdicts[found.server].show(found)
        self._tell()
        self._list(found)

    def _tell(self) -> None:
        """Explain one cause: the one that was asked for, else a failure before a mere note, and the server without which nobody works first."""
        causes = {
            server: found.cause for server, found in self._reports.items() if found.done and found.cause
        }
        if not causes:
            return
        first = min(
            causes, key=lambda server: (self._reports[server].failure is None, server is Server.UPDATES)
        )
        told = self._chosen or first
        for server, cause in causes.items():
            verdict = self._verdicts[server]
            if server is told:
                verdict.tell(cause, self._reports[server])
            elif cause.problem is causes[told].problem:
                verdict.refer(cause)
            else:
                verdict.fold(cause)

    def _unfold(self, server: Server) -> None:
        self._chosen = server
        self._tell()
        self._grown()
        self._verdicts[server].enter()

    def _list(self, found: ServerReport) -> None:
        """The same in the list, a line each: how the keyboard and a screen reader go through it."""
        name = _(report_text.SERVERS[found.server])
        lines = [f"{name} – {line}" for line in report_text.list_report_lines(found)]
        start = self._start(found.server)
        before = self._lines[found.server]
        for place, line in enumerate(lines):
            if place >= len(before):
                self._details.Insert(line, start + place)
            elif before[place] != line:
                self._details.SetString(start + place, line)
        self._lines[found.server] = lines
        for place, result in enumerate(found.stages):
            if result.outcome in (StageOutcome.RUNNING, StageOutcome.FAILED):
                self._details.EnsureVisible(start + place)

    def _start(self, server: Server) -> int:
        """Where in the list the lines of *server* begin."""
        servers = list(Server)
        return sum(len(self._lines[each]) for each in servers[: servers.index(server)])

    def settle(self) -> None:
        """After the test, with everything in its room: the list shows where it failed first, its beginning where nothing did.

        Unless the person is reading it.
        """
        failed = [
            self._start(server) + place
            for server, found in self._reports.items()
            for place, result in enumerate(found.stages)
            if result.outcome is StageOutcome.FAILED
        ]
        if not self._details.HasFocus():
            self._details.SetFirstItem(min(failed, default=0))


def headline(reports: Mapping[Server, ServerReport]) -> str:
    """The outcome in the words of the sheet."""
    return report_text.render_headline([reports[server] for server in Server if server in reports])


def text(reports: Mapping[Server, ServerReport]) -> str:
    """The whole test as text."""
    return report_text.render_report([reports[server] for server in Server if server in reports], time.time())
