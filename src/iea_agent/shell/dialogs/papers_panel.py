"""Below the message: two pages to print, and the recording of a fault."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import wx

from iea_agent.domain.refusals import Refusal
from iea_agent.locale import _
from iea_agent.shell.wording import time_text
from iea_agent.shell.wording.refusal_text import word_refusal

from .background import ask, run_in_background
from .ports import PapersPort
from .widgets import NARROW, WIDE, Paragraph, make_row

_Value = TypeVar("_Value")


class PapersPanel:
    """The buttons, and what the recording is doing, in ``sizer``.

    *lay_out* lays the window out again, *say* shows a sentence.
    """

    def __init__(self, parent: wx.Window, width: int, port: PapersPort, lay_out: Callable[[], None]) -> None:
        self._port, self._lay_out = port, lay_out
        self._until: float | None = None
        self._is_shown = True
        self._sheet = wx.Button(parent, label=_("Fic&he pour l'informatique"))
        self._statement = wx.Button(parent, label=_("Just&ificatif de l'incident"))
        self._recording = Paragraph(parent, width)
        self._record = wx.Button(parent, label=_("Enre&gistrer pendant que je reproduis"))
        self._outcome = Paragraph(parent, width, spoken=True)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(make_row(parent, self._sheet, self._statement, needs=width))
        for control in (self._recording, self._record, self._outcome):
            self.sizer.Add(control, 0, wx.TOP, parent.FromDIP(NARROW))
        self.sizer.AddSpacer(parent.FromDIP(WIDE))
        self._sheet.Bind(wx.EVT_BUTTON, lambda _event: self._open("sheet", port.open_sheet))
        self._statement.Bind(wx.EVT_BUTTON, lambda _event: self._open("statement", port.open_statement))
        self._record.Bind(wx.EVT_BUTTON, lambda _event: self._on_record())

    def load(self) -> None:
        """Show a recording that runs already."""
        self._run("recording", self._port.load_recording, self._show_recording)

    def hide(self) -> None:
        """Hide all of it; the caller lays its window out again."""
        self._is_shown = False
        self._say("")
        self._recording.set_text("")
        for button in (self._sheet, self._statement, self._record):
            button.Hide()

    def follow_time(self) -> None:
        """Show how long the recording still lasts, and its end."""
        if self._until is None or not self._is_shown:
            return
        left = self._until - time.time()
        if left <= 0:
            self._show_recording(None)
            self._say(_("Enregistrement terminé : le fichier joint le contient."))
        elif self._word_recording(left) != self._recording.text:
            self._recording.set_text(self._word_recording(left))
            self._lay_out()

    def _word_recording(self, left: float) -> str:
        text = _(
            "Enregistrement en cours, encore {time} : reproduisez ce qui ne va pas, puis écrivez. Aucun mot de passe n'est noté."
        )
        return text.format(time=time_text.format_duration(left))

    def _on_record(self) -> None:
        if self._until is None:
            self._run("record", partial(ask, self._port.start_recording), self._on_started)
        else:
            self._run("record", partial(ask, self._port.stop_recording), self._on_stopped)

    def _on_started(self, answer: float | Refusal | str | None) -> None:
        if isinstance(answer, Refusal):
            self._say(word_refusal(answer))
        elif isinstance(answer, float):
            self._say("")
            self._show_recording(answer)

    def _on_stopped(self, answer: Refusal | str | None) -> None:
        if isinstance(answer, Refusal):
            self._say(word_refusal(answer))
            return
        self._show_recording(None)
        self._say(_("Enregistrement arrêté : le fichier joint le contient."))

    def _show_recording(self, until: float | None) -> None:
        if not self._is_shown:
            return
        self._until = until
        label = (
            _("Enre&gistrer pendant que je reproduis") if until is None else _("Arrêter &l'enregistrement")
        )
        if self._record.GetLabel() != label:
            self._record.SetLabel(label)
        self._recording.set_text("" if until is None else self._word_recording(until - time.time()))
        self._lay_out()

    def _open(self, name: str, show: Callable[[], str]) -> None:
        self._say("")
        self._run(name, partial(ask, show), self._on_opened)

    def _on_opened(self, answer: Refusal | str | None) -> None:
        self._say(word_refusal(answer) if isinstance(answer, Refusal) else answer or "")

    def _run(self, name: str, work: Callable[[], _Value], done: Callable[[_Value | None], None]) -> None:
        run_in_background(self._record.GetTopLevelParent(), name, work, done)

    def _say(self, sentence: str) -> None:
        self._outcome.set_text(sentence)
        self._lay_out()
