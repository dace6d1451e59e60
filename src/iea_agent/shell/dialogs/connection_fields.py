"""The left half of the settings dialog: its rows as controls."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from itertools import groupby

import wx

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import ServerReport
from iea_agent.domain.problems import N_
from iea_agent.domain.refusals import ValueInvalid
from iea_agent.domain.settings import (
    DECLARATIONS,
    LICENCE_KEY,
    PASTED,
    PROXY_PASSWORD,
    Effective,
    ProxyMode,
    Settings,
    SettingsError,
    tidy_typed,
)
from iea_agent.locale import _
from iea_agent.shell.wording.problem_details import summarize_problem
from iea_agent.shell.wording.settings_text import describe_tidying

from . import typed_settings
from .scrolled_dialog import ScrolledDialog, give_focus
from .settings_rows import ROWS, Control, Row, RowGroup, Typed
from .widgets import (
    MIDDLE,
    NARROW,
    Paragraph,
    Remark,
    SpokenDescription,
    SpokenName,
    break_lines,
    can_focus,
    fit_width,
    load_picture,
    make_row,
    mask_text,
    place_before,
    set_picture,
)

LEFT = 400
"""Width of a row, in device-independent pixels."""


class Look(Enum):
    """A mark at the end of a row: its picture and its word, never by colour alone."""

    RUNNING = "ball-pale", N_("En cours")
    PASSED = "tick", N_("Réussi")
    FAILED = "barred", N_("Échec")
    REFUSED = "refused", N_("Refusée")


class Mark(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """A picture and its word, read aloud with the name of the *field*."""

    def __init__(self, parent: wx.Window, field: str) -> None:
        super().__init__(parent, name="")
        self._field = field
        self._picture = wx.StaticBitmap(self, bitmap=load_picture("tick", 16))
        self._word = wx.StaticText(self)
        self._spoken = SpokenName(self._word)
        self.SetSizer(make_row(self, self._picture, self._word, gap=NARROW))

    def show(self, look: Look) -> None:
        """Show *look*."""
        picture, word = look.value
        set_picture(self._picture, load_picture(picture, 16))
        self._picture.SetName(picture)
        self._word.SetLabelText(_(word))
        self._spoken.text = _("{name} : {what}").format(name=self._field, what=_(word).lower())
        self.Layout()


class TextField:
    """A row as controls: a label, an edit below it, a message and a hint under that."""

    event = wx.EVT_TEXT
    stretch = 1

    def __init__(self, parent: wx.Window, row: Row, label: str) -> None:
        self.row = row
        self._label = label
        self._controls = self._create_controls(parent, label)
        self.control = self._controls[-1]
        self._remark = Remark(parent, LEFT)
        self.hint = Paragraph(parent, LEFT)
        SpokenDescription(self.control, self._describe)
        # only when it is needed, so that the dialog opens sooner
        self._mark: Mark | None = None
        self._mark_place = wx.BoxSizer(wx.HORIZONTAL)
        self.sizer = self._arrange(parent)

    def _describe(self) -> str:
        """Return the heading of the row's group, and what stands under the control."""
        heading = f"{_(self.row.group.heading)}."
        return " ".join(filter(None, (heading, self._remark.paragraph.text, self.hint.text)))

    def _arrange(self, parent: wx.Window) -> wx.Sizer:
        narrow = parent.FromDIP(NARROW)
        line = wx.BoxSizer(wx.HORIZONTAL)
        line.Add(self.control, self.stretch, wx.ALIGN_CENTRE_VERTICAL)
        # every line has room for a mark, so that all edits are equally wide
        line.Add(self._mark_place, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, parent.FromDIP(MIDDLE))
        self._mark_place.SetMinSize(wx.Size(measure_mark(parent), -1))
        # an empty sizer would take no room
        self._mark_place.AddStretchSpacer()
        column = wx.BoxSizer(wx.VERTICAL)
        for above in self._controls[:-1]:
            column.Add(above, 0, wx.BOTTOM, narrow)
        column.Add(line, 0, wx.EXPAND)
        column.Add(self._remark.sizer, 0, wx.TOP, narrow)
        column.Add(self.hint, 0, wx.TOP, narrow)
        return column

    def say(self, sentence: str, *, is_error: bool = False) -> None:
        """Show *sentence* under the control, "" for none; an error with a barred circle."""
        self._remark.set_text(sentence, is_error=is_error)

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

    def enable(self, is_enabled: bool) -> None:
        """Have a person change the row, or not."""
        self.control.Enable(is_enabled)

    def reveal(self, visible: bool) -> None:
        """Show or hide the row."""
        if not visible:
            self.say("")
        for control in self._controls:
            control.Show(visible)
        if self._mark is None:
            # the room for a mark, which else would part the rows
            self._mark_place.ShowItems(visible)

    def mark(self, look: Look | None) -> None:
        """Show at the end of the row how the test went; None if that is not known."""
        if look is None:
            if self._mark is not None:
                self._mark.Hide()
            return
        if self._mark is None:
            self._mark = Mark(self.control.GetParent(), self._label.replace("&", "").replace("\n", " "))
            place_before(self._mark, self.control.GetNextSibling())
            self._mark_place.Insert(0, self._mark)
        self._mark.show(look)
        self._mark.Show()
        self._mark_place.Layout()


