"""The left half of the settings dialog: its rows as controls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import wx

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import ServerReport, StageOutcome
from iea_agent.domain.problems import N_
from iea_agent.domain.settings import (
    DECLARATIONS,
    LICENCE_KEY,
    PASTED,
    PROXY_PASSWORD,
    Effective,
    ProxyMode,
    Settings,
    tidy_typed,
)
from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import summarize_problem
from iea_agent.shell.wording.settings_text import describe_tidying

from . import typed_settings
from .scrolled_dialog import give_focus
from .settings_rows import ROWS, Control, Row, RowGroup, Typed
from .widgets import MIDDLE, NARROW, WIDE, Paragraph, load_picture, make_row, set_picture

LEFT, NARROWER = 400, 150
"""Width of a row, and of the left one of two, in device-independent pixels."""


_LOOKS = {
    StageOutcome.RUNNING: ("ball-pale", N_("En cours")),
    StageOutcome.PASSED: ("tick", N_("Réussi")),
    StageOutcome.FAILED: ("barred", N_("Échec")),
}
"""The picture and the word of an outcome: never by colour alone."""


class Mark(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """A tick or a barred circle, and its word."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, name="")
        self._picture = wx.StaticBitmap(self, bitmap=load_picture("tick", 16))
        self._word = wx.StaticText(self)
        self.SetSizer(make_row(self, self._picture, self._word, gap=NARROW))

    def show_outcome(self, outcome: StageOutcome) -> None:
        """Show one of ``_LOOKS``."""
        picture, word = _LOOKS[outcome]
        set_picture(self._picture, load_picture(picture, 16))
        self._word.SetLabelText(_(word))
        self.Layout()


