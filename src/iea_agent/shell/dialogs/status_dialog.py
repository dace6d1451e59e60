"""The status window: the state, its problem, and buttons for what helps now."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import person_requests, problems, refusals
from iea_agent.domain.connection_history import list_cells
from iea_agent.domain.refusals import Refusal, RefusedError
from iea_agent.locale import _
from iea_agent.shell.wording import status_text
from iea_agent.shell.wording.problem_details import format_steps
from iea_agent.shell.wording.refusal_text import word_refusal

from . import status_overview
from .background import attempt, follow_agent, run_in_background
from .history_strip import HistoryStrip
from .phone_code_row import PhoneCodeRow
from .ports import StatusPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .start_offer import StartOffer
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    Header,
    PageLink,
    Paragraph,
    bind_copy_key,
    break_lines,
    can_focus,
    copy_text,
    fit_width,
    has_room,
    load_icons,
)

if TYPE_CHECKING:
    from iea_agent.domain.connection_history import Period
    from iea_agent.domain.documents import StatusDocument

WIDTH, BUTTONS = 390, 260
"""Width of the text and of the buttons beside it, in device-independent pixels."""
MESSAGE = 340
"""Width of the sentence in the footer, in device-independent pixels."""


def run(
    port: StatusPort, on_shown: Callable[[], None], _options: Collection[str], _later: Iterable[str] = ()
) -> None:
    """Show the window until it is closed; call *on_shown* with the first status in it."""
    run_dialog(lambda: StatusWindow(port, on_shown))


Pairs = Sequence[tuple[wx.StaticText, Paragraph]]
RECONNECT = person_requests.RECONNECT.name


class StatusWindow(ScrolledDialog):
    """The whole window; it follows the agent."""

    def __init__(self, port: StatusPort, on_shown: Callable[[], None]) -> None:
        super().__init__(_(person_requests.STATUS.title), port.explain)
        self._port = port
        self._on_shown = on_shown
        self._status: StatusDocument | None = None
        self._last_status: StatusDocument | None = None
        # the agent authenticates for this window; the state in which that ended
        self._reconnecting = False
        self._outcome_state = ""
        self._unfolded = False
        self._is_new = True

        parent = self.panel
        self._header = Header(parent, WIDTH + BUTTONS, _("Lecture de l'état…"))
        self._activity = Paragraph(parent, WIDTH + BUTTONS, spoken=True, title=1)
        self._remaining = Paragraph(parent, WIDTH + BUTTONS, spoken=True)
        self._title = Paragraph(parent, WIDTH, spoken=True, title=1.15)
        self._text = Paragraph(parent, WIDTH)
        self._advice_heading = Paragraph(parent, WIDTH, title=1)
        self._advice = Paragraph(parent, WIDTH)
        self._actor = Paragraph(parent, WIDTH)
        self._page_link = PageLink(parent, port.explain)
        self._start = StartOffer(parent, BUTTONS, port.start_agent, self.lay_out)
        self._why_grey = Paragraph(parent, BUTTONS, title=1)
        self._buttons = {
            request.name: wx.Button(
                parent, label=break_lines(parent, _(label), fit_width(parent, BUTTONS) - MIDDLE)
            )
            for request, label in status_overview.LABELS.items()
        }
        self._line = wx.StaticLine(parent)
        self._history = Paragraph(parent, WIDTH + BUTTONS)
        self._strip = HistoryStrip(parent, fit_width(parent, WIDTH + BUTTONS))
        # none yet: the first look, too, finds a change
        self._history_state: str | None = None
        self._facts = _create_pairs(parent, status_overview.MOST_FACTS)
        self._code = PhoneCodeRow(parent, WIDTH + BUTTONS, port.load_phone_code, self.lay_out)
        self._fold = wx.Button(parent, style=wx.BU_EXACTFIT)
        self._details = _create_pairs(parent, status_overview.MOST_DETAILS)
        self._message = Paragraph(self.footer, MESSAGE, spoken=True)
        self._copy = wx.Button(self.footer, label=_("&Copier les détails"))
        self._close = wx.Button(self.footer, wx.ID_CANCEL, _("&Fermer"))
        self._arrange()

        for name, button in self._buttons.items():
            button.Hide()
            button.Bind(wx.EVT_BUTTON, lambda _event, name=name: self._ask(name))
        self._fold.Hide()
        self._fold.Bind(wx.EVT_BUTTON, lambda _event: self._on_fold())
        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self._on_copy())
        bind_copy_key(self, self._on_copy)
        self._close.SetDefault()
        self.SetIcons(load_icons("ball"))

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        words = wx.BoxSizer(wx.VERTICAL)
        for text in (self._title, self._text, self._advice_heading, self._advice, self._actor):
            words.Add(text, 0, wx.BOTTOM, narrow if text is self._advice_heading else middle)
        words.Add(self._page_link)
        words.SetMinSize(self.FromDIP(wx.Size(fit_width(self, WIDTH), 96)))
        buttons = wx.BoxSizer(wx.VERTICAL)
        buttons.Add(self._start.sizer, 0, wx.EXPAND | wx.BOTTOM, middle)
        buttons.Add(self._why_grey, 0, wx.BOTTOM, middle)
        for button in self._buttons.values():
            buttons.Add(button, 0, wx.EXPAND | wx.BOTTOM, middle)
        buttons.SetMinSize(self.FromDIP(wx.Size(fit_width(self, BUTTONS), -1)))
        is_roomy = has_room(self, WIDTH + BUTTONS + WIDE)
        body = wx.BoxSizer(wx.HORIZONTAL if is_roomy else wx.VERTICAL)
        body.Add(words, 1, wx.RIGHT if is_roomy else wx.BOTTOM, wide)
        body.Add(buttons)
        columns = 2 if is_roomy else 1
        facts, details = (wx.FlexGridSizer(columns, narrow, wide) for _part in range(2))
        for sizer, pairs in ((facts, self._facts), (details, self._details)):
            for name, value in pairs:
                sizer.Add(name)
                sizer.Add(value)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._header.sizer, 0, wx.EXPAND | wx.ALL, wide)
        for text in (self._activity, self._remaining):
            column.Add(text, 0, wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        column.Add(body, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        column.Add(self._line, 0, wx.EXPAND | wx.LEFT | wx.RIGHT, wide)
        column.Add(self._history, 0, wx.LEFT | wx.RIGHT | wx.TOP, wide)
        column.AddSpacer(narrow)
        column.Add(self._strip, 0, wx.LEFT | wx.RIGHT, wide)
        column.Add(facts, 0, wx.LEFT | wx.RIGHT | wx.TOP, wide)
        column.Add(self._code.sizer, 0, wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        column.Add(self._fold, 0, wx.LEFT | wx.BOTTOM, wide)
        column.Add(details, 0, wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        self.panel.SetSizer(column)
        self.arrange_footer(self._copy, self._close, message=self._message, is_beside=is_roomy)

    def begin(self) -> None:
        """Follow the agent and the time of its next try."""
        self._close.SetFocus()
        follow_agent(self, self._port.watch, self._on_status, self._follow_time, 1000)

    def _on_status(self, status: StatusDocument | None) -> None:
        self._last_status = status or self._last_status
        self._status = status
        summary = status_overview.summarize_status(status, time.time())
        picture = summary.picture.value if summary.picture else "ball-pale"
        self._header.show_state(picture, summary.headline, summary.since, grey=summary.picture is None)
        self.SetIcons(load_icons(picture))
        if status is None or status["state"] != self._outcome_state:
            self._outcome_state = ""
            self._show_activity()
        self._remaining.set_text(summary.remaining)
        self._title.set_text(summary.title)
        self._text.set_text(summary.text)
        self._advice_heading.set_text(_("Que faire") if summary.advice else "")
        self._advice.set_text(format_steps(summary.advice))
        self._actor.set_text(summary.actor)
        self._page_link.set_problem(summary.code)
        self._show_buttons()
        self._show_facts()
        self._follow_history()
        if self._is_new or status is None:
            self.fit()
        self.lay_out()
        if self._is_new:
            # it was centred while it was empty
            self._is_new = False
            self.CentreOnScreen()
            self._on_shown()

    def _show_buttons(self) -> None:
        had_focus = self.find_focus()
        self._start.show(self._status is None)
        enabled = status_overview.list_buttons(self._status, self._port.abilities)
        for name, button in self._buttons.items():
            button.Show(name in enabled)
            button.Enable(enabled.get(name, False) and not (self._reconnecting and name == RECONNECT))
        self._why_grey.set_text(status_overview.explain_grey_launch(self._status, self._port.abilities))
        best = self._start.button
        if self._status is not None:
            name = status_overview.find_best_button(self._status, self._port.abilities)
            best = self._buttons.get(name, self._close)
        best.SetDefault()
        if had_focus is self._close or not can_focus(had_focus):
            self.give_focus(best)

    def _follow_history(self) -> None:
        """Show the last 24 hours, and anew after each change of the state."""
        state = self._status["state"] if self._status is not None else ""
        if state == self._history_state:
            return
        self._history_state = state
        self._code.load()

        def show(periods: tuple[Period, ...] | None) -> None:
            day = periods if periods and self._status is not None else ()
            self._history.set_text(status_overview.describe_history(day))
            self._strip.show_cells(list_cells(day))
            self.lay_out()

        run_in_background(self, "history", self._port.load_history, show)

    def _show_facts(self) -> None:
        status = self._status
        self._line.Show(status is not None)
        self._fold.Show(status is not None)
        label = (
            _("Masquer les détails techni&ques") if self._unfolded else _("Afficher les détails techni&ques")
        )
        if self._fold.GetLabel() != label:
            self._fold.SetLabel(label)
        _show_pairs(self._facts, status_overview.list_facts(status, time.time()) if status else [])
        _show_pairs(
            self._details, status_text.list_technical_facts(status) if status and self._unfolded else []
        )

    def _follow_time(self) -> None:
        if self._status is not None:
            _show_pairs(self._facts, status_overview.list_facts(self._status, time.time()))

    def _on_fold(self) -> None:
        """Show the technical details, or hide them again."""
        self._unfolded = not self._unfolded
        self._show_facts()
        self.lay_out()
        if self._unfolded:
            # to the end, where they are
            self.panel.Scroll(0, self.panel.GetVirtualSize().height)

    def _show_activity(self, sentence: str = "") -> None:
        """Show what comes of an attempt that this window has asked for."""
        if not self._reconnecting or sentence:
            self._activity.set_text(sentence)

    def _reconnect(self) -> None:
        """Have the agent authenticate again, and show here how that goes."""
        self._reconnecting = True
        self._show_activity(_("Authentification en cours…"))
        self._buttons[RECONNECT].Disable()
        # a disabled button cannot keep the keyboard; what is in the footer is always in view
        self.give_focus(self._copy)
        self.panel.Scroll(0, 0)
        self.lay_out()

        def reconnect() -> StatusDocument | Refusal:
            try:
                return self._port.reconnect()
            except RefusedError as error:
                return error.refusal

        def show_outcome(outcome: StatusDocument | Refusal | None) -> None:
            self._reconnecting = False
            if outcome is None or isinstance(outcome, Refusal):
                self._show_activity()
                self._say(word_refusal(outcome or refusals.ProblemMet(problems.INTERNAL_ERROR.code)))
            else:
                self._outcome_state = outcome["state"]
                self._show_activity(status_overview.describe_outcome(outcome, time.time()))
            self._show_buttons()
            if self.find_focus() is self._copy and can_focus(self._buttons[RECONNECT]):
                self.give_focus(self._buttons[RECONNECT])
            self.lay_out()

        run_in_background(self, RECONNECT, reconnect, show_outcome)

    def _ask(self, name: str) -> None:
        """Ask the agent for the request *name*, and show why it was refused."""
        self._say("")
        if name == RECONNECT:
            self._reconnect()
            return

        def show_reason(refusal: Refusal | None) -> None:
            if refusal:
                self._say(word_refusal(refusal))

        run_in_background(self, name, lambda: attempt(lambda: self._port.ask(name)), show_reason)

    def _on_copy(self) -> None:
        text = status_overview.render_overview(self._status, self._last_status, time.time())
        self._say(copy_text(text, _("Détails copiés.")))

    def _say(self, sentence: str) -> None:
        """Show *sentence* in the footer, "" for none."""
        self._message.set_text(sentence)
        self.lay_out()


def _create_pairs(parent: wx.Window, count: int) -> Pairs:
    """Return *count* places for a name and its value, hidden."""
    return [(wx.StaticText(parent), Paragraph(parent, WIDTH)) for _place in range(count)]


def _show_pairs(places: Pairs, pairs: Sequence[tuple[str, str]]) -> None:
    """Show *pairs* in the first of *places*, and nothing in the others."""
    padded = [*pairs, *[("", "")] * (len(places) - len(pairs))]
    for (name, value), (name_text, value_text) in zip(places, padded, strict=True):
        name.SetLabelText(name_text)
        name.Show(bool(name_text))
        value.set_text(value_text)
