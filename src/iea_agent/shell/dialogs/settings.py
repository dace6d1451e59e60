"""The settings dialog, « Paramètres de connexion »: mode, addresses, licence, proxy, and the test of both servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import wx

from iea_agent.domain import addresses, problems
from iea_agent.domain.diagnosis import STAGES, Outcome, Server, ServerReport, Stage, StageResult
from iea_agent.domain.problems import N_, problem
from iea_agent.domain.settings import Effective, Fault, ProxyMode, Settings
from iea_agent.locale import _
from iea_agent.shell import report

from . import form
from .frame import (
    MIDDLE,
    NARROW,
    WIDE,
    Banner,
    Paragraph,
    application,
    copy,
    fit,
    icons,
    on_copy_key,
    picture,
    rewrap,
    title_font,
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the dialog shows when it opens: the settings in force, the faults of a file that was set aside, and whether assistance mode holds."""

    effective: Effective
    faults: tuple[Fault, ...] = ()
    assistance: bool = False


class SaveError(Exception):
    """Saving failed: *sentence* is for the person, *field* the attribute of ``Settings`` it is about ("licence_key" for the key, "" for none)."""

    def __init__(self, sentence: str, field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.field = field


class SettingsPort(Protocol):
    """What the dialog needs from the rest of the agent."""

    def load(self) -> Loaded:
        """What holds now. Called before the window is shown and after each saving: must be fast, and leave the vault alone."""

    def key_saved(self) -> bool | None:
        """Whether the vault holds a licence key, None where there is no vault. Called in a thread after the window is shown: may be slow."""

    def save(self, changes: Mapping[str, object], licence_key: str | None) -> None:
        """Write *changes* (by dotted name, as values of the file) and, unless None, the key, and tell the agent. Raises ``SaveError``."""

    def test(
        self,
        values: Settings,
        licence_key: str | None,
        on_progress: Callable[[ServerReport], None],
        cancelled: threading.Event,
    ) -> tuple[ServerReport, ...]:
        """Test both servers with *values* (key None: the saved one). Called in a thread; *on_progress* from any thread; stops when *cancelled* is
        set, and what it then returns is ignored."""


def title() -> str:
    """The title of the window, by which a second click finds it."""
    return _("Impact emploi – Paramètres de connexion")


def run_settings(port: SettingsPort, shown: Callable[[], None] = lambda: None) -> None:
    """Show the dialog until it is closed; *shown* is called once it can be used."""
    app = application()
    dialog = SettingsDialog(port)
    app.SetTopWindow(dialog)
    dialog.Show()
    dialog.Raise()
    dialog.begin()
    wx.CallAfter(shown)
    app.MainLoop()


LEFT, RIGHT = 400, 490
HEIGHT = 540
"""Room for the fields, for the test, and for the messages of both, in device-independent pixels: side by side they fit a screen of 1366 × 768."""


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
_STAGE_PICTURES = {
    Outcome.WAITING: "stage-pending",
    Outcome.RUNNING: "ball-pale",
    Outcome.PASSED: "tick",
    Outcome.FAILED: "barred",
    Outcome.SKIPPED: "stage-skipped",
}


class Mark(wx.Panel):  # type: ignore[misc]  # wx has no types here
    """The tick or barred circle at the end of a line, and its word; room is kept for it from the start."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent)
        self._picture = wx.StaticBitmap(self, size=self.FromDIP(wx.Size(16, 16)))
        self._word = wx.StaticText(self)
        widest = max(self._word.GetTextExtent(_(look.word)).width for look in _LOOKS.values())
        row = wx.BoxSizer(wx.HORIZONTAL)
        row.Add(self._picture, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(NARROW))
        row.Add(self._word, 0, wx.ALIGN_CENTRE_VERTICAL)
        self.SetSizer(row)
        self.SetMinSize(wx.Size(self.FromDIP(16 + NARROW) + widest, self.FromDIP(16)))
        self.show(None)

    def show(self, outcome: Outcome | None) -> None:
        """Show how it went; None for nothing known."""
        look = _LOOKS.get(outcome) if outcome else None
        self._picture.Show(look is not None)
        self._word.SetLabelText(_(look.word) if look else "")
        if look:
            self._picture.SetBitmap(picture(look.picture, 16))
        self.Layout()


class Entry:
    """A label, its edit below, a mark at the end of the line where there is something to test, and a message under it."""

    def __init__(self, parent: wx.Window, label: str, value: str, marked: bool, style: int) -> None:
        # the label is made right before its edit: that is how screen readers name an edit
        self.label = wx.StaticText(parent, label=label)
        self.edit = wx.TextCtrl(parent, value=value, style=style)
        self.edit.SetMaxLength(addresses.MAXIMUM_LENGTH)
        self.mark = Mark(parent)
        self.mark.Show(marked)
        self.message = Paragraph(parent, LEFT, spoken=True)
        line = wx.BoxSizer(wx.HORIZONTAL)
        line.Add(self.edit, 1, wx.ALIGN_CENTRE_VERTICAL)
        line.Add(self.mark, 0, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, parent.FromDIP(MIDDLE))
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(self.label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        self.sizer.Add(line, 0, wx.EXPAND)
        self.sizer.Add(self.message, 0, wx.TOP, parent.FromDIP(NARROW))


class Fields:
    """The left half: everything that is saved. *changed* is called when a person changes it, *grown* when it needs more or less room."""

    def __init__(
        self, parent: wx.Window, loaded: Loaded, changed: Callable[[], None], grown: Callable[[], None]
    ) -> None:
        self._parent = parent
        self._changed = changed
        self._grown = grown
        self._locked = loaded.effective.locked
        self._writable = not loaded.assistance
        saved = loaded.effective.settings

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
        servers.Add(self.authentication.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
        servers.Add(self.updates.sizer, 0, wx.EXPAND)

        licence = self._part(_("Licence d'installation"))
        self.number = self._entry(_("&Numéro de licence"), saved.licence_number, "licence_number")
        self.key = self._entry(_("&Clé de licence"), "", "licence_key", wx.TE_PASSWORD)
        self.key_hint = Paragraph(parent, LEFT, _("Recherche de la clé enregistrée…"))
        licence.Add(self.number.sizer, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(MIDDLE))
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
            self.sizer.Add(part, 0, wx.EXPAND | wx.BOTTOM, parent.FromDIP(0 if part is proxy else WIDE))
        self.sizer.SetMinSize(parent.FromDIP(wx.Size(LEFT, HEIGHT)))

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
        # a heading, and no box: Windows looks for accelerators (Alt and a letter) only inside the box that has the focus
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
        entry.mark.show(outcome)

    def mark_licence(self, outcome: Outcome | None) -> None:
        """Show at the licence number whether the server accepts it."""
        self.number.mark.show(outcome)

    # what a person does

    def _on_text(self, event: wx.CommandEvent, entry: Entry) -> None:
        event.Skip()
        entry.message.say("")
        entry.mark.show(None)
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


class Verdict:
    """What the test of one server gives, stage by stage and then in words."""

    def __init__(self, parent: wx.Window, server: Server) -> None:
        self._server = server
        self._name = wx.StaticText(parent, label=_(report.SERVERS[server]))
        self._name.SetFont(title_font(parent, 1.0))
        self._pictures = {stage: wx.StaticBitmap(parent) for stage in STAGES[server]}
        self._progress = wx.StaticText(parent, style=wx.ST_ELLIPSIZE_END)
        self._problem = Paragraph(parent, RIGHT - 32)
        self._problem.SetFont(title_font(parent, 1.0))
        self._explanation = Paragraph(parent, RIGHT - 32)
        gap = parent.FromDIP(NARROW)
        strip = wx.BoxSizer(wx.HORIZONTAL)
        for stage, bitmap in self._pictures.items():
            bitmap.SetToolTip(_(report.STAGES[stage]))
            strip.Add(bitmap, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, gap)
        strip.Add(self._progress, 1, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, gap)
        self.sizer = wx.BoxSizer(wx.VERTICAL)
        self.sizer.Add(self._name, 0, wx.BOTTOM, gap)
        self.sizer.Add(strip, 0, wx.EXPAND)
        self.sizer.Add(self._problem, 0, wx.TOP, parent.FromDIP(MIDDLE))
        self.sizer.Add(self._explanation, 0, wx.TOP, gap)
        self.show(None)

    def show(self, found: ServerReport | None, already: str | None = None) -> None:
        """Show *found*, as far as it has come; None before a test. *already* is the code that was explained for the other server."""
        results = {result.stage: result for result in found.stages} if found else {}
        for stage, bitmap in self._pictures.items():
            result = results.get(stage, StageResult(stage, Outcome.WAITING))
            name = _STAGE_PICTURES[result.outcome]
            if bitmap.GetName() != name:  # set the picture only when it is another one: no flicker
                bitmap.SetName(name)
                bitmap.SetBitmap(picture(name, 16))
        self._progress.SetLabelText(_progress(found) if found else "")
        code = found.failure.code if found and found.done and found.failure else None
        if code is None:
            self._problem.say("")
            self._explanation.say("")
            return
        entry = problem(code)
        self._problem.say(f"{_(entry.title)} ({code})")
        self._explanation.say(
            _("Même cause que pour l'autre serveur.")
            if code == already
            else f"{_(entry.text)} {_(entry.advice)}\n{_(problems.ACTORS[entry.actor])}"
        )


def _progress(found: ServerReport) -> str:
    """One line on how far the test of a server has come, or how it ended."""
    time = report.duration(found.milliseconds)
    if not found.done:
        running = [result.stage for result in found.stages if result.outcome is Outcome.RUNNING]
        if not running:
            return _("En attente…")
        place = list(STAGES[found.server]).index(running[0]) + 1
        return _("{stage}… ({place} sur {places})").format(
            stage=_(report.STAGES[running[0]]), place=place, places=len(STAGES[found.server])
        )
    if found.failure is None:
        return _("Réussi en {time}").format(time=time)
    return _("Échec à l'étape « {stage} », en {time}").format(
        stage=_(report.STAGES[found.failure.stage]), time=time
    )


class Details(wx.ListBox):  # type: ignore[misc]
    """Every stage of both tests, one a line."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, style=wx.LB_SINGLE | wx.LB_HSCROLL)
        self._lines = [(server, stage) for server in Server for stage in STAGES[server]]
        self.Set(
            [f"{_(report.SERVERS[server])} – {_(report.STAGES[stage])}" for server, stage in self._lines]
        )

    def show(self, found: ServerReport) -> None:
        """Show the stages of *found*, the one at work or at fault in sight."""
        for result in found.stages:
            line = self._lines.index((found.server, result.stage))
            text = f"{_(report.SERVERS[found.server])} – {report.stage_line(found, result.stage)}"
            if self.GetString(line) != text:
                self.SetString(line, text)
                if result.outcome in (Outcome.RUNNING, Outcome.FAILED):
                    self.EnsureVisible(line)


class Results:
    """The right half: the test of both servers and what it gives. *grown* is called when it needs more or less room."""

    def __init__(self, parent: wx.Window, grown: Callable[[], None]) -> None:
        self._grown = grown
        self._reports: dict[Server, ServerReport] = {}
        self.button = wx.Button(parent, label=_("&Tester l'accès aux serveurs"))
        self._labels = (self.button.GetLabel(), _("Arrêter le &test"))
        self.button.SetMinSize(self.button.GetBestSize())  # the longer label's: the button keeps its place
        self._picture = wx.StaticBitmap(parent)
        self._headline = Paragraph(parent, RIGHT - 60, spoken=True)
        self._headline.SetFont(title_font(parent, 1.2))
        self._note = Paragraph(parent, RIGHT - 32)
        self._verdicts = {server: Verdict(parent, server) for server in Server}
        details_label = wx.StaticText(parent, label=_("Détai&ls du test"))
        self._details = Details(parent)
        self._copy = wx.Button(parent, label=_("Copier les &détails"))
        self._copied = wx.StaticText(parent)

        gap, small = parent.FromDIP(MIDDLE + NARROW), parent.FromDIP(MIDDLE)
        headline = wx.BoxSizer(wx.HORIZONTAL)
        headline.Add(self._picture, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, small)
        headline.Add(self._headline, 1, wx.ALIGN_CENTRE_VERTICAL)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self._copy, 0, wx.ALIGN_CENTRE_VERTICAL)
        foot.Add(self._copied, 1, wx.ALIGN_CENTRE_VERTICAL | wx.LEFT, small)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self.button, 0, wx.TOP | wx.BOTTOM, small)
        column.Add(headline, 0, wx.EXPAND | wx.BOTTOM, small)
        column.Add(self._note, 0, wx.EXPAND | wx.BOTTOM, small)
        for verdict in self._verdicts.values():
            column.Add(verdict.sizer, 0, wx.EXPAND | wx.BOTTOM, gap)
        column.Add(details_label, 0, wx.BOTTOM, parent.FromDIP(NARROW))
        column.Add(self._details, 1, wx.EXPAND | wx.BOTTOM, small)
        column.Add(foot, 0, wx.EXPAND)
        self.sizer = column
        self._details.SetMinSize(parent.FromDIP(wx.Size(RIGHT, 112)))

        self._copy.Bind(wx.EVT_BUTTON, lambda _event: self.copy())
        on_copy_key(self._details, self.copy)
        self.begin(False)

    def begin(self, running: bool) -> None:
        """Forget the last test; *running*: another one starts now."""
        self._reports.clear()
        self._picture.Hide()
        self._headline.say(_("Test en cours…") if running else "")
        self._note.say(
            ""
            if running
            else _(
                "Le test vérifie que ce poste atteint les deux serveurs. Il n'enregistre rien et ne change rien."
            )
        )
        for verdict in self._verdicts.values():
            verdict.show(None)
        self._copy.Disable()
        self._copied.SetLabel("")
        self.button.SetLabel(self._labels[1 if running else 0])
        self._grown()

    def progress(self, found: ServerReport) -> None:
        """Show how far the test of one server has come."""
        self._reports[found.server] = found
        first = self._reports.get(Server.AUTHENTICATION)
        explained = (
            first.failure.code
            if first and first.done and first.failure and found.server is Server.UPDATES
            else None
        )
        self._verdicts[found.server].show(found, explained)
        self._details.show(found)
        self._grown()

    def end(self, reports: Sequence[ServerReport]) -> None:
        """Show the outcome of a finished test."""
        for found in sorted(reports, key=lambda found: list(Server).index(found.server)):
            self.progress(found)
        connected = all(is_reached(found) for found in reports)
        self._picture.SetBitmap(picture("tick" if connected else "barred", 24))
        self._picture.Show()
        self._headline.say(report.headline(reports))
        self._copy.Enable()
        self.button.SetLabel(self._labels[0])
        self._grown()

    def stop(self, sentence: str) -> None:
        """The test has ended without an outcome: say why."""
        self.begin(False)
        self._headline.say(sentence)
        self._grown()

    def outdate(self) -> None:
        """The fields are no longer those that were tested."""
        if self._reports and self._copy.IsEnabled():
            self._note.say(_("Les paramètres ont changé depuis ce test."))
            self._grown()

    def copy(self) -> None:
        """Put the whole test on the clipboard and say so."""
        if not self._copy.IsEnabled():
            return
        done = copy(report.text([self._reports[server] for server in Server if server in self._reports]))
        self._copied.SetLabel(
            _("Détails copiés.") if done else _("Un autre logiciel occupe le presse-papiers. Réessayez.")
        )
        self._grown()


