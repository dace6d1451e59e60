"""The frame of every dialog: it scrolls on a small screen and follows the scaling."""

from __future__ import annotations

import ctypes
import itertools
import sys
import threading
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress

import wx

from iea_agent.locale import _

from .background import deliver
from .widgets import MIDDLE, NARROW, WIDE, PageLink, Paragraph, can_focus, has_room, show_page

TARGET = 26
"""Least height of what is clicked, in device-independent pixels; WCAG 2.2 asks for 24 (2.5.8)."""
ROOMY = 400
"""Width, in device-independent pixels, below which a dialog spares room in its footer."""
NOTE_LINES = 5
"""Lines below a control in which something is said of what was typed in it."""
LOWEST = 240
"""Least height of a dialog that a person makes smaller."""


def run_dialog(create: Callable[[], ScrolledDialog], later: Iterable[str] = ()) -> None:
    """Show the dialog that *create* returns, above all others, until it is closed.

    *later* yields lines of options while it is open; it may wait for each.
    """
    app = _create_app()
    dialog = create()
    dialog.fit()
    dialog.CentreOnScreen()
    app.SetTopWindow(dialog)
    dialog.Show()
    dialog.Raise()
    dialog.begin()
    if later:
        threading.Thread(target=_pass_on, args=(later, dialog), name="requests", daemon=True).start()
    app.MainLoop()


def _pass_on(later: Iterable[str], dialog: ScrolledDialog) -> None:
    # without an agent that starts it a process may have no input
    with suppress(OSError):
        for line in later:
            deliver(dialog, dialog.take_options, line.split())


def _create_app() -> wx.App:
    """Return the program of one dialog, sharp at any scaling, light or dark."""
    if sys.platform == "win32":
        # Before the first window. If the executable's manifest has done it already, this fails and changes nothing.
        per_monitor_v2 = ctypes.c_void_p(-4)
        ctypes.windll.user32.SetProcessDpiAwarenessContext(per_monitor_v2)
    app = wx.App(redirect=False, clearSigInt=False)
    if hasattr(app, "SetAppearance"):
        app.SetAppearance(wx.App.Appearance.System)
    return app


