"""A text to read: searched with Ctrl and F, printed in the browser."""

from __future__ import annotations

from collections.abc import Callable

import wx

from iea_agent.locale import _
from iea_agent.shell.wording.notes_text import StyledPart, StyledText, find_words

from .widgets import (
    MIDDLE,
    NARROW,
    FixedText,
    Paragraph,
    SpokenName,
    fit_width,
    has_room,
    make_row,
    make_title_font,
)

INDENT = 25
"""How far an item of a list stands to the right, in tenths of a millimetre."""


class ReadingPane:
    """The text below its name, and a search, in ``sizer``.

    *height* is that of the text, in device-independent pixels. *print_text* shows the page to print; *lay_out* lays the window out again.
    """

    def __init__(
        self,
        parent: wx.Window,
        width: int,
        height: int,
        print_text: Callable[[], None],
        lay_out: Callable[[], None],
    ) -> None:
        self._lay_out = lay_out
        self._styled = StyledText()
        # a label is made right before its edit: that is how screen readers name an edit
        self._name = wx.StaticText(parent, label="-", style=wx.ST_ELLIPSIZE_END | wx.ST_NO_AUTORESIZE)
        self._text = FixedText(parent, wx.TE_MULTILINE | wx.TE_RICH2 | wx.TE_NOHIDESEL)
        # Windows names other fields by the label before them, but not one with styles
        self._spoken = SpokenName(self._text)
        self._text.SetMinSize(parent.FromDIP(wx.Size(fit_width(parent, width), height)))
        self._label = wx.StaticText(parent, label=_("Rec&hercher (Ctrl+F)"))
        self._words = wx.TextCtrl(parent, style=wx.TE_PROCESS_ENTER)
        self._words.SetMaxLength(100)
        self._next = wx.Button(parent, label=_("&Suivant"))
        self._print = wx.Button(parent, label=_("I&mprimer…"))
        self._outcome = Paragraph(parent, width, spoken=True)
        self.sizer = self._arrange(parent, width)
        self._words.Bind(wx.EVT_TEXT_ENTER, lambda _event: self.find_next())
        self._words.Bind(wx.EVT_TEXT, self._on_typed)
        self._next.Bind(wx.EVT_BUTTON, lambda _event: self.find_next())
        self._print.Bind(wx.EVT_BUTTON, lambda _event: print_text())
        self._text.Bind(wx.EVT_DPI_CHANGED, self._on_scaling_changed)

    def _arrange(self, parent: wx.Window, width: int) -> wx.Sizer:
        middle, narrow = parent.FromDIP(MIDDLE), parent.FromDIP(NARROW)
        search = make_row(parent, self._label, self._words, self._next, wide=self._words, needs=width)
        row = wx.BoxSizer(wx.HORIZONTAL if has_room(parent, width) else wx.VERTICAL)
        row.Add(search, 1, wx.EXPAND)
        row.Add(self._print, 0, wx.LEFT if has_room(parent, width) else wx.TOP, middle)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._name, 0, wx.EXPAND | wx.BOTTOM, narrow)
        column.Add(self._text, 1, wx.EXPAND | wx.BOTTOM, middle)
        column.Add(row, 0, wx.EXPAND)
        column.Add(self._outcome, 0, wx.TOP, narrow)
        return column

    def show_text(self, name: str, styled: StyledText, *, can_print: bool) -> None:
        """Show *styled* from its top, below its *name*; the same one stays where it is."""
        self._print.Enable(can_print)
        if self._name.GetLabelText() != name:
            self._name.SetLabelText(name)
            self._spoken.text = name
        if styled == self._styled:
            return
        self._styled = styled
        self._write()
        self._outcome.set_text("")

    def _write(self) -> None:
        self._text.Freeze()
        self._text.SetValue(self._styled.text)
        # what was written keeps the style of what stood there before
        plain = wx.TextAttr(wx.SystemSettings.GetColour(wx.SYS_COLOUR_WINDOWTEXT), font=self._text.GetFont())
        self._text.SetStyle(0, self._text.GetLastPosition(), plain)
        for part in self._styled.parts:
            self._draw(part)
        self._text.SetInsertionPoint(0)
        self._text.Thaw()

    def _draw(self, part: StyledPart) -> None:
        start, end = (_count_units(self._styled.text[:place]) for place in (part.start, part.end))
        look = wx.TextAttr()
        if part.style.scale != 1:
            look.SetFont(make_title_font(self._text, part.style.scale))
        elif part.style.is_bold:
            look.SetFontWeight(wx.FONTWEIGHT_BOLD)
        if part.style.indent:
            # the lines of an item stand below its first word
            look.SetLeftIndent(INDENT * (part.style.indent - 1), INDENT)
        self._text.SetStyle(start, end, look)

    def start_search(self) -> None:
        """Move the keyboard to the words to search, all of them selected."""
        self._words.SetFocus()
        self._words.SelectAll()

    def find_next(self) -> None:
        """Select where the words come next, and say if they are nowhere."""
        words = self._words.GetValue()
        start = len(self._text_before_selection())
        place = find_words(self._styled.text, words, start)
        self._say(
            ""
            if place or not words.strip()
            else _("« {words} » n'est pas dans ce texte.").format(words=words)
        )
        if place is None:
            return
        first, last = (_count_units(self._styled.text[:each]) for each in place)
        self._text.SetSelection(first, last)
        self._text.ShowPosition(first)

    def _text_before_selection(self) -> str:
        """Return the text up to the end of what is selected, from where to search on."""
        units = self._text.GetSelection()[1] if self._text.GetStringSelection() else 0
        return self._styled.text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", "ignore")

    def _on_typed(self, event: wx.CommandEvent) -> None:
        event.Skip()
        self._say("")

    def _on_scaling_changed(self, event: wx.DPIChangedEvent) -> None:
        event.Skip()
        wx.CallAfter(self._write)

    def _say(self, sentence: str) -> None:
        self._outcome.set_text(sentence)
        self._lay_out()


def _count_units(text: str) -> int:
    """Return the length of *text* as Windows counts: in units of UTF-16."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