def is_reached(found: ServerReport) -> bool:
    """Whether the server was reached: the green tick of the sheet, which a refused licence does not take away."""
    return found.done and (found.failure is None or found.failure.code in problems.ANSWERED_BUT_REFUSED)


class Question(wx.Dialog):  # type: ignore[misc]
    """What to do with unsaved changes: answers ID_SAVE, ID_NO or ID_CANCEL."""

    def __init__(self, parent: wx.Window) -> None:
        super().__init__(parent, title=title())
        text = Paragraph(self, 340, _("Voulez-vous enregistrer les modifications avant de quitter ?"))
        buttons = wx.BoxSizer(wx.HORIZONTAL)
        for identity, label in (
            (wx.ID_SAVE, _("&Enregistrer")),
            (wx.ID_NO, _("&Ne pas enregistrer")),
            (wx.ID_CANCEL, _("&Annuler")),
        ):
            button = wx.Button(self, identity, label)
            button.Bind(wx.EVT_BUTTON, lambda event: self.EndModal(event.GetId()))
            buttons.Add(button, 0, wx.LEFT if identity != wx.ID_SAVE else 0, self.FromDIP(MIDDLE))
            if identity == wx.ID_SAVE:
                button.SetDefault()
                button.SetFocus()
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(text, 0, wx.ALL, self.FromDIP(WIDE))
        column.Add(buttons, 0, wx.ALIGN_RIGHT | wx.LEFT | wx.RIGHT | wx.BOTTOM, self.FromDIP(WIDE))
        self.SetSizerAndFit(column)
        self.CentreOnParent()


