"""The phone code: to read out, and spelled with first names on request."""

from __future__ import annotations

from collections.abc import Callable

import wx

from iea_agent.locale import _

from .background import run_in_background
from .widgets import NARROW, Link, Paragraph


class PhoneCodeRow:
    """The code, the link that spells it, and the spelling, in ``sizer``.

    *load_code* is called in a thread. *lay_out* lays the window out again.
    """

    def __init__(
        self, parent: wx.Window, width: int, load_code: Callable[[], str], lay_out: Callable[[], None]
    ) -> None:
        self._parent, self._load_code, self._lay_out = parent, load_code, lay_out
        self._code = ""
        self._is_spelled = False
        self._text = Paragraph(parent, width)
        self._link = Link(parent, self._on_spell)
        self._spelling = Paragraph(parent, width, spoken=True)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for control in (self._text, self._link, self._spelling):
            self.sizer.Add(control, 0, wx.TOP, parent.FromDIP(NARROW))

    def load(self) -> None:
        """Show the code as of now."""
        run_in_background(self._parent.GetTopLevelParent(), "code", self._load_code, self._on_loaded)

    def _on_loaded(self, code: str | None) -> None:
        if code and code != self._code:
            self._code = code
            self._show()

    def _on_spell(self) -> None:
        self._is_spelled = not self._is_spelled
        self._show()

    def _show(self) -> None:
        self._text.set_text(_("Code à dicter à l'assistance : {code}").format(code=self._code))
        self._link.set_text(_("Ne plus épeler le code") if self._is_spelled else _("Épeler le code"))
        self._spelling.set_text(_spell(self._code) if self._is_spelled else "")
        self._lay_out()


def _spell(code: str) -> str:
    # imported here, since the window opens without what spells
    from iea_agent.shell.wording.phone_code_text import spell_code

    return spell_code(code)
