"""The settings dialog, « Paramètres de connexion »: mode, addresses, licence, proxy, and the test of both servers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import wx

from iea_agent.domain import problems
from iea_agent.domain.diagnosis import Outcome, Server, ServerReport, Stage
from iea_agent.domain.problems import problem
from iea_agent.domain.settings import Effective, Fault, Settings
from iea_agent.locale import _

from . import form
from .fields import LEFT, Fields
from .frame import MIDDLE, NARROW, WIDE, Banner, Paragraph, application, content, fit, icons, lay_out, rewrap
from .results import RIGHT, Results, is_reached


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


def run_settings(port: SettingsPort, shown: Callable[[], None] = lambda: None, *, test: bool = False) -> None:
    """Show the dialog until it is closed, with the *test* under way from the start if asked; *shown* is called once it can be used."""
    app = application()
    dialog = SettingsDialog(port)
    app.SetTopWindow(dialog)
    dialog.Show()
    dialog.Raise()
    dialog.begin(test=test)
    wx.CallAfter(shown)
    wx.CallAfter(lambda: dialog.SetIcons(icons("ball")))
    app.MainLoop()


HEIGHT = 640
"""Height that leaves room for what is said later, in device-independent pixels, where the screen has it."""


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
        self._port = port
        self._loaded = port.load()
        self._run = 0  # number of the present test: what an earlier one says is ignored
        self._cancelled: threading.Event | None = None

        self._content = content(self, HEIGHT)
        self._banner = Banner(self._content, LEFT + RIGHT)
        self._fields = Fields(
            self._content, self._loaded.effective, not self._loaded.assistance, self._changed, self._grown
        )
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
        fit(self, self._content, HEIGHT)
        self.CentreOnScreen()

    def begin(self, *, test: bool = False) -> None:
        """Once the window is shown: put the focus where work begins, and do what is slow; the *test* too, if asked."""
        self._first.SetFocus()
        if test:
            self._results.button.SetFocus()
            wx.CallAfter(self._test)
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
            self._banner.say("\n".join(_fault(fault) for fault in self._loaded.faults))
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
        lay_out(self, self._content)

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
        self._results.begin()
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
        fit(self, self._content, HEIGHT)


def _fault(fault: Fault) -> str:
    """One line on a fault of the settings file."""
    place = _("ligne {line}").format(line=fault.line) if fault.line else _("ligne inconnue")
    return _(
        "Le fichier de paramètres contient une erreur : « {name} », {place}. Attendu : {expected}. Les derniers paramètres valables sont affichés."
    ).format(name=fault.name or _("fichier"), place=place, expected=_(fault.expected))