class Footer(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """The lowest part of a dialog: its buttons are always in view."""


class ScrolledDialog(wx.Dialog):  # type: ignore[misc]  # wx has no types here
    """A dialog whose controls scroll if they need more height than the screen has.

    The controls are children of ``panel``, whose sizer places them; those of ``footer`` stand below and do
    not scroll.

    F1 and ``help_button``, the first control of the footer, call *explain* with the code of the problem that is
    shown, else with ``help_page``.
    """

    help_page = "guide"

    def __init__(
        self,
        title: str,
        explain: Callable[[str], str],
        style: int = wx.DEFAULT_DIALOG_STYLE,
    ) -> None:
        super().__init__(None, title=title, style=style)
        self._explain_page = explain
        # while another window is the active one: what gets the keyboard after that
        self._next_focus: wx.Window | None = None
        # what Enter presses, and the buttons on which it does so, too
        self._default: wx.Button | None = None
        self._finished: Collection[wx.Button] = ()
        # the room that each control needed when all were placed last
        self._needs: list[tuple[bool, int, int]] = []
        self.panel = wx.ScrolledWindow(self, style=wx.TAB_TRAVERSAL | wx.BORDER_NONE, name="")
        # never sideways: what stands in the dialog is no wider than the screen
        self.panel.SetScrollRate(0, self.FromDIP(WIDE))
        self.footer = Footer(self, name="")
        self._footer_line = wx.StaticLine(self.footer)
        self.help_button = wx.Button(self.footer, wx.ID_HELP, _("Aide"))
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self.panel, 1, wx.EXPAND)
        column.Add(self.footer, 0, wx.EXPAND)
        self.SetSizer(column)
        self.SetEscapeId(wx.ID_CANCEL)
        self.Bind(wx.EVT_BUTTON, lambda _event: self.Close(), id=wx.ID_CANCEL)
        self.Bind(wx.EVT_BUTTON, lambda _event: self._show_help(), id=wx.ID_HELP)
        self.Bind(wx.EVT_CLOSE, lambda _event: self.Destroy())
        self.Bind(wx.EVT_CHAR_HOOK, self._on_key)
        self.panel.Bind(wx.EVT_CHILD_FOCUS, self._on_child_focus)
        self.Bind(wx.EVT_DPI_CHANGED, self._on_scaling_changed)
        self.Bind(wx.EVT_ACTIVATE, self._on_activate)

    def arrange_footer(
        self, *buttons: wx.Window, message: wx.Window | wx.Sizer, is_beside: bool = False
    ) -> None:
        """Place *message* and *buttons* below a line, in a row with the button for help.

        *message* stands above that row; in it if it *is_beside* that button.
        """
        middle, wide, edge = self.FromDIP(MIDDLE), self.FromDIP(WIDE), self.FromDIP(MIDDLE + NARROW)
        row = wx.BoxSizer(wx.HORIZONTAL)
        row.Add(self.help_button, 0, wx.ALIGN_CENTRE_VERTICAL)
        if is_beside:
            row.Add(message, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, middle)
        row.AddStretchSpacer()
        for button in buttons:
            row.Add(button, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, middle)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._footer_line, 0, wx.EXPAND)
        if not is_beside:
            column.AddSpacer(edge)
            column.Add(message, 0, wx.LEFT | wx.RIGHT, wide)
        column.AddSpacer(edge)
        column.Add(row, 0, wx.EXPAND | wx.LEFT | wx.RIGHT, wide)
        column.AddSpacer(edge)
        self.footer.SetSizer(column)

    def begin(self) -> None:
        """Start what follows once the dialog is shown."""

    def take_options(self, options: Collection[str]) -> None:
        """Do what the window is asked for while it is open."""

    def give_focus(self, control: wx.Window) -> None:
        """Move the keyboard to *control*, or once this window is the active one.

        A control that takes the keyboard raises its window, over the one in which a person works.
        """
        if self.IsActive():
            control.SetFocus()
        else:
            self._next_focus = control

    def find_focus(self) -> wx.Window | None:
        """Return the control with the keyboard, or that gets it when this is active."""
        return self.FindFocus() if self.IsActive() else self._next_focus

    def _on_activate(self, event: wx.ActivateEvent) -> None:
        event.Skip()
        if not event.GetActive():
            self._next_focus = self.FindFocus()
        elif self._next_focus is not None:
            # after the system has given the keyboard to whatever had it last, which may be gone
            wx.CallAfter(_focus_if_possible, self._next_focus)

    def _on_child_focus(self, event: wx.ChildFocusEvent) -> None:
        # the panel brings the control into view, and only that
        event.Skip()
        control = event.GetWindow()
        # a button that moved under the mouse would lose its click, and who points at something sees it
        if not control.GetScreenRect().Contains(wx.GetMousePosition()):
            wx.CallAfter(self._bring_into_view, control)

    def fit(self) -> None:
        """Take the size that the controls want, at most the screen's."""
        places = self._list_places()
        _enlarge_targets(self)
        wanted = self._measure()
        self._limit(wanted)
        self.SetSize(wanted)
        self.Layout()
        self.panel.FitInside()
        self._draw_moved(places)

    def lay_out(self) -> None:
        """Place the controls again; the dialog grows if it must, but never shrinks."""
        if self.panel.GetSizer() is None:
            # the dialog is still being made
            return
        _enlarge_targets(self)
        places = self._list_places()
        # placing everything is slow, and a test tells of every stage
        needs = [_describe_need(child) for child, _place in places]
        if needs == self._needs:
            return
        self._needs = needs
        focused = self.find_focus()
        is_seen = focused is not None and self._is_in_view(focused)
        before, wanted = self.GetRect(), self._measure()
        self._limit(wanted)
        wanted.IncTo(before.GetSize())
        if wanted != before.GetSize():
            self.SetSize(wanted)
            room = wx.Display(self).GetClientArea()
            # a dialog that has grown may hang over the screen's lower or right edge
            left = max(room.left, min(before.left, room.left + room.width - wanted.width))
            top = max(room.top, min(before.top, room.top + room.height - wanted.height))
            self.SetPosition(wx.Point(left, top))
        # the height of the footer may have changed
        self.footer.Layout()
        self.Layout()
        self.panel.FitInside()
        if is_seen and focused is not None:
            self._bring_into_view(focused)
        self._draw_moved(places)
        if wanted != before.GetSize():
            # at once: a busy machine would leave the grown window empty for a while
            for child, _place in places:
                child.Update()

    def _measure_place(self, control: wx.Window) -> tuple[int, int] | None:
        """Return where *control* begins and ends in the panel's view, None outside it."""
        if not self.panel.IsDescendant(control) or control is self.panel:
            return None
        top = self.panel.ScreenToClient(control.GetScreenPosition()).y
        return top, top + control.GetSize().height

    def _is_in_view(self, control: wx.Window) -> bool:
        place = self._measure_place(control)
        return place is not None and place[0] >= 0 and place[1] <= self.panel.GetClientSize().height

    def _bring_into_view(self, control: wx.Window) -> None:
        """Scroll until *control* is seen, with the lines that may be said of it below."""
        place = self._measure_place(control) if control else None
        if place is None:
            return
        top, bottom = place[0], place[1] + NOTE_LINES * self.GetCharHeight()
        down = min(top, max(0, bottom - self.panel.GetClientSize().height))
        if down:
            _across, unit = self.panel.GetScrollPixelsPerUnit()
            # by as many whole units as it takes
            units = down // unit if down < 0 else -(-down // unit)
            self.panel.Scroll(-1, self.panel.GetViewStart()[1] + units)

    def _list_places(self) -> list[tuple[wx.Window, wx.Rect]]:
        """Return every control with its place in the dialog."""
        places = [(child, child.GetRect()) for child in self.panel.GetChildren()]
        for child in self.footer.GetChildren():
            place = child.GetRect()
            place.Offset(self.footer.GetPosition())
            places.append((child, place))
        return places

    def _draw_moved(self, before: list[tuple[wx.Window, wx.Rect]]) -> None:
        """Draw the controls again that are not where they were *before*.

        A control that has moved may leave traces; drawing the others again would make them flicker.
        """
        moved = [
            child
            for (child, old), (_same, new) in zip(before, self._list_places(), strict=True)
            if old != new
        ]
        if moved:
            self.panel.Refresh()
            self.footer.Refresh()
        for child in moved:
            child.Refresh()

    def _measure(self) -> wx.Size:
        """Return the size at which nothing scrolls, at most the screen's."""
        content, footer = self.panel.GetSizer().GetMinSize(), self.footer.GetSizer().GetMinSize()
        content.IncTo(wx.Size(footer.width, -1))
        wanted = content + wx.Size(0, footer.height) + self.GetSize() - self.GetClientSize()
        room = wx.Display(self).GetClientArea().GetSize()
        if wanted.height > room.height:
            wanted.width += wx.SystemSettings.GetMetric(wx.SYS_VSCROLL_X, self)
        wanted.DecTo(room)
        return wanted

    def _limit(self, wanted: wx.Size) -> None:
        """Have the dialog stay as wide as *wanted* when a person makes it smaller."""
        self.SetMinSize(wx.Size(wanted.width, min(wanted.height, self.FromDIP(LOWEST))))

    def set_default(self, button: wx.Button, finished: Collection[wx.Button] = ()) -> None:
        """Have Enter press *button*, also while one of *finished* has the keyboard.

        Those have been pressed and have answered, and ``bind_press`` binds them: whoever presses Enter then wants what comes
        next, not the same again. The space key and their letters still press them.
        """
        self._default, self._finished = button, finished
        button.SetDefault()

    def bind_press(self, button: wx.Button, act: Callable[[], None]) -> None:
        """Have a press of *button* call *act*, if it has not answered yet."""

        def on_press(_event: wx.CommandEvent) -> None:
            is_finished = any(button is each for each in self._finished)
            if is_finished and _is_enter_down() and self._default is not None and can_focus(self._default):
                _click(self._default)
            else:
                act()

        button.Bind(wx.EVT_BUTTON, on_press)

    def _on_key(self, event: wx.KeyEvent) -> None:
        """Press what underlines the letter typed with Alt, or go to its field.

        From the footer to what stands above it, and back: there the system does neither.
        """
        if event.GetKeyCode() == wx.WXK_F1 and event.GetModifiers() == wx.MOD_NONE:
            self._show_help()
            return
        # without the key, the system would take Alt alone for a call of the window's menu
        event.Skip()
        if event.GetModifiers() != wx.MOD_ALT or event.GetKeyCode() >= 256:
            return
        mark = f"&{chr(event.GetKeyCode())}".lower()
        has_keyboard = self.FindFocus()
        is_below = has_keyboard is not None and self.footer.IsDescendant(has_keyboard)
        for control in (self.panel if is_below else self.footer).GetChildren():
            if isinstance(control, _PRESSED) and mark in control.GetLabel().lower() and can_focus(control):
                event.Skip(False)
                wx.CallAfter(_press, control)
                return
        children = [*self.panel.GetChildren(), *self.footer.GetChildren()]
        for label, control in itertools.pairwise(children):
            named = isinstance(label, wx.StaticText) and mark in label.GetLabel().lower()
            if named and can_focus(control):
                wx.CallAfter(_focus, control)

    def _show_help(self) -> None:
        """Show the page on the problem that is shown, else the dialog's page of the guide."""
        show_page(self, self._explain_page, _find_problem(self.panel) or self.help_page)

    def has_room_for(self, width: int) -> bool:
        """Return whether *width*, in device-independent pixels, fits on the screen."""
        frame = self.GetSize() - self.GetClientSize()
        bar = wx.SystemSettings.GetMetric(wx.SYS_VSCROLL_X, self)
        return bool(self.FromDIP(width) + bar + frame.width <= wx.Display(self).GetClientArea().width)

    def _on_scaling_changed(self, event: wx.DPIChangedEvent) -> None:
        event.Skip()
        wx.CallAfter(self._rescale)

    def _rescale(self) -> None:
        _wrap_paragraphs(self)
        self._needs = []
        self.fit()


