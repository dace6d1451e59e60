"""The results of a test in stages and words; loaded when the first test starts."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Mapping

import wx

from iea_agent.domain.diagnosis import STAGES, Failure, Server, ServerReport, Stage, StageOutcome
from iea_agent.locale import _
from iea_agent.shell.wording import report_text
from iea_agent.shell.wording.problem_details import (
    advise,
    advise_in_settings,
    describe_failure_details,
    format_steps,
    name_actor,
)

from .widgets import (
    MIDDLE,
    NARROW,
    Link,
    PageLink,
    Paragraph,
    SpokenName,
    fit_width,
    load_picture,
    place_before,
    set_picture,
)

_STAGE_PICTURES = {
    StageOutcome.WAITING: "stage-pending",
    StageOutcome.RUNNING: "ball-pale",
    StageOutcome.PASSED: "tick",
    StageOutcome.FAILED: "barred",
    StageOutcome.SKIPPED: "stage-skipped",
}
_UNREACHED, _REFUSED = "stage-unreached", "refused"
"""The pictures of a stage behind the one that failed, and of a licence that is refused."""


_WIDEST_STRIP = 564
"""Room for the stages in one line, in device-independent pixels."""


class StageStrip(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """The stages of one server from left to right, each with a picture and its name."""

    def __init__(self, parent: wx.Window, server: Server) -> None:
        super().__init__(parent, name="")
        self._pictures: dict[Stage, wx.StaticBitmap] = {}
        self._spoken: dict[Stage, SpokenName] = {}
        least = self.GetTextExtent(_(report_text.STAGES[Stage.ANSWER])).width
        widths = [
            max(self.GetTextExtent(_(report_text.STAGES[stage])).width, least) for stage in STAGES[server]
        ]
        gap = self.FromDIP(MIDDLE)
        room = self.FromDIP(fit_width(self, _WIDEST_STRIP)) + gap
        # in one line, or in several on a narrow screen
        in_line = len(widths) if sum(widths) + gap * len(widths) <= room else room // (max(widths) + gap)
        grid = wx.FlexGridSizer(max(1, in_line), self.FromDIP(NARROW), gap)
        for stage in STAGES[server]:
            picture = self._pictures[stage] = wx.StaticBitmap(self, bitmap=load_picture("stage-pending", 16))
            self._spoken[stage] = SpokenName(picture)
            name = wx.StaticText(self, label=_(report_text.STAGES[stage]))
            cell = wx.BoxSizer(wx.VERTICAL)
            cell.Add(picture, 0, wx.ALIGN_CENTRE_HORIZONTAL | wx.BOTTOM, self.FromDIP(2))
            cell.Add(name, 0, wx.ALIGN_CENTRE_HORIZONTAL)
            # the same width in both servers' strips: their stages stand below each other
            cell.SetMinSize(wx.Size(max(name.GetBestSize().width, least), -1))
            grid.Add(cell)
        self.SetSizer(grid)
        self.Bind(wx.EVT_PAINT, self._on_paint)

    def show_progress(self, report: ServerReport | None) -> None:
        """Show how far *report* has come; None without a test."""
        results = {result.stage: result for result in report.stages} if report else {}
        after_failure = False
        for stage in self._pictures:
            text, file = _(report_text.STAGES[stage]), _STAGE_PICTURES[StageOutcome.WAITING]
            if report and stage in results:
                text = report_text.name_stage_outcome(report, stage)
                file = _UNREACHED if after_failure else _STAGE_PICTURES[results[stage].outcome]
                has_failed = results[stage].outcome is StageOutcome.FAILED
                if has_failed and report.failure and report.failure.problem.is_refusal:
                    file = _REFUSED
                after_failure = after_failure or has_failed
            self._show_stage(stage, file, text)
        self.Layout()

    def _show_stage(self, stage: Stage, file: str, text: str) -> None:
        picture = self._pictures[stage]
        # set the picture only if it is another one: no flicker
        if picture.GetName() != file:
            picture.SetName(file)
            set_picture(picture, load_picture(file, 16))
        picture.SetToolTip(text)
        self._spoken[stage].text = text

    def _on_paint(self, _event: wx.PaintEvent) -> None:
        """Draw the line between the pictures."""
        paint = wx.PaintDC(self)
        paint.SetPen(wx.Pen(wx.SystemSettings.GetColour(wx.SYS_COLOUR_3DSHADOW), self.FromDIP(1)))
        places = [picture.GetRect() for picture in self._pictures.values()]
        space = self.FromDIP(NARROW)
        for left, right in itertools.pairwise(places):
            if right.GetLeft() <= left.GetRight():
                # the next one begins another line
                continue
            height = left.GetTop() + left.GetHeight() // 2
            paint.DrawLine(left.GetRight() + space, height, right.GetLeft() - space, height)


class ServerResult:
    """The result of one server's test, in ``sizer``: its stages and its problem.

    It stands before the control *after* in reading order. *unfold* asks for its explanation.
    """

    def __init__(
        self,
        parent: wx.Window,
        server: Server,
        width: int,
        after: wx.Window,
        explain: Callable[[str], str],
        unfold: Callable[[], None],
    ) -> None:
        name = Paragraph(parent, width, _(report_text.SERVERS[server]), title=1)
        self._strip = StageStrip(parent, server)
        self._progress = Paragraph(parent, width)
        # it changes at every stage: what has room for each text need not be placed again
        self._progress.SetMinSize(parent.FromDIP(wx.Size(width, -1)))
        self._problem = Paragraph(parent, width, spoken=True, title=1)
        self._folded = Link(parent, unfold)
        self._explanation = Paragraph(parent, width, spoken=True)
        self._heading = Paragraph(parent, width, title=1)
        self._steps = Paragraph(parent, width, spoken=True)
        self._rest = Paragraph(parent, width)
        self._page_link = PageLink(parent, explain)
        self._server = server
        self.first_control = name
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for control, flag, gap in (
            (name, wx.BOTTOM, NARROW),
            (self._strip, wx.EXPAND, 0),
            (self._progress, wx.TOP, NARROW),
            (self._problem, wx.TOP, MIDDLE),
            (self._folded, wx.TOP, NARROW),
            (self._explanation, wx.TOP, NARROW),
            (self._heading, wx.TOP, MIDDLE),
            (self._steps, wx.TOP, NARROW),
            (self._rest, wx.TOP, NARROW),
            (self._page_link, wx.TOP, NARROW),
        ):
            place_before(control, after)
            self.sizer.Add(control, 0, flag, parent.FromDIP(gap))

    def show_progress(self, report: ServerReport | None) -> None:
        """Show how far *report* has come; None before a test."""
        self._strip.show_progress(report)
        self._progress.set_text(_describe_progress(report) if report else _("En attente…"))

    def show_outdated(self) -> None:
        """Take the marks away; what the problem was still stands."""
        self._strip.show_progress(None)
        self._progress.set_text(_("À tester de nouveau"))

    def explain(self, cause: Failure, report: ServerReport) -> None:
        """Show the *cause* of *report*, what to do, and who can do it if that is not said."""
        problem = cause.problem
        details = describe_failure_details(cause, time.time())
        # if nothing failed, the first note is the cause itself
        notes = report_text.list_notes(report, time.time())[0 if report.failure else 1 :]
        note_lines = [_("À noter : {note}").format(note=note) for note in notes]
        self._set_texts(
            problem=_name_problem(cause),
            explanation="\n".join(filter(None, (_(problem.text), details))),
            steps=format_steps(advise_in_settings(advise(cause))),
            rest="\n".join(filter(None, (name_actor(problem), *note_lines))),
            code=problem.code,
        )

    def fold(self, cause: Failure) -> None:
        """Show the *cause* in one line; a click on it asks for the rest."""
        self._set_texts(folded=_("{problem} – que faire ?").format(problem=_name_problem(cause)))

    def refer(self, cause: Failure) -> None:
        """Show that the *cause* is the one that is explained at the other server."""
        place = (
            _("Même cause que ci-dessus")
            if self._server is Server.UPDATES
            else _("Même cause que ci-dessous")
        )
        self._set_texts(explanation=f"{place} ({cause.problem.code}).")

    def clear(self) -> None:
        """Show no cause."""
        self._set_texts()

    @property
    def explained_part(self) -> tuple[wx.Window, wx.Window] | None:
        """The first and the last control of the explanation; None if there is none."""
        return (self._problem, self._page_link) if self._page_link.IsShown() else None

    def focus_explanation(self) -> None:
        """Move the keyboard to the explanation."""
        self._page_link.SetFocus()

    def _set_texts(
        self,
        *,
        problem: str = "",
        folded: str = "",
        explanation: str = "",
        steps: str = "",
        rest: str = "",
        code: str = "",
    ) -> None:
        self._problem.set_text(problem)
        self._folded.set_text(folded)
        self._explanation.set_text(explanation)
        self._heading.set_text(_("Que faire") if steps else "")
        self._steps.set_text(steps)
        self._rest.set_text(rest)
        self._page_link.set_problem(code)


def _name_problem(cause: Failure) -> str:
    return f"{_(cause.problem.title)} ({cause.problem.code})"


def _describe_progress(report: ServerReport) -> str:
    """Return one line on how far the test of a server has come, or how it ended."""
    if not report.done:
        running = [result.stage for result in report.stages if result.outcome is StageOutcome.RUNNING]
        if not running:
            return _("En attente…")
        place = list(STAGES[report.server]).index(running[0]) + 1
        return _("{stage}… ({place} sur {places})").format(
            stage=_(report_text.STAGES[running[0]]), place=place, places=len(STAGES[report.server])
        )
    if report.failure is None:
        return _("Réussi")
    if report.failure.problem.is_refusal:
        return _("Le serveur répond, mais n'accepte pas la licence")
    return _("Échec à l'étape « {stage} »").format(stage=_(report_text.STAGES[report.failure.stage]))


class ServerResults:
    """The results of both servers, in ``sizer`` and in the list *details*.

    They come before the control *after*, for the Tab key and for screen readers.

    One cause is explained at a time; a second one is folded to a line, so that the dialog
    fits a small screen.
    """

    def __init__(
        self,
        details: wx.ListBox,
        width: int,
        after: wx.Window,
        explain: Callable[[str], str],
        on_resized: Callable[[], None],
    ) -> None:
        parent = details.GetParent()
        self._details = details
        self._on_resized = on_resized
        self._lines: dict[Server, list[str]] = {}
        self._reports: Mapping[Server, ServerReport] = {}
        # the server whose explanation the person has asked for
        self._unfolded: Server | None = None
        self._results = {
            server: ServerResult(
                parent, server, width, after, explain, functools.partial(self._unfold, server)
            )
            for server in Server
        }
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for result in self._results.values():
            self.sizer.Add(result.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))

    @property
    def first_control(self) -> wx.Window:
        """The control that comes first for the Tab key and for screen readers."""
        return next(iter(self._results.values())).first_control

    def show_start(self) -> None:
        """Show a test that has no result yet."""
        self._unfolded = None
        for result in self._results.values():
            result.show_progress(None)
            result.clear()
        self._lines = {
            server: [
                f"{_(report_text.SERVERS[server])} – {_(report_text.STAGES[stage])}"
                for stage in STAGES[server]
            ]
            for server in Server
        }
        self._details.Set([line for server in Server for line in self._lines[server]])

    def show_progress(self, report: ServerReport, reports: Mapping[Server, ServerReport]) -> None:
        """Show how far the test of one server has come; *reports* are all reports so far."""
        self._reports = reports
        self._results[report.server].show_progress(report)
        self._explain_one()
        self._update_details(report)

    def show_outdated(self) -> None:
        """Take the marks of both servers away: something else is typed now."""
        for result in self._results.values():
            result.show_outdated()

    def _explain_one(self) -> None:
        """Explain one cause: that asked for, or a failure, or that of authentication."""
        causes = {
            server: report.cause for server, report in self._reports.items() if report.done and report.cause
        }
        if not causes:
            return
        first = min(
            causes, key=lambda server: (self._reports[server].failure is None, server is Server.UPDATES)
        )
        explained = self._unfolded or first
        for server, cause in causes.items():
            result = self._results[server]
            if server is explained:
                result.explain(cause, self._reports[server])
            elif cause.problem is causes[explained].problem:
                result.refer(cause)
            else:
                result.fold(cause)

    def find_explained(self) -> tuple[wx.Window, wx.Window] | None:
        """Return the first and the last control of the explanation that is shown."""
        return next(filter(None, (result.explained_part for result in self._results.values())), None)

    def _unfold(self, server: Server) -> None:
        self._unfolded = server
        self._explain_one()
        self._on_resized()
        self._results[server].focus_explanation()

    def _update_details(self, report: ServerReport) -> None:
        """Update the lines of one server in the list, for the keyboard and screen readers."""
        name = _(report_text.SERVERS[report.server])
        lines = [f"{name} – {line}" for line in report_text.list_report_lines(report)]
        start = self._first_line(report.server)
        before = self._lines[report.server]
        for place, line in enumerate(lines):
            if place >= len(before):
                self._details.Insert(line, start + place)
            elif before[place] != line:
                self._details.SetString(start + place, line)
        self._lines[report.server] = lines
        for place, result in enumerate(report.stages):
            if result.outcome in (StageOutcome.RUNNING, StageOutcome.FAILED):
                self._details.EnsureVisible(start + place)

    def _first_line(self, server: Server) -> int:
        """Return the place in the list of the first line of *server*."""
        servers = list(Server)
        return sum(len(self._lines[each]) for each in servers[: servers.index(server)])

    def scroll_to_failure(self) -> None:
        """Scroll the list to the first failure or its start, unless it has the focus."""
        failed = [
            self._first_line(server) + place
            for server, report in self._reports.items()
            for place, result in enumerate(report.stages)
            if result.outcome is StageOutcome.FAILED
        ]
        if self._details.GetCount() and not self._details.HasFocus():
            self._details.SetFirstItem(min(failed, default=0))
