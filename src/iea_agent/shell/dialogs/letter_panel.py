"""« Écrire à l'assistance »: the prepared message, and the ways to send it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import wx

from iea_agent.domain.refusals import NoMailProgram, Refusal
from iea_agent.domain.support_letter import Letter
from iea_agent.locale import _
from iea_agent.shell.wording.refusal_text import word_refusal

from .background import attempt, run_in_background
from .ports import LetterPort
from .widgets import MIDDLE, NARROW, WIDE, Paragraph, copy_text, has_room, make_row


class _FixedText(wx.TextCtrl):  # type: ignore[misc]  # wx has no types here
    """A text that can be read, selected and copied, by the keyboard, too."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, style=wx.TE_READONLY)

    def AcceptsFocusFromKeyboard(self) -> bool:
        """Return True: wx would leave it out."""
        return True


class LetterPanel:
    """Recipient and subject to read and to select, and two buttons, in ``sizer``.

    *lay_out* lays the window out again.
    """

    def __init__(self, parent: wx.Window, width: int, port: LetterPort, lay_out: Callable[[], None]) -> None:
        self._port = port
        self._lay_out = lay_out
        self._letter: Letter | None = None
        self._is_shown = True
        self._heading = Paragraph(parent, width)
        # a label is made right before its edit: that is how screen readers name an edit
        self._address_label = wx.StaticText(parent, label=_("Adresse :"))
        self._address = _FixedText(parent)
        self._subject_label = wx.StaticText(parent, label=_("Objet :"))
        self._subject = _FixedText(parent)
        self._hint = Paragraph(parent, width)
        self.write = wx.Button(parent, label=_("Éc&rire à l'assistance"))
        self._copy = wx.Button(parent, label=_("&Copier le message"))
        self._outcome = Paragraph(parent, width, spoken=True)
        self.sizer = self._arrange(parent, width)
        for button, action in ((self.write, self._on_write), (self._copy, self._on_copy)):
            button.Disable()
            button.Bind(wx.EVT_BUTTON, lambda _event, action=action: action())

    def _arrange(self, parent: wx.Window, width: int) -> wx.Sizer:
        middle, narrow = parent.FromDIP(MIDDLE), parent.FromDIP(NARROW)
        columns = 2 if has_room(parent, width) else 1
        pairs = wx.FlexGridSizer(columns, narrow, middle)
        pairs.AddGrowableCol(columns - 1)
        for label, edit in ((self._address_label, self._address), (self._subject_label, self._subject)):
            pairs.Add(label, 0, wx.ALIGN_CENTRE_VERTICAL)
            pairs.Add(edit, 1, wx.EXPAND)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._heading, 0, wx.BOTTOM, middle)
        column.Add(pairs, 0, wx.EXPAND)
        column.Add(self._hint, 0, wx.TOP, narrow)
        column.Add(make_row(parent, self.write, self._copy, needs=width), 0, wx.TOP, middle)
        column.Add(self._outcome, 0, wx.TOP, narrow)
        column.AddSpacer(parent.FromDIP(WIDE))
        return column

    def show_heading(self, heading: str) -> None:
        """Show the panel below *heading*; the caller lays its window out again."""
        self._heading.set_text(heading)

    def hide(self) -> None:
        """Hide all of it; the caller lays its window out again."""
        self._is_shown = False
        for text in (self._heading, self._hint, self._outcome):
            text.set_text("")
        for control in (
            *(self._address_label, self._address, self._subject_label, self._subject),
            *(self.write, self._copy),
        ):
            control.Hide()

    def load(self) -> None:
        """Prepare the message anew from what is known now, in a thread."""
        run_in_background(self.write.GetTopLevelParent(), "letter", self._port.load_letter, self._on_loaded)

    def _on_loaded(self, letter: Letter | None) -> None:
        if letter is None or letter == self._letter or not self._is_shown:
            return
        self._letter = letter
        self._address.ChangeValue(letter.recipient)
        self._subject.ChangeValue(letter.subject)
        self._hint.set_text("\n".join(_(hint) for hint in letter.hints))
        for button in (self.write, self._copy):
            button.Enable()
        self._lay_out()

    def _on_write(self) -> None:
        """Open the mail program; the message stays a draft until the person sends it."""
        assert self._letter is not None  # noqa: S101 the button is grey until then
        self._say(_("Ouverture de votre messagerie…"))
        # in a tuple, because no answer at all says that something failed
        work = partial(self._port.write_letter, self._letter)
        run_in_background(self.write.GetTopLevelParent(), "mail", lambda: (attempt(work),), self._on_written)

    def _on_written(self, answer: tuple[Refusal | None] | None) -> None:
        refusal = answer[0] if answer else NoMailProgram()
        if refusal is None:
            self._say(
                _(
                    "Complétez le message dans votre messagerie, puis envoyez-le. Sinon, cliquez sur « Copier le message »."
                )
            )
        else:
            self._say(word_refusal(refusal))

    def _on_copy(self) -> None:
        assert self._letter is not None  # noqa: S101 the button is grey until then
        self._say(copy_text(self._letter.whole_text, _("Message copié : collez-le dans votre messagerie.")))

    def _say(self, sentence: str) -> None:
        self._outcome.set_text(sentence)
        self._lay_out()
