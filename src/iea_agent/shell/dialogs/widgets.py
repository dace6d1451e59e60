"""Controls of the dialogs: scaled pictures, wrapped text, links; the clipboard."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import wx

from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import BULLET

ICONS = Path(__file__).resolve().parents[1] / "icons"

NARROW, MIDDLE, WIDE = 4, 8, 16
"""Distances in device-independent pixels."""


_EDGES = 4 * WIDE
"""Room at both sides of what stands in a dialog: frame, margins, scroll bar."""


def fit_width(window: wx.Window, width: int) -> int:
    """Return *width*, or what the screen has room for, in device-independent pixels.

    Nothing scrolls sideways down to a screen of 320 (WCAG 1.4.10), which is 1280 pixels at 400 %.
    """
    room: int = window.ToDIP(wx.Display(window).GetClientArea().width)
    return min(width, room - _EDGES)


def has_room(window: wx.Window, width: int) -> bool:
    """Return whether *width*, in device-independent pixels, fits on the screen."""
    return fit_width(window, width) == width


def break_lines(window: wx.Window, text: str, width: int) -> str:
    """Return *text* in lines that are no wider than *width* in the font of *window*.

    For labels that cannot wrap by themselves. *width* is in device-independent pixels.
    """
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip()
        # without the mark of an accelerator
        if window.GetTextExtent(longer.replace("&", "")).width <= window.FromDIP(width):
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(filter(None, lines))


def _break_item(window: wx.Window, line: str, width: int) -> str:
    """Return the item *line* in lines of *width*, all text below the first's."""
    # blanks are all that moves text to the right in a label; a little too far rather than not enough
    mark, blank = (window.GetTextExtent(text).width for text in (BULLET, " "))
    indent = -(-mark // blank)
    room = window.ToDIP(window.FromDIP(width) - indent * blank)
    first, *others = break_lines(window, line.removeprefix(BULLET), room).split("\n")
    return "\n".join([BULLET + first, *(" " * indent + other for other in others)])


def load_icons(name: str) -> wx.IconBundle:
    """Return the window icon *name* in all its sizes."""
    return wx.IconBundle(str(ICONS / f"{name}.ico"), wx.BITMAP_TYPE_ICO)


@functools.cache
def load_picture(name: str, size: int, grey: bool = False) -> wx.BitmapBundle:
    """Return the picture *name*, *size* wide, with a bitmap for each usual scaling."""
    drawn = {pixels: ICONS / f"{name}-{pixels}.png" for pixels in (16, 20, 24, 32, 40, 48, 64)}
    bitmaps = []
    for scale in (1, 1.25, 1.5, 2):
        pixels = round(size * scale)
        image = (
            _load_largest(name) if pixels not in drawn else wx.Image(str(drawn[pixels]), wx.BITMAP_TYPE_PNG)
        )
        if image.GetWidth() != pixels:
            image = image.Scale(pixels, pixels, wx.IMAGE_QUALITY_HIGH)
        bitmaps.append(wx.Bitmap(image.ConvertToGreyscale() if grey else image))
    return wx.BitmapBundle.FromBitmaps(bitmaps)


def _load_largest(name: str) -> wx.Image:
    icon = ICONS / f"{name}.ico"
    if icon.exists():
        last_frame = 7  # 256 pixels
        return wx.Image(str(icon), wx.BITMAP_TYPE_ICO, last_frame)
    return wx.Image(str(ICONS / f"{name}-64.png"), wx.BITMAP_TYPE_PNG)


class _Alert(wx.Accessible):  # type: ignore[misc]  # wx has no types here
    """The role of an alert: a screen reader reads such a text when it changes."""

    def GetRole(self, child: int) -> tuple[int, int]:
        return (wx.ACC_OK, wx.ROLE_SYSTEM_ALERT) if child == 0 else (wx.ACC_NOT_IMPLEMENTED, 0)


class SpokenName(wx.Accessible):  # type: ignore[misc]
    """The text that a screen reader reads in place of what stands on *control*."""

    def __init__(self, control: wx.Window) -> None:
        super().__init__(control)
        self.text = ""
        control.SetAccessible(self)

    def GetName(self, _child: int) -> tuple[int, str]:
        return wx.ACC_OK, self.text


class SpokenDescription(wx.Accessible):  # type: ignore[misc]
    """What a screen reader reads after the name of *control*: its group, its hint."""

    def __init__(self, control: wx.Window, describe: Callable[[], str]) -> None:
        super().__init__(control)
        self._describe = describe
        control.SetAccessible(self)

    def GetDescription(self, child: int) -> tuple[int, str]:
        text = self._describe() if child == 0 else ""
        return (wx.ACC_OK if text else wx.ACC_NOT_IMPLEMENTED), text


class Paragraph(wx.StaticText):  # type: ignore[misc]
    """Text that wraps at *width* device-independent pixels; hidden while it is empty.

    If it is *spoken*, screen readers read it when it changes. If it is a *title*, it is bold
    and larger by that factor.
    """

    def __init__(
        self, parent: wx.Window, width: int, text: str = "", *, spoken: bool = False, title: float = 0
    ) -> None:
        super().__init__(parent)
        if title:
            self.SetFont(make_title_font(parent, title))
        self._width = width
        self.text = ""
        if spoken:
            self.SetAccessible(_Alert(self))
        self._spoken = spoken
        self.Hide()
        self.set_text(text)

    def set_text(self, text: str) -> None:
        """Show *text*; the caller lays its window out again."""
        if text == self.text:
            return
        self.text = text
        self.wrap()
        self.Show(bool(text))
        if text and self._spoken:
            wx.Accessible.NotifyEvent(wx.ACC_EVENT_SYSTEM_ALERT, self, wx.OBJID_CLIENT, 0)

    def set_width(self, width: int) -> None:
        """Wrap at *width* device-independent pixels from now on."""
        self._width = width
        self.wrap()

    def wrap(self) -> None:
        """Break the lines again, for another font or scaling, within the screen."""
        self.Wrap(-1)  # wx skips a second wrapping at the same width
        width = fit_width(self, self._width)
        lines = [
            _break_item(self, line, width) if line.startswith(BULLET) else line
            for line in self.text.split("\n")
        ]
        self.SetLabelText("\n".join(lines))
        self.Wrap(self.FromDIP(width))


class FixedText(wx.TextCtrl):  # type: ignore[misc]
    """A text that can be read, selected and copied, by the keyboard, too."""

    def __init__(self, parent: wx.Window, style: int = 0) -> None:
        super().__init__(parent, style=wx.TE_READONLY | style)

    def AcceptsFocusFromKeyboard(self) -> bool:
        """Return True: wx would leave it out."""
        return True


class Remark:
    """A sentence about what is typed, in ``sizer``; a barred circle marks an error."""

    def __init__(self, parent: wx.Window, width: int) -> None:
        self.paragraph = Paragraph(parent, fit_width(parent, width) - 16 - MIDDLE, spoken=True)
        # made only if it is needed, so that a dialog opens sooner
        self._cross: wx.StaticBitmap | None = None
        self.sizer = wx.BoxSizer(wx.HORIZONTAL)
        self.sizer.Add(self.paragraph, 0, wx.ALIGN_CENTRE_VERTICAL)

    def set_text(self, text: str, *, is_error: bool = False) -> None:
        """Show *text*, "" for none; the caller lays its window out again."""
        if is_error and self._cross is None:
            parent = self.paragraph.GetParent()
            self._cross = wx.StaticBitmap(parent, bitmap=load_picture("barred", 16))
            self._cross.SetName("barred")
            place_before(self._cross, self.paragraph)
            gap = parent.FromDIP(MIDDLE)
            self.sizer.Insert(0, self._cross, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, gap)
        if self._cross is not None:
            self._cross.Show(is_error and bool(text))
        self.paragraph.set_text(text)


class Header:
    """The upper part of a window, in ``sizer``: a picture, a headline, and since when."""

    def __init__(self, parent: wx.Window, width: int, headline: str = "") -> None:
        self._picture = wx.StaticBitmap(parent, size=parent.FromDIP(wx.Size(48, 48)))
        self._drawn = ("", False)
        beside = fit_width(parent, width) - 48 - WIDE
        self._headline = Paragraph(parent, beside, headline, spoken=True, title=1.6)
        self._since = Paragraph(parent, beside)
        words = wx.BoxSizer(wx.VERTICAL)
        words.Add(self._headline)
        words.Add(self._since, 0, wx.TOP, parent.FromDIP(NARROW))
        self.sizer = wx.BoxSizer(wx.HORIZONTAL)
        self.sizer.Add(self._picture, 0, wx.RIGHT, parent.FromDIP(WIDE))
        self.sizer.Add(words, 1, wx.ALIGN_CENTRE_VERTICAL)

    def show_state(self, picture: str, headline: str, since: str, *, grey: bool = False) -> None:
        if self._drawn != (picture, grey):
            self._drawn = (picture, grey)
            set_picture(self._picture, load_picture(picture, 48, grey=grey))
        self._headline.set_text(headline)
        self._since.set_text(since)

    def show_outcome(self, picture: str, sentence: str) -> None:
        """Show an outcome: a sentence, in smaller letters than a state."""
        self._headline.SetFont(make_title_font(self._headline.GetParent(), 1.15))
        self.show_state(picture, sentence, "")


class Banner(wx.Panel):  # type: ignore[misc]
    """A paragraph in the system's colours for hints; hidden while it is empty."""

    def __init__(self, parent: wx.Window, width: int) -> None:
        super().__init__(parent, name="")
        self.SetBackgroundColour(wx.SystemSettings.GetColour(wx.SYS_COLOUR_INFOBK))
        self._text = Paragraph(self, fit_width(parent, width) - 2 * MIDDLE, spoken=True)
        self._text.SetForegroundColour(wx.SystemSettings.GetColour(wx.SYS_COLOUR_INFOTEXT))
        self.SetSizer(wx.BoxSizer())
        self.GetSizer().Add(self._text, 1, wx.ALL, self.FromDIP(MIDDLE))
        self.Hide()

    def set_text(self, text: str) -> None:
        """Show *text*, "" to hide the banner; the caller lays its window out again."""
        self._text.set_text(text)
        self.Show(bool(text))
        self.Layout()


_WIDEST_LINK = 540
"""In device-independent pixels."""


class Link(wx.Button):  # type: ignore[misc]
    """A link that the keyboard reaches and a screen reader reads like any button."""

    def __init__(self, parent: wx.Window, on_click: Callable[[], None]) -> None:
        super().__init__(parent, label="-", style=wx.BU_EXACTFIT | wx.BU_LEFT | wx.BORDER_NONE)
        ground = parent.GetBackgroundColour()
        colour = wx.SystemSettings.GetColour(wx.SYS_COLOUR_HOTLIGHT)
        legible = abs(colour.GetLuminance() - ground.GetLuminance()) >= 0.4
        if not legible:
            colour = wx.Colour(0, 102, 204) if ground.GetLuminance() > 0.5 else wx.Colour(102, 178, 255)
        self.SetForegroundColour(colour)
        self.SetBackgroundColour(ground)
        self.SetFont(self.GetFont().Underlined())
        self.SetCursor(wx.Cursor(wx.CURSOR_HAND))
        self.Bind(wx.EVT_BUTTON, lambda _event: on_click())
        self.Hide()

    def set_text(self, text: str) -> None:
        """Show the link *text*, "" to hide it; the caller lays its window out again."""
        label = break_lines(self, text, fit_width(self, _WIDEST_LINK))
        if text and label != self.GetLabelText():
            self.SetLabelText(label)
            self.InvalidateBestSize()
        self.Show(bool(text))


class PageLink(Link):
    """The link to the page on a problem; *explain* is called with the problem's code.

    It returns a sentence if the page did not open, "" otherwise.
    """

    def __init__(self, parent: wx.Window, explain: Callable[[str], str]) -> None:
        super().__init__(parent, lambda: show_page(self.GetTopLevelParent(), explain, self.code))
        self.code = ""

    def set_problem(self, code: str) -> None:
        """Offer the page on problem *code*, "" for none."""
        self.code = code
        self.set_text(_("En savoir plus sur {code}").format(code=code) if code else "")


def show_page(window: wx.Window, explain: Callable[[str], str], name: str) -> None:
    """Have *explain* show the page *name*; say at *window* why it did not open."""
    show_sentence(window, explain(name))


def show_sentence(window: wx.Window, sentence: str) -> None:
    """Show *sentence* at *window* until the person has read it; "" for none."""
    if sentence:
        wx.MessageBox(sentence, window.GetTitle(), wx.OK | wx.ICON_INFORMATION, window)


def make_row(
    parent: wx.Window,
    *controls: wx.Window,
    gap: int = MIDDLE,
    wide: wx.Window | None = None,
    needs: int = 0,
) -> wx.BoxSizer:
    """Return *controls* in a row, *gap* apart; *wide* takes the room that is left.

    They stand below each other if the row *needs* more room than there is, in device-independent pixels.
    """
    if not has_room(parent, needs):
        column = wx.BoxSizer(wx.VERTICAL)
        for control in controls:
            column.Add(control, 0, wx.EXPAND * (control is wide) | wx.BOTTOM, parent.FromDIP(NARROW))
        return column
    row = wx.BoxSizer(wx.HORIZONTAL)
    for control in controls:
        flag = wx.ALIGN_CENTRE_VERTICAL | (0 if control is controls[-1] else wx.RIGHT)
        row.Add(control, int(control is wide), flag, parent.FromDIP(gap))
    return row


def place_before(control: wx.Window, after: wx.Window) -> None:
    """Have *control* come before *after*, for the Tab key and for screen readers.

    wx changes the order of the Tab key only. Screen readers follow the order of the system's own windows.
    """
    control.MoveBeforeInTabOrder(after)
    if sys.platform == "win32":
        before = control.GetPrevSibling()
        quietly = 0x0001 | 0x0002 | 0x0010  # SWP_NOSIZE, SWP_NOMOVE, SWP_NOACTIVATE
        handle, previous = ctypes.c_void_p(control.GetHandle()), ctypes.c_void_p(_handle(before))
        ctypes.windll.user32.SetWindowPos(handle, previous, 0, 0, 0, 0, quietly)


def _handle(window: wx.Window | None) -> int:
    """Return the system's handle of *window*; 0, the first place, for None."""
    return 0 if window is None else int(window.GetHandle())


def mask_text(control: wx.TextCtrl, *, masked: bool) -> None:
    """Have the text of *control* drawn as dots, or in clear."""
    if sys.platform == "win32":
        # EM_SETPASSWORDCHAR; wx could only make another control
        set_password_char = 0x00CC
        dot = ord("●") if masked else 0
        ctypes.windll.user32.SendMessageW(control.GetHandle(), set_password_char, dot, 0)
    control.Refresh()


def set_picture(control: wx.StaticBitmap, bitmap: wx.BitmapBundle) -> None:
    """Show another picture; wx does not draw it by itself if its size is the same."""
    control.SetBitmap(bitmap)
    control.Refresh()


def can_focus(control: wx.Window | None) -> bool:
    """Return whether *control* is there, shown and enabled."""
    return control is not None and control.IsShown() and control.IsEnabled()


def make_title_font(window: wx.Window, scale: float) -> wx.Font:
    """Return the font of *window*, larger by *scale* and bold."""
    return window.GetFont().Scaled(scale).Bold()


def copy_text(text: str, confirmation: str) -> str:
    """Put *text* on the clipboard; return *confirmation*, or why it failed."""
    clipboard = wx.TheClipboard
    if clipboard.Open():
        try:
            if clipboard.SetData(wx.TextDataObject(text)) and clipboard.Flush():
                return confirmation
        finally:
            clipboard.Close()
    return _("Un autre logiciel occupe le presse-papiers. Réessayez.")


def bind_copy_key(window: wx.Window, copy: Callable[[], None]) -> None:
    """Have Ctrl+C anywhere in *window* call *copy*."""

    def on_key(event: wx.KeyEvent) -> None:
        if event.GetModifiers() == wx.MOD_CONTROL and event.GetKeyCode() == ord("C"):
            copy()
        else:
            event.Skip()

    window.Bind(wx.EVT_CHAR_HOOK, on_key)