def measure_mark(parent: wx.Window) -> int:
    """Return the width of the widest mark, in pixels."""
    widest = max(parent.GetTextExtent(_(look.value[1])).width for look in Look)
    # some room to spare: not every system measures text alike
    return int(parent.FromDIP(16 + 2 * NARROW) + widest)


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


class MaskedField(TextField):
    """A row with a secret: while one is typed, it can be shown; a saved one never is."""

    def _arrange(self, parent: wx.Window) -> wx.Sizer:
        column = super()._arrange(parent)
        self._show_box = wx.CheckBox(parent, label=_("Afficher"))
        self._show_box.Hide()
        SpokenDescription(
            self._show_box, lambda: f"{_(self.row.group.heading)}. {self._label.replace('&', '')}"
        )
        place_before(self._show_box, self._remark.paragraph)
        self._mark_place.Insert(0, self._show_box, 0, wx.ALIGN_CENTRE_VERTICAL)
        self._show_box.Bind(wx.EVT_CHECKBOX, lambda _event: self._show(self._show_box.GetValue()))
        self.control.Bind(wx.EVT_TEXT, self._on_text)
        return column

    def _on_text(self, event: wx.CommandEvent) -> None:
        event.Skip()
        self._offer()

    def put_text(self, text: str) -> None:
        super().put_text(text)
        self._offer()

    def reveal(self, visible: bool) -> None:
        super().reveal(visible)
        self._offer()

    def _offer(self) -> None:
        """Offer to show what is typed, if anything is."""
        is_typed = self.control.IsShown() and bool(self.get_text())
        if is_typed != self._show_box.IsShown():
            self._show_box.Show(is_typed)
            self._mark_place.Layout()
        if not is_typed and self._show_box.GetValue():
            self._show_box.SetValue(False)
            self._show(False)

    def _show(self, is_shown: bool) -> None:
        """Draw the secret in clear, or as dots again."""
        mask_text(self.control, masked=not is_shown)


class ProgramField(TextField):
    """A row with the path of a program, and a button that chooses it among the files."""

    def _arrange(self, parent: wx.Window) -> wx.Sizer:
        column = super()._arrange(parent)
        self._browse = wx.Button(parent, label=_("Parcourir…"), style=wx.BU_EXACTFIT)
        self._browse.SetMinSize(wx.Size(measure_mark(parent), -1))
        self._browse.Bind(wx.EVT_BUTTON, lambda _event: self._choose())
        place_before(self._browse, self._remark.paragraph)
        self._mark_place.Insert(0, self._browse)
        return column

    def enable(self, is_enabled: bool) -> None:
        super().enable(is_enabled)
        self._browse.Enable(is_enabled)

    def _choose(self) -> None:
        """Ask for a file in the system's dialog; nothing changes if none is chosen."""
        kinds = f"{_('Programmes')} (*.exe)|*.exe" if wx.Platform == "__WXMSW__" else ""
        style = wx.FD_OPEN | wx.FD_FILE_MUST_EXIST
        parent = self.control.GetTopLevelParent()
        title = _("Choisissez le programme Impact emploi")
        folder = os.path.split(self.get_text())[0] or os.environ.get("PROGRAMFILES", "")
        with wx.FileDialog(parent, title, defaultDir=folder, wildcard=kinds, style=style) as dialog:
            if dialog.ShowModal() == wx.ID_OK:
                self.control.SetValue(dialog.GetPath())
                self._judge()

    def _judge(self) -> None:
        """Say at once that what was chosen is no program, not only when it is saved."""
        declaration = DECLARATIONS[self.row.name]
        try:
            declaration.check(declaration.parse_typed(self.get_text()))
        except SettingsError:
            from iea_agent.shell.wording.refusal_text import word_refusal

            self.say(word_refusal(ValueInvalid(self.row.name, declaration.kind.expected)), is_error=True)
            dialog = self.control.GetTopLevelParent()
            assert isinstance(dialog, ScrolledDialog)  # noqa: S101 all our windows are
            dialog.lay_out()


_FIELDS = {
    Control.SWITCH: SwitchField,
    Control.CHOICE: ChoiceField,
    Control.MASKED: MaskedField,
    Control.PROGRAM: ProgramField,
}
"""The class of each kind of control that is more than an edit."""


