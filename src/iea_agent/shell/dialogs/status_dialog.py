"""The status window: the state, its problem, and buttons for what helps now."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import wx

from iea_agent.domain import person_requests
from iea_agent.domain.refusals import Refusal
from iea_agent.locale import _
from iea_agent.shell.wording.refusal_text import word_refusal

from . import status_overview
from .background import attempt, follow_agent, run_in_background
from .ports import StatusPort
from .scrolled_dialog import ScrolledDialog, run_dialog
from .widgets import (
    MIDDLE,
    NARROW,
    WIDE,
    Header,
    PageLink,
    Paragraph,
    bind_copy_key,
    can_focus,
    copy_text,
    load_icons,
)

if TYPE_CHECKING:
    from iea_agent.domain.documents import StatusDocument

WIDTH, BUTTONS = 380, 210
"""Width of the text and of the buttons beside it, in device-independent pixels."""
NEXT_TRY = 1
"""The place of the next try among the facts."""


def run(port: StatusPort, on_shown: Callable[[], None], _options: Collection[str]) -> None:
    """Show the window until it is closed; call *on_shown* with the first status in it."""
    run_dialog(lambda: StatusWindow(port, on_shown))


class StatusWindow(ScrolledDialog):
    """The whole window; it follows the agent."""

    def __init__(self, port: StatusPort, on_shown: Callable[[], None]) -> None:
        super().__init__(_(person_requests.STATUS.title), port.explain)
        self._port = port
        self._on_shown = on_shown
        self._status: StatusDocument | None = None
        self._last_status: StatusDocument | None = None

        parent = self.panel
        self._header = Header(parent, WIDTH + BUTTONS, _("Lecture de l'état…"))
        self._title = Paragraph(parent, WIDTH, spoken=True, title=1.15)
        self._text = Paragraph(parent, WIDTH)
        self._advice_heading = Paragraph(parent, WIDTH, title=1)
        self._advice = Paragraph(parent, WIDTH)
        self._actor = Paragraph(parent, WIDTH)
        self._page_link = PageLink(parent, port.explain)
        self._buttons = {
            request.name: wx.Button(parent, label=_(label))
            for request, label in status_overview.LABELS.items()
        }
        self._line = wx.StaticLine(parent)
        self._facts = [
            (wx.StaticText(parent), Paragraph(parent, WIDTH)) for _row in range(status_overview.MOST_FACTS)
        ]
        self._message = wx.StaticText(self.footer)
        self._copy = wx.Button(self.footer, label=_("&Copier"))
        self._close = wx.Button(self.footer, wx.ID_CANCEL, _("&Fermer"))
        self._arrange()

        for name, button in self._buttons.items():
            button.Hide()
            button.Bind(wx.EVT_BUTTON, lambda _event, name=name: self._ask(name))
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
        words.SetMinSize(self.FromDIP(wx.Size(WIDTH, 96)))
        buttons = wx.BoxSizer(wx.VERTICAL)
        for button in self._buttons.values():
            buttons.Add(button, 0, wx.EXPAND | wx.BOTTOM, middle)
        buttons.SetMinSize(self.FromDIP(wx.Size(BUTTONS, -1)))
        body = wx.BoxSizer(wx.HORIZONTAL)
        body.Add(words, 1, wx.RIGHT, wide)
        body.Add(buttons)
        facts = wx.FlexGridSizer(2, narrow, wide)
        for name, value in self._facts:
            facts.Add(name)
            facts.Add(value)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self.help_button, 0, wx.RIGHT, middle)
        foot.Add(self._message, 1, wx.ALIGN_CENTRE_VERTICAL)
        foot.Add(self._copy, 0, wx.RIGHT, middle)
        foot.Add(self._close)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._header.sizer, 0, wx.EXPAND | wx.ALL, wide)
        column.Add(body, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        column.Add(self._line, 0, wx.EXPAND | wx.LEFT | wx.RIGHT, wide)
        column.Add(facts, 0, wx.ALL, wide)
        self.panel.SetSizer(column)
        footer = wx.BoxSizer(wx.VERTICAL)
        footer.Add(foot, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.BOTTOM, wide)
        self.footer.SetSizer(footer)

    def begin(self) -> None:
        """Follow the agent, and count down to its next try."""
        self._close.SetFocus()
        follow_agent(self, self._port.watch, self._on_status, self._count_down, 1000)

    def _on_status(self, status: StatusDocument | None) -> None:
        self._last_status = status or self._last_status
        self._status = status
        summary = status_overview.summarize_status(status, time.time())
        picture = summary.picture.value if summary.picture else "ball-pale"
        self._header.show_state(picture, summary.headline, summary.since, grey=summary.picture is None)
        if summary.picture:
            self.SetIcons(load_icons(picture))
        self._title.set_text(summary.title)
        self._text.set_text(summary.text)
        self._advice_heading.set_text(_("Que faire") if summary.advice else "")
        self._advice.set_text(summary.advice)
        self._actor.set_text(summary.actor)
        self._page_link.set_problem(summary.code)
        self._show_buttons()
        self._show_facts()
        self.lay_out()
        self._on_shown()
        self._on_shown = lambda: None

    def _show_buttons(self) -> None:
        had_focus = self.find_focus()
        enabled = status_overview.list_buttons(self._status, self._port.abilities)
        for name, button in self._buttons.items():
            button.Show(name in enabled)
            button.Enable(enabled.get(name, False))
        best = next((self._buttons[name] for name in enabled if enabled[name]), self._close)
        best.SetDefault()
        if had_focus is self._close or not can_focus(had_focus):
            self.give_focus(best)

    def _show_facts(self) -> None:
        pairs = status_overview.list_facts(self._status, time.time()) if self._status else []
        self._line.Show(bool(pairs))
        pairs += [("", "")] * (len(self._facts) - len(pairs))
        for (name, value), (name_text, value_text) in zip(self._facts, pairs, strict=True):
            name.SetLabelText(name_text)
            name.Show(bool(name_text))
            value.set_text(value_text)

    def _count_down(self) -> None:
        if self._status is not None:
            _name, value = self._facts[NEXT_TRY]
            value.set_text(status_overview.describe_next_try(self._status, time.time()))

    def _ask(self, name: str) -> None:
        """Ask the agent for the request *name*, and show why it was refused."""
        self._message.SetLabel("")

        def show_reason(refusal: Refusal | None) -> None:
            if refusal:
                self._message.SetLabelText(word_refusal(refusal))

        run_in_background(self, name, lambda: attempt(lambda: self._port.ask(name)), show_reason)

    def _on_copy(self) -> None:
        text = status_overview.render_overview(self._status, self._last_status, time.time())
        self._message.SetLabelText(copy_text(text, _("Copié.")))
