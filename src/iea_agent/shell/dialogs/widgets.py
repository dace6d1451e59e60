"""What every dialog is made of: the program around it, pictures at the right scale, text that wraps and is read aloud, the clipboard."""

from __future__ import annotations

import ctypes
import functools
import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import wx

from iea_agent.locale import _

ICONS = Path(__file__).resolve().parents[1] / "icons"

# Distances in device-independent pixels, as everywhere in the dialogs.
NARROW, MIDDLE, WIDE = 4, 8, 16


def application() -> wx.App:
    """The program of one dialog: sharp at every scaling, light or dark as the person has set it."""
    if sys.platform == "win32":
        # Before the first window; the executable's manifest may have done it already, which is an error here that changes nothing.
        per_monitor_v2 = ctypes.c_void_p(-4)
        ctypes.windll.user32.SetProcessDpiAwarenessContext(per_monitor_v2)
    app = wx.App(redirect=False, clearSigInt=False)
    if hasattr(app, "SetAppearance"):
        app.SetAppearance(wx.App.Appearance.System)
    return app


def show(app: wx.App, dialog: wx.Dialog, begin: Callable[[], None]) -> None:
    """Show *dialog* in front of all others, *begin* what it does once it is there, until it is closed."""
    app.SetTopWindow(dialog)
    dialog.Show()
    dialog.Raise()
    begin()
    app.MainLoop()


def icons(name: str) -> wx.IconBundle:
    """The window icon *name* in all its sizes."""
    return wx.IconBundle(str(ICONS / f"{name}.ico"), wx.BITMAP_TYPE_ICO)


@functools.cache
def picture(name: str, size: int, grey: bool = False) -> wx.BitmapBundle:
    """The picture *name* at *size* device-independent pixels, drawn for each usual scaling rather than stretched; *grey* without its colours."""
    drawn = {pixels: ICONS / f"{name}-{pixels}.png" for pixels in (16, 20, 24, 32, 40, 48, 64)}
    bitmaps = []
    for scale in (1, 1.25, 1.5, 2):
        pixels = round(size * scale)
        image = _largest(name) if pixels not in drawn else wx.Image(str(drawn[pixels]), wx.BITMAP_TYPE_PNG)
        if image.GetWidth() != pixels:  # no drawing of this very size
            image = image.Scale(pixels, pixels, wx.IMAGE_QUALITY_HIGH)
        bitmaps.append(wx.Bitmap(image.ConvertToGreyscale() if grey else image))
    return wx.BitmapBundle.FromBitmaps(bitmaps)


def _largest(name: str) -> wx.Image:
    icon = ICONS / f"{name}.ico"
    if icon.exists():
        return wx.Image(str(icon), wx.BITMAP_TYPE_ICO, 7)  # the last frame: 256 pixels
    return wx.Image(str(ICONS / f"{name}-64.png"), wx.BITMAP_TYPE_PNG)


class _Spoken(wx.Accessible):  # type: ignore[misc]  # wx has no types here
    """Makes a text an alert for screen readers, which then read it when it changes."""

    def GetRole(self, child: int) -> tuple[int, int]:
        return (wx.ACC_OK, wx.ROLE_SYSTEM_ALERT) if child == 0 else (wx.ACC_NOT_IMPLEMENTED, 0)


class Paragraph(wx.StaticText):  # type: ignore[misc]
    """Text of any length, wrapped at *width* device-independent pixels; hidden while it is empty."""

    def __init__(self, parent: wx.Window, width: int, text: str = "", spoken: bool = False) -> None:
        super().__init__(parent)
        self._width = width
        self._text = ""
        if spoken:
            self.SetAccessible(_Spoken(self))
        self._spoken = spoken
        self.Hide()
        self.say(text)

    def say(self, text: str) -> None:
        """Show *text* and, where it is spoken, have it read; the caller lays its window out again."""
        if text == self._text:
            return
        self._text = text
        self.wrap()
        self.Show(bool(text))
        if text and self._spoken:
            wx.Accessible.NotifyEvent(wx.ACC_EVENT_SYSTEM_ALERT, self, wx.OBJID_CLIENT, 0)

    def wrap(self) -> None:
        """Break the lines again: the font or the scaling is another one."""
        self.Wrap(-1)  # wx takes a second wrapping at the same width for done
        self.SetLabelText(self._text)
        self.Wrap(self.FromDIP(self._width))


