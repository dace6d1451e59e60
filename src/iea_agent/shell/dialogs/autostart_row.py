"""The row for the start with Windows; only an installed program has it."""

from __future__ import annotations

from collections.abc import Callable

import wx

from iea_agent.domain.autostart import Autostart
from iea_agent.locale import _
from iea_agent.shell.wording.refusal_text import word_refusal

from .ports import AutostartChoice
from .widgets import NARROW, Paragraph, Remark, SpokenDescription


class AutostartRow:
    """A check box and its heading, in ``sizer``; grey with the reason if it is fixed.

    It is no setting: it shows the registry. *writable* is false while no setting can be changed; *on_changed* is called
    when a person changes it.
    """

    def __init__(
        self,
        parent: wx.Window,
        width: int,
        choice: AutostartChoice,
        writable: bool,
        on_changed: Callable[[], None],
    ) -> None:
        self._writable = writable
        heading = Paragraph(parent, width, _("Programme de connexion"), title=1)
        self._box = wx.CheckBox(parent, label=_("Démarrer a&vec Windows"))
        self._remark = Remark(parent, width)
        SpokenDescription(self._box, lambda: f"{heading.text}. {self._remark.paragraph.text}".rstrip())
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for part in (heading, self._box, self._remark.sizer):
            self.sizer.Add(part, 0, wx.BOTTOM, parent.FromDIP(NARROW))

        def on_click(_event: wx.CommandEvent) -> None:
            self._explain()
            on_changed()

        self._box.Bind(wx.EVT_CHECKBOX, on_click)
        self.show_choice(choice)

    def show_choice(self, choice: AutostartChoice) -> None:
        """Show *choice*, as Windows has it now."""
        self._choice = choice
        self._box.SetValue(choice.autostart is Autostart.ON)
        self._box.Enable(self._writable and choice.why_fixed is None)
        self._explain()

    def _explain(self) -> None:
        """Say why it cannot be changed, or what would be replaced."""
        text = ""
        if self._choice.why_fixed is not None:
            text = word_refusal(self._choice.why_fixed)
        elif self._choice.autostart is Autostart.OTHER:
            text = _("Windows démarre un autre programme sous ce nom. Cochez la case pour le remplacer.")
        self._remark.set_text(text)

    def say_refusal(self, sentence: str) -> None:
        """Show why it was not saved."""
        self._remark.set_text(sentence, is_error=True)

    @property
    def wanted(self) -> bool | None:
        """What the person has chosen; None if that is what Windows does already."""
        wanted = bool(self._box.GetValue())
        return None if wanted == (self._choice.autostart is Autostart.ON) else wanted