class SettingsDialog(wx.Dialog):  # type: ignore[misc]
    """The whole dialog: fields, test, and the two buttons below."""

    def __init__(self, port: SettingsPort) -> None:
        super().__init__(None, title=title(), style=wx.DEFAULT_DIALOG_STYLE | wx.RESIZE_BORDER)
        self.SetIcons(icons("ball"))
        self._port = port
        self._loaded = port.load()
        self._run = 0  # number of the present test: what an earlier one says is ignored
        self._cancelled: threading.Event | None = None

        # one panel for everything, for the same reason that there are no boxes in it
        self._content = wx.ScrolledWindow(self, style=wx.TAB_TRAVERSAL)
        self._content.SetScrollRate(self.FromDIP(16), self.FromDIP(16))
        self._banner = Banner(self._content, LEFT + RIGHT)
        self._fields = Fields(self._content, self._loaded, self._changed, self._grown)
        self._results = Results(self._content, self._grown)
        line = wx.StaticLine(self._content)
        self._message = Paragraph(self._content, LEFT, spoken=True)
        self._save = wx.Button(self._content, wx.ID_SAVE, _("&Enregistrer"))
        self._quit = wx.Button(self._content, wx.ID_CANCEL, _("&Quitter"))

        wide = self.FromDIP(WIDE)
        halves = wx.BoxSizer(wx.HORIZONTAL)
        halves.Add(self._fields.sizer, 0, wx.EXPAND | wx.RIGHT, wide)
        halves.Add(self._results.sizer, 1, wx.EXPAND)
        foot = wx.BoxSizer(wx.HORIZONTAL)
        foot.Add(self._message, 0, wx.ALIGN_CENTRE_VERTICAL)
        foot.AddStretchSpacer()
        foot.Add(self._save, 0, wx.ALIGN_CENTRE_VERTICAL | wx.RIGHT, self.FromDIP(MIDDLE))
        foot.Add(self._quit, 0, wx.ALIGN_CENTRE_VERTICAL)
        column = wx.BoxSizer(wx.VERTICAL)
        column.Add(self._banner, 0, wx.EXPAND | wx.LEFT | wx.RIGHT | wx.TOP, wide)
        column.Add(halves, 1, wx.EXPAND | wx.ALL, wide)
        column.Add(line, 0, wx.EXPAND)
        column.Add(foot, 0, wx.EXPAND | wx.ALL, self.FromDIP(MIDDLE + NARROW))
        self._content.SetSizer(column)

        self._results.button.Bind(wx.EVT_BUTTON, lambda _event: self._test())
        self._save.Bind(wx.EVT_BUTTON, lambda _event: self._on_save())
        self._quit.Bind(wx.EVT_BUTTON, lambda _event: self.Close())
        self.Bind(wx.EVT_CLOSE, self._on_close)
        self.Bind(wx.EVT_DPI_CHANGED, self._on_dpi_changed)
        self.SetEscapeId(wx.ID_CANCEL)

        self._first = self._introduce()
        fit(self, self._content)
        self.CentreOnScreen()

    def begin(self) -> None:
        """Once the window is shown: put the focus where work begins, and do what is slow."""
        self._first.SetFocus()
        threading.Thread(target=self._look_for_key, name="licence-key", daemon=True).start()

    def _introduce(self) -> wx.Window:
        """Say at the top what is unusual; the control where work begins."""
        first = self._fields.authentication.edit
        if self._loaded.assistance:
            self._banner.say(
                _(
                    "Désactivez d'abord le mode assistance : tant qu'il est actif, les paramètres de connexion ne peuvent pas être modifiés."
                )
            )
            self._save.Disable()
            self._quit.SetDefault()
            return self._quit
        self._save.SetDefault()
        if self._loaded.faults:
            self._banner.say("\n".join(_fault(fault) for fault in self._loaded.faults), warning=True)
        elif not self._loaded.effective.settings.licence_number:
            self._banner.say(
                _(
                    "Bienvenue. Pour connecter ce poste, saisissez le numéro et la clé de licence reçus de l'assistance, puis cliquez sur "
                    "« Enregistrer ». Les adresses sont déjà remplies."
                )
            )
            first = self._fields.number.edit
        return first if first.IsEnabled() else self._results.button

    def _look_for_key(self) -> None:
        saved = self._port.key_saved()
        wx.CallAfter(self._show_key, saved)

    def _show_key(self, saved: bool | None) -> None:
        if self:  # the dialog may be closed by now
            self._fields.show_key(saved)

    def _grown(self) -> None:
        self._content.Layout()
        self._content.FitInside()
        self._content.Refresh()

    def _changed(self) -> None:
        self._message.say("")
        self._fields.mark_licence(None)
        self._results.outdate()

    def _read(self) -> Settings | None:
        """The settings typed, or None after the field that cannot be used has been shown."""
        self._fields.tidy()
        try:
            return form.read(self._fields.typed(), self._loaded.effective.settings)
        except form.Complaint as complaint:
            if not self._fields.complain(complaint.field, complaint.sentence):
                self._say(complaint.sentence)
            return None

    def _say(self, sentence: str) -> None:
        self._message.say(sentence)
        self._grown()

    # the test

    def _test(self) -> None:
        if self._cancelled is not None:
            self._cancel()
            self._results.stop(_("Test arrêté"))
            self._mark_all(None)
            return
        values = self._read()
        if values is None:
            return
        key = self._fields.licence_key()
        self._run += 1
        run, cancelled = self._run, threading.Event()
        self._cancelled = cancelled
        self._results.begin(True)
        self._mark_all(Outcome.RUNNING)

        def progress(found: ServerReport) -> None:
            if not cancelled.is_set():
                wx.CallAfter(self._on_progress, run, found)

        def work() -> None:
            reports: tuple[ServerReport, ...] = ()
            try:
                reports = self._port.test(values, key, progress, cancelled)
            finally:
                if not cancelled.is_set():
                    wx.CallAfter(self._on_tested, run, reports)

        threading.Thread(target=work, name="test", daemon=True).start()

    def _cancel(self) -> None:
        """Forget the present test, if any; it is told to stop and not waited for."""
        if self._cancelled is not None:
            self._cancelled.set()
            self._cancelled = None
            self._run += 1

    def _on_progress(self, run: int, found: ServerReport) -> None:
        if self and run == self._run and self._cancelled is not None:
            self._results.progress(found)
            if found.done:
                self._fields.mark(found.server, Outcome.PASSED if is_reached(found) else Outcome.FAILED)

    def _on_tested(self, run: int, reports: tuple[ServerReport, ...]) -> None:
        if not self or run != self._run:
            return
        self._cancelled = None
        if not reports:
            entry = problem(problems.INTERNAL_ERROR)
            self._mark_all(None)
            self._results.stop(f"{_(entry.title)} ({entry.code}). {_(entry.advice)}")
            return
        self._results.end(reports)
        for found in reports:
            self._fields.mark(found.server, Outcome.PASSED if is_reached(found) else Outcome.FAILED)
            for result in found.stages:
                if result.stage is Stage.LICENCE and result.outcome in (Outcome.PASSED, Outcome.FAILED):
                    self._fields.mark_licence(result.outcome)

    def _mark_all(self, outcome: Outcome | None) -> None:
        for server in Server:
            self._fields.mark(server, outcome)
        self._fields.mark_licence(None)

    # saving and leaving

    def _on_save(self) -> bool:
        """Save what is typed; the dialog stays. False where it could not be saved."""
        wanted = self._read()
        if wanted is None:
            return False
        key = self._fields.licence_key()
        changes = form.changes(self._loaded.effective.settings, wanted)
        try:
            with wx.BusyCursor():
                self._port.save(changes, key)
                self._loaded = self._port.load()
        except SaveError as error:
            if not self._fields.complain(error.field, error.sentence):
                self._say(error.sentence)
            return False
        self._fields.show(self._loaded.effective.settings)
        if key is not None:
            self._fields.show_key(True)
        self._banner.say("")
        self._say(_("Paramètres enregistrés."))
        return True

    def _is_unsaved(self) -> bool:
        return not self._loaded.assistance and (
            self._fields.licence_key() is not None
            or form.is_unsaved(self._fields.typed(), self._loaded.effective.settings)
        )

    def _on_close(self, event: wx.CloseEvent) -> None:
        if event.CanVeto() and self._is_unsaved():
            with Question(self) as question:
                answer = question.ShowModal()
            if answer == wx.ID_CANCEL or (answer == wx.ID_SAVE and not self._on_save()):
                event.Veto()
                return
        self._cancel()
        self.Destroy()

    def _on_dpi_changed(self, event: wx.DPIChangedEvent) -> None:
        event.Skip()
        wx.CallAfter(self._rescale)

    def _rescale(self) -> None:
        rewrap(self)
        fit(self, self._content)


def _fault(fault: Fault) -> str:
    """One line on a fault of the settings file."""
    place = _("ligne {line}").format(line=fault.line) if fault.line else _("ligne inconnue")
    return _(
        "Le fichier de paramètres contient une erreur : « {name} », {place}. Attendu : {expected}. Les derniers paramètres valables sont affichés."
    ).format(name=fault.name or _("fichier"), place=place, expected=_(fault.expected))