class TextField:
    """A row as controls: a label, an edit below it, a message and a hint under that."""

    event = wx.EVT_TEXT
    stretch = 1

    def __init__(self, parent: wx.Window, row: Row, label: str) -> None:
        self.row = row
        self._controls = self._create_controls(parent, label)
        self.control = self._controls[-1]
        self.message = Paragraph(parent, LEFT, spoken=True)
        self.hint = Paragraph(parent, LEFT)
        self._mark: Mark | None = None
        self._mark_place = wx.BoxSizer(wx.HORIZONTAL)
        line = wx.BoxSizer(wx.HORIZONTAL)
        line.Add(self.control, self.stretch, wx.ALIGN_CENTRE_VERTICAL)
        if row.tested or row.control is Control.ADDRESS:
            line.Add(self._mark_place, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, parent.FromDIP(MIDDLE))
            widest = max(parent.GetTextExtent(_(word)).width for _picture, word in _LOOKS.values())
            self._mark_place.SetMinSize(wx.Size(parent.FromDIP(16 + NARROW) + widest, parent.FromDIP(16)))
            # an empty sizer would take no room
            self._mark_place.AddStretchSpacer()
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for above in self._controls[:-1]:
            self.sizer.Add(above, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        self.sizer.Add(line, 0, wx.EXPAND)
        self.sizer.Add(self.message, 0, wx.TOP, parent.FromDIP(NARROW))
        if not row.beside:
            self.sizer.Add(self.hint, 0, wx.TOP, parent.FromDIP(NARROW))

    def _create_controls(self, parent: wx.Window, label: str) -> tuple[wx.Window, ...]:
        """Return the label and then the control, which a screen reader names by it."""
        style = wx.TE_PASSWORD if self.row.control is Control.MASKED else 0
        controls = wx.StaticText(parent, label=label), wx.TextCtrl(parent, style=style)
        controls[-1].SetMaxLength(addresses.MAXIMUM_LENGTH)
        return controls

    def get_text(self) -> str:
        """Return what the control holds, as ``Declaration.format_typed`` would."""
        return str(self.control.GetValue())

    def put_text(self, text: str) -> None:
        """Have the control hold *text*."""
        self.control.ChangeValue(text)

    def reveal(self, visible: bool) -> None:
        """Show or hide the row."""
        if not visible:
            self.message.set_text("")
        for control in self._controls:
            control.Show(visible)

    def mark(self, outcome: StageOutcome | None) -> None:
        """Show at the end of the row how the test went; None if that is not known."""
        if outcome not in _LOOKS:
            if self._mark is not None:
                self._mark.Hide()
            return
        if self._mark is None:
            # only now, so that the dialog opens sooner
            self._mark = Mark(self.control.GetParent())
            self._mark.MoveAfterInTabOrder(self.control)
            self._mark_place.Insert(0, self._mark)
        self._mark.show_outcome(outcome)
        self._mark.Show()
        self._mark_place.Layout()


class ChoiceField(TextField):
    """A row with a list of choices."""

    event = wx.EVT_CHOICE

    def _create_controls(self, parent: wx.Window, label: str) -> tuple[wx.Window, ...]:
        choices = [_(choice) for choice in self.row.choices.values()]
        controls = wx.StaticText(parent, label=label), wx.Choice(parent, choices=choices)
        controls[-1].SetSelection(0)
        return controls

    def get_text(self) -> str:
        selection: int = self.control.GetSelection()
        return list(self.row.choices)[selection]

    def put_text(self, text: str) -> None:
        self.control.SetSelection(list(self.row.choices).index(text))


class SwitchField(TextField):
    """A row with a check box."""

    event = wx.EVT_CHECKBOX
    stretch = 0

    def _create_controls(self, parent: wx.Window, label: str) -> tuple[wx.Window, ...]:
        return (wx.CheckBox(parent, label=label),)

    def get_text(self) -> str:
        return str(self.control.GetValue()).lower()

    def put_text(self, text: str) -> None:
        self.control.SetValue(text == "true")


_FIELDS = {Control.SWITCH: SwitchField, Control.CHOICE: ChoiceField}
"""The class of each kind of control that is not an edit."""


class Fields:
    """The left half of the dialog, made from ``ROWS``."""

    def __init__(
        self,
        parent: wx.Window,
        effective: Effective,
        writable: bool,
        on_changed: Callable[[], None],
        on_resized: Callable[[], None],
    ) -> None:
        self._parent = parent
        self._on_changed = on_changed
        self._on_resized = on_resized
        self._locked = effective.locked
        self._fields: dict[str, TextField] = {}
        # the system's proxy that asks for a name
        self._asking = ""
        # the rows whose message says what was removed from them
        self._tidied: set[str] = set()
        # the proxy whose password is saved
        self._password_proxy = ""
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        groups = [(group, list(rows)) for group, rows in groupby(ROWS, lambda row: row.group)]
        for group, rows in groups:
            gap = 0 if group is groups[-1][0] else WIDE + NARROW
            self.sizer.Add(self._create_group(group, rows), 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(gap))
        self.sizer.SetMinSize(parent.FromDIP(wx.Size(LEFT, -1)))
        for field in self._fields.values():
            field.control.Enable(writable and not self._is_locked(field.row))
            field.control.Bind(field.event, lambda event, field=field: self._on_edit(event, field))
            if field.row.control is Control.ADDRESS or field.row.name in PASTED:
                for event in (wx.EVT_KILL_FOCUS, wx.EVT_TEXT_PASTE):
                    field.control.Bind(event, lambda event, field=field: self._on_leave(event, field))
        self._fields[LICENCE_KEY].hint.set_text(_("Recherche de la clé enregistrée…"))
        self.put(typed_settings.format_settings(effective.settings))

    def _create_group(self, group: RowGroup, rows: Sequence[Row]) -> wx.BoxSizer:
        heading = Paragraph(self._parent, LEFT, _(group.heading), title=1)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(heading, 0, wx.BOTTOM, self._parent.FromDIP(MIDDLE))
        items = [item for line in _split_lines(rows) for item in self._create_line(line)]
        for item in items:
            flag = wx.BOTTOM | (wx.EXPAND if isinstance(item, wx.Sizer) else 0)
            column.Add(item, 0, flag, 0 if item is items[-1] else self._parent.FromDIP(group.gap))
        return column

    def _create_line(self, rows: Sequence[Row]) -> Iterator[wx.Sizer | wx.Window]:
        """Return what stands in a line of one or two *rows*, from top to bottom."""
        fields = [self._create_field(row) for row in rows]
        if len(fields) == 1 or any(self._is_locked(row) for row in rows):
            # the label of a locked row says so, and needs the whole width
            yield from (field.sizer for field in fields)
        else:
            left, right = fields
            line = wx.BoxSizer(wx.HORIZONTAL)
            left.sizer.SetMinSize(self._parent.FromDIP(wx.Size(NARROWER, -1)))
            line.Add(left.sizer, 0, wx.RIGHT, self._parent.FromDIP(MIDDLE))
            line.Add(right.sizer, 1)
            yield line
        yield from (field.hint for field in fields if field.row.beside)

    def _create_field(self, row: Row) -> TextField:
        label = _(row.label)
        if self._is_locked(row):
            label = f"{label} – {_('fixé par votre administrateur')}"
        field = self._fields[row.name] = _FIELDS.get(row.control, TextField)(self._parent, row, label)
        return field

    def _is_locked(self, row: Row) -> bool:
        declaration = DECLARATIONS.get(row.name)
        return declaration is not None and declaration.attribute in self._locked

    # what the fields hold

    def control(self, name: str) -> wx.Window:
        """Return the control of the row *name*."""
        return self._fields[name].control

    def typed(self) -> Typed:
        """Return what the rows hold, as text; a secret that is hidden is empty."""
        typed = {name: field.get_text() for name, field in self._fields.items()}
        for name in (LICENCE_KEY, PROXY_PASSWORD):
            typed[name] = tidy_typed(name, typed[name])
        if not self.control(PROXY_PASSWORD).IsShown():
            typed[PROXY_PASSWORD] = ""
        is_system = typed["proxy.mode"] == ProxyMode.SYSTEM.value
        # a name typed for the system's proxy goes to that proxy only
        if self._asking and is_system and typed["proxy.user"] and "proxy_address" not in self._locked:
            typed["proxy.address"] = self._asking
        return typed

    def put(self, typed: Typed, unchanged: Typed | None = None) -> None:
        """Have the rows hold *typed*, or only those rows that still are *unchanged*."""
        now = self.typed()
        for name, text in typed.items():
            field = self._fields[name]
            if field.get_text() != text and (unchanged is None or now[name] == unchanged[name]):
                field.put_text(text)
                if name not in self._tidied:
                    field.message.set_text("")
        self._warn()
        self._reveal()

    def show_password(self, proxy: str) -> None:
        """Say for which *proxy* a password is saved, "" for none."""
        self._password_proxy = proxy
        self._reveal()

    def show_key(self, saved: bool | None) -> None:
        """Say whether a licence key is saved; None if there is no vault to save it in."""
        if saved is None:
            text = summarize_problem(problems.VAULT_UNAVAILABLE)
        elif saved:
            text = _("Clé enregistrée. Elle n'est jamais affichée ; laissez vide pour la garder.")
        else:
            text = _("Aucune clé enregistrée : saisissez celle reçue de l'assistance.")
        self._fields[LICENCE_KEY].hint.set_text(text)
        self._on_resized()

    def follow_proxy(self, tested: Settings, reports: Sequence[ServerReport]) -> None:
        """Show the rows for a name and a password while the system's proxy asks for them."""
        asking = typed_settings.find_asking_proxy(tested, reports, self._asking)
        if self._asking and asking != self._asking:
            self._fields[PROXY_PASSWORD].put_text("")
        self._asking = asking
        self._reveal()

    def tidy_texts(self) -> None:
        """Clean what was typed or pasted as it would be used, and say what was removed."""
        for field in self._fields.values():
            if field.row.control is Control.ADDRESS or field.row.name in PASTED:
                self._tidy(field)

    def show_refusal(self, name: str, sentence: str) -> bool:
        """Show *sentence* at the row *name* and go there; return False if that cannot be."""
        field = self._fields.get(name)
        if field is None or not field.control.IsEnabled():
            return False
        field.message.set_text(sentence)
        self._on_resized()
        give_focus(field.control)
        if isinstance(field.control, wx.TextCtrl):
            field.control.SelectAll()
        return True

    def mark(self, name: str, outcome: StageOutcome | None) -> None:
        """Show at the end of the row *name* how its test went; None if that is not known."""
        self._fields[name].mark(outcome)

    # what a person does

    def _on_edit(self, event: wx.CommandEvent, field: TextField) -> None:
        event.Skip()
        field.message.set_text("")
        self._tidied.discard(field.row.name)
        field.mark(None)
        if field.row.name == "connection.secure":
            self._on_secure()
        if field.row.control is Control.CHOICE or field.row.name == "proxy.address":
            self._reveal()
        self._on_changed()

    def _on_secure(self) -> None:
        if typed_settings.is_secure(self.typed()):
            self.tidy_texts()
        self._warn()
        for field in self._fields.values():
            if field.row.control is Control.ADDRESS:
                field.mark(None)

    def _on_leave(self, event: wx.Event, field: TextField) -> None:
        event.Skip()
        wx.CallAfter(self._tidy, field)

    def _tidy(self, field: TextField) -> None:
        if not field.control:
            # the dialog is gone by now
            return
        before, name = field.get_text(), field.row.name
        secured = False
        if field.row.control is Control.ADDRESS:
            after, secured = typed_settings.tidy_address(before, typed_settings.is_secure(self.typed()))
        else:
            after = tidy_typed(name, before)
        if not field.control.IsEnabled() or after == before:
            return
        field.put_text(after)
        if field.control.HasFocus():
            field.control.SetInsertionPointEnd()
        if secured:
            field.message.set_text(
                _("« http:// » a été remplacé par « https:// », car le mode est « Sécurisé ».")
            )
        elif name in PASTED:
            self._tidied.add(name)
            field.message.set_text(describe_tidying(name))
        self._on_resized()

    def _warn(self) -> None:
        warning = _(
            "Les adresses « http:// » sont admises, mais la clé de licence n'est jamais envoyée en clair."
        )
        is_secure = typed_settings.is_secure(self.typed())
        self._fields["connection.secure"].message.set_text("" if is_secure else warning)
        self._on_resized()

    def _reveal(self) -> None:
        """Show the rows that count now, and hide the others."""
        typed = self.typed()
        visible = {name: f.row.is_visible(typed, bool(self._asking)) for name, f in self._fields.items()}
        for name, field in self._fields.items():
            field.reveal(visible[name])
        hint = typed_settings.describe_saved_password(typed, self._password_proxy)
        self._fields[PROXY_PASSWORD].hint.set_text(hint if visible[PROXY_PASSWORD] else "")
        self._on_resized()


def _split_lines(rows: Sequence[Row]) -> list[list[Row]]:
    """Return *rows* in lines: a row that is beside stands with the one before it."""
    lines: list[list[Row]] = []
    for row in rows:
        if row.beside:
            lines[-1].append(row)
        else:
            lines.append([row])
    return lines
