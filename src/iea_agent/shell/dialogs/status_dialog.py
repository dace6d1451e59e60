"""The status window: the state in words, its problem with what to do and who can act, and buttons for what helps now; it follows the agent live."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

import wx

from iea_agent.locale import _

from . import status_overview
from .ports import AskError, Document, StatusPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    Header,
    PageLink,
    Paragraph,
    bind_copy_key,
    copy_text,
    load_icons,
    make_title_font,
)


def run(port: StatusPort, on_shown: Callable[[], None], _options: Collection[str]) -> None:
    """Show the window until it is closed; call *on_shown* with the first status in it."""
    run_dialog(lambda: StatusWindow(port, on_shown))


WIDTH, BUTTONS = 380, 210
"""Width of the text and of the buttons beside it, in device-independent pixels."""


class StatusWindow(ScrolledDialog):
    """The window itself."""

    def __init__(self, port: StatusPort, shown: Callable[[], None]) -> None:
        super().__init__(_("Impact emploi – État de la connexion"))
        self._port = port
        self._shown = shown
        self._status: Document | None = None
        self._last: Document | None = None
        self._end_watch: Callable[[], None] | None = None

        parent = self.panel
        self._header = Header(parent, WIDTH + BUTTONS, _("Lecture de l'état…"))
        self._title = Paragraph(parent, WIDTH, spoken=True)
        self._title.SetFont(make_title_font(self, 1.15))
        self._text = Paragraph(parent, WIDTH)
        self._advice_heading = Paragraph(parent, WIDTH)
        self._advice_heading.SetFont(make_title_font(self, 1.0))
        self._advice = Paragraph(parent, WIDTH)
        self._actor = Paragraph(parent, WIDTH)
        self._more = PageLink(parent, port.explain)
        self._buttons = {
            command: wx.Button(parent, label=_(label)) for command, label in status_overview.LABELS.items()
        }
        self._line = wx.StaticLine(parent)
        self._facts: list[tuple[wx.StaticText, Paragraph]] = []
        self._grid = wx.FlexGridSizer(2, self.FromDIP(NARROW), self.FromDIP(WIDE))
        for _row in range(7):  # as many as overview.facts() ever gives
            name, what = wx.StaticText(parent), Paragraph(parent, WIDTH)
            self._facts.append((name, what))
            self._grid.Add(name)
            self._grid.Add(what)
        self._message = wx.StaticText(parent)
        self._copy = wx.Button(parent, label=_("&Copier"))
        self._close = wx.Button(parent, wx.ID_CANCEL, _("&Fermer"))
        self._arrange()

        self._timer = wx.Timer(self)
        self.Bind(wx.EVT_TIMER, lambda _event: self._tick(), self._timer)
        for command, button in self._buttons.items():
            button.Hide()
            button.Bind(wx.EVT_BUTTON, lambda _event, command=command: self._ask(command))
        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self._on_copy())
        self._close.Bind(wx.EVT_BUTTON, lambda _event: self.Close())
        bind_copy_key(self, self._on_copy)
        self._close.SetDefault()
        self.Bind(wx.EVT_CLOSE, self._on_close)
        self.SetIcons(load_icons("ball"))
        self.fit()
        self.CentreOnScreen()

    def _arrange(self) -> None:
        wide, middle, narrow = self.FromDIP(WIDE), self.FromDIP(MIDDLE), self.FromDIP(NARROW)
        told = wx.BoxSizer(wx.VERTICAL)
        told.Add(self._title, 0, wx.BOTTOM, middle)
        told.Add(self._text, 0, wx.BOTTOM, middle)
        told.Add(self._advice_heading, 0, wx.BOTTOM, narrow)
        told.Add(self._advice, 0, wx.BOTTOM, middle)
        told.Add(self._actor, 0, wx.BOTTOM, middle)
        told.Add(self._more)
        told.SetMinSize(self.FromDIP(wx.Size(WIDTH, 96)))
        buttons = wx.BoxSizer(wx.VERTICAL)
        for button in self._buttons.values():
            buttons.Add(button, 0, wx.EXPAND | wx.BOTTOM, middle)
        buttons.SetMinSize(self.FromDIP(wx.Size(BUTTONS, -1)))
        body = wx.BoxSizer(wx.HORIZONTAL)
        body.Add(told, 1, wx.RIGHT, wide)
        body.Add(buttons)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self._message, 1, wx.ALIGN_CENTRE_VERTICAL)
        foot.Add(self._copy, 0, wx.RIGHT, middle)
        foot.Add(self._close)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._header.sizer, 0, wx.EXPAND | wx.ALL, wide)
        column.Add(body, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        column.Add(self._line, 0, wx.EXPAND | wx.LEFT | wx.RIGHT, wide)
        column.Add(self._grid, 0, wx.ALL, wide)
        column.AddStretchSpacer()
        column.Add(foot, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        self.panel.SetSizer(column)

    def begin(self) -> None:
        """Once the window is shown: follow the agent."""
        self._close.SetFocus()
        self._end_watch = self._port.watch(lambda status: wx.CallAfter(self._on_status, status))
        self._timer.Start(1000)

    def _on_status(self, status: Document | None) -> None:
        if not self:  # the window may be closed by now
            return
        self._last = status or self._last
        self._status = status
        told = status_overview.story(status, time.time())
        name = told.picture.value if told.picture else "ball-pale"
        self._header.show_state(name, told.headline, told.since, grey=told.picture is None)
        if told.picture:
            self.SetIcons(load_icons(name))
        self._title.set_text(told.title)
        self._text.set_text(told.text)
        self._advice_heading.set_text(_("Que faire") if told.advice else "")
        self._advice.set_text(told.advice)
        self._actor.set_text(told.actor)
        self._more.set_problem(told.code)
        self._show_buttons()
        self._show_facts()
        self.lay_out()
        self._shown()
        self._shown = lambda: None

    def _show_buttons(self) -> None:
        had_focus = self.FindFocus()
        wanted = {
            action.command: action.enabled
            for action in status_overview.actions(self._status, self._port.abilities)
        }
        for command, button in self._buttons.items():
            button.Show(command in wanted)
            button.Enable(wanted.get(command, False))
        helps = next((self._buttons[command] for command, enabled in wanted.items() if enabled), self._close)
        helps.SetDefault()
        if (
            had_focus is None
            or not had_focus.IsShown()
            or not had_focus.IsEnabled()
            or had_focus is self._close
        ):
            helps.SetFocus()

    def _show_facts(self) -> None:
        pairs = status_overview.facts(self._status, time.time()) if self._status else []
        self._line.Show(bool(pairs))
        pairs += [("", "")] * (len(self._facts) - len(pairs))
        for (name, what), (label, value) in zip(self._facts, pairs, strict=True):
            name.SetLabelText(label)
            name.Show(bool(label))
            what.set_text(value)

    def _tick(self) -> None:
        """Count down to the next try."""
        if self._status is not None:
            self._facts[1][1].set_text(status_overview.next_try(self._status, time.time()))

    def _ask(self, command: str) -> None:
        self._message.SetLabel("")

        def work() -> None:
            try:
                self._port.ask(command)
            except AskError as error:
                wx.CallAfter(self._say, error.sentence)

        threading.Thread(target=work, name=command, daemon=True).start()

    def _say(self, sentence: str) -> None:
        if self:
            self._message.SetLabelText(sentence)

    def _on_copy(self) -> None:
        self._say(copy_text(status_overview.text(self._status, self._last, time.time()), _("Copié.")))

    def _on_close(self, _event: wx.CloseEvent) -> None:
        self._timer.Stop()
        if self._end_watch is not None:
            self._end_watch()
        self.Destroy()
