"""The repairs that work after a failed test; loaded when the first test fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import wx

from iea_agent.domain.problems import N_
from iea_agent.domain.repairs import Repair
from iea_agent.domain.settings import Settings
from iea_agent.locale import _
from iea_agent.shell.wording import repair_text

from .widgets import MIDDLE, NARROW, Paragraph, has_room, make_row, place_before

MOST = 3
"""How many repairs are offered at once: the likeliest ones."""
BUTTON = 190
"""Width of the buttons, in device-independent pixels."""
_SIGN_IN = N_(
    "Le proxy demande un nom d'utilisateur et un mot de passe : saisissez-les, puis relancez le test."
)


class RepairOffers:
    """The offers, in ``sizer``, before the control *after* in reading order."""

    def __init__(self, after: wx.Window, width: int, on_click: Callable[[Repair], None]) -> None:
        parent = after.GetParent()
        self._note = Paragraph(parent, width, spoken=True)
        self._heading = Paragraph(parent, width, spoken=True, title=1)
        self._lines: list[tuple[Paragraph, wx.Button]] = []
        self._repairs: list[Repair] = []
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for text in (self._note, self._heading):
            place_before(text, after)
            self.sizer.Add(text, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        for place in range(MOST):
            effect, button = self._create_line(after, width)
            button.Bind(wx.EVT_BUTTON, lambda _event, place=place: on_click(self._repairs[place]))
            self._lines.append((effect, button))
        self._sign_in = self._create_line(after, width)
        self._sign_in[1].SetLabel(_("Saisir l'identification"))
        self._sign_in[1].Bind(wx.EVT_BUTTON, lambda _event: self._on_sign_in())
        self._on_sign_in: Callable[[], None] = lambda: None
        self.clear()

    def _create_line(self, after: wx.Window, width: int) -> tuple[Paragraph, wx.Button]:
        """Return a sentence and the button beside it."""
        parent = after.GetParent()
        beside = width - BUTTON - 2 * MIDDLE
        # a sentence in a narrow column would be hard to read: the button stands below it
        needs = 3 * BUTTON
        effect = Paragraph(parent, beside if has_room(parent, needs) else width)
        button = wx.Button(parent, label="-")
        for control in (effect, button):
            place_before(control, after)
        button.SetMinSize(parent.FromDIP(wx.Size(BUTTON, -1)))
        line = make_row(parent, effect, button, wide=effect, needs=needs)
        self.sizer.Add(line, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(NARROW))
        return effect, button

    @property
    def first_button(self) -> wx.Button | None:
        """The button of the likeliest repair; None if nothing is offered."""
        return self._lines[0][1] if self._repairs else None

    @property
    def has_focus(self) -> bool:
        """Whether the keyboard is at one of the buttons."""
        return any(button.HasFocus() for _effect, button in [*self._lines, self._sign_in])

    def clear(self) -> None:
        """Offer nothing."""
        self._sign_in[0].set_text("")
        self._sign_in[1].Hide()
        self._show_note("")

    def show_search(self) -> None:
        """Show that what works instead is searched."""
        self._show_note(_("Recherche d'une correction…"))

    def show_sign_in(self, on_click: Callable[[], None]) -> None:
        """Show the way to the fields for the proxy, beside what else may be offered."""
        self._on_sign_in = on_click
        self._sign_in[0].set_text(_(_SIGN_IN))
        self._sign_in[1].Show()

    def show_passing(self) -> None:
        """Show that there is nothing to repair: the failure was a passing one."""
        self._show_note(_(repair_text.PASSING))

    def show_repairs(self, repairs: Sequence[Repair], settings: Settings, *, complete: bool) -> None:
        """Offer the *repairs* of *settings*; *complete* if no other comes."""
        if repairs or complete:
            # a proxy that asks for a password wants that, and no other correction
            is_answered = bool(repairs) or self._sign_in[1].IsShown()
            self._note.set_text("" if is_answered else _("Aucune correction automatique n'a été trouvée."))
        one, more = _("Une correction est proposée"), _("Des corrections sont proposées")
        self._heading.set_text((more if len(repairs) > 1 else one) if repairs else "")
        self._repairs = list(repairs[:MOST])
        for place, (effect, button) in enumerate(self._lines):
            offered = place < len(self._repairs)
            effect.set_text(repair_text.describe_effect(repairs[place], settings) if offered else "")
            if offered:
                label = _(repair_text.NAMES[repairs[place].kind])
                # a letter for the likeliest one: the keyboard is far from it, and does not jump there
                button.SetLabel(label.replace(_("Corriger"), _("Corri&ger"), 1) if place == 0 else label)
            button.Show(offered)

    def _show_note(self, text: str) -> None:
        self._repairs = []
        self._note.set_text(text)
        self._heading.set_text("")
        for effect, button in self._lines:
            effect.set_text("")
            button.Hide()