class Fields:
    """The left half of the dialog, made from ``ROWS``."""

    def __init__(
        self,
        parent: wx.Window,
        effective: Effective,
        writable: bool,
        below: Mapping[RowGroup, Callable[[], wx.Sizer]],
        on_changed: Callable[[str], None],
        on_resized: Callable[[], None],
    ) -> None:
        """Make the rows, and below a group what *below* makes for it.

        Calls *on_changed* with the name of the row that a person changes.
        """
        self._parent = parent
        self._writable = writable
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
            column = self._create_group(group, rows)
            if group in below:
                column.Add(below[group](), 0, wx.TOP, parent.FromDIP(MIDDLE))
            gap = 0 if group is groups[-1][0] else MIDDLE + NARROW
            self.sizer.Add(column, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(gap))
        self.sizer.SetMinSize(parent.FromDIP(wx.Size(fit_width(parent, LEFT), -1)))
        for field in self._fields.values():
            field.enable(writable and not self._is_locked(field.row))
            field.control.Bind(field.event, lambda event, field=field: self._on_edit(event, field))
            if field.row.control is Control.ADDRESS or field.row.name in PASTED:
                for event in (wx.EVT_KILL_FOCUS, wx.EVT_TEXT_PASTE):
                    field.control.Bind(event, lambda event, field=field: self._on_leave(event, field))
        if writable:
            self._fields[LICENCE_KEY].hint.set_text(_("Recherche de la clé enregistrée…"))
        self.put(typed_settings.format_settings(effective.settings))

    def _create_group(self, group: RowGroup, rows: Sequence[Row]) -> wx.BoxSizer:
        heading = Paragraph(self._parent, LEFT, _(group.heading), title=1)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(heading, 0, wx.BOTTOM, self._parent.FromDIP(NARROW))
        fields = [self._create_field(row) for row in rows]
        for field in fields:
            gap = 0 if field is fields[-1] else self._parent.FromDIP(MIDDLE)
            column.Add(field.sizer, 0, wx.EXPAND | wx.BOTTOM, gap)
        return column

    def _create_field(self, row: Row) -> TextField:
        label = _(row.label)
        is_switch = row.control is Control.SWITCH
        if self._is_locked(row) and not is_switch:
            label = f"{label} – {_('fixé par votre administrateur')}"
        label = break_lines(self._parent, label, fit_width(self._parent, LEFT))
        field = self._fields[row.name] = _FIELDS.get(row.control, TextField)(self._parent, row, label)
        if self._is_locked(row) and is_switch:
            # its label is grey: who can change it must be legible
            field.hint.set_text(_("Fixé par votre administrateur."))
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
                    field.say("")
        self._warn()
        self._reveal()

    def show_password(self, proxy: str) -> None:
        """Say for which *proxy* a password is saved, "" for none."""
        self._password_proxy = proxy
        self._reveal()

    def show_key(self, saved: bool | None) -> None:
        """Say whether a licence key is saved; None if there is no vault to save it in."""
        if not self._writable:
            # nothing can be typed there
            return
        if saved is None:
            text = summarize_problem(problems.VAULT_UNAVAILABLE)
        elif saved:
            text = _(
                "Une clé est enregistrée ; elle n'est jamais affichée. Laissez ce champ vide pour la conserver."
            )
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
        field.say(sentence, is_error=True)
        self._on_resized()
        give_focus(field.control)
        if isinstance(field.control, wx.TextCtrl):
            field.control.SelectAll()
        return True

    def mark(self, name: str, look: Look | None) -> None:
        """Show at the end of the row *name* how its test went; None if that is not known."""
        self._fields[name].mark(look)

    @property
    def asks_for_sign_in(self) -> bool:
        """Whether the name for the proxy can be typed now."""
        return can_focus(self.control("proxy.user"))

    # what a person does

    def _on_edit(self, event: wx.CommandEvent, field: TextField) -> None:
        event.Skip()
        field.say("")
        self._tidied.discard(field.row.name)
        field.mark(None)
        if field.row.name == "connection.secure":
            self._on_secure()
        if field.row.control is Control.CHOICE or field.row.name == "proxy.address":
            self._reveal()
        self._on_changed(field.row.name)

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
            field.say(_("« http:// » a été remplacé par « https:// », car le mode est « Sécurisé »."))
        elif name in PASTED:
            self._tidied.add(name)
            field.say(describe_tidying(name))
        self._on_resized()

    def _warn(self) -> None:
        warning = _(
            "Sans le mode sécurisé, l'authentification à une adresse « http:// » échouera : la clé de licence n'est jamais envoyée en clair."
        )
        is_secure = typed_settings.is_secure(self.typed())
        self._fields["connection.secure"].say("" if is_secure else warning)
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
