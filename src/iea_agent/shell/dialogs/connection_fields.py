"""The left half of the settings dialog: the fields, their marks and messages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import wx

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import Server, ServerReport, StageOutcome
from iea_agent.domain.problems import N_
from iea_agent.domain.settings import Effective, ProxyMode, Settings
from iea_agent.locale import _

from . import typed_settings
from .widgets import MIDDLE, NARROW, WIDE, Paragraph, load_picture, make_title_font, set_picture

LEFT, NARROWER = 400, 150
"""Width of the fields, and of the left one where two stand side by side, in device-independent pixels."""


@dataclass(frozen=True, slots=True)
class _Look:
    """A state as a picture and as a word: never by colour alone."""

    picture: str
    word: str


_LOOKS = {
    StageOutcome.RUNNING: _Look("ball-pale", N_("En cours")),
    StageOutcome.PASSED: _Look("tick", N_("Réussi")),
    StageOutcome.FAILED: _Look("barred", N_("Échec")),
}


class Mark(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """A tick or a barred circle, and its word."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, name="")
        self._picture = wx.StaticBitmap(self, bitmap=load_picture("tick", 16))
        self._word = wx.StaticText(self)
        row = wx.BoxSizer(wx.HORIZONTAL)
        row.Add(self._picture, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(NARROW))
        row.Add(self._word, 0, wx.ALIGN_CENTRE_VERTICAL)
        self.SetSizer(row)

    def show(self, look: _Look) -> None:
        """Show *look*."""
        set_picture(self._picture, load_picture(look.picture, 16))
        self._word.SetLabelText(_(look.word))
        self.Layout()