class Head:
    """The upper part of a window, in *sizer*: a picture, what holds in large letters, and since when; *width* is the window's text's."""

    def __init__(self, parent: wx.Window, width: int, headline: str = "") -> None:
        self._picture = wx.StaticBitmap(parent, size=parent.FromDIP(wx.Size(48, 48)))
        self._shown = ("", False)
        beside = width - 48 - WIDE
        self._headline = Paragraph(parent, beside, headline, spoken=True)
        self._headline.SetFont(title_font(parent, 1.6))
        self._since = Paragraph(parent, beside)
        words = wx.BoxSizer(wx.VERTICAL)
        words.Add(self._headline)
        words.Add(self._since, 0, wx.TOP, parent.FromDIP(NARROW))
        self.sizer = wx.BoxSizer(wx.HORIZONTAL)
        self.sizer.Add(self._picture, 0, wx.RIGHT, parent.FromDIP(WIDE))
        self.sizer.Add(words, 1, wx.ALIGN_CENTRE_VERTICAL)

    def show(self, name: str, headline: str, since: str, *, grey: bool = False) -> None:
        """Show the picture *name*, *grey* without its colours, and say the rest."""
        if self._shown != (name, grey):
            self._shown = (name, grey)
            set_picture(self._picture, picture(name, 48, grey=grey))
        self._headline.say(headline)
        self._since.say(since)

    def conclude(self, name: str, outcome: str) -> None:
        """Show how it ended: a sentence, in smaller letters than a state."""
        self._headline.SetFont(title_font(self._headline.GetParent(), 1.15))
        self.show(name, outcome, "")


class Banner(wx.Panel):  # type: ignore[misc]
    """A paragraph that stands out, in the colours in which the system itself gives hints; hidden while there is nothing to say."""

    def __init__(self, parent: wx.Window, width: int) -> None:
        super().__init__(parent, name="")
        self.SetBackgroundColour(wx.SystemSettings.GetColour(wx.SYS_COLOUR_INFOBK))
        self._text = Paragraph(self, width - 2 * MIDDLE, spoken=True)
        self._text.SetForegroundColour(wx.SystemSettings.GetColour(wx.SYS_COLOUR_INFOTEXT))
        self.SetSizer(wx.BoxSizer())
        self.GetSizer().Add(self._text, 1, wx.ALL, self.FromDIP(MIDDLE))
        self.Hide()

    def say(self, text: str) -> None:
        """Show *text*, "" to hide the banner; the caller lays its window out again."""
        self._text.say(text)
        self.Show(bool(text))
        self.Layout()


class Link(wx.Button):  # type: ignore[misc]
    """A link that the keyboard reaches and a screen reader reads like any button. *act* is called when it is chosen."""

    def __init__(self, parent: wx.Window, act: Callable[[], None]) -> None:
        super().__init__(parent, label="-", style=wx.BU_EXACTFIT | wx.BU_LEFT | wx.BORDER_NONE)
        ground = parent.GetBackgroundColour()
        colour = wx.SystemSettings.GetColour(wx.SYS_COLOUR_HOTLIGHT)
        if (
            abs(colour.GetLuminance() - ground.GetLuminance()) < 0.4
        ):  # a theme without a legible colour for links
            colour = wx.Colour(0, 102, 204) if ground.GetLuminance() > 0.5 else wx.Colour(102, 178, 255)
        self.SetForegroundColour(colour)
        self.SetBackgroundColour(ground)
        self.SetFont(self.GetFont().Underlined())
        self.SetCursor(wx.Cursor(wx.CURSOR_HAND))
        self.Bind(wx.EVT_BUTTON, lambda _event: act())
        self.Hide()

    def say(self, text: str) -> None:
        """Show the link *text*, "" to hide it; the caller lays its window out again."""
        if text and text != self.GetLabelText():
            self.SetLabelText(text)
            self.InvalidateBestSize()
        self.Show(bool(text))


class PageLink(Link):
    """The link to the page on a problem; *explain* is called with its code."""

    def __init__(self, parent: wx.Window, explain: Callable[[str], None]) -> None:
        super().__init__(parent, lambda: explain(self._code))
        self._code = ""

    def about(self, code: str) -> None:
        """Offer the page on problem *code*, "" for none."""
        self._code = code
        self.say(_("En savoir plus sur {code}").format(code=code) if code else "")


def set_picture(control: wx.StaticBitmap, bitmap: wx.BitmapBundle) -> None:
    """Show another picture: wx does not draw it by itself where it is of the same size."""
    control.SetBitmap(bitmap)
    control.Refresh()


def title_font(window: wx.Window, scale: float) -> wx.Font:
    """The window's font, larger by *scale* and bold."""
    return window.GetFont().Scaled(scale).Bold()


