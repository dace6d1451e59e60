"""What every dialog is made of: the program around it, pictures at the right scale, text that wraps and is read aloud, the clipboard."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

import wx

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


def content(dialog: wx.Dialog, height: int) -> wx.Window:
    """The parent for the dialog's controls: the dialog itself, or a panel that scrolls where the screen is lower than *height*
    device-independent pixels.

    The dialog itself where possible, and no panels or boxes in it: accelerators (Alt and a letter) are looked for in the innermost of them.
    """
    if wx.Display(dialog).GetClientArea().GetHeight() >= dialog.FromDIP(height):
        return dialog
    panel = wx.ScrolledWindow(dialog, style=wx.TAB_TRAVERSAL | wx.BORDER_NONE, name="")
    panel.SetScrollRate(dialog.FromDIP(WIDE), dialog.FromDIP(WIDE))
    return panel


def fit(dialog: wx.Dialog, parent: wx.Window, height: int = 0) -> None:
    """Give *dialog* the size its controls want, at least *height* device-independent pixels and at most the screen's."""
    frame = dialog.GetSize() - dialog.GetClientSize()
    wanted = parent.GetSizer().GetMinSize() + frame
    wanted.height = max(wanted.height, dialog.FromDIP(height))
    room = wx.Display(dialog).GetClientArea().GetSize()
    if wanted.height > room.height:
        wanted.width += wx.SystemSettings.GetMetric(wx.SYS_VSCROLL_X, dialog)
    wanted.DecTo(room)
    if dialog.GetSize() == wanted:
        dialog.Layout()
    dialog.SetSize(wanted)  # which lays it out
    if parent is not dialog:
        parent.SetSize(wanted - frame)
        parent.FitInside()


def lay_out(dialog: wx.Dialog, parent: wx.Window) -> None:
    """Place the controls again after what they say has changed; the dialog grows where it must, and never shrinks under a person's hand."""
    if parent.GetSizer() is None:
        return  # the dialog is still being made
    wanted = parent.GetSizer().GetMinSize()
    if parent is not dialog:
        parent.FitInside()
    else:
        before = dialog.GetClientSize()
        wanted.IncTo(before)
        if wanted != before:
            wanted.DecTo(wx.Display(dialog).GetClientArea().GetSize() - dialog.GetSize() + before)
            dialog.SetClientSize(wanted)
    places = [child.GetRect() for child in parent.GetChildren()]
    parent.Layout()
    if places != [child.GetRect() for child in parent.GetChildren()]:
        parent.Refresh()  # what has moved may leave traces; what has not need not flicker
