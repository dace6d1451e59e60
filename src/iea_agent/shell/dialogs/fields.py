"""The left half of the settings dialog: the fields, their marks and messages."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import wx

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import Outcome, Server
from iea_agent.domain.problems import N_, problem
from iea_agent.domain.settings import Effective, ProxyMode, Settings
from iea_agent.locale import _

from . import form
from .frame import MIDDLE, NARROW, WIDE, Paragraph, picture, set_picture, title_font

LEFT = 400
"""Width of the fields, in device-independent pixels."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A state as a picture and as a word: never by colour alone."""

    picture: str
    word: str


_LOOKS = {
    Outcome.RUNNING: _Look("ball-pale", N_("En cours")),
    Outcome.PASSED: _Look("tick", N_("Réussi")),
    Outcome.FAILED: _Look("barred", N_("Échec")),
}


class Mark(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """A tick or a barred circle, and its word."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, name="")
        self._picture = wx.StaticBitmap(self, bitmap=picture("tick", 16))
        self._word = wx.StaticText(self)
        row = wx.BoxSizer(wx.HORIZONTAL)
        row.Add(self._picture, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(NARROW))
        row.Add(self._word, 0, wx.ALIGN_CENTRE_VERTICAL)
        self.SetSizer(row)

    def show(self, look: _Look) -> None:
        """Show *look*."""
        set_picture(self._picture, picture(look.picture, 16))
        self._word.SetLabelText(_(look.word))
        self.Layout()


class Entry:
    """A label, its edit below, room for a mark at the end of the line where there is something to test, and a message under it."""

    def __init__(self, parent: wx.Window, label: str, value: str, marked: bool, style: int) -> None:
        # the label is made right before its edit: that is how screen readers name an edit
        self.label = wx.StaticText(parent, label=label)
        self.edit = wx.TextCtrl(parent, value=value, style=style)
        self.edit.SetMaxLength(addresses.MAXIMUM_LENGTH)
        self.message = Paragraph(parent, LEFT, spoken=True)
        self._mark: Mark | None = None
        self._place = wx.BoxSizer(wx.HORIZONTAL)
        line = wx.BoxSizer(wx.HORIZONTAL)
        line.Add(self.edit, 1, wx.ALIGN_CENTRE_VERTICAL)
        if marked:
            line.Add(self._place, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, parent.FromDIP(MIDDLE))
            widest = max(parent.GetTextExtent(_(look.word)).width for look in _LOOKS.values())
            self._place.SetMinSize(wx.Size(parent.FromDIP(16 + NARROW) + widest, parent.FromDIP(16)))
            self._place.AddStretchSpacer()  # an empty sizer would keep no room
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(self.label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        self.sizer.Add(line, 0, wx.EXPAND)
        self.sizer.Add(self.message, 0, wx.TOP, parent.FromDIP(NARROW))

    def mark(self, outcome: Outcome | None) -> None:
        """Show at the end of the line how the test went; None for nothing known."""
        look = _LOOKS.get(outcome) if outcome else None
        if look is None:
            if self._mark is not None:
                self._mark.Hide()
            return
        if self._mark is None:  # made when it is first needed: the dialog opens the sooner
            self._mark = Mark(self.edit.GetParent())
            self._mark.MoveAfterInTabOrder(self.edit)
            self._place.Insert(0, self._mark)
        self._mark.show(look)
        self._mark.Show()
        self._place.Layout()


class Fields:
    """The left half: everything that is saved. *changed* is called when a person changes it, *grown* when it needs more or less room."""

    def __init__(
        self,
        parent: wx.Window,
        effective: Effective,
        writable: bool,
        changed: Callable[[], None],
        grown: Callable[[], None],
    ) -> None:
        self._parent = parent
        self._changed = changed
        self._grown = grown
        self._locked = effective.locked
        self._writable = writable
        saved = effective.settings

        mode = self._part(_("Mode de connexion"))
        self.secure = wx.CheckBox(parent, label=self._label(_("&Sécurisé"), "secure"))
        self.secure.SetValue(saved.secure)
        self.secure.Enable(self._writable and "secure" not in self._locked)
        self.warning = Paragraph(parent, LEFT, spoken=True)
        mode.Add(self.secure)
        mode.Add(self.warning, 0, wx.TOP, parent.FromDIP(NARROW))

        servers = self._part(_("Serveurs"))
        self.authentication = self._entry(
            _("Adresse du serveur d'&authentification"), saved.authentication, "authentication"
        )
        self.updates = self._entry(_("Adresse du serveur de &mise à jour"), saved.updates, "updates")
        servers.Add(self.authentication.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE + NARROW))
        servers.Add(self.updates.sizer, 0, wx.EXPAND)

        licence = self._part(_("Licence d'installation"))
        self.number = self._entry(_("&Numéro de licence"), saved.licence_number, "licence_number")
        self.key = self._entry(_("&Clé de licence"), "", "licence_key", wx.TE_PASSWORD)
        self.key_hint = Paragraph(parent, LEFT, _("Recherche de la clé enregistrée…"))
        licence.Add(self.number.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE + NARROW))
        licence.Add(self.key.sizer, 0, wx.EXPAND)
        licence.Add(self.key_hint, 0, wx.TOP, parent.FromDIP(NARROW))

        proxy = self._part(_("Accès à internet"))
        proxy_label = wx.StaticText(parent, label=self._label(_("&Proxy"), "proxy_mode"))
        self.proxy_mode = wx.Choice(
            parent, choices=[_("Celui du système"), _("Aucun"), _("À l'adresse suivante")]
        )
        self.proxy_mode.SetSelection(list(ProxyMode).index(saved.proxy_mode))
        self.proxy_mode.Enable(self._writable and "proxy_mode" not in self._locked)
        self.proxy = self._entry(_("Ad&resse du proxy"), saved.proxy_address, "proxy_address")
        choice = wx.BoxSizer(wx.VERTICAL)
        choice.Add(proxy_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        choice.Add(self.proxy_mode, 0, wx.EXPAND)
        side_by_side = wx.BoxSizer(wx.HORIZONTAL)
        side_by_side.Add(choice, 0, wx.RIGHT, parent.FromDIP(MIDDLE))
        side_by_side.Add(self.proxy.sizer, 1)
        proxy.Add(side_by_side, 0, wx.EXPAND)

        self.sizer = wx.BoxSizer(wx.VERTICAL)
        for part in (mode, servers, licence, proxy):
            self.sizer.Add(
                part, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(0 if part is proxy else WIDE + NARROW)
            )
        self.sizer.SetMinSize(parent.FromDIP(wx.Size(LEFT, -1)))

        self._entries = {
            "authentication": self.authentication,
            "updates": self.updates,
            "licence_number": self.number,
            "licence_key": self.key,
            "proxy_address": self.proxy,
        }
        self.secure.Bind(wx.EVT_CHECKBOX, self._on_secure)
        self.proxy_mode.Bind(wx.EVT_CHOICE, self._on_proxy_mode)
        for entry in self._entries.values():
            entry.edit.Bind(wx.EVT_TEXT, lambda event, entry=entry: self._on_text(event, entry))
        for entry in (self.authentication, self.updates):
            entry.edit.Bind(wx.EVT_KILL_FOCUS, lambda event, entry=entry: self._on_leave(event, entry))
            entry.edit.Bind(wx.EVT_TEXT_PASTE, lambda event, entry=entry: self._on_leave(event, entry))
        self._enable_proxy()
        self._warn()

    def _part(self, heading: str) -> wx.BoxSizer:
        text = wx.StaticText(self._parent, label=heading)
        text.SetFont(title_font(self._parent, 1.0))
        part = wx.BoxSizer(wx.VERTICAL)
        part.Add(text, 0, wx.BOTTOM, self._parent.FromDIP(MIDDLE))
        return part

    def _label(self, label: str, attribute: str) -> str:
        return f"{label} – {_('fixé par votre administrateur')}" if attribute in self._locked else label

    def _entry(self, label: str, value: str, attribute: str, style: int = 0) -> Entry:
        marked = attribute in ("authentication", "updates", "licence_number")
        entry = Entry(self._parent, self._label(label, attribute), value, marked, style)
        entry.edit.Enable(self._writable and attribute not in self._locked)
        return entry

    # what the fields say

    def typed(self) -> form.Typed:
        """The fields as they stand."""
        return form.Typed(
            self.secure.GetValue(),
            self.authentication.edit.GetValue(),
            self.updates.edit.GetValue(),
            self.number.edit.GetValue(),
            list(ProxyMode)[self.proxy_mode.GetSelection()],
            self.proxy.edit.GetValue(),
        )

    def licence_key(self) -> str | None:
        """The key as typed, None to keep the saved one."""
        return self.key.edit.GetValue().strip() or None

    def show(self, saved: Settings) -> None:
        """Show *saved* in the fields, in its canonical form, and empty the key."""
        for entry, text in (
            (self.authentication, saved.authentication),
            (self.updates, saved.updates),
            (self.number, saved.licence_number),
            (self.proxy, saved.proxy_address),
            (self.key, ""),
        ):
            if entry.edit.GetValue() != text:
                entry.edit.ChangeValue(text)
        self._enable_proxy()

    def show_key(self, saved: bool | None) -> None:
        """Say whether a key is saved; None where there is no vault to save it in."""
        if saved is None:
            self.key_hint.say(
                f"{_(problem(problems.VAULT_UNAVAILABLE).title)} ({problems.VAULT_UNAVAILABLE})."
            )
        elif saved:
            self.key_hint.say(_("Clé enregistrée. Elle n'est jamais affichée ; laissez vide pour la garder."))
        else:
            self.key_hint.say(_("Aucune clé enregistrée : saisissez celle reçue de l'assistance."))
        self._grown()

    def tidy(self) -> None:
        """Clean both addresses as they would be used."""
        for entry in (self.authentication, self.updates):
            self._tidy(entry)

    def complain(self, field: str, sentence: str) -> bool:
        """Say *sentence* at *field* and go there; False where no such field can be entered."""
        entry = self._entries.get(field)
        if entry is None or not entry.edit.IsEnabled():
            return False
        entry.message.say(sentence)
        self._grown()
        entry.edit.SetFocus()
        entry.edit.SelectAll()
        return True

    def mark(self, server: Server, outcome: Outcome | None) -> None:
        """Show the tick or the barred circle of *server* at the end of its address."""
        entry = self.authentication if server is Server.AUTHENTICATION else self.updates
        entry.mark(outcome)

    def mark_licence(self, outcome: Outcome | None) -> None:
        """Show at the licence number whether the server accepts it."""
        self.number.mark(outcome)

    # what a person does

    def _on_text(self, event: wx.CommandEvent, entry: Entry) -> None:
        event.Skip()
        entry.message.say("")
        entry.mark(None)
        self._changed()

    def _on_leave(self, event: wx.Event, entry: Entry) -> None:
        event.Skip()
        wx.CallAfter(self._tidy_if_there, entry)

    def _tidy_if_there(self, entry: Entry) -> None:
        if entry.edit:  # the dialog may be gone by now
            self._tidy(entry)

    def _tidy(self, entry: Entry) -> None:
        before = entry.edit.GetValue()
        after, secured = form.tidy(before, self.secure.GetValue())
        if not entry.edit.IsEnabled() or after == before:
            return
        entry.edit.ChangeValue(after)
        if entry.edit.HasFocus():
            entry.edit.SetInsertionPointEnd()
        if secured:
            entry.message.say(_("« http:// » a été remplacé par « https:// », car le mode est « Sécurisé »."))
            self._grown()

    def _on_secure(self, _event: wx.CommandEvent) -> None:
        if self.secure.GetValue():
            self.tidy()
        self._warn()
        for server in Server:
            self.mark(server, None)
        self._changed()

    def _warn(self) -> None:
        self.warning.say(
            ""
            if self.secure.GetValue()
            else _(
                "Les adresses « http:// » sont admises, mais la clé de licence n'est jamais envoyée en clair."
            )
        )
        self._grown()

    def _on_proxy_mode(self, _event: wx.CommandEvent) -> None:
        self._enable_proxy()
        self.proxy.message.say("")
        self._changed()

    def _enable_proxy(self) -> None:
        manual = list(ProxyMode)[self.proxy_mode.GetSelection()] is ProxyMode.MANUAL
        self.proxy.edit.Enable(manual and self._writable and "proxy_address" not in self._locked)