def _enlarge_targets(window: wx.Window) -> None:
    """Give every button and check box below *window* the least height of a target."""
    for child in window.GetChildren():
        if isinstance(child, (wx.Button, wx.CheckBox)):
            height = max(child.GetBestSize().height, child.FromDIP(TARGET))
            width = child.GetMinWidth()
            if isinstance(window, Footer) and not has_room(child, ROOMY):
                # no wider than its text, so that all buttons stand in one row
                width = child.GetTextExtent(child.GetLabelText()).width + child.FromDIP(2 * MIDDLE)
            if child.GetMinSize() != wx.Size(width, height):
                child.SetMinSize(wx.Size(width, height))
        _enlarge_targets(child)


def _find_problem(window: wx.Window) -> str:
    """Return the code of the first problem that has its link below *window*, or ""."""
    for child in window.GetChildren():
        code = child.code if isinstance(child, PageLink) and child.IsShown() else _find_problem(child)
        if code:
            return code
    return ""


def _describe_need(control: wx.Window) -> tuple[bool, int, int]:
    """Return whether *control* is shown, and the width and height that it needs."""
    size = control.GetEffectiveMinSize()
    return control.IsShown(), size.width, size.height


_PRESSED = (wx.Button, wx.CheckBox, wx.RadioButton)
"""The controls that a key presses."""