class LabelledField:
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

    def reveal(self, shown: bool) -> None:
        """Show or hide label, edit and message."""
        if not shown:
            self.message.set_text("")
        for control in (self.label, self.edit):
            control.Show(shown)

    def mark(self, outcome: StageOutcome | None) -> None:
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
        self._asking = ""  # the system's proxy that has asked who we are
        self._password_saved = False
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
        self.user = self._entry(_("Nom d'&utilisateur"), saved.proxy_user, "proxy_user")
        self.password = self._entry(_("Mot de passe du prox&y"), "", "proxy_password", wx.TE_PASSWORD)
        self.password_hint = Paragraph(parent, LEFT)
        self.bypass = self._entry(_("Sans pro&xy pour ces serveurs"), "", "proxy_bypass")
        self.ipv4_only = wx.CheckBox(parent, label=self._label(_("&IPv4 seulement"), "ipv4_only"))
        self.ipv4_only.Enable(self._writable and "ipv4_only" not in self._locked)
        choice = wx.BoxSizer(wx.VERTICAL)
        choice.Add(proxy_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        choice.Add(self.proxy_mode, 0, wx.EXPAND)
        for left, right, names in (
            (choice, self.proxy.sizer, {"proxy_mode", "proxy_address"}),
            (self.user.sizer, self.password.sizer, {"proxy_user"}),
        ):
            if names & self._locked:  # the labels say so, and need the whole width
                proxy.Add(left, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
                proxy.Add(right, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
                continue
            side_by_side = wx.BoxSizer(wx.HORIZONTAL)
            left.SetMinSize(parent.FromDIP(wx.Size(NARROWER, -1)))
            side_by_side.Add(left, 0, wx.RIGHT, parent.FromDIP(MIDDLE))
            side_by_side.Add(right, 1)
            proxy.Add(side_by_side, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
        proxy.Add(self.password_hint, 0, wx.BOTTOM, parent.FromDIP(MIDDLE))
        proxy.Add(self.bypass.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
        proxy.Add(self.ipv4_only)

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
            "proxy_user": self.user,
            "proxy_password": self.password,
            "proxy_bypass": self.bypass,
        }
        self.ipv4_only.Bind(wx.EVT_CHECKBOX, lambda _event: self._changed())
        self.secure.Bind(wx.EVT_CHECKBOX, self._on_secure)
        self.proxy_mode.Bind(wx.EVT_CHOICE, self._on_proxy_mode)
        for entry in self._entries.values():
            entry.edit.Bind(wx.EVT_TEXT, lambda event, entry=entry: self._on_text(event, entry))
        for entry in (self.authentication, self.updates):
            entry.edit.Bind(wx.EVT_KILL_FOCUS, lambda event, entry=entry: self._on_leave(event, entry))
            entry.edit.Bind(wx.EVT_TEXT_PASTE, lambda event, entry=entry: self._on_leave(event, entry))
        self.put(typed_settings.shown(saved))

    def _part(self, heading: str) -> wx.BoxSizer:
        text = wx.StaticText(self._parent, label=heading)
        text.SetFont(make_title_font(self._parent, 1.0))
        part = wx.BoxSizer(wx.VERTICAL)
        part.Add(text, 0, wx.BOTTOM, self._parent.FromDIP(MIDDLE))
        return part

    def _label(self, label: str, attribute: str) -> str:
        return f"{label} – {_('fixé par votre administrateur')}" if attribute in self._locked else label

    def _entry(self, label: str, value: str, attribute: str, style: int = 0) -> LabelledField:
        marked = attribute in ("authentication", "updates", "licence_number")
        entry = LabelledField(self._parent, self._label(label, attribute), value, marked, style)
        entry.edit.Enable(self._writable and attribute not in self._locked)
        return entry

    # what the fields say

    def typed(self) -> typed_settings.Typed:
        """The fields as they stand."""
        return typed_settings.Typed(
            self.secure.GetValue(),
            self.authentication.edit.GetValue(),
            self.updates.edit.GetValue(),
            self.number.edit.GetValue(),
            list(ProxyMode)[self.proxy_mode.GetSelection()],
            self._proxy_address(),
            self.user.edit.GetValue(),
            self.bypass.edit.GetValue(),
            self.ipv4_only.GetValue(),
        )

    def _proxy_address(self) -> str:
        """The proxy typed; where the system's asked for a user, and one is given, that one."""
        mode = list(ProxyMode)[self.proxy_mode.GetSelection()]
        given = mode is ProxyMode.SYSTEM and self.user.edit.GetValue() and "proxy_address" not in self._locked
        return self._asking if self._asking and given else str(self.proxy.edit.GetValue())

    def proxy_password(self) -> str | None:
        """The proxy's password as typed, None to keep the saved one or where no proxy asks for one."""
        return (self.password.edit.GetValue() or None) if self.password.edit.IsShown() else None

    def licence_key(self) -> str | None:
        """The key as typed, None to keep the saved one."""
        return self.key.edit.GetValue().strip() or None

    def put(self, typed: typed_settings.Typed) -> None:
        """Have the fields hold *typed*, as if a person had entered it."""
        self.secure.SetValue(typed.secure)
        self.proxy_mode.SetSelection(list(ProxyMode).index(typed.proxy_mode))
        self.ipv4_only.SetValue(typed.ipv4_only)
        for entry, text in (
            (self.authentication, typed.authentication),
            (self.updates, typed.updates),
            (self.number, typed.licence_number),
            (self.proxy, typed.proxy_address),
            (self.user, typed.proxy_user),
            (self.bypass, typed.proxy_bypass),
        ):
            if entry.edit.GetValue() != text:
                entry.edit.ChangeValue(text)
                entry.message.set_text("")
        self._warn()
        self._reveal_proxy()

    def forget_secrets(self) -> None:
        """Empty the key and the password: they are saved, and nobody need see them again."""
        for entry in (self.key, self.password):
            entry.edit.ChangeValue("")

    def show_password(self, saved: bool) -> None:
        """Say whether the proxy's password is saved."""
        self._password_saved = saved
        self._reveal_proxy()

    def heed(self, tested: Settings, reports: Sequence[ServerReport]) -> None:
        """Show the fields for a user and a password where the system's proxy has asked for them in a test of *tested*, and no longer than it asks.

        What is typed there is kept for this proxy and no other.
        """
        asking = typed_settings.asking(tested, reports, self._asking)
        if self._asking and asking != self._asking:
            self.password.edit.ChangeValue("")  # it was for that one
        self._asking = asking
        self._reveal_proxy()

    def show_key(self, saved: bool | None) -> None:
        """Say whether a key is saved; None where there is no vault to save it in."""
        if saved is None:
            entry = problems.VAULT_UNAVAILABLE
            self.key_hint.set_text(f"{_(entry.title)} ({entry.code}). {_(entry.advice)}")
        elif saved:
            self.key_hint.set_text(
                _("Clé enregistrée. Elle n'est jamais affichée ; laissez vide pour la garder.")
            )
        else:
            self.key_hint.set_text(_("Aucune clé enregistrée : saisissez celle reçue de l'assistance."))
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
        entry.message.set_text(sentence)
        self._grown()
        entry.edit.SetFocus()
        entry.edit.SelectAll()
        return True

    def mark(self, server: Server, outcome: StageOutcome | None) -> None:
        """Show the tick or the barred circle of *server* at the end of its address."""
        entry = self.authentication if server is Server.AUTHENTICATION else self.updates
        entry.mark(outcome)

    def mark_licence(self, outcome: StageOutcome | None) -> None:
        """Show at the licence number whether the server accepts it."""
        self.number.mark(outcome)

    # what a person does

    def _on_text(self, event: wx.CommandEvent, entry: LabelledField) -> None:
        event.Skip()
        entry.message.set_text("")
        entry.mark(None)
        self._changed()

    def _on_leave(self, event: wx.Event, entry: LabelledField) -> None:
        event.Skip()
        wx.CallAfter(self._tidy_if_there, entry)

    def _tidy_if_there(self, entry: LabelledField) -> None:
        if entry.edit:  # the dialog may be gone by now
            self._tidy(entry)

    def _tidy(self, entry: LabelledField) -> None:
        before = entry.edit.GetValue()
        after, secured = typed_settings.tidy(before, self.secure.GetValue())
        if not entry.edit.IsEnabled() or after == before:
            return
        entry.edit.ChangeValue(after)
        if entry.edit.HasFocus():
            entry.edit.SetInsertionPointEnd()
        if secured:
            entry.message.set_text(
                _("« http:// » a été remplacé par « https:// », car le mode est « Sécurisé ».")
            )
            self._grown()

    def _on_secure(self, _event: wx.CommandEvent) -> None:
        if self.secure.GetValue():
            self.tidy()
        self._warn()
        for server in Server:
            self.mark(server, None)
        self._changed()

    def _warn(self) -> None:
        self.warning.set_text(
            ""
            if self.secure.GetValue()
            else _(
                "Les adresses « http:// » sont admises, mais la clé de licence n'est jamais envoyée en clair."
            )
        )
        self._grown()

    def _on_proxy_mode(self, _event: wx.CommandEvent) -> None:
        self._reveal_proxy()
        self._changed()

    def _reveal_proxy(self) -> None:
        """Show what belongs to the way that is chosen, and nothing else."""
        mode = list(ProxyMode)[self.proxy_mode.GetSelection()]
        manual = mode is ProxyMode.MANUAL
        signing_in = manual or (mode is ProxyMode.SYSTEM and bool(self._asking or self.user.edit.GetValue()))
        for entry, shown in (
            (self.proxy, manual),
            (self.user, signing_in),
            (self.password, signing_in),
            (self.bypass, manual),
        ):
            entry.reveal(shown)
        self.password_hint.set_text(
            _("Mot de passe enregistré. Il n'est jamais affiché ; laissez vide pour le garder.")
            if signing_in and self._password_saved
            else ""
        )
        self._grown()
