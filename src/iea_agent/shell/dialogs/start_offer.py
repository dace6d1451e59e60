"""The button that starts the agent, wherever a window says that it is stopped."""

from __future__ import annotations

from collections.abc import Callable

import wx

from iea_agent.domain import problems
from iea_agent.domain.refusals import ProblemMet, Refusal
from iea_agent.locale import _
from iea_agent.shell.wording.refusal_text import word_refusal

from .background import attempt, run_in_background
from .widgets import NARROW, Paragraph


class StartOffer:
    """The button and what comes of it, in ``sizer``; hidden while the agent runs.

    *start* starts the agent, in a thread, and raises ``RefusedError``; *lay_out* lays the window out again.
    """

    def __init__(
        self, parent: wx.Window, width: int, start: Callable[[], None], lay_out: Callable[[], None]
    ) -> None:
        self._start = start
        self._lay_out = lay_out
        self._is_starting = False
        self.button = wx.Button(parent, label=_("Démarrer le programme de connexion"))
        self.button.Hide()
        self.button.Bind(wx.EVT_BUTTON, lambda _event: self._on_click())
        self._outcome = Paragraph(parent, width, spoken=True)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(self.button, 0, wx.EXPAND)
        self.sizer.Add(self._outcome, 0, wx.TOP, parent.FromDIP(NARROW))

    def show(self, stopped: bool) -> None:
        """Offer the start if the agent is *stopped*; the caller lays its window out again."""
        self.button.Show(stopped)
        if not stopped:
            self._outcome.set_text("")

    def _on_click(self) -> None:
        if self._is_starting:
            return
        self._is_starting = True
        self._say(_("Démarrage en cours…"))
        # in a tuple, because no answer at all says that something failed
        run_in_background(
            self.button.GetTopLevelParent(), "start", lambda: (attempt(self._start),), self._on_started
        )

    def _on_started(self, answer: tuple[Refusal | None] | None) -> None:
        self._is_starting = False
        (refusal,) = answer or (ProblemMet(problems.INTERNAL_ERROR.code),)
        if refusal is None:
            self.show(stopped=False)
        self._say(_("Le programme de connexion est démarré.") if refusal is None else word_refusal(refusal))

    def _say(self, sentence: str) -> None:
        self._outcome.set_text(sentence)
        self._lay_out()