def _press(control: wx.Window) -> None:
    """Press a button, a check box or a choice as the space bar does."""
    if not control or not control.IsEnabled():
        return
    control.SetFocus()
    kind = wx.EVT_BUTTON
    if isinstance(control, wx.CheckBox):
        kind = wx.EVT_CHECKBOX
        control.SetValue(not control.GetValue())
    elif isinstance(control, wx.RadioButton):
        kind = wx.EVT_RADIOBUTTON
        control.SetValue(True)
    _click(control, kind)


def _click(control: wx.Window, kind: wx.PyEventBinder = wx.EVT_BUTTON) -> None:
    """Have *control* do what a click does; the keyboard stays where it is."""
    if control and control.IsEnabled():
        clicked = wx.CommandEvent(kind.typeId, control.GetId())
        clicked.SetEventObject(control)
        control.GetEventHandler().ProcessEvent(clicked)


def _is_enter_down() -> bool:
    """Return whether Enter was down when what is handled now came."""
    # wx.GetKeyState says whether it is down by now, and it may be up again
    return sys.platform == "win32" and bool(ctypes.windll.user32.GetKeyState(0x0D) & 0x8000)


def _focus(control: wx.Window) -> None:
    """Move the keyboard to *control* and select its text, as the system does."""
    if control:
        control.SetFocus()
        if isinstance(control, wx.TextCtrl):
            control.SelectAll()


def give_focus(control: wx.Window) -> None:
    """Move the keyboard to *control*, or once its dialog is the active window."""
    dialog = control.GetTopLevelParent()
    assert isinstance(dialog, ScrolledDialog)  # noqa: S101 all our windows are
    dialog.give_focus(control)


def _focus_if_possible(control: wx.Window) -> None:
    if control and can_focus(control):
        control.SetFocus()


def _wrap_paragraphs(window: wx.Window) -> None:
    """Wrap every paragraph below *window* again."""
    for child in window.GetChildren():
        if isinstance(child, Paragraph):
            child.wrap()
        _wrap_paragraphs(child)