def rewrap(window: wx.Window) -> None:
    """Wrap every paragraph below *window* again."""
    for child in window.GetChildren():
        if isinstance(child, Paragraph):
            child.wrap()
        rewrap(child)


def copy(text: str) -> bool:
    """Put *text* on the clipboard for good; False where another program holds it."""
    clipboard = wx.TheClipboard
    if not clipboard.Open():
        return False
    try:
        return bool(clipboard.SetData(wx.TextDataObject(text)) and clipboard.Flush())
    finally:
        clipboard.Close()


def on_copy_key(window: wx.Window, act: Callable[[], None]) -> None:
    """Have Ctrl+C anywhere in *window* call *act*."""

    def key(event: wx.KeyEvent) -> None:
        if event.GetModifiers() == wx.MOD_CONTROL and event.GetKeyCode() == ord("C"):
            act()
        else:
            event.Skip()

    window.Bind(wx.EVT_CHAR_HOOK, key)


def content(dialog: wx.Dialog) -> wx.ScrolledWindow:
    """The parent for all the dialog's controls, which scrolls where the screen is lower than what they say needs."""
    panel = wx.ScrolledWindow(dialog, style=wx.TAB_TRAVERSAL | wx.BORDER_NONE, name="")
    panel.SetScrollRate(dialog.FromDIP(WIDE), dialog.FromDIP(WIDE))
    dialog.Bind(wx.EVT_CHAR_HOOK, lambda event: _on_letter(event, panel))
    return panel


def _on_letter(event: wx.KeyEvent, parent: wx.Window) -> None:
    """Alt and the underlined letter of a label lead to the field that follows it: inside a panel the system does not always see to it.

    The system hears of the key nevertheless: it would take Alt alone for a call of the window's menu.
    """
    event.Skip()
    if event.GetModifiers() == wx.MOD_ALT and event.GetKeyCode() < 256:
        mark = f"&{chr(event.GetKeyCode())}".lower()
        for label, control in itertools.pairwise(parent.GetChildren()):
            named = isinstance(label, wx.StaticText) and mark in label.GetLabel().lower()
            if named and control.IsShown() and control.IsEnabled():
                wx.CallAfter(_enter, control)


def _enter(control: wx.Window) -> None:
    """Put the keyboard into *control*, as the system does: what is in a field is selected."""
    if control:
        control.SetFocus()
        if isinstance(control, wx.TextCtrl):
            control.SelectAll()


def fit(dialog: wx.Dialog, parent: wx.ScrolledWindow, height: int = 0) -> None:
    """Give *dialog* the size its controls want, at least *height* device-independent pixels and at most the screen's."""
    frame = dialog.GetSize() - dialog.GetClientSize()
    wanted = _wanted(dialog, parent)
    wanted.height = min(max(wanted.height, dialog.FromDIP(height)), wx.Display(dialog).GetClientArea().height)
    dialog.SetSize(wanted)
    parent.SetSize(wanted - frame)
    parent.FitInside()


def _wanted(dialog: wx.Dialog, parent: wx.ScrolledWindow) -> wx.Size:
    """The size for which nothing need scroll, or the screen's with room for a scroll bar."""
    wanted = parent.GetSizer().GetMinSize() + dialog.GetSize() - dialog.GetClientSize()
    room = wx.Display(dialog).GetClientArea().GetSize()
    if wanted.height > room.height:
        wanted.width += wx.SystemSettings.GetMetric(wx.SYS_VSCROLL_X, dialog)
    wanted.DecTo(room)
    return wanted


def lay_out(dialog: wx.Dialog, parent: wx.ScrolledWindow) -> None:
    """Place the controls again after what they say has changed; the dialog grows where it must, and never shrinks under a person's hand."""
    if parent.GetSizer() is None:
        return  # the dialog is still being made
    places = [(child, child.GetRect()) for child in parent.GetChildren()]
    before, wanted = dialog.GetRect(), _wanted(dialog, parent)
    wanted.IncTo(before.GetSize())
    if wanted != before.GetSize():
        dialog.SetSize(wanted)
        room = wx.Display(dialog).GetClientArea()
        # what has grown may hang over the screen's lower or right edge
        left = max(room.left, min(before.left, room.left + room.width - wanted.width))
        top = max(room.top, min(before.top, room.top + room.height - wanted.height))
        dialog.SetPosition(wx.Point(left, top))
    parent.FitInside()
    moved = [child for child, place in places if child.GetRect() != place]
    if moved:  # what has moved may leave traces; what has not need not flicker
        parent.Refresh()
        for child in moved:
            child.Refresh()
